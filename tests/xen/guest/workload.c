// SPDX-License-Identifier: GPL-2.0
/*
 * What GPU drivers do to page tables, as workloads that are measured: each writes entries one by
 * one, as i915 does, and has the GPU forget the old ones after each object. The answer is how many
 * entries were written, how many syncs there were, and how many microseconds that took.
 */
#include <string.h>
#include <time.h>
#include "agent.h"

#define FLAGS		3ULL		/* present and writable */
#define SHIFT		12
#define LARGEST_SHIFT	12		/* objects of up to 4096 pages, 16 MiB */

static struct {
	struct timespec start;
	unsigned long updates, syncs;
} work;

static void begin(void)
{
	memset(&work, 0, sizeof(work));
	clock_gettime(CLOCK_MONOTONIC, &work.start);
}

static bool done(void)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	return answer("%lu %lu %lld", work.updates, work.syncs,
		      (end.tv_sec - work.start.tv_sec) * 1000000LL +
		      (end.tv_nsec - work.start.tv_nsec) / 1000);
}

static void sync_gpu(void)
{
	gpu_flush();
	work.syncs++;
}

static uint64_t entry_of(unsigned int page)
{
	return page_gfn(page) << SHIFT | FLAGS;
}

static void bind(unsigned int entry, unsigned int page, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		gtt_store(entry + i, entry_of(page + i));
	work.updates += count;
}

static void unbind(unsigned int entry, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		gtt_store(entry + i, 0);
	work.updates += count;
}

/* fill FIRST COUNT SYNC-EVERY: all entries, in their order; pages go round */
static bool cmd_fill(char **args, int n)
{
	unsigned int first = number(args[0]), count = number(args[1]), every = number(args[2]);
	unsigned int pos, part;

	(void)n;
	if (!have_bar0() || !every)
		return refuse("fill what?");
	begin();
	for (pos = 0; pos < count; pos += part) {
		part = count - pos < every ? count - pos : every;
		bind(first + pos, pos, part);
		sync_gpu();
	}
	return done();
}

/*
 * bind SEED FIRST COUNT OBJECTS: objects of 4 KiB to 16 MiB, each size (in powers of two) as
 * likely as the others, bound at random places and unbound again; the same pages for one size
 */
static bool cmd_bind(char **args, int n)
{
	unsigned int first = number(args[1]), count = number(args[2]), objects = number(args[3]);
	unsigned int size, entry;
	uint64_t state = number(args[0]);

	(void)n;
	if (!have_bar0() || count < 1 << LARGEST_SHIFT)
		return refuse("bind needs 16 MiB");
	begin();
	for (; objects; objects--) {
		size = 1 << next_random(&state) % (LARGEST_SHIFT + 1);
		entry = first + next_random(&state) % (count - size + 1);
		bind(entry, size, size);
		sync_gpu();
		unbind(entry, size);
		sync_gpu();
	}
	return done();
}

/* Pages that nobody uses, behind the surfaces, go to Xen and come back. */
static bool balloon(unsigned int page, unsigned int count)
{
	return balloon_out(page, count) && balloon_in(page, count);
}

/*
 * media FIRST SURFACES PAGES FRAMES [BALLOON]: a decoder's surfaces, of which four are in use in
 * each frame: one that is written, three that are looked at. Each frame binds four, and unbinds
 * them; and so many pages are ballooned out and in.
 */
static bool cmd_media(char **args, int n)
{
	unsigned int first = number(args[0]), surfaces = number(args[1]), pages = number(args[2]);
	unsigned int frames = number(args[3]), frame, i;

	if (!have_bar0() || !surfaces || !usable_pages(0, surfaces * pages))
		return refuse("no surfaces, or too few pages");
	begin();
	for (frame = 0; frame < frames; frame++) {
		for (i = 0; i < 4; i++)
			bind(first + i * pages, (frame + i) % surfaces * pages, pages);
		sync_gpu();
		unbind(first, 4 * pages);
		sync_gpu();
		if (n > 4 && !balloon(surfaces * pages, number(args[4])))
			return false;
	}
	return done();
}

static void set_entry(unsigned int table, unsigned int index, uint64_t value)
{
	*(volatile uint64_t *)(page_at(table) + index) = value;
	work.updates++;
}

/* Four tables in a row make a PPGTT of one page table. */
static void fill_context(unsigned int table, unsigned int page)
{
	unsigned int i;

	memset(page_at(table), 0, 3 * PAGE_SIZE);
	for (i = 0; i < 3; i++)
		set_entry(table + i, 0, entry_of(table + i + 1));
	for (i = 0; i < PAGE_WORDS; i++)
		set_entry(table + 3, i, entry_of(page + i));
}

/*
 * contexts TABLE COUNT ROUNDS: so many contexts with a PPGTT each, which are made, have their pages
 * changed, and go, in each round. Their tables are the pages from TABLE on, four each.
 */
static bool cmd_contexts(char **args, int n)
{
	unsigned int table = number(args[0]), count = number(args[1]), rounds = number(args[2]);
	struct root root = { .levels = 4, .pages = 1 };
	unsigned int i, j, round;

	(void)n;
	if (!have_bar0() || !usable_pages(table, 4 * count))
		return refuse("too few pages");
	begin();
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < count; i++) {
			root.page[0] = table + 4 * i;
			fill_context(table + 4 * i, 64 * i);
			tell_ppgtt(&root, true);
			for (j = 0; j < PAGE_WORDS; j++)
				set_entry(table + 4 * i + 3, j, entry_of(64 * i + 512 + j));
			sync_gpu();
		}
		for (i = 0; i < count; i++) {
			root.page[0] = table + 4 * i;
			tell_ppgtt(&root, false);
		}
	}
	return done();
}

const struct command workload_commands[] = {
	{ "wfill", 3, cmd_fill },
	{ "wbind", 4, cmd_bind },
	{ "wmedia", 4, cmd_media },
	{ "wcontexts", 3, cmd_contexts },
	{ }
};
