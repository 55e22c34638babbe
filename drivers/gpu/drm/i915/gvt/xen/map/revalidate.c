// SPDX-License-Identifier: GPL-2.0
/*
 * Revalidation of a domain's mappings after a balloon event.
 *
 * Xen tells that pages left the guest's physmap, not which. So all mappings are looked at again,
 * block by block, some time (balloon_delay_ms) after the first event, so that a run of events
 * leads to one revalidation:
 *
 *  - what is idle is unmapped;
 *  - where Xen has a call for it (native) each live GFN is looked up. What still has its frame is
 *    done with, what has none is gone;
 *  - each other live GFN is mapped a second time, on its other side. If that fails, the GFN is
 *    gone. If it gives the same BFN where BFNs tell frames (pv, xenserver), the mapping is good and
 *    the second one is undone. If it gives a new BFN, the GFN moves: where frames are seen because
 *    the frame is a new one, else (physmap) because the old mapping cannot be trusted;
 *  - the clients are told: they point the entries of GFNs that are gone to their scratch page and
 *    those that moved to the new BFN, and make the device forget;
 *  - only then the old mappings are undone, and with them the references on the old frames.
 *
 * So what is still the guest's stays usable throughout: no entry that is good points to scratch
 * even for a moment, and nothing the device does is lost.
 *
 * Invariants: the side of a GFN that moves is changed under the domain's lock before the clients
 * are told, so a map call gives either the old BFN to an entry that the clients will find, or
 * the new one. A GFN that is gone refuses new references until the old ones are back.
 *
 * Locking: notify_lock throughout; the domain's lock for each step, never while a client is
 * called.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <xen/xen_gpu_map.h>

#include "client.h"
#include "domain.h"
#include "queue.h"
#include "revalidate.h"
#include "trace.h"

static unsigned int balloon_delay_ms = 10;
module_param(balloon_delay_ms, uint, 0644);
MODULE_PARM_DESC(balloon_delay_ms, "How long to gather balloon events before acting, in ms (10)");

/* What became of one block */
struct verdict {
	unsigned int kept;
	unsigned int moved;
	unsigned int gone;
	unsigned int unknown;
};

/* Unmaps the slots of drop_batch; returns how many Xen refused to. */
static unsigned int unmap_slots(struct xen_gpu_domain *dom)
{
	struct xen_gpu_batch *batch = dom->drop_batch;
	unsigned int i, failed = 0;

	if (!batch->n)
		return 0;
	dom->backend->unmap(dom, batch);
	for (i = 0; i < batch->n; i++) {
		struct xen_gpu_slot *slot = &batch->slots[i];

		if (slot->status)
			failed++;
		else
			__clear_bit(slot->slot, slot->block->held[slot->side]);
	}
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED, failed);
	return failed;
}

/* Other sides that Xen refused to unmap earlier: perhaps it does now. */
static void unmap_stuck(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	unsigned int slot;

	xen_gpu_batch_start(dom->drop_batch, XEN_GPU_CALL_REVALIDATE);
	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS; slot++) {
		if (test_bit(slot, block->held[!xen_gpu_slot_side(block, slot)]))
			xen_gpu_batch_add(dom->drop_batch, block, slot,
					  !xen_gpu_slot_side(block, slot), false);
	}
	unmap_slots(dom);
}

/*
 * Puts a held GFN into reval_batch, to be mapped once more, on its other side. If that one is stuck
 * nothing can be learnt. lost: Xen has the present mapping no more.
 */
static void add_other_side(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			   unsigned int slot, bool lost, struct verdict *verdict)
{
	unsigned int other = !xen_gpu_slot_side(block, slot);
	struct xen_gpu_batch *batch = dom->reval_batch;

	if (test_bit(slot, block->held[other])) {
		verdict->unknown++;
		return;
	}
	xen_gpu_batch_add(batch, block, slot, other, test_bit(slot, block->writable) ||
			  test_bit(slot, block->upgrade));
	batch->slots[batch->n - 1].lost = lost;
}

/* Every held GFN, also those that became idle meanwhile and may be revived. */
static void add_other_sides(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			    struct verdict *verdict)
{
	unsigned int slot;

	xen_gpu_batch_start(dom->reval_batch, XEN_GPU_CALL_REVALIDATE);
	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS; slot++) {
		if (xen_gpu_slot_held(block, slot))
			add_other_side(dom, block, slot, false, verdict);
	}
}

static void add_move(struct xen_gpu_domain *dom, struct verdict *verdict, u64 gfn, u64 bfn,
		     int status)
{
	struct xen_gpu_move *move = &dom->moves[verdict->moved + verdict->gone];

	*move = (struct xen_gpu_move){ .gfn = gfn, .bfn = bfn, .status = status };
}

