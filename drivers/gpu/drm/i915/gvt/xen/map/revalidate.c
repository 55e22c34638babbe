// SPDX-License-Identifier: GPL-2.0
/*
 * Revalidation of a domain's mappings after a balloon event.
 *
 * Xen tells that pages left the guest's physmap, not which. So all mappings are looked at again,
 * block by block, some time after the first event (see event.c), so that a run of events leads to
 * one revalidation:
 *
 *  - where Xen has a call for it (native) each live GFN is looked up. What still has its frame is
 *    done with, what has none is gone;
 *  - each other live GFN is mapped a second time, on its other side. If that fails, the GFN is
 *    gone. If it gives the same BFN where BFNs tell frames (pv, xenserver), the mapping is good and
 *    the second one is undone. If it gives a new BFN, the GFN moves: where frames are seen because
 *    the frame is a new one, else (physmap) because the old mapping cannot be trusted;
 *  - the clients are told, once for all blocks, or in parts if there is no memory for so long a
 *    notice: they point the entries of GFNs that are gone to their scratch page and those that
 *    moved to the new BFN, and make the device forget;
 *  - only then the old mappings are undone, and with them the references on the old frames;
 *  - what was idle is unmapped.
 *
 * So what is still the guest's stays usable throughout: no entry that is good points to scratch
 * even for a moment, and nothing the device does is lost.
 *
 * Invariants: the side of a GFN that moves is changed under the domain's lock before the clients
 * are told, so a map call gives either the old BFN to an entry that the clients will find, or
 * the new one. What a notice names keeps its state until all clients have heard it. A GFN that is
 * gone refuses new references until the old ones are back. What could not be looked at is tried
 * again, later each time; what cannot be looked at GIVE_UP_AFTER times in a row is gone.
 *
 * Locking: notify_lock throughout; the domain's lock for each block, or for as many pages as the
 * backend's unmap_chunk says, never while a client is called.
 */

#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <xen/xen_gpu_map.h>

#include "client.h"
#include "death.h"
#include "domain.h"
#include "event.h"
#include "queue.h"
#include "revalidate.h"
#include "trace.h"

/* What Xen does not tell of a GFN in so many revalidations in a row */
#define GIVE_UP_AFTER	8

/* What the clients are to be told: the moves, sorted, and room for max */
struct notice {
	struct xen_gpu_move *moves;
	unsigned int n;
	unsigned int max;
};

/* What became of one block */
struct result {
	unsigned int kept;
	unsigned int moved;
	unsigned int gone;
	unsigned int unknown;
};

/* A revalidation */
struct pass {
	struct xen_gpu_domain *dom;
	u32 generation;		/* that everything is brought up to */
	struct notice notice;
	struct result block;	/* of the block that is looked at */
	unsigned int unknown;	/* in all blocks */
	unsigned int gone;
};

static void add_move(struct pass *pass, u64 gfn, u64 bfn, int status)
{
	pass->notice.moves[pass->notice.n++] = (struct xen_gpu_move){
		.gfn = gfn, .bfn = bfn, .status = status,
	};
}

/* The GFN has no page that could be mapped. lost: Xen holds nothing for us any more. */
static void set_gone(struct pass *pass, struct xen_gpu_block *block, unsigned int slot, bool lost)
{
	xen_gpu_gfn_set_state(&pass->dom->table, block, slot,
			      lost ? XEN_GPU_GFN_LOST : XEN_GPU_GFN_GONE);
	add_move(pass, xen_gpu_slot_gfn(block, slot), 0, -ENOENT);
	pass->block.gone++;
}

/* Nothing was learnt: the mapping stays, but is not trusted. */
static void set_unknown(struct pass *pass, struct xen_gpu_block *block, unsigned int slot)
{
	xen_gpu_gfn_set_stale(block, slot, true);
	pass->block.unknown++;
}

static void set_kept(struct pass *pass, struct xen_gpu_block *block, unsigned int slot)
{
	xen_gpu_gfn_set_stale(block, slot, false);
	pass->block.kept++;
}

/*
 * Puts a live GFN into other_batch, to be mapped once more, on its other side. told: what Xen said
 * of the present mapping: -ENXIO it is not there any more, -ESTALE the GFN has another frame; 0
 * nothing. If the other side cannot be unmapped, nothing else can be learnt.
 */
