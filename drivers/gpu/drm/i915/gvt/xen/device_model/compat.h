/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between GVT's sources of the kernels that the module is built for.
 */

#ifndef _XENGT_GVT_COMPAT_H
#define _XENGT_GVT_COMPAT_H

#include <linux/version.h>

/* "attached" and "active" are bits of vgpu->status since 6.2. This can go with 6.1. */
static inline void gvt_compat_set_attached(struct intel_vgpu *vgpu)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	set_bit(INTEL_VGPU_STATUS_ATTACHED, vgpu->status);
#else
	vgpu->attached = true;
#endif
}

static inline bool gvt_compat_is_active(const struct intel_vgpu *vgpu)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return test_bit(INTEL_VGPU_STATUS_ACTIVE, vgpu->status);
#else
	return vgpu->active;
#endif
}

#endif /* _XENGT_GVT_COMPAT_H */
