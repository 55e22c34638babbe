// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of guest entries: pages of the GGTT, and pages of the guest's memory that are tables of
 * PPGTTs. This file keeps the set of pages of each kind, where they are mapped, and whether they
 * are write-protected. dirty.c keeps what the guest writes to them.
 *
 * A page is exposed if it was unprotected for a moment, and then had to be protected again because
 * a vCPU was in the middle of a write to it, or to a page that was unprotected with it.
 *
 * Invariants: a page is found by its key exactly from xengt_gpage_add() to xengt_gpage_remove(). A
 * sync collects all entries of a page that was exposed, since writes to it may not have trapped.
 *
 * Locking: the shadow's lock. A page's va changes, and a page is removed, under the dirty lock too,
 * so that trapped accesses need only that one.
 */

#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/string.h>

#include "counters.h"
#include "shadow/gpage.h"
#include "shadow/late_sync.h"
#include "shadow/shadow.h"
#include "xen/dm_op.h"
#include "xen/write_protect.h"

void xengt_gpages_init(struct xengt_gpages *pages, struct xengt_shadow *sh,
		       const struct xengt_gpages_ops *ops)
{
	*pages = (struct xengt_gpages){
		.sh = sh,
		.ops = ops,
		.last_hot = ULONG_MAX,
		.next_key = ULONG_MAX,
	};
	xa_init(&pages->pages);
}

/* Initialises a page that is not in the set of pages yet, and not mapped. */
void xengt_gpage_init(struct xengt_gpage *page, struct xengt_gpages *pages,
		      unsigned long key)
{
	*page = (struct xengt_gpage){ .pages = pages, .key = key };
	INIT_LIST_HEAD(&page->written_node);
	INIT_LIST_HEAD(&page->hot_node);
	INIT_LIST_HEAD(&page->unsync_node);
}

/* Adds the page to the set: writes find it from now on, once it has a va. Returns 0 or -ENOMEM. */
int xengt_gpage_add(struct xengt_gpage *page)
{
	lockdep_assert_held(&page->pages->sh->lock);
	return xa_err(xa_store(&page->pages->pages, page->key, page, GFP_KERNEL));
}

/* Sets where the page's entries are mapped; NULL: nowhere, so that no access finds the page. */
void xengt_gpage_set_va(struct xengt_gpage *page, void *va)
{
	struct xengt_dirty *dirty = &page->pages->sh->dirty;

	lockdep_assert_held(&page->pages->sh->lock);
	spin_lock(&dirty->lock);
	page->va = va;
	spin_unlock(&dirty->lock);
}

/*
 * Is the mapped page still the page at its GFN, with no write unnoticed? True if the GFN's page is
 * write-protected: the protection belongs to a page, not to a GFN, so it is the same page since it
 * was mapped.
 */
bool xengt_gpage_is_write_protected(const struct xengt_gpage *page)
{
	return page->va && page->memory && !page->unsync && !page->unsure &&
	       xengt_dm_is_write_protected(page->pages->sh->domid, xengt_gpage_gfn(page));
}

/*
 * Write-protects the page that is at the GFN now. Returns true if it is protected, also if it was
 * already.
 */
bool xengt_gpage_write_protect(const struct xengt_gpage *page)
{
	domid_t domid = page->pages->sh->domid;
	u64 gfn = xengt_gpage_gfn(page);

	return !xengt_dm_set_write_protect(domid, gfn, 1, true) ||
	       xengt_dm_is_write_protected(domid, gfn);
}

/* Records all entries of @n exposed pages from @key on as written, and plans a late sync. */
static void note_exposed(struct xengt_gpages *pages, unsigned long key, unsigned int n)
{
	struct xengt_dirty *dirty = &pages->sh->dirty;
	struct xengt_gpage *page;
	unsigned int nr_written;

	spin_lock(&dirty->lock);
	for (; n; n--, key++) {
		page = xa_load(&pages->pages, key);
		page->unsure = true;
		bitmap_fill(page->written, XENGT_TABLE_ENTRIES);
		if (list_empty(&page->written_node))
			list_add_tail(&page->written_node, &dirty->written);
	}
	nr_written = ++dirty->nr_written;
	spin_unlock(&dirty->lock);
	xengt_late_sync_written(pages->sh, nr_written);
}

