// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of open pages: which pages are opened when, and closed again; that nothing is lost that the
 * guest writes into them, whatever Xen refuses and the guest does meanwhile. RAM at the GTT comes
 * and goes in gtt_ram_test.c.
 */

#include <linux/workqueue.h>

#include "hybrid_fixture.h"
#include "modules.h"
#include "ppgtt_fixture.h"

#define FIRST		IN_PAGE(1, 0)
#define TABLE		600ull		/* a page of tables */
#define TABLE_ADDR(n)	((TABLE << PAGE_SHIFT) + (n) * 8)

static const struct hybrid_config hybrid = {
	.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 4, .room = 4,
};

static int hybrid_init(struct kunit *test)
{
	start_modules(test, mode_of(test));
	return 0;
}

static void hybrid_exit(struct kunit *test)
{
	stop_modules(test);
}

static bool is_open(unsigned long page)
{
	return fake_gfn_mfn(DOM, GTT_GFN(page)) != FAKE_NO_MFN &&
	       !fake_gfn_write_trapped(DOM, GTT_GFN(page));
}

static unsigned long type_calls(void)
{
	return fake_xen_calls(FAKE_CALL_DM_SET_TYPE);
}

static u64 traps(struct xengt_vgpu *vgpu)
{
	return vgpu_count(vgpu, XENGT_COUNT_TRAPS);
}

static u64 opened(struct xengt_vgpu *vgpu)
{
	return vgpu_count(vgpu, XENGT_COUNT_PAGES_UNSYNCED);
}

static void flush_times(struct kunit *test, unsigned int n)
{
	while (n--)
		hybrid_flush(test);
}

/* Opening */

static void page_that_is_hot_is_opened_by_the_sync(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	for (i = 1; i <= 4; i++) {
		hybrid_put(test, FIRST + i, PTE(i));
		KUNIT_EXPECT_EQ(test, traps(vgpu), (u64)i);
		KUNIT_EXPECT_FALSE(test, is_open(1));
	}
	KUNIT_EXPECT_EQ_MSG(test, type_calls(), 0ul, "not in the middle of a write");
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	KUNIT_EXPECT_FALSE(test, is_open(2));
	KUNIT_EXPECT_EQ(test, type_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_SET_STATE), 2ul);
	for (i = 5; i <= 400; i++)
		hybrid_put(test, FIRST + i, PTE(i));
	KUNIT_EXPECT_EQ_MSG(test, traps(vgpu), 5ull, "with that of the sync");
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST + 400), PTE(400));
	KUNIT_EXPECT_EQ(test, mapping_calls(), 1ul);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ_MSG(test, mapping_calls(), 2ul, "one batch");
	for (i = 1; i <= 400; i++)
		KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + i, DOM, i));
	KUNIT_EXPECT_EQ(test, opened(vgpu), 1ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_UNSYNC_SCANS), 1ull);
	stop_hybrid(test, vgpu);
}

/* Also by a guest that never says so */
static void open_page_is_looked_through_now_and_then(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	hybrid_open(test, 1);
	for (i = 1; i <= 3; i++) {
		hybrid_put(test, FIRST, PTE(i));
		KUNIT_EXPECT_TRUE(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work));
		flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
		KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, i));
	}
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE), 3ull);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_STRICT);
	KUNIT_EXPECT_FALSE_MSG(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work),
			       "none is unsync");
	stop_hybrid(test, vgpu);
}

/* Half of the writes are forgotten at each sync: a page that is written seldom stays as it is. */
static void cool_page_is_not_opened(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		hybrid_put(test, FIRST, PTE(i));
		hybrid_put(test, FIRST + 1, PTE(i));
		hybrid_flush(test);
	}
	KUNIT_EXPECT_FALSE(test, is_open(1));
	KUNIT_EXPECT_EQ(test, type_calls(), 0ul);
	stop_hybrid(test, vgpu);
}

