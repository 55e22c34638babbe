// SPDX-License-Identifier: GPL-2.0
/*
 * The end of domains.
 *
 * A guest that is destroyed stays a zombie as long as we hold references on its pages, and
 * nothing drops them for us. So each domain has a look, a work of its own, that asks whether its
 * guest has ended. There is one when xenstore says that some domain has ended (domains.c), or that
 * this domain's own node changed, as some toolstacks remove it late; when Xen refuses a call as it
 * does for a domain that is gone; and when a client suspects it, since nothing in xenstore tells a
 * driver domain that a guest was taken from it.
 *
 * A guest whose node is gone may have it again in a while: libxl removes it for a soft reset, and
 * makes it when the guest is built anew. So it has ended if Xen says so, or if the node has been
 * missing for MISSING_LONGEST. Where Xen drops references when a guest dies every moment counts,
 * and there it has ended at once.
 *
 * The answer may also be that it cannot be told now. Then there is another look, later each time. A
 * guest that has not ended as far as can be told has its mappings looked at again if it was
 * suspected, or if neither xenstore knows it nor Xen tells who is dying: of a dying guest nothing
 * can be mapped, so everything goes, Xen lets the guest go, and the next look sees that. News lead
 * to one such revalidation, not each look that they lead to.
 *
 * Invariants: one guest's look, and what it leads to, waits for no other guest. Once ended, a
 * domain maps nothing, has no file in debugfs, and what it held is given back at once.
 *
 * Locking: none of its own. The watch's callback only queues the work, since all other watches of
 * the system wait for it.
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
#include "death.h"
#include "debugfs.h"
#include "domain.h"
#include "event.h"
#include "identity.h"

/* The time until another look, doubled for each one that could not tell, up to the longest */
#define LOOK_FIRST	(HZ / 10)
#define LOOK_LONGEST	(10 * HZ)

/* How long the node may be missing of a guest that Xen knows */
#define MISSING_LONGEST	(10 * HZ)

/* How often a guest is looked at in a row that xenstore does not know */
#define LOOKS_WITHOUT_IDENTITY	10

/* Looks whether the guest has ended, soon. */
void xen_gpu_death_look(struct xen_gpu_domain *dom)
{
	WRITE_ONCE(dom->news, true);
	mod_delayed_work(dom->wq, &dom->look_work, 0);
}

/* Goes on looking: not news, but the guest may have ended since the last look. */
void xen_gpu_death_look_on(struct xen_gpu_domain *dom)
{
	queue_delayed_work(dom->wq, &dom->look_work, 0);
}

static void look_again(struct xen_gpu_domain *dom)
{
	unsigned long delay = LOOK_FIRST << min(dom->looks, 7u);

	dom->looks++;
	queue_delayed_work(dom->wq, &dom->look_work, min_t(unsigned long, delay, LOOK_LONGEST));
}

/* Xen itself tells of some guests that they are dying, or not ours any more. */
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
 * The guest is gone: nothing is mapped from here on, the clients let go, and everything goes
 * back to Xen at once. Its file makes room for that of another guest with the same domid.
 */
static void end_domain(struct xen_gpu_domain *dom)
{
	xen_gpu_debugfs_remove_domain(dom);
	mutex_lock(&dom->notify_lock);
	mutex_lock(&dom->lock);
	dom->ended = true;
	mutex_unlock(&dom->lock);
	wake_up_all(&dom->current_wait);
	xen_gpu_clients_ended(dom);
	xen_gpu_domain_drop_everything(dom);
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_DOMAINS_ENDED, 1);
	mutex_unlock(&dom->notify_lock);
}

/* It has not ended, as far as can be told: is what we know of its pages still true? */
static void look_at_mappings(struct xen_gpu_domain *dom)
{
	bool news = xchg(&dom->news, false);
	bool suspected = xchg(&dom->suspected, false);
	bool unknown = news && !dom->identity && !dom->backend->dying;

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

static void look(struct work_struct *work)
{
	struct xen_gpu_domain *dom = container_of(work, struct xen_gpu_domain, look_work.work);
	enum xen_gpu_guest_state state;

	if (dom->ended)
		return;
	state = xen_gpu_identity_check(dom);
	if (has_ended(dom, state)) {
		end_domain(dom);
		return;
	}
	dom->missing = state == XEN_GPU_GUEST_MISSING;
	look_at_mappings(dom);
	if (state == XEN_GPU_GUEST_ALIVE)
		dom->looks = 0;
	else if (dom->identity || dom->looks < LOOKS_WITHOUT_IDENTITY)
		look_again(dom);
	else
		dom->looks = 0;
}

/**
 * xen_gpu_domain_suspect - the domain may have ended, or been taken from us
 * @dom: the domain
 *
 * To be called when there is reason to think so, such as an event without a request. Does not wait
 * for the look that it leads to. If it is so, the clients are told that the domain has ended. If
 * not, all that is mapped is looked at again, as after a balloon event: a guest that was taken from
 * us and given back has lost its mappings in between.
 *
 * Context: any.
 */
void xen_gpu_domain_suspect(struct xen_gpu_domain *dom)
{
	WRITE_ONCE(dom->suspected, true);
	xen_gpu_death_look(dom);
}
EXPORT_SYMBOL_GPL(xen_gpu_domain_suspect);

static void on_node(struct xenbus_watch *watch, const char *path, const char *token)
{
	xen_gpu_death_look(container_of(watch, struct xen_gpu_domain, watch));
}

/*
 * Watches the domain's own node, if xenstore lets us: not the directory, in which the guest writes
 * as often as it likes. xenstore does not let every driver domain; then there are the other reasons
 * for a look. Who makes the domain may do this, or who hears that xenstore is up: the first does.
 */
void xen_gpu_death_watch(struct xen_gpu_domain *dom)
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

void xen_gpu_death_init(struct xen_gpu_domain *dom)
{
	INIT_DELAYED_WORK(&dom->look_work, look);
	snprintf(dom->watch_node, sizeof(dom->watch_node), "/local/domain/%u/vm", dom->domid);
	dom->watch.node = dom->watch_node;
	dom->watch.callback = on_node;
}

/* Nobody can find the domain any more. */
void xen_gpu_death_exit(struct xen_gpu_domain *dom)
{
	if (dom->watched)
		unregister_xenbus_watch(&dom->watch);
	cancel_delayed_work_sync(&dom->look_work);
}
