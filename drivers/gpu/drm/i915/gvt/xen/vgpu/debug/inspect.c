// SPDX-License-Identifier: GPL-2.0
/*
 * Prints the SPTs of a virtual GPU's PPGTTs as trees.
 *
 * An inspection visits the present entries of directories, depth first. Each entry is one line,
 * followed by the entries of the SPT that it points to. An inspection can stop at any entry and
 * continue there later, as a reader of a long file does. SPTs may come and go in between. So it
 * keeps no pointers, only serials, by which it finds its path again. If the path has changed, the
 * inspection skips the rest of the SPT that is not there any more, and continues in the directory
 * above.
 *
 * Invariants:
 *  - An inspection ends, whatever guests do. It does not descend into an SPT that was made after it
 *    began, and it descends into any other SPT once.
 *  - It remembers one number for each SPT that it has shown. That takes less memory than the SPT.
 *
 * Locking: xengt_inspection_start() takes the shadow's lock, and xengt_inspection_stop() releases
 * it. The owner guarantees that the PPGTTs exist in between.
 */

#include <linux/bitmap.h>
#include <linux/lockdep.h>
#include <linux/seq_file.h>

#include "debug/dump.h"
#include "debug/inspect.h"
#include "ggtt/ggtt.h"
#include "ggtt/share.h"
#include "ppgtt/ppgtts.h"
#include "ppgtt/spt.h"
#include "ppgtt/spt_dir.h"
#include "ppgtt/spt_leaf.h"

/* The current position */

/* Returns the level that stands for the root: the one above the top-level SPTs. */
static unsigned int above_root(const struct xengt_inspection *in)
{
	return xengt_ppgtt_root_level(&in->in_ppgtt->root) + 1;
}

static bool at_root(const struct xengt_inspection *in)
{
	return in->level == above_root(in);
}

static unsigned int index_of(const struct xengt_inspection *in)
{
	return in->at[in->level].index;
}

/* Returns the number of entries of the current directory. A PPGTT without a shadow has one. */
static unsigned int nr_entries(const struct xengt_inspection *in)
{
	if (!at_root(in))
		return xengt_spt_format(in->in_spt[in->level])->entries;
	return in->in_ppgtt->shadow ? xengt_ppgtt_root_tables(&in->in_ppgtt->root) : 1;
}

/* Returns the SPT that the current entry points to; or NULL. */
static const struct xengt_spt *child_of(const struct xengt_inspection *in)
{
	const struct xengt_ppgtt_shadow *shadow = in->in_ppgtt->shadow;

	if (!at_root(in))
		return xengt_to_spt_dir(in->in_spt[in->level])->entries[index_of(in)].child;
	return shadow ? shadow->spt[index_of(in)] : NULL;
}

/* Is an entry of the current directory present? Those of the root always are. */
static bool is_present(const struct xengt_inspection *in, unsigned int i)
{
	const struct xengt_spt *spt = in->in_spt[in->level];

	return at_root(in) ||
	       xengt_pte_present(xengt_spt_format(spt)->pte,
				 xengt_to_spt_dir(spt)->entries[i].guest);
}

/* Does the visit of the current entry descend into the SPT? */
static bool is_shown_here(struct xengt_inspection *in, const struct xengt_spt *spt)
{
	return xa_load(&in->shown, spt->serial) == xa_mk_value(in->n);
}

/* Moves */

/* Moves to the first present entry of the directory, from @i on. Returns false if there is none. */
static bool find_entry(struct xengt_inspection *in, unsigned int i)
{
	unsigned int n = nr_entries(in);

	while (i < n && !is_present(in, i))
		i++;
	in->at[in->level].index = i;
	return i < n;
}

/*
 * Moves to the first present entry of the directory, from @i on. If there is none, moves to the
 * next one in the directories above. Returns false if the PPGTT has no more.
 */
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

/*
 * Moves to the beginning of the first PPGTT whose serial is @serial or higher. Returns false if
 * there is none that was announced before the inspection began.
 */
static bool find_ppgtt_from(struct xengt_inspection *in, u64 serial)
{
	struct xengt_ppgtt *ppgtt = xengt_ppgtts_next(in->ppgtts, serial);

	if (ppgtt && ppgtt->serial >= in->limit)
		ppgtt = NULL;
	in->in_ppgtt = ppgtt;
	in->serial = ppgtt ? ppgtt->serial : in->limit;
	if (!ppgtt)
		return false;
	in->level = above_root(in);
	in->at[in->level].index = 0;
	return true;
}

