// SPDX-License-Identifier: GPL-2.0
/*
 * What a toolstack does, one call at a time: domains end, get memory, or get other things at their
 * GFNs, without what libxl does before and after.
 *
 *	toolstack destroy DOMID			until Xen has nothing more to do
 *	toolstack populate DOMID GFN COUNT	new pages at these GFNs
 *	toolstack mmio DOMID GFN MFN COUNT	a device's memory at these GFNs
 *	toolstack logdirty DOMID on|off		as a live migration begins and ends
 *	toolstack soft-reset DOMID		of a guest that has shut down for it: it goes on
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

#define HYPERVISOR_memory_op		12
#define HYPERVISOR_domctl		36

#define XENMEM_populate_physmap		6

#define XEN_DOMCTL_destroydomain	2
#define XEN_DOMCTL_pausedomain		3
#define XEN_DOMCTL_unpausedomain	4
#define XEN_DOMCTL_shadow_op		10
#define XEN_DOMCTL_iomem_permission	20
#define XEN_DOMCTL_memory_mapping	39
#define XEN_DOMCTL_soft_reset		79

#define XEN_DOMCTL_SHADOW_OP_OFF	0
#define XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY 2

/* Of Xen 4.17, and more than any Xen to come soon has */
#define FIRST_VERSION			0x15
#define LAST_VERSION			0x20

#define MOST				1024

struct privcmd_hypercall {
	unsigned long long op;
	unsigned long long arg[5];
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

struct domctl {
	unsigned int cmd;
	unsigned int interface_version;
	unsigned short domain;
	unsigned short pad[3];
	union {
		struct {
			unsigned int op;
		} shadow_op;
		struct {
			unsigned long long first_mfn;
			unsigned long long nr_mfns;
			unsigned char allow_access;
		} iomem_permission;
		struct {
			unsigned long long first_gfn;
			unsigned long long first_mfn;
			unsigned long long nr_mfns;
			unsigned int add_mapping;
			unsigned int padding;
		} memory_mapping;
		unsigned char room[128];
	} u;
};

struct reservation {
	unsigned long long *extent_start;
	unsigned long long nr_extents;
	unsigned int extent_order;
	unsigned int mem_flags;
	unsigned short domid;
};

static int privcmd;

static long hypercall(unsigned long long op, unsigned long long a, unsigned long long b)
{
	struct privcmd_hypercall call = { .op = op, .arg = { a, b } };
	long ret = ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);

	return ret < 0 ? -errno : ret;
}

/* The version differs from Xen to Xen; what these operations need of it does not. */
static long domctl(struct domctl *op)
{
	unsigned int version;
	long ret = -EACCES;

	for (version = FIRST_VERSION; ret == -EACCES && version <= LAST_VERSION; version++) {
		op->interface_version = version;
		ret = hypercall(HYPERVISOR_domctl, (uintptr_t)op, 0);
	}
	return ret;
}

static long destroy(unsigned int domid, char **args)
{
	struct domctl op = { .cmd = XEN_DOMCTL_destroydomain, .domain = domid };

	(void)args;
	return domctl(&op);
}

static long populate(unsigned int domid, char **args)
{
	unsigned long long first = strtoull(args[0], NULL, 0);
	unsigned long long i, count = strtoull(args[1], NULL, 0);
	unsigned long long gfns[MOST];
	struct reservation r = { .extent_start = gfns, .nr_extents = count, .domid = domid };
	long done;

	if (count > MOST)
		return -E2BIG;
	for (i = 0; i < count; i++)
		gfns[i] = first + i;
	done = hypercall(HYPERVISOR_memory_op, XENMEM_populate_physmap, (uintptr_t)&r);
	if (done < 0)
		return done;
	return done == (long)count ? 0 : -ENOMEM;
}

static long mmio(unsigned int domid, char **args)
{
	unsigned long long gfn = strtoull(args[0], NULL, 0), mfn = strtoull(args[1], NULL, 0);
	unsigned long long count = strtoull(args[2], NULL, 0);
	struct domctl permit = {
		.cmd = XEN_DOMCTL_iomem_permission, .domain = domid,
		.u.iomem_permission = { .first_mfn = mfn, .nr_mfns = count, .allow_access = 1 },
	};
	struct domctl map = {
		.cmd = XEN_DOMCTL_memory_mapping, .domain = domid,
		.u.memory_mapping = {
			.first_gfn = gfn, .first_mfn = mfn, .nr_mfns = count, .add_mapping = 1,
		},
	};
	long ret = domctl(&permit);

	return ret ? ret : domctl(&map);
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

/* Xen resets a domain only while it is paused. */
static long soft_reset(unsigned int domid, char **args)
{
	struct domctl pause = { .cmd = XEN_DOMCTL_pausedomain, .domain = domid };
	struct domctl reset = { .cmd = XEN_DOMCTL_soft_reset, .domain = domid };
	struct domctl unpause = { .cmd = XEN_DOMCTL_unpausedomain, .domain = domid };
	long ret = domctl(&pause);

	(void)args;
	if (ret)
		return ret;
	ret = domctl(&reset);
	return ret ? ret : domctl(&unpause);
}

static const struct {
	const char *name;
	int args;
	long (*run)(unsigned int domid, char **args);
} commands[] = {
	{ "destroy", 0, destroy },
	{ "populate", 2, populate },
	{ "mmio", 3, mmio },
	{ "logdirty", 1, logdirty },
	{ "soft-reset", 0, soft_reset },
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
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (argc < 3 || strcmp(argv[1], commands[i].name) || argc != 3 + commands[i].args)
			continue;
		ret = commands[i].run(atoi(argv[2]), argv + 3);
		if (ret < 0)
			fprintf(stderr, "toolstack: %s: %s\n", argv[1], strerror(-ret));
		return ret < 0;
	}
	fprintf(stderr, "usage: toolstack destroy|populate|mmio|logdirty|soft-reset DOMID ...\n");
	return 2;
}
