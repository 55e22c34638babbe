// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping and releasing GFNs: the service's hot path.
 *
 * A call is cut into chunks of at most 512 GFNs. Most GFNs are mapped already: those are taken in
 * one pass, in the order in which they come. What is left is sorted; equal GFNs make a run, which
 * is looked up and counted once; what is not mapped yet goes to Xen in one batch. Where the quota
 * or Xen's limit is reached, idle pages make room.
 *
 * Invariants: one reference of Xen's for each GFN, however many users: looking up, counting and
 * mapping happen under one hold of the domain's lock, so a last release elsewhere cannot drop
 * what was just taken. A GFN that could not be mapped has no count and no reference, and leaves
 * its neighbours alone. Nothing is handed out that the client's entries cannot hold. A page without
 * users is only handed out as it is mapped if that was learnt since the last balloon event; else it
 * is mapped anew.
 *
 * Locking: the domain's lock.
 */

#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <xen/xen_gpu_map.h>

#include "death.h"
#include "domain.h"
#include "domains.h"
#include "event.h"
#include "queue.h"
#include "revalidate.h"
#include "trace.h"

/* A run that has to be mapped by Xen first */
#define RUN_MISSING	1

static int compare_gfns(const void *a, const void *b, const void *gfns)
{
	u64 left = ((const u64 *)gfns)[*(const u16 *)a];
	u64 right = ((const u64 *)gfns)[*(const u16 *)b];

	if (left != right)
		return left < right ? -1 : 1;
	return 0;
}

/* GFNs that come in order, as most do, are not sorted. */
static bool in_order(const u16 *order, const u64 *gfns, unsigned int n)
{
	unsigned int i;

	for (i = 1; i < n; i++) {
		if (gfns[order[i - 1]] > gfns[order[i]])
			return false;
	}
	return true;
}

/* Sorts n GFNs, whose places are in order[], into runs; returns how many there are. */
static unsigned int make_runs(struct xen_gpu_domain *dom, const u64 *gfns, u16 *order,
			      unsigned int n)
{
	unsigned int i, nr_runs = 0;

	if (!in_order(order, gfns, n))
		sort_r(order, n, sizeof(*order), compare_gfns, NULL, gfns);
	for (i = 0; i < n; i++) {
		u64 gfn = gfns[order[i]];

		if (nr_runs && dom->runs[nr_runs - 1].gfn == gfn)
			dom->runs[nr_runs - 1].refs++;
		else
			dom->runs[nr_runs++] = (struct xen_gpu_run){ .gfn = gfn, .refs = 1 };
	}
	return nr_runs;
}

/* The block of a GFN, which is often that of the GFN before. */
static struct xen_gpu_block *find_block(struct xen_gpu_domain *dom, u64 gfn,
					struct xen_gpu_block *last)
{
	if (last && last->index == gfn >> XEN_GPU_BLOCK_SHIFT)
		return last;
	return xen_gpu_table_find(&dom->table, gfn);
}

static int take_refs(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int slot,
		     unsigned int refs)
{
	if (check_add_overflow(block->count[slot], refs, &block->count[slot])) {
		block->count[slot] -= refs;
		return -EOVERFLOW;
	}
	/* Only what has no user can be idle. */
	if (block->count[slot] == refs && xen_gpu_gfn_idle(block, slot)) {
		xen_gpu_gfn_set_state(&dom->table, block, slot, XEN_GPU_GFN_LIVE);
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_REVIVED, 1);
	}
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_REFS_TAKEN, refs);
	return 0;
}

static void put_refs(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int slot,
		     unsigned int refs)
{
	block->count[slot] -= refs;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_REFS_RELEASED, refs);
	/* What a notice names stays as it is until that is delivered. */
	if (block->count[slot] || xen_gpu_gfn_state(block, slot) != XEN_GPU_GFN_LIVE)
		return;
	xen_gpu_queue_add(dom, block, slot);
	xen_gpu_event_room(dom);
}

/*
 * What Xen can give a little later, or what a revalidation is changing, is tried again when the
 * clients hear that it may be had.
 */
