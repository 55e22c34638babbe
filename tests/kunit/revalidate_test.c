// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the revalidation after balloon events: which pages are dropped, remapped or kept, in
 * which order, and what may happen at the same time.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "fake_xen.h"
#include "map_fixture.h"
#include "modules.h"

/* 4: the client releases a GFN before its reference is dropped. */
static void expect_frames_held(struct mediator *user, const struct xen_gpu_move *moves,
			       unsigned int n)
{
	unsigned long mfn = (unsigned long)user->data;

	KUNIT_EXPECT_EQ(user->test, n, 1u);
	KUNIT_EXPECT_EQ(user->test, moves[0].status, -ENOENT);
	KUNIT_EXPECT_EQ(user->test, fake_mfn_refs(mfn), 1u);
	KUNIT_EXPECT_EQ(user->test, fake_mfn_owner(mfn), DOM);
	KUNIT_EXPECT_EQ(user->test, fake_xen_find_event(0, FAKE_EVENT_UNREF, mfn), -1);
}

static void gone_gfn_is_zapped_before_its_reference_goes(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	if (!platform(test)->sees_frames) {
		/* physmap moves the others as well */
		user_map_range(user, 5, 1);
	} else {
		user_map_range(user, 3, 4);
	}
	user->data = (void *)fake_gfn_mfn(DOM, 5);
	user->on_remap = expect_frames_held;
	fake_gfn_remove(DOM, 5);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_calls, 1u);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner((unsigned long)user->data), -1);
	KUNIT_EXPECT_EQ(test, counter("gone"), 1ull);
	KUNIT_EXPECT_EQ(test, counter("live"), platform(test)->sees_frames ? 3ull : 0ull);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* 4, 12: the client gets the new BFN of a GFN while the old frame is still referenced. */
static void gfn_with_a_new_frame_moves(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned long old = fake_gfn_mfn(DOM, 5);
	u64 old_bfn;

	user_map_range(user, 5, 1);
	user_map_range(user, 5, 1);
	old_bfn = user_bfn(user, 5);
	fake_gfn_remove(DOM, 5);
	fake_gfn_populate(DOM, 5);
	KUNIT_EXPECT_EQ(test, user_check(user), 2u);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_moved, 2u);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	KUNIT_EXPECT_NE(test, user_bfn(user, 5), old_bfn);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(old), -1);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(fake_gfn_mfn(DOM, 5)), 1u);
	KUNIT_EXPECT_EQ(test, counter("moved"), 1ull);
	stop_user(test, user);
}

/* Stands for a client's own rescan of pages that it keeps mapped. */
static void waiter_returns_after_the_clients_revalidated(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 32);
	user->revalidates_slowly = true;
	xen_gpu_balloon_event(user->client.domain);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, user->nr_revalidated, 1u);
	stop_user(test, user);
}

/* Where a BFN shows the frame, unchanged GFNs are not in the notice. Elsewhere all are remapped. */
static void unchanged_gfns_stay_usable(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 32);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 0u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 32ul);
	KUNIT_EXPECT_EQ(test, user->nr_revalidated, 1u);
	if (platform(test)->sees_frames) {
		KUNIT_EXPECT_EQ(test, user->nr_calls, 0u);
		KUNIT_EXPECT_EQ(test, counter("kept"), 32ull);
		KUNIT_EXPECT_EQ(test, counter("untrusted"), 0ull);
	} else {
		KUNIT_EXPECT_EQ(test, user->nr_moved, 32u);
		KUNIT_EXPECT_EQ(test, counter("untrusted"), 32ull);
	}
	stop_user(test, user);
}

static void several_blocks_are_revalidated(struct kunit *test)
{
	struct mediator *user = start_user(test, 2048, 2048);
	unsigned int i;

	for (i = 0; i < 2048; i += 7)
		KUNIT_ASSERT_EQ(test, user_map(user, i), 0);
	for (i = 0; i < 2048; i += 14)
		fake_gfn_remove(DOM, i);
	for (i = 0; i < 2048; i += 28)
		fake_gfn_populate(DOM, i);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 73u);
	KUNIT_EXPECT_EQ(test, counter("moved") + counter("kept"), 293ull - 73ull);
	stop_user(test, user);
}

