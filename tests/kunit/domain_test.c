// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of how the mapping service and its domains begin and end: loading, the choice of a backend,
 * the end of guests, unloading.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "fake_xen.h"
#include "map/domain.h"
#include "map_fixture.h"
#include "modules.h"

/* The toolstack destroys a guest: its node, the domain, the watch. */
static void destroy_guest(domid_t domid)
{
	fake_store_remove("/local/domain/5/vm");
	fake_domain_kill(domid);
	fake_store_fire("@releaseDomain");
}

/* 9: nothing of a dead guest is referenced, so it is no zombie. */
static void dead_guest_loses_every_reference_at_once(struct kunit *test)
{
	const u64 idle[] = { 900, 901 };
	struct mediator *user = start_user(test, 1024, 1024);
	struct mapped m;

	user_map_range(user, 400, 200);
	map_gfns(user, idle, 2, &m);
	release_gfns(user, idle, 2);
	fake_store_remove("/local/domain/5/vm");
	fake_domain_kill(DOM);
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), platform(test)->lasting ? 202ul : 0ul);
	fake_store_fire("@releaseDomain");
	wait_for(test, !fake_domain_exists(DOM));
	wait_for(test, user->nr_ended == 1);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, map_gfns(user, idle, 1, &m), 0u);
	KUNIT_EXPECT_EQ(test, m.status[0], -ENODEV);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(new_user(test, 1)), -ENODEV);
	stop_user(test, user);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/total", "refs_taken"),
			debugfs_value("xen_gpu_map/total", "refs_released"));
}

/* 9: the end unmaps what clients did not release, and a release after the end is no error. */
static void release_after_the_end_is_harmless(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfns[] = { 1, 2, 3 };
	struct mapped m;

	map_gfns(user, gfns, 3, &m);
	/* The domid may be used again by then: no notice comes between. */
	fake_domain_kill(DOM);
	fake_store_introduce(DOM, "/vm/another");
	fake_store_fire("@releaseDomain");
	wait_for(test, user->nr_ended == 1 && !fake_domain_exists(DOM));
	release_gfns(user, gfns, 3);
	stop_user(test, user);
}

static void end_of_another_guest_changes_nothing(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 8);
	fake_domain_create(OTHER_DOM, 4);
	fake_domain_kill(OTHER_DOM);
	fake_store_release(OTHER_DOM);
	flush_delayed_work(&user->client.domain->watch_work);
	KUNIT_EXPECT_EQ(test, user->nr_ended, 0u);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* A domid is used again: the old domain is not the new guest's. */
static void namesake_of_a_dead_guest_is_another_domain(struct kunit *test)
{
	struct mediator *old = start_user(test, 64, 64);
	struct mediator *new;
	u64 gfn = 3;
	struct mapped m;

	user_map_range(old, 0, 8);
	destroy_guest(DOM);
	wait_for(test, old->nr_ended == 1 && !fake_domain_exists(DOM));
	fake_domain_create(DOM, 64);
	fake_domain_set_target(DOM, true);
	fake_store_introduce(DOM, "/vm/another");
	new = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(new));
	KUNIT_EXPECT_PTR_NE(test, new->client.domain, old->client.domain);
	user_map_range(new, 0, 8);
	KUNIT_EXPECT_EQ(test, map_gfns(old, &gfn, 1, &m), 0u);
	KUNIT_EXPECT_EQ(test, m.status[0], -ENODEV);
	stop_user(test, old);
	KUNIT_EXPECT_EQ(test, user_check(new), 0u);
	stop_user(test, new);
}

/* The watch was late: the node has another uuid when it is read. */
static void namesake_in_xenstore_ends_the_old_domain(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 8);
	fake_store_introduce(DOM, "/vm/another");
	fake_store_fire("@releaseDomain");
	wait_for(test, user->nr_ended == 1);
	KUNIT_EXPECT_EQ(test, user->n, 0u);
	stop_user(test, user);
}

/* 9: a guest dies while a revalidation is pending. */
static void guest_dies_with_a_revalidation_pending(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 8);
	fake_gfn_remove(DOM, 3);
	xen_gpu_balloon_event(user->client.domain);
	destroy_guest(DOM);
	wait_for(test, user->nr_ended == 1 && !fake_domain_exists(DOM));
	xen_gpu_flush(user->client.domain);
	xen_gpu_balloon_event(user->client.domain);
	xen_gpu_flush(user->client.domain);
	stop_user(test, user);
}

/* A guest is dying, and its end is not noticed yet: maps fail, and live pages stay. */
static void mapping_a_dying_guest_fails_page_by_page(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfns[] = { 1, 9, 10 };
	struct mapped m;

	user_map_range(user, 0, 8);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 3, &m), 1u);
	KUNIT_EXPECT_TRUE(test, m.status[1] == -ENOENT || m.status[1] == -ENODEV);
	release_gfns(user, gfns, 1);
	xen_gpu_balloon_event(user->client.domain);
	xen_gpu_flush(user->client.domain);
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	stop_user(test, user);
}