static int map_failure(struct xen_gpu_domain *dom, int status)
{
	if (status == -EAGAIN)
		xen_gpu_event_again(dom);
	else if (status == -ENODEV)
		xen_gpu_death_look(dom);
	else
		xen_gpu_event_refused(dom, status);
	return status;
}

static int unmap_side(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int slot,
		      unsigned int side)
{
	xen_gpu_batch_start(dom->batch, XEN_GPU_CALL_UNMAP);
	xen_gpu_batch_add(dom->batch, block, slot, side, false);
	if (!xen_gpu_domain_unmap(dom, dom->batch))
		xen_gpu_event_retry(dom);
	return dom->batch->slots[0].status;
}

/* Frees the other side of a GFN for a new mapping: what is held there has no user any more. */
static int free_other_side(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			   unsigned int slot)
{
	if (!xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_OTHER))
		return 0;
	if (xen_gpu_gfn_state(block, slot) == XEN_GPU_GFN_MOVING)
		return -EBUSY;
	return unmap_side(dom, block, slot, !xen_gpu_slot_side(block, slot));
}

static int unmap_now(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int slot)
{
	if (unmap_side(dom, block, slot, xen_gpu_slot_side(block, slot)))
		return -EAGAIN;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, 1);
	return RUN_MISSING;
}

/*
 * An idle mapping that cannot be handed out as it is: the GFN is mapped anew, on its other side,
 * which is the current one then. A revalidation undoes the old one. Where as much as the quota is
 * waiting for that already it is undone at once, since the quota does not count it. What Xen
 * refuses to unmap is tried again with the other leftovers. While Xen may not have it any more it
 * waits for the revalidation: to undo it later might hit the new one, which can have the same BFN.
 */
static int set_aside(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int slot)
{
	if (dom->backend->recheck && xen_gpu_domain_in_doubt(dom))
		return -EAGAIN;
	if (dom->table.nr_leftover >= dom->quota)
		return unmap_now(dom, block, slot);
	if (free_other_side(dom, block, slot))
		return -EAGAIN;
	xen_gpu_gfn_set_aside(&dom->table, block, slot);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, 1);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SET_ASIDE, 1);
	xen_gpu_event_again(dom);
	return RUN_MISSING;
}

/*
 * Makes a read-only mapping that has users writable: maps the other side, and if it has the same
 * BFN, moves there. If not (the frame is a new one, or each side has BFNs of its own), the users of
 * the old one have to be told first: -EAGAIN, and a revalidation does that.
 */
static int make_writable(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			 unsigned int slot)
{
	unsigned int old = xen_gpu_slot_side(block, slot);
	struct xen_gpu_batch *batch = dom->batch;
	int rc = 0;

	if (free_other_side(dom, block, slot))
		return -EAGAIN;
	xen_gpu_batch_start(batch, XEN_GPU_CALL_MAP);
	xen_gpu_batch_add(batch, block, slot, !old, true);
	dom->backend->map(dom, batch);
	if (batch->slots[0].status)
		return map_failure(dom, batch->slots[0].status);
	xen_gpu_gfn_set_other(&dom->table, block, slot, true);

	if (batch->slots[0].bfn == dom->backend->bfn(dom, block, slot, old)) {
		xen_gpu_gfn_swap_sides(&dom->table, block, slot);
		xen_gpu_gfn_assign(block, slot, XEN_GPU_GFN_WRITABLE, true);
	} else {
		if (dom->backend->recheck)
			xen_gpu_gfn_assign(block, slot, XEN_GPU_GFN_UPGRADE, true);
		xen_gpu_gfn_set_stale(block, slot, true);
		rc = map_failure(dom, -EAGAIN);
	}
	unmap_side(dom, block, slot, !xen_gpu_slot_side(block, slot));
	xen_gpu_domain_clean(dom, block);
	return rc;
}

