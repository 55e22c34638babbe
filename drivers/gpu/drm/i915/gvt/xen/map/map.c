// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping and releasing GFNs: the service's hot path.
 *
 * A call is cut into chunks of at most 512 GFNs. Most GFNs of a chunk are mapped already: one pass
 * gets references on those, in the order of the call. The rest is sorted; equal GFNs form a group,
 * which is looked up and counted once. GFNs that are not mapped yet go to Xen in one batch. If the
 * quota or Xen's limit is reached, idle pages are unmapped first. Releases work in chunks, too.
 *
 * Invariants:
 *
 *  - Xen holds one reference for each GFN, however many users it has. Looking up, counting and
 *    mapping happen under one hold of the domain's lock, so that a last release elsewhere cannot
 *    unmap a GFN that has just been given to a user.
 *  - A GFN that could not be mapped has no count and no reference, and does not affect the other
 *    GFNs of the call.
 *  - A client gets no BFN above its max_bfn.
 *  - A mapping without users is handed out again only if it was made or revalidated since the last
 *    balloon event; otherwise the GFN is mapped again. (MOVING is the exception, see block.h.)
 *
 * Locking: the domain's lock, which is dropped after each chunk.
 */

#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <xen/xen_gpu_map.h>

#include "domain.h"
#include "domain_watch.h"
#include "event.h"
#include "idle.h"
#include "registry.h"
#include "trace.h"
#include "unmap.h"

/* Status of a group, or of a GFN, that has to be mapped by Xen first */
#define GROUP_MISSING	1

/* At most XEN_GPU_BATCH GFNs of a map call, with their results */
struct chunk {
	struct xen_gpu_client *client;
	const u64 *gfns;
	unsigned int n;
	unsigned int access;
	u64 *bfns;
	int *status;
	unsigned int nr_limited;	/* pages that Xen's limit or the window's kept out */
	bool crowded;			/* the window's limit did: address space is short */
};

static int compare_gfns(const void *a, const void *b, const void *gfns)
{
	u64 left = ((const u64 *)gfns)[*(const u16 *)a];
	u64 right = ((const u64 *)gfns)[*(const u16 *)b];

	if (left != right)
		return left < right ? -1 : 1;
	return 0;
}

/* Are the GFNs sorted already, as most are? */
static bool in_order(const u16 *order, const u64 *gfns, unsigned int n)
{
	unsigned int i;

	for (i = 1; i < n; i++) {
		if (gfns[order[i - 1]] > gfns[order[i]])
			return false;
	}
	return true;
}

/* Sorts the @n GFNs whose indices are in @order into groups. Returns the number of groups. */
static unsigned int make_groups(struct xen_gpu_domain *dom, const u64 *gfns, u16 *order,
				unsigned int n)
{
	unsigned int i, nr_groups = 0;

	if (!in_order(order, gfns, n))
		sort_r(order, n, sizeof(*order), compare_gfns, NULL, gfns);
	for (i = 0; i < n; i++) {
		u64 gfn = gfns[order[i]];

		if (nr_groups && dom->groups[nr_groups - 1].gfn == gfn)
			dom->groups[nr_groups - 1].refs++;
		else
			dom->groups[nr_groups++] = (struct xen_gpu_group){ .gfn = gfn, .refs = 1 };
	}
	return nr_groups;
}

/*
 * Returns the block of a GFN, or NULL. @last is the block of the GFN before, which is often the
 * same.
 */
static struct xen_gpu_block *find_block(struct xen_gpu_domain *dom, u64 gfn,
					struct xen_gpu_block *last)
{
	if (last && last->index == gfn >> XEN_GPU_BLOCK_SHIFT)
		return last;
	return xen_gpu_table_find(&dom->table, gfn);
}

