// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the shadow GGTT (vgpu/ggtt/ggtt.c) over the whole mapping service and the fake
 * hypervisor, on both kinds of dom0. The GPU of the fixture watches every step; see vgpu_fixture.h.
 */

#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "map/counters.h"
#include "map/domain.h"
#include "modules.h"
#include "vgpu_fixture.h"

#define QUOTA	100000
#define ENTRY	(LOW_FIRST + 100)	/* some entry */

static int ggtt_init(struct kunit *test)
{
	start_modules(test, mode_of(test));
	return 0;
}

static void ggtt_exit(struct kunit *test)
{
	stop_modules(test);
}

static bool on_pv(struct kunit *test)
{
	return mode_of(test) == FAKE_PV_DOM0;
}

static unsigned long map_calls(void)
{
	return fake_xen_calls(FAKE_CALL_MMU_UPDATE) + fake_xen_calls(FAKE_CALL_ADD_TO_PHYSMAP);
}

static u64 service_count(struct shadow *s, enum xen_gpu_counter which)
{
	return xen_gpu_counter_read(&s->domain->counters, which);
}

/* The index of the only event of a kind with that "where" and MFN (FAKE_NO_MFN: any), or -1. */
static int only_event(struct kunit *test, enum fake_event_kind kind, u64 where, u64 mfn)
{
	const struct fake_event *event;
	int found = -1;
	unsigned int i;

	for (i = 0; (event = fake_xen_event(i)); i++) {
		if (event->kind != kind || (mfn != FAKE_NO_MFN && event->mfn != mfn) ||
		    event->where != where)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, found, -1, "more than one event of kind %d", kind);
		found = i;
	}
	KUNIT_EXPECT_GE_MSG(test, found, 0, "no event of kind %d", kind);
	return found;
}

/* Halves, bytes, blocks */

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

/* An entry as a guest may write it: good ones mostly. */
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

/* Mostly in the share, and across its ends. */
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

/* Order, and what it costs */

static void entry_then_invalidate_then_old_reference(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 old = fake_gfn_mfn(DOM, 50);
	int pte, inval, unref;

	shadow_put(s, ENTRY, PTE(50));
	fake_xen_clear_events();
	shadow_put(s, ENTRY, PTE(51));
	shadow_flush(s);
	pte = only_event(test, FAKE_EVENT_PTE, ENTRY, FAKE_NO_MFN);
	inval = only_event(test, FAKE_EVENT_INVALIDATE, 0, FAKE_NO_MFN);
	unref = only_event(test, FAKE_EVENT_UNREF, 0, old);
	KUNIT_EXPECT_LT(test, pte, inval);
	KUNIT_EXPECT_LT(test, inval, unref);
	KUNIT_EXPECT_TRUE(test, shadow_is_right(s, ENTRY));
	stop_shadow(s);
}

static void entry_goes_before_its_reference(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 old = fake_gfn_mfn(DOM, 50);
	int inval, unref;

	shadow_put(s, ENTRY, PTE(50));
	fake_xen_clear_events();
	shadow_put(s, ENTRY, 0);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
	shadow_flush(s);
	inval = only_event(test, FAKE_EVENT_INVALIDATE, 0, FAKE_NO_MFN);
	unref = only_event(test, FAKE_EVENT_UNREF, 0, old);
	KUNIT_EXPECT_LT(test, only_event(test, FAKE_EVENT_PTE, ENTRY, FAKE_NO_MFN), inval);
	KUNIT_EXPECT_LT(test, inval, unref);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_shadow(s);
}

static void new_page_is_mapped_before_the_old_is_released(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 old = fake_gfn_mfn(DOM, 50), new = fake_gfn_mfn(DOM, 51);
	int ref, pte, unref;

	shadow_put(s, ENTRY, PTE(50));
	fake_xen_clear_events();
	shadow_put(s, ENTRY, PTE(51));
	shadow_flush(s);
	ref = only_event(test, FAKE_EVENT_REF, 0, new);
	pte = only_event(test, FAKE_EVENT_PTE, ENTRY, FAKE_NO_MFN);
	unref = only_event(test, FAKE_EVENT_UNREF, 0, old);
	KUNIT_EXPECT_LT(test, ref, pte);
	KUNIT_EXPECT_LT(test, ref, unref);
	stop_shadow(s);
}

