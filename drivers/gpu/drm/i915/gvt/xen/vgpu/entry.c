// SPDX-License-Identifier: GPL-2.0
/*
 * A look at one entry of a page table: the guest entry, the shadow entry that was made from it, and
 * the SPT that this points to, or the reason why it is scratch.
 *
 * Invariants: a look only reads the shadow, and changes nothing. What the guest has written since
 * the last sync does not show.
 *
 * Locking: the shadow's lock.
 */

#include <linux/bitops.h>
#include <linux/lockdep.h>

#include "entry.h"
#include "ppgtt/ppgtt.h"
#include "ppgtt/spt.h"
#include "ppgtt/spt_dir.h"
#include "ppgtt/spt_leaf.h"

/* Returns why the guest entry alone makes the shadow entry scratch, if it does. */
static enum xengt_scratch why_no_meaning(const struct xengt_pte_format *format, u64 pte)
{
	if (!xengt_pte_present(format, pte))
		return XENGT_NOT_PRESENT;
	return xengt_pte_valid(format, pte) ? XENGT_NOT_SCRATCH : XENGT_BAD_ENTRY;
}

/* Returns why an entry of a directory has no child, if it has none. */
static enum xengt_scratch why_no_spt(const struct xengt_spt *spt, unsigned int i)
{
	const struct xengt_level *format = xengt_spt_format(spt);
	const struct xengt_spt_entry *entry = &xengt_to_spt_dir(spt)->entries[i];
	u64 pte = entry->guest;
	bool large = pte & format->large;

	if (entry->child)
		return XENGT_NOT_SCRATCH;
	if (large && !format->large_pte && xengt_pte_present(format->pte, pte))
		return XENGT_PAGE_1G;
	return why_no_meaning(large ? format->large_pte : format->pte, pte) ?: XENGT_MISSING;
}

/* Returns why an address of a root has no top-level SPT, if it has none. */
static enum xengt_scratch why_no_root(const struct xengt_spts *spts,
				      const struct xengt_ppgtt *ppgtt, unsigned int i)
{
	if (ppgtt->shadow->spt[i])
		return XENGT_NOT_SCRATCH;
	return xengt_ppgtt_root_present(spts, ppgtt, i) ? XENGT_MISSING : XENGT_NOT_PRESENT;
}

/* Returns why an entry of a leaf table is not live, if it is not. */
static enum xengt_scratch why_no_page(const struct xengt_leaf *leaf, unsigned long index)
{
	if (test_bit(index, leaf->live))
		return XENGT_NOT_SCRATCH;
	return why_no_meaning(leaf->format, leaf->guest[index]) ?:
	       (test_bit(index, leaf->missing) ? XENGT_MISSING : XENGT_REFUSED);
}

/**
 * xengt_entry_of_root - look at one of the addresses of a PPGTT's root as at an entry
 * @spts: all SPTs
 * @ppgtt: the PPGTT, with a shadow
 * @i: which address of the root
 * @entry: receives the entry
 *
 * Context: the shadow's lock is held.
 */
void xengt_entry_of_root(const struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt,
			 unsigned int i, struct xengt_entry *entry)
{
	lockdep_assert_held(&spts->sh->lock);
	*entry = (struct xengt_entry){
		.size = sizeof(u64),
		.guest = ppgtt->root.pdp[i],
		.shadow = xengt_ppgtt_shadow_root(spts, ppgtt, i),
		.child = ppgtt->shadow->spt[i],
		.scratch = why_no_root(spts, ppgtt, i),
	};
}

/**
 * xengt_entry_of_leaf - look at an entry of a leaf table
 * @leaf: the leaf table
 * @index: the entry's index in the leaf table
 * @entry: receives the entry; the shadow entry is the one that the leaf table remembers
 *
 * Context: the shadow's lock is held.
 */
void xengt_entry_of_leaf(const struct xengt_leaf *leaf, unsigned long index,
			 struct xengt_entry *entry)
{
	lockdep_assert_held(&leaf->sh->lock);
	*entry = (struct xengt_entry){
		.size = leaf->format->size,
		.guest = leaf->guest[index],
		.shadow = leaf->shadow[index],
		.scratch = why_no_page(leaf, index),
	};
}

/**
 * xengt_entry_of_spt - look at an entry of an SPT of any level
 * @spt: the SPT
 * @i: the entry's index
 * @entry: receives the entry; the shadow entry is read from where the GPU reads it
 *
 * Context: the shadow's lock is held.
 */
void xengt_entry_of_spt(const struct xengt_spt *spt, unsigned int i, struct xengt_entry *entry)
{
	const struct xengt_spt_entry *of_dir;

	lockdep_assert_held(&spt->spts->sh->lock);
	if (spt->level == 1) {
		xengt_entry_of_leaf(&xengt_to_spt_leaf(spt)->leaf, i, entry);
		entry->shadow = xengt_spt_leaf_read_shadow(spt, i);
		return;
	}
	of_dir = &xengt_to_spt_dir(spt)->entries[i];
	*entry = (struct xengt_entry){
		.size = xengt_spt_format(spt)->pte->size,
		.guest = of_dir->guest,
		.shadow = xengt_spt_dir_read_shadow(spt, i),
		.child = of_dir->child,
		.scratch = why_no_spt(spt, i),
	};
}