/* Adds @refs users to a mapped GFN, and revives it if it is idle. Returns 0, or -EOVERFLOW. */
static int get_refs(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int idx,
		    unsigned int refs)
{
	if (check_add_overflow(block->count[idx], refs, &block->count[idx])) {
		block->count[idx] -= refs;
		return -EOVERFLOW;
	}
	/* Only a GFN without users can be idle. */
	if (block->count[idx] == refs && xen_gpu_gfn_idle(block, idx)) {
		xen_gpu_gfn_set_state(&dom->table, block, idx, XEN_GPU_GFN_LIVE);
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_REVIVED, 1);
	}
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_REFS_TAKEN, refs);
	return 0;
}

/* Removes @refs users from a GFN, and puts it on the idle list if it has no users left. */
static void put_refs(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int idx,
		     unsigned int refs)
{
	block->count[idx] -= refs;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_REFS_RELEASED, refs);
	/* A GFN that a notice names keeps its state until the notice is delivered. */
	if (block->count[idx] || xen_gpu_gfn_state(block, idx) != XEN_GPU_GFN_LIVE)
		return;
	xen_gpu_idle_add(dom, block, idx);
	xen_gpu_event_freed(dom);
}

/*
 * Xen could not map a page. Schedules what makes a retry possible, and returns @status: after
 * -EAGAIN the revalidation, which calls the clients' revalidated operation; after -ENODEV a check
 * whether the guest has ended.
 */
static int map_failure(struct xen_gpu_domain *dom, int status)
{
	if (status == -EAGAIN)
		xen_gpu_event_not_yet(dom);
	else if (status == -ENODEV)
		xen_gpu_domain_watch_kick(dom);
	else
		xen_gpu_event_refused(dom, status);
	return status;
}

/*
 * Unmaps one mapping of a GFN. Returns its status; if it is an error, a retry is scheduled. Each
 * unmap can take a flush: if as many were done under this hold of the lock as the backend's
 * unmap_chunk says, returns -EAGAIN and leaves the mapping to the revalidation.
 */
static int unmap_mapping(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int idx,
			 unsigned int mapping)
{
	if (!dom->unmaps_left) {
		xen_gpu_event_again(dom);
		return -EAGAIN;
	}
	dom->unmaps_left--;
	xen_gpu_batch_start(dom->batch, XEN_GPU_CALL_UNMAP);
	xen_gpu_batch_add(dom->batch, block, idx, mapping, false);
	if (!xen_gpu_domain_unmap(dom, dom->batch))
		xen_gpu_event_retry(dom);
	return dom->batch->entries[0].status;
}

/*
 * Unmaps the other mapping of a GFN, so that the GFN can be mapped a second time. Returns 0, or
 * -EBUSY if the other mapping still has users (MOVING), or an error of unmap_mapping().
 */
static int free_other_mapping(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			      unsigned int idx)
{
	if (!xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_OTHER))
		return 0;
	if (xen_gpu_gfn_state(block, idx) == XEN_GPU_GFN_MOVING)
		return -EBUSY;
	return unmap_mapping(dom, block, idx, !xen_gpu_gfn_current(block, idx));
}

/*
 * May Xen have dropped the GFN's old mapping? Then that has to be unmapped before the GFN is mapped
 * again: the two can have the same BFN, and to unmap the old one later might hit the new one.
 */
static bool may_hit_new(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
			unsigned int idx)
{
	return dom->backend->recheck && xen_gpu_domain_in_doubt(dom) &&
	       (xen_gpu_gfn_held(block, idx) || xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_OTHER));
}

/* Unmaps the current mapping of a GFN. Returns GROUP_MISSING, or -EAGAIN if that fails. */
static int unmap_now(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int idx)
{
	if (unmap_mapping(dom, block, idx, xen_gpu_gfn_current(block, idx)))
		return -EAGAIN;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, 1);
	return GROUP_MISSING;
}

/*
 * Sets aside an idle mapping that must not be handed out again: it becomes the GFN's other mapping,
 * and the caller maps the GFN again. A revalidation unmaps the old mapping, and retries if Xen
 * refuses.
 *
 * The quota does not count mappings that are set aside. So if there are as many leftovers as the
 * quota allows mappings, the old mapping is unmapped at once.
 *
 * While Xen may have dropped the old mapping, and the backend can recheck that, the GFN waits for
 * the revalidation.
 *
 * Returns GROUP_MISSING, or -EAGAIN.
 */
