/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before GVT's handlers.c, after instead_of_kvm.h: when a guest submits or resets is
 * limited by submission.c, and no register that it sets is a divisor of zero.
 *
 * The headers come first, so that only what handlers.c does itself is replaced.
 */

#ifndef _XENGT_GVT_IN_HANDLERS_H
#define _XENGT_GVT_IN_HANDLERS_H

#include <linux/math64.h>
#include <linux/minmax.h>

#include "gvt.h"
#include "i915_reg.h"
#include "submission.h"

#define intel_vgpu_select_submission_ops(vgpu, engines, interface)	\
	xengt_gvt_enable_execlists(vgpu, engines, interface)
#define intel_vgpu_submit_execlist(vgpu, engine)	xengt_gvt_submit(vgpu, engine)
#define intel_gvt_reset_vgpu_locked(vgpu, dmlr, engines)		\
	xengt_gvt_reset_engines(vgpu, engines)

/*
 * The one that is rounded is the refresh rate, in mHz, from what the guest has set. GVT divides by
 * it, and has a timer with that rate.
 */
#define XENGT_GVT_MIN_RATE	1000
#define XENGT_GVT_MAX_RATE	240000
#undef DIV64_U64_ROUND_CLOSEST
#define DIV64_U64_ROUND_CLOSEST(dividend, divisor)			\
	clamp_t(u64, div64_u64(dividend, divisor), XENGT_GVT_MIN_RATE, XENGT_GVT_MAX_RATE)

/* Broadwell's clocks: the last operands of two dividers, which GVT divides by. 0 is 1. */
#undef WRPLL_DIVIDER_REF_MASK
#define WRPLL_DIVIDER_REF_MASK		0xff ?: 1
#undef WRPLL_DIVIDER_POST_SHIFT
#define WRPLL_DIVIDER_POST_SHIFT	8 ?: 1

#endif /* _XENGT_GVT_IN_HANDLERS_H */