/* A guest that goes through its GTT, from the first page on: trapped in pages 0, 1, 10 and 75 */
static void pages_ahead_are_opened(struct kunit *test)
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
			KUNIT_EXPECT_FALSE_MSG(test, is_open(page), "page %u", page);
			next++;
		}
		for (i = 0; i < 8; i++)
			hybrid_put(test, IN_PAGE(page, i), PTE(page * 8 + i));
	}
	KUNIT_EXPECT_EQ(test, traps(vgpu), 4 * 8ull);
	KUNIT_EXPECT_EQ_MSG(test, type_calls(), 3ul, "8, 64, and the rest");
	KUNIT_EXPECT_EQ(test, opened(vgpu), 255 - 4ull);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ_MSG(test, type_calls(), 3ul + 3, "0 and 1, 10, 75");
	KUNIT_EXPECT_EQ(test, opened(vgpu), 255ull);
	for (page = 0; page < 255; page++) {
		for (i = 0; i < 8; i++)
			wrong += !gpu_reaches(IN_PAGE(page, i), DOM, page * 8 + i);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	stop_hybrid(test, vgpu);
}

/* Blocks of 64 pages: what is bound near a page that is hot is not trapped. */
static void pages_around_are_opened(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .pages = 255, .room = 255,
	};
	struct xengt_vgpu *vgpu;
	unsigned int page;

	gpu_check_one_in(512);
	vgpu = start_hybrid(test, &config);
	module_param_set("xengt.unsync_around", "64");
	hybrid_heat(test, 100);
	KUNIT_EXPECT_EQ_MSG(test, type_calls(), 2ul, "those before it, and those behind");
	KUNIT_EXPECT_EQ(test, opened(vgpu), 63ull);
	for (page = 64; page < 128; page++)
		KUNIT_EXPECT_EQ(test, is_open(page), page != 100);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, opened(vgpu), 64ull);
	hybrid_put(test, IN_PAGE(64, 7), PTE(7));
	hybrid_put(test, IN_PAGE(127, 7), PTE(8));
	KUNIT_EXPECT_EQ(test, traps(vgpu), 5ull);
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(64, 7), DOM, 7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(127, 7), DOM, 8));
	/* The next block: as the pages before are open, there is more. */
	hybrid_heat(test, 128);
	KUNIT_EXPECT_EQ(test, opened(vgpu), 64 + 126ull);
	KUNIT_EXPECT_EQ(test, type_calls(), 4ul);
	stop_hybrid(test, vgpu);
}

static void only_so_many_pages_are_open(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	module_param_set("xengt.unsync_max", "1");
	hybrid_heat(test, 3);
	hybrid_heat(test, 1);
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, is_open(3));
	KUNIT_EXPECT_FALSE(test, is_open(1));
	KUNIT_EXPECT_EQ(test, type_calls(), 1ul);
	module_param_set("xengt.unsync_max", "0");
	hybrid_heat(test, 4);
	module_param_set("xengt.unsync_max", "3");
	hybrid_heat(test, 2);
	hybrid_heat(test, 1);
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, is_open(4));
	KUNIT_EXPECT_TRUE(test, is_open(2));
	KUNIT_EXPECT_FALSE(test, is_open(1));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(1, 3), DOM, 103));
	stop_hybrid(test, vgpu);
}

static void only_so_many_pages_are_opened_ahead(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	module_param_set("xengt.unsync_max", "1");
	hybrid_heat(test, 1);
	hybrid_heat(test, 2);
	KUNIT_EXPECT_TRUE(test, is_open(3));
	KUNIT_EXPECT_FALSE(test, is_open(4));
	KUNIT_EXPECT_EQ(test, type_calls(), 1ul);
	stop_hybrid(test, vgpu);
}

static void only_hybrid_mode_opens_pages(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	hybrid_heat(test, 1);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_POSTED);
	hybrid_open(test, 1);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_STRICT);
	hybrid_open(test, 1);
	KUNIT_EXPECT_EQ(test, type_calls(), 0ul);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_HYBRID);
	hybrid_open(test, 1);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	stop_hybrid(test, vgpu);
}

static void opening_that_xen_refuses_is_not_tried_at_each_sync(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int i;

	fake_xen_fail_call(FAKE_CALL_DM_SET_TYPE, 1, -EAGAIN);
	hybrid_open(test, 1);
	KUNIT_EXPECT_FALSE(test, is_open(1));
	KUNIT_EXPECT_EQ(test, type_calls(), 1ul);
	for (i = 10; i < 13; i++)
		hybrid_put(test, FIRST + i, PTE(i));
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, type_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, opened(vgpu), 0ull);
	for (i = 13; i < 16; i++)
		hybrid_put(test, FIRST + i, PTE(i));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 10, DOM, 10));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 15, DOM, 15));
	stop_hybrid(test, vgpu);
}

