// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the life of a PPGTT: announced, pinned, reclaimed, destroyed.
 */

#include <linux/slab.h>

#include "modules.h"
#include "ppgtt_chain.h"

static void announcements_are_counted(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = chain_put(guest);

	KUNIT_EXPECT_EQ(test, ppgtt_pin(&ppgtt), -ENOENT);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), -ENOENT);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&ppgtt), 0);
	ppgtt_check(&ppgtt);
	ppgtt_unpin(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&ppgtt), -ENOENT);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), -ENOENT);
	chain_end(&ppgtt);
}

/* The guest's announcements and the mediator's are counted apart. */
static void each_announcer_takes_back_its_own(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = chain_put(guest);

	ppgtt_notify(&ppgtt, true);
	ppgtt_notify(&ppgtt, true);
	KUNIT_EXPECT_EQ_MSG(test, ppgtt_destroy(&ppgtt), -ENOENT, "it is the guest's");
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	ppgtt_notify(&ppgtt, false);
	ppgtt_notify(&ppgtt, false);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pvinfo_failed"), 0ull);
	/* This one is the mediator's. */
	ppgtt_notify(&ppgtt, false);
	ppgtt.notified = 0;
	ppgtt.announced = 1;
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pvinfo_failed"), 1ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 1ull);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&ppgtt), 0);
	ppgtt_check(&ppgtt);
	ppgtt_unpin(&ppgtt);
	ppgtt_notify(&ppgtt, true);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), 0);
	KUNIT_EXPECT_EQ_MSG(test, ppgtt_destroy(&ppgtt), -ENOENT, "it had one");
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 1ull);
	ppgtt_notify(&ppgtt, false);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 0ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pvinfo_failed"), 1ull);
	chain_end(&ppgtt);
}

static void destroyed_while_pinned_reaches_no_page(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;
	unsigned int i;

	chain_start(guest, &ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), 0);
	for (i = 0; i < 8; i++)
		chain_expect_no_page(&ppgtt, PAGE_AT(i));
	sync_vgpu(guest->vgpu);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
	gpu_check();
	/* The guest may write what it likes to the former tables. */
	ppgtt_guest_put(guest, L1, 0, PTE(300));
	ppgtt_guest_sync(guest);
	chain_expect_no_page(&ppgtt, PAGE_AT(0));
	chain_end(&ppgtt);
}

#define MANY	24

/* The n-th PPGTT has two tables, pages 640 + 2n and 641 + 2n. */
static struct ppgtt nth_ppgtt(struct ppgtt_guest *guest, unsigned int n)
{
	const u64 top = 640 + 2 * n;
	const u64 gfns[4] = { top, 620, 620, 620 };

	ppgtt_guest_put(guest, top, 0, PTE(top + 1));
	ppgtt_guest_put(guest, top + 1, 0, PTE(100 + n));
	return ppgtt_3(guest, gfns);
}

static bool is_shadowed(unsigned int n)
{
	return fake_gfn_write_protected(DOM, 640 + 2 * n + 1);
}

static void use_once(struct kunit *test, struct ppgtt *ppgtt)
{
	KUNIT_ASSERT_EQ(test, ppgtt_pin(ppgtt), 0);
	ppgtt_check(ppgtt);
	ppgtt_unpin(ppgtt);
}

/* Announces PPGTTs until one is reclaimed. Returns how many there are. */
static unsigned int fill_tables(struct kunit *test, struct ppgtt_guest *guest, struct ppgtt *many)
{
	unsigned int i, n;

	for (n = 0; n < MANY; n++) {
		many[n] = nth_ppgtt(guest, n);
		KUNIT_ASSERT_EQ(test, ppgtt_create(&many[n]), 0);
		use_once(test, &many[n]);
		for (i = 0; i <= n; i++) {
			if (!is_shadowed(i))
				return n + 1;
		}
		/* The first one is used again and again. */
		use_once(test, &many[0]);
	}
	return n;
}

static void least_recently_used_is_reclaimed_first(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "24" };
	struct ppgtt *many = kunit_kcalloc(test, MANY, sizeof(*many), GFP_KERNEL);
	struct ppgtt_guest *guest = chain_start_guest(test, &config);
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, many);
	n = fill_tables(test, guest, many);
	KUNIT_ASSERT_GT(test, n, 3u);
	KUNIT_ASSERT_LT_MSG(test, n, (unsigned int)MANY, "nothing is ever reclaimed");
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ_MSG(test, is_shadowed(i), i != 1, "PPGTT %u of %u", i, n);
	/* A pin shadows it again, with what was written meanwhile, and reclaims the next one. */
	ppgtt_guest_put(guest, 643, 0, PTE(222));
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&many[1]), 0);
	chain_expect_page(&many[1], 0, 222);
	ppgtt_check(&many[1]);
	KUNIT_EXPECT_FALSE(test, is_shadowed(2));
	KUNIT_EXPECT_TRUE(test, is_shadowed(0));
	for (i = 0; i < n; i++)
		ppgtt_end(&many[i]);
	chain_end(&many[0]);
}