static void add_other_side(struct pass *pass, struct xen_gpu_block *block, unsigned int slot,
			   int told)
{
	struct xen_gpu_batch *batch = pass->dom->other_batch;

	if (xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_OTHER)) {
		if (told)
			set_gone(pass, block, slot, told == -ENXIO);
		else
			set_unknown(pass, block, slot);
		return;
	}
	xen_gpu_batch_add(batch, block, slot, !xen_gpu_slot_side(block, slot),
			  xen_gpu_gfn_is(block, slot,
					 XEN_GPU_GFN_WRITABLE | XEN_GPU_GFN_UPGRADE));
	batch->slots[batch->n - 1].lost = told == -ENXIO;
	batch->slots[batch->n - 1].stale = told == -ESTALE;
}

/* A block that was made after the pass began is of a later generation. */
static bool is_older(struct pass *pass, struct xen_gpu_block *block)
{
	return (s32)(pass->generation - block->generation) > 0;
}

/* Is the GFN to be looked at in this pass? What is idle is not: it is unmapped in the end. */
static bool is_due(struct pass *pass, struct xen_gpu_block *block, unsigned int slot)
{
	return xen_gpu_gfn_state(block, slot) == XEN_GPU_GFN_LIVE &&
	       (is_older(pass, block) || xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_STALE));
}

static void add_other_sides(struct pass *pass, struct xen_gpu_block *block)
{
	unsigned int slot;

	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS; slot++) {
		if (is_due(pass, block, slot))
			add_other_side(pass, block, slot, 0);
	}
}

/* Xen gave an error for a GFN: does it mean that there is no page? */
static bool means_gone(struct pass *pass, int status)
{
	switch (status) {
	case -ENOENT:
	case -EPERM:
	case -ENODEV:
		return true;
	default:
		/* No memory, perhaps: nothing was learnt. */
		return pass->dom->unlearnt >= GIVE_UP_AFTER;
	}
}

/* No second mapping. What Xen said has another frame does not keep the old one for that. */
static void classify_failure(struct pass *pass, struct xen_gpu_slot *slot)
{
	struct xen_gpu_block *block = slot->block;

	/* The look-up said that the page is still there; it only cannot be had for writing. */
	if (!slot->lost && xen_gpu_gfn_is(block, slot->slot, XEN_GPU_GFN_UPGRADE)) {
		xen_gpu_gfn_assign(block, slot->slot, XEN_GPU_GFN_UPGRADE, false);
		set_kept(pass, block, slot->slot);
	} else if (slot->lost || slot->stale || means_gone(pass, slot->status)) {
		set_gone(pass, block, slot->slot, slot->lost);
	} else {
		set_unknown(pass, block, slot->slot);
	}
}

/* The GFN lives on its other side from here on, as the clients are about to hear. */
static void set_moving(struct pass *pass, struct xen_gpu_slot *slot)
{
	struct xen_gpu_table *table = &pass->dom->table;
	struct xen_gpu_block *block = slot->block;

	xen_gpu_gfn_swap_sides(table, block, slot->slot);
	if (slot->lost)
		xen_gpu_gfn_set_other(table, block, slot->slot, false);
	xen_gpu_gfn_assign(block, slot->slot, XEN_GPU_GFN_WRITABLE, slot->writable);
	xen_gpu_gfn_set_stale(block, slot->slot, false);
	xen_gpu_gfn_set_state(table, block, slot->slot, XEN_GPU_GFN_MOVING);
	add_move(pass, slot->gfn, slot->bfn, 0);
	pass->block.moved++;
}

/* Classifies one GFN by its second mapping. */
static void classify(struct pass *pass, struct xen_gpu_slot *slot)
{
	struct xen_gpu_domain *dom = pass->dom;
	struct xen_gpu_block *block = slot->block;

	if (slot->status) {
		classify_failure(pass, slot);
		return;
	}
	xen_gpu_gfn_set_other(&dom->table, block, slot->slot, true);
	xen_gpu_gfn_assign(block, slot->slot, XEN_GPU_GFN_UPGRADE, false);
	if (!slot->lost &&
	    slot->bfn == dom->backend->bfn(dom, block, slot->slot, !slot->side))
		set_kept(pass, block, slot->slot);
	else
		set_moving(pass, slot);
}

/* Classifies one GFN by what Xen says about its mapping; it may have to be mapped anew. */
static void classify_rechecked(struct pass *pass, const struct xen_gpu_slot *slot)
{
	struct xen_gpu_block *block = slot->block;

	switch (slot->status) {
	case 0:
		if (xen_gpu_gfn_is(block, slot->slot, XEN_GPU_GFN_UPGRADE))
			add_other_side(pass, block, slot->slot, 0);
		else
			set_kept(pass, block, slot->slot);
		return;
	case -ESTALE:
	case -ENXIO:
		xen_gpu_gfn_assign(block, slot->slot, XEN_GPU_GFN_UPGRADE, false);
		add_other_side(pass, block, slot->slot, slot->status);
		return;
	default:
		if (means_gone(pass, slot->status))
			set_gone(pass, block, slot->slot, false);
		else
			set_unknown(pass, block, slot->slot);
	}
}

