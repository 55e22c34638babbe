/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before GVT's mmio_context.c, after instead_of_kvm.h: the mode of an engine is i915's. A
 * guest could switch execution lists off with it. What is the whole GPU's is i915's, too.
 *
 * The headers come first, so that only mmio_context.c's own writes are replaced.
 */

#ifndef _XENGT_GVT_IN_MMIO_CONTEXT_H
#define _XENGT_GVT_IN_MMIO_CONTEXT_H

#include "gt/intel_engine_regs.h"
#include "gt/intel_gt_regs.h"
#include "gvt.h"
#include "i915_reg.h"
#include "intel_uncore.h"
#include "register_rules.h"

static inline void xengt_gvt_write_fw(struct intel_uncore *uncore, i915_reg_t reg, u32 value)
{
	if (!i915_mmio_reg_equal(reg, RING_MODE_GEN7(RENDER_RING_BASE)) &&
	    !i915_mmio_reg_equal(reg, RING_MODE_GEN7(BLT_RING_BASE)) &&
	    xengt_gvt_is_switched(uncore->i915->gvt, i915_mmio_reg_offset(reg)))
		__raw_uncore_write32(uncore, reg, value);
}

#undef intel_uncore_write_fw
#define intel_uncore_write_fw(uncore, reg, value)	xengt_gvt_write_fw(uncore, reg, value)

#endif /* _XENGT_GVT_IN_MMIO_CONTEXT_H */
