// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables: shadow tables of level 1, whose entries name pages.
 *
 * The shadow always has pages of 4 KiB. A guest's table of wide pages (64 KiB) gets 16 entries for
 * each that counts, and a large page (2 MiB) of the guest's a whole table of them, the split. So a
 * page is mapped, counted and revalidated in the same way everywhere. If the frames happen to be
 * contiguous and aligned, the entry that leads to the table may be a large one (or say that the
 * table is a wide one) all the same: for the GPU this is a shortcut to the same translations.
 *
 * Invariants: large is true only while each entry of the table says what the shortcut says. When
 * entries change, the shortcut is off before the GPU is told to forget, and for a wide table, whose
 * entries it reads even so, before they are written.
 *
 * Locking: the mm's lock.
 */

#include <linux/bitmap.h>
#include <linux/lockdep.h>
#include <linux/mm.h>

#include "tables.h"

static struct xengt_table *to_table(struct xengt_entries *run)
{
	return container_of(run, struct xengt_table, run);
}

static void write_shadow(struct xengt_entries *run, unsigned long slot, u64 pte)
{
	xengt_pte_store(run->format, page_address(to_table(run)->shadow), slot, pte);
}

/* n entries from the first on name frames that are contiguous and aligned, with the same flags. */
static bool one_piece(const struct xengt_entries *run, unsigned int first, unsigned int n)
{
	u64 frame = xengt_pte_frame(run->format, run->shadow[first]), i;

	if (frame & (n - 1))
		return false;
	for (i = 1; i < n; i++) {
		if (run->shadow[first + i] !=
		    xengt_pte_encode(run->format, frame + i, run->shadow[first]))
			return false;
	}
	return true;
}

static bool may_be_large(const struct xengt_table *table)
{
	unsigned int i;

	if (table->split)
		return one_piece(&table->run, 0, table->run.n);
	if (!table->wide)
		return false;
	for (i = 0; i < table->run.n; i += XENGT_WIDE_PAGES) {
		if (!one_piece(&table->run, i, XENGT_WIDE_PAGES))
			return false;
	}
	return true;
}

/* The entries that lead here are rewritten only if they become other ones: there may be many. */
static void set_large(struct xengt_table *table, bool large)
{
	u64 frame = large && table->split ?
		    xengt_pte_frame(table->run.format, table->run.shadow[0]) : 0;
	struct xengt_slot *slot;

	if (large == table->large && frame == table->large_frame)
		return;
	table->large = large;
	table->large_frame = frame;
	hlist_for_each_entry(slot, &table->parents, node)
		xengt_directory_rewrite(slot);
}

/*
 * The GPU takes an entry of a wide table for a page of 64 KiB: it must not find one there that is
 * not. (It does not look at a split while there is a large entry in its place.)
 */
static void on_writing(struct xengt_entries *run)
{
	struct xengt_table *table = to_table(run);

	if (!table->wide || !table->large)
		return;
	set_large(table, false);
	xengt_mm_invalidate(run->mm);
}

static void on_written(struct xengt_entries *run)
{
	struct xengt_table *table = to_table(run);

	if (table->split || table->wide)
		set_large(table, may_be_large(table));
}

static const struct xengt_entries_ops page_table_ops = {
	.write = write_shadow,
	.writing = on_writing,
	.written = on_written,
};

/* What the GPU finds. */
u64 xengt_page_table_read_shadow(const struct xengt_table *table, unsigned int i)
{
	return xengt_pte_load(table->run.format, page_address(table->shadow), i);
}

/* One of the pages of 4 KiB in a large page, as an entry. */
static u64 split_entry(const struct xengt_table *table, unsigned int i)
{
	const struct xengt_level *level = &table->tables->mm->format->level[2];
	u64 frame = xengt_pte_frame(level->large_pte, table->split);
	u64 flags = table->split & ~level->large;

	if (table->split & level->large_pat)
		flags |= level->small_pat;
	return xengt_pte_encode(table->run.format, frame + i, flags);
}

/* One of the pages of 4 KiB in a wide page, as an entry. */
static u64 wide_entry(const struct xengt_table *table, unsigned int i)
{
	const struct xengt_pte_format *format = table->run.format;
	u64 pte = xengt_pte_load(format, table->page->entries.va,
				 round_down(i, XENGT_WIDE_PAGES));
	u64 frame = round_down(xengt_pte_frame(format, pte), XENGT_WIDE_PAGES);

	if (!xengt_pte_present(format, pte) || !xengt_pte_valid(format, pte))
		return pte;
	return xengt_pte_encode(format, frame + i % XENGT_WIDE_PAGES, pte);
}

/* What the guest's table has now, in terms of pages of 4 KiB. */
static u64 read_guest(const struct xengt_table *table, unsigned int i)
{
	if (table->split)
		return split_entry(table, i);
	if (!xengt_guest_page_present(table->page))
		return 0;
	if (table->wide)
		return wide_entry(table, i);
	return xengt_pte_load(table->run.format, table->page->entries.va, i);
}

/* Is the shadow's entry made from what the guest's table has now, with success? */
bool xengt_page_table_is_made_from(const struct xengt_table *table, unsigned int i)
{
	return read_guest(table, i) == table->run.guest[i] && !test_bit(i, table->run.missing);
}

/* Puts the entries that were written into the mm's update. */
void xengt_page_table_update(struct xengt_table *table)
{
	unsigned int i;

	lockdep_assert_held(&table->tables->mm->lock);
	for_each_set_bit(i, table->dirty, table->run.n)
		xengt_entries_add(&table->run, i, read_guest(table, i));
	bitmap_zero(table->dirty, table->run.n);
}

/* 0 or -ENOMEM. */
int xengt_page_table_init(struct xengt_table *table)
{
	const struct xengt_level *level = xengt_table_format(table);
	unsigned long i;
	int rc;

	rc = xengt_entries_init(&table->run, table->tables->mm, &page_table_ops, level->pte,
				level->entries);
	if (rc)
		return rc;
	for (i = 0; i < level->entries; i++)
		write_shadow(&table->run, i, table->run.scratch_pte);
	return 0;
}

/* Gives back the pages that the entries name. */
void xengt_page_table_exit(struct xengt_table *table)
{
	xengt_entries_release(&table->run);
	xengt_entries_exit(&table->run);
}