/* One page of those ahead is gone, which Xen says when those before it are open. */
static void opening_that_stops_half_way_loses_no_write(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 16, .room = 16,
	};
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	unsigned int page;

	fake_gfn_remove(DOM, GTT_GFN(6));
	hybrid_heat(test, 1);
	hybrid_heat(test, 2);
	for (page = 3; page <= 5; page++)
		KUNIT_EXPECT_TRUE(test, is_open(page));
	KUNIT_EXPECT_FALSE(test, is_open(7));
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

static void entry_is_written_with_a_trap_and_without(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned long entry = IN_PAGE(3, 0);

	hybrid_put(test, entry, PTE(50));
	hybrid_flush(test);
	hybrid_put(test, entry, PTE(51));
	hybrid_put(test, entry + 1, PTE(61));
	hybrid_heat(test, 1);
	hybrid_heat(test, 2);
	KUNIT_EXPECT_TRUE(test, is_open(3));
	/* Back to what the shadow has: no news, though it was noted. */
	hybrid_put(test, entry, PTE(50));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry, DOM, 50));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry + 1, DOM, 61));
	hybrid_put(test, entry, PTE(52));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry, DOM, 52));
	stop_hybrid(test, vgpu);
}

/* Writes in flight */

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

	wait_for(m->test, traps(vgpu) == 6);
}

/* The store has been done, and not answered, when Xen is asked again whether there is one. */
static void send_to_first_and_wait(struct meanwhile *m)
{
	send_to_first(m);
	m->kind = FAKE_CALL_DM_SET_STATE;
	m->nth = 1;
	m->act = wait_until_done;
}

/*
 * A vCPU that has its answer emulates its instruction anew: Xen crashes the guest if that finds RAM
 * where there was a trap. So the page is not opened while a store is under way.
 */
static void store_in_flight_keeps_the_page_closed(struct kunit *test, struct meanwhile *m,
						  unsigned long calls)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	m->nth = 1;
	m->test = test;
	m->arg = vgpu;
	hybrid_heat(test, 1);
	meanwhile_start(m);
	hybrid_flush(test);
	meanwhile_end(m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_FALSE(test, is_open(1));
	KUNIT_EXPECT_EQ(test, type_calls(), calls);
	KUNIT_EXPECT_EQ(test, opened(vgpu), 0ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_UNPROTECTS_BUSY), 1ull);
	KUNIT_EXPECT_EQ_MSG(test, traps(vgpu), 6ull, "it was trapped");
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 9, DOM, 77));
	hybrid_open(test, 1);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	stop_hybrid(test, vgpu);
}

static void store_before_the_look_keeps_the_page_closed(struct kunit *test)
{
	struct meanwhile m = { .kind = FAKE_CALL_DM_SET_STATE, .act = send_to_first };

	store_in_flight_keeps_the_page_closed(test, &m, 0);
}

/* The trap is taken, and set again. */
static void store_after_the_look_keeps_the_page_closed(struct kunit *test)
{
	struct meanwhile m = { .kind = FAKE_CALL_DM_SET_TYPE, .act = send_to_first_and_wait };

	store_in_flight_keeps_the_page_closed(test, &m, 2);
}

static void give_away(struct meanwhile *m)
{
	fake_gfn_remove(DOM, GTT_GFN(1));
}

/* By the time that the trap is to be set again, the page is gone. */
static void send_to_first_and_give_away(struct meanwhile *m)
{
	send_to_first(m);
	m->nth = 1;
	m->act = give_away;
}

/* No event of Xen's is waited for: the page is looked at, and nothing is lost that was written. */
static void trap_that_cannot_be_set_again_is_noticed(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_first_and_give_away,
		.test = test,
	};

	hybrid_heat(test, 1);
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, opened(vgpu), 0ull);
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

/* Nor is it opened if Xen does not tell whether one is: before the trap is taken, or after. */
static void page_stays_closed_if_xen_does_not_tell(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	unsigned int nth;

	for (nth = 1; nth <= 2; nth++) {
		fake_xen_fail_call(FAKE_CALL_DM_SET_STATE, nth, -ENOMEM);
		hybrid_open(test, 1);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		KUNIT_EXPECT_FALSE(test, is_open(1));
	}
	/* The second time answers were held back, and then nobody knew whether one was due. */
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_UNPROTECTS_BUSY), 1ull);
	hybrid_open(test, 1);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	stop_hybrid(test, vgpu);
}

