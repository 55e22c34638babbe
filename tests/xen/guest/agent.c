// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's init: sets the system up, then answers commands from the console: "@ID NAME ARG..."
 * gets "@ID ok ..." or "@ID fail ...".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>
#include "agent.h"

#define MAX_ARGS 16

static char text[2048];
static int console;

bool answer(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return true;
}

bool refuse(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return false;
}

uint64_t number(const char *s)
{
	return strtoull(s, NULL, 0);
}

/* splitmix64 */
uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static bool cmd_ping(char **args, int n)
{
	(void)args;
	(void)n;
	return answer("pong %u", (unsigned int)sysconf(_SC_NPROCESSORS_ONLN));
}

static const struct command own_commands[] = {
	{ "ping", 0, cmd_ping },
	{ }
};

static const struct command *find(const char *name)
{
	static const struct command * const all[] = {
		own_commands, page_commands, bar0_commands, gtt_commands, ppgtt_commands,
		storm_commands, workload_commands,
	};
	const struct command *c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (c = all[i]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

static bool run(char *line)
{
	const struct command *c;
	char *args[MAX_ARGS], *word, *rest = line;
	int n = 0;

	text[0] = 0;
	while (n < MAX_ARGS && (word = strsep(&rest, " ")))
		if (*word)
			args[n++] = word;
	if (!n)
		return refuse("no command");
	c = find(args[0]);
	if (!c)
		return refuse("no such command: %s", args[0]);
	if (n - 1 < c->args)
		return refuse("%s needs %d arguments", c->name, c->args);
	return c->run(args + 1, n - 1);
}

static void serve(char *line)
{
	char id[24], reply[sizeof(text) + 64];
	bool good;
	int n;

	if (line[0] != '@' || sscanf(line, "%20s %n", id, &n) != 1)
		return;
	good = run(line + n);
	n = snprintf(reply, sizeof(reply), "\n%s %s %s\n", id, good ? "ok" : "fail", text);
	if (write(console, reply, n) != n)
		perror("agent: console");
}

static void load_module(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0))
		fprintf(stderr, "agent: %s: %s\n", path, strerror(errno));
	close(fd);
}

void write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "agent: %s: %s\n", path, strerror(errno));
	close(fd);
}

static void set_up(void)
{
	struct termios t;

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	console = open("/dev/hvc0", O_RDWR);
	dup2(console, 1);
	dup2(console, 2);
	if (!tcgetattr(console, &t)) {
		cfmakeraw(&t);
		tcsetattr(console, TCSANOW, &t);
	}
	/* A guest may make only those hypercalls by itself that it asks for with this. */
	load_module("/mod/xen-privcmd.ko", "unrestricted=1");
	/* Page frames that a GTT entry holds must stay where they are. */
	write_file("/proc/sys/vm/compact_unevictable_allowed", "0");
}

int main(void)
{
	static char line[4096];
	size_t used = 0;
	char c;

	set_up();
	for (;;) {
		if (read(console, &c, 1) != 1) {
			usleep(10000);
			continue;
		}
		if (c == '\n' || c == '\r') {
			line[used] = 0;
			serve(line);
			used = 0;
		} else if (used < sizeof(line) - 1) {
			line[used++] = c;
		}
	}
}
