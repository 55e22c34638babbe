/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scratch SPTs; see spt_scratch.c.
 */

#ifndef _XENGT_SPT_SCRATCH_H
#define _XENGT_SPT_SCRATCH_H

#include <linux/types.h>

#include "abi/pte.h"

struct page;
struct xengt_ggtt;
struct xengt_shadow;

/**
 * struct xengt_spt_scratch - the scratch SPTs of a virtual GPU
 * @page: the scratch SPT of each level, NULL if the level has none; [0] is not used
 * @bfn: their BFNs
 */
struct xengt_spt_scratch {
	struct page *page[XENGT_MAX_LEVELS + 1];
	u64 bfn[XENGT_MAX_LEVELS + 1];
};

int xengt_spt_scratch_init(struct xengt_spt_scratch *scratch, struct xengt_shadow *sh,
			   struct xengt_ggtt *ggtt);
void xengt_spt_scratch_exit(struct xengt_spt_scratch *scratch, struct xengt_shadow *sh,
			    struct xengt_ggtt *ggtt);
u64 xengt_spt_scratch_entry(const struct xengt_spt_scratch *scratch,
			    const struct xengt_gtt_format *format, unsigned int level);

#endif /* _XENGT_SPT_SCRATCH_H */
