// SPDX-License-Identifier: GPL-2.0
/*
 * Making, finding and freeing SPTs, and the shadows of PPGTTs that hold them; see spt.h.
 *
 * Invariants:
 *  - An SPT is freed with its last reference. By then the GPU cannot reach it any more and has
 *    forgotten it. Only then the SPT puts its children or releases its GFNs.
 *  - There are never more SPTs than the quota (max).
 *  - A guest page is a table page (see gpt_page.c) as long as an SPT is made from it. It stays one
 *    longer only while it cannot be unprotected or unmapped.
 *
 * Locking: the shadow's lock; the dirty lock for trapped writes.
 */

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "counters.h"
#include "ggtt/ggtt.h"
#include "ppgtt/gpt_page.h"
#include "ppgtt/spt.h"
#include "shadow/dirty.h"
#include "shadow/gpage.h"

static atomic64_t last_serial;

/**
 * xengt_new_serial - make a serial for an SPT or a PPGTT
 *
 * A serial identifies its owner, and orders owners by age. Serials are global to all virtual GPUs,
 * grow monotonically, and are never reused.
 *
 * Context: any.
 * Return: the serial, higher than all before.
 */
u64 xengt_new_serial(void)
{
	return atomic64_inc_return(&last_serial);
}

static const struct xengt_gpages_ops pages_ops;

static void init_lists(struct xengt_spts *spts)
{
	unsigned int level;

	INIT_LIST_HEAD(&spts->shadows);
	INIT_LIST_HEAD(&spts->in_ggtt);
	INIT_LIST_HEAD(&spts->deferred);
	INIT_LIST_HEAD(&spts->missing);
	for (level = 0; level <= XENGT_MAX_LEVELS; level++) {
		INIT_LIST_HEAD(&spts->dirty[level]);
		INIT_LIST_HEAD(&spts->changed[level]);
	}
}

/**
 * xengt_spts_init - initialise the set of SPTs, with none in it
 * @spts: what to initialise; the caller sets @spts->ops and @spts->scratch
 * @sh: the shadow
 * @ggtt: the GGTT
 * @max: the quota of SPTs
 */
void xengt_spts_init(struct xengt_spts *spts, struct xengt_shadow *sh, struct xengt_ggtt *ggtt,
		     unsigned long max)
{
	*spts = (struct xengt_spts){ .sh = sh, .ggtt = ggtt, .max = max };
	init_lists(spts);
	xengt_gpt_pages_init(&spts->pages, sh, &pages_ops);
}

/**
 * xengt_spts_exit - free what is left
 * @spts: the set, without SPTs; Xen does not protect any table page any more
 *
 * Context: process context, may sleep; takes the shadow's lock.
 */
void xengt_spts_exit(struct xengt_spts *spts)
{
	WARN_ON(spts->n);
	xengt_gpt_pages_exit(&spts->pages);
}

/**
 * xengt_spt_mark - mark entries dirty
 * @spt: the SPT
 * @first: the first entry
 * @n: number of entries
 *
 * Context: the shadow's lock is held; not between the two steps of a directory's update.
 */
void xengt_spt_mark(struct xengt_spt *spt, unsigned int first, unsigned int n)
{
	lockdep_assert_held(&spt->spts->sh->lock);
	bitmap_set(spt->dirty, first, n);
	if (list_empty(&spt->dirty_node))
		list_add_tail(&spt->dirty_node, &spt->spts->dirty[spt->level]);
}

/**
 * xengt_spt_mark_all - mark all entries dirty
 * @spt: the SPT
 *
 * Context: as xengt_spt_mark().
 */
void xengt_spt_mark_all(struct xengt_spt *spt)
{
	xengt_spt_mark(spt, 0, xengt_spt_format(spt)->entries);
}

/*
 * In a table of 64 KiB pages each 16th guest entry stands for 16 shadow entries. The other guest
 * entries mean nothing.
 */
