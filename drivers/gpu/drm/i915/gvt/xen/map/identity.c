// SPDX-License-Identifier: GPL-2.0
/*
 * Who a domain is, so that its end is noticed even if another one gets its domid.
 *
 * A domain has ended when Xen does not know it any more, or when xenstore has forgotten it or
 * knows another one by its domid: toolstacks remove /local/domain/<domid> when they destroy a
 * domain, and its "vm" node, with the UUID, tells a new domain from an old one.
 *
 * Locking: none; the identity is noted before anybody else knows the domain, and then only read.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xenbus.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <asm/xen/hypercall.h>

#include "domain.h"
#include "identity.h"

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
int xen_gpu_identity_note(struct xen_gpu_domain *dom)
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

bool xen_gpu_identity_ended(struct xen_gpu_domain *dom)
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
