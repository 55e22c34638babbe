// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of balloon events that hit the GGTT: entries of pages that are gone or moved, and retries
 * of missing ones. The GPU of the fixture watches every step; see gpu.h.
 */

#include "modules.h"
#include "shadow_fixture.h"

static void balloon_event_zaps_before_the_reference_goes(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 mfn = fake_gfn_mfn(DOM, 80);

	shadow_put(s, ENTRY, PTE(80));
	shadow_put(s, HIGH_FIRST, PTE(80));
	fake_gfn_remove(DOM, 80);
	KUNIT_EXPECT_EQ_MSG(test, fake_mfn_owner(mfn), DOM, "referenced until the revalidation");
	fake_xen_clear_events();
	shadow_balloon(s);
	shadow_expect_replaced(s, ENTRY, mfn);
	shadow_expect_replaced(s, HIGH_FIRST, mfn);
	KUNIT_EXPECT_LT(test, only_event(test, FAKE_EVENT_UNREF, 0, mfn),
			only_event(test, FAKE_EVENT_FREE, 0, mfn));
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

	shadow_put(s, ENTRY, PTE(80) | flags);
	fake_gfn_remove(DOM, 80);
	fake_gfn_populate(DOM, 80);
	fake_xen_clear_events();
	shadow_balloon(s);
	shadow_expect_mapped_first(s, ENTRY, fake_gfn_mfn(DOM, 80));
	shadow_expect_replaced(s, ENTRY, old);
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

/* 15: for a page that is not the guest's, the map operation of the patched Xen returns -EPERM. */
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

static void retries_are_bounded_and_round_robin(struct kunit *test)
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
	/*
	 * First the 1024 entries that were not retried, then the others: 2 and 6 of these have a
	 * page now.
	 */
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 8192ull);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 8ul);
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 8192ull + 4096);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 10ul);
	shadow_expect(s);
	stop_shadow(s);
}

/* Nothing is missing any more where the last round stopped. The next one does not end there. */
static void round_of_retries_may_begin_where_nothing_is_missing(struct kunit *test)
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

static void entries_follow_repeated_ballooning(struct kunit *test)
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

static struct kunit_case ggtt_balloon_cases[] = {
	KUNIT_CASE_PARAM(balloon_event_zaps_before_the_reference_goes, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(balloon_event_leaves_other_entries_working, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_moves_to_the_new_frame_at_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(missing_entry_is_tried_again_after_a_balloon_event, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_of_a_grant_heals_when_the_page_is_ram_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(missing_entry_is_tried_again_when_written_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(retries_are_bounded_and_round_robin, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(round_of_retries_may_begin_where_nothing_is_missing,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_follow_repeated_ballooning, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ggtt_balloon_suite = {
	.name = "xengt_ggtt_balloon",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ggtt_balloon_cases,
};

kunit_test_suite(ggtt_balloon_suite);
