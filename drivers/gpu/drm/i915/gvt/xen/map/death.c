// SPDX-License-Identifier: GPL-2.0
/*
 * The watch on the end of domains.
 *
 * A guest that is destroyed stays a zombie as long as we hold references on its pages, and
 * nothing drops them for us. xenstore's special watch @releaseDomain fires when some domain has
 * ended; it does not say which, so all in use are looked at. The same is done when Xen or a client
 * gives reason to suspect it: nothing in xenstore tells a driver domain that a guest was taken from
 * it.
 *
 * Locking: none of its own; xenstore's watch thread only queues the work, since all other
 * watches of the system wait for it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/printk.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>
#include <xen/xen_gpu_map.h>

#include "death.h"
#include "domain.h"
#include "domains.h"
#include "identity.h"

static bool watching;

/* xenstore tells, if we may ask it (a driver domain may not), or Xen itself. */
static bool has_ended(struct xen_gpu_domain *dom)
{
	bool dying;

	if (xen_gpu_identity_ended(dom))
		return true;
	if (!dom->backend->dying)
		return false;
	mutex_lock(&dom->lock);
	dying = !dom->ended && dom->backend->dying(dom);
	mutex_unlock(&dom->lock);
	return dying;
}

static void bury(struct work_struct *work)
{
	struct xen_gpu_domain *dom;
	unsigned long id = 0;

	while ((dom = xen_gpu_domain_next(&id))) {
		if (has_ended(dom))
			xen_gpu_domain_end(dom);
		xen_gpu_domain_put(dom);
	}
}

static DECLARE_WORK(bury_work, bury);

/* Some domain may have ended: looks at all of them, soon. */
void xen_gpu_death_suspect(void)
{
	xen_gpu_domains_queue_work(&bury_work);
}

/**
 * xen_gpu_domain_suspect - the domain may have ended, or been taken from us
 * @dom: the domain
 *
 * To be called when there is reason to think so, such as an event without a request. Does not wait
 * for the look that it leads to. If it is so, the clients are told that the domain has ended.
 *
 * Context: any.
 */
void xen_gpu_domain_suspect(struct xen_gpu_domain *dom)
{
	xen_gpu_death_suspect();
}
EXPORT_SYMBOL_GPL(xen_gpu_domain_suspect);

static void on_release_domain(struct xenbus_watch *watch, const char *path, const char *token)
{
	xen_gpu_death_suspect();
}

static struct xenbus_watch release_watch = {
	.node = "@releaseDomain",
	.callback = on_release_domain,
};

/* xenstored may come up after us. */
static int on_xenstore_up(struct notifier_block *nb, unsigned long event, void *data)
{
	int rc;

	if (watching)
		return NOTIFY_DONE;
	rc = register_xenbus_watch(&release_watch);
	watching = !rc;
	if (rc)
		pr_err("cannot watch for the end of domains: %d; dead guests stay zombies\n", rc);
	return NOTIFY_DONE;
}

static struct notifier_block xenstore_up = {
	.notifier_call = on_xenstore_up,
};

int xen_gpu_death_init(void)
{
	return register_xenstore_notifier(&xenstore_up);
}

void xen_gpu_death_exit(void)
{
	unregister_xenstore_notifier(&xenstore_up);
	if (watching)
		unregister_xenbus_watch(&release_watch);
	watching = false;
	cancel_work_sync(&bury_work);
}
