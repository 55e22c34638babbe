/* SPDX-License-Identifier: GPL-2.0 */
/* The GSM "i915": virtual GPUs' shares of the host's GGTT; see share.c. */

#ifndef _XENGT_I915_SHARE_H
#define _XENGT_I915_SHARE_H

struct xengt_gsm_ops;
struct xengt_i915_gpu;

extern const struct xengt_gsm_ops xengt_i915_gsm;

void xengt_i915_shares_lost(struct xengt_i915_gpu *gpu);
void xengt_i915_shares_rewrite(struct xengt_i915_gpu *gpu);

#endif /* _XENGT_I915_SHARE_H */
