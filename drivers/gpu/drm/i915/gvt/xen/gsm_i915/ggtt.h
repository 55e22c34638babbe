/* SPDX-License-Identifier: GPL-2.0 */
/* The host's GGTT: reservations, entries and invalidations; see ggtt.c. */

#ifndef _XENGT_I915_GGTT_H
#define _XENGT_I915_GGTT_H

#include <linux/types.h>

struct drm_i915_private;
struct drm_mm_node;
struct i915_fence_reg;
struct i915_ggtt;
struct xengt_range;

u64 xengt_i915_ggtt_bytes(struct i915_ggtt *ggtt, unsigned int which);
int xengt_i915_ggtt_reserve(struct i915_ggtt *ggtt, unsigned int which,
			    const struct xengt_range *range, struct drm_mm_node *node);
void xengt_i915_ggtt_unreserve(struct i915_ggtt *ggtt, struct drm_mm_node *node);
void xengt_i915_ggtt_write(struct i915_ggtt *ggtt, unsigned long index, u64 pte);
u64 xengt_i915_ggtt_scratch_pte(struct i915_ggtt *ggtt);
void xengt_i915_ggtt_invalidate(struct i915_ggtt *ggtt);

int xengt_i915_fences_reserve(struct i915_ggtt *ggtt, struct i915_fence_reg **fences,
			      unsigned int n);
void xengt_i915_fences_unreserve(struct i915_ggtt *ggtt, struct i915_fence_reg **fences,
				 unsigned int n);

#endif /* _XENGT_I915_GGTT_H */
