// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's own pages: patterns in them, their GFNs, and giving them to Xen and taking them back
 * while a GTT entry names them. All are locked and never moved, so a GFN stays true; a page that is
 * out is not touched by anybody in the guest. The last of them can be blocks of 512 whose GFNs
 * follow one another and begin at a multiple of 512, for entries that name more than a page.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "agent.h"

#define MAX_PAGES	16384
#define MAX_GFN		0x40000
#define BLOCK_PAGES	512
#define BLOCK_SIZE	((size_t)BLOCK_PAGES * PAGE_SIZE)

#define HYPERVISOR_memory_op		12
#define XENMEM_decrease_reservation	1
#define XENMEM_populate_physmap		6
#define DOMID_SELF			0x7ff0

struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};

#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

struct xen_memory_reservation {
	uint64_t extent_start;
	uint64_t nr_extents;
	uint32_t extent_order;
	uint32_t mem_flags;
	uint16_t domid;
};

static uint64_t *memory;
static uint64_t gfns[MAX_PAGES];
static uint16_t numbers[MAX_GFN];	/* the page with that GFN, plus 1 */
static unsigned int pages;
static int privcmd = -1;

uint64_t *page_at(unsigned int page)
{
	return memory + (page % pages) * PAGE_WORDS;
}

uint64_t page_gfn(unsigned int page)
{
	return gfns[page % pages];
}

/* The page with that GFN, or -1. */
int page_of(uint64_t gfn)
{
	return gfn < MAX_GFN ? numbers[gfn] - 1 : -1;
}

unsigned int page_count(void)
{
	return pages;
}

void fill_page(unsigned int page, uint64_t seed, unsigned int as)
{
	uint64_t state = seed * 0x10001 + as, *word = page_at(page);
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		word[i] = next_random(&state);
}

void stamp_page(unsigned int page, enum stamp stamp, uint64_t n)
{
	uint64_t *word = page_at(page);
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		word[i] = (uint64_t)stamp << 48 | n << 16 | i;
}

static bool have(unsigned int first, unsigned int count)
{
	return first + count <= pages && first + count >= first;
}

bool usable_pages(unsigned long first, unsigned long count)
{
	return first + count <= page_count() || refuse("no such page");
}

/* Ordinary pages and, after them, blocks: one range of addresses, the blocks aligned. */
static bool get_memory(size_t plain, size_t blocks)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	uintptr_t edge;
	char count[16];

	edge = (uintptr_t)mmap(NULL, plain + blocks + BLOCK_SIZE, PROT_NONE, flags, -1, 0);
	edge = (edge + plain + BLOCK_SIZE - 1) & -BLOCK_SIZE;
	memory = mmap((void *)(edge - plain), plain, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		      -1, 0);
	if (memory == MAP_FAILED)
		return refuse("mmap: %s", strerror(errno));
	madvise(memory, plain, MADV_NOHUGEPAGE);
	if (!blocks)
		return true;
	snprintf(count, sizeof(count), "%zu", blocks / BLOCK_SIZE);
	write_file("/proc/sys/vm/nr_hugepages", count);
	if (mmap((void *)edge, blocks, PROT_READ | PROT_WRITE, flags | MAP_FIXED | MAP_HUGETLB,
		 -1, 0) == MAP_FAILED)
		return refuse("mmap of huge pages: %s", strerror(errno));
	return true;
}

static bool find_gfn(int pagemap, unsigned int page)
{
	uint64_t info, gfn;

	if (pread(pagemap, &info, sizeof(info),
		  ((uintptr_t)memory / PAGE_SIZE + page) * sizeof(info)) != sizeof(info))
		return refuse("pagemap: %s", strerror(errno));
	gfn = info & ((1ULL << 55) - 1);
	if (!(info >> 63) || !gfn || gfn >= MAX_GFN)
		return refuse("page %u has GFN %llx", page, (unsigned long long)gfn);
	gfns[page] = gfn;
	numbers[gfn] = page + 1;
	return true;
}

/* pages COUNT [BLOCKS]: so many, and after them so many blocks */
static bool cmd_pages(char **args, int n)
{
	unsigned int i, plain = number(args[0]), blocks = n > 1 ? number(args[1]) : 0;
	unsigned int count = plain + blocks * BLOCK_PAGES;
	size_t size = (size_t)count * PAGE_SIZE;
	bool good = true;
	int fd;

	if (pages || !plain || count > MAX_PAGES)
		return refuse("pages can be had once, up to %d", MAX_PAGES);
	if (!get_memory((size_t)plain * PAGE_SIZE, blocks * BLOCK_SIZE))
		return false;
	if (mlock(memory, size))
		return refuse("mlock: %s", strerror(errno));
	memset(memory, 0x5a, size);
	fd = open("/proc/self/pagemap", O_RDONLY);
	for (i = 0; good && i < count; i++)
		good = find_gfn(fd, i);
	close(fd);
	if (!good)
		return false;
	pages = count;
	return answer("%u", pages);
}

static bool cmd_gfn(char **args, int n)
{
	(void)n;
	if (!have(number(args[0]), 1))
		return refuse("no such page");
	return answer("0x%llx", (unsigned long long)page_gfn(number(args[0])));
}

/* fill FIRST COUNT SEED */
static bool cmd_fill(char **args, int n)
{
	unsigned int i, first = number(args[0]), count = number(args[1]);

	(void)n;
	if (!have(first, count))
		return refuse("no such page");
	for (i = 0; i < count; i++)
		fill_page(first + i, number(args[2]), first + i);
	return true;
}

/* byte FIRST COUNT VALUE: the same byte everywhere */
static bool cmd_byte(char **args, int n)
{
	unsigned int first = number(args[0]), count = number(args[1]);

	(void)n;
	if (!have(first, count))
		return refuse("no such page");
	memset(page_at(first), number(args[2]), (size_t)count * PAGE_SIZE);
	return true;
}

