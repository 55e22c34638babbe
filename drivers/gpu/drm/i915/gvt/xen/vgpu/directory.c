// SPDX-License-Identifier: GPL-2.0
/*
 * Directories: shadow tables whose entries lead to tables.
 *
 * An entry of the guest's names a page, which is a table of the level below, or a large page. The
 * shadow's entry leads to the shadow table made from it; where that table says so (see
 * page_table.c), it is a large entry itself. What cannot be shadowed leads to the scratch table.
 *
 * Invariants: the entry's new table is got, and filled, before the entry is written, and the old
 * one given back after the GPU was made to forget it. An entry has one reference on its table.
 *
 * Locking: the mm's lock.
 */

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "counters.h"
#include "ggtt.h"
#include "tables.h"

/* What the guest's table has now. */
u64 xengt_directory_read_guest(const struct xengt_table *table, unsigned int i)
{
	if (!table->page)
		return table->tables->ggtt->run.guest[table->ggtt_slot + i];
	if (!xengt_guest_page_present(table->page))
		return 0;
	return xengt_pte_load(xengt_table_format(table)->pte, table->page->entries.va, i);
}

/* Is the shadow's entry made from what the guest's table has now, with success? */
bool xengt_directory_is_made_from(const struct xengt_table *table, unsigned int i)
{
	return xengt_directory_read_guest(table, i) == table->slots[i].guest &&
	       !test_bit(i, table->missing);
}

/* What the GPU finds. */
u64 xengt_directory_read_shadow(const struct xengt_table *table, unsigned int i)
{
	if (!table->shadow)
		return table->tables->ggtt->run.shadow[table->ggtt_slot + i];
	return xengt_pte_load(xengt_table_format(table)->pte, page_address(table->shadow), i);
}

/* An entry of a directory of the level that leads to nothing but scratch. */
u64 xengt_directory_scratch_entry(const struct xengt_tables *tables, unsigned int level)
{
	return xengt_pte_encode(tables->mm->format->level[level].pte,
				tables->scratch_bfn[level - 1], 0);
}

/* The shadow's entry for a slot with a table. */
static u64 child_entry(const struct xengt_table *table, const struct xengt_table *child, u64 guest)
{
	const struct xengt_level *format = xengt_table_format(table);

	if (child->split && child->large)
		return xengt_pte_encode(format->large_pte, child->large_frame, guest);
	if (child->split)
		return xengt_pte_encode(format->pte, child->bfn, format->table_flags);
	if (child->wide && !child->large)
		guest &= ~format->wide;
	return xengt_pte_encode(format->pte, child->bfn, guest);
}

static bool write_slot(struct xengt_table *table, unsigned int i)
{
	const struct xengt_slot *slot = &table->slots[i];
	u64 pte = slot->child ? child_entry(table, slot->child, slot->guest) :
		  xengt_directory_scratch_entry(table->tables, table->level);

	if (xengt_directory_read_shadow(table, i) == pte)
		return false;
	if (table->shadow) {
		xengt_pte_store(xengt_table_format(table)->pte, page_address(table->shadow), i,
				pte);
		xengt_count(table->tables->mm->counters, XENGT_COUNT_GPU_WRITES, 1);
	} else {
		xengt_ggtt_directory_write(table->tables->ggtt, table->ggtt_slot + i, pte);
	}
	return true;
}

/* The table that a slot leads to can be a large entry now, or not any more. */
void xengt_directory_rewrite(struct xengt_slot *slot)
{
	xengt_count(slot->directory->tables->mm->counters, XENGT_COUNT_PARENTS_REWRITTEN, 1);
	write_slot(slot->directory, slot - slot->directory->slots);
}

/* The slot leads to the table that was got for it; the old one is given back later. */
static void switch_child(struct xengt_slot *slot)
{
	if (slot->child) {
		hlist_del(&slot->node);
		xengt_table_put_later(slot->child);
	}
	slot->guest = slot->next_guest;
	slot->child = slot->next;
	slot->next = NULL;
	if (slot->child)
		hlist_add_head(&slot->node, &slot->child->parents);
}

/* Writes the shadow of the entries that were updated; tells whether any changed. */
bool xengt_directory_write(struct xengt_table *table)
{
	unsigned int n = xengt_table_format(table)->entries, i;
	bool changed = false;

	lockdep_assert_held(&table->tables->mm->lock);
	for_each_set_bit(i, table->dirty, n) {
		switch_child(&table->slots[i]);
		changed |= write_slot(table, i);
	}
	bitmap_zero(table->dirty, n);
	return changed;
}

