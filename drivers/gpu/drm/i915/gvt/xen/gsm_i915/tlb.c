// SPDX-License-Identifier: GPL-2.0
/*
 * The TLBs of the GPU's engines, which hold translations by PPGTTs.
 *
 * A write of 1 to an engine's register starts an invalidation. The bit reads as 0 when it is done.
 *
 * Locking: takes i915's tlb.invalidate_lock, so that i915 and other shares do not start an
 * invalidation meanwhile, and uncore->lock, under which i915 resets the GPU.
 */

#include <linux/iopoll.h>
#include <linux/kernel.h>
#include <linux/ratelimit.h>

#include "gt/intel_engine_types.h"
#include "gt/intel_gt.h"
#include "gt/intel_gt_regs.h"
#include "i915_drv.h"
#include "i915_reg.h"

#include "tlb.h"

#define TLB_INVALIDATE		BIT(0)
#define TLB_POLL_US		10
#define TLB_TIMEOUT_US		10000

static const struct {
	enum intel_engine_id engine;
	i915_reg_t reg;
} tlbs[] = {
	{ RCS0, GEN8_RTCR },
	{ VCS0, GEN8_M1TCR },
	{ VCS1, GEN8_M2TCR },
	{ BCS0, GEN8_BTCR },
	{ VECS0, GEN8_VTCR },
};

static void start_all(struct intel_gt *gt)
{
	unsigned int i;

	spin_lock_irq(&gt->uncore->lock);
	for (i = 0; i < ARRAY_SIZE(tlbs); i++) {
		if (gt->engine[tlbs[i].engine])
			intel_uncore_write_fw(gt->uncore, tlbs[i].reg, TLB_INVALIDATE);
	}
	spin_unlock_irq(&gt->uncore->lock);
}

static void await_tlb(struct intel_gt *gt, unsigned int i)
{
	u32 value;

	if (read_poll_timeout(intel_uncore_read_fw, value, !(value & TLB_INVALIDATE), TLB_POLL_US,
			      TLB_TIMEOUT_US, false, gt->uncore, tlbs[i].reg))
		dev_err_ratelimited(gt->i915->drm.dev,
				    "xengt: the TLB of engine %s is not invalidated within %u ms\n",
				    gt->engine[tlbs[i].engine]->name, TLB_TIMEOUT_US / 1000);
}

/* Invalidates the TLBs of all engines, and waits until that is done. The GPU is awake. */
void xengt_i915_tlb_invalidate(struct intel_gt *gt)
{
	unsigned int i;

	mutex_lock(&gt->tlb.invalidate_lock);
	intel_uncore_forcewake_get(gt->uncore, FORCEWAKE_ALL);
	start_all(gt);
	for (i = 0; i < ARRAY_SIZE(tlbs); i++) {
		if (gt->engine[tlbs[i].engine])
			await_tlb(gt, i);
	}
	intel_uncore_forcewake_put(gt->uncore, FORCEWAKE_ALL);
	mutex_unlock(&gt->tlb.invalidate_lock);
}
