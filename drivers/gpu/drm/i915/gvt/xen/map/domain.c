// SPDX-License-Identifier: GPL-2.0
/*
 * Domains: getting and putting them, and their end. See domain.h for the invariants and the
 * locking.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <xen/xen_gpu_map.h>

#include "client.h"
#include "death.h"
#include "debugfs.h"
#include "domain.h"
#include "queue.h"
#include "revalidate.h"

static DEFINE_MUTEX(domains_lock);
static DEFINE_XARRAY_ALLOC(domains);
static u32 next_id;
static const struct xen_gpu_backend *domains_backend;
static struct workqueue_struct *domains_wq;

int xen_gpu_domains_init(const struct xen_gpu_backend *backend)
{
	int rc;

	domains_wq = alloc_workqueue("xen_gpu_map", WQ_UNBOUND, 0);
	if (!domains_wq)
		return -ENOMEM;
	rc = xen_gpu_table_init_cache();
	if (rc) {
		destroy_workqueue(domains_wq);
		return rc;
	}
	domains_backend = backend;
	return 0;
}

/* Every user pins the module, so there is no domain left. */
void xen_gpu_domains_exit(void)
{
	destroy_workqueue(domains_wq);
	xen_gpu_table_exit_cache();
}

const struct xen_gpu_backend *xen_gpu_domains_backend(void)
{
	return domains_backend;
}

struct workqueue_struct *xen_gpu_domains_wq(void)
{
	return domains_wq;
}

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

static void free_domain(struct xen_gpu_domain *dom)
{
	kvfree(dom->moves);
	kvfree(dom->order);
	kvfree(dom->runs);
	kvfree(dom->drop_batch);
	kvfree(dom->reval_batch);
	kvfree(dom->batch);
	kfree(dom->identity);
	kfree(dom);
}

static int list_domain(struct xen_gpu_domain *dom)
{
	int rc;

	lockdep_assert_held(&domains_lock);
	rc = xa_alloc_cyclic(&domains, &dom->id, dom, XA_LIMIT(0, XEN_GPU_NO_ID - 1), &next_id,
			     GFP_KERNEL);
	if (rc < 0)
		dom->id = XEN_GPU_NO_ID;
	return min(rc, 0);
}

static void unlist_domain(struct xen_gpu_domain *dom)
{
	lockdep_assert_held(&domains_lock);
	if (dom->id != XEN_GPU_NO_ID)
		xa_erase(&domains, dom->id);
	dom->id = XEN_GPU_NO_ID;
}

static struct xen_gpu_domain *new_domain(domid_t domid, const struct xen_gpu_limits *limits)
{
	struct xen_gpu_domain *dom = kzalloc(sizeof(*dom), GFP_KERNEL);
	int rc;

	if (!dom)
		return ERR_PTR(-ENOMEM);
	dom->domid = domid;
	dom->quota = limits->quota;
	dom->max_bfn = limits->max_bfn;
	dom->backend = domains_backend;
	kref_init(&dom->ref);
	mutex_init(&dom->lock);
	mutex_init(&dom->notify_lock);
	INIT_LIST_HEAD(&dom->clients);
	xa_init(&dom->table);
	xen_gpu_queue_init(dom);
	xen_gpu_revalidate_init(dom);

	rc = alloc_buffers(dom);
	if (!rc)
		rc = xen_gpu_death_identify(dom);
	if (!rc && dom->backend->domain_init)
		rc = dom->backend->domain_init(dom);
	if (rc)
		goto free;
	rc = list_domain(dom);
	if (rc)
		goto exit;
	xen_gpu_debugfs_add_domain(dom);
	return dom;

exit:
	if (dom->backend->domain_exit)
		dom->backend->domain_exit(dom);
free:
	free_domain(dom);
	return ERR_PTR(rc);
}

static struct xen_gpu_domain *find_domain(domid_t domid)
{
	struct xen_gpu_domain *dom;
	unsigned long id;

	lockdep_assert_held(&domains_lock);
	xa_for_each(&domains, id, dom) {
		if (dom->domid == domid && kref_get_unless_zero(&dom->ref))
			return dom;
	}
	return NULL;
}

static void raise_quota(struct xen_gpu_domain *dom, unsigned long quota)
{
	mutex_lock(&dom->lock);
	dom->quota = max(dom->quota, quota);
	mutex_unlock(&dom->lock);
}

