/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of guest entries, and what the guest writes into them; see entry_page.c.
 */

#ifndef _XENGT_ENTRY_PAGE_H
#define _XENGT_ENTRY_PAGE_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "pte.h"

struct xengt_entry_page;
struct xengt_mm;

/**
 * enum xengt_mode - when a guest's writes get into the shadow
 * @XENGT_MODE_STRICT: those to the GGTT at once, before the vCPU goes on; those to tables of PPGTTs
 *	at the next sync. All are trapped.
 * @XENGT_MODE_POSTED: all at the next sync, or when there are many, or when they are old. All are
 *	trapped.
 * @XENGT_MODE_HYBRID: the same, and pages that are written often are open: not trapped
 * @XENGT_NR_MODES: how many modes there are
 */
enum xengt_mode {
	XENGT_MODE_STRICT,
	XENGT_MODE_POSTED,
	XENGT_MODE_HYBRID,
	XENGT_NR_MODES
};

/**
 * struct xengt_entry_pages_ops - what the owner of a kind of pages does
 * @take: takes over entries of a page that the guest wrote, as a mask; or (NULL) all that are
 *	different or missing: tells whether any were
 * @missing: an entry of the page is missing: present, but scratch
 */
struct xengt_entry_pages_ops {
	bool (*take)(struct xengt_entry_page *page, const unsigned long *slots);
	bool (*missing)(const struct xengt_entry_page *page);
};

/**
 * struct xengt_entry_pages - pages of entries of one kind
 * @mm: whose they are
 * @base: the GFN of the page with the key 0
 * @pages: by key, which is how many pages they are above the base
 * @ops: the owner's
 * @alone: that they are next to each other means nothing
 * @last_hot: the page that became hot last
 * @next_key: the page behind that one, and behind those that were opened ahead of it
 * @ahead: how many these were
 */
struct xengt_entry_pages {
	struct xengt_mm *mm;
	u64 base;
	struct xarray pages;
	const struct xengt_entry_pages_ops *ops;
	bool alone;
	unsigned long last_hot;
	unsigned long next_key;
	unsigned long ahead;
};

/**
 * struct xengt_entry_page - a page of entries of the guest's
 * @pages: its kind
 * @key: its place among these
 * @va: where we see its entries; NULL while there is no page. Changed under both locks.
 * @written: entries that were written and not taken yet; the writes' lock
 * @written_node: in the list of pages with such entries; the writes' lock
 * @heat: how many writes were trapped lately; the writes' lock
 * @heat_turn: when that was; the writes' lock
 * @hot_node: in the list of hot pages; the writes' lock
 * @memory: its writes are trapped by its memory type, so that it can be opened
 * @open: the guest's writes are not trapped
 * @unsure: it was trapped again after it was open: if the guest has exchanged it meanwhile, the
 *	trap is on another page than the one that is seen
 * @calm: at how many syncs in a row nothing had changed while it was open
 * @open_node: in the list of open pages
 */
struct xengt_entry_page {
	struct xengt_entry_pages *pages;
	unsigned long key;
	void *va;
	DECLARE_BITMAP(written, XENGT_TABLE_ENTRIES);
	struct list_head written_node;
	unsigned int heat;
	unsigned int heat_turn;
	struct list_head hot_node;
	bool memory;
	bool open;
	bool unsure;
	unsigned int calm;
	struct list_head open_node;
};

/**
 * struct xengt_writes - what a guest wrote and is not in the shadow yet
 * @mode: when it gets there
 * @unsettled: pages may have left the guest's memory, and it was not looked at which
 * @lock: of what traps need; nests inside the mm's lock, is never held across a hypercall:
 * @written: pages with entries that were written
 * @nr_written: how many writes there were since the last sync
 * @hot: pages that are written often and not open
 * @turn: counts the syncs
 * @open: pages that are open; the mm's lock
 * @nr_open: how many; the mm's lock
 * @slots: work area of a sync; the mm's lock
 * @work: syncs what nobody else did
 */
struct xengt_writes {
	enum xengt_mode mode;
	bool unsettled;
	spinlock_t lock;		/* of what follows, unless it says otherwise: */
	struct list_head written;
	unsigned int nr_written;
	struct list_head hot;
	unsigned int turn;
	struct list_head open;
	unsigned long nr_open;
	DECLARE_BITMAP(slots, XENGT_TABLE_ENTRIES);
	struct delayed_work work;
};

void xengt_writes_init(struct xengt_mm *mm);
void xengt_writes_exit(struct xengt_mm *mm);
void xengt_writes_take(struct xengt_mm *mm);
void xengt_writes_set_mode(struct xengt_mm *mm, enum xengt_mode mode);
void xengt_writes_unsettle(struct xengt_mm *mm);
void xengt_writes_settle(struct xengt_mm *mm);
unsigned long xengt_writes_age(void);
const char *xengt_mode_name(enum xengt_mode mode);
int xengt_mode_find(const char *name);

void xengt_entry_pages_init(struct xengt_entry_pages *pages, struct xengt_mm *mm,
			    const struct xengt_entry_pages_ops *ops);
void xengt_entry_page_init(struct xengt_entry_page *page, struct xengt_entry_pages *pages,
			   unsigned long key);
int xengt_entry_page_add(struct xengt_entry_page *page);
void xengt_entry_page_remove(struct xengt_entry_page *page);
void xengt_entry_page_show(struct xengt_entry_page *page, void *va);
bool xengt_entry_page_trap(const struct xengt_entry_page *page);
bool xengt_entry_page_is_trapped(const struct xengt_entry_page *page);

bool xengt_entry_page_store(struct xengt_entry_pages *pages, unsigned long key,
			    unsigned int offset, const void *data, unsigned int len);
bool xengt_entry_page_load(struct xengt_entry_pages *pages, unsigned long key,
			   unsigned int offset, void *data, unsigned int len);

static inline u64 xengt_entry_page_gfn(const struct xengt_entry_page *page)
{
	return page->pages->base + page->key;
}

/* The guest has written into it since the last sync, as far as is known. */
static inline bool xengt_entry_page_is_written(const struct xengt_entry_page *page)
{
	return !list_empty_careful(&page->written_node);
}

#endif /* _XENGT_ENTRY_PAGE_H */
