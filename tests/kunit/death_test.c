// SPDX-License-Identifier: GPL-2.0
/*
 * How the end of a guest is noticed, whatever the toolstack and xenstore do, and that it waits for
 * nobody. The numbers in comments are those of the design's invariants.
 */

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include "fake_xen.h"
#include "map/domain.h"
#include "map_fixture.h"
#include "modules.h"

#define NODE		"/local/domain/5/vm"
#define THIRD_DOM	7

/* How long xenstore may have forgotten a guest that Xen knows */
#define MISSING_LONGEST	(10 * HZ)

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
	flush_delayed_work(&user->client.domain->watch_work);
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
				  delayed_work_pending(&user->client.domain->watch_work));
	}
	fake_store_fail_reads(0);
	wait_for_the_look(user);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&user->client.domain->watch_work));
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

static struct mediator *start_user_without_a_node(struct kunit *test)
{
	struct mediator *user;

	start_service(test, 64);
	fake_store_remove(NODE);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	return user;
}

/* 9: xenstore never knew the guest: Xen gives its pages to nobody, so they go, and so does it */
static void guest_without_a_node(struct kunit *test)
{
	struct mediator *user = start_user_without_a_node(test);

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

static void looks_are_over(struct mediator *user, const struct xen_gpu_move *moves,
			   unsigned int n)
{
	cancel_delayed_work(&user->client.domain->watch_work);
}

/* 9: what keeps the guest is given back after the last of the looks that its end led to */
static void guest_without_a_node_is_given_back_late(struct kunit *test)
{
	struct mediator *user = start_user_without_a_node(test);

	map_some(test, user, 8);
	user->on_moved = looks_are_over;
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

static void look_again(struct mediator *user)
{
	fake_store_fire("@releaseDomain");
	wait_for_the_look(user);
}

/* Missing since then, it has not ended; unless the machine stood still until it had to. */
static void expect_missing(struct mediator *user, unsigned long since)
{
	bool ended = user->nr_ended;

	KUNIT_EXPECT_TRUE(user->test, !ended || time_after(jiffies, since + MISSING_LONGEST));
}

/* Xen knows the guest, and it has memory: it ends when it was missing for long, and not before. */
static void guest_that_stays_missing_ends(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *dom = user->client.domain;
	unsigned long since;

	map_some(test, user, 8);
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

/* A guest that is reset again and again is not missing for all that time. */
static void time_without_a_node_starts_anew(struct kunit *test)
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

	for (n = 0; n < 20 && delayed_work_pending(&user->client.domain->watch_work); n++)
		wait_for_the_look(user);
	KUNIT_EXPECT_FALSE(user->test,
			   delayed_work_pending(&user->client.domain->watch_work));
	flush(user);
}

/* 8: of a guest without a node; if Xen says who is dying there is no need for any */
static void news_lead_to_one_revalidation_at_most(struct kunit *test)
{
	bool told = !strcmp(platform(test)->backend, "native");
	struct mediator *user;
	u64 before;

	start_service(test, 64);
	fake_store_remove(NODE);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	map_some(test, user, 8);
	finish_looks(user);
	before = counter("revalidations");
	fake_store_fire("@releaseDomain");
	finish_looks(user);
	KUNIT_EXPECT_EQ(test, counter("revalidations") - before, told ? 0ull : 1ull);
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
	int rc;

	map_some(test, user, 8);
	KUNIT_ASSERT_EQ(test, user_map(user, idle), 0);
	user_unmap(user, idle);
	fake_dev_map_revoke(DOM);
	fake_domain_set_target(DOM, false);
	fake_domain_set_target(DOM, true);
	xen_gpu_domain_suspect(user->client.domain);
	wait_for_the_look(user);
	/* Perhaps not before the revalidation */
	rc = user_map(user, idle);
	KUNIT_EXPECT_TRUE(test, !rc || rc == -EAGAIN);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), 0);
	if (rc)
		KUNIT_EXPECT_EQ(test, user_map(user, idle), 0);
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

/* A thread that gets a domain, or puts it */
struct actor {
	struct task_struct *thread;
	struct completion done;
	domid_t domid;
	struct xen_gpu_domain *dom;
	unsigned long refs;		/* that there were when it was done */
};

static int get_domain(void *arg)
{
	const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = MAX_BFN };
	struct actor *actor = arg;

	actor->dom = xen_gpu_domain_get(actor->domid, &limits);
	actor->refs = fake_total_refs();
	complete_all(&actor->done);
	return 0;
}