/* Descends into an SPT. */
static void go_into(struct xengt_inspection *in, const struct xengt_spt *spt)
{
	in->level--;
	in->in_spt[in->level] = spt;
	in->at[in->level].spt = spt->serial;
}

/*
 * Follows the path down from the root. Returns false if an entry on the path points to another SPT
 * now, and stops at that entry.
 */
static bool follow_path(struct xengt_inspection *in)
{
	const struct xengt_spt *spt;
	unsigned int level = in->level;

	for (in->level = above_root(in); in->level > level;) {
		spt = child_of(in);
		if (!spt || spt->serial != in->at[in->level - 1].spt)
			return false;
		go_into(in, spt);
	}
	return true;
}

/* Moves to where the inspection was, or to the next entry after it that is still there. */
static bool find_again(struct xengt_inspection *in)
{
	u64 serial = in->serial;
	unsigned int i;

	in->in_ppgtt = xengt_ppgtts_next(in->ppgtts, serial);
	if (!in->in_ppgtt || in->in_ppgtt->serial != serial)
		return find_ppgtt_from(in, serial);
	/* If the path ends early, the entry at which it ends was shown already. */
	i = follow_path(in) ? index_of(in) : index_of(in) + 1;
	return find_entry_or_above(in, i) || find_ppgtt_from(in, serial + 1);
}

static void begin(struct xengt_inspection *in)
{
	xa_destroy(&in->shown);
	in->n = 0;
	in->serial = 0;
	in->limit = xengt_new_serial();
}

/**
 * xengt_inspection_start - begin an inspection, or continue one that was stopped
 * @in: the inspection
 * @ppgtts: all PPGTTs of the virtual GPU
 * @anew: begin from the first PPGTT, and forget what was shown
 *
 * Context: process context, may sleep. Takes the shadow's lock, and returns with it held in any
 * case: xengt_inspection_stop() releases it.
 * Return: true if there is an entry to show.
 */
bool xengt_inspection_start(struct xengt_inspection *in, struct xengt_ppgtts *ppgtts, bool anew)
{
	mutex_lock(&ppgtts->sh->lock);
	in->ppgtts = ppgtts;
	if (!anew)
		return find_again(in);
	begin(in);
	return find_ppgtt_from(in, 0);
}

/**
 * xengt_inspection_next - move to the next entry
 * @in: the inspection; its current entry was shown
 *
 * Context: the shadow's lock is held.
 * Return: false if there is no more.
 */
bool xengt_inspection_next(struct xengt_inspection *in)
{
	const struct xengt_spt *child = child_of(in);
	unsigned int i = index_of(in) + 1;

	lockdep_assert_held(&in->ppgtts->sh->lock);
	if (child && child->level > 1 && is_shown_here(in, child)) {
		go_into(in, child);
		i = 0;
	}
	in->n++;
	return find_entry_or_above(in, i) || find_ppgtt_from(in, in->serial + 1);
}

/**
 * xengt_inspection_stop - stop an inspection, which can be continued
 * @in: the inspection; xengt_inspection_start() was called, with any result
 *
 * Context: process context. Releases the shadow's lock.
 */
void xengt_inspection_stop(struct xengt_inspection *in)
{
	mutex_unlock(&in->ppgtts->sh->lock);
	in->ppgtts = NULL;
	in->in_ppgtt = NULL;
}

/**
 * xengt_inspection_init - initialise an inspection
 * @in: the inspection
 */
void xengt_inspection_init(struct xengt_inspection *in)
{
	*in = (struct xengt_inspection){};
	xa_init(&in->shown);
}

/**
 * xengt_inspection_exit - free what an inspection remembers
 * @in: the inspection, stopped
 */
void xengt_inspection_exit(struct xengt_inspection *in)
{
	xa_destroy(&in->shown);
}

/* The text */

static void show_ppgtt(struct seq_file *m, const struct xengt_ppgtt *ppgtt)
{
	unsigned int i;

	seq_printf(m, "ppgtt %u ", ppgtt->root.levels);
	for (i = 0; i < xengt_ppgtt_root_tables(&ppgtt->root); i++)
		seq_printf(m, "%s%#llx", i ? "," : "", ppgtt->root.pdp[i]);
	seq_printf(m, " announced %u %s\n", xengt_ppgtt_announced(ppgtt),
		   xengt_ppgtt_is_pinned(ppgtt) ? "pinned" :
		   ppgtt->shadow ? "unpinned" : "reclaimed");
}