/* Even for a moment the page must not be without a user: then it could be unmapped. */
static void same_page_with_other_flags_is_never_let_go(struct kunit *test)
{
	static const u64 flags[] = { BIT_ULL(1), BIT_ULL(3), BIT_ULL(4), BIT_ULL(7), PTE_FLAGS, 0 };
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;

	shadow_put(s, ENTRY, PTE(50));
	fake_xen_reset_calls();
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		shadow_put(s, ENTRY, (50ull << 12) | PTE_PRESENT | flags[i]);
		KUNIT_EXPECT_EQ(test, gpu_entry(ENTRY) & ~PTE_ADDRESS, PTE_PRESENT | flags[i]);
	}
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	KUNIT_EXPECT_EQ(test, service_count(s, XEN_GPU_COUNT_QUEUED), 0ull);
	KUNIT_EXPECT_EQ(test, service_count(s, XEN_GPU_COUNT_UNMAPPED), 0ull);
	shadow_expect(s);
	stop_shadow(s);
}

static void entries_of_512_take_one_map_hypercall(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_put_block(s, LOW_FIRST, 512, 512);
	KUNIT_EXPECT_EQ(test, map_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SHADOWED), 512ull);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_GPU_INVALIDATES), 2ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 512ul);
	shadow_expect(s);
	stop_shadow(s);
}

static void entries_written_again_take_nothing(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 writes, invalidates;

	shadow_put_block(s, LOW_FIRST, 512, 512);
	fake_xen_reset_calls();
	fake_xen_clear_events();
	writes = shadow_count(s, XENGT_COUNT_GPU_WRITES);
	invalidates = shadow_count(s, XENGT_COUNT_GPU_INVALIDATES);
	shadow_put_block(s, LOW_FIRST, 512, 512);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	KUNIT_EXPECT_EQ(test, fake_xen_nr_events(), 0u);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_ENTRIES_SAME), 512ull);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_GPU_WRITES), writes);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_GPU_INVALIDATES), invalidates);
	stop_shadow(s);
}

static void entries_swapped_in_one_write_take_no_hypercall(struct kunit *test)
{
	static const u64 there[] = { PTE(60), PTE(61) }, back[] = { PTE(61), PTE(60) };
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_write(s, ENTRY * 8, there, 16);
	fake_xen_reset_calls();
	shadow_write(s, ENTRY * 8, back, 16);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	KUNIT_EXPECT_EQ(test, service_count(s, XEN_GPU_COUNT_QUEUED), 0ull);
	shadow_expect(s);
	stop_shadow(s);
}

static void many_entries_share_one_reference(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 mfn = fake_gfn_mfn(DOM, 70);
	u64 *ptes = kunit_kzalloc(test, 512 * 8, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, ptes);
	for (i = 0; i < 512; i++)
		ptes[i] = PTE(70);
	shadow_write(s, LOW_FIRST * 8, ptes, 4096);
	shadow_put(s, GTT_ENTRIES - 1, PTE(70));
	KUNIT_EXPECT_EQ(test, map_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(mfn), 1u);
	for (i = 0; i < 512; i++)
		shadow_put(s, LOW_FIRST + i, 0);
	shadow_flush(s);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(mfn), 1u);
	KUNIT_EXPECT_TRUE(test, shadow_is_right(s, GTT_ENTRIES - 1));
	shadow_put(s, GTT_ENTRIES - 1, 0);
	shadow_flush(s);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(mfn), 0u);
	stop_shadow(s);
}

/* Balloon events */

static void balloon_event_zaps_before_the_reference_goes(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 mfn = fake_gfn_mfn(DOM, 80);
	int inval, unref;

	shadow_put(s, ENTRY, PTE(80));
	shadow_put(s, HIGH_FIRST, PTE(80));
	fake_gfn_remove(DOM, 80);
	KUNIT_EXPECT_EQ_MSG(test, fake_mfn_owner(mfn), DOM, "held until we have dealt with it");
	fake_xen_clear_events();
	shadow_balloon(s);
	inval = only_event(test, FAKE_EVENT_INVALIDATE, 0, FAKE_NO_MFN);
	unref = only_event(test, FAKE_EVENT_UNREF, 0, mfn);
	KUNIT_EXPECT_LT(test, only_event(test, FAKE_EVENT_PTE, ENTRY, FAKE_NO_MFN), inval);
	KUNIT_EXPECT_LT(test, only_event(test, FAKE_EVENT_PTE, HIGH_FIRST, FAKE_NO_MFN), inval);
	KUNIT_EXPECT_LT(test, inval, unref);
	KUNIT_EXPECT_LT(test, unref, only_event(test, FAKE_EVENT_FREE, 0, mfn));
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_ZAPPED), 2ull);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), -1);
	shadow_expect(s);
	stop_shadow(s);
}