static int set_aside(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int idx)
{
	if (may_hit_new(dom, block, idx))
		return -EAGAIN;
	if (dom->table.nr_leftover >= dom->quota)
		return unmap_now(dom, block, idx);
	if (free_other_mapping(dom, block, idx))
		return -EAGAIN;
	xen_gpu_gfn_set_aside(&dom->table, block, idx);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, 1);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SET_ASIDE, 1);
	xen_gpu_event_again(dom);
	return GROUP_MISSING;
}

/*
 * Makes a read-only mapping that has users writable. Maps the GFN a second time, writable. If both
 * mappings have the same BFN, the second one becomes the current one, and the first is unmapped. If
 * not (the frame is a new one, or each mapping has BFNs of its own), the users of the old BFN must
 * be told first. Then the second mapping is unmapped, and a revalidation makes the change.
 *
 * Returns 0, -EAGAIN (for the revalidation), or the status of the map.
 */
static int make_writable(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			 unsigned int idx)
{
	unsigned int old = xen_gpu_gfn_current(block, idx);
	struct xen_gpu_batch *batch = dom->batch;
	int rc = 0;

	if (free_other_mapping(dom, block, idx))
		return -EAGAIN;
	xen_gpu_batch_start(batch, XEN_GPU_CALL_MAP);
	xen_gpu_batch_add(batch, block, idx, !old, true);
	dom->backend->map(dom, batch);
	if (batch->entries[0].status)
		return map_failure(dom, batch->entries[0].status);
	xen_gpu_gfn_set_other(&dom->table, block, idx, true);

	if (batch->entries[0].bfn == dom->backend->bfn(dom, block, idx, old)) {
		xen_gpu_gfn_swap_mappings(&dom->table, block, idx);
		xen_gpu_gfn_assign(block, idx, XEN_GPU_GFN_WRITABLE, true);
	} else {
		if (dom->backend->recheck)
			xen_gpu_gfn_assign(block, idx, XEN_GPU_GFN_UPGRADE, true);
		xen_gpu_gfn_set_stale(block, idx, true);
		xen_gpu_event_again(dom);
		rc = -EAGAIN;
	}
	unmap_mapping(dom, block, idx, !xen_gpu_gfn_current(block, idx));
	xen_gpu_domain_clean(dom, block);
	return rc;
}

/*
 * Makes the mapping of a GFN fit for the user. Returns 0 if it can be handed out, GROUP_MISSING if
 * the GFN has to be mapped, or an error.
 */
static int make_usable(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int idx,
		       unsigned int access)
{
	bool fits = !(access & XEN_GPU_MAP_WRITE) ||
		    xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_WRITABLE);

	switch (xen_gpu_gfn_state(block, idx)) {
	case XEN_GPU_GFN_LIVE:
	case XEN_GPU_GFN_MOVING:
		return fits ? 0 : make_writable(dom, block, idx);
	case XEN_GPU_GFN_IDLE:
	case XEN_GPU_GFN_AGED:
		if (fits && xen_gpu_gfn_trusted(dom, block, idx))
			return 0;
		return set_aside(dom, block, idx);
	case XEN_GPU_GFN_GONE:
	case XEN_GPU_GFN_LOST:
	case XEN_GPU_GFN_STUCK:
		/* The revalidation whose notice names the GFN, or a retry, tells the clients. */
		return -EAGAIN;
	default:
		return may_hit_new(dom, block, idx) ? -EAGAIN : GROUP_MISSING;
	}
}

/*
 * Gets the references of a group if its GFN is mapped. Returns 0, GROUP_MISSING if the GFN has to
 * be mapped, or an error.
 */
