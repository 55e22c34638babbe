// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the life of virtual GPUs (vgpu/vgpu.c): enabled and disabled at any moment, with
 * failures at each step, and with guests that die.
 */

#include <linux/kthread.h>
#include <linux/slab.h>
#include <xen/xengt.h>

#include "modules.h"
#include "vgpu_fixture.h"

static void kill_guest(struct kunit *test)
{
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
}

/* Failures */

static void enable_fails_cleanly_at_every_hypercall(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	unsigned int nth, skip, skipped = 0, failed = 0;
	bool pending = false;
	char what[32];
	int rc;

	fake_domain_set_vcpus(DOM, 2);
	for (nth = 1; nth < 3000 && !pending; nth += 1 + skip) {
		snprintf(what, sizeof(what), "hypercall %u", nth);
		fake_xen_fail_call(FAKE_CALL_ANY, nth, -ENOMEM);
		rc = xengt_vgpu_enable(vgpu);
		pending = fake_xen_fail_pending();
		fake_xen_fail_nothing();
		KUNIT_EXPECT_EQ(test, (int)vgpu->state,
				(int)(rc ? XENGT_VGPU_OFF : XENGT_VGPU_RUNNING));
		if (rc)
			failed++;
		else
			xengt_vgpu_disable(vgpu);
		vgpu_expect_nothing_left(test, what);
		skip = skip_get_types();
		skipped += skip;
	}
	KUNIT_EXPECT_TRUE(test, pending);
	/*
	 * Enabling survives a failure of these: the guest's look-up (unused on PV), watch, checks,
	 * and claim.
	 */
	KUNIT_EXPECT_GE(test, failed + skipped, nth - 8);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	guest_write(test, VGPU_FIRST, PTE(7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST, DOM, 7));
	stop_vgpu(vgpu);
}

static void enable_fails_cleanly_for_every_kind_of_call(struct kunit *test)
{
	static const enum fake_call kinds[] = {
		FAKE_CALL_DM_CREATE, FAKE_CALL_ACQUIRE, FAKE_CALL_DM_SET_STATE,
		FAKE_CALL_DM_MAP_RANGE, FAKE_CALL_EVTCHN_BIND, FAKE_CALL_BIND_IRQ,
		FAKE_CALL_UNPOPULATED,
	};
	static const int errors[] = { -EPERM, -ENOSPC, -ESRCH };
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	unsigned int i;
	char what[32];

	for (i = 0; i < ARRAY_SIZE(kinds) * ARRAY_SIZE(errors); i++) {
		snprintf(what, sizeof(what), "case %u", i);
		fake_xen_fail_call(kinds[i / 3], 1, errors[i % 3]);
		KUNIT_EXPECT_EQ_MSG(test, xengt_vgpu_enable(vgpu), errors[i % 3], "%s", what);
		KUNIT_EXPECT_FALSE_MSG(test, fake_xen_fail_pending(), "%s", what);
		vgpu_expect_nothing_left(test, what);
	}
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	stop_vgpu(vgpu);
}

/* The GSM "mem" has allocations of its own. */
static void enable_fails_cleanly_at_every_allocation(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	unsigned int nth, failed = 0;
	bool pending = false;
	char what[32];
	int rc;

	strscpy(vgpu->config.place, "mem", sizeof(vgpu->config.place));
	for (nth = 1; nth < 1000 && !pending; nth++) {
		snprintf(what, sizeof(what), "allocation %u", nth);
		fake_fail_alloc(nth);
		rc = xengt_vgpu_enable(vgpu);
		pending = fake_fail_alloc_stop();
		if (rc)
			failed++;
		xengt_vgpu_disable(vgpu);
		vgpu_expect_nothing_left(test, what);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xengt_mem_table_get()), -ENODEV);
	}
	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_GT(test, failed, 20u);
	stop_vgpu(vgpu);
}

