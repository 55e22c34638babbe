// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of PPGTTs of gen7, whose page directories are entries of the GGTT.
 */

#include "modules.h"
#include "ppgtt_chain.h"

static void directory_in_the_ggtt_is_walked(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_gen7_guest(test);
	struct ppgtt ppgtt = ppgtt_ggtt(guest, DIRECTORY(1));
	unsigned int i;

	for (i = 0; i < 8; i++)
		ppgtt_guest_put(guest, L1, i, PT_GEN7(100 + i));
	ppgtt_guest_put(guest, L1, 1023, PT_GEN7(HIGH_GFN) | 6);
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 3, PT_GEN7(L1));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	chain_expect_page(&ppgtt, 3ull << 22, 100);
	chain_expect_page(&ppgtt, 3ull << 22 | 1023 << 12, HIGH_GFN);
	chain_expect_scratch(&ppgtt, 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, L1));
	/* Entries of both levels change. */
	ppgtt_guest_put(guest, L1, 0, PT_GEN7(300ull));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 511, PT_GEN7(L1));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 3, PT_GEN7(L2));
	ppgtt_guest_put(guest, L2, 9, PT_GEN7(309ull));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	chain_expect_page(&ppgtt, 511ull << 22, 300);
	chain_expect_page(&ppgtt, 3ull << 22 | 9 << 12, 309);
	KUNIT_EXPECT_EQ_MSG(test, ppgtt_destroy(&ppgtt), -EBUSY, "the GPU uses the directory");
	ppgtt_check(&ppgtt);
	/* The entries would be pages after the directory is destroyed. */
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 3, 0);
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 511, 0);
	chain_end(&ppgtt);
}

static void destroyed_directory_becomes_pages(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_gen7_guest(test);
	struct ppgtt ppgtt = ppgtt_ggtt(guest, DIRECTORY(0));

	ppgtt_guest_put(guest, L1, 0, PT_GEN7(100ull));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), PT_GEN7(L1));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	ppgtt_unpin(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), 0);
	ppgtt_model_begin(guest->model);
	KUNIT_EXPECT_EQ(test, ppgtt_compare_ggtt(guest->model, guest->format, DIRECTORY(0), 512),
			0u);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, L1));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), 0);
	chain_end(&ppgtt);
}

/*
 * 6: without a table a directory entry leads to a scratch table. The scratch page is none: the GPU
 * may write to it.
 */
static void directory_over_the_quota_leads_to_scratch_tables(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7, .tables = "2" };
	struct ppgtt_guest *guest = chain_start_guest(test, &config);
	struct ppgtt all = ppgtt_ggtt(guest, DIRECTORY(0));
	struct ppgtt none = ppgtt_ggtt(guest, DIRECTORY(1));

	ppgtt_guest_put(guest, L1, 0, PT_GEN7(100ull));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), PT_GEN7(L1));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1), PT_GEN7(L1));
	ppgtt_start(&all);
	ppgtt_start(&none);
	chain_expect_page(&all, 0, 100);
	chain_expect_scratch(&none, 0);
	guest->model->tolerant = true;
	ppgtt_check(&none);
	guest->model->tolerant = false;
	/* It gets the tables that the other one freed, when it is pinned again. */
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), 0);
	ppgtt_end(&all);
	ppgtt_unpin(&none);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&none), 0);
	chain_expect_page(&none, 0, 100);
	ppgtt_check(&none);
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1), 0);
	chain_end(&none);
}

static void directory_pinned_at_the_end_leads_nowhere(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_gen7_guest(test);
	struct ppgtt ppgtt = ppgtt_ggtt(guest, DIRECTORY(0));

	ppgtt_guest_put(guest, L1, 0, PT_GEN7(100ull));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), PT_GEN7(L1));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	ppgtt_guest_stop(guest);
	ppgtt_unpin(&ppgtt);
}

static struct kunit_case ppgtt_gen7_cases[] = {
	KUNIT_CASE_PARAM(directory_in_the_ggtt_is_walked, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(destroyed_directory_becomes_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(directory_over_the_quota_leads_to_scratch_tables, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(directory_pinned_at_the_end_leads_nowhere, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_gen7_suite = {
	.name = "xengt_ppgtt_gen7",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ppgtt_gen7_cases,
};

kunit_test_suite(ppgtt_gen7_suite);
