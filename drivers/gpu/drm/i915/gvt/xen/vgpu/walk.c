// SPDX-License-Identifier: GPL-2.0
/*
 * The walk from a graphics address to a page, as the GPU does it now: on each level the guest entry
 * and the shadow entry, and at the end the guest's page and its BFN, or why there is none.
 *
 * Invariants: a walk only reads the shadow, and changes nothing. What the guest has written since
 * the last sync does not show.
 *
 * Locking: the shadow's lock, taken here; the caller guarantees that the page tables exist.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/limits.h>

#include "ggtt/ggtt.h"
#include "ggtt/share.h"
#include "ppgtt/ppgtts.h"
#include "ppgtt/spt.h"
#include "walk.h"

/* Adds a step, and returns its entry, which the caller fills. */
static struct xengt_entry *add_step(struct xengt_walk *walk, unsigned int level,
				    unsigned long index)
{
	walk->step[walk->n].level = level;
	walk->step[walk->n].index = index;
	return &walk->step[walk->n++].entry;
}

/* Sets the result from the last entry, of a page and in this format. */
static void finish(const struct xengt_pte_format *format, const struct xengt_entry *last,
		   struct xengt_walk *walk)
{
	walk->scratch = last->scratch;
	walk->bfn = xengt_pte_frame(format, last->shadow);
	if (last->scratch == XENGT_NOT_SCRATCH || last->scratch == XENGT_MISSING ||
	    last->scratch == XENGT_REFUSED)
		walk->gfn = xengt_pte_frame(format, last->guest);
}

static int walk_ggtt(const struct xengt_ggtt *ggtt, u64 address, struct xengt_walk *walk)
{
	unsigned long entry = address >> XENGT_PAGE_SHIFT;
	unsigned long index = xengt_share_index(&ggtt->share, entry);
	struct xengt_entry *last;

	if (index == XENGT_NOT_IN_SHARE)
		return entry < ggtt->sh->format->gtt_entries ? -ERANGE : -EINVAL;
	last = add_step(walk, XENGT_WALK_GGTT, entry);
	xengt_entry_of_leaf(&ggtt->leaf, index, last);
	if (test_bit(index, ggtt->directory))
		last->scratch = XENGT_OF_DIRECTORY;
	finish(ggtt->leaf.format, last, walk);
	return 0;
}

/* Walks a PPGTT with a shadow, from an address of its root (an index) down. */
static void walk_from(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
		      unsigned int root, u64 address, struct xengt_walk *walk)
{
	struct xengt_entry *entry = add_step(walk, XENGT_WALK_ROOT, root);
	const struct xengt_spt *spt = NULL;
	const struct xengt_level *format;
	unsigned int i;

	xengt_entry_of_root(&ppgtts->spts, ppgtt, root, entry);
	while (entry->child) {
		spt = entry->child;
		format = xengt_spt_format(spt);
		i = address >> format->shift & (format->entries - 1);
		entry = add_step(walk, spt->level, i);
		xengt_entry_of_spt(spt, i, entry);
	}
	walk->scratch = entry->scratch;
	if (!spt || spt->level > 1)
		return;
	walk->step[walk->n - 1].split = spt->split;
	finish(xengt_spt_format(spt)->pte, entry, walk);
}

static int walk_ppgtt(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root,
		      u64 address, struct xengt_walk *walk)
{
	struct xengt_ppgtt *ppgtt = xengt_ppgtts_find(ppgtts, root);
	const struct xengt_level *format;
	u64 table;

	if (IS_ERR(ppgtt))
		return PTR_ERR(ppgtt);
	/* One top-level table translates so many addresses; the rest of the address selects it. */
	format = &ppgtts->sh->format->level[xengt_ppgtt_root_level(root)];
	table = address >> format->shift >> ilog2(format->entries);
	if (table >= xengt_ppgtt_root_tables(root))
		return -EINVAL;
	if (!ppgtt)
		return -ENOENT;
	if (ppgtt->shadow)
		walk_from(ppgtts, ppgtt, table, address, walk);
	else
		walk->scratch = XENGT_RECLAIMED;
	return 0;
}

/**
 * xengt_walk - walk from a graphics address to a page
 * @ppgtts: all PPGTTs of the virtual GPU
 * @root: the root of the PPGTT; NULL: the address is in the GGTT
 * @address: the graphics address, in bytes
 * @walk: receives the walk; without a step after an error
 *
 * Context: process context, may sleep; takes the shadow's lock. The SPTs in @walk may be gone when
 * this returns.
 * Return: 0, also if the address ends in scratch; -EINVAL: the generation has no such PPGTTs, or
 * there is no such address in them or in the GGTT; -ENOENT: the PPGTT is not announced; -ERANGE:
 * the GGTT entry is not in the share.
 */
int xengt_walk(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root, u64 address,
	       struct xengt_walk *walk)
{
	int rc;

	*walk = (struct xengt_walk){ .gfn = XENGT_NO_GFN };
	mutex_lock(&ppgtts->sh->lock);
	if (root)
		rc = walk_ppgtt(ppgtts, root, address, walk);
	else
		rc = walk_ggtt(ppgtts->ggtt, address, walk);
	mutex_unlock(&ppgtts->sh->lock);
	return rc;
}