static void balloon_event_leaves_other_entries_working(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int gfn;

	shadow_put_block(s, LOW_FIRST, 100, 400);
	for (gfn = 100; gfn < 500; gfn += 7)
		fake_gfn_remove(DOM, gfn);
	fake_xen_clear_events();
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_ZAPPED), 58ull);
	if (on_pv(test))
		KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_MOVED), 0ull);
	shadow_expect(s);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 400ul - 58);
	stop_shadow(s);
}

static void entry_moves_to_the_new_frame_at_once(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 old = fake_gfn_mfn(DOM, 80), flags = BIT_ULL(3) | BIT_ULL(7);
	int pte, inval, unref;

	shadow_put(s, ENTRY, PTE(80) | flags);
	fake_gfn_remove(DOM, 80);
	fake_gfn_populate(DOM, 80);
	fake_xen_clear_events();
	shadow_balloon(s);
	pte = only_event(test, FAKE_EVENT_PTE, ENTRY, FAKE_NO_MFN);
	inval = only_event(test, FAKE_EVENT_INVALIDATE, 0, FAKE_NO_MFN);
	unref = only_event(test, FAKE_EVENT_UNREF, 0, old);
	KUNIT_EXPECT_LT(test, only_event(test, FAKE_EVENT_REF, 0, fake_gfn_mfn(DOM, 80)), pte);
	KUNIT_EXPECT_LT(test, pte, inval);
	KUNIT_EXPECT_LT(test, inval, unref);
	KUNIT_EXPECT_EQ(test, gpu_entry(ENTRY) & ~PTE_ADDRESS, PTE_PRESENT | PTE_RW | flags);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_MOVED), 1ull);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_ZAPPED), 0ull);
	shadow_expect(s);
	stop_shadow(s);
}

static void missing_entry_is_tried_again_after_a_balloon_event(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_put(s, ENTRY, PTE(NO_GFN));
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_NOENT), 1ull);
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 1ull);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
	fake_gfn_populate(DOM, NO_GFN);
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 2ull);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(PTE_FRAME(gpu_entry(ENTRY)), DOM, NO_GFN));
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 2ull);
	shadow_expect(s);
	stop_shadow(s);
}

static void native(void)
{
	fake_xen_set_dev_map(false);
}

/* 15: Xen's own map operation says -EPERM for a page that is not the guest's. */
static void entry_of_a_grant_heals_when_the_page_is_ram_again(struct kunit *test)
{
	struct shadow *s;

	stop_modules(test);
	start_modules_on(test, mode_of(test), native);
	s = started_shadow(test, QUOTA);
	fake_gfn_remove(DOM, 50);
	fake_gfn_set_type(DOM, 50, FAKE_GRANT);
	shadow_put(s, ENTRY, PTE(50));
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_PERM), 1ull);
	fake_gfn_set_type(DOM, 50, FAKE_HOLE);
	fake_gfn_populate(DOM, 50);
	shadow_balloon(s);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(PTE_FRAME(gpu_entry(ENTRY)), DOM, 50));
	shadow_expect(s);
	stop_shadow(s);
}

static void missing_entry_is_tried_again_when_written_again(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_put(s, ENTRY, PTE(NO_GFN));
	fake_gfn_populate(DOM, NO_GFN);
	shadow_put(s, ENTRY, PTE(NO_GFN));
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(PTE_FRAME(gpu_entry(ENTRY)), DOM, NO_GFN));
	shadow_expect(s);
	stop_shadow(s);
}

static void retries_are_bounded_and_come_to_all_in_turns(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);
	unsigned int i;

	s->share[0].n = 5120;
	KUNIT_ASSERT_EQ(test, start_shadow(s), 0);
	for (i = 0; i < 10; i++)
		shadow_put_block(s, LOW_FIRST + 512 * i, NO_GFN + 512 * i, 512);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_NOENT), 5120ull);
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 4096ull);
	for (i = 0; i < 10; i++)
		fake_gfn_populate(DOM, NO_GFN + 512 * i);
	/* First the 1024 that had no turn, then the others: 2 and 6 of them have a page now. */
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 8192ull);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 8ul);
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 8192ull + 4096);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 10ul);
	shadow_expect(s);
	stop_shadow(s);
}

/* Where the last round stopped nothing is missing any more: that is not the end of the next one. */
static void round_begins_where_nothing_is_missing(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);
	static const u64 none[512];
	unsigned int i;

	s->share[0].n = 5120;
	KUNIT_ASSERT_EQ(test, start_shadow(s), 0);
	for (i = 0; i < 10; i++)
		shadow_put_block(s, LOW_FIRST + 512 * i, NO_GFN + 512 * i, 512);
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 4096ull);
	for (i = 8; i < 10; i++)
		shadow_write(s, (LOW_FIRST + 512 * i) * 8, none, sizeof(none));
	fake_gfn_populate(DOM, NO_GFN);
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 8192ull);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 1ul);
	shadow_expect(s);
	stop_shadow(s);
}

