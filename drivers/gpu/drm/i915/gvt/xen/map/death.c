// SPDX-License-Identifier: GPL-2.0
/*
 * The end of domains.
 *
 * A guest that is destroyed stays a zombie as long as we hold references on its pages, and
 * nothing drops them for us. xenstore's special watch @releaseDomain fires when some domain has
 * ended; it does not say which. A domain has ended when Xen does not know it any more, or when
 * xenstore has forgotten it or knows another one by its domid: toolstacks remove
 * /local/domain/<domid> when they destroy a domain, and its "vm" node, with the UUID, tells a
 * new domain from an old one.
 *
 * Locking: none of its own; xenstore's watch thread only queues the work, since all other
 * watches of the system wait for it.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <asm/xen/hypercall.h>

#include "death.h"
#include "domain.h"

static bool watching;

/* What xenstore calls the domain, NULL if it does not know it; ERR_PTR(-ENOMEM). */
static char *read_identity(domid_t domid)
{
	char dir[sizeof("/local/domain/65535")];
	char *vm;

	snprintf(dir, sizeof(dir), "/local/domain/%u", domid);
	vm = xenbus_read(XBT_NIL, dir, "vm", NULL);
	if (IS_ERR(vm) && PTR_ERR(vm) != -ENOMEM)
		return NULL;
	return vm;
}

static bool xen_knows(domid_t domid)
{
	return HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &domid) != -ESRCH;
}

/* Notes who the domain is. -ENODEV if there is none of that domid. */
int xen_gpu_death_identify(struct xen_gpu_domain *dom)
{
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 1);
	if (!xen_knows(dom->domid))
		return -ENODEV;
	dom->identity = read_identity(dom->domid);
	if (IS_ERR(dom->identity)) {
		dom->identity = NULL;
		return -ENOMEM;
	}
	return 0;
}

static bool has_ended(struct xen_gpu_domain *dom)
{
	char *now;
	bool same;

	if (!xen_knows(dom->domid))
		return true;
	/* One that xenstore never knew ends when Xen forgets it. */
	if (!dom->identity)
		return false;
	now = read_identity(dom->domid);
	if (IS_ERR(now))
		return false;
	same = now && !strcmp(now, dom->identity);
	kfree(now);
	return !same;
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

static void on_release_domain(struct xenbus_watch *watch, const char *path, const char *token)
{
	queue_work(xen_gpu_domains_wq(), &bury_work);
}

static struct xenbus_watch release_watch = {
	.node = "@releaseDomain",
	.callback = on_release_domain,
};

/* xenstored may come up after us. */
static int on_xenstore_up(struct notifier_block *nb, unsigned long event, void *data)
{
	if (!watching)
		watching = !register_xenbus_watch(&release_watch);
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
