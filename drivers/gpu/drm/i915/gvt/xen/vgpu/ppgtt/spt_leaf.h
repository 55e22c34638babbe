/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Leaf SPTs, whose entries name pages; see spt_leaf.c.
 */

#ifndef _XENGT_SPT_LEAF_H
#define _XENGT_SPT_LEAF_H

#include "ppgtt/spt.h"
#include "shadow/leaf.h"

/**
 * struct xengt_spt_leaf - an SPT of level 1
 * @spt: the SPT; the first member
 * @leaf: its entries, a leaf table
 */
struct xengt_spt_leaf {
	struct xengt_spt spt;
	struct xengt_leaf leaf;
};

extern const struct xengt_spt_ops xengt_spt_leaf_ops;

static inline struct xengt_spt_leaf *xengt_to_spt_leaf(const struct xengt_spt *spt)
{
	return container_of(spt, struct xengt_spt_leaf, spt);
}

void xengt_spt_leaf_update(struct xengt_spt *spt);
u64 xengt_spt_leaf_read_shadow(const struct xengt_spt *spt, unsigned int i);

#endif /* _XENGT_SPT_LEAF_H */
