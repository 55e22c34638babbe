// SPDX-License-Identifier: GPL-2.0
/*
 * Which pages can be mapped, where, and how often.
 */
#include <errno.h>

#include "checks.h"
#include "edu.h"

#define HVMMEM_ram_rw		0
#define HVMMEM_ram_ro		1
#define HVMMEM_ioreq_server	4

/* A GFN that a guest with little memory has nothing at */
#define HOLE_GFN	0x200000

static void check_kinds(unsigned int guest)
{
	uint64_t bfn = FIRST_BFN;

	is(map_one(guest, HOLE_GFN, &bfn, 0), -ENOENT, "a hole");
	is(map_one(guest, -1ULL, &bfn, 0), -ENOENT, "the last GFN of all");
	is(map_one(guest, 1ULL << 52, &bfn, 0), -ENOENT, "a GFN of 53 bits");
	is(map_one(guest, FIRST_GFN, &bfn, 1U << 31), -EINVAL, "an unknown flag");
	is(xen_place_shared_info(guest, HOLE_GFN), 0, "Xen's own page, put into the guest");
	is(map_one(guest, HOLE_GFN, &bfn, 0), -EPERM, "... cannot be mapped");
	is(map_one(guest, HOLE_GFN, &bfn, READONLY), -EPERM, "... nor read-only");
	is(xen_set_mem_type(guest, FIRST_GFN, HVMMEM_ram_ro), 0,
	   "a page that the guest cannot write");
	is(map_one(guest, FIRST_GFN, &bfn, 0), -EACCES, "... cannot be mapped writable");
	is(map_one(guest, FIRST_GFN, &bfn, READONLY), 0, "... but read-only");
	is(unmap_one(guest, bfn, READONLY), 0, "... and be unmapped");
	xen_set_mem_type(guest, FIRST_GFN, HVMMEM_ram_rw);
	is(nr_maps(guest), 0, "none stays mapped");
}

/* What the guest's vCPUs write goes to an ioreq server; devices' writes never do. */
static void check_trapped(unsigned int guest)
{
	uint64_t bfn = FIRST_BFN;
	uint16_t server;

	is(xen_claim_writes(guest, &server), 0, "an ioreq server for the guest's writes");
	is(xen_set_mem_type(guest, FIRST_GFN, HVMMEM_ioreq_server), 0, "... gets those to a page");
	is(map_one(guest, FIRST_GFN, &bfn, 0), 0, "... which can be mapped for devices to write");
	is(unmap_one(guest, bfn, 0), 0, "... and be unmapped");
	is(map_one(guest, FIRST_GFN, &bfn, READONLY), 0, "... and read-only");
	is(unmap_one(guest, bfn, READONLY), 0, "... and be unmapped");
	is(xen_set_mem_type(guest, FIRST_GFN, HVMMEM_ram_rw), 0, "... and gets them no more");
	is(map_one(guest, FIRST_GFN, &bfn, 0), 0, "a page that is mapped");
	is(xen_set_mem_type(guest, FIRST_GFN, HVMMEM_ioreq_server), 0, "... becomes such a page");
	is(lookup_one(guest, FIRST_GFN, bfn), 0, "... and is still what the guest has there");
	is(unmap_one(guest, bfn, 0), 0, "... and can be unmapped");
	xen_set_mem_type(guest, FIRST_GFN, HVMMEM_ram_rw);
	is(xen_end_claim(guest, server), 0, "the ioreq server goes");
}

/* BFNs of a translated caller */
static void check_places(unsigned int guest, unsigned int other)
{
	uint64_t bfn = FIRST_BFN, own = 0x1000, bar = edu_bar() >> 12, far = 1ULL << 51;
	long pages = xen_pages(0);

	is(map_one(guest, FIRST_GFN, &bfn, 0), 0, "a page at a BFN");
	is(map_one(guest, FIRST_GFN, &bfn, 0), -EEXIST, "... leaves no room for itself");
	is(map_one(guest, FIRST_GFN + 1, &bfn, READONLY), -EEXIST, "... for another page");
	is(map_one(other, FIRST_GFN, &bfn, 0), -EEXIST, "... for another guest's");
	is(unmap_one(guest, bfn, 0), 0, "... until it is unmapped");
	is(map_one(other, FIRST_GFN, &bfn, 0), 0, "... then another guest's can be there");
	is(unmap_one(guest, bfn, 0), -ENOENT, "... which a late unmap does not hit");
	is(unmap_one(other, bfn, 0), 0, "... but its own");
	is(map_one(guest, FIRST_GFN, &own, 0), -EEXIST, "the caller's own memory as a BFN");
	is(xen_pages(0), pages, "... which it keeps");
	is(map_one(guest, FIRST_GFN, &bar, 0), -EEXIST, "a device's registers as a BFN");
	is(map_one(guest, FIRST_GFN, &far, 0), -ERANGE, "a BFN that is too wide");
}

static void check_repeated(unsigned int guest)
{
	uint64_t a = FIRST_BFN, b = FIRST_BFN + 1, c = FIRST_BFN + 2;

	is(map_one(guest, FIRST_GFN, &a, 0), 0, "a page, mapped");
	is(map_one(guest, FIRST_GFN, &b, 0), 0, "... and once more");
	is(map_one(guest, FIRST_GFN, &c, READONLY), 0, "... and read-only");
	that((a == b && b == c) == (kind != TRANSLATED), "... at one BFN where Xen chooses", b - a);
	is(nr_maps(guest), 3, "... is mapped three times");
	is(unmap_one(guest, a, 0), 0, "... and takes three unmaps");
	is(lookup_one(guest, FIRST_GFN, b), 0, "... the other is still there");
	is(unmap_one(guest, b, 0), 0, "... goes");
	is(unmap_one(guest, b, 0), -ENOENT, "... only once");
	is(unmap_one(guest, c, READONLY), 0, "... and the third");
	is(nr_maps(guest), 0, "... and that was all");
}

/* The same entry twice in a batch of unmaps */
static void check_twice_in_a_batch(unsigned int guest)
{
	prepare(2, FIRST_GFN, FIRST_BFN, 0);
	xen_dev_entries(guest, XEN_DMOP_dev_map, entries, 1);
	entries[1].bfn = entries[0].bfn;
	is(xen_dev_entries(guest, XEN_DMOP_dev_unmap, entries, 2), 0,
	   "one page twice in a batch of unmaps");
	is(entries[0].status, 0, "... goes with the first");
	is(entries[1].status, -ENOENT, "... and not with the second");
}

void check_pages(unsigned int guest, unsigned int other)
{
	check_kinds(guest);
	check_trapped(guest);
	if (kind == TRANSLATED)
		check_places(guest, other);
	check_repeated(guest);
	check_twice_in_a_batch(guest);
}
