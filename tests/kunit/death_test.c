// SPDX-License-Identifier: GPL-2.0
/*
 * How the end of a guest is noticed, whatever the toolstack and xenstore do, and that it waits for
 * nobody. The numbers in comments are those of the design's invariants.
 */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "fake_xen.h"
#include "map/domain.h"
#include "map_fixture.h"
#include "modules.h"

#define NODE	"/local/domain/5/vm"

static void map_some(struct kunit *test, struct mediator *user, unsigned int n)
{
	while (n--)
		KUNIT_ASSERT_EQ(test, user_map(user, n), 0);
}

static void wait_for_the_end(struct kunit *test, struct mediator *user)
{
	wait_for(test, user->nr_ended == 1 && !fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, user->n, 0u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
}

/* Nothing is left to be done of what was reported up to now, but for looks that come later. */
static void wait_for_the_look(struct mediator *user)
{
	flush_delayed_work(&user->client.domain->look_work);
}

/* 9: xenopsd destroys the domain first, and removes its node some time later */
static void node_goes_after_the_domain(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	map_some(test, user, 8);
	fake_domain_kill(DOM);
	fake_store_fire("@releaseDomain");
	wait_for_the_look(user);
	fake_store_remove(NODE);
	wait_for_the_end(test, user);
	stop_user(test, user);
}

/* Whatever xenstore fails with, nobody has died. */
static void error_of_xenstore_is_no_death(struct kunit *test)
{
	static const int errors[] = { -EIO, -EAGAIN, -EINTR, -EACCES, -ENOMEM, -EINVAL };
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;

	map_some(test, user, 8);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		fake_store_fail_reads(errors[i]);
		fake_store_fire("@releaseDomain");
		wait_for_the_look(user);
		KUNIT_EXPECT_EQ(test, user->nr_ended, 0u);
		/* It is looked at again, as nothing is known. */
		KUNIT_EXPECT_TRUE(test,
				  delayed_work_pending(&user->client.domain->look_work));
	}
	fake_store_fail_reads(0);
	wait_for_the_look(user);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&user->client.domain->look_work));
	KUNIT_EXPECT_EQ(test, user->n, 8u);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* 9: the guest ends while xenstore fails: it is noticed when it does not any more */
static void end_during_errors_of_xenstore(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	map_some(test, user, 8);
	fake_store_fail_reads(-EIO);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for_the_look(user);
	fake_store_fail_reads(0);
	wait_for_the_end(test, user);
	stop_user(test, user);
}

/* 9: the toolstack writes the node after the virtual GPU is there */
static void node_comes_late(struct kunit *test)
{
	struct mediator *user;

	start_service(test, 64);
	fake_store_remove(NODE);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	fake_store_introduce(DOM, "/vm/late");
	map_some(test, user, 8);
	wait_for(test, READ_ONCE(user->client.domain->identity));
	fake_domain_kill(DOM);
	fake_store_remove(NODE);
	fake_store_fire("@releaseDomain");
	wait_for_the_end(test, user);
	stop_user(test, user);
}

/* 9: xenstore never knew the guest: Xen gives its pages to nobody, so they go, and so does it */
static void guest_without_a_node(struct kunit *test)
{
	struct mediator *user;

	start_service(test, 64);
	fake_store_remove(NODE);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	map_some(test, user, 8);
	/* Another one ends: ours goes on. */
	fake_store_fire("@releaseDomain");
	wait_for_the_look(user);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, user->n, 8u);
	fake_domain_kill(DOM);
	fake_store_fire("@releaseDomain");
	wait_for_the_end(test, user);
	stop_user(test, user);
}

/* Without a watch of its own there is still the one for all. */
static void node_cannot_be_watched(struct kunit *test)
{
	struct mediator *user;

	start_service(test, 64);
	fake_xen_fail_call(FAKE_CALL_WATCH, 1, -EACCES);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	map_some(test, user, 8);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for_the_end(test, user);
	stop_user(test, user);
}

