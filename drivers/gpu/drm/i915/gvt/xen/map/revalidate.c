// SPDX-License-Identifier: GPL-2.0
/*
 * Revalidation of a domain's mappings after a balloon event.
 *
 * Xen reports that pages left the guest's physmap, but not which ones. So some time after the first
 * event (see event.c), all mappings are revalidated, block by block:
 *
 *  - If the backend has a recheck operation (native), Xen is asked about each live GFN. If the GFN
 *    still has its frame, the mapping is kept. If it has no frame, it is gone.
 *  - Each other live GFN is mapped a second time, in its other mapping. If Xen finds no page,
 *    the GFN is gone. If the BFN is the same and the backend's BFNs identify frames (pv,
 *    xenserver), the mapping is kept and the second one is unmapped. If the BFN is new, the GFN
 *    moves: with a backend that sees frames because the frame is a new one, else (physmap) because
 *    the old mapping cannot be trusted.
 *  - The clients are told, once for all blocks, or in parts if there is no memory for a notice of
 *    that size. They point the entries of GFNs that are gone to their scratch page and those of
 *    GFNs that moved to the new BFN, and make the device forget the old entries.
 *  - Only then the old mappings are unmapped, which drops the references on the old frames.
 *  - The GFNs that were idle before the event are unmapped.
 *
 * So a page that the guest has kept stays usable throughout. No valid entry points to the scratch
 * page even for a moment, and no access of the device is lost.
 *
 * Invariants:
 *
 *  - The current mapping of a GFN that moves is changed under the domain's lock before the clients
 *    are told. So a map call either gives the old BFN to an entry that the clients will find, or
 *    gives the new one.
 *  - A GFN that a notice names keeps its state until all clients have been told.
 *  - A GFN that is gone refuses new references until the old ones have been released.
 *  - A GFN about which nothing was learnt is retried, later each time. If GIVE_UP_AFTER
 *    revalidations in a row have learnt nothing about it, the next failure makes it gone.
 *  - While Xen may have dropped mappings that the table says are held, the domain stays in doubt
 *    until a revalidation has left no GFN unknown and no old mapping behind.
 *
 * Locking: notify_lock throughout. The domain's lock for each block, or for as many pages as the
 * backend's unmap_chunk says; never while a client's operation runs.
 */

#include <linux/export.h>
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
#include "domain.h"
#include "domain_watch.h"
#include "event.h"
#include "idle.h"
#include "revalidate.h"
#include "trace.h"
#include "unmap.h"

/* After so many revalidations in a row that learnt nothing about a GFN, it counts as gone */
#define GIVE_UP_AFTER	8

/* What the clients will be told: @n moves, sorted by GFN, in a buffer for @max moves */
struct notice {
	struct xen_gpu_move *moves;
	unsigned int n;
	unsigned int max;
};

/* How many GFNs of a block were kept, moved, are gone, or are still unknown */
struct result {
	unsigned int kept;
	unsigned int moved;
	unsigned int gone;
	unsigned int unknown;
};

/* One revalidation */
struct pass {
	struct xen_gpu_domain *dom;
	u32 generation;		/* blocks are brought up to this one */
	struct notice notice;
	struct result block;	/* of the current block */
	unsigned int unknown;	/* unknown GFNs in all blocks */
	unsigned int gone;
};

static void add_move(struct pass *pass, u64 gfn, u64 bfn, int status)
{
	pass->notice.moves[pass->notice.n++] = (struct xen_gpu_move){
		.gfn = gfn, .bfn = bfn, .status = status,
	};
}

/*
 * The GFN has no page that could be mapped. @lost: Xen holds no reference on the old one any more.
 */
static void set_gone(struct pass *pass, struct xen_gpu_block *block, unsigned int idx, bool lost)
{
	xen_gpu_gfn_set_state(&pass->dom->table, block, idx,
			      lost ? XEN_GPU_GFN_LOST : XEN_GPU_GFN_GONE);
	add_move(pass, xen_gpu_block_gfn(block, idx), 0, -ENOENT);
	pass->block.gone++;
}

/* Nothing was learnt about the GFN. Its mapping is kept, but not trusted. */
static void set_unknown(struct pass *pass, struct xen_gpu_block *block, unsigned int idx)
{
	xen_gpu_gfn_set_unknown(block, idx);
	pass->block.unknown++;
}

static void set_kept(struct pass *pass, struct xen_gpu_block *block, unsigned int idx)
{
	xen_gpu_gfn_set_stale(block, idx, false);
	pass->block.kept++;
}

