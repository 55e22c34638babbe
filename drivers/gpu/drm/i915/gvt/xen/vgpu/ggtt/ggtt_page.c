// SPDX-License-Identifier: GPL-2.0
/*
 * The pages that hold a guest's GGTT entries: one for each page of the GTT with entries of the
 * guest's share.
 *
 * The entries of a page are in one of two memories:
 *  - A page of our own. All accesses of the guest are trapped as accesses to MMIO.
 *  - RAM of the guest at the page's guest-physical address (see ggtt_ram.c). The guest reads it
 *    without a trap. It is write-protected, and can become unsync (see shadow/unsync.c). If the
 *    guest gives that RAM away, the entries move to a page of our own, and stay there. If BAR 0
 *    moves, all entries move to pages of our own, and from there to RAM at the new addresses.
 *
 * Invariants: what the guest has written is kept when the memory changes. RAM of the guest is
 * mapped exactly as long as the page's va points to it or a rescan is under way.
 *
 * Locking: the shadow's lock.
 */

#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "counters.h"
#include "ggtt/ggtt_page.h"
#include "ggtt/ggtt_ram.h"
#include "ggtt/share.h"
#include "shadow/dirty.h"
#include "shadow/gpage.h"
#include "shadow/leaf.h"
#include "shadow/shadow.h"
#include "xen/dm_op.h"

static struct xengt_ggtt_page *to_ggtt_page(struct xengt_gpage *gpage)
{
	return container_of(gpage, struct xengt_ggtt_page, gpage);
}

/* Returns the first page of the GTT with entries of a range of the share. */
static unsigned long first_page(const struct xengt_ggtt_pages *pages, unsigned int range)
{
	return pages->share->range[range].first / xengt_ggtt_page_entries(pages->gpages.sh);
}

/* Returns the page after the last one with entries of the range; first_page() if it is empty. */
static unsigned long end_page(const struct xengt_ggtt_pages *pages, unsigned int range)
{
	unsigned long end = pages->share->range[range].first + pages->share->range[range].n;

	if (!pages->share->range[range].n)
		return first_page(pages, range);
	return DIV_ROUND_UP(end, xengt_ggtt_page_entries(pages->gpages.sh));
}

static void free_ggtt_page(struct xengt_ggtt_page *page)
{
	xengt_gpage_remove(&page->gpage);
	xengt_foreign_page_exit(&page->ram);
	free_page((unsigned long)page->own);
	free_page((unsigned long)page->spare);
	kfree(page);
}