/* The GFN has no page that could be mapped: its current side is to be undone. */
static void judge_gone(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int slot,
		       struct verdict *verdict)
{
	__set_bit(slot, block->gone);
	if (test_bit(slot, block->idle))
		xen_gpu_queue_remove(dom, block, slot);
	xen_gpu_batch_add(dom->drop_batch, block, slot, xen_gpu_slot_side(block, slot), false);
	add_move(dom, verdict, xen_gpu_slot_gfn(block, slot), 0, -ENOENT);
	verdict->gone++;
}

/* No second mapping. */
static void judge_failure(struct xen_gpu_domain *dom, struct xen_gpu_slot *slot,
			  struct verdict *verdict)
{
	/* The look-up said that the page is still there; it only cannot be had for writing. */
	if (test_and_clear_bit(slot->slot, slot->block->upgrade)) {
		verdict->kept++;
		return;
	}
	switch (slot->status) {
	case -ENOENT:
	case -EPERM:
	case -ENODEV:
		judge_gone(dom, slot->block, slot->slot, verdict);
		return;
	default:
		/* No memory: nothing was learnt. */
		verdict->unknown++;
	}
}

/* Judges one GFN by its second mapping, and puts the side that is to be undone into drop_batch. */
static void judge(struct xen_gpu_domain *dom, struct xen_gpu_slot *slot, struct verdict *verdict)
{
	struct xen_gpu_block *block = slot->block;

	if (slot->status) {
		judge_failure(dom, slot, verdict);
		return;
	}
	__set_bit(slot->slot, block->held[slot->side]);
	__clear_bit(slot->slot, block->upgrade);
	if (slot->lost) {
		/* There is nothing to be undone, but at the same BFN perhaps the new one. */
		__clear_bit(slot->slot, block->held[!slot->side]);
	} else if (slot->bfn == dom->backend->bfn(dom, block, slot->slot, !slot->side)) {
		xen_gpu_batch_add(dom->drop_batch, block, slot->slot, slot->side, false);
		verdict->kept++;
		return;
	}
	__change_bit(slot->slot, block->side);
	__assign_bit(slot->slot, block->writable, slot->writable);
	if (!slot->lost)
		xen_gpu_batch_add(dom->drop_batch, block, slot->slot, !slot->side, false);
	add_move(dom, verdict, slot->gfn, slot->bfn, 0);
	verdict->moved++;
}

/* Judges one GFN by what Xen says about its mapping; it may have to be mapped anew. */
static void judge_rechecked(struct xen_gpu_domain *dom, const struct xen_gpu_slot *slot,
			    struct verdict *verdict)
{
	struct xen_gpu_block *block = slot->block;

	switch (slot->status) {
	case 0:
		if (test_bit(slot->slot, block->upgrade))
			add_other_side(dom, block, slot->slot, false, verdict);
		else
			verdict->kept++;
		return;
	case -ESTALE:
	case -ENXIO:
		__clear_bit(slot->slot, block->upgrade);
		add_other_side(dom, block, slot->slot, slot->status == -ENXIO, verdict);
		return;
	case -ENOENT:
	case -EPERM:
	case -ENODEV:
		judge_gone(dom, block, slot->slot, verdict);
		return;
	default:
		verdict->unknown++;
	}
}

/* Looks every held GFN up, and leaves those in reval_batch that have to be mapped anew. */
static void recheck_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			  struct verdict *verdict)
{
	struct xen_gpu_batch *batch = dom->reval_batch;
	unsigned int i, n, slot;

	xen_gpu_batch_start(batch, XEN_GPU_CALL_REVALIDATE);
	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS; slot++) {
		if (xen_gpu_slot_held(block, slot))
			xen_gpu_batch_add(batch, block, slot, xen_gpu_slot_side(block, slot),
					  false);
	}
	if (batch->n)
		dom->backend->recheck(dom, batch);

	n = batch->n;
	xen_gpu_batch_start(batch, XEN_GPU_CALL_REVALIDATE);
	for (i = 0; i < n; i++) {
		/* A copy: what is added comes into the places of those before it. */
		const struct xen_gpu_slot one = batch->slots[i];

		judge_rechecked(dom, &one, verdict);
	}
}

static int compare_moves(const void *a, const void *b)
{
	u64 left = ((const struct xen_gpu_move *)a)->gfn;
	u64 right = ((const struct xen_gpu_move *)b)->gfn;

	return left < right ? -1 : left > right;
}

static void judge_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			struct verdict *verdict)
{
	unsigned int i;

	lockdep_assert_held(&dom->lock);
	unmap_stuck(dom, block);
	xen_gpu_batch_start(dom->drop_batch, XEN_GPU_CALL_REVALIDATE);
	if (dom->backend->recheck)
		recheck_block(dom, block, verdict);
	else
		add_other_sides(dom, block, verdict);
	if (dom->reval_batch->n)
		dom->backend->map(dom, dom->reval_batch);
	for (i = 0; i < dom->reval_batch->n; i++)
		judge(dom, &dom->reval_batch->slots[i], verdict);
	/* Those that are gone may have come before those that move. */
	sort(dom->moves, verdict->moved + verdict->gone, sizeof(*dom->moves), compare_moves, NULL);
}