static int put_domain(void *arg)
{
	struct actor *actor = arg;

	xen_gpu_domain_put(actor->dom);
	complete_all(&actor->done);
	return 0;
}

static void start_actor(struct kunit *test, struct actor *actor, int (*act)(void *arg))
{
	init_completion(&actor->done);
	actor->thread = kthread_create(act, actor, "actor");
	KUNIT_ASSERT_FALSE(test, IS_ERR(actor->thread));
	get_task_struct(actor->thread);
	wake_up_process(actor->thread);
}

static void finish_actor(struct actor *actor)
{
	wait_for_completion(&actor->done);
	put_task_struct(actor->thread);
}

/* It is done, or waits for somebody. Which of both? */
static bool comes_to_wait(struct kunit *test, struct actor *actor)
{
	wait_for(test, completion_done(&actor->done) ||
		 READ_ONCE(actor->thread->__state) & TASK_UNINTERRUPTIBLE);
	return !completion_done(&actor->done);
}

/* Two who want the same guest at the same time share one domain. */
static void two_gets_make_one_domain(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct actor second = { .domid = OTHER_DOM };
	struct slow_get slow = {};

	init_completion(&slow.begun);
	init_completion(&slow.go_on);
	init_completion(&slow.done);
	fake_domain_create(OTHER_DOM, 64);
	fake_domain_set_target(OTHER_DOM, true);
	fake_xen_set_hook(make_slowly, &slow);
	kthread_run(get_slowly, &slow, "slow_get");
	wait_for_completion(&slow.begun);
	start_actor(test, &second, get_domain);
	KUNIT_EXPECT_TRUE(test, comes_to_wait(test, &second));
	complete_all(&slow.go_on);
	wait_for_completion(&slow.done);
	finish_actor(&second);
	fake_xen_set_hook(NULL, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(slow.dom));
	KUNIT_EXPECT_PTR_EQ(test, slow.dom, second.dom);
	xen_gpu_domain_put(slow.dom);
	xen_gpu_domain_put(second.dom);
	stop_user(test, user);
}

/* A watch of somebody else's, whose callback takes its time: taking a domain down waits for it. */
struct slow_watch {
	struct xenbus_watch watch;
	struct completion begun;
	struct completion go_on;
};

static void on_slow_watch(struct xenbus_watch *watch, const char *path, const char *token)
{
	struct slow_watch *slow = container_of(watch, struct slow_watch, watch);

	complete(&slow->begun);
	wait_for_completion(&slow->go_on);
}

static void begin_slow_watch(struct kunit *test, struct slow_watch *slow)
{
	*slow = (struct slow_watch){
		.watch = { .node = "/slow", .callback = on_slow_watch },
	};
	init_completion(&slow->begun);
	init_completion(&slow->go_on);
	KUNIT_ASSERT_EQ(test, register_xenbus_watch(&slow->watch), 0);
	wait_for_completion(&slow->begun);
}

static void end_slow_watch(struct slow_watch *slow)
{
	complete_all(&slow->go_on);
	unregister_xenbus_watch(&slow->watch);
}

static void make_guest(domid_t domid)
{
	fake_domain_create(domid, 4);
	fake_domain_set_target(domid, true);
}

