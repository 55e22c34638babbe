// SPDX-License-Identifier: GPL-2.0
/*
 * Open pages: pages of guest entries that are plain RAM for a while. Nothing that the guest writes
 * there is trapped, and each sync looks through them for entries that are different.
 *
 * Pages that are hot, as many writes to them were trapped, are opened at the end of a sync, if no
 * vCPU is in the middle of a write to one: Xen crashes a guest whose page becomes RAM under a
 * string instruction (see ioreq_server.c). So a page is not opened in the very trap that makes it
 * hot. But those around it are opened right then: what is bound there next is not trapped. If pages
 * become hot one after the other, more of those that follow are opened each time: a guest that goes
 * through its whole GTT is trapped in a few pages of it.
 *
 * A page in which nothing was for a while is closed again, and one with an entry that is missing,
 * so that it is noticed when the guest writes the same once more.
 *
 * Invariants: a page is closed before it is looked through for the last time. A page that is open
 * is in the list of open pages; there are at most open_max of them, which bounds a sync, and none
 * is opened but in hybrid mode.
 *
 * Locking: the mm's lock; hot pages are in a list of the writes' lock's (see entry_page.c).
 */

#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>

#include "counters.h"
#include "entries.h"
#include "entry_page.h"
#include "mm.h"
#include "open_page.h"
#include "trace.h"

/* How many pages are opened ahead, and how much more each time */
#define AHEAD_MIN	8
#define AHEAD_MAX	1024
#define AHEAD_FACTOR	8
/* The most runs of hot pages that one sync opens, and the longest one */
#define HOT_RUNS	64
#define HOT_RUN_MAX	64
/* The most pages that one sync closes */
#define CLOSE_MAX	64
/* Open pages are looked through at the latest after so many times the age of trapped writes */
#define OPEN_AGES	10

static unsigned int open_max = 4096;
module_param(open_max, uint, 0644);
MODULE_PARM_DESC(open_max, "The most open pages of a guest (4096)");

static unsigned int open_around = 64;
module_param(open_around, uint, 0644);
MODULE_PARM_DESC(open_around, "Pages of the GGTT that are opened when one of them is hot (64)");

static unsigned int calm_syncs = 1024;
module_param(calm_syncs, uint, 0644);
MODULE_PARM_DESC(calm_syncs, "Syncs without a change after which an open page is closed (1024)");

/* What is written to open pages is not noticed: they are looked through now and then. */
static void plan_look(struct xengt_mm *mm)
{
	struct xengt_writes *writes = &mm->writes;
	unsigned long age = min(xengt_writes_age(), MAX_JIFFY_OFFSET / OPEN_AGES);

	if (writes->nr_open && mm->sync)
		queue_delayed_work(system_unbound_wq, &writes->work, age * OPEN_AGES);
}

static bool is_trapped(const struct xengt_entry_page *page)
{
	return page && page->va && page->memory && !page->open;
}

/* How many pages from this one on can be opened together. */
static unsigned int count_openable(struct xengt_entry_pages *pages, unsigned long key,
				   unsigned long most)
{
	unsigned long max = READ_ONCE(open_max);
	struct xengt_entry_page *page;
	unsigned int n = 0;

	most = min(most, max - min(pages->mm->writes.nr_open, max));
	while (n < most) {
		page = xa_load(&pages->pages, key + n);
		if (!is_trapped(page) || pages->ops->missing(page))
			break;
		n++;
	}
	return n;
}

static void note_open(struct xengt_entry_pages *pages, unsigned long key, unsigned int n)
{
	struct xengt_writes *writes = &pages->mm->writes;
	struct xengt_entry_page *page;
	unsigned int i;

	spin_lock(&writes->lock);
	for (i = 0; i < n; i++) {
		page = xa_load(&pages->pages, key + i);
		page->open = true;
		page->calm = 0;
		list_del_init(&page->hot_node);
		list_add_tail(&page->open_node, &writes->open);
	}
	spin_unlock(&writes->lock);
	writes->nr_open += n;
	xengt_count(pages->mm->counters, XENGT_COUNT_PAGES_OPENED, n);
}

/* It cannot be opened, so it is not tried again at each write. */
static void cool_down(struct xengt_entry_pages *pages, unsigned long key)
{
	struct xengt_writes *writes = &pages->mm->writes;
	struct xengt_entry_page *page = xa_load(&pages->pages, key);

	spin_lock(&writes->lock);
	page->heat = 0;
	spin_unlock(&writes->lock);
}

