// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's own page tables for its GPU (PPGTT) in pages of its memory, as gen8 has them: they
 * are set entry by entry, walked, changed by two vCPUs at once, and kept changing. Pages are named
 * by their numbers everywhere.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include "agent.h"

#define PRESENT		1ULL
#define WRITABLE	2ULL
#define LARGE		0x80ULL		/* a page of 2M in a page directory */
#define WIDE		0x800ULL	/* in a page directory: the table's pages have 64K */
#define ADDRESS		0x3ffffffff000ULL

#define SHIFT		12
#define INDEX_BITS	9
#define INDEX_MASK	(PAGE_WORDS - 1)
#define WIDE_PAGES	16		/* 64K */

/* One store of the whole entry: what traps must be one write. */
static void store(uint64_t *entry, uint64_t value)
{
	*(volatile uint64_t *)entry = value;
}

static uint64_t load(const uint64_t *entry)
{
	return *(const volatile uint64_t *)entry;
}

static uint64_t entry_of(unsigned int page, uint64_t flags)
{
	return page_gfn(page) << SHIFT | flags;
}

static unsigned int shift_of(unsigned int level)
{
	return SHIFT + (level - 1) * INDEX_BITS;
}

/* The GFN behind an address of the GPU's, and how large the page is (in bytes). */
static bool walk(const struct root *root, uint64_t address, uint64_t *gfn, uint64_t *size)
{
	unsigned int level = root->levels == 4 ? 4 : 2, index;
	int page = root->levels == 4 ? root->page[0] : root->page[address >> 30 & (MAX_PDPS - 1)];
	bool wide = false;
	uint64_t entry;

	for (;; level--) {
		index = address >> shift_of(level) & INDEX_MASK;
		if (wide)
			index -= index % WIDE_PAGES;
		if (page < 0)
			return refuse("level %u: the table is no page of ours", level);
		entry = load(page_at(page) + index);
		if (!(entry & PRESENT))
			return refuse("level %u: no entry at 0x%llx", level,
				      (unsigned long long)address);
		if (level == 1 || (level == 2 && entry & LARGE))
			break;
		wide = level == 2 && entry & WIDE;
		page = page_of((entry & ADDRESS) >> SHIFT);
	}
	*size = level == 2 ? 1 << shift_of(2) : wide ? WIDE_PAGES * PAGE_SIZE : PAGE_SIZE;
	*gfn = ((entry & ADDRESS & -*size) | (address & (*size - 1))) >> SHIFT;
	return true;
}

/* Whether these entries of a table page exist. */
static bool usable_entries(unsigned long table, unsigned long index, unsigned long count)
{
	if (!usable_pages(table, 1))
		return false;
	return (index <= PAGE_WORDS && count <= PAGE_WORDS - index) || refuse("not in the table");
}

/* Entries of a table: every so many, each names a page some pages further on. */
struct entries {
	unsigned int table, index, count, page, step, stride;
	uint64_t flags;
};

/* TABLE INDEX COUNT PAGE STEP FLAGS [STRIDE] */
static bool parse_entries(char **args, int n, struct entries *e)
{
	*e = (struct entries){
		.table = number(args[0]),
		.index = number(args[1]),
		.count = number(args[2]),
		.page = number(args[3]),
		.step = number(args[4]),
		.flags = number(args[5]),
		.stride = n > 6 ? number(args[6]) : 1,
	};
	if (!e->count)
		return refuse("no entries");
	return usable_entries(e->table, e->index, (e->count - 1) * e->stride + 1) &&
	       usable_pages(e->page, (e->count - 1) * e->step + 1);
}

static uint64_t *entry_at(const struct entries *e, unsigned int i)
{
	return page_at(e->table) + e->index + i * e->stride;
}

static uint64_t value_of(const struct entries *e, unsigned int i)
{
	return entry_of(e->page + i * e->step, e->flags);
}

/* set TABLE INDEX COUNT PAGE STEP FLAGS [STRIDE] */
static bool cmd_set(char **args, int n)
{
	struct entries e;
	unsigned int i;

	if (!parse_entries(args, n, &e))
		return false;
	for (i = 0; i < e.count; i++)
		store(entry_at(&e, i), value_of(&e, i));
	return true;
}

/* holds TABLE INDEX COUNT PAGE STEP FLAGS [STRIDE]: it reads back as set */
static bool cmd_holds(char **args, int n)
{
	struct entries e;
	unsigned int i;
	uint64_t seen;

	if (!parse_entries(args, n, &e))
		return false;
	for (i = 0; i < e.count; i++) {
		seen = load(entry_at(&e, i));
		if (seen != value_of(&e, i))
			return refuse("the entry of page %u is %llx, not %llx", e.page + i * e.step,
				      (unsigned long long)seen,
				      (unsigned long long)value_of(&e, i));
	}
	return true;
}

/* put TABLE INDEX COUNT VALUE: the same value in each */
static bool cmd_put(char **args, int n)
{
	unsigned int i, index = number(args[1]), count = number(args[2]);

	(void)n;
	if (!usable_entries(number(args[0]), index, count))
		return false;
	for (i = 0; i < count; i++)
		store(page_at(number(args[0])) + index + i, number(args[3]));
	return true;
}

/* look LEVELS ROOT ADDRESS: PAGE SIZE: the page behind it and how large a page the entry names */
static bool cmd_look(char **args, int n)
{
	uint64_t gfn, size;
	struct root root;

	(void)n;
	if (!parse_root(args, &root) || !walk(&root, number(args[2]), &gfn, &size))
		return false;
	return answer("%d 0x%llx", page_of(gfn), (unsigned long long)size);
}

