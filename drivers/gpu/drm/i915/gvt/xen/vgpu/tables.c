// SPDX-License-Identifier: GPL-2.0
/*
 * The life of shadow tables, and which there are; see tables.h.
 *
 * Invariants: a table is freed with its last reference, when the GPU cannot reach it any more and
 * has been made to forget it; then it gives back what it holds. Never are there more than max.
 * A page of the guest's has its writes trapped exactly as long as there is a table made from it.
 *
 * Locking: the mm's lock.
 */

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "counters.h"
#include "ggtt.h"
#include "tables.h"

static atomic64_t last_serial;

/*
 * A number for a table or a PPGTT, higher than all before: it says which one this is, and which
 * were there first, whatever has been freed since. Of all virtual GPUs; none is used again.
 */
u64 xengt_new_serial(void)
{
	return atomic64_inc_return(&last_serial);
}

static const struct xengt_entry_pages_ops pages_ops;

static void init_lists(struct xengt_tables *tables)
{
	unsigned int level;

	INIT_LIST_HEAD(&tables->in_ggtt);
	INIT_LIST_HEAD(&tables->doomed);
	INIT_LIST_HEAD(&tables->missing);
	for (level = 0; level <= XENGT_MAX_LEVELS; level++) {
		INIT_LIST_HEAD(&tables->dirty[level]);
		INIT_LIST_HEAD(&tables->changed[level]);
	}
}

static void free_scratch(struct xengt_tables *tables)
{
	unsigned int level;

	/*
	 * A root that is pinned can have one of these for its table, or be a directory in the GGTT:
	 * it has to lead nowhere.
	 */
	for (level = 1; level <= XENGT_MAX_LEVELS; level++) {
		if (tables->scratch[level])
			clear_highpage(tables->scratch[level]);
	}
	mutex_lock(&tables->mm->lock);
	xengt_ggtt_directories_clear(tables->ggtt);
	xengt_mm_invalidate(tables->mm);
	mutex_unlock(&tables->mm->lock);
	for (level = 1; level <= XENGT_MAX_LEVELS; level++) {
		if (tables->scratch[level])
			put_page(tables->scratch[level]);
	}
}

/* For each level a table with entries that lead to the scratch table below, and to the page. */
static int alloc_scratch(struct xengt_tables *tables)
{
	u64 below = tables->mm->scratch_bfn;
	const struct xengt_level *format;
	unsigned int level, i;
	struct page *page;

	for (level = 1; level <= XENGT_MAX_LEVELS; level++) {
		format = &tables->mm->format->level[level];
		if (!format->pte || format->entries * format->pte->size != PAGE_SIZE)
			break;
		page = xengt_mm_alloc_page(tables->mm, &tables->scratch_bfn[level]);
		if (IS_ERR(page))
			return PTR_ERR(page);
		tables->scratch[level] = page;
		for (i = 0; i < format->entries; i++)
			xengt_pte_store(format->pte, page_address(page), i,
					xengt_pte_encode(format->pte, below, 0));
		below = tables->scratch_bfn[level];
	}
	return 0;
}

/* 0, -ENOMEM, or -ERANGE if our memory is out of the device's reach. */
int xengt_tables_init(struct xengt_tables *tables, struct xengt_mm *mm, struct xengt_ggtt *ggtt,
		      unsigned long max)
{
	int rc;

	*tables = (struct xengt_tables){ .mm = mm, .ggtt = ggtt, .max = max };
	init_lists(tables);
	xengt_guest_pages_init(&tables->pages, mm, &pages_ops);
	rc = alloc_scratch(tables);
	if (rc)
		free_scratch(tables);
	return rc;
}

/* There are no tables any more. */
void xengt_tables_exit(struct xengt_tables *tables)
{
	WARN_ON(tables->n);
	xengt_guest_pages_exit(&tables->pages);
	free_scratch(tables);
}

