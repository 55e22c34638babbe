// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the domain watch (map/domain_watch.c): the end of a guest is noticed, whatever the
 * toolstack and xenstore do, and waits for no other guest.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
 */

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "fake_xen.h"
#include "map/domain.h"
#include "map_fixture.h"
#include "modules.h"

#define NODE		"/local/domain/5/vm"

/* How long the node of a guest may be missing while Xen knows the guest */
#define MISSING_LONGEST	(10 * HZ)

static void wait_for_the_end(struct kunit *test, struct mediator *user)
{
	wait_for(test, user->nr_ended == 1 && !fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, user->n, 0u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
}

/* Waits for the check of all that was reported up to now. A later check may be pending. */
static void wait_for_the_look(struct mediator *user)
{
	flush_delayed_work(&user->client.domain->watch_work);
}

/* 9: xenopsd destroys the domain first and removes its node later. */
static void node_that_is_removed_late_is_an_end(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 8);
	fake_domain_kill(DOM);
	fake_store_fire("@releaseDomain");
	wait_for_the_look(user);
	fake_store_remove(NODE);
	wait_for_the_end(test, user);
	stop_user(test, user);
}

/* No error of xenstore's counts as the end of the guest. */
static void error_of_xenstore_is_no_end(struct kunit *test)
{
	static const int errors[] = { -EIO, -EAGAIN, -EINTR, -EACCES, -ENOMEM, -EINVAL };
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;

	user_map_range(user, 0, 8);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		fake_store_fail_reads(errors[i]);
		fake_store_fire("@releaseDomain");
		wait_for_the_look(user);
		KUNIT_EXPECT_EQ(test, user->nr_ended, 0u);
		/* The state is unknown, so another check is pending. */
		KUNIT_EXPECT_TRUE(test,
				  delayed_work_pending(&user->client.domain->watch_work));
	}
	fake_store_fail_reads(0);
	wait_for_the_look(user);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&user->client.domain->watch_work));
	KUNIT_EXPECT_EQ(test, user->n, 8u);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* 9: the guest ends while xenstore fails. The end is noticed when xenstore works again. */
static void end_during_errors_of_xenstore_is_noticed(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 8);
	fake_store_fail_reads(-EIO);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for_the_look(user);
	fake_store_fail_reads(0);
	wait_for_the_end(test, user);
	stop_user(test, user);
}

/* 9: the toolstack writes the node after the domain was got. */
static void node_that_is_written_late_is_watched(struct kunit *test)
{
	struct mediator *user;

	start_service(test, 64);
	fake_store_remove(NODE);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	fake_store_introduce(DOM, "/vm/late");
	user_map_range(user, 0, 8);
	wait_for(test, READ_ONCE(user->client.domain->identity));
	fake_domain_kill(DOM);
	fake_store_remove(NODE);
	fake_store_fire("@releaseDomain");
	wait_for_the_end(test, user);
	stop_user(test, user);
}

static struct mediator *start_user_without_a_node(struct kunit *test)
{
	struct mediator *user;

	start_service(test, 64);
	fake_store_remove(NODE);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	return user;
}

/* 9: xenstore never knew the guest. A revalidation finds its pages gone, and then it ends. */
static void end_of_a_guest_without_a_node_is_noticed(struct kunit *test)
{
	struct mediator *user = start_user_without_a_node(test);

	user_map_range(user, 0, 8);
	/* The end of another guest changes nothing. */
	fake_store_fire("@releaseDomain");
	wait_for_the_look(user);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, user->n, 8u);
	fake_domain_kill(DOM);
	fake_store_fire("@releaseDomain");
	wait_for_the_end(test, user);
	stop_user(test, user);
}

static void looks_are_over(struct mediator *user, const struct xen_gpu_move *moves,
			   unsigned int n)
{
	cancel_delayed_work(&user->client.domain->watch_work);
}

/* 9: the last reference is given back after the last check that the end caused. */
static void end_is_noticed_after_the_last_check(struct kunit *test)
{
	struct mediator *user = start_user_without_a_node(test);

	user_map_range(user, 0, 8);
	user->on_remap = looks_are_over;
	fake_domain_kill(DOM);
	fake_store_fire("@releaseDomain");
	wait_for_the_end(test, user);
	stop_user(test, user);
}

