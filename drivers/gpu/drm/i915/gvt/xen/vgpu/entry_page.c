// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of guest entries, and what the guest writes into them: pages of the GGTT, and pages of the
 * guest's memory that are tables of PPGTTs.
 *
 * A trapped write is done, noted, and the vCPU goes on: that takes a short lock and no hypercall.
 * A sync takes over what was noted. It comes with the guest's own synchronisation points; or when
 * there are many writes (posted_max), or they have waited (posted_age_ms; ten times that, if they
 * were not trapped).
 *
 * Where writes are trapped by the page's memory type, a page that is written often is hot, and can
 * be opened (see open_page.c).
 *
 * Invariants: a write that was trapped is noted in the same hold of the lock in which it is done,
 * so a sync misses none that came before it.
 *
 * Locking: the mm's lock, but for what the traps do, which is under the writes' own lock.
 */

#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "counters.h"
#include "dm_op.h"
#include "entry_page.h"
#include "mm.h"
#include "open_page.h"
#include "trace.h"

static unsigned int posted_age_ms = 10;
module_param(posted_age_ms, uint, 0644);
MODULE_PARM_DESC(posted_age_ms, "How long a guest's writes may wait for a sync, in ms (10)");

static unsigned int posted_max = 4096;
module_param(posted_max, uint, 0644);
MODULE_PARM_DESC(posted_max, "Writes of a guest that may wait for a sync (4096)");

static unsigned int open_writes = 4;
module_param(open_writes, uint, 0644);
MODULE_PARM_DESC(open_writes, "Trapped writes to a page after which it is opened (4)");

static const char * const mode_names[XENGT_NR_MODES] = {
	[XENGT_MODE_STRICT] = "strict",
	[XENGT_MODE_POSTED] = "posted",
	[XENGT_MODE_HYBRID] = "hybrid",
};

const char *xengt_mode_name(enum xengt_mode mode)
{
	return mode_names[mode];
}

/* The mode of that name, which may end with a newline; or -EINVAL. */
int xengt_mode_find(const char *name)
{
	return __sysfs_match_string(mode_names, XENGT_NR_MODES, name);
}

static void sync_late(struct work_struct *work)
{
	struct xengt_mm *mm = container_of(work, struct xengt_mm, writes.work.work);

	xengt_count(mm->counters, XENGT_COUNT_SYNCS_LATE, 1);
	mm->sync(mm);
}

void xengt_writes_init(struct xengt_mm *mm)
{
	struct xengt_writes *writes = &mm->writes;

	spin_lock_init(&writes->lock);
	INIT_LIST_HEAD(&writes->written);
	INIT_LIST_HEAD(&writes->hot);
	INIT_LIST_HEAD(&writes->open);
	INIT_DELAYED_WORK(&writes->work, sync_late);
}

/* Nobody writes any more, and there are no pages. */
void xengt_writes_exit(struct xengt_mm *mm)
{
	cancel_delayed_work_sync(&mm->writes.work);
	WARN_ON(!list_empty(&mm->writes.written) || !list_empty(&mm->writes.hot) ||
		!list_empty(&mm->writes.open));
}

void xengt_entry_pages_init(struct xengt_entry_pages *pages, struct xengt_mm *mm,
			    const struct xengt_entry_pages_ops *ops)
{
	*pages = (struct xengt_entry_pages){
		.mm = mm,
		.ops = ops,
		.last_hot = ULONG_MAX,
		.next_key = ULONG_MAX,
	};
	xa_init(&pages->pages);
}

/* A page that nobody knows yet, of which nothing is seen. */
void xengt_entry_page_init(struct xengt_entry_page *page, struct xengt_entry_pages *pages,
			   unsigned long key)
{
	*page = (struct xengt_entry_page){ .pages = pages, .key = key };
	INIT_LIST_HEAD(&page->written_node);
	INIT_LIST_HEAD(&page->hot_node);
	INIT_LIST_HEAD(&page->open_node);
}

