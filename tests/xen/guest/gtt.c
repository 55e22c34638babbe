// SPDX-License-Identifier: GPL-2.0
/*
 * Everything a guest can do to the GTT half of BAR 0: writes and reads of each size at each
 * alignment, string instructions in both directions, storms. A model of what was written tells what
 * reads must give back.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "agent.h"

#define GTT_OFFSET	0x800000
#define GTT_SIZE	0x800000
#define GTT_ENTRIES	(GTT_SIZE / 8)
#define MAX_RANGES	2

static uint8_t *gtt;
static uint64_t model[GTT_ENTRIES];
static struct { unsigned int first, count; } share[MAX_RANGES];
static uint64_t staging[PAGE_WORDS] __attribute__((aligned(PAGE_SIZE)));

static bool in_share(unsigned int entry)
{
	int i;

	for (i = 0; i < MAX_RANGES; i++)
		if (entry - share[i].first < share[i].count)
			return true;
	return false;
}

static uint64_t expected(unsigned int entry)
{
	return in_share(entry) ? model[entry] : 0;
}

static void remember(unsigned int offset, const void *data, unsigned int size)
{
	memcpy((uint8_t *)model + offset, data, size);
}

static void put(unsigned int offset, unsigned int size, const void *data)
{
	void *to = gtt + offset;
	uint64_t v = 0;

	memcpy(&v, data, size < 8 ? size : 8);
	switch (size) {
	case 1:
		asm volatile("movb %b0, (%1)" : : "q"(v), "r"(to) : "memory");
		break;
	case 2:
		asm volatile("movw %w0, (%1)" : : "r"(v), "r"(to) : "memory");
		break;
	case 4:
		asm volatile("movl %k0, (%1)" : : "r"(v), "r"(to) : "memory");
		break;
	case 8:
		asm volatile("movq %0, (%1)" : : "r"(v), "r"(to) : "memory");
		break;
	case 16:
		asm volatile("movups (%0), %%xmm0; movups %%xmm0, (%1)"
			     : : "r"(data), "r"(to) : "memory", "xmm0");
		break;
	}
	remember(offset, data, size);
}

static void get(unsigned int offset, unsigned int size, void *data)
{
	void *from = gtt + offset;
	uint64_t v = 0;

	switch (size) {
	case 1:
		asm volatile("movb (%1), %b0" : "=q"(v) : "r"(from) : "memory");
		break;
	case 2:
		asm volatile("movw (%1), %w0" : "=r"(v) : "r"(from) : "memory");
		break;
	case 4:
		asm volatile("movl (%1), %k0" : "=r"(v) : "r"(from) : "memory");
		break;
	case 8:
		asm volatile("movq (%1), %0" : "=r"(v) : "r"(from) : "memory");
		break;
	case 16:
		asm volatile("movups (%0), %%xmm0; movups %%xmm0, (%1)"
			     : : "r"(from), "r"(data) : "memory", "xmm0");
		return;
	}
	memcpy(data, &v, size);
}

/* rep movs with elements of some bytes; back sets the direction flag, from the last element on. */
static void rep_movs(void *to, const void *from, unsigned long count, unsigned int size, bool back)
{
	if (back) {
		to = (uint8_t *)to + (count - 1) * size;
		from = (const uint8_t *)from + (count - 1) * size;
		asm volatile("std");
	}
	switch (size) {
	case 1:
		asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
		break;
	case 2:
		asm volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
		break;
	case 4:
		asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
		break;
	case 8:
		asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
		break;
	}
	asm volatile("cld");
}

static void rep_stos(void *to, uint64_t value, unsigned long count, unsigned int size, bool back)
{
	if (back) {
		to = (uint8_t *)to + (count - 1) * size;
		asm volatile("std");
	}
	switch (size) {
	case 1:
		asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
		break;
	case 2:
		asm volatile("rep stosw" : "+D"(to), "+c"(count) : "a"(value) : "memory");
		break;
	case 4:
		asm volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(value) : "memory");
		break;
	case 8:
		asm volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(value) : "memory");
		break;
	}
	asm volatile("cld");
}

