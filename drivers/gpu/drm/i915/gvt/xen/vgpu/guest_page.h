/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of the guest's that are page tables; see guest_page.c.
 */

#ifndef _XENGT_GUEST_PAGE_H
#define _XENGT_GUEST_PAGE_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "foreign_page.h"

struct xengt_counters;

/**
 * struct xengt_guest_page - a page of the guest's that is a page table
 * @gfn: where it is
 * @present: it is mapped, and writes to it are trapped; otherwise it reads as zeroes
 * @map: where we see it
 * @tables: the shadow tables that are made from it, the owner's
 * @node: in the list of pages that are lost, or in that of pages that are stuck
 */
struct xengt_guest_page {
	u64 gfn;
	bool present;
	struct xengt_foreign_page map;
	struct list_head tables;
	struct list_head node;
};

/**
 * struct xengt_guest_pages - all of a virtual GPU's
 * @domid: the guest
 * @counters: where things are counted
 * @pages: by GFN
 * @n: how many there are
 * @lost: the ones that are not present
 * @stuck: the ones that nobody needs any more, but Xen did not let go of
 */
struct xengt_guest_pages {
	domid_t domid;
	struct xengt_counters *counters;
	struct xarray pages;
	unsigned long n;
	struct list_head lost;
	struct list_head stuck;
};

/* What a second look at a page found */
enum xengt_page_change {
	XENGT_PAGE_SAME,	/* nothing can have been written without a trap */
	XENGT_PAGE_CHANGED,	/* what is in it may be different */
};

void xengt_guest_pages_init(struct xengt_guest_pages *pages, domid_t domid,
			    struct xengt_counters *counters);
void xengt_guest_pages_exit(struct xengt_guest_pages *pages);

struct xengt_guest_page *xengt_guest_page_find(struct xengt_guest_pages *pages, u64 gfn);
struct xengt_guest_page *xengt_guest_page_new(struct xengt_guest_pages *pages, u64 gfn);
void xengt_guest_page_release(struct xengt_guest_pages *pages, struct xengt_guest_page *page);
void xengt_guest_pages_release_stuck(struct xengt_guest_pages *pages);
enum xengt_page_change xengt_guest_page_look_again(struct xengt_guest_pages *pages,
						   struct xengt_guest_page *page);
void xengt_guest_page_store(struct xengt_guest_page *page, unsigned int offset, const void *data,
			    unsigned int len);

#endif /* _XENGT_GUEST_PAGE_H */
