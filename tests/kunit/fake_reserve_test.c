// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the fake hypervisor's reservations: they do what Xen does (4.17, stock).
 */

#include <xen/xen.h>
#include <xen/page.h>
#include <xen/interface/memory.h>
#include <asm/xen/hypercall.h>

#include "vgpu_fixture.h"

#define PAGES	64
#define GFN	100ul	/* this GFN and those after it are empty */
#define ROOM	4

static long reserve(domid_t domid, unsigned int cmd, unsigned long gfn, unsigned int n,
		    unsigned int order)
{
	xen_pfn_t gfns[8] = { gfn, gfn + 1, gfn + 2, gfn + 3, gfn + 4, gfn + 5, gfn + 6, gfn + 7 };
	struct xen_memory_reservation r = {
		.domid = domid, .nr_extents = n, .extent_order = order,
	};

	set_xen_guest_handle(r.extent_start, gfns);
	return HYPERVISOR_memory_op(cmd, &r);
}

static long populate(unsigned long gfn, unsigned int n)
{
	return reserve(DOM, XENMEM_populate_physmap, gfn, n, 0);
}

static long decrease(unsigned long gfn, unsigned int n)
{
	return reserve(DOM, XENMEM_decrease_reservation, gfn, n, 0);
}

static long ask(unsigned int cmd, domid_t domid)
{
	return HYPERVISOR_memory_op(cmd, &domid);
}

static int reserve_init(struct kunit *test)
{
	fake_xen_start(test, mode_of(test));
	fake_domain_create(DOM, PAGES);
	fake_domain_set_headroom(DOM, ROOM);
	return 0;
}

static void reserve_exit(struct kunit *test)
{
	fake_xen_stop(test);
}

static void pages_are_the_guests(struct kunit *test)
{
	const u32 value = 77;
	u32 got = 0;

	KUNIT_EXPECT_EQ(test, ask(XENMEM_maximum_reservation, DOM), PAGES + ROOM + 0l);
	KUNIT_EXPECT_EQ(test, ask(XENMEM_current_reservation, DOM), PAGES + 0l);
	KUNIT_EXPECT_EQ(test, populate(GFN, 2), 2l);
	KUNIT_EXPECT_EQ(test, ask(XENMEM_current_reservation, DOM), PAGES + 2l);
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), PAGES + 2ul);
	fake_guest_write(DOM, (GFN + 1) << PAGE_SHIFT, &value, sizeof(value));
	fake_guest_read(DOM, (GFN + 1) << PAGE_SHIFT, &got, sizeof(got));
	KUNIT_EXPECT_EQ(test, got, value);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GFN));
	KUNIT_EXPECT_EQ(test, decrease(GFN, 2), 2l);
	KUNIT_EXPECT_EQ(test, fake_gfn_mfn(DOM, GFN), FAKE_NO_MFN);
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), PAGES + 0ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_POPULATE), 1ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DECREASE), 1ul);
}

static void populate_stops_at_the_limit(struct kunit *test)
{
	KUNIT_EXPECT_EQ_MSG(test, populate(GFN, 6), ROOM + 0l, "as many as the limit allows");
	KUNIT_EXPECT_NE(test, fake_gfn_mfn(DOM, GFN + ROOM - 1), FAKE_NO_MFN);
	KUNIT_EXPECT_EQ(test, fake_gfn_mfn(DOM, GFN + ROOM), FAKE_NO_MFN);
	KUNIT_EXPECT_EQ(test, populate(GFN + ROOM, 1), 0l);
	KUNIT_EXPECT_EQ(test, decrease(GFN, 1), 1l);
	KUNIT_EXPECT_EQ(test, populate(GFN + ROOM, 1), 1l);
}

/* The replaced page stays with Xen until the guest ends. */
static void populate_replaces_ram(struct kunit *test)
{
	static const enum fake_page_type types[] = { FAKE_RAM, FAKE_RAM_RO, FAKE_XEN_PAGE };
	unsigned long mfn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		fake_gfn_set_type(DOM, i, types[i]);
		mfn = fake_gfn_mfn(DOM, i);
		KUNIT_EXPECT_EQ(test, populate(i, 1), 1l);
		KUNIT_EXPECT_NE(test, fake_gfn_mfn(DOM, i), mfn);
		KUNIT_EXPECT_EQ_MSG(test, fake_mfn_owner(mfn), DOM, "the old one is not free");
		KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), PAGES + i + 1ul);
	}
	KUNIT_EXPECT_EQ_MSG(test, decrease(0, 4), 4l, "the new ones are");
	KUNIT_EXPECT_EQ_MSG(test, decrease(0, 1), 0l, "stops at a hole");
	KUNIT_EXPECT_EQ(test, ask(XENMEM_current_reservation, DOM), PAGES - 1l);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_FALSE_MSG(test, fake_domain_exists(DOM), "all are free after the end");
}

