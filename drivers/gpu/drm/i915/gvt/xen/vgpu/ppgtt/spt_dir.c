// SPDX-License-Identifier: GPL-2.0
/*
 * Directories: SPTs whose entries point to SPTs of the level below.
 *
 * A guest entry of a directory names a page that is a table of the level below, or a large page.
 * The SPT that is made from that is the entry's child, and the shadow entry points to the child. If
 * the child allows it (see spt_leaf.c), the shadow entry is a large one itself. The shadow entry
 * points to the scratch SPT if there is no child.
 *
 * An entry that the guest has written is updated in two steps: xengt_spt_dir_update() gets the new
 * child, and after the children were filled xengt_spt_dir_write() writes the shadow entry.
 *
 * Invariants:
 *  - A new child is filled before the shadow entry points to it.
 *  - An old child is put after the GPU has forgotten the shadow entry.
 *  - An entry holds one reference on its child.
 *
 * Locking: the shadow's lock.
 */

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "counters.h"
#include "ggtt/ggtt.h"
#include "ppgtt/gpt_page.h"
#include "ppgtt/spt.h"
#include "ppgtt/spt_dir.h"

/* Reads a guest entry as it is now. The entries of a lost page read as 0. */
static u64 dir_read_guest(const struct xengt_spt *spt, unsigned int i)
{
	if (!spt->page)
		return spt->spts->ggtt->leaf.guest[spt->ggtt_index + i];
	if (!xengt_gpt_page_present(spt->page))
		return 0;
	return xengt_pte_load(xengt_spt_format(spt)->pte, spt->page->gpage.va, i);
}

static bool dir_is_made_from(const struct xengt_spt *spt, unsigned int i)
{
	const struct xengt_spt_dir *dir = xengt_to_spt_dir(spt);

	return dir_read_guest(spt, i) == dir->entries[i].guest && !test_bit(i, dir->missing);
}

static unsigned long dir_nr_missing(const struct xengt_spt *spt)
{
	return xengt_to_spt_dir(spt)->nr_missing;
}

static unsigned long dir_nr_bad(const struct xengt_spt *spt)
{
	return xengt_to_spt_dir(spt)->nr_bad;
}

static void dir_mark_children_used(struct xengt_spt *spt, struct xengt_spt_search *search)
{
	struct xengt_spt_dir *dir = xengt_to_spt_dir(spt);
	unsigned int i;

	for (i = 0; i < xengt_spt_format(spt)->entries; i++)
		xengt_spt_mark_used(dir->entries[i].child, search);
}

/**
 * xengt_spt_dir_read_shadow - read a shadow entry as the GPU sees it
 * @spt: the directory
 * @i: the entry's index
 *
 * Context: the shadow's lock is held.
 * Return: the shadow entry.
 */
u64 xengt_spt_dir_read_shadow(const struct xengt_spt *spt, unsigned int i)
{
	if (!spt->shadow)
		return spt->spts->ggtt->leaf.shadow[spt->ggtt_index + i];
	return xengt_pte_load(xengt_spt_format(spt)->pte, page_address(spt->shadow), i);
}

/*
 * Encodes the shadow entry that points to a child. It is a large entry, or one that says that the
 * table has 64 KiB pages, only if the child allows it.
 */
static u64 child_entry(const struct xengt_spt *spt, const struct xengt_spt *child, u64 guest)
{
	const struct xengt_level *format = xengt_spt_format(spt);

	if (child->split && child->large)
		return xengt_pte_encode(format->large_pte, child->large_frame, guest);
	if (child->split)
		return xengt_pte_encode(format->pte, child->bfn, format->table_flags);
	if (child->ips_64k && !child->large)
		guest &= ~format->ips_64k;
	return xengt_pte_encode(format->pte, child->bfn, guest);
}

/* Writes the shadow entry for the present child. Returns true if it changed. */
static bool dir_write_entry(struct xengt_spt_dir *dir, unsigned int i)
{
	const struct xengt_spt_entry *entry = &dir->entries[i];
	struct xengt_spt *spt = &dir->spt;
	u64 pte = entry->child ? child_entry(spt, entry->child, entry->guest) :
		  xengt_spts_scratch_entry(spt->spts, spt->level);

	if (xengt_spt_dir_read_shadow(spt, i) == pte)
		return false;
	if (spt->shadow) {
		xengt_spt_store(spt, i, pte);
		xengt_count(spt->spts->sh->counters, XENGT_COUNT_GPU_WRITES, 1);
	} else {
		xengt_ggtt_directory_write(spt->spts->ggtt, spt->ggtt_index + i, pte);
	}
	return true;
}