/* The table that a guest entry asks for, got; NULL if it asks for none, or ERR_PTR(). */
static struct xengt_table *wanted_table(struct xengt_table *table, u64 pte)
{
	const struct xengt_level *format = xengt_table_format(table);
	bool large = pte & format->large;

	if (!xengt_pte_present(format->pte, pte))
		return NULL;
	if (large && !format->large_pte)
		return ERR_PTR(-EOPNOTSUPP);
	if (!xengt_pte_valid(large ? format->large_pte : format->pte, pte))
		return ERR_PTR(-EINVAL);
	if (large)
		return xengt_table_get_split(table->tables, pte);
	return xengt_table_get(table->tables, xengt_pte_frame(format->pte, pte), table->level - 1,
			       pte & format->wide);
}

static void count_error(struct xengt_table *table, int error)
{
	struct xengt_counters *counters = table->tables->mm->counters;

	switch (error) {
	case -EOPNOTSUPP:
		xengt_count(counters, XENGT_COUNT_REFUSED_1G, 1);
		break;
	case -EINVAL:
		xengt_count(counters, XENGT_COUNT_BAD_ENTRIES, 1);
		break;
	case -ENOSPC:
		xengt_count(counters, XENGT_COUNT_SCRATCHED_TABLES, 1);
		break;
	case -ENOMEM:
		table->tables->nomem = true;
		fallthrough;
	default:
		xengt_count_scratched(counters, error);
		break;
	}
}

static void set_missing(struct xengt_table *table, unsigned int i, bool missing)
{
	if (missing == test_bit(i, table->missing))
		return;
	__change_bit(i, table->missing);
	table->nr_missing += missing ? 1 : -1;
	if (!table->nr_missing)
		list_del_init(&table->missing_node);
	else if (list_empty(&table->missing_node))
		list_add_tail(&table->missing_node, &table->tables->missing);
}

static void update_slot(struct xengt_table *table, unsigned int i)
{
	u64 pte = xengt_directory_read_guest(table, i);
	struct xengt_slot *slot = &table->slots[i];
	struct xengt_table *child;
	int rc;

	if (pte == slot->guest && !test_bit(i, table->missing)) {
		__clear_bit(i, table->dirty);
		return;
	}
	child = wanted_table(table, pte);
	rc = PTR_ERR_OR_ZERO(child);
	if (rc)
		count_error(table, rc);
	slot->next_guest = pte;
	slot->next = rc ? NULL : child;
	set_missing(table, i, rc && rc != -EINVAL && rc != -EOPNOTSUPP);
}

/*
 * Gets the tables that written entries ask for, which are then to be updated, too. The entries lead
 * to the old ones until xengt_directory_write().
 */
void xengt_directory_update(struct xengt_table *table)
{
	unsigned int i;

	lockdep_assert_held(&table->tables->mm->lock);
	/* Tables may be reclaimed on the way; not this one. */
	table->refs++;
	for_each_set_bit(i, table->dirty, xengt_table_format(table)->entries)
		update_slot(table, i);
	xengt_table_put_later(table);
}

/* 0 or -ENOMEM. */
int xengt_directory_init(struct xengt_table *table)
{
	unsigned int n = xengt_table_format(table)->entries, i;

	table->slots = kvcalloc(n, sizeof(*table->slots), GFP_KERNEL);
	table->missing = bitmap_zalloc(n, GFP_KERNEL);
	if (!table->slots || !table->missing) {
		xengt_directory_exit(table);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		table->slots[i].directory = table;
		write_slot(table, i);
	}
	return 0;
}

static void exit_slot(struct xengt_slot *slot)
{
	if (slot->child) {
		hlist_del(&slot->node);
		xengt_table_put(slot->child);
	}
	if (slot->next)
		xengt_table_put(slot->next);
}

/* Gives back the tables below. */
void xengt_directory_exit(struct xengt_table *table)
{
	unsigned int i;

	for (i = 0; table->slots && i < xengt_table_format(table)->entries; i++)
		exit_slot(&table->slots[i]);
	bitmap_free(table->missing);
	kvfree(table->slots);
}
