// SPDX-License-Identifier: GPL-2.0
/*
 * pcibus DOMID BAR0 BAR2: gives a PVH guest, paused before its first instruction, a PCI bus with an
 * Intel GPU on it, whose BARs are at these guest-physical addresses. It says "ready", and serves
 * the guest until that ends.
 *
 * The GTT in BAR 0, and PVINFO, are not served here: a virtual GPU is, if it is enabled afterwards.
 *
 * Exit status: 0 the guest has ended, 1 it could not be served, 2 not understood.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "../devmap/xen.h"
#include "pcibus.h"

static void wake(int signal)
{
	(void)signal;
}

/* A signal ends the wait for requests, and with it the program; it waits until there is one. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = wake };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

int main(int argc, char **argv)
{
	uint64_t bar0, bar2;
	bool started;

	if (argc != 4) {
		fprintf(stderr, "usage: pcibus DOMID BAR0 BAR2\n");
		return 2;
	}
	bar0 = strtoull(argv[2], NULL, 0);
	bar2 = strtoull(argv[3], NULL, 0);
	if (!bar0 || bar0 % BAR0_SIZE || !bar2 || bar2 % BAR2_SIZE) {
		fputs("pcibus: BAR0 and BAR2 have to be multiples of 16 and of 256 MiB\n", stderr);
		return 2;
	}
	xen_open(true);
	catch_signals();
	config_init(bar0, bar2);
	request_init(bar0);
	started = ioreq_start(strtoul(argv[1], NULL, 0), bar0);
	if (started) {
		puts("ready");
		fflush(stdout);
		ioreq_serve();
	}
	ioreq_stop();
	return !started;
}