static void pinned_is_not_reclaimed(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "24" };
	struct ppgtt *many = kunit_kcalloc(test, MANY, sizeof(*many), GFP_KERNEL);
	struct ppgtt_guest *guest = chain_start_guest(test, &config);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, many);
	many[0] = nth_ppgtt(guest, 0);
	ppgtt_start(&many[0]);
	for (i = 1; i < MANY; i++) {
		many[i] = nth_ppgtt(guest, i);
		KUNIT_ASSERT_EQ(test, ppgtt_create(&many[i]), 0);
		use_once(test, &many[i]);
		KUNIT_EXPECT_TRUE(test, is_shadowed(0));
		chain_expect_page(&many[0], 0, 100);
	}
	ppgtt_check(&many[0]);
	for (i = 0; i < MANY; i++)
		ppgtt_end(&many[i]);
	chain_end(&many[0]);
}

/* 8: a create retries the missing tables of eight directories, and there are nine. */
static void missing_tables_are_retried_round_robin(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	u64 *entries = kunit_kcalloc(test, 512, sizeof(*entries), GFP_KERNEL);
	struct ppgtt ppgtt = ppgtt_4(guest, L4);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (i = 0; i < 512; i++)
		entries[i] = PTE(NO_GFN);
	ppgtt_guest_put(guest, L4, I4, PTE(L3));
	for (i = 0; i < 9; i++) {
		ppgtt_guest_put(guest, L3, i, PTE(620 + i));
		entries[511] = PTE(i == 7 ? NO_GFN + 1 : NO_GFN);
		fake_guest_write(DOM, (620 + i) << PAGE_SHIFT, entries, PAGE_SIZE);
	}
	/* The create tries all, the pin the first eight again. The ninth is the next one. */
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	fake_gfn_populate(DOM, NO_GFN + 1);
	fake_xen_reset_calls();
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_SET_TYPE), 8ul * 512);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, NO_GFN + 1));
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, NO_GFN + 1));
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

/* 13: an announcement waits for balloon events, even if no entry changed. */
static void announcement_waits_for_balloon_events(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = chain_put(guest);

	module_param_set("xen_gpu_map.balloon_delay_ms", "600000");
	ppgtt_guest_put(guest, L1, 1, PTE(100));
	ppgtt_start(&ppgtt);
	KUNIT_EXPECT_TRUE(test, ppgtt_reaches(guest->model, &ppgtt.roots, PAGE_AT(1), 100));
	fake_guest_balloon_out(DOM, 0, 100);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_TRUE(test, ppgtt_is_scratch(guest->model, &ppgtt.roots, PAGE_AT(1)));
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void disabling_gives_everything_back(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 1, PTE(110));
	ppgtt_guest_put(guest, L2, LARGE_I2, PTE(BIG_GFN) | LARGE);
	ppgtt_unpin(&ppgtt);
	ppgtt_guest_stop(guest);
}

static struct kunit_case ppgtt_root_cases[] = {
	KUNIT_CASE_PARAM(announcements_are_counted, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(each_announcer_takes_back_its_own, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(destroyed_while_pinned_reaches_no_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(least_recently_used_is_reclaimed_first, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pinned_is_not_reclaimed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(missing_tables_are_retried_round_robin, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(disabling_gives_everything_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(announcement_waits_for_balloon_events, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_root_suite = {
	.name = "xengt_ppgtt_root",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ppgtt_root_cases,
};

/* The same with a GPU that does not snoop the CPU's caches. */
static int incoherent_init(struct kunit *test)
{
	int rc = vgpu_suite_init(test);

	gpu_set_incoherent();
	return rc;
}

static struct kunit_case ppgtt_root_incoherent_cases[] = {
	KUNIT_CASE_PARAM(announcements_are_counted, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(destroyed_while_pinned_reaches_no_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(least_recently_used_is_reclaimed_first, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pinned_is_not_reclaimed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(missing_tables_are_retried_round_robin, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(disabling_gives_everything_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(announcement_waits_for_balloon_events, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_root_incoherent_suite = {
	.name = "xengt_ppgtt_root_incoherent",
	.init = incoherent_init,
	.exit = stop_modules,
	.test_cases = ppgtt_root_incoherent_cases,
};

kunit_test_suites(&ppgtt_root_suite, &ppgtt_root_incoherent_suite);