/* Looks every live GFN up, and leaves those in other_batch that have to be mapped anew. */
static void recheck_block(struct pass *pass, struct xen_gpu_block *block)
{
	struct xen_gpu_domain *dom = pass->dom;
	struct xen_gpu_batch *batch = dom->batch;
	unsigned int i, slot;

	xen_gpu_batch_start(batch, XEN_GPU_CALL_REVALIDATE);
	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS; slot++) {
		if (is_due(pass, block, slot))
			xen_gpu_batch_add(batch, block, slot, xen_gpu_slot_side(block, slot),
					  false);
	}
	if (batch->n)
		dom->backend->recheck(dom, batch);
	for (i = 0; i < batch->n; i++)
		classify_rechecked(pass, &batch->slots[i]);
}

/* Undoes the second mappings of what was kept. */
static void undo_kept(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	struct xen_gpu_batch *batch = dom->batch;
	unsigned int slot;

	xen_gpu_batch_start(batch, XEN_GPU_CALL_REVALIDATE);
	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS && block->nr_leftover; slot++) {
		if (xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_OTHER) &&
		    !xen_gpu_gfn_named(block, slot))
			xen_gpu_batch_add(batch, block, slot, !xen_gpu_slot_side(block, slot),
					  false);
	}
	xen_gpu_domain_unmap(dom, batch);
}

static int compare_moves(const void *a, const void *b)
{
	u64 left = ((const struct xen_gpu_move *)a)->gfn;
	u64 right = ((const struct xen_gpu_move *)b)->gfn;

	return left < right ? -1 : left > right;
}

/* Puts the moves of a block in order: those that are gone may have come before those that move. */
static void sort_moves(struct xen_gpu_move *moves, unsigned int n)
{
	unsigned int i;

	for (i = 1; i < n; i++) {
		if (moves[i - 1].gfn > moves[i].gfn)
			break;
	}
	if (i < n)
		sort(moves, n, sizeof(*moves), compare_moves, NULL);
}

/* What is idle was not looked at, and is not handed out any more. */
static void distrust_idle(struct xen_gpu_block *block)
{
	unsigned int slot;

	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS && block->nr_idle; slot++) {
		if (xen_gpu_gfn_idle(block, slot))
			xen_gpu_gfn_set_stale(block, slot, true);
	}
}

/* Brings a block up to the pass's generation; the notice gets what its users have to know. */
static void look_at_block(struct pass *pass, struct xen_gpu_block *block)
{
	struct xen_gpu_domain *dom = pass->dom;
	unsigned int i, first = pass->notice.n;

	lockdep_assert_held(&dom->lock);
	pass->block = (struct result){};
	xen_gpu_batch_start(dom->other_batch, XEN_GPU_CALL_REVALIDATE);
	if (dom->backend->recheck)
		recheck_block(pass, block);
	else
		add_other_sides(pass, block);
	if (dom->other_batch->n)
		dom->backend->map(dom, dom->other_batch);
	for (i = 0; i < dom->other_batch->n; i++)
		classify(pass, &dom->other_batch->slots[i]);
	sort_moves(pass->notice.moves + first, pass->notice.n - first);
	if (is_older(pass, block)) {
		distrust_idle(block);
		block->generation = pass->generation;
	}
	undo_kept(dom, block);
	xen_gpu_domain_clean(dom, block);
}

static void count_block(struct pass *pass, unsigned long index)
{
	const struct result *result = &pass->block;
	struct xen_gpu_domain *dom = pass->dom;

	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_KEPT, result->kept);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_MOVED, result->moved);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_GONE, result->gone);
	if (!dom->backend->sees_frames)
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNTRUSTED, result->moved);
	trace_xen_gpu_balloon(dom->domid, index, result->kept, result->moved, result->gone);
	pass->unknown += result->unknown;
	pass->gone += result->gone;
}

/* The first block from *index on that is to be looked at. */
static struct xen_gpu_block *next_block(struct pass *pass, unsigned long *index)
{
	struct xarray *blocks = &pass->dom->table.blocks;
	struct xen_gpu_block *block = xa_find(blocks, index, ULONG_MAX, XA_PRESENT);

	lockdep_assert_held(&pass->dom->lock);
	while (block && !is_older(pass, block) && !block->nr_stale)
		block = xa_find_after(blocks, index, ULONG_MAX, XA_PRESENT);
	return block;
}

