// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of single backends, beyond what all of them promise (map_test.c, revalidate_test.c): how
 * they classify Xen's errors, the tables of pv, Xen's map operation, and XenServer's iommu_op with
 * all that is unsafe in it.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
 */

#include <linux/slab.h>

#include "fake_xen.h"
#include "map/domain.h"
#include "map_fixture.h"
#include "modules.h"

/* All backends */

/* A GFN that has become another domain's page is gone, and Xen is not asked again. */
static void page_of_somebody_else_is_gone(struct kunit *test)
{
	static const enum fake_page_type types[] = { FAKE_GRANT, FAKE_FOREIGN, FAKE_MMIO };
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		KUNIT_ASSERT_EQ(test, user_map(user, i), 0);
		fake_gfn_remove(DOM, i);
		fake_gfn_set_type(DOM, i, types[i]);
		user_balloon(user);
		KUNIT_EXPECT_EQ(test, user->nr_gone, i + 1);
		KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
		rc = user_map(user, i);
		KUNIT_EXPECT_TRUE(test, rc == -ENOENT || rc == -EPERM);
		/* No retry is pending. */
		fake_xen_reset_calls();
		flush(user);
		KUNIT_EXPECT_EQ(test, map_calls(), 0ul);
	}
	stop_user(test, user);
}

/* pv: reference tables */

/* The page is paged out, or Xen has no memory: both pass. */
static void page_in_transition_is_retried(struct kunit *test)
{
	static const struct {
		int xen, ours;
	} errors[] = { { -ENOENT, -EAGAIN }, { -ENOMEM, -ENOMEM } };
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		KUNIT_ASSERT_EQ(test, user_map(user, i), 0);
		fake_xen_fail_gfn(DOM, i, errors[i].xen);
		fake_xen_fail_gfn(DOM, 32 + i, errors[i].xen);
		KUNIT_EXPECT_EQ(test, user_map(user, 32 + i), errors[i].ours);
		user_balloon(user);
		KUNIT_EXPECT_EQ(test, user->nr_gone, 0u);
		KUNIT_EXPECT_EQ(test, user_check(user), 0u);
		fake_xen_fail_nothing();
		flush(user);
		KUNIT_EXPECT_EQ(test, user_map(user, 32 + i), 0);
	}
	KUNIT_EXPECT_EQ(test, user->nr_moved, 0u);
	stop_user(test, user);
}

/* 8: a page that never comes is retried later each time. */
static void page_that_never_comes_is_retried_later_each_time(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned long start;
	unsigned int before;

	module_param_set("xen_gpu_map.balloon_delay_ms", "1");
	fake_xen_fail_gfn(DOM, 32, -ENOENT);
	fake_xen_reset_calls();
	start = jiffies;
	while (time_before(jiffies, start + HZ / 2)) {
		before = user->nr_revalidated;
		KUNIT_EXPECT_EQ(test, user_map(user, 32), -EAGAIN);
		KUNIT_EXPECT_TRUE(test,
				  delayed_work_pending(&user->client.domain->reval_work));
		while (READ_ONCE(user->nr_revalidated) == before &&
		       time_before(jiffies, start + HZ / 2))
			schedule_timeout_uninterruptible(1);
	}
	KUNIT_EXPECT_LE(test, map_calls(), 6ul);
	/* After the page has come, the first retries are soon again. */
	fake_xen_fail_nothing();
	flush(user);
	KUNIT_EXPECT_EQ(test, user_map(user, 32), 0);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, READ_ONCE(user->client.domain->not_yet_rounds), 0u);
	stop_user(test, user);
}

/*
 * 8: a block has at most a table for its current and one for its other mappings, and none that is
 * empty, however many balloon events there were.
 */
