// SPDX-License-Identifier: GPL-2.0
/*
 * Events and generations: what was learnt before an event is not trusted after it, what a notice
 * names stays as it is until the notice is delivered, what was refused is tried again when there is
 * room, and nobody waits for long work.
 */

#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fake_xen.h"
#include "map/domain.h"
#include "map/event.h"
#include "map_fixture.h"
#include "modules.h"

static void balloon(struct mediator *user)
{
	xen_gpu_balloon_event(user->client.domain);
	flush(user);
}

/* The guest gives a page away, another guest gets its frame, and the guest gets another page. */
static void exchange(u64 gfn)
{
	static u64 other_gfn = 1000;

	fake_gfn_remove(DOM, gfn);
	fake_gfn_populate(OTHER_DOM, other_gfn++);
	fake_gfn_populate(DOM, gfn);
}

static void map_some(struct kunit *test, struct mediator *user, u64 first, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, user_map(user, first + i), 0);
}

/* Every entry of the user's leads to the page that the guest has there. */
static void expect_good(struct mediator *user)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(user->test, user_check(user), 0u);
	for (i = 0; i < user->n; i++)
		KUNIT_EXPECT_TRUE(user->test, fake_dma_reaches(user->entries[i].bfn, DOM,
							       user->entries[i].gfn));
}

/* What another vCPU's trap can do before the client gets the lock that it needs to act. */
static void trap_in_between(struct mediator *user, const struct xen_gpu_move *moves,
			    unsigned int n)
{
	if (moves[0].gfn != 6 || moves[0].status)
		return;
	user->on_moved = NULL;
	user_unmap(user, 6);
	/* The quota is 1: a page that could be drained would be. */
	KUNIT_EXPECT_EQ(user->test, user_map(user, 20), -ENOSPC);
	exchange(6);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(user->test, user_map(user, 6), 0);
	KUNIT_EXPECT_EQ(user->test, user_bfn(user, 6), moves[0].bfn);
}

/* 13: a notice is as true when it is delivered as it was when it was made */
static void what_a_notice_names_stays_until_it_is_delivered(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 1);

	fake_domain_create(OTHER_DOM, 4);
	map_some(test, user, 6, 1);
	exchange(6);
	user->on_moved = trap_in_between;
	balloon(user);
	balloon(user);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	expect_good(user);
	stop_user(test, user);
}

/* 13: a page that was idle when the event came is mapped anew, not revived */
static void idle_page_is_not_revived_after_an_event(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	fake_domain_create(OTHER_DOM, 4);
	module_param_set("xen_gpu_map.balloon_delay_ms", "60000");
	map_some(test, user, 5, 2);
	user_unmap_all(user);
	exchange(5);
	xen_gpu_balloon_event(user->client.domain);
	map_some(test, user, 5, 2);
	expect_good(user);
	KUNIT_EXPECT_EQ(test, counter("revived"), 0ull);
	KUNIT_EXPECT_EQ(test, counter("set_aside"), 2ull);
	/* The old mappings, which nobody has, go with the revalidation. */
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 2ul);
	expect_good(user);
	stop_user(test, user);
}

/* Again and again, before any revalidation: each time it is the guest's page. */
static void page_that_is_set_aside_twice(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;

	fake_domain_create(OTHER_DOM, 4);
	module_param_set("xen_gpu_map.balloon_delay_ms", "60000");
	for (i = 0; i < 4; i++) {
		map_some(test, user, 5, 1);
		expect_good(user);
		user_unmap_all(user);
		exchange(5);
		xen_gpu_balloon_event(user->client.domain);
	}
	KUNIT_EXPECT_EQ(test, counter("set_aside"), 3ull);
	KUNIT_EXPECT_LE(test, fake_total_refs(), 2ul);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

static void bind_an_idle_page(struct mediator *user, const struct xen_gpu_move *moves,
			      unsigned int n)
{
	user->on_moved = NULL;
	KUNIT_EXPECT_EQ(user->test, user_map(user, 6), 0);
}

/* 13: a revalidation looks at what is live; that says nothing about what is idle beside it */
static void what_is_idle_is_not_trusted_because_others_were_looked_at(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	fake_domain_create(OTHER_DOM, 4);
	map_some(test, user, 5, 2);
	user_unmap(user, 6);
	exchange(5);
	exchange(6);
	user->on_moved = bind_an_idle_page;
	balloon(user);
	KUNIT_EXPECT_EQ(test, user->n, 2u);
	expect_good(user);
	stop_user(test, user);
}

/* After the revalidation what is mapped is trusted again: reviving is free. */
static void trust_comes_back(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	map_some(test, user, 5, 3);
	balloon(user);
	user_unmap_all(user);
	fake_xen_reset_calls();
	map_some(test, user, 5, 3);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	KUNIT_EXPECT_EQ(test, counter("revived"), 3ull);
	stop_user(test, user);
}

/* 13: whoever waits for the events up to now gets entries that are good */
static void wait_is_over_when_the_events_were_acted_upon(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	fake_domain_create(OTHER_DOM, 4);
	module_param_set("xen_gpu_map.balloon_delay_ms", "60000");
	map_some(test, user, 5, 1);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, counter("revalidations"), 0ull);
	exchange(5);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, counter("revalidations"), 1ull);
	expect_good(user);
	stop_user(test, user);
}

