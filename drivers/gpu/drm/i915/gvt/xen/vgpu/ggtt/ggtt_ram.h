/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAM at a guest's addresses of the GTT in BAR 0; see ggtt_ram.c.
 */

#ifndef _XENGT_GGTT_RAM_H
#define _XENGT_GGTT_RAM_H

#include <linux/bitmap.h>
#include <linux/types.h>
#include <xen/interface/xen.h>

/**
 * struct xengt_ggtt_ram - RAM at a guest's addresses of the GTT in BAR 0
 * @domid: the guest
 * @gfn: GFN of the first page of the GTT
 * @n: number of pages of the GTT
 * @there: bitmap of the pages that are RAM which we put there or adopted; NULL before init and
 *	after exit
 * @found: bitmap of the pages that were RAM before the virtual GPU was enabled, or whose RAM could
 *	not be used
 */
struct xengt_ggtt_ram {
	domid_t domid;
	u64 gfn;
	unsigned long n;
	unsigned long *there;
	unsigned long *found;
};

int xengt_ggtt_ram_init(struct xengt_ggtt_ram *ram, domid_t domid, u64 gfn, unsigned long n);
void xengt_ggtt_ram_exit(struct xengt_ggtt_ram *ram);
long xengt_ggtt_ram_free_pages(const struct xengt_ggtt_ram *ram);
s64 xengt_ggtt_ram_max_gfn(const struct xengt_ggtt_ram *ram);
void xengt_ggtt_ram_adopt(struct xengt_ggtt_ram *ram);
void xengt_ggtt_ram_disown_found(struct xengt_ggtt_ram *ram);
void xengt_ggtt_ram_remove_found(struct xengt_ggtt_ram *ram);
bool xengt_ggtt_ram_is_left(const struct xengt_ggtt_ram *ram);
unsigned long xengt_ggtt_ram_put(struct xengt_ggtt_ram *ram, unsigned long first, unsigned long n);
void xengt_ggtt_ram_give_back(struct xengt_ggtt_ram *ram, unsigned long first, unsigned long n);

/* Returns how many pages of the GTT are RAM that we put there or adopted. */
static inline unsigned long xengt_ggtt_ram_pages(const struct xengt_ggtt_ram *ram)
{
	return ram->there ? bitmap_weight(ram->there, ram->n) : 0;
}

/* @page: number of the page in the GTT, as in all functions here. */
static inline bool xengt_ggtt_ram_has(const struct xengt_ggtt_ram *ram, unsigned long page)
{
	return ram->there && test_bit(page, ram->there);
}

static inline bool xengt_ggtt_ram_was_found(const struct xengt_ggtt_ram *ram, unsigned long page)
{
	return test_bit(page, ram->found);
}

#endif /* _XENGT_GGTT_RAM_H */