/* Loading */

static void each_platform_has_its_backend(struct kunit *test)
{
	const struct platform *p = platform(test);
	char text[128], wanted[128];

	start_service(test, 4);
	KUNIT_ASSERT_TRUE(test, debugfs_read("xen_gpu_map/backend", text, sizeof(text)));
	snprintf(wanted, sizeof(wanted),
		 "name %s\nisolates %d\nbatched_unmap %d\nsees_frames %d\n", p->backend,
		 p->isolates, p->batched_unmap, p->sees_frames);
	KUNIT_EXPECT_STREQ(test, text, wanted);
}

static bool loaded_backend_is(const char *name)
{
	char text[128];

	return debugfs_read("xen_gpu_map/backend", text, sizeof(text)) &&
	       !strncmp(text + strlen("name "), name, strlen(name)) &&
	       text[strlen("name ") + strlen(name)] == '\n';
}

/* What a Xen has beyond stock Xen */
enum extra { STOCK, DEV_MAP, IOMMU_OP, IOMMU_OP_OFF };

static void add_extra(enum extra extra)
{
	if (extra == DEV_MAP)
		fake_xen_set_dev_map(false);
	else if (extra != STOCK)
		fake_xen_set_iommu_op(extra == IOMMU_OP ? 0x3e00000 : 0);
}

static void load_finds_the_backend_that_fits(struct kunit *test)
{
	static const struct {
		enum fake_xen_mode mode;
		enum extra extra;
		const char *backend;
		const char *commandline;
		const char *wanted;	/* NULL: no backend */
		int error;
	} cases[] = {
		{ FAKE_NOT_XEN, STOCK, "auto", "", NULL, -ENODEV },
		{ FAKE_NOT_XEN, STOCK, "native", "", NULL, -ENODEV },
		{ FAKE_PV_DOMU, STOCK, "auto", "", NULL, -ENODEV },
		{ FAKE_PVH_DOMU, STOCK, "auto", "", NULL, -ENODEV },
		{ FAKE_PV_DOM0, STOCK, "physmap", "", NULL, -ENODEV },
		{ FAKE_PVH_DOM0, STOCK, "pv", "", NULL, -ENODEV },
		{ FAKE_PV_DOM0, STOCK, "nonsense", "", NULL, -EINVAL },
		{ FAKE_PV_DOM0, STOCK, "native", "", NULL, -ENODEV },
		{ FAKE_PV_DOM0, STOCK, "xenserver", "", NULL, -ENODEV },
		{ FAKE_PV_DOM0, STOCK, "auto", "console=vga dom0-iommu=passthrough,strict x", NULL,
		  -ENODEV },
		{ FAKE_PV_DOM0, STOCK, "auto", "iommu=on,dom0-strict", NULL, -ENODEV },
		{ FAKE_PV_DOM0, STOCK, "auto", "xiommu=dom0-strict dom0-iommu=passthrough", "pv" },
		{ FAKE_PV_DOM0, STOCK, "pv", "", "pv" },
		{ FAKE_PVH_DOM0, STOCK, "physmap", "dom0-iommu=strict", "physmap" },
		{ FAKE_PVH_DOM0, STOCK, "auto", "", "physmap" },
		/* On XenServer, where BFNs are not MFNs, pv is refused. */
		{ FAKE_PV_DOM0, IOMMU_OP, "auto", "", "xenserver" },
		{ FAKE_PV_DOM0, IOMMU_OP, "pv", "", NULL, -ENODEV },
		{ FAKE_PV_DOM0, IOMMU_OP, "auto", "dom0-iommu=strict", NULL, -ENODEV },
		{ FAKE_PV_DOM0, IOMMU_OP_OFF, "auto", "", "pv" },
		{ FAKE_PV_DOM0, IOMMU_OP_OFF, "xenserver", "", "xenserver" },
		{ FAKE_PVH_DOM0, IOMMU_OP, "auto", "", "physmap" },
		{ FAKE_PVH_DOM0, IOMMU_OP, "xenserver", "", NULL, -ENODEV },
		{ FAKE_PV_DOMU, IOMMU_OP, "xenserver", "", NULL, -ENODEV },
		/* Xen's map operation is preferred wherever there is one. */
		{ FAKE_PV_DOM0, DEV_MAP, "auto", "", "native" },
		{ FAKE_PV_DOM0, DEV_MAP, "auto", "dom0-iommu=strict", "native" },
		{ FAKE_PV_DOM0, DEV_MAP, "pv", "", "pv" },
		{ FAKE_PVH_DOM0, DEV_MAP, "auto", "", "native" },
		{ FAKE_PVH_DOM0, DEV_MAP, "physmap", "", "physmap" },
		{ FAKE_PV_DOMU, DEV_MAP, "auto", "", "native" },
		{ FAKE_PVH_DOMU, DEV_MAP, "native", "", "native" },
		{ FAKE_PVH_DOMU, DEV_MAP, "physmap", "", NULL, -ENODEV },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_xen_start(test, cases[i].mode);
		add_extra(cases[i].extra);
		fake_xen_set_commandline(cases[i].commandline);
		module_param_set("xen_gpu_map.backend", cases[i].backend);
		KUNIT_EXPECT_EQ_MSG(test, module_load("xen_gpu_map"), cases[i].error,
				    "case %u: %s, backend=%s, Xen's %s", i,
				    fake_xen_mode_name(cases[i].mode), cases[i].backend,
				    cases[i].commandline);
		KUNIT_EXPECT_TRUE_MSG(test, !cases[i].wanted || loaded_backend_is(cases[i].wanted),
				      "case %u", i);
		modules_unload_all();
		fake_xen_stop(test);
	}
}

