/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before GVT's scheduler.c, after instead_of_kvm.h: what it does for a workload has the
 * limits of workload.c.
 *
 * The headers come first, so that only calls in scheduler.c are redirected. The variable is
 * @workload in all places.
 */

#ifndef _XENGT_GVT_IN_SCHEDULER_H
#define _XENGT_GVT_IN_SCHEDULER_H

#include "gvt.h"
#include "workload.h"

/* scheduler.c forgets a request that it cannot fill, with the request's timeline locked. */
#define i915_request_put(rq)		xengt_gvt_put_request(workload, rq)

/*
 * It also unpins the context of a workload that it refuses before it has pinned it; such a workload
 * has no prepare operation yet.
 */
#define intel_context_unpin(ce)						\
	do {								\
		if (workload->prepare)					\
			(intel_context_unpin)(ce);			\
	} while (0)

#define i915_request_create(ce)		xengt_gvt_new_request(workload, ce)
#define i915_request_wait(rq, flags, timeout)		xengt_gvt_wait_for_workload(workload)
#define intel_gvt_scan_and_shadow_ringbuffer(workload)	xengt_gvt_scan_ring(workload)

/* Called after the shadow context was filled, before the addresses of copies are put into it. */
#define intel_vgpu_sync_oos_pages(vgpu)	xengt_gvt_prepare_context(workload)

#endif /* _XENGT_GVT_IN_SCHEDULER_H */
