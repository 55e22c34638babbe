// SPDX-License-Identifier: GPL-2.0
/*
 * A dump entry: one entry of a page table for debugfs. It has the guest entry, the shadow entry
 * that was made from it, and the SPT that this points to, or the reason why it is scratch.
 *
 * Invariants: dumping only reads the shadow, and changes nothing. What the guest has written since
 * the last sync does not show.
 *
 * Locking: the shadow's lock.
 */

#include <linux/bitops.h>
#include <linux/lockdep.h>
#include <linux/seq_file.h>

#include "debug/dump.h"
#include "ppgtt/ppgtt.h"
#include "ppgtt/spt.h"
#include "ppgtt/spt_dir.h"
#include "ppgtt/spt_leaf.h"

/* Returns how many hexadecimal digits an entry has. */
static unsigned int digits_of(const struct xengt_pte_format *format)
{
	return 2 * format->size;
}

/* Returns why the guest entry alone makes the shadow entry scratch; or NULL if it does not. */
static const char *why_no_meaning(const struct xengt_pte_format *format, u64 pte)
{
	if (!xengt_pte_present(format, pte))
		return "not present";
	return xengt_pte_valid(format, pte) ? NULL : "reserved bits";
}

/* Returns why an entry of a directory has no child; or NULL if it has one. */
static const char *why_no_spt(const struct xengt_spt *spt, unsigned int i)
{
	const struct xengt_level *format = xengt_spt_format(spt);
	const struct xengt_spt_entry *entry = &xengt_to_spt_dir(spt)->entries[i];
	u64 pte = entry->guest;
	bool large = pte & format->large;

	if (entry->child)
		return NULL;
	if (large && !format->large_pte && xengt_pte_present(format->pte, pte))
		return "page of 1 GiB";
	return why_no_meaning(large ? format->large_pte : format->pte, pte) ?: "missing";
}

/* Returns why an address of a root has no top-level SPT; or NULL if it has one. */
static const char *why_no_root(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
			       unsigned int i)
{
	if (ppgtt->shadow->spt[i])
		return NULL;
	return xengt_ppgtt_root_present(ppgtts, ppgtt, i) ? "missing" : "not present";
}

/* Returns why an entry of a leaf table is not live; or NULL if it is. */
static const char *why_no_page(const struct xengt_leaf *leaf, unsigned long index)
{
	if (test_bit(index, leaf->live))
		return NULL;
	return why_no_meaning(leaf->format, leaf->guest[index]) ?:
	       (test_bit(index, leaf->missing) ? "missing" : "refused");
}

/**
 * xengt_dump_root - dump one of the addresses of a PPGTT's root as an entry
 * @ppgtts: all PPGTTs
 * @ppgtt: the PPGTT, with a shadow
 * @i: which address of the root
 * @dump: receives the entry
 *
 * Context: the shadow's lock is held.
 */
void xengt_dump_root(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
		     unsigned int i, struct xengt_dump *dump)
{
	lockdep_assert_held(&ppgtts->sh->lock);
	*dump = (struct xengt_dump){
		.digits = 2 * sizeof(u64),
		.guest = ppgtt->root.pdp[i],
		.shadow = xengt_ppgtt_shadow_root(ppgtts, ppgtt, i),
		.child = ppgtt->shadow->spt[i],
		.scratch = why_no_root(ppgtts, ppgtt, i),
	};
}

/**
 * xengt_dump_leaf - dump an entry of a leaf table
 * @leaf: the leaf table
 * @index: the entry's index in the leaf table
 * @dump: receives the entry; the shadow entry is the one that the leaf table remembers
 *
 * Context: the shadow's lock is held.
 */
void xengt_dump_leaf(const struct xengt_leaf *leaf, unsigned long index, struct xengt_dump *dump)
{
	lockdep_assert_held(&leaf->sh->lock);
	*dump = (struct xengt_dump){
		.digits = digits_of(leaf->format),
		.guest = leaf->guest[index],
		.shadow = leaf->shadow[index],
		.scratch = why_no_page(leaf, index),
	};
}

/**
 * xengt_dump_spt - dump an entry of an SPT of any level
 * @spt: the SPT
 * @i: the entry's index
 * @dump: receives the entry; the shadow entry is read from where the GPU reads it
 *
 * Context: the shadow's lock is held.
 */
void xengt_dump_spt(const struct xengt_spt *spt, unsigned int i, struct xengt_dump *dump)
{
	const struct xengt_spt_entry *entry;

	lockdep_assert_held(&spt->spts->sh->lock);
	if (spt->level == 1) {
		xengt_dump_leaf(&xengt_to_spt_leaf(spt)->leaf, i, dump);
		dump->shadow = xengt_spt_leaf_read_shadow(spt, i);
		return;
	}
	entry = &xengt_to_spt_dir(spt)->entries[i];
	*dump = (struct xengt_dump){
		.digits = digits_of(xengt_spt_format(spt)->pte),
		.guest = entry->guest,
		.shadow = xengt_spt_dir_read_shadow(spt, i),
		.child = entry->child,
		.scratch = why_no_spt(spt, i),
	};
}

/**
 * xengt_dump_show - print the guest entry and the shadow entry
 * @m: the file
 * @dump: the entry
 *
 * Context: any.
 */
void xengt_dump_show(struct seq_file *m, const struct xengt_dump *dump)
{
	seq_printf(m, "0x%0*llx 0x%0*llx", dump->digits, dump->guest, dump->digits, dump->shadow);
}