/* Without a watch on the node the watch on @releaseDomain is enough. */
static void end_is_noticed_without_a_watch_on_the_node(struct kunit *test)
{
	struct mediator *user;

	start_service(test, 64);
	fake_xen_fail_call(FAKE_CALL_WATCH, 1, -EACCES);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	user_map_range(user, 0, 8);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for_the_end(test, user);
	stop_user(test, user);
}

/* The node is removed, @releaseDomain fires, and the node is written again. */
static void soft_reset_is_no_end(struct kunit *test)
{
	struct mediator *user;
	char uuid[64];

	if (!platform(test)->lasting)
		kunit_skip(test, "references do not outlive the guest");
	user = start_user(test, 64, 64);
	user_map_range(user, 0, 8);
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

static void look_again(struct mediator *user)
{
	fake_store_fire("@releaseDomain");
	wait_for_the_look(user);
}

/* The guest has not ended, unless the test was so slow that it had to. */
static void expect_missing(struct mediator *user, unsigned long since)
{
	bool ended = user->nr_ended;

	KUNIT_EXPECT_TRUE(user->test, !ended || time_after(jiffies, since + MISSING_LONGEST));
}

/* Xen knows the guest, and it has memory: it ends when its node was missing long enough. */
static void guest_that_stays_missing_ends(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;
	unsigned long since;

	user_map_range(user, 0, 8);
	fake_store_remove(NODE);
	look_again(user);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(dom->missing));
	since = jiffies - MISSING_LONGEST / 2;
	dom->missing_since = since;
	look_again(user);
	expect_missing(user, since);
	dom->missing_since = jiffies - MISSING_LONGEST - 1;
	look_again(user);
	KUNIT_EXPECT_EQ(test, user->nr_ended, 1u);
	KUNIT_EXPECT_EQ(test, user->n, 0u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, user_map(user, 1), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), 64ul);
	stop_user(test, user);
}

/* The times that the node is missing do not add up. */
static void times_without_a_node_do_not_add_up(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;
	unsigned long since;
	char uuid[64];

	strscpy(uuid, dom->identity, sizeof(uuid));
	fake_store_remove(NODE);
	look_again(user);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(dom->missing));
	fake_store_set(NODE, uuid);
	look_again(user);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(dom->missing));
	since = jiffies;
	dom->missing_since = since - MISSING_LONGEST - 1;
	fake_store_remove(NODE);
	look_again(user);
	expect_missing(user, since);
	fake_store_set(NODE, uuid);
	stop_user(test, user);
}

static void finish_looks(struct mediator *user)
{
	unsigned int n;

	for (n = 0; n < 20 && delayed_work_pending(&user->client.domain->watch_work); n++) {
		wait_for_the_look(user);
		/* Each revalidation by itself: the counter shows all of them. */
		flush(user);
	}
	KUNIT_EXPECT_FALSE(user->test,
			   delayed_work_pending(&user->client.domain->watch_work));
	flush(user);
}

/* 8: for a guest without a node one revalidation follows, or none if Xen reports dying guests. */
static void watch_events_cause_one_revalidation_at_most(struct kunit *test)
{
	bool told = !strcmp(platform(test)->backend, "native");
	struct mediator *user;
	u64 before;

	start_service(test, 64);
	fake_store_remove(NODE);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	user_map_range(user, 0, 8);
	finish_looks(user);
	before = counter("revalidations");
	fake_store_fire("@releaseDomain");
	finish_looks(user);
	KUNIT_EXPECT_EQ(test, counter("revalidations") - before, told ? 0ull : 1ull);
	stop_user(test, user);
}

