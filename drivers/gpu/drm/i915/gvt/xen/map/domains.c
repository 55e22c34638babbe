// SPDX-License-Identifier: GPL-2.0
/*
 * The domains in use: getting and putting them, and their end.
 *
 * Invariants: one domain object for each guest that is alive, shared by all its users; it leaves
 * the list when its guest has ended or with its last user.
 *
 * Locking: domains_lock for the list and for the making of domains, so that a guest is never made
 * twice. Taking a domain down is done outside of it.
 */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/xarray.h>
#include <xen/xen_gpu_map.h>

#include "client.h"
#include "debugfs.h"
#include "domain.h"
#include "domains.h"
#include "event.h"
#include "identity.h"
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

/* For what concerns all domains. */
bool xen_gpu_domains_queue_work(struct work_struct *work)
{
	return queue_work(domains_wq, work);
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

/* A domain that the others can find. */
static struct xen_gpu_domain *add_domain(domid_t domid, const struct xen_gpu_limits *limits)
{
	struct xen_gpu_domain *dom;
	int rc;

	dom = xen_gpu_domain_new(domid, limits, domains_backend, domains_wq);
	if (IS_ERR(dom))
		return dom;
	xen_gpu_queue_init(dom);
	xen_gpu_revalidate_init(dom);
	rc = xen_gpu_identity_note(dom);
	if (!rc)
		rc = list_domain(dom);
	if (rc) {
		xen_gpu_domain_free(dom);
		return ERR_PTR(rc);
	}
	xen_gpu_debugfs_add_domain(dom);
	return dom;
}

static void raise_quota(struct xen_gpu_domain *dom, unsigned long quota)
{
	mutex_lock(&dom->lock);
	dom->quota = max(dom->quota, quota);
	xen_gpu_event_room(dom);
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
		dom = add_domain(domid, limits);
	mutex_unlock(&domains_lock);
	return dom;
}
EXPORT_SYMBOL_GPL(xen_gpu_domain_get);

static void release_domain(struct kref *ref)
{
	struct xen_gpu_domain *dom = container_of(ref, struct xen_gpu_domain, ref);

	unlist_domain(dom);
	mutex_unlock(&domains_lock);

	xen_gpu_debugfs_remove_domain(dom);
	xen_gpu_revalidate_exit(dom);
	xen_gpu_queue_exit(dom);
	xen_gpu_domain_free(dom);
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
	wake_up_all(&dom->current_wait);
	if (first)
		xen_gpu_clients_ended(dom);

	xen_gpu_domain_drop_everything(dom);
	if (first)
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_DOMAINS_ENDED, 1);
	mutex_unlock(&dom->notify_lock);
}

/* The parameters have changed: what is pending in any domain is due by the new ones. */
void xen_gpu_domains_kick(void)
{
	struct xen_gpu_domain *dom;
	unsigned long id = 0;

	while ((dom = xen_gpu_domain_next(&id))) {
		xen_gpu_queue_kick(dom);
		xen_gpu_event_kick(dom);
		xen_gpu_domain_put(dom);
	}
}

/* Brings every domain up to date with Xen. Returns 0, or the last error of xen_gpu_flush(). */
int xen_gpu_domains_flush(void)
{
	struct xen_gpu_domain *dom;
	unsigned long id = 0;
	int rc = 0;

	while ((dom = xen_gpu_domain_next(&id))) {
		rc = xen_gpu_flush(dom) ?: rc;
		xen_gpu_domain_put(dom);
	}
	return rc;
}