static void nobody_waits_for_a_dead_guest(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	module_param_set("xen_gpu_map.balloon_delay_ms", "60000");
	map_some(test, user, 5, 1);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, user->nr_ended == 1);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), -ENODEV);
	stop_user(test, user);
}

/* A revalidation that cannot learn everything is tried again later, and later. */
static void fail_to_learn(struct mediator *user, unsigned int times)
{
	while (times--) {
		xen_gpu_event_again(user->client.domain);
		flush(user);
	}
}

static void start_failing(struct kunit *test, struct mediator *user)
{
	map_some(test, user, 5, 2);
	fake_domain_create(OTHER_DOM, 4);
	exchange(5);
	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_moved, platform(test)->sees_frames ? 0u : 1u);
}

/* 16 (and 4): an event is acted upon at once, however far away the retry is */
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
	balloon(user);
	expect_good(user);
	stop_user(test, user);
}

/* 15: what cannot be looked at for good is not kept for good */
static void what_cannot_be_looked_at_is_let_go(struct kunit *test)
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
	expect_good(user);
	stop_user(test, user);
}

/* 15: each GFN has its own tries: none is gone because of another one's failures */
static void failures_of_one_gfn_are_not_those_of_another(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	start_failing(test, user);
	fail_to_learn(user, 7);
	fake_xen_fail_gfn(DOM, 6, -ENOMEM);
	balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 1u);
	KUNIT_EXPECT_NE(test, user_bfn(user, 6), 0ull);
	fake_xen_fail_nothing();
	balloon(user);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	expect_good(user);
	stop_user(test, user);
}

/* 15: tries before the last one that told something do not count */
static void failures_are_counted_anew_after_a_success(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	start_failing(test, user);
	fail_to_learn(user, 7);
	fake_xen_fail_nothing();
	balloon(user);
	expect_good(user);
	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	balloon(user);
	fail_to_learn(user, 7);
	KUNIT_EXPECT_EQ(test, user->n, 2u);
	fail_to_learn(user, 1);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 1u);
	fake_xen_fail_nothing();
	stop_user(test, user);
}

/* 8: also if a revalidation takes less than a jiffy: each has to wait for the next one. */
static void short_revalidations_have_pauses_too(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned long start;
	unsigned int i;

	map_some(test, user, 5, 1);
	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.balloon_delay_ms", "0"), 0);
	start = jiffies;
	for (i = 0; i < 50; i++) {
		xen_gpu_balloon_event(user->client.domain);
		KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), 0);
	}
	KUNIT_EXPECT_GE(test, jiffies - start, 49ul);
	stop_user(test, user);
}

/* A delay that was set by mistake can be taken back. */
static void parameters_have_ranges_and_what_is_pending_follows(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.balloon_delay_ms", "4294967295"),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.idle_age_ms", "4294967295"), -EINVAL);
	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.balloon_delay_ms", "600000"), 0);
	map_some(test, user, 5, 2);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(test, module_param_set("xen_gpu_map.balloon_delay_ms", "1"), 0);
	wait_for(test, counter("revalidations") == 1);
	/* The clock of the unmap queue ticks in ten minutes. */
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

