/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before GVT's mmio_context.c, after instead_of_kvm.h: not all registers that GVT switches
 * between the host's values and a guest's may be switched.
 *
 * The headers come first, so that only mmio_context.c's own writes are replaced.
 */

#ifndef _XENGT_GVT_IN_MMIO_CONTEXT_H
#define _XENGT_GVT_IN_MMIO_CONTEXT_H

#include "gvt.h"
#include "intel_uncore.h"
#include "register_rules.h"

static inline void xengt_gvt_write_fw(struct intel_uncore *uncore, i915_reg_t reg, u32 value)
{
	if (xengt_gvt_is_switched(uncore->i915->gvt, i915_mmio_reg_offset(reg)))
		__raw_uncore_write32(uncore, reg, value);
}

#undef intel_uncore_write_fw
#define intel_uncore_write_fw(uncore, reg, value)	xengt_gvt_write_fw(uncore, reg, value)

#endif /* _XENGT_GVT_IN_MMIO_CONTEXT_H */
