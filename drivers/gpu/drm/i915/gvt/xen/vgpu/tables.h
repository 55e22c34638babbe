/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shadow tables of a virtual GPU's PPGTTs.
 *
 * A shadow table is made from a page of the guest's seen as a table of one level: the same page
 * can be tables of several levels, as it is when it is looped into itself. Or it is made from one
 * large entry that is split (see page_table.c), or from a run of entries of the GGTT (the page
 * directory of gen7). It is shared by all entries that lead to the same page and level, and counts
 * them.
 *
 * Writes of the guest's are only noted: a table knows which of its entries were written, and
 * xengt_tables_sync() brings the shadow up to date: see sync.c.
 *
 *   sync.c		what was written gets into the shadow, in the order that keeps the GPU safe
 *   directory.c	entries that lead to tables
 *   page_table.c	tables whose entries name pages
 *   tables.c		the life of tables, and which there are
 */

#ifndef _XENGT_TABLES_H
#define _XENGT_TABLES_H

#include <linux/list.h>
#include <linux/types.h>

#include "entries.h"
#include "guest_page.h"
#include "mm.h"
#include "pte.h"

struct page;
struct xengt_ggtt;
struct xengt_table;
struct xengt_tables;

/**
 * struct xengt_slot - an entry of a directory
 * @directory: which
 * @guest: the guest entry that the shadow's entry was made from
 * @child: the shadow table that it leads to, or NULL
 * @node: in the child's parents
 * @next_guest: the guest entry that it will be made from at the end of the sync
 * @next: the table that it will lead to
 */
struct xengt_slot {
	struct xengt_table *directory;
	u64 guest;
	struct xengt_table *child;
	struct hlist_node node;
	u64 next_guest;
	struct xengt_table *next;
};

/**
 * struct xengt_table - a shadow table
 * @tables: whose it is
 * @serial: its number, see xengt_new_serial()
 * @level: 1: its entries name pages; above: tables of the level below
 * @wide: its guest entries name pages of 64 KiB
 * @page: the guest's page that it is made from, or NULL
 * @page_node: in the page's tables, or in the list of page directories in the GGTT
 * @split: if it is made from a large entry, this entry; else 0
 * @ggtt_slot: if it is in the GGTT, its first slot there
 * @refs: entries and roots that lead here, and gets
 * @doomed: how many of the refs go at the end of the sync
 * @doomed_node: in the list of tables of which some go
 * @used: the last search that found that the GPU may use the table, see xengt_mm.used_round
 * @dirty_node: in the list of tables with entries that were written, or that are to be written
 * @dirty: which these are
 * @shadow: what the GPU reads; NULL for a table in the GGTT
 * @bfn: its BFN
 * @parents: the entries that lead here (struct xengt_slot)
 * @run: level 1: the entries
 * @large: level 1: an entry that leads here may be a large one (of wide pages) instead
 * @large_frame: the frame that it names then, if the table is a split; else 0
 * @slots: above: the entries
 * @missing: above: present, but scratch since there is no table for it
 * @nr_missing: how many
 * @missing_node: in the list of tables with missing entries
 */
struct xengt_table {
	struct xengt_tables *tables;
	u64 serial;
	unsigned int level;
	bool wide;
	struct xengt_guest_page *page;
	struct list_head page_node;
	u64 split;
	unsigned long ggtt_slot;
	unsigned int refs;
	unsigned int doomed;
	struct list_head doomed_node;
	unsigned int used;
	struct list_head dirty_node;
	DECLARE_BITMAP(dirty, XENGT_TABLE_ENTRIES);
	struct page *shadow;
	u64 bfn;
	struct hlist_head parents;

	struct xengt_entries run;
	bool large;
	u64 large_frame;

	struct xengt_slot *slots;
	unsigned long *missing;
	unsigned int nr_missing;
	struct list_head missing_node;
};