/*
 * 9: any step of loading can fail, and nothing is left. On stock Xen only: failures make long logs,
 * and loading is the same elsewhere.
 */
static void load_survives_any_failure(struct kunit *test)
{
	bool pending = false;
	unsigned int nth;

	start_xen(test, platform(test));
	module_param_set("xen_gpu_map.backend", "auto");
	for (nth = 1; !pending && nth < 300; nth++) {
		fake_fail_alloc(nth);
		module_load("xen_gpu_map");
		pending = fake_fail_alloc_stop();
		modules_unload_all();
	}
	KUNIT_EXPECT_TRUE(test, pending);
	fake_xen_fail_call(FAKE_CALL_WATCH, 1, -ENOMEM);
	module_load("xen_gpu_map");
	modules_unload_all();
	fake_xen_fail_nothing();
	KUNIT_EXPECT_EQ(test, module_load("xen_gpu_map"), 0);
}

/* 9: the module is unloaded with work of every kind pending. */
static void unload_with_work_pending(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		struct mediator *user = start_user(test, 64, 64);

		module_param_set("xen_gpu_map.idle_age_ms", "1");
		module_param_set("xen_gpu_map.idle_max", "2");
		user_map_range(user, 0, 8);
		user_unmap_all(user);
		user_map_range(user, 4, 8);
		fake_gfn_remove(DOM, 5);
		xen_gpu_balloon_event(user->client.domain);
		if (i % 2)
			fsleep(i * 1000);
		destroy_guest(DOM);
		stop_user(test, user);
		map_fixture_exit(test);
	}
}

struct long_look {
	struct task_struct *test;
	struct completion begun;
	bool held;
};

/* Delays a check of the domain in its hypercall until the last put waits for the check. */
static void check_for_long(enum fake_call kind, void *arg)
{
	struct long_look *look = arg;

	if (kind != FAKE_CALL_MAXIMUM_GPFN || current == look->test || look->held)
		return;
	look->held = true;
	complete(&look->begun);
	while (task_is_running(look->test))
		fake_xen_let_others_run();
	/* The domain is freed by now. */
	rcu_barrier();
}

/* 9: the last put waits for a check that is under way. KASAN would report a use after free. */
static void last_put_waits_for_a_check_of_the_domain(struct kunit *test)
{
	struct long_look look = { .test = current };
	struct mediator *user = start_user(test, 64, 64);

	init_completion(&look.begun);
	user_map_range(user, 0, 8);
	fake_xen_set_hook(check_for_long, &look);
	fake_store_fire("@releaseDomain");
	wait_for_completion(&look.begun);
	stop_user(test, user);
	map_fixture_exit(test);
	KUNIT_EXPECT_TRUE(test, look.held);
}

static struct kunit_case domain_cases[] = {
	KUNIT_CASE_PARAM(dead_guest_loses_every_reference_at_once, platforms_gen_params),
	KUNIT_CASE_PARAM(release_after_the_end_is_harmless, platforms_gen_params),
	KUNIT_CASE_PARAM(end_of_another_guest_changes_nothing, platforms_gen_params),
	KUNIT_CASE_PARAM(namesake_of_a_dead_guest_is_another_domain, platforms_gen_params),
	KUNIT_CASE_PARAM(namesake_in_xenstore_ends_the_old_domain, platforms_gen_params),
	KUNIT_CASE_PARAM(guest_dies_with_a_revalidation_pending, platforms_gen_params),
	KUNIT_CASE_PARAM(mapping_a_dying_guest_fails_page_by_page, platforms_gen_params),
	KUNIT_CASE_PARAM(each_platform_has_its_backend, platforms_gen_params),
	KUNIT_CASE(load_finds_the_backend_that_fits),
	KUNIT_CASE_PARAM(load_survives_any_failure, stock_platforms_gen_params),
	KUNIT_CASE_PARAM(unload_with_work_pending, platforms_gen_params),
	KUNIT_CASE_PARAM(last_put_waits_for_a_check_of_the_domain, platforms_gen_params),
	{}
};

static struct kunit_suite domain_suite = {
	.name = "xen_gpu_domain",
	.exit = map_fixture_exit,
	.test_cases = domain_cases,
};

kunit_test_suite(domain_suite);
