// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest wrote to its pages of entries and is not in the shadow yet.
 *
 * A trapped write is done and recorded, and the vCPU goes on. That takes a spinlock and no
 * hypercall. A sync collects the entries that were written. It comes when the guest synchronises
 * its tables, or late (see late_sync.c).
 *
 * A write-protected page of RAM that the guest writes often is write-hot: it can become unsync (see
 * unsync.c).
 *
 * Invariants: a trapped write is done and recorded in one critical section of the dirty lock. So a
 * sync collects all writes that were done before it.
 *
 * Locking: the dirty lock for what trapped writes do, the shadow's lock for everything else.
 */

#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "shadow/dirty.h"
#include "shadow/gpage.h"
#include "shadow/late_sync.h"
#include "shadow/shadow.h"
#include "shadow/unsync.h"
#include "trace.h"

static unsigned int unsync_writes = 4;
module_param(unsync_writes, uint, 0644);
MODULE_PARM_DESC(unsync_writes, "Trapped writes to a page after which it becomes unsync (4)");

static const char * const mode_names[XENGT_NR_MODES] = {
	[XENGT_MODE_STRICT] = "strict",
	[XENGT_MODE_POSTED] = "posted",
	[XENGT_MODE_HYBRID] = "hybrid",
};

const char *xengt_mode_name(enum xengt_mode mode)
{
	return mode_names[mode];
}

/* Returns the mode of that name, which may end with a newline; or -EINVAL. */
int xengt_mode_find(const char *name)
{
	return __sysfs_match_string(mode_names, XENGT_NR_MODES, name);
}

void xengt_dirty_init(struct xengt_shadow *sh)
{
	struct xengt_dirty *dirty = &sh->dirty;

	spin_lock_init(&dirty->lock);
	INIT_LIST_HEAD(&dirty->written);
	INIT_LIST_HEAD(&dirty->hot);
	INIT_LIST_HEAD(&dirty->unsync);
}

/* Checks that nothing is left: no access is handled any more, and all pages are removed. */
void xengt_dirty_exit(struct xengt_shadow *sh)
{
	WARN_ON(!list_empty(&sh->dirty.written) || !list_empty(&sh->dirty.hot) ||
		!list_empty(&sh->dirty.unsync));
}

/* Writes an aligned 4 or 8 byte value with one store, so that other vCPUs read an entry whole. */
static void store_whole(void *to, const void *data, unsigned int len)
{
	u64 wide;
	u32 narrow;

	if (len == sizeof(wide) && IS_ALIGNED((unsigned long)to, sizeof(wide))) {
		memcpy(&wide, data, sizeof(wide));
		WRITE_ONCE(*(u64 *)to, wide);
	} else if (len == sizeof(narrow) && IS_ALIGNED((unsigned long)to, sizeof(narrow))) {
		memcpy(&narrow, data, sizeof(narrow));
		WRITE_ONCE(*(u32 *)to, narrow);
	} else {
		memcpy(to, data, len);
	}
}

/* Counts a write to the page, after the halvings since the last write. */
static void count_write(struct xengt_gpage *page, unsigned int halvings)
{
	page->write_count >>= min(halvings - page->halvings, 31u);
	page->halvings = halvings;
	page->write_count++;
}

/* Does a write to the page, and records the entries that it touches. */
static void write_page(struct xengt_dirty *dirty, struct xengt_gpage *page,
		       unsigned int offset, const void *data, unsigned int len)
{
	unsigned int size = page->pages->sh->format->ggtt->size;
	unsigned int first = offset / size, last = (offset + len - 1) / size;

	lockdep_assert_held(&dirty->lock);
	store_whole((u8 *)page->va + offset, data, len);
	bitmap_set(page->written, first, last - first + 1);
	if (list_empty(&page->written_node))
		list_add_tail(&page->written_node, &dirty->written);
	dirty->nr_written++;
	count_write(page, dirty->halvings);
}

/* Queues the page for unsync if it is write-hot; returns true if it is. */
static bool queue_hot(struct xengt_dirty *dirty, struct xengt_gpage *page)
{
	lockdep_assert_held(&dirty->lock);
	if (READ_ONCE(dirty->mode) != XENGT_MODE_HYBRID || !page->memory ||
	    page->write_count < READ_ONCE(unsync_writes))
		return false;
	if (list_empty(&page->hot_node))
		list_add_tail(&page->hot_node, &dirty->hot);
	return true;
}