/* Notes that n entries from the first on were written. */
void xengt_table_mark(struct xengt_table *table, unsigned int first, unsigned int n)
{
	lockdep_assert_held(&table->tables->mm->lock);
	bitmap_set(table->dirty, first, n);
	if (list_empty(&table->dirty_node))
		list_add_tail(&table->dirty_node, &table->tables->dirty[table->level]);
}

void xengt_table_mark_all(struct xengt_table *table)
{
	xengt_table_mark(table, 0, xengt_table_format(table)->entries);
}

/* In a table of wide pages each 16th entry stands for 16 of ours; the others mean nothing. */
static void mark_wide(struct xengt_table *table, const unsigned long *slots)
{
	unsigned int i;

	for (i = 0; i < xengt_table_format(table)->entries; i += XENGT_WIDE_PAGES) {
		if (test_bit(i, slots))
			xengt_table_mark(table, i, XENGT_WIDE_PAGES);
	}
}

static void mark_slots(struct xengt_table *table, const unsigned long *slots)
{
	unsigned int i;

	if (table->wide) {
		mark_wide(table, slots);
		return;
	}
	for_each_set_bit(i, slots, xengt_table_format(table)->entries)
		xengt_table_mark(table, i, 1);
}

/* Marks the entries that are not what the shadow was made from, or are missing: are there any? */
static bool mark_different(struct xengt_table *table)
{
	unsigned int i, n = 0;

	for (i = 0; i < xengt_table_format(table)->entries; i++) {
		if (table->level == 1 ? xengt_page_table_is_made_from(table, i) :
					xengt_directory_is_made_from(table, i))
			continue;
		xengt_table_mark(table, i, 1);
		n++;
	}
	return n;
}

/* What the guest wrote into a page, marked in all tables that are made from it. */
static bool take(struct xengt_entry_page *entries, const unsigned long *slots)
{
	struct xengt_guest_page *page = xengt_to_guest_page(entries);
	struct xengt_table *table;
	bool any = slots;

	list_for_each_entry(table, &page->tables, page_node) {
		if (slots)
			mark_slots(table, slots);
		else
			any |= mark_different(table);
	}
	return any;
}

static bool has_missing(const struct xengt_entry_page *entries)
{
	const struct xengt_guest_page *page = container_of(entries, struct xengt_guest_page,
							   entries);
	const struct xengt_table *table;

	list_for_each_entry(table, &page->tables, page_node) {
		if (table->level == 1 ? table->run.nr_missing : table->nr_missing)
			return true;
	}
	return false;
}

static const struct xengt_entry_pages_ops pages_ops = {
	.take = take,
	.missing = has_missing,
};

/*
 * The guest wrote len bytes at a guest-physical address, within a page: if that is a page of
 * tables, does the write for it. False if it is not. Takes no lock but the writes'.
 */
bool xengt_tables_store(struct xengt_tables *tables, u64 addr, const void *data, unsigned int len)
{
	if (!xengt_entry_page_store(&tables->pages.entries, addr >> XENGT_PAGE_SHIFT,
				    offset_in_page(addr), data, len))
		return false;
	xengt_count(tables->mm->counters, XENGT_COUNT_TABLE_WRITES, 1);
	return true;
}

/*
 * The GPU may use the table, and what it leads to: at most 4 levels. How many entries are missing
 * in those that were not known to be used in this search.
 */
unsigned long xengt_table_mark_used(struct xengt_table *table)
{
	unsigned int round = table->tables->mm->used_round, i;
	unsigned long missing;

	lockdep_assert_held(&table->tables->mm->lock);
	if (table->used == round)
		return 0;
	table->used = round;
	if (table->level == 1) {
		table->run.used = round;
		return table->run.nr_missing;
	}
	missing = table->nr_missing;
	for (i = 0; i < xengt_table_format(table)->entries; i++) {
		if (table->slots[i].child)
			missing += xengt_table_mark_used(table->slots[i].child);
	}
	return missing;
}

