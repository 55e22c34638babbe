/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of guest entries; see gpage.c.
 */

#ifndef _XENGT_GPAGE_H
#define _XENGT_GPAGE_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "shadow/shadow.h"

struct xengt_gpage;

/**
 * struct xengt_gpages_ops - what the owner of a kind of pages does
 * @collect: collects the entries of a page whose bits are set in @mask, for the sync that is under
 *	way. If @mask is NULL, collects those that are missing or whose value is not the one that
 *	the shadow was made from. Returns true if there were any. The page's va is not NULL.
 * @missing: returns true if an entry of the page is missing: present, but its shadow is scratch and
 *	another try may map it
 *
 * All are called with the shadow's lock held.
 */
struct xengt_gpages_ops {
	bool (*collect)(struct xengt_gpage *page, const unsigned long *mask);
	bool (*missing)(const struct xengt_gpage *page);
};

/**
 * struct xengt_gpages - pages of guest entries of one kind: of the GGTT, or of PPGTT tables
 * @sh: the shadow that the entries belong to
 * @base: GFN of the page with key 0; 0 for the GGTT while it has no RAM
 * @pages: the pages (struct xengt_gpage), by key: the page's GFN minus @base
 * @ops: the owner's operations
 * @no_locality: a write to a page does not make writes to its neighbours likely
 * @last_hot: key of the page that became write-hot last; written under the shadow's lock, read
 *	without a lock
 * @next_key: key of the first page after @last_hot that did not become unsync together with it; the
 *	shadow's lock
 * @ahead: number of pages between these two; the shadow's lock
 */
struct xengt_gpages {
	struct xengt_shadow *sh;
	u64 base;
	struct xarray pages;
	const struct xengt_gpages_ops *ops;
	bool no_locality;
	unsigned long last_hot;
	unsigned long next_key;
	unsigned long ahead;
};

/**
 * struct xengt_gpage - a page of guest entries
 * @pages: the pages of its kind
 * @key: its key among these
 * @va: where its entries are mapped, or our own page with them; NULL while there is none. Changed
 *	under both locks, so either protects a read.
 * @written: bitmap of the entries that were written and not collected yet; the dirty lock
 * @written_node: in the list of pages with such entries; the dirty lock
 * @write_count: number of trapped writes, halved at each sync that is not a late one, and 0 when
 *	the page becomes unsync; the dirty lock
 * @halvings: how many of xengt_dirty.halvings are in @write_count; the dirty lock
 * @hot_node: in the list of write-hot pages; the dirty lock
 * @memory: the page is RAM of the guest, write-protected or unsync. Else all accesses are trapped
 *	as MMIO, or the shadow is closed and the page was unprotected.
 * @unsync: the guest's writes are not trapped
 * @unsure: the page was write-protected again after it was unsync, or exposed. If the guest
 *	exchanged the page at its GFN meanwhile, another page than the mapped one is protected.
 * @idle: number of syncs in a row that found nothing changed while the page was unsync
 * @unsync_node: in the list of unsync pages
 *
 * What is not marked otherwise is protected by the shadow's lock.
 */
struct xengt_gpage {
	struct xengt_gpages *pages;
	unsigned long key;
	void *va;
	DECLARE_BITMAP(written, XENGT_TABLE_ENTRIES);
	struct list_head written_node;
	unsigned int write_count;
	unsigned int halvings;
	struct list_head hot_node;
	bool memory;
	bool unsync;
	bool unsure;
	unsigned int idle;
	struct list_head unsync_node;
};

void xengt_gpages_init(struct xengt_gpages *pages, struct xengt_shadow *sh,
		       const struct xengt_gpages_ops *ops);
void xengt_gpage_init(struct xengt_gpage *page, struct xengt_gpages *pages,
		      unsigned long key);
int xengt_gpage_add(struct xengt_gpage *page);
void xengt_gpage_remove(struct xengt_gpage *page);
void xengt_gpage_set_va(struct xengt_gpage *page, void *va);
void xengt_gpage_forget_unsync(struct xengt_gpage *page);
bool xengt_gpage_write_protect(const struct xengt_gpage *page);
bool xengt_gpage_is_write_protected(const struct xengt_gpage *page);
int xengt_gpages_unprotect(struct xengt_gpages *pages, unsigned long key, unsigned int n);

bool xengt_gpage_load(struct xengt_gpages *pages, unsigned long key,
		      unsigned int offset, void *data, unsigned int len);

/* Returns the GFN of the page. */
static inline u64 xengt_gpage_gfn(const struct xengt_gpage *page)
{
	return page->pages->base + page->key;
}

/* Was a write to the page trapped since the last sync? Takes no lock, so the answer may be old. */
static inline bool xengt_gpage_is_written(const struct xengt_gpage *page)
{
	return !list_empty_careful(&page->written_node);
}

#endif /* _XENGT_GPAGE_H */
