// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of balloon events: what was known before an event is not trusted after it, and pages in a
 * notice do not change until it is delivered.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
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

/* Another vCPU's trap, before the client has the lock that it needs for the notice. */
static void trap_in_between(struct mediator *user, const struct xen_gpu_move *moves,
			    unsigned int n)
{
	if (moves[0].gfn != 6 || moves[0].status)
		return;
	user->on_remap = NULL;
	user_unmap(user, 6);
	/* The quota is 1: an idle page would be drained for this one. */
	KUNIT_EXPECT_EQ(user->test, user_map(user, 20), -ENOSPC);
	exchange_frame(6);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(user->test, user_map(user, 6), 0);
	KUNIT_EXPECT_EQ(user->test, user_bfn(user, 6), moves[0].bfn);
}

/* 13: a notice is true when it is delivered. */
static void pages_in_a_notice_stay_until_it_is_delivered(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 1);

	fake_domain_create(OTHER_DOM, 4);
	user_map_range(user, 6, 1);
	exchange_frame(6);
	user->on_remap = trap_in_between;
	user_balloon(user);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	user_expect_good(user);
	stop_user(test, user);
}

/* 13: a page that was idle at the event is mapped again, not revived. */
static void idle_page_is_not_revived_after_an_event(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	fake_domain_create(OTHER_DOM, 4);
	module_param_set("xen_gpu_map.balloon_delay_ms", "60000");
	user_map_range(user, 5, 2);
	user_unmap_all(user);
	exchange_frame(5);
	xen_gpu_balloon_event(user->client.domain);
	user_map_range(user, 5, 2);
	user_expect_good(user);
	KUNIT_EXPECT_EQ(test, counter("revived"), 0ull);
	KUNIT_EXPECT_EQ(test, counter("set_aside"), 2ull);
	/* The revalidation unmaps the old mappings. */
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 2ul);
	user_expect_good(user);
	stop_user(test, user);
}

/* Several events come before the revalidation. Each time the user gets the guest's current page. */
static void page_set_aside_again_and_again_is_current(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;

	fake_domain_create(OTHER_DOM, 4);
	module_param_set("xen_gpu_map.balloon_delay_ms", "60000");
	for (i = 0; i < 4; i++) {
		user_map_range(user, 5, 1);
		user_expect_good(user);
		user_unmap_all(user);
		exchange_frame(5);
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
	user->on_remap = NULL;
	KUNIT_EXPECT_EQ(user->test, user_map(user, 6), 0);
}

/* 13: a revalidation checks live pages. An idle page is not trusted because of that. */
static void idle_page_is_not_trusted_because_live_ones_were_checked(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	fake_domain_create(OTHER_DOM, 4);
	user_map_range(user, 5, 2);
	user_unmap(user, 6);
	exchange_frame(5);
	exchange_frame(6);
	user->on_remap = bind_an_idle_page;
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->n, 2u);
	user_expect_good(user);
	stop_user(test, user);
}

/* After the revalidation an idle page is revived without a hypercall. */
static void idle_pages_are_revived_again_after_a_revalidation(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 5, 3);
	user_balloon(user);
	user_unmap_all(user);
	fake_xen_reset_calls();
	user_map_range(user, 5, 3);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	KUNIT_EXPECT_EQ(test, counter("revived"), 3ull);
	stop_user(test, user);
}

/* 13: entries are good when the wait for the events up to now returns. */
static void wait_returns_after_the_revalidation(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	fake_domain_create(OTHER_DOM, 4);
	module_param_set("xen_gpu_map.balloon_delay_ms", "60000");
	user_map_range(user, 5, 1);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, counter("revalidations"), 0ull);
	exchange_frame(5);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, counter("revalidations"), 1ull);
	user_expect_good(user);
	stop_user(test, user);
}

static void wait_for_a_dead_guest_fails(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	module_param_set("xen_gpu_map.balloon_delay_ms", "60000");
	user_map_range(user, 5, 1);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, user->nr_ended == 1);
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), -ENODEV);
	stop_user(test, user);
}

/* 4: Xen unmapped everything. A later unmap must not hit a mapping that was made since. */
static void idle_page_that_xen_took_waits_for_the_revalidation(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;

	user_map_range(user, 5, 2);
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
	user->nr_bad = 0;	/* of the revoked frames */
	stop_user(test, user);
}

