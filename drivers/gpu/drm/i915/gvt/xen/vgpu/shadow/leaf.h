/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Leaf tables: tables of entries that name pages of the guest; see leaf.c.
 */

#ifndef _XENGT_LEAF_H
#define _XENGT_LEAF_H

#include <linux/list.h>
#include <linux/types.h>

#include "abi/pte.h"

struct xen_gpu_move;
struct xengt_leaf;
struct xengt_shadow;

/* The most entries of one update: a page of the smallest entries, two batches of the map service */
#define XENGT_UPDATE_MAX	XENGT_TABLE_ENTRIES

/**
 * struct xengt_leaf_ops - what the owner of a leaf table does
 * @ppgtt: the leaf table belongs to a PPGTT
 * @write: writes a shadow entry to where the GPU reads it
 * @writing: called before the first entry of the table is written in an update or a remap; can be
 *	NULL
 * @written: called after the last entry was written, before the GPU is made to forget the old
 *	entries; can be NULL
 *
 * The functions are called with the shadow's lock held.
 */
struct xengt_leaf_ops {
	bool ppgtt;
	void (*write)(struct xengt_leaf *leaf, unsigned long index, u64 pte);
	void (*writing)(struct xengt_leaf *leaf);
	void (*written)(struct xengt_leaf *leaf);
};

/**
 * struct xengt_leaf - a leaf table: a table of entries that name pages of the guest
 * @sh: the shadow that the table belongs to; its lock protects everything here
 * @ops: the owner's operations
 * @format: format of the entries
 * @n: number of entries
 * @node: in the shadow's list of all leaf tables
 * @written_node: in the shadow's list of leaf tables that were written
 * @guest: the guest entries that the shadow entries were made from
 * @shadow: the shadow entries
 * @live: bitmap of the entries that hold a reference on the GFN of their guest entry
 * @missing: bitmap of the entries that are scratch, though their guest entry is present, since its
 *	GFN could not be mapped, and may be mapped by another try
 * @bad: bitmap of the entries that are scratch, though their guest entry is present, and that
 *	another try cannot help
 * @scratch_pte: shadow entry that names the scratch page
 * @nr_live: number of live entries
 * @zapped: in the remap that is under way, live entries became scratch and still hold their
 *	references
 * @nr_missing: number of missing entries
 * @nr_bad: number of bad entries
 * @refused: entries are missing for want of quota (-ENOSPC) or memory (-ENOMEM), and have not been
 *	tried again since
 * @used: the last search (xengt_shadow.used_round) that found that the GPU may use the table
 * @first_gfn: no live entry names a GFN below this one
 * @last_gfn: no live entry names a GFN above this one
 * @retry_from: index of the entry at which the next try of missing entries starts
 * @retry_left: how many entries, from @retry_from on and around the end, have not had their turn in
 *	the round
 * @retry_round: the round (xengt_shadow.retry_round) that @retry_left is about
 */
struct xengt_leaf {
	struct xengt_shadow *sh;
	const struct xengt_leaf_ops *ops;
	const struct xengt_pte_format *format;
	unsigned long n;
	struct list_head node;
	struct list_head written_node;
	u64 *guest;
	u64 *shadow;
	unsigned long *live;
	unsigned long *missing;
	unsigned long *bad;
	u64 scratch_pte;
	unsigned long nr_live;
	bool zapped;
	unsigned long nr_missing;
	unsigned long nr_bad;
	bool refused;
	unsigned int used;
	u64 first_gfn;
	u64 last_gfn;
	unsigned long retry_from;
	unsigned long retry_left;
	unsigned int retry_round;
};

/**
 * struct xengt_update - new guest entries that are shadowed as one batch
 * @n: number of entries in the batch
 * @leaf: for each entry, its leaf table
 * @index: for each entry, its index in the leaf table
 * @pte: for each entry, the new guest entry
 * @bfn: for each entry, the BFN that its GFN was mapped to, if @status is 0
 * @status: for each entry, 0, or why it is scratch: NOT_PRESENT or a negative error
 * @nr_gfns: number of elements of the arrays that follow, the arguments of a map or release call
 * @gfns: GFNs
 * @gfn_bfns: for each GFN, its BFN, if @gfn_status is 0
 * @gfn_status: for each GFN, 0 or a negative error
 */
struct xengt_update {
	unsigned int n;
	struct xengt_leaf *leaf[XENGT_UPDATE_MAX];
	unsigned int index[XENGT_UPDATE_MAX];
	u64 pte[XENGT_UPDATE_MAX];
	u64 bfn[XENGT_UPDATE_MAX];
	int status[XENGT_UPDATE_MAX];
	unsigned int nr_gfns;
	u64 gfns[XENGT_UPDATE_MAX];
	u64 gfn_bfns[XENGT_UPDATE_MAX];
	int gfn_status[XENGT_UPDATE_MAX];
};

int xengt_leaves_init(struct xengt_shadow *sh);
void xengt_leaves_exit(struct xengt_shadow *sh);
int xengt_leaf_init(struct xengt_leaf *leaf, struct xengt_shadow *sh,
		    const struct xengt_leaf_ops *ops,
		    const struct xengt_pte_format *format, unsigned long n);
void xengt_leaf_exit(struct xengt_leaf *leaf);

bool xengt_leaf_add(struct xengt_leaf *leaf, unsigned long index, u64 pte);
void xengt_leaves_apply(struct xengt_shadow *sh);
void xengt_leaf_release(struct xengt_leaf *leaf);

void xengt_leaves_remap(struct xengt_shadow *sh, const struct xen_gpu_move *move, unsigned int n);
void xengt_leaves_zap_all(struct xengt_shadow *sh);
bool xengt_leaves_retry(struct xengt_shadow *sh, bool refused, unsigned int *tried);
unsigned long xengt_leaves_refused(struct xengt_shadow *sh);

#endif /* _XENGT_LEAF_H */
