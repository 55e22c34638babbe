/* SPDX-License-Identifier: MIT */
/*
 * The part of XenServer's and XCP-ng's iommu_op hypercall that the mapping service needs. Stock
 * Xen has no such hypercall: its number answers -ENOSYS.
 *
 * Source: their public patches to Xen 4.7 to 4.17 (public/pv-iommu.h there). The layouts are fixed
 * ABI; tests/kunit/abi compares them with a table of what those patches say.
 *
 * The call: an array of struct pv_iommu_op and how many there are; any number, none included. Only
 * a PV dom0 may make it: -ENOSYS for everybody else. Each entry is worked on and gets a status of
 * its own, whatever became of those before it. More than one entry: Xen flushes the whole IOTLB of
 * dom0 at the end. An error of the call is one of the array's (-EFAULT) or of the flush.
 */

#ifndef __XEN_PUBLIC_IOMMU_OP_H__
#define __XEN_PUBLIC_IOMMU_OP_H__

#include <linux/types.h>

#define __HYPERVISOR_iommu_op	56

/*
 * flags, OUT: IOMMU_QUERY_*. offset, OUT, with IOMMU_QUERY_map_cap: all RAM is mapped for dom0's
 * devices at BFN = MFN + offset (newer versions; older ones leave it as it was). Without, BFN =
 * MFN.
 */
#define IOMMUOP_query_caps		1

/*
 * Takes a reference on the page that a guest (HVM or PVH) has at gfn, and gives its bfn.
 *
 * The reference is one bit of the page. Looking it up again, at whatever GFN, takes no further
 * one; the first unmap drops it, whoever asks for that. When the guest dies Xen drops it without a
 * word. Access flags are not looked at: devices can always write.
 *
 * status: -ENXIO no such guest, or no page at gfn; -EPERM a PV guest, dom0 itself, no control over
 * the guest, or a page that is going; -ENOENT the page has no bfn (older versions)
 */
#define IOMMUOP_lookup_foreign_page	5

/*
 * Drops the reference. There is no domid: the page is found by its bfn alone, which must be one
 * that Xen gave; without an IOMMU Xen does not check it.
 *
 * status: -ENOENT the bfn is not mapped, or the page has no such reference
 */
#define IOMMUOP_unmap_foreign_page	6

/* There is an IOMMU, and dom0's mappings in it can be changed */
#define IOMMU_QUERY_map_cap		0x1

struct pv_iommu_op_query_caps {
	__u64 offset;
};

struct pv_iommu_op_lookup_foreign_page {
	__u64 bfn;		/* OUT */
	__u64 gfn;
	__u16 domid;
	__u16 ioserver;		/* not looked at */
};

struct pv_iommu_op_unmap_foreign_page {
	__u64 bfn;
	__u16 ioserver;		/* not looked at */
};

/* Bits 10, 14 and 15 of flags must be 0 (-ENOSPC). -ENODEV: no such sub-operation. */
struct pv_iommu_op {
	__u16 subop_id;
	__u16 flags;
	__s32 status;		/* OUT */
	union {
		struct pv_iommu_op_query_caps query_caps;
		struct pv_iommu_op_lookup_foreign_page lookup_foreign_page;
		struct pv_iommu_op_unmap_foreign_page unmap_foreign_page;
	} u;
};

#endif /* __XEN_PUBLIC_IOMMU_OP_H__ */
