// SPDX-License-Identifier: GPL-2.0
/*
 * Device model operations on ioreq servers, as calls.
 *
 * Source: Xen's public/hvm/dm_op.h and public/hvm/hvm_op.h (HVMOP_get_mem_type). Locking: none.
 */

#include <linux/types.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/dm_op.h>
#include <xen/interface/hvm/hvm_op.h>
#include <xen/interface/hvm/ioreq_server.h>
#include <asm/xen/hypercall.h>

#include "dm_op.h"

static int dm_op(domid_t domid, struct xen_dm_op *op)
{
	struct xen_dm_op_buf buf = { .size = sizeof(*op) };

	set_xen_guest_handle(buf.h, (void *)op);
	return HYPERVISOR_dm_op(domid, 1, &buf);
}

/* A server without buffered ioreqs. */
int xengt_dm_create_server(domid_t domid, u16 *id)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_create_ioreq_server,
		.u.create_ioreq_server.handle_bufioreq = HVM_IOREQSRV_BUFIOREQ_OFF,
	};
	int rc = dm_op(domid, &op);

	if (!rc)
		*id = op.u.create_ioreq_server.id;
	return rc;
}

int xengt_dm_destroy_server(domid_t domid, u16 id)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_destroy_ioreq_server,
		.u.destroy_ioreq_server.id = id,
	};

	return dm_op(domid, &op);
}

/* Accesses to guest-physical addresses from start to end, inclusive, go to the server. */
int xengt_dm_map_range(domid_t domid, u16 id, u64 start, u64 end)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_map_io_range_to_ioreq_server,
		.u.map_io_range_to_ioreq_server = {
			.id = id,
			.type = XEN_DMOP_IO_RANGE_MEMORY,
			.start = start,
			.end = end,
		},
	};

	return dm_op(domid, &op);
}

int xengt_dm_set_state(domid_t domid, u16 id, bool enabled)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_ioreq_server_state,
		.u.set_ioreq_server_state = { .id = id, .enabled = enabled },
	};

	return dm_op(domid, &op);
}

/**
 * xengt_dm_claim_writes - have a server told of writes to trapped pages, or of none any more
 * @domid: the guest
 * @id: the server, which stays the only one of the guest's
 * @claim: true: the server gets them; false: it does not, and Xen makes the pages that are trapped
 *	plain RAM
 *
 * A claim traps no page yet: see xengt_dm_set_write_trap(). Reads of trapped pages stay native.
 *
 * A server that claims is to give the claim back before it is disabled or destroyed: Xen sends
 * writes to a disabled server too, and where the server is gone a vCPU writes again and again,
 * until the page is plain RAM.
 *
 * Context: process context; giving back walks the guest's memory map if pages are trapped.
 * Return: 0; -EBUSY: another server, or this one, has the claim, or trapped pages of a server that
 * is gone are left; -EINVAL: the server to give back has no claim; -ENOENT: no such server;
 * -EOPNOTSUPP: the guest runs without HAP (hardware-assisted paging).
 */
int xengt_dm_claim_writes(domid_t domid, u16 id, bool claim)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_map_mem_type_to_ioreq_server,
		.u.map_mem_type_to_ioreq_server = {
			.id = id,
			.type = XEN_HVMMEM_ioreq_server,
			.flags = claim ? XEN_DMOP_IOREQ_MEM_ACCESS_WRITE : 0,
		},
	};

	return dm_op(domid, &op);
}

/**
 * xengt_dm_set_write_trap - send the guest's writes to pages to the server, or leave them alone
 * @domid: the guest, whose writes a server has claimed
 * @gfn: the first page
 * @n: how many pages, from that one on
 * @trap: true: a write becomes an IOREQ_TYPE_COPY, and the server does the store itself; false:
 *	the pages are plain RAM
 *
 * A request that was sent while the page was trapped comes also after it no longer is. A page that
 * leaves the guest's memory map takes its trap along: what comes to the GFN later is plain RAM.
 * Xen's own stores to a trapped page, for instance a hypercall's answers, fail.
 *
 * Context: process context.
 * Return: 0, also if there was no trap to take away; or what Xen says of the first page that it
 * cannot do, when those before it are done: -EINVAL: there is no page, it is not plain
 * RAM, it is trapped already, or no server has claimed writes; -EAGAIN: the page is paged out or
 * shared, and comes back; -EOPNOTSUPP: the guest runs without HAP (hardware-assisted paging).
 */
int xengt_dm_set_write_trap(domid_t domid, u64 gfn, unsigned int n, bool trap)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_mem_type,
		.u.set_mem_type = {
			.nr = n,
			.mem_type = trap ? XEN_HVMMEM_ioreq_server : XEN_HVMMEM_ram_rw,
			.first_pfn = gfn,
		},
	};

	return dm_op(domid, &op);
}

/**
 * xengt_dm_set_hole - say that nothing is where nothing is
 * @domid: the guest
 * @gfn: the first GFN, at none of which there is RAM (which would be lost), and none is beyond the
 *	highest that the guest ever had
 * @n: how many
 *
 * So changes nothing; but Xen does it for holes only.
 *
 * Context: process context.
 * Return: 0; -EINVAL: there is something at one of them, those before it were holes; or another
 * error of Xen's.
 */
int xengt_dm_set_hole(domid_t domid, u64 gfn, unsigned int n)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_mem_type,
		.u.set_mem_type = {
			.nr = n,
			.mem_type = HVMMEM_mmio_dm,
			.first_pfn = gfn,
		},
	};

	return dm_op(domid, &op);
}

/**
 * xengt_dm_get_mem_type - what is at a GFN
 * @domid: the guest
 * @gfn: the GFN
 *
 * A page of another domain's is shown as RAM if the guest has it by a grant, and as nothing
 * (HVMMEM_mmio_dm) otherwise, as a device's registers are.
 *
 * Context: process context.
 * Return: a type of memory, XEN_HVMMEM_* or HVMMEM_*, or an error of Xen's.
 */
int xengt_dm_get_mem_type(domid_t domid, u64 gfn)
{
	struct xen_hvm_get_mem_type op = { .domid = domid, .pfn = gfn };

	return HYPERVISOR_hvm_op(HVMOP_get_mem_type, &op) ?: op.mem_type;
}

/**
 * xengt_dm_is_write_trapped - is a page still the one whose writes were trapped
 * @domid: the guest
 * @gfn: the page
 *
 * The trap is part of the page's place in the guest's memory map: if the page left that, and
 * another one came, this is not trapped.
 *
 * Context: process context.
 * Return: whether it is; false also if Xen does not say.
 */
bool xengt_dm_is_write_trapped(domid_t domid, u64 gfn)
{
	return xengt_dm_get_mem_type(domid, gfn) == XEN_HVMMEM_ioreq_server;
}
