// SPDX-License-Identifier: GPL-2.0
/*
 * The domains in use: getting and putting them, and walks through them.
 *
 * Invariants: one domain object for each guest that is alive, shared by all its users. While one
 * is made, or taken down after its last user, those who want the same guest wait, and nobody else.
 * One whose guest has ended is not found any more.
 *
 * Locking: domains_lock for the list and for who is being made or taken down; held for no
 * hypercall, no allocation that is large, and while no other lock of the service is taken.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/printk.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <xen/xenbus.h>
#include <xen/xen_gpu_map.h>

#include "death.h"
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
static DECLARE_BITMAP(busy, DOMID_FIRST_RESERVED);	/* domids being made or taken down */
static DECLARE_WAIT_QUEUE_HEAD(busy_wait);
static bool xenstore_up;
static const struct xen_gpu_backend *domains_backend;
static struct workqueue_struct *domains_wq;

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
		if (dom->domid == domid && !READ_ONCE(dom->ended) &&
		    kref_get_unless_zero(&dom->ref))
			return dom;
	}
	return NULL;
}

static void set_idle(domid_t domid)
{
	clear_bit_unlock(domid, busy);
	wake_up_all(&busy_wait);
}

/* The domain if there is one; NULL: it is for the caller to make it. */
static struct xen_gpu_domain *find_or_claim(domid_t domid)
{
	struct xen_gpu_domain *dom;
	bool claimed;

	for (;;) {
		mutex_lock(&domains_lock);
		dom = find_domain(domid);
		claimed = !dom && !test_and_set_bit(domid, busy);
		mutex_unlock(&domains_lock);
		if (dom || claimed)
			return dom;
		wait_event(busy_wait, !test_bit(domid, busy));
	}
}

/* A domain that the others can find. The caller has claimed the domid. */
static struct xen_gpu_domain *add_domain(domid_t domid, const struct xen_gpu_limits *limits)
{
	struct xen_gpu_domain *dom;
	int rc;

	dom = xen_gpu_domain_new(domid, limits, domains_backend, domains_wq);
	if (IS_ERR(dom))
		return dom;
	xen_gpu_queue_init(dom);
	xen_gpu_revalidate_init(dom);
	xen_gpu_death_init(dom);
	rc = xen_gpu_identity_note(dom);
	if (rc)
		goto free;
	/* Before anybody can look whether it has ended, at which its file goes. */
	xen_gpu_debugfs_add_domain(dom);
	mutex_lock(&domains_lock);
	rc = list_domain(dom);
	mutex_unlock(&domains_lock);
	if (rc)
		goto remove_file;
	if (READ_ONCE(xenstore_up))
		xen_gpu_death_watch(dom);
	return dom;

remove_file:
	xen_gpu_debugfs_remove_domain(dom);
free:
	xen_gpu_domain_free(dom);
	return ERR_PTR(rc);
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

	dom = find_or_claim(domid);
	if (dom) {
		raise_quota(dom, limits->quota);
		return dom;
	}
	dom = add_domain(domid, limits);
	set_idle(domid);
	return dom;
}
EXPORT_SYMBOL_GPL(xen_gpu_domain_get);

static void take_down(struct xen_gpu_domain *dom)
{
	bool claimed = dom->claimed;
	domid_t domid = dom->domid;

	/* A revalidation may have it looked at, and its look may end it. */
	xen_gpu_revalidate_exit(dom);
	xen_gpu_death_exit(dom);
	xen_gpu_debugfs_remove_domain(dom);
	xen_gpu_queue_exit(dom);
	xen_gpu_domain_free(dom);
	if (claimed)
		set_idle(domid);
}

/*
 * Nobody can find the domain any more, and nobody makes one for the same guest until it is taken
 * down. That of a guest which has ended is in nobody's way.
 */
static void retire(struct xen_gpu_domain *dom)
{
	lockdep_assert_held(&domains_lock);
	unlist_domain(dom);
	dom->claimed = !READ_ONCE(dom->ended) && !test_and_set_bit(dom->domid, busy);
	mutex_unlock(&domains_lock);
}

