// SPDX-License-Identifier: GPL-2.0
/*
 * Xen's device model operations (dm_op) as C functions: ioreq servers, the memory types of a
 * guest's pages, and interrupts.
 *
 * Invariants: none, as nothing is kept here. Each function is one hypercall and returns what Xen
 * says; dm_op.h lists the common errors.
 *
 * Source: Xen's public/hvm/dm_op.h and public/hvm/hvm_op.h (HVMOP_get_mem_type). Locking: none.
 */

#include <linux/types.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/dm_op.h>
#include <xen/interface/hvm/hvm_op.h>
#include <xen/interface/hvm/ioreq_server.h>
#include <asm/xen/hypercall.h>

#include "xen/dm_op.h"
#include "xen/error.h"

static int dm_op(domid_t domid, struct xen_dm_op *op)
{
	struct xen_dm_op_buf buf = { .size = sizeof(*op) };

	set_xen_guest_handle(buf.h, (void *)op);
	return xengt_xen_error(HYPERVISOR_dm_op(domid, 1, &buf));
}

/**
 * xengt_dm_create_server - create an ioreq server without buffered ioreqs
 * @domid: the guest
 * @id: receives Xen's ID of the server
 *
 * Context: process context.
 * Return: 0 or an error of Xen's, when @id is not written.
 */
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

/**
 * xengt_dm_destroy_server - destroy an ioreq server
 * @domid: the guest
 * @id: the server
 *
 * Context: process context.
 * Return: 0 or an error of Xen's.
 */
int xengt_dm_destroy_server(domid_t domid, u16 id)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_destroy_ioreq_server,
		.u.destroy_ioreq_server.id = id,
	};

	return dm_op(domid, &op);
}

/**
 * xengt_dm_map_range - send the guest's accesses to a range of addresses to a server
 * @domid: the guest
 * @id: the server
 * @start: the first guest-physical address, in bytes
 * @end: the last one, inclusive
 *
 * Context: process context.
 * Return: 0 or an error of Xen's.
 */
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

/**
 * xengt_dm_unmap_range - do not send the accesses to a range of addresses to a server any more
 * @domid: the guest
 * @id: the server
 * @start: the first guest-physical address, in bytes
 * @end: the last one, inclusive; all were mapped
 *
 * A request that was sent before still comes.
 *
 * Context: process context.
 * Return: 0 or an error of Xen's.
 */
int xengt_dm_unmap_range(domid_t domid, u16 id, u64 start, u64 end)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_unmap_io_range_from_ioreq_server,
		.u.unmap_io_range_from_ioreq_server = {
			.id = id,
			.type = XEN_DMOP_IO_RANGE_MEMORY,
			.start = start,
			.end = end,
		},
	};

	return dm_op(domid, &op);
}

/**
 * xengt_dm_map_function - send the guest's accesses to a configuration space to a server
 * @domid: the guest
 * @id: the server
 * @devfn: device and function on bus 0 of segment 0
 *
 * Context: process context.
 * Return: 0 or an error of Xen's.
 */
int xengt_dm_map_function(domid_t domid, u16 id, u8 devfn)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_map_io_range_to_ioreq_server,
		.u.map_io_range_to_ioreq_server = {
			.id = id,
			.type = XEN_DMOP_IO_RANGE_PCI,
			.start = devfn,
			.end = devfn,
		},
	};

	return dm_op(domid, &op);
}

/**
 * xengt_dm_set_state - enable or disable an ioreq server
 * @domid: the guest
 * @id: the server
 * @enabled: the new state, which may be the present one
 *
 * Xen pauses the guest while it sets the state, also if that does not change.
 *
 * Context: process context.
 * Return: 0 or an error of Xen's.
 */
int xengt_dm_set_state(domid_t domid, u16 id, bool enabled)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_ioreq_server_state,
		.u.set_ioreq_server_state = { .id = id, .enabled = enabled },
	};

	return dm_op(domid, &op);
}

