/* SPDX-License-Identifier: MIT */
/*
 * The I/O request that Xen puts into an ioreq server's page, one slot for each vCPU.
 *
 * Source: Xen's public/hvm/ioreq.h (struct ioreq). The layout is fixed ABI, and tests/kunit/abi
 * compares it with Xen's own header. The structure has a name of its own here, since newer
 * kernels ship a header with Xen's.
 */

#ifndef __XEN_PUBLIC_HVM_IO_REQUEST_H__
#define __XEN_PUBLIC_HVM_IO_REQUEST_H__

#include <linux/types.h>

/* Direction */
#define IOREQ_READ		1
#define IOREQ_WRITE		0

/* State: READY is Xen's to set, INPROCESS and IORESP_READY are ours, NONE is Xen's again. */
#define STATE_IOREQ_NONE	0
#define STATE_IOREQ_READY	1
#define STATE_IOREQ_INPROCESS	2
#define STATE_IORESP_READY	3

/* Type */
#define IOREQ_TYPE_PIO		0
#define IOREQ_TYPE_COPY		1
#define IOREQ_TYPE_PCI_CONFIG	2
#define IOREQ_TYPE_TIMEOFFSET	7
#define IOREQ_TYPE_INVALIDATE	8

struct xen_ioreq {
	__u64 addr;		/* guest-physical address */
	__u64 data;		/* data, or guest-physical address of the data */
	__u32 count;		/* for rep prefixes */
	__u32 size;		/* of one item, in bytes */
	__u32 vp_eport;		/* event channel; valid once the server is enabled */
	__u16 _pad0;
	__u8 state:4;
	__u8 data_is_ptr:1;
	__u8 dir:1;
	__u8 df:1;		/* direction flag: addresses go down */
	__u8 _pad1:1;
	__u8 type;
};

#endif /* __XEN_PUBLIC_HVM_IO_REQUEST_H__ */