static void run_of_events_leads_to_one_revalidation(struct kunit *test)
{
	struct mediator *user;
	unsigned int i;

	user = start_user(test, 64, 64);
	module_param_set("xen_gpu_map.balloon_delay_ms", "50");
	user_map_range(user, 0, 8);
	for (i = 0; i < 130; i++)
		xen_gpu_balloon_event(user->client.domain);
	flush(user);
	KUNIT_EXPECT_EQ(test, counter("balloon_events"), 130ull);
	KUNIT_EXPECT_EQ(test, counter("revalidations"), 1ull);
	stop_user(test, user);
}

static void idle_pages_are_unmapped_at_a_balloon_event(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfns[] = { 1, 2, 3 };
	struct mapped m;

	map_gfns(user, gfns, 3, &m);
	release_gfns(user, gfns, 3);
	xen_gpu_balloon_event(user->client.domain);
	wait_for(test, counter("drained_balloon") == 3);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* The client releases pages in its callback. */
static void release_in_callback(struct mediator *user, const struct xen_gpu_move *moves,
				unsigned int n)
{
	user_unmap_all(user);
}

static void client_may_release_in_its_callback(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 3, 6);
	fake_gfn_remove(DOM, 4);
	fake_gfn_remove(DOM, 5);
	fake_gfn_populate(DOM, 5);
	user->on_remap = release_in_callback;
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->n, 0u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, counter("refs_taken"), counter("refs_released"));
	stop_user(test, user);
}

/* During the notice a GFN in it is released by its last user, and mapped again. */
static void idle_and_back_in_callback(struct mediator *user, const struct xen_gpu_move *moves,
				      unsigned int n)
{
	KUNIT_EXPECT_EQ(user->test, n, 3u);
	user_unmap(user, 600);
	KUNIT_EXPECT_EQ(user->test, user_map(user, 600), 0);
}

static void page_revived_during_a_revalidation_is_the_new_one(struct kunit *test)
{
	struct mediator *user = start_user(test, 1200, 1200);

	KUNIT_ASSERT_EQ(test, user_map(user, 5), 0);
	KUNIT_ASSERT_EQ(test, user_map(user, 600), 0);
	KUNIT_ASSERT_EQ(test, user_map(user, 1100), 0);
	fake_gfn_remove(DOM, 5);
	fake_gfn_remove(DOM, 600);
	fake_gfn_remove(DOM, 1100);
	fake_gfn_populate(DOM, 600);
	user->on_remap = idle_and_back_in_callback;
	user_balloon(user);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(user_bfn(user, 600), DOM, 600));
	user->on_remap = NULL;
	stop_user(test, user);
}

/* The same with a GFN that is gone: it cannot be mapped again. */
static void idle_and_gone_in_callback(struct mediator *user, const struct xen_gpu_move *moves,
				      unsigned int n)
{
	KUNIT_EXPECT_EQ(user->test, n, 3u);
	user_unmap(user, 600);
	KUNIT_EXPECT_EQ(user->test, user_map(user, 600), -EAGAIN);
}

static void page_gone_while_idle_is_not_revived(struct kunit *test)
{
	struct mediator *user = start_user(test, 1200, 1200);

	KUNIT_ASSERT_EQ(test, user_map(user, 5), 0);
	KUNIT_ASSERT_EQ(test, user_map(user, 600), 0);
	KUNIT_ASSERT_EQ(test, user_map(user, 1100), 0);
	fake_gfn_remove(DOM, 5);
	fake_gfn_remove(DOM, 600);
	fake_gfn_remove(DOM, 1100);
	user->on_remap = idle_and_gone_in_callback;
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, counter("unmapped"), counter("mapped"));
	stop_user(test, user);
}