static void table_goes_with_its_last_page(struct kunit *test)
{
	const unsigned int blocks = 16;
	struct mediator *user = start_user(test, blocks * 512, blocks * 512);
	unsigned int i;

	for (i = 0; i < blocks; i++)
		KUNIT_ASSERT_EQ(test, user_map(user, 512 * i), 0);
	KUNIT_EXPECT_EQ(test, fake_pv_tables(), blocks);
	fake_xen_reset_calls();
	user_balloon(user);
	/* The blocks used one table after the other. */
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_PIN), 1ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_UNPIN), 1ul);
	KUNIT_EXPECT_EQ(test, fake_pv_tables(), blocks);

	/* Half of the pages are remapped. */
	for (i = 0; i < blocks; i += 2) {
		fake_gfn_remove(DOM, 512 * i);
		fake_gfn_populate(DOM, 512 * i);
	}
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, fake_pv_tables(), blocks);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);

	/* One page stays, in each of the block's tables in turn. */
	for (i = 1; i < blocks; i++)
		user_forget(user, 512 * i);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_pv_tables(), 1u);
	stop_user(test, user);
}

/* 8: making a page writable leaves no table. */
static void upgrade_leaves_no_table(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfn = 5;
	int status;
	u64 bfn;

	KUNIT_ASSERT_EQ(test, xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_READ, &bfn, &status),
			1u);
	KUNIT_EXPECT_EQ(test, user_map(user, gfn), 0);
	flush(user);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, fake_pv_tables(), 1u);
	xen_gpu_release(&user->client, &gfn, 1);
	stop_user(test, user);
}

/* 6: a page that Xen does not accept as a table is freed, and the error is counted. */
static void page_that_cannot_be_a_table(struct kunit *test)
{
	static const enum fake_call calls[] = { FAKE_CALL_PROTECT, FAKE_CALL_PIN };
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		fake_xen_fail_call(calls[i], 1, -EINVAL);
		KUNIT_EXPECT_EQ(test, user_map(user, 5), -ENOMEM);
		KUNIT_EXPECT_EQ(test, counter("table_failed"), i + 1ull);
		KUNIT_EXPECT_EQ(test, fake_pv_tables(), 0u);
	}
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	stop_user(test, user);
}

