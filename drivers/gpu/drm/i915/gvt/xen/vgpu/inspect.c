// SPDX-License-Identifier: GPL-2.0
/*
 * The tables of a virtual GPU's PPGTTs, shown as trees.
 *
 * An inspection goes through the entries of directories, depth first: each is a line, followed by
 * what it leads to; for a page table these are all of its entries. It can stop at any entry and
 * start there again, and between the two tables may come and go, as they do while somebody reads a
 * long file. So it keeps no pointers, only serials, by which it finds its path again. Where the
 * path has changed it leaves the rest of what is not there any more, and goes on above.
 *
 * Invariants: an inspection ends, whatever guests do: what was made after it began is named but
 * not gone into, and a table is gone into once. What it remembers is a number for each table that
 * there was when it began, which is less than the table itself takes.
 *
 * Locking: start takes the mm's lock and stop releases it; the owner sees to it that the PPGTTs
 * stay in between.
 */

#include <linux/bitmap.h>
#include <linux/lockdep.h>
#include <linux/seq_file.h>

#include "ggtt.h"
#include "inspect.h"
#include "ppgtt.h"
#include "tables.h"
#include "view.h"

/* Where we are */

static unsigned int above_root(const struct xengt_inspection *in)
{
	return xengt_root_level(&in->in_space->root) + 1;
}

static bool at_root(const struct xengt_inspection *in)
{
	return in->level == above_root(in);
}

static unsigned int index_of(const struct xengt_inspection *in)
{
	return in->at[in->level].index;
}

/* A PPGTT without a shadow is one line, like one with one root. */
static unsigned int nr_entries(const struct xengt_inspection *in)
{
	if (!at_root(in))
		return xengt_table_format(in->in_table[in->level])->entries;
	return in->in_space->shadow ? xengt_root_tables(&in->in_space->root) : 1;
}

/* What the entry leads to, NULL if that is no table. */
static const struct xengt_table *child_of(const struct xengt_inspection *in)
{
	const struct xengt_ppgtt *shadow = in->in_space->shadow;

	if (!at_root(in))
		return in->in_table[in->level]->slots[index_of(in)].child;
	return shadow ? shadow->table[index_of(in)] : NULL;
}

static bool is_present(const struct xengt_inspection *in, unsigned int i)
{
	const struct xengt_table *table = in->in_table[in->level];

	return at_root(in) ||
	       xengt_pte_present(xengt_table_format(table)->pte, table->slots[i].guest);
}

/* Is it here that the table is gone into? */
static bool is_shown_here(struct xengt_inspection *in, const struct xengt_table *table)
{
	return xa_load(&in->shown, table->serial) == xa_mk_value(in->n);
}

/* Moves */

/* To the first entry that is present, from the index on, of the directory. */
static bool find_entry(struct xengt_inspection *in, unsigned int i)
{
	unsigned int n = nr_entries(in);

	while (i < n && !is_present(in, i))
		i++;
	in->at[in->level].index = i;
	return i < n;
}

/* The same, but if there is none, to the next one above; false if the PPGTT has no more. */
static bool find_entry_or_above(struct xengt_inspection *in, unsigned int i)
{
	while (!find_entry(in, i)) {
		if (at_root(in))
			return false;
		in->level++;
		i = index_of(in) + 1;
	}
	return true;
}

/* To the beginning of the first PPGTT from the serial on; false if there is none. */
static bool find_space(struct xengt_inspection *in, u64 serial)
{
	struct xengt_space *space = xengt_ppgtts_next(in->ppgtts, serial);

	if (space && space->serial >= in->limit)
		space = NULL;
	in->in_space = space;
	in->space = space ? space->serial : in->limit;
	if (!space)
		return false;
	in->level = above_root(in);
	in->at[in->level].index = 0;
	return true;
}

static void go_into(struct xengt_inspection *in, const struct xengt_table *table)
{
	in->level--;
	in->in_table[in->level] = table;
	in->at[in->level].table = table->serial;
}

/* Follows the path down from the root; false if it leads elsewhere now: stops at that entry. */
static bool follow_path(struct xengt_inspection *in)
{
	const struct xengt_table *table;
	unsigned int level = in->level;

	for (in->level = above_root(in); in->level > level;) {
		table = child_of(in);
		if (!table || table->serial != in->at[in->level - 1].table)
			return false;
		go_into(in, table);
	}
	return true;
}

/* To where we were, or as near behind it as possible. */
static bool find_again(struct xengt_inspection *in)
{
	u64 serial = in->space;
	unsigned int i;

	in->in_space = xengt_ppgtts_next(in->ppgtts, serial);
	if (!in->in_space || in->in_space->serial != serial)
		return find_space(in, serial);
	/* The entry at which the path ends was shown already. */
	i = follow_path(in) ? index_of(in) : index_of(in) + 1;
	return find_entry_or_above(in, i) || find_space(in, serial + 1);
}

static void begin(struct xengt_inspection *in)
{
	xa_destroy(&in->shown);
	in->n = 0;
	in->space = 0;
	in->limit = xengt_new_serial();
}

/*
 * Begins anew, or goes on; takes the lock. Tells whether there is something to show. To be
 * stopped in any case.
 */
bool xengt_inspection_start(struct xengt_inspection *in, struct xengt_ppgtts *ppgtts, bool anew)
{
	mutex_lock(&ppgtts->mm->lock);
	in->ppgtts = ppgtts;
	if (!anew)
		return find_again(in);
	begin(in);
	return find_space(in, 0);
}

