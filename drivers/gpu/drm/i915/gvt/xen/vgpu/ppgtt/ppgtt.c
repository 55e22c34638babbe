// SPDX-License-Identifier: GPL-2.0
/*
 * The PPGTTs that were announced: which there are, their shadows, and who uses them.
 *
 * A PPGTT is identified by its root, and shadowed when it is announced. When the quota of SPTs is
 * used up, the shadow of the least recently used PPGTT that is not pinned is reclaimed. The next
 * pin makes it again.
 *
 * A mediator pins a PPGTT for as long as the GPU may use it. The pages of the shadow root stay
 * allocated until the unpin, whatever happens to the PPGTT. When the PPGTT ends, the entries in
 * these pages are cleared, except in tables that another PPGTT shares.
 *
 * The guest announces PPGTTs through PVINFO, and the mediator by calls. Each can take back its own
 * announcements only. A PPGTT ends with the last one of both.
 *
 * A guest's driver may go without destroying its PPGTTs. They end with a reset (see reset.c), or
 * when a new driver has loaded: what the guest announced before that driver started to load
 * belonged to the old one.
 *
 * Invariants:
 *  - A pinned shadow is not reclaimed.
 *  - Nothing is shadowed once the shadow is closed.
 *  - Page directories in the GGTT do not become ordinary entries while their PPGTT is pinned.
 *
 * Locking: the shadow's lock.
 */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "counters.h"
#include "ggtt/ggtt.h"
#include "ppgtt/ppgtt.h"
#include "ppgtt/spt.h"
#include "ppgtt/spt_dir.h"
#include "ppgtt/spt_leaf.h"
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

