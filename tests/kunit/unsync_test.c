// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of pages that become unsync: which ones, when, and how many ahead; stores in flight
 * meanwhile; what Xen refuses or does in part.
 */

#include <linux/workqueue.h>

#include "hybrid_fixture.h"
#include "modules.h"
#include "ppgtt_fixture.h"

static const struct hybrid_config hybrid = {
	.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 4, .room = 4,
};

/* Pages that become unsync */

static void sync_unsyncs_a_write_hot_page(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	for (i = 1; i <= 4; i++) {
		hybrid_put(test, FIRST + i, PTE(i));
		KUNIT_EXPECT_EQ(test, hybrid_traps(vgpu), (u64)i);
		KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	}
	KUNIT_EXPECT_EQ_MSG(test, hybrid_set_type_calls(), 0ul, "not in the middle of a write");
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(2));
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_SET_STATE), 2ul);
	for (i = 5; i <= 400; i++)
		hybrid_put(test, FIRST + i, PTE(i));
	KUNIT_EXPECT_EQ_MSG(test, hybrid_traps(vgpu), 5ull, "the flush is one, too");
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST + 400), PTE(400));
	KUNIT_EXPECT_EQ(test, mapping_calls(), 1ul);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ_MSG(test, mapping_calls(), 2ul, "one batch");
	for (i = 1; i <= 400; i++)
		KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + i, DOM, i));
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 1ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_UNSYNC_SCANS), 1ull);
	stop_hybrid(test, vgpu);
}

/* A late sync scans unsync pages of a guest that never flushes. */
static void unsync_page_is_scanned_without_a_flush(struct kunit *test)
{
	const unsigned long entries[] = { FIRST, FIRST + 1, FIRST + GTT_PAGE_ENTRIES - 1 };
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	hybrid_unsync(test, 1);
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		hybrid_put(test, entries[i], PTE(i + 1));
		KUNIT_EXPECT_TRUE(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work));
		flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
		KUNIT_EXPECT_TRUE(test, gpu_reaches(entries[i], DOM, i + 1));
	}
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE), 3ull);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_STRICT);
	KUNIT_EXPECT_FALSE_MSG(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work),
			       "no page is unsync");
	stop_hybrid(test, vgpu);
}

/* Each flush halves the write counts, so a page that is written seldom never becomes write-hot. */
static void page_that_is_written_seldom_stays_protected(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		hybrid_put(test, FIRST, PTE(i));
		hybrid_put(test, FIRST + 1, PTE(i));
		hybrid_flush(test);
	}
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 0ul);
	stop_hybrid(test, vgpu);
}

/* A late sync does not, so a page becomes write-hot however slowly the guest writes. */
static void page_that_is_written_slowly_becomes_unsync(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	for (i = 1; i <= 4; i++) {
		KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
		hybrid_put(test, FIRST + i, PTE(i));
		flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
	}
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE), 4ull);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_EQ(test, hybrid_traps(vgpu), 4ull);
	for (i = 1; i <= 4; i++)
		KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + i, DOM, i));
	stop_hybrid(test, vgpu);
}

/* After a resync a page has to be written as often again as the first time. */
static void resynced_page_is_not_write_hot(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	module_param_set("xengt.idle_syncs", "2");
	hybrid_write_often(test, 1);
	for (i = 0; i < 4; i++)
		flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 1ull);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	for (i = 0; i < 3; i++) {
		hybrid_put(test, FIRST, PTE(i));
		flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
		KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	}
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 1ull);
	stop_hybrid(test, vgpu);
}