/* 4: the same if the first check of the revalidation failed. */
static void doubt_lasts_until_all_pages_were_checked(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;

	user_map_range(user, 5, 2);
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
	user->nr_bad = 0;	/* of the revoked frames */
	stop_user(test, user);
}

/* 4: the same for a page that was set aside, and not mapped again, before Xen unmapped all. */
static void page_set_aside_that_xen_took_is_not_mapped_again(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;

	user_map_range(user, 5, 1);
	user_unmap(user, 5);
	mutex_lock(&dom->notify_lock);
	xen_gpu_balloon_event(dom);
	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -ENOMEM);
	fake_xen_fail_nothing();
	fake_dev_map_revoke(DOM);
	xen_gpu_event_suspect(dom);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -EAGAIN);
	mutex_unlock(&dom->notify_lock);
	KUNIT_EXPECT_EQ(test, counter("set_aside"), 1ull);
	flush(user);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* 8: mappings that are set aside do not count in the quota, and are no more than the quota. */
static void mappings_set_aside_are_bounded(struct kunit *test)
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

/*
 * 4: Xen unmapped everything and gave the target back. A page that cannot be mapped again is gone.
 */
static void lost_page_without_a_new_mapping_is_gone(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 5, 2);
	fake_dev_map_revoke(DOM);
	fake_xen_fail_gfn(DOM, 5, -ENOMEM);
	/*
	 * The frame has no reference, so no entry may lead to it, whatever error a new map returns.
	 */
	user->on_remap = NULL;
	xen_gpu_balloon_event(user->client.domain);
	xen_gpu_flush(user->client.domain);
	KUNIT_EXPECT_EQ(test, user->n, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_gone + user->nr_moved, 2u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	fake_xen_fail_nothing();
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	user_expect_good(user);
	user->nr_bad = 0;	/* of the revoked frames */
	stop_user(test, user);
}

/*
 * 8: a mapping that a revalidation could not unmap is unmapped later, and its block is freed then.
 */
static void block_of_a_leftover_goes_with_it(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	fake_domain_create(OTHER_DOM, 4);
	user_map_range(user, 5, 1);
	exchange_frame(5);
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

/* 8: the block of the last page that is gone is freed. */
static void block_of_a_gone_page_goes_with_it(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 5, 1);
	fake_gfn_remove(DOM, 5);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 1u);
	KUNIT_EXPECT_EQ(test, counter("blocks"), 0ull);
	stop_user(test, user);
}

/* 4: an event causes one notice, whatever the number of blocks. */
static void one_notice_for_all_blocks(struct kunit *test)
{
	const unsigned int blocks = 24;
	struct mediator *user = start_user(test, 512 * blocks, 512 * blocks);
	unsigned int i;

	for (i = 0; i < blocks; i++)
		user_map_range(user, 512 * i, 40);
	for (i = 0; i < blocks; i++)
		fake_gfn_remove(DOM, 512 * i + 7);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_calls, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, blocks);
	KUNIT_EXPECT_EQ(test, user->nr_moved, platform(test)->sees_frames ? 0 : 39 * blocks);
	user_expect_good(user);
	stop_user(test, user);
}

/* Pages that this notice moves have two references. Those of earlier notices have one again. */
static void expect_both_sides_of_moves_held(struct mediator *user, const struct xen_gpu_move *moves,
					    unsigned int n)
{
	unsigned int i, moving = 0;

	for (i = 0; i < n; i++)
		moving += !moves[i].status;
	KUNIT_EXPECT_EQ(user->test, fake_total_refs(), (unsigned long)user->n + moving);
}

#define NOTICE_BLOCKS	4
#define NOTICE_PAGES	250	/* in each block */

/* One page of each block is gone, and all others get a new frame. */
static struct mediator *change_all(struct kunit *test)
{
	struct mediator *user = start_user(test, 512 * NOTICE_BLOCKS, USER_ENTRIES);
	unsigned int block, i;

	fake_domain_create(OTHER_DOM, 4);
	for (block = 0; block < NOTICE_BLOCKS; block++) {
		user_map_range(user, 512 * block, NOTICE_PAGES);
		for (i = 0; i < NOTICE_PAGES; i++)
			exchange_frame(512 * block + i);
		fake_gfn_remove(DOM, 512 * block + 7);
	}
	user->on_remap = expect_both_sides_of_moves_held;
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
	user_expect_good(user);
}