/**
 * xengt_spt_set_large - set whether the parent entries of an SPT may be large ones
 * @spt: the SPT; if @large, it has at most XENGT_LARGE_PARENTS parent entries
 * @large: they may be
 * @frame: the frame that they name then, if the SPT is a split; else 0
 *
 * Rewrites the parent entries, but only if something changes. The caller makes the GPU forget the
 * old entries.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_spt_set_large(struct xengt_spt *spt, bool large, u64 frame)
{
	struct xengt_spt_entry *entry;

	if (large == spt->large && frame == spt->large_frame)
		return;
	spt->large = large;
	spt->large_frame = frame;
	hlist_for_each_entry(entry, &spt->parents, node)
		dir_write_entry(entry->dir, entry - entry->dir->entries);
	xengt_count(spt->spts->sh->counters, XENGT_COUNT_PARENTS_REWRITTEN, spt->nr_parents);
	cond_resched();
}

/*
 * The entry leads to its child from now on. Returns true if the child has so many parent entries
 * now that those before could not stay large ones and were rewritten.
 */
static bool link_child(struct xengt_spt_entry *entry)
{
	struct xengt_spt *child = entry->child;

	hlist_add_head(&entry->node, &child->parents);
	if (++child->nr_parents <= XENGT_LARGE_PARENTS || !child->large)
		return false;
	xengt_spt_set_large(child, false, 0);
	return true;
}

static void unlink_child(struct xengt_spt_entry *entry)
{
	hlist_del(&entry->node);
	entry->child->nr_parents--;
}

/*
 * The new child becomes the present one. The old child is put at the end of the sync. Returns true
 * if other parent entries of the new child were rewritten.
 */
static bool switch_child(struct xengt_spt_entry *entry)
{
	if (entry->child) {
		unlink_child(entry);
		xengt_spt_put_deferred(entry->child);
	}
	entry->guest = entry->next_guest;
	entry->child = entry->next;
	entry->next = NULL;
	return entry->child && link_child(entry);
}

/**
 * xengt_spt_dir_write - write the shadow entries that xengt_spt_dir_update() prepared
 * @spt: the directory; all new children were filled
 *
 * The caller makes the GPU forget the old entries, and puts the old children after that.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: true if a shadow entry changed, of this directory or of another one.
 */
bool xengt_spt_dir_write(struct xengt_spt *spt)
{
	struct xengt_spt_dir *dir = xengt_to_spt_dir(spt);
	unsigned int n = xengt_spt_format(spt)->entries, i;
	bool changed = false;

	lockdep_assert_held(&spt->spts->sh->lock);
	for_each_set_bit(i, spt->dirty, n) {
		changed |= switch_child(&dir->entries[i]);
		changed |= dir_write_entry(dir, i);
	}
	bitmap_zero(spt->dirty, n);
	return changed;
}

/*
 * Gets the child for a guest entry. Returns NULL if the entry is not present, or ERR_PTR():
 * -EOPNOTSUPP for a large page on a level that does not support them (1 GiB), -EINVAL if reserved
 * bits are set, or an error of xengt_spt_get() or xengt_spt_get_split().
 */
static struct xengt_spt *get_child(struct xengt_spt *spt, u64 pte)
{
	const struct xengt_level *format = xengt_spt_format(spt);
	bool large = pte & format->large;

	if (!xengt_pte_present(format->pte, pte))
		return NULL;
	if (large && !format->large_pte)
		return ERR_PTR(-EOPNOTSUPP);
	if (!xengt_pte_valid(large ? format->large_pte : format->pte, pte))
		return ERR_PTR(-EINVAL);
	if (large)
		return xengt_spt_get_split(spt->spts, pte);
	return xengt_spt_get(spt->spts, xengt_pte_frame(format->pte, pte), spt->level - 1,
			     pte & format->ips_64k);
}

static void dir_count_error(struct xengt_spts *spts, int error)
{
	struct xengt_counters *counters = spts->sh->counters;

	switch (error) {
	case -EOPNOTSUPP:
		xengt_count(counters, XENGT_COUNT_REFUSED_1G, 1);
		break;
	case -EINVAL:
		xengt_count(counters, XENGT_COUNT_BAD_ENTRIES, 1);
		break;
	case -ENOSPC:
		xengt_count(counters, XENGT_COUNT_SCRATCHED_TABLES, 1);
		break;
	case -ENOMEM:
		spts->nomem = true;
		fallthrough;
	default:
		xengt_count_scratched(counters, error);
		break;
	}
}

