// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what may happen to a PPGTT at any moment: pages that are ballooned out and in, stores in
 * flight while a table is freed, a guest that dies.
 */

#include "modules.h"
#include "ppgtt_chain.h"

/* Memory that comes and goes */

static void data_page_is_scratch_before_its_frame_is_reused(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	fake_guest_balloon_out(DOM, 0, 102);
	gpu_check();
	fake_gfn_populate(OTHER_DOM, NO_GFN);
	ppgtt_guest_revalidate(guest);
	chain_expect_scratch(&ppgtt, PAGE_AT(2));
	fake_gfn_populate(OTHER_DOM, NO_GFN + 1);
	gpu_check();
	fake_gfn_populate(DOM, 102);
	ppgtt_guest_balloon_event(guest);
	chain_expect_page(&ppgtt, PAGE_AT(2), 102);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static void table_page_that_is_gone_reads_as_empty(struct kunit *test)
{
	static const u64 tables[] = { L1, L2, L3 };
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;
	unsigned int i;

	chain_start(guest, &ppgtt);
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		fake_guest_balloon_out(DOM, 0, tables[i]);
		ppgtt_guest_revalidate(guest);
		chain_expect_scratch(&ppgtt, PAGE_AT(0));
		ppgtt_check(&ppgtt);
		fake_gfn_populate(DOM, tables[i]);
		chain_put(guest);
		chain_put_pages(guest, L1, 0, 100, 8);
		ppgtt_guest_balloon_event(guest);
		chain_expect_page(&ppgtt, PAGE_AT(0), 100);
		KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, tables[i]));
		ppgtt_check(&ppgtt);
	}
	chain_end(&ppgtt);
}

/* The table page gets another frame with other entries, and the balloon event comes later. */
static void table_page_that_moves_is_rescanned(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	fake_gfn_remove(DOM, L1);
	fake_gfn_populate(DOM, L1);
	chain_put_pages(guest, L1, 0, 300, 4);
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	chain_expect_page(&ppgtt, PAGE_AT(0), 300);
	chain_expect_scratch(&ppgtt, PAGE_AT(4));
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, L1));
	ppgtt_guest_put(guest, L1, 4, PTE(304));
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, PAGE_AT(4), 304);
	chain_end(&ppgtt);
}

/* Stores in flight */

struct late_store {
	struct ppgtt_guest *guest;
	enum fake_call when;
	u64 pte;
	bool sent;
};

/* A vCPU's store to the page is trapped while the page is about to become plain RAM. */
static void store_before_the_type_changes(enum fake_call kind, void *data)
{
	struct late_store *late = data;

	if (kind != late->when || late->sent || !fake_gfn_write_protected(DOM, L1))
		return;
	late->sent = true;
	ppgtt_guest_send(late->guest, 1, (L1 << PAGE_SHIFT) + 5 * 8, &late->pte, 8);
}

/*
 * 11: a vCPU that has its answer emulates its instruction again. Xen crashes the guest if it finds
 * RAM in place of a write-protected page. So the protection stays while a store is in flight.
 */
static void store_in_flight_keeps_the_protection(struct kunit *test, enum fake_call when)
{
	struct late_store late = { .guest = chain_new_guest(test), .when = when, .pte = PTE(321) };
	struct ppgtt_guest *guest = late.guest;
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	ppgtt_guest_put(guest, L2, I2, 0);
	fake_xen_set_hook(store_before_the_type_changes, &late);
	ppgtt_guest_sync(guest);
	fake_xen_set_hook(NULL, NULL);
	KUNIT_EXPECT_TRUE(test, late.sent);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_wait(guest, 1), 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, L1));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, L1, 5), PTE(321));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, L1));
	ppgtt_guest_put(guest, L2, I2, PTE(L1));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	chain_expect_page(&ppgtt, PAGE_AT(5), 321);
	chain_end(&ppgtt);
}

static void store_before_the_check_keeps_the_protection(struct kunit *test)
{
	store_in_flight_keeps_the_protection(test, FAKE_CALL_DM_SET_STATE);
}

static void store_after_the_check_keeps_the_protection(struct kunit *test)
{
	store_in_flight_keeps_the_protection(test, FAKE_CALL_DM_SET_TYPE);
}

/*
 * 11: nor is a page unprotected if completions cannot be blocked, or requests not be checked after
 * it.
 */
static void protection_stays_if_blocking_fails(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;
	unsigned int nth;

	chain_start(guest, &ppgtt);
	for (nth = 1; nth <= 2; nth++) {
		ppgtt_guest_put(guest, L2, I2, 0);
		fake_xen_fail_call(FAKE_CALL_DM_SET_STATE, nth, nth == 1 ? -EINVAL : -ENOMEM);
		ppgtt_guest_sync(guest);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, L1));
		/* The page becomes a table again before it is unprotected. */
		ppgtt_guest_put(guest, L1, 5, PTE(320 + nth));
		ppgtt_guest_put(guest, L2, I2, PTE(L1));
		ppgtt_guest_sync(guest);
		ppgtt_check(&ppgtt);
		ppgtt_guest_put(guest, L1, 6, PTE(330 + nth));
		ppgtt_guest_sync(guest);
		chain_expect_page(&ppgtt, PAGE_AT(6), 330 + nth);
	}
	ppgtt_guest_put(guest, L2, I2, 0);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, L1));
	chain_end(&ppgtt);
}

static void guest_dies_with_stores_in_flight(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	const u64 pte = PTE(111);
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 1, PTE(110));
	ppgtt_guest_send(guest, 0, L1 << PAGE_SHIFT, &pte, 8);
	ppgtt_guest_send(guest, 1, L2 << PAGE_SHIFT, &pte, 8);
	fake_domain_kill(DOM);
	gpu_check();
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	chain_expect_no_page(&ppgtt, PAGE_AT(0));
	gpu_check();
	ppgtt_unpin(&ppgtt);
	KUNIT_EXPECT_LT(test, ppgtt_pin(&ppgtt), 0);
	ppgtt_guest_stop(guest);
}

static struct kunit_case ppgtt_race_cases[] = {
	KUNIT_CASE_PARAM(data_page_is_scratch_before_its_frame_is_reused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_page_that_is_gone_reads_as_empty, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_page_that_moves_is_rescanned, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_before_the_check_keeps_the_protection, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_after_the_check_keeps_the_protection, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(protection_stays_if_blocking_fails, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_dies_with_stores_in_flight, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_race_suite = {
	.name = "xengt_ppgtt_race",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ppgtt_race_cases,
};

kunit_test_suite(ppgtt_race_suite);
