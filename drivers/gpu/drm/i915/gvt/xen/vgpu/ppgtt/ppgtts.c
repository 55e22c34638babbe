// SPDX-License-Identifier: GPL-2.0
/*
 * The set of PPGTTs that were announced: which there are, who announced them, and when they end.
 *
 * A PPGTT (ppgtt.c) is shadowed when it is announced. When the quota of SPTs is used up, the shadow
 * of the least recently used PPGTT that is not pinned is reclaimed. The next pin makes it again.
 *
 * The guest announces PPGTTs through PVINFO, and the mediator by calls. Each can take back its own
 * announcements only. A PPGTT ends with the last one of both.
 *
 * A guest's driver may go without destroying its PPGTTs. They end with a reset (see reset.c), or
 * when a new driver has loaded: what the guest announced before that driver started to load
 * belonged to the old one.
 *
 * Invariants:
 *  - Nothing is shadowed once the shadow is closed.
 *  - Page directories in the GGTT do not become ordinary entries while their PPGTT is pinned.
 *
 * Locking: the shadow's lock.
 */

#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ggtt/ggtt.h"
#include "ppgtt/ppgtt.h"
#include "ppgtt/ppgtts.h"
#include "ppgtt/spt.h"
#include "ppgtt/spt_dir.h"
#include "ppgtt/spt_leaf.h"
#include "ppgtt/spt_scratch.h"
#include "ppgtt/sync.h"
#include "shadow/shadow.h"

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

/* Adds a PPGTT to the set, with no shadow and not announced. */
static struct xengt_ppgtt *add_ppgtt(struct xengt_ppgtts *ppgtts,
				     const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt *ppgtt;

	/* Each PPGTT needs at least one SPT when it is shadowed. */
	if (ppgtts->n >= ppgtts->spts.max)
		return ERR_PTR(-ENOSPC);
	ppgtt = xengt_ppgtt_new(&ppgtts->spts, root);
	if (IS_ERR(ppgtt))
		return ppgtt;
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
	if (xengt_spts_root_in_ggtt(&ppgtts->spts) && xengt_ppgtt_is_pinned(ppgtt)) {
		keep_directory(ppgtts, ppgtt);
		return;
	}
	if (ppgtt->shadow)
		xengt_ppgtt_shadow_drop(ppgtt->shadow);
	xengt_ppgtt_return_directory(&ppgtts->spts, ppgtt);
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
		xengt_ppgtt_return_directory(&ppgtts->spts, ppgtt);
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
		ppgtt = add_ppgtt(ppgtts, root);
	if (IS_ERR(ppgtt))
		return PTR_ERR(ppgtt);
	rc = xengt_ppgtt_make_shadow(&ppgtts->spts, ppgtt);
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
	if (last && xengt_spts_root_in_ggtt(&ppgtts->spts) && xengt_ppgtt_is_pinned(ppgtt))
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
	rc = xengt_ppgtt_make_shadow(&ppgtts->spts, ppgtt);
	if (rc)
		return ERR_PTR(rc);
	xengt_ppgtt_count_short(&ppgtts->spts, ppgtt);
	xengt_ppgtt_store_roots(&ppgtts->spts, ppgtt, shadow);
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

	if (ppgtts->sh->closed)
		return -ENODEV;
	if (!shadow->owner)
		return -ENOENT;
	ppgtt = container_of(shadow->owner, struct xengt_ppgtt, shadow);
	*scratch = xengt_ppgtt_count_scratch(&ppgtts->spts, ppgtt);
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
