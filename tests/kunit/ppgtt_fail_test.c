// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of failures under a PPGTT: each hypercall and each allocation in turn, a page that cannot
 * be mapped, a quota that is reached. Scratch in place of pages is all that a failure may do, and
 * it ends with the failure.
 */

#include "modules.h"
#include "ppgtt_chain.h"

/* A failure may leave scratch in place of pages, but nothing unsafe. */
static void check_after_failure(struct ppgtt *ppgtt)
{
	struct ppgtt_guest *guest = ppgtt->guest;

	guest->model->tolerant = true;
	if (ppgtt->pinned && ppgtt->announced)
		ppgtt_check(ppgtt);
	guest->model->tolerant = false;
	gpu_check();
}

/*
 * Announces, pins and changes a PPGTT with one failure, which order() orders. Returns false if it
 * did not happen.
 */
static bool use_with_failure(struct ppgtt_guest *guest, void (*order)(unsigned int nth),
			     bool (*end)(void), unsigned int nth)
{
	struct ppgtt ppgtt = chain_put(guest);
	bool pending;

	chain_put_pages(guest, L1, 0, 100, 8);
	ppgtt_guest_put(guest, L2, OTHER_I2, PTE(OTHER_L1));
	chain_put_pages(guest, OTHER_L1, 0, 200, 4);
	order(nth);
	if (!ppgtt_create(&ppgtt))
		ppgtt_pin(&ppgtt);
	/* Another page becomes the table. */
	ppgtt_guest_put(guest, L2, OTHER_I2, PTE(WIDE_L1));
	chain_put_pages(guest, WIDE_L1, 0, 300, 4);
	xengt_vgpu_sync(guest->vgpu);
	pending = end();
	ppgtt_guest_sync(guest);
	check_after_failure(&ppgtt);
	if (!ppgtt.announced)
		KUNIT_EXPECT_EQ(guest->test, ppgtt_create(&ppgtt), 0);
	if (!ppgtt.pinned)
		KUNIT_EXPECT_EQ(guest->test, ppgtt_pin(&ppgtt), 0);
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	chain_expect_page(&ppgtt, PAGE_AT(0), 100);
	chain_expect_page(&ppgtt, ADDR(OTHER_I2, 0), 300);
	ppgtt_end(&ppgtt);
	ppgtt_guest_revalidate(guest);
	KUNIT_EXPECT_EQ(guest->test, fake_domain_nr_protected(DOM), 0u);
	return !pending;
}

static enum fake_call failing_kind;

static void order_call(unsigned int nth)
{
	fake_xen_fail_call(failing_kind, nth, -ENOMEM);
}

static bool end_call(void)
{
	bool pending = fake_xen_fail_pending();

	fake_xen_fail_nothing();
	return pending;
}

/* Fails each call of a kind in turn. Returns their number. */
static unsigned int fail_every_call(struct kunit *test, enum fake_call kind)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	unsigned int nth;

	failing_kind = kind;
	for (nth = 1; nth < 200; nth++) {
		if (!use_with_failure(guest, order_call, end_call, nth))
			break;
	}
	KUNIT_EXPECT_LT(test, nth, 200u);
	ppgtt_guest_stop(guest);
	return nth - 1;
}

static void every_hypercall_can_fail(struct kunit *test)
{
	KUNIT_EXPECT_GT(test, fail_every_call(test, FAKE_CALL_ANY), 0u);
}

static void write_protection_can_fail(struct kunit *test)
{
	KUNIT_EXPECT_GT(test, fail_every_call(test, FAKE_CALL_DM_SET_TYPE), 0u);
}

/* Maps of a table page for a scan fail, and those of data pages. */
static void mapping_can_fail(struct kunit *test)
{
	enum fake_call kind = mode_of(test) == FAKE_PV_DOM0 ? FAKE_CALL_MMU_UPDATE :
			      FAKE_CALL_ADD_TO_PHYSMAP;

	KUNIT_EXPECT_GT(test, fail_every_call(test, kind), 0u);
}

static void unmapping_can_fail(struct kunit *test)
{
	enum fake_call kind = mode_of(test) == FAKE_PV_DOM0 ? FAKE_CALL_UNPROTECT :
			      FAKE_CALL_REMOVE_FROM_PHYSMAP;

	KUNIT_EXPECT_GT(test, fail_every_call(test, kind), 0u);
}

static void order_alloc(unsigned int nth)
{
	fake_fail_alloc(nth);
}

static void every_allocation_can_fail(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	unsigned int nth;

	for (nth = 1; nth < 300; nth++) {
		if (!use_with_failure(guest, order_alloc, fake_fail_alloc_stop, nth))
			break;
	}
	KUNIT_EXPECT_GT(test, nth, 4u);
	KUNIT_EXPECT_LT(test, nth, 300u);
	ppgtt_guest_stop(guest);
}

static void gfn_that_cannot_be_mapped_leaves_the_others_alone(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = chain_put(guest);
	unsigned int i;

	fake_xen_fail_gfn(DOM, 103, -EPERM);
	chain_put_pages(guest, L1, 0, 100, 8);
	ppgtt_start(&ppgtt);
	for (i = 0; i < 8; i++) {
		if (i == 3)
			chain_expect_scratch(&ppgtt, PAGE_AT(i));
		else
			chain_expect_page(&ppgtt, PAGE_AT(i), 100 + i);
	}
	fake_xen_fail_nothing();
	ppgtt_guest_put(guest, L1, 3, PTE(103));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static void quota_reached_is_scratch_for_the_rest(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .quota = "8" };
	struct ppgtt_guest *guest = chain_start_guest(test, &config);
	struct ppgtt ppgtt = chain_put(guest);
	unsigned int i, reached = 0;

	ppgtt_start(&ppgtt);
	chain_put_pages(guest, L1, 0, 100, 12);
	ppgtt_guest_sync(guest);
	for (i = 0; i < 12; i++)
		reached += ppgtt_reaches(guest->model, &ppgtt.roots, PAGE_AT(i), 100 + i);
	KUNIT_EXPECT_EQ(test, reached, 8u);
	guest->model->tolerant = true;
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, guest->model->tolerated, 4u);
	guest->model->tolerant = false;
	/* What is released is there for others. */
	for (i = 0; i < 4; i++)
		ppgtt_guest_put(guest, L1, i, 0);
	chain_put_pages(guest, L1, 4, 104, 8);
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static struct kunit_case ppgtt_fail_cases[] = {
	KUNIT_CASE_PARAM(quota_reached_is_scratch_for_the_rest, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_hypercall_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_protection_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(mapping_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unmapping_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_allocation_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gfn_that_cannot_be_mapped_leaves_the_others_alone, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_fail_suite = {
	.name = "xengt_ppgtt_fail",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ppgtt_fail_cases,
};

kunit_test_suite(ppgtt_fail_suite);
