// SPDX-License-Identifier: GPL-2.0
/*
 * compare [-b RESOURCE OFFSET] DOMID GTT BFNS SAMPLES FIRST COUNT [FIRST COUNT]: compares each
 * entry of a guest's share of the GGTT, in two ranges at most, with its shadow entry. The guest is
 * paused, and has RAM at its GTT, which is at this guest-physical address.
 *
 * An entry is what the guest has in its memory, a shadow entry is what the GPU finds in its table:
 * that of the place "mem", or with -b the one at an offset in a BAR, RESOURCE being the BAR's file
 * in sysfs. Of a table in a BAR only the entries of the ranges are read, and SAMPLES has to be 0.
 * A present entry has to be shadowed by the BFN that the mapping service has for its GFN and by the
 * same flags, any other one by the scratch entry. No two pages may have the same BFN, and none that
 * of the scratch page. Of the pages that entries name some, SAMPLES at most, are written to by the
 * GPU's DMA, by way of an entry: it has to arrive in the guest's page.
 *
 * It prints a "name value" on each line:
 *	entries		that were compared
 *	present		those of them that name a page
 *	pages		that they name
 *	different	entries whose shadow entry is another one; the first few are listed
 *	shared		BFNs that more than one of the pages have, or the scratch page has
 *	sampled, missed	pages that the GPU wrote to, and those of them where it did not arrive
 *	outside		entries in the first and the last page of the GTT that are not 0
 *	reserved	shadow entries of the whole table that are not 0; in a BAR: of the ranges
 *
 * The BFNs are written into the file BFNS, one a line. Exit status: 0 it has compared, 1 it could
 * not, 2 not understood.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../devmap/xen.h"

#define TEST_GPU	"/sys/kernel/debug/xengt_testgpu/"

#define PAGE_SHIFT	12
#define ENTRIES		0x100000		/* of the GGTT */
#define PAGE_ENTRIES	(PAGE_SIZE / sizeof(uint64_t))
#define GFNS		0x100000		/* below 4 GiB, more than the guest has */

#define PRESENT		1ULL
#define FLAGS		0x9aULL			/* write, PWT, PCD, PAT */
#define ADDRESS		0x3ffffffff000ULL

#define LISTED		5			/* differences */
#define SAMPLE_SIZE	8			/* bytes that the GPU writes */
#define SAMPLE_BYTE	0xa5

struct page {
	uint64_t bfn;
	unsigned int entry;			/* the last that names it */
	bool known, exists;
};

static unsigned int domid;
static uint64_t gtt_gfn;
static uint64_t guest[ENTRIES], shadow[ENTRIES];
static const volatile uint64_t *bar;		/* the table, if it is in one */
static uint64_t bar_entries;
static struct page pages[GFNS];
static uint64_t scratch;
static uint64_t bfns[GFNS];
static unsigned int entries, present, nr_pages, different;

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("compare: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* One of the test GPU's commands; false if it says no. */
static bool __attribute__((format(printf, 1, 2))) test_gpu(const char *format, ...)
{
	int fd = open(TEST_GPU "command", O_WRONLY);
	char command[128];
	bool done;
	va_list ap;
	int n;

	if (fd < 0)
		fail("the test GPU: %s", strerror(errno));
	va_start(ap, format);
	n = vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	done = write(fd, command, n) == n;
	close(fd);
	return done;
}

static uint64_t test_gpu_result(void)
{
	int fd = open(TEST_GPU "result", O_RDONLY);
	char text[64] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		fail("the test GPU has no result");
	close(fd);
	return strtoull(text, NULL, 0);
}

static void read_shadow(void)
{
	int fd = open(TEST_GPU "table", O_RDONLY);
	size_t done = 0;
	ssize_t n;

	while (done < sizeof(shadow)) {
		n = read(fd, (uint8_t *)shadow + done, sizeof(shadow) - done);
		if (n <= 0)
			fail("the shadow GGTT cannot be read: %s", strerror(errno));
		done += n;
	}
	close(fd);
}

static void map_bar(const char *path, uint64_t offset)
{
	int fd = open(path, O_RDWR);
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st))
		fail("%s: %s", path, strerror(errno));
	if (offset >= (uint64_t)st.st_size)
		fail("%s has no offset 0x%llx", path, (unsigned long long)offset);
	bar_entries = (st.st_size - offset) / sizeof(*bar);
	at = mmap(NULL, st.st_size - offset, PROT_READ, MAP_SHARED, fd, offset);
	if (at == MAP_FAILED)
		fail("%s: %s", path, strerror(errno));
	close(fd);
	bar = at;
}

static void read_bar(unsigned int first, unsigned int count)
{
	unsigned int entry;

	if (first + count > bar_entries)
		fail("the BAR ends before entry %u", first + count);
	for (entry = first; entry < first + count; entry++)
		shadow[entry] = bar[entry];
}

/* The page of the GTT with that entry */
static void read_guest_page(unsigned int entry)
{
	unsigned int first = entry / PAGE_ENTRIES * PAGE_ENTRIES;
	uint64_t gfn = gtt_gfn + entry / PAGE_ENTRIES;
	void *page = xen_map_page(domid, gfn);

	if (!page)
		fail("the guest has no RAM at GFN 0x%llx, in its GTT", (unsigned long long)gfn);
	memcpy(guest + first, page, PAGE_SIZE);
	xen_unmap_page(page);
}

static void read_guest(unsigned int first, unsigned int count)
{
	unsigned int entry;

	for (entry = first / PAGE_ENTRIES * PAGE_ENTRIES; entry < first + count;
	     entry += PAGE_ENTRIES)
		read_guest_page(entry);
}

static struct page *page_of(uint64_t entry)
{
	uint64_t gfn = (entry & ADDRESS) >> PAGE_SHIFT;
	struct page *page;

