// SPDX-License-Identifier: GPL-2.0
/*
 * RAM at a guest's addresses of the GTT in BAR 0. It belongs to the guest and counts towards the
 * guest's memory.
 *
 * The guest's physmap has nothing at the addresses of BAR 0, so Xen traps all accesses to the GTT.
 * If we put RAM there, reads are native, and writes are trapped only while a page is
 * write-protected. The toolstack has to allow for it: the guest gets up to 8 MiB more memory than
 * it was built with ("videoram", "xl mem-max").
 *
 * RAM that is there before the virtual GPU is enabled (see bar0.c) is called found. It stays as it
 * is until it is adopted or removed.
 *
 * Invariants: we put RAM only at a GFN that has no page, since Xen would replace the page. At exit
 * we give back the RAM that we put there or adopted, unless the guest has given it away before, or
 * is gone.
 *
 * Locking: the caller's.
 *
 * Source: Xen's public/memory.h (XENMEM_populate_physmap, XENMEM_decrease_reservation,
 * XENMEM_maximum_reservation, XENMEM_current_reservation, XENMEM_maximum_gpfn).
 */

#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <xen/page.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <xen/interface/hvm/hvm_op.h>
#include <asm/xen/hypercall.h>

#include "xen/dm_op.h"
#include "ggtt/ggtt_ram.h"

/* The most pages of one hypercall */
#define BATCH	128

/* Starts with no RAM. Returns 0; or -ENOMEM, after which xengt_ggtt_ram_exit() does nothing. */
int xengt_ggtt_ram_init(struct xengt_ggtt_ram *ram, domid_t domid, u64 gfn, unsigned long n)
{
	*ram = (struct xengt_ggtt_ram){ .domid = domid, .gfn = gfn, .n = n };
	ram->there = bitmap_zalloc(n, GFP_KERNEL);
	ram->found = bitmap_zalloc(n, GFP_KERNEL);
	if (ram->there && ram->found)
		return 0;
	bitmap_free(ram->there);
	bitmap_free(ram->found);
	ram->there = NULL;
	return -ENOMEM;
}

/* Returns the highest GFN that the guest ever had, or a negative error from Xen. */
s64 xengt_ggtt_ram_max_gfn(const struct xengt_ggtt_ram *ram)
{
	domid_t domid = ram->domid;

	return HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &domid);
}

/* Adopts the found RAM: from now on we use it, and give it back, as if we had put it there. */
void xengt_ggtt_ram_adopt(struct xengt_ggtt_ram *ram)
{
	bitmap_or(ram->there, ram->there, ram->found, ram->n);
}

/* Undoes xengt_ggtt_ram_adopt(): the found RAM stays where it is at exit. */
void xengt_ggtt_ram_disown_found(struct xengt_ggtt_ram *ram)
{
	if (ram->there)
		bitmap_andnot(ram->there, ram->there, ram->found, ram->n);
}

/* Does a GFN of the GTT still have found or unusable RAM that is not adopted? */
bool xengt_ggtt_ram_is_left(const struct xengt_ggtt_ram *ram)
{
	unsigned long page;

	for_each_set_bit(page, ram->found, ram->n) {
		if (!xengt_ggtt_ram_has(ram, page) &&
		    xengt_dm_get_mem_type(ram->domid, ram->gfn + page) != HVMMEM_mmio_dm)
			return true;
	}
	return false;
}

/* Returns how many more pages the guest may have than it has now, or a negative error from Xen. */
long xengt_ggtt_ram_free_pages(const struct xengt_ggtt_ram *ram)
{
	domid_t domid = ram->domid;
	long most = HYPERVISOR_memory_op(XENMEM_maximum_reservation, &domid);
	long has = HYPERVISOR_memory_op(XENMEM_current_reservation, &domid);

	if (most < 0 || has < 0)
		return min(most, has);
	return max(most - has, 0L);
}

/*
 * Makes one hypercall (@cmd is XENMEM_populate_physmap or XENMEM_decrease_reservation) for at most
 * BATCH pages. Returns how many pages, from the first one on, it succeeded for.
 */
static unsigned long reserve(const struct xengt_ggtt_ram *ram, unsigned int cmd,
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
 * xengt_ggtt_ram_put - put RAM at pages of the GTT
 * @ram: the RAM at the guest's GTT
 * @first: number of the first page in the GTT; none of the pages has RAM
 * @n: number of pages
 *
 * Stops at the first page that Xen refuses, for example as the guest has its maximum of memory.
 *
 * Context: process context, may sleep.
 * Return: how many of the pages, from the first one on, are RAM now.
 */
unsigned long xengt_ggtt_ram_put(struct xengt_ggtt_ram *ram, unsigned long first, unsigned long n)
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
 * xengt_ggtt_ram_give_back - remove RAM from pages of the GTT
 * @ram: the RAM at the guest's GTT
 * @first: number of the first page in the GTT
 * @n: number of pages, which were RAM
 *
 * Skips pages that Xen refuses to remove, since the guest has given them away, or is gone.
 *
 * Context: process context, may sleep.
 */
void xengt_ggtt_ram_give_back(struct xengt_ggtt_ram *ram, unsigned long first, unsigned long n)
{
	unsigned long pos, part, done;

	for (pos = 0; pos < n; pos += done) {
		part = min(n - pos, (unsigned long)BATCH);
		done = reserve(ram, XENMEM_decrease_reservation, first + pos, part);
		/* Xen stopped at the page after those that are done: skip it. */
		done = min(done + 1, part);
	}
	bitmap_clear(ram->there, first, n);
}

/* Removes the found RAM from the guest; none of it may be mapped. */
void xengt_ggtt_ram_remove_found(struct xengt_ggtt_ram *ram)
{
	unsigned long first, end;

	for_each_set_bitrange(first, end, ram->found, ram->n)
		xengt_ggtt_ram_give_back(ram, first, end - first);
}

/* Gives back all RAM that we put there or adopted; none of it may be mapped any more. */
void xengt_ggtt_ram_exit(struct xengt_ggtt_ram *ram)
{
	unsigned long first, end;

	if (!ram->there)
		return;
	for_each_set_bitrange(first, end, ram->there, ram->n)
		xengt_ggtt_ram_give_back(ram, first, end - first);
	bitmap_free(ram->there);
	bitmap_free(ram->found);
	ram->there = NULL;
}
