/* SPDX-License-Identifier: MIT */
/*
 * The part of XenServer's and XCP-ng's iommu_op hypercall that the mapping service needs. Stock Xen
 * has no such hypercall: its number returns -ENOSYS.
 *
 * Source: their public patches to Xen 4.7 to 4.17 (public/pv-iommu.h there). The layouts are fixed
 * ABI; tests/kunit/abi compares them with a table of what those patches say.
 *
 * The arguments are an array of struct pv_iommu_op and the number of its entries, which is not
 * limited and may be 0. Only a PV dom0 may make the call; others get -ENOSYS. Xen works on every
 * entry, even if one before it failed, and gives each a status of its own. If there is more than
 * one entry, Xen flushes the whole IOTLB of dom0 at the end. An error of the call itself is due to
 * the array (-EFAULT) or the flush.
 */

#ifndef __XEN_PUBLIC_IOMMU_OP_H__
#define __XEN_PUBLIC_IOMMU_OP_H__

#include <linux/types.h>

#define __HYPERVISOR_iommu_op	56

/*
 * flags, OUT: IOMMU_QUERY_*.
 *
 * offset, OUT, if IOMMU_QUERY_map_cap is set: all RAM is mapped for dom0's devices at BFN = MFN +
 * offset. Older versions do not write it. If the flag is not set, BFN = MFN.
 */
#define IOMMUOP_query_caps		1

/*
 * Gets a reference on the page that a guest (HVM or PVH) has at gfn, and returns its bfn.
 *
 * The reference is one bit of the page. Further look-ups of the page, at any GFN, get no further
 * reference. The first unmap drops the reference, whoever asks for it. When the guest dies, Xen
 * drops the reference without notice. Access flags are ignored: devices can always write.
 *
 * status: -ENXIO no such guest, or no page at gfn; -EPERM a PV guest, dom0 itself, no control over
 * the guest, or a page that is being freed; -ENOENT the page has no bfn (older versions)
 */
#define IOMMUOP_lookup_foreign_page	5

/*
 * Drops the reference. There is no domid: Xen finds the page by its bfn alone, which must be one
 * that Xen has returned. Without an IOMMU, Xen does not check the bfn.
 *
 * status: -ENOENT the bfn is not mapped, or the page has no such reference
 */
#define IOMMUOP_unmap_foreign_page	6

/* There is an IOMMU, and dom0's mappings in it can be changed. */
#define IOMMU_QUERY_map_cap		0x1

struct pv_iommu_op_query_caps {
	__u64 offset;
};

struct pv_iommu_op_lookup_foreign_page {
	__u64 bfn;		/* OUT */
	__u64 gfn;
	__u16 domid;
	__u16 ioserver;		/* ignored */
};

struct pv_iommu_op_unmap_foreign_page {
	__u64 bfn;
	__u16 ioserver;		/* ignored */
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