/* Can a GFN that is held be handed out as it is? 0; RUN_MISSING: to be mapped; or an error. */
static int make_usable(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int slot,
		       unsigned int access)
{
	bool fits = !(access & XEN_GPU_MAP_WRITE) ||
		    xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_WRITABLE);

	switch (xen_gpu_gfn_state(block, slot)) {
	case XEN_GPU_GFN_LIVE:
	case XEN_GPU_GFN_MOVING:
		return fits ? 0 : make_writable(dom, block, slot);
	case XEN_GPU_GFN_IDLE:
	case XEN_GPU_GFN_AGED:
		if (fits && xen_gpu_gfn_trusted(dom, block, slot))
			return 0;
		return set_aside(dom, block, slot);
	case XEN_GPU_GFN_GONE:
	case XEN_GPU_GFN_LOST:
	case XEN_GPU_GFN_STUCK:
		/* The revalidation that has it in its notice, or a retry, makes the news. */
		return -EAGAIN;
	default:
		return RUN_MISSING;
	}
}

/* Takes a run's references if its GFN is mapped; RUN_MISSING if it is not, or an error. */
static int take_run(struct xen_gpu_domain *dom, struct xen_gpu_run *run, unsigned int access)
{
	struct xen_gpu_block *block;
	unsigned int slot = xen_gpu_gfn_slot(run->gfn);
	int rc;

	if (dom->ended)
		return -ENODEV;
	if (run->gfn > XEN_GPU_MAX_GFN)
		return -ENOENT;
	block = xen_gpu_table_find(&dom->table, run->gfn);
	if (!block)
		return RUN_MISSING;
	rc = make_usable(dom, block, slot, access);
	if (rc)
		return rc;
	if (block->count[slot])
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SHARED, 1);
	run->bfn = dom->backend->bfn(dom, block, slot, xen_gpu_slot_side(block, slot));
	return take_refs(dom, block, slot, run->refs);
}

static unsigned int take_runs(struct xen_gpu_domain *dom, unsigned int nr_runs,
			      unsigned int access)
{
	unsigned int i, missing = 0;

	for (i = 0; i < nr_runs; i++) {
		dom->runs[i].status = take_run(dom, &dom->runs[i], access);
		missing += dom->runs[i].status == RUN_MISSING;
	}
	return missing;
}

/* Puts a missing run into the batch, if there is room for one more page. */
static int add_missing(struct xen_gpu_domain *dom, u64 gfn, unsigned int access)
{
	unsigned int slot = xen_gpu_gfn_slot(gfn);
	struct xen_gpu_block *block;

	if (dom->table.nr_held + dom->batch->n >= dom->quota)
		return map_failure(dom, -ENOSPC);
	block = xen_gpu_table_find_or_add(&dom->table, gfn, xen_gpu_domain_generation(dom));
	if (IS_ERR(block))
		return map_failure(dom, PTR_ERR(block));
	xen_gpu_batch_add(dom->batch, block, slot, xen_gpu_slot_side(block, slot),
			  access & XEN_GPU_MAP_WRITE);
	return RUN_MISSING;
}

/* A limit kept the page out: Xen's, which is one for all guests, or the window's. */
static void settle_limited(struct xen_gpu_domain *dom, const struct xen_gpu_slot *slot)
{
	dom->nr_limited++;
	if (slot->crowded) {
		dom->crowded = true;
		/* What others give back makes room, too, but nobody tells. */
		xen_gpu_event_retry(dom);
	} else {
		xen_gpu_event_limited(dom);
	}
}

static int settle_slot(struct xen_gpu_domain *dom, struct xen_gpu_slot *slot,
		       struct xen_gpu_run *run)
{
	if (slot->status == -ENOSPC)
		settle_limited(dom, slot);
	if (slot->status)
		return map_failure(dom, slot->status);
	xen_gpu_gfn_set_state(&dom->table, slot->block, slot->slot, XEN_GPU_GFN_LIVE);
	xen_gpu_gfn_assign(slot->block, slot->slot, XEN_GPU_GFN_WRITABLE, slot->writable);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_MAPPED, 1);
	run->bfn = slot->bfn;
	return take_refs(dom, slot->block, slot->slot, run->refs);
}

