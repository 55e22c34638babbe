// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of the domains in use: get, put, iterate.
 *
 * Invariants: there is one domain object for each guest that is alive, and all its users share it.
 * A domid is busy while its domain is being created, or freed after the last put. Callers that want
 * that guest wait meanwhile; nobody else does. A domain whose guest has ended cannot be found any
 * more.
 *
 * Locking: domains_lock protects the xarray and the busy bitmap. Code that holds
 * it makes no hypercall and no large allocation, and takes no other lock of the service.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/printk.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <xen/xenbus.h>
#include <xen/xen_gpu_map.h>

#include "domain.h"
#include "domain_file.h"
#include "domain_watch.h"
#include "event.h"
#include "identity.h"
#include "idle.h"
#include "registry.h"
#include "revalidate.h"
#include "unmap.h"

/* Delay until the watch for the end of domains is registered again, if xenstore refused it */
#define WATCH_RETRY	HZ

static DEFINE_MUTEX(domains_lock);
static DEFINE_MUTEX(watch_lock);	/* registers the watch for the end of domains */
static DEFINE_XARRAY_ALLOC(domains);
static u32 next_id;
static DECLARE_BITMAP(busy, DOMID_FIRST_RESERVED);	/* domids being set up or freed */
static DECLARE_WAIT_QUEUE_HEAD(busy_wait);
static bool xenstore_up;
static bool watch_refused;	/* by xenstore, when it was registered last */
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

static void release_claim(domid_t domid)
{
	clear_bit_unlock(domid, busy);
	wake_up_all(&busy_wait);
}

/*
 * Returns a reference on the domain of a guest. Returns NULL if there is none: the domid is busy
 * then, and the caller creates the domain. Waits while another caller has the domid, which can take
 * minutes if that unmaps many pages. Returns ERR_PTR(-EINTR) if the caller is killed meanwhile.
 */
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
		if (wait_event_killable(busy_wait, !test_bit(domid, busy)))
			return ERR_PTR(-EINTR);
	}
}

/* Creates a domain and adds it to the registry. The caller has made the domid busy. */
static struct xen_gpu_domain *add_domain(domid_t domid, const struct xen_gpu_limits *limits)
{
	struct xen_gpu_domain *dom;
	int rc;

	if (xen_gpu_identity_is_own(domid)) {
		pr_err("d%u: this is the domain that the module runs in, not a guest\n", domid);
		return ERR_PTR(-EINVAL);
	}
	dom = xen_gpu_domain_new(domid, limits, domains_backend, domains_wq);
	if (IS_ERR(dom))
		return dom;
	xen_gpu_idle_init(dom);
	xen_gpu_revalidate_init(dom);
	xen_gpu_domain_watch_init(dom);
	rc = xen_gpu_identity_note(dom);
	if (rc)
		goto free;
	/* Before the domain can be found: the check that ends it removes the file. */
	xen_gpu_domain_file_add(dom);
	mutex_lock(&domains_lock);
	rc = list_domain(dom);
	mutex_unlock(&domains_lock);
	if (rc)
		goto remove_file;
	if (READ_ONCE(xenstore_up))
		xen_gpu_domain_watch_register(dom);
	return dom;

remove_file:
	xen_gpu_domain_file_remove(dom);
free:
	xen_gpu_domain_free(dom);
	return ERR_PTR(rc);
}

static void raise_quota(struct xen_gpu_domain *dom, unsigned long quota)
{
	mutex_lock(&dom->lock);
	dom->quota = max(dom->quota, quota);
	xen_gpu_event_freed(dom);
	mutex_unlock(&dom->lock);
}

/**
 * xen_gpu_domain_get - get a handle on a guest whose pages are to be mapped
 * @domid: the guest; neither domain 0 nor the calling domain itself
 * @limits: the quota in pages, and the highest BFN that the device can hold
 *
 * All users of a guest share one handle. The quota is the highest that any of them has asked for.
 * The BFNs are chosen below the limit of the first user; a later user with a lower limit finds that
 * some GFNs fail with -ERANGE.
 *
 * Context: process context, may sleep.
 * Return: the handle, or an ERR_PTR: -EINVAL if @domid is 0 or reserved, or the calling domain's
 * (with a line in the log), or a limit is 0, -ENODEV if there is no such domain, -ENOSPC if there
 * is no address space for its BFNs below the limit, -ENOMEM, -EINTR if the caller was killed while
 * the last user's pages were being unmapped, or what Xen says (-EPERM: the guest is no target of
 * this domain).
 */
struct xen_gpu_domain *xen_gpu_domain_get(domid_t domid, const struct xen_gpu_limits *limits)
{
	struct xen_gpu_domain *dom;

	if (!domid || domid >= DOMID_FIRST_RESERVED || !limits->quota || !limits->max_bfn)
		return ERR_PTR(-EINVAL);

