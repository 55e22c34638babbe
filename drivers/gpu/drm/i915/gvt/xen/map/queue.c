// SPDX-License-Identifier: GPL-2.0
/*
 * The unmap queue of a domain.
 *
 * A GFN whose last user let go stays mapped for a while: GPU drivers bind the same pages again
 * and again, and reviving one costs nothing. Idle is a bit in the table; the queue is the blocks
 * that are marked. It is drained by age (a clock that ticks every idle_age_ms takes what was
 * idle at the tick before, so a page stays for one to two ticks), by size (beyond idle_max, down
 * to half of it), when the quota is reached (just what is needed), by a balloon event and on
 * flush (everything).
 *
 * Invariants: a GFN leaves the queue by being revived or by being unmapped; one that Xen refuses
 * to unmap stays in it, counted, and is tried again at the next drain. A drain looks at each GFN
 * once: it takes time in proportion to what is idle, in however many batches.
 *
 * Locking: the domain's lock; drains of many pages let it go between batches.
 */

#include <linux/lockdep.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "domain.h"
#include "queue.h"
#include "trace.h"

static unsigned int idle_age_ms = 1000;
module_param(idle_age_ms, uint, 0644);
MODULE_PARM_DESC(idle_age_ms, "How long an unused page stays mapped, in ms, at least (1000)");

static unsigned int idle_max = 65536;
module_param(idle_max, uint, 0644);
MODULE_PARM_DESC(idle_max, "Unused pages of one guest beyond which they are unmapped (65536)");

/* Which of the idle GFNs */
enum drain_scope { DRAIN_AGED, DRAIN_ALL };

/* A pass through the queue, in batches */
struct drain {
	enum drain_scope scope;
	enum xen_gpu_counter reason;	/* what its unmaps are counted as */
	u64 next;			/* the GFN to go on from */
};

static void fill_from_block(struct xen_gpu_batch *batch, struct xen_gpu_block *block,
			    struct drain *drain, unsigned int max)
{
	const unsigned long *map = drain->scope == DRAIN_AGED ? block->aged : block->idle;
	unsigned int slot = 0;

	if (drain->next > xen_gpu_slot_gfn(block, 0))
		slot = xen_gpu_gfn_slot(drain->next);
	for_each_set_bit_from(slot, map, XEN_GPU_BLOCK_GFNS) {
		if (batch->n >= max)
			return;
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
	block = xa_find(&dom->table, &index, ULONG_MAX, XEN_GPU_BLOCK_IDLE);
	while (block) {
		if (block->nr_idle)
			fill_from_block(dom->batch, block, drain, max);
		else
			xen_gpu_block_unmark(&dom->table, block);
		if (dom->batch->n >= max)
			return;
		block = xa_find_after(&dom->table, &index, ULONG_MAX, XEN_GPU_BLOCK_IDLE);
	}
	drain->next = U64_MAX;
}

/* Notes what Xen did with the batch; returns how many pages it unmapped. */
static unsigned int settle_batch(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	unsigned int i, done = 0;

	for (i = 0; i < batch->n; i++) {
		struct xen_gpu_slot *slot = &batch->slots[i];

		if (slot->status)
			continue;
		__clear_bit(slot->slot, slot->block->held[slot->side]);
		xen_gpu_queue_remove(dom, slot->block, slot->slot);
		dom->nr_held--;
		done++;
	}
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, done);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED, batch->n - done);
	return done;
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
	dom->backend->unmap(dom, batch);
	done = settle_batch(dom, batch);
	xen_gpu_domain_trim(dom, batch);
	xen_gpu_count(&dom->counters, drain->reason, done);
	trace_xen_gpu_unmap_batch(dom->domid, batch->n, done);
	return batch->n;
}

/* Unmaps until limit pages are idle or all were tried; lets others in between. */
static void drain_to(struct xen_gpu_domain *dom, enum drain_scope scope, unsigned long limit,
		     enum xen_gpu_counter reason)
{
	struct drain drain = { .scope = scope, .reason = reason };
	unsigned int tried;

