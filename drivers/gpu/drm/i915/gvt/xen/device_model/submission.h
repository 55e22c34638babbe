/* SPDX-License-Identifier: GPL-2.0 */
/* When a guest can submit work, and reset engines; see submission.c. */

#ifndef _XENGT_GVT_SUBMISSION_H
#define _XENGT_GVT_SUBMISSION_H

#include <linux/types.h>

struct intel_engine_cs;
struct intel_vgpu;

int xengt_gvt_enable_execlists(struct intel_vgpu *vgpu, u32 engines, unsigned int interface);
int xengt_gvt_submit(struct intel_vgpu *vgpu, const struct intel_engine_cs *engine);
void xengt_gvt_reset_engines(struct intel_vgpu *vgpu, u32 engines);

#endif /* _XENGT_GVT_SUBMISSION_H */