static bool in_ggtt(const struct xengt_ppgtts *ppgtts)
{
	return ppgtts->sh->format->root_in_ggtt;
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
 * @ppgtts: all PPGTTs
 * @ppgtt: the PPGTT
 * @i: which address of the root
 *
 * An address of 0 names none, as for GVT-g: a PPGTT of 3 levels need not have all four page
 * directories. If the root is in the GGTT, the address is an offset there and may be 0.
 *
 * Context: the shadow's lock is held.
 * Return: true if it does.
 */
bool xengt_ppgtt_root_present(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
			      unsigned int i)
{
	return in_ggtt(ppgtts) || ppgtt->root.pdp[i];
}

/* Returns how many top-level SPTs that the root names the shadow lacks. */
static unsigned int lacking_roots(const struct xengt_ppgtts *ppgtts,
				  const struct xengt_ppgtt *ppgtt)
{
	unsigned int i, lacking = 0;

	for (i = 0; i < xengt_ppgtt_root_tables(&ppgtt->root); i++)
		lacking += !ppgtt->shadow->spt[i] && xengt_ppgtt_root_present(ppgtts, ppgtt, i);
	return lacking;
}

/* Does an entry of any PPGTT miss its page or its table? */
static bool any_missing(const struct xengt_ppgtts *ppgtts)
{
	return ppgtts->sh->nr_missing || !list_empty(&ppgtts->spts.missing);
}

/* Is any entry scratch though it is present? */
static bool any_scratch(const struct xengt_ppgtts *ppgtts)
{
	return any_missing(ppgtts) || ppgtts->sh->nr_bad || ppgtts->spts.nr_bad ||
	       !list_empty(&ppgtts->spts.pages.lost);
}

/* Begins a new search for SPTs in use, and marks those of the shadow as used. */
static void search_shadow(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_shadow *shadow,
			  struct xengt_spt_search *search)
{
	ppgtts->sh->used_round++;
	xengt_ppgtt_shadow_mark_used(shadow, search);
}

/* Counts a pin of a shadow that lacks something. A retry may help. */
static void count_short(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt)
{
	struct xengt_spt_search search = {};
	bool lacks = lacking_roots(ppgtts, ppgtt);

	if (!lacks && any_missing(ppgtts)) {
		search_shadow(ppgtts, ppgtt->shadow, &search);
		lacks = search.missing;
	}

	xengt_count(ppgtts->sh->counters, XENGT_COUNT_PINNED_SHORT, lacks);
}

static struct xengt_spt *get_root(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
				  unsigned int i)
{
	unsigned int level = xengt_ppgtt_root_level(&ppgtt->root);

	if (in_ggtt(ppgtts))
		return xengt_spt_get_in_ggtt(&ppgtts->spts, ppgtt->ggtt_index, level);
	return xengt_spt_get(&ppgtts->spts, ppgtt->root.pdp[i] >> XENGT_PAGE_SHIFT, level,
			       false);
}

/* Gets the top-level SPTs that the shadow lacks. Those that cannot be had are scratch. */
static void get_roots(struct xengt_ppgtts *ppgtts, struct xengt_ppgtt *ppgtt)
{
	struct xengt_ppgtt_shadow *shadow = ppgtt->shadow;
	struct xengt_spt *spt;
	unsigned int i;

	for (i = 0; i < xengt_ppgtt_root_tables(&ppgtt->root); i++) {
		if (shadow->spt[i] || !xengt_ppgtt_root_present(ppgtts, ppgtt, i))
			continue;
		spt = get_root(ppgtts, ppgtt, i);
		if (IS_ERR(spt)) {
			xengt_count(ppgtts->sh->counters, XENGT_COUNT_ROOTS_MISSING, 1);
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

/*
 * Makes the shadow of a PPGTT if there is none, and syncs. What cannot be shadowed is scratch. The
 * extra reference keeps this shadow from being reclaimed meanwhile. Returns 0 or -ENOMEM.
 */
static int make_shadow(struct xengt_ppgtts *ppgtts, struct xengt_ppgtt *ppgtt)
{
	struct xengt_ppgtt_shadow *shadow = ppgtt->shadow;

	if (!shadow) {
		shadow = xengt_ppgtt_shadow_new(&ppgtts->spts, &ppgtt->shadow);
		if (!shadow)
			return -ENOMEM;
		set_page(&shadow->scratch,
			 ppgtts->spts.scratch.page[xengt_ppgtt_root_level(&ppgtt->root)]);
	}
	xengt_ppgtt_shadow_touch(&ppgtts->spts, shadow);
	kref_get(&shadow->ref);
	get_roots(ppgtts, ppgtt);
	set_pages(ppgtt);
	xengt_spts_retry_missing(&ppgtts->spts);
	xengt_spts_sync(&ppgtts->spts);
	xengt_ppgtt_shadow_put(shadow);
	return 0;
}

/*
 * Copies a root in the form in which roots are compared: without address bits below the page, and 0
 * where no address is used. Returns false if the format has no roots of so many levels.
 */
static bool normalize(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *from,
		      struct xengt_ppgtt_root *root)
{
	unsigned int i;

	if (from->levels > XENGT_MAX_LEVELS || !(ppgtts->sh->format->roots & BIT(from->levels)))
		return false;
	*root = (struct xengt_ppgtt_root){ .levels = from->levels };
	for (i = 0; i < xengt_ppgtt_root_tables(root); i++)
		root->pdp[i] = from->pdp[i] & ~(XENGT_PAGE_SIZE - 1);
	return true;
}

static struct xengt_ppgtt *find_ppgtt(struct xengt_ppgtts *ppgtts,
				      const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt *ppgtt;

	list_for_each_entry(ppgtt, &ppgtts->list, node) {
		if (ppgtt->root.levels == root->levels &&
		    !memcmp(ppgtt->root.pdp, root->pdp, sizeof(root->pdp)))
			return ppgtt;
	}
	return NULL;
}

/* Turns GGTT entries into the page directory of the PPGTT, if that is in the GGTT. */
static int reserve_directory(struct xengt_ppgtts *ppgtts, struct xengt_ppgtt *ppgtt)
{
	unsigned long entry = ppgtt->root.pdp[0] >> XENGT_PAGE_SHIFT;
	unsigned int level = xengt_ppgtt_root_level(&ppgtt->root);

	if (!in_ggtt(ppgtts))
		return 0;
	ppgtt->ggtt_index = xengt_share_index(&ppgtts->ggtt->share, entry);
	return xengt_ggtt_directory_add(ppgtts->ggtt, ppgtt->ggtt_index,
					ppgtts->sh->format->level[level].entries,
					xengt_spts_scratch_entry(&ppgtts->spts, level));
}

static void return_directory(struct xengt_ppgtts *ppgtts, struct xengt_ppgtt *ppgtt)
{
	unsigned int level = xengt_ppgtt_root_level(&ppgtt->root);

	if (in_ggtt(ppgtts))
		xengt_ggtt_directory_remove(ppgtts->ggtt, ppgtt->ggtt_index,
					    ppgtts->sh->format->level[level].entries);
}

static struct xengt_ppgtt *new_ppgtt(struct xengt_ppgtts *ppgtts,
				     const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt *ppgtt;
	int rc;

	/* Each PPGTT needs at least one SPT when it is shadowed. */
	if (ppgtts->n >= ppgtts->spts.max)
		return ERR_PTR(-ENOSPC);
	ppgtt = kzalloc(sizeof(*ppgtt), GFP_KERNEL);
	if (!ppgtt)
		return ERR_PTR(-ENOMEM);
	ppgtt->serial = xengt_new_serial();
	ppgtt->root = *root;
	rc = reserve_directory(ppgtts, ppgtt);
	if (rc) {
		kfree(ppgtt);
		return ERR_PTR(rc);
	}
	list_add_tail(&ppgtt->node, &ppgtts->list);
	ppgtts->n++;
	return ppgtt;
}

/*
 * Keeps an ended PPGTT with a page directory in the GGTT until the unpin. The GPU may still use the
 * directory, so its entries must not become ordinary ones, which name pages. They are scratch.
 */
static void keep_directory(struct xengt_ppgtts *ppgtts, struct xengt_ppgtt *ppgtt)
{
	struct xengt_ppgtt_shadow *shadow = ppgtt->shadow;

	kref_get(&shadow->ref);
	xengt_ppgtt_shadow_drop(shadow);
	ppgtt->shadow = shadow;
	list_move_tail(&ppgtt->node, &ppgtts->ended);
}

static void free_ppgtt(struct xengt_ppgtts *ppgtts, struct xengt_ppgtt *ppgtt)
{
	ppgtts->n--;
	if (in_ggtt(ppgtts) && xengt_ppgtt_is_pinned(ppgtt)) {
		keep_directory(ppgtts, ppgtt);
		return;
	}
	if (ppgtt->shadow)
		xengt_ppgtt_shadow_drop(ppgtt->shadow);
	return_directory(ppgtts, ppgtt);
	list_del(&ppgtt->node);
	kfree(ppgtt);
}

static void free_ended(struct xengt_ppgtt *ppgtt)
{
	xengt_ppgtt_shadow_put(ppgtt->shadow);
	list_del(&ppgtt->node);
	kfree(ppgtt);
}

/* Frees ended PPGTTs that were unpinned: their directories become ordinary GGTT entries again. */
static void return_ended(struct xengt_ppgtts *ppgtts)
{
	struct xengt_ppgtt *ppgtt, *next;

	if (ppgtts->sh->closed)
		return;
	list_for_each_entry_safe(ppgtt, next, &ppgtts->ended, node) {
		if (xengt_ppgtt_is_pinned(ppgtt))
			continue;
		return_directory(ppgtts, ppgtt);
		free_ended(ppgtt);
	}
}

/* Announces a PPGTT @n times. 0 or an error, when it is announced as often as before. */
static int create(struct xengt_ppgtts *ppgtts, enum xengt_announcer by,
		  const struct xengt_ppgtt_root *root, unsigned int n)
{
	struct xengt_ppgtt *ppgtt = find_ppgtt(ppgtts, root);
	int rc;

	if (ppgtts->sh->closed)
		return -ENODEV;
	if (ppgtt && n > UINT_MAX - xengt_ppgtt_announced(ppgtt))
		return -ENOSPC;
	return_ended(ppgtts);
	if (!ppgtt)
		ppgtt = new_ppgtt(ppgtts, root);
	if (IS_ERR(ppgtt))
		return PTR_ERR(ppgtt);
	rc = make_shadow(ppgtts, ppgtt);
	if (rc && !xengt_ppgtt_announced(ppgtt))
		free_ppgtt(ppgtts, ppgtt);
	if (!rc)
		ppgtt->announced[by] += n;
	return rc;
}

/**
 * xengt_ppgtts_create - announce a PPGTT, for the first time or once more
 * @ppgtts: all PPGTTs
 * @by: who announces it
 * @root: its root
 *
 * Shadows it, as far as quotas and memory allow, and syncs.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 * Return: 0; -EINVAL: the generation has no such roots; -ENOSPC: too many PPGTTs or announcements;
 * -ERANGE: a page directory in the GGTT that is not in one range of the share; -EBUSY: one that
 * overlaps another directory, also of an ended PPGTT that is pinned; -ENOMEM; -ENODEV: the shadow
 * is closed.
 */
int xengt_ppgtts_create(struct xengt_ppgtts *ppgtts, enum xengt_announcer by,
			const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt_root name;
	int rc;

	if (!normalize(ppgtts, root, &name))
		return -EINVAL;
	mutex_lock(&ppgtts->sh->lock);
	rc = create(ppgtts, by, &name, 1);
	mutex_unlock(&ppgtts->sh->lock);
	return rc;
}

/**
 * xengt_ppgtts_restore - announce a PPGTT as often as the guest had
 * @ppgtts: all PPGTTs
 * @root: its root
 * @announced: how many announcements the guest had not taken back, at least 1
 * @old: how many of these were old, see xengt_ppgtts_mark_old(); at most @announced
 *
 * As so many calls of xengt_ppgtts_create() for the guest, but with one sync.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 * Return: as xengt_ppgtts_create(). On an error nothing is announced.
 */
int xengt_ppgtts_restore(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root,
			 unsigned int announced, unsigned int old)
{
	struct xengt_ppgtt_root name;
	int rc;

	if (!normalize(ppgtts, root, &name))
		return -EINVAL;
	mutex_lock(&ppgtts->sh->lock);
	rc = create(ppgtts, XENGT_BY_GUEST, &name, announced);
	if (!rc)
		find_ppgtt(ppgtts, &name)->old += old;
	mutex_unlock(&ppgtts->sh->lock);
	return rc;
}

static int destroy(struct xengt_ppgtts *ppgtts, enum xengt_announcer by,
		   const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt *ppgtt = find_ppgtt(ppgtts, root);
	bool last;

	if (!ppgtt || !ppgtt->announced[by])
		return -ENOENT;
	last = xengt_ppgtt_announced(ppgtt) == 1;
	if (last && in_ggtt(ppgtts) && xengt_ppgtt_is_pinned(ppgtt))
		return -EBUSY;
	ppgtt->announced[by]--;
	ppgtt->old = min(ppgtt->old, ppgtt->announced[XENGT_BY_GUEST]);
	if (last)
		free_ppgtt(ppgtts, ppgtt);
	return 0;
}

/**
 * xengt_ppgtts_destroy - take back an announcement of a PPGTT, and sync
 * @ppgtts: all PPGTTs
 * @by: whose announcement it is
 * @root: its root
 *
 * The PPGTT ends with its last announcement.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 * Return: 0; -EINVAL: the generation has no such roots; -ENOENT: it is not announced, or not by
 * @by; -EBUSY: it is the last announcement of a pinned PPGTT with a page directory in the GGTT.
 */
int xengt_ppgtts_destroy(struct xengt_ppgtts *ppgtts, enum xengt_announcer by,
			 const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt_root name;
	int rc;

	if (!normalize(ppgtts, root, &name))
		return -EINVAL;
	mutex_lock(&ppgtts->sh->lock);
	rc = destroy(ppgtts, by, &name);
	xengt_ppgtts_sync(ppgtts);
	mutex_unlock(&ppgtts->sh->lock);
	return rc;
}

/**
 * xengt_ppgtt_shadow_root - get the address in the shadow's root that replaces one of the guest's
 * @ppgtts: all PPGTTs
 * @ppgtt: a PPGTT with a shadow
 * @i: which address of the root
 *
 * Context: the shadow's lock is held.
 * Return: the bus address, in bytes, of the top-level SPT or of a scratch SPT; for a page directory
 * in the GGTT its graphics address, which is the guest's.
 */
u64 xengt_ppgtt_shadow_root(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
			    unsigned int i)
{
	const struct xengt_spt *spt = ppgtt->shadow->spt[i];
	unsigned int level = xengt_ppgtt_root_level(&ppgtt->root);

	if (in_ggtt(ppgtts))
		return ppgtt->root.pdp[i];
	return (spt ? spt->bfn : ppgtts->spts.scratch.bfn[level]) << XENGT_PAGE_SHIFT;
}

/* Stores the shadow's root; addresses that the root does not use are 0. */
static void store_roots(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt, u64 *bus)
{
	unsigned int i;

	memset(bus, 0, XENGT_PPGTT_PDPS * sizeof(*bus));
	for (i = 0; i < xengt_ppgtt_root_tables(&ppgtt->root); i++)
		bus[i] = xengt_ppgtt_shadow_root(ppgtts, ppgtt, i);
}

static struct xengt_ppgtt_shadow *pin(struct xengt_ppgtts *ppgtts,
				      const struct xengt_ppgtt_root *root, u64 *shadow)
{
	struct xengt_ppgtt *ppgtt = find_ppgtt(ppgtts, root);
	int rc;

	if (ppgtts->sh->closed)
		return ERR_PTR(-ENODEV);
	return_ended(ppgtts);
	if (!ppgtt)
		return ERR_PTR(-ENOENT);
	rc = make_shadow(ppgtts, ppgtt);
	if (rc)
		return ERR_PTR(rc);
	count_short(ppgtts, ppgtt);
	store_roots(ppgtts, ppgtt, shadow);
	kref_get(&ppgtt->shadow->ref);
	return ppgtt->shadow;
}

/**
 * xengt_ppgtts_pin - sync the shadow of a PPGTT, and pin it
 * @ppgtts: all PPGTTs
 * @root: its root
 * @shadow: receives the shadow's root: XENGT_PPGTT_PDPS addresses as those of
 *	xengt_ppgtt_shadow_root()
 *
 * Makes the shadow again if it was reclaimed.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 * Return: the shadow, for xengt_ppgtt_unpin(); or ERR_PTR(): -EINVAL: the generation has no such
 * roots; -ENOENT: it is not announced; -ENOMEM; -ENODEV: the shadow is closed.
 */
struct xengt_ppgtt_shadow *xengt_ppgtts_pin(struct xengt_ppgtts *ppgtts,
					    const struct xengt_ppgtt_root *root, u64 *shadow)
{
	struct xengt_ppgtt_root name;
	struct xengt_ppgtt_shadow *pinned;

	if (!normalize(ppgtts, root, &name))
		return ERR_PTR(-EINVAL);
	mutex_lock(&ppgtts->sh->lock);
	pinned = pin(ppgtts, &name, shadow);
	mutex_unlock(&ppgtts->sh->lock);
	return pinned;
}

static int count_scratch(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_shadow *shadow,
			 unsigned long *scratch)
{
	const struct xengt_ppgtt *ppgtt;
	struct xengt_spt_search search = {};

	if (ppgtts->sh->closed)
		return -ENODEV;
	if (!shadow->owner)
		return -ENOENT;
	ppgtt = container_of(shadow->owner, struct xengt_ppgtt, shadow);
	if (any_scratch(ppgtts))
		search_shadow(ppgtts, shadow, &search);
	*scratch = lacking_roots(ppgtts, ppgtt) + search.scratch;
	return 0;
}

/**
 * xengt_ppgtts_scratch - count the entries of a PPGTT that are scratch, though they are present
 * @ppgtts: all PPGTTs
 * @shadow: the PPGTT's shadow, pinned
 * @scratch: receives the count, see struct xengt_spt_search; a table of the root counts as an entry
 *
 * Context: process context, may sleep; takes the shadow's lock.
 * Return: 0; -ENOENT: the PPGTT has ended; -ENODEV: the shadow is closed.
 */
int xengt_ppgtts_scratch(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_shadow *shadow,
			 unsigned long *scratch)
{
	int rc;

	mutex_lock(&ppgtts->sh->lock);
	rc = count_scratch(ppgtts, shadow, scratch);
	mutex_unlock(&ppgtts->sh->lock);
	return rc;
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

/**
 * xengt_ppgtts_sync - bring everything that the guest wrote before the call into the shadow
 * @ppgtts: all PPGTTs
 *
 * Syncs the GGTT, too.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_ppgtts_sync(struct xengt_ppgtts *ppgtts)
{
	lockdep_assert_held(&ppgtts->sh->lock);
	return_ended(ppgtts);
	xengt_spts_sync(&ppgtts->spts);
}

/**
 * xengt_ppgtts_rescan - rescan all table pages after a balloon event, and sync
 * @ppgtts: all PPGTTs
 *
 * Tries missing entries again, as the tables may have come back.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_ppgtts_rescan(struct xengt_ppgtts *ppgtts)
{
	lockdep_assert_held(&ppgtts->sh->lock);
	return_ended(ppgtts);
	xengt_spts_rescan(&ppgtts->spts);
	xengt_spts_retry_missing(&ppgtts->spts);
	xengt_spts_sync(&ppgtts->spts);
}

static void end_all(struct xengt_ppgtts *ppgtts)
{
	struct xengt_ppgtt *ppgtt, *next;

	lockdep_assert_held(&ppgtts->sh->lock);
	list_for_each_entry_safe(ppgtt, next, &ppgtts->list, node)
		free_ppgtt(ppgtts, ppgtt);
}

/* Tries missing entries again: PPGTTs have ended, so there may be quota or memory for them now. */
static void sync_ended(struct xengt_ppgtts *ppgtts)
{
	xengt_spts_retry_missing(&ppgtts->spts);
	xengt_spts_sync(&ppgtts->spts);
}

/**
 * xengt_ppgtts_reset - end all PPGTTs, whoever announced them and how often, and sync
 * @ppgtts: all PPGTTs
 *
 * The top-level entries of pinned PPGTTs are cleared; in the GGTT they are scratch until the unpin.
 * Does nothing if the shadow is closed.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 */
void xengt_ppgtts_reset(struct xengt_ppgtts *ppgtts)
{
	mutex_lock(&ppgtts->sh->lock);
	if (!ppgtts->sh->closed) {
		end_all(ppgtts);
		return_ended(ppgtts);
		sync_ended(ppgtts);
	}
	mutex_unlock(&ppgtts->sh->lock);
}

/**
 * xengt_ppgtts_mark_old - mark the guest's announcements old: a driver of it starts to load
 * @ppgtts: all PPGTTs
 *
 * None of the guest's announcements so far is the new driver's.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 */
void xengt_ppgtts_mark_old(struct xengt_ppgtts *ppgtts)
{
	struct xengt_ppgtt *ppgtt;

	mutex_lock(&ppgtts->sh->lock);
	list_for_each_entry(ppgtt, &ppgtts->list, node)
		ppgtt->old = ppgtt->announced[XENGT_BY_GUEST];
	mutex_unlock(&ppgtts->sh->lock);
}

static unsigned int take_back_old(struct xengt_ppgtts *ppgtts, struct xengt_ppgtt *ppgtt)
{
	unsigned int old = ppgtt->old;

	ppgtt->old = 0;
	ppgtt->announced[XENGT_BY_GUEST] -= old;
	if (!xengt_ppgtt_announced(ppgtt))
		free_ppgtt(ppgtts, ppgtt);
	return old;
}

/**
 * xengt_ppgtts_end_old - take back old announcements, since a driver of the guest has loaded
 * @ppgtts: all PPGTTs
 *
 * PPGTTs that were announced only by the guest, and before the driver started to load, end. Syncs
 * if any announcement was old.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 * Return: how many announcements were taken back.
 */
unsigned long xengt_ppgtts_end_old(struct xengt_ppgtts *ppgtts)
{
	struct xengt_ppgtt *ppgtt, *next;
	unsigned long n = 0;

	mutex_lock(&ppgtts->sh->lock);
	list_for_each_entry_safe(ppgtt, next, &ppgtts->list, node)
		n += take_back_old(ppgtts, ppgtt);
	if (n)
		sync_ended(ppgtts);
	mutex_unlock(&ppgtts->sh->lock);
	return n;
}

/**
 * xengt_ppgtts_find - find a PPGTT by its root
 * @ppgtts: all PPGTTs
 * @root: its root
 *
 * Context: the shadow's lock is held.
 * Return: the PPGTT; NULL if it is not announced; ERR_PTR(-EINVAL) if the generation has no such
 * roots.
 */
struct xengt_ppgtt *xengt_ppgtts_find(struct xengt_ppgtts *ppgtts,
				      const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt_root name;

	lockdep_assert_held(&ppgtts->sh->lock);
	return normalize(ppgtts, root, &name) ? find_ppgtt(ppgtts, &name) : ERR_PTR(-EINVAL);
}

/* Is the root as that of an announced PPGTT is kept: without what does not identify it? */
bool xengt_ppgtts_is_name(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt_root name;

	return normalize(ppgtts, root, &name) && !memcmp(name.pdp, root->pdp, sizeof(name.pdp));
}

/**
 * xengt_ppgtts_next - find the PPGTT with the lowest serial that is not below a given one
 * @ppgtts: all PPGTTs
 * @serial: the lowest serial to return
 *
 * Context: the shadow's lock is held.
 * Return: the PPGTT; or NULL if there is none.
 */
struct xengt_ppgtt *xengt_ppgtts_next(struct xengt_ppgtts *ppgtts, u64 serial)
{
	struct xengt_ppgtt *ppgtt, *next = NULL;

	lockdep_assert_held(&ppgtts->sh->lock);
	list_for_each_entry(ppgtt, &ppgtts->list, node) {
		if (ppgtt->serial >= serial && (!next || ppgtt->serial < next->serial))
			next = ppgtt;
	}
	return next;
}

/* Sets the functions of each level. This is not in spt.c, which does not know the kinds of SPTs. */
static void set_ops(struct xengt_spts *spts)
{
	unsigned int level;

	spts->ops[1] = &xengt_spt_leaf_ops;
	for (level = 2; level <= XENGT_MAX_LEVELS; level++)
		spts->ops[level] = &xengt_spt_dir_ops;
}

/**
 * xengt_ppgtts_init - initialise the PPGTTs of a virtual GPU, with none announced
 * @ppgtts: what to initialise
 * @sh: the shadow
 * @ggtt: the GGTT
 * @max_tables: the quota of SPTs, and of PPGTTs
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOMEM; or -ERANGE if no page is in the device's reach. On an error there is nothing
 * to exit.
 */
int xengt_ppgtts_init(struct xengt_ppgtts *ppgtts, struct xengt_shadow *sh, struct xengt_ggtt *ggtt,
		      unsigned long max_tables)
{
	*ppgtts = (struct xengt_ppgtts){ .sh = sh, .ggtt = ggtt };
	INIT_LIST_HEAD(&ppgtts->list);
	INIT_LIST_HEAD(&ppgtts->ended);
	xengt_spts_init(&ppgtts->spts, sh, ggtt, max_tables);
	set_ops(&ppgtts->spts);
	return xengt_spt_scratch_init(&ppgtts->spts.scratch, sh, ggtt);
}

/**
 * xengt_ppgtts_close - end all PPGTTs for good
 * @ppgtts: all PPGTTs; the shadow is closed
 *
 * No guest page is a table page afterwards, except those that cannot be unprotected yet.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 */
void xengt_ppgtts_close(struct xengt_ppgtts *ppgtts)
{
	mutex_lock(&ppgtts->sh->lock);
	end_all(ppgtts);
	mutex_unlock(&ppgtts->sh->lock);
}

/**
 * xengt_ppgtts_exit - free what is left
 * @ppgtts: all PPGTTs, closed; nobody else uses them any more
 *
 * Pinned PPGTTs keep the pages of their shadow roots until the unpin.
 *
 * Context: process context, may sleep; takes the shadow's lock.
 */
void xengt_ppgtts_exit(struct xengt_ppgtts *ppgtts)
{
	struct xengt_ppgtt *ppgtt, *next;

	/* xengt_spt_scratch_exit() clears the GGTT entries of their page directories. */
	list_for_each_entry_safe(ppgtt, next, &ppgtts->ended, node)
		free_ended(ppgtt);
	xengt_spts_exit(&ppgtts->spts);
	xengt_spt_scratch_exit(&ppgtts->spts.scratch, ppgtts->sh, ppgtts->ggtt);
}
