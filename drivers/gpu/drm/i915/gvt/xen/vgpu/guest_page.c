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
#include "open_page.h"
#include "pte.h"

/* What the guest writes into the pages is for the caller to take. */
void xengt_guest_pages_init(struct xengt_guest_pages *pages, struct xengt_mm *mm,
			    const struct xengt_entry_pages_ops *ops)
{
	*pages = (struct xengt_guest_pages){ .mm = mm };
	xengt_entry_pages_init(&pages->entries, mm, ops);
	pages->entries.alone = true;
	INIT_LIST_HEAD(&pages->lost);
	INIT_LIST_HEAD(&pages->stuck);
}

struct xengt_guest_page *xengt_guest_page_find(struct xengt_guest_pages *pages, u64 gfn)
{
	struct xengt_entry_page *entries = xa_load(&pages->entries.pages, gfn);

	return entries ? xengt_to_guest_page(entries) : NULL;
}

/*
 * Fails only if the trap may still be there: with the page, or the guest, it is gone. -EBUSY if a
 * vCPU is writing to the page just now.
 */
static int untrap(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	int rc;

	if (page->entries.open)
		return 0;
	rc = pages->mm->untrap(pages->mm, page->entries.key, 1);
	return rc == -EINVAL || rc == -ESRCH ? 0 : min(rc, 0);
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
	rc = xengt_foreign_page_init(&page->map, pages->mm->domid);
	if (rc)
		goto free;
	rc = xengt_entry_page_add(&page->entries);
	if (rc)
		goto exit;
	rc = xengt_dm_set_write_trap(pages->mm->domid, gfn, 1, true);
	if (rc)
		goto remove;
	pages->n++;
	xengt_count(pages->mm->counters, XENGT_COUNT_PAGES_TRAPPED, 1);
	rc = xengt_foreign_page_map(&page->map, gfn);
	if (rc) {
		xengt_guest_page_release(pages, page);
		return ERR_PTR(rc == -EINVAL ? -ENOENT : rc);
	}
	xengt_entry_page_show(&page->entries, page->map.va);
	return page;

remove:
	xengt_entry_page_remove(&page->entries);
exit:
	xengt_foreign_page_exit(&page->map);
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
	xengt_open_page_forget(&page->entries);
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

/*
 * After a balloon event, a page that is stuck: if it is not the one that was trapped, nothing is
 * seen of it any more. Should it become a page table once more, it is looked for as a lost one is.
 */
void xengt_guest_page_doubt(struct xengt_guest_page *page)
{
	if (xengt_entry_page_is_trapped(&page->entries))
		return;
	xengt_open_page_forget(&page->entries);
	xengt_entry_page_show(&page->entries, NULL);
	xengt_foreign_page_unmap(&page->map);
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
	xengt_open_page_forget(&page->entries);
	/* No write finds the page until it is mapped anew. */
	xengt_entry_page_show(&page->entries, NULL);
	/* The trap stays if the page cannot be mapped: it is looked at again. */
	is = xengt_entry_page_trap(&page->entries) &&
	     !xengt_foreign_page_map(&page->map, page->entries.key);
	if (!is)
		xengt_foreign_page_unmap(&page->map);
	set_present(pages, page, is);
	return was || is ? XENGT_PAGE_CHANGED : XENGT_PAGE_SAME;
}