/* The strictness of dom0's IOMMU is parsed from Xen's command line, as Xen parses it. */
static void strictness_is_read_as_xen_reads_it(struct kunit *test)
{
	static const struct {
		const char *line;
		bool strict;
	} lines[] = {
		{ "", false },
		{ "dom0-iommu=strict", true },
		{ "dom0-iommu=strict=1", true },
		{ "dom0-iommu=strict=enable", true },
		{ "dom0-iommu=strict=0", false },
		{ "dom0-iommu=strict=off", false },
		{ "dom0-iommu=strict=false", false },
		{ "dom0-iommu=strict=disable", false },
		{ "dom0-iommu=strict=maybe", false },
		{ "dom0-iommu=strict,strict=maybe", true },
		{ "dom0-iommu=no-strict", false },
		{ "dom0-iommu=no-strict=1", false },
		{ "dom0-iommu=stricter", false },
		{ "dom0-iommu=strict,no-strict", false },
		{ "dom0-iommu=no-strict,strict", true },
		{ "dom0-iommu=map-reserved=0,strict,passthrough=0", true },
		{ "console=com1 dom0-iommu=strict loglvl=all", true },
		{ "  dom0-iommu=strict  ", true },
		{ "dom0-iommu=strict dom0-iommu=strict=no", false },
		{ "dom0-iommu=strict=no iommu=dom0-strict", true },
		{ "iommu=dom0-strict dom0-iommu=no-strict", false },
		{ "iommu=verbose,dom0-strict", true },
		{ "iommu=no-dom0-strict", false },
		{ "iommu=strict", false },
		{ "my-dom0-iommu=strict", false },
		{ "xdom0-iommu=strict iommus=dom0-strict", false },
		{ "dom0-iommu strict", false },
		{ "dom0-iommu=strict iommu=0", false },
		{ "dom0-iommu=strict iommu=off iommu=on", true },
		{ "dom0-iommu=strict no-iommu", false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		start_xen(test, platform(test));
		fake_xen_set_commandline(lines[i].line);
		module_param_set("xen_gpu_map.backend", "pv");
		KUNIT_EXPECT_EQ_MSG(test, module_load("xen_gpu_map"),
				    lines[i].strict ? -ENODEV : 0, "\"%s\"", lines[i].line);
		modules_unload_all();
		fake_xen_stop(test);
	}
}

/* A strictness that cannot be read does not count as "not strict". */
static void unreadable_strictness_is_an_error(struct kunit *test)
{
	unsigned int nth;
	int rc = -ENOMEM;

	start_xen(test, platform(test));
	fake_xen_set_commandline("dom0-iommu=strict");
	module_param_set("xen_gpu_map.backend", "pv");
	for (nth = 1; rc == -ENOMEM && nth < 50; nth++) {
		fake_fail_alloc(nth);
		rc = module_load("xen_gpu_map");
		fake_fail_alloc_stop();
		KUNIT_EXPECT_NE(test, rc, 0);
	}
	KUNIT_EXPECT_EQ(test, rc, -ENODEV);
	KUNIT_EXPECT_GT(test, nth, 2u);
	fake_xen_set_commandline("console=com1");
	/* The first such call asks for the version. */
	fake_xen_fail_call(FAKE_CALL_VERSION, 2, -EPERM);
	KUNIT_EXPECT_EQ(test, module_load("xen_gpu_map"), -EPERM);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
}

/* Versions that the module was not compared with: an older one is refused. */
static void old_xen_is_refused(struct kunit *test)
{
	start_xen(test, platform(test));
	module_param_set("xen_gpu_map.backend", "auto");
	fake_xen_set_version(4, 16);
	KUNIT_EXPECT_EQ(test, module_load("xen_gpu_map"), -ENODEV);
	fake_xen_set_version(3, 99);
	KUNIT_EXPECT_EQ(test, module_load("xen_gpu_map"), -ENODEV);
	fake_xen_set_version(4, 17);
	fake_xen_fail_call(FAKE_CALL_VERSION, 1, -EFAULT);
	KUNIT_EXPECT_EQ(test, module_load("xen_gpu_map"), -EFAULT);
	KUNIT_EXPECT_EQ(test, module_load("xen_gpu_map"), 0);
	module_unload("xen_gpu_map");
	fake_xen_set_version(5, 0);
	KUNIT_EXPECT_EQ(test, module_load("xen_gpu_map"), 0);
	module_unload("xen_gpu_map");
}

/* Xen's own operation */

/* A balloon event takes one look-up for each 512 GFNs, and nothing else if no page changed. */
static void good_mappings_cost_one_lookup(struct kunit *test)
{
	struct mediator *user = start_user(test, 1536, 1536);
	u64 gfn;

	for (gfn = 0; gfn < 1024; gfn += 2)
		KUNIT_ASSERT_EQ(test, user_map(user, gfn), 0);
	fake_xen_reset_calls();
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DEV_LOOKUP), 2ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DEV_MAP), 0ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DEV_UNMAP), 0ul);
	KUNIT_EXPECT_EQ(test, fake_xen_flushes(), 0ul);
	KUNIT_EXPECT_EQ(test, counter("reval_hypercalls"), 2ull);
	KUNIT_EXPECT_EQ(test, counter("kept"), 512ull);
	KUNIT_EXPECT_EQ(test, user->nr_calls, 0u);
	stop_user(test, user);
}

/* Only a page with another frame is mapped again, and only a page without one is dropped. */
static void stale_page_moves_and_lost_page_goes(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 32);
	fake_gfn_remove(DOM, 20);
	fake_gfn_remove(DOM, 9);
	fake_gfn_populate(DOM, 9);
	fake_gfn_remove(DOM, 3);
	fake_xen_reset_calls();
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, user->nr_moved, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 2u);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	KUNIT_EXPECT_EQ(test, counter("kept"), 29ull);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DEV_LOOKUP), 1ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DEV_MAP), 1ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DEV_UNMAP), 1ul);
	KUNIT_EXPECT_EQ(test, fake_xen_flushes(), platform(test)->isolates ? 1ul : 0ul);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 30ul);
	stop_user(test, user);
}

