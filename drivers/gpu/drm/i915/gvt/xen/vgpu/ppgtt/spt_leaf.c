// SPDX-License-Identifier: GPL-2.0
/*
 * Leaf SPTs: SPTs of level 1, whose entries name pages.
 *
 * The shadow always uses pages of 4 KiB. In a guest table of 64 KiB pages each 16th entry counts,
 * and gets 16 shadow entries. A large page (2 MiB) of the guest gets a whole leaf SPT, the split.
 * So pages are mapped, counted and revalidated in the same way everywhere. If the frames happen to
 * be contiguous and aligned, the parent entry may still be a large one, or say that the table has
 * 64 KiB pages. For the GPU that is a shortcut to the same translations. A table with more than
 * XENGT_LARGE_PARENTS parent entries has no shortcut: a change of one entry would rewrite them all.
 *
 * Invariants:
 *  - An SPT's "large" is true only while all its entries translate like the shortcut.
 *  - When entries change so that they do not, the parent entries are rewritten before the GPU is
 *    made to forget the old entries.
 *  - In a table of 64 KiB pages that happens even before the entries are written, as the GPU reads
 *    the entries of such a table also while the shortcut is used.
 *
 * Locking: the shadow's lock.
 */

#include <linux/bitmap.h>
#include <linux/lockdep.h>
#include <linux/mm.h>

#include "ppgtt/gpt_page.h"
#include "ppgtt/spt_dir.h"
#include "ppgtt/spt_leaf.h"

static struct xengt_spt *to_spt(struct xengt_leaf *leaf)
{
	return &container_of(leaf, struct xengt_spt_leaf, leaf)->spt;
}

static struct xengt_leaf *to_leaf(const struct xengt_spt *spt)
{
	return &xengt_to_spt_leaf(spt)->leaf;
}

static void leaf_write(struct xengt_leaf *leaf, unsigned long index, u64 pte)
{
	xengt_spt_store(to_spt(leaf), index, pte);
}

/* Returns true if @n entries from @first on name contiguous, aligned frames with the same flags. */
static bool one_piece(const struct xengt_leaf *leaf, unsigned int first, unsigned int n)
{
	u64 frame = xengt_pte_frame(leaf->format, leaf->shadow[first]), i;

	if (frame & (n - 1))
		return false;
	for (i = 1; i < n; i++) {
		if (leaf->shadow[first + i] !=
		    xengt_pte_encode(leaf->format, frame + i, leaf->shadow[first]))
			return false;
	}
	return true;
}

static bool may_be_large(const struct xengt_spt *spt)
{
	const struct xengt_leaf *leaf = to_leaf(spt);
	unsigned int i;

	if (spt->nr_parents > XENGT_LARGE_PARENTS)
		return false;
	if (spt->split)
		return one_piece(leaf, 0, leaf->n);
	if (!spt->ips_64k)
		return false;
	for (i = 0; i < leaf->n; i += XENGT_64K_PAGES) {
		if (!one_piece(leaf, i, XENGT_64K_PAGES))
			return false;
	}
	return true;
}

/* Sets whether parent entries may be large. */
static void set_large(struct xengt_spt *spt, bool large)
{
	const struct xengt_leaf *leaf = to_leaf(spt);
	u64 frame = large && spt->split ?
		    xengt_pte_frame(leaf->format, leaf->shadow[0]) : 0;

	xengt_spt_set_large(spt, large, frame);
}

/*
 * Entries are about to be written. In a table of 64 KiB pages the GPU takes each 16th entry for a
 * page of 64 KiB, and must not find one there that is not. So the parent entries stop saying so
 * first. A split needs no such step: the GPU does not read it while the parent entry is large.
 */
static void leaf_writing(struct xengt_leaf *leaf)
{
	struct xengt_spt *spt = to_spt(leaf);

	if (!spt->ips_64k || !spt->large)
		return;
	set_large(spt, false);
	xengt_shadow_invalidate(leaf->sh, true);
}

/* Entries were written: the parent entries may have to change before the GPU is made to forget. */
static void leaf_written(struct xengt_leaf *leaf)
{
	struct xengt_spt *spt = to_spt(leaf);

	if (spt->split || spt->ips_64k)
		set_large(spt, may_be_large(spt));
}

static const struct xengt_leaf_ops leaf_ops = {
	.ppgtt = true,
	.write = leaf_write,
	.writing = leaf_writing,
	.written = leaf_written,
};

