// SPDX-License-Identifier: GPL-2.0
/*
 * Unmapping: returns references to Xen, in batches, or all references of a domain at once.
 *
 * Invariants: a mapping that Xen refused to unmap is counted and stays in the table, to be retried;
 * only drop_block() forgets it. A block in which nothing is held is freed.
 *
 * Locking: the domain's lock.
 */

#include <linux/lockdep.h>
#include <linux/sched.h>

#include "domain.h"
#include "event.h"
#include "unmap.h"

/*
 * Unmaps the entries of a batch. Sets the status of each entry, and marks the mappings with status
 * 0 as not held. Returns how many were unmapped.
 */
unsigned int xen_gpu_domain_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	unsigned int i, done = 0;

	lockdep_assert_held(&dom->lock);
	if (!batch->n)
		return 0;
	dom->backend->unmap(dom, batch);
	for (i = 0; i < batch->n; i++) {
		struct xen_gpu_batch_entry *entry = &batch->entries[i];

		if (entry->status)
			continue;
		xen_gpu_gfn_drop(&dom->table, entry->block, entry->idx, entry->mapping);
		done++;
	}
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED, batch->n - done);
	return done;
}

/* Returns the first block whose index is *@index or higher, and sets *@index to its index. */
static struct xen_gpu_block *first_block(struct xen_gpu_domain *dom, unsigned long *index)
{
	return xa_find(&dom->table.blocks, index, ULONG_MAX, XA_PRESENT);
}

/*
 * Starts a batch with the held mappings of a block, current and other, from GFN *@idx on, up to
 * @max mappings. Moves *@idx to the first GFN that is not in the batch.
 */
static void add_held(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int *idx,
		     unsigned int max)
{
	unsigned int mapping;

	xen_gpu_batch_start(dom->batch, XEN_GPU_CALL_UNMAP);
	for (; *idx < XEN_GPU_BLOCK_GFNS && dom->batch->n + XEN_GPU_MAPPINGS <= max; ++*idx) {
		for (mapping = 0; mapping < XEN_GPU_MAPPINGS; mapping++) {
			if (xen_gpu_gfn_holds(block, *idx, mapping))
				xen_gpu_batch_add(dom->batch, block, *idx, mapping, false);
		}
	}
}

/* Unmaps all that is left in a block with one call of the backend, and frees the block. */
static void drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	unsigned int before = block->nr_held[0] + block->nr_held[1], left;

	dom->backend->drop_block(dom, block);
	left = block->nr_held[0] + block->nr_held[1];
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, before - left);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED, left);
	xen_gpu_table_remove(&dom->table, block);
}

/*
 * Unmaps a block, or only as many of its mappings as the backend unmaps under one hold of the lock.
 * Returns false if there are no blocks left.
 */
static bool drop_some(struct xen_gpu_domain *dom, unsigned long *index, unsigned int *idx)
{
	struct xen_gpu_block *block = first_block(dom, index);

	lockdep_assert_held(&dom->lock);
	if (!block)
		return false;
	if (dom->backend->unmap_chunk < XEN_GPU_BATCH && *idx < XEN_GPU_BLOCK_GFNS) {
		add_held(dom, block, idx, dom->backend->unmap_chunk);
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED,
			      xen_gpu_domain_unmap(dom, dom->batch));
		return true;
	}
	drop_block(dom, block);
	*idx = 0;
	++*index;
	return true;
}

/*
 * Returns every reference to Xen, even of GFNs that still have users. The domain has ended or has
 * no users, so nobody maps anything any more.
 */
void xen_gpu_domain_drop_everything(struct xen_gpu_domain *dom)
{
	unsigned long index = 0;
	unsigned int idx = 0;
	bool more;

	do {
		mutex_lock(&dom->lock);
		more = drop_some(dom, &index, &idx);
		xen_gpu_event_freed(dom);
		mutex_unlock(&dom->lock);
		cond_resched();
	} while (more);
}

/* Frees the backend's data for the mappings of a block that no GFN holds. */
static void drop_empty_mappings(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	unsigned int mapping;

	if (!dom->backend->drop_mapping)
		return;
	for (mapping = 0; mapping < XEN_GPU_MAPPINGS; mapping++) {
		if (!block->nr_held[mapping] && block->backend[mapping])
			dom->backend->drop_mapping(dom, block, mapping);
	}
}

/*
 * Frees the data that a block does not need any more, and the block itself if nothing is held in
 * it.
 */
void xen_gpu_domain_clean(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	lockdep_assert_held(&dom->lock);
	if (!xen_gpu_block_empty(block)) {
		drop_empty_mappings(dom, block);
		return;
	}
	dom->backend->drop_block(dom, block);
	xen_gpu_table_remove(&dom->table, block);
}

/*
 * Cleans the blocks of a batch, so that GFNs that could not be mapped leave no block behind. The
 * block pointers of the batch entries are stale afterwards.
 */
void xen_gpu_domain_trim(struct xen_gpu_domain *dom, const struct xen_gpu_batch *batch)
{
	struct xen_gpu_block *block;
	u64 index, last = U64_MAX;
	unsigned int i;

	lockdep_assert_held(&dom->lock);
	for (i = 0; i < batch->n; i++) {
		index = batch->entries[i].gfn >> XEN_GPU_BLOCK_SHIFT;
		if (index == last)
			continue;
		last = index;
		block = xen_gpu_table_find(&dom->table, batch->entries[i].gfn);
		if (block)
			xen_gpu_domain_clean(dom, block);
	}
}
