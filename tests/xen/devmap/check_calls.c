// SPDX-License-Identifier: GPL-2.0
/*
 * The calls as such: what dev_info says, batches and what they cost, calls that are wrong.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "checks.h"
#include "edu.h"

struct op {
	uint32_t op;
	uint32_t pad;
	uint32_t nr;
	uint32_t opaque;
	uint32_t more[4];
};

static void check_info(unsigned int guest)
{
	static const unsigned int wanted[] = {
		[RELAXED] = 0,
		[STRICT] = XEN_DMOP_DEV_INFO_isolated,
		[TRANSLATED] = XEN_DMOP_DEV_INFO_isolated | XEN_DMOP_DEV_INFO_caller_bfn,
	};
	struct xen_dm_op_dev_info info;

	is(xen_dev_info(guest, &info), 0, "dev_info is there");
	is(info.flags, wanted[kind], "... and says what this caller gets");
	is(info.nr_maps, 0, "... and that there is no map yet");
	that(info.limit > 0, "... and a limit", info.limit);
}

static void check_batch(unsigned int guest)
{
	long pages = xen_pages(guest);

	prepare(BATCH, FIRST_GFN, FIRST_BFN + 1, 0);
	count_from_here();
	is(xen_dev_entries(guest, XEN_DMOP_dev_map, entries, BATCH), 0,
	   "512 pages map in one call");
	if (kind == TRANSLATED)
		invalidations(0, "... with no IOTLB invalidation");
	is(with_status(BATCH, 0), BATCH, "... each of them");
	is(nr_maps(guest), BATCH, "... and are counted");
	is(nr_guest_maps(guest), BATCH, "... as the guest's, too");
	count_from_here();
	is(xen_dev_entries(guest, XEN_DMOP_dev_unmap, entries, BATCH), 0,
	   "512 pages unmap in one call");
	invalidations(isolated(),
		      "... with one IOTLB invalidation where there is an IOMMU's table");
	is(with_status(BATCH, 0), BATCH, "... each of them");
	is(nr_maps(guest), 0, "... and are no longer counted");
	is(xen_dev_entries(guest, XEN_DMOP_dev_unmap, entries, BATCH), 0, "unmapping them again");
	is(with_status(BATCH, -ENOENT), BATCH, "... finds nothing");
	is(xen_pages(guest), pages, "... and the guest has its pages");
}

/* Every second entry is bad: the others are mapped all the same. */
static void check_mixed(unsigned int guest)
{
	unsigned int i;

	prepare(BATCH, FIRST_GFN, FIRST_BFN, 0);
	for (i = 0; i < BATCH; i += 2)
		entries[i].gfn = 1ULL << (20 + i / 16);
	is(xen_dev_entries(guest, XEN_DMOP_dev_map, entries, BATCH), 0, "a batch with bad entries");
	is(with_status(BATCH, -ENOENT), BATCH / 2, "... has their status");
	is(with_status(BATCH, 0), BATCH / 2, "... and maps the others");
	is(nr_maps(guest), BATCH / 2, "... and only them");
	that(entries[0].bfn == FIRST_BFN, "... and leaves the BFN of a bad one alone",
	     entries[0].bfn);
	xen_dev_entries(guest, XEN_DMOP_dev_unmap, entries, BATCH);
	is(nr_maps(guest), 0, "... all of which can be unmapped");
}

static long raw(unsigned int domid, unsigned int nr_bufs, struct op *op, size_t op_size, void *buf,
		size_t size)
{
	struct xen_dm_op_buf bufs[] = { { op, op_size }, { buf, size }, { buf, size } };

	return xen_dm_op(domid, nr_bufs, bufs);
}

/*
 * Wrong calls that Xen answers before the map operation sees them. Releases answer differently, and
 * so may two builds of one release: any of these is right.
 */
static const struct {
	const char *name;
	long before;
	long since;
} by_release[] = {
	/* XSA-506 checks the number of buffers first: 4.17.7, 4.18.6, 4.19.6, 4.20.4. */
	{ "no buffer", -EFAULT, -ENODATA },
	{ }
};

static void is_by_release(long seen, const char *name)
{
	size_t i = 0;

	while (by_release[i].name && strcmp(by_release[i].name, name))
		i++;
	assert(by_release[i].name);
	that(seen == by_release[i].before || seen == by_release[i].since, name, seen);
}

