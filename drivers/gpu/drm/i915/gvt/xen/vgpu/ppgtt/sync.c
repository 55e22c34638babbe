// SPDX-License-Identifier: GPL-2.0
/*
 * A sync brings what the guest has written into its page tables into the shadow.
 *
 *  0. Collect what the guest wrote from the pages that it wrote to. Guest entries of the GGTT are
 *     added to the update, entries of SPTs are marked dirty.
 *  1. From the highest level down, read the dirty entries of directories and get their new
 *     children. All entries of a new SPT are dirty, so the same sync fills it.
 *  2. Add the dirty entries of leaf SPTs to the update. The update maps them in batches, writes
 *     them, makes the GPU forget the old ones, and then releases the GFNs that those named.
 *  3. From the lowest level up, write the shadow entries of directories. Their children are
 *     complete by then. Make the GPU forget the old entries.
 *  4. Put the old children (deferred puts).
 *
 * Invariants: on every level the new entry is complete before the old one is given up. The GPU sees
 * each entry as it was or as it is, and never an SPT that is not filled yet.
 *
 * Locking: the shadow's lock.
 */

#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "counters.h"
#include "ppgtt/gpt_page.h"
#include "ppgtt/spt.h"
#include "ppgtt/spt_dir.h"
#include "ppgtt/spt_leaf.h"
#include "ppgtt/sync.h"
#include "shadow/dirty.h"
#include "shadow/leaf.h"

/* The most lost pages that one sync rescans */
#define LOST_MAX	64
/* A retry of missing entries of directories stops after the directory that reaches this number. */
#define MISSING_MAX	4096
/* A retry of refused leaf entries stops after the batch that reaches this number. */
#define REFUSED_MAX	4096

static void mark_page(struct xengt_gpt_page *page)
{
	struct xengt_spt *spt;

	list_for_each_entry(spt, &page->spts, page_node)
		xengt_spt_mark_all(spt);
}

static void rescan_gpt_page(struct xengt_spts *spts, struct xengt_gpt_page *page)
{
	xengt_count(spts->sh->counters, XENGT_COUNT_PAGES_RESCANNED, 1);
	if (xengt_gpt_page_rescan(&spts->pages, page) == XENGT_GPT_PAGE_CHANGED)
		mark_page(page);
}

/**
 * xengt_spts_rescan - rescan all table pages after a balloon event
 * @spts: all SPTs
 *
 * Any table page may be another page now. All entries of the SPTs of a changed page become dirty.
 *
 * Context: process context, may sleep; the shadow's lock is held. The caller syncs afterwards.
 */
void xengt_spts_rescan(struct xengt_spts *spts)
{
	struct xengt_gpage *gpage;
	struct xengt_gpt_page *page;
	unsigned long gfn;

	lockdep_assert_held(&spts->sh->lock);
	xa_for_each(&spts->pages.gpages.pages, gfn, gpage) {
		page = xengt_to_gpt_page(gpage);
		if (list_empty(&page->spts))
			xengt_gpt_page_check_stuck(page);
		else
			rescan_gpt_page(spts, page);
		cond_resched();
	}
}

/*
 * Rescans lost pages, which may have come back without an event. Each sync rescans a few, each page
 * once; a page that is still lost goes to the end of the list.
 */
static void look_for_lost(struct xengt_spts *spts)
{
	struct list_head *lost = &spts->pages.lost;
	struct xengt_gpt_page *page;
	unsigned int looks;
	LIST_HEAD(left);

	list_splice_init(lost, &left);
	for (looks = 0; looks < LOST_MAX && !list_empty(&left); looks++) {
		page = list_first_entry(&left, struct xengt_gpt_page, node);
		list_move_tail(&page->node, lost);
		rescan_gpt_page(spts, page);
	}
	list_splice(&left, lost);
}

/**
 * xengt_spts_retry_missing - have the next sync try missing entries of directories again
 * @spts: all SPTs
 *
 * Marks the missing entries of directories dirty, in round-robin order, until there are at least
 * MISSING_MAX or all directories had their turn.
 *
 * Context: the shadow's lock is held.
 */
void xengt_spts_retry_missing(struct xengt_spts *spts)
{
	struct xengt_spt_dir *dir, *first = NULL;
	unsigned int i, wanted = 0;

	lockdep_assert_held(&spts->sh->lock);
	while (!list_empty(&spts->missing) && wanted < MISSING_MAX) {
		dir = list_first_entry(&spts->missing, struct xengt_spt_dir, missing_node);
		if (dir == first)
			break;
		first = first ?: dir;
		for_each_set_bit(i, dir->missing, xengt_spt_format(&dir->spt)->entries)
			xengt_spt_mark(&dir->spt, i, 1);
		wanted += dir->nr_missing;
		list_move_tail(&dir->missing_node, &spts->missing);
	}
}

