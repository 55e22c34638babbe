// SPDX-License-Identifier: GPL-2.0
/*
 * Device model operations on ioreq servers, as calls.
 *
 * Source: Xen's public/hvm/dm_op.h. Locking: none.
 */

#include <linux/types.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/dm_op.h>
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
