// SPDX-License-Identifier: GPL-2.0
/*
 * What a workload of a guest's may be, what its scan may cost, and how long it may run.
 *
 * GVT copies a ring and the batches of the GGTT that it calls, and scans the copies. It takes the
 * guest's word for how long they are. It runs one workload of an engine at a time, and waits for
 * its end without a limit: so do other guests, a reset that the guest asks for, and the end of the
 * virtual GPU. i915 resets an engine that hangs, but a batch that waits for memory lets itself be
 * preempted, which does not count as a hang.
 *
 * Invariants: the head and the tail of a ring that is copied are in it. A scan ends: it copies at
 * most MAX_BATCHES + 1 batches of MAX_BATCH_SIZE, and makes at most MAX_TRANSLATIONS translations.
 * The GPU executes with privileges only what was scanned of the workload and of its context.
 * A workload ends at most its virtual GPU's request_timeout_ms after its dispatch, and at most
 * CHECK_MS after nobody wants it any more.
 *
 * Locking: GVT's vgpu_lock is held for scans. The thread of the engine, which owns the workload and
 * its request, waits without a lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "instance.h"

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/ratelimit.h>

#include "gt/intel_engine_regs.h"

#include "compat.h"
#include "workload.h"

/* Each command of a batch in the GGTT takes one, and each page of a copy. */
#define MAX_TRANSLATIONS	SZ_16K

/* Batches in the GGTT, of a workload; drivers call one or two. */
#define MAX_BATCHES		64

/* The most bytes of one of them; drivers' have some hundred. GVT takes the guest's word for it. */
#define MAX_BATCH_SIZE		SZ_2M

/* How often to look whether a workload is still wanted, in ms */
#define CHECK_MS		100

static bool ring_is_sound(const struct intel_vgpu_workload *workload)
{
	unsigned long size = _RING_CTL_BUF_SIZE(workload->rb_ctl);

	/* i915 emits pairs of dwords; GVT has aligned the tail. */
	return IS_ALIGNED(workload->rb_start, I915_GTT_PAGE_SIZE) &&
	       IS_ALIGNED(workload->rb_head, sizeof(u64)) && workload->rb_head < size &&
	       workload->rb_tail < size;
}

/* Scans and shadows the ring of a workload, for GVT's scheduler. 0 or an error. */
int xengt_gvt_scan_ring(struct intel_vgpu_workload *workload)
{
	struct xengt_gvt_instance *instance = xengt_gvt_instance_of(workload->vgpu);
	int rc;

	lockdep_assert_held(&workload->vgpu->vgpu_lock);
	if (!ring_is_sound(workload)) {
		WRITE_ONCE(instance->refused, instance->refused + 1);
		pr_warn_ratelimited("%s: refused: a ring at %#lx, head %#lx, tail %#lx, control %#lx\n",
				    instance->name, workload->rb_start, workload->rb_head,
				    workload->rb_tail, workload->rb_ctl);
		return -EINVAL;
	}
	instance->scanning = true;
	instance->translations = 0;
	rc = intel_gvt_scan_and_shadow_ringbuffer(workload);
	instance->scanning = false;
	return rc;
}

/* Counts a translation of a graphics address. False: a scan has made too many. */
bool xengt_gvt_may_translate(struct xengt_gvt_instance *instance)
{
	if (!instance->scanning)
		return true;
	lockdep_assert_held(&instance->vgpu.vgpu_lock);
	return instance->translations++ < MAX_TRANSLATIONS;
}

/* Are @len bytes at @va in a batch that was copied for the workload, and are these not too many? */
bool xengt_gvt_is_in_batch(const struct intel_vgpu_workload *workload, const void *va, size_t len)
{
	const struct intel_vgpu_shadow_bb *batch;
	unsigned int n = 0;
	bool found = false;

	list_for_each_entry(batch, &workload->shadow_bb, list) {
		found |= va >= batch->va && va + len <= batch->va + batch->obj->base.size;
		n++;
	}
	return found && n <= MAX_BATCHES;
}

/* Makes an object for a copy of a batch. NULL is not returned; ERR_PTR(-E2BIG): it is too large. */
struct drm_i915_gem_object *xengt_gvt_create_copy(struct drm_i915_private *i915, u64 size)
{
	if (size > MAX_BATCH_SIZE)
		return ERR_PTR(-E2BIG);
	return i915_gem_object_create_shmem(i915, size);
}

/*
 * GVT takes locks of objects while it has that of the context's timeline, in the other order than
 * i915. That is safe, as nobody who has an object's lock waits for the timeline of a context of
 * GVT's. So it is a class of its own.
 */
static void set_lock_class(struct intel_vgpu_workload *workload, struct intel_context *context)
{
	static struct lock_class_key key;

	if (!test_and_set_bit(workload->engine->id,
			      &xengt_gvt_instance_of(workload->vgpu)->classified))
		lockdep_set_class(&context->timeline->mutex, &key);
}

/*
 * Creates the request of a workload. GVT does not scan the image of a context again that it has
 * just run, but copies the first page of it again, which the guest may have changed.
 */
struct i915_request *xengt_gvt_new_request(struct intel_vgpu_workload *workload,
					   struct intel_context *context)
{
	set_lock_class(workload, context);
	workload->vgpu->submission.last_ctx[workload->engine->id].valid = false;
	return i915_request_create(context);
}

/*
 * How a context is saved and loaded is i915's choice. It relies on contexts that switch only when
 * it says so. And they are saved, so that nothing is loaded that was not scanned. Whether the image
 * is loaded is the guest's choice.
 */
