// SPDX-License-Identifier: GPL-2.0
/*
 * The host's GGTT: reservations of ranges and of fence registers, entries, invalidations.
 *
 * A range is reserved by a node in i915's allocator that i915 does not evict. Nothing is evicted
 * for it, either.
 *
 * Locking: the reservations take the GGTT's vm.mutex. The caller has the GPU awake for all but the
 * reservation of ranges.
 */

#include <linux/err.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <xen/xengt_gsm.h>

#include "gt/intel_ggtt_fencing.h"
#include "gt/intel_gt.h"
#include "gt/intel_gt_regs.h"
#include "gt/intel_gtt.h"
#include "i915_drv.h"
#include "i915_gem_gtt.h"
#include "i915_reg.h"
#include "i915_vma.h"

#include "ggtt.h"

/* Where in the GGTT the mappable ranges end, or the hidden ones. */
u64 xengt_i915_ggtt_bytes(struct i915_ggtt *ggtt, unsigned int which)
{
	return which == XENGT_RANGE_MAPPABLE ? min_t(u64, ggtt->mappable_end, ggtt->vm.total) :
	       ggtt->vm.total;
}

/* The part of the GGTT in which a range can be, in entries. Returns false if it has no room. */
static bool part_for(struct i915_ggtt *ggtt, unsigned int which, const struct xengt_range *range,
		     u64 *start, u64 *end)
{
	*end = xengt_i915_ggtt_bytes(ggtt, which) >> PAGE_SHIFT;
	if (range->first != XENGT_RANGE_ANYWHERE)
		*start = range->first;
	else if (which == XENGT_RANGE_MAPPABLE)
		*start = 0;
	else
		*start = xengt_i915_ggtt_bytes(ggtt, XENGT_RANGE_MAPPABLE) >> PAGE_SHIFT;
	if (*start > *end || range->n > *end - *start)
		return false;
	if (range->first != XENGT_RANGE_ANYWHERE)
		*end = range->first + range->n;
	return true;
}

/*
 * Reserves a range that is not empty. Returns 0; -ERANGE if the part of the GGTT in which it can be
 * has not as many entries; -ENOSPC if some of it is not free, or there is no room.
 */
int xengt_i915_ggtt_reserve(struct i915_ggtt *ggtt, unsigned int which,
			    const struct xengt_range *range, struct drm_mm_node *node)
{
	unsigned int flags = which == XENGT_RANGE_MAPPABLE ? PIN_MAPPABLE : PIN_HIGH;
	u64 start, end;
	int rc;

	if (!part_for(ggtt, which, range, &start, &end))
		return -ERANGE;
	mutex_lock(&ggtt->vm.mutex);
	rc = i915_gem_gtt_insert(&ggtt->vm, NULL, node, (u64)range->n << PAGE_SHIFT,
				 I915_GTT_PAGE_SIZE, I915_COLOR_UNEVICTABLE, start << PAGE_SHIFT,
				 end << PAGE_SHIFT, flags | PIN_NOEVICT);
	mutex_unlock(&ggtt->vm.mutex);
	return rc;
}

/* Ends the reservation of a range, if it is reserved. */
void xengt_i915_ggtt_unreserve(struct i915_ggtt *ggtt, struct drm_mm_node *node)
{
	mutex_lock(&ggtt->vm.mutex);
	if (drm_mm_node_allocated(node))
		drm_mm_remove_node(node);
	mutex_unlock(&ggtt->vm.mutex);
}

/* Writes an entry with one store of 64 bits: the GPU sees the old or the new entry. */
void xengt_i915_ggtt_write(struct i915_ggtt *ggtt, unsigned long index, u64 pte)
{
	writeq(pte, (u64 __iomem *)ggtt->gsm + index);
}

/* Returns the entry that i915 has where nobody uses the GGTT. */
u64 xengt_i915_ggtt_scratch_pte(struct i915_ggtt *ggtt)
{
	return ggtt->vm.scratch[0]->encode;
}

/* Makes the GPU forget entries, in i915's way. i915 does not wait for its write; the read does. */
void xengt_i915_ggtt_invalidate(struct i915_ggtt *ggtt)
{
	wmb(); /* the entries are written before */
	ggtt->invalidate(ggtt);
	intel_uncore_posting_read_fw(ggtt->vm.gt->uncore, GFX_FLSH_CNTL_GEN6);
}

static void clear_fence(struct intel_uncore *uncore, const struct i915_fence_reg *fence)
{
	/* The low half has the bit that makes the fence valid. */
	intel_uncore_write(uncore, FENCE_REG_GEN6_LO(fence->id), 0);
	intel_uncore_posting_read(uncore, FENCE_REG_GEN6_LO(fence->id));
	intel_uncore_write(uncore, FENCE_REG_GEN6_HI(fence->id), 0);
	intel_uncore_posting_read(uncore, FENCE_REG_GEN6_HI(fence->id));
}

static void unreserve_fences(struct i915_ggtt *ggtt, struct i915_fence_reg **fences,
			     unsigned int n)
{
	unsigned int i;

	lockdep_assert_held(&ggtt->vm.mutex);
	for (i = 0; i < n; i++) {
		clear_fence(ggtt->vm.gt->uncore, fences[i]);
		i915_unreserve_fence(fences[i]);
	}
}

/* Reserves and clears fence registers, all or none of them. -ENOSPC if i915 has not as many. */
int xengt_i915_fences_reserve(struct i915_ggtt *ggtt, struct i915_fence_reg **fences,
			      unsigned int n)
{
	unsigned int i;
	int rc = 0;

	mutex_lock(&ggtt->vm.mutex);
	for (i = 0; i < n; i++) {
		fences[i] = i915_reserve_fence(ggtt);
		if (IS_ERR(fences[i])) {
			rc = PTR_ERR(fences[i]);
			unreserve_fences(ggtt, fences, i);
			break;
		}
		clear_fence(ggtt->vm.gt->uncore, fences[i]);
	}
	mutex_unlock(&ggtt->vm.mutex);
	return rc;
}

/* Clears fence registers and gives them back. */
void xengt_i915_fences_unreserve(struct i915_ggtt *ggtt, struct i915_fence_reg **fences,
				 unsigned int n)
{
	mutex_lock(&ggtt->vm.mutex);
	unreserve_fences(ggtt, fences, n);
	mutex_unlock(&ggtt->vm.mutex);
}