static void check_bad_calls(unsigned int guest)
{
	struct op op = { .op = XEN_DMOP_dev_map, .nr = 1 };
	size_t size = sizeof(op);

	prepare(BATCH, FIRST_GFN, FIRST_BFN, 0);
	is(raw(guest, 1, &op, size, NULL, 0), -EINVAL, "no array");
	is_by_release(raw(guest, 0, &op, size, NULL, 0), "no buffer");
	is(raw(guest, 3, &op, size, entries, sizeof(entries)), -E2BIG, "a buffer too many");
	is(raw(guest, 2, &op, 8, entries, sizeof(entries)), -EFAULT, "an operation cut short");
	is(raw(guest, 2, &op, size, entries, sizeof(entries[0]) - 1), -EINVAL,
	   "an array cut short");
	is(raw(guest, 2, &op, size, NULL, sizeof(entries)), -EFAULT, "an array at address 0");
	is(raw(guest, 2, &op, size, (void *)-4096UL, sizeof(entries)), -EFAULT, "an array in Xen");
	op.nr = ~0U;
	is(raw(guest, 2, &op, size, entries, sizeof(entries)), -EINVAL, "a huge count");
	op.nr = 1;
	op.opaque = 2;
	is(raw(guest, 2, &op, size, entries, sizeof(entries)), -EINVAL, "progress beyond the end");
	op.opaque = 0;
	op.pad = 1;
	is(raw(guest, 2, &op, size, entries, sizeof(entries)), -EINVAL, "padding that is not 0");
	op.pad = 0;
	op.nr = 0;
	is(raw(guest, 2, &op, size, entries, 0), 0, "no entries, which is fine");
	op.op = 25;
	is(raw(guest, 2, &op, size, entries, sizeof(entries)), -EOPNOTSUPP, "an unknown operation");
	is(nr_maps(guest), 0, "none of which maps anything");
}

/* The array ends in nothing: what came before it is mapped, and nothing else. */
static void check_hole(unsigned int guest)
{
	struct op op = { .op = XEN_DMOP_dev_map, .nr = ~0U };
	size_t size = sizeof(entries);
	char *array = mmap(NULL, size + PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long ret;

	static_assert(!(sizeof(entries) % PAGE_SIZE), "the array ends at the end of a page");
	munmap(array + size, PAGE_SIZE);
	prepare(BATCH, FIRST_GFN, FIRST_BFN, 0);
	entries[BATCH - 1].flags = 2;
	memcpy(array, entries, size);
	ret = raw(guest, 2, &op, sizeof(op), array, -1UL);
	memcpy(entries, array, size);
	is(ret, -EFAULT, "an array of 2^32 entries ends with a fault");
	is(entries[BATCH - 1].status, -EINVAL, "... after the entry with unknown flags");
	is(with_status(BATCH, 0), BATCH - 1, "... and those before it");
	is(nr_maps(guest), BATCH - 1, "... which are mapped");
	/* Unmaps in the same way: what is unmapped is, though the call fails. */
	op.op = XEN_DMOP_dev_unmap;
	op.opaque = 0;
	is(raw(guest, 2, &op, sizeof(op), array, -1UL), -EFAULT, "unmapping ends in the same way");
	is(nr_maps(guest), 0, "... with all of them unmapped");
	munmap(array, size);
}

/* Where the status cannot be written, nothing stays mapped. */
static void check_no_status(unsigned int guest)
{
	struct op op = { .op = XEN_DMOP_dev_map, .nr = 1 };
	void *array = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	prepare(1, FIRST_GFN, FIRST_BFN, 0);
	memcpy(array, entries, sizeof(entries[0]));
	mprotect(array, PAGE_SIZE, PROT_READ);
	is(raw(guest, 2, &op, sizeof(op), array, PAGE_SIZE), -EFAULT,
	   "an array that cannot be written");
	is(nr_maps(guest), 0, "... has nothing mapped");
	munmap(array, PAGE_SIZE);
}

static void check_domains(unsigned int guest, unsigned int other)
{
	uint64_t bfn = FIRST_BFN, own = FIRST_BFN;

	is(map_one(0, 1, &own, 0), -EPERM, "the caller's own pages");
	is(map_one(0x7ff0, 1, &own, 0), -ESRCH, "the caller, by another name");
	is(map_one(9999, 1, &own, 0), -ESRCH, "a domain that does not exist");
	is(map_one(guest, FIRST_GFN, &bfn, 0), 0, "a page of one guest");
	is(unmap_one(other, bfn, 0), -ENOENT, "... cannot be unmapped as another guest's");
	is(unmap_one(guest, bfn, READONLY), -ENOENT, "... nor as a read-only map");
	is(lookup_one(other, FIRST_GFN, bfn), -ENXIO, "... nor be looked up so");
	is(nr_maps(guest), 1, "... and is still mapped");
	is(unmap_one(guest, bfn, 0), 0, "... until it is unmapped");
}

void check_calls(unsigned int guest, unsigned int other)
{
	check_info(guest);
	check_batch(guest);
	check_mixed(guest);
	check_bad_calls(guest);
	check_hole(guest);
	check_no_status(guest);
	check_domains(guest, other);
}
