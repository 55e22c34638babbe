// SPDX-License-Identifier: GPL-2.0
/*
 * RAM at a guest's addresses of the GTT: pages of memory that are the guest's, and count as its.
 *
 * The guest's GTT is in BAR 0, where there is nothing in the guest's physmap, so that all accesses
 * are trapped. Memory that is put there makes reads native, and writes can be trapped or not, page
 * by page. The toolstack has to allow for it: the guest gets more memory than it was built with
 * ("videoram", "xl mem-max"), up to 8 MiB.
 *
 * What was there before (see bar0.c) is found, and nobody's until it is adopted.
 *
 * Invariants: RAM is put where nothing is, as Xen replaces what is there. What was put there, or
 * adopted, is given back at exit, unless the guest has given it away before, or is gone.
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
#include <xen/interface/xen_gpu_map.h>
#include <xen/interface/hvm/hvm_op.h>
#include <asm/xen/hypercall.h>

#include "dm_op.h"
#include "gtt_ram.h"

/* Pages in one hypercall */
#define BATCH	128

/* No RAM yet. 0 or -ENOMEM, when there is nothing to exit. */
int xengt_gtt_ram_init(struct xengt_gtt_ram *ram, domid_t domid, u64 gfn, unsigned long n)
{
	*ram = (struct xengt_gtt_ram){ .domid = domid, .gfn = gfn, .n = n };
	ram->there = bitmap_zalloc(n, GFP_KERNEL);
	ram->found = bitmap_zalloc(n, GFP_KERNEL);
	if (ram->there && ram->found)
		return 0;
	bitmap_free(ram->there);
	bitmap_free(ram->found);
	ram->there = NULL;
	return -ENOMEM;
}

/* The highest GFN that the guest ever had, or a negative error of Xen's. */
s64 xengt_gtt_ram_max_gfn(const struct xengt_gtt_ram *ram)
{
	domid_t domid = ram->domid;

	return HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &domid);
}

/* What was found is as what was put there. */
void xengt_gtt_ram_adopt(struct xengt_gtt_ram *ram)
{
	bitmap_or(ram->there, ram->there, ram->found, ram->n);
}

/* What was found is nobody's again. */
void xengt_gtt_ram_disown_found(struct xengt_gtt_ram *ram)
{
	bitmap_andnot(ram->there, ram->there, ram->found, ram->n);
}

/* Something that was found, or of no use, and is not ours, is there. */
bool xengt_gtt_ram_is_left(const struct xengt_gtt_ram *ram)
{
	unsigned long page;

	for_each_set_bit(page, ram->found, ram->n) {
		if (!xengt_gtt_ram_has(ram, page) &&
		    xengt_dm_get_mem_type(ram->domid, ram->gfn + page) != HVMMEM_mmio_dm)
			return true;
	}
	return false;
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

/* Takes away what was found, and not adopted. */
void xengt_gtt_ram_remove_found(struct xengt_gtt_ram *ram)
{
	unsigned long first, end;

	for_each_set_bitrange(first, end, ram->found, ram->n)
		xengt_gtt_ram_give_back(ram, first, end - first);
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
	bitmap_free(ram->found);
	ram->there = NULL;
}
