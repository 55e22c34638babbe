// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of dom0's from xen_alloc_unpopulated_pages(), which show a guest's frame while one is
 * mapped there.
 *
 * While a page shows a frame, the contents are in the page. A second page that shows the same
 * frame is a copy, and fake_mem_sync() makes the two agree.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/balloon.h>
#include <xen/page.h>

#include "fake_internal.h"

/* Number of pages that show a frame which another page shows as well */
static unsigned int nr_snapshots;

#define UNMAPPED_POISON	0xa5

struct fake_unpopulated *fake_unpopulated_find(unsigned long pfn)
{
	return fake_index_find(&fake.unpopulated, pfn);
}

/* Makes the page show the frame. The contents move into the page until it is unmapped. */
int fake_unpopulated_map(struct fake_unpopulated *u, struct fake_frame *frame, domid_t domid,
			 u64 gfn)
{
	void *va = page_address(u->page);

	if (u->map.frame)
		return -ENXIO;
	memcpy(va, fake_frame_data(frame), PAGE_SIZE);
	if (frame->home) {
		u->snapshot = fake_zalloc(PAGE_SIZE);
		nr_snapshots++;
		memcpy(u->snapshot, va, PAGE_SIZE);
	} else {
		frame->home = frame->data;
		frame->data = va;
	}
	fake_map_get(&u->map, frame, domid, gfn, 0);
	return 0;
}

/* Copies back what was written to a page since the snapshot, and nothing else. */
static void merge_snapshot(u8 *to, const u8 *now, const u8 *before)
{
	const u64 *now_words = (const u64 *)now, *before_words = (const u64 *)before;
	unsigned int word, i;

	/* Compares words first: this runs at every hypercall, and bytes seldom differ. */
	for (word = 0; word < PAGE_SIZE / 8; word++) {
		if (now_words[word] == before_words[word])
			continue;
		for (i = word * 8; i < word * 8 + 8; i++) {
			if (now[i] != before[i])
				to[i] = now[i];
		}
	}
}

/* Makes pages that show the same frame agree: the kernel has different memory for each. */
void fake_mem_sync(void)
{
	struct fake_unpopulated *u;
	unsigned long pfn;

	if (!nr_snapshots)
		return;
	xa_for_each(&fake.unpopulated.xa, pfn, u) {
		if (u->snapshot)
			merge_snapshot(fake_frame_data(u->map.frame), page_address(u->page),
				       u->snapshot);
	}
	xa_for_each(&fake.unpopulated.xa, pfn, u) {
		if (!u->snapshot)
			continue;
		memcpy(page_address(u->page), fake_frame_data(u->map.frame), PAGE_SIZE);
		memcpy(u->snapshot, page_address(u->page), PAGE_SIZE);
	}
}

void fake_unpopulated_unmap(struct fake_unpopulated *u)
{
	struct fake_frame *frame = u->map.frame;
	void *va = page_address(u->page);

	if (u->snapshot) {
		merge_snapshot(fake_frame_data(frame), va, u->snapshot);
		kfree(u->snapshot);
		nr_snapshots--;
		u->snapshot = NULL;
	} else {
		memcpy(frame->home, va, PAGE_SIZE);
		frame->data = frame->home;
		frame->home = NULL;
	}
	memset(va, UNMAPPED_POISON, PAGE_SIZE);
	fake_map_put(&u->map, 0);
}

static int alloc_unpopulated(struct page **page)
{
	struct fake_unpopulated *u = fake_zalloc(sizeof(*u));

	u->page = alloc_page(GFP_ATOMIC);
	if (!u->page) {
		kfree(u);
		return -ENOMEM;
	}
	memset(page_address(u->page), UNMAPPED_POISON, PAGE_SIZE);
	fake_index_store(&fake.unpopulated, page_to_pfn(u->page), u);
	*page = u->page;
	return 0;
}

static void free_unpopulated(struct page *page)
{
	struct fake_unpopulated *u = fake_unpopulated_find(page_to_pfn(page));

	if (!u) {
		fake_error("an unpopulated page is freed that is none, or twice");
		return;
	}
	if (u->map.frame) {
		fake_error("an unpopulated page is freed while GFN %llx of domain %u is there",
			   u->map.gfn, u->map.domid);
		fake_unpopulated_unmap(u);
	}
	if (memchr_inv(page_address(page), UNMAPPED_POISON, PAGE_SIZE))
		fake_error("an unpopulated page was written while nothing was mapped there");
	fake_index_erase(&fake.unpopulated, page_to_pfn(page));
	__free_page(page);
	kfree(u);
}

/* xen_alloc_unpopulated_pages() is a macro for this without CONFIG_XEN_UNPOPULATED_ALLOC. */
int xen_alloc_ballooned_pages(unsigned int nr_pages, struct page **pages)
{
	struct fake_call_state state;
	int rc = fake_enter(&state, FAKE_CALL_UNPOPULATED);
	unsigned int i;

	for (i = 0; !rc && i < nr_pages; i++) {
		rc = alloc_unpopulated(&pages[i]);
		if (!rc)
			continue;
		while (i--)
			free_unpopulated(pages[i]);
		break;
	}
	return fake_leave(&state, rc);
}

void xen_free_ballooned_pages(unsigned int nr_pages, struct page **pages)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&fake.lock, flags);
	for (i = 0; i < nr_pages; i++)
		free_unpopulated(pages[i]);
	spin_unlock_irqrestore(&fake.lock, flags);
}

void fake_unpopulated_stop(void)
{
	struct fake_unpopulated *u;
	unsigned long pfn;

	xa_for_each(&fake.unpopulated.xa, pfn, u) {
		if (u->map.frame && !u->snapshot)
			u->map.frame->data = NULL;	/* in the page that is freed here */
		__free_page(u->page);
		kfree(u->snapshot);
		kfree(u);
	}
	nr_snapshots = 0;
	xa_destroy(&fake.unpopulated.xa);
}
