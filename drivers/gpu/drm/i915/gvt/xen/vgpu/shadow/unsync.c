// SPDX-License-Identifier: GPL-2.0
/*
 * Unsync pages: pages of guest entries that are not write-protected for a while. Writes to them are
 * not trapped, and each sync scans them for entries that changed.
 *
 * A page becomes write-hot when many writes to it were trapped. The end of a sync makes write-hot
 * pages unsync, except those that a vCPU is in the middle of a write to: Xen crashes a guest whose
 * page becomes plain RAM under a string instruction (see xen/ioreq_server.c). For the same reason a
 * page does not become unsync in the trap that makes it write-hot. But the pages around it do, so
 * that the guest's next writes there are not trapped. If neighbouring pages become write-hot one
 * after the other, more of the pages ahead become unsync each time: a guest that writes its whole
 * GTT is trapped only in few pages of it.
 *
 * A page is resynced, that is, write-protected again and scanned, if idle_syncs syncs in a row
 * found no change. So is a page with a missing entry: if the guest writes the same value again,
 * only a trap shows that.
 *
 * Invariants: a page that is resynced is write-protected before it is scanned for the last time. A
 * page that is unsync is in the list of unsync pages. There are at most unsync_max of them, which
 * bounds a sync. A page becomes unsync only in hybrid mode.
 *
 * Locking: the shadow's lock. The dirty lock protects the list of write-hot pages.
 */

#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "counters.h"
#include "shadow/gpage.h"
#include "shadow/late_sync.h"
#include "shadow/leaf.h"
#include "shadow/shadow.h"
#include "shadow/unsync.h"
#include "trace.h"

/* How many pages ahead become unsync, at least and at most, and by which factor that grows */
#define AHEAD_MIN	8
#define AHEAD_MAX	1024
#define AHEAD_FACTOR	8
/* The most ranges of write-hot pages that one sync makes unsync, and the most pages of one range */
#define HOT_RANGES	64
#define HOT_RANGE_MAX	64
/* The most pages that one sync tries to resync */
#define RESYNC_MAX	64

static unsigned int unsync_max = 4096;
module_param(unsync_max, uint, 0644);
MODULE_PARM_DESC(unsync_max, "The most unsync pages of a guest (4096)");

static unsigned int unsync_around = 64;
module_param(unsync_around, uint, 0644);
MODULE_PARM_DESC(unsync_around, "Pages of the GGTT that become unsync with a write-hot one (64)");

static unsigned int idle_syncs = 1024;
module_param(idle_syncs, uint, 0644);
MODULE_PARM_DESC(idle_syncs, "Syncs without a change after which a page is resynced (1024)");

/* Is the page mapped and write-protected? @page can be NULL. */
static bool is_protected(const struct xengt_gpage *page)
{
	return page && page->va && page->memory && !page->unsync;
}

/* Returns how many pages from @key on, at most @most, can become unsync together. */
static unsigned int count_unsyncable(struct xengt_gpages *pages, unsigned long key,
				     unsigned long most)
{
	unsigned long max = READ_ONCE(unsync_max);
	struct xengt_gpage *page;
	unsigned int n = 0;

	most = min(most, max - min(pages->sh->dirty.nr_unsync, max));
	while (n < most) {
		page = xa_load(&pages->pages, key + n);
		if (!is_protected(page) || pages->ops->missing(page))
			break;
		n++;
	}
	return n;
}

/* Marks @n pages from @key on as unsync. */
static void note_unsync(struct xengt_gpages *pages, unsigned long key, unsigned int n)
{
	struct xengt_dirty *dirty = &pages->sh->dirty;
	struct xengt_gpage *page;
	unsigned int i;

	spin_lock(&dirty->lock);
	for (i = 0; i < n; i++) {
		page = xa_load(&pages->pages, key + i);
		page->unsync = true;
		page->idle = 0;
		page->write_count = 0;
		list_del_init(&page->hot_node);
		list_add_tail(&page->unsync_node, &dirty->unsync);
	}
	spin_unlock(&dirty->lock);
	dirty->nr_unsync += n;
	xengt_count(pages->sh->counters, XENGT_COUNT_PAGES_UNSYNCED, n);
}

/* Restarts the count of a page that cannot become unsync, so that not each write tries again. */
static void reset_write_count(struct xengt_gpages *pages, unsigned long key)
{
	struct xengt_dirty *dirty = &pages->sh->dirty;
	struct xengt_gpage *page = xa_load(&pages->pages, key);

	spin_lock(&dirty->lock);
	page->write_count = 0;
	spin_unlock(&dirty->lock);
}

/*
 * Makes @most pages from @key on unsync, or those before the first one that cannot be. Returns how
 * many became unsync.
 */