/* 12: while clients forget the old mapping, its BFN is not used for another page. */
static void map_in_callback(struct mediator *user, const struct xen_gpu_move *moves, unsigned int n)
{
	const u64 gone = 5, moved = 6, fresh = 20;
	u64 bfn;
	int status;

	if (user->data)
		return;
	user->data = user;
	fake_gfn_populate(DOM, gone);
	xen_gpu_map(&user->client, &gone, 1, XEN_GPU_MAP_WRITE, &bfn, &status);
	if (!status) {
		KUNIT_EXPECT_TRUE(user->test, fake_dma_reaches(bfn, DOM, gone));
		user_note(user, gone, bfn);
	} else {
		KUNIT_EXPECT_EQ(user->test, status, -EAGAIN);
	}
	xen_gpu_map(&user->client, &moved, 1, XEN_GPU_MAP_WRITE, &bfn, &status);
	KUNIT_EXPECT_EQ(user->test, status, 0);
	KUNIT_EXPECT_TRUE(user->test, fake_dma_reaches(bfn, DOM, moved));
	xen_gpu_release(&user->client, &moved, 1);
	KUNIT_EXPECT_EQ(user->test, user_map(user, fresh), 0);
}

static void map_during_the_callback_gets_the_new_page_or_none(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 5, 2);
	fake_gfn_remove(DOM, 5);
	fake_gfn_remove(DOM, 6);
	fake_gfn_populate(DOM, 6);
	user->on_remap = map_in_callback;
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 3ul);
	stop_user(test, user);
}

/* The guest balloons in the middle of the notice. */
static void balloon_in_callback(struct mediator *user, const struct xen_gpu_move *moves,
				unsigned int n)
{
	if (user->data)
		return;
	user->data = user;
	fake_gfn_remove(DOM, 7);
	fake_gfn_remove(DOM, 8);
	fake_gfn_populate(DOM, 8);
	xen_gpu_balloon_event(user->client.domain);
}

static void event_during_a_revalidation_leads_to_another(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 5, 5);
	fake_gfn_remove(DOM, 5);
	user->on_remap = balloon_in_callback;
	user_balloon(user);
	wait_for(test, counter("revalidations") == 2);
	flush(user);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 2u);
	stop_user(test, user);
}

/* 9: a put does not wait for a pending revalidation. */
static void put_does_not_wait_for_a_pending_revalidation(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	module_param_set("xen_gpu_map.balloon_delay_ms", "60000");
	user_map_range(user, 5, 5);
	fake_gfn_remove(DOM, 5);
	xen_gpu_balloon_event(user->client.domain);
	stop_user(test, user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
}

/* 6: any hypercall of a revalidation can fail. The next revalidation completes it. */
static void revalidation_survives_any_failing_hypercall(struct kunit *test)
{
	static const enum fake_call kinds[] = {
		FAKE_CALL_MMU_UPDATE, FAKE_CALL_PIN, FAKE_CALL_PROTECT, FAKE_CALL_ADD_TO_PHYSMAP,
		FAKE_CALL_REMOVE_FROM_PHYSMAP, FAKE_CALL_DEV_MAP, FAKE_CALL_DEV_UNMAP,
		FAKE_CALL_DEV_LOOKUP, FAKE_CALL_IOMMU_LOOKUP, FAKE_CALL_IOMMU_UNMAP,
	};
	struct mediator *user = start_user(test, 2048, 64);
	unsigned int kind, nth, left, failures = 0;
	bool failed;

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		for (failed = true, nth = 1; failed && nth < 30; nth++) {
			user_map_range(user, 510, 5);
			fake_gfn_remove(DOM, 511);
			fake_gfn_remove(DOM, 512);
			fake_gfn_populate(DOM, 512);
			fake_xen_fail_call(kinds[kind], nth, -ENOMEM);
			xen_gpu_balloon_event(user->client.domain);
			xen_gpu_flush(user->client.domain);
			failed = !fake_xen_fail_pending();
			failures += failed;
			fake_xen_fail_nothing();
			/* A page with another frame is gone if the new frame cannot be mapped. */
			left = failed && kinds[kind] == FAKE_CALL_DEV_MAP ? 3 : 4;
			/*
			 * The next revalidation finds no error, and a stuck page is unmapped by the
			 * one after it.
			 */
			user_balloon(user);
			user_balloon(user);
			KUNIT_EXPECT_EQ(test, user_check(user), 0u);
			KUNIT_EXPECT_EQ(test, user->n, left);
			fake_gfn_populate(DOM, 511);
			user_unmap_all(user);
			flush(user);
			KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), 0ul, "call %u of kind %u", nth,
					    kinds[kind]);
		}
		KUNIT_EXPECT_FALSE(test, failed);
	}
	KUNIT_EXPECT_GE(test, failures, 3u);
	stop_user(test, user);
}

