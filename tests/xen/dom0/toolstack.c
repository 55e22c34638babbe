// SPDX-License-Identifier: GPL-2.0
/*
 * What a toolstack does, one call at a time, without what libxl does before and after.
 *
 *	toolstack logdirty DOMID on|off		as a live migration begins and ends
 *
 * Exit status: 0 done, 1 Xen refused (it says with which error), 2 not understood.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define HYPERVISOR_domctl		36

#define XEN_DOMCTL_shadow_op		10

#define XEN_DOMCTL_SHADOW_OP_OFF	0
#define XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY 2

/* Of Xen 4.17, and more than any Xen to come soon has */
#define FIRST_VERSION			0x15
#define LAST_VERSION			0x20

struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};

#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

struct domctl {
	uint32_t cmd;
	uint32_t interface_version;
	uint16_t domain;
	uint16_t pad[3];
	union {
		struct {
			uint32_t op;
		} shadow_op;
		uint8_t room[128];
	} u;
};

static int privcmd;

static long hypercall(uint64_t op, uint64_t a, uint64_t b)
{
	struct privcmd_hypercall call = { .op = op, .arg = { a, b } };
	long ret = ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);

	return ret < 0 ? -errno : ret;
}

/* The version differs from Xen to Xen; what these operations need of it does not. */
static long domctl(struct domctl *op)
{
	uint32_t version;
	long ret = -EACCES;

	for (version = FIRST_VERSION; ret == -EACCES && version <= LAST_VERSION; version++) {
		op->interface_version = version;
		ret = hypercall(HYPERVISOR_domctl, (uintptr_t)op, 0);
	}
	return ret;
}

static long logdirty(unsigned int domid, char **args)
{
	struct domctl op = {
		.cmd = XEN_DOMCTL_shadow_op, .domain = domid,
		.u.shadow_op.op = strcmp(args[0], "on") ? XEN_DOMCTL_SHADOW_OP_OFF :
							  XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY,
	};

	return domctl(&op);
}

static const struct {
	const char *name;
	int args;
	long (*run)(unsigned int domid, char **args);
} commands[] = {
	{ "logdirty", 1, logdirty },
};

int main(int argc, char **argv)
{
	unsigned int i;
	long ret;

	privcmd = open("/dev/xen/privcmd", O_RDWR);
	if (privcmd < 0 || mlockall(MCL_CURRENT | MCL_FUTURE)) {
		perror("toolstack: /dev/xen/privcmd");
		return 1;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (argc < 3 || strcmp(argv[1], commands[i].name) || argc != 3 + commands[i].args)
			continue;
		ret = commands[i].run(atoi(argv[2]), argv + 3);
		if (ret < 0)
			fprintf(stderr, "toolstack: %s: %s\n", argv[1], strerror(-ret));
		return ret < 0;
	}
	fprintf(stderr, "usage: toolstack logdirty DOMID ...\n");
	return 2;
}
