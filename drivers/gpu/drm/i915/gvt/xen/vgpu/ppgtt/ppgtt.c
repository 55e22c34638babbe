// SPDX-License-Identifier: GPL-2.0
/*
 * One PPGTT: its root, its shadow, and its page directory if that is in the GGTT.
 *
 * A PPGTT is identified by its root. ppgtts.c has the set of all that were announced.
 *
 * A mediator pins a PPGTT for as long as the GPU may use it. The pages of the shadow root stay
 * allocated until the unpin, whatever happens to the PPGTT. When the PPGTT ends, the entries in
 * these pages are cleared, except in tables that another PPGTT shares.
 *
 * Invariants:
 *  - A pinned shadow is not reclaimed.
 *  - Where there is no top-level SPT, the shadow's root has a scratch SPT.
 *
 * Locking: the shadow's lock.
 */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "counters.h"
#include "ggtt/ggtt.h"
#include "ppgtt/ppgtt.h"
#include "ppgtt/spt.h"
#include "ppgtt/spt_scratch.h"
#include "ppgtt/sync.h"
#include "shadow/shadow.h"

/**
 * xengt_ppgtt_root_tables - get the number of top-level tables that a root names
 * @root: the root
 *
 * Return: 4 with 3 levels (four page directories), otherwise 1.
 */
unsigned int xengt_ppgtt_root_tables(const struct xengt_ppgtt_root *root)
{
	return root->levels == 3 ? XENGT_PPGTT_PDPS : 1;
}

/**
 * xengt_ppgtt_root_level - get the level of the top-level tables that a root names
 * @root: the root
 *
 * Return: the level, counted from 1 (struct xengt_level).
 */
unsigned int xengt_ppgtt_root_level(const struct xengt_ppgtt_root *root)
{
	return root->levels == 3 ? 2 : root->levels;
}

/**
 * xengt_ppgtt_announced - get the number of announcements of a PPGTT
 * @ppgtt: the PPGTT
 *
 * Context: the shadow's lock is held.
 * Return: how many announcements, of all announcers, were not taken back.
 */
unsigned int xengt_ppgtt_announced(const struct xengt_ppgtt *ppgtt)
{
	return ppgtt->announced[XENGT_BY_GUEST] + ppgtt->announced[XENGT_BY_MEDIATOR];
}

/**
 * xengt_ppgtt_is_pinned - is a PPGTT pinned
 * @ppgtt: the PPGTT
 *
 * Context: the shadow's lock is held.
 * Return: true if it has a shadow and that is pinned.
 */
bool xengt_ppgtt_is_pinned(const struct xengt_ppgtt *ppgtt)
{
	return ppgtt->shadow && xengt_ppgtt_shadow_is_pinned(ppgtt->shadow);
}

/**
 * xengt_ppgtt_root_present - does a PPGTT's root name a table in this place
 * @spts: all SPTs
 * @ppgtt: the PPGTT
 * @i: which address of the root
 *
 * An address of 0 names none, as for GVT-g: a PPGTT of 3 levels need not have all four page
 * directories. If the root is in the GGTT, the address is an offset there and may be 0.
 *
 * Context: the shadow's lock is held.
 * Return: true if it does.
 */
bool xengt_ppgtt_root_present(const struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt,
			      unsigned int i)
{
	return xengt_spts_root_in_ggtt(spts) || ppgtt->root.pdp[i];
}

/* Returns how many top-level SPTs that the root names the shadow lacks. */
static unsigned int lacking_roots(const struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt)
{
	unsigned int i, lacking = 0;

	for (i = 0; i < xengt_ppgtt_root_tables(&ppgtt->root); i++)
		lacking += !ppgtt->shadow->spt[i] && xengt_ppgtt_root_present(spts, ppgtt, i);
	return lacking;
}

/* Does an entry of any PPGTT miss its page or its table? */
static bool any_missing(const struct xengt_spts *spts)
{
	return spts->sh->nr_missing || !list_empty(&spts->missing);
}

/* Is any entry scratch though it is present? */
static bool any_scratch(const struct xengt_spts *spts)
{
	return any_missing(spts) || spts->sh->nr_bad || spts->nr_bad ||
	       !list_empty(&spts->pages.lost);
}

/* Begins a new search for SPTs in use, and marks those of the shadow as used. */
static void search_shadow(struct xengt_spts *spts, const struct xengt_ppgtt_shadow *shadow,
			  struct xengt_spt_search *search)
{
	spts->sh->used_round++;
	xengt_ppgtt_shadow_mark_used(shadow, search);
}