/* Several threads map and release pages while the guest balloons. */

#define STORM_THREADS	3
#define STORM_ROUNDS	300
#define STORM_GFNS	32

struct storm {
	struct mediator *user;
	struct completion done;
	unsigned int seed;
	bool stop;
	unsigned int mapped;
};

static int mapper(void *data)
{
	struct storm *storm = data;
	struct rnd_state rnd;
	unsigned int i;
	u64 gfn;

	prandom_seed_state(&rnd, storm->seed);
	for (i = 0; i < STORM_ROUNDS || !READ_ONCE(storm->stop); i++) {
		gfn = 500 + prandom_u32_state(&rnd) % STORM_GFNS;
		if (prandom_u32_state(&rnd) % 3)
			storm->mapped += !user_map(storm->user, gfn);
		else
			user_unmap(storm->user, gfn);
		fake_xen_let_others_run();
		if (i >= STORM_ROUNDS)
			fsleep(100);
	}
	complete(&storm->done);
	return 0;
}

static int ballooner(void *data)
{
	struct storm *storm = data;
	struct rnd_state rnd;
	u64 gfn;

	prandom_seed_state(&rnd, storm->seed);
	while (!READ_ONCE(storm->stop)) {
		gfn = 500 + prandom_u32_state(&rnd) % STORM_GFNS;
		if (fake_gfn_mfn(DOM, gfn) == FAKE_NO_MFN)
			fake_gfn_populate(DOM, gfn);
		else
			fake_gfn_remove(DOM, gfn);
		xen_gpu_balloon_event(storm->user->client.domain);
		/* Another guest allocates every free frame. */
		if (prandom_u32_state(&rnd) % 4 == 0 && fake_domain_pages(OTHER_DOM) < 512)
			fake_gfn_populate(OTHER_DOM, storm->mapped++);
		fsleep(1000);
	}
	complete(&storm->done);
	return 0;
}

/* Runs until covered() is true. */
static void run_storm(struct kunit *test, struct mediator *user, bool (*covered)(struct mediator *))
{
	struct storm storms[STORM_THREADS + 1] = {};
	unsigned int i, mapped = 0;

	fake_domain_create(OTHER_DOM, 0);
	fake_xen_set_yield(true);
	for (i = 0; i <= STORM_THREADS; i++) {
		storms[i].user = user;
		storms[i].seed = i + 1;
		init_completion(&storms[i].done);
		kthread_run(i < STORM_THREADS ? mapper : ballooner, &storms[i], "storm%u", i);
	}
	wait_for(test, covered(user));
	for (i = 0; i < STORM_THREADS; i++) {
		WRITE_ONCE(storms[i].stop, true);
		wait_for_completion(&storms[i].done);
		mapped += storms[i].mapped;
	}
	WRITE_ONCE(storms[i].stop, true);
	wait_for_completion(&storms[i].done);
	fake_xen_set_yield(false);
	user_balloon(user);
	KUNIT_EXPECT_GT(test, mapped, 0u);
}

static bool anything(struct mediator *user)
{
	return true;
}