static void mark_64k(struct xengt_spt *spt, const unsigned long *mask)
{
	unsigned int i;

	for (i = 0; i < xengt_spt_format(spt)->entries; i += XENGT_64K_PAGES) {
		if (test_bit(i, mask))
			xengt_spt_mark(spt, i, XENGT_64K_PAGES);
	}
}

/* Marks the shadow entries dirty that are made from the guest entries in the mask. */
static void mark_mask(struct xengt_spt *spt, const unsigned long *mask)
{
	unsigned int i;

	if (spt->ips_64k) {
		mark_64k(spt, mask);
		return;
	}
	for_each_set_bit(i, mask, xengt_spt_format(spt)->entries)
		xengt_spt_mark(spt, i, 1);
}

/*
 * Marks the entries dirty whose guest entry is not the one that the shadow entry was made from, and
 * the missing ones. Returns true if there are any.
 */
static bool mark_different(struct xengt_spt *spt)
{
	unsigned int i, n = 0;

	for (i = 0; i < xengt_spt_format(spt)->entries; i++) {
		if (spt->ops->is_made_from(spt, i))
			continue;
		xengt_spt_mark(spt, i, 1);
		n++;
	}
	return n;
}

/*
 * Marks what the guest has written into a page dirty, in all SPTs made from it. Without a mask
 * compares all entries. Returns true if entries were marked, or if there is a mask.
 */
static bool spts_collect(struct xengt_gpage *gpage, const unsigned long *mask)
{
	struct xengt_gpt_page *page = xengt_to_gpt_page(gpage);
	struct xengt_spt *spt;
	bool any = mask;

	list_for_each_entry(spt, &page->spts, page_node) {
		if (mask)
			mark_mask(spt, mask);
		else
			any |= mark_different(spt);
	}
	return any;
}

static bool gpt_page_has_missing(const struct xengt_gpage *gpage)
{
	const struct xengt_gpt_page *page = container_of(gpage, struct xengt_gpt_page, gpage);
	const struct xengt_spt *spt;

	list_for_each_entry(spt, &page->spts, page_node) {
		if (spt->ops->nr_missing(spt))
			return true;
	}
	return false;
}

static const struct xengt_gpages_ops pages_ops = {
	.collect = spts_collect,
	.missing = gpt_page_has_missing,
};

/**
 * xengt_spts_store - carry out a trapped write of the guest to a table page
 * @spts: all SPTs
 * @addr: the guest-physical address, in bytes
 * @data: what the guest writes
 * @len: how many bytes, all within one page
 *
 * Notes the entries as written; the next sync marks them dirty.
 *
 * Context: process context. Takes the dirty lock. Takes the shadow's lock only if it is free and
 * the page is write-hot.
 * Return: true; or false if the page is not a table page or not present, and nothing was written.
 */
bool xengt_spts_store(struct xengt_spts *spts, u64 addr, const void *data, unsigned int len)
{
	if (!xengt_dirty_store(&spts->pages.gpages, addr >> XENGT_PAGE_SHIFT,
			       offset_in_page(addr), data, len))
		return false;
	xengt_count(spts->sh->counters, XENGT_COUNT_TABLE_WRITES, 1);
	return true;
}

/**
 * xengt_spts_mark_ggtt - mark entries dirty that the guest wrote to page directories in the GGTT
 * @spts: all SPTs
 *
 * Context: the shadow's lock is held.
 */
void xengt_spts_mark_ggtt(struct xengt_spts *spts)
{
	struct xengt_spt *spt;
	unsigned long index;

	if (!xengt_ggtt_directories_written(spts->ggtt))
		return;
	list_for_each_entry(spt, &spts->in_ggtt, page_node) {
		for (index = 0; index < xengt_spt_format(spt)->entries; index++) {
			if (xengt_ggtt_directory_take_written(spts->ggtt, spt->ggtt_index + index))
				xengt_spt_mark(spt, index, 1);
		}
	}
}

/* Adds what is scratch in the SPT itself. */
static void search_spt(const struct xengt_spt *spt, struct xengt_spt_search *search)
{
	unsigned long missing = spt->ops->nr_missing(spt);

	search->missing += missing;
	search->scratch += missing + spt->ops->nr_bad(spt);
	search->scratch += spt->page && !xengt_gpt_page_present(spt->page);
}