/* Stores without a trap, while the page is RAM for a moment */
static void store_untrapped(struct meanwhile *m, unsigned int vcpu, unsigned long entry)
{
	const u64 pte = PTE(78);

	KUNIT_EXPECT_FALSE(m->test, fake_gfn_write_trapped(DOM, PFN_DOWN(ENTRY_ADDR(entry))));
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

/* 6: the trap is taken, and set again as one vCPU was trapped; another one was not. */
static void store_while_the_page_is_ram_for_a_moment_counts(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_with_vcpus(test, 3);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_first_and_store,
		.test = test,
	};

	hybrid_heat(test, 1);
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_FALSE(test, is_open(1));
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

/* The trap is set again as Xen does not tell whether one was trapped. */
static void store_counts_if_xen_does_not_tell(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_STATE, .nth = 2, .act = store_of_second, .test = test,
	};

	hybrid_heat(test, 1);
	fake_xen_fail_call(FAKE_CALL_DM_SET_STATE, 2, -ENOMEM);
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_FALSE(test, is_open(1));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 10, DOM, 78));
	stop_hybrid(test, vgpu);
}

static void give_fourth_away(struct meanwhile *m)
{
	fake_gfn_remove(DOM, GTT_GFN(4));
}

/* The trap is set again on one page after the other. */
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

/* Of two pages that were RAM for a moment one is gone. The other one was written meanwhile. */
static void store_counts_though_a_trap_cannot_be_set_again(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_with_vcpus(test, 3);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_third, .test = test,
	};

	hybrid_heat(test, 1);
	meanwhile_start(&m);
	hybrid_heat(test, 2);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_FALSE(test, is_open(3));
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

/* The others are: one vCPU goes through the table, another one writes to a page ahead. */
static void page_that_is_written_to_is_not_opened_ahead(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 16, .room = 16,
	};
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_STATE, .nth = 1, .act = send_to_fifth, .test = test,
	};

	hybrid_heat(test, 1);
	meanwhile_start(&m);
	hybrid_heat(test, 2);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_TRUE(test, is_open(3));
	KUNIT_EXPECT_TRUE(test, is_open(4));
	KUNIT_EXPECT_FALSE(test, is_open(5));
	KUNIT_EXPECT_TRUE(test, is_open(6));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(5, 9), DOM, 77));
	stop_hybrid(test, vgpu);
}

/* A store to another page, of another vCPU, does not keep a page closed. */
static void send_to_second(struct meanwhile *m)
{
	send_to(m, IN_PAGE(2, 9));
}

static void store_elsewhere_is_no_hindrance(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_second, .test = test,
	};

	hybrid_heat(test, 1);
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_UNPROTECTS_BUSY), 0ull);
	stop_hybrid(test, vgpu);
}

/* A virtual GPU that stops takes all traps, but not from under a store. */
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

static struct ppgtt_guest *new_guest(struct kunit *test, struct ppgtt *ppgtt)
{
	const struct ppgtt_guest_config config = { .mode = XENGT_MODE_HYBRID };
	struct ppgtt_guest *guest = ppgtt_guest_start(test, &config);

	*ppgtt = ppgtt_3(guest, (const u64[]){ 610, 611, 612, 613 });
	ppgtt_guest_put(guest, 610, 0, PTE(TABLE));
	ppgtt_start(ppgtt);
	return guest;
}

static void heat_table(struct ppgtt_guest *guest)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		ppgtt_guest_put(guest, TABLE, i, PTE(100 + i));
}

static void open_table(struct ppgtt_guest *guest)
{
	heat_table(guest);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(guest->test, fake_gfn_write_trapped(DOM, TABLE));
}

static void open_directory(struct ppgtt_guest *guest)
{
	unsigned int i;

	for (i = 1; i < 9; i++)
		ppgtt_guest_put(guest, 610, i, PTE(TABLE));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(guest->test, fake_gfn_write_trapped(DOM, 610));
}

static void tables_are_opened_without_ram_at_the_gtt(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);
	unsigned int i;

	open_table(guest);
	for (i = 4; i < 400; i++)
		ppgtt_guest_put(guest, TABLE, i, PTE(100 + i));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("table_writes"), 4ull);
	fake_xen_reset_calls();
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, mapping_calls(), 1ul);
	ppgtt_check(&ppgtt);
	open_directory(guest);
	ppgtt_guest_put(guest, 610, 9, PTE(TABLE));
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

	KUNIT_EXPECT_TRUE(m->test, fake_gfn_write_trapped(DOM, TABLE));
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_send_store(DOM, 1, TABLE_ADDR(9), &pte, 8), 0);
}