/**
 * xen_gpu_domain_get - get a handle on a guest whose pages are to be mapped
 * @domid: the guest, which must not be the calling domain itself
 * @limits: the quota in pages, and the highest BFN that the device can hold
 *
 * All users of a guest share one handle: the quota is the highest that any of them asked for,
 * and the BFNs are chosen for the limit of the first (a later user with a narrower one finds
 * that entries fail with -ERANGE).
 *
 * Context: process context, may sleep.
 * Return: the handle, or ERR_PTR(): -EINVAL for a domid or limits that make no sense, -ENODEV if
 * there is no such domain, -ENOSPC if there is no room for its BFNs below the limit, -ENOMEM.
 */
struct xen_gpu_domain *xen_gpu_domain_get(domid_t domid, const struct xen_gpu_limits *limits)
{
	struct xen_gpu_domain *dom;

	if (!domid || domid >= DOMID_FIRST_RESERVED || !limits->quota || !limits->max_bfn)
		return ERR_PTR(-EINVAL);

	mutex_lock(&domains_lock);
	dom = find_domain(domid);
	if (dom)
		raise_quota(dom, limits->quota);
	else
		dom = new_domain(domid, limits);
	mutex_unlock(&domains_lock);
	return dom;
}
EXPORT_SYMBOL_GPL(xen_gpu_domain_get);

/* Gives back every reference that Xen holds for us, whoever counts on it. */
static void drop_everything(struct xen_gpu_domain *dom)
{
	struct xen_gpu_block *block;
	unsigned long index;

	lockdep_assert_held(&dom->lock);
	xa_for_each(&dom->table, index, block) {
		unsigned int before = bitmap_weight(block->held[0], XEN_GPU_BLOCK_GFNS) +
				      bitmap_weight(block->held[1], XEN_GPU_BLOCK_GFNS);
		unsigned int left;

		dom->backend->drop_block(dom, block);
		left = bitmap_weight(block->held[0], XEN_GPU_BLOCK_GFNS) +
		       bitmap_weight(block->held[1], XEN_GPU_BLOCK_GFNS);
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAPPED, before - left);
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_UNMAP_FAILED, left);
		xen_gpu_table_remove(&dom->table, block);
		cond_resched();
	}
	dom->nr_blocks = 0;
	dom->nr_held = 0;
	dom->nr_idle = 0;
}

static void release_domain(struct kref *ref)
{
	struct xen_gpu_domain *dom = container_of(ref, struct xen_gpu_domain, ref);

	unlist_domain(dom);
	mutex_unlock(&domains_lock);

	xen_gpu_debugfs_remove_domain(dom);
	xen_gpu_revalidate_exit(dom);
	xen_gpu_queue_exit(dom);
	WARN_ON(!list_empty(&dom->clients));
	mutex_lock(&dom->lock);
	drop_everything(dom);
	mutex_unlock(&dom->lock);
	xa_destroy(&dom->table);
	if (dom->backend->domain_exit)
		dom->backend->domain_exit(dom);
	free_domain(dom);
}

/**
 * xen_gpu_domain_put - give a handle back
 * @dom: the handle
 *
 * The last put unmaps everything before it returns.
 *
 * Context: process context, may sleep.
 */
void xen_gpu_domain_put(struct xen_gpu_domain *dom)
{
	kref_put_mutex(&dom->ref, release_domain, &domains_lock);
}
EXPORT_SYMBOL_GPL(xen_gpu_domain_put);

/*
 * Walks the domains that have not ended: gets the first from *id on and moves *id behind it.
 * NULL at the end. Start with 0, and put each.
 */
struct xen_gpu_domain *xen_gpu_domain_next(unsigned long *id)
{
	struct xen_gpu_domain *dom;

	mutex_lock(&domains_lock);
	dom = xa_find(&domains, id, XEN_GPU_NO_ID, XA_PRESENT);
	while (dom && !kref_get_unless_zero(&dom->ref))
		dom = xa_find_after(&domains, id, XEN_GPU_NO_ID, XA_PRESENT);
	mutex_unlock(&domains_lock);
	++*id;
	return dom;
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

/*
 * The guest is gone: nothing is mapped from here on, the clients let go, and everything goes
 * back to Xen at once. Called by the watch on domains' ends; the caller holds a handle.
 */
void xen_gpu_domain_end(struct xen_gpu_domain *dom)
{
	bool first;

	mutex_lock(&domains_lock);
	unlist_domain(dom);
	mutex_unlock(&domains_lock);

	mutex_lock(&dom->notify_lock);
	mutex_lock(&dom->lock);
	first = !dom->ended;
	dom->ended = true;
	mutex_unlock(&dom->lock);
	if (first)
		xen_gpu_clients_ended(dom);

	mutex_lock(&dom->lock);
	drop_everything(dom);
	mutex_unlock(&dom->lock);
	mutex_unlock(&dom->notify_lock);
	if (first)
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_DOMAINS_ENDED, 1);
}
