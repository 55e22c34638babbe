// SPDX-License-Identifier: GPL-2.0
/*
 * The unmap queue of a domain.
 *
 * A GFN whose last user let go stays mapped for a while: GPU drivers bind the same pages again
 * and again, and reviving one costs nothing. Idle is a state in the table; the queue is the blocks
 * that are marked. It is drained by age (a clock that ticks every idle_age_ms takes what was
 * idle at the tick before, so a page stays for one to two ticks), by size (beyond idle_max, down
 * to half of it), when the quota or Xen's limit is reached (just what is needed), after a balloon
 * event (what was idle before it) and on flush (everything).
 *
 * Invariants: a GFN leaves the queue by being revived or by being unmapped; one that Xen refuses
 * to unmap stays in it, counted, and is tried again at the next drain, after RETRY_MS at the
 * earliest. A drain looks at each GFN once: it takes time in proportion to what is idle, in however
 * many batches.
 *
 * Locking: the domain's lock, for as many pages as the backend's unmap_chunk says; then others get
 * it.
 */

#include <linux/lockdep.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "domain.h"
#include "event.h"
#include "queue.h"
#include "trace.h"

/* The least time until Xen is asked again to unmap what it refused to */
#define RETRY_MS	1000

unsigned int xen_gpu_idle_age_ms = XEN_GPU_IDLE_AGE_MS;

static unsigned int idle_max = 65536;
module_param(idle_max, uint, 0644);
MODULE_PARM_DESC(idle_max, "Unused pages of one guest beyond which they are unmapped (65536)");

/* Which of the idle GFNs */
enum drain_scope { DRAIN_AGED, DRAIN_STALE, DRAIN_ALL };

/* A pass through the queue, in batches */
struct drain {
	enum drain_scope scope;
	enum xen_gpu_counter reason;	/* what its unmaps are counted as */
	u64 next;			/* the GFN to go on from */
	unsigned int failed;		/* what Xen refused to unmap */
};

static bool in_scope(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int slot,
		     enum drain_scope scope)
{
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, slot);

	if (state == XEN_GPU_GFN_AGED)
		return scope != DRAIN_STALE || !xen_gpu_gfn_trusted(dom, block, slot);
	if (state != XEN_GPU_GFN_IDLE)
		return false;
	return scope == DRAIN_ALL ||
	       (scope == DRAIN_STALE && !xen_gpu_gfn_trusted(dom, block, slot));
}

static void fill_from_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			    struct drain *drain, unsigned int max)
{
	struct xen_gpu_batch *batch = dom->batch;
	unsigned int slot = 0;

	if (drain->next > xen_gpu_slot_gfn(block, 0))
		slot = xen_gpu_gfn_slot(drain->next);
	for (; slot < XEN_GPU_BLOCK_GFNS && batch->n < max; slot++) {
		if (!in_scope(dom, block, slot, drain->scope))
			continue;
		xen_gpu_batch_add(batch, block, slot, xen_gpu_slot_side(block, slot), false);
		drain->next = xen_gpu_slot_gfn(block, slot) + 1;
	}
}

/* The next batch of the pass, empty at its end. */
static void fill_batch(struct xen_gpu_domain *dom, struct drain *drain, unsigned int max)
{
	unsigned long index = drain->next >> XEN_GPU_BLOCK_SHIFT;
	struct xen_gpu_block *block;

	xen_gpu_batch_start(dom->batch, XEN_GPU_CALL_UNMAP);
	block = xa_find(&dom->table.blocks, &index, ULONG_MAX, XEN_GPU_BLOCK_IDLE);
	while (block) {
		if (block->nr_idle)
			fill_from_block(dom, block, drain, max);
		else
			xen_gpu_block_unmark(&dom->table, block);
		if (dom->batch->n >= max)
			return;
		block = xa_find_after(&dom->table.blocks, &index, ULONG_MAX, XEN_GPU_BLOCK_IDLE);
	}
	drain->next = U64_MAX;
}

/* Unmaps the next batch, of at most max pages; returns how many it tried. */
static unsigned int drain_batch(struct xen_gpu_domain *dom, struct drain *drain,
				unsigned int max)
{
	struct xen_gpu_batch *batch = dom->batch;
	unsigned int done;

	lockdep_assert_held(&dom->lock);
	fill_batch(dom, drain, max);
	if (!batch->n)
		return 0;
	done = xen_gpu_domain_unmap(dom, batch);
	drain->failed += batch->n - done;
	xen_gpu_domain_trim(dom, batch);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, done);
	xen_gpu_count(&dom->counters, drain->reason, done);
	trace_xen_gpu_unmap_batch(dom->domid, batch->n, done);
	if (done)
		xen_gpu_event_room(dom);
	return batch->n;
}

/* Unmaps until limit pages are idle or all were tried; lets others in between. */
static void drain_to(struct xen_gpu_domain *dom, struct drain *drain, unsigned long limit)
{
	unsigned int tried;

	do {
		mutex_lock(&dom->lock);
		tried = 0;
		if (dom->table.nr_idle > limit)
			tried = drain_batch(dom, drain,
					    min_t(unsigned long, dom->table.nr_idle - limit,
						  dom->backend->unmap_chunk));
		mutex_unlock(&dom->lock);
		cond_resched();
	} while (tried);
}