/*
 * Adds a live GFN to other_batch, which maps it a second time, in its other mapping. @told is what
 * Xen has said about the current mapping: -ENXIO if it is not there any more, -ESTALE if the GFN
 * has another frame, 0 if nothing is known. If the other mapping is still held the GFN cannot be
 * mapped a second time, and nothing more can be learnt.
 */
static void add_other_mapping(struct pass *pass, struct xen_gpu_block *block, unsigned int idx,
			      int told)
{
	struct xen_gpu_batch *batch = pass->dom->other_batch;

	if (xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_OTHER)) {
		if (told)
			set_gone(pass, block, idx, told == -ENXIO);
		else
			set_unknown(pass, block, idx);
		return;
	}
	xen_gpu_batch_add(batch, block, idx, !xen_gpu_gfn_current(block, idx),
			  xen_gpu_gfn_is(block, idx,
					 XEN_GPU_GFN_WRITABLE | XEN_GPU_GFN_UPGRADE));
	batch->entries[batch->n - 1].lost = told == -ENXIO;
	batch->entries[batch->n - 1].stale = told == -ESTALE;
}

/* Is the block older than the pass? A block that was added after the pass began is not. */
static bool is_older(struct pass *pass, struct xen_gpu_block *block)
{
	return (s32)(pass->generation - block->generation) > 0;
}

/*
 * Does the pass revalidate this GFN? It does not revalidate idle GFNs, but unmaps them at the end.
 */
static bool is_due(struct pass *pass, struct xen_gpu_block *block, unsigned int idx)
{
	return xen_gpu_gfn_state(block, idx) == XEN_GPU_GFN_LIVE &&
	       (is_older(pass, block) || xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_STALE));
}

static void add_other_mappings(struct pass *pass, struct xen_gpu_block *block)
{
	unsigned int idx;

	for (idx = 0; idx < XEN_GPU_BLOCK_GFNS; idx++) {
		if (is_due(pass, block, idx))
			add_other_mapping(pass, block, idx, 0);
	}
}

/* Does an error that Xen gave for a GFN mean that it has no page? */
static bool means_gone(const struct xen_gpu_batch_entry *entry)
{
	switch (entry->status) {
	case -ENOENT:
	case -EPERM:
	case -ENODEV:
		return true;
	default:
		/* It may have been lack of memory, say: nothing was learnt. */
		return xen_gpu_gfn_unknown(entry->block, entry->idx) >= GIVE_UP_AFTER;
	}
}

/*
 * The second mapping failed. A GFN that has another frame, as Xen has said, is gone then: it must
 * not keep the old one.
 */
static void classify_failure(struct pass *pass, struct xen_gpu_batch_entry *entry)
{
	struct xen_gpu_block *block = entry->block;

	/* The recheck said that the page is still there; it only cannot be mapped writable. */
	if (!entry->lost && xen_gpu_gfn_is(block, entry->idx, XEN_GPU_GFN_UPGRADE)) {
		xen_gpu_gfn_assign(block, entry->idx, XEN_GPU_GFN_UPGRADE, false);
		set_kept(pass, block, entry->idx);
	} else if (entry->lost || entry->stale || means_gone(entry)) {
		set_gone(pass, block, entry->idx, entry->lost);
	} else {
		set_unknown(pass, block, entry->idx);
	}
}

/* Makes the second mapping the current one, and adds the GFN to the notice. */
static void set_moving(struct pass *pass, struct xen_gpu_batch_entry *entry)
{
	struct xen_gpu_table *table = &pass->dom->table;
	struct xen_gpu_block *block = entry->block;

	xen_gpu_gfn_swap_mappings(table, block, entry->idx);
	if (entry->lost)
		xen_gpu_gfn_set_other(table, block, entry->idx, false);
	xen_gpu_gfn_assign(block, entry->idx, XEN_GPU_GFN_WRITABLE, entry->writable);
	xen_gpu_gfn_set_stale(block, entry->idx, false);
	xen_gpu_gfn_set_state(table, block, entry->idx, XEN_GPU_GFN_MOVING);
	add_move(pass, entry->gfn, entry->bfn, 0);
	pass->block.moved++;
}

/* Classifies a GFN by the result of its second mapping: kept, moved, gone or unknown. */
static void classify(struct pass *pass, struct xen_gpu_batch_entry *entry)
{
	struct xen_gpu_domain *dom = pass->dom;
	struct xen_gpu_block *block = entry->block;

	if (entry->status) {
		classify_failure(pass, entry);
		return;
	}
	xen_gpu_gfn_set_other(&dom->table, block, entry->idx, true);
	xen_gpu_gfn_assign(block, entry->idx, XEN_GPU_GFN_UPGRADE, false);
	if (!entry->lost &&
	    entry->bfn == dom->backend->bfn(dom, block, entry->idx, !entry->mapping))
		set_kept(pass, block, entry->idx);
	else
		set_moving(pass, entry);
}

