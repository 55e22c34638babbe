// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the shadows of PPGTTs: walks of all levels, each synchronisation point, batches and
 * their hypercalls, the order of map, invalidate and release, pages that are several tables or data
 * as well.
 */

#include "modules.h"
#include "ppgtt_chain.h"

/* Walks */

static void all_levels_are_walked(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	chain_expect_page(&ppgtt, PAGE_AT(0), 100);
	chain_expect_page(&ppgtt, PAGE_AT(7), 107);
	chain_expect_scratch(&ppgtt, PAGE_AT(8));
	chain_expect_scratch(&ppgtt, ADDR(OTHER_I2, 0));
	chain_expect_scratch(&ppgtt, 0);
	chain_expect_scratch(&ppgtt, BIT_ULL(48) - 1);
	chain_end(&ppgtt);
}

static void three_levels_have_four_roots(struct kunit *test)
{
	const u64 pdps[4] = { 610, 611, 610, 612 };
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = ppgtt_3(guest, pdps);

	chain_put_pages(guest, L1, 0, 100, 4);
	ppgtt_guest_put(guest, 610, 0, PTE(L1));
	ppgtt_guest_put(guest, 612, 511, PTE(L1));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	chain_expect_page(&ppgtt, 0x1000, 101);
	chain_expect_page(&ppgtt, 2 * BIT_ULL(30) + 0x1000, 101);
	chain_expect_page(&ppgtt, BIT_ULL(32) - BIT_ULL(21) + 0x3000, 103);
	chain_expect_scratch(&ppgtt, BIT_ULL(30));
	chain_end(&ppgtt);
}

/* Synchronisation points */

static void writes_are_there_after_each_kind_of_sync(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt, other = ppgtt_4(guest, 620);

	chain_start(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 0, PTE(200));
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, PAGE_AT(0), 200);
	ppgtt_guest_put(guest, L1, 0, PTE(201));
	ppgtt_guest_flush_gtt(guest);
	chain_expect_page(&ppgtt, PAGE_AT(0), 201);
	ppgtt_guest_put(guest, L1, 0, PTE(202));
	KUNIT_EXPECT_EQ(test, ppgtt_create(&other), 0);
	chain_expect_page(&ppgtt, PAGE_AT(0), 202);
	ppgtt_guest_put(guest, L1, 0, PTE(203));
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&other), 0);
	chain_expect_page(&ppgtt, PAGE_AT(0), 203);
	ppgtt_unpin(&other);
	ppgtt_guest_put(guest, L1, 0, PTE(204));
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&other), 0);
	chain_expect_page(&ppgtt, PAGE_AT(0), 204);
	ppgtt_guest_put(guest, L1, 0, PTE(205));
	ppgtt_notify(&other, true);
	chain_expect_page(&ppgtt, PAGE_AT(0), 205);
	ppgtt_guest_put(guest, L1, 0, PTE(206));
	ppgtt_notify(&other, false);
	chain_expect_page(&ppgtt, PAGE_AT(0), 206);
	chain_end(&ppgtt);
}

static void guest_announces_through_pvinfo(struct kunit *test)
{
	const u64 pdps[4] = { L2, L2, 610, 611 };
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt four = chain_put(guest), three = ppgtt_3(guest, pdps);

	chain_put_pages(guest, L1, 0, 100, 8);
	ppgtt_notify(&four, true);
	ppgtt_notify(&three, true);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&four), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&three), 0);
	ppgtt_check(&four);
	ppgtt_check(&three);
	chain_expect_page(&three, I2 << 21, 100);
	ppgtt_unpin(&four);
	ppgtt_unpin(&three);
	ppgtt_notify(&four, false);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&four), -ENOENT);
	ppgtt_notify(&three, false);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&three), -ENOENT);
	chain_end(&four);
}

static void halves_merge_in_any_order(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	const u64 pte = PTE(HIGH_GFN);
	struct ppgtt ppgtt;
	unsigned int first;

	chain_start(guest, &ppgtt);
	for (first = 0; first < 8; first += 4) {
		const u64 addr = (L1 << PAGE_SHIFT) + (20 + first) * 8;

		KUNIT_EXPECT_EQ(test, ppgtt_guest_store(guest, 0, addr + first,
							(u8 *)&pte + first, 4), 0);
		ppgtt_guest_sync(guest);
		ppgtt_check(&ppgtt);
		KUNIT_EXPECT_EQ(test, ppgtt_guest_store(guest, 1, addr + 4 - first,
							(u8 *)&pte + 4 - first, 4), 0);
		ppgtt_guest_sync(guest);
		ppgtt_check(&ppgtt);
		chain_expect_page(&ppgtt, PAGE_AT(20 + first), HIGH_GFN);
	}
	chain_end(&ppgtt);
}