/**
 * xengt_spt_mark_used - mark an SPT and everything below it as used in the current search
 * @spt: the SPT, or NULL
 * @search: adds what is missing in the SPTs that were not marked before
 *
 * Recurses over at most 4 levels.
 *
 * Context: the shadow's lock is held.
 */
void xengt_spt_mark_used(struct xengt_spt *spt, struct xengt_spt_search *search)
{
	if (!spt || spt->used == spt->spts->sh->used_round)
		return;
	lockdep_assert_held(&spt->spts->sh->lock);
	spt->used = spt->spts->sh->used_round;
	cond_resched();
	search_spt(spt, search);
	spt->ops->mark_used(spt, search);
}

/**
 * xengt_ppgtt_shadow_mark_used - mark all SPTs of a PPGTT as used in the current search
 * @shadow: the PPGTT's shadow
 * @search: adds what is missing in the SPTs that were not marked before
 *
 * Context: the shadow's lock is held.
 */
void xengt_ppgtt_shadow_mark_used(const struct xengt_ppgtt_shadow *shadow,
				  struct xengt_spt_search *search)
{
	unsigned int i;

	for (i = 0; i < XENGT_PPGTT_PDPS; i++)
		xengt_spt_mark_used(shadow->spt[i], search);
}

/**
 * xengt_spts_find_used - start a new search, and mark what the GPU may use
 * @spts: all SPTs
 *
 * That is the GGTT, and the PPGTTs that are pinned or that are being worked on.
 *
 * Context: the shadow's lock is held.
 */
void xengt_spts_find_used(struct xengt_spts *spts)
{
	struct xengt_spt_search search = {};
	struct xengt_ppgtt_shadow *shadow;

	lockdep_assert_held(&spts->sh->lock);
	spts->ggtt->leaf.used = ++spts->sh->used_round;
	list_for_each_entry(shadow, &spts->shadows, node) {
		if (xengt_ppgtt_shadow_is_pinned(shadow))
			xengt_ppgtt_shadow_mark_used(shadow, &search);
	}
}

static void free_shadow(struct kref *ref)
{
	struct xengt_ppgtt_shadow *shadow = container_of(ref, struct xengt_ppgtt_shadow, ref);
	unsigned int i;

	for (i = 0; i < XENGT_PPGTT_PDPS; i++) {
		if (shadow->page[i])
			put_page(shadow->page[i]);
	}
	if (shadow->scratch)
		put_page(shadow->scratch);
	kfree(shadow);
}

/**
 * xengt_ppgtt_shadow_put - put a reference on the shadow of a PPGTT
 * @shadow: the shadow; its last reference is put after it was dropped
 *
 * Context: any.
 */
void xengt_ppgtt_shadow_put(struct xengt_ppgtt_shadow *shadow)
{
	kref_put(&shadow->ref, free_shadow);
}

/**
 * xengt_ppgtt_shadow_new - make a shadow for a PPGTT, without SPTs
 * @spts: all SPTs
 * @owner: the PPGTT's pointer to it, set here; becomes NULL when the shadow is dropped or reclaimed
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: the shadow, with the PPGTT's reference; or NULL if there is no memory.
 */
struct xengt_ppgtt_shadow *xengt_ppgtt_shadow_new(struct xengt_spts *spts,
						  struct xengt_ppgtt_shadow **owner)
{
	struct xengt_ppgtt_shadow *shadow = kzalloc(sizeof(*shadow), GFP_KERNEL);

	if (!shadow)
		return NULL;
	kref_init(&shadow->ref);
	list_add_tail(&shadow->node, &spts->shadows);
	shadow->owner = owner;
	*owner = shadow;
	return shadow;
}

/**
 * xengt_ppgtt_shadow_touch - make a shadow the most recently used one
 * @spts: all SPTs
 * @shadow: the shadow, which will be reclaimed last
 *
 * Context: the shadow's lock is held.
 */
