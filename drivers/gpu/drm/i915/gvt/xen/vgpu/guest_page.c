// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of the guest's that are page tables: mapped, so that they can be read at any time, and
 * with writes trapped, so that nothing is written unnoticed. Reads of the guest's are not trapped.
 *
 * A page's frame is held by the mapping. When the guest gives the page up (balloon) the mapping
 * keeps the old frame alive but the GFN has none, or another one, whose writes are not trapped.
 * So after a balloon event each page is trapped and mapped anew.
 *
 * Invariants: first the trap, then reading: what is read was written before the trap or has
 * come through it. While a page is not present nothing of it is read.
 *
 * Source: Xen's XEN_DMOP_set_mem_type. Locking: the caller's, one for all pages of a virtual GPU.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/unaligned.h>

#include "counters.h"
#include "dm_op.h"
#include "guest_page.h"
#include "pte.h"

void xengt_guest_pages_init(struct xengt_guest_pages *pages, domid_t domid,
			    struct xengt_counters *counters)
{
	*pages = (struct xengt_guest_pages){ .domid = domid, .counters = counters };
	xa_init(&pages->pages);
	INIT_LIST_HEAD(&pages->lost);
	INIT_LIST_HEAD(&pages->stuck);
}

struct xengt_guest_page *xengt_guest_page_find(struct xengt_guest_pages *pages, u64 gfn)
{
	return xa_load(&pages->pages, gfn);
}

/* Fails only if the trap may still be there: with the page, or the guest, it is gone. */
static int untrap(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	int rc = xengt_dm_set_write_trap(pages->domid, page->gfn, false);

	return rc == -EINVAL || rc == -ESRCH ? 0 : rc;
}

static void set_present(struct xengt_guest_pages *pages, struct xengt_guest_page *page,
			bool present)
{
	page->present = present;
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
	page->gfn = gfn;
	INIT_LIST_HEAD(&page->tables);
	INIT_LIST_HEAD(&page->node);
	rc = xengt_dm_set_write_trap(pages->domid, gfn, true);
	if (rc)
		goto free;
	rc = xengt_foreign_page_init(&page->map, pages->domid);
	if (rc)
		goto untrap;
	rc = xengt_foreign_page_map(&page->map, gfn);
	if (rc)
		goto exit;
	page->present = true;
	rc = xa_err(xa_store(&pages->pages, gfn, page, GFP_KERNEL));
	if (rc)
		goto exit;
	pages->n++;
	xengt_count(pages->counters, XENGT_COUNT_PAGES_TRAPPED, 1);
	return page;

exit:
	xengt_foreign_page_exit(&page->map);
untrap:
	untrap(pages, page);
free:
	kfree(page);
	/* Xen says -EINVAL for whatever is no plain RAM. */
	return ERR_PTR(rc == -EINVAL ? -ENOENT : rc);
}

static void forget(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	xa_erase(&pages->pages, page->gfn);
	list_del(&page->node);
	pages->n--;
	xengt_foreign_page_exit(&page->map);
	kfree(page);
	xengt_count(pages->counters, XENGT_COUNT_PAGES_RELEASED, 1);
}

static int let_go(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	int rc = untrap(pages, page);

	if (rc)
		return rc;
	page->present = false;
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
			set_present(pages, page, page->present);
		else if (!let_go(pages, page))
			forget(pages, page);
	}
}

/* Nothing is trapped any more; what is still there is forgotten. */
void xengt_guest_pages_exit(struct xengt_guest_pages *pages)
{
	struct xengt_guest_page *page;
	unsigned long gfn;

	xa_for_each(&pages->pages, gfn, page) {
		WARN_ON(!list_empty(&page->tables));
		forget(pages, page);
	}
	xa_destroy(&pages->pages);
}

/* Where the trap is set already, it can be taken away and set again. */
static bool trap_again(struct xengt_guest_pages *pages, struct xengt_guest_page *page)
{
	if (!xengt_dm_set_write_trap(pages->domid, page->gfn, true))
		return true;
	return !xengt_dm_set_write_trap(pages->domid, page->gfn, false) &&
	       !xengt_dm_set_write_trap(pages->domid, page->gfn, true);
}

/*
 * Traps and maps the page anew, since it may be another one. What is in it has changed then, or
 * may have: it could be written without a trap for a moment.
 */
enum xengt_page_change xengt_guest_page_look_again(struct xengt_guest_pages *pages,
						   struct xengt_guest_page *page)
{
	bool was = page->present, is = trap_again(pages, page);

	if (is && xengt_foreign_page_map(&page->map, page->gfn)) {
		untrap(pages, page);
		is = false;
	}
	if (!is)
		xengt_foreign_page_unmap(&page->map);
	set_present(pages, page, is);
	return was || is ? XENGT_PAGE_CHANGED : XENGT_PAGE_SAME;
}

/*
 * Does a trapped write, at an offset in bytes, for the guest: in one store if it is a whole entry,
 * so that the guest's other vCPUs see it whole.
 */
void xengt_guest_page_store(struct xengt_guest_page *page, unsigned int offset, const void *data,
			    unsigned int len)
{
	void *to = (u8 *)page->map.va + offset;

	if (len == sizeof(u64) && IS_ALIGNED(offset, sizeof(u64)))
		WRITE_ONCE(*(u64 *)to, get_unaligned((const u64 *)data));
	else if (len == sizeof(u32) && IS_ALIGNED(offset, sizeof(u32)))
		WRITE_ONCE(*(u32 *)to, get_unaligned((const u32 *)data));
	else
		memcpy(to, data, len);
}
