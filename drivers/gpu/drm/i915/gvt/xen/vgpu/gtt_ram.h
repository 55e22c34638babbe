/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAM at a guest's addresses of the GTT; see gtt_ram.c.
 */

#ifndef _XENGT_GTT_RAM_H
#define _XENGT_GTT_RAM_H

#include <linux/bitmap.h>
#include <linux/types.h>
#include <xen/interface/xen.h>

/**
 * struct xengt_gtt_ram - RAM at a guest's addresses of the GTT
 * @domid: the guest
 * @gfn: of the GTT's first page
 * @n: how many pages the GTT has
 * @there: which of them are RAM of ours; NULL: none
 * @found: which of them were RAM before the virtual GPU was there, or turned out to be of no use
 */
struct xengt_gtt_ram {
	domid_t domid;
	u64 gfn;
	unsigned long n;
	unsigned long *there;
	unsigned long *found;
};

int xengt_gtt_ram_init(struct xengt_gtt_ram *ram, domid_t domid, u64 gfn, unsigned long n);
void xengt_gtt_ram_exit(struct xengt_gtt_ram *ram);
long xengt_gtt_ram_room(const struct xengt_gtt_ram *ram);
s64 xengt_gtt_ram_max_gfn(const struct xengt_gtt_ram *ram);
void xengt_gtt_ram_adopt(struct xengt_gtt_ram *ram);
void xengt_gtt_ram_disown_found(struct xengt_gtt_ram *ram);
void xengt_gtt_ram_remove_found(struct xengt_gtt_ram *ram);
bool xengt_gtt_ram_is_left(const struct xengt_gtt_ram *ram);
unsigned long xengt_gtt_ram_put(struct xengt_gtt_ram *ram, unsigned long first, unsigned long n);
void xengt_gtt_ram_give_back(struct xengt_gtt_ram *ram, unsigned long first, unsigned long n);

/* How many pages of the GTT are RAM. */
static inline unsigned long xengt_gtt_ram_pages(const struct xengt_gtt_ram *ram)
{
	return ram->there ? bitmap_weight(ram->there, ram->n) : 0;
}

static inline bool xengt_gtt_ram_has(const struct xengt_gtt_ram *ram, unsigned long page)
{
	return ram->there && test_bit(page, ram->there);
}

static inline bool xengt_gtt_ram_was_found(const struct xengt_gtt_ram *ram, unsigned long page)
{
	return test_bit(page, ram->found);
}

#endif /* _XENGT_GTT_RAM_H */