/* 8: Xen is not asked without a pause for what it refuses */
static void refused_unmap_is_tried_again_after_a_pause(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned long start = jiffies;

	module_param_set("xen_gpu_map.idle_age_ms", "0");
	fake_xen_fail_unmap(DOM, 5, -EIO);
	map_some(test, user, 5, 1);
	user_unmap_all(user);
	wait_for(test, counter("unmap_failed") == 1 &&
		 delayed_work_pending(&user->client.domain->age_work));
	next_tick_is_not_before(user, start + HZ);
	fake_xen_fail_nothing();
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* 15: whoever makes room in the quota makes it known */
static void room_in_the_quota_is_made_known(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 2);
	unsigned int told;

	map_some(test, user, 5, 2);
	told = user->nr_settled;
	/* Nobody was refused: nobody is told. */
	user_unmap(user, 5);
	map_some(test, user, 5, 1);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&user->client.domain->reval_work));
	KUNIT_EXPECT_EQ(test, user_map(user, 7), -ENOSPC);
	user_unmap(user, 5);
	wait_for(test, user->nr_settled == told + 1);
	KUNIT_EXPECT_EQ(test, user_map(user, 7), 0);
	KUNIT_EXPECT_EQ(test, user_map(user, 8), -ENOSPC);
	raise_quota(test, user, 3);
	wait_for(test, user->nr_settled == told + 2);
	KUNIT_EXPECT_EQ(test, user_map(user, 8), 0);
	KUNIT_EXPECT_EQ(test, counter("revalidations"), 0ull);
	stop_user(test, user);
}

/* 15: nobody says when there is memory, so it is tried again */
static void refusal_for_want_of_memory_is_tried_again(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 4);

	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -ENOMEM);
	fake_xen_fail_nothing();
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&user->client.domain->reval_work));
	flush(user);
	KUNIT_EXPECT_EQ(test, user->nr_settled, 1u);
	stop_user(test, user);
}

/* 13: Xen says that a page has another frame, and has no room for a second mapping */
static void page_with_another_frame_is_gone_though_there_is_no_room(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct neighbour other;

	map_some(test, user, 5, 2);
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
	expect_good(user);
	neighbour_unmap(&other, 3);
	stop_neighbour(&other);
	stop_user(test, user);
}

/* 4: Xen took everything: what is undone later must not be what was mapped since */
static void idle_page_that_xen_took_waits_for_the_revalidation(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;

	map_some(test, user, 5, 2);
	user_unmap(user, 5);
	fake_dev_map_revoke(DOM);
	user->nr_bad = 0;
	mutex_lock(&dom->notify_lock);
	xen_gpu_event_suspect(dom);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -EAGAIN);
	mutex_unlock(&dom->notify_lock);
	xen_gpu_flush(dom);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 2ul);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	user->nr_bad = 0;	/* the frames that were revoked */
	stop_user(test, user);
}

/* 4: the same if the first look of the revalidation told nothing */
static void doubt_lasts_until_all_was_learnt(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;

	map_some(test, user, 5, 2);
	fake_dev_map_revoke(DOM);
	fake_xen_fail_call(FAKE_CALL_DEV_LOOKUP, 1, -ENOMEM);
	xen_gpu_event_suspect(dom);
	flush(user);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	user_unmap(user, 5);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&dom->reval_work));
	flush(user);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 2ul);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	user->nr_bad = 0;	/* the frames that were revoked */
	stop_user(test, user);
}

/* 4: the same for a page that was set aside, and not mapped anew, before Xen took everything */
static void page_set_aside_that_xen_took_is_not_mapped_anew(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;

	map_some(test, user, 5, 1);
	user_unmap(user, 5);
	mutex_lock(&dom->notify_lock);
	xen_gpu_balloon_event(dom);
	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -ENOMEM);
	fake_xen_fail_nothing();
	KUNIT_EXPECT_EQ(test, counter("set_aside"), 1ull);
	fake_dev_map_revoke(DOM);
	xen_gpu_event_suspect(dom);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -EAGAIN);
	mutex_unlock(&dom->notify_lock);
	flush(user);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* 8: what is set aside is not in the quota, and no more than it */