static int get_group(struct xen_gpu_domain *dom, struct xen_gpu_group *group, unsigned int access)
{
	struct xen_gpu_block *block;
	unsigned int idx = xen_gpu_block_idx(group->gfn);
	int rc;

	if (dom->ended)
		return -ENODEV;
	if (group->gfn > XEN_GPU_MAX_GFN)
		return -ENOENT;
	block = xen_gpu_table_find(&dom->table, group->gfn);
	if (!block)
		return GROUP_MISSING;
	rc = make_usable(dom, block, idx, access);
	if (rc)
		return rc;
	if (block->count[idx])
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SHARED, 1);
	group->bfn = dom->backend->bfn(dom, block, idx, xen_gpu_gfn_current(block, idx));
	return get_refs(dom, block, idx, group->refs);
}

/* Gets the references of all groups whose GFNs are mapped. Returns how many have to be mapped. */
static unsigned int get_groups(struct xen_gpu_domain *dom, unsigned int nr_groups,
			       unsigned int access)
{
	unsigned int i, missing = 0;

	for (i = 0; i < nr_groups; i++) {
		dom->groups[i].status = get_group(dom, &dom->groups[i], access);
		missing += dom->groups[i].status == GROUP_MISSING;
	}
	return missing;
}

/*
 * Adds a missing group to the batch. Returns GROUP_MISSING, or an error: -ENOSPC if the quota does
 * not allow one more page, -ENOMEM.
 */
static int add_missing(struct xen_gpu_domain *dom, u64 gfn, unsigned int access)
{
	unsigned int idx = xen_gpu_block_idx(gfn);
	struct xen_gpu_block *block;

	if (dom->table.nr_held + dom->batch->n >= dom->quota)
		return map_failure(dom, -ENOSPC);
	block = xen_gpu_table_find_or_add(&dom->table, gfn, xen_gpu_domain_generation(dom));
	if (IS_ERR(block))
		return map_failure(dom, PTR_ERR(block));
	xen_gpu_batch_add(dom->batch, block, idx, xen_gpu_gfn_current(block, idx),
			  access & XEN_GPU_MAP_WRITE);
	return GROUP_MISSING;
}

/* Xen's limit, which is one for all guests, or the window's kept a page from being mapped. */
static void finish_limited(struct chunk *chunk, const struct xen_gpu_batch_entry *entry)
{
	struct xen_gpu_domain *dom = chunk->client->domain;

	chunk->nr_limited++;
	if (entry->crowded) {
		chunk->crowded = true;
		/* Other guests' windows free address space, too, but no event says so. */
		xen_gpu_event_retry(dom);
	} else {
		xen_gpu_event_limited(dom);
	}
}

/*
 * Records the result of a batch entry and gets its group's references. Returns the group's status.
 */
static int finish_entry(struct chunk *chunk, struct xen_gpu_batch_entry *entry,
			struct xen_gpu_group *group)
{
	struct xen_gpu_domain *dom = chunk->client->domain;

	if (entry->status == -ENOSPC)
		finish_limited(chunk, entry);
	if (entry->status)
		return map_failure(dom, entry->status);
	xen_gpu_gfn_set_state(&dom->table, entry->block, entry->idx, XEN_GPU_GFN_LIVE);
	xen_gpu_gfn_assign(entry->block, entry->idx, XEN_GPU_GFN_WRITABLE, entry->writable);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_MAPPED, 1);
	group->bfn = entry->bfn;
	return get_refs(dom, entry->block, entry->idx, group->refs);
}

/* Maps the missing groups with one call of the backend. */
static void map_missing(struct chunk *chunk, unsigned int nr_groups)
{
	struct xen_gpu_domain *dom = chunk->client->domain;
	struct xen_gpu_batch *batch = dom->batch;
	struct xen_gpu_group *group;
	unsigned int done = 0;

	xen_gpu_batch_start(batch, XEN_GPU_CALL_MAP);
	for (group = dom->groups; group < dom->groups + nr_groups; group++) {
		if (group->status == GROUP_MISSING)
			group->status = add_missing(dom, group->gfn, chunk->access);
	}
	if (!batch->n)
		return;
	dom->backend->map(dom, batch);
	for (group = dom->groups; group < dom->groups + nr_groups; group++) {
		if (group->status == GROUP_MISSING)
			group->status = finish_entry(chunk, &batch->entries[done++], group);
	}
	xen_gpu_domain_trim(dom, batch);
}