/* 12: the one page of a batch that Xen refuses to unmap stays mapped, and the unmap is retried. */
static void refused_entry_of_an_unmap_is_tried_again(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfns[] = { 1, 2, 3, 4 };
	struct mapped m;

	map_gfns(user, gfns, 4, &m);
	release_gfns(user, gfns, 4);
	fake_xen_fail_unmap(DOM, 3, -EBUSY);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), -EIO);
	KUNIT_EXPECT_GT(test, counter("unmap_failed"), 0ull);
	KUNIT_EXPECT_EQ(test, counter("unmapped"), 3ull);
	KUNIT_EXPECT_EQ(test, counter("idle"), 1ull);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(fake_gfn_mfn(DOM, 3)), 1u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	fake_xen_fail_nothing();
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* 6: a call that ends in the middle has done the entries before its end only. */
static void interrupted_call_has_done_its_first_entries(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfns[] = { 1, 2, 3, 4 };
	struct mapped m;
	unsigned int i;

	fake_xen_stop_dev_map(2, -EFAULT);
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 4, &m), 2u);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, m.status[i], i < 2 ? 0 : -EFAULT);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 2ul);
	release_gfns(user, gfns, 2);
	fake_xen_stop_dev_map(1, -EFAULT);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), -EIO);
	KUNIT_EXPECT_EQ(test, counter("unmap_failed"), 1ull);
	KUNIT_EXPECT_EQ(test, counter("unmapped"), 1ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* The toolstack took the guest away and gave it back: pages that Xen unmapped are mapped again. */
static void mappings_that_xen_took_away_are_made_anew(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 8);
	fake_dev_map_revoke(DOM);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	/* The device's mappings are gone by now, which nobody could know before. */
	user->n = 0;
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, counter("moved") + counter("kept"), 8ull);
	KUNIT_EXPECT_EQ(test, counter("unmap_failed"), 0ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	while (user->n < 8)
		user_note(user, user->n, 0);
	stop_user(test, user);
}

static void release_what_is_gone(struct mediator *user, const struct xen_gpu_move *moves,
				 unsigned int n)
{
	for (; n; n--, moves++) {
		KUNIT_EXPECT_EQ(user->test, moves->status, -ENOENT);
		user->nr_gone++;
		xen_gpu_release(&user->client, &moves->gfn, 1);
	}
}

static bool in_driver_domain(struct kunit *test)
{
	enum fake_xen_mode mode = platform(test)->mode;

	return mode == FAKE_PV_DOMU || mode == FAKE_PVH_DOMU;
}

/* 4: a driver domain loses its target: all entries are zapped, and no unmap fails later. */
static void lost_target_loses_its_mappings(struct kunit *test)
{
	struct mediator *user;

	if (!in_driver_domain(test))
		kunit_skip(test, "only a driver domain has a target");
	user = start_user(test, 64, 64);
	user_map_range(user, 0, 8);
	user->n = 0;
	user->on_remap = release_what_is_gone;
	fake_domain_set_target(DOM, false);
	fake_dev_map_revoke(DOM);
	xen_gpu_balloon_event(user->client.domain);
	xen_gpu_flush(user->client.domain);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 8u);
	KUNIT_EXPECT_EQ(test, counter("unmap_failed"), 0ull);
	KUNIT_EXPECT_EQ(test, counter("live"), 0ull);
	fake_domain_set_target(DOM, true);
	user_balloon(user);
	KUNIT_EXPECT_EQ(test, counter("unmap_failed"), 0ull);
	stop_user(test, user);
}

/* 9: a guest that was taken from a driver domain has ended for it. A refused map reveals that. */
static void lost_target_has_ended(struct kunit *test)
{
	struct mediator *user;
	u64 failed, dead;

	if (!in_driver_domain(test))
		kunit_skip(test, "only a driver domain has a target");
	user = start_user(test, 64, 64);
	failed = debugfs_value("xen_gpu_map/total", "unmap_failed");
	dead = debugfs_value("xen_gpu_map/total", "fail_dead");
	user_map_range(user, 0, 8);
	fake_domain_set_target(DOM, false);
	fake_dev_map_revoke(DOM);
	KUNIT_EXPECT_EQ(test, user_map(user, 20), -ENODEV);
	/* The domain's own file may be gone by now. */
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/total", "fail_dead") - dead, 1ull);
	wait_for(test, user->nr_ended == 1);
	KUNIT_EXPECT_EQ(test, user_map(user, 1), -ENODEV);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/total", "unmap_failed"), failed);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* 9: a guest that is suspected to have ended, but has not, goes on. */
static void suspicion_without_reason_changes_nothing(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 8);
	fake_xen_reset_calls();
	xen_gpu_domain_suspect(user->client.domain);
	wait_for(test, fake_xen_calls(FAKE_CALL_DEV_INFO) > 0);
	KUNIT_EXPECT_EQ(test, user_map(user, 20), 0);
	KUNIT_EXPECT_EQ(test, user->nr_ended, 0u);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* A guest that is not the driver domain's target is refused with -EPERM. */
static void guest_that_is_no_target_is_refused(struct kunit *test)
{
	const bool driver_domain = in_driver_domain(test);
	struct mediator *user = start_user(test, 64, 64);
	const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = MAX_BFN };
	struct xen_gpu_domain *other;

	fake_domain_create(OTHER_DOM, 4);
	other = xen_gpu_domain_get(OTHER_DOM, &limits);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(other), driver_domain ? -EPERM : 0);
	if (!IS_ERR(other))
		xen_gpu_domain_put(other);
	stop_user(test, user);
}