/**
 * xengt_dm_claim_writes - claim writes to write-protected pages for a server, or drop the claim
 * @domid: the guest
 * @id: the server; only one server of a guest can have the claim
 * @claim: true: the server gets the writes; false: it gets none any more, and Xen makes all
 *	write-protected pages plain RAM
 *
 * A claim does not write-protect any page: xengt_dm_set_write_protect() does. The guest reads
 * write-protected pages without a trap.
 *
 * The claim must be dropped before the server is disabled or destroyed. Xen sends writes to a
 * disabled server, too. If the server is gone, a vCPU repeats its write until the page is plain
 * RAM.
 *
 * Context: process context; dropping the claim walks the guest's memory map if there are
 * write-protected pages.
 * Return: 0; -EBUSY: this server or another one has the claim already, or there are still pages
 * that a destroyed server had write-protected; -EINVAL: the claim to drop is not this server's;
 * -ENOENT: no such server; -EOPNOTSUPP: the guest runs without HAP (hardware-assisted paging).
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
 * xengt_dm_set_write_protect - write-protect or unprotect pages of a guest
 * @domid: the guest, whose writes a server has claimed
 * @gfn: the first page, a GFN
 * @n: number of pages, in GFNs
 * @protect: true: a write becomes an IOREQ_TYPE_COPY, and the server does the store itself; false:
 *	the pages become plain RAM
 *
 * A request that was sent while the page was protected can arrive after it was unprotected. The
 * protection leaves the guest's memory map together with the page: the next page at the GFN is
 * plain RAM. Stores of Xen's own to a protected page fail, for instance those of a hypercall's
 * results.
 *
 * Xen stops at the first page that it cannot change. The pages before it are changed.
 *
 * Context: process context.
 * Return: 0, also if a page to unprotect was not protected; or Xen's error for the first page that
 * it cannot change: -EINVAL: there is no page, it is not plain RAM, it is protected already, or no
 * server has claimed writes; -EAGAIN: the page is paged out or shared, try again later;
 * -EOPNOTSUPP: the guest runs without HAP (hardware-assisted paging).
 */
int xengt_dm_set_write_protect(domid_t domid, u64 gfn, unsigned int n, bool protect)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_mem_type,
		.u.set_mem_type = {
			.nr = n,
			.mem_type = protect ? XEN_HVMMEM_ioreq_server : XEN_HVMMEM_ram_rw,
			.first_pfn = gfn,
		},
	};

	return dm_op(domid, &op);
}

/**
 * xengt_dm_set_hole - probe for holes: mark GFNs without a page as holes
 * @domid: the guest
 * @gfn: the first GFN
 * @n: number of GFNs
 *
 * Changes nothing if all GFNs are holes. Xen refuses a GFN with anything but a hole or RAM. So the
 * call finds out whether GFNs without RAM are holes. It must not be used for GFNs with RAM, which
 * would be lost, or for GFNs beyond the highest that the guest ever had.
 *
 * Context: process context.
 * Return: 0: all are holes; -EINVAL: one of them is not a hole, and those before it are; or another
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
 * xengt_dm_get_mem_type - get the memory type of a GFN
 * @domid: the guest
 * @gfn: the GFN
 *
 * Xen reports a page of another domain as RAM if the guest has it by a grant. Other foreign pages
 * and the registers of devices are reported as holes (HVMMEM_mmio_dm).
 *
 * Context: process context.
 * Return: a memory type, XEN_HVMMEM_* or HVMMEM_*; or a negative error of Xen's.
 */
int xengt_dm_get_mem_type(domid_t domid, u64 gfn)
{
	struct xen_hvm_get_mem_type op = { .domid = domid, .pfn = gfn };

	return xengt_xen_error(HYPERVISOR_hvm_op(HVMOP_get_mem_type, &op)) ?: op.mem_type;
}

/**
 * xengt_dm_is_write_protected - is the page at a GFN write-protected
 * @domid: the guest
 * @gfn: the GFN
 *
 * The protection belongs to the GFN's entry in the guest's memory map. If the page left the map and
 * another page came to the GFN, that one is not protected.
 *
 * Context: process context.
 * Return: true if it is; false also if the hypercall fails.
 */
bool xengt_dm_is_write_protected(domid_t domid, u64 gfn)
{
	return xengt_dm_get_mem_type(domid, gfn) == XEN_HVMMEM_ioreq_server;
}

/**
 * xengt_dm_inject_msi - send a message-signalled interrupt to a guest
 * @domid: the guest
 * @address: the message's address, as the guest programmed it
 * @data: the message's data
 *
 * A message with vector 0 goes to an event channel of the guest's that is bound to a PIRQ, whatever
 * its delivery mode.
 *
 * Context: any but NMI. The hypercall does not sleep, and Xen does not preempt it.
 * Return: 0; or an error of Xen's: -EINVAL: the delivery mode is neither fixed nor lowest priority,
 * or the PIRQ is not one for MSIs; -ERANGE: vector 0 without a PIRQ; -ESRCH: no such guest, or none
 * of its vCPUs is the destination of a message with lowest priority.
 */
int xengt_dm_inject_msi(domid_t domid, u64 address, u32 data)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_inject_msi,
		.u.inject_msi = { .addr = address, .data = data },
	};

	return dm_op(domid, &op);
}
