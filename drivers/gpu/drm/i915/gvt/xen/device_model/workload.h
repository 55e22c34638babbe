/* SPDX-License-Identifier: GPL-2.0 */
/* A workload of a guest's: limits for it; see workload.c. */

#ifndef _XENGT_GVT_WORKLOAD_H
#define _XENGT_GVT_WORKLOAD_H

#include <linux/types.h>

struct drm_i915_gem_object;
struct drm_i915_private;
struct i915_request;
struct intel_context;
struct intel_vgpu_workload;
struct xengt_gvt_instance;

int xengt_gvt_scan_ring(struct intel_vgpu_workload *workload);
bool xengt_gvt_may_translate(struct xengt_gvt_instance *instance);
bool xengt_gvt_is_in_batch(const struct intel_vgpu_workload *workload, const void *va, size_t len);
struct drm_i915_gem_object *xengt_gvt_create_copy(struct drm_i915_private *i915, u64 size);
struct i915_request *xengt_gvt_new_request(struct intel_vgpu_workload *workload,
					   struct intel_context *context);
int xengt_gvt_prepare_context(struct intel_vgpu_workload *workload);
void xengt_gvt_put_request(struct intel_vgpu_workload *workload, struct i915_request *rq);
void xengt_gvt_wait_for_workload(struct intel_vgpu_workload *workload);

#endif /* _XENGT_GVT_WORKLOAD_H */