/* The node goes, xenstored says that some domain has ended, and the node is there again. */
static void soft_reset_is_no_death(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	char uuid[64];

	if (!platform(test)->lasting) {
		stop_user(test, user);
		return;
	}
	map_some(test, user, 8);
	strscpy(uuid, user->client.domain->identity, sizeof(uuid));
	fake_store_remove(NODE);
	fake_store_fire("@releaseDomain");
	wait_for(test, READ_ONCE(user->client.domain->missing));
	fake_store_set(NODE, uuid);
	wait_for(test, !READ_ONCE(user->client.domain->missing));
	flush(user);
	KUNIT_EXPECT_EQ(test, user->nr_ended, 0u);
	KUNIT_EXPECT_EQ(test, user->n, 8u);
	stop_user(test, user);
}

/* The files in debugfs are named by domid: the guest that is there has it. */
static void namesake_has_a_file(struct kunit *test)
{
	struct mediator *old = start_user(test, 64, 64), *new;

	map_some(test, old, 8);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for_the_end(test, old);
	fake_domain_create(DOM, 64);
	fake_domain_set_target(DOM, true);
	new = new_user(test, 77);
	KUNIT_ASSERT_FALSE(test, IS_ERR(new));
	KUNIT_EXPECT_EQ(test, counter("quota"), 77ull);
	stop_user(test, old);
	KUNIT_EXPECT_EQ(test, counter("quota"), 77ull);
	stop_user(test, new);
}

/* 4: Xen took everything away and gave the target back: what it does not hold is not believed in */
static void target_is_taken_and_given_back(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 idle = 20;

	map_some(test, user, 8);
	KUNIT_ASSERT_EQ(test, user_map(user, idle), 0);
	user_unmap(user, idle);
	fake_dev_map_revoke(DOM);
	fake_domain_set_target(DOM, false);
	fake_domain_set_target(DOM, true);
	xen_gpu_domain_suspect(user->client.domain);
	wait_for_the_look(user);
	KUNIT_EXPECT_EQ(test, user_map(user, idle), 0);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, user->nr_ended, 0u);
	KUNIT_EXPECT_EQ(test, user->n, 9u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 9ul);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	user->nr_bad = 0;	/* the frames that were revoked */
	stop_user(test, user);
}

/* In the middle of a revalidation of one guest both end: the other one's end comes at once. */
static void both_end(struct mediator *user, const struct xen_gpu_move *moves, unsigned int n)
{
	struct neighbour *other = user->data;

	user->on_moved = NULL;
	fake_domain_kill(DOM);
	fake_store_remove(NODE);
	fake_domain_kill(OTHER_DOM);
	fake_store_release(OTHER_DOM);
	KUNIT_EXPECT_GT(user->test, wait_for_completion_timeout(&other->ended, 60 * HZ), 0ul);
}

/* 16 */
static void end_of_a_guest_waits_for_no_other(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct neighbour other;

	start_neighbour(test, &other);
	map_some(test, user, 8);
	user->data = &other;
	user->on_moved = both_end;
	fake_gfn_remove(DOM, 3);
	xen_gpu_balloon_event(user->client.domain);
	wait_for(test, user->nr_ended == 1);
	stop_neighbour(&other);
	stop_user(test, user);
}

/* One that is being made, for as long as the test wants */
struct slow_get {
	struct task_struct *thread;
	struct completion begun;
	struct completion go_on;
	struct completion done;
	struct xen_gpu_domain *dom;
};

static void make_slowly(enum fake_call kind, void *arg)
{
	struct slow_get *slow = arg;

	if (current != slow->thread || kind != FAKE_CALL_MAXIMUM_GPFN)
		return;
	complete(&slow->begun);
	wait_for_completion(&slow->go_on);
}

