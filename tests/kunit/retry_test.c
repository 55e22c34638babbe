// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of retries: a map that failed for want of memory, of quota, or under Xen's limit is retried
 * when it may succeed, and not too often.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
 */

#include <linux/jiffies.h>

#include "fake_xen.h"
#include "map/domain.h"
#include "map/event.h"
#include "map_fixture.h"
#include "modules.h"

/* Runs the retries of a revalidation that could not check all pages. */
static void fail_to_learn(struct mediator *user, unsigned int times)
{
	while (times--) {
		xen_gpu_event_again(user->client.domain);
		flush(user);
	}
}

static void start_failing(struct kunit *test, struct mediator *user)
{
	user_map_range(user, 5, 2);
	fake_domain_create(OTHER_DOM, 4);
	exchange_frame(5);
	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_moved, platform(test)->sees_frames ? 0u : 1u);
}

/* 4, 16: an event is handled at once, however far away the retry is. */
static void event_does_not_wait_for_a_retry(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned long due;

	start_failing(test, user);
	fail_to_learn(user, 5);
	due = READ_ONCE(user->client.domain->due);
	KUNIT_EXPECT_TRUE(test, time_after(due, jiffies + 10 * HZ));
	fake_gfn_remove(DOM, 6);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_TRUE(test, time_before(READ_ONCE(user->client.domain->due), due));
	wait_for(test, user->nr_gone == 1);
	fake_xen_fail_nothing();
	user_balloon(user);
	user_expect_good(user);
	stop_user(test, user);
}

/* 15: a page that can never be checked is dropped after some retries. */
static void page_that_cannot_be_checked_is_dropped(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	start_failing(test, user);
	fail_to_learn(user, 7);
	KUNIT_EXPECT_EQ(test, user->n, 2u);
	fail_to_learn(user, 1);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 1u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&user->client.domain->reval_work));
	fake_xen_fail_nothing();
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	user_expect_good(user);
	stop_user(test, user);
}

/* 15: failures are counted for each GFN: none is dropped because of another one's failures. */
static void failures_of_one_gfn_are_not_those_of_another(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	start_failing(test, user);
	fail_to_learn(user, 7);
	fake_xen_fail_gfn(DOM, 6, -ENOMEM);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 1u);
	KUNIT_EXPECT_NE(test, user_bfn(user, 6), 0ull);
	fake_xen_fail_nothing();
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	user_expect_good(user);
	stop_user(test, user);
}

/* 15: failures before the last check that succeeded do not count. */
static void failures_are_counted_anew_after_a_success(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	start_failing(test, user);
	fail_to_learn(user, 7);
	fake_xen_fail_nothing();
	user_balloon(user);
	user_expect_good(user);
	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	user_balloon(user);
	fail_to_learn(user, 7);
	KUNIT_EXPECT_EQ(test, user->n, 2u);
	fail_to_learn(user, 1);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 1u);
	fake_xen_fail_nothing();
	stop_user(test, user);
}

/* 8: a delay that is out of range is refused, and a shorter one applies to pending work. */
static void changed_parameter_applies_to_pending_work(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.balloon_delay_ms", "4294967295"),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.idle_age_ms", "4294967295"), -EINVAL);
	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.balloon_delay_ms", "600000"), 0);
	user_map_range(user, 5, 2);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.balloon_delay_ms", "1"), 0);
	wait_for(test, counter("revalidations") == 1);
	/* The idle list's next tick is in ten minutes. */
	user_unmap_all(user);
	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.idle_age_ms", "1"), 0);
	wait_for(test, counter("drained_age") == 2);
	stop_user(test, user);
}

static void next_tick_is_not_before(struct mediator *user, unsigned long when)
{
	struct delayed_work *tick = &user->client.domain->age_work;

	KUNIT_EXPECT_TRUE(user->test, delayed_work_pending(tick));
	KUNIT_EXPECT_FALSE(user->test, time_before(tick->timer.expires, when));
}

/* 8: an unmap that Xen refused is retried after a pause. */
static void refused_unmap_is_tried_again_after_a_pause(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned long start = jiffies;

	module_param_set("xen_gpu_map.idle_age_ms", "0");
	fake_xen_fail_unmap(DOM, 5, -EIO);
	user_map_range(user, 5, 1);
	user_unmap_all(user);
	wait_for(test, counter("unmap_failed") == 1 &&
		 delayed_work_pending(&user->client.domain->age_work));
	next_tick_is_not_before(user, start + HZ);
	fake_xen_fail_nothing();
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* 8: a map that waits for a refused unmap is retried when the unmap is. */
static void map_behind_a_refused_unmap_is_not_retried_at_once(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;

	user_map_range(user, 5, 1);
	fake_xen_fail_unmap(DOM, 5, -EIO);
	fake_gfn_remove(DOM, 5);
	fake_gfn_populate(DOM, 5);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_moved, 1u);
	user_unmap(user, 5);
	xen_gpu_balloon_event(dom);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -EAGAIN);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(dom), -EIO);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&dom->reval_work));
	KUNIT_EXPECT_GE(test, (long)(dom->due - jiffies), (long)HZ / 2);
	fake_xen_fail_nothing();
	flush(user);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	user_expect_good(user);
	stop_user(test, user);
}