/* Maps the missing runs with one call of the backend. */
static void map_missing(struct xen_gpu_domain *dom, unsigned int nr_runs, unsigned int access)
{
	struct xen_gpu_batch *batch = dom->batch;
	struct xen_gpu_run *run;
	unsigned int done = 0;

	xen_gpu_batch_start(batch, XEN_GPU_CALL_MAP);
	for (run = dom->runs; run < dom->runs + nr_runs; run++) {
		if (run->status == RUN_MISSING)
			run->status = add_missing(dom, run->gfn, access);
	}
	if (!batch->n)
		return;
	dom->backend->map(dom, batch);
	for (run = dom->runs; run < dom->runs + nr_runs; run++) {
		if (run->status == RUN_MISSING)
			run->status = settle_slot(dom, &batch->slots[done++], run);
	}
	xen_gpu_domain_trim(dom, batch);
}

/* A BFN that the client's entries cannot hold is as good as none. */
static void check_width(struct xen_gpu_client *client, unsigned int nr_runs)
{
	struct xen_gpu_domain *dom = client->domain;
	struct xen_gpu_run *run;

	for (run = dom->runs; run < dom->runs + nr_runs; run++) {
		if (run->status || run->bfn <= client->max_bfn)
			continue;
		put_refs(dom, xen_gpu_table_find(&dom->table, run->gfn),
			 xen_gpu_gfn_slot(run->gfn), run->refs);
		run->status = -ERANGE;
	}
}

/* Gives every GFN in order[] its run's answer; returns how many are mapped. */
static unsigned int answer(struct xen_gpu_domain *dom, unsigned int nr_runs, const u16 *order,
			   u64 *bfns, int *status)
{
	struct xen_gpu_run *run;
	unsigned int i = 0, refs, mapped = 0;

	for (run = dom->runs; run < dom->runs + nr_runs; run++) {
		if (!run->status)
			mapped += run->refs;
		for (refs = run->refs; refs; refs--, i++) {
			bfns[order[i]] = run->status ? 0 : run->bfn;
			status[order[i]] = run->status;
		}
	}
	return mapped;
}

/* Takes a reference on a GFN that is mapped, with this access. */
static bool take_cached(struct xen_gpu_client *client, struct xen_gpu_block *block, u64 gfn,
			unsigned int access, u64 *bfn)
{
	struct xen_gpu_domain *dom = client->domain;
	unsigned int slot = xen_gpu_gfn_slot(gfn);
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, slot);
	bool shared = block->count[slot];

	if (state == XEN_GPU_GFN_IDLE || state == XEN_GPU_GFN_AGED) {
		if (!xen_gpu_gfn_trusted(dom, block, slot))
			return false;
	} else if (state != XEN_GPU_GFN_LIVE && state != XEN_GPU_GFN_MOVING) {
		return false;
	}
	if ((access & XEN_GPU_MAP_WRITE) && !xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_WRITABLE))
		return false;
	*bfn = dom->backend->bfn(dom, block, slot, xen_gpu_slot_side(block, slot));
	if (*bfn > client->max_bfn)
		return false;
	if (take_refs(dom, block, slot, 1))
		return false;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SHARED, shared);
	return true;
}

/* Takes what is mapped already; puts the places of the others into order[], returns how many. */
static unsigned int take_all_cached(struct xen_gpu_client *client, const u64 *gfns,
				    unsigned int n, unsigned int access, u16 *order, u64 *bfns,
				    int *status)
{
	struct xen_gpu_domain *dom = client->domain;
	struct xen_gpu_block *block = NULL;
	unsigned int i, left = 0;

	for (i = 0; i < n; i++) {
		if (!dom->ended)
			block = find_block(dom, gfns[i], block);
		if (block && take_cached(client, block, gfns[i], access, &bfns[i]))
			status[i] = 0;
		else
			order[left++] = i;
	}
	return left;
}

/* How many of these GFNs take a page of the quota? */
static unsigned int count_missing(struct xen_gpu_domain *dom, unsigned int nr_runs)
{
	struct xen_gpu_block *block;
	unsigned int i, missing = 0;

	for (i = 0; i < nr_runs; i++) {
		block = xen_gpu_table_find(&dom->table, dom->runs[i].gfn);
		missing += !block || !xen_gpu_slot_held(block, xen_gpu_gfn_slot(dom->runs[i].gfn));
	}
	return missing;
}

/*
 * Sorts the GFNs in order[] into runs. If the quota has no room for them idle pages make some, a
 * few at a time: others get the lock in between. Returns how many runs there are.
 */