/* A driver domain is not its own guest. */
static void own_domid_is_refused(struct kunit *test)
{
	const bool driver_domain = in_driver_domain(test);
	const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = MAX_BFN };
	struct xen_gpu_domain *dom;

	start_service(test, 64);
	fake_domain_create(FAKE_OWN_DOMID, 4);
	dom = xen_gpu_domain_get(FAKE_OWN_DOMID, &limits);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(dom), driver_domain ? -EINVAL : 0);
	if (!IS_ERR(dom))
		xen_gpu_domain_put(dom);
	/* Without xenstore it is Xen that refuses. */
	fake_store_fail_reads(-EIO);
	dom = xen_gpu_domain_get(FAKE_OWN_DOMID, &limits);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(dom), driver_domain ? -EPERM : 0);
	if (!IS_ERR(dom))
		xen_gpu_domain_put(dom);
}

/* Returns the hypercall that the platform's backend maps with. */
static enum fake_call map_call(struct kunit *test)
{
	const char *backend = platform(test)->backend;

	if (!strcmp(backend, "pv"))
		return FAKE_CALL_MMU_UPDATE;
	if (!strcmp(backend, "physmap"))
		return FAKE_CALL_ADD_TO_PHYSMAP;
	return strcmp(backend, "native") ? FAKE_CALL_IOMMU_LOOKUP : FAKE_CALL_DEV_MAP;
}

/* 6: a positive value is an error, too, though Xen's errors are negative. */
static void positive_value_is_eio(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	fake_xen_fail_gfn(DOM, 5, 1);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -EIO);
	fake_xen_fail_nothing();
	fake_xen_fail_call(map_call(test), 1, 1);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), -EIO);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	user_unmap(user, 5);
	fake_xen_fail_call(unmap_call(test), 1, 1);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), -EIO);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* 6: the same for the hypercall that returns a guest's handle. */
static void positive_value_is_no_handle(struct kunit *test)
{
	const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = MAX_BFN };
	struct mediator *user = start_user(test, 64, 64);
	struct xen_gpu_domain *other;

	fake_domain_create(OTHER_DOM, 4);
	fake_domain_set_target(OTHER_DOM, true);
	fake_xen_fail_call(FAKE_CALL_DEV_INFO, 1, 1);
	other = xen_gpu_domain_get(OTHER_DOM, &limits);
	KUNIT_EXPECT_PTR_EQ(test, (void *)other, ERR_PTR(-EIO));
	stop_user(test, user);
}

/* A page in transition is retried after the revalidation. */
static void native_page_in_transition_is_retried(struct kunit *test)
{
	static const int errors[] = { -EAGAIN, -EBUSY };
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		fake_xen_fail_gfn(DOM, 5, errors[i]);
		KUNIT_EXPECT_EQ(test, user_map(user, 5), -EAGAIN);
		fake_xen_fail_nothing();
		flush(user);
		KUNIT_EXPECT_EQ(test, user->nr_revalidated, i + 1);
		KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
		user_unmap_all(user);
		flush(user);
	}
	stop_user(test, user);
}

/* 8: at Xen's limit a map fails with -ENOSPC, as at the quota. */
static void limit_of_xen_is_a_quota(struct kunit *test)
{
	struct mediator *user;
	unsigned int i;

	start_service(test, 64);
	fake_xen_set_dev_map_limit(4);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_EQ(test, user_map(user, i), i < 4 ? 0 : -ENOSPC);
	KUNIT_EXPECT_EQ(test, counter("fail_quota"), 2ull);
	stop_user(test, user);
}