/* Writes find the page from now on. 0 or -ENOMEM. */
int xengt_entry_page_add(struct xengt_entry_page *page)
{
	lockdep_assert_held(&page->pages->mm->lock);
	return xa_err(xa_store(&page->pages->pages, page->key, page, GFP_KERNEL));
}

/* Changes where the page's entries are seen, or that they are (NULL: not). */
void xengt_entry_page_show(struct xengt_entry_page *page, void *va)
{
	struct xengt_writes *writes = &page->pages->mm->writes;

	lockdep_assert_held(&page->pages->mm->lock);
	spin_lock(&writes->lock);
	page->va = va;
	spin_unlock(&writes->lock);
}

/* After a balloon event: it is the page that was trapped, and nothing was written unnoticed. */
bool xengt_entry_page_is_trapped(const struct xengt_entry_page *page)
{
	return page->va && page->memory && !page->open && !page->unsure &&
	       xengt_dm_is_write_trapped(page->pages->mm->domid, xengt_entry_page_gfn(page));
}

/* Traps its writes; if they are already, the trap is on the page that is there now. */
bool xengt_entry_page_trap(const struct xengt_entry_page *page)
{
	domid_t domid = page->pages->mm->domid;
	u64 gfn = xengt_entry_page_gfn(page);

	return !xengt_dm_set_write_trap(domid, gfn, 1, true) ||
	       xengt_dm_is_write_trapped(domid, gfn);
}

/* No write finds the page any more; what was noted is forgotten. */
void xengt_entry_page_remove(struct xengt_entry_page *page)
{
	struct xengt_writes *writes = &page->pages->mm->writes;

	xengt_open_page_forget(page);
	spin_lock(&writes->lock);
	xa_erase(&page->pages->pages, page->key);
	list_del_init(&page->written_node);
	list_del_init(&page->hot_node);
	page->va = NULL;
	spin_unlock(&writes->lock);
}

/* One store for what is a whole entry, so that the guest's other vCPUs see it whole. */
static void store(void *to, const void *data, unsigned int len)
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

/* Half of the heat is lost with each sync. */
static void heat(struct xengt_entry_page *page, unsigned int turn)
{
	page->heat >>= min(turn - page->heat_turn, 31u);
	page->heat_turn = turn;
	page->heat++;
}

/* Does a write and notes it. */
static void write_page(struct xengt_writes *writes, struct xengt_entry_page *page,
		       unsigned int offset, const void *data, unsigned int len)
{
	unsigned int size = page->pages->mm->format->ggtt->size;
	unsigned int first = offset / size, last = (offset + len - 1) / size;

	lockdep_assert_held(&writes->lock);
	store((u8 *)page->va + offset, data, len);
	bitmap_set(page->written, first, last - first + 1);
	if (list_empty(&page->written_node))
		list_add_tail(&page->written_node, &writes->written);
	writes->nr_written++;
	heat(page, writes->turn);
}

/* How long what a trapped write wrote may wait, in jiffies */
unsigned long xengt_writes_age(void)
{
	return msecs_to_jiffies(READ_ONCE(posted_age_ms));
}

/* Sees to it that what was written is not left alone. */
static void plan_sync(struct xengt_mm *mm, unsigned int nr_written)
{
	struct xengt_writes *writes = &mm->writes;

	if (READ_ONCE(writes->mode) == XENGT_MODE_STRICT || !mm->sync)
		return;
	if (nr_written >= READ_ONCE(posted_max))
		mod_delayed_work(system_unbound_wq, &writes->work, 0);
	else if (nr_written == 1)
		mod_delayed_work(system_unbound_wq, &writes->work, xengt_writes_age());
}

/* Notes that the page is written so often that it had better be open; tells whether it is. */
static bool note_hot(struct xengt_writes *writes, struct xengt_entry_page *page)
{
	lockdep_assert_held(&writes->lock);
	if (READ_ONCE(writes->mode) != XENGT_MODE_HYBRID || !page->memory ||
	    page->heat < READ_ONCE(open_writes))
		return false;
	if (list_empty(&page->hot_node))
		list_add_tail(&page->hot_node, &writes->hot);
	return true;
}