/*
 * Does a trapped write of @len bytes at @offset (in bytes) of a page, and records the entries that
 * it touches. Plans a late sync if one is needed, and makes pages around a write-hot one unsync.
 * Returns false if there is no such page, or it is not mapped. The caller may hold the shadow's
 * lock, but need not.
 */
bool xengt_dirty_store(struct xengt_gpages *pages, unsigned long key,
		       unsigned int offset, const void *data, unsigned int len)
{
	struct xengt_shadow *sh = pages->sh;
	struct xengt_dirty *dirty = &sh->dirty;
	struct xengt_gpage *page;
	unsigned int nr_written = 0;
	bool hot = false;

	spin_lock(&dirty->lock);
	page = xa_load(&pages->pages, key);
	if (page && page->va) {
		write_page(dirty, page, offset, data, len);
		nr_written = dirty->nr_written;
		hot = queue_hot(dirty, page);
	}
	spin_unlock(&dirty->lock);
	if (!nr_written)
		return false;
	xengt_late_sync_written(sh, nr_written);
	if (hot)
		xengt_unsync_around(pages, key);
	return true;
}

/*
 * Takes the first page off the list @written, moves its record of written entries to dirty->mask,
 * and returns it; NULL if the list is empty.
 */
static struct xengt_gpage *next_written(struct xengt_dirty *dirty,
					struct list_head *written)
{
	struct xengt_gpage *page;

	spin_lock(&dirty->lock);
	page = list_first_entry_or_null(written, struct xengt_gpage, written_node);
	if (page) {
		list_del_init(&page->written_node);
		bitmap_copy(dirty->mask, page->written, XENGT_TABLE_ENTRIES);
		bitmap_zero(page->written, XENGT_TABLE_ENTRIES);
	}
	spin_unlock(&dirty->lock);
	return page;
}

/*
 * Begins a sync: collects the entries that were written before, each page once. A write to a page
 * that was collected already is left to the next sync. So this sync ends, and an entry is not in
 * the update twice. Also collects unsync pages, and makes write-hot pages unsync.
 *
 * A sync halves the write counts, but a late one does not: on a slow machine late syncs come after
 * every few writes, and no page would become write-hot.
 */
void xengt_dirty_collect(struct xengt_shadow *sh)
{
	struct xengt_dirty *dirty = &sh->dirty;
	struct xengt_gpage *page;
	unsigned int nr_written;
	LIST_HEAD(written);

	lockdep_assert_held(&sh->lock);
	/* Cancel first: a late sync that a later write plans must stay. */
	xengt_late_sync_cancel(sh);
	spin_lock(&dirty->lock);
	list_splice_init(&dirty->written, &written);
	nr_written = dirty->nr_written;
	dirty->halvings += !dirty->late;
	dirty->nr_written = 0;
	spin_unlock(&dirty->lock);
	trace_xengt_sync(sh->domid, dirty->nr_unsync, nr_written);
	xengt_unsync_collect(sh);
	while ((page = next_written(dirty, &written))) {
		if (page->va)
			page->pages->ops->collect(page, dirty->mask);
		cond_resched();
	}
	xengt_unsync_write_hot(sh);
}

/* Notes a balloon event, after which a GFN may have another page. Takes no lock. */
void xengt_dirty_want_rescan(struct xengt_shadow *sh)
{
	WRITE_ONCE(sh->dirty.rescan_due, true);
}

/* Begins a rescan of all pages, which covers the balloon events so far. */
void xengt_dirty_begin_rescan(struct xengt_shadow *sh)
{
	lockdep_assert_held(&sh->lock);
	sh->dirty.rescan_left = false;
	WRITE_ONCE(sh->dirty.rescan_due, false);
	/* Clear the flag before the rescan: a later event sets it again. */
	smp_mb();
}

/*
 * The rescan leaves a page for want of memory: the next sync, a late one at the latest, rescans
 * again. Until then the page is treated as after a balloon event.
 */
void xengt_dirty_leave_rescan(struct xengt_shadow *sh)
{
	lockdep_assert_held(&sh->lock);
	sh->dirty.rescan_left = true;
	WRITE_ONCE(sh->dirty.rescan_due, true);
}

/*
 * Changes the mode. Unless that is hybrid, resyncs all unsync pages. The caller syncs what was
 * written before.
 */
void xengt_dirty_set_mode(struct xengt_shadow *sh, enum xengt_mode mode)
{
	lockdep_assert_held(&sh->lock);
	WRITE_ONCE(sh->dirty.mode, mode);
	if (mode != XENGT_MODE_HYBRID)
		xengt_unsync_resync_all(sh);
}