static int get_slowly(void *arg)
{
	const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = MAX_BFN };
	struct slow_get *slow = arg;

	slow->thread = current;
	slow->dom = xen_gpu_domain_get(OTHER_DOM, &limits);
	complete(&slow->done);
	return 0;
}

/* 16: making one guest's domain, or raising a quota, waits for no other guest */
static void one_that_is_made_keeps_nobody_waiting(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct slow_get slow = {};

	init_completion(&slow.begun);
	init_completion(&slow.go_on);
	init_completion(&slow.done);
	fake_domain_create(OTHER_DOM, 64);
	fake_domain_set_target(OTHER_DOM, true);
	fake_xen_set_hook(make_slowly, &slow);
	kthread_run(get_slowly, &slow, "slow_get");
	wait_for_completion(&slow.begun);
	raise_quota(test, user, 100);
	KUNIT_EXPECT_EQ(test, counter("quota"), 100ull);
	complete_all(&slow.go_on);
	wait_for_completion(&slow.done);
	fake_xen_set_hook(NULL, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(slow.dom));
	xen_gpu_domain_put(slow.dom);
	stop_user(test, user);
}

static int get_at_once(void *arg)
{
	const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = MAX_BFN };
	struct slow_get *get = arg;

	get->dom = xen_gpu_domain_get(OTHER_DOM, &limits);
	complete(&get->done);
	return 0;
}

/* Two who want the same guest at the same time share one domain. */
static void two_gets_make_one_domain(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct slow_get slow = {}, second = {};

	init_completion(&slow.begun);
	init_completion(&slow.go_on);
	init_completion(&slow.done);
	init_completion(&second.done);
	fake_domain_create(OTHER_DOM, 64);
	fake_domain_set_target(OTHER_DOM, true);
	fake_xen_set_hook(make_slowly, &slow);
	kthread_run(get_slowly, &slow, "slow_get");
	wait_for_completion(&slow.begun);
	kthread_run(get_at_once, &second, "second_get");
	complete_all(&slow.go_on);
	wait_for_completion(&slow.done);
	wait_for_completion(&second.done);
	fake_xen_set_hook(NULL, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(slow.dom));
	KUNIT_EXPECT_PTR_EQ(test, slow.dom, second.dom);
	xen_gpu_domain_put(slow.dom);
	xen_gpu_domain_put(second.dom);
	stop_user(test, user);
}

static const void *native_gen_params(const void *prev, char *desc)
{
	const struct platform *p = prev;

	do {
		p = platforms_gen_params(p, desc);
	} while (p && strcmp(p->backend, "native"));
	return p;
}

static struct kunit_case death_cases[] = {
	KUNIT_CASE_PARAM(node_goes_after_the_domain, platforms_gen_params),
	KUNIT_CASE_PARAM(error_of_xenstore_is_no_death, platforms_gen_params),
	KUNIT_CASE_PARAM(end_during_errors_of_xenstore, platforms_gen_params),
	KUNIT_CASE_PARAM(node_comes_late, platforms_gen_params),
	KUNIT_CASE_PARAM(guest_without_a_node, platforms_gen_params),
	KUNIT_CASE_PARAM(node_cannot_be_watched, platforms_gen_params),
	KUNIT_CASE_PARAM(soft_reset_is_no_death, platforms_gen_params),
	KUNIT_CASE_PARAM(namesake_has_a_file, platforms_gen_params),
	KUNIT_CASE_PARAM(target_is_taken_and_given_back, native_gen_params),
	KUNIT_CASE_PARAM(end_of_a_guest_waits_for_no_other, platforms_gen_params),
	KUNIT_CASE_PARAM(one_that_is_made_keeps_nobody_waiting, platforms_gen_params),
	KUNIT_CASE_PARAM(two_gets_make_one_domain, platforms_gen_params),
	{}
};

static struct kunit_suite death_suite = {
	.name = "xen_gpu_death",
	.exit = map_fixture_exit,
	.test_cases = death_cases,
};

kunit_test_suite(death_suite);