void xengt_ppgtt_shadow_touch(struct xengt_spts *spts, struct xengt_ppgtt_shadow *shadow)
{
	list_move_tail(&shadow->node, &spts->shadows);
}

/**
 * xengt_ppgtt_shadow_drop - take the shadow away from its PPGTT
 * @shadow: the shadow, which may be pinned
 *
 * Puts the top-level SPTs, which frees all SPTs that nothing else uses. If the shadow is pinned,
 * the pages that the GPU reads for the top level stay until the unpin.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_ppgtt_shadow_drop(struct xengt_ppgtt_shadow *shadow)
{
	unsigned int i;

	for (i = 0; i < XENGT_PPGTT_PDPS; i++) {
		if (shadow->spt[i])
			xengt_spt_put(shadow->spt[i]);
		shadow->spt[i] = NULL;
	}
	list_del_init(&shadow->node);
	*shadow->owner = NULL;
	shadow->owner = NULL;
	xengt_ppgtt_shadow_put(shadow);
}

/**
 * xengt_spts_reclaim - drop the least recently used shadow that is not pinned
 * @spts: all SPTs
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: false if there is none.
 */
bool xengt_spts_reclaim(struct xengt_spts *spts)
{
	struct xengt_ppgtt_shadow *shadow;

	lockdep_assert_held(&spts->sh->lock);
	list_for_each_entry(shadow, &spts->shadows, node) {
		if (xengt_ppgtt_shadow_is_pinned(shadow))
			continue;
		xengt_ppgtt_shadow_drop(shadow);
		xengt_count(spts->sh->counters, XENGT_COUNT_RECLAIMED, 1);
		return true;
	}
	return false;
}

/* Reclaims shadows until the quota allows one more SPT. Returns 0 or -ENOSPC. */
static int reclaim_for_one(struct xengt_spts *spts)
{
	while (spts->n >= spts->max) {
		if (!xengt_spts_reclaim(spts)) {
			spts->refused = true;
			return -ENOSPC;
		}
	}
	return 0;
}

/*
 * Makes an SPT, all scratch; the caller sets from what it is made. The GPU reads it from a page, or
 * in the GGTT if @ggtt_index is in the share. Returns ERR_PTR(): -ENOMEM, or -ERANGE if no page is
 * in the device's reach.
 */
static struct xengt_spt *new_spt(struct xengt_spts *spts, unsigned int level,
				 unsigned long ggtt_index)
{
	const struct xengt_spt_ops *ops = spts->ops[level];
	struct xengt_spt *spt = kzalloc(ops->size, GFP_KERNEL);
	int rc;

	if (!spt)
		return ERR_PTR(-ENOMEM);
	spt->spts = spts;
	spt->ops = ops;
	spt->serial = xengt_new_serial();
	spt->level = level;
	spt->ggtt_index = ggtt_index;
	spt->refs = 1;
	INIT_LIST_HEAD(&spt->page_node);
	INIT_LIST_HEAD(&spt->deferred_node);
	INIT_LIST_HEAD(&spt->dirty_node);
	if (ggtt_index == XENGT_NOT_IN_SHARE)
		spt->shadow = xengt_shadow_alloc_page(spts->sh, &spt->bfn);
	rc = PTR_ERR_OR_ZERO(spt->shadow);
	if (rc)
		goto free;
	rc = ops->init(spt);
	if (rc)
		goto put;
	spts->n++;
	xengt_count(spts->sh->counters, XENGT_COUNT_TABLES_MADE, 1);
	return spt;

put:
	if (spt->shadow)
		put_page(spt->shadow);
free:
	kfree(spt);
	return ERR_PTR(rc);
}

static struct xengt_spt *find_spt(struct xengt_gpt_page *page, unsigned int level, bool ips_64k)
{
	struct xengt_spt *spt;

	list_for_each_entry(spt, &page->spts, page_node) {
		if (spt->level == level && spt->ips_64k == ips_64k)
			return spt;
	}
	return NULL;
}

