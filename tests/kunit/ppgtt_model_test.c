// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the model of PPGTTs: its formats against numbers from the manuals, its walks of tables
 * made by hand, and its compare with shadows made in a naive way, right and wrong ones.
 */

#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "map_fixture.h"
#include "ppgtt_model.h"

#define FIRST_TABLE	600ull
#define FIRST_DATA	96ull
#define MAX_SHADOWS	512
#define DIR_FIRST	64ul

#define P		BIT_ULL(0)
#define RW		BIT_ULL(1)
#define PS		BIT_ULL(7)
#define WIDE		BIT_ULL(11)

/* A naive shadow: one page for each guest table and level, made once */
struct naive {
	struct kunit *test;
	struct mediator *user;
	struct ppgtt_model *model;
	struct ppgtt_roots roots;
	struct page *scratch[PPGTT_MAX_LEVEL];	/* [0]: the scratch page, others: tables */
	struct shadow_view {
		unsigned int level;
		bool wide;
		u64 gfn;
		struct page *page;
	} views[MAX_SHADOWS];
	unsigned int nr_views;
	u64 ggtt_guest[512];
	u64 ggtt_shadow[512];
};

static u64 ggtt_guest(void *data, unsigned long index)
{
	return ((struct naive *)data)->ggtt_guest[index - DIR_FIRST];
}

static u64 ggtt_shadow(void *data, unsigned long index)
{
	return ((struct naive *)data)->ggtt_shadow[index - DIR_FIRST];
}

static void store_entry(const struct ppgtt_format *format, struct page *page, unsigned int index,
			u64 raw)
{
	if (format->entry_size == 4)
		((u32 *)page_address(page))[index] = raw;
	else
		((u64 *)page_address(page))[index] = raw;
}

static struct page *new_page(struct naive *n)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	KUNIT_ASSERT_NOT_NULL(n->test, page);
	return page;
}

static void fill_table(struct naive *n, struct page *page, unsigned int level, u64 raw)
{
	unsigned int i;

	for (i = 0; i < n->roots.format->entries[level]; i++)
		store_entry(n->roots.format, page, i, raw);
}

/* Returns an entry of a level that leads to the scratch page. */
static u64 scratch_entry(struct naive *n, unsigned int level)
{
	return ppgtt_encode(n->roots.format, page_to_pfn(n->scratch[level - 1]),
			    n->roots.format->rw);
}

static struct naive *new_naive(struct kunit *test, const struct ppgtt_format *format)
{
	struct naive *n = kunit_kzalloc(test, sizeof(*n), GFP_KERNEL);
	unsigned int level;

	KUNIT_ASSERT_NOT_NULL(test, n);
	n->test = test;
	n->user = start_user(test, 2048, 4096);
	n->roots.format = format;
	n->model = ppgtt_model_new(test, DOM);
	n->model->ggtt_guest = ggtt_guest;
	n->model->ggtt_shadow = ggtt_shadow;
	n->model->data = n;
	for (level = 0; level < format->top; level++) {
		n->scratch[level] = new_page(n);
		if (level)
			fill_table(n, n->scratch[level], level, scratch_entry(n, level));
	}
	return n;
}

static void free_naive(struct naive *n)
{
	unsigned int i;

	for (i = 0; i < n->nr_views; i++)
		__free_page(n->views[i].page);
	for (i = 0; i < n->roots.format->top; i++)
		__free_page(n->scratch[i]);
	stop_user(n->test, n->user);
}

static u64 frame_of(struct naive *n, u64 gfn)
{
	if (fake_gfn_mfn(DOM, gfn) == FAKE_NO_MFN)
		return PPGTT_NO_FRAME;
	if (!user_bfn(n->user, gfn))
		KUNIT_ASSERT_EQ(n->test, user_map(n->user, gfn), 0);
	return user_bfn(n->user, gfn);
}

static struct page *shadow_of(struct naive *n, unsigned int level, bool wide, u64 gfn);

/* Returns the shadow of a page's entry. */
static u64 shadow_page(struct naive *n, const struct ppgtt_entry *guest)
{
	u64 frame = guest->kind == PPGTT_PAGE ? frame_of(n, guest->frame) : PPGTT_NO_FRAME;

	if (frame == PPGTT_NO_FRAME)
		return scratch_entry(n, 1);
	return ppgtt_encode(n->roots.format, frame, guest->flags);
}

