/* SPDX-License-Identifier: MIT */
/*
 * Device model operations on ioreq servers: the part of Xen's dm_op ABI that Linux's own
 * hvm/dm_op.h lacks.
 *
 * Source: Xen's public/hvm/dm_op.h and public/hvm/hvm_op.h (enum hvmmem_type). The names are
 * Xen's; the layouts are fixed ABI, and tests/kunit/abi compares them with Xen's own headers.
 */

#ifndef __XEN_PUBLIC_HVM_IOREQ_SERVER_H__
#define __XEN_PUBLIC_HVM_IOREQ_SERVER_H__

#include <linux/types.h>

#define XEN_DMOP_create_ioreq_server			1
#define XEN_DMOP_map_io_range_to_ioreq_server		3
#define XEN_DMOP_unmap_io_range_from_ioreq_server	4
#define XEN_DMOP_set_ioreq_server_state			5
#define XEN_DMOP_destroy_ioreq_server			6

/* Kinds of range */
#define XEN_DMOP_IO_RANGE_PORT		0
#define XEN_DMOP_IO_RANGE_MEMORY	1
#define XEN_DMOP_IO_RANGE_PCI		2

/* No buffered ioreqs (public/hvm/hvm_op.h) */
#define HVM_IOREQSRV_BUFIOREQ_OFF	0

struct xen_dm_op_create_ioreq_server {
	__u8 handle_bufioreq;	/* IN: HVM_IOREQSRV_BUFIOREQ_* */
	__u8 pad[3];
	__u16 id;		/* OUT */
};

struct xen_dm_op_ioreq_server_range {
	__u16 id;		/* IN */
	__u16 pad;
	__u32 type;		/* IN: XEN_DMOP_IO_RANGE_* */
	__aligned_u64 start;	/* IN: first address */
	__aligned_u64 end;	/* IN: last address, inclusive */
};

struct xen_dm_op_set_ioreq_server_state {
	__u16 id;		/* IN */
	__u8 enabled;		/* IN */
	__u8 pad;
};

struct xen_dm_op_destroy_ioreq_server {
	__u16 id;		/* IN */
	__u16 pad;
};

struct xen_dm_op {
	__u32 op;		/* XEN_DMOP_* */
	__u32 pad;
	union {
		struct xen_dm_op_create_ioreq_server create_ioreq_server;
		struct xen_dm_op_ioreq_server_range map_io_range_to_ioreq_server;
		struct xen_dm_op_ioreq_server_range unmap_io_range_from_ioreq_server;
		struct xen_dm_op_set_ioreq_server_state set_ioreq_server_state;
		struct xen_dm_op_destroy_ioreq_server destroy_ioreq_server;
	} u;
};

#endif /* __XEN_PUBLIC_HVM_IOREQ_SERVER_H__ */