/* A guest that fills its GTT from the first page on is trapped in pages 0, 1, 10 and 75. */
static void pages_ahead_of_a_write_hot_one_are_unsynced(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .pages = 255, .room = 255,
	};
	static const unsigned int trapped[] = { 0, 1, 2 + 8, 2 + 8 + 1 + 64 };
	unsigned int page, i, next = 0, wrong = 0;
	struct xengt_vgpu *vgpu;

	gpu_check_one_in(512);
	vgpu = start_hybrid(test, &config);
	for (page = 0; page < 255; page++) {
		if (next < ARRAY_SIZE(trapped) && page == trapped[next]) {
			KUNIT_EXPECT_FALSE_MSG(test, hybrid_is_unsync(page), "page %u", page);
			next++;
		}
		for (i = 0; i < 8; i++)
			hybrid_put(test, IN_PAGE(page, i), PTE(page * 8 + i));
	}
	KUNIT_EXPECT_EQ(test, hybrid_traps(vgpu), 4 * 8ull);
	KUNIT_EXPECT_EQ_MSG(test, hybrid_set_type_calls(), 3ul, "8, 64, and the rest");
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 255 - 4ull);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ_MSG(test, hybrid_set_type_calls(), 3ul + 3, "0 and 1, 10, 75");
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 255ull);
	for (page = 0; page < 255; page++) {
		for (i = 0; i < 8; i++)
			wrong += !gpu_reaches(IN_PAGE(page, i), DOM, page * 8 + i);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	stop_hybrid(test, vgpu);
}

/* With a write-hot page its block of 64 pages becomes unsync. */
static void pages_around_a_write_hot_one_are_unsynced(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .pages = 255, .room = 255,
	};
	struct xengt_vgpu *vgpu;
	unsigned int page;

	gpu_check_one_in(512);
	vgpu = start_hybrid(test, &config);
	module_param_set("xengt.unsync_around", "64");
	hybrid_write_often(test, 100);
	KUNIT_EXPECT_EQ_MSG(test, hybrid_set_type_calls(), 2ul,
			    "the pages before it, and those after it");
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 63ull);
	for (page = 64; page < 128; page++)
		KUNIT_EXPECT_EQ(test, hybrid_is_unsync(page), page != 100);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 64ull);
	hybrid_put(test, IN_PAGE(64, 7), PTE(7));
	hybrid_put(test, IN_PAGE(127, 7), PTE(8));
	KUNIT_EXPECT_EQ(test, hybrid_traps(vgpu), 5ull);
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(64, 7), DOM, 7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(127, 7), DOM, 8));
	/* In the next block more pages become unsync, since those before it are. */
	hybrid_write_often(test, 128);
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 64 + 126ull);
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 4ul);
	stop_hybrid(test, vgpu);
}

static void unsync_max_bounds_unsync_pages(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	module_param_set("xengt.unsync_max", "1");
	hybrid_write_often(test, 3);
	hybrid_write_often(test, 1);
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(3));
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 1ul);
	module_param_set("xengt.unsync_max", "0");
	hybrid_write_often(test, 4);
	module_param_set("xengt.unsync_max", "3");
	hybrid_write_often(test, 2);
	hybrid_write_often(test, 1);
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(4));
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(2));
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(1, 3), DOM, 103));
	stop_hybrid(test, vgpu);
}

static void unsync_max_bounds_pages_unsynced_ahead(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	module_param_set("xengt.unsync_max", "1");
	hybrid_write_often(test, 1);
	hybrid_write_often(test, 2);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(3));
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(4));
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 1ul);
	stop_hybrid(test, vgpu);
}

static void only_hybrid_mode_unsyncs_pages(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	hybrid_write_often(test, 1);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_POSTED);
	hybrid_unsync(test, 1);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_STRICT);
	hybrid_unsync(test, 1);
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 0ul);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_HYBRID);
	hybrid_unsync(test, 1);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	stop_hybrid(test, vgpu);
}

static void refused_unprotect_is_not_retried_at_each_sync(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	fake_xen_fail_call(FAKE_CALL_DM_SET_TYPE, 1, -EAGAIN);
	hybrid_unsync(test, 1);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 1ul);
	for (i = 10; i < 13; i++)
		hybrid_put(test, FIRST + i, PTE(i));
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 0ull);
	for (i = 13; i < 16; i++)
		hybrid_put(test, FIRST + i, PTE(i));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 10, DOM, 10));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 15, DOM, 15));
	stop_hybrid(test, vgpu);
}