static void set_control(struct execlist_ring_context *state)
{
	state->ctx_ctrl.val &= CTX_CTRL_ENGINE_CTX_RESTORE_INHIBIT | CTX_CTRL_RS_CTX_ENABLE;
	state->ctx_ctrl.val |= CTX_CTRL_INHIBIT_SYN_CTX_SWITCH | GENMASK(31, 16);
}

/*
 * Prepares the context of a workload: GVT has just read again from the guest's which batches run
 * whenever it is loaded. Those that were scanned do, at the addresses of their copies, which GVT
 * puts in. It scans the batch for each context with an indirect context only. What the guest wrote
 * to its page tables meanwhile gets into the shadow. 0 or an error.
 */
int xengt_gvt_prepare_context(struct intel_vgpu_workload *workload)
{
	struct execlist_ring_context *state = (void *)workload->req->context->lrc_reg_state;
	const struct intel_shadow_wa_ctx *batches = &workload->wa_ctx;

	set_control(state);
	if (workload->engine->id == RCS0) {
		state->bb_per_ctx_ptr.val = batches->indirect_ctx.size && batches->per_ctx.valid;
		state->rcs_indirect_ctx.val = batches->indirect_ctx.size / CACHELINE_BYTES;
	}
	return xengt_vgpu_sync(xengt_gvt_instance_of(workload->vgpu)->xengt);
}

/*
 * The context leads to i915's own PPGTT, which is empty, and to no batches of its own. The engine
 * loads it nevertheless, so its image, which may be what was refused, is not loaded with it.
 */
static void make_harmless(struct i915_request *rq, const struct intel_vgpu_submission *s)
{
	struct execlist_ring_context *state = (void *)rq->context->lrc_reg_state;
	struct i915_ppgtt *ppgtt = i915_vm_to_ppgtt(rq->context->vm);
	unsigned int i;

	state->ctx_ctrl.val = CTX_CTRL_ENGINE_CTX_RESTORE_INHIBIT;
	set_control(state);
	for (i = 0; i < ARRAY_SIZE(state->pdps); i += 2) {
		state->pdps[i].val = upper_32_bits(s->i915_context_pml4);
		state->pdps[i + 1].val = lower_32_bits(s->i915_context_pml4);
	}
	ppgtt->pd->pt.base->mm.pages->sgl->dma_address = s->i915_context_pml4;
	if (rq->engine->id == RCS0) {
		state->bb_per_ctx_ptr.val = 0;
		state->rcs_indirect_ctx.val = 0;
	}
}

/*
 * Puts the request of a workload. One that was not dispatched is added first, with an error: i915
 * skips what is in it, and its timeline is unlocked.
 */
void xengt_gvt_put_request(struct intel_vgpu_workload *workload, struct i915_request *rq)
{
	if (!workload->dispatched) {
		make_harmless(rq, &workload->vgpu->submission);
		dma_fence_set_error(&rq->fence, -EIO);
		i915_request_add(rq);
		i915_request_wait(rq, 0, MAX_SCHEDULE_TIMEOUT);
		wait_event(workload->shadow_ctx_status_wq,
			   !atomic_read(&workload->shadow_ctx_active));
	}
	i915_request_put(rq);
}

/* Does the guest reset the engine, or is the virtual GPU disabled? */
static bool is_unwanted(const struct intel_vgpu_workload *workload)
{
	const struct intel_vgpu *vgpu = workload->vgpu;

	return READ_ONCE(vgpu->resetting_eng) & BIT(workload->engine->id) ||
	       !gvt_compat_is_active(vgpu);
}

/*
 * Has i915 preempt a request and skip the rest of it, as i915_request_cancel() does, which i915
 * does not export. The error is that of a hang: GVT drops what the guest queued behind it, and
 * sends no interrupt, so that the guest's i915 finds a hang.
 */
static void cancel(struct i915_request *rq)
{
	int error = READ_ONCE(rq->fence.error);

	do {
		if (error == -EIO)
			return;
	} while (!try_cmpxchg(&rq->fence.error, &error, -EIO));
	set_bit(I915_FENCE_FLAG_SENTINEL, &rq->fence.flags);
	intel_context_cancel_request(rq->context, rq);
}

static void report(const struct intel_vgpu_workload *workload)
{
	const struct xengt_gvt_instance *instance = xengt_gvt_instance_of(workload->vgpu);

	pr_warn_ratelimited("%s: %s did not end a request within %llu ms, the request is cancelled\n",
			    instance->name, workload->engine->name, instance->request_timeout_ms);
}

/* Waits until the request of a workload has ended, or cancels it and waits for that. */
void xengt_gvt_wait_for_workload(struct intel_vgpu_workload *workload)
{
	u64 timeout_ms = xengt_gvt_instance_of(workload->vgpu)->request_timeout_ms;
	unsigned long until = jiffies + msecs_to_jiffies(timeout_ms);
	struct i915_request *rq = workload->req;
	bool late = false;

	while (i915_request_wait(rq, 0, msecs_to_jiffies(CHECK_MS)) == -ETIME) {
		late = timeout_ms && time_after(jiffies, until);
		if (late || is_unwanted(workload))
			break;
	}
	if (i915_request_completed(rq))
		return;
	if (late)
		report(workload);
	cancel(rq);
	i915_request_wait(rq, 0, MAX_SCHEDULE_TIMEOUT);
}