static void what_is_set_aside_is_bounded(struct kunit *test)
{
	struct mediator *user = start_user(test, 256, 8);
	u64 gfn;

	for (gfn = 0; gfn < 64; gfn++) {
		KUNIT_EXPECT_EQ(test, user_map(user, gfn), 0);
		user_unmap(user, gfn);
		fake_gfn_remove(DOM, gfn);
		xen_gpu_balloon_event(user->client.domain);
		KUNIT_EXPECT_EQ(test, user_map(user, gfn), -ENOENT);
		KUNIT_EXPECT_LE(test, fake_total_refs(), 16ul);
	}
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* 8: what waits for Xen to take a mapping away waits as long as that is tried */
static void refused_unmap_has_nobody_retry_at_once(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;

	map_some(test, user, 5, 1);
	fake_xen_fail_unmap(DOM, 5, -EIO);
	fake_gfn_remove(DOM, 5);
	fake_gfn_populate(DOM, 5);
	balloon(user);
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
	expect_good(user);
	stop_user(test, user);
}

/* 15: at Xen's limit, which is one for all guests, idle pages of any guest make room */
static void idle_pages_of_another_guest_make_room(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct neighbour other;

	fake_xen_set_dev_map_limit(8);
	start_neighbour(test, &other);
	map_some(test, user, 0, 8);
	KUNIT_EXPECT_EQ(test, neighbour_map(&other, 3), -ENOSPC);
	user_unmap(user, 7);
	wait_for(test, other.nr_settled == 1);
	KUNIT_EXPECT_EQ(test, neighbour_map(&other, 3), 0);
	KUNIT_EXPECT_EQ(test, counter("drained_quota"), 1ull);
	KUNIT_EXPECT_EQ(test, user->n, 7u);
	expect_good(user);
	neighbour_unmap(&other, 3);
	stop_neighbour(&other);
	stop_user(test, user);
}

/* 16: a guest that somebody is busy with is not waited for: what it has idle is not taken */
static void busy_guest_is_not_waited_for(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct neighbour other;

	fake_xen_set_dev_map_limit(8);
	start_neighbour(test, &other);
	map_some(test, user, 0, 8);
	user_unmap_all(user);
	/* Another guest's lock, for lockdep, which knows one class of them */
	mutex_lock_nested(&user->client.domain->lock, SINGLE_DEPTH_NESTING);
	KUNIT_EXPECT_EQ(test, neighbour_map(&other, 3), -ENOSPC);
	mutex_unlock(&user->client.domain->lock);
	KUNIT_EXPECT_EQ(test, neighbour_map(&other, 3), 0);
	neighbour_unmap(&other, 3);
	stop_neighbour(&other);
	stop_user(test, user);
}

/* 4: Xen took everything from us and gave the target back; what cannot be mapped again is gone */
static void lost_page_without_a_new_mapping_is_gone(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	map_some(test, user, 5, 2);
	fake_dev_map_revoke(DOM);
	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	/* Nothing holds the frame: no entry may lead to it, whatever Xen says about a new one. */
	user->on_moved = NULL;
	xen_gpu_balloon_event(user->client.domain);
	xen_gpu_flush(user->client.domain);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_gone + user->nr_moved, 2u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	fake_xen_fail_nothing();
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	expect_good(user);
	user->nr_bad = 0;	/* the frames that were revoked */
	stop_user(test, user);
}

/* 8: what a revalidation leaves over goes, and with it the block */
static void block_of_a_leftover_goes_with_it(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	fake_domain_create(OTHER_DOM, 4);
	map_some(test, user, 5, 1);
	exchange(5);
	fake_xen_fail_unmap(DOM, 5, -EIO);
	xen_gpu_balloon_event(user->client.domain);
	xen_gpu_flush(user->client.domain);
	user_unmap_all(user);
	xen_gpu_flush(user->client.domain);
	fake_xen_fail_nothing();
	xen_gpu_event_again(user->client.domain);
	flush(user);
	KUNIT_EXPECT_EQ(test, counter("blocks"), 0ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* 4: one notice for an event, whatever the number of blocks */
static void one_notice_for_all_blocks(struct kunit *test)
{
	const unsigned int blocks = 24;
	struct mediator *user = start_user(test, 512 * blocks, 512 * blocks);
	unsigned int i;

	for (i = 0; i < blocks; i++)
		map_some(test, user, 512 * i, 40);
	for (i = 0; i < blocks; i++)
		fake_gfn_remove(DOM, 512 * i + 7);
	balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_calls, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, blocks);
	KUNIT_EXPECT_EQ(test, user->nr_moved, platform(test)->sees_frames ? 0 : 39 * blocks);
	expect_good(user);
	stop_user(test, user);
}

/*
 * What was noticed in blocks before, and let go, is not held twice any more; what this notice says
 * has moved is.
 */
static void expect_both_sides_of_moves_held(struct mediator *user, const struct xen_gpu_move *moves,
					    unsigned int n)
{
	unsigned int i, moving = 0;

	for (i = 0; i < n; i++)
		moving += !moves[i].status;
	KUNIT_EXPECT_EQ(user->test, fake_total_refs(), (unsigned long)user->n + moving);
}

#define NOTICE_BLOCKS	4
#define NOTICE_PAGES	250	/* in each */

/* Every page of each block gets a new frame, but for one that is gone. */
static struct mediator *change_all(struct kunit *test)
{
	struct mediator *user = start_user(test, 512 * NOTICE_BLOCKS, USER_ENTRIES);
	unsigned int block, i;

	fake_domain_create(OTHER_DOM, 4);
	for (block = 0; block < NOTICE_BLOCKS; block++) {
		map_some(test, user, 512 * block, NOTICE_PAGES);
		for (i = 0; i < NOTICE_PAGES; i++)
			exchange(512 * block + i);
		fake_gfn_remove(DOM, 512 * block + 7);
	}
	user->on_moved = expect_both_sides_of_moves_held;
	return user;
}

static void expect_all_changed(struct mediator *user)
{
	const unsigned int n = NOTICE_BLOCKS * (NOTICE_PAGES - 1);

	KUNIT_EXPECT_EQ(user->test, user->nr_gone, NOTICE_BLOCKS);
	KUNIT_EXPECT_EQ(user->test, user->nr_moved, n);
	KUNIT_EXPECT_EQ(user->test, user->n, n);
	KUNIT_EXPECT_EQ(user->test, fake_total_refs(), (unsigned long)n);
	KUNIT_EXPECT_EQ(user->test, counter("moved"), (u64)n);
	KUNIT_EXPECT_EQ(user->test, counter("gone"), (u64)NOTICE_BLOCKS);
	expect_good(user);
}

/* 4, 6: without memory for a longer notice what was gathered is delivered in parts */
static void notice_without_memory_is_delivered_in_parts(struct kunit *test)
{
	struct mediator *user = change_all(test);

	fake_fail_kvmalloc(1);
	balloon(user);
	KUNIT_EXPECT_EQ(test, fake_kvmalloc_failures(), NOTICE_BLOCKS);
	KUNIT_EXPECT_EQ(test, user->nr_calls, NOTICE_BLOCKS);
	expect_all_changed(user);
	stop_user(test, user);
}

/* The same with memory for a notice of twice the length, but for no more. */
static void notice_grows_as_long_as_there_is_memory(struct kunit *test)
{
	struct mediator *user = change_all(test);

	fake_fail_kvmalloc(4 * 512 * sizeof(struct xen_gpu_move));
	balloon(user);
	KUNIT_EXPECT_EQ(test, fake_kvmalloc_failures(), 1u);
	KUNIT_EXPECT_EQ(test, user->nr_calls, 2u);
	expect_all_changed(user);
	stop_user(test, user);
}

/* Somebody who wants the lock while pages are unmapped one by one */
struct waiting {
	struct mediator *user;
	struct task_struct *thread;
	struct completion done;
	unsigned int unmaps;		/* while it waited */
	bool got_it;
};

static int wait_for_lock(void *arg)
{
	struct waiting *w = arg;

	mutex_lock(&w->user->client.domain->lock);
	w->got_it = true;
	mutex_unlock(&w->user->client.domain->lock);
	complete(&w->done);
	return 0;
}

static void count_unmaps(enum fake_call kind, void *arg)
{
	struct waiting *w = arg;

	if (kind != FAKE_CALL_REMOVE_FROM_PHYSMAP || w->got_it)
		return;
	w->unmaps++;
	if (!w->thread)
		w->thread = kthread_run(wait_for_lock, w, "lock_waiter");
	/* It runs up to the lock. */
	schedule_timeout_uninterruptible(1);
}

static void expect_short_waits(struct waiting *w)
{
	fake_xen_set_hook(NULL, NULL);
	KUNIT_EXPECT_NOT_NULL(w->user->test, w->thread);
	if (w->thread)
		wait_for_completion(&w->done);
	/* A chunk, and another one if the lock was taken again before it could have it */
	KUNIT_EXPECT_LE(w->user->test, w->unmaps, 33u);
	*w = (struct waiting){ .user = w->user };
	init_completion(&w->done);
}

/*
 * Pages that are idle at an event are mapped anew, and their old mappings set aside. At the second
 * event those have to go first.
 */
static void map_twice_set_aside(struct mediator *user, struct waiting *w, const u64 *gfns)
{
	struct kunit *test = user->test;
	unsigned int round, mapped;
	struct mapped m;

	flush(user);
	KUNIT_ASSERT_EQ(test, map_gfns(user, gfns, 64, &m), 64u);
	release_gfns(user, gfns, 64);
	for (round = 1; round <= 2; round++) {
		xen_gpu_balloon_event(user->client.domain);
		fake_xen_set_hook(count_unmaps, w);
		mapped = map_gfns(user, gfns, 64, &m);
		KUNIT_EXPECT_EQ(test, mapped, round == 1 ? 64u : 16u);
		if (round == 1)
			release_gfns(user, gfns, 64);
	}
	KUNIT_EXPECT_EQ(test, m.status[63], -EAGAIN);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&user->client.domain->reval_work));
	expect_short_waits(w);
	release_gfns(user, gfns, 16);
	flush(user);
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 64, &m), 64u);
	release_gfns(user, gfns, 64);
	flush(user);
}