static void update_directories(struct xengt_spts *spts)
{
	struct xengt_spt *spt;
	unsigned int level;

	for (level = XENGT_MAX_LEVELS; level > 1; level--) {
		while (!list_empty(&spts->dirty[level])) {
			spt = list_first_entry(&spts->dirty[level], struct xengt_spt, dirty_node);
			list_move_tail(&spt->dirty_node, &spts->changed[level]);
			xengt_spt_dir_update(spt);
			cond_resched();
		}
	}
}

static void update_page_spts(struct xengt_spts *spts)
{
	struct xengt_spt *spt;

	while (!list_empty(&spts->dirty[1])) {
		spt = list_first_entry(&spts->dirty[1], struct xengt_spt, dirty_node);
		list_del_init(&spt->dirty_node);
		xengt_spt_leaf_update(spt);
		cond_resched();
	}
	xengt_leaves_apply(spts->sh);
}

static void write_directories(struct xengt_spts *spts)
{
	struct xengt_spt *spt;
	bool changed = false;
	unsigned int level;

	for (level = 2; level <= XENGT_MAX_LEVELS; level++) {
		while (!list_empty(&spts->changed[level])) {
			spt = list_first_entry(&spts->changed[level], struct xengt_spt,
					       dirty_node);
			list_del_init(&spt->dirty_node);
			changed |= xengt_spt_dir_write(spt);
			cond_resched();
		}
	}
	if (changed)
		xengt_shadow_invalidate(spts->sh, true);
}

static void sync_once(struct xengt_spts *spts)
{
	update_directories(spts);
	update_page_spts(spts);
	write_directories(spts);
	xengt_spts_put_deferred(spts);
}

/* Tries refused leaf entries again that the GPU may use: each at most once, a bounded number. */
static void retry_refused(struct xengt_shadow *sh)
{
	unsigned int tried = 0;

	sh->freed = false;
	sh->retry_round++;
	while (tried < REFUSED_MAX && xengt_leaves_retry(sh, true, &tried))
		;
}

/* Reclaims idle shadows until @wanted leaf entries are not live any more, or nothing is left. */
static void reclaim_pages(struct xengt_spts *spts, unsigned long wanted)
{
	struct xengt_shadow *sh = spts->sh;
	unsigned long before = sh->nr_live;

	while (before - sh->nr_live < wanted && xengt_spts_reclaim(spts))
		;
}

/*
 * Leaf entries were refused for want of quota or memory. Those that the GPU may use are tried again
 * with what others have released, and then with what idle PPGTTs hold: their shadows are reclaimed.
 * Each round needs a reclaim that frees something, so the loop ends. Pinned PPGTTs lose nothing.
 */
static void heal_refused(struct xengt_spts *spts)
{
	struct xengt_shadow *sh = spts->sh;
	unsigned long missing;

	if (!sh->refused)
		return;
	xengt_spts_find_used(spts);
	missing = xengt_leaves_refused(sh);
	if (missing && sh->freed)
		retry_refused(sh);
	while (sh->refused) {
		missing = xengt_leaves_refused(sh);
		if (!missing)
			return;
		sh->freed = false;
		reclaim_pages(spts, missing);
		if (!sh->freed)
			return;
		retry_refused(sh);
	}
}

/* Children were not had for want of memory. No event says when there is some: each sync retries. */
static void want_memory(struct xengt_spts *spts)
{
	if (!spts->nomem)
		return;
	spts->nomem = false;
	xengt_spts_retry_missing(spts);
}

/**
 * xengt_spts_sync - bring everything that the guest wrote before the call into the shadow
 * @spts: all SPTs
 *
 * If SPTs were refused for want of quota, and the quota allows more when the sync is done, the
 * missing entries are tried again at once. Does nothing if the shadow is closed.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_spts_sync(struct xengt_spts *spts)
{
	lockdep_assert_held(&spts->sh->lock);
	xengt_count(spts->sh->counters, XENGT_COUNT_SYNCS, 1);
	if (spts->sh->closed)
		return;
	xengt_gpt_pages_release_stuck(&spts->pages);
	look_for_lost(spts);
	want_memory(spts);
	xengt_dirty_collect(spts->sh);
	xengt_spts_mark_ggtt(spts);
	sync_once(spts);
	if (spts->refused && spts->n < spts->max) {
		spts->refused = false;
		xengt_spts_retry_missing(spts);
		sync_once(spts);
	}
	heal_refused(spts);
}
