// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of writes to the GGTT: halves, bytes and blocks merge with what is there, and only entries
 * of the share are written. The GPU of the fixture watches every step; see gpu.h.
 */

#include <linux/prandom.h>

#include "shadow_fixture.h"

static void halves_merge_in_any_order(struct kunit *test)
{
	static const u64 values[] = {
		PTE(7), PTE(HIGH_GFN), PTE(9), 0, PTE(HIGH_GFN) | BIT_ULL(4),
	};
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i, high_first;

	for (high_first = 0; high_first <= 1; high_first++) {
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			const u32 half[2] = { values[i], values[i] >> 32 };

			shadow_write(s, ENTRY * 8 + 4 * high_first, &half[high_first], 4);
			KUNIT_EXPECT_TRUE(test, shadow_is_right(s, ENTRY));
			shadow_write(s, ENTRY * 8 + 4 * !high_first, &half[!high_first], 4);
			KUNIT_EXPECT_EQ(test, shadow_get(s, ENTRY), values[i]);
			KUNIT_EXPECT_TRUE(test, shadow_is_right(s, ENTRY));
		}
	}
	shadow_expect(s);
	stop_shadow(s);
}

static void halves_merge_at_any_distance(struct kunit *test)
{
	const u32 low = (u32)PTE(HIGH_GFN), high = PTE(HIGH_GFN) >> 32;
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_write(s, ENTRY * 8 + 4, &high, 4);
	shadow_put_block(s, ENTRY + 1, 100, 256);
	shadow_put_block(s, HIGH_FIRST, 100, 128);
	shadow_balloon(s);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
	shadow_write(s, ENTRY * 8, &low, 4);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(PTE_FRAME(gpu_entry(ENTRY)), DOM, HIGH_GFN));
	shadow_expect(s);
	stop_shadow(s);
}

static void halves_of_many_entries_can_be_pending(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;
	u32 half;

	for (i = 0; i < 512; i++) {
		half = PTE(i + 100) >> 32;
		shadow_write(s, (LOW_FIRST + i) * 8 + 4, &half, 4);
	}
	for (i = 512; i--;) {
		half = PTE(i + 100);
		shadow_write(s, (LOW_FIRST + i) * 8, &half, 4);
	}
	KUNIT_EXPECT_EQ(test, shadow_live(s), 512ul);
	shadow_expect(s);
	stop_shadow(s);
}

static void single_bytes_merge(struct kunit *test)
{
	static const u8 orders[][8] = {
		{ 0, 1, 2, 3, 4, 5, 6, 7 }, { 7, 6, 5, 4, 3, 2, 1, 0 }, { 3, 0, 6, 1, 7, 5, 2, 4 },
	};
	struct shadow *s = started_shadow(test, QUOTA);
	const u64 pte = PTE(HIGH_GFN) | BIT_ULL(7);
	unsigned int i, byte;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		shadow_put(s, ENTRY, 0);
		for (byte = 0; byte < 8; byte++) {
			shadow_write(s, ENTRY * 8 + orders[i][byte],
				     (const u8 *)&pte + orders[i][byte], 1);
			KUNIT_EXPECT_TRUE(test, shadow_is_right(s, ENTRY));
		}
		KUNIT_EXPECT_EQ(test, shadow_get(s, ENTRY), pte);
	}
	shadow_expect(s);
	stop_shadow(s);
}

static void write_over_two_entries_changes_both(struct kunit *test)
{
	static const u64 two[] = { PTE(11), PTE(12) }, three[] = { PTE(13), PTE(14), PTE(15) };
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_write(s, ENTRY * 8, two, 16);
	shadow_expect(s);
	shadow_write(s, ENTRY * 8 + 4, (const u8 *)three + 4, 16);
	KUNIT_EXPECT_EQ(test, shadow_get(s, ENTRY + 1), three[1]);
	shadow_expect(s);
	stop_shadow(s);
}

static void eight_bytes_at_offset_4_change_two_halves(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	const u64 both = PTE(HIGH_GFN) >> 32 | PTE(21) << 32;

	shadow_put(s, ENTRY, PTE(7));
	shadow_put(s, ENTRY + 1, PTE(20));
	shadow_put(s, ENTRY + 2, PTE(22));
	shadow_write(s, ENTRY * 8 + 4, &both, 8);
	KUNIT_EXPECT_EQ(test, shadow_get(s, ENTRY), PTE(HIGH_GFN));
	KUNIT_EXPECT_EQ(test, shadow_get(s, ENTRY + 1), PTE(21));
	KUNIT_EXPECT_EQ(test, shadow_get(s, ENTRY + 2), PTE(22));
	shadow_expect(s);
	stop_shadow(s);
}