/* 16: what takes a flush for each page lets others in between */
static void lock_is_let_go_between_flushes(struct kunit *test)
{
	struct mediator *user = start_user(test, 4096, 200);
	struct waiting w = { .user = user };
	const u64 base = 600;
	u64 gfns[64];
	struct mapped m;
	unsigned int i;

	init_completion(&w.done);
	map_some(test, user, 0, 200);
	/* a revalidation */
	xen_gpu_balloon_event(user->client.domain);
	fake_xen_set_hook(count_unmaps, &w);
	flush(user);
	expect_short_waits(&w);
	/* room for others */
	user_unmap_all(user);
	for (i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = base + i;
	fake_xen_set_hook(count_unmaps, &w);
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, ARRAY_SIZE(gfns), &m), 64u);
	expect_short_waits(&w);
	release_gfns(user, gfns, ARRAY_SIZE(gfns));
	map_twice_set_aside(user, &w, gfns);
	/* the end */
	map_some(test, user, 0, 200);
	fake_xen_set_hook(count_unmaps, &w);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, user->nr_ended == 1 && !fake_domain_exists(DOM));
	expect_short_waits(&w);
	stop_user(test, user);
}

#define MANY_GFNS	(4 * XEN_GPU_BATCH)

/* A release of many GFNs, and somebody who wants the lock meanwhile */
struct long_release {
	struct mediator *user;
	u64 gfns[MANY_GFNS];
	unsigned long idle;	/* how many were released when the other one had the lock */
	struct completion released;
	struct completion looked;
};

