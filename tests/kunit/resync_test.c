// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of pages that are resynced: when an unsync page is write-protected again, stores to it
 * meanwhile, changes of the mode, and balloon events.
 */

#include "hybrid_fixture.h"
#include "modules.h"
#include "ppgtt_fixture.h"

static const struct hybrid_config hybrid = {
	.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 4, .room = 4,
};

/* Pages that are resynced */

static void page_without_changes_is_resynced(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	module_param_set("xengt.idle_syncs", "3");
	hybrid_write_often(test, 1);
	hybrid_flush_times(test, 1 + 2);
	hybrid_put(test, FIRST, PTE(60));
	/* One sync with a change, and three without */
	hybrid_flush_times(test, 1 + 3);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_PAGES_RESYNCED), 1ull);
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 2ul);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 60));
	hybrid_put(test, FIRST, PTE(61));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 61));
	KUNIT_EXPECT_EQ_MSG(test, vgpu_count(vgpu, XENGT_COUNT_UNSYNC_SCANS), 7ull,
			    "no scan since the resync");
	stop_hybrid(test, vgpu);
}

static void store_to_gtt(struct meanwhile *m)
{
	const u64 pte = PTE(79);

	KUNIT_EXPECT_TRUE(m->test, hybrid_is_unsync(1));
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_store(DOM, 1, ENTRY_ADDR(FIRST + 9), &pte, 8), 0);
}

/* The last untrapped store comes just before the page is protected. */
static void store_before_the_resync_is_not_lost(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = store_to_gtt, .test = test,
	};

	module_param_set("xengt.idle_syncs", "1");
	hybrid_write_often(test, 1);
	hybrid_flush_times(test, 2);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 9, DOM, 79));
	stop_hybrid(test, vgpu);
}

static void page_that_xen_does_not_protect_stays_unsync(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	module_param_set("xengt.idle_syncs", "2");
	hybrid_write_often(test, 1);
	hybrid_flush_times(test, 3);
	fake_xen_reset_calls();
	fake_xen_fail_call(FAKE_CALL_DM_SET_TYPE, 1, -EAGAIN);
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_PAGES_RESYNCED), 0ull);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ_MSG(test, hybrid_set_type_calls(), 1ul, "not at each sync");
	hybrid_put(test, FIRST, PTE(63));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 63));
	hybrid_flush_times(test, 3);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	stop_hybrid(test, vgpu);
}

#define TRIES		64	/* pages that one sync tries to resync */

/* Removes the pages that the next sync tries to resync. Returns the last one of the others. */
static unsigned long remove_first_pages(struct xengt_vgpu *vgpu)
{
	struct xengt_dirty *dirty = &vgpu->gtt.shadow.dirty;
	struct xengt_gpage *page;
	unsigned int n = 0;

	list_for_each_entry(page, &dirty->unsync, unsync_node) {
		if (n++ < TRIES)
			fake_gfn_remove(DOM, GTT_GFN(page->key));
	}
	return list_last_entry(&dirty->unsync, struct xengt_gpage, unsync_node)->key;
}

/* 16: pages that Xen does not protect do not use up the tries of each sync. */
static void refused_pages_leave_tries_to_others(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .pages = 255, .room = 255,
	};
	struct xengt_vgpu *vgpu;
	unsigned long last;

	gpu_check_one_in(512);
	vgpu = start_hybrid(test, &config);
	module_param_set("xengt.unsync_around", "128");
	hybrid_unsync(test, 100);
	KUNIT_ASSERT_EQ(test, hybrid_unsynced(vgpu), 128ull);
	last = remove_first_pages(vgpu);
	module_param_set("xengt.idle_syncs", "0");
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(last));
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(last));
	KUNIT_EXPECT_EQ(test, vgpu->gtt.shadow.dirty.nr_unsync, (unsigned long)TRIES);
	/* The rescan finds that the others are gone, and are MMIO from then on. */
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, vgpu->gtt.shadow.dirty.nr_unsync, 0ul);
	stop_hybrid(test, vgpu);
}