/* On to the next entry, after this one was shown; false if there is none. */
bool xengt_inspection_next(struct xengt_inspection *in)
{
	const struct xengt_table *child = child_of(in);
	unsigned int i = index_of(in) + 1;

	lockdep_assert_held(&in->ppgtts->mm->lock);
	if (child && child->level > 1 && is_shown_here(in, child)) {
		go_into(in, child);
		i = 0;
	}
	in->n++;
	return find_entry_or_above(in, i) || find_space(in, in->space + 1);
}

void xengt_inspection_stop(struct xengt_inspection *in)
{
	mutex_unlock(&in->ppgtts->mm->lock);
	in->ppgtts = NULL;
	in->in_space = NULL;
}

void xengt_inspection_init(struct xengt_inspection *in)
{
	*in = (struct xengt_inspection){};
	xa_init(&in->shown);
}

void xengt_inspection_exit(struct xengt_inspection *in)
{
	xa_destroy(&in->shown);
}

/* Text */

static void show_space(struct seq_file *m, const struct xengt_space *space)
{
	unsigned int i;

	seq_printf(m, "ppgtt %u ", space->root.levels);
	for (i = 0; i < xengt_root_tables(&space->root); i++)
		seq_printf(m, "%s%#llx", i ? "," : "", space->root.pdp[i]);
	seq_printf(m, " announced %u %s\n", space->announced,
		   xengt_space_pinned(space) ? "pinned" :
		   space->shadow ? "unpinned" : "reclaimed");
}

static void show_source(struct seq_file *m, const struct xengt_table *table)
{
	if (table->page)
		seq_printf(m, "gfn %#lx", table->page->entries.key);
	else if (table->split)
		seq_puts(m, "split");
	else
		seq_printf(m, "ggtt entry %#lx",
			   xengt_ggtt_entry(table->tables->ggtt, table->ggtt_slot));
}

static void show_flags(struct seq_file *m, const struct xengt_table *table)
{
	if (table->wide)
		seq_puts(m, " wide");
	if (table->level == 1 && table->large)
		seq_puts(m, " large");
	if (table->page)
		seq_puts(m, !xengt_guest_page_present(table->page) ? " lost" :
			 table->page->entries.open ? " open" : " trapped");
	if (!bitmap_empty(table->dirty, XENGT_TABLE_ENTRIES) ||
	    (table->page && xengt_entry_page_is_written(&table->page->entries)))
		seq_puts(m, " written");
}

static void show_table(struct seq_file *m, const struct xengt_table *table)
{
	seq_printf(m, " -> level %u ", table->level);
	show_source(m, table);
	if (table->shadow)
		seq_printf(m, " bfn %#llx", table->bfn);
	seq_printf(m, " refs %u", table->refs);
	show_flags(m, table);
}

static void show_index(const struct xengt_inspection *in, struct seq_file *m, unsigned int level,
		       unsigned int i)
{
	unsigned int depth = above_root(in) - level + 1;

	seq_printf(m, "%*s%s%u: ", 2 * depth, "", level == above_root(in) ? "root " : "", i);
}

static void show_page_table(const struct xengt_inspection *in, struct seq_file *m,
			    const struct xengt_table *table)
{
	struct xengt_view view;
	unsigned long i;

	for (i = 0; i < table->run.n; i++) {
		if (!xengt_pte_present(table->run.format, table->run.guest[i]))
			continue;
		xengt_view_table(table, i, &view);
		show_index(in, m, table->level, i);
		xengt_view_show(m, &view);
		if (view.scratch)
			seq_printf(m, " scratch: %s", view.scratch);
		seq_putc(m, '\n');
	}
}

/* The table to which the entry leads: all there is to say, the first time. */
static int show_child(struct xengt_inspection *in, struct seq_file *m,
		      const struct xengt_table *table)
{
	int rc = 0;

	show_table(m, table);
	if (table->serial < in->limit && !xa_load(&in->shown, table->serial))
		rc = xa_err(xa_store(&in->shown, table->serial, xa_mk_value(in->n), GFP_KERNEL));
	if (rc)
		return rc;
	if (table->serial >= in->limit)
		seq_puts(m, " new\n");
	else if (!is_shown_here(in, table))
		seq_puts(m, " shown above\n");
	else
		seq_putc(m, '\n');
	if (table->level == 1 && is_shown_here(in, table))
		show_page_table(in, m, table);
	return 0;
}

static void view_entry(const struct xengt_inspection *in, struct xengt_view *view)
{
	if (at_root(in))
		xengt_view_root(in->ppgtts, in->in_space, index_of(in), view);
	else
		xengt_view_table(in->in_table[in->level], index_of(in), view);
}

/* The entry, and what it leads to; it can be shown again. 0 or -ENOMEM. */
int xengt_inspection_show(struct xengt_inspection *in, struct seq_file *m)
{
	struct xengt_view view;

	lockdep_assert_held(&in->ppgtts->mm->lock);
	if (at_root(in) && !index_of(in))
		show_space(m, in->in_space);
	if (!in->in_space->shadow)
		return 0;
	view_entry(in, &view);
	show_index(in, m, in->level, index_of(in));
	xengt_view_show(m, &view);
	if (view.child)
		return show_child(in, m, view.child);
	seq_printf(m, " scratch: %s\n", view.scratch);
	return 0;
}
