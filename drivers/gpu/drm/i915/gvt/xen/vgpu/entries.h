/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs of entries that name pages of the guest's; see entries.c.
 */

#ifndef _XENGT_ENTRIES_H
#define _XENGT_ENTRIES_H

#include <linux/list.h>
#include <linux/types.h>

#include "pte.h"

struct xen_gpu_move;
struct xengt_entries;
struct xengt_mm;

/* The most entries in one update: a page of the smallest ones, and two batches of the service. */
#define XENGT_UPDATE_MAX	XENGT_TABLE_ENTRIES

/**
 * struct xengt_entries_ops - what a run's owner does
 * @write: writes a shadow entry to where the GPU reads it
 * @writing: entries of the run are about to be written; or NULL
 * @written: entries of the run were written, and the GPU is about to be told to forget; or NULL
 */
struct xengt_entries_ops {
	void (*write)(struct xengt_entries *run, unsigned long slot, u64 pte);
	void (*writing)(struct xengt_entries *run);
	void (*written)(struct xengt_entries *run);
};

/**
 * struct xengt_entries - a run of entries that name pages of the guest's
 * @mm: whose they are
 * @ops: set by the owner
 * @format: of the entries
 * @n: how many there are
 * @node: in the mm's list of all runs
 * @written_node: in the mm's list of runs that were written
 * @guest: the guest entries that the shadow entries were made from
 * @shadow: what the GPU reads
 * @live: the entry holds a reference on its GFN
 * @missing: present, but scratch since its GFN could not be mapped
 * @scratch_pte: what the entry is if it leads nowhere
 * @nr_live: how many entries are live
 * @zapped: what moves is being dealt with, and some live entries have become scratch
 * @nr_missing: how many are missing
 * @refused: some of these for want of room, since their turn in the last round
 * @used: the last search that found that the GPU may use the run
 * @first_gfn: no live entry names a GFN below it
 * @last_gfn: nor above this one
 * @retry_from: where the next try of missing entries begins
 * @retry_left: how many slots from there on, and from the first one on after the last, have not had
 *	their turn in the round
 * @retry_round: the round that this is about
 */
struct xengt_entries {
	struct xengt_mm *mm;
	const struct xengt_entries_ops *ops;
	const struct xengt_pte_format *format;
	unsigned long n;
	struct list_head node;
	struct list_head written_node;
	u64 *guest;
	u64 *shadow;
	unsigned long *live;
	unsigned long *missing;
	u64 scratch_pte;
	unsigned long nr_live;
	bool zapped;
	unsigned long nr_missing;
	bool refused;
	unsigned int used;
	u64 first_gfn;
	u64 last_gfn;
	unsigned long retry_from;
	unsigned long retry_left;
	unsigned int retry_round;
};

/**
 * struct xengt_update - what is to become of some entries, in one batch
 * @n: how many there are
 * @run: each entry's run
 * @slot: its place in the run
 * @pte: the new guest entry
 * @bfn: what it was mapped to
 * @status: or why not
 * @nr_gfns: how many there are of the following, which are for calls of the mapping service
 * @gfns: GFNs
 * @gfn_bfns: their BFNs
 * @gfn_status: or why there is none
 */
struct xengt_update {
	unsigned int n;
	struct xengt_entries *run[XENGT_UPDATE_MAX];
	unsigned int slot[XENGT_UPDATE_MAX];
	u64 pte[XENGT_UPDATE_MAX];
	u64 bfn[XENGT_UPDATE_MAX];
	int status[XENGT_UPDATE_MAX];
	unsigned int nr_gfns;
	u64 gfns[XENGT_UPDATE_MAX];
	u64 gfn_bfns[XENGT_UPDATE_MAX];
	int gfn_status[XENGT_UPDATE_MAX];
};

int xengt_entries_init(struct xengt_entries *run, struct xengt_mm *mm,
		       const struct xengt_entries_ops *ops,
		       const struct xengt_pte_format *format, unsigned long n);
void xengt_entries_exit(struct xengt_entries *run);

bool xengt_entries_add(struct xengt_entries *run, unsigned long slot, u64 pte);
void xengt_entries_apply(struct xengt_mm *mm);
void xengt_entries_release(struct xengt_entries *run);

void xengt_entries_move(struct xengt_mm *mm, const struct xen_gpu_move *move, unsigned int n);
void xengt_entries_zap_all(struct xengt_mm *mm);
bool xengt_entries_retry(struct xengt_mm *mm, bool refused, unsigned int *tried);
unsigned long xengt_entries_refused(struct xengt_mm *mm);

#endif /* _XENGT_ENTRIES_H */
