/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before each of GVT's files: what they call of VFIO is done for a Xen guest instead, by
 * guest.c. Neither vfio.ko nor kvm.ko is needed then. GVT has no other seam for this: it calls
 * vfio_dma_rw() in gvt.h, and eventfd_signal() in interrupt.c.
 *
 * What a guest can make GVT say is limited, too: GVT logs each mistake of a guest's.
 *
 * The headers come first, so that only GVT's own calls are redirected.
 */

#ifndef _XENGT_GVT_INSTEAD_OF_KVM_H
#define _XENGT_GVT_INSTEAD_OF_KVM_H

#include <linux/eventfd.h>
#include <linux/kvm_host.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/vfio.h>

#include <drm/drm_print.h>

#include "i915_drv.h"
#include "gt/intel_context.h"
#include "i915_request.h"

struct intel_vgpu;

int xengt_gvt_copy_gpa(struct intel_vgpu *vgpu, u64 gpa, void *data, unsigned long len,
		       bool to_guest);
int xengt_gvt_inject_msi(struct intel_vgpu *vgpu);

#define vfio_dma_rw(device, gpa, data, len, write)					\
	xengt_gvt_copy_gpa(container_of(device, struct intel_vgpu, vfio_device), gpa,	\
			   data, len, write)

#undef pr_err
#define pr_err(...)	pr_err_ratelimited(__VA_ARGS__)
#undef pr_cont
#define pr_cont(...)	no_printk(__VA_ARGS__)

/* GVT warns of what a guest did. A guest can cause that, so it is a line in the log, no more. */
#define XENGT_GVT_WARN(condition, ...)						\
({										\
	bool __warn = !!(condition);						\
										\
	if (unlikely(__warn))							\
		pr_err("GVT: " __VA_ARGS__);					\
	unlikely(__warn);							\
})
#undef WARN_ON
#define WARN_ON(condition)			XENGT_GVT_WARN(condition, "%s\n", #condition)
#undef WARN
#define WARN(condition, ...)			XENGT_GVT_WARN(condition, __VA_ARGS__)
#undef drm_WARN_ON
#define drm_WARN_ON(drm, condition)		WARN_ON(condition)
#undef drm_WARN_ON_ONCE
#define drm_WARN_ON_ONCE(drm, condition)	WARN_ON(condition)
#undef drm_WARN
#define drm_WARN(drm, condition, ...)		WARN(condition, __VA_ARGS__)
#undef drm_WARN_ONCE
#define drm_WARN_ONCE(drm, condition, ...)	WARN(condition, __VA_ARGS__)

/* The caller's variable is @vgpu. */
#define eventfd_signal(trigger, ...)	xengt_gvt_inject_msi(vgpu)

#endif /* _XENGT_GVT_INSTEAD_OF_KVM_H */
