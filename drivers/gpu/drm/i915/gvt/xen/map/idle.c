// SPDX-License-Identifier: GPL-2.0
/*
 * The idle list of a domain.
 *
 * A GFN whose last reference was released stays mapped for a while: GPU drivers bind the same pages
 * again and again, and reviving a mapping costs nothing. Idle is a state in the table; the list is
 * the set of blocks with the idle mark. The list is drained:
 *
 *  - by age: a clock ticks every idle_age_ms, and each tick unmaps the GFNs that were idle at the
 *    tick before. So a page stays mapped for one to two ticks;
 *  - by size: when more than idle_max GFNs are idle, half of idle_max are kept;
 *  - when the quota or Xen's limit is reached: only as many as are needed;
 *  - after a balloon event: the GFNs that were idle before it;
 *  - on flush: all.
 *
 * Invariants: a GFN leaves the list when it is revived or unmapped. A GFN that Xen refuses to unmap
 * stays on the list, is counted, and is retried at the next drain; the clock retries after RETRY_MS
 * at the earliest. A drain visits each GFN once: it takes time in proportion to the number of idle
 * GFNs, in however many batches.
 *
 * Locking: the domain's lock. Drains drop it after each batch of the backend's unmap_chunk pages,
 * and the clock after each block.
 */

#include <linux/lockdep.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "domain.h"
#include "event.h"
#include "idle.h"
#include "trace.h"
#include "unmap.h"

/* The minimum delay in ms before the clock retries an unmap that Xen refused */
#define RETRY_MS	1000

unsigned int xen_gpu_idle_age_ms = XEN_GPU_IDLE_AGE_MS;

static unsigned int idle_max = 65536;
module_param(idle_max, uint, 0644);
MODULE_PARM_DESC(idle_max, "Unused pages of one guest beyond which they are unmapped (65536)");

/* Which idle GFNs a drain unmaps */
enum drain_scope { DRAIN_AGED, DRAIN_STALE, DRAIN_ALL };

/* A pass over the idle list, in batches */
struct drain {
	enum drain_scope scope;
	enum xen_gpu_counter reason;	/* counts the GFNs that it unmaps */
	u64 next;			/* where the next batch starts */
	unsigned int failed;		/* GFNs that Xen refused to unmap */
};

static bool in_scope(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int idx,
		     enum drain_scope scope)
{
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, idx);

	if (state == XEN_GPU_GFN_AGED)
		return scope != DRAIN_STALE || !xen_gpu_gfn_trusted(dom, block, idx);
	if (state != XEN_GPU_GFN_IDLE)
		return false;
	return scope == DRAIN_ALL ||
	       (scope == DRAIN_STALE && !xen_gpu_gfn_trusted(dom, block, idx));
}

static void fill_from_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			    struct drain *drain, unsigned int max)
{
	struct xen_gpu_batch *batch = dom->batch;
	unsigned int idx = 0;

	if (drain->next > xen_gpu_block_gfn(block, 0))
		idx = xen_gpu_block_idx(drain->next);
	for (; idx < XEN_GPU_BLOCK_GFNS && batch->n < max; idx++) {
		if (!in_scope(dom, block, idx, drain->scope))
			continue;
		xen_gpu_batch_add(batch, block, idx, xen_gpu_gfn_current(block, idx), false);
		drain->next = xen_gpu_block_gfn(block, idx) + 1;
	}
}

/*
 * Fills the next batch of the pass, with up to @max GFNs. The batch is empty at the end of the
 * pass.
 */
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

/* Unmaps the next batch of at most @max GFNs. Returns how many it tried to unmap. */
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
		xen_gpu_event_freed(dom);
	return batch->n;
}

/* Unmaps until at most @limit GFNs are idle or all were tried. Drops the lock between batches. */
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

/* Unmaps all idle GFNs. Returns 0, or -EIO if Xen refused to unmap some of them. */
int xen_gpu_idle_drain(struct xen_gpu_domain *dom, enum xen_gpu_counter reason)
{
	struct drain drain = { .scope = DRAIN_ALL, .reason = reason };

	drain_to(dom, &drain, 0);
	return drain.failed ? -EIO : 0;
}

/*
 * Unmaps the GFNs that were idle when a balloon event came, as the guest may have other pages
 * there. Returns false if Xen refused to unmap some of them.
 */
bool xen_gpu_idle_drain_stale(struct xen_gpu_domain *dom)
{
	struct drain drain = { .scope = DRAIN_STALE, .reason = XEN_GPU_COUNT_DRAINED_BALLOON };

	drain_to(dom, &drain, 0);
	return !drain.failed;
}

/*
 * Unmaps up to @need idle GFNs, but no more than the backend's unmap_chunk. Tries AGED GFNs first.
 * As GFNs become AGED at a tick only, each search for them starts where the last one since the tick
 * ended. *@next is the GFN where the pass over the other idle GFNs continues; the caller sets it to
 * 0 before the first call. Returns false if no idle GFN is left to try.
 */
bool xen_gpu_idle_reclaim(struct xen_gpu_domain *dom, unsigned long need, u64 *next)
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

/*
 * Ages all idle GFNs, to be unmapped at the next tick. Drops the lock after each block. Returns
 * true if there are any.
 */
static bool age_all(struct xen_gpu_domain *dom)
{
	struct xen_gpu_block *block;
	unsigned long index = 0;
	bool any = false;

	do {
		mutex_lock(&dom->lock);
		block = xa_find(&dom->table.blocks, &index, ULONG_MAX, XEN_GPU_BLOCK_IDLE);
		if (block) {
			any |= xen_gpu_block_age(&dom->table, block);
			dom->aged_next = 0;
		}
		mutex_unlock(&dom->lock);
		index++;
		cond_resched();
	} while (block);
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

	drain_to(dom, &drain, 0);
	if (age_all(dom))
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

void xen_gpu_idle_init(struct xen_gpu_domain *dom)
{
	INIT_DELAYED_WORK(&dom->age_work, tick);
	INIT_WORK(&dom->size_work, shrink);
}

void xen_gpu_idle_exit(struct xen_gpu_domain *dom)
{
	cancel_work_sync(&dom->size_work);
	cancel_delayed_work_sync(&dom->age_work);
}

/*
 * Puts a GFN whose last reference was released on the idle list. A work that is already pending
 * takes the domain's lock when it runs, so it will find this GFN.
 */
void xen_gpu_idle_add(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
		      unsigned int idx)
{
	lockdep_assert_held(&dom->lock);
	xen_gpu_gfn_set_state(&dom->table, block, idx, XEN_GPU_GFN_IDLE);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_QUEUED, 1);
	if (dom->table.nr_idle > READ_ONCE(idle_max) && !work_pending(&dom->size_work))
		queue_work(dom->wq, &dom->size_work);
	if (!delayed_work_pending(&dom->age_work))
		queue_tick(dom, 0);
}

/* The parameter idle_age_ms has changed: reschedules a pending tick. */
void xen_gpu_idle_kick(struct xen_gpu_domain *dom)
{
	if (delayed_work_pending(&dom->age_work))
		mod_delayed_work(dom->wq, &dom->age_work,
				 msecs_to_jiffies(READ_ONCE(xen_gpu_idle_age_ms)));
}