static void writes_survive_failing_hypercalls(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	unsigned int nth;

	for (nth = 1; nth < 8; nth++) {
		fake_xen_fail_call(FAKE_CALL_ANY, nth, -ENOMEM);
		guest_write(test, VGPU_FIRST, PTE(7));
		guest_write(test, VGPU_FIRST + 1, PTE(600));
		guest_write(test, VGPU_FIRST, PTE(8));
		fake_xen_fail_nothing();
		guest_write(test, VGPU_FIRST, PTE(8));
		guest_write(test, VGPU_FIRST + 1, PTE(600));
		KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST, DOM, 8));
		KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST + 1, DOM, 600));
		guest_write(test, VGPU_FIRST, 0);
		guest_write(test, VGPU_FIRST + 1, 0);
		sync_vgpu(vgpu);
		KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), 1ul, "the server's page");
	}
	stop_vgpu(vgpu);
}

/* The end */

static void disabled_and_enabled_again_it_starts_afresh(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 2);
	unsigned int i;

	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_EQ(test, guest_read(test, VGPU_FIRST), 0ull);
		guest_write(test, VGPU_FIRST, PTE(i));
		KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST, DOM, i));
		xengt_vgpu_disable(vgpu);
		xengt_vgpu_disable(vgpu);
		vgpu_expect_nothing_left(test, "disabled");
		KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
		KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -EBUSY);
	}
	stop_vgpu(vgpu);
}

static void guest_dies_with_live_entries(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 2);
	unsigned int i;

	for (i = 0; i < VGPU_N; i++)
		guest_write(test, VGPU_FIRST + i, PTE(i));
	fake_domain_kill(DOM);
	KUNIT_EXPECT_TRUE(test, fake_domain_exists(DOM));
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	wait_for(test, vgpu->state == XENGT_VGPU_DEAD);
	vgpu_expect_nothing_left(test, "dead");
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -EBUSY);
	xengt_vgpu_disable(vgpu);
	KUNIT_EXPECT_EQ(test, (int)vgpu->state, (int)XENGT_VGPU_OFF);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -ENODEV);
	vgpu_expect_nothing_left(test, "enabled in vain");
	stop_vgpu(vgpu);
}

/*
 * 9: xenstore never knew the guest. After its pages are unmapped, the ioreq server's page keeps it.
 * That is unmapped when the end is noticed.
 */
static void unknown_guest_dies(struct kunit *test)
{
	struct xengt_vgpu *vgpu;
	unsigned int i;

	fake_store_remove("/local/domain/5/vm");
	vgpu = start_vgpu(test, DOM, 2);
	for (i = 0; i < VGPU_N; i++)
		guest_write(test, VGPU_FIRST + i, PTE(i));
	fake_domain_kill(DOM);
	fake_store_fire("@releaseDomain");
	wait_for(test, !fake_domain_exists(DOM));
	wait_for(test, vgpu->state == XENGT_VGPU_DEAD);
	vgpu_expect_nothing_left(test, "dead");
	stop_vgpu(vgpu);
}

/* 9: the notice of a guest's end comes when the virtual GPU serves another guest already. */
static void end_of_a_former_guest_does_not_stop_a_new_one(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);

	WRITE_ONCE(vgpu->gtt.ended, true);
	schedule_work(&vgpu->ended_work);
	xengt_vgpu_disable(vgpu);
	gpu_set_owner(OTHER_DOM);
	vgpu->config.domid = OTHER_DOM;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	flush_work(&vgpu->ended_work);
	KUNIT_EXPECT_STREQ(test, xengt_vgpu_state_name(vgpu->state), "running");
	stop_vgpu(vgpu);
}

static void two_guests_are_independent(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	struct xengt_vgpu *other = start_vgpu(test, OTHER_DOM, 1);
	unsigned long i, first = VGPU_FIRST * 17;

	for (i = 0; i < VGPU_N; i++) {
		guest_write(test, VGPU_FIRST + i, PTE(i));
		guest_write(test, first + i, PTE(i));
		KUNIT_EXPECT_EQ(test, fake_vcpu_write(OTHER_DOM, 0, ENTRY_ADDR(first + i), PTE(i),
						      8), 0);
	}
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_OUT_OF_SHARE), (u64)VGPU_N);
	fake_guest_balloon_out(OTHER_DOM, 0, 3);
	sync_vgpu(other);
	for (i = 0; i < VGPU_N; i++) {
		KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST + i, DOM, i));
		KUNIT_EXPECT_EQ(test, gpu_reaches(first + i, OTHER_DOM, i), i != 3);
	}
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_INVALIDATES), 0ull);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, vgpu->state == XENGT_VGPU_DEAD);
	for (i = 4; i < VGPU_N; i++)
		KUNIT_EXPECT_TRUE(test, gpu_reaches(first + i, OTHER_DOM, i));
	KUNIT_EXPECT_EQ(test, (int)other->state, (int)XENGT_VGPU_RUNNING);
	stop_vgpu(vgpu);
	stop_vgpu(other);
}