/* The file in debugfs belongs to the guest that has the domid now. */
static void namesake_has_a_file(struct kunit *test)
{
	struct mediator *old = start_user(test, 64, 64), *new;

	user_map_range(old, 0, 8);
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

/*
 * 4: Xen unmapped everything and gave the target back. Pages without a reference are not trusted.
 */
static void target_that_is_given_back_is_revalidated(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 idle = 20;
	int rc;

	user_map_range(user, 0, 8);
	KUNIT_ASSERT_EQ(test, user_map(user, idle), 0);
	user_unmap(user, idle);
	fake_dev_map_revoke(DOM);
	fake_domain_set_target(DOM, false);
	fake_domain_set_target(DOM, true);
	xen_gpu_domain_suspect(user->client.domain);
	wait_for_the_look(user);
	/* The idle page may need the revalidation first. */
	rc = user_map(user, idle);
	KUNIT_EXPECT_TRUE(test, !rc || rc == -EAGAIN);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), 0);
	if (rc)
		KUNIT_EXPECT_EQ(test, user_map(user, idle), 0);
	KUNIT_EXPECT_EQ(test, user->nr_ended, 0u);
	KUNIT_EXPECT_EQ(test, user->n, 9u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 9ul);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	user->nr_bad = 0;	/* of the revoked frames */
	stop_user(test, user);
}

/*
 * Both guests end in the middle of a revalidation of the first. The second one's end is immediate.
 */
static void both_end(struct mediator *user, const struct xen_gpu_move *moves, unsigned int n)
{
	struct neighbour *other = user->data;

	user->on_remap = NULL;
	fake_domain_kill(DOM);
	fake_store_remove(NODE);
	fake_domain_kill(OTHER_DOM);
	fake_store_release(OTHER_DOM);
	KUNIT_EXPECT_GT(user->test, wait_for_completion_timeout(&other->ended, 60 * HZ), 0ul);
}

/* 16: the end of a guest does not wait for another guest's revalidation. */
static void end_of_a_guest_waits_for_no_other(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct neighbour other;

	start_neighbour(test, &other);
	user_map_range(user, 0, 8);
	user->data = &other;
	user->on_remap = both_end;
	fake_gfn_remove(DOM, 3);
	xen_gpu_balloon_event(user->client.domain);
	wait_for(test, user->nr_ended == 1);
	stop_neighbour(&other);
	stop_user(test, user);
}

static KUNIT_GENERATOR(lasting_gen_params)
{
	const struct platform *p = prev;

	do {
		p = next_platform(p, desc);
	} while (p && !p->lasting);
	return p;
}

static struct kunit_case domain_watch_cases[] = {
	KUNIT_CASE_PARAM(node_that_is_removed_late_is_an_end, platforms_gen_params),
	KUNIT_CASE_PARAM(error_of_xenstore_is_no_end, platforms_gen_params),
	KUNIT_CASE_PARAM(end_during_errors_of_xenstore_is_noticed, platforms_gen_params),
	KUNIT_CASE_PARAM(node_that_is_written_late_is_watched, platforms_gen_params),
	KUNIT_CASE_PARAM(end_of_a_guest_without_a_node_is_noticed, platforms_gen_params),
	KUNIT_CASE_PARAM(end_is_noticed_after_the_last_check, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(end_is_noticed_without_a_watch_on_the_node, platforms_gen_params),
	KUNIT_CASE_PARAM(soft_reset_is_no_end, platforms_gen_params),
	KUNIT_CASE_PARAM(guest_that_stays_missing_ends, lasting_gen_params),
	KUNIT_CASE_PARAM(times_without_a_node_do_not_add_up, lasting_gen_params),
	KUNIT_CASE_PARAM(watch_events_cause_one_revalidation_at_most, platforms_gen_params),
	KUNIT_CASE_PARAM(namesake_has_a_file, platforms_gen_params),
	KUNIT_CASE_PARAM(target_that_is_given_back_is_revalidated, native_gen_params),
	KUNIT_CASE_PARAM(end_of_a_guest_waits_for_no_other, platforms_gen_params),
	{}
};

static struct kunit_suite domain_watch_suite = {
	.name = "xen_gpu_domain_watch",
	.exit = map_fixture_exit,
	.test_cases = domain_watch_cases,
};

kunit_test_suite(domain_watch_suite);