/* One page of those ahead is gone. Xen returns an error after it unprotected those before it. */
static void partial_unprotect_loses_no_write(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 16, .room = 16,
	};
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	unsigned int page;

	fake_gfn_remove(DOM, GTT_GFN(6));
	hybrid_write_often(test, 1);
	hybrid_write_often(test, 2);
	for (page = 3; page <= 5; page++)
		KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(page));
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(7));
	for (page = 3; page <= 7; page++)
		hybrid_put(test, IN_PAGE(page, 100), PTE(page));
	hybrid_flush(test);
	for (page = 3; page <= 7; page++)
		KUNIT_EXPECT_TRUE_MSG(test, gpu_reaches(IN_PAGE(page, 100), DOM, page), "%u", page);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, IN_PAGE(6, 100)), PTE(6));
	stop_hybrid(test, vgpu);
}

static void entry_is_written_trapped_and_untrapped(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned long entry = IN_PAGE(3, 0);

	hybrid_put(test, entry, PTE(50));
	hybrid_flush(test);
	hybrid_put(test, entry, PTE(51));
	hybrid_put(test, entry + 1, PTE(61));
	hybrid_write_often(test, 1);
	hybrid_write_often(test, 2);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(3));
	/* The entry is written back to what the shadow has, though it was noted as dirty. */
	hybrid_put(test, entry, PTE(50));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry, DOM, 50));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry + 1, DOM, 61));
	hybrid_put(test, entry, PTE(52));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry, DOM, 52));
	stop_hybrid(test, vgpu);
}

/* Stores in flight */

static void send_to(struct meanwhile *m, unsigned long entry)
{
	const u64 pte = PTE(77);

	KUNIT_EXPECT_EQ(m->test, fake_vcpu_send_store(DOM, 1, ENTRY_ADDR(entry), &pte, 8), 0);
}

static void send_to_first(struct meanwhile *m)
{
	send_to(m, FIRST + 9);
}

static void wait_until_done(struct meanwhile *m)
{
	struct xengt_vgpu *vgpu = m->arg;

	wait_for(m->test, hybrid_traps(vgpu) == 6);
}

/* The store is done, but not answered, when the module checks for requests again. */
static void send_to_first_and_wait(struct meanwhile *m)
{
	send_to_first(m);
	m->kind = FAKE_CALL_DM_SET_STATE;
	m->nth = 1;
	m->act = wait_until_done;
}

/*
 * 11: a vCPU that has its answer emulates its instruction again. Xen crashes the guest if it finds
 * RAM in place of a write-protected page. So a page is not unprotected while a store to it is in
 * flight.
 */
static void store_in_flight_keeps_the_page_protected(struct kunit *test, struct meanwhile *m,
						     unsigned long calls)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	m->nth = 1;
	m->test = test;
	m->arg = vgpu;
	hybrid_write_often(test, 1);
	meanwhile_start(m);
	hybrid_flush(test);
	meanwhile_end(m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_EQ(test, hybrid_set_type_calls(), calls);
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 0ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_UNPROTECTS_BUSY), 1ull);
	KUNIT_EXPECT_EQ_MSG(test, hybrid_traps(vgpu), 6ull, "it was trapped");
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 9, DOM, 77));
	hybrid_unsync(test, 1);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	stop_hybrid(test, vgpu);
}

static void store_before_the_check_keeps_the_page_protected(struct kunit *test)
{
	struct meanwhile m = { .kind = FAKE_CALL_DM_SET_STATE, .act = send_to_first };

	store_in_flight_keeps_the_page_protected(test, &m, 0);
}

/* The page is unprotected, and protected again. */
static void store_after_the_check_keeps_the_page_protected(struct kunit *test)
{
	struct meanwhile m = { .kind = FAKE_CALL_DM_SET_TYPE, .act = send_to_first_and_wait };

	store_in_flight_keeps_the_page_protected(test, &m, 2);
}

