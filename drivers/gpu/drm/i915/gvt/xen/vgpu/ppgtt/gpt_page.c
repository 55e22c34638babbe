// SPDX-License-Identifier: GPL-2.0
/*
 * Guest pages that are PPGTT tables. Each is mapped, so that it can be read at any time. Each is
 * write-protected, so that no write goes unnoticed, or unsync (see shadow/unsync.c). The guest's
 * reads do not trap.
 *
 * The mapping holds the page's frame. When the guest balloons the page out, the mapping keeps the
 * old frame alive. But the GFN has no page then, or another one that is not write-protected. So a
 * rescan after a balloon event protects and maps each page again that is not protected any more.
 *
 * A page is in one of these states:
 *  - present: mapped, and its writes are noticed;
 *  - lost: it has SPTs, but could not be protected or mapped. It reads as zeroes, and a few lost
 *    pages are tried again at each sync;
 *  - stuck: it has no SPTs any more, but could not be unprotected or unmapped. It is tried again at
 *    each sync.
 *
 * Invariants:
 *  - A page is protected before it is read. So what is read was written before the protection, or
 *    the write has trapped.
 *  - While a page is not present, nothing of it is read.
 *
 * Source: Xen's XEN_DMOP_set_mem_type. Locking: the shadow's lock.
 */

#include <linux/err.h>
#include <linux/slab.h>

#include "abi/pte.h"
#include "counters.h"
#include "ppgtt/gpt_page.h"
#include "shadow/gpage.h"
#include "shadow/shadow.h"
#include "xen/dm_op.h"

/**
 * xengt_gpt_pages_init - initialise the set of table pages, with none in it
 * @pages: what to initialise
 * @sh: the shadow
 * @ops: the caller's functions, which collect what the guest writes into the pages
 */
void xengt_gpt_pages_init(struct xengt_gpt_pages *pages, struct xengt_shadow *sh,
			  const struct xengt_gpages_ops *ops)
{
	*pages = (struct xengt_gpt_pages){ .sh = sh };
	xengt_gpages_init(&pages->gpages, sh, ops);
	pages->gpages.no_locality = true;
	INIT_LIST_HEAD(&pages->lost);
	INIT_LIST_HEAD(&pages->stuck);
}

/**
 * xengt_gpt_page_find - find a table page
 * @pages: all table pages
 * @gfn: its GFN
 *
 * Context: the shadow's lock is held.
 * Return: the page, which may be lost or stuck; or NULL.
 */
struct xengt_gpt_page *xengt_gpt_page_find(struct xengt_gpt_pages *pages, u64 gfn)
{
	struct xengt_gpage *gpage = xa_load(&pages->gpages.pages, gfn);

	return gpage ? xengt_to_gpt_page(gpage) : NULL;
}

/*
 * Unprotects a page. Succeeds also if the page or the guest is gone, as the protection is gone with
 * it. Returns -EBUSY if a vCPU is writing to the page, or another error of Xen's; the page may
 * still be protected then.
 */
static int unprotect(struct xengt_gpt_pages *pages, struct xengt_gpt_page *page)
{
	int rc;

	if (page->gpage.unsync)
		return 0;
	rc = xengt_gpages_unprotect(&pages->gpages, page->gpage.key, 1);
	return rc == -EINVAL || rc == -ESRCH ? 0 : min(rc, 0);
}

/* Makes a page present, or lost. */
static void set_present(struct xengt_gpt_pages *pages, struct xengt_gpt_page *page,
			bool present)
{
	xengt_gpage_set_va(&page->gpage, present ? page->map.va : NULL);
	list_del_init(&page->node);
	if (!present)
		list_add_tail(&page->node, &pages->lost);
}

/**
 * xengt_gpt_page_new - write-protect and map a guest page
 * @pages: all table pages; this one is not among them
 * @gfn: its GFN
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: the page, present and without SPTs; or ERR_PTR(): -ENOENT: there is no page of plain RAM
 * at the GFN; -ENOMEM; or another error of Xen's.
 */
struct xengt_gpt_page *xengt_gpt_page_new(struct xengt_gpt_pages *pages, u64 gfn)
{
	struct xengt_gpt_page *page = kzalloc(sizeof(*page), GFP_KERNEL);
	int rc;

	if (!page)
		return ERR_PTR(-ENOMEM);
	xengt_gpage_init(&page->gpage, &pages->gpages, gfn);
	page->gpage.memory = true;
	INIT_LIST_HEAD(&page->spts);
	INIT_LIST_HEAD(&page->node);
	rc = xengt_foreign_page_init(&page->map, pages->sh->domid);
	if (rc)
		goto free;
	rc = xengt_gpage_add(&page->gpage);
	if (rc)
		goto exit;
	rc = xengt_dm_set_write_protect(pages->sh->domid, gfn, 1, true);
	if (rc)
		goto remove;
	pages->n++;
	xengt_count(pages->sh->counters, XENGT_COUNT_PAGES_PROTECTED, 1);
	rc = xengt_foreign_page_map(&page->map, gfn);
	if (rc) {
		xengt_gpt_page_release(pages, page);
		return ERR_PTR(rc == -EINVAL ? -ENOENT : rc);
	}
	xengt_gpage_set_va(&page->gpage, page->map.va);
	return page;

remove:
	xengt_gpage_remove(&page->gpage);
exit:
	xengt_foreign_page_exit(&page->map);
free:
	kfree(page);
	/* Xen returns -EINVAL for everything that is not plain RAM. */
	return ERR_PTR(rc == -EINVAL ? -ENOENT : rc);
}

