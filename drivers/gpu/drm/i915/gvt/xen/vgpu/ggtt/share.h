/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's share of the GGTT; see share.c.
 */

#ifndef _XENGT_SHARE_H
#define _XENGT_SHARE_H

#include <linux/limits.h>
#include <xen/xengt_gsm.h>

/* The index of an entry outside the share: higher than any index */
#define XENGT_NOT_IN_SHARE	ULONG_MAX

/**
 * struct xengt_share - a guest's share of the GGTT
 * @range: the ranges of GGTT entries, in the order in which the indices count them
 * @nr_entries: number of entries of all ranges
 */
struct xengt_share {
	struct xengt_range range[XENGT_GGTT_RANGES];
	unsigned long nr_entries;
};

void xengt_share_init(struct xengt_share *share, const struct xengt_range *ranges);
unsigned long xengt_share_index(const struct xengt_share *share, unsigned long entry);
unsigned long xengt_share_entry(const struct xengt_share *share, unsigned long index);

#endif /* _XENGT_SHARE_H */