/*
 * Does a trapped write to a page, len bytes at an offset, and notes which entries it touched. False
 * if there is no page.
 */
bool xengt_entry_page_store(struct xengt_entry_pages *pages, unsigned long key,
			    unsigned int offset, const void *data, unsigned int len)
{
	struct xengt_mm *mm = pages->mm;
	struct xengt_writes *writes = &mm->writes;
	struct xengt_entry_page *page;
	unsigned int nr_written = 0;
	bool hot = false;

	spin_lock(&writes->lock);
	page = xa_load(&pages->pages, key);
	if (page && page->va) {
		write_page(writes, page, offset, data, len);
		nr_written = writes->nr_written;
		hot = note_hot(writes, page);
	}
	spin_unlock(&writes->lock);
	if (!nr_written)
		return false;
	plan_sync(mm, nr_written);
	if (hot)
		xengt_open_pages_around(pages, key);
	return true;
}

/* Reads what is in a page. False if there is none. */
bool xengt_entry_page_load(struct xengt_entry_pages *pages, unsigned long key,
			   unsigned int offset, void *data, unsigned int len)
{
	struct xengt_writes *writes = &pages->mm->writes;
	struct xengt_entry_page *page;
	bool found;

	spin_lock(&writes->lock);
	page = xa_load(&pages->pages, key);
	found = page && page->va;
	if (found)
		memcpy(data, (u8 *)page->va + offset, len);
	spin_unlock(&writes->lock);
	return found;
}

/* The next page of a list, with its entries that were written in the work area; or NULL. */
static struct xengt_entry_page *next_written(struct xengt_writes *writes,
					     struct list_head *written)
{
	struct xengt_entry_page *page;

	spin_lock(&writes->lock);
	page = list_first_entry_or_null(written, struct xengt_entry_page, written_node);
	if (page) {
		list_del_init(&page->written_node);
		bitmap_copy(writes->slots, page->written, XENGT_TABLE_ENTRIES);
		bitmap_zero(page->written, XENGT_TABLE_ENTRIES);
	}
	spin_unlock(&writes->lock);
	return page;
}

/*
 * Begins a sync: everything that was written before is taken over, each page once. What is written
 * meanwhile to a page that had its turn is for the next sync: so this one comes to an end, and an
 * entry is not in the update twice.
 */
void xengt_writes_take(struct xengt_mm *mm)
{
	struct xengt_writes *writes = &mm->writes;
	struct xengt_entry_page *page;
	unsigned int nr_written;
	LIST_HEAD(written);

	lockdep_assert_held(&mm->lock);
	/* First, so that one that is planned for a later write stays. */
	cancel_delayed_work(&writes->work);
	spin_lock(&writes->lock);
	list_splice_init(&writes->written, &written);
	nr_written = writes->nr_written;
	writes->turn++;
	writes->nr_written = 0;
	spin_unlock(&writes->lock);
	trace_xengt_sync(mm->domid, writes->nr_open, nr_written);
	xengt_open_pages_take(mm);
	while ((page = next_written(writes, &written))) {
		if (page->va)
			page->pages->ops->take(page, writes->slots);
	}
	xengt_open_pages_open_hot(mm);
}

/* A balloon event came: any of the pages may be another one. Takes no lock. */
void xengt_writes_unsettle(struct xengt_mm *mm)
{
	WRITE_ONCE(mm->writes.unsettled, true);
}

/* All pages are about to be looked at, for the events so far. */
void xengt_writes_settle(struct xengt_mm *mm)
{
	lockdep_assert_held(&mm->lock);
	WRITE_ONCE(mm->writes.unsettled, false);
	/* First this, then looking: an event that comes from here on is one more. */
	smp_mb();
}

/* Changes the mode, at any time. What was written before is for the caller to sync. */
void xengt_writes_set_mode(struct xengt_mm *mm, enum xengt_mode mode)
{
	lockdep_assert_held(&mm->lock);
	WRITE_ONCE(mm->writes.mode, mode);
	if (mode != XENGT_MODE_HYBRID)
		xengt_open_pages_close(mm);
}