static void page_ballooned_out_and_in_again_and_again(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int round, i;

	shadow_put_block(s, LOW_FIRST, 0, 64);
	shadow_put_block(s, HIGH_FIRST, 0, 64);
	for (round = 0; round < 12; round++) {
		for (i = round % 3; i < 64; i += 3)
			fake_gfn_remove(DOM, i);
		if (round & 1)
			shadow_balloon(s);
		for (i = round % 3; i < 64; i += 3)
			fake_gfn_populate(DOM, i);
		shadow_balloon(s);
		shadow_expect(s);
		KUNIT_EXPECT_EQ(test, fake_total_refs(), 64ul);
	}
	stop_shadow(s);
}

/* What cannot be shadowed */

static void bfn_too_wide_for_the_device_is_scratch(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);

	/* All of the guests' frames, and the window of a PVH dom0, are above that. */
	s->config.shadow.max_bfn = BIT_ULL(20) - 1;
	KUNIT_ASSERT_EQ(test, start_shadow(s), 0);
	shadow_put_block(s, LOW_FIRST, 100, 16);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_RANGE), 16ull);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 0ul);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST));
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST + 15));
	shadow_flush(s);
	KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), 0ul, "what cannot be used is given back");
	stop_shadow(s);
}

/* The last BFN that fits, and the first that does not: of the device, and of the entry. */
static void width_is_exact(struct kunit *test)
{
	static const struct {
		u64 max_bfn, last;
	} cases[] = {
		{ BIT_ULL(27) - 1, BIT_ULL(27) - 1 },
		{ BIT_ULL(30) + 5, BIT_ULL(30) + 5 },
		{ U64_MAX, BIT_ULL(34) - 1 },
	};
	struct shadow *s;
	unsigned int i;

	if (!on_pv(test))
		kunit_skip(test, "no frame numbers in BFNs");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s = new_shadow(test, DOM, QUOTA);
		s->config.shadow.max_bfn = cases[i].max_bfn;
		KUNIT_ASSERT_EQ(test, start_shadow(s), 0);
		fake_gfn_populate_at(DOM, 10 + 2 * i, cases[i].last);
		fake_gfn_populate_at(DOM, 11 + 2 * i, cases[i].last + 1);
		shadow_put_block(s, LOW_FIRST, 10 + 2 * i, 2);
		KUNIT_EXPECT_EQ(test, gpu_entry(LOW_FIRST), PTE(cases[i].last));
		KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST + 1));
		KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_RANGE), 1ull);
		stop_shadow(s);
	}
}

static void page_that_moves_out_of_reach_is_zapped(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);

	if (!on_pv(test)) {
		stop_shadow(s);
		kunit_skip(test, "no frame numbers in BFNs");
	}
	shadow_put(s, ENTRY, PTE(10));
	fake_gfn_populate_at(DOM, 10, BIT_ULL(27));
	shadow_balloon(s);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_ZAPPED), 1ull);
	shadow_flush(s);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_shadow(s);
}

static void reserved_bits_make_scratch_and_are_counted(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int bit, n = 0;

	for (bit = 0; bit < 64; bit++) {
		if (!(PTE_RESERVED & BIT_ULL(bit)))
			continue;
		shadow_put(s, ENTRY, PTE(10));
		shadow_put(s, ENTRY, PTE(10) | BIT_ULL(bit));
		KUNIT_EXPECT_TRUE_MSG(test, shadow_is_scratch(s, ENTRY), "bit %u", bit);
		KUNIT_EXPECT_EQ(test, shadow_get(s, ENTRY), PTE(10) | BIT_ULL(bit));
		n++;
		KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_BAD_ENTRIES), (u64)n);
	}
	/* Not present, it may hold what it likes. */
	shadow_put(s, ENTRY, ~PTE_PRESENT);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_BAD_ENTRIES), (u64)n);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 0ul);
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 0ull);
	shadow_expect(s);
	stop_shadow(s);
}

static void gfn_above_the_guest_is_scratch(struct kunit *test)
{
	static const u64 gfns[] = { NO_GFN, BIT_ULL(22), BIT_ULL(28), BIT_ULL(34) - 1 };
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gfns); i++) {
		shadow_put(s, LOW_FIRST + i, PTE(gfns[i]));
		KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST + i));
	}
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_NOENT), 4ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_shadow(s);
}

