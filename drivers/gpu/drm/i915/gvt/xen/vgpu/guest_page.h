/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of the guest's that are page tables; see guest_page.c.
 */

#ifndef _XENGT_GUEST_PAGE_H
#define _XENGT_GUEST_PAGE_H

#include <linux/list.h>
#include <linux/types.h>

#include "entry_page.h"
#include "foreign_page.h"

struct xengt_mm;

/**
 * struct xengt_guest_page - a page of the guest's that is a page table
 * @entries: its entries; the key is its GFN. While nothing is seen of them they read as zeroes
 * @map: where we see it
 * @tables: the shadow tables that are made from it, the owner's
 * @node: in the list of pages that are lost, or in that of pages that are stuck
 */
struct xengt_guest_page {
	struct xengt_entry_page entries;
	struct xengt_foreign_page map;
	struct list_head tables;
	struct list_head node;
};

/**
 * struct xengt_guest_pages - all of a virtual GPU's
 * @mm: whose they are; its lock is the lock of everything here
 * @entries: the pages
 * @n: how many there are
 * @lost: the ones that are not present
 * @stuck: the ones that nobody needs any more, but Xen did not let go of
 */
struct xengt_guest_pages {
	struct xengt_mm *mm;
	struct xengt_entry_pages entries;
	unsigned long n;
	struct list_head lost;
	struct list_head stuck;
};

/* What a second look at a page found */
enum xengt_page_change {
	XENGT_PAGE_SAME,	/* nothing can have been written unnoticed */
	XENGT_PAGE_CHANGED,	/* what is in it may be different */
};

static inline struct xengt_guest_page *xengt_to_guest_page(struct xengt_entry_page *entries)
{
	return container_of(entries, struct xengt_guest_page, entries);
}

/* It is mapped, and we know of what is written to it. */
static inline bool xengt_guest_page_present(const struct xengt_guest_page *page)
{
	return page->entries.va;
}

void xengt_guest_pages_init(struct xengt_guest_pages *pages, struct xengt_mm *mm,
			    const struct xengt_entry_pages_ops *ops);
void xengt_guest_pages_exit(struct xengt_guest_pages *pages);

struct xengt_guest_page *xengt_guest_page_find(struct xengt_guest_pages *pages, u64 gfn);
struct xengt_guest_page *xengt_guest_page_new(struct xengt_guest_pages *pages, u64 gfn);
void xengt_guest_page_release(struct xengt_guest_pages *pages, struct xengt_guest_page *page);
void xengt_guest_pages_release_stuck(struct xengt_guest_pages *pages);
void xengt_guest_page_doubt(struct xengt_guest_page *page);
enum xengt_page_change xengt_guest_page_look_again(struct xengt_guest_pages *pages,
						   struct xengt_guest_page *page);

#endif /* _XENGT_GUEST_PAGE_H */
