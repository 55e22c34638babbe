// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of the guest's that are page tables: mapped, so that they can be read at any time, and
 * with writes trapped, so that nothing is written unnoticed, or open (see entry_page.c). Reads of
 * the guest's are not trapped.
 *
 * A page's frame is held by the mapping. When the guest gives the page up (balloon) the mapping
 * keeps the old frame alive but the GFN has none, or another one, whose writes are not trapped.
 * So after a balloon event each page that is not trapped any more is trapped and mapped anew.
 *
 * Invariants: first the trap, then reading: what is read was written before the trap or has
 * come through it. While a page is not present nothing of it is read.
 *
 * Source: Xen's XEN_DMOP_set_mem_type. Locking: the mm's lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "counters.h"
#include "dm_op.h"
#include "guest_page.h"
#include "mm.h"
#include "pte.h"

/* What the guest writes into the pages is for the caller to take. */
void xengt_guest_pages_init(struct xengt_guest_pages *pages, struct xengt_mm *mm,
			    const struct xengt_entry_pages_ops *ops)
{
	*pages = (struct xengt_guest_pages){ .mm = mm };
	xengt_entry_pages_init(&pages->entries, mm, ops);
	INIT_LIST_HEAD(&pages->lost);
	INIT_LIST_HEAD(&pages->stuck);
}

struct xengt_guest_page *xengt_guest_page_find(struct xengt_guest_pages *pages, u64 gfn)
{
	struct xengt_entry_page *entries = xa_load(&pages->entries.pages, gfn);

	return entries ? xengt_to_guest_page(entries) : NULL;
}

static int set_trap(struct xengt_guest_pages *pages, struct xengt_guest_page *page, bool trap)
{
	return xengt_dm_set_write_trap(pages->mm->domid, page->entries.key, 1, trap);
}

/* Nobody has been told of the page yet, or there is no page any more. */
static void untrap_at_once(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	set_trap(pages, page, false);
}

/*
 * Fails only if the trap may still be there: with the page, or the guest, it is gone. -EBUSY if a
 * vCPU is writing to the page just now.
 */
static int untrap(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	struct xengt_mm *mm = pages->mm;
	int rc;

	if (mm->untrap)
		rc = mm->untrap(mm, page->entries.key);
	else
		rc = set_trap(pages, page, false);
	return rc == -EINVAL || rc == -ESRCH ? 0 : rc;
}

static void set_present(struct xengt_guest_pages *pages, struct xengt_guest_page *page,
			bool present)
{
	xengt_entry_page_show(&page->entries, present ? page->map.va : NULL);
	list_del_init(&page->node);
	if (!present)
		list_add_tail(&page->node, &pages->lost);
}

/*
 * Traps writes to a page that is not known yet, and maps it. Or ERR_PTR(): -ENOENT there is no page
 * of plain RAM, -ENOMEM, or another error of Xen's.
 */
struct xengt_guest_page *xengt_guest_page_new(struct xengt_guest_pages *pages, u64 gfn)
{
	struct xengt_guest_page *page = kzalloc(sizeof(*page), GFP_KERNEL);
	int rc;

	if (!page)
		return ERR_PTR(-ENOMEM);
	xengt_entry_page_init(&page->entries, &pages->entries, gfn);
	page->entries.memory = true;
	INIT_LIST_HEAD(&page->tables);
	INIT_LIST_HEAD(&page->node);
	rc = set_trap(pages, page, true);
	if (rc)
		goto free;
	rc = xengt_foreign_page_init(&page->map, pages->mm->domid);
	if (rc)
		goto untrap;
	rc = xengt_foreign_page_map(&page->map, gfn);
	if (rc)
		goto exit;
	xengt_entry_page_show(&page->entries, page->map.va);
	rc = xengt_entry_page_add(&page->entries);
	if (rc)
		goto exit;
	pages->n++;
	xengt_count(pages->mm->counters, XENGT_COUNT_PAGES_TRAPPED, 1);
	return page;

exit:
	xengt_foreign_page_exit(&page->map);
untrap:
	untrap_at_once(pages, page);
free:
	kfree(page);
	/* Xen says -EINVAL for whatever is no plain RAM. */
	return ERR_PTR(rc == -EINVAL ? -ENOENT : rc);
}

static void forget(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	xengt_entry_page_remove(&page->entries);
	list_del(&page->node);
	pages->n--;
	xengt_foreign_page_exit(&page->map);
	kfree(page);
	xengt_count(pages->mm->counters, XENGT_COUNT_PAGES_RELEASED, 1);
}

static int let_go(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	int rc = untrap(pages, page);

	if (rc)
		return rc;
	xengt_entry_page_close(&page->entries);
	xengt_entry_page_show(&page->entries, NULL);
	return xengt_foreign_page_unmap(&page->map);
}

/*
 * The page is a page table no more: the guest writes it without traps. If Xen does not let it go,
 * it is tried again; until then its writes are done as those of a page table are.
 */
void xengt_guest_page_release(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	WARN_ON(!list_empty(&page->tables));
	if (let_go(pages, page))
		list_move_tail(&page->node, &pages->stuck);
	else
		forget(pages, page);
}

/* Tries the pages that are stuck again, but those that have become page tables once more. */
void xengt_guest_pages_release_stuck(struct xengt_guest_pages *pages)
{
	struct xengt_guest_page *page, *next;

	list_for_each_entry_safe(page, next, &pages->stuck, node) {
		if (!list_empty(&page->tables))
			set_present(pages, page, xengt_guest_page_present(page));
		else if (!let_go(pages, page))
			forget(pages, page);
	}
}

/* Nothing is trapped any more; what is still there is forgotten. */
void xengt_guest_pages_exit(struct xengt_guest_pages *pages)
{
	struct xengt_entry_page *entries;
	struct xengt_guest_page *page;
	unsigned long gfn;

	mutex_lock(&pages->mm->lock);
	xa_for_each(&pages->entries.pages, gfn, entries) {
		page = xengt_to_guest_page(entries);
		WARN_ON(!list_empty(&page->tables));
		forget(pages, page);
	}
	mutex_unlock(&pages->mm->lock);
	xa_destroy(&pages->entries.pages);
}

/* Where the trap is set already, it can be taken away and set again. */
static bool trap_again(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	if (!set_trap(pages, page, true))
		return true;
	return !set_trap(pages, page, false) &&
	       !set_trap(pages, page, true);
}

/*
 * A page whose trap is still there is the same, as the trap goes with a page. Otherwise traps and
 * maps the page anew, since it may be another one: what is in it has changed then, or may have. A
 * page that was open is not any more.
 */
enum xengt_page_change xengt_guest_page_look_again(struct xengt_guest_pages *pages,
						   struct xengt_guest_page *page)
{
	bool was = xengt_guest_page_present(page), is;

	if (xengt_entry_page_is_trapped(&page->entries))
		return XENGT_PAGE_SAME;
	xengt_entry_page_close(&page->entries);
	/* No write finds the page until it is mapped anew. */
	xengt_entry_page_show(&page->entries, NULL);
	is = trap_again(pages, page);
	if (is && xengt_foreign_page_map(&page->map, page->entries.key)) {
		untrap_at_once(pages, page);
		is = false;
	}
	if (!is)
		xengt_foreign_page_unmap(&page->map);
	set_present(pages, page, is);
	return was || is ? XENGT_PAGE_CHANGED : XENGT_PAGE_SAME;
}