/* Makes an SPT from a guest page. The quota allows one more. */
static struct xengt_spt *new_from_page(struct xengt_spts *spts, u64 gfn, unsigned int level,
				       bool ips_64k)
{
	struct xengt_gpt_page *page;
	struct xengt_spt *spt;

	/* The page first: that there is none is the most common failure, and is found cheaply. */
	page = xengt_gpt_page_find(&spts->pages, gfn) ?:
	       xengt_gpt_page_new(&spts->pages, gfn);
	if (IS_ERR(page))
		return ERR_CAST(page);
	spt = new_spt(spts, level, XENGT_NOT_IN_SHARE);
	if (IS_ERR(spt)) {
		if (list_empty(&page->spts))
			xengt_gpt_page_release(&spts->pages, page);
		return spt;
	}
	spt->page = page;
	spt->ips_64k = ips_64k;
	list_add_tail(&spt->page_node, &page->spts);
	xengt_spt_mark_all(spt);
	return spt;
}

/**
 * xengt_spt_get - get the SPT that is made from a guest page
 * @spts: all SPTs
 * @gfn: the page, a GFN
 * @level: its level as a table
 * @ips_64k: its entries name pages of 64 KiB
 *
 * Makes the SPT if there is none. A new SPT is all scratch, and all its entries are dirty: the next
 * sync fills it. May reclaim shadows.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: the SPT, with a reference for the caller; or ERR_PTR(): -ENOSPC: the quota is used up,
 * and nothing can be reclaimed; -ENOENT: there is no page of plain RAM, or it is in the GTT window;
 * -ENOMEM; -ERANGE: no page for the shadow is in the device's reach; or another error of Xen's.
 */
struct xengt_spt *xengt_spt_get(struct xengt_spts *spts, u64 gfn, unsigned int level,
				bool ips_64k)
{
	struct xengt_gpt_page *page;
	struct xengt_spt *spt;
	int rc;

	lockdep_assert_held(&spts->sh->lock);
	if (xengt_ggtt_has_gfn(spts->ggtt, gfn))
		return ERR_PTR(-ENOENT);
	page = xengt_gpt_page_find(&spts->pages, gfn);
	spt = page ? find_spt(page, level, ips_64k) : NULL;
	if (spt) {
		spt->refs++;
		xengt_count(spts->sh->counters, XENGT_COUNT_TABLES_SHARED, 1);
		return spt;
	}
	/* The reclaim may free the last SPT of the page, and with it the page. */
	rc = reclaim_for_one(spts);
	return rc ? ERR_PTR(rc) : new_from_page(spts, gfn, level, ips_64k);
}

/**
 * xengt_spt_get_split - make a leaf SPT from a large guest entry of level 2
 * @spts: all SPTs
 * @pde: the guest entry, valid
 *
 * All entries of the SPT are scratch and dirty. May reclaim shadows.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: the SPT, with a reference for the caller; or ERR_PTR(): -ENOSPC, -ENOMEM or -ERANGE, as
 * xengt_spt_get().
 */
struct xengt_spt *xengt_spt_get_split(struct xengt_spts *spts, u64 pde)
{
	struct xengt_spt *spt;
	int rc = reclaim_for_one(spts);

	if (rc)
		return ERR_PTR(rc);
	spt = new_spt(spts, 1, XENGT_NOT_IN_SHARE);
	if (IS_ERR(spt))
		return spt;
	spt->split = pde;
	xengt_spt_mark_all(spt);
	return spt;
}

/**
 * xengt_spt_get_in_ggtt - make an SPT from a page directory in the GGTT
 * @spts: all SPTs
 * @index: the directory's first GGTT entry, as an index into the share; see
 *	xengt_ggtt_directory_add()
 * @level: the level of the directory
 *
 * All entries of the SPT are scratch and dirty. May reclaim shadows.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: the SPT, with a reference for the caller; or ERR_PTR(): -ENOSPC or -ENOMEM, as
 * xengt_spt_get().
 */
