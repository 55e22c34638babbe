// SPDX-License-Identifier: GPL-2.0
/*
 * The calls; see target_op.h. Source: Xen's public/domctl.h with the patches of xen/, and Linux's
 * xen/privcmd.h. What Xen is given has to be in memory that stays there, so all memory is locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "target_op.h"

#define HYPERVISOR_domctl	36

#define XEN_DOMCTL_set_target	46
#define XEN_DOMCTL_target_op	95
#define  TARGET_OP_ADD		0
#define  TARGET_OP_REMOVE	1
#define  TARGET_OP_LIST		2

/* Of Xen 4.17, and more than any Xen to come soon has */
#define FIRST_VERSION		0x15
#define LAST_VERSION		0x20

struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};

#define IOCTL_PRIVCMD_HYPERCALL	_IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

struct domctl {
	uint32_t cmd;
	uint32_t interface_version;
	uint16_t domain;
	uint16_t pad[3];
	union {
		uint16_t set_target;
		struct {
			uint32_t op;
			uint32_t nr;
			uint16_t target;
			uint16_t pad[3];
			uint16_t *targets;
		} target_op;
		uint8_t room[128];
	} u;
};

static int privcmd = -1;

int target_op_open(void)
{
	privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (privcmd < 0 || mlockall(MCL_CURRENT | MCL_FUTURE))
		return -errno;
	return 0;
}

static long call(struct domctl *op)
{
	struct privcmd_hypercall call = { .op = HYPERVISOR_domctl, .arg = { (uintptr_t)op } };

	return ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &call) < 0 ? -errno : 0;
}

/* The version differs from Xen to Xen; what these operations need of it does not. */
static long domctl(struct domctl *op)
{
	static uint32_t version = FIRST_VERSION;
	long ret;

	op->interface_version = version;
	ret = call(op);
	while (ret == -EACCES && version < LAST_VERSION) {
		op->interface_version = ++version;
		ret = call(op);
	}
	return ret;
}

long set_target(unsigned int domid, unsigned int target)
{
	struct domctl op = {
		.cmd = XEN_DOMCTL_set_target, .domain = domid, .u.set_target = target,
	};

	return domctl(&op);
}

static long target_op(unsigned int domid, unsigned int target, unsigned int what)
{
	struct domctl op = {
		.cmd = XEN_DOMCTL_target_op, .domain = domid,
		.u.target_op = { .op = what, .target = target },
	};

	return domctl(&op);
}

long add_target(unsigned int domid, unsigned int target)
{
	return target_op(domid, target, TARGET_OP_ADD);
}

long remove_target(unsigned int domid, unsigned int target)
{
	return target_op(domid, target, TARGET_OP_REMOVE);
}

long list_targets(unsigned int domid, uint16_t *targets, unsigned int n)
{
	struct domctl op = {
		.cmd = XEN_DOMCTL_target_op, .domain = domid,
		.u.target_op = { .op = TARGET_OP_LIST, .nr = n, .targets = targets },
	};
	long ret = domctl(&op);

	return ret ? ret : op.u.target_op.nr;
}