/* mirror ENTRY LEVELS ROOT ADDRESS COUNT: the GTT from ENTRY on leads to the same pages */
static bool cmd_mirror(char **args, int n)
{
	uint64_t values[PAGE_WORDS], gfn, size, address = number(args[3]);
	unsigned int i, count = number(args[4]);
	struct root root;

	(void)n;
	if (!parse_root(args + 1, &root))
		return false;
	if (count > PAGE_WORDS)
		return refuse("up to %zu pages", PAGE_WORDS);
	for (i = 0; i < count; i++) {
		if (!walk(&root, address + (uint64_t)i * PAGE_SIZE, &gfn, &size))
			return false;
		values[i] = gfn << SHIFT | GTT_PRESENT;
	}
	return gtt_put_entries(number(args[0]), values, count);
}

/* Two threads on two vCPUs, each of which writes one half of each entry, in rounds. */
static struct {
	unsigned int table, tables, page, pages, rounds;
	pthread_barrier_t barrier;
	unsigned int bad;
} halves;

/* The last round's entries name the pages; those before it are above the guest's memory. */
static uint64_t half_value(unsigned int round, unsigned int i)
{
	uint64_t high = round + 1 < halves.rounds ? round + 1 : 0;

	return entry_of(halves.page + (i + round) % halves.pages, PRESENT | WRITABLE) | high << 32;
}

static void write_halves(unsigned int round, bool high)
{
	unsigned int i;

	for (i = 0; i < halves.tables * halves.pages; i++) {
		volatile uint32_t *to = (uint32_t *)(page_at(halves.table + i / halves.pages) +
						     i % halves.pages);

		to[high] = half_value(round, i) >> (high ? 32 : 0);
		if (high && i == halves.pages / 2)
			gpu_flush();
	}
}

static void check_halves(unsigned int round)
{
	unsigned int i;

	for (i = 0; i < halves.tables * halves.pages; i++)
		if (load(page_at(halves.table + i / halves.pages) + i % halves.pages) !=
		    half_value(round, i))
			halves.bad++;
}

static void *half(void *arg)
{
	bool high = arg;
	unsigned int round;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(high, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	for (round = 0; round < halves.rounds; round++) {
		pthread_barrier_wait(&halves.barrier);
		write_halves(round, high);
		pthread_barrier_wait(&halves.barrier);
		if (!high)
			check_halves(round);
	}
	return NULL;
}

/*
 * halves TABLE TABLES PAGE PAGES ROUNDS: the first PAGES entries of each table, written by halves
 * by two vCPUs, with syncs in between; in the end each names one of the pages
 */
static bool cmd_halves(char **args, int n)
{
	pthread_t threads[2];

	(void)n;
	halves.table = number(args[0]);
	halves.tables = number(args[1]);
	halves.page = number(args[2]);
	halves.pages = number(args[3]);
	halves.rounds = number(args[4]);
	halves.bad = 0;
	if (!have_bar0() || !usable_pages(halves.table, halves.tables) ||
	    !usable_pages(halves.page, halves.pages))
		return false;
	if (!halves.pages || halves.pages > PAGE_WORDS)
		return refuse("1 to %zu pages", PAGE_WORDS);
	pthread_barrier_init(&halves.barrier, NULL, 2);
	pthread_create(&threads[0], NULL, half, (void *)false);
	pthread_create(&threads[1], NULL, half, (void *)true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	pthread_barrier_destroy(&halves.barrier);
	return !halves.bad || refuse("%u entries are not what both halves make", halves.bad);
}

static void write_entry(struct storm *storm, unsigned int entry, unsigned int page)
{
	store(storm->table + entry, page == NO_PAGE ? 0 : entry_of(page, PRESENT | WRITABLE));
	if (storm->writes % storm->sync_every == storm->sync_every - 1)
		gpu_flush();
}

/* pstorm TABLE COUNT PAGE PAGES THREADS: replaces entries, with syncs, until told to stop */
static bool cmd_pstorm(char **args, int n)
{
	struct storm storm = {
		.write = write_entry,
		.table = page_at(number(args[0])),
		.count = number(args[1]),
		.page = number(args[2]),
		.pages = number(args[3]),
		.sync_every = 16,
	};

	(void)n;
	return have_bar0() && usable_entries(number(args[0]), 0, storm.count) &&
	       storm_replace(&storm, number(args[4]));
}

/*
 * porder TABLE INDEX PAGE PAGES: the entry goes round among the pages, with a sync for each write;
 * what it does not name is poison
 */
static bool cmd_porder(char **args, int n)
{
	struct storm storm = {
		.write = write_entry,
		.table = page_at(number(args[0])),
		.entry = number(args[1]),
		.count = 1,
		.page = number(args[2]),
		.pages = number(args[3]),
		.sync_every = 1,
	};

	(void)n;
	return have_bar0() && usable_entries(number(args[0]), storm.entry, 1) &&
	       storm_order(&storm);
}

const struct command ppgtt_commands[] = {
	{ "set", 6, cmd_set },
	{ "holds", 6, cmd_holds },
	{ "put", 4, cmd_put },
	{ "look", 3, cmd_look },
	{ "mirror", 5, cmd_mirror },
	{ "halves", 5, cmd_halves },
	{ "pstorm", 5, cmd_pstorm },
	{ "porder", 4, cmd_porder },
	{ }
};
