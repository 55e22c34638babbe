// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls from a program. See Xen's public/xen.h, memory.h, hvm/dm_op.h and hvm/hvm_op.h,
 * and Linux's xen/privcmd.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen.h"

#define HYPERVISOR_memory_op		12
#define HYPERVISOR_hvm_op		34
#define HYPERVISOR_dm_op		41

#define XENMEM_decrease_reservation	1
#define XENMEM_current_reservation	3
#define XENMEM_populate_physmap		6
#define XENMEM_add_to_physmap		7

#define HVMOP_get_param			1
#define XEN_DMOP_create_ioreq_server	1
#define XEN_DMOP_destroy_ioreq_server	6
#define XEN_DMOP_set_mem_type		12
#define XEN_DMOP_map_mem_type_to_ioreq_server 15

#define HVMMEM_ioreq_server		4
#define XEN_DMOP_IOREQ_MEM_ACCESS_WRITE	2

struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};

struct privcmd_mmapbatch_v2 {
	unsigned int num;
	uint16_t dom;
	uint64_t addr;
	const uint64_t *arr;
	int *err;
};

struct privcmd_dm_op {
	uint16_t dom;
	uint16_t num;
	const struct xen_dm_op_buf *ubufs;
};

#define IOCTL_PRIVCMD_DM_OP	_IOC(_IOC_NONE, 'P', 5, sizeof(struct privcmd_dm_op))
#define IOCTL_PRIVCMD_HYPERCALL	_IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))
#define IOCTL_PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mmapbatch_v2))

struct dm_op {
	uint32_t op;
	uint32_t pad;
	union {
		struct xen_dm_op_dev_map dev_map;
		struct xen_dm_op_dev_info dev_info;
		struct {
			uint32_t nr;
			uint16_t mem_type;
			uint16_t pad;
			uint64_t first_pfn;
		} set_mem_type;
		struct {
			uint32_t bufioreq_and_pad;
			uint16_t id;
		} create_ioreq_server;
		struct {
			uint16_t id;
			uint16_t type;
			uint32_t flags;
			uint64_t opaque;
		} map_mem_type_to_ioreq_server;
		struct {
			uint16_t id;
			uint16_t pad;
		} destroy_ioreq_server;
	} u;
};

struct reservation {
	uint64_t *extent_start;
	unsigned long nr_extents;
	uint32_t extent_order;
	uint32_t mem_flags;
	uint16_t domid;
};

struct add_to_physmap {
	uint16_t domid;
	uint16_t size;
	uint32_t space;
	unsigned long idx;
	uint64_t gpfn;
};

struct hvm_param {
	uint16_t domid;
	uint16_t pad;
	uint32_t index;
	uint64_t value;
};

static int privcmd;
static bool restricted;

static long hypercall(uint64_t op, uint64_t a, uint64_t b, uint64_t c)
{
	struct privcmd_hypercall call = { .op = op, .arg = { a, b, c } };
	long ret = ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);

	return ret < 0 ? -errno : ret;
}

void xen_open(bool device_model)
{
	restricted = device_model;
	privcmd = open("/dev/xen/privcmd", O_RDWR);
	if (privcmd < 0 || mlockall(MCL_CURRENT | MCL_FUTURE)) {
		perror("devmap: /dev/xen/privcmd");
		exit(1);
	}
}

long xen_dm_op(unsigned int domid, unsigned int nr_bufs, struct xen_dm_op_buf *bufs)
{
	struct privcmd_dm_op args = { .dom = domid, .num = nr_bufs, .ubufs = bufs };

	if (restricted)
		return ioctl(privcmd, IOCTL_PRIVCMD_DM_OP, &args) < 0 ? -errno : 0;
	return hypercall(HYPERVISOR_dm_op, domid, nr_bufs, (uintptr_t)bufs);
}

static long simple_dm_op(unsigned int domid, struct dm_op *op)
{
	struct xen_dm_op_buf buf = { op, sizeof(*op) };

	return xen_dm_op(domid, 1, &buf);
}