static void store_over_two_entries_changes_both(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	/* The store changes the high half of entry 1 and the low half of entry 2. */
	const u64 before[2] = { PTE(7), PTE(HIGH_GFN) };
	const u64 after[2] = { PTE(HIGH_GFN), PTE(HIGH_GFN) & ~PTE_PRESENT };
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 1, before[0]);
	ppgtt_guest_put(guest, L1, 2, before[1]);
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, PAGE_AT(1), 7);
	chain_expect_page(&ppgtt, PAGE_AT(2), HIGH_GFN);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_store(guest, 0, (L1 << PAGE_SHIFT) + 8 + 4,
						(const u8 *)after + 4, 8), 0);
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, PAGE_AT(1), HIGH_GFN);
	chain_expect_scratch(&ppgtt, PAGE_AT(2));
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

/* Batches */

static void attached_table_of_512_takes_one_map_hypercall(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = chain_put(guest);
	u64 before = chain_map_hypercalls();

	chain_put_pages(guest, L1, 0, BIG_GFN, 512);
	ppgtt_start(&ppgtt);
	KUNIT_EXPECT_EQ(test, chain_map_hypercalls() - before, 1ull);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static void table_of_512_written_again_takes_one_map_hypercall(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = chain_put(guest);
	u64 before;

	chain_put_pages(guest, L1, 0, BIG_GFN, 512);
	ppgtt_start(&ppgtt);
	before = chain_map_hypercalls();
	chain_put_pages(guest, L1, 0, 0, 512);
	KUNIT_EXPECT_EQ_MSG(test, chain_map_hypercalls(), before, "writes are posted");
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, chain_map_hypercalls() - before, 1ull);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static void same_values_take_no_hypercall(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = chain_put(guest);
	unsigned long refs;
	u64 before;

	chain_put_pages(guest, L1, 0, BIG_GFN, 512);
	ppgtt_start(&ppgtt);
	before = chain_map_hypercalls();
	refs = fake_total_refs();
	fake_xen_clear_events();
	chain_put_pages(guest, L1, 0, BIG_GFN, 512);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, chain_map_hypercalls(), before);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
	KUNIT_EXPECT_EQ_MSG(test, fake_xen_find_event(0, FAKE_EVENT_UNREF,
						      fake_gfn_mfn(DOM, BIG_GFN)), -1,
			    "a page was let go for a moment");
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

/* Order */

static void new_page_is_mapped_before_the_old_is_released(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	unsigned long old = fake_gfn_mfn(DOM, 100), new = fake_gfn_mfn(DOM, 300);
	int ref, invalidate, unref;
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	fake_xen_clear_events();
	ppgtt_guest_put(guest, L1, 0, PTE(300));
	ppgtt_guest_revalidate(guest);
	ref = fake_xen_find_event(0, FAKE_EVENT_REF, new);
	KUNIT_EXPECT_GE(test, ref, 0);
	invalidate = fake_xen_find_event(ref + 1, FAKE_EVENT_INVALIDATE, FAKE_NO_MFN);
	KUNIT_EXPECT_GT(test, invalidate, ref);
	unref = fake_xen_find_event(0, FAKE_EVENT_UNREF, old);
	KUNIT_EXPECT_GT_MSG(test, unref, invalidate, "released before the GPU forgot");
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static void same_page_with_other_flags_stays_mapped(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	fake_xen_clear_events();
	ppgtt_guest_put(guest, L1, 0, PTE(100) | BIT_ULL(4) | BIT_ULL(7));
	ppgtt_guest_revalidate(guest);
	KUNIT_EXPECT_EQ(test, fake_xen_find_event(0, FAKE_EVENT_UNREF, fake_gfn_mfn(DOM, 100)), -1);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

/* 3: a directory entry that changes its flags keeps its table. */
static void table_with_other_flags_is_not_made_again(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;
	u64 made;

	chain_start(guest, &ppgtt);
	made = ppgtt_guest_count("tables_made");
	fake_xen_clear_events();
	ppgtt_guest_put(guest, L2, I2, PTE(L1) | BIT_ULL(4));
	ppgtt_guest_put(guest, L3, I3, PTE(L2) | BIT_ULL(3));
	ppgtt_guest_revalidate(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("tables_made"), made);
	KUNIT_EXPECT_EQ(test, fake_xen_find_event(0, FAKE_EVENT_UNREF, fake_gfn_mfn(DOM, 100)), -1);
	chain_expect_page(&ppgtt, PAGE_AT(0), 100);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

struct watch {
	struct ppgtt *ppgtt;
	bool called;
};

/*
 * The first invalidate is for the entries of the new table. The directory still leads to the old
 * one.
 */
static void expect_the_old_table(void *data)
{
	struct watch *watch = data;

	watch->called = true;
	chain_expect_page(watch->ppgtt, PAGE_AT(0), 100);
}

static void table_is_filled_before_it_is_attached(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;
	struct watch watch = { .ppgtt = &ppgtt };

	chain_start(guest, &ppgtt);
	chain_put_pages(guest, OTHER_L1, 0, 300, 8);
	ppgtt_guest_put(guest, L2, I2, PTE(OTHER_L1));
	gpu_on_invalidate(expect_the_old_table, &watch);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(test, watch.called);
	chain_expect_page(&ppgtt, PAGE_AT(0), 300);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

/* Pages that are several tables, or data as well */

static void table_in_a_loop_is_walked_on_every_level(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = ppgtt_4(guest, L4);

	ppgtt_guest_put(guest, L4, 1, PTE(L4));
	ppgtt_guest_put(guest, L4, 2, PTE(100));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	chain_expect_page(&ppgtt, 1ull << 39 | 1ull << 30 | 1ull << 21 | 2ull << 12, 100);
	chain_expect_page(&ppgtt, 1ull << 39 | 1ull << 30 | 1ull << 21 | 1ull << 12, L4);
	ppgtt_guest_put(guest, L4, 2, PTE(101));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	ppgtt_guest_put(guest, L4, 1, 0);
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static void shared_table_is_shadowed_once(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt, other;
	u64 tables, maps;

	chain_start(guest, &ppgtt);
	tables = ppgtt_guest_count(TABLES_LIVE);
	maps = chain_map_hypercalls();
	ppgtt_guest_put(guest, L2, OTHER_I2, PTE(L1));
	ppgtt_guest_put(guest, L3, I3 + 1, PTE(L2));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count(TABLES_LIVE), tables);
	other = ppgtt_4(guest, 620);
	ppgtt_guest_put(guest, 620, 7, PTE(L3));
	ppgtt_start(&other);
	KUNIT_EXPECT_EQ_MSG(test, ppgtt_guest_count(TABLES_LIVE), tables + 1, "the root alone");
	KUNIT_EXPECT_EQ(test, chain_map_hypercalls(), maps);
	ppgtt_guest_put(guest, L1, 0, PTE(333));
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, PAGE_AT(0), 333);
	chain_expect_page(&ppgtt, ADDR(OTHER_I2, 0), 333);
	chain_expect_page(&other, 7ull << 39 | I3 << 30 | I2 << 21, 333);
	ppgtt_check(&ppgtt);
	ppgtt_check(&other);
	ppgtt_end(&ppgtt);
	ppgtt_check(&other);
	chain_end(&other);
}

static void page_of_a_freed_table_is_unprotected(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;
	u64 traps;

	chain_start(guest, &ppgtt);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, L1));
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 4u);
	ppgtt_guest_put(guest, L2, I2, 0);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, L1));
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 3u);
	traps = guest->trapped;
	ppgtt_guest_put(guest, L1, 0, PTE(150));
	KUNIT_EXPECT_EQ(test, guest->trapped, traps);
	/* The page becomes a table again, with what was written meanwhile. */
	ppgtt_guest_put(guest, L2, I2, PTE(L1));
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, PAGE_AT(0), 150);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static void table_can_be_data_too(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 1, PTE(L1));
	ppgtt_guest_put(guest, L1, 2, PTE(L4));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(L1));
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, PAGE_AT(1), L1);
	chain_expect_page(&ppgtt, PAGE_AT(2), L4);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, L1));
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, L1));
	ppgtt_check(&ppgtt);
	/* The page is no table any more, but still data. */
	ppgtt_guest_put(guest, L2, I2, 0);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, L1));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, L1));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, 0);
	chain_end(&ppgtt);
}

static struct kunit_case ppgtt_cases[] = {
	KUNIT_CASE_PARAM(all_levels_are_walked, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(three_levels_have_four_roots, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(writes_are_there_after_each_kind_of_sync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_announces_through_pvinfo, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(halves_merge_in_any_order, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_over_two_entries_changes_both, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(attached_table_of_512_takes_one_map_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_of_512_written_again_takes_one_map_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(same_values_take_no_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(new_page_is_mapped_before_the_old_is_released, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(same_page_with_other_flags_stays_mapped, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_with_other_flags_is_not_made_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_is_filled_before_it_is_attached, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_in_a_loop_is_walked_on_every_level, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(shared_table_is_shadowed_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_of_a_freed_table_is_unprotected, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_can_be_data_too, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_suite = {
	.name = "xengt_ppgtt",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ppgtt_cases,
};

kunit_test_suite(ppgtt_suite);