static unsigned int unsync_pages(struct xengt_gpages *pages, unsigned long key,
				 unsigned int most)
{
	struct xengt_shadow *sh = pages->sh;
	unsigned int n;
	int done;

	lockdep_assert_held(&sh->lock);
	if (sh->closed || sh->dirty.mode != XENGT_MODE_HYBRID)
		return 0;
	n = count_unsyncable(pages, key, most);
	if (!n)
		return 0;
	done = xengt_gpages_unprotect(pages, key, n);
	if (done < 0) {
		if (done != -EBUSY)
			reset_write_count(pages, key);
		return 0;
	}
	note_unsync(pages, key, done);
	xengt_late_sync_unsync(sh);
	trace_xengt_unsync(sh->domid, pages->base + key, done);
	return done;
}

/* Makes @n pages from @key on unsync, and skips those that cannot be. */
static void unsync_range(struct xengt_gpages *pages, unsigned long key, unsigned long n)
{
	unsigned long done;

	for (; n; n -= done, key += done)
		done = min(unsync_pages(pages, key, n) + 1ul, n);
}

static bool is_unsync(struct xengt_gpages *pages, unsigned long key)
{
	const struct xengt_gpage *page = xa_load(&pages->pages, key);

	return page && page->unsync;
}

/*
 * Chooses the range of pages that become unsync because the page @key is write-hot: from *@first to
 * before *@end. It is the aligned group of unsync_around pages around @key. If @key is the page
 * after the last such range, pages ahead are added, AHEAD_FACTOR times as many as the last time.
 */
static void choose_around(const struct xengt_gpages *pages, unsigned long key,
			  unsigned long *first, unsigned long *end)
{
	unsigned int around = pages->no_locality ? 1 :
			      clamp(READ_ONCE(unsync_around), 1u, 1u * AHEAD_MAX);

	*first = key - key % around;
	*end = *first + around;
	if (key == pages->next_key)
		*end = max(*end, key + 1 + clamp(AHEAD_FACTOR * pages->ahead, 1ul * AHEAD_MIN,
						 1ul * AHEAD_MAX));
}

/* Makes the pages around @key unsync, but not that page itself: a write to it is under way. */
static void unsync_around_hot(struct xengt_gpages *pages, unsigned long key)
{
	unsigned long first, end, next = key + 1;

	choose_around(pages, key, &first, &end);
	unsync_range(pages, first, key - first);
	unsync_range(pages, key + 1, end - key - 1);
	while (next < end && is_unsync(pages, next))
		next++;
	WRITE_ONCE(pages->last_hot, key);
	pages->next_key = next;
	pages->ahead = next - key - 1;
}

/*
 * Makes pages around and ahead of the write-hot page @key unsync. Called in the trap that made it
 * write-hot, after the write is done and before the vCPU goes on. A trap must not wait for a sync:
 * does nothing if the shadow's lock is taken, and the next write tries again.
 */
void xengt_unsync_around(struct xengt_gpages *pages, unsigned long key)
{
	struct xengt_shadow *sh = pages->sh;

	if (READ_ONCE(pages->last_hot) == key || !mutex_trylock(&sh->lock))
		return;
	unsync_around_hot(pages, key);
	mutex_unlock(&sh->lock);
}

/*
 * Takes the first page off the list @hot, and the write-hot pages with the keys that follow.
 * Returns how many they are, at most HOT_RANGE_MAX, and the first one in *@first.
 */
static unsigned int next_hot_range(struct xengt_dirty *dirty, struct list_head *hot,
				   struct xengt_gpage **first)
{
	struct xengt_gpage *page;
	unsigned int n = 0;

	spin_lock(&dirty->lock);
	page = list_first_entry_or_null(hot, struct xengt_gpage, hot_node);
	*first = page;
	while (page && !list_empty(&page->hot_node) && n < HOT_RANGE_MAX) {
		list_del_init(&page->hot_node);
		n++;
		page = xa_load(&page->pages->pages, page->key + 1);
	}
	spin_unlock(&dirty->lock);
	return n;
}

/*
 * Ends a sync: makes at most HOT_RANGES ranges of write-hot pages unsync; later syncs do the rest.
 */
void xengt_unsync_write_hot(struct xengt_shadow *sh)
{
	struct xengt_dirty *dirty = &sh->dirty;
	struct xengt_gpage *page;
	unsigned int ranges, n;
	LIST_HEAD(hot);

	lockdep_assert_held(&sh->lock);
	spin_lock(&dirty->lock);
	list_splice_init(&dirty->hot, &hot);
	spin_unlock(&dirty->lock);
	for (ranges = 0; ranges < HOT_RANGES; ranges++) {
		n = next_hot_range(dirty, &hot, &page);
		if (!n)
			break;
		unsync_range(page->pages, page->key, n);
	}
	spin_lock(&dirty->lock);
	list_splice(&hot, &dirty->hot);
	spin_unlock(&dirty->lock);
	xengt_late_sync_unsync(sh);
}