static void dir_set_missing(struct xengt_spt_dir *dir, unsigned int i, bool missing)
{
	if (missing == test_bit(i, dir->missing))
		return;
	__change_bit(i, dir->missing);
	dir->nr_missing += missing ? 1 : -1;
	if (!dir->nr_missing)
		list_del_init(&dir->missing_node);
	else if (list_empty(&dir->missing_node))
		list_add_tail(&dir->missing_node, &dir->spt.spts->missing);
}

static void dir_set_bad(struct xengt_spt_dir *dir, unsigned int i, bool bad)
{
	if (bad == test_bit(i, dir->bad))
		return;
	__change_bit(i, dir->bad);
	dir->nr_bad += bad ? 1 : -1;
	dir->spt.spts->nr_bad += bad ? 1 : -1;
}

/* Gets the new child of a written entry. Clears the entry's dirty bit if nothing is to be done. */
static void dir_update_entry(struct xengt_spt_dir *dir, unsigned int i)
{
	struct xengt_spt_entry *entry = &dir->entries[i];
	struct xengt_spt *spt = &dir->spt, *child;
	u64 pte = dir_read_guest(spt, i);
	bool bad;
	int rc;

	if (pte == entry->guest && !test_bit(i, dir->missing)) {
		__clear_bit(i, spt->dirty);
		return;
	}
	child = get_child(spt, pte);
	rc = PTR_ERR_OR_ZERO(child);
	if (rc)
		dir_count_error(spt->spts, rc);
	entry->next_guest = pte;
	entry->next = rc ? NULL : child;
	bad = rc == -EINVAL || rc == -EOPNOTSUPP;
	dir_set_missing(dir, i, rc && !bad);
	dir_set_bad(dir, i, bad);
}

/**
 * xengt_spt_dir_update - get the new children of the entries that the guest has written
 * @spt: the directory
 *
 * New children are marked dirty, so that the same sync fills them. The shadow entries point to the
 * old children until xengt_spt_dir_write(). An entry whose child could not be had is missing,
 * unless the guest entry itself is the reason.
 *
 * Context: process context, may sleep; the shadow's lock is held. Idle PPGTTs may be reclaimed.
 */
void xengt_spt_dir_update(struct xengt_spt *spt)
{
	struct xengt_spt_dir *dir = xengt_to_spt_dir(spt);
	unsigned int i;

	lockdep_assert_held(&spt->spts->sh->lock);
	/* Getting a child may reclaim SPTs: keep this one. */
	spt->refs++;
	for_each_set_bit(i, spt->dirty, xengt_spt_format(spt)->entries)
		dir_update_entry(dir, i);
	xengt_spt_put_deferred(spt);
}

static void dir_exit_entry(struct xengt_spt_entry *entry)
{
	if (entry->child) {
		unlink_child(entry);
		xengt_spt_put(entry->child);
	}
	if (entry->next)
		xengt_spt_put(entry->next);
}

static void dir_exit(struct xengt_spt *spt)
{
	struct xengt_spt_dir *dir = xengt_to_spt_dir(spt);
	unsigned int i;

	for (i = 0; dir->entries && i < xengt_spt_format(spt)->entries; i++)
		dir_exit_entry(&dir->entries[i]);
	list_del(&dir->missing_node);
	spt->spts->nr_bad -= dir->nr_bad;
	bitmap_free(dir->bad);
	bitmap_free(dir->missing);
	kvfree(dir->entries);
}

static int dir_init(struct xengt_spt *spt)
{
	struct xengt_spt_dir *dir = xengt_to_spt_dir(spt);
	unsigned int n = xengt_spt_format(spt)->entries, i;

	INIT_LIST_HEAD(&dir->missing_node);
	dir->entries = kvcalloc(n, sizeof(*dir->entries), GFP_KERNEL);
	dir->missing = bitmap_zalloc(n, GFP_KERNEL);
	dir->bad = bitmap_zalloc(n, GFP_KERNEL);
	if (!dir->entries || !dir->missing || !dir->bad) {
		dir_exit(spt);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		dir->entries[i].dir = dir;
		dir_write_entry(dir, i);
	}
	return 0;
}

const struct xengt_spt_ops xengt_spt_dir_ops = {
	.size = sizeof(struct xengt_spt_dir),
	.init = dir_init,
	.exit = dir_exit,
	.is_made_from = dir_is_made_from,
	.nr_missing = dir_nr_missing,
	.nr_bad = dir_nr_bad,
	.mark_used = dir_mark_children_used,
};
