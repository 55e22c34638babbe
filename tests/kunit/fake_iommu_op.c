// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's iommu_op, with all that is unsafe in XenServer's Xen:
 *
 * - A page has one bit for a reference, however often it was looked up.
 * - An unmap finds the page by its BFN alone, and drops the reference whoever set it.
 * - Xen drops the reference when the guest dies.
 * - An unmap of more than one entry flushes all of the IOTLB.
 * - Without an IOMMU any BFN is taken for an MFN, even one that Xen never returned.
 *
 * Source: include/xen/interface/iommu_op.h. See fake_internal.h for the locking.
 */

#include <linux/mm.h>
#include <xen/interface/iommu_op.h>
#include <asm/xen/hypercall.h>

#include "fake_internal.h"

void fake_iommu_op_start(void)
{
	fake.iommu_op = false;
	fake.bfn_offset = 0;
	fake.iommu_op_largest = 0;
}

/* Gives Xen iommu_op. @offset: BFN - MFN of all RAM in dom0's IOMMU; 0: there is no IOMMU. */
void fake_xen_set_iommu_op(u64 offset)
{
	fake.iommu_op = true;
	fake.bfn_offset = offset;
}

/* The largest number of entries in a call */
unsigned int fake_iommu_op_largest(void)
{
	return fake.iommu_op_largest;
}

static int query(struct pv_iommu_op *op)
{
	op->flags = fake.bfn_offset ? IOMMU_QUERY_map_cap | BIT(1) : 0;
	if (fake.bfn_offset)
		op->u.query_caps.offset = fake.bfn_offset;
	return 0;
}

static int take(unsigned int i, struct pv_iommu_op *op)
{
	domid_t domid = op->u.lookup_foreign_page.domid;
	u64 gfn = op->u.lookup_foreign_page.gfn;
	struct fake_domain *d = fake_domain_find(domid);
	struct fake_frame *frame;
	int rc;

	if (!domid || domid == DOMID_SELF)
		return -EPERM;
	if (!d)
		return -ENXIO;
	rc = fake_entry_failure(i, domid, gfn);
	if (rc)
		return rc;
	frame = fake_frame_of_gfn(d, gfn);
	if (!frame)
		return -ENXIO;
	op->u.lookup_foreign_page.bfn = frame->mfn + fake.bfn_offset;
	if (!frame->foreign.frame)
		fake_map_get(&frame->foreign, frame, domid, gfn, frame->mfn + fake.bfn_offset);
	return 0;
}

static int drop(unsigned int i, const struct pv_iommu_op *op)
{
	u64 bfn = op->u.unmap_foreign_page.bfn;
	struct fake_frame *frame = fake_frame_find(bfn - fake.bfn_offset);
	int rc;

	if (!frame && !fake.bfn_offset)
		fake_error("iommu_op is to unmap BFN %llx, which it never gave", bfn);
	if (!frame || !frame->foreign.frame)
		return -ENOENT;
	rc = fake_unmap_failure(i, &frame->foreign);
	if (rc)
		return rc;
	fake_map_put(&frame->foreign, bfn);
	return 0;
}

static int work_on(unsigned int i, struct pv_iommu_op *op)
{
	if (op->flags & (0xf1 << 10))
		return -ENOSPC;
	switch (op->subop_id) {
	case IOMMUOP_query_caps:
		return query(op);
	case IOMMUOP_lookup_foreign_page:
		return take(i, op);
	case IOMMUOP_unmap_foreign_page:
		return drop(i, op);
	default:
		return -ENODEV;
	}
}

static long iommu_op(struct pv_iommu_op *ops, unsigned int count)
{
	unsigned int i;

	if (!fake.iommu_op || fake.mode != FAKE_PV_DOM0)
		return -ENOSYS;
	if ((int)count < 0)
		return -EINVAL;
	fake.iommu_op_largest = max(fake.iommu_op_largest, count);
	for (i = 0; i < count; i++)
		ops[i].status = work_on(i, &ops[i]);
	if (count > 1 && fake.bfn_offset)
		fake.flushes++;
	return 0;
}

static enum fake_call kind_of(const struct pv_iommu_op *op)
{
	switch (op->subop_id) {
	case IOMMUOP_lookup_foreign_page:
		return FAKE_CALL_IOMMU_LOOKUP;
	case IOMMUOP_unmap_foreign_page:
		return FAKE_CALL_IOMMU_UNMAP;
	default:
		return FAKE_CALL_IOMMU_QUERY;
	}
}

/* iommu_op is the only hypercall that is made this way. */
long privcmd_call(unsigned int call, unsigned long a1, unsigned long a2, unsigned long a3,
		  unsigned long a4, unsigned long a5)
{
	struct pv_iommu_op *ops = (void *)a1;
	struct fake_call_state state;
	long rc;

	if (call != __HYPERVISOR_iommu_op)
		return -ENOSYS;
	rc = fake_enter(&state, a2 ? kind_of(ops) : FAKE_CALL_IOMMU_QUERY);
	return fake_leave(&state, rc ?: iommu_op(ops, a2));
}

/* Xen drops the bits of a dying guest's pages. */
void fake_iommu_op_domain_kill(struct fake_domain *d)
{
	struct fake_frame *frame;
	unsigned long mfn;

	xa_for_each(&fake.frames.xa, mfn, frame) {
		if (frame->owner == d->domid && frame->foreign.frame)
			fake_map_put(&frame->foreign, mfn + fake.bfn_offset);
	}
}
