// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's share of the GGTT: two ranges of entries, one that the CPU can reach through the
 * aperture and one that it cannot.
 *
 * Each entry of the share has an index. The indices count the entries of the first range from 0 on,
 * then those of the second.
 *
 * Locking: none, as a share never changes.
 */

#include "ggtt/share.h"

/* @ranges: XENGT_GGTT_RANGES ranges, which do not overlap. */
void xengt_share_init(struct xengt_share *share, const struct xengt_range *ranges)
{
	unsigned int i;

	share->nr_entries = 0;
	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		share->range[i] = ranges[i];
		share->nr_entries += ranges[i].n;
	}
}

/* Returns the index of an entry of the GGTT; XENGT_NOT_IN_SHARE if it is outside the share. */
unsigned long xengt_share_index(const struct xengt_share *share, unsigned long entry)
{
	unsigned long base = 0;
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		const struct xengt_range *range = &share->range[i];

		if (entry >= range->first && entry - range->first < range->n)
			return base + entry - range->first;
		base += range->n;
	}
	return XENGT_NOT_IN_SHARE;
}

/* Returns the entry of the GGTT that has the index, which must be below share->nr_entries. */
unsigned long xengt_share_entry(const struct xengt_share *share, unsigned long index)
{
	const struct xengt_range *range = share->range;

	for (; index >= range->n; range++)
		index -= range->n;
	return range->first + index;
}
