// SPDX-License-Identifier: GPL-2.0
/*
 * igpu: an Intel GPU for QEMU's x-pci-proxy-dev (multi-process QEMU), and a judge of how it is
 * used.
 *
 *   igpu [OPTION...] -- qemu-system-x86_64 -device x-pci-proxy-dev,fd=9,addr=2 ...
 *     -d DEVICE   skl (Skylake GT2, the default) or bdw (Broadwell GT2)
 *     -g GGMS     log2 of the MiB of GGTT entries: 1 (1 GiB of GGTT), 2 or 3 (4 GiB, the default)
 *     -l LOG      events, violations and, at the end, counters go there
 *     -v          and every access to a register
 *     -m MONITOR  socket of a monitor (HMP) that nobody else uses: DMA goes through the machine's
 *                 AMD IOMMU
 *     -i SOCKET   socket of a pci-serial card's character device: the card's INTx line is the GPU's
 *
 * The machine's RAM has to be a shared file (-object memory-backend-memfd,share=on), one CPU may
 * use the GPU, and the proxy comes before other devices, or one of these has slot 2. The exit
 * status is QEMU's.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu_device.h"
#include "iommu.h"
#include "irq.h"
#include "judge.h"
#include "log.h"
#include "monitor.h"
#include "proxy.h"

#define QEMU_FD		9
#define USAGE_ERROR	2
#define NO_COMMAND	127

struct options {
	const struct device *device;
	unsigned int ggms;
	const char *log;
	bool verbose;
};

static void print_usage(void)
{
	const struct device *d;
	unsigned int i;

	fprintf(stderr, "usage: igpu [-d DEVICE] [-g 1..3] [-l LOG] [-v] [-m MONITOR]");
	fprintf(stderr, " [-i SOCKET] -- qemu-system-x86_64 -device x-pci-proxy-dev,fd=%d,addr=2\n",
		QEMU_FD);
	for (i = 0; (d = device_get(i)); i++)
		fprintf(stderr, "DEVICE %s: %s\n", d->name, d->what);
}

static bool set_device(struct options *o, const char *name)
{
	o->device = device_find(name);
	if (!o->device)
		fprintf(stderr, "igpu: there is no device %s\n", name);
	return o->device;
}

static bool set_ggms(struct options *o, const char *text)
{
	if (strlen(text) != 1 || *text < '1' || *text > '3') {
		fprintf(stderr, "igpu: -g %s: has to be 1, 2 or 3\n", text);
		return false;
	}
	o->ggms = *text - '0';
	return true;
}

static bool set_monitor(const char *path)
{
	monitor_use(path);
	iommu_use(monitor_read);
	return true;
}

static bool set_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'd':
		return set_device(o, value);
	case 'g':
		return set_ggms(o, value);
	case 'l':
		o->log = value;
		return true;
	case 'v':
		o->verbose = true;
		return true;
	case 'm':
		return set_monitor(value);
	case 'i':
		irq_use(value);
		return true;
	default:
		return false;
	}
}

static bool parse(int argc, char **argv, struct options *o)
{
	int option;

	*o = (struct options){ .device = device_get(0), .ggms = 3 };
	while ((option = getopt(argc, argv, "+d:g:l:vm:i:")) != -1)
		if (!set_option(o, option, optarg))
			return false;
	if (optind == argc)
		return false;
	if (o->log && !log_open(o->log, o->verbose)) {
		fprintf(stderr, "igpu: cannot write the log %s: %s\n", o->log, strerror(errno));
		return false;
	}
	return true;
}

static void become_qemu(int fd, char **command)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (fd != QEMU_FD && (dup2(fd, QEMU_FD) < 0 || close(fd)))
		perror("igpu: descriptor for QEMU");
	execvp(command[0], command);
	fprintf(stderr, "igpu: cannot run %s: %s\n", command[0], strerror(errno));
	_exit(NO_COMMAND);
}

static int status_of(pid_t qemu)
{
	int status;

	if (waitpid(qemu, &status, 0) < 0)
		return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Returns the descriptor of the connection to QEMU, or -1. */
static int start_qemu(char **command, pid_t *qemu)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) {
		perror("igpu: socketpair");
		return -1;
	}
	*qemu = fork();
	if (!*qemu) {
		close(pair[0]);
		become_qemu(pair[1], command);
	}
	close(pair[1]);
	if (*qemu > 0)
		return pair[0];
	perror("igpu: fork");
	close(pair[0]);
	return -1;
}

/* The terminal's signals are for QEMU; whatever happens to it, counters are logged. */
static int run(char **command)
{
	pid_t qemu;
	int fd, ret;
	bool good;

	fd = start_qemu(command, &qemu);
	if (fd < 0)
		return EXIT_FAILURE;
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	good = proxy_serve(fd);
	close(fd);
	if (!good) {
		fprintf(stderr, "igpu: this QEMU speaks another protocol than 7.2 and 10.0 do\n");
		kill(qemu, SIGTERM);
	}
	ret = status_of(qemu);
	judge_summary();
	return good ? ret : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options options;

	if (!parse(argc, argv, &options)) {
		print_usage();
		return USAGE_ERROR;
	}
	gpu_device_init(options.device, options.ggms);
	return run(argv + optind);
}