/* 1, 16: a guest has one domain, also while that is taken down; nobody but its users wait */
static void get_waits_for_the_one_that_is_taken_down(struct kunit *test)
{
	struct actor same = { .domid = OTHER_DOM }, third = { .domid = THIRD_DOM }, put = {};
	struct mediator *user = start_user(test, 64, 64);
	struct slow_watch slow;
	struct neighbour old;

	start_neighbour(test, &old);
	make_guest(THIRD_DOM);
	KUNIT_ASSERT_EQ(test, neighbour_map(&old, 3), 0);
	neighbour_unmap(&old, 3);
	xen_gpu_client_unregister(&old.client);
	put.dom = old.dom;
	begin_slow_watch(test, &slow);
	start_actor(test, &put, put_domain);
	KUNIT_EXPECT_TRUE(test, comes_to_wait(test, &put));
	start_actor(test, &same, get_domain);
	KUNIT_EXPECT_TRUE(test, comes_to_wait(test, &same));
	start_actor(test, &third, get_domain);
	KUNIT_EXPECT_FALSE(test, comes_to_wait(test, &third));
	raise_quota(test, user, 100);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	end_slow_watch(&slow);
	finish_actor(&put);
	finish_actor(&same);
	finish_actor(&third);
	/* The old one's page went first. */
	KUNIT_EXPECT_EQ(test, same.refs, 0ul);
	KUNIT_ASSERT_FALSE(test, IS_ERR(same.dom));
	KUNIT_ASSERT_FALSE(test, IS_ERR(third.dom));
	xen_gpu_domain_put(same.dom);
	xen_gpu_domain_put(third.dom);
	stop_user(test, user);
}

static int get_domain_until_killed(void *arg)
{
	allow_signal(SIGKILL);
	return get_domain(arg);
}

/* That can take minutes: whoever waits for it can be killed. */
static void get_that_waits_can_be_killed(struct kunit *test)
{
	struct actor same = { .domid = OTHER_DOM }, put = {};
	struct mediator *user = start_user(test, 64, 64);
	struct slow_watch slow;
	struct neighbour old;

	start_neighbour(test, &old);
	xen_gpu_client_unregister(&old.client);
	put.dom = old.dom;
	begin_slow_watch(test, &slow);
	start_actor(test, &put, put_domain);
	KUNIT_EXPECT_TRUE(test, comes_to_wait(test, &put));
	start_actor(test, &same, get_domain_until_killed);
	KUNIT_EXPECT_TRUE(test, comes_to_wait(test, &same));
	send_sig(SIGKILL, same.thread, 1);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&same.done, 10 * HZ), 0ul);
	end_slow_watch(&slow);
	finish_actor(&put);
	wait_for_completion(&same.done);
	put_task_struct(same.thread);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(same.dom), -EINTR);
	if (!IS_ERR(same.dom))
		xen_gpu_domain_put(same.dom);
	stop_user(test, user);
}

/* 16: a guest does not wait for the former one of its domid to be taken down */
static void get_does_not_wait_for_one_that_has_ended(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct actor same = { .domid = OTHER_DOM }, put = {};
	struct slow_watch slow;
	struct neighbour old;

	start_neighbour(test, &old);
	fake_domain_kill(OTHER_DOM);
	fake_store_release(OTHER_DOM);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&old.ended, 60 * HZ), 0ul);
	xen_gpu_client_unregister(&old.client);
	make_guest(OTHER_DOM);
	put.dom = old.dom;
	begin_slow_watch(test, &slow);
	start_actor(test, &put, put_domain);
	KUNIT_EXPECT_TRUE(test, comes_to_wait(test, &put));
	start_actor(test, &same, get_domain);
	KUNIT_EXPECT_FALSE(test, comes_to_wait(test, &same));
	KUNIT_EXPECT_FALSE(test, completion_done(&put.done));
	end_slow_watch(&slow);
	finish_actor(&put);
	finish_actor(&same);
	KUNIT_ASSERT_FALSE(test, IS_ERR(same.dom));
	xen_gpu_domain_put(same.dom);
	stop_user(test, user);
}

/* xenstored comes up while a domain is made */
struct late_store {
	struct actor get;
	struct task_struct *telling;	/* the domains that there are */
	unsigned int told;
	struct completion in_the_list;
	struct completion being_watched;
	struct completion all_told;
};

/* The walk stays with the first domain until a second one is there and being watched. */
static void register_slowly(enum fake_call kind, void *arg)
{
	struct late_store *late = arg;

	if (kind != FAKE_CALL_WATCH)
		return;
	if (current == late->get.thread) {
		complete(&late->being_watched);
		wait_for_completion(&late->all_told);
	} else if (current == late->telling && ++late->told == 2) {
		complete(&late->in_the_list);
		wait_for_completion(&late->being_watched);
	}
}

