/* SPDX-License-Identifier: MIT */
/*
 * Device model operations that map a guest's pages for the caller's devices: the ABI of the patches
 * in xen/ (public/hvm/dm_op.h there), which Linux's own hvm/dm_op.h lacks.
 *
 * The guest is the domain of the dm_op; the caller must have control over it: it is dom0, or the
 * guest is one of its targets. A hypervisor without the operation answers XEN_DMOP_dev_info with
 * -EOPNOTSUPP.
 *
 * Buffer 0 is struct xen_dm_op, buffer 1 an array of struct xen_dm_op_dev_map_entry. The call
 * returns 0 when all entries were worked on, whatever became of them: each has a status of its own.
 * An error says that the call as such was refused; entries whose status was not written were
 * then not touched.
 *
 * BFNs: with XEN_DMOP_DEV_INFO_caller_bfn (a translated caller: HVM, PVH) the caller chooses the
 * BFN, an empty GFN of its own. Without (a PV caller) Xen gives it. With XEN_DMOP_DEV_INFO_isolated
 * the caller's devices can reach the page through the BFN from map to unmap, and not after it.
 * Without, they can reach all memory, and the mapping is a reference and no more.
 *
 * Xen holds a reference on the page from map to unmap, and remembers it in the caller's name. What
 * the caller leaves behind when it dies, or the toolstack takes the target from it, Xen unmaps.
 *
 * tests/kunit/abi compares the layouts with Xen's header.
 */

#ifndef __XEN_PUBLIC_HVM_DEV_MAP_H__
#define __XEN_PUBLIC_HVM_DEV_MAP_H__

#include <linux/types.h>

#define XEN_DMOP_dev_map	21
#define XEN_DMOP_dev_unmap	22
#define XEN_DMOP_dev_lookup	23
#define XEN_DMOP_dev_info	24

/* Flags of an entry: the devices may only read */
#define XEN_DMOP_DEV_MAP_readonly	0x1

/*
 * One page.
 *
 * dev_map	gfn and flags IN; bfn IN for a caller that chooses it, else OUT. A page may be
 *		mapped more than once: a PV caller gets the same BFN, and must unmap it as many
 *		times. Entries before this one in the array are mapped already.
 * dev_unmap	bfn and flags IN, as at the map; gfn is not looked at. Works on dying guests, too.
 *		One IOTLB flush serves up to 512 entries; only after it are the references dropped.
 * dev_lookup	gfn and bfn IN, flags as at the map: is the page mapped at bfn still the one that
 *		the guest has at gfn?
 *
 * status, OUT:
 *   0		done; for dev_lookup: yes
 *   -ENOENT	dev_map, dev_lookup: the guest has no page at gfn
 *		dev_unmap: nothing of this guest is mapped at bfn with these flags
 *   -ESTALE	dev_lookup: the guest has another page there now
 *   -ENXIO	dev_lookup: nothing of this guest is mapped at bfn with these flags
 *   -EPERM	dev_map: the page cannot be mapped (MMIO, a grant, another domain's, Xen's own)
 *   -EACCES	dev_map: the page is read-only for the guest; it can be mapped with
 *		XEN_DMOP_DEV_MAP_readonly. What devices write is trapped by nobody, whatever the
 *		guest's own writes are.
 *   -EEXIST	dev_map: the caller has something at bfn already
 *   -ERANGE	dev_map: bfn is beyond the caller's physical address space
 *   -ENOSPC	dev_map: the caller's limit is reached
 *   -ENOMEM	dev_map: no memory
 *   -EAGAIN	dev_map, dev_lookup: the page is paged out or shared; it is on its way
 *   -EINVAL	unknown flags
 *   -ESRCH	dev_map: the guest is dying
 *   -EBUSY	dev_map: the page is being freed or is in transition
 * An entry of dev_map that failed has bfn as it was.
 */
struct xen_dm_op_dev_map_entry {
	__aligned_u64 gfn;
	__aligned_u64 bfn;
	__u32 flags;	/* IN: XEN_DMOP_DEV_MAP_* */
	__s32 status;	/* OUT */
};

/* dev_map, dev_unmap, dev_lookup */
struct xen_dm_op_dev_map {
	__u32 nr_entries;	/* IN */
	__u32 opaque;		/* must be 0; Xen's, for continuations */
};

/* The caller's devices can reach what is mapped and nothing else */
#define XEN_DMOP_DEV_INFO_isolated	0x1
/* The caller chooses the BFNs */
#define XEN_DMOP_DEV_INFO_caller_bfn	0x2

/*
 * dev_info: what the operation does for this caller. All of it is OUT. One buffer.
 */
struct xen_dm_op_dev_info {
	__u32 flags;		/* XEN_DMOP_DEV_INFO_* */
	__u32 limit;		/* the most maps that the caller can have, of all guests together */
	__u32 nr_maps;		/* how many it has */
	__u32 nr_guest_maps;	/* how many there are of this guest's pages, all callers' */
};

#endif /* __XEN_PUBLIC_HVM_DEV_MAP_H__ */