static void release_domain(struct kref *ref)
{
	struct xen_gpu_domain *dom = container_of(ref, struct xen_gpu_domain, ref);

	retire(dom);
	take_down(dom);
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

static void release_work(struct work_struct *work)
{
	take_down(container_of(work, struct xen_gpu_domain, release_work));
}

static void release_domain_later(struct kref *ref)
{
	struct xen_gpu_domain *dom = container_of(ref, struct xen_gpu_domain, ref);

	retire(dom);
	INIT_WORK(&dom->release_work, release_work);
	queue_work(domains_wq, &dom->release_work);
}

/* For one who walks by on behalf of another guest: if it was the last, a work takes it down. */
void xen_gpu_domain_put_later(struct xen_gpu_domain *dom)
{
	kref_put_mutex(&dom->ref, release_domain_later, &domains_lock);
}

/*
 * Walks the domains that have not ended: gets the first from *id on and moves *id behind it.
 * NULL at the end. Start with 0, and put each, later if for another guest.
 */
struct xen_gpu_domain *xen_gpu_domain_next(unsigned long *id)
{
	struct xen_gpu_domain *dom;

	mutex_lock(&domains_lock);
	dom = xa_find(&domains, id, XEN_GPU_NO_ID, XA_PRESENT);
	while (dom && (READ_ONCE(dom->ended) || !kref_get_unless_zero(&dom->ref)))
		dom = xa_find_after(&domains, id, XEN_GPU_NO_ID, XA_PRESENT);
	mutex_unlock(&domains_lock);
	++*id;
	return dom;
}

/* The parameters have changed: what is pending in any domain is due by the new ones. */
void xen_gpu_domains_kick(void)
{
	struct xen_gpu_domain *dom;
	unsigned long id = 0;

	while ((dom = xen_gpu_domain_next(&id))) {
		xen_gpu_queue_kick(dom);
		xen_gpu_event_kick(dom);
		xen_gpu_domain_put_later(dom);
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
		xen_gpu_domain_put_later(dom);
	}
	return rc;
}

/*
 * Some domain has ended; xenstore's special watch does not say which, so each is looked at, by a
 * work of its own. Those in the list are not being taken down.
 */
static void on_release_domain(struct xenbus_watch *watch, const char *path, const char *token)
{
	struct xen_gpu_domain *dom;
	unsigned long id;

	mutex_lock(&domains_lock);
	xa_for_each(&domains, id, dom)
		xen_gpu_death_look(dom);
	mutex_unlock(&domains_lock);
}

static struct xenbus_watch release_watch = {
	.node = "@releaseDomain",
	.callback = on_release_domain,
};

/* xenstored may come up after us. */
static int on_xenstore_up(struct notifier_block *nb, unsigned long event, void *data)
{
	struct xen_gpu_domain *dom;
	unsigned long id = 0;
	int rc;

	if (xenstore_up)
		return NOTIFY_DONE;
	rc = register_xenbus_watch(&release_watch);
	WRITE_ONCE(xenstore_up, !rc);
	if (rc)
		pr_err("cannot watch for the end of domains: %d; dead guests stay zombies\n", rc);
	while (!rc && (dom = xen_gpu_domain_next(&id))) {
		xen_gpu_death_watch(dom);
		xen_gpu_domain_put_later(dom);
	}
	return NOTIFY_DONE;
}

static struct notifier_block xenstore_notifier = {
	.notifier_call = on_xenstore_up,
};

static int init_list(void)
{
	int rc;

	domains_wq = alloc_workqueue("xen_gpu_map", WQ_UNBOUND, 0);
	if (!domains_wq)
		return -ENOMEM;
	rc = xen_gpu_table_init_cache();
	if (rc)
		destroy_workqueue(domains_wq);
	return rc;
}

int xen_gpu_domains_init(const struct xen_gpu_backend *backend)
{
	int rc = init_list();

	if (rc)
		return rc;
	domains_backend = backend;
	rc = register_xenstore_notifier(&xenstore_notifier);
	if (rc) {
		xen_gpu_table_exit_cache();
		destroy_workqueue(domains_wq);
	}
	return rc;
}

/*
 * Every user pins the module, so nobody has a domain, but one may still be on its way down. When
 * this returns none has a file in debugfs.
 */
void xen_gpu_domains_exit(void)
{
	unregister_xenstore_notifier(&xenstore_notifier);
	if (xenstore_up)
		unregister_xenbus_watch(&release_watch);
	xenstore_up = false;
	destroy_workqueue(domains_wq);
	xen_gpu_table_exit_cache();
}