static void failing_entries_leave_their_neighbours_alone(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;
	bool bad;

	for (i = 0; i < 64; i += 5)
		fake_xen_fail_gfn(DOM, 100 + i, -EPERM);
	shadow_put_block(s, LOW_FIRST, 300, 64);
	shadow_put_block(s, LOW_FIRST, 100, 64);
	for (i = 0; i < 64; i++) {
		bad = !(i % 5);
		KUNIT_EXPECT_EQ(test, shadow_is_scratch(s, LOW_FIRST + i), bad);
		KUNIT_EXPECT_EQ(test, shadow_is_right(s, LOW_FIRST + i), !bad);
	}
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_PERM), 13ull);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 51ul);
	shadow_flush(s);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 51ul);
	stop_shadow(s);
}

static void every_error_has_its_counter(struct kunit *test)
{
	const bool pv = mode_of(test) == FAKE_PV_DOM0;
	const struct {
		int error;
		enum xengt_counter counter;
	} cases[] = {
		{ -EINVAL, XENGT_COUNT_SCRATCHED_NOENT },
		/* mmu_update's for a page that is paged out */
		{ -ENOENT, pv ? XENGT_COUNT_SCRATCHED_AGAIN : XENGT_COUNT_SCRATCHED_NOENT },
		{ -EPERM, XENGT_COUNT_SCRATCHED_PERM },
		{ -EACCES, XENGT_COUNT_SCRATCHED_PERM },
		{ -ENOMEM, XENGT_COUNT_SCRATCHED_NOMEM },
		{ -EAGAIN, XENGT_COUNT_SCRATCHED_AGAIN },
		/* ... and for one that is not the guest's own */
		{ -EBUSY, pv ? XENGT_COUNT_SCRATCHED_NOENT : XENGT_COUNT_SCRATCHED_OTHER },
		{ -ENXIO, XENGT_COUNT_SCRATCHED_OTHER },
	};
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;
	u64 before;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		before = shadow_count(s, cases[i].counter);
		fake_xen_fail_gfn(DOM, 100, cases[i].error);
		shadow_put(s, ENTRY, PTE(100));
		KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
		KUNIT_EXPECT_EQ_MSG(test, shadow_count(s, cases[i].counter), before + 1,
				    "error %d", cases[i].error);
		fake_xen_fail_nothing();
		shadow_balloon(s);
		KUNIT_EXPECT_FALSE_MSG(test, shadow_is_scratch(s, ENTRY), "error %d",
				       cases[i].error);
		shadow_put(s, ENTRY, 0);
		shadow_flush(s);
	}
	stop_shadow(s);
}

static void hypercall_that_fails_leaves_scratch_for_those_it_took(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	bool pv = on_pv(test);

	shadow_put_block(s, LOW_FIRST, 300, 8);
	fake_xen_fail_call(pv ? FAKE_CALL_MMU_UPDATE : FAKE_CALL_ADD_TO_PHYSMAP, 1, -ENOMEM);
	shadow_put_block(s, LOW_FIRST, 100, 8);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	/* On PV one update was refused, and the others go on. */
	KUNIT_EXPECT_EQ(test, shadow_live(s), pv ? 7ul : 0ul);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_NOMEM), pv ? 1ull : 8ull);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST));
	shadow_balloon(s);
	shadow_expect(s);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 8ul);
	stop_shadow(s);
}

static void nth_allocation_failing_leaves_scratch(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int nth, i;
	bool pending;
	u64 ptes[16];

	for (i = 0; i < ARRAY_SIZE(ptes); i++)
		ptes[i] = PTE(512 - 8 + i);	/* in two blocks of the service's table */
	for (nth = 1; nth < 50; nth++) {
		fake_fail_alloc(nth);
		shadow_write(s, ENTRY * 8, ptes, sizeof(ptes));
		pending = fake_fail_alloc_stop();
		if (pending)
			break;
		shadow_balloon(s);
		shadow_expect(s);
		shadow_put_block(s, ENTRY, NO_GFN, ARRAY_SIZE(ptes));
		shadow_flush(s);
		KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	}
	KUNIT_EXPECT_GT(test, nth, 1u);
	KUNIT_EXPECT_LT(test, nth, 50u);
	shadow_expect(s);
	stop_shadow(s);
}

/* Quota */