/* Releases the groups whose BFN the client's entries cannot hold. Their status is -ERANGE. */
static void check_width(struct xen_gpu_client *client, unsigned int nr_groups)
{
	struct xen_gpu_domain *dom = client->domain;
	struct xen_gpu_group *group;

	for (group = dom->groups; group < dom->groups + nr_groups; group++) {
		if (group->status || group->bfn <= client->max_bfn)
			continue;
		put_refs(dom, xen_gpu_table_find(&dom->table, group->gfn),
			 xen_gpu_block_idx(group->gfn), group->refs);
		group->status = -ERANGE;
	}
}

/*
 * Copies each group's BFN and status to its GFNs, whose indices are in @order. Returns how many
 * GFNs are mapped.
 */
static unsigned int fill_results(struct chunk *chunk, unsigned int nr_groups, const u16 *order)
{
	struct xen_gpu_domain *dom = chunk->client->domain;
	struct xen_gpu_group *group;
	unsigned int i = 0, refs, mapped = 0;

	for (group = dom->groups; group < dom->groups + nr_groups; group++) {
		if (!group->status)
			mapped += group->refs;
		for (refs = group->refs; refs; refs--, i++) {
			chunk->bfns[order[i]] = group->status ? 0 : group->bfn;
			chunk->status[order[i]] = group->status;
		}
	}
	return mapped;
}

/* Gets a reference on a GFN if it is mapped with this access and can be handed out as it is. */
static bool get_cached(struct xen_gpu_client *client, struct xen_gpu_block *block, u64 gfn,
		       unsigned int access, u64 *bfn)
{
	struct xen_gpu_domain *dom = client->domain;
	unsigned int idx = xen_gpu_block_idx(gfn);
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, idx);
	bool shared = block->count[idx];

	if (state == XEN_GPU_GFN_IDLE || state == XEN_GPU_GFN_AGED) {
		if (!xen_gpu_gfn_trusted(dom, block, idx))
			return false;
	} else if (state != XEN_GPU_GFN_LIVE && state != XEN_GPU_GFN_MOVING) {
		return false;
	}
	if ((access & XEN_GPU_MAP_WRITE) && !xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_WRITABLE))
		return false;
	*bfn = dom->backend->bfn(dom, block, idx, xen_gpu_gfn_current(block, idx));
	if (*bfn > client->max_bfn)
		return false;
	if (get_refs(dom, block, idx, 1))
		return false;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SHARED, shared);
	return true;
}

/*
 * Gets references on the GFNs that are mapped already. The others get the status GROUP_MISSING.
 * Returns how many these are.
 */
static unsigned int get_all_cached(struct chunk *chunk)
{
	struct xen_gpu_domain *dom = chunk->client->domain;
	const u64 *gfns = chunk->gfns;
	struct xen_gpu_block *block = NULL;
	unsigned int i, left = 0;

	for (i = 0; i < chunk->n; i++) {
		if (!dom->ended)
			block = find_block(dom, gfns[i], block);
		if (block && get_cached(chunk->client, block, gfns[i], chunk->access,
					&chunk->bfns[i])) {
			chunk->status[i] = 0;
			continue;
		}
		chunk->status[i] = GROUP_MISSING;
		left++;
	}
	return left;
}

/* Returns how many of the groups add a page that the quota counts. */
static unsigned int count_missing(struct xen_gpu_domain *dom, unsigned int nr_groups)
{
	struct xen_gpu_block *block;
	unsigned int i, missing = 0;

	for (i = 0; i < nr_groups; i++) {
		block = xen_gpu_table_find(&dom->table, dom->groups[i].gfn);
		missing += !block ||
			   !xen_gpu_gfn_held(block, xen_gpu_block_idx(dom->groups[i].gfn));
	}
	return missing;
}

/*
 * Sorts the GFNs whose indices are in @order into groups. If the quota does not allow that many
 * pages, unmaps idle pages, a few at a time, and drops the lock in between. Returns the number of
 * groups.
 */