/* Looks at blocks from *index on until there is none (false), or no room in the notice (true). */
static bool look_at_blocks(struct pass *pass, unsigned long *index)
{
	struct xen_gpu_domain *dom = pass->dom;
	struct xen_gpu_block *block;

	while (pass->notice.max - pass->notice.n >= XEN_GPU_BLOCK_GFNS) {
		mutex_lock(&dom->lock);
		block = next_block(pass, index);
		if (block) {
			look_at_block(pass, block);
			count_block(pass, *index);
		}
		mutex_unlock(&dom->lock);
		if (!block)
			return false;
		++*index;
		cond_resched();
	}
	return true;
}

/*
 * What is gone has no users left; one that forgot to release loses it here. It is unmapped as an
 * other side is, so that the GFN can be mapped anew meanwhile.
 */
static void forget_gone(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			unsigned int slot)
{
	WARN_ON_ONCE(block->count[slot]);
	block->count[slot] = 0;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, 1);
	if (xen_gpu_gfn_state(block, slot) == XEN_GPU_GFN_LOST)
		xen_gpu_gfn_set_state(&dom->table, block, slot, XEN_GPU_GFN_UNMAPPED);
	else if (xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_OTHER))
		xen_gpu_gfn_set_state(&dom->table, block, slot, XEN_GPU_GFN_STUCK);
	else
		xen_gpu_gfn_set_aside(&dom->table, block, slot);
}

/* Every client has heard of it. */
static void settle_move(struct xen_gpu_domain *dom, u64 gfn)
{
	struct xen_gpu_block *block = xen_gpu_table_find(&dom->table, gfn);
	unsigned int slot = xen_gpu_gfn_slot(gfn);

	lockdep_assert_held(&dom->lock);
	if (xen_gpu_gfn_state(block, slot) != XEN_GPU_GFN_MOVING) {
		forget_gone(dom, block, slot);
		xen_gpu_domain_clean(dom, block);
	} else if (block->count[slot]) {
		xen_gpu_gfn_set_state(&dom->table, block, slot, XEN_GPU_GFN_LIVE);
	} else {
		xen_gpu_queue_add(dom, block, slot);
	}
}

static void settle_moves(struct xen_gpu_domain *dom, const struct notice *notice)
{
	unsigned int i;

	mutex_lock(&dom->lock);
	for (i = 0; i < notice->n; i++) {
		settle_move(dom, notice->moves[i].gfn);
		if ((i + 1) % XEN_GPU_BATCH)
			continue;
		mutex_unlock(&dom->lock);
		cond_resched();
		mutex_lock(&dom->lock);
	}
	mutex_unlock(&dom->lock);
}

/* Adds leftovers of a block from *slot on; moves *slot behind the last one. */
static void add_leftovers(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			  unsigned int *slot)
{
	struct xen_gpu_batch *batch = dom->batch;

	for (; *slot < XEN_GPU_BLOCK_GFNS && block->nr_leftover; ++*slot) {
		if (batch->n >= dom->backend->unmap_chunk)
			return;
		if (xen_gpu_gfn_named(block, *slot))
			continue;
		if (xen_gpu_gfn_is(block, *slot, XEN_GPU_GFN_OTHER))
			xen_gpu_batch_add(batch, block, *slot, !xen_gpu_slot_side(block, *slot),
					  false);
		else if (xen_gpu_gfn_state(block, *slot) == XEN_GPU_GFN_STUCK)
			xen_gpu_batch_add(batch, block, *slot, xen_gpu_slot_side(block, *slot),
					  false);
	}
	*slot = XEN_GPU_BLOCK_GFNS;
}

/* The next batch of leftovers, from a GFN on; returns the GFN to go on from. */
static u64 fill_leftovers(struct xen_gpu_domain *dom, u64 gfn)
{
	unsigned long index = gfn >> XEN_GPU_BLOCK_SHIFT;
	unsigned int slot = xen_gpu_gfn_slot(gfn);
	struct xen_gpu_block *block;

	xen_gpu_batch_start(dom->batch, XEN_GPU_CALL_REVALIDATE);
	if (!dom->table.nr_leftover)
		return U64_MAX;
	block = xa_find(&dom->table.blocks, &index, ULONG_MAX, XA_PRESENT);
	while (block) {
		if (index != gfn >> XEN_GPU_BLOCK_SHIFT)
			slot = 0;
		add_leftovers(dom, block, &slot);
		if (slot < XEN_GPU_BLOCK_GFNS)
			return xen_gpu_slot_gfn(block, slot);
		block = xa_find_after(&dom->table.blocks, &index, ULONG_MAX, XA_PRESENT);
	}
	return U64_MAX;
}