/**
 * xengt_spt_leaf_read_shadow - read a shadow entry as the GPU sees it
 * @spt: the leaf SPT
 * @i: the entry's index
 *
 * Context: the shadow's lock is held.
 * Return: the shadow entry.
 */
u64 xengt_spt_leaf_read_shadow(const struct xengt_spt *spt, unsigned int i)
{
	return xengt_pte_load(to_leaf(spt)->format, page_address(spt->shadow), i);
}

/* Returns the guest entry that a 4 KiB page of the large page would have. */
static u64 split_entry(const struct xengt_spt *spt, unsigned int i)
{
	const struct xengt_level *level = &spt->spts->sh->format->level[2];
	u64 frame = xengt_pte_frame(level->large_pte, spt->split);
	u64 flags = spt->split & ~level->large;

	if (spt->split & level->large_pat)
		flags |= level->small_pat;
	return xengt_pte_encode(to_leaf(spt)->format, frame + i, flags);
}

/* Returns the guest entry that a 4 KiB page of a 64 KiB page would have. */
static u64 entry_64k(const struct xengt_spt *spt, unsigned int i)
{
	const struct xengt_pte_format *format = to_leaf(spt)->format;
	u64 pte = xengt_pte_load(format, spt->page->gpage.va,
				 round_down(i, XENGT_64K_PAGES));
	u64 frame = round_down(xengt_pte_frame(format, pte), XENGT_64K_PAGES);

	if (!xengt_pte_present(format, pte) || !xengt_pte_valid(format, pte))
		return pte;
	return xengt_pte_encode(format, frame + i % XENGT_64K_PAGES, pte);
}

/* Reads a guest entry as it is now, for a 4 KiB page. The entries of a lost page read as 0. */
static u64 leaf_read_guest(const struct xengt_spt *spt, unsigned int i)
{
	if (spt->split)
		return split_entry(spt, i);
	if (!xengt_gpt_page_present(spt->page))
		return 0;
	if (spt->ips_64k)
		return entry_64k(spt, i);
	return xengt_pte_load(to_leaf(spt)->format, spt->page->gpage.va, i);
}

static bool leaf_is_made_from(const struct xengt_spt *spt, unsigned int i)
{
	const struct xengt_leaf *leaf = to_leaf(spt);

	return leaf_read_guest(spt, i) == leaf->guest[i] && !test_bit(i, leaf->missing);
}

static unsigned long leaf_nr_missing(const struct xengt_spt *spt)
{
	return to_leaf(spt)->nr_missing;
}

static unsigned long leaf_nr_bad(const struct xengt_spt *spt)
{
	return to_leaf(spt)->nr_bad;
}

static void leaf_mark_used(struct xengt_spt *spt, struct xengt_spt_search *search)
{
	to_leaf(spt)->used = spt->used;
}

/**
 * xengt_spt_leaf_update - add the entries that the guest has written to the shadow's update
 * @spt: the leaf SPT
 *
 * Context: process context, may sleep; the shadow's lock is held. The update is applied when it is
 * full.
 */
void xengt_spt_leaf_update(struct xengt_spt *spt)
{
	struct xengt_leaf *leaf = to_leaf(spt);
	unsigned int i;

	lockdep_assert_held(&spt->spts->sh->lock);
	for_each_set_bit(i, spt->dirty, leaf->n)
		xengt_leaf_add(leaf, i, leaf_read_guest(spt, i));
	bitmap_zero(spt->dirty, leaf->n);
}

static int leaf_init(struct xengt_spt *spt)
{
	const struct xengt_level *level = xengt_spt_format(spt);
	struct xengt_leaf *leaf = to_leaf(spt);
	unsigned long i;
	int rc;

	rc = xengt_leaf_init(leaf, spt->spts->sh, &leaf_ops, level->pte, level->entries);
	if (rc)
		return rc;
	for (i = 0; i < level->entries; i++)
		leaf_write(leaf, i, leaf->scratch_pte);
	return 0;
}

/* Releases the GFNs that the entries name. */
static void leaf_exit(struct xengt_spt *spt)
{
	xengt_leaf_release(to_leaf(spt));
	xengt_leaf_exit(to_leaf(spt));
}

const struct xengt_spt_ops xengt_spt_leaf_ops = {
	.size = sizeof(struct xengt_spt_leaf),
	.init = leaf_init,
	.exit = leaf_exit,
	.is_made_from = leaf_is_made_from,
	.nr_missing = leaf_nr_missing,
	.nr_bad = leaf_nr_bad,
	.mark_used = leaf_mark_used,
};
