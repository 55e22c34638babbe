// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's own pages: patterns in them, their GFNs, and giving them to Xen and taking them back
 * while a GTT entry names them. All are locked and never moved, so a GFN stays true; a page that is
 * out is not touched by anybody in the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "agent.h"

#define MAX_PAGES 16384

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

static bool have(unsigned int first, unsigned int count)
{
	return first + count <= pages && first + count >= first;
}

static bool cmd_pages(char **args, int n)
{
	unsigned int i, count = number(args[0]);
	size_t size = (size_t)count * PAGE_SIZE;
	uint64_t info;
	int fd;

	(void)n;
	if (pages || !count || count > MAX_PAGES)
		return refuse("pages can be had once, up to %d", MAX_PAGES);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return refuse("mmap: %s", strerror(errno));
	madvise(memory, size, MADV_NOHUGEPAGE);
	if (mlock(memory, size))
		return refuse("mlock: %s", strerror(errno));
	memset(memory, 0x5a, size);
	fd = open("/proc/self/pagemap", O_RDONLY);
	for (i = 0; i < count; i++) {
		if (pread(fd, &info, sizeof(info),
			  ((uintptr_t)memory / PAGE_SIZE + i) * sizeof(info)) != sizeof(info))
			return refuse("pagemap: %s", strerror(errno));
		gfns[i] = info & ((1ULL << 55) - 1);
		if (!(info >> 63) || !gfns[i])
			return refuse("page %u has no frame", i);
	}
	close(fd);
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

/* out FIRST COUNT: give the pages to Xen; their GFNs have nothing behind them from now on */
static bool cmd_out(char **args, int n)
{
	unsigned int first = number(args[0]), count = number(args[1]);
	long done;

	(void)n;
	if (!have(first, count))
		return refuse("no such page");
	done = reservation(XENMEM_decrease_reservation, gfns + first, count);
	if (done != (long)count)
		return refuse("decrease_reservation did %ld: %s", done,
			      done < 0 ? strerror(errno) : "short");
	return true;
}

/* in FIRST COUNT: new frames for the same GFNs */
static bool cmd_in(char **args, int n)
{
	unsigned int first = number(args[0]), count = number(args[1]);
	long done;

	(void)n;
	if (!have(first, count))
		return refuse("no such page");
	done = reservation(XENMEM_populate_physmap, gfns + first, count);
	if (done != (long)count)
		return refuse("populate_physmap did %ld: %s", done,
			      done < 0 ? strerror(errno) : "short");
	return true;
}

const struct command page_commands[] = {
	{ "pages", 1, cmd_pages },
	{ "gfn", 1, cmd_gfn },
	{ "fill", 3, cmd_fill },
	{ "byte", 3, cmd_byte },
	{ "check", 3, cmd_check },
	{ "checkbyte", 3, cmd_checkbyte },
	{ "out", 2, cmd_out },
	{ "in", 2, cmd_in },
	{ }
};