/*
 * Classifies a GFN by the result of the recheck. Adds it to other_batch if it has to be mapped
 * again.
 */
static void classify_rechecked(struct pass *pass, const struct xen_gpu_batch_entry *entry)
{
	struct xen_gpu_block *block = entry->block;

	switch (entry->status) {
	case 0:
		if (xen_gpu_gfn_is(block, entry->idx, XEN_GPU_GFN_UPGRADE))
			add_other_mapping(pass, block, entry->idx, 0);
		else
			set_kept(pass, block, entry->idx);
		return;
	case -ESTALE:
	case -ENXIO:
		xen_gpu_gfn_assign(block, entry->idx, XEN_GPU_GFN_UPGRADE, false);
		add_other_mapping(pass, block, entry->idx, entry->status);
		return;
	default:
		if (means_gone(entry))
			set_gone(pass, block, entry->idx, false);
		else
			set_unknown(pass, block, entry->idx);
	}
}

/* Rechecks every live GFN of a block. Adds those that have to be mapped again to other_batch. */
static void recheck_block(struct pass *pass, struct xen_gpu_block *block)
{
	struct xen_gpu_domain *dom = pass->dom;
	struct xen_gpu_batch *batch = dom->batch;
	unsigned int i, idx;

	xen_gpu_batch_start(batch, XEN_GPU_CALL_REVALIDATE);
	for (idx = 0; idx < XEN_GPU_BLOCK_GFNS; idx++) {
		if (is_due(pass, block, idx))
			xen_gpu_batch_add(batch, block, idx, xen_gpu_gfn_current(block, idx),
					  false);
	}
	if (batch->n)
		dom->backend->recheck(dom, batch);
	for (i = 0; i < batch->n; i++)
		classify_rechecked(pass, &batch->entries[i]);
}

/*
 * Unmaps the second mappings of the GFNs that were kept. Only a backend that sees frames, and
 * unmaps in batches, has any. Other mappings that were set aside are left to drop_leftovers().
 */
static void undo_kept(struct xen_gpu_domain *dom)
{
	const struct xen_gpu_batch *second = dom->other_batch;
	struct xen_gpu_batch *batch = dom->batch;
	unsigned int i;

	xen_gpu_batch_start(batch, XEN_GPU_CALL_REVALIDATE);
	for (i = 0; i < second->n; i++) {
		const struct xen_gpu_batch_entry *entry = &second->entries[i];

		if (!entry->status && !xen_gpu_gfn_named(entry->block, entry->idx))
			xen_gpu_batch_add(batch, entry->block, entry->idx, entry->mapping, false);
	}
	xen_gpu_domain_unmap(dom, batch);
}

static int compare_moves(const void *a, const void *b)
{
	u64 left = ((const struct xen_gpu_move *)a)->gfn;
	u64 right = ((const struct xen_gpu_move *)b)->gfn;

	return left < right ? -1 : left > right;
}

/* Sorts the moves of a block by GFN: the recheck adds GFNs that are gone before any GFN moves. */
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

/*
 * Makes the idle GFNs of a block stale: they were not revalidated and must not be handed out again.
 */
static void distrust_idle(struct xen_gpu_block *block)
{
	unsigned int idx;

	for (idx = 0; idx < XEN_GPU_BLOCK_GFNS && block->nr_idle; idx++) {
		if (xen_gpu_gfn_idle(block, idx))
			xen_gpu_gfn_set_stale(block, idx, true);
	}
}

/*
 * Revalidates a block, which brings it up to the pass's generation. Adds to the notice what the
 * clients have to know.
 */