static u64 shadow_large(struct naive *n, const struct ppgtt_entry *guest)
{
	struct page *page = new_page(n);
	struct ppgtt_entry part = *guest;
	unsigned int i;

	n->views[n->nr_views++] = (struct shadow_view){ .gfn = PPGTT_NO_FRAME, .page = page };
	for (i = 0; i < guest->pages; i++) {
		part.frame = guest->frame + i;
		store_entry(n->roots.format, page, i, shadow_page(n, &part));
	}
	return ppgtt_encode(n->roots.format, page_to_pfn(page), RW);
}

static u64 shadow_entry(struct naive *n, unsigned int level, u64 raw)
{
	struct ppgtt_entry guest = ppgtt_decode(n->roots.format, level, raw);

	if (guest.kind == PPGTT_PAGE)
		return shadow_large(n, &guest);
	if (guest.kind != PPGTT_TABLE || fake_gfn_mfn(DOM, guest.frame) == FAKE_NO_MFN)
		return scratch_entry(n, level);
	return ppgtt_encode(n->roots.format,
			    page_to_pfn(shadow_of(n, level - 1, guest.wide, guest.frame)),
			    guest.flags);
}

static struct page *find_view(struct naive *n, unsigned int level, bool wide, u64 gfn)
{
	unsigned int i;

	for (i = 0; i < n->nr_views; i++) {
		if (n->views[i].level == level && n->views[i].wide == wide &&
		    n->views[i].gfn == gfn)
			return n->views[i].page;
	}
	return NULL;
}

static struct page *shadow_of(struct naive *n, unsigned int level, bool wide, u64 gfn)
{
	const struct ppgtt_format *format = n->roots.format;
	struct page *page = find_view(n, level, wide, gfn);
	struct ppgtt_entry guest;
	unsigned int i;
	u8 *table;

