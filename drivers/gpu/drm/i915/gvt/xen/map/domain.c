// SPDX-License-Identifier: GPL-2.0
/*
 * The state of one domain: allocates and frees it. See domain.h for the invariants and the locking,
 * registry.c for the users of a domain.
 */

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "domain.h"

static int alloc_buffers(struct xen_gpu_domain *dom)
{
	dom->batch = kvzalloc(sizeof(*dom->batch), GFP_KERNEL);
	dom->other_batch = kvzalloc(sizeof(*dom->other_batch), GFP_KERNEL);
	dom->groups = kvcalloc(XEN_GPU_BATCH, sizeof(*dom->groups), GFP_KERNEL);
	dom->moves = kvcalloc(XEN_GPU_BATCH, sizeof(*dom->moves), GFP_KERNEL);
	return dom->batch && dom->other_batch && dom->groups && dom->moves ? 0 : -ENOMEM;
}

static void free_buffers(struct xen_gpu_domain *dom)
{
	kvfree(dom->moves);
	kvfree(dom->groups);
	kvfree(dom->other_batch);
	kvfree(dom->batch);
}

/*
 * Allocates a domain with nothing mapped. Returns ERR_PTR(-ENOMEM) or the error of the backend's
 * domain_init().
 */
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

/* Frees a domain that has no users and no mappings. */
void xen_gpu_domain_free(struct xen_gpu_domain *dom)
{
	WARN_ON(!list_empty(&dom->clients));
	xen_gpu_table_exit(&dom->table);
	if (dom->backend->domain_exit)
		dom->backend->domain_exit(dom);
	xen_gpu_counters_end(&dom->counters);
	free_buffers(dom);
	kfree(dom->identity);
	kfree(dom);
}