/* Opens a number of pages, or those before the first that cannot be; how many these are. */
static unsigned int open_pages(struct xengt_entry_pages *pages, unsigned long key,
			       unsigned int most)
{
	struct xengt_mm *mm = pages->mm;
	u64 gfn = pages->base + key;
	unsigned int n;
	int done;

	lockdep_assert_held(&mm->lock);
	if (mm->closed || mm->writes.mode != XENGT_MODE_HYBRID)
		return 0;
	n = count_openable(pages, key, most);
	if (!n)
		return 0;
	done = mm->untrap(mm, gfn, n);
	if (done < 0) {
		if (done != -EBUSY)
			cool_down(pages, key);
		return 0;
	}
	note_open(pages, key, done);
	plan_look(mm);
	trace_xengt_open(mm->domid, gfn, done);
	return done;
}

/* One that cannot be opened just now is passed over: it comes again if it is still hot. */
static void open_run(struct xengt_entry_pages *pages, unsigned long key, unsigned long n)
{
	unsigned long done;

	for (; n; n -= done, key += done)
		done = min(open_pages(pages, key, n) + 1ul, n);
}

static bool is_open(struct xengt_entry_pages *pages, unsigned long key)
{
	const struct xengt_entry_page *page = xa_load(&pages->pages, key);

	return page && page->open;
}

/* The first page that is opened because of a hot one, and the one behind the last. */
static void choose_around(const struct xengt_entry_pages *pages, unsigned long key,
			  unsigned long *first, unsigned long *end)
{
	unsigned int around = pages->alone ? 1 : clamp(READ_ONCE(open_around), 1u, 1u * AHEAD_MAX);

	*first = key - key % around;
	*end = *first + around;
	if (key == pages->next_key)
		*end = max(*end, key + 1 + clamp(AHEAD_FACTOR * pages->ahead, 1ul * AHEAD_MIN,
						 1ul * AHEAD_MAX));
}

static void open_around_hot(struct xengt_entry_pages *pages, unsigned long key)
{
	unsigned long first, end, next = key + 1;

	choose_around(pages, key, &first, &end);
	open_run(pages, first, key - first);
	open_run(pages, key + 1, end - key - 1);
	while (next < end && is_open(pages, next))
		next++;
	WRITE_ONCE(pages->last_hot, key);
	pages->next_key = next;
	pages->ahead = next - key - 1;
}

/*
 * A page is hot: opens pages around it and ahead. To be called when the write that made it hot is
 * done, and not answered. A trap does not wait for a sync: if there is one, the next write tries
 * again.
 */
void xengt_open_pages_around(struct xengt_entry_pages *pages, unsigned long key)
{
	struct xengt_mm *mm = pages->mm;

	if (READ_ONCE(pages->last_hot) == key || !mutex_trylock(&mm->lock))
		return;
	open_around_hot(pages, key);
	mutex_unlock(&mm->lock);
}

/* Takes the first run of pages off a list of hot ones. How many, the first one in *first. */
static unsigned int take_run(struct xengt_writes *writes, struct list_head *hot,
			     struct xengt_entry_page **first)
{
	struct xengt_entry_page *page;
	unsigned int n = 0;

	spin_lock(&writes->lock);
	page = list_first_entry_or_null(hot, struct xengt_entry_page, hot_node);
	*first = page;
	while (page && !list_empty(&page->hot_node) && n < HOT_RUN_MAX) {
		list_del_init(&page->hot_node);
		n++;
		page = xa_load(&page->pages->pages, page->key + 1);
	}
	spin_unlock(&writes->lock);
	return n;
}

/* Ends a sync: opens pages that are hot. */
void xengt_open_pages_open_hot(struct xengt_mm *mm)
{
	struct xengt_writes *writes = &mm->writes;
	struct xengt_entry_page *page;
	unsigned int runs, n;
	LIST_HEAD(hot);

	lockdep_assert_held(&mm->lock);
	spin_lock(&writes->lock);
	list_splice_init(&writes->hot, &hot);
	spin_unlock(&writes->lock);
	for (runs = 0; runs < HOT_RUNS; runs++) {
		n = take_run(writes, &hot, &page);
		if (!n)
			break;
		open_run(page->pages, page->key, n);
	}
	spin_lock(&writes->lock);
	list_splice(&hot, &writes->hot);
	spin_unlock(&writes->lock);
	plan_look(mm);
}

