// SPDX-License-Identifier: GPL-2.0
/*
 * Synchronisation: what the guest wrote into its tables gets into the shadow.
 *
 *  0. What the guest wrote is taken over from the pages that it wrote to: entries of the GGTT go
 *     into the update, entries of tables are marked.
 *  1. From the highest level down, written entries of directories are read and get the tables that
 *     they ask for. New tables count as written all over, so they are filled in the same sync.
 *  2. Written entries of page tables, of all tables, are mapped in batches, written, and made
 *     known to the GPU; then the pages that they named before are released.
 *  3. From the lowest level up, the entries of directories are written: what they lead to is
 *     complete. The GPU is made to forget the old ones.
 *  4. The tables that they led to before are given back.
 *
 * Invariants: new before old, on every level; the GPU sees each entry as it was or as it is, never
 * a table that is not filled yet.
 *
 * Locking: the mm's lock.
 */

#include <linux/lockdep.h>
#include <linux/xarray.h>

#include "counters.h"
#include "tables.h"

/* How many pages that are not there are looked for, and entries without a table tried again */
#define LOST_MAX	64
#define MISSING_MAX	4096
/* How many entries that were refused a sync tries again, at least, before it leaves the rest */
#define REFUSED_MAX	4096

static void mark_page(struct xengt_guest_page *page)
{
	struct xengt_table *table;

	list_for_each_entry(table, &page->tables, page_node)
		xengt_table_mark_all(table);
}

static void look_again(struct xengt_tables *tables, struct xengt_guest_page *page)
{
	xengt_count(tables->mm->counters, XENGT_COUNT_PAGES_CHECKED, 1);
	if (xengt_guest_page_look_again(&tables->pages, page) == XENGT_PAGE_CHANGED)
		mark_page(page);
}

/* After a balloon event: any of the guest's pages may be another one now. */
void xengt_tables_look_again(struct xengt_tables *tables)
{
	struct xengt_entry_page *entries;
	struct xengt_guest_page *page;
	unsigned long gfn;

	lockdep_assert_held(&tables->mm->lock);
	xa_for_each(&tables->pages.entries.pages, gfn, entries) {
		page = xengt_to_guest_page(entries);
		if (list_empty(&page->tables))
			xengt_guest_page_doubt(page);
		else
			look_again(tables, page);
	}
}

/*
 * Pages that are not there may have come back: no event tells. In turns, a few at each sync, each
 * once: one that is still not there goes to the end of the list.
 */
static void look_for_lost(struct xengt_tables *tables)
{
	struct list_head *lost = &tables->pages.lost;
	struct xengt_guest_page *page;
	unsigned int looks;
	LIST_HEAD(left);

	list_splice_init(lost, &left);
	for (looks = 0; looks < LOST_MAX && !list_empty(&left); looks++) {
		page = list_first_entry(&left, struct xengt_guest_page, node);
		list_move_tail(&page->node, lost);
		look_again(tables, page);
	}
	list_splice(&left, lost);
}

/*
 * Entries for which there was no table are tried again by the next sync: those of so many
 * directories that they are MISSING_MAX, in turns.
 */
void xengt_tables_want_missing(struct xengt_tables *tables)
{
	struct xengt_table *table, *first = NULL;
	unsigned int i, wanted = 0;

	lockdep_assert_held(&tables->mm->lock);
	while (!list_empty(&tables->missing) && wanted < MISSING_MAX) {
		table = list_first_entry(&tables->missing, struct xengt_table, missing_node);
		if (table == first)
			break;
		first = first ?: table;
		for_each_set_bit(i, table->missing, xengt_table_format(table)->entries)
			xengt_table_mark(table, i, 1);
		wanted += table->nr_missing;
		list_move_tail(&table->missing_node, &tables->missing);
	}
}

static void update_directories(struct xengt_tables *tables)
{
	struct xengt_table *table;
	unsigned int level;

	for (level = XENGT_MAX_LEVELS; level > 1; level--) {
		while (!list_empty(&tables->dirty[level])) {
			table = list_first_entry(&tables->dirty[level], struct xengt_table,
						 dirty_node);
			list_move_tail(&table->dirty_node, &tables->changed[level]);
			xengt_directory_update(table);
		}
	}
}

static void update_page_tables(struct xengt_tables *tables)
{
	struct xengt_table *table;

	while (!list_empty(&tables->dirty[1])) {
		table = list_first_entry(&tables->dirty[1], struct xengt_table, dirty_node);
		list_del_init(&table->dirty_node);
		xengt_page_table_update(table);
	}
	xengt_entries_apply(tables->mm);
}

static void write_directories(struct xengt_tables *tables)
{
	struct xengt_table *table;
	bool changed = false;
	unsigned int level;

	for (level = 2; level <= XENGT_MAX_LEVELS; level++) {
		while (!list_empty(&tables->changed[level])) {
			table = list_first_entry(&tables->changed[level], struct xengt_table,
						 dirty_node);
			list_del_init(&table->dirty_node);
			changed |= xengt_directory_write(table);
		}
	}
	if (changed)
		xengt_mm_invalidate(tables->mm);
}

static void sync_once(struct xengt_tables *tables)
{
	update_directories(tables);
	update_page_tables(tables);
	write_directories(tables);
	xengt_tables_put_doomed(tables);
}

/* Entries that were refused, in what the GPU may use, have their turn, each once. */
static void retry_refused(struct xengt_mm *mm)
{
	unsigned int tried = 0;

	mm->room = false;
	mm->retry_round++;
	while (tried < REFUSED_MAX && xengt_entries_retry(mm, true, &tried))
		;
}

/* Lets what the GPU does not use go, until there is room for so many pages or no more of it. */
static void make_room(struct xengt_tables *tables, unsigned long wanted)
{
	struct xengt_mm *mm = tables->mm;
	unsigned long before = mm->nr_live;

	while (before - mm->nr_live < wanted && tables->reclaim(tables))
		;
}

/*
 * Pages were refused for want of room: what the GPU may use gets what others have given back, and
 * then what idle PPGTTs hold. There are fewer of those each time, so this comes to an end; PPGTTs
 * that are pinned take nothing from each other.
 */
static void heal_refused(struct xengt_tables *tables)
{
	struct xengt_mm *mm = tables->mm;
	unsigned long missing;

	if (!mm->refused)
		return;
	tables->find_used(tables);
	missing = xengt_entries_refused(mm);
	if (missing && mm->room)
		retry_refused(mm);
	while (mm->refused) {
		missing = xengt_entries_refused(mm);
		if (!missing)
			return;
		mm->room = false;
		make_room(tables, missing);
		if (!mm->room)
			return;
		retry_refused(mm);
	}
}

/* For want of memory: nobody tells when there is some, so that each sync tries again. */
static void want_memory(struct xengt_tables *tables)
{
	if (!tables->nomem)
		return;
	tables->nomem = false;
	xengt_tables_want_missing(tables);
}

/*
 * Everything that the guest wrote before is in the shadow after. A table that was refused for want
 * of room gets what another one has left.
 */
void xengt_tables_sync(struct xengt_tables *tables)
{
	lockdep_assert_held(&tables->mm->lock);
	xengt_count(tables->mm->counters, XENGT_COUNT_SYNCS, 1);
	if (tables->mm->closed)
		return;
	xengt_guest_pages_release_stuck(&tables->pages);
	look_for_lost(tables);
	want_memory(tables);
	xengt_writes_take(tables->mm);
	sync_once(tables);
	if (tables->refused && tables->n < tables->max) {
		tables->refused = false;
		xengt_tables_want_missing(tables);
		sync_once(tables);
	}
	heal_refused(tables);
}
