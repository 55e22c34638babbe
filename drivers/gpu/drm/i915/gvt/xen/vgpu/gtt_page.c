// SPDX-License-Identifier: GPL-2.0
/*
 * The pages in which a guest's GGTT entries are kept: one for each page of the GTT that has entries
 * of the guest's share.
 *
 * Such a page is memory of ours, while the guest's accesses are trapped as accesses to MMIO; or RAM
 * that was put at the page's guest-physical address (see gtt_ram.c), which the guest reads without
 * a trap, and which can be opened for its writes. If the guest gives that RAM away, accesses are
 * trapped as MMIO again, and the page is memory of ours from then on.
 *
 * Invariants: what the guest has written stays, wherever the page is. A page of RAM is mapped
 * exactly as long as its entries are seen there.
 *
 * Locking: the mm's lock.
 */

#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "counters.h"
#include "dm_op.h"
#include "entries.h"
#include "ggtt.h"
#include "gtt_page.h"
#include "gtt_ram.h"
#include "mm.h"
#include "open_page.h"

static struct xengt_gtt_page *to_gtt_page(struct xengt_entry_page *entries)
{
	return container_of(entries, struct xengt_gtt_page, entries);
}

/* The first page of the GTT with entries of a range of the share; and the one behind the last. */
static unsigned long first_page(const struct xengt_ggtt *ggtt, unsigned int range)
{
	return ggtt->share[range].first / xengt_ggtt_page_entries(ggtt);
}

static unsigned long end_page(const struct xengt_ggtt *ggtt, unsigned int range)
{
	unsigned long end = ggtt->share[range].first + ggtt->share[range].n;

	if (!ggtt->share[range].n)
		return first_page(ggtt, range);
	return DIV_ROUND_UP(end, xengt_ggtt_page_entries(ggtt));
}

static void free_page_of(struct xengt_gtt_page *page)
{
	xengt_entry_page_remove(&page->entries);
	xengt_foreign_page_exit(&page->ram);
	free_page((unsigned long)page->own);
	kfree(page);
}