/*
 * A GFN that is gone must have no users left; one that forgot to release loses it here. If Xen
 * refused to unmap it, the GFN lives on its other side from here on.
 */
static void forget_gone(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			unsigned int slot)
{
	WARN_ON_ONCE(block->count[slot]);
	block->count[slot] = 0;
	__clear_bit(slot, block->gone);
	if (xen_gpu_slot_held(block, slot))
		__change_bit(slot, block->side);
	else
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, 1);
	dom->nr_held--;
}

/* Undoes what drop_batch names, after the clients and their devices have let go of it. */
static void drop_old(struct xen_gpu_domain *dom)
{
	struct xen_gpu_batch *batch = dom->drop_batch;
	unsigned int i;

	lockdep_assert_held(&dom->lock);
	unmap_slots(dom);
	for (i = 0; i < batch->n; i++) {
		if (test_bit(batch->slots[i].slot, batch->slots[i].block->gone))
			forget_gone(dom, batch->slots[i].block, batch->slots[i].slot);
	}
	xen_gpu_domain_trim(dom, batch);
}

static void count_verdict(struct xen_gpu_domain *dom, const struct verdict *verdict)
{
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_KEPT, verdict->kept);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_MOVED, verdict->moved);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_GONE, verdict->gone);
	if (!dom->backend->sees_frames)
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNTRUSTED, verdict->moved);
}

/* Revalidates the first block from *index on; false if there is none. */
static bool revalidate_block(struct xen_gpu_domain *dom, unsigned long *index, bool *again)
{
	struct verdict verdict = {};
	struct xen_gpu_block *block;

	mutex_lock(&dom->lock);
	block = xa_find(&dom->table, index, ULONG_MAX, XA_PRESENT);
	if (block)
		judge_block(dom, block, &verdict);
	mutex_unlock(&dom->lock);
	if (!block)
		return false;

	if (verdict.moved + verdict.gone)
		xen_gpu_clients_moved(dom, dom->moves, verdict.moved + verdict.gone);

	mutex_lock(&dom->lock);
	drop_old(dom);
	mutex_unlock(&dom->lock);

	count_verdict(dom, &verdict);
	trace_xen_gpu_balloon(dom->domid, *index, verdict.kept, verdict.moved, verdict.gone);
	*again |= verdict.unknown;
	++*index;
	return true;
}

static void revalidate(struct work_struct *work)
{
	struct xen_gpu_domain *dom = container_of(work, struct xen_gpu_domain, reval_work.work);
	ktime_t start = ktime_get();
	unsigned long index = 0;
	bool again = false;

	mutex_lock(&dom->notify_lock);
	if (!dom->ended) {
		xen_gpu_queue_drain(dom, XEN_GPU_COUNT_DRAINED_BALLOON);
		while (revalidate_block(dom, &index, &again))
			cond_resched();
		xen_gpu_clients_settled(dom);
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_REVALIDATIONS, 1);
		if (again)
			queue_delayed_work(dom->wq, &dom->reval_work, HZ);
	}
	dom->reval_ms = ktime_ms_delta(ktime_get(), start);
	mutex_unlock(&dom->notify_lock);
}

void xen_gpu_revalidate_init(struct xen_gpu_domain *dom)
{
	INIT_DELAYED_WORK(&dom->reval_work, revalidate);
}

void xen_gpu_revalidate_exit(struct xen_gpu_domain *dom)
{
	cancel_delayed_work_sync(&dom->reval_work);
}

/*
 * At the latest after balloon_delay_ms; but not before as much time has passed as the last one
 * took, so that a guest that balloons all the time has us work for half of it at most.
 */
void xen_gpu_revalidate_later(struct xen_gpu_domain *dom)
{
	unsigned long delay = max_t(unsigned long, READ_ONCE(balloon_delay_ms),
				    READ_ONCE(dom->reval_ms));

	queue_delayed_work(dom->wq, &dom->reval_work, msecs_to_jiffies(delay));
}

/* If one is pending or running, waits for it. */
void xen_gpu_revalidate_now(struct xen_gpu_domain *dom)
{
	flush_delayed_work(&dom->reval_work);
}

/**
 * xen_gpu_balloon_event - pages may have left the guest's physmap
 * @dom: the domain
 *
 * To be called for every IOREQ_TYPE_INVALIDATE. Does not wait for the revalidation that it leads
 * to: Xen holds the frames until then.
 *
 * Context: any.
 */
void xen_gpu_balloon_event(struct xen_gpu_domain *dom)
{
	xen_gpu_count_event(&dom->counters, XEN_GPU_COUNT_BALLOON_EVENTS);
	xen_gpu_revalidate_later(dom);
}
EXPORT_SYMBOL_GPL(xen_gpu_balloon_event);