	if (gfn >= GFNS)
		return NULL;
	page = &pages[gfn];
	if (!page->known) {
		page->known = true;
		page->exists = test_gpu("bfn %u %llu", domid, (unsigned long long)gfn);
		if (page->exists) {
			page->bfn = test_gpu_result();
			bfns[nr_pages++] = page->bfn;
		}
	}
	return page->exists ? page : NULL;
}

static uint64_t expected(unsigned int entry)
{
	uint64_t own = guest[entry];
	struct page *page;

	if (!(own & PRESENT))
		return scratch;
	present++;
	page = page_of(own);
	if (!page)
		return scratch;
	page->entry = entry;
	return page->bfn << PAGE_SHIFT | (own & FLAGS) | PRESENT;
}

static void list(unsigned int entry, unsigned long long own, unsigned long long has,
		 unsigned long long want)
{
	printf("entry %u: 0x%llx has 0x%llx, not 0x%llx\n", entry, own, has, want);
}

static void compare_entry(unsigned int entry)
{
	uint64_t want;

	/* The first one that is not present tells what all of them have. */
	if (!scratch && !(guest[entry] & PRESENT))
		scratch = shadow[entry];
	want = expected(entry);
	entries++;
	if (shadow[entry] != want && different++ < LISTED)
		list(entry, guest[entry], shadow[entry], want);
}

static void compare_range(unsigned int first, unsigned int count)
{
	unsigned int entry;

	if (first >= ENTRIES || count > ENTRIES - first)
		fail("there is no range of %u entries from entry %u on", count, first);
	read_guest(first, count);
	if (bar)
		read_bar(first, count);
	for (entry = first; entry < first + count; entry++)
		compare_entry(entry);
}

static int by_bfn(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static unsigned int count_shared(void)
{
	uint64_t scratch_bfn = (scratch & ADDRESS) >> PAGE_SHIFT;
	unsigned int i, n = 0;

	qsort(bfns, nr_pages, sizeof(bfns[0]), by_bfn);
	for (i = 0; i < nr_pages; i++)
		n += (i && bfns[i] == bfns[i - 1]) || (scratch && bfns[i] == scratch_bfn);
	return n;
}

static void write_bfns(const char *path)
{
	FILE *file = fopen(path, "w");
	unsigned int i;

	if (!file)
		fail("%s: %s", path, strerror(errno));
	for (i = 0; i < nr_pages; i++)
		fprintf(file, "0x%llx\n", (unsigned long long)bfns[i]);
	fclose(file);
}

/* What the GPU writes arrives; what was there is there again afterwards. */
static bool dma_arrives(uint64_t gfn, unsigned int entry)
{
	uint8_t old[SAMPLE_SIZE], want[SAMPLE_SIZE];
	uint8_t *page = xen_map_page(domid, gfn);
	bool arrives;

	if (!page)
		return false;
	memcpy(old, page, SAMPLE_SIZE);
	memset(want, SAMPLE_BYTE, SAMPLE_SIZE);
	memset(page, 0, SAMPLE_SIZE);
	arrives = test_gpu("fill 0x%x %u %u", entry << PAGE_SHIFT, SAMPLE_SIZE, SAMPLE_BYTE) &&
		  !memcmp(page, want, SAMPLE_SIZE);
	memcpy(page, old, SAMPLE_SIZE);
	xen_unmap_page(page);
	return arrives;
}

/* Pages from the whole of those that are named, at equal distances */
static void sample(unsigned int samples)
{
	unsigned int step = samples ? (nr_pages + samples - 1) / samples : 0;
	unsigned int sampled = 0, missed = 0, seen = 0;
	uint64_t gfn;

	for (gfn = 0; step && gfn < GFNS; gfn++) {
		if (!pages[gfn].exists || seen++ % step)
			continue;
		sampled++;
		missed += !dma_arrives(gfn, pages[gfn].entry);
	}
	printf("sampled %u\nmissed %u\n", sampled, missed);
}

static unsigned int count_outside(void)
{
	static const unsigned int first[] = { 0, ENTRIES - PAGE_ENTRIES };
	unsigned int i, entry, n = 0;

	for (i = 0; i < 2; i++) {
		read_guest_page(first[i]);
		for (entry = first[i]; entry < first[i] + PAGE_ENTRIES; entry++)
			n += !!guest[entry];
	}
	return n;
}

static unsigned int count_reserved(void)
{
	unsigned int entry, n = 0;

	for (entry = 0; entry < ENTRIES; entry++)
		n += !!shadow[entry];
	return n;
}

int main(int argc, char **argv)
{
	int i;

	if (argc > 3 && !strcmp(argv[1], "-b")) {
		map_bar(argv[2], strtoull(argv[3], NULL, 0));
		argc -= 3;
		argv += 3;
	}
	if (argc != 7 && argc != 9) {
		fputs("usage: compare [-b RESOURCE OFFSET] DOMID GTT BFNS SAMPLES FIRST COUNT...\n",
		      stderr);
		return 2;
	}
	xen_open(true);
	domid = strtoul(argv[1], NULL, 0);
	gtt_gfn = strtoull(argv[2], NULL, 0) >> PAGE_SHIFT;
	if (!bar)
		read_shadow();
	for (i = 5; i < argc; i += 2)
		compare_range(strtoul(argv[i], NULL, 0), strtoul(argv[i + 1], NULL, 0));
	printf("entries %u\npresent %u\npages %u\ndifferent %u\nshared %u\n", entries, present,
	       nr_pages, different, count_shared());
	write_bfns(argv[3]);
	sample(strtoul(argv[4], NULL, 0));
	printf("outside %u\nreserved %u\n", count_outside(), count_reserved());
	return 0;
}