/* The guest wrote an entry of the GGTT that is one of a page directory. */
void xengt_tables_ggtt_written(struct xengt_tables *tables, unsigned long slot)
{
	struct xengt_table *table;

	list_for_each_entry(table, &tables->in_ggtt, page_node) {
		if (slot >= table->ggtt_slot &&
		    slot - table->ggtt_slot < xengt_table_format(table)->entries)
			xengt_table_mark(table, slot - table->ggtt_slot, 1);
	}
}

static int make_room(struct xengt_tables *tables)
{
	while (tables->n >= tables->max) {
		if (!tables->reclaim(tables)) {
			tables->refused = true;
			return -ENOSPC;
		}
	}
	return 0;
}

static int init_entries(struct xengt_table *table)
{
	return table->level == 1 ? xengt_page_table_init(table) : xengt_directory_init(table);
}

/* A table without a source, all scratch. Its shadow is a page, or in the GGTT from the slot on. */
static struct xengt_table *new_table(struct xengt_tables *tables, unsigned int level,
				     unsigned long ggtt_slot)
{
	struct xengt_table *table = kzalloc(sizeof(*table), GFP_KERNEL);
	int rc;

	if (!table)
		return ERR_PTR(-ENOMEM);
	table->tables = tables;
	table->serial = xengt_new_serial();
	table->level = level;
	table->ggtt_slot = ggtt_slot;
	table->refs = 1;
	INIT_LIST_HEAD(&table->page_node);
	INIT_LIST_HEAD(&table->doomed_node);
	INIT_LIST_HEAD(&table->dirty_node);
	INIT_LIST_HEAD(&table->missing_node);
	if (ggtt_slot == XENGT_NO_SLOT)
		table->shadow = xengt_mm_alloc_page(tables->mm, &table->bfn);
	rc = PTR_ERR_OR_ZERO(table->shadow);
	if (rc)
		goto free;
	rc = init_entries(table);
	if (rc)
		goto put;
	tables->n++;
	xengt_count(tables->mm->counters, XENGT_COUNT_TABLES_MADE, 1);
	return table;

put:
	if (table->shadow)
		put_page(table->shadow);
free:
	kfree(table);
	return ERR_PTR(rc);
}

static struct xengt_table *find_table(struct xengt_guest_page *page, unsigned int level, bool wide)
{
	struct xengt_table *table;

	list_for_each_entry(table, &page->tables, page_node) {
		if (table->level == level && table->wide == wide)
			return table;
	}
	return NULL;
}

static struct xengt_table *new_from_page(struct xengt_tables *tables, u64 gfn, unsigned int level,
					 bool wide)
{
	struct xengt_guest_page *page;
	struct xengt_table *table;

	/* The page first: where there is none, which is what fails mostly, that is quick. */
	page = xengt_guest_page_find(&tables->pages, gfn) ?:
	       xengt_guest_page_new(&tables->pages, gfn);
	if (IS_ERR(page))
		return ERR_CAST(page);
	table = new_table(tables, level, XENGT_NO_SLOT);
	if (IS_ERR(table)) {
		if (list_empty(&page->tables))
			xengt_guest_page_release(&tables->pages, page);
		return table;
	}
	table->page = page;
	table->wide = wide;
	list_add_tail(&table->page_node, &page->tables);
	xengt_table_mark_all(table);
	return table;
}

/*
 * Gets the table that is made from a page; if there is none yet, one in which everything is
 * scratch until the next sync. Or ERR_PTR(): -ENOSPC there are too many, -ENOENT no page there,
 * -ENOMEM.
 */
struct xengt_table *xengt_table_get(struct xengt_tables *tables, u64 gfn, unsigned int level,
				    bool wide)
{
	struct xengt_guest_page *page;
	struct xengt_table *table;
	int rc;

	lockdep_assert_held(&tables->mm->lock);
	if (xengt_ggtt_has_gfn(tables->ggtt, gfn))
		return ERR_PTR(-ENOENT);
	page = xengt_guest_page_find(&tables->pages, gfn);
	table = page ? find_table(page, level, wide) : NULL;
	if (table) {
		table->refs++;
		xengt_count(tables->mm->counters, XENGT_COUNT_TABLES_SHARED, 1);
		return table;
	}
	/* What is reclaimed may be the page's last table. */
	rc = make_room(tables);
	return rc ? ERR_PTR(rc) : new_from_page(tables, gfn, level, wide);
}