static int make_page(struct xengt_ggtt *ggtt, unsigned long key)
{
	struct xengt_gtt_page *page;
	int rc;

	/* The share's ranges can have a page in common. */
	if (xa_load(&ggtt->pages.pages, key))
		return 0;
	page = kzalloc(sizeof(*page), GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	xengt_entry_page_init(&page->entries, &ggtt->pages, key);
	page->own = (void *)get_zeroed_page(GFP_KERNEL);
	rc = page->own ? xengt_entry_page_add(&page->entries) : -ENOMEM;
	if (rc) {
		free_page((unsigned long)page->own);
		kfree(page);
		return rc;
	}
	xengt_entry_page_show(&page->entries, page->own);
	return 0;
}

static int make_pages(struct xengt_ggtt *ggtt)
{
	unsigned int range;
	unsigned long key;
	int rc;

	for (range = 0; range < XENGT_GGTT_RANGES; range++) {
		for (key = first_page(ggtt, range); key < end_page(ggtt, range); key++) {
			rc = make_page(ggtt, key);
			if (rc)
				return rc;
			cond_resched();
		}
	}
	return 0;
}

/* Pages of our memory, all zeroes, for the whole share. 0 or -ENOMEM, when there are none. */
int xengt_gtt_pages_init(struct xengt_ggtt *ggtt)
{
	int rc;

	mutex_lock(&ggtt->mm->lock);
	rc = make_pages(ggtt);
	mutex_unlock(&ggtt->mm->lock);
	if (rc)
		xengt_gtt_pages_exit(ggtt);
	return rc;
}

/* Nobody accesses them any more. */
void xengt_gtt_pages_exit(struct xengt_ggtt *ggtt)
{
	struct xengt_entry_page *entries;
	unsigned long key;

	mutex_lock(&ggtt->mm->lock);
	xa_for_each(&ggtt->pages.pages, key, entries)
		free_page_of(to_gtt_page(entries));
	mutex_unlock(&ggtt->mm->lock);
	xa_destroy(&ggtt->pages.pages);
}

static int map_ram(struct xengt_gtt_page *page)
{
	struct xengt_mm *mm = page->entries.pages->mm;
	u64 gfn = xengt_entry_page_gfn(&page->entries);
	int rc = xengt_foreign_page_init(&page->ram, mm->domid);

	if (rc)
		return rc;
	rc = xengt_dm_set_write_trap(mm->domid, gfn, 1, true);
	if (!rc)
		rc = xengt_foreign_page_map(&page->ram, gfn);
	if (rc)
		xengt_foreign_page_exit(&page->ram);
	return rc;
}

/*
 * The page is RAM of the guest's from here on. What somebody had in that memory before is still
 * there, as Xen does not clear what a guest gave back; what this one has written takes its place.
 */
static int page_to_ram(struct xengt_gtt_page *page)
{
	int rc = map_ram(page);

	if (rc)
		return rc;
	/* No write finds the page meanwhile. */
	xengt_entry_page_show(&page->entries, NULL);
	memcpy(page->ram.va, page->own, XENGT_PAGE_SIZE);
	xengt_entry_page_show(&page->entries, page->ram.va);
	page->entries.memory = true;
	free_page((unsigned long)page->own);
	page->own = NULL;
	return 0;
}

/* How many pages of the GTT have entries of the share, at most. */
unsigned long xengt_gtt_pages_count(const struct xengt_ggtt *ggtt)
{
	unsigned long n = 0;
	unsigned int range;

	for (range = 0; range < XENGT_GGTT_RANGES; range++)
		n += end_page(ggtt, range) - first_page(ggtt, range);
	return n;
}

/* Puts RAM where nothing was found: at all of the GTT, where nobody looks at most of it. */
static void put_everywhere(struct xengt_gtt_ram *ram)
{
	unsigned long first, end;

	for_each_clear_bitrange(first, end, ram->found, ram->n) {
		if (xengt_gtt_ram_put(ram, first, end - first) < end - first)
			return;
	}
}

static void put_at_share(struct xengt_ggtt *ggtt, struct xengt_gtt_ram *ram)
{
	unsigned long key;

	for (key = 0; key < ram->n; key++) {
		if (xa_load(&ggtt->pages.pages, key) && !xengt_gtt_ram_was_found(ram, key) &&
		    !xengt_gtt_ram_put(ram, key, 1))
			return;
	}
}

/* How many pages with entries of the share are RAM that was found. */
static unsigned long count_found(struct xengt_ggtt *ggtt, const struct xengt_gtt_ram *ram)
{
	struct xengt_entry_page *entries;
	unsigned long key, n = 0;

	xa_for_each(&ggtt->pages.pages, key, entries)
		n += xengt_gtt_ram_was_found(ram, key);
	return n;
}

/* As much as there is room for: all of the GTT, or the share, or nothing. */
static void put_ram(struct xengt_ggtt *ggtt, struct xengt_gtt_ram *ram)
{
	unsigned long found = bitmap_weight(ram->found, ram->n);
	long room = xengt_gtt_ram_room(ram);

	if (room < 0)
		return;
	if (room >= ram->n - found)
		put_everywhere(ram);
	else if (room >= xengt_gtt_pages_count(ggtt) - count_found(ggtt, ram))
		put_at_share(ggtt, ram);
}

/* RAM that cannot be used for a page is given back. Returns how many pages are RAM. */
static unsigned long pages_to_ram(struct xengt_ggtt *ggtt, struct xengt_gtt_ram *ram)
{
	struct xengt_entry_page *entries;
	unsigned long key, n = 0;

	lockdep_assert_held(&ggtt->mm->lock);
	xa_for_each(&ggtt->pages.pages, key, entries) {
		if (!xengt_gtt_ram_has(ram, key))
			continue;
		if (page_to_ram(to_gtt_page(entries))) {
			xengt_gtt_ram_give_back(ram, key, 1);
			__set_bit(key, ram->found);
		} else {
			n++;
		}
	}
	return n;
}

/*
 * Has the guest's entries in RAM at its addresses of the GTT, if Xen has room for that in the
 * guest's name, or it is there already. To be called before the guest's accesses are trapped as
 * MMIO. Returns how many pages are RAM: 0 if there is no room for all of the share.
 */
unsigned long xengt_gtt_pages_use_ram(struct xengt_ggtt *ggtt, struct xengt_gtt_ram *ram)
{
	unsigned long n;

	mutex_lock(&ggtt->mm->lock);
	ggtt->pages.base = ram->gfn;
	ggtt->ram = ram;
	xengt_gtt_ram_adopt(ram);
	put_ram(ggtt, ram);
	n = pages_to_ram(ggtt, ram);
	mutex_unlock(&ggtt->mm->lock);
	return n;
}

/* Copies what is in RAM that was found. */
static int copy_found(struct xengt_gtt_page *page, const struct xengt_gtt_ram *ram)
{
	int rc = xengt_foreign_page_init(&page->ram, ram->domid);

	if (rc)
		return rc;
	rc = xengt_foreign_page_map(&page->ram, ram->gfn + page->entries.key);
	if (!rc)
		memcpy(page->own, page->ram.va, XENGT_PAGE_SIZE);
	xengt_foreign_page_exit(&page->ram);
	return rc;
}

/*
 * Takes over the entries in RAM that was found, as the guest's: what it reads there stays, whether
 * the RAM does or not. To be called when no page is RAM. 0 or an error, when the RAM is as before.
 */
int xengt_gtt_pages_take_found(struct xengt_ggtt *ggtt, const struct xengt_gtt_ram *ram)
{
	struct xengt_entry_page *entries;
	unsigned long key;
	int rc = 0;

	mutex_lock(&ggtt->mm->lock);
	xa_for_each(&ggtt->pages.pages, key, entries) {
		if (!xengt_gtt_ram_was_found(ram, key))
			continue;
		rc = copy_found(to_gtt_page(entries), ram);
		if (rc)
			break;
		entries->pages->ops->take(entries, NULL);
		cond_resched();
	}
	xengt_entries_apply(ggtt->mm);
	mutex_unlock(&ggtt->mm->lock);
	return rc;
}

static void give_back(struct xengt_gtt_page *page)
{
	struct xengt_ggtt *ggtt = container_of(page->entries.pages, struct xengt_ggtt, pages);

	xengt_gtt_ram_give_back(ggtt->ram, page->entries.key, 1);
}

/*
 * Traps and maps the RAM anew, with a copy of what was seen before. False if there is none any
 * more, or no use of it: then it is given back, so that accesses are trapped as those to MMIO.
 */
static bool renew(struct xengt_gtt_page *page, void *copy)
{
	bool trapped = xengt_entry_page_trap(&page->entries);

	if (!trapped)
		give_back(page);
	memcpy(copy, page->ram.va, XENGT_PAGE_SIZE);
	if (!trapped)
		return false;
	if (!xengt_foreign_page_map(&page->ram, xengt_entry_page_gfn(&page->entries)))
		return true;
	give_back(page);
	return false;
}

/* What was in the RAM is in memory of ours. */
static void page_to_own(struct xengt_gtt_page *page, void *own)
{
	xengt_foreign_page_exit(&page->ram);
	page->own = own;
	page->entries.memory = false;
	xengt_entry_page_show(&page->entries, own);
	xengt_count(page->entries.pages->mm->counters, XENGT_COUNT_GTT_RAM_LOST, 1);
}

/* The page may be another one, or none. Without memory for a copy it waits for the next event. */
static void look_again(struct xengt_gtt_page *page)
{
	struct xengt_entry_page *entries = &page->entries;
	void *copy = (void *)get_zeroed_page(GFP_KERNEL);

	if (!copy)
		return;
	xengt_open_page_forget(entries);
	/* Writes wait until it is seen again. */
	xengt_entry_page_show(entries, NULL);
	if (renew(page, copy)) {
		xengt_entry_page_show(entries, page->ram.va);
		free_page((unsigned long)copy);
	} else {
		page_to_own(page, copy);
	}
	entries->pages->ops->take(entries, NULL);
}

/* After a balloon event: any of the pages of RAM may be gone, or another one. */
void xengt_gtt_pages_look_again(struct xengt_ggtt *ggtt)
{
	struct xengt_entry_page *entries;
	struct xengt_gtt_page *page;
	unsigned long key;

	lockdep_assert_held(&ggtt->mm->lock);
	xa_for_each(&ggtt->pages.pages, key, entries) {
		page = to_gtt_page(entries);
		if (page->own)
			continue;
		xengt_count(ggtt->mm->counters, XENGT_COUNT_PAGES_CHECKED, 1);
		if (!xengt_entry_page_is_trapped(entries))
			look_again(page);
	}
	/* Before anybody has another value for one of the entries. */
	xengt_entries_apply(ggtt->mm);
}

static void clear_entries(struct xengt_entry_page *entries)
{
	struct xengt_writes *writes = &entries->pages->mm->writes;

	spin_lock(&writes->lock);
	if (entries->va)
		memset(entries->va, 0, XENGT_PAGE_SIZE);
	spin_unlock(&writes->lock);
}

/* The guest reads 0 everywhere. */
void xengt_gtt_pages_clear(struct xengt_ggtt *ggtt)
{
	struct xengt_entry_page *entries;
	unsigned long key;

	lockdep_assert_held(&ggtt->mm->lock);
	xa_for_each(&ggtt->pages.pages, key, entries) {
		clear_entries(entries);
		cond_resched();
	}
}
