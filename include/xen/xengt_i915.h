/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What xengt_i915 offers to a mediator that runs guests' work on the GPU that i915 drives: to be
 * told of the GPU, which i915 hands over to one module only, and to find what a virtual GPU has.
 *
 * Built against the private headers of i915, as xengt_i915 is.
 */

#ifndef _XEN_XENGT_I915_H
#define _XEN_XENGT_I915_H

#include <linux/types.h>
#include <xen/xengt_gsm.h>

struct drm_i915_private;
struct i915_fence_reg;

/**
 * struct xengt_i915_user_ops - what a mediator is told
 * @init: i915 has handed a GPU over, or had done so before the mediator came
 * @clean: i915 takes the GPU back, or the mediator goes; no virtual GPU uses it any more
 * @resume: the GPU has been resumed
 *
 * Context: process context, may sleep; the first two under a lock that all functions here take.
 */
struct xengt_i915_user_ops {
	int (*init)(struct drm_i915_private *i915);
	void (*clean)(struct drm_i915_private *i915);
	void (*resume)(struct drm_i915_private *i915);
};

/**
 * struct xengt_i915_share - what a virtual GPU has of the GPU
 * @i915: the device
 * @mediated: the mediator has set itself up for the device
 * @range: its ranges of the GGTT, in entries
 * @nr_fences: IN: the size of the array @fences; OUT: the number of fence registers
 * @fences: IN: an array, which is filled
 */
struct xengt_i915_share {
	struct drm_i915_private *i915;
	bool mediated;
	struct xengt_range range[XENGT_GGTT_RANGES];
	unsigned int nr_fences;
	struct i915_fence_reg **fences;
};

int xengt_i915_user_register(const struct xengt_i915_user_ops *ops);
void xengt_i915_user_unregister(const struct xengt_i915_user_ops *ops);
int xengt_i915_share_get(const char *vgpu, struct xengt_i915_share *share);

#endif /* _XEN_XENGT_I915_H */
