// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of posted writes: a trapped write returns at once, and a sync maps all entries in batches.
 * A late sync comes when there are many writes or old ones. The GPU has the old entry until the
 * sync.
 */

#include <linux/workqueue.h>

#include "hybrid_fixture.h"
#include "modules.h"
#include "ppgtt_fixture.h"

#define PAGES		4ul

static const struct hybrid_config posted = {
	.mode = XENGT_MODE_POSTED, .first = 1, .pages = PAGES,
};

static void put_many(struct kunit *test, unsigned long entry, u64 gfn, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		hybrid_put(test, entry + i, PTE(gfn + i));
}

static void expect_many(struct kunit *test, unsigned long entry, u64 gfn, unsigned int n)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < n; i++)
		wrong += !gpu_reaches(entry + i, DOM, gfn + i);
	KUNIT_EXPECT_EQ(test, wrong, 0u);
}

static void sync_maps_everything_in_batches(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &posted);

	put_many(test, FIRST, 0, 512);
	KUNIT_EXPECT_EQ(test, mapping_calls(), 0ul);
	KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(vgpu, FIRST));
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST + 511), PTE(511));
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, mapping_calls(), 1ul);
	expect_many(test, FIRST, 0, 512);

	fake_xen_reset_calls();
	put_many(test, FIRST, 512, 1024);
	KUNIT_EXPECT_EQ(test, mapping_calls(), 0ul);
	expect_many(test, FIRST, 0, 512);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, mapping_calls(), 2ul);
	expect_many(test, FIRST, 512, 1024);

	fake_xen_reset_calls();
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, mapping_calls(), 0ul);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE), 0ull);
	stop_hybrid(test, vgpu);
}

static void gpu_reads_the_old_entry_or_the_new_one(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &posted);
	const u64 pte = PTE(HIGH_GFN);

	hybrid_put(test, FIRST, PTE(600));
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, fake_vcpu_store(DOM, 0, ENTRY_ADDR(FIRST), &pte, 4), 0);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 600));
	KUNIT_EXPECT_EQ(test, fake_vcpu_store(DOM, 1, ENTRY_ADDR(FIRST) + 4, (u8 *)&pte + 4, 4), 0);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 600));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, HIGH_GFN));

	/* Entries are written several times. The sync uses the last value. */
	hybrid_put(test, FIRST, PTE(601));
	hybrid_put(test, FIRST, PTE(HIGH_GFN));
	fake_xen_reset_calls();
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, mapping_calls(), 0ul);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, HIGH_GFN));
	stop_hybrid(test, vgpu);
}

static void old_writes_are_synced(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &posted);

	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work));
	hybrid_put(test, FIRST, PTE(7));
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work));
	KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(vgpu, FIRST));
	flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE), 1ull);

	/* No late sync is pending. */
	module_param_set("xengt.posted_age_ms", "1");
	hybrid_put(test, FIRST, PTE(8));
	if (vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE))
		wait_for(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE) == 2);
	flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 8));
	stop_hybrid(test, vgpu);
}

/* 8: a time of 0 would have a guest with open pages keep a CPU busy for good. */
static void age_has_a_range_and_what_waits_follows(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &posted);

	KUNIT_EXPECT_EQ(test, module_param_set("xengt.posted_age_ms", "0"), -EINVAL);
	KUNIT_EXPECT_EQ(test, module_param_set("xengt.posted_age_ms", "4294967295"), -EINVAL);
	KUNIT_EXPECT_EQ(test, module_param_set("xengt.posted_age_ms", "3600000"), 0);
	hybrid_put(test, FIRST, PTE(7));
	KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(vgpu, FIRST));
	KUNIT_EXPECT_EQ(test, module_param_set("xengt.posted_age_ms", "1"), 0);
	wait_for(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE) == 1);
	flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	stop_hybrid(test, vgpu);
}

static void many_writes_are_synced(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &posted);

	module_param_set("xengt.posted_max", "8");
	put_many(test, FIRST, 0, 7);
	fake_xen_let_others_run();
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE), 0ull);
	hybrid_put(test, FIRST + 7, PTE(7));
	wait_for(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE) == 1);
	flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
	expect_many(test, FIRST, 0, 8);
	KUNIT_EXPECT_EQ_MSG(test, vgpu_count(vgpu, XENGT_COUNT_SYNCS_LATE), 1ull,
			    "one late sync is enough");
	stop_hybrid(test, vgpu);
}

static void strict_writes_do_not_wait(struct kunit *test)
{
	const struct hybrid_config config = { .mode = XENGT_MODE_STRICT, .first = 1, .pages = 4 };
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);

	hybrid_put(test, FIRST, PTE(7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work));
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_POSTED);
	hybrid_put(test, FIRST, PTE(8));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_STRICT);
	KUNIT_EXPECT_TRUE_MSG(test, gpu_reaches(FIRST, DOM, 8), "posted writes are in the shadow");
	hybrid_put(test, FIRST, PTE(9));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 9));
	stop_hybrid(test, vgpu);
}

static void posted_writes_are_dropped_at_disable(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &posted);

	put_many(test, FIRST, 0, 100);
	xengt_vgpu_disable(vgpu);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work));
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST), 0ull);
	put_many(test, FIRST, 0, 100);
	stop_hybrid(test, vgpu);
}

static void guest_dies_with_writes_posted(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &posted);

	put_many(test, FIRST, 0, 100);
	fake_domain_kill(DOM);
	flush_delayed_work(&vgpu->gtt.shadow.dirty.work);
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	xengt_vgpu_destroy(vgpu);
}