static void quota_reached_is_scratch_for_the_rest(struct kunit *test)
{
	struct shadow *s = started_shadow(test, 8);
	unsigned int i;

	shadow_put_block(s, LOW_FIRST, 100, 12);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 8ul);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_QUOTA), 4ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	for (i = 8; i < 12; i++)
		KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST + i));
	/* More entries of what is mapped cost nothing of it. */
	shadow_put_block(s, HIGH_FIRST, 100, 8);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 16ul);
	/* What is released is there for others at once. */
	for (i = 0; i < 4; i++) {
		shadow_put(s, LOW_FIRST + i, 0);
		shadow_put(s, HIGH_FIRST + i, 0);
	}
	for (i = 8; i < 12; i++)
		shadow_put(s, LOW_FIRST + i, PTE(100 + i));
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_QUOTA), 4ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	shadow_expect(s);
	stop_shadow(s);
}

static void quota_of_one_guest_is_not_another_s(struct kunit *test)
{
	struct shadow *s = started_shadow(test, 8);
	struct shadow *other = new_shadow(test, OTHER_DOM, 8);

	other->share[0].first = 10000;
	other->share[1].n = 0;
	KUNIT_ASSERT_EQ(test, start_shadow(other), 0);
	shadow_put_block(s, LOW_FIRST, 100, 64);
	shadow_put_block(other, 10000, 100, 8);
	KUNIT_EXPECT_EQ(test, shadow_live(other), 8ul);
	KUNIT_EXPECT_EQ(test, shadow_count(other, XENGT_COUNT_SCRATCHED_QUOTA), 0ull);
	shadow_expect(other);
	stop_shadow(s);
	shadow_expect(other);
	stop_shadow(other);
}

/* Ends */

static void end_of_the_guest_releases_everything_at_once(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned long entry;
	u64 before;

	shadow_put_block(s, LOW_FIRST, 0, 512);
	shadow_put_block(s, HIGH_FIRST, 0, 100);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_TRUE(test, fake_domain_exists(DOM));
	fake_store_release(DOM);
	wait_for(test, shadow_ended(s));
	wait_for(test, !fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, s->nr_ended, 1u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 0ul);
	for (entry = LOW_FIRST; entry < LOW_FIRST + 512; entry++)
		KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, entry));
	/* Writes are still taken. */
	fake_xen_reset_calls();
	before = shadow_count(s, XENGT_COUNT_SCRATCHED_DEAD);
	shadow_put_block(s, LOW_FIRST, 700, 4);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_DEAD), before + 4);
	KUNIT_EXPECT_EQ(test, shadow_get(s, LOW_FIRST), PTE(700));
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST));
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	stop_shadow(s);
}

static void end_of_one_guest_leaves_the_other_working(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	struct shadow *other = new_shadow(test, OTHER_DOM, QUOTA);

	other->share[0].first = 10000;
	other->share[1].n = 0;
	KUNIT_ASSERT_EQ(test, start_shadow(other), 0);
	shadow_put_block(s, LOW_FIRST, 100, 64);
	shadow_put_block(other, 10000, 100, 64);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	shadow_expect(other);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 64ul);
	KUNIT_EXPECT_EQ(test, shadow_ended(other), 0u);
	stop_shadow(s);
	shadow_expect(other);
	stop_shadow(other);
}

static void exit_gives_everything_back(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_put_block(s, LOW_FIRST, 0, 512);
	shadow_put_block(s, HIGH_FIRST, GUEST_PAGES - 20, 100);
	stop_shadow(s);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, gpu_reserved(), 0u);
}

static void two_tables_of_one_guest_share_its_pages(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	struct shadow *second = new_shadow(test, DOM, QUOTA);

	second->share[0].first = 10000;
	second->share[1].n = 0;
	KUNIT_ASSERT_EQ(test, start_shadow(second), 0);
	KUNIT_EXPECT_PTR_EQ(test, s->domain, second->domain);
	shadow_put_block(s, LOW_FIRST, 100, 64);
	shadow_put_block(second, 10000, 100, 64);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 64ul);
	fake_gfn_remove(DOM, 110);
	shadow_balloon(s);
	shadow_expect(s);
	shadow_expect(second);
	stop_shadow(s);
	gpu_set_drained(DOM, second->domain);
	shadow_flush(second);
	shadow_expect(second);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 63ul);
	stop_shadow(second);
}

struct race {
	struct shadow *s;
	struct completion done;
};

static int revalidate_now(void *data)
{
	struct race *race = data;

	xen_gpu_balloon_event(race->s->domain);
	xen_gpu_flush(race->s->domain);
	complete(&race->done);
	return 0;
}