	if (page)
		return page;
	page = new_page(n);
	KUNIT_ASSERT_LT(n->test, n->nr_views, (unsigned int)MAX_SHADOWS - 8);
	n->views[n->nr_views++] = (struct shadow_view){ level, wide, gfn, page };
	table = kunit_kmalloc(n->test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(n->test, table);
	fake_guest_read(DOM, gfn << PAGE_SHIFT, table, PAGE_SIZE);
	for (i = 0; i < format->entries[level]; i++) {
		guest = ppgtt_leaf(format, table, i, wide);
		store_entry(format, page, i, level == 1 ? shadow_page(n, &guest) :
			    shadow_entry(n, level, ppgtt_load(format, table, i)));
	}
	kunit_kfree(n->test, table);
	return page;
}

static void shadow_all(struct naive *n)
{
	const struct ppgtt_format *format = n->roots.format;
	unsigned int i;

	if (format->root_in_ggtt) {
		n->roots.guest[0] = DIR_FIRST;
		n->roots.shadow[0] = DIR_FIRST;
		for (i = 0; i < format->entries[format->top]; i++)
			n->ggtt_shadow[i] = shadow_entry(n, format->top, n->ggtt_guest[i]);
		return;
	}
	for (i = 0; i < format->roots; i++)
		n->roots.shadow[i] = page_to_pfn(shadow_of(n, format->top, false,
							   n->roots.guest[i]));
}

static unsigned int compare(struct naive *n)
{
	ppgtt_model_begin(n->model);
	return ppgtt_compare(n->model, &n->roots);
}

static void put(struct naive *n, u64 gfn, unsigned int index, u64 raw)
{
	unsigned int size = n->roots.format->entry_size;

	fake_guest_write(DOM, (gfn << PAGE_SHIFT) + index * size, &raw, size);
}

static void model_exit(struct kunit *test)
{
	map_fixture_exit(test);
}

/* Formats */

static void entries_are_what_the_manuals_say(struct kunit *test)
{
	static const struct {
		const struct ppgtt_format *format;
		unsigned int level;
		u64 raw;
		enum ppgtt_kind kind;
		u64 frame;
		u64 flags;
	} cases[] = {
		{ &ppgtt_gen8_4, 1, 0x12345678000ull | RW, PPGTT_NONE },
		{ &ppgtt_gen8_4, 1, 0x12345678003ull, PPGTT_PAGE, 0x12345678, 2 },
		{ &ppgtt_gen8_4, 1, 0x3ffffffff09bull, PPGTT_PAGE, 0x3ffffffff, 0x9a },
		{ &ppgtt_gen8_4, 1, 0x400000000003ull, PPGTT_BAD },
		{ &ppgtt_gen8_4, 1, 0x1803, PPGTT_PAGE, 1, 2 },
		{ &ppgtt_gen8_4, 2, 0x1803, PPGTT_TABLE, 1, 2 },
		{ &ppgtt_gen8_4, 2, 0x40200083, PPGTT_PAGE, 0x40200, 2 },
		{ &ppgtt_gen8_4, 2, 0x40201083, PPGTT_PAGE, 0x40200, 0x82 },
		{ &ppgtt_gen8_4, 2, 0x40202083, PPGTT_BAD },
		{ &ppgtt_gen8_4, 2, 0x40300083, PPGTT_BAD },
		{ &ppgtt_gen8_4, 3, 0x40000083, PPGTT_HUGE },
		{ &ppgtt_gen8_4, 4, 0x40000083, PPGTT_BAD },
		{ &ppgtt_gen8_4, 4, 0x4000000b, PPGTT_TABLE, 0x40000, 0xa },
		{ &ppgtt_gen7, 1, 0xabcde001, PPGTT_PAGE, 0xabcde, 0 },
		{ &ppgtt_gen7, 1, 0xabcdeff1, PPGTT_PAGE, 0x7fabcde, 0x800 },
		{ &ppgtt_gen7, 1, 0x0000101f, PPGTT_PAGE, 0x100001, 0xe },
		{ &ppgtt_gen7, 2, 0xabcde7f1, PPGTT_TABLE, 0x7fabcde, 0 },
		{ &ppgtt_gen7, 2, 0xabcde7f0, PPGTT_NONE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ppgtt_entry entry = ppgtt_decode(cases[i].format, cases[i].level,
							cases[i].raw);

		KUNIT_EXPECT_EQ_MSG(test, entry.kind, cases[i].kind, "%#llx", cases[i].raw);
		if (cases[i].kind < PPGTT_TABLE)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, entry.frame, cases[i].frame, "%#llx", cases[i].raw);
		KUNIT_EXPECT_EQ_MSG(test, entry.flags, cases[i].flags, "%#llx", cases[i].raw);
	}
	KUNIT_EXPECT_EQ(test, ppgtt_encode(&ppgtt_gen7, 0x7fabcde, 6), 0xabcde7f7ull);
	KUNIT_EXPECT_EQ(test, ppgtt_encode(&ppgtt_gen8_4, 0x12345678, 2), 0x12345678003ull);
}

/* Tables made by hand, with one of each kind of entry */

static struct naive *made_by_hand(struct kunit *test)
{
	struct naive *n = new_naive(test, &ppgtt_gen8_4);
	u64 gfn;

	n->roots.guest[0] = 600;
	put(n, 600, 511, 601 << 12 | P | RW);
	put(n, 601, 2, 602 << 12 | P | RW);
	put(n, 601, 3, P | PS);
	put(n, 602, 3, 603 << 12 | P | RW);
	put(n, 602, 4, 604 << 12 | P | RW | WIDE);
	put(n, 602, 5, 1024 << 12 | P | RW | PS | BIT_ULL(12));
	put(n, 602, 6, 603 << 12 | P);
	for (gfn = 0; gfn < 16; gfn++)
		put(n, 603, gfn, (100 + gfn) << 12 | P | RW);
	put(n, 603, 20, 3000 << 12 | P | RW);
	put(n, 603, 21, 100 << 12 | P | RW | BIT_ULL(50));
	put(n, 604, 32, 165 << 12 | P | RW);
	put(n, 604, 33, 300 << 12 | P | RW);
	shadow_all(n);
	return n;
}

#define TOP		(511ull << 39 | 2ull << 30)

static void walks_by_hand_find_the_pages(struct kunit *test)
{
	static const struct {
		u64 addr;
		u64 gfn;	/* 0: none */
		u64 flags;
		bool writable;
	} cases[] = {
		{ TOP | 3 << 21, 100, RW, true },
		{ TOP | 3 << 21 | 15 << 12 | 0xabc, 115, RW, true },
		{ TOP | 3 << 21 | 16 << 12, 0 },
		{ TOP | 3 << 21 | 20 << 12, 3000, RW, true },
		{ TOP | 3 << 21 | 21 << 12, 0 },
		{ TOP | 4 << 21 | 32 << 12, 160, RW, true },
		{ TOP | 4 << 21 | 47 << 12, 175, RW, true },
		{ TOP | 4 << 21 | 48 << 12, 0 },
		{ TOP | 5 << 21, 1024, RW | PS, true },
		{ TOP | 5 << 21 | 511 << 12, 1535, RW | PS, true },
		{ TOP | 6 << 21, 100, RW, false },
		{ 511ull << 39 | 3ull << 30, 0 },
		{ 0, 0 },
	};
	struct naive *n = made_by_hand(test);
	struct ppgtt_walk walk;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ppgtt_walk_guest(n->model, &n->roots, cases[i].addr, &walk);
		KUNIT_EXPECT_EQ_MSG(test, walk.page, !!cases[i].gfn, "%#llx", cases[i].addr);
		KUNIT_EXPECT_TRUE(test, ppgtt_expect(n->model, &n->roots, cases[i].addr));
		if (!cases[i].gfn)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, walk.frame, cases[i].gfn, "%#llx", cases[i].addr);
		KUNIT_EXPECT_EQ_MSG(test, walk.flags, cases[i].flags, "%#llx", cases[i].addr);
		KUNIT_EXPECT_EQ_MSG(test, walk.writable, cases[i].writable, "%#llx",
				    cases[i].addr);
	}
	free_naive(n);
}