static int tell_of_xenstore(void *arg)
{
	struct late_store *late = arg;

	late->telling = current;
	fake_store_come_up();
	complete_all(&late->all_told);
	return 0;
}

/* Who makes a domain and who hears that xenstore is up both see to its watch: it has one. */
static void watch_is_registered_once(struct kunit *test)
{
	struct late_store late = { .get.domid = OTHER_DOM };
	struct mediator *user;

	init_completion(&late.in_the_list);
	init_completion(&late.being_watched);
	init_completion(&late.all_told);
	fake_store_come_up_late();
	user = start_user(test, 64, 64);
	make_guest(OTHER_DOM);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_WATCH), 0ul);
	fake_xen_set_hook(register_slowly, &late);
	kthread_run(tell_of_xenstore, &late, "xenbus_probe");
	wait_for_completion(&late.in_the_list);
	start_actor(test, &late.get, get_domain);
	finish_actor(&late.get);
	wait_for_completion(&late.all_told);
	fake_xen_set_hook(NULL, NULL);
	/* The two domains', and that for all */
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_WATCH), 3ul);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 0u);
	map_some(test, user, 8);
	fake_domain_kill(DOM);
	fake_store_remove(NODE);
	wait_for_the_end(test, user);
	KUNIT_ASSERT_FALSE(test, IS_ERR(late.get.dom));
	xen_gpu_domain_put(late.get.dom);
	stop_user(test, user);
}

/* 9: xenstore refuses the watch for all, once */
static void watch_that_is_refused_is_tried_again(struct kunit *test)
{
	struct mediator *user;

	fake_store_come_up_late();
	user = start_user(test, 64, 64);
	fake_xen_fail_call(FAKE_CALL_WATCH, 1, -ENOMEM);
	fake_store_come_up();
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	/* It, once more, and the domain's own */
	wait_for(test, fake_xen_calls(FAKE_CALL_WATCH) == 3);
	map_some(test, user, 8);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for_the_end(test, user);
	stop_user(test, user);
}

static const void *lasting_gen_params(const void *prev, char *desc)
{
	const struct platform *p = prev;

	do {
		p = platforms_gen_params(p, desc);
	} while (p && !p->lasting);
	return p;
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
	KUNIT_CASE_PARAM(guest_without_a_node_is_given_back_late, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(node_cannot_be_watched, platforms_gen_params),
	KUNIT_CASE_PARAM(soft_reset_is_no_death, platforms_gen_params),
	KUNIT_CASE_PARAM(guest_that_stays_missing_ends, lasting_gen_params),
	KUNIT_CASE_PARAM(time_without_a_node_starts_anew, lasting_gen_params),
	KUNIT_CASE_PARAM(news_lead_to_one_revalidation_at_most, platforms_gen_params),
	KUNIT_CASE_PARAM(namesake_has_a_file, platforms_gen_params),
	KUNIT_CASE_PARAM(target_is_taken_and_given_back, native_gen_params),
	KUNIT_CASE_PARAM(end_of_a_guest_waits_for_no_other, platforms_gen_params),
	KUNIT_CASE_PARAM(one_that_is_made_keeps_nobody_waiting, platforms_gen_params),
	KUNIT_CASE_PARAM(two_gets_make_one_domain, platforms_gen_params),
	KUNIT_CASE_PARAM(get_waits_for_the_one_that_is_taken_down, platforms_gen_params),
	KUNIT_CASE_PARAM(get_does_not_wait_for_one_that_has_ended, platforms_gen_params),
	KUNIT_CASE_PARAM(get_that_waits_can_be_killed, platforms_gen_params),
	KUNIT_CASE_PARAM(watch_is_registered_once, platforms_gen_params),
	KUNIT_CASE_PARAM(watch_that_is_refused_is_tried_again, platforms_gen_params),
	{}
};

static struct kunit_suite death_suite = {
	.name = "xen_gpu_death",
	.exit = map_fixture_exit,
	.test_cases = death_cases,
};

kunit_test_suite(death_suite);