static void forget(struct xengt_gpt_pages *pages, struct xengt_gpt_page *page)
{
	xengt_gpage_remove(&page->gpage);
	list_del(&page->node);
	pages->n--;
	xengt_foreign_page_exit(&page->map);
	kfree(page);
	xengt_count(pages->sh->counters, XENGT_COUNT_PAGES_RELEASED, 1);
}

static int unprotect_and_unmap(struct xengt_gpt_pages *pages, struct xengt_gpt_page *page)
{
	int rc = unprotect(pages, page);

	if (rc)
		return rc;
	xengt_gpage_forget_unsync(&page->gpage);
	xengt_gpage_set_va(&page->gpage, NULL);
	return xengt_foreign_page_unmap(&page->map);
}

/**
 * xengt_gpt_page_release - unprotect, unmap and free a page that is no table any more
 * @pages: all table pages
 * @page: the page, without SPTs
 *
 * If that fails, the page is stuck and will be tried again. Until then a trapped write to it is
 * handled like one to a table.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_gpt_page_release(struct xengt_gpt_pages *pages, struct xengt_gpt_page *page)
{
	WARN_ON(!list_empty(&page->spts));
	if (unprotect_and_unmap(pages, page))
		list_move_tail(&page->node, &pages->stuck);
	else
		forget(pages, page);
}

/**
 * xengt_gpt_pages_release_stuck - try again to release stuck pages
 * @pages: all table pages
 *
 * A stuck page that has become a table again is present or lost from now on.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_gpt_pages_release_stuck(struct xengt_gpt_pages *pages)
{
	struct xengt_gpt_page *page, *next;

	list_for_each_entry_safe(page, next, &pages->stuck, node) {
		if (!list_empty(&page->spts))
			set_present(pages, page, xengt_gpt_page_present(page));
		else if (!unprotect_and_unmap(pages, page))
			forget(pages, page);
	}
}

/**
 * xengt_gpt_page_check_stuck - rescan a stuck page after a balloon event
 * @page: the page, without SPTs
 *
 * If the page at the GFN is not the protected one any more, the page is unmapped. If it becomes a
 * table again, it is lost then, and will be mapped like other lost pages.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 */
void xengt_gpt_page_check_stuck(struct xengt_gpt_page *page)
{
	if (xengt_gpage_is_write_protected(&page->gpage))
		return;
	xengt_gpage_forget_unsync(&page->gpage);
	xengt_gpage_set_va(&page->gpage, NULL);
	xengt_foreign_page_unmap(&page->map);
}

/**
 * xengt_gpt_pages_exit - free the table pages that are left
 * @pages: all table pages, without SPTs; Xen does not protect any of them any more
 *
 * Context: process context, may sleep; takes the shadow's lock.
 */
void xengt_gpt_pages_exit(struct xengt_gpt_pages *pages)
{
	struct xengt_gpage *gpage;
	struct xengt_gpt_page *page;
	unsigned long gfn;

	mutex_lock(&pages->sh->lock);
	xa_for_each(&pages->gpages.pages, gfn, gpage) {
		page = xengt_to_gpt_page(gpage);
		WARN_ON(!list_empty(&page->spts));
		forget(pages, page);
	}
	mutex_unlock(&pages->sh->lock);
	xa_destroy(&pages->gpages.pages);
}

/**
 * xengt_gpt_page_rescan - rescan a table page after a balloon event, or a lost one at any time
 * @pages: all table pages
 * @page: the page, with SPTs
 *
 * If the page is still write-protected, it is the same page: the protection leaves with the page.
 * Otherwise another page may be at the GFN: it is protected and mapped again, and is not unsync any
 * more. If it cannot be protected and mapped, the page is lost.
 *
 * Context: process context, may sleep; the shadow's lock is held.
 * Return: XENGT_GPT_PAGE_CHANGED if the contents may have changed, which includes that the page was
 * lost or has come back.
 */
enum xengt_gpt_page_change xengt_gpt_page_rescan(struct xengt_gpt_pages *pages,
						 struct xengt_gpt_page *page)
{
	bool was = xengt_gpt_page_present(page), is;

	if (xengt_gpage_is_write_protected(&page->gpage))
		return XENGT_GPT_PAGE_SAME;
	xengt_gpage_forget_unsync(&page->gpage);
	/* No trapped write finds the page until it is mapped again. */
	xengt_gpage_set_va(&page->gpage, NULL);
	/* A page that cannot be mapped stays protected and is lost: a later sync tries again. */
	is = xengt_gpage_write_protect(&page->gpage) &&
	     !xengt_foreign_page_map(&page->map, page->gpage.key);
	if (!is)
		xengt_foreign_page_unmap(&page->map);
	set_present(pages, page, is);
	return was || is ? XENGT_GPT_PAGE_CHANGED : XENGT_GPT_PAGE_SAME;
}