	do {
		mutex_lock(&dom->lock);
		tried = 0;
		if (dom->nr_idle > limit)
			tried = drain_batch(dom, &drain,
					    min_t(unsigned long, dom->nr_idle - limit,
						  dom->backend->unmap_chunk));
		mutex_unlock(&dom->lock);
		cond_resched();
	} while (tried);
}

/* Unmaps everything that is idle. Returns 0, or -EIO if Xen refused to unmap some of it. */
int xen_gpu_queue_drain(struct xen_gpu_domain *dom, enum xen_gpu_counter reason)
{
	u64 failed = xen_gpu_counter_read(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED);

	drain_to(dom, DRAIN_ALL, 0, reason);
	return xen_gpu_counter_read(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED) == failed ?
	       0 : -EIO;
}

static void drain_room(struct xen_gpu_domain *dom, struct drain *drain, unsigned long need)
{
	unsigned long excess;

	do {
		if (dom->nr_held + need <= dom->quota || !dom->nr_idle)
			return;
		excess = min(dom->nr_held + need - dom->quota, dom->nr_idle);
	} while (drain_batch(dom, drain, min_t(unsigned long, excess, XEN_GPU_BATCH)));
}

/*
 * Unmaps idle pages, the old ones first, so that need more can be mapped within the quota. Pages
 * become old only when the clock ticks: what was passed since has none left.
 */
void xen_gpu_queue_make_room(struct xen_gpu_domain *dom, unsigned long need)
{
	struct drain aged = {
		.scope = DRAIN_AGED,
		.reason = XEN_GPU_COUNT_DRAINED_QUOTA,
		.next = dom->aged_next,
	};
	struct drain all = { .scope = DRAIN_ALL, .reason = XEN_GPU_COUNT_DRAINED_QUOTA };

	lockdep_assert_held(&dom->lock);
	drain_room(dom, &aged, need);
	drain_room(dom, &all, need);
	dom->aged_next = aged.next;
}

/* What is idle now is old at the next tick. Tells whether anything is. */
static bool age_all(struct xen_gpu_domain *dom)
{
	struct xen_gpu_block *block;
	unsigned long index;
	bool any = false;

	lockdep_assert_held(&dom->lock);
	xa_for_each_marked(&dom->table, index, block, XEN_GPU_BLOCK_IDLE)
		any |= xen_gpu_block_age(&dom->table, block);
	dom->aged_next = 0;
	return any;
}

static void queue_tick(struct xen_gpu_domain *dom)
{
	queue_delayed_work(dom->wq, &dom->age_work, msecs_to_jiffies(READ_ONCE(idle_age_ms)));
}

static void tick(struct work_struct *work)
{
	struct xen_gpu_domain *dom = container_of(work, struct xen_gpu_domain, age_work.work);
	bool again;

	drain_to(dom, DRAIN_AGED, 0, XEN_GPU_COUNT_DRAINED_AGE);
	mutex_lock(&dom->lock);
	again = age_all(dom);
	mutex_unlock(&dom->lock);
	if (again)
		queue_tick(dom);
}

static void shrink(struct work_struct *work)
{
	struct xen_gpu_domain *dom = container_of(work, struct xen_gpu_domain, size_work);
	unsigned long limit = READ_ONCE(idle_max) / 2;

	drain_to(dom, DRAIN_AGED, limit, XEN_GPU_COUNT_DRAINED_SIZE);
	drain_to(dom, DRAIN_ALL, limit, XEN_GPU_COUNT_DRAINED_SIZE);
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
 * A held GFN has no user any more. Work that is pending takes the domain's lock when it runs, and
 * finds it.
 */
void xen_gpu_queue_add(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
		       unsigned int slot)
{
	lockdep_assert_held(&dom->lock);
	xen_gpu_slot_set_idle(&dom->table, block, slot);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_QUEUED, 1);
	if (++dom->nr_idle > READ_ONCE(idle_max) && !work_pending(&dom->size_work))
		queue_work(dom->wq, &dom->size_work);
	if (!delayed_work_pending(&dom->age_work))
		queue_tick(dom);
}

/* It has one again, or it was unmapped. */
void xen_gpu_queue_remove(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			  unsigned int slot)
{
	lockdep_assert_held(&dom->lock);
	xen_gpu_slot_clear_idle(block, slot);
	dom->nr_idle--;
}
