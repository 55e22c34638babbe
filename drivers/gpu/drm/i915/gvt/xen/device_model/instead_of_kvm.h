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
struct intel_vgpu_workload;

int xengt_gvt_copy_gpa(struct intel_vgpu *vgpu, u64 gpa, void *data, unsigned long len,
		       bool to_guest);
int xengt_gvt_inject_msi(struct intel_vgpu *vgpu);

#define vfio_dma_rw(device, gpa, data, len, write)					\
	xengt_gvt_copy_gpa(container_of(device, struct intel_vgpu, vfio_device), gpa,	\
			   data, len, write)

#undef pr_err
#define pr_err(...)			pr_err_ratelimited(__VA_ARGS__)
#undef drm_WARN_ON
#define drm_WARN_ON(drm, condition)	drm_WARN_ON_ONCE(drm, condition)
#undef drm_WARN
#define drm_WARN(drm, condition, ...)	drm_WARN_ONCE(drm, condition, __VA_ARGS__)

/* The caller's variable is @vgpu. */
#define eventfd_signal(trigger, ...)	xengt_gvt_inject_msi(vgpu)

/*
 * scheduler.c forgets a request that it cannot fill, with the request's timeline locked. It also
 * unpins the context of a workload that it refuses before it has pinned it; such a workload has no
 * prepare operation yet. The variable is @workload in both places.
 */
void xengt_gvt_put_request(struct intel_vgpu_workload *workload, struct i915_request *rq);

#define i915_request_put(rq)	xengt_gvt_put_request(workload, rq)
#define intel_context_unpin(ce)						\
	do {								\
		if (workload->prepare)					\
			(intel_context_unpin)(ce);			\
	} while (0)

#endif /* _XENGT_GVT_INSTEAD_OF_KVM_H */