/* check FIRST COUNT SEED [AS]: the pages hold what fill gave AS and the pages after it */
static bool cmd_check(char **args, int n)
{
	unsigned int i, j, first = number(args[0]), count = number(args[1]);
	unsigned int as = n > 3 ? number(args[3]) : first;
	uint64_t state, want, *word;

	if (!have(first, count))
		return refuse("no such page");
	for (i = 0; i < count; i++) {
		state = number(args[2]) * 0x10001 + as + i;
		word = page_at(first + i);
		for (j = 0; j < PAGE_WORDS; j++) {
			want = next_random(&state);
			if (word[j] != want)
				return refuse("page %u word %u is %llx, not %llx", first + i, j,
					      (unsigned long long)word[j],
					      (unsigned long long)want);
		}
	}
	return true;
}

/* checkbyte FIRST COUNT VALUE */
static bool cmd_checkbyte(char **args, int n)
{
	unsigned int i, first = number(args[0]), count = number(args[1]);
	uint8_t *byte, value = number(args[2]);

	(void)n;
	if (!have(first, count))
		return refuse("no such page");
	byte = (uint8_t *)page_at(first);
	for (i = 0; i < count * PAGE_SIZE; i++)
		if (byte[i] != value)
			return refuse("page %u byte %u is %02x, not %02x", first + i / PAGE_SIZE,
				      i % PAGE_SIZE, byte[i], value);
	return true;
}

/* good PAGE: a page copied from where "order" points holds no poison, nor what was never there */
static bool cmd_good(char **args, int n)
{
	unsigned int i, page = number(args[0]);
	uint64_t *word;

	(void)n;
	if (!have(page, 1))
		return refuse("no such page");
	word = page_at(page);
	for (i = 0; i < PAGE_WORDS; i++)
		if (word[i] >> 48 != GOOD || (word[i] & 0xffff) != i)
			return refuse("word %u is %llx", i, (unsigned long long)word[i]);
	return true;
}

static long reservation(unsigned int op, uint64_t *frames, unsigned int count)
{
	struct xen_memory_reservation r = {
		.extent_start = (uintptr_t)frames,
		.nr_extents = count,
		.domid = DOMID_SELF,
	};
	struct privcmd_hypercall call = {
		.op = HYPERVISOR_memory_op,
		.arg = { op, (uintptr_t)&r },
	};

	if (privcmd < 0)
		privcmd = open("/dev/xen/privcmd", O_RDWR);
	return ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);
}

bool balloon_out(unsigned int first, unsigned int count)
{
	long done;

	if (!have(first, count))
		return refuse("no such page");
	done = reservation(XENMEM_decrease_reservation, gfns + first, count);
	if (done != (long)count)
		return refuse("decrease_reservation did %ld: %s", done,
			      done < 0 ? strerror(errno) : "short");
	return true;
}

bool balloon_in(unsigned int first, unsigned int count)
{
	long done;

	if (!have(first, count))
		return refuse("no such page");
	done = reservation(XENMEM_populate_physmap, gfns + first, count);
	if (done != (long)count)
		return refuse("populate_physmap did %ld: %s", done,
			      done < 0 ? strerror(errno) : "short");
	return true;
}

/* out FIRST COUNT: give the pages to Xen; their GFNs have nothing behind them from now on */
static bool cmd_out(char **args, int n)
{
	(void)n;
	return balloon_out(number(args[0]), number(args[1]));
}

/* in FIRST COUNT: new frames for the same GFNs */
static bool cmd_in(char **args, int n)
{
	(void)n;
	return balloon_in(number(args[0]), number(args[1]));
}

/* populate GFN COUNT: new pages at these GFNs, which the kernel knows nothing of */
static bool cmd_populate(char **args, int n)
{
	uint64_t frames[BLOCK_PAGES], first = number(args[0]);
	unsigned int i, count = number(args[1]);
	long done;

	(void)n;
	if (count > BLOCK_PAGES)
		return refuse("%u at once, at most", BLOCK_PAGES);
	for (i = 0; i < count; i++)
		frames[i] = first + i;
	done = reservation(XENMEM_populate_physmap, frames, count);
	if (done != (long)count)
		return refuse("populate_physmap did %ld: %s", done,
			      done < 0 ? strerror(errno) : "short");
	return true;
}

/* peekpage GFN: the bytes of a page that the kernel knows nothing of, if all are the same */
static bool cmd_peekpage(char **args, int n)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	const uint8_t *page;
	unsigned int i = 1;

	(void)n;
	page = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, fd, number(args[0]) * PAGE_SIZE);
	close(fd);
	if (page == MAP_FAILED)
		return refuse("/dev/mem: %s", strerror(errno));
	while (i < PAGE_SIZE && page[i] == page[0])
		i++;
	if (i == PAGE_SIZE)
		answer("0x%02x", page[0]);
	else
		refuse("byte %u is %02x, the first %02x", i, page[i], page[0]);
	munmap((void *)page, PAGE_SIZE);
	return i == PAGE_SIZE;
}

const struct command page_commands[] = {
	{ "pages", 1, cmd_pages },
	{ "gfn", 1, cmd_gfn },
	{ "fill", 3, cmd_fill },
	{ "byte", 3, cmd_byte },
	{ "check", 3, cmd_check },
	{ "checkbyte", 3, cmd_checkbyte },
	{ "good", 1, cmd_good },
	{ "out", 2, cmd_out },
	{ "in", 2, cmd_in },
	{ "populate", 2, cmd_populate },
	{ "peekpage", 1, cmd_peekpage },
	{ }
};