static void write_in_flight_while_a_table_is_opened(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_table, .test = test,
	};

	heat_table(guest);
	meanwhile_start(&m);
	ppgtt_guest_sync(guest);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_wait(guest, 1), 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, TABLE));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 9), PTE(78));
	open_table(guest);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void exchange_gfn(struct meanwhile *m)
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
	m->act = exchange_gfn;
}

/* 4: it is exchanged while it is RAM for a moment: the trap is then on a page that nobody sees. */
static void table_that_was_ram_for_a_moment_is_not_believed_after_an_event(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_table_and_exchange,
		.test = test,
	};

	heat_table(guest);
	meanwhile_start(&m);
	ppgtt_guest_sync(guest);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, TABLE));
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 30), PTE(30));
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void write_in_flight_while_a_table_is_let_go(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_to_table, .test = test,
	};

	meanwhile_start(&m);
	ppgtt_guest_put(guest, 610, 0, 0);
	ppgtt_guest_sync(guest);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_wait(guest, 1), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 9), PTE(78));
	ppgtt_guest_put(guest, 610, 0, PTE(TABLE));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void open_table_is_let_go(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);

	open_table(guest);
	fake_xen_reset_calls();
	ppgtt_guest_put(guest, 610, 0, 0);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ_MSG(test, type_calls(), 0ul, "there is no trap");
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 0ull);
	ppgtt_guest_put(guest, 610, 0, PTE(TABLE));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, TABLE));
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* Closing */

static void calm_page_is_closed(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	module_param_set("xengt.idle_syncs", "3");
	hybrid_heat(test, 1);
	flush_times(test, 1 + 2);
	hybrid_put(test, FIRST, PTE(60));
	/* With the change, and three times without one */
	flush_times(test, 1 + 3);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, is_open(1));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_PAGES_RESYNCED), 1ull);
	KUNIT_EXPECT_EQ(test, type_calls(), 2ul);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 60));
	hybrid_put(test, FIRST, PTE(61));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 61));
	KUNIT_EXPECT_EQ_MSG(test, vgpu_count(vgpu, XENGT_COUNT_UNSYNC_SCANS), 7ull, "none since");
	stop_hybrid(test, vgpu);
}

static void store_to_gtt(struct meanwhile *m)
{
	const u64 pte = PTE(79);

	KUNIT_EXPECT_TRUE(m->test, is_open(1));
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_store(DOM, 1, ENTRY_ADDR(FIRST + 9), &pte, 8), 0);
}

/* The last one that is not trapped comes just before the page is closed. */
static void write_before_the_page_is_closed_counts(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = store_to_gtt, .test = test,
	};

	module_param_set("xengt.idle_syncs", "1");
	hybrid_heat(test, 1);
	flush_times(test, 2);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	KUNIT_EXPECT_FALSE(test, is_open(1));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 9, DOM, 79));
	stop_hybrid(test, vgpu);
}

static void page_that_xen_does_not_close_stays_open(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	module_param_set("xengt.idle_syncs", "2");
	hybrid_heat(test, 1);
	flush_times(test, 3);
	fake_xen_reset_calls();
	fake_xen_fail_call(FAKE_CALL_DM_SET_TYPE, 1, -EAGAIN);
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_TRUE(test, is_open(1));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_PAGES_RESYNCED), 0ull);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ_MSG(test, type_calls(), 1ul, "not at each sync");
	hybrid_put(test, FIRST, PTE(63));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 63));
	flush_times(test, 3);
	KUNIT_EXPECT_FALSE(test, is_open(1));
	stop_hybrid(test, vgpu);
}

/* The guest writes the same once more when the page has come back: that is to be noticed. */
#define TRIES		64	/* pages that one sync tries to close */

/* Takes the first pages that a sync tries to close away. Returns the last page. */
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

/* 16: pages that Xen does not close keep no other page open */
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
	hybrid_open(test, 100);
	KUNIT_ASSERT_EQ(test, opened(vgpu), 128ull);
	last = remove_first_pages(vgpu);
	module_param_set("xengt.idle_syncs", "0");
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, is_open(last));
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, is_open(last));
	KUNIT_EXPECT_EQ(test, vgpu->gtt.shadow.dirty.nr_unsync, (unsigned long)TRIES);
	/* Those that are gone are MMIO when that is noticed. */
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, vgpu->gtt.shadow.dirty.nr_unsync, 0ul);
	stop_hybrid(test, vgpu);
}