/**
 * xengt_ppgtt_count_short - count a pin of a PPGTT whose shadow lacks something
 * @spts: all SPTs
 * @ppgtt: the PPGTT, with a shadow
 *
 * A retry may help.
 *
 * Context: the shadow's lock is held.
 */
void xengt_ppgtt_count_short(struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt)
{
	struct xengt_spt_search search = {};
	bool lacks = lacking_roots(spts, ppgtt);

	if (!lacks && any_missing(spts)) {
		search_shadow(spts, ppgtt->shadow, &search);
		lacks = search.missing;
	}

	xengt_count(spts->sh->counters, XENGT_COUNT_PINNED_SHORT, lacks);
}

/**
 * xengt_ppgtt_count_scratch - count the entries of a PPGTT that are present, but scratch
 * @spts: all SPTs
 * @ppgtt: the PPGTT, with a shadow
 *
 * Context: the shadow's lock is held.
 * Return: the count, see struct xengt_spt_search; a table of the root counts as an entry.
 */
unsigned long xengt_ppgtt_count_scratch(struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt)
{
	struct xengt_spt_search search = {};

	if (any_scratch(spts))
		search_shadow(spts, ppgtt->shadow, &search);
	return lacking_roots(spts, ppgtt) + search.scratch;
}

static struct xengt_spt *get_root(struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt,
				  unsigned int i)
{
	unsigned int level = xengt_ppgtt_root_level(&ppgtt->root);

	if (xengt_spts_root_in_ggtt(spts))
		return xengt_spt_get_in_ggtt(spts, ppgtt->ggtt_index, level);
	return xengt_spt_get(spts, ppgtt->root.pdp[i] >> XENGT_PAGE_SHIFT, level, false);
}

/* Gets the top-level SPTs that the shadow lacks. Those that cannot be had are scratch. */
static void get_roots(struct xengt_spts *spts, struct xengt_ppgtt *ppgtt)
{
	struct xengt_ppgtt_shadow *shadow = ppgtt->shadow;
	struct xengt_spt *spt;
	unsigned int i;

	for (i = 0; i < xengt_ppgtt_root_tables(&ppgtt->root); i++) {
		if (shadow->spt[i] || !xengt_ppgtt_root_present(spts, ppgtt, i))
			continue;
		spt = get_root(spts, ppgtt, i);
		if (IS_ERR(spt)) {
			xengt_count(spts->sh->counters, XENGT_COUNT_ROOTS_MISSING, 1);
			spt = NULL;
		}
		shadow->spt[i] = spt;
	}
}

/* Moves a reference: gets one on @page (or NULL), and puts the one that *@to held. */
static void set_page(struct page **to, struct page *page)
{
	if (page)
		get_page(page);
	if (*to)
		put_page(*to);
	*to = page;
}

/* Gets references on the pages that the GPU reads for the top-level tables. */
static void set_pages(struct xengt_ppgtt *ppgtt)
{
	struct xengt_ppgtt_shadow *shadow = ppgtt->shadow;
	unsigned int i;

	for (i = 0; i < xengt_ppgtt_root_tables(&ppgtt->root); i++)
		set_page(&shadow->page[i],
			 shadow->spt[i] ? shadow->spt[i]->shadow : shadow->scratch);
}

/**
 * xengt_ppgtt_make_shadow - make the shadow of a PPGTT if there is none, and sync
 * @spts: all SPTs
 * @ppgtt: the PPGTT
 *
 * What cannot be shadowed is scratch.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: 0 or -ENOMEM.
 */
int xengt_ppgtt_make_shadow(struct xengt_spts *spts, struct xengt_ppgtt *ppgtt)
{
	struct xengt_ppgtt_shadow *shadow = ppgtt->shadow;
	unsigned int level = xengt_ppgtt_root_level(&ppgtt->root);

	lockdep_assert_held(&spts->sh->lock);
	if (!shadow) {
		shadow = xengt_ppgtt_shadow_new(spts, &ppgtt->shadow);
		if (!shadow)
			return -ENOMEM;
		set_page(&shadow->scratch, spts->scratch.page[level]);
	}
	xengt_ppgtt_shadow_touch(spts, shadow);
	/* This shadow is not reclaimed meanwhile. */
	kref_get(&shadow->ref);
	get_roots(spts, ppgtt);
	set_pages(ppgtt);
	xengt_spts_retry_missing(spts);
	xengt_spts_sync(spts);
	xengt_ppgtt_shadow_put(shadow);
	return 0;
}