/* Starts a revalidation, and returns when it waits for the table's lock. */
static void race_with_a_revalidation(void *data)
{
	struct race *race = data;
	struct task_struct *task = kthread_run(revalidate_now, race, "revalidate");

	KUNIT_EXPECT_FALSE(race->s->test, IS_ERR(task));
	while (list_empty(&race->s->gtt.shadow.lock.wait_list) && !completion_done(&race->done))
		schedule();
	KUNIT_EXPECT_FALSE(race->s->test, completion_done(&race->done));
}

/* A revalidation that settles while the table is about to go maps nothing any more. */
static void nothing_is_mapped_again_while_the_table_goes(struct kunit *test)
{
	struct race race = { .s = started_shadow(test, QUOTA) };
	struct shadow *second = new_shadow(test, DOM, QUOTA);

	second->share[0].first = 10000;
	second->share[1].n = 0;
	KUNIT_ASSERT_EQ(test, start_shadow(second), 0);
	shadow_put_block(race.s, LOW_FIRST, 100, 64);
	shadow_put_block(race.s, LOW_FIRST + 64, NO_GFN, 64);
	init_completion(&race.done);
	gpu_on_invalidate(race_with_a_revalidation, &race);
	stop_shadow(race.s);
	wait_for_completion(&race.done);
	gpu_set_drained(DOM, second->domain);
	shadow_flush(second);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_shadow(second);
}

/* Starts that fail */

static void empty_share_is_refused(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);

	s->share[0].n = 0;
	s->share[1].n = 0;
	KUNIT_EXPECT_EQ(test, start_shadow(s), -EINVAL);
	stop_shadow(s);
}

static void share_that_is_taken_is_refused_and_nothing_is_left(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	struct shadow *other = new_shadow(test, OTHER_DOM, QUOTA);

	other->share[0].first = 10000;
	KUNIT_EXPECT_EQ_MSG(test, start_shadow(other), -EBUSY, "the second range is taken");
	KUNIT_EXPECT_EQ(test, gpu_reserved(), 2u);
	shadow_put_block(s, LOW_FIRST, 100, 64);
	shadow_expect(s);
	stop_shadow(other);
	stop_shadow(s);
}

static void scratch_page_out_of_reach_is_refused(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);

	s->config.shadow.max_bfn = 0;
	KUNIT_EXPECT_EQ(test, start_shadow(s), -ERANGE);
	KUNIT_EXPECT_EQ(test, gpu_reserved(), 0u);
	stop_shadow(s);
}

/* A device with a narrow reach gets a page that it reaches, though others are offered first. */
/* Of so many pages some are out of reach, fewer than are tried; the GTT's own pages may be any. */
#define PAGES		64
#define IN_REACH	40

static int compare_pages(const void *a, const void *b)
{
	unsigned long left = page_to_pfn(*(struct page **)a);
	unsigned long right = page_to_pfn(*(struct page **)b);

	return left < right ? -1 : left > right;
}

static void scratch_page_is_looked_for_in_reach(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);
	struct page *pages[PAGES];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
	}
	sort(pages, ARRAY_SIZE(pages), sizeof(*pages), compare_pages, NULL);
	s->config.shadow.max_bfn = page_to_pfn(pages[IN_REACH - 1]);
	/* The last one that was freed is the first one to be had. */
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		__free_page(pages[i]);
	KUNIT_EXPECT_EQ(test, start_shadow(s), 0);
	stop_shadow(s);
}

static void guest_that_has_ended_is_refused(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);

	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, READ_ONCE(s->domain->ended));
	KUNIT_EXPECT_EQ(test, start_shadow(s), -ENODEV);
	KUNIT_EXPECT_EQ(test, gpu_reserved(), 0u);
	stop_shadow(s);
}

static void start_fails_cleanly_at_every_allocation(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);
	unsigned int nth, failed = 0;
	bool pending = false;
	int rc;

	for (nth = 1; nth < 200 && !pending; nth++) {
		fake_fail_alloc(nth);
		rc = start_tables(s);
		pending = fake_fail_alloc_stop();
		if (!rc) {
			stop_tables(s);
		} else {
			KUNIT_EXPECT_EQ(test, rc, -ENOMEM);
			failed++;
		}
		KUNIT_EXPECT_EQ(test, gpu_reserved(), 0u);
	}
	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_GE(test, failed, 6u);
	stop_shadow(s);
}

static void start_fails_cleanly_at_every_range(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);
	unsigned int nth;

	for (nth = 1; nth <= 2; nth++) {
		gpu_fail_reserve(nth, -EIO);
		KUNIT_EXPECT_EQ(test, start_shadow(s), -EIO);
		KUNIT_EXPECT_EQ(test, gpu_reserved(), 0u);
	}
	KUNIT_EXPECT_EQ(test, start_shadow(s), 0);
	stop_shadow(s);
}

