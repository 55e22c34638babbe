/* SPDX-License-Identifier: MIT */
/*
 * Device model operations on ioreq servers, and on interrupts: the part of Xen's dm_op ABI that
 * Linux's own hvm/dm_op.h lacks.
 *
 * Source: Xen's public/hvm/dm_op.h and public/hvm/hvm_op.h (hvmmem_type_t). The names are Xen's,
 * but for those of memory types: Linux's own hvm/hvm_op.h has some of these, in an enum. The
 * layouts are fixed ABI, and tests/kunit/abi compares them with Xen's own headers.
 */

#ifndef __XEN_PUBLIC_HVM_IOREQ_SERVER_H__
#define __XEN_PUBLIC_HVM_IOREQ_SERVER_H__

#include <linux/types.h>

#define XEN_DMOP_create_ioreq_server			1
#define XEN_DMOP_map_io_range_to_ioreq_server		3
#define XEN_DMOP_unmap_io_range_from_ioreq_server	4
#define XEN_DMOP_set_ioreq_server_state			5
#define XEN_DMOP_destroy_ioreq_server			6
#define XEN_DMOP_set_mem_type				12
#define XEN_DMOP_inject_msi				14
#define XEN_DMOP_map_mem_type_to_ioreq_server		15

/* Kinds of range */
#define XEN_DMOP_IO_RANGE_PORT		0
#define XEN_DMOP_IO_RANGE_MEMORY	1
#define XEN_DMOP_IO_RANGE_PCI		2

/* Kinds of access to a memory type; Xen knows only writes. No kind: the type is given back. */
#define XEN_DMOP_IOREQ_MEM_ACCESS_READ	1
#define XEN_DMOP_IOREQ_MEM_ACCESS_WRITE	2

/* Memory types (public/hvm/hvm_op.h: HVMMEM_*) */
#define XEN_HVMMEM_ram_rw		0	/* plain RAM */
#define XEN_HVMMEM_ioreq_server		4	/* the same, whose writes go to an ioreq server */

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

struct xen_dm_op_set_mem_type {
	__u32 nr;		/* IN: contiguous pages */
	__u16 mem_type;		/* IN: XEN_HVMMEM_* */
	__u16 pad;
	__aligned_u64 first_pfn;	/* IN: the first GFN */
};

struct xen_dm_op_inject_msi {
	__u32 data;		/* IN: the message's data */
	__u32 pad;
	__aligned_u64 addr;	/* IN: the message's address */
};

struct xen_dm_op_map_mem_type_to_ioreq_server {
	__u16 id;		/* IN */
	__u16 type;		/* IN: XEN_HVMMEM_ioreq_server */
	__u32 flags;		/* IN: XEN_DMOP_IOREQ_MEM_ACCESS_*, 0: none any more */
	__u64 opaque;		/* IN: 0; Xen's own afterwards */
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
		struct xen_dm_op_set_mem_type set_mem_type;
		struct xen_dm_op_inject_msi inject_msi;
		struct xen_dm_op_map_mem_type_to_ioreq_server map_mem_type_to_ioreq_server;
	} u;
};

#endif /* __XEN_PUBLIC_HVM_IOREQ_SERVER_H__ */