static void show_source(struct seq_file *m, const struct xengt_spt *spt)
{
	if (spt->page)
		seq_printf(m, "gfn %#lx", spt->page->gpage.key);
	else if (spt->split)
		seq_puts(m, "split");
	else
		seq_printf(m, "ggtt entry %#lx",
			   xengt_share_entry(&spt->spts->ggtt->share, spt->ggtt_index));
}

static void show_flags(struct seq_file *m, const struct xengt_spt *spt)
{
	if (spt->ips_64k)
		seq_puts(m, " 64k");
	if (spt->level == 1 && spt->large)
		seq_puts(m, " large");
	if (spt->page)
		seq_puts(m, !xengt_gpt_page_present(spt->page) ? " lost" :
			 spt->page->gpage.unsync ? " unsync" : " protected");
	if (!bitmap_empty(spt->dirty, XENGT_TABLE_ENTRIES) ||
	    (spt->page && xengt_gpage_is_written(&spt->page->gpage)))
		seq_puts(m, " written");
}

static void show_spt(struct seq_file *m, const struct xengt_spt *spt)
{
	seq_printf(m, " -> level %u ", spt->level);
	show_source(m, spt);
	if (spt->shadow)
		seq_printf(m, " bfn %#llx", spt->bfn);
	seq_printf(m, " refs %u", spt->refs);
	show_flags(m, spt);
}

static void show_index(const struct xengt_inspection *in, struct seq_file *m, unsigned int level,
		       unsigned int i)
{
	unsigned int depth = above_root(in) - level + 1;

	seq_printf(m, "%*s%s%u: ", 2 * depth, "", level == above_root(in) ? "root " : "", i);
}

static void show_leaf(const struct xengt_inspection *in, struct seq_file *m,
		      const struct xengt_spt *spt)
{
	const struct xengt_leaf *leaf = &xengt_to_spt_leaf(spt)->leaf;
	struct xengt_entry entry;
	unsigned long i;

	for (i = 0; i < leaf->n; i++) {
		if (!xengt_pte_present(leaf->format, leaf->guest[i]))
			continue;
		xengt_entry_of_spt(spt, i, &entry);
		show_index(in, m, spt->level, i);
		xengt_dump_show(m, &entry);
		if (entry.scratch)
			seq_printf(m, " scratch: %s", xengt_scratch_name(entry.scratch));
		seq_putc(m, '\n');
	}
}

/*
 * Prints the SPT that the current entry points to. A leaf SPT is printed with its entries, but only
 * the first time. Returns 0 or -ENOMEM.
 */
static int show_child(struct xengt_inspection *in, struct seq_file *m,
		      const struct xengt_spt *spt)
{
	int rc = 0;

	show_spt(m, spt);
	if (spt->serial < in->limit && !xa_load(&in->shown, spt->serial))
		rc = xa_err(xa_store(&in->shown, spt->serial, xa_mk_value(in->n), GFP_KERNEL));
	if (rc)
		return rc;
	if (spt->serial >= in->limit)
		seq_puts(m, " new\n");
	else if (!is_shown_here(in, spt))
		seq_puts(m, " shown above\n");
	else
		seq_putc(m, '\n');
	if (spt->level == 1 && is_shown_here(in, spt))
		show_leaf(in, m, spt);
	return 0;
}

/* Looks at the current entry. */
static void look_at_entry(const struct xengt_inspection *in, struct xengt_entry *entry)
{
	if (at_root(in))
		xengt_entry_of_root(&in->ppgtts->spts, in->in_ppgtt, index_of(in), entry);
	else
		xengt_entry_of_spt(in->in_spt[in->level], index_of(in), entry);
}

/**
 * xengt_inspection_show - print the current entry, and the SPT that it points to
 * @in: the inspection
 * @m: the file
 *
 * Printing an entry again prints the same: seq_file does so if the buffer was too small.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: 0 or -ENOMEM.
 */
int xengt_inspection_show(struct xengt_inspection *in, struct seq_file *m)
{
	struct xengt_entry entry;

	lockdep_assert_held(&in->ppgtts->sh->lock);
	if (at_root(in) && !index_of(in))
		show_ppgtt(m, in->in_ppgtt);
	if (!in->in_ppgtt->shadow)
		return 0;
	look_at_entry(in, &entry);
	show_index(in, m, in->level, index_of(in));
	xengt_dump_show(m, &entry);
	if (entry.child)
		return show_child(in, m, entry.child);
	seq_printf(m, " scratch: %s\n", xengt_scratch_name(entry.scratch));
	return 0;
}