static int release_many(void *data)
{
	struct long_release *r = data;

	release_gfns(r->user, r->gfns, MANY_GFNS);
	complete(&r->released);
	return 0;
}

/* Runs as soon as it is woken. */
static int look_in_between(void *data)
{
	struct long_release *r = data;
	struct xen_gpu_domain *dom = r->user->client.domain;

	sched_set_fifo(current);
	mutex_lock(&dom->lock);
	r->idle = dom->table.nr_idle;
	mutex_unlock(&dom->lock);
	complete(&r->looked);
	return 0;
}

static struct long_release *map_many(struct kunit *test, struct mediator *user)
{
	struct long_release *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	struct mapped m;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->user = user;
	init_completion(&r->released);
	init_completion(&r->looked);
	for (i = 0; i < MANY_GFNS; i++) {
		r->gfns[i] = i;
		KUNIT_ASSERT_EQ(test, map_gfns(user, &r->gfns[i], 1, &m), 1u);
	}
	return r;
}

/* 8: who releases many GFNs lets others in between */
static void lock_is_dropped_in_a_long_release(struct kunit *test)
{
	struct mediator *user = start_user(test, MANY_GFNS, MANY_GFNS);
	struct xen_gpu_domain *dom = user->client.domain;
	struct long_release *r = map_many(test, user);

	/* The two wait for the lock in this order. */
	mutex_lock(&dom->lock);
	kthread_run(release_many, r, "release_many");
	schedule_timeout_uninterruptible(2);
	kthread_run(look_in_between, r, "look_in_between");
	schedule_timeout_uninterruptible(2);
	mutex_unlock(&dom->lock);
	wait_for_completion(&r->released);
	wait_for_completion(&r->looked);
	KUNIT_EXPECT_GT(test, r->idle, 0ul);
	KUNIT_EXPECT_LT(test, r->idle, (unsigned long)MANY_GFNS);
	stop_user(test, user);
}