/* Pages of other domains, and registers of a device */
static void populate_over_foreign_pages_crashes_the_guest(struct kunit *test)
{
	static const enum fake_page_type types[] = { FAKE_GRANT, FAKE_FOREIGN, FAKE_MMIO };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		fake_gfn_set_type(DOM, GFN, types[i]);
		KUNIT_EXPECT_EQ(test, decrease(GFN, 1), 0l);
		KUNIT_EXPECT_EQ(test, fake_xen_errors(), 0u);
		KUNIT_EXPECT_EQ(test, populate(GFN, 1), 0l);
		KUNIT_EXPECT_EQ(test, fake_xen_errors(), 1u);
		fake_xen_forgive();
	}
}

static void page_that_is_taken_away_is_free(struct kunit *test)
{
	struct fake_event seen;
	unsigned long mfn;

	KUNIT_EXPECT_EQ(test, populate(GFN, 1), 1l);
	mfn = fake_gfn_mfn(DOM, GFN);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), DOM);
	KUNIT_EXPECT_EQ(test, decrease(GFN, 1), 1l);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), -1);
	seen = *fake_xen_event(fake_xen_nr_events() - 1);
	KUNIT_EXPECT_EQ(test, (int)seen.kind, (int)FAKE_EVENT_FREE);
	KUNIT_EXPECT_EQ(test, seen.mfn, (u64)mfn);
}

/* Xen does not clear frames between two guests, unless the first one died. */
static void frames_keep_what_a_live_guest_left(struct kunit *test)
{
	const u32 left = 77;
	u32 got = 0;

	fake_guest_write(DOM, 5 << PAGE_SHIFT, &left, sizeof(left));
	fake_gfn_remove(DOM, 5);
	KUNIT_EXPECT_EQ(test, populate(GFN, 1), 1l);
	fake_guest_read(DOM, GFN << PAGE_SHIFT, &got, sizeof(got));
	KUNIT_EXPECT_EQ(test, got, left);
	fake_domain_kill(DOM);
	fake_domain_create(OTHER_DOM, PAGES + 1);
	fake_guest_read(OTHER_DOM, 0, &got, sizeof(got));
	KUNIT_EXPECT_EQ(test, got, 0u);
}

static void calls_that_make_no_sense_fail(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, reserve(7, XENMEM_populate_physmap, GFN, 1, 0), (long)-ESRCH);
	KUNIT_EXPECT_EQ(test, reserve(DOM, XENMEM_populate_physmap, GFN, 1, 9), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, ask(XENMEM_maximum_reservation, 7), (long)-ESRCH);
	KUNIT_EXPECT_EQ(test, ask(XENMEM_current_reservation, 7), (long)-ESRCH);
	KUNIT_EXPECT_EQ(test, populate(GFN, 0), 0l);
}

static void ordered_failures_happen(struct kunit *test)
{
	fake_xen_fail_entry(1, -ENOMEM);
	KUNIT_EXPECT_EQ(test, populate(GFN, 3), 1l);
	KUNIT_EXPECT_EQ(test, populate(GFN + 1, 3), 3l);
	fake_xen_fail_call(FAKE_CALL_POPULATE, 1, -EPERM);
	KUNIT_EXPECT_EQ(test, populate(GFN + 4, 1), (long)-EPERM);
	fake_xen_fail_call(FAKE_CALL_DECREASE, 1, -EPERM);
	KUNIT_EXPECT_EQ(test, decrease(GFN, 1), (long)-EPERM);
	KUNIT_EXPECT_NE(test, fake_gfn_mfn(DOM, GFN), FAKE_NO_MFN);
}

static struct kunit_case reserve_cases[] = {
	KUNIT_CASE_PARAM(pages_are_the_guests, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(populate_stops_at_the_limit, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(populate_replaces_ram, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(populate_over_foreign_pages_crashes_the_guest, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_is_taken_away_is_free, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(frames_keep_what_a_live_guest_left, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(calls_that_make_no_sense_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ordered_failures_happen, both_dom0s_gen_params),
	{}
};

static struct kunit_suite reserve_suite = {
	.name = "fake_reserve",
	.init = reserve_init,
	.exit = reserve_exit,
	.test_cases = reserve_cases,
};

kunit_test_suite(reserve_suite);
