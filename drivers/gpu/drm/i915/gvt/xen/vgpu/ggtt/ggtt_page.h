/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages that hold a guest's GGTT entries; see ggtt_page.c.
 */

#ifndef _XENGT_GGTT_PAGE_H
#define _XENGT_GGTT_PAGE_H

#include <linux/types.h>

#include "ggtt/share.h"
#include "shadow/gpage.h"
#include "xen/foreign_page.h"

struct xengt_ggtt_ram;

/**
 * struct xengt_ggtt_pages - the pages that hold a guest's GGTT entries
 * @gpages: the pages (struct xengt_ggtt_page); the key is the number of the page in the GTT
 * @share: the guest's share of the GGTT
 * @ram: the RAM at the guest's addresses of the GTT; NULL until xengt_ggtt_pages_use_ram()
 */
struct xengt_ggtt_pages {
	struct xengt_gpages gpages;
	const struct xengt_share *share;
	struct xengt_ggtt_ram *ram;
};

/**
 * struct xengt_ggtt_page - a page of the guest's GTT
 * @gpage: its guest entries; the key is its number in the GTT
 * @own: our own page with the entries, while all accesses of the guest are trapped as MMIO; NULL if
 *	the page is RAM of the guest
 * @ram: mapping of that RAM, if @own is NULL
 * @spare: a page of our own that is not used, to which the entries can move without fail; or NULL
 */
struct xengt_ggtt_page {
	struct xengt_gpage gpage;
	void *own;
	struct xengt_foreign_page ram;
	void *spare;
};

/* Returns the number of entries in a page of the GTT. */
static inline unsigned int xengt_ggtt_page_entries(const struct xengt_shadow *sh)
{
	return XENGT_PAGE_SIZE / sh->format->ggtt->size;
}

void xengt_ggtt_pages_init(struct xengt_ggtt_pages *pages, struct xengt_shadow *sh,
			   const struct xengt_share *share, const struct xengt_gpages_ops *ops);
int xengt_ggtt_pages_make(struct xengt_ggtt_pages *pages);
void xengt_ggtt_pages_exit(struct xengt_ggtt_pages *pages);
unsigned long xengt_ggtt_pages_count(struct xengt_ggtt_pages *pages);
unsigned long xengt_ggtt_pages_use_ram(struct xengt_ggtt_pages *pages, struct xengt_ggtt_ram *ram);
int xengt_ggtt_pages_adopt(struct xengt_ggtt_pages *pages, const struct xengt_ggtt_ram *ram);
int xengt_ggtt_pages_add_spare(struct xengt_ggtt_pages *pages);
void xengt_ggtt_pages_free_spare(struct xengt_ggtt_pages *pages);
void xengt_ggtt_pages_leave_ram(struct xengt_ggtt_pages *pages);
void xengt_ggtt_pages_clear(struct xengt_ggtt_pages *pages);
void xengt_ggtt_pages_rescan(struct xengt_ggtt_pages *pages);

#endif /* _XENGT_GGTT_PAGE_H */