/* Makes a table from a large entry of level 2. Errors as those of xengt_table_get(). */
struct xengt_table *xengt_table_get_split(struct xengt_tables *tables, u64 pde)
{
	struct xengt_table *table;
	int rc = make_room(tables);

	if (rc)
		return ERR_PTR(rc);
	table = new_table(tables, 1, XENGT_NO_SLOT);
	if (IS_ERR(table))
		return table;
	table->split = pde;
	xengt_table_mark_all(table);
	return table;
}

/* Makes a table from entries of the GGTT, from the slot on. Errors as xengt_table_get()'s. */
struct xengt_table *xengt_table_get_in_ggtt(struct xengt_tables *tables, unsigned long slot,
					    unsigned int level)
{
	struct xengt_table *table;
	int rc = make_room(tables);

	if (rc)
		return ERR_PTR(rc);
	table = new_table(tables, level, slot);
	if (IS_ERR(table))
		return table;
	list_add_tail(&table->page_node, &tables->in_ggtt);
	xengt_table_mark_all(table);
	return table;
}

static void leave_page(struct xengt_table *table)
{
	list_del(&table->page_node);
	if (table->page && list_empty(&table->page->tables))
		xengt_guest_page_release(&table->tables->pages, table->page);
}

/*
 * The GPU may still look at a table that was a root, if that is pinned or in the GGTT: it has to
 * lead nowhere before what it led to is freed.
 */
static void blank(struct xengt_table *table)
{
	struct xengt_ggtt *ggtt = table->tables->ggtt;
	unsigned int i;

	if (table->shadow && page_count(table->shadow) == 1)
		return;
	if (table->shadow)
		clear_highpage(table->shadow);
	for (i = 0; !table->shadow && i < xengt_table_format(table)->entries; i++)
		xengt_ggtt_directory_write(ggtt, table->ggtt_slot + i,
					   xengt_directory_scratch_entry(table->tables,
									 table->level));
	xengt_mm_invalidate(table->tables->mm);
}

/* Frees the table and, where it had the last reference, the tables below: at most 4 levels. */
static void free_table(struct xengt_table *table)
{
	struct xengt_tables *tables = table->tables;

	blank(table);
	if (table->level == 1)
		xengt_page_table_exit(table);
	else
		xengt_directory_exit(table);
	list_del(&table->dirty_node);
	list_del(&table->doomed_node);
	list_del(&table->missing_node);
	leave_page(table);
	if (table->shadow)
		put_page(table->shadow);
	kfree(table);
	tables->n--;
	xengt_count(tables->mm->counters, XENGT_COUNT_TABLES_FREED, 1);
}

/* Gives back a reference on a table to which it does not lead any more for the GPU. */
void xengt_table_put(struct xengt_table *table)
{
	lockdep_assert_held(&table->tables->mm->lock);
	if (!--table->refs)
		free_table(table);
}

/* The same, at the end of the sync: the GPU may still find the table. */
void xengt_table_put_later(struct xengt_table *table)
{
	table->doomed++;
	if (list_empty(&table->doomed_node))
		list_add_tail(&table->doomed_node, &table->tables->doomed);
}

/* The GPU was made to forget what led to these tables. */
void xengt_tables_put_doomed(struct xengt_tables *tables)
{
	struct xengt_table *table;

	while (!list_empty(&tables->doomed)) {
		table = list_first_entry(&tables->doomed, struct xengt_table, doomed_node);
		list_del_init(&table->doomed_node);
		table->refs -= table->doomed - 1;
		table->doomed = 0;
		xengt_table_put(table);
	}
}
