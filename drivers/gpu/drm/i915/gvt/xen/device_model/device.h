/* SPDX-License-Identifier: GPL-2.0 */
/* GVT's part of a GPU; see device.c. */

#ifndef _XENGT_GVT_DEVICE_H
#define _XENGT_GVT_DEVICE_H

struct drm_i915_private;

int xengt_gvt_device_init(struct drm_i915_private *i915);
void xengt_gvt_device_clean(struct drm_i915_private *i915);

#endif /* _XENGT_GVT_DEVICE_H */