/* 4, 6: without memory for a longer notice it is delivered in parts. */
static void notice_without_memory_is_delivered_in_parts(struct kunit *test)
{
	struct mediator *user = change_all(test);

	fake_fail_kvmalloc(1);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, fake_kvmalloc_failures(), NOTICE_BLOCKS);
	KUNIT_EXPECT_EQ(test, user->nr_calls, NOTICE_BLOCKS);
	expect_all_changed(user);
	stop_user(test, user);
}

/* The same with memory for a notice of twice the length. */
static void notice_grows_as_long_as_there_is_memory(struct kunit *test)
{
	struct mediator *user = change_all(test);

	fake_fail_kvmalloc(4 * 512 * sizeof(struct xen_gpu_move));
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, fake_kvmalloc_failures(), 1u);
	KUNIT_EXPECT_EQ(test, user->nr_calls, 2u);
	expect_all_changed(user);
	stop_user(test, user);
}

/* A thread that wants the lock while pages are unmapped one by one */
struct waiting {
	struct mediator *user;
	struct task_struct *thread;
	struct completion done;
	unsigned int unmaps;		/* while the thread waited */
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
	/* Lets the thread run up to the lock. */
	schedule_timeout_uninterruptible(1);
}

static void expect_short_waits(struct waiting *w)
{
	fake_xen_set_hook(NULL, NULL);
	KUNIT_EXPECT_NOT_NULL(w->user->test, w->thread);
	if (w->thread)
		wait_for_completion(&w->done);
	/* Two chunks at most: the lock may be taken again before the thread gets it. */
	KUNIT_EXPECT_LE(w->user->test, w->unmaps, 33u);
	*w = (struct waiting){ .user = w->user };
	init_completion(&w->done);
}

/*
 * Pages that are idle at an event are mapped again, and their old mappings are set aside. At the
 * second event these have to be unmapped first.
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

/* 16: the lock is dropped now and then while each page needs a flush. */
static void lock_is_dropped_between_flushes(struct kunit *test)
{
	struct mediator *user = start_user(test, 4096, 200);
	struct waiting w = { .user = user };
	const u64 base = 600;
	u64 gfns[64];
	struct mapped m;
	unsigned int i;

	init_completion(&w.done);
	user_map_range(user, 0, 200);
	/* A revalidation */
	xen_gpu_balloon_event(user->client.domain);
	fake_xen_set_hook(count_unmaps, &w);
	flush(user);
	expect_short_waits(&w);
	/* A drain for other pages */
	user_unmap_all(user);
	for (i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = base + i;
	fake_xen_set_hook(count_unmaps, &w);
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, ARRAY_SIZE(gfns), &m), 64u);
	expect_short_waits(&w);
	release_gfns(user, gfns, ARRAY_SIZE(gfns));
	map_twice_set_aside(user, &w, gfns);
	/* The end of the guest */
	user_map_range(user, 0, 200);
	fake_xen_set_hook(count_unmaps, &w);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, user->nr_ended == 1 && !fake_domain_exists(DOM));
	expect_short_waits(&w);
	stop_user(test, user);
}

/* 16: the same when the domain's last user leaves. */
static void lock_is_dropped_while_a_domain_is_freed(struct kunit *test)
{
	struct mediator *user = start_user(test, 4096, 200);
	struct xen_gpu_domain *dom = user->client.domain;
	struct waiting w = { .user = user };

	init_completion(&w.done);
	user_map_range(user, 0, 200);
	user_unmap_all(user);
	xen_gpu_client_unregister(&user->client);
	fake_xen_set_hook(count_unmaps, &w);
	xen_gpu_domain_put(dom);
	expect_short_waits(&w);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	kvfree(user);
}

#define MANY_GFNS	(4 * XEN_GPU_BATCH)

/* A release of many GFNs, and a thread that wants the lock meanwhile */
struct long_release {
	struct mediator *user;
	u64 gfns[MANY_GFNS];
	unsigned long idle;	/* how many were released when the thread had the lock */
	struct completion released;
	struct completion locked;
};

static int release_many(void *data)
{
	struct long_release *r = data;

	release_gfns(r->user, r->gfns, MANY_GFNS);
	complete(&r->released);
	return 0;
}