	dom = find_or_claim(domid);
	if (dom) {
		if (!IS_ERR(dom))
			raise_quota(dom, limits->quota);
		return dom;
	}
	dom = add_domain(domid, limits);
	release_claim(domid);
	return dom;
}
EXPORT_SYMBOL_GPL(xen_gpu_domain_get);

static void take_down(struct xen_gpu_domain *dom)
{
	bool claimed = dom->claimed;
	domid_t domid = dom->domid;

	/* In this order: a revalidation may trigger a check, and a check may end the domain. */
	xen_gpu_revalidate_exit(dom);
	xen_gpu_domain_watch_exit(dom);
	xen_gpu_domain_file_remove(dom);
	xen_gpu_idle_exit(dom);
	xen_gpu_domain_drop_everything(dom);
	xen_gpu_domain_free(dom);
	if (claimed)
		release_claim(domid);
}

/*
 * Removes the domain from the registry. Unless its guest has ended, the domid stays busy until the
 * domain is freed: only then may a new domain map pages of that guest. Drops domains_lock.
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
 * xen_gpu_domain_put - drop a handle
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

/*
 * Deferred put: if it drops the last reference, a work frees the domain. For callers that act for
 * another guest and must not wait for this one.
 */
void xen_gpu_domain_put_later(struct xen_gpu_domain *dom)
{
	kref_put_mutex(&dom->ref, release_domain_later, &domains_lock);
}

/*
 * Iterates over the domains that have not ended. Returns a reference on the first domain from index
 * *@id on, and moves *@id behind it. Returns NULL at the end. The caller sets *@id to 0 before the
 * first call, and puts each domain, with a deferred put if it acts for another guest.
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

/* Module parameters have changed: reschedules the pending works of all domains. */
void xen_gpu_domains_kick(void)
{
	struct xen_gpu_domain *dom;
	unsigned long id = 0;

	while ((dom = xen_gpu_domain_next(&id))) {
		xen_gpu_idle_kick(dom);
		xen_gpu_event_kick(dom);
		xen_gpu_domain_put_later(dom);
	}
}

/* Flushes every domain. Returns 0, or the last error of xen_gpu_flush(). */
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
 * Some domain has ended. xenstore's special watch does not say which, so each domain's work checks
 * its own guest. A domain that is in the xarray is not being freed yet.
 */
static void on_release_domain(struct xenbus_watch *watch, const char *path, const char *token)
{
	struct xen_gpu_domain *dom;
	unsigned long id;

	mutex_lock(&domains_lock);
	xa_for_each(&domains, id, dom)
		xen_gpu_domain_watch_kick(dom);
	mutex_unlock(&domains_lock);
}

static struct xenbus_watch release_watch = {
	.node = "@releaseDomain",
	.callback = on_release_domain,
};

static void retry_watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(watch_work, retry_watch);

/*
 * Registers the watch for the end of domains, and tries again later if xenstore refuses. Only the
 * first refusal is logged: the others follow each second.
 */
static int watch_release(void)
{
	int rc = 0;

	mutex_lock(&watch_lock);
	if (!xenstore_up)
		rc = register_xenbus_watch(&release_watch);
	WRITE_ONCE(xenstore_up, !rc);
	if (rc && !watch_refused)
		pr_err("cannot watch for the end of domains: %d; dead guests stay zombies until that works\n",
		       rc);
	watch_refused = rc;
	mutex_unlock(&watch_lock);
	if (rc)
		queue_delayed_work(domains_wq, &watch_work, WATCH_RETRY);
	return rc;
}

/* Watches for the end of domains, of all and of each one. */
static void watch_all(void)
{
	struct xen_gpu_domain *dom;
	unsigned long id = 0;

	if (watch_release())
		return;
	while ((dom = xen_gpu_domain_next(&id))) {
		xen_gpu_domain_watch_register(dom);
		xen_gpu_domain_put_later(dom);
	}
}

static void retry_watch(struct work_struct *work)
{
	watch_all();
}

/* xenstored has come up, which may be after the module was loaded. */
static int on_xenstore_up(struct notifier_block *nb, unsigned long event, void *data)
{
	watch_all();
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
 * Every user of the service pins the module, so no handles exist any more. A deferred put may still
 * be freeing a domain; destroy_workqueue() waits for it. When this returns, no domain has a file in
 * debugfs.
 */
void xen_gpu_domains_exit(void)
{
	unregister_xenstore_notifier(&xenstore_notifier);
	cancel_delayed_work_sync(&watch_work);
	if (xenstore_up)
		unregister_xenbus_watch(&release_watch);
	xenstore_up = false;
	watch_refused = false;
	destroy_workqueue(domains_wq);
	xen_gpu_table_exit_cache();
}
