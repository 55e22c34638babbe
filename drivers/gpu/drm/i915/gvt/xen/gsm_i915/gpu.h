/* SPDX-License-Identifier: GPL-2.0 */
/* The GPUs that i915 has handed over, with the shares that are open; see gpu.c. */

#ifndef _XENGT_I915_GPU_H
#define _XENGT_I915_GPU_H

#include <linux/list.h>
#include <linux/mutex.h>

struct drm_i915_private;
struct xengt_gsm_request;

/**
 * struct xengt_i915_gpu - a GPU that i915 has handed over
 * @link: in the list of GPUs
 * @i915: the device, with a reference
 * @shares: the shares that xengt can be told about
 * @nr_shares: number of shares that are not closed yet
 * @going: i915 takes the GPU back; no share is opened any more
 * @mediated: the mediator has set itself up for the GPU; see user.c
 */
struct xengt_i915_gpu {
	struct list_head link;
	struct drm_i915_private *i915;
	struct list_head shares;
	unsigned int nr_shares;
	bool going;
	bool mediated;
};

/* Protects the list of GPUs and all members of a GPU but @i915, which is constant. */
extern struct mutex xengt_i915_gpus_lock;
extern struct list_head xengt_i915_gpus;

int xengt_i915_gpu_add(struct drm_i915_private *i915);
struct xengt_i915_gpu *xengt_i915_gpu_of(struct drm_i915_private *i915);
struct xengt_i915_gpu *xengt_i915_gpu_find(const struct xengt_gsm_request *request);
void xengt_i915_gpu_add_share(struct xengt_i915_gpu *gpu, struct list_head *share);
void xengt_i915_gpu_hide_share(struct xengt_i915_gpu *gpu, struct list_head *share);
void xengt_i915_gpu_put_share(struct xengt_i915_gpu *gpu);
void xengt_i915_gpu_wait(struct xengt_i915_gpu *gpu);
void xengt_i915_gpu_remove(struct xengt_i915_gpu *gpu);

#endif /* _XENGT_I915_GPU_H */
