// SPDX-License-Identifier: GPL-2.0
/*
 * An entry as somebody sees it who looks at the tables: the guest entry, the shadow entry that was
 * made from it, and where that leads, or why it leads nowhere.
 *
 * Only what is in our tables is looked at, and nothing is changed: what the guest wrote since the
 * last sync does not show.
 *
 * Locking: the mm's lock.
 */

#include <linux/bitops.h>
#include <linux/lockdep.h>
#include <linux/seq_file.h>

#include "ppgtt.h"
#include "tables.h"
#include "view.h"

/* Two digits for each byte */
static unsigned int digits_of(const struct xengt_pte_format *format)
{
	return 2 * format->size;
}

/* The reasons for which all entries can be scratch, by the entry alone. */
static const char *why_no_meaning(const struct xengt_pte_format *format, u64 pte)
{
	if (!xengt_pte_present(format, pte))
		return "not present";
	return xengt_pte_valid(format, pte) ? NULL : "reserved bits";
}

static const char *why_no_table(const struct xengt_table *table, unsigned int i)
{
	const struct xengt_level *format = xengt_table_format(table);
	u64 pte = table->slots[i].guest;
	bool large = pte & format->large;

	if (table->slots[i].child)
		return NULL;
	if (large && !format->large_pte && xengt_pte_present(format->pte, pte))
		return "page of 1 GiB";
	return why_no_meaning(large ? format->large_pte : format->pte, pte) ?: "missing";
}

static const char *why_no_page(const struct xengt_entries *run, unsigned long slot)
{
	if (test_bit(slot, run->live))
		return NULL;
	return why_no_meaning(run->format, run->guest[slot]) ?:
	       (test_bit(slot, run->missing) ? "missing" : "refused");
}

/* One of the root's tables, as an entry that leads there; the PPGTT has a shadow. */
void xengt_view_root(const struct xengt_ppgtts *ppgtts, const struct xengt_space *space,
		     unsigned int i, struct xengt_view *view)
{
	lockdep_assert_held(&ppgtts->mm->lock);
	*view = (struct xengt_view){
		.digits = 2 * sizeof(u64),
		.guest = space->root.pdp[i],
		.shadow = xengt_space_shadow_root(ppgtts, space, i),
		.child = space->shadow->table[i],
		.scratch = space->shadow->table[i] ? NULL :
			   space->root.pdp[i] ? "missing" : "not present",
	};
}

/* An entry of a run, as the run knows it. */
void xengt_view_run(const struct xengt_entries *run, unsigned long slot, struct xengt_view *view)
{
	lockdep_assert_held(&run->mm->lock);
	*view = (struct xengt_view){
		.digits = digits_of(run->format),
		.guest = run->guest[slot],
		.shadow = run->shadow[slot],
		.scratch = why_no_page(run, slot),
	};
}

/* An entry of a table of any level. */
void xengt_view_table(const struct xengt_table *table, unsigned int i, struct xengt_view *view)
{
	lockdep_assert_held(&table->tables->mm->lock);
	if (table->level == 1) {
		xengt_view_run(&table->run, i, view);
		view->shadow = xengt_page_table_read_shadow(table, i);
		return;
	}
	*view = (struct xengt_view){
		.digits = digits_of(xengt_table_format(table)->pte),
		.guest = table->slots[i].guest,
		.shadow = xengt_directory_read_shadow(table, i),
		.child = table->slots[i].child,
		.scratch = why_no_table(table, i),
	};
}

/* Both entries, side by side. */
void xengt_view_show(struct seq_file *m, const struct xengt_view *view)
{
	seq_printf(m, "0x%0*llx 0x%0*llx", view->digits, view->guest, view->digits, view->shadow);
}
