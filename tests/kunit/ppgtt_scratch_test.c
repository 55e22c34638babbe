// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the count of a PPGTT's entries that are scratch though the guest's are present, with
 * which a mediator decides whether to run work (xengt_ppgtt_scratch()).
 */

#include "inspect_fixture.h"
#include "modules.h"

static void expect_scratch(struct ppgtt *ppgtt, unsigned long expected, const char *what)
{
	unsigned long n = ~0ul;

	KUNIT_EXPECT_EQ_MSG(ppgtt->guest->test,
			    xengt_ppgtt_scratch(ppgtt->guest->vgpu, ppgtt->pinned, &n), 0, "%s",
			    what);
	KUNIT_EXPECT_EQ_MSG(ppgtt->guest->test, n, expected, "%s", what);
}

/* Writes an entry, and expects so many entries to be scratch after a sync. */
static void put_and_expect(struct ppgtt *ppgtt, u64 table, unsigned int i, u64 pte,
			   unsigned long expected, const char *what)
{
	ppgtt_guest_put(ppgtt->guest, table, i, pte);
	ppgtt_guest_sync(ppgtt->guest);
	expect_scratch(ppgtt, expected, what);
}

static void each_kind_of_scratch_counts(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt p;

	chain_start(guest, &p);
	expect_scratch(&p, 0, "a good PPGTT");
	put_and_expect(&p, L1, 20, PTE(NO_GFN), 1, "no page");
	put_and_expect(&p, L1, 21, PTE(NO_GFN + 1), 2, "no page either");
	put_and_expect(&p, L1, 22, PTE(102) | RESERVED, 3, "reserved bits");
	put_and_expect(&p, L2, 30, PTE(NO_GFN + 2), 4, "no page of a table");
	put_and_expect(&p, L2, 31, PTE(L1) | RESERVED, 5, "reserved bits in a directory");
	put_and_expect(&p, L2, 32, PTE(BIG_GFN) | LARGE | BIT_ULL(13), 6, "in a page of 2 MiB");
	put_and_expect(&p, L3, 40, PTE(0) | LARGE, 7, "a page of 1 GiB");
	put_and_expect(&p, L2, OTHER_I2, PTE(L1), 7, "a table that two entries lead to");
	/* GFNs from 2048 on do not exist; the last page of 64 KiB below has all its pages. */
	put_and_expect(&p, L2, WIDE_I2, PTE(WIDE_L1) | WIDE, 7, "an empty table");
	put_and_expect(&p, WIDE_L1, 16, PTE(2048), 7 + 16, "a page of 64 KiB without pages");
	put_and_expect(&p, WIDE_L1, 16, PTE(2032), 7, "one with all pages");
	put_and_expect(&p, L2, LARGE_I2, PTE(2048) | LARGE, 7 + 512, "2 MiB without pages");
	put_and_expect(&p, L2, LARGE_I2, PTE(1536) | LARGE, 7, "2 MiB with all pages");
	/* They are not scratch for the guest's entry any more. */
	put_and_expect(&p, L1, 20, 0, 6, "no page");
	put_and_expect(&p, L1, 22, PTE(102), 5, "reserved bits");
	put_and_expect(&p, L2, 31, 0, 4, "reserved bits in a directory");
	put_and_expect(&p, L3, 40, 0, 3, "a page of 1 GiB");
	put_and_expect(&p, L4, I4, 0, 0, "nothing leads to the others");
	chain_end(&p);
}

static void pages_that_come_and_go_count(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt p;

	chain_start(guest, &p);
	fake_guest_balloon_out(DOM, 0, 102);
	ppgtt_guest_revalidate(guest);
	expect_scratch(&p, 1, "a page is gone");
	fake_gfn_populate(DOM, 102);
	ppgtt_guest_balloon_event(guest);
	expect_scratch(&p, 0, "it is back");
	fake_guest_balloon_out(DOM, 0, L1);
	ppgtt_guest_revalidate(guest);
	expect_scratch(&p, 1, "a table is gone");
	fake_gfn_populate(DOM, L1);
	chain_put_pages(guest, L1, 0, NO_GFN, 2);
	ppgtt_guest_balloon_event(guest);
	expect_scratch(&p, 2, "it is back, and two pages are not there");
	chain_end(&p);
}

/* The device does not reach a page. With a PVH dom0 all BFNs are dom0's own. */
static void pages_out_of_reach_count(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct xengt_translation t;
	struct ppgtt p;

	chain_start(guest, &p);
	fake_gfn_populate_at(DOM, NO_GFN, BIT(27));
	put_and_expect(&p, L1, 20, PTE(NO_GFN), on_pv(test), "out of the device's reach");
	KUNIT_EXPECT_EQ(test, xengt_translate(guest->vgpu, &p.root, PAGE_AT(20), &t),
			on_pv(test) ? -EFAULT : 0);
	KUNIT_EXPECT_EQ(test, t.gpa, NO_GFN << 12ull);
	put_and_expect(&p, L1, 20, PTE(100), 0, "another page");
	chain_end(&p);
}