/*
 * Write-protects an unsync page again. Returns false if it stays unsync: Xen refuses, or a rescan
 * is due. In the latter case the GFN may have another page than the mapped one, and trapped writes
 * would go to the wrong page; the rescan deals with each unsync page.
 */
static bool resync_page(struct xengt_gpage *page)
{
	struct xengt_shadow *sh = page->pages->sh;

	if (READ_ONCE(sh->dirty.rescan_due) || !xengt_gpage_write_protect(page))
		return false;
	trace_xengt_resync(sh->domid, xengt_gpage_gfn(page), page->idle);
	xengt_gpage_forget_unsync(page);
	page->unsure = true;
	xengt_count(sh->counters, XENGT_COUNT_PAGES_RESYNCED, 1);
	return true;
}

/*
 * Scans a page and collects the entries that changed, whether the writes were trapped or not.
 * Returns true if there were any.
 */
static bool collect_unsync_page(struct xengt_gpage *page)
{
	struct xengt_dirty *dirty = &page->pages->sh->dirty;

	spin_lock(&dirty->lock);
	list_del_init(&page->written_node);
	bitmap_zero(page->written, XENGT_TABLE_ENTRIES);
	spin_unlock(&dirty->lock);
	xengt_count(page->pages->sh->counters, XENGT_COUNT_UNSYNC_SCANS, 1);
	return page->va && page->pages->ops->collect(page, NULL);
}

/* Is the page idle, does it have a missing entry, or does the mode not allow unsync pages? */
static bool wants_resync(const struct xengt_gpage *page)
{
	return page->idle >= READ_ONCE(idle_syncs) || page->pages->ops->missing(page) ||
	       page->pages->sh->dirty.mode != XENGT_MODE_HYBRID;
}

/* Resyncs a page, or moves it to the list @refused. */
static void resync_or_refuse(struct xengt_gpage *page, struct list_head *refused)
{
	if (resync_page(page))
		return;
	list_move_tail(&page->unsync_node, refused);
	/* An idle page has to be idle once more before this is tried again. */
	page->idle = 0;
}

/*
 * Collects the entries that changed in unsync pages, and resyncs at most RESYNC_MAX of these. Pages
 * that stay unsync though they were tried go to the end of the list: the next sync tries others.
 */
void xengt_unsync_collect(struct xengt_shadow *sh)
{
	struct xengt_gpage *page, *next;
	unsigned int tries = 0;
	LIST_HEAD(refused);

	lockdep_assert_held(&sh->lock);
	list_for_each_entry_safe(page, next, &sh->dirty.unsync, unsync_node) {
		if (wants_resync(page) && tries < RESYNC_MAX) {
			tries++;
			resync_or_refuse(page, &refused);
		}
		if (collect_unsync_page(page))
			page->idle = 0;
		else
			page->idle++;
		cond_resched();
	}
	list_splice_tail(&refused, &sh->dirty.unsync);
}

/*
 * Resyncs all unsync pages, as the mode is not hybrid any more, and applies the entries that
 * changed. Later syncs try again with pages that could not be write-protected.
 */
void xengt_unsync_resync_all(struct xengt_shadow *sh)
{
	struct xengt_gpage *page, *next;

	lockdep_assert_held(&sh->lock);
	list_for_each_entry_safe(page, next, &sh->dirty.unsync, unsync_node) {
		if (resync_page(page))
			collect_unsync_page(page);
		cond_resched();
	}
	xengt_leaves_apply(sh);
}

/*
 * Marks @n pages from @key on as unprotected for good; the shadow is closed, so no sync scans them.
 */
static void note_unprotected(struct xengt_gpages *pages, unsigned long key, unsigned int n)
{
	struct xengt_gpage *page;

	for (; n; n--, key++) {
		page = xa_load(&pages->pages, key);
		page->memory = false;
	}
}

/* Returns how many pages from @key on are write-protected, at most AHEAD_MAX. */
static unsigned int count_protected(struct xengt_gpages *pages, unsigned long key)
{
	unsigned int n = 0;

	while (n < AHEAD_MAX && is_protected(xa_load(&pages->pages, key + n)))
		n++;
	return n;
}

/*
 * Unprotects all pages that no vCPU is writing to. To be called when the shadow is closed, before
 * all write protection of the guest goes at once. Returns how many pages stay protected, since a
 * vCPU is writing to them, or may be.
 */
unsigned long xengt_unsync_unprotect_all(struct xengt_gpages *pages)
{
	struct xengt_shadow *sh = pages->sh;
	struct xengt_gpage *page;
	unsigned long key, busy = 0;
	int done;

	lockdep_assert_held(&sh->lock);
	xa_for_each(&pages->pages, key, page) {
		if (!is_protected(page))
			continue;
		done = xengt_gpages_unprotect(pages, key, count_protected(pages, key));
		/* The page or the guest is gone. */
		if (done > 0 || done == -EINVAL || done == -ESRCH)
			note_unprotected(pages, key, max(done, 1));
		else
			busy++;
	}
	return busy;
}