static void give_away(struct meanwhile *m)
{
	fake_gfn_remove(DOM, GTT_GFN(1));
}

/* The page is gone when it is to be protected again. */
static void send_to_first_and_give_away(struct meanwhile *m)
{
	send_to_first(m);
	m->nth = 1;
	m->act = give_away;
}

/* The page is rescanned without an event from Xen, and no write to it is lost. */
static void failed_reprotect_causes_a_rescan(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_first_and_give_away,
		.test = test,
	};

	hybrid_write_often(test, 1);
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, hybrid_unsynced(vgpu), 0ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_GTT_RAM_LOST), 0ull);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_GTT_RAM_LOST), 1ull);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST + 9), PTE(77));
	hybrid_put(test, FIRST + 10, PTE(78));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 9, DOM, 77));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 10, DOM, 78));
	stop_hybrid(test, vgpu);
}

/*
 * 11: nor is a page unprotected if completions cannot be blocked, or requests not be checked after
 * it.
 */
static void page_stays_protected_if_blocking_fails(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int nth;

	for (nth = 1; nth <= 2; nth++) {
		fake_xen_fail_call(FAKE_CALL_DM_SET_STATE, nth, -ENOMEM);
		hybrid_unsync(test, 1);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	}
	/* The second time completions were blocked, and then the check failed. */
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_UNPROTECTS_BUSY), 1ull);
	hybrid_unsync(test, 1);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	stop_hybrid(test, vgpu);
}

/* Stores to a page that is RAM, and not protected, for a moment */
static void store_untrapped(struct meanwhile *m, unsigned int vcpu, unsigned long entry)
{
	const u64 pte = PTE(78);

	KUNIT_EXPECT_FALSE(m->test, fake_gfn_write_protected(DOM, PFN_DOWN(ENTRY_ADDR(entry))));
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_store(DOM, vcpu, ENTRY_ADDR(entry), &pte, 8), 0);
}

static void store_of_third(struct meanwhile *m)
{
	store_untrapped(m, 2, FIRST + 10);
}

static void send_to_first_and_store(struct meanwhile *m)
{
	send_to_first(m);
	m->kind = FAKE_CALL_DM_SET_STATE;
	m->nth = 1;
	m->act = store_of_third;
}

static struct xengt_vgpu *start_with_vcpus(struct kunit *test, unsigned int vcpus)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, &hybrid);

	fake_domain_set_vcpus(DOM, vcpus);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	fake_xen_reset_calls();
	return vgpu;
}

/* 6: a page is protected again, as a vCPU was trapped. The store of another vCPU was not. */
static void untrapped_store_before_a_reprotect_counts(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_with_vcpus(test, 3);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_first_and_store,
		.test = test,
	};

	hybrid_write_often(test, 1);
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_TRUE_MSG(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work),
			      "also if the guest does not flush");
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 9, DOM, 77));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 10, DOM, 78));
	stop_hybrid(test, vgpu);
}

static void store_of_second(struct meanwhile *m)
{
	store_untrapped(m, 1, FIRST + 10);
}

/* 6: the same if the page is protected again as completions cannot be blocked. */
static void untrapped_store_before_a_failed_block_counts(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_STATE, .nth = 2, .act = store_of_second, .test = test,
	};

	hybrid_write_often(test, 1);
	fake_xen_fail_call(FAKE_CALL_DM_SET_STATE, 2, -ENOMEM);
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(1));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 10, DOM, 78));
	stop_hybrid(test, vgpu);
}

static void give_fourth_away(struct meanwhile *m)
{
	fake_gfn_remove(DOM, GTT_GFN(4));
}

/* Pages are protected again one after the other. */
static void store_to_third(struct meanwhile *m)
{
	store_untrapped(m, 2, IN_PAGE(3, 10));
	m->kind = FAKE_CALL_DM_SET_TYPE;
	m->nth = 2;
	m->act = give_fourth_away;
}