/* A table that PPGTTs share counts for each, and what only another one has does not. */
static void shared_tables_count_for_each(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	const u64 pdps[4] = { L2, L2, 0, NO_GFN };
	struct ppgtt four, three = ppgtt_3(guest, pdps), other = ppgtt_4(guest, OTHER_L4);

	chain_start(guest, &four);
	ppgtt_guest_put(guest, L1, 20, PTE(NO_GFN));
	ppgtt_guest_put(guest, L2, 30, PTE(NO_GFN));
	ppgtt_guest_put(guest, OTHER_L4, 0, PTE(OTHER_L3));
	ppgtt_guest_put(guest, OTHER_L3, 7, PTE(OTHER_L3) | LARGE);
	ppgtt_start(&three);
	ppgtt_start(&other);
	expect_scratch(&four, 2, "an entry and a table");
	expect_scratch(&three, 2 + 1, "the same, and a table of the root");
	expect_scratch(&other, 1, "only its own");
	/* A search leaves no traces in the next one. */
	expect_scratch(&four, 2, "again");
	ppgtt_guest_put(guest, L2, I2, 0);
	ppgtt_guest_sync(guest);
	expect_scratch(&four, 1, "a table");
	expect_scratch(&three, 2, "two tables");
	ppgtt_end(&three);
	ppgtt_end(&other);
	chain_end(&four);
}

/* Entries that quotas refuse count until there is room. */
static void entries_beyond_quotas_count(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .quota = "64", .tables = "5" };
	struct ppgtt_guest *guest = chain_start_guest(test, &config);
	struct ppgtt p = chain_put(guest);

	chain_put_pages(guest, L1, 0, 100, 70);
	ppgtt_guest_put(guest, L2, 20, PTE(OTHER_L1));
	ppgtt_guest_put(guest, L2, 21, PTE(WIDE_L1));
	ppgtt_start(&p);
	expect_scratch(&p, 6 + 1, "six pages and a table");
	put_and_expect(&p, L2, 20, 0, 6, "six pages");
	put_and_expect(&p, L1, 0, 0, 5, "five pages");
	chain_end(&p);
}

/* gen7: the directory is in the GGTT, whose own entries do not count. */
static void gen7_entries_count(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_gen7_guest(test);
	struct ppgtt p = ppgtt_ggtt(guest, DIRECTORY(0));

	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PT_GEN7(NO_GFN));
	ppgtt_guest_put(guest, L1, 5, PT_GEN7(NO_GFN));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), PT_GEN7(L1));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0) + 1, PT_GEN7(NO_GFN));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0) + 2, PT_GEN7(L1) | BIT(1));
	ppgtt_start(&p);
	expect_scratch(&p, 3, "a page, a table, reserved bits");
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), 0);
	ppgtt_guest_sync(guest);
	expect_scratch(&p, 2, "a table, reserved bits");
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, 0);
	ppgtt_end(&p);
	ppgtt_guest_stop(guest);
}

static void ppgtt_that_has_ended_has_no_count(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	unsigned long n;
	struct ppgtt p;

	chain_start(guest, &p);
	ppgtt_guest_put(guest, L1, 20, PTE(NO_GFN));
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&p), 0);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_scratch(guest->vgpu, p.pinned, &n), -ENOENT);
	ppgtt_unpin(&p);
	ppgtt_start(&p);
	expect_scratch(&p, 1, "it is another one");
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_PPGTTS), 0);
	ppgtt_forget(&p);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_scratch(guest->vgpu, p.pinned, &n), -ENOENT);
	gpu_set_drained(DOM, NULL);
	xengt_vgpu_disable(guest->vgpu);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_scratch(guest->vgpu, p.pinned, &n), -ENODEV);
	ppgtt_unpin(&p);
	ppgtt_guest_stop(guest);
}

static struct kunit_case ppgtt_scratch_cases[] = {
	KUNIT_CASE_PARAM(each_kind_of_scratch_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pages_that_come_and_go_count, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pages_out_of_reach_count, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(shared_tables_count_for_each, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_beyond_quotas_count, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gen7_entries_count, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ppgtt_that_has_ended_has_no_count, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_scratch_suite = {
	.name = "xengt_ppgtt_scratch",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ppgtt_scratch_cases,
};

kunit_test_suite(ppgtt_scratch_suite);
