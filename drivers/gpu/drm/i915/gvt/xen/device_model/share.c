// SPDX-License-Identifier: GPL-2.0
/*
 * What a virtual GPU has of the GPU, in place of GVT's aperture_gm.c: its share of the GGTT and its
 * fence registers. xengt_i915 has reserved them.
 *
 * Locking: none; they are constant while the virtual GPU runs.
 */

#include "instance.h"

#include "gt/intel_ggtt_fencing.h"
#include "i915_reg.h"

static void set_range(struct drm_mm_node *node, u64 *size, const struct xengt_range *range)
{
	node->start = (u64)range->first << PAGE_SHIFT;
	node->size = (u64)range->n << PAGE_SHIFT;
	*size = node->size;
}

static void clear_fences(struct intel_vgpu *vgpu)
{
	unsigned int i;

	for (i = 0; i < vgpu_fence_sz(vgpu); i++)
		intel_vgpu_write_fence(vgpu, i, 0);
}

int intel_vgpu_alloc_resource(struct intel_vgpu *vgpu, const struct intel_vgpu_config *conf)
{
	const struct xengt_i915_share *share = &xengt_gvt_instance_of(vgpu)->share;

	set_range(&vgpu->gm.low_gm_node, &vgpu->gm.aperture_sz,
		  &share->range[XENGT_RANGE_MAPPABLE]);
	set_range(&vgpu->gm.high_gm_node, &vgpu->gm.hidden_sz, &share->range[XENGT_RANGE_HIDDEN]);
	memcpy(vgpu->fence.regs, share->fences, share->nr_fences * sizeof(*share->fences));
	vgpu->fence.size = share->nr_fences;
	return 0;
}

void intel_vgpu_free_resource(struct intel_vgpu *vgpu)
{
	intel_vgpu_reset_resource(vgpu);
}

void intel_vgpu_reset_resource(struct intel_vgpu *vgpu)
{
	intel_wakeref_t wakeref;

	with_intel_runtime_pm(vgpu->gvt->gt->uncore->rpm, wakeref)
		clear_fences(vgpu);
}

/*
 * Is a fence register's value off, or the fence one of the mappable share? The CPU's accesses
 * through the aperture go through all fences, the host's, too.
 */
static bool is_own(const struct intel_vgpu *vgpu, u64 value)
{
	u64 first = lower_32_bits(value) & PAGE_MASK, last = upper_32_bits(value) & PAGE_MASK;

	return !(value & I965_FENCE_REG_VALID) ||
	       (first <= last && first >= vgpu_aperture_gmadr_base(vgpu) &&
		last + PAGE_SIZE - 1 <= vgpu_aperture_gmadr_end(vgpu));
}

/* The GPU is awake. The low half has the bit that makes the fence valid: it comes last. */
void intel_vgpu_write_fence(struct intel_vgpu *vgpu, u32 fence, u64 value)
{
	struct intel_uncore *uncore = vgpu->gvt->gt->uncore;
	int id;

	if (WARN_ON_ONCE(fence >= vgpu_fence_sz(vgpu)))
		return;
	if (!is_own(vgpu, value))
		value = 0;
	id = vgpu->fence.regs[fence]->id;
	intel_uncore_write(uncore, FENCE_REG_GEN6_LO(id), 0);
	intel_uncore_posting_read(uncore, FENCE_REG_GEN6_LO(id));
	intel_uncore_write(uncore, FENCE_REG_GEN6_HI(id), upper_32_bits(value));
	intel_uncore_write(uncore, FENCE_REG_GEN6_LO(id), lower_32_bits(value));
	intel_uncore_posting_read(uncore, FENCE_REG_GEN6_LO(id));
}