static void page_with_a_missing_entry_is_closed(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	hybrid_open(test, 1);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	hybrid_put(test, FIRST + 5, PTE(NO_GFN));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(vgpu, FIRST + 5));
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, is_open(1));
	hybrid_open(test, 1);
	KUNIT_EXPECT_FALSE_MSG(test, is_open(1), "nor opened again");
	fake_gfn_populate(DOM, NO_GFN);
	hybrid_put(test, FIRST + 5, PTE(NO_GFN));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 5, DOM, NO_GFN));
	hybrid_open(test, 1);
	KUNIT_EXPECT_TRUE(test, is_open(1));
	fake_gfn_remove(DOM, NO_GFN);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	stop_hybrid(test, vgpu);
}

static void table_with_a_missing_entry_is_closed(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);
	unsigned int i;

	open_table(guest);
	open_directory(guest);
	ppgtt_guest_put(guest, TABLE, 5, PTE(NO_GFN));
	for (i = 1; i < 5; i++)
		ppgtt_guest_put(guest, 610, i, PTE(NO_GFN + 1));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 2ull);
	ppgtt_guest_sync(guest);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 0ull);
	ppgtt_check(&ppgtt);
	fake_gfn_populate(DOM, NO_GFN);
	fake_gfn_populate(DOM, NO_GFN + 1);
	ppgtt_guest_put(guest, TABLE, 5, PTE(NO_GFN));
	for (i = 1; i < 5; i++)
		ppgtt_guest_put(guest, 610, i, PTE(NO_GFN + 1));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* Modes */

static void another_mode_closes_all_pages(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	hybrid_heat(test, 1);
	hybrid_heat(test, 3);
	hybrid_flush(test);
	hybrid_put(test, FIRST + 20, PTE(20));
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_STRICT);
	KUNIT_EXPECT_TRUE_MSG(test, gpu_reaches(FIRST + 20, DOM, 20), "what was written before");
	KUNIT_EXPECT_FALSE(test, is_open(1));
	KUNIT_EXPECT_FALSE(test, is_open(3));
	hybrid_put(test, FIRST + 21, PTE(21));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 21, DOM, 21));
	stop_hybrid(test, vgpu);
}

/* The last write that is not trapped comes just before the page is. */
static void write_while_the_mode_changes_counts(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = store_to_gtt, .test = test,
	};

	hybrid_heat(test, 1);
	hybrid_flush(test);
	meanwhile_start(&m);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_POSTED);
	meanwhile_end(&m);
	KUNIT_EXPECT_FALSE(test, is_open(1));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 9, DOM, 79));
	stop_hybrid(test, vgpu);
}

static void page_that_stays_open_in_another_mode_is_closed_later(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &hybrid);

	hybrid_heat(test, 1);
	hybrid_flush(test);
	/* The sync that goes with the change tries once more. */
	fake_xen_fail_call(FAKE_CALL_DM_SET_TYPE, 1, -EAGAIN);
	hybrid_put(test, FIRST, PTE(64));
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_POSTED);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 64));
	KUNIT_EXPECT_FALSE(test, is_open(1));
	stop_hybrid(test, vgpu);
}

/* Balloon events */

static void event_costs_one_hypercall_for_a_trapped_page(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);
	unsigned long pages;

	ppgtt_guest_put(guest, TABLE, 1, PTE(1));
	ppgtt_guest_settle(guest);
	pages = fake_domain_trapped(DOM);
	KUNIT_EXPECT_EQ(test, pages, 5ul);
	fake_xen_reset_calls();
	ppgtt_guest_balloon_event(guest);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_GET_TYPE), pages);
	KUNIT_EXPECT_EQ(test, type_calls(), 0ul);
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* A page of tables is exchanged, which the event tells some time after it. */
static void exchange(struct kunit *test, u64 gfn, unsigned int index, u64 pte)
{
	fake_gfn_remove(DOM, gfn);
	/* So that it is another frame */
	fake_gfn_populate(OTHER_DOM, NO_GFN);
	fake_gfn_populate(DOM, gfn);
	fake_guest_write(DOM, (gfn << PAGE_SHIFT) + index * 8, &pte, 8);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
}