static void fresh_table_is_all_scratch(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_expect(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_GPU_WRITES), (u64)(LOW_N + HIGH_N));
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_GPU_INVALIDATES), 1ull);
	stop_shadow(s);
}

/* Several threads */

#define WRITERS	3

struct writer {
	struct shadow *s;
	unsigned int number;
	struct completion done;
};

static int write_storm(void *data)
{
	struct writer *w = data;
	unsigned long first = LOW_FIRST + 40 * w->number;
	struct rnd_state rnd;
	unsigned int i;
	u64 ptes[8];

	prandom_seed_state(&rnd, 100 + w->number);
	for (i = 0; i < 150; i++) {
		unsigned int n = 1 + prandom_u32_state(&rnd) % 8, k;

		for (k = 0; k < n; k++)
			ptes[k] = PTE(prandom_u32_state(&rnd) % 64);
		shadow_write(w->s, (first + prandom_u32_state(&rnd) % 32) * 8, ptes, n * 8);
		cond_resched();
	}
	complete(&w->done);
	return 0;
}

static bool storm_is_over(struct writer *writers)
{
	unsigned int i;

	for (i = 0; i < WRITERS; i++) {
		if (!completion_done(&writers[i].done))
			return false;
	}
	return true;
}

/* The hypercalls let the others run, so every step of one meets every step of the others. */
static void writers_and_balloon_at_once(struct kunit *test)
{
	struct writer *writers = kunit_kcalloc(test, WRITERS, sizeof(*writers), GFP_KERNEL);
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i, gfn = 0;

	KUNIT_ASSERT_NOT_NULL(test, writers);
	fake_xen_set_yield(true);
	for (i = 0; i < WRITERS; i++) {
		writers[i].s = s;
		writers[i].number = i;
		init_completion(&writers[i].done);
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(write_storm, &writers[i], "writer")));
	}
	do {
		fake_gfn_remove(DOM, gfn % 64);
		if (gfn & 1)
			shadow_balloon(s);
		fake_gfn_populate(DOM, gfn++ % 64);
		shadow_balloon(s);
		schedule();
	} while (!storm_is_over(writers));
	fake_xen_set_yield(false);
	shadow_balloon(s);
	shadow_expect(s);
	stop_shadow(s);
}

static struct kunit_case ggtt_cases[] = {
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
	KUNIT_CASE_PARAM(entry_then_invalidate_then_old_reference, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_goes_before_its_reference, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(new_page_is_mapped_before_the_old_is_released, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(same_page_with_other_flags_is_never_let_go, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_of_512_take_one_map_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_written_again_take_nothing, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_swapped_in_one_write_take_no_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(many_entries_share_one_reference, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(balloon_event_zaps_before_the_reference_goes, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(balloon_event_leaves_other_entries_working, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_moves_to_the_new_frame_at_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(missing_entry_is_tried_again_after_a_balloon_event, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_of_a_grant_heals_when_the_page_is_ram_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(missing_entry_is_tried_again_when_written_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(retries_are_bounded_and_come_to_all_in_turns, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(round_begins_where_nothing_is_missing, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_ballooned_out_and_in_again_and_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(bfn_too_wide_for_the_device_is_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(width_is_exact, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_moves_out_of_reach_is_zapped, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(reserved_bits_make_scratch_and_are_counted, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gfn_above_the_guest_is_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(failing_entries_leave_their_neighbours_alone, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_error_has_its_counter, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(hypercall_that_fails_leaves_scratch_for_those_it_took,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(nth_allocation_failing_leaves_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(quota_reached_is_scratch_for_the_rest, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(quota_of_one_guest_is_not_another_s, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(end_of_the_guest_releases_everything_at_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(end_of_one_guest_leaves_the_other_working, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(exit_gives_everything_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(two_tables_of_one_guest_share_its_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(nothing_is_mapped_again_while_the_table_goes, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(empty_share_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(share_that_is_taken_is_refused_and_nothing_is_left, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(scratch_page_out_of_reach_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(scratch_page_is_looked_for_in_reach, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_that_has_ended_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(start_fails_cleanly_at_every_allocation, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(start_fails_cleanly_at_every_range, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(fresh_table_is_all_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(writers_and_balloon_at_once, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ggtt_suite = {
	.name = "xengt_ggtt",
	.init = ggtt_init,
	.exit = ggtt_exit,
	.test_cases = ggtt_cases,
};

kunit_test_suite(ggtt_suite);
