// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's reservations: pages of memory that dom0 gives a guest at a place in its
 * physmap, and takes away again, within what the toolstack allows.
 *
 * Source: Xen's common/memory.c (populate_physmap(), decrease_reservation(), do_memory_op()).
 * See fake_internal.h for the locking.
 */

#include <xen/xen.h>
#include <xen/page.h>
#include <xen/interface/memory.h>

#include "fake_internal.h"

static long populate(struct fake_domain *d, u64 gfn)
{
	if (fake_frame_of_gfn(d, gfn) || d->pages >= d->max_pages)
		return -EBUSY;
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

/* Says for how many extents, from the first one on, it worked. */
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

/* What the toolstack allows: pages that a guest may have beyond those that it has. */
void fake_domain_set_room(domid_t domid, unsigned long pages)
{
	struct fake_domain *d;
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	if (!WARN_ON(!d))
		d->max_pages = d->pages + pages;
	spin_unlock_irqrestore(&fake.lock, flags);
}
