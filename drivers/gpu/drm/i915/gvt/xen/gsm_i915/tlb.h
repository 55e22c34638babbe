/* SPDX-License-Identifier: GPL-2.0 */
/* The TLBs of the GPU's engines; see tlb.c. */

#ifndef _XENGT_I915_TLB_H
#define _XENGT_I915_TLB_H

struct intel_gt;

void xengt_i915_tlb_invalidate(struct intel_gt *gt);

#endif /* _XENGT_I915_TLB_H */
