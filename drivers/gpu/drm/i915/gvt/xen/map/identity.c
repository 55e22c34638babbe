// SPDX-License-Identifier: GPL-2.0
/*
 * Who a domain is, so that its end is noticed even if another one gets its domid.
 *
 * A domain has ended when Xen does not know it any more, or when xenstore has forgotten it or
 * knows another one by its domid: toolstacks remove /local/domain/<domid> when they destroy a
 * domain, and its "vm" node, with the UUID, tells a new domain from an old one. After a soft reset
 * the node is there again, with the same UUID.
 *
 * What xenstore does not answer, or answers with an error, says nothing about the guest. One that
 * xenstore did not know at first is noted as soon as it does. One that xenstore does not know, or
 * not any more, has ended when Xen has forgotten it, or when it has no memory left: then it is kept
 * by pages that count for nobody, such as that of a client's ioreq server, which the client gives
 * back when it hears of the end.
 *
 * Locking: none; after the domain was made only its own work (death.c) writes the identity, and
 * uses what it points to. A revalidation looks whether there is one.
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

/* What xenstore calls the domain; ERR_PTR(-ENOENT) if it does not know it, or another error. */
static char *read_identity(domid_t domid)
{
	char dir[sizeof("/local/domain/65535")];

	snprintf(dir, sizeof(dir), "/local/domain/%u", domid);
	return xenbus_read(XBT_NIL, dir, "vm", NULL);
}

static bool xen_knows(domid_t domid)
{
	return HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &domid) != -ESRCH;
}

static bool has_memory(domid_t domid)
{
	return HYPERVISOR_memory_op(XENMEM_current_reservation, &domid) != 0;
}

/* Notes who the domain is, if xenstore tells. -ENODEV if there is none of that domid. */
int xen_gpu_identity_note(struct xen_gpu_domain *dom)
{
	char *identity;

	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 1);
	if (!xen_knows(dom->domid))
		return -ENODEV;
	identity = read_identity(dom->domid);
	if (IS_ERR(identity) && PTR_ERR(identity) == -ENOMEM)
		return -ENOMEM;
	dom->identity = IS_ERR(identity) ? NULL : identity;
	return 0;
}

/* Is the domain the one that was noted? */
enum xen_gpu_guest_state xen_gpu_identity_check(struct xen_gpu_domain *dom)
{
	char *now;
	bool same;

	if (!xen_knows(dom->domid))
		return XEN_GPU_GUEST_ENDED;
	now = read_identity(dom->domid);
	if (IS_ERR(now) && PTR_ERR(now) == -ENOENT && !has_memory(dom->domid))
		return XEN_GPU_GUEST_ENDED;
	if (IS_ERR(now) && PTR_ERR(now) == -ENOENT && dom->identity)
		return XEN_GPU_GUEST_MISSING;
	if (IS_ERR(now))
		return XEN_GPU_GUEST_UNKNOWN;
	if (!dom->identity) {
		dom->identity = now;
		return XEN_GPU_GUEST_ALIVE;
	}
	same = !strcmp(now, dom->identity);
	kfree(now);
	return same ? XEN_GPU_GUEST_ALIVE : XEN_GPU_GUEST_ENDED;
}
