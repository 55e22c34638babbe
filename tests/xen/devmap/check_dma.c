// SPDX-License-Identifier: GPL-2.0
/*
 * What a device can reach: what is mapped, in the way it is mapped, and nothing else.
 *
 * Two pages are looked at by way of dom0's own mapping of them. One of them is always
 * mapped for the
 * device, for it to put there what it read elsewhere.
 */
#include <errno.h>
#include <string.h>

#include "checks.h"
#include "edu.h"

#define HVM_PARAM_STORE_PFN	1
#define LEN			64

struct page {
	uint64_t gfn;
	uint64_t bfn;
	char *seen;
};

static bool page_init(unsigned int guest, struct page *p, uint64_t gfn, uint64_t bfn)
{
	p->gfn = gfn;
	p->bfn = bfn;
	p->seen = xen_map_page(guest, gfn);
	that(p->seen, "dom0 looks at the guest's page", gfn);
	return p->seen;
}

static bool reads(struct page *from, struct page *to)
{
	memset(to->seen, 0x11, LEN);
	return edu_copy(from->bfn * PAGE_SIZE, to->bfn * PAGE_SIZE, LEN) &&
	       !memcmp(from->seen, to->seen, LEN);
}

/* Brings what is in FROM to TO, if that can be written. */
static bool writes(struct page *from, struct page *to)
{
	return reads(from, to);
}

static void fill(struct page *p, int byte)
{
	memset(p->seen, byte, PAGE_SIZE);
}

static void check_reach(unsigned int guest, struct page *a, struct page *b)
{
	fill(a, 0xa1);
	is(map_one(guest, a->gfn, &a->bfn, 0), 0, "a page, mapped for the device");
	that(reads(a, b), "... is read by it", a->seen[0]);
	fill(b, 0xb2);
	that(writes(b, a), "... and written", a->seen[0]);
	is(unmap_one(guest, a->bfn, 0), 0, "... unmapped");
	if (!isolated())
		return;
	fill(a, 0xc3);
	count_from_here();
	that(!reads(a, b), "... is not read", b->seen[0]);
	fill(b, 0xd4);
	that(!writes(b, a), "... is not written", a->seen[0]);
	fill(a, 0xc3);
	edu_copy(b->bfn * PAGE_SIZE, a->bfn * PAGE_SIZE, LEN);
	is((unsigned char)a->seen[0], 0xc3, "... holds what it held");
	refused("... and the IOMMU says so");
}

static void check_readonly(unsigned int guest, struct page *a, struct page *b)
{
	is(map_one(guest, a->gfn, &a->bfn, READONLY), 0, "a page, mapped read-only");
	if (isolated()) {
		fill(b, 0x66);
		that(!writes(b, a), "... is not written by the device", a->seen[0]);
	}
	fill(a, 0x5a);
	that(reads(a, b), "... but read", b->seen[0]);
	if (isolated()) {
		fill(b, 0x66);
		that(!writes(b, a), "... and then not written either", a->seen[0]);
	}
	is(unmap_one(guest, a->bfn, READONLY), 0, "... and unmapped");
}

/* Strict PV: one entry serves both kinds of map. */
static void check_mixed(unsigned int guest, struct page *a, struct page *b)
{
	map_one(guest, a->gfn, &a->bfn, READONLY);
	map_one(guest, a->gfn, &a->bfn, 0);
	fill(b, 0x31);
	that(writes(b, a), "a page mapped both ways is written", a->seen[0]);
	count_from_here();
	is(unmap_one(guest, a->bfn, 0), 0, "... loses the writable map");
	invalidations(1, "... which takes an invalidation");
	fill(b, 0x32);
	that(!writes(b, a), "... is written no more", a->seen[0]);
	fill(a, 0x33);
	that(reads(a, b), "... but read", b->seen[0]);
	unmap_one(guest, a->bfn, READONLY);
	fill(a, 0x34);
	that(!reads(a, b), "... until that map is gone, too", b->seen[0]);
}

void check_dma(unsigned int guest)
{
	struct page a, b;

	if (!page_init(guest, &a, FIRST_GFN, FIRST_BFN) ||
	    !page_init(guest, &b, FIRST_GFN + 7, FIRST_BFN + 99))
		return;
	is(map_one(guest, b.gfn, &b.bfn, 0), 0, "a page for results");
	check_reach(guest, &a, &b);
	check_readonly(guest, &a, &b);
	if (kind == STRICT)
		check_mixed(guest, &a, &b);
	is(unmap_one(guest, b.bfn, 0), 0, "the page for results goes");
	is(nr_maps(guest), 0, "no map is left");
	xen_unmap_page(a.seen);
	xen_unmap_page(b.seen);
}

/* xenstored has a grant of this page mapped: the entry is there before us, and stays after us. */
void check_grants(unsigned int guest)
{
	struct page store, b;
	uint64_t gfn;

	if (kind != STRICT)
		return;
	is(xen_hvm_param(guest, HVM_PARAM_STORE_PFN, &gfn), 0, "the xenstore page");
	if (!page_init(guest, &store, gfn, 0) || !page_init(guest, &b, FIRST_GFN + 7, 0))
		return;
	map_one(guest, b.gfn, &b.bfn, 0);
	is(map_one(guest, store.gfn, &store.bfn, 0), 0, "... granted and in use, is mapped");
	count_from_here();
	is(unmap_one(guest, store.bfn, 0), 0, "... and unmapped");
	invalidations(0, "... without an invalidation");
	that(reads(&store, &b), "... and is still there for the grant's sake", b.seen[0]);
	unmap_one(guest, b.bfn, 0);
	xen_unmap_page(store.seen);
	xen_unmap_page(b.seen);
}