void gtt_store(unsigned int entry, uint64_t value)
{
	put(entry * 8, 8, &value);
}

static bool usable(unsigned long first, unsigned long count)
{
	if (!gtt)
		return refuse("bar0 first");
	if (first >= GTT_ENTRIES || count > GTT_ENTRIES - first)
		return refuse("not in the GTT");
	return true;
}

static bool refuse_entry(unsigned int entry, uint64_t seen)
{
	return refuse("entry %u reads %llx, not %llx", entry, (unsigned long long)seen,
		      (unsigned long long)expected(entry));
}

static uint64_t entry_of(unsigned int page)
{
	return page_gfn(page) << 12 | GTT_PRESENT;
}

/* Reads entries back, a page of them in each request, and compares them with what was written. */
static bool verify(unsigned int first, unsigned int count)
{
	unsigned int i, n;

	while (count) {
		n = PAGE_WORDS - first % PAGE_WORDS;
		if (n > count)
			n = count;
		rep_movs(staging, gtt + first * 8, n, 8, false);
		for (i = 0; i < n; i++)
			if (staging[i] != expected(first + i))
				return refuse_entry(first + i, staging[i]);
		first += n;
		count -= n;
	}
	return true;
}

/* bar0 ADDRESS: where it is; its GTT is empty */
static bool cmd_bar0(char **args, int n)
{
	(void)n;
	gtt = NULL;
	if (!bar0_map(number(args[0])))
		return false;
	gtt = bar0_at(GTT_OFFSET);
	memset(model, 0, sizeof(model));
	mlock(staging, sizeof(staging));
	memset(staging, 0, sizeof(staging));
	return true;
}

/* share FIRST COUNT [FIRST COUNT]: the entries that keep what is written */
static bool cmd_share(char **args, int n)
{
	int i;

	for (i = 0; i < MAX_RANGES; i++) {
		share[i].first = n >= 2 * i + 2 ? number(args[2 * i]) : 0;
		share[i].count = n >= 2 * i + 2 ? number(args[2 * i + 1]) : 0;
	}
	return true;
}

/* write OFFSET SIZE VALUE */
static bool cmd_write(char **args, int n)
{
	uint64_t value = number(args[2]);

	(void)n;
	if (!usable(number(args[0]) / 8, 2))
		return false;
	put(number(args[0]), number(args[1]), &value);
	return true;
}

/* read OFFSET SIZE */
static bool cmd_read(char **args, int n)
{
	uint64_t value[2] = { 0 };

	(void)n;
	if (!usable(number(args[0]) / 8, 2))
		return false;
	get(number(args[0]), number(args[1]), value);
	return answer("0x%llx", (unsigned long long)value[0]);
}

/* map ENTRY PAGE COUNT [STEP]: one 8-byte write for each entry; STEP 0: all name the same page */
static bool cmd_map(char **args, int n)
{
	unsigned int i, entry = number(args[0]), page = number(args[1]), count = number(args[2]);
	unsigned int step = n > 3 ? number(args[3]) : 1;

	if (!usable(entry, count) || !usable_pages(page, step ? count * step : 1))
		return false;
	for (i = 0; i < count; i++)
		gtt_store(entry + i, entry_of(page + i * step));
	return true;
}

/* As many entries as one request can write from this one on. */
static unsigned int entries_at_once(unsigned int entry, unsigned int count)
{
	unsigned int n = PAGE_WORDS - entry % PAGE_WORDS;

	return n < count ? n : count;
}

static void put_staged(unsigned int entry, unsigned int count, unsigned int size, bool back)
{
	rep_movs(gtt + entry * 8, staging, count * (8 / size), size, back);
	remember(entry * 8, staging, count * 8);
}

