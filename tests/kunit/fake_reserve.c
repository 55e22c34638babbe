// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's reservations: dom0 populates a GFN of a guest, or takes the page away
 * again, within the limit that the toolstack has set.
 *
 * Source: Xen's common/memory.c (populate_physmap(), guest_remove_page(), do_memory_op()) and
 * arch/x86/mm/p2m.c (p2m_add_page()), the same in 4.17 and 4.20. See fake_internal.h for the
 * locking.
 */

#include <xen/xen.h>
#include <xen/page.h>
#include <xen/interface/memory.h>

#include "fake_internal.h"

/*
 * p2m_add_page(): the new page replaces RAM. The old frame stays the domain's, without a GFN, until
 * the domain ends. No ioreq server is notified. Over another domain's page or a device's registers
 * Xen crashes the domain, after the new page became the domain's.
 */
static long populate(struct fake_domain *d, u64 gfn)
{
	enum fake_page_type type = fake_type_of_gfn(d, gfn);

	if (d->pages >= d->max_pages)
		return -ENOMEM;
	if (type == FAKE_GRANT || type == FAKE_FOREIGN || type == FAKE_MMIO) {
		fake_error("Xen crashes domain %u: what is at GFN %llx is not replaced", d->domid,
			   gfn);
		fake_frame_alloc(d);
		d->homeless++;
		return -EPERM;
	}
	fake_physmap_add(d, gfn);
	return 0;
}

static long take_away(struct fake_domain *d, u64 gfn)
{
	if (!fake_frame_of_gfn(d, gfn))
		return -EINVAL;
	fake_physmap_remove(d, gfn);
	return 0;
}

/* Returns the number of extents that were done, from the first one on. */
static long each(const struct xen_memory_reservation *r,
		 long (*change)(struct fake_domain *d, u64 gfn))
{
	struct fake_domain *d = fake_domain_find(r->domid);
	unsigned long i;

	if (!d)
		return -ESRCH;
	if (r->extent_order || d->dying)
		return -EINVAL;
	for (i = 0; i < r->nr_extents; i++) {
		if (fake_entry_failure(i, d->domid, r->extent_start[i]) ||
		    change(d, r->extent_start[i]))
			break;
	}
	return i;
}

long fake_reserve_op(unsigned int cmd, void *arg)
{
	struct fake_domain *d;

	if (cmd == XENMEM_populate_physmap)
		return each(arg, populate);
	if (cmd == XENMEM_decrease_reservation)
		return each(arg, take_away);
	d = fake_domain_find(*(const domid_t *)arg);
	if (!d)
		return -ESRCH;
	return cmd == XENMEM_maximum_reservation ? d->max_pages : d->pages;
}

/*
 * The guest populates a GFN by a hypercall of its own, whatever is there. Returns the MFN, or
 * FAKE_NO_MFN if Xen refused. No server is notified.
 */
unsigned long fake_guest_populate(domid_t domid, u64 gfn)
{
	struct fake_domain *d;
	unsigned long flags;
	long rc = -ESRCH;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	if (d)
		rc = populate(d, gfn);
	spin_unlock_irqrestore(&fake.lock, flags);
	return rc ? FAKE_NO_MFN : fake_gfn_mfn(domid, gfn);
}

/* Sets the guest's limit: @pages more than it has now. */
void fake_domain_set_headroom(domid_t domid, unsigned long pages)
{
	struct fake_domain *d;
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	if (!WARN_ON(!d))
		d->max_pages = d->pages + pages;
	spin_unlock_irqrestore(&fake.lock, flags);
}