static void right_shadow_is_found_right(struct kunit *test)
{
	struct naive *n = made_by_hand(test);

	KUNIT_EXPECT_EQ(test, compare(n), 0u);
	KUNIT_EXPECT_EQ(test, n->model->views, 6u);
	KUNIT_EXPECT_EQ(test, ppgtt_wanted(n->model), 16u + 16u + 512u);
	free_naive(n);
}

/* A wrong entry is found by both kinds of compare. Without it the shadow is right again. */

struct wrong {
	const char *what;
	unsigned int level;
	u64 table;
	unsigned int index;
	u64 addr;
	u64 clear;
	u64 set;
	u64 frame;	/* frame of a guest's page, 1: the scratch page, 0: unchanged */
};

static void expect_wrong(struct naive *n, const struct wrong *w)
{
	struct page *page = find_view(n, w->level, false, w->table);
	u64 *entry, raw;

	KUNIT_ASSERT_NOT_NULL(n->test, page);
	entry = (u64 *)page_address(page) + w->index;
	raw = *entry;
	*entry = (raw & ~w->clear) | w->set;
	if (w->frame)
		*entry = (raw & 0xfff) | (w->frame == 1 ? page_to_pfn(n->scratch[0]) :
					  frame_of(n, w->frame)) << PAGE_SHIFT;
	n->model->quiet = true;
	KUNIT_EXPECT_GE_MSG(n->test, compare(n), 1u, "%s", w->what);
	KUNIT_EXPECT_FALSE_MSG(n->test, ppgtt_expect(n->model, &n->roots, w->addr), "%s", w->what);
	*entry = raw;
	KUNIT_EXPECT_EQ_MSG(n->test, compare(n), 0u, "%s", w->what);
}