bool gtt_put_entries(unsigned int entry, const uint64_t *values, unsigned int count)
{
	unsigned int m;

	if (!usable(entry, count))
		return false;
	for (; count; count -= m, entry += m, values += m) {
		m = entries_at_once(entry, count);
		memcpy(staging, values, m * 8);
		put_staged(entry, m, 8, false);
	}
	return true;
}

/* movs ENTRY PAGE COUNT [SIZE [back]]: the same with rep movs, up to 512 entries at a time */
static bool cmd_movs(char **args, int n)
{
	unsigned int i, m, entry = number(args[0]), page = number(args[1]), count = number(args[2]);
	unsigned int size = n > 3 ? number(args[3]) : 8;
	bool back = n > 4;

	if (!usable(entry, count) || !usable_pages(page, count))
		return false;
	for (; count; count -= m, entry += m, page += m) {
		m = entries_at_once(entry, count);
		for (i = 0; i < m; i++)
			staging[i] = entry_of(page + i);
		put_staged(entry, m, size, back);
	}
	return true;
}

/* holes ENTRY PAGE COUNT EVERY GFN: one rep movs in which each EVERYth entry names GFN instead */
static bool cmd_holes(char **args, int n)
{
	unsigned int i, entry = number(args[0]), page = number(args[1]), count = number(args[2]);
	unsigned int every = number(args[3]);

	(void)n;
	if (!usable(entry, count) || !usable_pages(page, count))
		return false;
	if (entry % PAGE_WORDS + count > PAGE_WORDS || !every)
		return refuse("not within a page of entries");
	for (i = 0; i < count; i++)
		staging[i] = i % every == every - 1 ? number(args[4]) << 12 | GTT_PRESENT :
						      entry_of(page + i);
	put_staged(entry, count, 8, false);
	return true;
}

/* where ENTRY: the page that the entry names */
static bool cmd_where(char **args, int n)
{
	unsigned int page, entry = number(args[0]);

	(void)n;
	if (!usable(entry, 1))
		return false;
	for (page = 0; page < page_count(); page++)
		if (entry_of(page) == model[entry])
			return answer("%u", page);
	return refuse("none of the pages");
}

/* movsread ENTRY COUNT SIZE [back]: reads by rep movs out of the GTT and compares */
static bool cmd_movsread(char **args, int n)
{
	unsigned int i, entry = number(args[0]), count = number(args[1]), size = number(args[2]);

	if (!usable(entry, count))
		return false;
	if (count > PAGE_WORDS)
		return refuse("up to %zu entries", PAGE_WORDS);
	memset(staging, 0xa5, sizeof(staging));
	rep_movs(staging, gtt + entry * 8, count * (8 / size), size, n > 3);
	for (i = 0; i < count; i++)
		if (staging[i] != expected(entry + i))
			return refuse_entry(entry + i, staging[i]);
	return true;
}

/*
 * sweep FIRST COUNT VALUE: writes entries one by one, in the share or not, as a driver does that
 * clears the GTT; says how many microseconds that took
 */
static bool cmd_sweep(char **args, int n)
{
	uint64_t value = number(args[2]);
	unsigned int entry = number(args[0]), count = number(args[1]), i;
	struct timespec start, end;

	(void)n;
	if (!have_bar0() || entry > GTT_ENTRIES || count > GTT_ENTRIES - entry)
		return refuse("not in the GTT");
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = entry; i < entry + count; i++)
		put(i * 8, 8, &value);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return answer("%lld", (end.tv_sec - start.tv_sec) * 1000000LL +
		      (end.tv_nsec - start.tv_nsec) / 1000);
}

/* stos ENTRY COUNT VALUE [SIZE [back]] */
static bool cmd_stos(char **args, int n)
{
	unsigned int i, entry = number(args[0]), count = number(args[1]);
	unsigned int size = n > 3 ? number(args[3]) : 8;
	uint64_t value = number(args[2]);

	if (!usable(entry, count))
		return false;
	rep_stos(gtt + entry * 8, value, count * (8 / size), size, n > 4);
	for (i = 0; i < count * (8 / size); i++)
		remember(entry * 8 + i * size, &value, size);
	return true;
}

