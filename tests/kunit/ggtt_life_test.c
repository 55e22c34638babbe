// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of how a shadow GGTT starts and ends, and of guests that die. The GPU of the fixture
 * watches every step; see gpu.h.
 */

#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "map/domain.h"
#include "modules.h"
#include "shadow_fixture.h"

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

/*
 * 5: a device with a narrow reach gets a scratch page within reach, though the allocator offers
 * others first.
 */
/*
 * Of PAGES pages some are out of reach, fewer than the number of tries. Other pages may be
 * anywhere.
 */
#define PAGES		64
#define IN_REACH	40

static int compare_pages(const void *a, const void *b)
{
	unsigned long left = page_to_pfn(*(struct page **)a);
	unsigned long right = page_to_pfn(*(struct page **)b);

	return left < right ? -1 : left > right;
}

static void scratch_page_within_reach_is_found(struct kunit *test)
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
	/* The allocator returns the page that was freed last. */
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

/* The end */

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
	/* Writes are still accepted. */
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

/* Bit 0 of the owner says that a task waits; see kernel/locking/mutex.c. */
static bool is_waited_for(const struct mutex *lock)
{
	return atomic_long_read(&lock->owner) & 1;
}

/* Starts a revalidation in a thread, and returns when that waits for the table's lock. */
static void race_with_a_revalidation(void *data)
{
	struct race *race = data;
	struct task_struct *task = kthread_run(revalidate_now, race, "revalidate");

	KUNIT_EXPECT_FALSE(race->s->test, IS_ERR(task));
	while (!is_waited_for(&race->s->gtt.shadow.lock) && !completion_done(&race->done))
		schedule();
	KUNIT_EXPECT_FALSE(race->s->test, completion_done(&race->done));
}

/* 9: a revalidation at the time of the table's exit maps nothing. */
static void revalidation_maps_nothing_while_the_table_exits(struct kunit *test)
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

static struct kunit_case ggtt_life_cases[] = {
	KUNIT_CASE_PARAM(end_of_the_guest_releases_everything_at_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(end_of_one_guest_leaves_the_other_working, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(exit_gives_everything_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(two_tables_of_one_guest_share_its_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(revalidation_maps_nothing_while_the_table_exits, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(empty_share_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(share_that_is_taken_is_refused_and_nothing_is_left, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(scratch_page_out_of_reach_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(scratch_page_within_reach_is_found, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_that_has_ended_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(start_fails_cleanly_at_every_allocation, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(start_fails_cleanly_at_every_range, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(fresh_table_is_all_scratch, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ggtt_life_suite = {
	.name = "xengt_ggtt_life",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ggtt_life_cases,
};

kunit_test_suite(ggtt_life_suite);
