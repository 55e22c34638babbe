// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the registry of domains (map/registry.c): a guest has one domain at a time, and getting
 * or putting one waits for no other guest.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
 */

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <xen/xenbus.h>

#include "fake_xen.h"
#include "map/domain.h"
#include "map_fixture.h"
#include "modules.h"

#define NODE		"/local/domain/5/vm"
#define THIRD_DOM	7

static void wait_for_the_end(struct kunit *test, struct mediator *user)
{
	wait_for(test, user->nr_ended == 1 && !fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, user->n, 0u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
}

/* A get of a domain, which takes as long as the test wants */
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

/* 16: raising a quota does not wait for the creation of another guest's domain. */
static void creation_of_a_domain_blocks_no_other_guest(struct kunit *test)
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

/* A thread that gets or puts a domain */
struct actor {
	struct task_struct *thread;
	struct completion done;
	domid_t domid;
	struct xen_gpu_domain *dom;
	unsigned long refs;		/* when it was done */
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

/* Returns true if the thread blocks, false if it is done. */
static bool comes_to_wait(struct kunit *test, struct actor *actor)
{
	wait_for(test, completion_done(&actor->done) ||
		 READ_ONCE(actor->thread->__state) & TASK_UNINTERRUPTIBLE);
	return !completion_done(&actor->done);
}

/* Concurrent gets of one guest share a domain. */
static void concurrent_gets_share_one_domain(struct kunit *test)
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

/* Another watch, whose callback is slow: unregistering a domain's watch waits for it. */
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

/* 1, 16: a guest has one domain, even while that is taken down. Only a get of this guest waits. */
static void get_waits_for_a_domain_that_is_being_freed(struct kunit *test)
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
	/* The old domain's page was unmapped first. */
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

/* A get that waits for a domain that is being freed, which can take minutes, can be killed. */
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
	finish_actor(&same);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(same.dom), -EINTR);
	if (!IS_ERR(same.dom))
		xen_gpu_domain_put(same.dom);
	stop_user(test, user);
}

/* 16: a get does not wait for the domain of a guest that has ended and had the same domid. */
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

/* xenstored comes up while a domain is created */
struct late_store {
	struct actor get;
	struct task_struct *telling;	/* the thread that walks all domains */
	unsigned int told;
	struct completion in_the_list;
	struct completion being_watched;
	struct completion all_told;
};

/* Stops the walk at the first domain until a second domain registers its watch. */
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

/*
 * The creation of a domain and the notifier of xenstore both register its watch. One registers it.
 */
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
	/* Those of the two domains, and the one on @releaseDomain */
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_WATCH), 3ul);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 0u);
	user_map_range(user, 0, 8);
	fake_domain_kill(DOM);
	fake_store_remove(NODE);
	wait_for_the_end(test, user);
	KUNIT_ASSERT_FALSE(test, IS_ERR(late.get.dom));
	xen_gpu_domain_put(late.get.dom);
	stop_user(test, user);
}

/* 9: a watch for the end of guests that xenstore refuses is registered again. */
static void refused_watch_is_registered_again(struct kunit *test)
{
	struct mediator *user;

	fake_store_come_up_late();
	user = start_user(test, 64, 64);
	fake_xen_fail_call(FAKE_CALL_WATCH, 1, -ENOMEM);
	fake_store_come_up();
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	/* The refused one, the same again, and the domain's own */
	wait_for(test, fake_xen_calls(FAKE_CALL_WATCH) == 3);
	user_map_range(user, 0, 8);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for_the_end(test, user);
	stop_user(test, user);
}

static struct kunit_case registry_cases[] = {
	KUNIT_CASE_PARAM(creation_of_a_domain_blocks_no_other_guest, platforms_gen_params),
	KUNIT_CASE_PARAM(concurrent_gets_share_one_domain, platforms_gen_params),
	KUNIT_CASE_PARAM(get_waits_for_a_domain_that_is_being_freed, platforms_gen_params),
	KUNIT_CASE_PARAM(get_that_waits_can_be_killed, platforms_gen_params),
	KUNIT_CASE_PARAM(get_does_not_wait_for_one_that_has_ended, platforms_gen_params),
	KUNIT_CASE_PARAM(watch_is_registered_once, platforms_gen_params),
	KUNIT_CASE_PARAM(refused_watch_is_registered_again, platforms_gen_params),
	{}
};

static struct kunit_suite registry_suite = {
	.name = "xen_gpu_registry",
	.exit = map_fixture_exit,
	.test_cases = registry_cases,
};

kunit_test_suite(registry_suite);