/* verify FIRST COUNT */
static bool cmd_verify(char **args, int n)
{
	(void)n;
	return usable(number(args[0]), number(args[1])) && verify(number(args[0]), number(args[1]));
}

static bool same(unsigned int offset, unsigned int size)
{
	uint8_t got[16], want[16];
	unsigned int i;

	get(offset, size, got);
	for (i = 0; i < size; i++)
		want[i] = expected((offset + i) / 8) >> (offset + i) % 8 * 8;
	if (!memcmp(got, want, size))
		return true;
	return refuse("%u bytes at offset %x read %02x..%02x, not %02x..%02x", size, offset, got[0],
		      got[size - 1], want[0], want[size - 1]);
}

static void put_random(uint64_t *state, unsigned int offset, unsigned int size)
{
	uint64_t data[2] = { next_random(state), next_random(state) };

	put(offset, size, data);
}

/* Read-modify-write instructions: each is a read and a write, or a write alone, as Xen likes. */
static void put_atomic(uint64_t *state, unsigned int offset)
{
	uint64_t value = next_random(state), *to = (uint64_t *)(gtt + offset), now;

	asm volatile("xchgq %0, (%1)" : "+r"(value) : "r"(to) : "memory");
	asm volatile("lock orq %0, (%1)" : : "r"(0x10ULL), "r"(to) : "memory");
	get(offset, 8, &now);
	remember(offset, &now, 8);
}

/*
 * odd SEED ENTRY: two pages of entries written and read with each size at each alignment, across
 * entries, across the page's end, and as halves far apart in time.
 */
static bool cmd_odd(char **args, int n)
{
	static const unsigned int sizes[] = { 1, 2, 4, 8, 16 };
	uint64_t state = number(args[0]), whole;
	unsigned int first = number(args[1]) * 8, i, align, size, offset;

	(void)n;
	if (!usable(first / 8, 2 * PAGE_WORDS))
		return false;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size = sizes[i];
		for (align = 0; align < 16; align++) {
			offset = first + (next_random(&state) % 200 + 1) * 16 + align;
			put_random(&state, offset, size);
			if (!same(offset, size) || !verify(offset / 8, 4))
				return false;
		}
		for (align = 1; align < size + 8; align++) {
			offset = first + PAGE_SIZE - align;
			put_random(&state, offset, size);
			if (!same(offset, size))
				return false;
		}
	}
	/* Halves: high then low, low twice then high, and something else in between. */
	whole = next_random(&state);
	put(first + 0x404, 4, (uint8_t *)&whole + 4);
	put_random(&state, first + 0x408, 8);
	put(first + 0x400, 4, &whole);
	if (!same(first + 0x400, 8))
		return false;
	whole = next_random(&state);
	put(first + 0x400, 4, &whole);
	put(first + 0x400, 4, &whole);
	put_random(&state, first + 0x3f8, 8);
	put(first + 0x404, 4, (uint8_t *)&whole + 4);
	if (!same(first + 0x400, 8))
		return false;
	put_atomic(&state, first + 0x500);
	return verify(first / 8, 2 * PAGE_WORDS);
}

/*
 * strings SEED ENTRY: rep movs and rep stos of each element size, in both directions, at odd
 * places, across the page's end
 */