/* 15: clients that were refused for want of quota are notified when some is free. */
static void free_quota_is_notified_to_refused_clients(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 2);
	unsigned int told;

	user_map_range(user, 5, 2);
	told = user->nr_revalidated;
	/* No client was refused, so none is notified. */
	user_unmap(user, 5);
	user_map_range(user, 5, 1);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&user->client.domain->reval_work));
	KUNIT_EXPECT_EQ(test, user_map(user, 7), -ENOSPC);
	user_unmap(user, 5);
	wait_for(test, user->nr_revalidated == told + 1);
	KUNIT_EXPECT_EQ(test, user_map(user, 7), 0);
	KUNIT_EXPECT_EQ(test, user_map(user, 8), -ENOSPC);
	raise_quota(test, user, 3);
	wait_for(test, user->nr_revalidated == told + 2);
	KUNIT_EXPECT_EQ(test, user_map(user, 8), 0);
	KUNIT_EXPECT_EQ(test, counter("revalidations"), 0ull);
	stop_user(test, user);
}

/* 15: a refusal for want of memory is retried by time, as nothing tells when memory is free. */
static void refusal_for_want_of_memory_is_tried_again(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 4);

	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -ENOMEM);
	fake_xen_fail_nothing();
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&user->client.domain->reval_work));
	flush(user);
	KUNIT_EXPECT_EQ(test, user->nr_revalidated, 1u);
	stop_user(test, user);
}

/* 13: a page has another frame, and Xen's limit allows no second mapping. */
static void replaced_page_is_gone_at_xens_limit(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct neighbour other;

	user_map_range(user, 5, 2);
	start_neighbour(test, &other);
	KUNIT_EXPECT_EQ(test, neighbour_map(&other, 3), 0);
	fake_xen_set_dev_map_limit(3);
	fake_gfn_remove(DOM, 5);
	fake_gfn_populate(DOM, 5);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 1u);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	user_expect_good(user);
	neighbour_unmap(&other, 3);
	stop_neighbour(&other);
	stop_user(test, user);
}

/* 15: Xen's limit is shared by all guests. At the limit idle pages of any guest are drained. */
static void idle_pages_of_other_guests_are_drained_at_xens_limit(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct neighbour other;

	fake_xen_set_dev_map_limit(8);
	start_neighbour(test, &other);
	user_map_range(user, 0, 8);
	KUNIT_EXPECT_EQ(test, neighbour_map(&other, 3), -ENOSPC);
	user_unmap(user, 7);
	wait_for(test, other.nr_revalidated == 1);
	KUNIT_EXPECT_EQ(test, neighbour_map(&other, 3), 0);
	KUNIT_EXPECT_EQ(test, counter("drained_quota"), 1ull);
	KUNIT_EXPECT_EQ(test, user->n, 7u);
	user_expect_good(user);
	neighbour_unmap(&other, 3);
	stop_neighbour(&other);
	stop_user(test, user);
}

/* 16: a guest whose lock is taken is skipped, and its idle pages stay. */
static void busy_guest_is_skipped_at_xens_limit(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct neighbour other;

	fake_xen_set_dev_map_limit(8);
	start_neighbour(test, &other);
	user_map_range(user, 0, 8);
	user_unmap_all(user);
	/* Nested for lockdep, which has one class for the locks of all guests. */
	mutex_lock_nested(&user->client.domain->lock, SINGLE_DEPTH_NESTING);
	KUNIT_EXPECT_EQ(test, neighbour_map(&other, 3), -ENOSPC);
	mutex_unlock(&user->client.domain->lock);
	KUNIT_EXPECT_EQ(test, neighbour_map(&other, 3), 0);
	neighbour_unmap(&other, 3);
	stop_neighbour(&other);
	stop_user(test, user);
}

/* 8: a pause follows each revalidation, even one that takes less than a jiffy. */
static void short_revalidations_have_pauses_too(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned long start;
	unsigned int i;

	user_map_range(user, 5, 1);
	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.balloon_delay_ms", "0"), 0);
	start = jiffies;
	for (i = 0; i < 50; i++) {
		xen_gpu_balloon_event(user->client.domain);
		KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), 0);
	}
	KUNIT_EXPECT_GE(test, jiffies - start, 49ul);
	stop_user(test, user);
}

static struct kunit_case retry_cases[] = {
	KUNIT_CASE_PARAM(event_does_not_wait_for_a_retry, platforms_gen_params),
	KUNIT_CASE_PARAM(page_that_cannot_be_checked_is_dropped, platforms_gen_params),
	KUNIT_CASE_PARAM(failures_of_one_gfn_are_not_those_of_another, platforms_gen_params),
	KUNIT_CASE_PARAM(failures_are_counted_anew_after_a_success, platforms_gen_params),
	KUNIT_CASE_PARAM(short_revalidations_have_pauses_too, native_gen_params),
	KUNIT_CASE_PARAM(changed_parameter_applies_to_pending_work, platforms_gen_params),
	KUNIT_CASE_PARAM(refused_unmap_is_tried_again_after_a_pause, native_gen_params),
	KUNIT_CASE_PARAM(free_quota_is_notified_to_refused_clients, platforms_gen_params),
	KUNIT_CASE_PARAM(refusal_for_want_of_memory_is_tried_again, platforms_gen_params),
	KUNIT_CASE_PARAM(replaced_page_is_gone_at_xens_limit, native_gen_params),
	KUNIT_CASE_PARAM(map_behind_a_refused_unmap_is_not_retried_at_once, native_gen_params),
	KUNIT_CASE_PARAM(idle_pages_of_other_guests_are_drained_at_xens_limit, native_gen_params),
	KUNIT_CASE_PARAM(busy_guest_is_skipped_at_xens_limit, native_gen_params),
	{}
};

static struct kunit_suite retry_suite = {
	.name = "xen_gpu_retry",
	.exit = map_fixture_exit,
	.test_cases = retry_cases,
};

kunit_test_suite(retry_suite);
