// SPDX-License-Identifier: GPL-2.0
/*
 * The state of one domain: making it and taking it down. See domain.h for the invariants and the
 * locking, domains.c for the users.
 */

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "domain.h"

static int alloc_buffers(struct xen_gpu_domain *dom)
{
	dom->batch = kvzalloc(sizeof(*dom->batch), GFP_KERNEL);
	dom->reval_batch = kvzalloc(sizeof(*dom->reval_batch), GFP_KERNEL);
	dom->drop_batch = kvzalloc(sizeof(*dom->drop_batch), GFP_KERNEL);
	dom->runs = kvcalloc(XEN_GPU_BATCH, sizeof(*dom->runs), GFP_KERNEL);
	dom->order = kvcalloc(XEN_GPU_BATCH, sizeof(*dom->order), GFP_KERNEL);
	dom->moves = kvcalloc(XEN_GPU_BATCH, sizeof(*dom->moves), GFP_KERNEL);
	if (!dom->batch || !dom->reval_batch || !dom->drop_batch || !dom->runs || !dom->order ||
	    !dom->moves)
		return -ENOMEM;
	return 0;
}

static void free_buffers(struct xen_gpu_domain *dom)
{
	kvfree(dom->moves);
	kvfree(dom->order);
	kvfree(dom->runs);
	kvfree(dom->drop_batch);
	kvfree(dom->reval_batch);
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
	INIT_LIST_HEAD(&dom->clients);
	xa_init(&dom->table);
	xen_gpu_counters_start(&dom->counters);

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
	mutex_lock(&dom->lock);
	xen_gpu_domain_drop_everything(dom);
	mutex_unlock(&dom->lock);
	xa_destroy(&dom->table);
	if (dom->backend->domain_exit)
		dom->backend->domain_exit(dom);
	xen_gpu_counters_end(&dom->counters);
	free_buffers(dom);
	kfree(dom->identity);
	kfree(dom);
}

static unsigned int block_held(const struct xen_gpu_block *block)
{
	return bitmap_weight(block->held[0], XEN_GPU_BLOCK_GFNS) +
	       bitmap_weight(block->held[1], XEN_GPU_BLOCK_GFNS);
}

/* Gives back every reference that Xen holds for us, whoever counts on it. */
void xen_gpu_domain_drop_everything(struct xen_gpu_domain *dom)
{
	struct xen_gpu_block *block;
	unsigned int before, left;
	unsigned long index;

	lockdep_assert_held(&dom->lock);
	xa_for_each(&dom->table, index, block) {
		before = block_held(block);
		dom->backend->drop_block(dom, block);
		left = block_held(block);
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, before - left);
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED, left);
		xen_gpu_table_remove(&dom->table, block);
		cond_resched();
	}
	dom->nr_blocks = 0;
	dom->nr_held = 0;
	dom->nr_idle = 0;
}

static void trim_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	if (!block || !xen_gpu_block_empty(block))
		return;
	dom->backend->drop_block(dom, block);
	xen_gpu_table_remove(&dom->table, block);
	dom->nr_blocks--;
}

/*
 * Frees the blocks of a batch in which nothing is held any more, or was ever: GFNs that could
 * not be mapped leave nothing behind. The batch's block pointers are stale afterwards.
 */
void xen_gpu_domain_trim(struct xen_gpu_domain *dom, const struct xen_gpu_batch *batch)
{
	u64 index, last = U64_MAX;
	unsigned int i;

	lockdep_assert_held(&dom->lock);
	for (i = 0; i < batch->n; i++) {
		index = batch->slots[i].gfn >> XEN_GPU_BLOCK_SHIFT;
		if (index != last)
			trim_block(dom, xen_gpu_table_find(&dom->table, batch->slots[i].gfn));
		last = index;
	}
}