static unsigned int make_runs_and_room(struct xen_gpu_domain *dom, const u64 *gfns, u16 *order,
				       unsigned int n)
{
	unsigned int nr_runs, missing;
	u64 next = 0;

	lockdep_assert_held(&dom->lock);
	for (;;) {
		nr_runs = make_runs(dom, gfns, order, n);
		if (dom->ended || dom->table.nr_held + nr_runs <= dom->quota)
			return nr_runs;
		missing = count_missing(dom, nr_runs);
		if (dom->table.nr_held + missing <= dom->quota ||
		    !xen_gpu_queue_make_room(dom, dom->table.nr_held + missing - dom->quota, &next))
			return nr_runs;
		mutex_unlock(&dom->lock);
		cond_resched();
		mutex_lock(&dom->lock);
	}
}

/* The others, which take a hypercall or cannot be mapped; returns how many are mapped. */
static unsigned int map_left(struct xen_gpu_client *client, const u64 *gfns, u16 *order,
			     unsigned int n, unsigned int access, u64 *bfns, int *status)
{
	struct xen_gpu_domain *dom = client->domain;
	unsigned int nr_runs = make_runs_and_room(dom, gfns, order, n);

	if (take_runs(dom, nr_runs, access))
		map_missing(dom, nr_runs, access);
	check_width(client, nr_runs);
	return answer(dom, nr_runs, order, bfns, status);
}

/* Lets another guest's idle pages go, if nobody is busy with that guest. Returns how many. */
static unsigned long reclaim_from(struct xen_gpu_domain *other, unsigned long need)
{
	unsigned long before, freed = 0;
	u64 next = 0;

	if (!mutex_trylock(&other->lock))
		return 0;
	before = other->table.nr_held;
	if (xen_gpu_queue_make_room(other, need, &next))
		freed = before - other->table.nr_held;
	mutex_unlock(&other->lock);
	return freed;
}

/*
 * Xen's limit on what we map is one for all guests: idle pages make room for pages in use, first
 * the guest's own. Other guests' are only asked for if that waits for nobody, and not for want of
 * address space, of which each guest has its share. Lets the lock go.
 */
static void reclaim(struct xen_gpu_domain *dom, unsigned long need)
{
	struct xen_gpu_domain *other;
	unsigned long id = 0, freed;
	u64 next = 0;

	lockdep_assert_held(&dom->lock);
	freed = dom->table.nr_idle;
	if (xen_gpu_queue_make_room(dom, need, &next) && freed - dom->table.nr_idle >= need)
		return;
	if (dom->crowded)
		return;
	mutex_unlock(&dom->lock);
	while (need && (other = xen_gpu_domain_next(&id))) {
		if (other != dom) {
			freed = reclaim_from(other, need);
			need -= min(need, freed);
		}
		xen_gpu_domain_put_later(other);
	}
	mutex_lock(&dom->lock);
}

/* Puts the places of those that Xen's limit kept out into order[]; returns how many. */
static unsigned int find_limited(const int *status, unsigned int n, u16 *order)
{
	unsigned int i, left = 0;

	for (i = 0; i < n; i++) {
		if (status[i] == -ENOSPC)
			order[left++] = i;
	}
	return left;
}

static void count_failures(struct xen_gpu_domain *dom, const int *status, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (status[i])
			xen_gpu_count_failure(&dom->counters, status[i], 1);
	}
}

static unsigned int map_chunk(struct xen_gpu_client *client, const u64 *gfns, unsigned int n,
			      unsigned int access, u64 *bfns, int *status)
{
	struct xen_gpu_domain *dom = client->domain;
	u16 order[XEN_GPU_BATCH];
	unsigned int left, limited, mapped;

	lockdep_assert_held(&dom->lock);
	left = take_all_cached(client, gfns, n, access, order, bfns, status);
	mapped = n - left;
	dom->nr_limited = 0;
	dom->crowded = false;
	if (left)
		mapped += map_left(client, gfns, order, left, access, bfns, status);
	if (dom->nr_limited) {
		reclaim(dom, dom->nr_limited);
		limited = find_limited(status, n, order);
		mapped += map_left(client, gfns, order, limited, access, bfns, status);
	}
	if (mapped < n)
		count_failures(dom, status, n);
	trace_xen_gpu_map_batch(dom->domid, n, left, mapped);
	return mapped;
}