/**
 * xengt_ppgtt_shadow_root - get the address in the shadow's root that replaces one of the guest's
 * @spts: all SPTs
 * @ppgtt: a PPGTT with a shadow
 * @i: which address of the root
 *
 * Context: the shadow's lock is held.
 * Return: the bus address, in bytes, of the top-level SPT or of a scratch SPT; for a page directory
 * in the GGTT its graphics address, which is the guest's.
 */
u64 xengt_ppgtt_shadow_root(const struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt,
			    unsigned int i)
{
	const struct xengt_spt *spt = ppgtt->shadow->spt[i];
	unsigned int level = xengt_ppgtt_root_level(&ppgtt->root);

	if (xengt_spts_root_in_ggtt(spts))
		return ppgtt->root.pdp[i];
	return (spt ? spt->bfn : spts->scratch.bfn[level]) << XENGT_PAGE_SHIFT;
}

/**
 * xengt_ppgtt_store_roots - store the shadow's root
 * @spts: all SPTs
 * @ppgtt: the PPGTT, with a shadow
 * @bus: receives XENGT_PPGTT_PDPS addresses as those of xengt_ppgtt_shadow_root(); those that the
 *	root does not use are 0
 *
 * Context: the shadow's lock is held.
 */
void xengt_ppgtt_store_roots(const struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt,
			     u64 *bus)
{
	unsigned int i;

	memset(bus, 0, XENGT_PPGTT_PDPS * sizeof(*bus));
	for (i = 0; i < xengt_ppgtt_root_tables(&ppgtt->root); i++)
		bus[i] = xengt_ppgtt_shadow_root(spts, ppgtt, i);
}

/* Turns GGTT entries into the page directory of the PPGTT, if that is in the GGTT. */
static int reserve_directory(struct xengt_spts *spts, struct xengt_ppgtt *ppgtt)
{
	unsigned long entry = ppgtt->root.pdp[0] >> XENGT_PAGE_SHIFT;
	unsigned int level = xengt_ppgtt_root_level(&ppgtt->root);

	if (!xengt_spts_root_in_ggtt(spts))
		return 0;
	ppgtt->ggtt_index = xengt_share_index(&spts->ggtt->share, entry);
	return xengt_ggtt_directory_add(spts->ggtt, ppgtt->ggtt_index,
					spts->sh->format->level[level].entries,
					xengt_spts_scratch_entry(spts, level));
}

/**
 * xengt_ppgtt_return_directory - turn the page directory of a PPGTT into ordinary GGTT entries
 * @spts: all SPTs
 * @ppgtt: the PPGTT, not pinned
 *
 * Does nothing if the directory is not in the GGTT.
 *
 * Context: the shadow's lock is held.
 */
void xengt_ppgtt_return_directory(struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt)
{
	unsigned int level = xengt_ppgtt_root_level(&ppgtt->root);

	lockdep_assert_held(&spts->sh->lock);
	if (xengt_spts_root_in_ggtt(spts))
		xengt_ggtt_directory_remove(spts->ggtt, ppgtt->ggtt_index,
					    spts->sh->format->level[level].entries);
}

/**
 * xengt_ppgtt_new - make a PPGTT, with no shadow and not announced
 * @spts: all SPTs
 * @root: its root
 *
 * If its page directory is in the GGTT, the entries there become that directory.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: the PPGTT, to be freed with kfree() when its directory was returned; or ERR_PTR():
 * -ENOMEM; -ERANGE: a page directory in the GGTT that is not in one range of the share; -EBUSY: one
 * that overlaps another directory.
 */
struct xengt_ppgtt *xengt_ppgtt_new(struct xengt_spts *spts, const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt *ppgtt = kzalloc(sizeof(*ppgtt), GFP_KERNEL);
	int rc;

	lockdep_assert_held(&spts->sh->lock);
	if (!ppgtt)
		return ERR_PTR(-ENOMEM);
	ppgtt->serial = xengt_new_serial();
	ppgtt->root = *root;
	rc = reserve_directory(spts, ppgtt);
	if (rc) {
		kfree(ppgtt);
		return ERR_PTR(rc);
	}
	return ppgtt;
}

/**
 * xengt_ppgtt_unpin - unpin a PPGTT, which the GPU does not use any more
 * @ppgtt: the return value of xengt_ppgtt_pin()
 *
 * May be called at any time, also when the PPGTT has ended or the virtual GPU is gone.
 *
 * Context: any.
 */
void xengt_ppgtt_unpin(struct xengt_ppgtt_shadow *ppgtt)
{
	xengt_ppgtt_shadow_put(ppgtt);
}
EXPORT_SYMBOL_GPL(xengt_ppgtt_unpin);
