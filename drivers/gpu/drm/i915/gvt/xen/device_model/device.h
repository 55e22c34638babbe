/* SPDX-License-Identifier: GPL-2.0 */
/* GVT's part of a GPU; see device.c. */

#ifndef _XENGT_GVT_DEVICE_H
#define _XENGT_GVT_DEVICE_H

#include "instance.h"

#include <linux/xarray.h>

struct drm_i915_private;

/**
 * struct xengt_gvt_device - a GPU that GVT shares
 * @gvt: GVT's part
 * @image: for each engine what the host's own context has in its image: registers, by their
 *	offsets, and other commands, by their first dwords; noted when the first virtual GPU
 *	starts, or a later one if there was no memory
 */
struct xengt_gvt_device {
	struct intel_gvt gvt;
	struct xarray image[I915_NUM_ENGINES];
};

static inline struct xengt_gvt_device *xengt_gvt_device_of(struct intel_gvt *gvt)
{
	return container_of(gvt, struct xengt_gvt_device, gvt);
}

int xengt_gvt_device_init(struct drm_i915_private *i915);
void xengt_gvt_device_clean(struct drm_i915_private *i915);

#endif /* _XENGT_GVT_DEVICE_H */