static const void *only(const void *prev, char *desc, const char *backend)
{
	const struct platform *p = prev;

	do {
		p = platforms_gen_params(p, desc);
	} while (p && strcmp(p->backend, backend));
	return p;
}

static const void *physmap_gen_params(const void *prev, char *desc)
{
	return only(prev, desc, "physmap");
}

static const void *native_gen_params(const void *prev, char *desc)
{
	return only(prev, desc, "native");
}

static struct kunit_case event_cases[] = {
	KUNIT_CASE_PARAM(what_a_notice_names_stays_until_it_is_delivered, platforms_gen_params),
	KUNIT_CASE_PARAM(idle_page_is_not_revived_after_an_event, platforms_gen_params),
	KUNIT_CASE_PARAM(page_that_is_set_aside_twice, platforms_gen_params),
	KUNIT_CASE_PARAM(what_is_idle_is_not_trusted_because_others_were_looked_at,
			 platforms_gen_params),
	KUNIT_CASE_PARAM(trust_comes_back, platforms_gen_params),
	KUNIT_CASE_PARAM(wait_is_over_when_the_events_were_acted_upon, platforms_gen_params),
	KUNIT_CASE_PARAM(nobody_waits_for_a_dead_guest, platforms_gen_params),
	KUNIT_CASE_PARAM(event_does_not_wait_for_a_retry, platforms_gen_params),
	KUNIT_CASE_PARAM(what_cannot_be_looked_at_is_let_go, platforms_gen_params),
	KUNIT_CASE_PARAM(failures_of_one_gfn_are_not_those_of_another, platforms_gen_params),
	KUNIT_CASE_PARAM(failures_are_counted_anew_after_a_success, platforms_gen_params),
	KUNIT_CASE_PARAM(short_revalidations_have_pauses_too, native_gen_params),
	KUNIT_CASE_PARAM(parameters_have_ranges_and_what_is_pending_follows, platforms_gen_params),
	KUNIT_CASE_PARAM(refused_unmap_is_tried_again_after_a_pause, native_gen_params),
	KUNIT_CASE_PARAM(room_in_the_quota_is_made_known, platforms_gen_params),
	KUNIT_CASE_PARAM(refusal_for_want_of_memory_is_tried_again, platforms_gen_params),
	KUNIT_CASE_PARAM(page_with_another_frame_is_gone_though_there_is_no_room,
			 native_gen_params),
	KUNIT_CASE_PARAM(idle_page_that_xen_took_waits_for_the_revalidation, native_gen_params),
	KUNIT_CASE_PARAM(doubt_lasts_until_all_was_learnt, native_gen_params),
	KUNIT_CASE_PARAM(page_set_aside_that_xen_took_is_not_mapped_anew, native_gen_params),
	KUNIT_CASE_PARAM(what_is_set_aside_is_bounded, platforms_gen_params),
	KUNIT_CASE_PARAM(refused_unmap_has_nobody_retry_at_once, native_gen_params),
	KUNIT_CASE_PARAM(idle_pages_of_another_guest_make_room, native_gen_params),
	KUNIT_CASE_PARAM(busy_guest_is_not_waited_for, native_gen_params),
	KUNIT_CASE_PARAM(lost_page_without_a_new_mapping_is_gone, native_gen_params),
	KUNIT_CASE_PARAM(block_of_a_leftover_goes_with_it, native_gen_params),
	KUNIT_CASE_PARAM(one_notice_for_all_blocks, platforms_gen_params),
	KUNIT_CASE_PARAM(notice_without_memory_is_delivered_in_parts, platforms_gen_params),
	KUNIT_CASE_PARAM(notice_grows_as_long_as_there_is_memory, platforms_gen_params),
	KUNIT_CASE_PARAM(lock_is_let_go_between_flushes, physmap_gen_params),
	KUNIT_CASE_PARAM(lock_is_dropped_in_a_long_release, stock_platforms_gen_params),
	{}
};

static struct kunit_suite event_suite = {
	.name = "xen_gpu_event",
	.exit = map_fixture_exit,
	.test_cases = event_cases,
};

kunit_test_suite(event_suite);