static void write_access_that_xen_refuses_is_an_error(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfn = 5;
	struct mapped m;

	fake_xen_fail_gfn(DOM, gfn, -EACCES);
	KUNIT_EXPECT_EQ(test, map_gfns(user, &gfn, 1, &m), 0u);
	KUNIT_EXPECT_EQ(test, m.status[0], -EPERM);
	KUNIT_EXPECT_EQ(test, counter("fail_perm"), 1ull);
	stop_user(test, user);
}

/* 9: Xen reports a dying guest, as a driver domain cannot read the guest's node. */
static void xen_reports_that_a_guest_is_dying(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	user_map_range(user, 0, 8);
	/* The end of another guest */
	fake_xen_reset_calls();
	fake_store_fire("@releaseDomain");
	wait_for(test, fake_xen_calls(FAKE_CALL_DEV_INFO) > 0);
	KUNIT_EXPECT_EQ(test, user->nr_ended, 0u);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_TRUE(test, fake_domain_exists(DOM));
	fake_store_fire("@releaseDomain");
	wait_for(test, user->nr_ended == 1 && !fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* XenServer's iommu_op */

/* 1: there is one reference, whatever the number of look-ups, and the last user drops it. */
static void revalidation_does_not_lose_the_only_reference(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;

	user_map_range(user, 0, 8);
	fake_xen_reset_calls();
	for (i = 0; i < 3; i++)
		user_balloon(user);
	/* The second look-up takes no reference, so no unmap follows. */
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_IOMMU_LOOKUP), 3ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_IOMMU_UNMAP), 0ul);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	user_unmap_all(user);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_IOMMU_UNMAP), 1ul);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

static void ignore_moves(struct xen_gpu_client *client, const struct xen_gpu_move *moves,
			 unsigned int n)
{
}

static void ignore_end(struct xen_gpu_client *client)
{
}

/* 1, 9: a frame of a dead guest belongs to another guest when it would be unmapped. */
static void late_unmap_spares_the_next_guest(struct kunit *test)
{
	static const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = MAX_BFN };
	struct mediator *user = start_user(test, 8, 64);
	static const struct xen_gpu_client_ops ops = {
		.remap = ignore_moves,
		.release = ignore_end,
	};
	struct xen_gpu_client client = { .ops = &ops, .max_bfn = MAX_BFN };
	struct xen_gpu_domain *other;
	unsigned int i, same = 0;
	struct mapped m, before;
	u64 gfns[8];

	for (i = 0; i < 8; i++)
		gfns[i] = i;
	map_gfns(user, gfns, 8, &before);
	/* The end is not in xenstore yet, and not noticed. */
	fake_domain_kill(DOM);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	fake_domain_create(OTHER_DOM, 8);
	other = xen_gpu_domain_get(OTHER_DOM, &limits);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_ASSERT_EQ(test, xen_gpu_client_register(other, &client), 0);
	KUNIT_EXPECT_EQ(test, xen_gpu_map(&client, gfns, 8, XEN_GPU_MAP_WRITE, m.bfn, m.status),
			8u);
	for (i = 0; i < 64; i++)
		same += m.bfn[i / 8] == before.bfn[i % 8];
	KUNIT_EXPECT_EQ(test, same, 8u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);

	release_gfns(user, gfns, 8);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_TRUE(test, fake_dma_reaches(m.bfn[i], OTHER_DOM, i));
	fake_store_release(DOM);
	xen_gpu_release(&client, gfns, 8);
	xen_gpu_client_unregister(&client);
	xen_gpu_domain_put(other);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/* 8: a call has a bounded number of entries, though Xen would take any number. */
static void calls_are_bounded(struct kunit *test)
{
	struct mediator *user = start_user(test, 2000, 2000);
	u64 *gfns = kunit_kmalloc_array(test, 2000, sizeof(*gfns), GFP_KERNEL);
	u64 *bfns = kunit_kmalloc_array(test, 2000, sizeof(*bfns), GFP_KERNEL);
	int *status = kunit_kmalloc_array(test, 2000, sizeof(*status), GFP_KERNEL);
	unsigned int i;

	for (i = 0; i < 2000; i++)
		gfns[i] = i;
	KUNIT_EXPECT_EQ(test, xen_gpu_map(&user->client, gfns, 2000, XEN_GPU_MAP_WRITE, bfns,
					  status), 2000u);
	KUNIT_EXPECT_EQ(test, fake_iommu_op_largest(), 512u);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_IOMMU_LOOKUP), 4ul);
	xen_gpu_release(&user->client, gfns, 2000);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_IOMMU_UNMAP), 4ul);
	KUNIT_EXPECT_EQ(test, fake_iommu_op_largest(), 512u);
	stop_user(test, user);
}

