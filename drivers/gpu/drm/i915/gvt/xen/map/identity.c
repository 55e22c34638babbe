// SPDX-License-Identifier: GPL-2.0
/*
 * The identity of a domain, by which its end is noticed even if another one gets its domid.
 *
 * A domain has ended in these cases:
 *
 *  - Xen does not know its domid any more.
 *  - xenstore has another UUID for its domid. Toolstacks store the UUID in
 *    /local/domain/<domid>/vm, and remove the directory when they destroy the domain.
 *  - Its node in xenstore is gone (or never was), and the domain has no memory left. Then only
 *    pages that count for no domain keep it, such as those of a client's ioreq server, which the
 *    client gives back when it hears of the end.
 *
 * If the node is gone but the domain still has memory, the domain may have ended or be in a soft
 * reset, after which the node is there again with the same UUID. The domain watch decides
 * (XEN_GPU_GUEST_MISSING).
 *
 * If xenstore does not answer, or answers with another error, that says nothing about the guest. A
 * guest that xenstore did not know at first is noted as soon as it does.
 *
 * Locking: none. Once the domain is in the registry, only its own work (domain_watch.c) writes
 * @identity and dereferences it. A revalidation checks whether it is NULL.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xenbus.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <asm/xen/hypercall.h>

#include "domain.h"
#include "identity.h"

/*
 * Returns the domain's UUID node, to be freed by the caller. ERR_PTR(-ENOENT) if xenstore does not
 * know the domain, or another error.
 */
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

/*
 * Is this the domid of the calling domain? xenstore says so; Xen has no call for that. If xenstore
 * does not answer, the domid counts as another domain's, and Xen refuses what is done with it.
 */
bool xen_gpu_identity_is_own(domid_t domid)
{
	char *value = xenbus_read(XBT_NIL, "domid", "", NULL);
	domid_t own;
	bool same;

	if (IS_ERR(value))
		return false;
	same = !kstrtou16(value, 10, &own) && own == domid;
	kfree(value);
	return same;
}

/*
 * Notes the domain's identity, if xenstore has it. Returns 0, -ENODEV if Xen has no such domid, or
 * -ENOMEM.
 */
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

/*
 * Is the domain of this domid still the one that was noted? Notes the identity if it was not known
 * before.
 */
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