static void open_page_is_not_believed_after_an_event(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);

	heat_table(guest);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_trapped(DOM, TABLE));
	exchange(test, TABLE, 30, PTE(30));
	ppgtt_guest_settle(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 0ull);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, TABLE));
	ppgtt_guest_put(guest, TABLE, 31, PTE(31));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* 8: a retry for want of memory, say, does not look at all pages again. */
static void retry_without_an_event_looks_at_no_page(struct kunit *test)
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

/* 13: what is bound again after an event leads to the page that the guest has now */
static void page_that_is_bound_again_after_an_event(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 4, .room = 4,
	};
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	const unsigned long entry = IN_PAGE(2, 7);

	hybrid_open(test, 2);
	hybrid_put(test, entry, PTE(50));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry, DOM, 50));
	/* Nothing of this traps but the balloon event. */
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

/* The trap would be on a page that nobody looks into. */
static void page_is_not_closed_before_the_event_is_dealt_with(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);

	module_param_set("xengt.idle_syncs", "1");
	heat_table(guest);
	ppgtt_guest_sync(guest);
	ppgtt_guest_sync(guest);
	exchange(test, TABLE, 30, PTE(30));
	/* As by age: nobody waits for the event to be dealt with. */
	xengt_gtt_sync(&guest->vgpu->gtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 1ull);
	xengt_vgpu_set_mode(guest->vgpu, XENGT_MODE_POSTED);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 1ull);
	ppgtt_guest_put(guest, TABLE, 31, PTE(31));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 31), PTE(31));
	ppgtt_guest_settle(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_unsync"), 0ull);
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* It is exchanged at the moment when it is closed, and the event comes after that. */
static void page_that_was_closed_is_not_believed_after_an_event(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct ppgtt_guest *guest = new_guest(test, &ppgtt);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = exchange_gfn, .test = test,
	};

	module_param_set("xengt.idle_syncs", "1");
	heat_table(guest);
	ppgtt_guest_sync(guest);
	ppgtt_guest_sync(guest);
	meanwhile_start(&m);
	ppgtt_guest_sync(guest);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_resynced"), 1ull);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, TABLE));
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, TABLE, 30), PTE(30));
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static struct kunit_case hybrid_cases[] = {
	KUNIT_CASE_PARAM(page_that_is_hot_is_opened_by_the_sync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(open_page_is_looked_through_now_and_then, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(cool_page_is_not_opened, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pages_ahead_are_opened, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pages_around_are_opened, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(only_so_many_pages_are_open, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(only_hybrid_mode_opens_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(only_so_many_pages_are_opened_ahead, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(opening_that_xen_refuses_is_not_tried_at_each_sync,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(opening_that_stops_half_way_loses_no_write, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_is_written_with_a_trap_and_without, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_before_the_look_keeps_the_page_closed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_after_the_look_keeps_the_page_closed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(trap_that_cannot_be_set_again_is_noticed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_stays_closed_if_xen_does_not_tell, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_while_the_page_is_ram_for_a_moment_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_counts_if_xen_does_not_tell, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_counts_though_a_trap_cannot_be_set_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_is_written_to_is_not_opened_ahead, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_elsewhere_is_no_hindrance, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_in_flight_while_the_virtual_gpu_stops, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_in_flight_while_a_start_fails, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(tables_are_opened_without_ram_at_the_gtt, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_in_flight_while_a_table_is_opened, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_that_was_ram_for_a_moment_is_not_believed_after_an_event,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_in_flight_while_a_table_is_let_go, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(open_table_is_let_go, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(calm_page_is_closed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_before_the_page_is_closed_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_xen_does_not_close_stays_open, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(refused_pages_leave_tries_to_others, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_with_a_missing_entry_is_closed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_with_a_missing_entry_is_closed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(another_mode_closes_all_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_while_the_mode_changes_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_stays_open_in_another_mode_is_closed_later,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(event_costs_one_hypercall_for_a_trapped_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(open_page_is_not_believed_after_an_event, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(retry_without_an_event_looks_at_no_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_is_bound_again_after_an_event, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_is_not_closed_before_the_event_is_dealt_with,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_was_closed_is_not_believed_after_an_event,
			 both_dom0s_gen_params),
	{}
};

static struct kunit_suite hybrid_suite = {
	.name = "xengt_hybrid",
	.init = hybrid_init,
	.exit = hybrid_exit,
	.test_cases = hybrid_cases,
};

kunit_test_suite(hybrid_suite);