/* A random entry as a guest may write it, mostly a valid one */
static u64 random_pte(struct rnd_state *rnd)
{
	u64 gfn = prandom_u32_state(rnd) % GUEST_PAGES;

	switch (prandom_u32_state(rnd) % 16) {
	case 0:
		return 0;
	case 1:
		return PTE(gfn) | BIT_ULL(46 + prandom_u32_state(rnd) % 18);
	case 2:
		return PTE(NO_GFN + gfn);
	case 3:
		return PTE(HIGH_GFN);
	case 4:
		return PTE(gfn) & ~PTE_PRESENT;
	case 5:
		return PTE(gfn) | (prandom_u32_state(rnd) & PTE_FLAGS);
	case 6:
		return (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
	default:
		return PTE(gfn);
	}
}

/* A random offset, mostly in the share or across its ends */
static u64 random_offset(struct rnd_state *rnd, unsigned int len)
{
	u64 offset = (LOW_FIRST - 2) * 8 + prandom_u32_state(rnd) % ((LOW_N + 4) * 8);

	if (prandom_u32_state(rnd) % 4)
		return offset;
	offset = (HIGH_FIRST - 2) * 8 + prandom_u32_state(rnd) % ((HIGH_N + 2) * 8);
	return min(offset, GTT_ENTRIES * 8ull - len);
}

static unsigned int random_len(struct rnd_state *rnd)
{
	unsigned int kind = prandom_u32_state(rnd) % 64;

	if (kind)
		return 1 + prandom_u32_state(rnd) % (kind < 8 ? 64 : 8);
	return 1 + prandom_u32_state(rnd) % 4096;
}

static void random_writes_match_a_byte_array(struct kunit *test)
{
	u64 *ptes = kunit_kzalloc(test, 514 * 8, GFP_KERNEL);
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i, n, len;
	struct rnd_state rnd;
	u64 offset;

	KUNIT_ASSERT_NOT_NULL(test, ptes);
	prandom_seed_state(&rnd, 4711);
	for (i = 0; i < 3000; i++) {
		len = random_len(&rnd);
		offset = random_offset(&rnd, len);
		for (n = 0; n <= len / 8 + 1; n++)
			ptes[n] = random_pte(&rnd);
		shadow_write(s, offset, (const u8 *)ptes + offset % 8, len);
		if (!(i % 128))
			shadow_expect(s);
	}
	shadow_expect(s);
	stop_shadow(s);
}

static void reads_of_any_size_and_alignment_match(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int len, from, i;
	u8 got[40];

	shadow_put_block(s, LOW_FIRST, 200, 8);
	for (from = 0; from < 16; from++) {
		for (len = 1; len <= 24; len++) {
			memset(got, 0xee, sizeof(got));
			xengt_ggtt_read(&s->gtt.ggtt, (LOW_FIRST - 1) * 8 + from, got, len);
			for (i = 0; i < len; i++)
				KUNIT_EXPECT_EQ(test, got[i],
						from + i < 8 ? 0 : s->wrote[from + i - 8]);
			KUNIT_EXPECT_EQ(test, got[len], 0xee);
		}
	}
	stop_shadow(s);
}

static void entries_out_of_the_share_are_dropped_and_counted(struct kunit *test)
{
	static const struct {
		unsigned long first, n, out;
	} cases[] = {
		{ 0, 1, 1 },
		{ LOW_FIRST - 1, 1, 1 },
		{ LOW_FIRST - 3, 8, 3 },
		{ LOW_FIRST + LOW_N - 2, 5, 3 },
		{ LOW_FIRST + LOW_N, 1, 1 },
		{ HIGH_FIRST - 4, 8, 4 },
		{ HIGH_FIRST - 512, 512, 512 },
		{ GTT_ENTRIES / 2, 512, 512 },
	};
	struct shadow *s = started_shadow(test, QUOTA);
	u64 before, i;
	unsigned int c;

	for (c = 0; c < ARRAY_SIZE(cases); c++) {
		before = shadow_count(s, XENGT_COUNT_OUT_OF_SHARE);
		shadow_put_block(s, cases[c].first, 300 + 16 * c, cases[c].n);
		KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_OUT_OF_SHARE) - before,
				(u64)cases[c].out);
	}
	KUNIT_EXPECT_EQ(test, shadow_get(s, 0), 0ull);
	for (i = LOW_FIRST + LOW_N; i < LOW_FIRST + LOW_N + 8; i++)
		KUNIT_EXPECT_EQ(test, shadow_get(s, i), 0ull);
	KUNIT_EXPECT_EQ(test, shadow_get(s, HIGH_FIRST - 1), 0ull);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 5ul + 2 + 4);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_ENTRIES_WRITTEN), 5ull + 2 + 4);
	shadow_expect(s);
	stop_shadow(s);
}

static void first_and_last_entries_of_both_ranges_work(struct kunit *test)
{
	static const unsigned long entries[] = {
		LOW_FIRST, LOW_FIRST + LOW_N - 1, HIGH_FIRST, GTT_ENTRIES - 1,
	};
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		shadow_put(s, entries[i], PTE(40 + i));
		KUNIT_EXPECT_TRUE(test, fake_dma_reaches(PTE_FRAME(gpu_entry(entries[i])), DOM,
							 40 + i));
	}
	KUNIT_EXPECT_EQ(test, shadow_live(s), 4ul);
	shadow_expect(s);
	stop_shadow(s);
}

static void unaligned_page_touches_513_entries(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 *ptes = kunit_kzalloc(test, 513 * 8, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, ptes);
	for (i = 0; i < 513; i++)
		ptes[i] = PTE(512 + i);
	shadow_write(s, LOW_FIRST * 8 + 4, (const u8 *)ptes + 4, 4096);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_ENTRIES_WRITTEN), 513ull);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 512ul);
	shadow_write(s, LOW_FIRST * 8 + 1, (const u8 *)ptes + 1, 4096);
	shadow_put(s, LOW_FIRST, PTE(512));
	KUNIT_EXPECT_EQ(test, shadow_live(s), 513ul);
	shadow_expect(s);
	stop_shadow(s);
}

static struct kunit_case ggtt_write_cases[] = {
	KUNIT_CASE_PARAM(halves_merge_in_any_order, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(halves_merge_at_any_distance, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(halves_of_many_entries_can_be_pending, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(single_bytes_merge, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_over_two_entries_changes_both, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(eight_bytes_at_offset_4_change_two_halves, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(random_writes_match_a_byte_array, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(reads_of_any_size_and_alignment_match, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_out_of_the_share_are_dropped_and_counted, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(first_and_last_entries_of_both_ranges_work, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unaligned_page_touches_513_entries, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ggtt_write_suite = {
	.name = "xengt_ggtt_write",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ggtt_write_cases,
};

kunit_test_suite(ggtt_write_suite);