static void send_to_third(struct meanwhile *m)
{
	send_to(m, IN_PAGE(3, 9));
	m->kind = FAKE_CALL_DM_SET_STATE;
	m->nth = 1;
	m->act = store_to_third;
}

/* 6: the same if another page cannot be protected again. */
static void untrapped_store_before_a_failed_reprotect_counts(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_with_vcpus(test, 3);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_third, .test = test,
	};

	hybrid_write_often(test, 1);
	meanwhile_start(&m);
	hybrid_write_often(test, 2);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(3));
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_GTT_RAM_LOST), 1ull);
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(3, 9), DOM, 77));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(3, 10), DOM, 78));
	stop_hybrid(test, vgpu);
}

static void send_to_fifth(struct meanwhile *m)
{
	send_to(m, IN_PAGE(5, 9));
}

/* One vCPU fills the table, and another one writes to a page ahead, which stays protected. */
static void page_with_a_store_in_flight_is_not_unsynced_ahead(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 16, .room = 16,
	};
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_STATE, .nth = 1, .act = send_to_fifth, .test = test,
	};

	hybrid_write_often(test, 1);
	meanwhile_start(&m);
	hybrid_write_often(test, 2);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(3));
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(4));
	KUNIT_EXPECT_FALSE(test, hybrid_is_unsync(5));
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(6));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(5, 9), DOM, 77));
	stop_hybrid(test, vgpu);
}

/* Another vCPU stores to another page. */
static void send_to_second(struct meanwhile *m)
{
	send_to(m, IN_PAGE(2, 9));
}

static void store_to_another_page_does_not_prevent_unsync(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_second, .test = test,
	};

	hybrid_write_often(test, 1);
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_TRUE(test, hybrid_is_unsync(1));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_UNPROTECTS_BUSY), 0ull);
	stop_hybrid(test, vgpu);
}

/* 11: a virtual GPU that stops unprotects all pages, but not while a store is in flight. */
static void store_in_flight_while_the_virtual_gpu_stops(struct kunit *test)
{
	static const enum fake_call when[] = { FAKE_CALL_DM_SET_STATE, FAKE_CALL_DM_SET_TYPE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(when); i++) {
		struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
		struct meanwhile m = {
			.kind = when[i], .nth = 1, .act = send_to_first, .test = test,
		};

		hybrid_put(test, FIRST, PTE(1));
		meanwhile_start(&m);
		stop_hybrid(test, vgpu);
		meanwhile_end(&m);
		KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	}
}

/* The same if enabling fails when the GTT is RAM already. */
static void store_in_flight_while_a_start_fails(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, &hybrid);
	/* The range of the GTT comes after that of the register. */
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_MAP_RANGE, .nth = 2, .act = send_to_first, .test = test,
	};

	fake_xen_fail_call(FAKE_CALL_DM_MAP_RANGE, 2, -ENOSPC);
	meanwhile_start(&m);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -ENOSPC);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	stop_hybrid(test, vgpu);
}

/* Tables of PPGTTs */

static void tables_are_unsynced_without_ram_at_the_gtt(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);
	unsigned int i;

	hybrid_unsync_table(guest);
	for (i = 4; i < 400; i++)
		ppgtt_guest_put(guest, TABLE, i, PTE(100 + i));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("table_writes"), 4ull);
	fake_xen_reset_calls();
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, mapping_calls(), 1ul);
	ppgtt_check(&ppgtt);
	hybrid_unsync_directory(guest);
	ppgtt_guest_put(guest, TABLE_ROOT, 9, PTE(TABLE));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 2ull);
	ppgtt_end(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 0ull);
	ppgtt_guest_stop(guest);
}

static void send_to_table(struct meanwhile *m)
{
	const u64 pte = PTE(78);

	KUNIT_EXPECT_TRUE(m->test, fake_gfn_write_protected(DOM, TABLE));
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_send_store(DOM, 1, TABLE_ADDR(9), &pte, 8), 0);
}