static int make_page(struct xengt_ggtt_pages *pages, unsigned long key)
{
	struct xengt_ggtt_page *page;
	int rc;

	/* The page may have entries of both ranges of the share. */
	if (xa_load(&pages->gpages.pages, key))
		return 0;
	page = kzalloc(sizeof(*page), GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	xengt_gpage_init(&page->gpage, &pages->gpages, key);
	page->own = (void *)get_zeroed_page(GFP_KERNEL);
	rc = page->own ? xengt_gpage_add(&page->gpage) : -ENOMEM;
	if (rc) {
		free_page((unsigned long)page->own);
		kfree(page);
		return rc;
	}
	xengt_gpage_set_va(&page->gpage, page->own);
	return 0;
}

static int make_pages(struct xengt_ggtt_pages *pages)
{
	unsigned int range;
	unsigned long key;
	int rc;

	for (range = 0; range < XENGT_GGTT_RANGES; range++) {
		for (key = first_page(pages, range); key < end_page(pages, range); key++) {
			rc = make_page(pages, key);
			if (rc)
				return rc;
			cond_resched();
		}
	}
	return 0;
}

/* Starts with no pages. The share must stay for as long as @pages. */
void xengt_ggtt_pages_init(struct xengt_ggtt_pages *pages, struct xengt_shadow *sh,
			   const struct xengt_share *share, const struct xengt_gpages_ops *ops)
{
	*pages = (struct xengt_ggtt_pages){ .share = share };
	xengt_gpages_init(&pages->gpages, sh, ops);
}

/*
 * Allocates pages of our own, all zeroes, for the whole share. Returns 0; or -ENOMEM, when there
 * are no pages.
 */
int xengt_ggtt_pages_make(struct xengt_ggtt_pages *pages)
{
	int rc;

	mutex_lock(&pages->gpages.sh->lock);
	rc = make_pages(pages);
	mutex_unlock(&pages->gpages.sh->lock);
	if (rc)
		xengt_ggtt_pages_exit(pages);
	return rc;
}

/* Frees the pages and unmaps RAM. The guest's accesses are not handled any more. */
void xengt_ggtt_pages_exit(struct xengt_ggtt_pages *pages)
{
	struct xengt_gpage *gpage;
	unsigned long key;

	mutex_lock(&pages->gpages.sh->lock);
	xa_for_each(&pages->gpages.pages, key, gpage)
		free_ggtt_page(to_ggtt_page(gpage));
	mutex_unlock(&pages->gpages.sh->lock);
	xa_destroy(&pages->gpages.pages);
}

/* Write-protects and maps the RAM at the page's GFN. Returns 0, -ENOMEM or an error from Xen. */
static int map_ram(struct xengt_ggtt_page *page)
{
	struct xengt_shadow *sh = page->gpage.pages->sh;
	u64 gfn = xengt_gpage_gfn(&page->gpage);
	int rc = xengt_foreign_page_init(&page->ram, sh->domid);

	if (rc)
		return rc;
	rc = xengt_dm_set_write_protect(sh->domid, gfn, 1, true);
	if (!rc)
		rc = xengt_foreign_page_map(&page->ram, gfn);
	if (rc)
		xengt_foreign_page_exit(&page->ram);
	return rc;
}

/*
 * Moves the entries from our own page to the RAM at the page's GFN. If we put the RAM there, this
 * overwrites what is in it: Xen does not clear memory that another guest gave back. Found RAM has
 * the entries already. The guest may have written more since they were read: collects those.
 * Returns 0; or an error of map_ram(), when the entries are still in our own page.
 */
static int page_to_ram(struct xengt_ggtt_page *page, bool found)
{
	struct xengt_gpage *gpage = &page->gpage;
	int rc;

	/* Trapped writes wait until the entries are in the RAM. */
	xengt_gpage_set_va(gpage, NULL);
	rc = map_ram(page);
	if (rc) {
		xengt_gpage_set_va(gpage, page->own);
		return rc;
	}
	if (!found)
		memcpy(page->ram.va, page->own, XENGT_PAGE_SIZE);
	xengt_gpage_set_va(gpage, page->ram.va);
	gpage->memory = true;
	page->spare = page->own;
	page->own = NULL;
	if (found)
		gpage->pages->ops->collect(gpage, NULL);
	return 0;
}

/* Returns how many pages of the GTT have entries of the share. */
unsigned long xengt_ggtt_pages_count(struct xengt_ggtt_pages *pages)
{
	struct xengt_gpage *gpage;
	unsigned long key, n = 0;

	/* Not the sum of the ranges' pages: one page may have entries of both. */
	xa_for_each(&pages->gpages.pages, key, gpage)
		n++;
	return n;
}

/* Puts RAM at all pages of the GTT without found RAM, also at those outside the share. */
static void put_everywhere(struct xengt_ggtt_ram *ram)
{
	unsigned long first, end;

	for_each_clear_bitrange(first, end, ram->found, ram->n) {
		if (xengt_ggtt_ram_put(ram, first, end - first) < end - first)
			return;
	}
}

/* Puts RAM at the pages with entries of the share that have no found RAM. */
static void put_at_share(struct xengt_ggtt_pages *pages, struct xengt_ggtt_ram *ram)
{
	unsigned long key;

	for (key = 0; key < ram->n; key++) {
		if (xa_load(&pages->gpages.pages, key) && !xengt_ggtt_ram_was_found(ram, key) &&
		    !xengt_ggtt_ram_put(ram, key, 1))
			return;
	}
}

/* Returns how many pages with entries of the share have found RAM. */
static unsigned long count_found(struct xengt_ggtt_pages *pages, const struct xengt_ggtt_ram *ram)
{
	struct xengt_gpage *gpage;
	unsigned long key, n = 0;

	xa_for_each(&pages->gpages.pages, key, gpage)
		n += xengt_ggtt_ram_was_found(ram, key);
	return n;
}

/* Puts RAM at all of the GTT, or else the share, or else nowhere, as the guest's maximum allows. */
static void put_ram(struct xengt_ggtt_pages *pages, struct xengt_ggtt_ram *ram)
{
	unsigned long found = bitmap_weight(ram->found, ram->n);
	long free_pages = xengt_ggtt_ram_free_pages(ram);

	if (free_pages < 0)
		return;
	if (free_pages >= ram->n - found)
		put_everywhere(ram);
	else if (free_pages >= xengt_ggtt_pages_count(pages) - count_found(pages, ram))
		put_at_share(pages, ram);
}

/*
 * Moves the entries to RAM where there is some. RAM that cannot be used is given back, and marked
 * as found, so that xengt_ggtt_ram_is_left() checks that it is gone. Returns how many pages are
 * RAM.
 */
static unsigned long pages_to_ram(struct xengt_ggtt_pages *pages, struct xengt_ggtt_ram *ram)
{
	struct xengt_gpage *gpage;
	unsigned long key, n = 0;

	lockdep_assert_held(&pages->gpages.sh->lock);
	xa_for_each(&pages->gpages.pages, key, gpage) {
		if (!xengt_ggtt_ram_has(ram, key))
			continue;
		if (page_to_ram(to_ggtt_page(gpage), xengt_ggtt_ram_was_found(ram, key))) {
			xengt_ggtt_ram_give_back(ram, key, 1);
			__set_bit(key, ram->found);
		} else {
			n++;
		}
		cond_resched();
	}
	xengt_leaves_apply(pages->gpages.sh);
	return n;
}

/*
 * Adopts found RAM, puts RAM at the rest of the share if the guest's maximum of memory allows that
 * for the whole share, and moves the guest's entries there. To be called before the guest's
 * accesses are trapped as MMIO. The pages where the entries were become spare. Returns how many
 * pages are RAM.
 */
unsigned long xengt_ggtt_pages_use_ram(struct xengt_ggtt_pages *pages, struct xengt_ggtt_ram *ram)
{
	unsigned long n;

	mutex_lock(&pages->gpages.sh->lock);
	WRITE_ONCE(pages->gpages.base, ram->gfn);
	pages->ram = ram;
	xengt_ggtt_ram_adopt(ram);
	put_ram(pages, ram);
	n = pages_to_ram(pages, ram);
	mutex_unlock(&pages->gpages.sh->lock);
	return n;
}

/* Copies the entries in found RAM to our own page. Returns 0, -ENOMEM or an error from Xen. */
static int copy_found(struct xengt_ggtt_page *page, const struct xengt_ggtt_ram *ram)
{
	int rc = xengt_foreign_page_init(&page->ram, ram->domid);

	if (rc)
		return rc;
	rc = xengt_foreign_page_map(&page->ram, ram->gfn + page->gpage.key);
	if (!rc)
		memcpy(page->own, page->ram.va, XENGT_PAGE_SIZE);
	xengt_foreign_page_exit(&page->ram);
	return rc;
}

/*
 * Reads the entries in found RAM as entries that the guest wrote, and shadows them. So the guest
 * reads the same values later, whether the RAM stays or is removed. To be called before
 * xengt_ggtt_pages_use_ram(). Returns 0, -ENOMEM or an error from Xen. The RAM does not change.
 */
int xengt_ggtt_pages_adopt(struct xengt_ggtt_pages *pages, const struct xengt_ggtt_ram *ram)
{
	struct xengt_gpage *gpage;
	unsigned long key;
	int rc = 0;

	mutex_lock(&pages->gpages.sh->lock);
	xa_for_each(&pages->gpages.pages, key, gpage) {
		if (!xengt_ggtt_ram_was_found(ram, key))
			continue;
		rc = copy_found(to_ggtt_page(gpage), ram);
		if (rc)
			break;
		gpage->pages->ops->collect(gpage, NULL);
		cond_resched();
	}
	xengt_leaves_apply(pages->gpages.sh);
	mutex_unlock(&pages->gpages.sh->lock);
	return rc;
}

static void give_back(struct xengt_ggtt_page *page)
{
	struct xengt_ggtt_pages *pages = container_of(page->gpage.pages, struct xengt_ggtt_pages,
						      gpages);

	xengt_ggtt_ram_give_back(pages->ram, page->gpage.key, 1);
}

/*
 * Write-protects and maps again the RAM at the page's GFN, which may be another page now. Returns
 * false if that fails. Then the RAM, if any, is given back, so that accesses are trapped as MMIO,
 * and @copy has the entries that were in the RAM mapped before.
 */
static bool renew(struct xengt_ggtt_page *page, void *copy)
{
	bool trapped = xengt_gpage_write_protect(&page->gpage);

	if (!trapped)
		give_back(page);
	memcpy(copy, page->ram.va, XENGT_PAGE_SIZE);
	if (!trapped)
		return false;
	if (!xengt_foreign_page_map(&page->ram, xengt_gpage_gfn(&page->gpage)))
		return true;
	give_back(page);
	return false;
}

/* Unmaps the RAM. From now on the entries are in @own, which has a copy of them. */
static void page_to_own(struct xengt_ggtt_page *page, void *own)
{
	xengt_foreign_page_exit(&page->ram);
	page->own = own;
	page->gpage.memory = false;
	xengt_gpage_set_va(&page->gpage, own);
	xengt_count(page->gpage.pages->sh->counters, XENGT_COUNT_GTT_RAM_LOST, 1);
}

/*
 * Finds out what is at the page's GFN now: the same RAM, other RAM, or nothing. Then collects the
 * entries that changed. Without memory for a copy the page is left to another rescan.
 */
static void rescan_ram(struct xengt_ggtt_page *page)
{
	struct xengt_gpage *gpage = &page->gpage;
	void *copy = (void *)get_zeroed_page(GFP_KERNEL);

	if (!copy) {
		xengt_dirty_leave_rescan(gpage->pages->sh);
		return;
	}
	xengt_gpage_forget_unsync(gpage);
	/* Trapped writes wait until the page is mapped again. */
	xengt_gpage_set_va(gpage, NULL);
	if (renew(page, copy)) {
		xengt_gpage_set_va(gpage, page->ram.va);
		free_page((unsigned long)copy);
	} else {
		page_to_own(page, copy);
	}
	gpage->pages->ops->collect(gpage, NULL);
}

/*
 * Rescans the pages of RAM after a balloon event: the guest may have given away or exchanged any of
 * them. The shadow is up to date on return, but for pages that were left for want of memory.
 */
void xengt_ggtt_pages_rescan(struct xengt_ggtt_pages *pages)
{
	struct xengt_gpage *gpage;
	struct xengt_ggtt_page *page;
	unsigned long key;

	lockdep_assert_held(&pages->gpages.sh->lock);
	xa_for_each(&pages->gpages.pages, key, gpage) {
		page = to_ggtt_page(gpage);
		if (page->own)
			continue;
		xengt_count(pages->gpages.sh->counters, XENGT_COUNT_PAGES_RESCANNED, 1);
		if (!xengt_gpage_is_write_protected(gpage))
			rescan_ram(page);
		cond_resched();
	}
	/* An update has each entry at most once: apply it before somebody adds the same entries. */
	xengt_leaves_apply(pages->gpages.sh);
}

static void free_spare(struct xengt_ggtt_pages *pages)
{
	struct xengt_ggtt_page *page;
	struct xengt_gpage *gpage;
	unsigned long key;

	lockdep_assert_held(&pages->gpages.sh->lock);
	xa_for_each(&pages->gpages.pages, key, gpage) {
		page = to_ggtt_page(gpage);
		free_page((unsigned long)page->spare);
		page->spare = NULL;
	}
}

/* Frees the spare pages. */
void xengt_ggtt_pages_free_spare(struct xengt_ggtt_pages *pages)
{
	mutex_lock(&pages->gpages.sh->lock);
	free_spare(pages);
	mutex_unlock(&pages->gpages.sh->lock);
}

/* Allocates a spare page for each page that is RAM. Returns 0; or -ENOMEM, when there are none. */
int xengt_ggtt_pages_add_spare(struct xengt_ggtt_pages *pages)
{
	struct xengt_ggtt_page *page;
	struct xengt_gpage *gpage;
	unsigned long key;
	int rc = 0;

	mutex_lock(&pages->gpages.sh->lock);
	xa_for_each(&pages->gpages.pages, key, gpage) {
		page = to_ggtt_page(gpage);
		if (page->own || page->spare)
			continue;
		page->spare = (void *)get_zeroed_page(GFP_KERNEL);
		if (!page->spare) {
			rc = -ENOMEM;
			free_spare(pages);
			break;
		}
		cond_resched();
	}
	mutex_unlock(&pages->gpages.sh->lock);
	return rc;
}

/*
 * Moves the entries from RAM that the guest has no more to the spare page. Collects those that the
 * guest wrote without a trap; the others were recorded when they were written.
 */
static void page_to_spare(struct xengt_ggtt_page *page)
{
	struct xengt_gpage *gpage = &page->gpage;
	bool untrapped = gpage->unsync || gpage->unsure;

	memcpy(page->spare, page->ram.va, XENGT_PAGE_SIZE);
	xengt_foreign_page_exit(&page->ram);
	page->own = page->spare;
	page->spare = NULL;
	gpage->memory = false;
	xengt_gpage_forget_unsync(gpage);
	xengt_gpage_set_va(gpage, page->own);
	if (untrapped && !gpage->pages->sh->closed)
		gpage->pages->ops->collect(gpage, NULL);
}

/*
 * Moves all entries from RAM to the spare pages, which there are, and gives back the RAM. Trapped
 * accesses wait meanwhile. What the guest has stored until it has the RAM no more is kept.
 */
void xengt_ggtt_pages_leave_ram(struct xengt_ggtt_pages *pages)
{
	struct xengt_gpage *gpage;
	unsigned long key;

	mutex_lock(&pages->gpages.sh->lock);
	xa_for_each(&pages->gpages.pages, key, gpage) {
		if (!to_ggtt_page(gpage)->own)
			xengt_gpage_set_va(gpage, NULL);
	}
	if (pages->ram)
		xengt_ggtt_ram_exit(pages->ram);
	xa_for_each(&pages->gpages.pages, key, gpage) {
		if (!to_ggtt_page(gpage)->own)
			page_to_spare(to_ggtt_page(gpage));
		cond_resched();
	}
	WRITE_ONCE(pages->gpages.base, 0);
	pages->ram = NULL;
	free_spare(pages);
	xengt_leaves_apply(pages->gpages.sh);
	mutex_unlock(&pages->gpages.sh->lock);
}

static void clear_entries(struct xengt_gpage *gpage)
{
	struct xengt_dirty *dirty = &gpage->pages->sh->dirty;

	spin_lock(&dirty->lock);
	if (gpage->va)
		memset(gpage->va, 0, XENGT_PAGE_SIZE);
	spin_unlock(&dirty->lock);
}

/* Clears all entries that the guest reads. The shadow is the caller's to update. */
void xengt_ggtt_pages_clear(struct xengt_ggtt_pages *pages)
{
	struct xengt_gpage *gpage;
	unsigned long key;

	lockdep_assert_held(&pages->gpages.sh->lock);
	xa_for_each(&pages->gpages.pages, key, gpage) {
		clear_entries(gpage);
		cond_resched();
	}
}
