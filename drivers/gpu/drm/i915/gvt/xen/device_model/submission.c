// SPDX-License-Identifier: GPL-2.0
/*
 * When a guest can enable execution lists, submit contexts and reset engines: GVT does what a
 * register says at once.
 *
 * Invariants: an engine's execution lists are set up when a context is submitted. What GVT has of
 * an engine's submissions (its execution lists, the copy of a ring) stays as it is while a workload
 * of the engine waits or runs, or is scanned. While engines are reset, none is submitted to these,
 * and GVT's scheduler leaves the virtual GPU out: enabling an engine would make it go on.
 *
 * Locking: GVT's vgpu_lock is held. A reset gives it up while it waits for workloads.
 */

#include "instance.h"

#include <linux/lockdep.h>

#include "submission.h"

static bool has_workloads(const struct intel_vgpu *vgpu, u32 engines)
{
	struct intel_engine_cs *engine;
	intel_engine_mask_t tmp;

	for_each_engine_masked(engine, vgpu->gvt->gt, engines, tmp) {
		if (!list_empty(&vgpu->submission.workload_q_head[engine->id]))
			return true;
	}
	return false;
}

/*
 * A guest has enabled execution lists. GVT sets them up anew and frees its copy of the ring, so an
 * engine that has work already keeps what it has.
 */
int xengt_gvt_enable_execlists(struct intel_vgpu *vgpu, u32 engines, unsigned int interface)
{
	lockdep_assert_held(&vgpu->vgpu_lock);
	if (vgpu->resetting_eng)
		return -EBUSY;
	if (xengt_gvt_instance_of(vgpu)->scanning || has_workloads(vgpu, engines))
		return 0;
	return intel_vgpu_select_submission_ops(vgpu, engines, interface);
}

/* A guest has written a pair of descriptors. 0 or an error. */
int xengt_gvt_submit(struct intel_vgpu *vgpu, const struct intel_engine_cs *engine)
{
	const struct intel_vgpu_submission *s = &vgpu->submission;

	lockdep_assert_held(&vgpu->vgpu_lock);
	if (vgpu->resetting_eng & engine->mask)
		return -EBUSY;
	if (!s->active || !s->execlist[engine->id].engine)
		return -EINVAL;
	return intel_vgpu_submit_execlist(vgpu, engine);
}

/* A guest resets engines. A reset that waits is not overtaken by another one. */
void xengt_gvt_reset_engines(struct intel_vgpu *vgpu, u32 engines)
{
	lockdep_assert_held(&vgpu->vgpu_lock);
	if (engines && !vgpu->resetting_eng)
		intel_gvt_reset_vgpu_locked(vgpu, false, engines);
}
