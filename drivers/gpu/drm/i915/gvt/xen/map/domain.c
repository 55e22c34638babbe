// SPDX-License-Identifier: GPL-2.0
/*
 * The state of one domain: making it and taking it down. See domain.h for the invariants and the
 * locking, domains.c for the users.
 */

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "domain.h"
#include "event.h"

static int alloc_buffers(struct xen_gpu_domain *dom)
{
	dom->batch = kvzalloc(sizeof(*dom->batch), GFP_KERNEL);
	dom->other_batch = kvzalloc(sizeof(*dom->other_batch), GFP_KERNEL);
	dom->runs = kvcalloc(XEN_GPU_BATCH, sizeof(*dom->runs), GFP_KERNEL);
	dom->moves = kvcalloc(XEN_GPU_BATCH, sizeof(*dom->moves), GFP_KERNEL);
	return dom->batch && dom->other_batch && dom->runs && dom->moves ? 0 : -ENOMEM;
}

static void free_buffers(struct xen_gpu_domain *dom)
{
	kvfree(dom->moves);
	kvfree(dom->runs);
	kvfree(dom->other_batch);
	kvfree(dom->batch);
}

/* A domain with nothing mapped. -ENOMEM, or an error of the backend's. */
struct xen_gpu_domain *xen_gpu_domain_new(domid_t domid, const struct xen_gpu_limits *limits,
					  const struct xen_gpu_backend *backend,
					  struct workqueue_struct *wq)
{
	struct xen_gpu_domain *dom = kzalloc(sizeof(*dom), GFP_KERNEL);
	int rc;

	if (!dom)
		return ERR_PTR(-ENOMEM);
	dom->domid = domid;
	dom->id = XEN_GPU_NO_ID;
	dom->quota = limits->quota;
	dom->max_bfn = limits->max_bfn;
	dom->backend = backend;
	dom->wq = wq;
	kref_init(&dom->ref);
	mutex_init(&dom->lock);
	mutex_init(&dom->notify_lock);
	spin_lock_init(&dom->due_lock);
	init_waitqueue_head(&dom->current_wait);
	INIT_LIST_HEAD(&dom->clients);
	INIT_LIST_HEAD(&dom->limited_node);
	xen_gpu_table_init(&dom->table);
	dom->not_before = jiffies;
	xen_gpu_counters_start(&dom->counters, &dom->lock);

	rc = alloc_buffers(dom);
	if (!rc && backend->domain_init)
		rc = backend->domain_init(dom);
	if (rc) {
		xen_gpu_counters_end(&dom->counters);
		free_buffers(dom);
		kfree(dom);
		return ERR_PTR(rc);
	}
	return dom;
}

/* Frees a domain that nobody uses, with everything that is still mapped. */
void xen_gpu_domain_free(struct xen_gpu_domain *dom)
{
	WARN_ON(!list_empty(&dom->clients));
	xen_gpu_domain_drop_everything(dom);
	xen_gpu_table_exit(&dom->table);
	if (dom->backend->domain_exit)
		dom->backend->domain_exit(dom);
	xen_gpu_counters_end(&dom->counters);
	free_buffers(dom);
	kfree(dom->identity);
	kfree(dom);
}

/*
 * Unmaps the slots of a batch, and notes which sides Xen holds no more. Each has its status
 * afterwards. Returns how many were unmapped.
 */
unsigned int xen_gpu_domain_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	unsigned int i, done = 0;

	lockdep_assert_held(&dom->lock);
	if (!batch->n)
		return 0;
	dom->backend->unmap(dom, batch);
	for (i = 0; i < batch->n; i++) {
		struct xen_gpu_slot *slot = &batch->slots[i];

		if (slot->status)
			continue;
		xen_gpu_slot_drop(&dom->table, slot->block, slot->slot, slot->side);
		done++;
	}
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED, batch->n - done);
	return done;
}

/* The first block from *index on, if it has anything that is held. */
static struct xen_gpu_block *first_block(struct xen_gpu_domain *dom, unsigned long *index)
{
	return xa_find(&dom->table.blocks, index, ULONG_MAX, XA_PRESENT);
}

/* Adds what a block holds, on both sides, from *slot on, up to max; moves *slot behind it. */
static void add_held(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int *slot,
		     unsigned int max)
{
	unsigned int side;

	xen_gpu_batch_start(dom->batch, XEN_GPU_CALL_UNMAP);
	for (; *slot < XEN_GPU_BLOCK_GFNS && dom->batch->n + XEN_GPU_SIDES <= max; ++*slot) {
		for (side = 0; side < XEN_GPU_SIDES; side++) {
			if (xen_gpu_slot_held_on(block, *slot, side))
				xen_gpu_batch_add(dom->batch, block, *slot, side, false);
		}
	}
}

/* What is left of a block goes at once, and with it the block. */
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
 * Gives back some of what Xen holds for us: a block, or as much of one as the backend unmaps while
 * others wait. Returns false if there is nothing (any more).
 */
static bool drop_some(struct xen_gpu_domain *dom, unsigned long *index, unsigned int *slot)
{
	struct xen_gpu_block *block = first_block(dom, index);

	lockdep_assert_held(&dom->lock);
	if (!block)
		return false;
	if (dom->backend->unmap_chunk < XEN_GPU_BATCH && *slot < XEN_GPU_BLOCK_GFNS) {
		add_held(dom, block, slot, dom->backend->unmap_chunk);
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED,
			      xen_gpu_domain_unmap(dom, dom->batch));
		return true;
	}
	drop_block(dom, block);
	*slot = 0;
	++*index;
	return true;
}

/*
 * Gives back every reference that Xen holds for us, whoever counts on it. Nobody maps anything any
 * more: the domain has ended, or has no user.
 */
void xen_gpu_domain_drop_everything(struct xen_gpu_domain *dom)
{
	unsigned long index = 0;
	unsigned int slot = 0;
	bool more;

	do {
		mutex_lock(&dom->lock);
		more = drop_some(dom, &index, &slot);
		xen_gpu_event_room(dom);
		mutex_unlock(&dom->lock);
		cond_resched();
	} while (more);
}

/* Frees what the backend keeps for sides of a block on which nothing is held. */
static void drop_empty_sides(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	unsigned int side;

	if (!dom->backend->drop_side)
		return;
	for (side = 0; side < XEN_GPU_SIDES; side++) {
		if (!block->nr_held[side] && block->backend[side])
			dom->backend->drop_side(dom, block, side);
	}
}

/* Frees what a block has no use for: all of it, if nothing is held in it any more. */
void xen_gpu_domain_clean(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	lockdep_assert_held(&dom->lock);
	if (!xen_gpu_block_empty(block)) {
		drop_empty_sides(dom, block);
		return;
	}
	dom->backend->drop_block(dom, block);
	xen_gpu_table_remove(&dom->table, block);
}

/*
 * Cleans the blocks of a batch: GFNs that could not be mapped leave nothing behind. The batch's
 * block pointers are stale afterwards.
 */
void xen_gpu_domain_trim(struct xen_gpu_domain *dom, const struct xen_gpu_batch *batch)
{
	struct xen_gpu_block *block;
	u64 index, last = U64_MAX;
	unsigned int i;

	lockdep_assert_held(&dom->lock);
	for (i = 0; i < batch->n; i++) {
		index = batch->slots[i].gfn >> XEN_GPU_BLOCK_SHIFT;
		if (index == last)
			continue;
		last = index;
		block = xen_gpu_table_find(&dom->table, batch->slots[i].gfn);
		if (block)
			xen_gpu_domain_clean(dom, block);
	}
}