/*
 * Unprotects @n pages from @key on, or those before the first page that a vCPU is writing to. All
 * are in the set of pages, and are write-protected. Returns how many pages are unprotected, or an
 * error; see xengt_write_unprotect(). If a GFN may have another page now (-ESTALE), requests a
 * rescan as after a balloon event, and returns -EBUSY.
 */
int xengt_gpages_unprotect(struct xengt_gpages *pages, unsigned long key, unsigned int n)
{
	struct xengt_shadow *sh = pages->sh;
	unsigned int exposed;
	int done;

	lockdep_assert_held(&sh->lock);
	done = xengt_write_unprotect(sh->server, pages->base + key, n, &exposed);
	/* Before a vCPU completes its write and flushes: the flush has to wait for this event. */
	if (done == -ESTALE) {
		WRITE_ONCE(sh->dirty.rescan_due, true);
		xen_gpu_balloon_event(sh->client.domain);
		done = -EBUSY;
	}
	if (exposed)
		note_exposed(pages, key, exposed);
	xengt_write_unprotect_end(sh->server);
	if (done < 0)
		sh->unprotect_error = done;
	xengt_count(sh->counters, XENGT_COUNT_UNPROTECTS_BUSY, done == -EBUSY);
	return done;
}

/* Marks the page as not unsync. The caller deals with its protection and its mapping. */
void xengt_gpage_forget_unsync(struct xengt_gpage *page)
{
	lockdep_assert_held(&page->pages->sh->lock);
	page->unsure = false;
	if (!page->unsync)
		return;
	page->unsync = false;
	list_del_init(&page->unsync_node);
	page->pages->sh->dirty.nr_unsync--;
}

/* Removes the page from the set, and drops its record of writes. */
void xengt_gpage_remove(struct xengt_gpage *page)
{
	struct xengt_dirty *dirty = &page->pages->sh->dirty;

	xengt_gpage_forget_unsync(page);
	spin_lock(&dirty->lock);
	xa_erase(&page->pages->pages, page->key);
	list_del_init(&page->written_node);
	list_del_init(&page->hot_node);
	page->va = NULL;
	spin_unlock(&dirty->lock);
}

/* Reads an aligned 4 or 8 byte value with one load: an unsync page can be written meanwhile. */
static void load_whole(void *data, const void *from, unsigned int len)
{
	u64 wide;
	u32 narrow;

	if (len == sizeof(wide) && IS_ALIGNED((unsigned long)from, sizeof(wide))) {
		wide = READ_ONCE(*(const u64 *)from);
		memcpy(data, &wide, sizeof(wide));
	} else if (len == sizeof(narrow) && IS_ALIGNED((unsigned long)from, sizeof(narrow))) {
		narrow = READ_ONCE(*(const u32 *)from);
		memcpy(data, &narrow, sizeof(narrow));
	} else {
		memcpy(data, from, len);
	}
}

/*
 * Reads @len bytes at @offset (in bytes) of a page. Returns false if there is no such page, or it
 * is not mapped.
 */
bool xengt_gpage_load(struct xengt_gpages *pages, unsigned long key,
		      unsigned int offset, void *data, unsigned int len)
{
	struct xengt_dirty *dirty = &pages->sh->dirty;
	struct xengt_gpage *page;
	bool found;

	spin_lock(&dirty->lock);
	page = xa_load(&pages->pages, key);
	found = page && page->va;
	if (found)
		load_whole(data, (u8 *)page->va + offset, len);
	spin_unlock(&dirty->lock);
	return found;
}