/* The page is not open any more; what is trapped and seen is the caller's business. */
void xengt_open_page_forget(struct xengt_entry_page *page)
{
	lockdep_assert_held(&page->pages->mm->lock);
	page->unsure = false;
	if (!page->open)
		return;
	page->open = false;
	list_del_init(&page->open_node);
	page->pages->mm->writes.nr_open--;
}

/*
 * Traps the guest's writes again. Not while it may be another page than the one that is seen, where
 * these would be done: after a balloon event each open page is looked at.
 */
static bool close_page(struct xengt_entry_page *page)
{
	struct xengt_mm *mm = page->pages->mm;

	if (READ_ONCE(mm->writes.unsettled) || !xengt_entry_page_trap(page))
		return false;
	trace_xengt_close(mm->domid, xengt_entry_page_gfn(page), page->calm);
	xengt_open_page_forget(page);
	page->unsure = true;
	xengt_count(mm->counters, XENGT_COUNT_PAGES_CLOSED, 1);
	return true;
}

/* Takes what is different in a page, whether it was noted or not. */
static bool take_different(struct xengt_entry_page *page)
{
	struct xengt_writes *writes = &page->pages->mm->writes;

	spin_lock(&writes->lock);
	list_del_init(&page->written_node);
	bitmap_zero(page->written, XENGT_TABLE_ENTRIES);
	spin_unlock(&writes->lock);
	xengt_count(page->pages->mm->counters, XENGT_COUNT_OPEN_LOOKS, 1);
	return page->va && page->pages->ops->take(page, NULL);
}

/* Nothing was written into the page for long, something is missing, or none should be open. */
static bool is_to_be_closed(const struct xengt_entry_page *page)
{
	return page->calm >= READ_ONCE(calm_syncs) || page->pages->ops->missing(page) ||
	       page->pages->mm->writes.mode != XENGT_MODE_HYBRID;
}

/* Takes what is different in the open pages, and closes some of those that are to be closed. */
void xengt_open_pages_take(struct xengt_mm *mm)
{
	struct xengt_entry_page *page, *next;
	unsigned int tries = 0;

	lockdep_assert_held(&mm->lock);
	list_for_each_entry_safe(page, next, &mm->writes.open, open_node) {
		if (is_to_be_closed(page) && tries < CLOSE_MAX) {
			tries++;
			/* Where that is refused it is not tried again at each sync. */
			if (!close_page(page))
				page->calm = 0;
		}
		if (take_different(page))
			page->calm = 0;
		else
			page->calm++;
	}
}

/* From hybrid to another mode: traps everything, and looks through it. */
void xengt_open_pages_close(struct xengt_mm *mm)
{
	struct xengt_entry_page *page, *next;

	lockdep_assert_held(&mm->lock);
	list_for_each_entry_safe(page, next, &mm->writes.open, open_node) {
		if (close_page(page))
			take_different(page);
	}
	xengt_entries_apply(mm);
}

/* They are not trapped any more, and not looked through: the mm is closed. */
static void note_let_go(struct xengt_entry_pages *pages, unsigned long key, unsigned int n)
{
	struct xengt_entry_page *page;

	for (; n; n--, key++) {
		page = xa_load(&pages->pages, key);
		page->memory = false;
	}
}

static unsigned int count_trapped(struct xengt_entry_pages *pages, unsigned long key)
{
	unsigned int n = 0;

	while (n < AHEAD_MAX && is_trapped(xa_load(&pages->pages, key + n)))
		n++;
	return n;
}

/*
 * The mm is closed, and all traps are about to go: takes those of the pages before that which no
 * vCPU is writing to. How many pages one is writing to, or Xen does not tell.
 */
unsigned long xengt_open_pages_let_go(struct xengt_entry_pages *pages)
{
	struct xengt_mm *mm = pages->mm;
	struct xengt_entry_page *page;
	unsigned long key, busy = 0;
	int done;

	lockdep_assert_held(&mm->lock);
	xa_for_each(&pages->pages, key, page) {
		if (!is_trapped(page))
			continue;
		done = mm->untrap(mm, pages->base + key, count_trapped(pages, key));
		/* One that Xen cannot change is gone. */
		if (done > 0 || done == -EINVAL || done == -ESRCH)
			note_let_go(pages, key, max(done, 1));
		else
			busy++;
	}
	return busy;
}
