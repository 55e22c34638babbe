// SPDX-License-Identifier: GPL-2.0
/*
 * RAM at a guest's addresses of the GTT: pages of memory that are the guest's, and count as its.
 *
 * The guest's GTT is in BAR 0, where there is nothing in the guest's physmap, so that all accesses
 * are trapped. Memory that is put there makes reads native, and writes can be trapped or not, page
 * by page. The toolstack has to allow for it: the guest gets more memory than it was built with
 * ("xl mem-max"), up to 8 MiB.
 *
 * Invariants: what was put there is given back at exit, unless the guest has given it away before,
 * or is gone.
 *
 * Source: Xen's public/memory.h (XENMEM_populate_physmap, XENMEM_decrease_reservation,
 * XENMEM_maximum_reservation, XENMEM_current_reservation). Locking: the caller's.
 */

#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <xen/page.h>
#include <xen/interface/memory.h>
#include <asm/xen/hypercall.h>

#include "gtt_ram.h"

/* Pages in one hypercall */
#define BATCH	128

/* No RAM yet. 0 or -ENOMEM. */
int xengt_gtt_ram_init(struct xengt_gtt_ram *ram, domid_t domid, u64 gfn, unsigned long n)
{
	*ram = (struct xengt_gtt_ram){ .domid = domid, .gfn = gfn, .n = n };
	ram->there = bitmap_zalloc(n, GFP_KERNEL);
	return ram->there ? 0 : -ENOMEM;
}

/* How many pages the guest may have beyond those that it has, or a negative error of Xen's. */
long xengt_gtt_ram_room(const struct xengt_gtt_ram *ram)
{
	domid_t domid = ram->domid;
	long most = HYPERVISOR_memory_op(XENMEM_maximum_reservation, &domid);
	long has = HYPERVISOR_memory_op(XENMEM_current_reservation, &domid);

	if (most < 0 || has < 0)
		return min(most, has);
	return max(most - has, 0L);
}

/* One hypercall for at most BATCH pages; returns for how many it worked. */
static unsigned long reserve(const struct xengt_gtt_ram *ram, unsigned int cmd,
			     unsigned long first, unsigned long n)
{
	xen_pfn_t gfns[BATCH];
	struct xen_memory_reservation reservation = {
		.domid = ram->domid,
		.nr_extents = n,
	};
	unsigned long i;
	long done;

	for (i = 0; i < n; i++)
		gfns[i] = ram->gfn + first + i;
	set_xen_guest_handle(reservation.extent_start, gfns);
	done = HYPERVISOR_memory_op(cmd, &reservation);
	return done < 0 ? 0 : done;
}

/**
 * xengt_gtt_ram_put - put RAM there
 * @ram: where
 * @first: the first page of the GTT that is to be RAM
 * @n: how many
 *
 * Context: process context, may sleep.
 * Return: how many of them are RAM now, from the first one on.
 */
unsigned long xengt_gtt_ram_put(struct xengt_gtt_ram *ram, unsigned long first, unsigned long n)
{
	unsigned long pos, part, done;

	for (pos = 0; pos < n; pos += done) {
		part = min(n - pos, (unsigned long)BATCH);
		done = reserve(ram, XENMEM_populate_physmap, first + pos, part);
		bitmap_set(ram->there, first + pos, done);
		if (done < part)
			return pos + done;
	}
	return n;
}

/**
 * xengt_gtt_ram_give_back - take RAM away from there
 * @ram: where
 * @first: the first page of the GTT that is not to be RAM
 * @n: how many, which were RAM
 *
 * A page that is not there any more, or of a guest that is gone, is left to Xen.
 *
 * Context: process context, may sleep.
 */
void xengt_gtt_ram_give_back(struct xengt_gtt_ram *ram, unsigned long first, unsigned long n)
{
	unsigned long pos, part, done;

	for (pos = 0; pos < n; pos += done) {
		part = min(n - pos, (unsigned long)BATCH);
		done = reserve(ram, XENMEM_decrease_reservation, first + pos, part);
		/* One that Xen stops at is passed over. */
		done = min(done + 1, part);
	}
	bitmap_clear(ram->there, first, n);
}

/* Gives everything back; nothing of it is mapped any more. */
void xengt_gtt_ram_exit(struct xengt_gtt_ram *ram)
{
	unsigned long first, end;

	if (!ram->there)
		return;
	for_each_set_bitrange(first, end, ram->there, ram->n)
		xengt_gtt_ram_give_back(ram, first, end - first);
	bitmap_free(ram->there);
	ram->there = NULL;
}
