// SPDX-License-Identifier: GPL-2.0
/*
 * The domain watch: notices that a guest has ended and releases what it held.
 *
 * A guest that is destroyed stays a zombie as long as we hold references on its pages, and nothing
 * drops them for us. So each domain has a work that checks whether its guest has ended. These
 * events trigger a check:
 *
 *  - xenstore says that some domain has ended (registry.c);
 *  - the guest's own node in xenstore changes, as some toolstacks remove it late;
 *  - Xen refuses a call with the error for a domain that is gone;
 *  - a client suspects it (xen_gpu_domain_suspect()), since nothing in xenstore tells a driver
 *    domain that a guest was taken from it.
 *
 * A node that is gone may come back: libxl removes it for a soft reset and creates it again when it
 * has rebuilt the guest. So a guest has ended if Xen says so, or if its node has been missing for
 * MISSING_LONGEST. A backend that is not "lasting" loses its references when the guest dies, so
 * every moment counts: there the guest has ended as soon as its node is missing.
 *
 * If a check cannot tell, it is repeated with an increasing delay. If the guest has not ended, as
 * far as the check can tell, all its mappings are revalidated when they are in doubt:
 *
 *  - a client has suspected the guest;
 *  - the guest's node in xenstore is missing;
 *  - the guest's identity is not known (see identity.c), and Xen has no call that says who is
 *    dying. Only an event leads to this revalidation, not a check that is repeated without one.
 *
 * No page of a dying guest can be mapped. So the revalidation finds every GFN gone and drops all
 * references, Xen can destroy the guest, and the next check sees that it has ended.
 *
 * Invariants: the check of one guest, and the release that may follow, waits for no other guest. A
 * domain that has ended maps nothing and has no file in debugfs; what it held is unmapped at once.
 *
 * Locking: none of its own. The xenstore watch's callback only queues the work, since all other
 * watches of the system wait for the callback.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>
#include <xen/xen_gpu_map.h>

#include "client.h"
#include "domain.h"
#include "domain_file.h"
#include "domain_watch.h"
#include "event.h"
#include "identity.h"
#include "unmap.h"

/* Delay before a check is repeated; doubled after each unclear result, up to the longest */
#define CHECK_FIRST	(HZ / 10)
#define CHECK_LONGEST	(10 * HZ)

/* How long the node of a guest that Xen knows may be missing */
#define MISSING_LONGEST	(10 * HZ)

/* How often in a row the check of a guest whose identity is not known is repeated */
#define CHECKS_WITHOUT_IDENTITY	10

/* Checks soon whether the guest has ended. Context: any. */
void xen_gpu_domain_watch_kick(struct xen_gpu_domain *dom)
{
	WRITE_ONCE(dom->kicked, true);
	mod_delayed_work(dom->wq, &dom->watch_work, 0);
}

/* Repeats the check without a new event: the guest may have ended since the last check. */
void xen_gpu_domain_watch_again(struct xen_gpu_domain *dom)
{
	queue_delayed_work(dom->wq, &dom->watch_work, 0);
}

static void check_again(struct xen_gpu_domain *dom)
{
	unsigned long delay = CHECK_FIRST << min(dom->checks, 7u);

	dom->checks++;
	queue_delayed_work(dom->wq, &dom->watch_work, min_t(unsigned long, delay, CHECK_LONGEST));
}

/* Does Xen say that the guest is dying, or not ours any more? False if it has no call for that. */
static bool is_dying(struct xen_gpu_domain *dom)
{
	bool dying;

	if (!dom->backend->dying)
		return false;
	mutex_lock(&dom->lock);
	dying = !dom->ended && dom->backend->dying(dom);
	mutex_unlock(&dom->lock);
	return dying;
}

/*
 * The guest is gone. Fails all later map calls, makes the clients release their references, and
 * unmaps everything at once. Removes the file in debugfs, as a new guest may get the same domid.
 */
static void end_domain(struct xen_gpu_domain *dom)
{
	xen_gpu_domain_file_remove(dom);
	mutex_lock(&dom->notify_lock);
	mutex_lock(&dom->lock);
	dom->ended = true;
	mutex_unlock(&dom->lock);
	wake_up_all(&dom->current_wait);
	xen_gpu_clients_release(dom);
	xen_gpu_domain_drop_everything(dom);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_DOMAINS_ENDED, 1);
	mutex_unlock(&dom->notify_lock);
}