static void check_block(struct pass *pass, struct xen_gpu_block *block)
{
	struct xen_gpu_domain *dom = pass->dom;
	unsigned int i, first = pass->notice.n;

	lockdep_assert_held(&dom->lock);
	pass->block = (struct result){};
	xen_gpu_batch_start(dom->other_batch, XEN_GPU_CALL_REVALIDATE);
	if (dom->backend->recheck)
		recheck_block(pass, block);
	else
		add_other_mappings(pass, block);
	if (dom->other_batch->n)
		dom->backend->map(dom, dom->other_batch);
	for (i = 0; i < dom->other_batch->n; i++)
		classify(pass, &dom->other_batch->entries[i]);
	sort_moves(pass->notice.moves + first, pass->notice.n - first);
	if (is_older(pass, block)) {
		distrust_idle(block);
		block->generation = pass->generation;
	}
	undo_kept(dom);
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

/* Returns the first block from *@index on that has GFNs to revalidate, and moves *@index to it. */
static struct xen_gpu_block *next_block(struct pass *pass, unsigned long *index)
{
	struct xarray *blocks = &pass->dom->table.blocks;
	struct xen_gpu_block *block = xa_find(blocks, index, ULONG_MAX, XA_PRESENT);

	lockdep_assert_held(&pass->dom->lock);
	while (block && !is_older(pass, block) && !block->nr_stale)
		block = xa_find_after(blocks, index, ULONG_MAX, XA_PRESENT);
	return block;
}

/*
 * Revalidates the blocks from *@index on. Returns false if none is left, true if the notice may be
 * too small for one more block.
 */
static bool check_blocks(struct pass *pass, unsigned long *index)
{
	struct xen_gpu_domain *dom = pass->dom;
	struct xen_gpu_block *block;

	while (pass->notice.max - pass->notice.n >= XEN_GPU_BLOCK_GFNS) {
		mutex_lock(&dom->lock);
		block = next_block(pass, index);
		if (block) {
			check_block(pass, block);
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
 * A GFN that is gone has no users left; a reference that a client has failed to release is lost
 * here. The mapping is unmapped as an other mapping, so that the GFN can be mapped again meanwhile.
 */
static void forget_gone(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			unsigned int idx)
{
	WARN_ON_ONCE(block->count[idx]);
	block->count[idx] = 0;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, 1);
	if (xen_gpu_gfn_state(block, idx) == XEN_GPU_GFN_LOST)
		xen_gpu_gfn_set_state(&dom->table, block, idx, XEN_GPU_GFN_UNMAPPED);
	else if (xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_OTHER))
		xen_gpu_gfn_set_state(&dom->table, block, idx, XEN_GPU_GFN_STUCK);
	else
		xen_gpu_gfn_set_aside(&dom->table, block, idx);
}

/* Leaves the state that a notice required: every client has been told of the GFN. */
static void finish_move(struct xen_gpu_domain *dom, u64 gfn)
{
	struct xen_gpu_block *block = xen_gpu_table_find(&dom->table, gfn);
	unsigned int idx = xen_gpu_block_idx(gfn);

	lockdep_assert_held(&dom->lock);
	if (xen_gpu_gfn_state(block, idx) != XEN_GPU_GFN_MOVING) {
		forget_gone(dom, block, idx);
		xen_gpu_domain_clean(dom, block);
	} else if (block->count[idx]) {
		xen_gpu_gfn_set_state(&dom->table, block, idx, XEN_GPU_GFN_LIVE);
	} else {
		xen_gpu_idle_add(dom, block, idx);
	}
}

static void finish_moves(struct xen_gpu_domain *dom, const struct notice *notice)
{
	unsigned int i;

	mutex_lock(&dom->lock);
	for (i = 0; i < notice->n; i++) {
		finish_move(dom, notice->moves[i].gfn);
		if ((i + 1) % XEN_GPU_BATCH)
			continue;
		mutex_unlock(&dom->lock);
		cond_resched();
		mutex_lock(&dom->lock);
	}
	mutex_unlock(&dom->lock);
}

/*
 * Adds the leftovers of a block to the batch, from GFN *@idx on, until the batch is full. Moves
 * *@idx behind the last GFN that was visited.
 */
static void add_leftovers(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			  unsigned int *idx)
{
	struct xen_gpu_batch *batch = dom->batch;

	for (; *idx < XEN_GPU_BLOCK_GFNS && block->nr_leftover; ++*idx) {
		if (batch->n >= dom->backend->unmap_chunk)
			return;
		if (xen_gpu_gfn_named(block, *idx))
			continue;
		if (xen_gpu_gfn_is(block, *idx, XEN_GPU_GFN_OTHER))
			xen_gpu_batch_add(batch, block, *idx, !xen_gpu_gfn_current(block, *idx),
					  false);
		else if (xen_gpu_gfn_state(block, *idx) == XEN_GPU_GFN_STUCK)
			xen_gpu_batch_add(batch, block, *idx, xen_gpu_gfn_current(block, *idx),
					  false);
	}
	*idx = XEN_GPU_BLOCK_GFNS;
}

/*
 * Fills the next batch of leftovers, from @gfn on. Returns the GFN to continue from, or U64_MAX at
 * the end.
 */
static u64 fill_leftovers(struct xen_gpu_domain *dom, u64 gfn)
{
	unsigned long index = gfn >> XEN_GPU_BLOCK_SHIFT;
	unsigned int idx = xen_gpu_block_idx(gfn);
	struct xen_gpu_block *block;

	xen_gpu_batch_start(dom->batch, XEN_GPU_CALL_REVALIDATE);
	if (!dom->table.nr_leftover)
		return U64_MAX;
	block = xa_find(&dom->table.blocks, &index, ULONG_MAX, XA_PRESENT);
	while (block) {
		if (index != gfn >> XEN_GPU_BLOCK_SHIFT)
			idx = 0;
		add_leftovers(dom, block, &idx);
		if (idx < XEN_GPU_BLOCK_GFNS)
			return xen_gpu_block_gfn(block, idx);
		block = xa_find_after(&dom->table.blocks, &index, ULONG_MAX, XA_PRESENT);
	}
	return U64_MAX;
}

/*
 * Unmaps all leftovers: other mappings and STUCK GFNs, which nobody uses any more. Tries each once.
 */
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

/* Tells the clients, then unmaps the mappings that they and their devices have forgotten. */
static void deliver(struct pass *pass)
{
	struct notice *notice = &pass->notice;

	if (!notice->n)
		return;
	xen_gpu_clients_remap(pass->dom, notice->moves, notice->n);
	finish_moves(pass->dom, notice);
	drop_leftovers(pass->dom);
	notice->n = 0;
}

/*
 * Doubles the notice's buffer. Returns false if there is no memory: the caller delivers the notice.
 */
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

static void check_all(struct pass *pass)
{
	unsigned long index = 0;

	while (check_blocks(pass, &index)) {
		if (!grow_notice(pass))
			deliver(pass);
	}
	deliver(pass);
	if (pass->notice.moves != pass->dom->moves)
		kvfree(pass->notice.moves);
}

/* Frees what the backend has kept for the second mappings of one block after the other. */
static void trim_backend(struct xen_gpu_domain *dom)
{
	if (!dom->backend->trim)
		return;
	mutex_lock(&dom->lock);
	dom->backend->trim(dom);
	mutex_unlock(&dom->lock);
}

/*
 * Revalidates everything older than @generation. Returns true if something is left to retry. Then
 * the domain stays in doubt: what is left may be a mapping that Xen has dropped.
 */
static bool revalidate(struct xen_gpu_domain *dom, u32 generation)
{
	struct pass pass = {
		.dom = dom,
		.generation = generation,
		.notice = { .moves = dom->moves, .max = XEN_GPU_BATCH },
	};
	bool again;

	drop_leftovers(dom);
	check_all(&pass);
	drop_leftovers(dom);
	again = !xen_gpu_idle_drain_stale(dom) || pass.unknown || READ_ONCE(dom->table.nr_leftover);
	trim_backend(dom);
	if (!again)
		WRITE_ONCE(dom->assured, generation);
	/*
	 * The references just dropped may have been the last that kept a dead guest. Check for its
	 * end.
	 */
	if (pass.gone && !READ_ONCE(dom->identity))
		xen_gpu_domain_watch_again(dom);
	return again;
}

static void revalidate_work(struct work_struct *work)
{
	struct xen_gpu_domain *dom = container_of(work, struct xen_gpu_domain, reval_work.work);
	u32 generation = xen_gpu_domain_generation(dom);
	unsigned long start = jiffies;
	bool again = false, after_event;

	mutex_lock(&dom->notify_lock);
	if (!dom->ended) {
		again = revalidate(dom, generation);
		after_event = generation != dom->current_generation;
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_REVALIDATIONS, after_event);
		WRITE_ONCE(dom->failures, again ? dom->failures + 1 : 0);
		xen_gpu_event_start_round(dom);
		/*
		 * Before event_done(): a waiter relies on what the clients do in revalidated(),
		 * too.
		 */
		xen_gpu_clients_revalidated(dom, after_event);
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

/**
 * xen_gpu_flush - complete a pending revalidation and unmap all idle pages
 * @dom: the domain
 *
 * Context: process context, may sleep; the caller must hold no lock that the clients' operations
 * take.
 * Return: 0, or -EIO if Xen refused to unmap some page, which is retried later.
 */
int xen_gpu_flush(struct xen_gpu_domain *dom)
{
	flush_delayed_work(&dom->reval_work);
	return xen_gpu_idle_drain(dom, XEN_GPU_COUNT_DRAINED_FLUSH);
}
EXPORT_SYMBOL_GPL(xen_gpu_flush);