static void wrong_shadow_is_found_wrong(struct kunit *test)
{
	static const struct wrong cases[] = {
		{ "another page", 1, 603, 2, TOP | 3 << 21 | 2 << 12, 0, 0, 200 },
		{ "scratch", 1, 603, 2, TOP | 3 << 21 | 2 << 12, 0, 0, 1 },
		{ "no page", 1, 603, 2, TOP | 3 << 21 | 2 << 12, P },
		{ "read-only", 1, 603, 2, TOP | 3 << 21 | 2 << 12, RW },
		{ "other cache bits", 1, 603, 2, TOP | 3 << 21 | 2 << 12, 0, BIT_ULL(3) },
		{ "reserved bits", 1, 603, 2, TOP | 3 << 21 | 2 << 12, 0, BIT_ULL(49) },
		{ "a page in place of none", 1, 603, 30, TOP | 3 << 21 | 30 << 12, 0, 0, 200 },
		{ "nothing in place of scratch", 1, 603, 30, TOP | 3 << 21 | 30 << 12, P },
		{ "a page for a bad entry", 1, 603, 21, TOP | 3 << 21 | 21 << 12, 0, 0, 100 },
		{ "no table", 2, 602, 3, TOP | 3 << 21, P },
		{ "read-only table", 2, 602, 3, TOP | 3 << 21, RW },
		{ "writable table", 2, 602, 6, TOP | 6 << 21, 0, RW },
		{ "a guest's page as table", 2, 602, 3, TOP | 3 << 21, 0, 0, 603 },
		{ "wide table", 2, 602, 3, TOP | 3 << 21 | 1 << 12, 0, WIDE },
		{ "no table on top", 4, 600, 511, TOP | 3 << 21, P },
		{ "no scratch table on top", 4, 600, 0, 0, P },
	};
	struct naive *n = made_by_hand(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		expect_wrong(n, &cases[i]);
	free_naive(n);
}

static void page_that_lost_its_reference_is_found(struct kunit *test)
{
	struct naive *n = made_by_hand(test);

	n->model->quiet = true;
	user_unmap(n->user, 102);
	flush(n->user);
	KUNIT_EXPECT_EQ_MSG(test, compare(n), 1u, "once, though the table has two parents");
	free_naive(n);
}

static void scratch_is_tolerated_if_it_may_be(struct kunit *test)
{
	struct naive *n = made_by_hand(test);
	u64 *table = page_address(find_view(n, 1, false, 603));

	table[2] = scratch_entry(n, 1);
	n->model->tolerant = true;
	KUNIT_EXPECT_EQ(test, compare(n), 0u);
	KUNIT_EXPECT_EQ(test, n->model->tolerated, 1u);
	table[2] = ppgtt_encode(n->roots.format, frame_of(n, 200), RW);
	n->model->quiet = true;
	KUNIT_EXPECT_EQ_MSG(test, compare(n), 1u, "scratch, but nothing else");
	free_naive(n);
}

static void table_that_is_scratch_is_found(struct kunit *test)
{
	struct naive *n = made_by_hand(test);
	u64 *table = page_address(find_view(n, 1, false, 603));

	table[30] = ppgtt_encode(n->roots.format, page_to_pfn(n->scratch[1]), RW);
	n->model->quiet = true;
	KUNIT_EXPECT_EQ(test, compare(n), 1u);
	free_naive(n);
}

/* A large entry in the shadow translates as small ones do. */
static void large_entries_in_the_shadow_are_right(struct kunit *test)
{
	struct naive *n = made_by_hand(test);
	u64 *table = page_address(find_view(n, 2, false, 602));
	u64 raw = table[5];

	/* The frames of a new guest are contiguous on both kinds of dom0. */
	KUNIT_ASSERT_EQ(test, frame_of(n, 1024) % 512, 0ull);
	table[5] = frame_of(n, 1024) << PAGE_SHIFT | P | RW | PS | BIT_ULL(12);
	KUNIT_EXPECT_EQ(test, compare(n), 0u);
	KUNIT_EXPECT_TRUE(test, ppgtt_expect(n->model, &n->roots, TOP | 5 << 21 | 77 << 12));
	n->model->quiet = true;
	table[5] &= ~BIT_ULL(12);
	KUNIT_EXPECT_EQ_MSG(test, compare(n), 512u, "another PAT bit");
	table[5] = raw;
	free_naive(n);
}

/*
 * The flags of a directory entry count above a table of 64 KiB pages, of which only each 16th entry
 * counts.
 */
static void flags_above_a_page_of_64k_matter(struct kunit *test)
{
	struct page *scratch = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_COMP, 4);
	struct naive *n = made_by_hand(test);
	u64 *directory = page_address(find_view(n, 2, false, 602));
	u64 *table = page_address(find_view(n, 1, true, 604));
	unsigned int i, failures;

	KUNIT_ASSERT_NOT_NULL(test, scratch);
	KUNIT_ASSERT_EQ(test, frame_of(n, 160) % 16, 0ull);
	for (i = 0; i < 512; i++)
		table[i] = ppgtt_encode(n->roots.format, i > 30 && i < 48 ? frame_of(n, 160) :
					page_to_pfn(scratch), RW);
	directory[4] |= WIDE;
	n->model->quiet = true;
	failures = compare(n);	/* so many scratch pages are an error, too */
	directory[4] &= ~RW;
	KUNIT_EXPECT_EQ(test, compare(n), failures + 1);
	__free_pages(scratch, 4);
	free_naive(n);
}

/* With random tables, also in loops, both kinds of compare find the naive shadow right. */