/* The guest may write the same entry again when its page is populated, and that write must trap. */
static void page_with_a_missing_entry_is_resynced(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	hybrid_unsync(test, 1);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	hybrid_put(test, FIRST + 5, PTE(NO_GFN));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(vgpu, FIRST + 5));
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	hybrid_unsync(test, 1);
	KUNIT_EXPECT_FALSE_MSG(test, hybrid_is_unsync(1), "nor unsynced again");
	fake_gfn_populate(DOM, NO_GFN);
	hybrid_put(test, FIRST + 5, PTE(NO_GFN));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 5, DOM, NO_GFN));
	hybrid_unsync(test, 1);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	fake_gfn_remove(DOM, NO_GFN);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	stop_hybrid(test, vgpu);
}

static void table_with_a_missing_entry_is_resynced(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);
	unsigned int i;

	hybrid_unsync_table(guest);
	hybrid_unsync_directory(guest);
	ppgtt_guest_put(guest, TABLE, 5, PTE(NO_GFN));
	for (i = 1; i < 5; i++)
		ppgtt_guest_put(guest, TABLE_ROOT, i, PTE(NO_GFN + 1));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 2ull);
	ppgtt_guest_sync(guest);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 0ull);
	ppgtt_check(&ppgtt);
	fake_gfn_populate(DOM, NO_GFN);
	fake_gfn_populate(DOM, NO_GFN + 1);
	ppgtt_guest_put(guest, TABLE, 5, PTE(NO_GFN));
	for (i = 1; i < 5; i++)
		ppgtt_guest_put(guest, TABLE_ROOT, i, PTE(NO_GFN + 1));
	ppgtt_guest_sync(guest);
	hybrid_guest_stop(&ppgtt);
}

/* Modes */

static void change_of_mode_resyncs_all_pages(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	hybrid_write_often(test, 1);
	hybrid_write_often(test, 3);
	hybrid_flush(test);
	hybrid_put(test, FIRST + 20, PTE(20));
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_STRICT);
	KUNIT_EXPECT_TRUE_MSG(test, gpu_reaches(FIRST + 20, DOM, 20),
			      "what was written before the change");
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(3));
	hybrid_put(test, FIRST + 21, PTE(21));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 21, DOM, 21));
	stop_hybrid(test, vgpu);
}

/* The last untrapped store comes just before the page is protected. */
static void store_while_the_mode_changes_is_not_lost(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = store_to_gtt, .test = test,
	};

	hybrid_write_often(test, 1);
	hybrid_flush(test);
	meanwhile_start(&m);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_POSTED);
	meanwhile_end(&m);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 9, DOM, 79));
	stop_hybrid(test, vgpu);
}

static void failed_resync_at_a_change_of_mode_is_retried(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	hybrid_write_often(test, 1);
	hybrid_flush(test);
	/* The sync of the change tries again. */
	fake_xen_fail_call(FAKE_CALL_DM_SET_TYPE, 1, -EAGAIN);
	hybrid_put(test, FIRST, PTE(64));
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_POSTED);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 64));
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	stop_hybrid(test, vgpu);
}

/* Balloon events */

static void event_costs_one_hypercall_per_protected_page(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);
	unsigned long pages;

	ppgtt_guest_put(guest, TABLE, 1, PTE(1));
	ppgtt_guest_revalidate(guest);
	pages = fake_domain_nr_protected(DOM);
	KUNIT_EXPECT_EQ(test, pages, 5ul);
	fake_xen_reset_calls();
	ppgtt_guest_balloon_event(guest);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_GET_TYPE), pages);
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 0ul);
	hybrid_guest_stop(&ppgtt);
}

/* The guest exchanges a page of tables, and the balloon event comes later. */
static void exchange(struct kunit *test, u64 gfn, unsigned int index, u64 pte)
{
	fake_gfn_remove(DOM, gfn);
	/* Takes the old frame, so that the new one differs */
	fake_gfn_populate(OTHER_DOM, NO_GFN);
	fake_gfn_populate(DOM, gfn);
	fake_guest_write(DOM, (gfn << PAGE_SHIFT) + index * 8, &pte, 8);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
}

