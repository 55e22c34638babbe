// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping and releasing GFNs: the service's hot path.
 *
 * A call is cut into chunks of at most 512 GFNs. Most GFNs are mapped already: those are taken in
 * one pass, in the order in which they come. What is left is sorted; equal GFNs make a run, which
 * is looked up and counted once; what is not mapped yet goes to Xen in one batch.
 *
 * Invariants: one reference of Xen's for each GFN, however many users: looking up, counting and
 * mapping happen under one hold of the domain's lock, so a last release elsewhere cannot drop
 * what was just taken. A GFN that could not be mapped has no count and no reference, and leaves
 * its neighbours alone. Nothing is handed out that the client's entries cannot hold.
 *
 * Locking: the domain's lock.
 */

#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sort.h>
#include <xen/xen_gpu_map.h>

#include "death.h"
#include "domain.h"
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
static unsigned int make_runs(struct xen_gpu_domain *dom, const u64 *gfns, unsigned int n)
{
	unsigned int i, nr_runs = 0;

	if (!in_order(dom->order, gfns, n))
		sort_r(dom->order, n, sizeof(*dom->order), compare_gfns, NULL, gfns);
	for (i = 0; i < n; i++) {
		u64 gfn = gfns[dom->order[i]];

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
	if (block->count[slot] == refs && test_bit(slot, block->idle)) {
		xen_gpu_queue_remove(dom, block, slot);
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
	/* What a revalidation is taking away is not queued: it goes for good. */
	if (!block->count[slot] && !test_bit(slot, block->gone))
		xen_gpu_queue_add(dom, block, slot);
}

/* What Xen can give a little later is tried again when the clients hear that all is settled. */
static int map_failure(struct xen_gpu_domain *dom, int status)
{
	if (status == -EAGAIN)
		xen_gpu_revalidate_later(dom);
	else if (status == -ENODEV)
		xen_gpu_death_suspect();
	return status;
}

/*
 * Makes a read-only mapping writable: maps the other side, and if it has the same BFN, moves
 * there. If not (the frame is a new one, or each side has BFNs of its own), the users of the old
 * one have to be told first: -EAGAIN, and a revalidation does that.
 */
static int make_writable(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			 unsigned int slot)
{
	unsigned int old = xen_gpu_slot_side(block, slot);
	unsigned int drop = old;
	struct xen_gpu_batch *batch = dom->batch;
	int rc = 0;

	if (test_bit(slot, block->held[!old]))
		return -EAGAIN;
	xen_gpu_batch_start(batch, XEN_GPU_CALL_MAP);
	xen_gpu_batch_add(batch, block, slot, !old, true);
	dom->backend->map(dom, batch);
	if (batch->slots[0].status)
		return map_failure(dom, batch->slots[0].status);
	__set_bit(slot, block->held[!old]);

	if (batch->slots[0].bfn == dom->backend->bfn(dom, block, slot, old)) {
		__change_bit(slot, block->side);
		__set_bit(slot, block->writable);
	} else {
		drop = !old;
		rc = -EAGAIN;
		if (dom->backend->recheck)
			__set_bit(slot, block->upgrade);
		xen_gpu_revalidate_later(dom);
	}
	xen_gpu_batch_start(batch, XEN_GPU_CALL_UNMAP);
	xen_gpu_batch_add(batch, block, slot, drop, false);
	dom->backend->unmap(dom, batch);
	if (!batch->slots[0].status)
		__clear_bit(slot, block->held[drop]);
	else
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED, 1);
	return rc;
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
	if (!block || !xen_gpu_slot_held(block, slot))
		return RUN_MISSING;
	if (test_bit(slot, block->gone))
		return -EAGAIN;
	if ((access & XEN_GPU_MAP_WRITE) && !test_bit(slot, block->writable)) {
		rc = make_writable(dom, block, slot);
		if (rc)
			return rc;
	}
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
	unsigned long blocks = 0;
	struct xen_gpu_block *block;

	if (dom->nr_held + dom->batch->n >= dom->quota)
		return -ENOSPC;
	blocks = !xen_gpu_table_find(&dom->table, gfn);
	block = xen_gpu_table_find_or_add(&dom->table, gfn);
	if (IS_ERR(block))
		return PTR_ERR(block);
	dom->nr_blocks += blocks;
	xen_gpu_batch_add(dom->batch, block, slot, xen_gpu_slot_side(block, slot),
			  access & XEN_GPU_MAP_WRITE);
	return RUN_MISSING;
}

static int settle_slot(struct xen_gpu_domain *dom, struct xen_gpu_slot *slot,
		       struct xen_gpu_run *run)
{
	if (slot->status)
		return map_failure(dom, slot->status);
	__set_bit(slot->slot, slot->block->held[slot->side]);
	__clear_bit(slot->slot, slot->block->upgrade);
	__assign_bit(slot->slot, slot->block->writable, slot->writable);
	dom->nr_held++;
	dom->held_peak = max(dom->held_peak, dom->nr_held);
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

/* Gives every GFN of the chunk its run's answer; returns how many are mapped. */
static unsigned int answer(struct xen_gpu_domain *dom, unsigned int nr_runs, u64 *bfns,
			   int *status)
{
	struct xen_gpu_run *run;
	unsigned int i = 0, refs, mapped = 0;

	for (run = dom->runs; run < dom->runs + nr_runs; run++) {
		if (run->status)
			xen_gpu_count_failure(&dom->counters, run->status, run->refs);
		else
			mapped += run->refs;
		for (refs = run->refs; refs; refs--, i++) {
			bfns[dom->order[i]] = run->status ? 0 : run->bfn;
			status[dom->order[i]] = run->status;
		}
	}
	return mapped;
}

/*
 * Takes a reference on a GFN that is mapped, with this access. Each bit is in a cache line of its
 * own, so what the count tells is not looked up: a GFN with users is held, and not idle.
 */
static bool take_cached(struct xen_gpu_client *client, struct xen_gpu_block *block, u64 gfn,
			unsigned int access, u64 *bfn)
{
	struct xen_gpu_domain *dom = client->domain;
	unsigned int slot = xen_gpu_gfn_slot(gfn);
	bool shared = block->count[slot];

	if ((!shared && !xen_gpu_slot_held(block, slot)) || test_bit(slot, block->gone))
		return false;
	if ((access & XEN_GPU_MAP_WRITE) && !test_bit(slot, block->writable))
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
				    unsigned int n, unsigned int access, u64 *bfns, int *status)
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
			dom->order[left++] = i;
	}
	return left;
}

/* The others, which take a hypercall or cannot be mapped; returns how many are mapped. */
static unsigned int map_left(struct xen_gpu_client *client, const u64 *gfns, unsigned int n,
			     unsigned int access, u64 *bfns, int *status)
{
	struct xen_gpu_domain *dom = client->domain;
	unsigned int nr_runs, missing;

	nr_runs = make_runs(dom, gfns, n);
	missing = take_runs(dom, nr_runs, access);
	if (missing) {
		xen_gpu_queue_make_room(dom, missing);
		map_missing(dom, nr_runs, access);
	}
	check_width(client, nr_runs);
	return answer(dom, nr_runs, bfns, status);
}

static unsigned int map_chunk(struct xen_gpu_client *client, const u64 *gfns, unsigned int n,
			      unsigned int access, u64 *bfns, int *status)
{
	struct xen_gpu_domain *dom = client->domain;
	unsigned int left, mapped;

	lockdep_assert_held(&dom->lock);
	left = take_all_cached(client, gfns, n, access, bfns, status);
	mapped = n - left;
	if (left)
		mapped += map_left(client, gfns, left, access, bfns, status);
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
