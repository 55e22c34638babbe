/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages in which a guest's GGTT entries are kept; see gtt_page.c.
 */

#ifndef _XENGT_GTT_PAGE_H
#define _XENGT_GTT_PAGE_H

#include <linux/types.h>

#include "entry_page.h"
#include "foreign_page.h"

struct xengt_ggtt;
struct xengt_gtt_ram;

/**
 * struct xengt_gtt_page - a page of the guest's GGTT
 * @entries: its entries; the key is its number in the GTT
 * @own: our memory, where writes are trapped as accesses to MMIO; or NULL
 * @ram: otherwise, where we see the guest's memory
 */
struct xengt_gtt_page {
	struct xengt_entry_page entries;
	void *own;
	struct xengt_foreign_page ram;
};

int xengt_gtt_pages_init(struct xengt_ggtt *ggtt);
void xengt_gtt_pages_exit(struct xengt_ggtt *ggtt);
unsigned long xengt_gtt_pages_count(const struct xengt_ggtt *ggtt);
unsigned long xengt_gtt_pages_use_ram(struct xengt_ggtt *ggtt, struct xengt_gtt_ram *ram);
int xengt_gtt_pages_take_found(struct xengt_ggtt *ggtt, const struct xengt_gtt_ram *ram);
void xengt_gtt_pages_clear(struct xengt_ggtt *ggtt);
void xengt_gtt_pages_look_again(struct xengt_ggtt *ggtt);

#endif /* _XENGT_GTT_PAGE_H */