/* Unmaps everything that is idle. Returns 0, or -EIO if Xen refused to unmap some of it. */
int xen_gpu_queue_drain(struct xen_gpu_domain *dom, enum xen_gpu_counter reason)
{
	struct drain drain = { .scope = DRAIN_ALL, .reason = reason };

	drain_to(dom, &drain, 0);
	return drain.failed ? -EIO : 0;
}

/* Unmaps what was idle when a balloon event came, since the guest may have other pages there. */
void xen_gpu_queue_drain_stale(struct xen_gpu_domain *dom)
{
	struct drain drain = { .scope = DRAIN_STALE, .reason = XEN_GPU_COUNT_DRAINED_BALLOON };

	drain_to(dom, &drain, 0);
}

/*
 * Unmaps up to need idle pages, the old ones first, but no more than the backend unmaps while
 * others wait. Pages become old only when the clock ticks: what was passed since has none left.
 * *next is the GFN from which a pass through the others goes on, 0 at first. Returns false if
 * nothing (else) is idle.
 */
bool xen_gpu_queue_make_room(struct xen_gpu_domain *dom, unsigned long need, u64 *next)
{
	unsigned int max = min_t(unsigned long, need, dom->backend->unmap_chunk);
	struct drain aged = {
		.scope = DRAIN_AGED,
		.reason = XEN_GPU_COUNT_DRAINED_QUOTA,
		.next = dom->aged_next,
	};
	struct drain all = {
		.scope = DRAIN_ALL,
		.reason = XEN_GPU_COUNT_DRAINED_QUOTA,
		.next = *next,
	};
	unsigned int tried;

	lockdep_assert_held(&dom->lock);
	if (!dom->table.nr_idle)
		return false;
	tried = drain_batch(dom, &aged, max);
	dom->aged_next = aged.next;
	if (tried)
		return true;
	tried = drain_batch(dom, &all, max);
	*next = all.next;
	return tried;
}

/* What is idle now is old at the next tick. Tells whether anything is. */
static bool age_all(struct xen_gpu_domain *dom)
{
	struct xen_gpu_block *block;
	unsigned long index;
	bool any = false;

	lockdep_assert_held(&dom->lock);
	xa_for_each_marked(&dom->table.blocks, index, block, XEN_GPU_BLOCK_IDLE)
		any |= xen_gpu_block_age(&dom->table, block);
	dom->aged_next = 0;
	return any;
}

static void queue_tick(struct xen_gpu_domain *dom, unsigned int least_ms)
{
	unsigned int ms = max(READ_ONCE(xen_gpu_idle_age_ms), least_ms);

	queue_delayed_work(dom->wq, &dom->age_work, msecs_to_jiffies(ms));
}

static void tick(struct work_struct *work)
{
	struct xen_gpu_domain *dom = container_of(work, struct xen_gpu_domain, age_work.work);
	struct drain drain = { .scope = DRAIN_AGED, .reason = XEN_GPU_COUNT_DRAINED_AGE };
	bool again;

	drain_to(dom, &drain, 0);
	mutex_lock(&dom->lock);
	again = age_all(dom);
	mutex_unlock(&dom->lock);
	if (again)
		queue_tick(dom, drain.failed ? RETRY_MS : 0);
}

static void shrink(struct work_struct *work)
{
	struct xen_gpu_domain *dom = container_of(work, struct xen_gpu_domain, size_work);
	struct drain aged = { .scope = DRAIN_AGED, .reason = XEN_GPU_COUNT_DRAINED_SIZE };
	struct drain all = { .scope = DRAIN_ALL, .reason = XEN_GPU_COUNT_DRAINED_SIZE };
	unsigned long limit = READ_ONCE(idle_max) / 2;

	drain_to(dom, &aged, limit);
	drain_to(dom, &all, limit);
}

void xen_gpu_queue_init(struct xen_gpu_domain *dom)
{
	INIT_DELAYED_WORK(&dom->age_work, tick);
	INIT_WORK(&dom->size_work, shrink);
}

void xen_gpu_queue_exit(struct xen_gpu_domain *dom)
{
	cancel_work_sync(&dom->size_work);
	cancel_delayed_work_sync(&dom->age_work);
}

/*
 * A GFN has no user any more. Work that is pending takes the domain's lock when it runs, and finds
 * it.
 */
void xen_gpu_queue_add(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
		       unsigned int slot)
{
	lockdep_assert_held(&dom->lock);
	xen_gpu_gfn_set_state(&dom->table, block, slot, XEN_GPU_GFN_IDLE);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_QUEUED, 1);
	if (dom->table.nr_idle > READ_ONCE(idle_max) && !work_pending(&dom->size_work))
		queue_work(dom->wq, &dom->size_work);
	if (!delayed_work_pending(&dom->age_work))
		queue_tick(dom, 0);
}

/* The clock's interval has changed. */
void xen_gpu_queue_kick(struct xen_gpu_domain *dom)
{
	if (delayed_work_pending(&dom->age_work))
		mod_delayed_work(dom->wq, &dom->age_work,
				 msecs_to_jiffies(READ_ONCE(xen_gpu_idle_age_ms)));
}