/* Unmaps what was left over: other sides that nobody uses any more. Each is tried once. */
static void drop_leftovers(struct xen_gpu_domain *dom)
{
	u64 next = 0;

	do {
		mutex_lock(&dom->lock);
		next = fill_leftovers(dom, next);
		xen_gpu_domain_unmap(dom, dom->batch);
		xen_gpu_domain_trim(dom, dom->batch);
		mutex_unlock(&dom->lock);
		cond_resched();
	} while (next != U64_MAX);
}

/* Tells the clients, and undoes what they and their devices have let go of. */
static void deliver(struct pass *pass)
{
	struct notice *notice = &pass->notice;

	if (!notice->n)
		return;
	xen_gpu_clients_moved(pass->dom, notice->moves, notice->n);
	settle_moves(pass->dom, notice);
	drop_leftovers(pass->dom);
	notice->n = 0;
}

/* Makes room in the notice. False: there is no memory, what is in it has to be delivered first. */
static bool grow_notice(struct pass *pass)
{
	struct notice *notice = &pass->notice;
	struct xen_gpu_move *moves;

	moves = kvmalloc_array(2 * notice->max, sizeof(*moves), GFP_KERNEL | __GFP_NOWARN);
	if (!moves)
		return false;
	memcpy(moves, notice->moves, notice->n * sizeof(*moves));
	if (notice->moves != pass->dom->moves)
		kvfree(notice->moves);
	notice->moves = moves;
	notice->max *= 2;
	return true;
}

static void look_at_all(struct pass *pass)
{
	unsigned long index = 0;

	while (look_at_blocks(pass, &index)) {
		if (!grow_notice(pass))
			deliver(pass);
	}
	deliver(pass);
	if (pass->notice.moves != pass->dom->moves)
		kvfree(pass->notice.moves);
}

/* What the backend keeps for the second sides of one block after the other. */
static void trim_backend(struct xen_gpu_domain *dom)
{
	if (!dom->backend->trim)
		return;
	mutex_lock(&dom->lock);
	dom->backend->trim(dom);
	mutex_unlock(&dom->lock);
}

/* Looks at everything that is older than the present generation. True: not all was done. */
static bool revalidate(struct xen_gpu_domain *dom, u32 generation)
{
	struct pass pass = {
		.dom = dom,
		.generation = generation,
		.notice = { .moves = dom->moves, .max = XEN_GPU_BATCH },
	};

	drop_leftovers(dom);
	look_at_all(&pass);
	drop_leftovers(dom);
	xen_gpu_queue_drain_stale(dom);
	trim_backend(dom);
	WRITE_ONCE(dom->assured, generation);
	dom->unlearnt = pass.unknown ? dom->unlearnt + 1 : 0;
	/* What is given back may be the last that keeps a dead guest. */
	if (pass.gone && !READ_ONCE(dom->identity))
		xen_gpu_death_look_on(dom);
	return pass.unknown || READ_ONCE(dom->table.nr_leftover);
}

static void revalidate_work(struct work_struct *work)
{
	struct xen_gpu_domain *dom = container_of(work, struct xen_gpu_domain, reval_work.work);
	u32 generation = xen_gpu_domain_generation(dom);
	unsigned long start = jiffies;
	bool again = false;

	mutex_lock(&dom->notify_lock);
	if (!dom->ended) {
		again = revalidate(dom, generation);
		if (generation != dom->current_generation)
			xen_gpu_count(&dom->counters, XEN_GPU_COUNT_REVALIDATIONS, 1);
		WRITE_ONCE(dom->failures, again ? dom->failures + 1 : 0);
		/* Who waits for this relies on what the clients do then, too. */
		xen_gpu_clients_settled(dom);
		xen_gpu_event_done(dom, generation, jiffies - start);
	}
	if (again)
		xen_gpu_event_retry(dom);
	mutex_unlock(&dom->notify_lock);
}

void xen_gpu_revalidate_init(struct xen_gpu_domain *dom)
{
	INIT_DELAYED_WORK(&dom->reval_work, revalidate_work);
}

void xen_gpu_revalidate_exit(struct xen_gpu_domain *dom)
{
	xen_gpu_event_exit(dom);
	cancel_delayed_work_sync(&dom->reval_work);
}

/* If one is pending or running, waits for it. */
void xen_gpu_revalidate_now(struct xen_gpu_domain *dom)
{
	flush_delayed_work(&dom->reval_work);
}