static void twenty_guests_come_and_go(struct kunit *test)
{
	struct xengt_vgpu *vgpu;
	unsigned int i, e;

	kill_guest(test);
	for (i = 0; i < 20; i++) {
		fake_domain_create(DOM, GUEST_PAGES);
		vgpu = start_vgpu(test, DOM, 1);
		for (e = 0; e < 20; e++)
			guest_write(test, VGPU_FIRST + e, PTE(e * 50));
		fake_domain_kill(DOM);
		if (i % 2) {
			stop_vgpu(vgpu);
			fake_store_release(DOM);
		} else {
			fake_store_release(DOM);
			wait_for(test, !fake_domain_exists(DOM));
			stop_vgpu(vgpu);
		}
		KUNIT_EXPECT_FALSE(test, fake_domain_exists(DOM));
		vgpu_expect_nothing_left(test, "guest");
	}
}

/* The guest dies while the user removes the virtual GPU. */

struct destroyer {
	struct xengt_vgpu *vgpu;
	struct completion done;
};

static int destroy(void *data)
{
	struct destroyer *d = data;

	xengt_vgpu_destroy(d->vgpu);
	complete(&d->done);
	return 0;
}

static void destroy_races_with_the_end_of_the_guest(struct kunit *test)
{
	struct destroyer d;
	unsigned int round, i;

	kill_guest(test);
	for (round = 0; round < 10; round++) {
		fake_domain_create(DOM, GUEST_PAGES);
		d.vgpu = start_vgpu(test, DOM, 1);
		guest_write(test, VGPU_FIRST, PTE(7));
		init_completion(&d.done);
		fake_xen_set_yield(true);
		fake_domain_kill(DOM);
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(destroy, &d, "destroy")));
		for (i = 0; i < round; i++)
			schedule();
		fake_store_release(DOM);
		wait_for_completion(&d.done);
		wait_for(test, !fake_domain_exists(DOM));
		fake_xen_set_yield(false);
		vgpu_expect_nothing_left(test, "destroyed");
	}
}

/* Kills the guest at a hypercall. */
static void kill_at(enum fake_call kind, void *data)
{
	unsigned int *nth = data;

	gpu_check();
	if (!*nth || --*nth)
		return;
	fake_domain_kill(DOM);
	fake_store_release(DOM);
}

/* Enables, uses and disables a virtual GPU. Errors do not matter, but nothing may be left. */
static void use_once_in_a_life(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	unsigned int i;
	u64 data;

	if (!xengt_vgpu_enable(vgpu)) {
		for (i = 0; i < 3; i++)
			fake_vcpu_write(DOM, 0, ENTRY_ADDR(VGPU_FIRST + i), PTE(i), 8);
		fake_vcpu_write(DOM, 0, ENTRY_ADDR(VGPU_FIRST), PTE(700), 8);
		fake_vcpu_read(DOM, 0, ENTRY_ADDR(VGPU_FIRST), 8, &data);
		fake_vcpu_invalidate(DOM, 0);
		debugfs_write("xen_gpu_map/flush");
	}
	xengt_vgpu_destroy(vgpu);
}

static void guest_may_die_at_every_hypercall(struct kunit *test)
{
	unsigned int nth, left;
	char what[32];

	kill_guest(test);
	for (nth = 1; nth < 200; nth++) {
		snprintf(what, sizeof(what), "hypercall %u", nth);
		fake_domain_create(DOM, GUEST_PAGES);
		left = nth;
		fake_xen_set_hook(kill_at, &left);
		use_once_in_a_life(test);
		fake_xen_set_hook(NULL, NULL);
		if (left)
			break;
		wait_for(test, !fake_domain_exists(DOM));
		vgpu_expect_nothing_left(test, what);
	}
	KUNIT_EXPECT_GT(test, nth, 15u);
	KUNIT_EXPECT_LT(test, nth, 200u);
	vgpu_expect_nothing_left(test, "the end");
}

