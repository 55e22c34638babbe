/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The walk from a graphics address to a page; see walk.c.
 */

#ifndef _XENGT_WALK_H
#define _XENGT_WALK_H

#include <linux/types.h>

#include "abi/pte.h"
#include "entry.h"

struct xengt_ppgtt_root;
struct xengt_ppgtts;

/* The levels of a step besides 1 to XENGT_MAX_LEVELS */
#define XENGT_WALK_GGTT		0
#define XENGT_WALK_ROOT		(XENGT_MAX_LEVELS + 1)

/* The GFN of a walk that ends before it reaches the entry of a page */
#define XENGT_NO_GFN		U64_MAX

/**
 * struct xengt_step - one entry of a walk
 * @level: the level of its table; XENGT_WALK_GGTT for the GGTT, XENGT_WALK_ROOT for the root
 * @index: its index in the table; for the GGTT the number of the GGTT entry
 * @split: it stands for a page of 4 KiB of the large page that the step before it names
 * @entry: the entry
 */
struct xengt_step {
	unsigned int level;
	unsigned long index;
	bool split;
	struct xengt_entry entry;
};

/**
 * struct xengt_walk - the walk from a graphics address to a page
 * @n: number of steps
 * @step: the entries that the GPU reads, from the root down
 * @scratch: why the address is scratch; XENGT_NOT_SCRATCH if it translates to a page
 * @gfn: GFN of the guest's page; XENGT_NO_GFN if no valid entry of a page was reached
 * @bfn: its BFN, which the GPU uses; that of the scratch page if the address is scratch
 */
struct xengt_walk {
	unsigned int n;
	struct xengt_step step[XENGT_MAX_LEVELS + 1];
	enum xengt_scratch scratch;
	u64 gfn;
	u64 bfn;
};

int xengt_walk(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root, u64 address,
	       struct xengt_walk *walk);

#endif /* _XENGT_WALK_H */
