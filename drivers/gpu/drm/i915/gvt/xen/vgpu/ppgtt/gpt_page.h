/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest pages that are PPGTT tables; see gpt_page.c.
 */

#ifndef _XENGT_GPT_PAGE_H
#define _XENGT_GPT_PAGE_H

#include <linux/list.h>
#include <linux/types.h>

#include "shadow/gpage.h"
#include "xen/foreign_page.h"

struct xengt_shadow;

/**
 * struct xengt_gpt_page - a guest page that is a table
 * @gpage: its entries; the key is its GFN. @gpage.va is NULL while the page is not present; then
 *	the entries read as zeroes
 * @map: its mapping
 * @spts: the SPTs that are made from it; maintained by spt.c
 * @node: in the list of lost pages, or in the list of stuck pages
 */
struct xengt_gpt_page {
	struct xengt_gpage gpage;
	struct xengt_foreign_page map;
	struct list_head spts;
	struct list_head node;
};

/**
 * struct xengt_gpt_pages - all table pages of a virtual GPU
 * @sh: the shadow; its lock protects everything here
 * @gpages: the pages, by GFN
 * @n: how many pages there are, stuck ones included
 * @lost: pages with SPTs that are not present
 * @stuck: pages without SPTs that could not be unprotected or unmapped
 */
struct xengt_gpt_pages {
	struct xengt_shadow *sh;
	struct xengt_gpages gpages;
	unsigned long n;
	struct list_head lost;
	struct list_head stuck;
};

/**
 * enum xengt_gpt_page_change - the result of a rescan of a page
 * @XENGT_GPT_PAGE_SAME: no write went unnoticed, or the page is still lost
 * @XENGT_GPT_PAGE_CHANGED: the contents may be different
 */
enum xengt_gpt_page_change {
	XENGT_GPT_PAGE_SAME,
	XENGT_GPT_PAGE_CHANGED,
};

static inline struct xengt_gpt_page *xengt_to_gpt_page(struct xengt_gpage *gpage)
{
	return container_of(gpage, struct xengt_gpt_page, gpage);
}

/* Returns true if the page is mapped and its writes are noticed: trapped, or unsync. */
static inline bool xengt_gpt_page_present(const struct xengt_gpt_page *page)
{
	return page->gpage.va;
}

void xengt_gpt_pages_init(struct xengt_gpt_pages *pages, struct xengt_shadow *sh,
			  const struct xengt_gpages_ops *ops);
void xengt_gpt_pages_exit(struct xengt_gpt_pages *pages);

struct xengt_gpt_page *xengt_gpt_page_find(struct xengt_gpt_pages *pages, u64 gfn);
struct xengt_gpt_page *xengt_gpt_page_new(struct xengt_gpt_pages *pages, u64 gfn);
void xengt_gpt_page_release(struct xengt_gpt_pages *pages, struct xengt_gpt_page *page);
void xengt_gpt_pages_release_stuck(struct xengt_gpt_pages *pages);
void xengt_gpt_page_check_stuck(struct xengt_gpt_page *page);
enum xengt_gpt_page_change xengt_gpt_page_rescan(struct xengt_gpt_pages *pages,
						 struct xengt_gpt_page *page);

#endif /* _XENGT_GPT_PAGE_H */