static bool cmd_strings(char **args, int n)
{
	uint64_t state = number(args[0]);
	unsigned int first = number(args[1]) * 8, size, back, i, offset, count;
	uint8_t data[512];

	(void)n;
	if (!usable(first / 8, 2 * PAGE_WORDS))
		return false;
	for (size = 1; size <= 8; size *= 2) {
		for (back = 0; back < 2; back++) {
			for (i = 0; i < sizeof(data); i++)
				data[i] = next_random(&state);
			count = 40 / size + 1;
			offset = first + 0x800 + next_random(&state) % 64;
			rep_movs(gtt + offset, data, count, size, back);
			remember(offset, data, count * size);
			if (!verify(first / 8 + 0x100, 32))
				return false;
			/* the page's end falls into an element unless it is aligned */
			offset = first + PAGE_SIZE - 20 - next_random(&state) % 8;
			rep_movs(gtt + offset, data + 64, count, size, back);
			remember(offset, data + 64, count * size);
			memset(data, 0, sizeof(data));
			rep_movs(data, gtt + offset, count, size, back);
			if (memcmp(data, (uint8_t *)model + offset, count * size))
				return refuse("rep movs of %u-byte elements out of the GTT%s", size,
					      back ? ", backwards" : "");
			offset = first + 0xc00 + size * 64 + next_random(&state) % 8;
			rep_stos(gtt + offset, state, count, size, back);
			for (i = 0; i < count; i++)
				remember(offset + i * size, &state, size);
		}
	}
	return verify(first / 8, 2 * PAGE_WORDS);
}

/*
 * random SEED ENTRY COUNT PAGE PAGES: fills the entries in random order with random pages; the
 * answer is how many different ones
 */
static bool cmd_random(char **args, int n)
{
	uint64_t state = number(args[0]);
	unsigned int entry = number(args[1]), count = number(args[2]);
	unsigned int page = number(args[3]), pages = number(args[4]);
	unsigned int *order, i, j, t, distinct = 0;
	uint8_t *used;

	(void)n;
	if (!usable(entry, count) || !usable_pages(page, pages) || !pages)
		return false;
	order = malloc(count * sizeof(*order));
	used = calloc(pages, 1);
	for (i = 0; i < count; i++)
		order[i] = i;
	for (i = count; i > 1; i--) {
		j = next_random(&state) % i;
		t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
	for (i = 0; i < count; i++) {
		j = next_random(&state) % pages;
		distinct += !used[j];
		used[j] = 1;
		gtt_store(entry + order[i], entry_of(page + j));
	}
	free(order);
	free(used);
	return answer("%u", distinct);
}

static void write_entry(struct storm *storm, unsigned int entry, unsigned int page)
{
	(void)storm;
	gtt_store(entry, page == NO_PAGE ? 0 : entry_of(page));
}

/* storm ENTRY COUNT PAGE PAGES THREADS: replaces entries until told to stop */
static bool cmd_storm(char **args, int n)
{
	struct storm storm = {
		.write = write_entry,
		.entry = number(args[0]),
		.count = number(args[1]),
		.page = number(args[2]),
		.pages = number(args[3]),
	};

	(void)n;
	return usable(storm.entry, storm.count) && storm_replace(&storm, number(args[4]));
}

/* order ENTRY PAGE PAGES: the entry goes round among the pages; what it does not name is poison */
static bool cmd_order(char **args, int n)
{
	struct storm storm = {
		.write = write_entry,
		.entry = number(args[0]),
		.count = 1,
		.page = number(args[1]),
		.pages = number(args[2]),
	};

	(void)n;
	return usable(storm.entry, 1) && storm_order(&storm);
}

const struct command gtt_commands[] = {
	{ "bar0", 1, cmd_bar0 },
	{ "share", 2, cmd_share },
	{ "write", 3, cmd_write },
	{ "read", 2, cmd_read },
	{ "map", 3, cmd_map },
	{ "movs", 3, cmd_movs },
	{ "holes", 5, cmd_holes },
	{ "where", 1, cmd_where },
	{ "movsread", 3, cmd_movsread },
	{ "stos", 3, cmd_stos },
	{ "sweep", 3, cmd_sweep },
	{ "verify", 2, cmd_verify },
	{ "odd", 2, cmd_odd },
	{ "strings", 2, cmd_strings },
	{ "random", 5, cmd_random },
	{ "storm", 5, cmd_storm },
	{ "order", 3, cmd_order },
	{ }
};