/* Counters */

static void counters_have_names_of_their_own(struct kunit *test)
{
	static const char * const names[] = {
		"traps", "reads", "writes", "reps", "invalidates", "unhandled", "bad_range",
		"entries_written", "entries_same", "out_of_share", "bad_entries", "shadowed",
		"scratched_noent", "scratched_perm", "scratched_quota", "scratched_range",
		"scratched_dead", "scratched_nomem", "scratched_again", "scratched_other",
		"zapped", "moved", "retried", "gpu_writes", "gpu_invalidates", "copy_failed",
		"pvinfo_notifies", "pvinfo_failed", "pvinfo_unknown", "pvinfo_denied",
		"tables_made", "tables_shared", "tables_freed", "reclaimed", "roots_missing",
		"pinned_short", "scratched_tables", "parents_rewritten", "refused_1g",
		"pages_protected", "pages_released",
		"pages_rescanned", "table_writes", "plain_writes", "syncs", "syncs_late",
		"pages_unsynced", "pages_resynced", "unsync_scans", "unprotects_busy",
		"gtt_ram_lost", "resets", "drivers_gone",
	};
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL), *line, *rest = text;
	unsigned int i, found[ARRAY_SIZE(names)] = {}, lines = 0;
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_TRUE(test, debugfs_read("xengt/total", text, PAGE_SIZE));
	while ((line = strsep(&rest, "\n")) && *line) {
		lines++;
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			len = strlen(names[i]);
			found[i] += !strncmp(line, names[i], len) && line[len] == ' ';
		}
	}
	for (i = 0; i < ARRAY_SIZE(names); i++)
		KUNIT_EXPECT_EQ_MSG(test, found[i], 1u, "%s", names[i]);
	KUNIT_EXPECT_EQ(test, lines, (unsigned int)ARRAY_SIZE(names));
}

/* 9: of two ioreq servers with one range Xen would send requests to one only. */
static void second_virtual_gpu_at_the_same_addresses_is_refused(struct kunit *test)
{
	struct xengt_vgpu *first = start_vgpu(test, DOM, 2), *second = new_vgpu(test, OTHER_DOM);
	const u64 size = 16 << 20;
	unsigned int servers = fake_servers(DOM);

	gpu_set_owner(DOM);
	second->config.domid = DOM;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(second), -EBUSY);
	/* A smaller BAR of another generation, inside the first */
	second->config.generation = 7;
	second->config.bar0 = BAR0 + size / 2;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(second), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake_servers(DOM), servers);
	guest_write(test, VGPU_FIRST, PTE(7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST, DOM, 7));
	/* A BAR beside the first */
	second->config.generation = 8;
	second->config.bar0 = BAR0 + size;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(second), 0);
	xengt_vgpu_disable(second);
	/* The same BAR, after the first is gone */
	second->config.bar0 = BAR0;
	stop_vgpu(first);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(second), 0);
	xengt_vgpu_destroy(second);
	vgpu_expect_nothing_left(test, "two of one guest");
}

static struct kunit_case vgpu_cases[] = {
	KUNIT_CASE_PARAM(enable_fails_cleanly_at_every_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(enable_fails_cleanly_for_every_kind_of_call, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(enable_fails_cleanly_at_every_allocation, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(writes_survive_failing_hypercalls, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(second_virtual_gpu_at_the_same_addresses_is_refused,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(disabled_and_enabled_again_it_starts_afresh, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_dies_with_live_entries, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unknown_guest_dies, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(end_of_a_former_guest_does_not_stop_a_new_one, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(two_guests_are_independent, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(twenty_guests_come_and_go, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(destroy_races_with_the_end_of_the_guest, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_may_die_at_every_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(counters_have_names_of_their_own, both_dom0s_gen_params),
	{}
};

static struct kunit_suite vgpu_suite = {
	.name = "xengt_vgpu",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = vgpu_cases,
};

kunit_test_suite(vgpu_suite);