/* Drains and refusals at the quota happened, between notices. */
static bool all_that_a_quota_leads_to(struct mediator *user)
{
	static const char * const met[] = {
		"drained_quota", "fail_quota", "set_aside", "gone", "moved",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(met); i++) {
		if (!counter(met[i]))
			return false;
	}
	return true;
}

static void expect_only_good_entries(struct kunit *test, struct mediator *user)
{
	u64 gfn;

	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	for (gfn = 500; gfn < 500 + STORM_GFNS; gfn++)
		KUNIT_EXPECT_LE(test, fake_mfn_refs(fake_gfn_mfn(DOM, gfn)), 1u);
}

/*
 * 1, 4, 12: no entry ever leads to a page that is not the guest's or has no reference. See
 * check_old_frame().
 */
static void balloon_storm_leaves_only_good_entries(struct kunit *test)
{
	struct mediator *user = start_user(test, 1024, 64);

	run_storm(test, user, anything);
	expect_only_good_entries(test, user);
	stop_user(test, user);
}

/* Delays the client, as a contended lock would, before it acts on a notice. */
static void deliver_late(struct mediator *user, const struct xen_gpu_move *moves, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < 20; i++)
		fake_xen_let_others_run();
	fsleep(2000);
}

/*
 * 13, 15: the same with a quota of a third of the pages, so that idle pages are drained all the
 * time, and with delayed clients.
 */
static void storm_with_late_notices_and_a_small_quota(struct kunit *test)
{
	struct mediator *user = start_user(test, 1024, STORM_GFNS / 3);

	user->on_remap = deliver_late;
	run_storm(test, user, all_that_a_quota_leads_to);
	user->on_remap = NULL;
	expect_only_good_entries(test, user);
	KUNIT_EXPECT_LE(test, counter("held_peak"), (u64)STORM_GFNS / 3);
	stop_user(test, user);
}

static struct kunit_case revalidate_cases[] = {
	KUNIT_CASE_PARAM(gone_gfn_is_zapped_before_its_reference_goes, platforms_gen_params),
	KUNIT_CASE_PARAM(gfn_with_a_new_frame_moves, platforms_gen_params),
	KUNIT_CASE_PARAM(waiter_returns_after_the_clients_revalidated, platforms_gen_params),
	KUNIT_CASE_PARAM(unchanged_gfns_stay_usable, platforms_gen_params),
	KUNIT_CASE_PARAM(several_blocks_are_revalidated, platforms_gen_params),
	KUNIT_CASE_PARAM(run_of_events_leads_to_one_revalidation, platforms_gen_params),
	KUNIT_CASE_PARAM(idle_pages_are_unmapped_at_a_balloon_event, platforms_gen_params),
	KUNIT_CASE_PARAM(client_may_release_in_its_callback, platforms_gen_params),
	KUNIT_CASE_PARAM(page_revived_during_a_revalidation_is_the_new_one, platforms_gen_params),
	KUNIT_CASE_PARAM(page_gone_while_idle_is_not_revived, platforms_gen_params),
	KUNIT_CASE_PARAM(map_during_the_callback_gets_the_new_page_or_none, platforms_gen_params),
	KUNIT_CASE_PARAM(event_during_a_revalidation_leads_to_another, platforms_gen_params),
	KUNIT_CASE_PARAM(put_does_not_wait_for_a_pending_revalidation, platforms_gen_params),
	KUNIT_CASE_PARAM(revalidation_survives_any_failing_hypercall, platforms_gen_params),
	KUNIT_CASE_PARAM(balloon_storm_leaves_only_good_entries, platforms_gen_params),
	KUNIT_CASE_PARAM(storm_with_late_notices_and_a_small_quota, platforms_gen_params),
	{}
};

static struct kunit_suite revalidate_suite = {
	.name = "xen_gpu_revalidate",
	.exit = map_fixture_exit,
	.test_cases = revalidate_cases,
};

kunit_test_suite(revalidate_suite);