/* 6: a sync that fails loses no write. */
static void failed_sync_is_repeated(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &posted);

	put_many(test, FIRST, 0, 64);
	fake_xen_fail_call(mapping_call(), 1, -ENOMEM);
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	expect_many(test, FIRST, 0, 64);
	stop_hybrid(test, vgpu);
}

/* Writes of other vCPUs during a sync */

static void write_from_another_vcpu(struct meanwhile *m)
{
	const u64 ggtt = PTE(700), table = PTE(701);
	struct ppgtt_guest *guest = m->arg;

	guest->ggtt[PLAIN_FIRST + 1 - DIRECTORY(0)] = ggtt;
	/*
	 * The stores complete while the sync is in its hypercall. If they waited, the test would
	 * hang.
	 */
	KUNIT_EXPECT_EQ(m->test,
			fake_vcpu_store(DOM, 1, ENTRY_ADDR(PLAIN_FIRST + 1), &ggtt, 8) ?:
			fake_vcpu_store(DOM, 1, (600ull << PAGE_SHIFT) + 8, &table, 8), 0);
}

static void no_write_waits_for_a_hypercall(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .mode = XENGT_MODE_POSTED };
	struct ppgtt_guest *guest = ppgtt_guest_start(test, &config);
	struct ppgtt ppgtt = ppgtt_3(guest, (const u64[]){ 610, 611, 612, 613 });
	struct meanwhile m = {
		.kind = mapping_call(), .nth = 1, .act = write_from_another_vcpu, .test = test,
		.arg = guest,
	};

	ppgtt_guest_put(guest, 610, 0, PTE(600));
	ppgtt_guest_put(guest, 600, 0, PTE(300));
	ppgtt_start(&ppgtt);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(800));
	meanwhile_start(&m);
	ppgtt_guest_flush_gtt(guest);
	meanwhile_end(&m);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, 800));
	KUNIT_EXPECT_FALSE_MSG(test, gpu_reaches(PLAIN_FIRST + 1, DOM, 700),
			       "left to the next sync");
	ppgtt_guest_flush_gtt(guest);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST + 1, DOM, 700));
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void write_last_page(struct meanwhile *m)
{
	const u64 pte = PTE(HIGH_GFN);

	KUNIT_EXPECT_EQ(m->test, fake_vcpu_store(DOM, 1, ENTRY_ADDR(FIRST + 512), &pte, 8), 0);
}

/* The batch has the entry already, but the sync is not done with its page. */
static void write_during_a_sync_is_left_to_the_next_one(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &posted);
	struct meanwhile m = {
		.kind = mapping_call(), .nth = 1, .act = write_last_page, .test = test,
	};

	put_many(test, FIRST, 0, 1024);
	meanwhile_start(&m);
	hybrid_flush(test);
	meanwhile_end(&m);
	expect_many(test, FIRST, 0, 1024);
	KUNIT_EXPECT_TRUE_MSG(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work),
			      "it does come");
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 512, DOM, HIGH_GFN));
	stop_hybrid(test, vgpu);
}

/* gen7 has entries of 4 bytes, 1024 in a page, and page directories among them. */
static void posted_writes_of_gen7(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7, .mode = XENGT_MODE_POSTED };
	struct ppgtt_guest *guest = ppgtt_guest_start(test, &config);
	struct ppgtt ppgtt = ppgtt_ggtt(guest, DIRECTORY(0));
	u64 table = ppgtt_encode(guest->format, 600, 0), page;
	unsigned int i;

	ppgtt_start(&ppgtt);
	fake_xen_reset_calls();
	for (i = 0; i < PLAIN_N; i++)
		ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + i, ppgtt_encode(guest->format, i, 0));
	for (i = 0; i < 4; i++) {
		page = ppgtt_encode(guest->format, 300 + i, 0);
		fake_guest_write(DOM, (600ull << PAGE_SHIFT) + i * 4, &page, 4);
		ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0) + i, table);
	}
	KUNIT_EXPECT_EQ(test, mapping_calls(), 0ul);
	ppgtt_guest_flush_gtt(guest);
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_compare_ggtt(guest->model, guest->format, PLAIN_FIRST, PLAIN_N),
			0u);
	/* Entries that are written, and then become those of a directory */
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1), table);
	ppgtt_end(&ppgtt);
	ppgtt = ppgtt_ggtt(guest, DIRECTORY(1));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_flush_gtt(guest);
	ppgtt_model_begin(guest->model);
	KUNIT_EXPECT_EQ(test, ppgtt_compare_ggtt(guest->model, guest->format, DIRECTORY(0), 1024),
			0u);
	ppgtt_guest_stop(guest);
}

static struct kunit_case posted_cases[] = {
	KUNIT_CASE_PARAM(sync_maps_everything_in_batches, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gpu_reads_the_old_entry_or_the_new_one, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(old_writes_are_synced, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(age_has_a_range_and_what_waits_follows, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(many_writes_are_synced, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(strict_writes_do_not_wait, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(posted_writes_are_dropped_at_disable, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_dies_with_writes_posted, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(failed_sync_is_repeated, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(no_write_waits_for_a_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_during_a_sync_is_left_to_the_next_one, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(posted_writes_of_gen7, both_dom0s_gen_params),
	{}
};

static struct kunit_suite posted_suite = {
	.name = "xengt_posted",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = posted_cases,
};

kunit_test_suite(posted_suite);