static void unsync_page_is_rescanned_after_an_event(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);

	hybrid_write_table_often(guest);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, TABLE));
	exchange(test, TABLE, 30, PTE(30));
	ppgtt_guest_revalidate(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 0ull);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, TABLE));
	ppgtt_guest_put(guest, TABLE, 31, PTE(31));
	ppgtt_guest_sync(guest);
	hybrid_guest_stop(&ppgtt);
}

/* 13: an entry that is bound again after an event leads to the page that the guest has now. */
static void page_bound_again_after_an_event_is_the_new_one(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 4, .room = 4,
	};
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	const unsigned long entry = IN_PAGE(2, 7);

	hybrid_unsync(test, 2);
	hybrid_put(test, entry, PTE(50));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry, DOM, 50));
	/* Only the balloon event of these is trapped. */
	hybrid_put(test, entry, 0);
	fake_gfn_remove(DOM, 50);
	fake_gfn_populate(OTHER_DOM, NO_GFN);
	fake_gfn_populate(DOM, 50);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	hybrid_put(test, entry, PTE(50));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry, DOM, 50));
	stop_hybrid(test, vgpu);
}

/* 4: the protection would be on a page that the module does not see. */
static void page_is_not_resynced_before_the_rescan(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);

	module_param_set("xengt.idle_syncs", "1");
	hybrid_write_table_often(guest);
	ppgtt_guest_sync(guest);
	ppgtt_guest_sync(guest);
	exchange(test, TABLE, 30, PTE(30));
	/* A late sync does not wait for the revalidation. */
	xengt_gtt_sync(&guest->vgpu->gtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 1ull);
	xengt_vgpu_set_mode(guest->vgpu, XENGT_MODE_POSTED);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 1ull);
	ppgtt_guest_put(guest, TABLE, 31, PTE(31));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 31), PTE(31));
	ppgtt_guest_revalidate(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 0ull);
	hybrid_guest_stop(&ppgtt);
}

/* 8: a retry for want of memory, for example, rescans no page. */
static void retry_without_an_event_rescans_no_page(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	fake_xen_fail_gfn(DOM, 50, -ENOMEM);
	hybrid_put(test, FIRST, PTE(50));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(vgpu, FIRST));
	fake_xen_fail_nothing();
	sync_vgpu(vgpu);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 50));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_PAGES_RESCANNED), 0ull);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_PAGES_RESCANNED), 4ull);
	stop_hybrid(test, vgpu);
}

static void exchange_gfn(struct meanwhile *m)
{
	const u64 pte = PTE(30);

	fake_gfn_remove(DOM, TABLE);
	fake_gfn_populate(OTHER_DOM, NO_GFN);
	fake_gfn_populate(DOM, TABLE);
	fake_guest_write(DOM, TABLE_ADDR(30), &pte, 8);
}

/* The page is exchanged while it is protected, and the event comes later. */
static void resynced_page_is_rescanned_after_an_event(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = exchange_gfn, .test = test,
	};

	module_param_set("xengt.idle_syncs", "1");
	hybrid_write_table_often(guest);
	ppgtt_guest_sync(guest);
	ppgtt_guest_sync(guest);
	meanwhile_start(&m);
	ppgtt_guest_sync(guest);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_resynced"), 1ull);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, TABLE));
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 30), PTE(30));
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static struct kunit_case resync_cases[] = {
	KUNIT_CASE_PARAM(page_without_changes_is_resynced, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_before_the_resync_is_not_lost, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_xen_does_not_protect_stays_unsync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(refused_pages_leave_tries_to_others, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_with_a_missing_entry_is_resynced, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_with_a_missing_entry_is_resynced, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(change_of_mode_resyncs_all_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_while_the_mode_changes_is_not_lost, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(failed_resync_at_a_change_of_mode_is_retried, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(event_costs_one_hypercall_per_protected_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unsync_page_is_rescanned_after_an_event, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(retry_without_an_event_rescans_no_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_bound_again_after_an_event_is_the_new_one, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_is_not_resynced_before_the_rescan, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(resynced_page_is_rescanned_after_an_event, both_dom0s_gen_params),
	{}
};

static struct kunit_suite resync_suite = {
	.name = "xengt_resync",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = resync_cases,
};

kunit_test_suite(resync_suite);