/**
 * struct xengt_tables - all shadow tables of a virtual GPU
 * @mm: whose they are; its lock is the lock of everything here
 * @ggtt: where page directories can be
 * @pages: the guest's pages that are tables
 * @max: the most shadow tables that there may be
 * @n: how many there are
 * @refused: there would have been more
 * @nomem: there would have been more, had there been memory
 * @reclaim: frees tables that were not used for long; false if there are none
 * @find_used: marks all tables and runs that the GPU may use, in a new search
 * @in_ggtt: page directories in the GGTT
 * @dirty: for each level, tables with entries that the guest wrote
 * @changed: for each level, directories whose shadow is to be written
 * @doomed: tables that lose references at the end of the sync
 * @missing: directories with missing entries
 * @scratch: for each level, a table in which everything is scratch
 * @scratch_bfn: their BFNs
 */
struct xengt_tables {
	struct xengt_mm *mm;
	struct xengt_ggtt *ggtt;
	struct xengt_guest_pages pages;
	unsigned long max;
	unsigned long n;
	bool refused;
	bool nomem;
	bool (*reclaim)(struct xengt_tables *tables);
	void (*find_used)(struct xengt_tables *tables);
	struct list_head in_ggtt;
	struct list_head dirty[XENGT_MAX_LEVELS + 1];
	struct list_head changed[XENGT_MAX_LEVELS + 1];
	struct list_head doomed;
	struct list_head missing;
	struct page *scratch[XENGT_MAX_LEVELS + 1];
	u64 scratch_bfn[XENGT_MAX_LEVELS + 1];
};

static inline const struct xengt_level *xengt_table_format(const struct xengt_table *table)
{
	return &table->tables->mm->format->level[table->level];
}

/* tables.c */
u64 xengt_new_serial(void);
int xengt_tables_init(struct xengt_tables *tables, struct xengt_mm *mm, struct xengt_ggtt *ggtt,
		      unsigned long max);
void xengt_tables_exit(struct xengt_tables *tables);
struct xengt_table *xengt_table_get(struct xengt_tables *tables, u64 gfn, unsigned int level,
				    bool wide);
struct xengt_table *xengt_table_get_split(struct xengt_tables *tables, u64 pde);
struct xengt_table *xengt_table_get_in_ggtt(struct xengt_tables *tables, unsigned long slot,
					    unsigned int level);
void xengt_table_put(struct xengt_table *table);
void xengt_table_put_later(struct xengt_table *table);
void xengt_tables_put_doomed(struct xengt_tables *tables);
bool xengt_tables_store(struct xengt_tables *tables, u64 addr, const void *data, unsigned int len);
void xengt_tables_ggtt_written(struct xengt_tables *tables, unsigned long slot);
void xengt_table_mark(struct xengt_table *table, unsigned int first, unsigned int n);
void xengt_table_mark_all(struct xengt_table *table);

unsigned long xengt_table_mark_used(struct xengt_table *table);

/* directory.c */
int xengt_directory_init(struct xengt_table *table);
void xengt_directory_exit(struct xengt_table *table);
void xengt_directory_update(struct xengt_table *table);
bool xengt_directory_write(struct xengt_table *table);
void xengt_directory_rewrite(struct xengt_slot *slot);
u64 xengt_directory_scratch_entry(const struct xengt_tables *tables, unsigned int level);
u64 xengt_directory_read_guest(const struct xengt_table *table, unsigned int i);
bool xengt_directory_is_made_from(const struct xengt_table *table, unsigned int i);
u64 xengt_directory_read_shadow(const struct xengt_table *table, unsigned int i);

/* page_table.c */
int xengt_page_table_init(struct xengt_table *table);
void xengt_page_table_exit(struct xengt_table *table);
void xengt_page_table_update(struct xengt_table *table);
bool xengt_page_table_is_made_from(const struct xengt_table *table, unsigned int i);
u64 xengt_page_table_read_shadow(const struct xengt_table *table, unsigned int i);

/* sync.c */
void xengt_tables_sync(struct xengt_tables *tables);
void xengt_tables_look_again(struct xengt_tables *tables);
void xengt_tables_want_missing(struct xengt_tables *tables);

#endif /* _XENGT_TABLES_H */