long xen_dev_entries(unsigned int domid, unsigned int op, struct xen_dm_op_dev_map_entry *entries,
		     unsigned int n)
{
	struct dm_op args = { .op = op, .u.dev_map.nr_entries = n };
	struct xen_dm_op_buf bufs[] = {
		{ &args, sizeof(args) }, { entries, n * sizeof(*entries) },
	};

	return xen_dm_op(domid, 2, bufs);
}

long xen_dev_info(unsigned int domid, struct xen_dm_op_dev_info *info)
{
	struct dm_op args = { .op = XEN_DMOP_dev_info };
	long ret = simple_dm_op(domid, &args);

	*info = args.u.dev_info;
	return ret;
}

long xen_set_mem_type(unsigned int domid, uint64_t gfn, unsigned int type)
{
	struct dm_op args = {
		.op = XEN_DMOP_set_mem_type,
		.u.set_mem_type = { .nr = 1, .mem_type = type, .first_pfn = gfn },
	};

	return simple_dm_op(domid, &args);
}

static long claim_writes(unsigned int domid, uint16_t server, uint32_t access)
{
	struct dm_op args = {
		.op = XEN_DMOP_map_mem_type_to_ioreq_server,
		.u.map_mem_type_to_ioreq_server = {
			.id = server, .type = HVMMEM_ioreq_server, .flags = access,
		},
	};

	return simple_dm_op(domid, &args);
}

/* A new ioreq server, which gets the writes to pages of the type HVMMEM_ioreq_server */
long xen_claim_writes(unsigned int domid, uint16_t *server)
{
	struct dm_op args = { .op = XEN_DMOP_create_ioreq_server };
	long ret = simple_dm_op(domid, &args);

	*server = args.u.create_ioreq_server.id;
	return ret ? ret : claim_writes(domid, *server, XEN_DMOP_IOREQ_MEM_ACCESS_WRITE);
}

long xen_end_claim(unsigned int domid, uint16_t server)
{
	struct dm_op args = {
		.op = XEN_DMOP_destroy_ioreq_server, .u.destroy_ioreq_server.id = server,
	};
	long ret = claim_writes(domid, server, 0);

	return ret ? ret : simple_dm_op(domid, &args);
}

long xen_pages(unsigned int domid)
{
	volatile uint16_t id = domid;

	return hypercall(HYPERVISOR_memory_op, XENMEM_current_reservation, (uintptr_t)&id, 0);
}

static long reservation(unsigned int op, unsigned int domid, uint64_t gfn)
{
	volatile uint64_t extent = gfn;
	struct reservation args = {
		.extent_start = (uint64_t *)&extent, .nr_extents = 1, .domid = domid,
	};
	long ret = hypercall(HYPERVISOR_memory_op, op, (uintptr_t)&args, 0);

	return ret == 1 ? 0 : ret < 0 ? ret : -ENOMEM;
}

long xen_take_page(unsigned int domid, uint64_t gfn)
{
	return reservation(XENMEM_decrease_reservation, domid, gfn);
}

long xen_give_page(unsigned int domid, uint64_t gfn)
{
	return reservation(XENMEM_populate_physmap, domid, gfn);
}

long xen_place_shared_info(unsigned int domid, uint64_t gfn)
{
	struct add_to_physmap args = { .domid = domid, .gpfn = gfn };

	return hypercall(HYPERVISOR_memory_op, XENMEM_add_to_physmap, (uintptr_t)&args, 0);
}

long xen_hvm_param(unsigned int domid, unsigned int index, uint64_t *value)
{
	volatile struct hvm_param args = { .domid = domid, .index = index };
	long ret = hypercall(HYPERVISOR_hvm_op, HVMOP_get_param, (uintptr_t)&args, 0);

	*value = args.value;
	return ret;
}

void *xen_map_page(unsigned int domid, uint64_t gfn)
{
	struct privcmd_mmapbatch_v2 args = { .num = 1, .dom = domid, .arr = &gfn };
	void *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, privcmd, 0);
	int err = 0;

	if (page == MAP_FAILED)
		return NULL;
	args.addr = (uintptr_t)page;
	args.err = &err;
	if (!ioctl(privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &args) && !err)
		return page;
	munmap(page, PAGE_SIZE);
	return NULL;
}

void xen_unmap_page(void *page)
{
	munmap(page, PAGE_SIZE);
}
