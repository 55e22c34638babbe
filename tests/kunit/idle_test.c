// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the idle list (map/idle.c): pages without users are unmapped by age, by number or by a
 * flush, and are not reused before.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
 */

#include "fake_xen.h"
#include "map_fixture.h"
#include "modules.h"

static void idle_pages_age(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfns[] = { 1, 2, 3 };
	struct mapped m;

	module_param_set("xen_gpu_map.idle_age_ms", "20");
	map_gfns(user, gfns, 3, &m);
	release_gfns(user, gfns, 2);
	wait_for(test, counter("drained_age") == 2);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(m.bfn[2], DOM, 3));
	release_gfns(user, gfns + 2, 1);
	wait_for(test, fake_total_refs() == 0);
	stop_user(test, user);
}

static void too_many_idle_pages_are_drained(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	u64 gfns[20];
	struct mapped m;
	unsigned int i;

	module_param_set("xen_gpu_map.idle_max", "16");
	for (i = 0; i < 20; i++)
		gfns[i] = i;
	map_gfns(user, gfns, 20, &m);
	release_gfns(user, gfns, 20);
	wait_for(test, counter("drained_size") == 12);
	KUNIT_EXPECT_EQ(test, counter("idle"), 8ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	stop_user(test, user);
}

static void debugfs_flush_drains_every_domain(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfns[] = { 1, 2, 3 };
	struct mapped m;

	map_gfns(user, gfns, 3, &m);
	release_gfns(user, gfns, 3);
	KUNIT_EXPECT_EQ(test, debugfs_write("xen_gpu_map/flush"), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, counter("blocks"), 0ull);
	stop_user(test, user);
}

/* Returns how many of n unmaps fail with one hypercall: with stock Xen one, else the batch. */
static u64 refused(struct kunit *test, u64 n)
{
	const char *backend = platform(test)->backend;

	return !strcmp(backend, "pv") || !strcmp(backend, "physmap") ? 1 : n;
}

/* 9: a page that Xen refuses to unmap stays on the idle list, and the next drain tries again. */
static void refused_unmap_is_tried_again(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	u64 gfns[40];
	struct mapped m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = i;
	map_gfns(user, gfns, ARRAY_SIZE(gfns), &m);
	release_gfns(user, gfns, ARRAY_SIZE(gfns));
	fake_xen_fail_call(unmap_call(test), 1, -EBUSY);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), -EIO);
	KUNIT_EXPECT_EQ(test, counter("unmap_failed"), refused(test, ARRAY_SIZE(gfns)));
	KUNIT_EXPECT_EQ(test, counter("idle"), refused(test, ARRAY_SIZE(gfns)));
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/*
 * A drain skips a block whose idle pages were all revived. Pages that are idle there later are
 * found.
 */
static void page_can_be_idle_again_after_a_drain(struct kunit *test)
{
	struct mediator *user = start_user(test, 1024, 1024);
	const u64 revived = 5, idle = 600;
	struct mapped m;

	map_gfns(user, &revived, 1, &m);
	map_gfns(user, &idle, 1, &m);
	release_gfns(user, &revived, 1);
	release_gfns(user, &idle, 1);
	map_gfns(user, &revived, 1, &m);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	release_gfns(user, &revived, 1);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* 12: while a page is idle, its frame stays the guest's, and its BFN leads to it. */
static void idle_page_is_not_reused(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfn = 5;
	unsigned long mfn = fake_gfn_mfn(DOM, gfn);
	struct mapped m;

	map_gfns(user, &gfn, 1, &m);
	release_gfns(user, &gfn, 1);
	fake_gfn_remove(DOM, gfn);
	fake_domain_create(OTHER_DOM, 4);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), DOM);
	KUNIT_EXPECT_EQ(test, fake_dma_mfn(m.bfn[0]), mfn);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), -1);
	if (platform(test)->isolates)
		KUNIT_EXPECT_EQ(test, fake_dma_mfn(m.bfn[0]), FAKE_NO_MFN);
	stop_user(test, user);
}

/* 12: Xen drops the reference after the flush. A page that is revived is not unmapped. */
static void flush_comes_before_the_reference_goes(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfn = 5;
	unsigned long mfn = fake_gfn_mfn(DOM, gfn);
	struct mapped m;
	int unref;

	map_gfns(user, &gfn, 1, &m);
	release_gfns(user, &gfn, 1);
	map_gfns(user, &gfn, 1, &m);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_xen_find_event(0, FAKE_EVENT_UNREF, mfn), -1);
	release_gfns(user, &gfn, 1);
	flush(user);
	unref = fake_xen_find_event(0, FAKE_EVENT_UNREF, mfn);
	KUNIT_EXPECT_GE(test, unref, 0);
	if (platform(test)->isolates) {
		KUNIT_EXPECT_GE(test, fake_xen_find_event(0, FAKE_EVENT_FLUSH, mfn), 0);
		KUNIT_EXPECT_LT(test, fake_xen_find_event(0, FAKE_EVENT_FLUSH, mfn), unref);
	}
	stop_user(test, user);
}

static struct kunit_case idle_cases[] = {
	KUNIT_CASE_PARAM(idle_pages_age, platforms_gen_params),
	KUNIT_CASE_PARAM(too_many_idle_pages_are_drained, platforms_gen_params),
	KUNIT_CASE_PARAM(debugfs_flush_drains_every_domain, platforms_gen_params),
	KUNIT_CASE_PARAM(refused_unmap_is_tried_again, platforms_gen_params),
	KUNIT_CASE_PARAM(page_can_be_idle_again_after_a_drain, platforms_gen_params),
	KUNIT_CASE_PARAM(idle_page_is_not_reused, platforms_gen_params),
	KUNIT_CASE_PARAM(flush_comes_before_the_reference_goes, platforms_gen_params),
	{}
};

static struct kunit_suite idle_suite = {
	.name = "xen_gpu_idle",
	.exit = map_fixture_exit,
	.test_cases = idle_cases,
};

kunit_test_suite(idle_suite);