static u64 random_entry(struct naive *n, struct rnd_state *rnd, unsigned int tables)
{
	const struct ppgtt_format *format = n->roots.format;
	u32 what = prandom_u32_state(rnd) % 16;
	u64 flags = prandom_u32_state(rnd) & format->flags[1];

	if (what < 7)
		return ppgtt_encode(format, FIRST_TABLE + prandom_u32_state(rnd) % tables, flags);
	if (what < 13)
		return ppgtt_encode(format, FIRST_DATA + prandom_u32_state(rnd) % 64, flags);
	if (what == 13)
		return ppgtt_encode(format, FIRST_TABLE, format->rw | format->wide);
	return what == 14 ? ppgtt_encode(format, 1024, format->large) : 0;
}

static void random_shadow(struct kunit *test, const struct ppgtt_format *format, u32 seed)
{
	struct naive *n = new_naive(test, format);
	struct rnd_state rnd;
	unsigned int i;
	u64 gfn, addr;

	prandom_seed_state(&rnd, seed);
	for (gfn = FIRST_TABLE; gfn < FIRST_TABLE + 6; gfn++) {
		for (i = 0; i < 12; i++)
			put(n, gfn, prandom_u32_state(&rnd) % 20, random_entry(n, &rnd, 8));
	}
	for (i = 0; i < 24; i++)
		n->ggtt_guest[i] = random_entry(n, &rnd, 8);
	for (i = 0; i < PPGTT_ROOTS; i++)
		n->roots.guest[i] = FIRST_TABLE + i;
	shadow_all(n);
	KUNIT_EXPECT_EQ_MSG(test, compare(n), 0u, "%s, seed %u", format->name, seed);
	for (i = 0; i < 500; i++) {
		addr = (u64)(prandom_u32_state(&rnd) % 20) << 12 |
		       (u64)(prandom_u32_state(&rnd) % 20) << format->shift[2];
		if (format->top == 4)
			addr |= (u64)(prandom_u32_state(&rnd) % 20) << 30 |
				(u64)(prandom_u32_state(&rnd) % 20) << 39;
		else if (format->roots == 4)
			addr |= (u64)(prandom_u32_state(&rnd) % 4) << 30;
		KUNIT_EXPECT_TRUE(test, ppgtt_expect(n->model, &n->roots, addr));
	}
	free_naive(n);
	map_fixture_exit(test);
}

static void random_tables_compare(struct kunit *test)
{
	u32 seed;

	for (seed = 1; seed <= 4; seed++) {
		random_shadow(test, &ppgtt_gen8_4, seed);
		random_shadow(test, &ppgtt_gen8_3, seed);
		random_shadow(test, &ppgtt_gen7, seed);
	}
}

static void sets_contain_what_was_added(struct kunit *test)
{
	struct ppgtt_set *set = kunit_kzalloc(test, sizeof(*set), GFP_KERNEL);
	u64 i;

	KUNIT_ASSERT_NOT_NULL(test, set);
	ppgtt_set_clear(set);
	for (i = 0; i < PPGTT_SET_SLOTS - 1; i++)
		KUNIT_EXPECT_TRUE(test, ppgtt_set_add(set, i % 3, i));
	KUNIT_EXPECT_FALSE(test, ppgtt_set_add(set, 2, 2));
	KUNIT_EXPECT_TRUE(test, ppgtt_set_has(set, 1, 1));
	KUNIT_EXPECT_FALSE(test, ppgtt_set_has(set, 1, 2));
	ppgtt_set_clear(set);
	KUNIT_EXPECT_FALSE(test, ppgtt_set_has(set, 1, 1));
}

static struct kunit_case model_cases[] = {
	KUNIT_CASE(entries_are_what_the_manuals_say),
	KUNIT_CASE(sets_contain_what_was_added),
	KUNIT_CASE_PARAM(walks_by_hand_find_the_pages, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(right_shadow_is_found_right, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(wrong_shadow_is_found_wrong, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(page_that_lost_its_reference_is_found, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(scratch_is_tolerated_if_it_may_be, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(table_that_is_scratch_is_found, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(large_entries_in_the_shadow_are_right, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(flags_above_a_page_of_64k_matter, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(random_tables_compare, stock_platforms_gen_params),
	{}
};

static struct kunit_suite model_suite = {
	.name = "ppgtt_model",
	.exit = model_exit,
	.test_cases = model_cases,
};

kunit_test_suite(model_suite);