/*
 * The guest has not ended, as far as the check can tell. Triggers a revalidation if its mappings
 * are in doubt.
 */
static void check_mappings(struct xen_gpu_domain *dom)
{
	bool kicked = xchg(&dom->kicked, false);
	bool suspected = xchg(&dom->suspected, false);
	bool unknown = kicked && !dom->identity && !dom->backend->dying;

	if (suspected || dom->missing || unknown)
		xen_gpu_event_suspect(dom);
}

static bool is_missing_for_long(struct xen_gpu_domain *dom)
{
	if (!dom->missing)
		dom->missing_since = jiffies;
	return time_after(jiffies, dom->missing_since + MISSING_LONGEST);
}

static bool has_ended(struct xen_gpu_domain *dom, enum xen_gpu_guest_state state)
{
	switch (state) {
	case XEN_GPU_GUEST_ENDED:
		return true;
	case XEN_GPU_GUEST_MISSING:
		return !dom->backend->lasting || is_dying(dom) || is_missing_for_long(dom);
	default:
		return is_dying(dom);
	}
}

static void check_domain(struct work_struct *work)
{
	struct xen_gpu_domain *dom = container_of(work, struct xen_gpu_domain, watch_work.work);
	enum xen_gpu_guest_state state;

	if (dom->ended)
		return;
	state = xen_gpu_identity_check(dom);
	if (has_ended(dom, state)) {
		end_domain(dom);
		return;
	}
	dom->missing = state == XEN_GPU_GUEST_MISSING;
	check_mappings(dom);
	if (state == XEN_GPU_GUEST_ALIVE)
		dom->checks = 0;
	else if (dom->identity || dom->checks < CHECKS_WITHOUT_IDENTITY)
		check_again(dom);
	else
		dom->checks = 0;
}

/**
 * xen_gpu_domain_suspect - report that the domain may have ended, or been taken from us
 * @dom: the domain
 *
 * A client calls this when it has reason to think so, such as an event without a request. Does not
 * wait for the check that follows. If the domain has ended, the clients' release operations are
 * called. If not, all mappings are revalidated, as after a balloon event: a guest that was taken
 * from us and given back has lost its mappings in between.
 *
 * Context: any.
 */
void xen_gpu_domain_suspect(struct xen_gpu_domain *dom)
{
	WRITE_ONCE(dom->suspected, true);
	xen_gpu_domain_watch_kick(dom);
}
EXPORT_SYMBOL_GPL(xen_gpu_domain_suspect);

static void on_node(struct xenbus_watch *watch, const char *path, const char *token)
{
	xen_gpu_domain_watch_kick(container_of(watch, struct xen_gpu_domain, watch));
}

/*
 * Watches the "vm" node of the domain. It does not watch the domain's directory, in which the guest
 * can write as often as it likes. xenstore does not permit this to every driver domain; then the
 * other events have to trigger the checks. Called by whoever creates the domain and by whoever
 * hears that xenstore is up; the first call registers the watch.
 */
void xen_gpu_domain_watch_register(struct xen_gpu_domain *dom)
{
	int rc;

	if (xchg(&dom->watching, true))
		return;
	rc = register_xenbus_watch(&dom->watch);
	if (rc)
		pr_info("domain %u: cannot watch %s: %d; its end is noticed later\n", dom->domid,
			dom->watch_node, rc);
	dom->watched = !rc;
}

void xen_gpu_domain_watch_init(struct xen_gpu_domain *dom)
{
	INIT_DELAYED_WORK(&dom->watch_work, check_domain);
	snprintf(dom->watch_node, sizeof(dom->watch_node), "/local/domain/%u/vm", dom->domid);
	dom->watch.node = dom->watch_node;
	dom->watch.callback = on_node;
}

/* Stops the checks. The domain is not in the registry any more. */
void xen_gpu_domain_watch_exit(struct xen_gpu_domain *dom)
{
	if (dom->watched)
		unregister_xenbus_watch(&dom->watch);
	cancel_delayed_work_sync(&dom->watch_work);
}