static unsigned int make_groups_and_reclaim(struct xen_gpu_domain *dom, const u64 *gfns, u16 *order,
					    unsigned int n)
{
	unsigned int nr_groups, missing;
	u64 next = 0;

	lockdep_assert_held(&dom->lock);
	for (;;) {
		nr_groups = make_groups(dom, gfns, order, n);
		if (dom->ended || dom->table.nr_held + nr_groups <= dom->quota)
			return nr_groups;
		missing = count_missing(dom, nr_groups);
		if (dom->table.nr_held + missing <= dom->quota ||
		    !xen_gpu_idle_reclaim(dom, dom->table.nr_held + missing - dom->quota, &next))
			return nr_groups;
		mutex_unlock(&dom->lock);
		cond_resched();
		mutex_lock(&dom->lock);
	}
}

/*
 * Maps the @n GFNs whose indices are in @order: those that take a hypercall or fail. May drop the
 * lock. Returns how many are mapped.
 */
static unsigned int map_left(struct chunk *chunk, u16 *order, unsigned int n)
{
	struct xen_gpu_domain *dom = chunk->client->domain;
	unsigned int nr_groups = make_groups_and_reclaim(dom, chunk->gfns, order, n);

	if (get_groups(dom, nr_groups, chunk->access))
		map_missing(chunk, nr_groups);
	check_width(chunk->client, nr_groups);
	return fill_results(chunk, nr_groups, order);
}

/* Unmaps idle pages of another guest, unless its lock is held. Returns how many were unmapped. */
static unsigned long reclaim_from(struct xen_gpu_domain *other, unsigned long need)
{
	unsigned long before, freed = 0;
	u64 next = 0;

	if (!mutex_trylock(&other->lock))
		return 0;
	before = other->table.nr_held;
	if (xen_gpu_idle_reclaim(other, need, &next))
		freed = before - other->table.nr_held;
	mutex_unlock(&other->lock);
	return freed;
}

/*
 * Unmaps idle pages to get below Xen's limit, which is one for all guests: first the guest's own,
 * then other guests'. It waits for no other guest's lock. If address space is short, only the
 * guest's own pages help, as each guest has a share of its own. May drop the lock.
 */
static void reclaim(const struct chunk *chunk)
{
	struct xen_gpu_domain *dom = chunk->client->domain, *other;
	unsigned long id = 0, freed, need = chunk->nr_limited;
	u64 next = 0;

	lockdep_assert_held(&dom->lock);
	freed = dom->table.nr_idle;
	if (xen_gpu_idle_reclaim(dom, need, &next) && freed - dom->table.nr_idle >= need)
		return;
	if (chunk->crowded)
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

/*
 * Maps the GFNs that have this status. May drop the lock. Returns how many are mapped. Not in line:
 * many kernels clear an array as soon as the function is entered that has it.
 */
static noinline_for_stack unsigned int map_with_status(struct chunk *chunk, int status)
{
	u16 order[XEN_GPU_BATCH];
	unsigned int i, left = 0;

	for (i = 0; i < chunk->n; i++) {
		if (chunk->status[i] == status)
			order[left++] = i;
	}
	return map_left(chunk, order, left);
}

static void count_failures(const struct chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < chunk->n; i++) {
		if (chunk->status[i])
			xen_gpu_count_failure(&chunk->client->domain->counters, chunk->status[i],
					      1);
	}
}

static unsigned int map_chunk(struct chunk *chunk)
{
	struct xen_gpu_domain *dom = chunk->client->domain;
	unsigned int left, mapped;

	lockdep_assert_held(&dom->lock);
	left = get_all_cached(chunk);
	mapped = chunk->n - left;
	dom->unmaps_left = dom->backend->unmap_chunk;
	if (left)
		mapped += map_with_status(chunk, GROUP_MISSING);
	if (chunk->nr_limited) {
		reclaim(chunk);
		mapped += map_with_status(chunk, -ENOSPC);
	}
	if (mapped < chunk->n)
		count_failures(chunk);
	trace_xen_gpu_map_batch(dom->domid, chunk->n, left, mapped);
	return mapped;
}