/* 12: an unmap that iommu_op refuses keeps the frame the guest's. */
static void refused_unmap_keeps_the_frame_ours(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfns[] = { 1, 2, 3 };
	struct mapped m;

	map_gfns(user, gfns, 3, &m);
	release_gfns(user, gfns, 3);
	fake_xen_fail_unmap(DOM, 2, -EIO);
	KUNIT_EXPECT_EQ(test, xen_gpu_flush(user->client.domain), -EIO);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	KUNIT_EXPECT_EQ(test, counter("idle"), 1ull);
	fake_xen_fail_nothing();
	/* The revived page still has the one reference. */
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 3, &m), 3u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 3ul);
	release_gfns(user, gfns, 3);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

static struct kunit_case backend_cases[] = {
	KUNIT_CASE_PARAM(page_of_somebody_else_is_gone, platforms_gen_params),
	KUNIT_CASE_PARAM(page_in_transition_is_retried, pv_gen_params),
	KUNIT_CASE_PARAM(page_that_never_comes_is_retried_later_each_time, pv_gen_params),
	KUNIT_CASE_PARAM(table_goes_with_its_last_page, pv_gen_params),
	KUNIT_CASE_PARAM(upgrade_leaves_no_table, pv_gen_params),
	KUNIT_CASE_PARAM(page_that_cannot_be_a_table, pv_gen_params),
	KUNIT_CASE_PARAM(strictness_is_read_as_xen_reads_it, pv_gen_params),
	KUNIT_CASE_PARAM(unreadable_strictness_is_an_error, pv_gen_params),
	KUNIT_CASE_PARAM(old_xen_is_refused, platforms_gen_params),
	KUNIT_CASE_PARAM(good_mappings_cost_one_lookup, native_gen_params),
	KUNIT_CASE_PARAM(stale_page_moves_and_lost_page_goes, native_gen_params),
	KUNIT_CASE_PARAM(refused_entry_of_an_unmap_is_tried_again, native_gen_params),
	KUNIT_CASE_PARAM(interrupted_call_has_done_its_first_entries, native_gen_params),
	KUNIT_CASE_PARAM(mappings_that_xen_took_away_are_made_anew, native_gen_params),
	KUNIT_CASE_PARAM(lost_target_loses_its_mappings, native_gen_params),
	KUNIT_CASE_PARAM(lost_target_has_ended, native_gen_params),
	KUNIT_CASE_PARAM(suspicion_without_reason_changes_nothing, native_gen_params),
	KUNIT_CASE_PARAM(guest_that_is_no_target_is_refused, native_gen_params),
	KUNIT_CASE_PARAM(own_domid_is_refused, platforms_gen_params),
	KUNIT_CASE_PARAM(native_page_in_transition_is_retried, native_gen_params),
	KUNIT_CASE_PARAM(positive_value_is_eio, platforms_gen_params),
	KUNIT_CASE_PARAM(positive_value_is_no_handle, native_gen_params),
	KUNIT_CASE_PARAM(limit_of_xen_is_a_quota, native_gen_params),
	KUNIT_CASE_PARAM(write_access_that_xen_refuses_is_an_error, native_gen_params),
	KUNIT_CASE_PARAM(xen_reports_that_a_guest_is_dying, native_gen_params),
	KUNIT_CASE_PARAM(revalidation_does_not_lose_the_only_reference, xenserver_gen_params),
	KUNIT_CASE_PARAM(late_unmap_spares_the_next_guest, xenserver_gen_params),
	KUNIT_CASE_PARAM(calls_are_bounded, xenserver_gen_params),
	KUNIT_CASE_PARAM(refused_unmap_keeps_the_frame_ours, xenserver_gen_params),
	{}
};

static struct kunit_suite backend_suite = {
	.name = "xen_gpu_backend",
	.exit = map_fixture_exit,
	.test_cases = backend_cases,
};

kunit_test_suite(backend_suite);