struct xengt_spt *xengt_spt_get_in_ggtt(struct xengt_spts *spts, unsigned long index,
					unsigned int level)
{
	struct xengt_spt *spt;
	int rc = reclaim_for_one(spts);

	if (rc)
		return ERR_PTR(rc);
	spt = new_spt(spts, level, index);
	if (IS_ERR(spt))
		return spt;
	list_add_tail(&spt->page_node, &spts->in_ggtt);
	xengt_spt_mark_all(spt);
	return spt;
}

/* Takes the SPT off its page's list, and releases a page that has no SPTs left. */
static void leave_page(struct xengt_spt *spt)
{
	list_del(&spt->page_node);
	if (spt->page && list_empty(&spt->page->spts))
		xengt_gpt_page_release(&spt->spts->pages, spt->page);
}

/* Writes a shadow entry of an SPT that has a page of its own, where the GPU sees it. */
void xengt_spt_store(struct xengt_spt *spt, unsigned int index, u64 pte)
{
	const struct xengt_pte_format *format = xengt_spt_format(spt)->pte;
	void *va = page_address(spt->shadow);

	xengt_pte_store(format, va, index, pte);
	xengt_shadow_flush(spt->spts->sh, va + index * format->size, format->size);
}

/*
 * The GPU may still read an SPT that was the root of a pinned PPGTT, or that is in the GGTT. Clears
 * it, and makes the GPU forget its entries, before the children are put. In the GGTT the entries
 * become scratch.
 */
static void zap_shadow(struct xengt_spt *spt)
{
	struct xengt_ggtt *ggtt = spt->spts->ggtt;
	unsigned int i;

	if (spt->shadow && page_count(spt->shadow) == 1)
		return;
	if (spt->shadow)
		xengt_shadow_clear_page(spt->spts->sh, spt->shadow);
	for (i = 0; !spt->shadow && i < xengt_spt_format(spt)->entries; i++)
		xengt_ggtt_directory_write(ggtt, spt->ggtt_index + i,
					   xengt_spts_scratch_entry(spt->spts, spt->level));
	xengt_shadow_invalidate(spt->spts->sh, true);
}

/*
 * Frees the SPT, and the SPTs below of which it holds the last reference; recurses over at most 4
 * levels.
 */
static void free_spt(struct xengt_spt *spt)
{
	struct xengt_spts *spts = spt->spts;

	zap_shadow(spt);
	spt->ops->exit(spt);
	list_del(&spt->dirty_node);
	list_del(&spt->deferred_node);
	leave_page(spt);
	if (spt->shadow)
		put_page(spt->shadow);
	kfree(spt);
	spts->n--;
	xengt_count(spts->sh->counters, XENGT_COUNT_TABLES_FREED, 1);
}

/**
 * xengt_spt_put - put a reference on an SPT
 * @spt: the SPT; the GPU has forgotten the entry that held the reference, or never read it
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_spt_put(struct xengt_spt *spt)
{
	lockdep_assert_held(&spt->spts->sh->lock);
	if (!--spt->refs)
		free_spt(spt);
}

/**
 * xengt_spt_put_deferred - put a reference on an SPT at the end of the sync
 * @spt: the SPT; the GPU may still read the entry that held the reference
 *
 * Context: the shadow's lock is held.
 */
void xengt_spt_put_deferred(struct xengt_spt *spt)
{
	spt->deferred++;
	if (list_empty(&spt->deferred_node))
		list_add_tail(&spt->deferred_node, &spt->spts->deferred);
}

/**
 * xengt_spts_put_deferred - do the deferred puts
 * @spts: all SPTs; the GPU has forgotten the entries that held the references
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_spts_put_deferred(struct xengt_spts *spts)
{
	struct xengt_spt *spt;

	while (!list_empty(&spts->deferred)) {
		spt = list_first_entry(&spts->deferred, struct xengt_spt, deferred_node);
		list_del_init(&spt->deferred_node);
		spt->refs -= spt->deferred - 1;
		spt->deferred = 0;
		xengt_spt_put(spt);
		cond_resched();
	}
}
