/* SPDX-License-Identifier: GPL-2.0 */
/* The mediator that runs guests' work on the GPUs; see user.c. */

#ifndef _XENGT_I915_USER_H
#define _XENGT_I915_USER_H

struct drm_i915_private;
struct xengt_i915_gpu;

void xengt_i915_user_init(struct drm_i915_private *i915);
void xengt_i915_user_clean(struct drm_i915_private *i915);
void xengt_i915_user_resume(struct xengt_i915_gpu *gpu);

#endif /* _XENGT_I915_USER_H */
