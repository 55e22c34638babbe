// SPDX-License-Identifier: GPL-2.0
/*
 * Scratch SPTs, one for each level. All entries of one point to the scratch SPT of the level below,
 * and those of level 1 to the scratch page. Shadow entries of directories point here if their guest
 * entries are not present or cannot be shadowed.
 *
 * Invariants: a scratch SPT never changes between init and exit.
 *
 * Locking: none; exit takes the shadow's lock.
 */

#include <linux/err.h>
#include <linux/mm.h>

#include "ggtt/ggtt.h"
#include "ppgtt/spt_scratch.h"
#include "shadow/shadow.h"

/**
 * xengt_spt_scratch_exit - free the scratch SPTs
 * @scratch: the scratch SPTs, some of which may be missing
 * @sh: the shadow
 * @ggtt: the GGTT
 *
 * The root of a pinned PPGTT may still be a scratch SPT, or a page directory in the GGTT. So first
 * all entries of both become 0, and the GPU forgets the old ones. The page of such a root is freed
 * with the unpin.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 */
void xengt_spt_scratch_exit(struct xengt_spt_scratch *scratch, struct xengt_shadow *sh,
			    struct xengt_ggtt *ggtt)
{
	unsigned int level;

	for (level = 1; level <= XENGT_MAX_LEVELS; level++) {
		if (scratch->page[level])
			xengt_shadow_clear_page(sh, scratch->page[level]);
	}
	mutex_lock(&sh->lock);
	xengt_ggtt_directories_clear(ggtt);
	xengt_shadow_invalidate(sh, true);
	mutex_unlock(&sh->lock);
	for (level = 1; level <= XENGT_MAX_LEVELS; level++) {
		if (scratch->page[level])
			put_page(scratch->page[level]);
	}
}

/* Makes the scratch SPT of a level, all entries of which point to the BFN @below. */
static int make_scratch(struct xengt_spt_scratch *scratch, struct xengt_shadow *sh,
			unsigned int level, u64 below)
{
	const struct xengt_level *format = &sh->format->level[level];
	struct page *page = xengt_shadow_alloc_page(sh, &scratch->bfn[level]);
	unsigned int i;

	if (IS_ERR(page))
		return PTR_ERR(page);
	scratch->page[level] = page;
	for (i = 0; i < format->entries; i++)
		xengt_pte_store(format->pte, page_address(page), i,
				xengt_pte_encode(format->pte, below, 0));
	xengt_shadow_flush(sh, page_address(page), PAGE_SIZE);
	return 0;
}

/**
 * xengt_spt_scratch_init - make the scratch SPTs
 * @scratch: what to initialise, all zero
 * @sh: the shadow, with its scratch page
 * @ggtt: the GGTT
 *
 * A level has one if the format has entries for it that fill a page. There is none for the page
 * directory of gen7, which is in the GGTT.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOMEM; or -ERANGE if no page is in the device's reach. On an error nothing is left.
 */
int xengt_spt_scratch_init(struct xengt_spt_scratch *scratch, struct xengt_shadow *sh,
			   struct xengt_ggtt *ggtt)
{
	u64 below = sh->scratch_bfn;
	const struct xengt_level *format;
	unsigned int level;
	int rc;

	for (level = 1; level <= XENGT_MAX_LEVELS; level++) {
		format = &sh->format->level[level];
		if (!format->pte || format->entries * format->pte->size != PAGE_SIZE)
			break;
		rc = make_scratch(scratch, sh, level, below);
		if (rc) {
			xengt_spt_scratch_exit(scratch, sh, ggtt);
			return rc;
		}
		below = scratch->bfn[level];
	}
	return 0;
}

/**
 * xengt_spt_scratch_entry - get the entry that points to the scratch SPT of the level below
 * @scratch: the scratch SPTs
 * @format: the format of the page tables
 * @level: the level of the directory that the entry is for, at least 2
 *
 * Return: the shadow entry.
 */
u64 xengt_spt_scratch_entry(const struct xengt_spt_scratch *scratch,
			    const struct xengt_gtt_format *format, unsigned int level)
{
	return xengt_pte_encode(format->level[level].pte, scratch->bfn[level - 1], 0);
}