/**
 * xen_gpu_map - map GFNs of a domain for the device
 * @client: a registered client
 * @gfns: the GFNs, in any order, with duplicates if need be
 * @n: how many there are
 * @access: XEN_GPU_MAP_READ, with XEN_GPU_MAP_WRITE for write access. Where the backend has no
 *	read-only mappings (physmap, xenserver), the device can write all the same.
 * @bfns: where the BFNs go, one for each GFN; 0 for those that could not be mapped
 * @status: where each GFN's status goes: 0, or
 *	-ENOENT: the GFN has no page that could be mapped;
 *	-EPERM: the page must not be mapped (with this access);
 *	-ENOSPC: the quota is reached;
 *	-ERANGE: the BFN is above @client's max_bfn;
 *	-ENODEV: the domain has ended;
 *	-ENOMEM: no memory, here or in Xen;
 *	-EAGAIN: the page behind the GFN, or its BFN, is changing; the client's settled operation
 *	follows;
 *	or another error of Xen's.
 *
 * Each GFN with status 0 is one reference, to be given back with xen_gpu_release(). GFNs that are
 * mapped already, or still, take no hypercall; the others take one for each 512.
 *
 * Context: process context, may sleep. Takes the domain's lock.
 * Return: how many of the GFNs are mapped: @n if all went well.
 */
unsigned int xen_gpu_map(struct xen_gpu_client *client, const u64 *gfns, unsigned int n,
			 unsigned int access, u64 *bfns, int *status)
{
	struct xen_gpu_domain *dom = client->domain;
	unsigned int pos, chunk, mapped = 0;

	for (pos = 0; pos < n; pos += chunk) {
		chunk = min_t(unsigned int, n - pos, XEN_GPU_BATCH);
		mutex_lock(&dom->lock);
		mapped += map_chunk(client, gfns + pos, chunk, access, bfns + pos, status + pos);
		mutex_unlock(&dom->lock);
	}
	return mapped;
}
EXPORT_SYMBOL_GPL(xen_gpu_map);

static void release_one(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			unsigned int slot)
{
	/* The end of the domain took everything. */
	if (dom->ended && !block)
		return;
	if (WARN_ON_ONCE(!block || !block->count[slot]))
		return;
	put_refs(dom, block, slot, 1);
}

/**
 * xen_gpu_release - give back references on GFNs
 * @client: the client that mapped them
 * @gfns: the GFNs, one for each reference
 * @n: how many there are
 *
 * The device must have forgotten the entries: they are gone and its translations are
 * invalidated. A GFN whose last reference this was stays mapped for a while (see queue.c).
 *
 * Context: process context, may sleep. Takes the domain's lock.
 */
void xen_gpu_release(struct xen_gpu_client *client, const u64 *gfns, unsigned int n)
{
	struct xen_gpu_domain *dom = client->domain;
	struct xen_gpu_block *block = NULL;
	unsigned int i;

	mutex_lock(&dom->lock);
	for (i = 0; i < n; i++) {
		block = find_block(dom, gfns[i], block);
		release_one(dom, block, xen_gpu_gfn_slot(gfns[i]));
	}
	mutex_unlock(&dom->lock);
}
EXPORT_SYMBOL_GPL(xen_gpu_release);

/**
 * xen_gpu_flush - bring everything up to date with Xen now
 * @dom: the domain
 *
 * Completes a revalidation that is pending, and unmaps every page that is idle.
 *
 * Context: process context, may sleep; no lock held that the clients' operations take.
 * Return: 0, or -EIO if Xen refused to unmap some page (it is tried again later).
 */
int xen_gpu_flush(struct xen_gpu_domain *dom)
{
	xen_gpu_revalidate_now(dom);
	return xen_gpu_queue_drain(dom, XEN_GPU_COUNT_DRAINED_FLUSH);
}
EXPORT_SYMBOL_GPL(xen_gpu_flush);