static void store_in_flight_while_a_table_is_unsynced(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_table, .test = test,
	};

	hybrid_write_table_often(guest);
	meanwhile_start(&m);
	ppgtt_guest_sync(guest);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_wait(guest, 1), 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, TABLE));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 9), PTE(78));
	hybrid_unsync_table(guest);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void exchange_table(struct meanwhile *m)
{
	const u64 pte = PTE(30);

	fake_gfn_remove(DOM, TABLE);
	fake_gfn_populate(OTHER_DOM, NO_GFN);
	fake_gfn_populate(DOM, TABLE);
	fake_guest_write(DOM, TABLE_ADDR(30), &pte, 8);
}

static void send_to_table_and_exchange(struct meanwhile *m)
{
	send_to_table(m);
	m->kind = FAKE_CALL_DM_SET_STATE;
	m->nth = 1;
	m->act = exchange_table;
}

/* 4: a table that is exchanged before it is protected again is rescanned after the event. */
static void table_exchanged_before_a_reprotect_is_rescanned(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_table_and_exchange,
		.test = test,
	};

	hybrid_write_table_often(guest);
	meanwhile_start(&m);
	ppgtt_guest_sync(guest);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, TABLE));
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 30), PTE(30));
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void store_in_flight_while_a_table_is_freed(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_table, .test = test,
	};

	meanwhile_start(&m);
	ppgtt_guest_put(guest, TABLE_ROOT, 0, 0);
	ppgtt_guest_sync(guest);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_wait(guest, 1), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 9), PTE(78));
	ppgtt_guest_put(guest, TABLE_ROOT, 0, PTE(TABLE));
	ppgtt_guest_sync(guest);
	hybrid_guest_stop(&ppgtt);
}

static void unsync_table_is_freed_without_a_hypercall(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = hybrid_guest_start(test, &ppgtt);

	hybrid_unsync_table(guest);
	fake_xen_reset_calls();
	ppgtt_guest_put(guest, TABLE_ROOT, 0, 0);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ_MSG(test, hybrid_set_type_calls(), 0ul, "the page is not protected");
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 0ull);
	ppgtt_guest_put(guest, TABLE_ROOT, 0, PTE(TABLE));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, TABLE));
	hybrid_guest_stop(&ppgtt);
}

static struct kunit_case unsync_cases[] = {
	KUNIT_CASE_PARAM(sync_unsyncs_a_write_hot_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unsync_page_is_scanned_without_a_flush, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_is_written_seldom_stays_protected, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_is_written_slowly_becomes_unsync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(resynced_page_is_not_write_hot, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pages_ahead_of_a_write_hot_one_are_unsynced, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pages_around_a_write_hot_one_are_unsynced, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unsync_max_bounds_unsync_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(only_hybrid_mode_unsyncs_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unsync_max_bounds_pages_unsynced_ahead, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(refused_unprotect_is_not_retried_at_each_sync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(partial_unprotect_loses_no_write, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_is_written_trapped_and_untrapped, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_before_the_check_keeps_the_page_protected, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_after_the_check_keeps_the_page_protected, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(failed_reprotect_causes_a_rescan, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_stays_protected_if_blocking_fails, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(untrapped_store_before_a_reprotect_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(untrapped_store_before_a_failed_block_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(untrapped_store_before_a_failed_reprotect_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_with_a_store_in_flight_is_not_unsynced_ahead, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_to_another_page_does_not_prevent_unsync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_in_flight_while_the_virtual_gpu_stops, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_in_flight_while_a_start_fails, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(tables_are_unsynced_without_ram_at_the_gtt, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_in_flight_while_a_table_is_unsynced, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_exchanged_before_a_reprotect_is_rescanned, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_in_flight_while_a_table_is_freed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unsync_table_is_freed_without_a_hypercall, both_dom0s_gen_params),
	{}
};

static struct kunit_suite unsync_suite = {
	.name = "xengt_unsync",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = unsync_cases,
};

kunit_test_suite(unsync_suite);