/* A thread that runs as soon as it is woken. */
static int lock_in_between(void *data)
{
	struct long_release *r = data;
	struct xen_gpu_domain *dom = r->user->client.domain;

	sched_set_fifo(current);
	mutex_lock(&dom->lock);
	r->idle = dom->table.nr_idle;
	mutex_unlock(&dom->lock);
	complete(&r->locked);
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
	init_completion(&r->locked);
	for (i = 0; i < MANY_GFNS; i++) {
		r->gfns[i] = i;
		KUNIT_ASSERT_EQ(test, map_gfns(user, &r->gfns[i], 1, &m), 1u);
	}
	return r;
}

/* Starts a thread, and returns when it waits for the lock. */
static void start_waiting(struct kunit *test, int (*thread)(void *), struct long_release *r)
{
	struct task_struct *task = kthread_run(thread, r, "long_release");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for(test, !task_is_running(task));
}

/* 8: the lock is dropped now and then while many GFNs are released. */
static void lock_is_dropped_in_a_long_release(struct kunit *test)
{
	struct mediator *user = start_user(test, MANY_GFNS, MANY_GFNS);
	struct xen_gpu_domain *dom = user->client.domain;
	struct long_release *r = map_many(test, user);

	/* The threads wait for the lock in this order. */
	mutex_lock(&dom->lock);
	start_waiting(test, release_many, r);
	start_waiting(test, lock_in_between, r);
	mutex_unlock(&dom->lock);
	wait_for_completion(&r->released);
	wait_for_completion(&r->locked);
	KUNIT_EXPECT_GT(test, r->idle, 0ul);
	KUNIT_EXPECT_LT(test, r->idle, (unsigned long)MANY_GFNS);
	stop_user(test, user);
}

static struct kunit_case event_cases[] = {
	KUNIT_CASE_PARAM(pages_in_a_notice_stay_until_it_is_delivered, platforms_gen_params),
	KUNIT_CASE_PARAM(idle_page_is_not_revived_after_an_event, platforms_gen_params),
	KUNIT_CASE_PARAM(page_set_aside_again_and_again_is_current, platforms_gen_params),
	KUNIT_CASE_PARAM(idle_page_is_not_trusted_because_live_ones_were_checked,
			 platforms_gen_params),
	KUNIT_CASE_PARAM(idle_pages_are_revived_again_after_a_revalidation, platforms_gen_params),
	KUNIT_CASE_PARAM(wait_returns_after_the_revalidation, platforms_gen_params),
	KUNIT_CASE_PARAM(wait_for_a_dead_guest_fails, platforms_gen_params),
	KUNIT_CASE_PARAM(idle_page_that_xen_took_waits_for_the_revalidation, native_gen_params),
	KUNIT_CASE_PARAM(doubt_lasts_until_all_pages_were_checked, native_gen_params),
	KUNIT_CASE_PARAM(page_set_aside_that_xen_took_is_not_mapped_again, native_gen_params),
	KUNIT_CASE_PARAM(mappings_set_aside_are_bounded, platforms_gen_params),
	KUNIT_CASE_PARAM(lost_page_without_a_new_mapping_is_gone, native_gen_params),
	KUNIT_CASE_PARAM(block_of_a_leftover_goes_with_it, native_gen_params),
	KUNIT_CASE_PARAM(block_of_a_gone_page_goes_with_it, platforms_gen_params),
	KUNIT_CASE_PARAM(one_notice_for_all_blocks, platforms_gen_params),
	KUNIT_CASE_PARAM(notice_without_memory_is_delivered_in_parts, platforms_gen_params),
	KUNIT_CASE_PARAM(notice_grows_as_long_as_there_is_memory, platforms_gen_params),
	KUNIT_CASE_PARAM(lock_is_dropped_between_flushes, physmap_gen_params),
	KUNIT_CASE_PARAM(lock_is_dropped_while_a_domain_is_freed, physmap_gen_params),
	KUNIT_CASE_PARAM(lock_is_dropped_in_a_long_release, stock_platforms_gen_params),
	{}
};

static struct kunit_suite event_suite = {
	.name = "xen_gpu_event",
	.exit = map_fixture_exit,
	.test_cases = event_cases,
};

kunit_test_suite(event_suite);