/**
 * xen_gpu_map - map GFNs of a domain for the device
 * @client: a registered client
 * @gfns: the GFNs, in any order; a GFN may occur more than once
 * @n: the number of GFNs
 * @access: XEN_GPU_MAP_READ, with XEN_GPU_MAP_WRITE for write access. Where the backend has no
 *	read-only mappings (physmap, xenserver), the device can write all the same.
 * @bfns: OUT: the BFN of each GFN; 0 if it could not be mapped
 * @status: OUT: the status of each GFN: 0, or
 *	-ENOENT: the GFN has no page that could be mapped;
 *	-EPERM: the page must not be mapped (with this access);
 *	-ENOSPC: the quota, Xen's limit or the address space for BFNs is exhausted;
 *	-ERANGE: the BFN is above @client's max_bfn;
 *	-ENODEV: the domain has ended;
 *	-ENOMEM: no memory, here or in Xen;
 *	-EOVERFLOW: the GFN has too many references;
 *	-EAGAIN: the page behind the GFN, or its BFN, is changing; the client's revalidated
 *	operation follows;
 *	or another error of Xen's.
 *
 * Each GFN with status 0 is one reference, to be returned with xen_gpu_release(). GFNs that are
 * mapped already, or still, take no hypercall; the others take one for each 512.
 *
 * Context: process context, may sleep. Takes the domain's lock.
 * Return: how many of the GFNs are mapped: @n if none failed.
 */
unsigned int xen_gpu_map(struct xen_gpu_client *client, const u64 *gfns, unsigned int n,
			 unsigned int access, u64 *bfns, int *status)
{
	struct xen_gpu_domain *dom = client->domain;
	unsigned int pos, mapped = 0;
	struct chunk chunk;

	for (pos = 0; pos < n; pos += chunk.n) {
		chunk = (struct chunk){
			.client = client,
			.gfns = gfns + pos,
			.n = min_t(unsigned int, n - pos, XEN_GPU_BATCH),
			.access = access,
			.bfns = bfns + pos,
			.status = status + pos,
		};

		mutex_lock(&dom->lock);
		mapped += map_chunk(&chunk);
		mutex_unlock(&dom->lock);
	}
	return mapped;
}
EXPORT_SYMBOL_GPL(xen_gpu_map);

static void release_one(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			unsigned int idx)
{
	/* The end of the domain has freed all blocks. */
	if (dom->ended && !block)
		return;
	if (WARN_ON_ONCE(!block || !block->count[idx]))
		return;
	put_refs(dom, block, idx, 1);
}

static void release_chunk(struct xen_gpu_domain *dom, const u64 *gfns, unsigned int n)
{
	struct xen_gpu_block *block = NULL;
	unsigned int i;

	lockdep_assert_held(&dom->lock);
	for (i = 0; i < n; i++) {
		block = find_block(dom, gfns[i], block);
		release_one(dom, block, xen_gpu_block_idx(gfns[i]));
	}
}

/**
 * xen_gpu_release - release references on GFNs
 * @client: the client that mapped them
 * @gfns: the GFNs, one for each reference
 * @n: the number of GFNs
 *
 * The device must have forgotten the entries: they are overwritten and its translations are
 * invalidated. A GFN whose last reference is released stays mapped for a while (see idle.c).
 *
 * Context: process context, may sleep. Takes the domain's lock.
 */
void xen_gpu_release(struct xen_gpu_client *client, const u64 *gfns, unsigned int n)
{
	struct xen_gpu_domain *dom = client->domain;
	unsigned int part;

	for (; n; n -= part, gfns += part) {
		part = min_t(unsigned int, n, XEN_GPU_BATCH);
		mutex_lock(&dom->lock);
		release_chunk(dom, gfns, part);
		mutex_unlock(&dom->lock);
		cond_resched();
	}
}
EXPORT_SYMBOL_GPL(xen_gpu_release);
