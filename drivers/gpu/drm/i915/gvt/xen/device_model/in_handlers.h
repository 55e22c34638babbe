/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before GVT's handlers.c, after instead_of_kvm.h: when a guest submits or resets is
 * limited by submission.c.
 *
 * The headers come first, so that only handlers.c's own calls are replaced.
 */

#ifndef _XENGT_GVT_IN_HANDLERS_H
#define _XENGT_GVT_IN_HANDLERS_H

#include "gvt.h"
#include "submission.h"

#define intel_vgpu_select_submission_ops(vgpu, engines, interface)	\
	xengt_gvt_enable_execlists(vgpu, engines, interface)
#define intel_vgpu_submit_execlist(vgpu, engine)	xengt_gvt_submit(vgpu, engine)
#define intel_gvt_reset_vgpu_locked(vgpu, dmlr, engines)		\
	xengt_gvt_reset_engines(vgpu, engines)

#endif /* _XENGT_GVT_IN_HANDLERS_H */
