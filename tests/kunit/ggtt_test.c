// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the shadow GGTT (vgpu/ggtt/ggtt.c): the order of map, write, invalidate and release,
 * what that costs, and writers that meet balloon events. The GPU of the fixture watches every step;
 * see gpu.h.
 */

#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "map/counters.h"
#include "map/domain.h"
#include "modules.h"
#include "shadow_fixture.h"

static unsigned long map_calls(void)
{
	return fake_xen_calls(FAKE_CALL_MMU_UPDATE) + fake_xen_calls(FAKE_CALL_ADD_TO_PHYSMAP);
}

static u64 service_count(struct shadow *s, enum xen_gpu_counter which)
{
	return xen_gpu_counter_read(&s->domain->counters, which);
}

/* Order and costs */

static void entry_then_invalidate_then_old_reference(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 old = fake_gfn_mfn(DOM, 50);

	shadow_put(s, ENTRY, PTE(50));
	fake_xen_clear_events();
	shadow_put(s, ENTRY, PTE(51));
	shadow_flush(s);
	shadow_expect_replaced(s, ENTRY, old);
	KUNIT_EXPECT_TRUE(test, shadow_is_right(s, ENTRY));
	stop_shadow(s);
}

static void entry_goes_before_its_reference(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 old = fake_gfn_mfn(DOM, 50);

	shadow_put(s, ENTRY, PTE(50));
	fake_xen_clear_events();
	shadow_put(s, ENTRY, 0);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
	shadow_flush(s);
	shadow_expect_replaced(s, ENTRY, old);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_shadow(s);
}

static void new_page_is_mapped_before_the_old_is_released(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 old = fake_gfn_mfn(DOM, 50), new = fake_gfn_mfn(DOM, 51);

	shadow_put(s, ENTRY, PTE(50));
	fake_xen_clear_events();
	shadow_put(s, ENTRY, PTE(51));
	shadow_flush(s);
	shadow_expect_mapped_first(s, ENTRY, new);
	shadow_expect_replaced(s, ENTRY, old);
	stop_shadow(s);
}

/* 3: a page without a user could be unmapped, even if it has none for a moment only. */
static void same_page_with_other_flags_stays_mapped(struct kunit *test)
{
	static const u64 flags[] = { BIT_ULL(1), BIT_ULL(3), BIT_ULL(4), BIT_ULL(7), PTE_FLAGS, 0 };
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;

	shadow_put(s, ENTRY, PTE(50));
	fake_xen_reset_calls();
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		shadow_put(s, ENTRY, (50ull << 12) | PTE_PRESENT | flags[i]);
		KUNIT_EXPECT_EQ(test, gpu_entry(ENTRY) & ~PTE_ADDRESS, PTE_PRESENT | flags[i]);
	}
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	KUNIT_EXPECT_EQ(test, service_count(s, XEN_GPU_COUNT_QUEUED), 0ull);
	KUNIT_EXPECT_EQ(test, service_count(s, XEN_GPU_COUNT_UNMAPPED), 0ull);
	shadow_expect(s);
	stop_shadow(s);
}

static void entries_of_512_take_one_map_hypercall(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_put_block(s, LOW_FIRST, 512, 512);
	KUNIT_EXPECT_EQ(test, map_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SHADOWED), 512ull);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_GPU_INVALIDATES), 2ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 512ul);
	shadow_expect(s);
	stop_shadow(s);
}

static void entries_written_again_cost_nothing(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 writes, invalidates;

	shadow_put_block(s, LOW_FIRST, 512, 512);
	fake_xen_reset_calls();
	fake_xen_clear_events();
	writes = shadow_count(s, XENGT_COUNT_GPU_WRITES);
	invalidates = shadow_count(s, XENGT_COUNT_GPU_INVALIDATES);
	shadow_put_block(s, LOW_FIRST, 512, 512);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	KUNIT_EXPECT_EQ(test, fake_xen_nr_events(), 0u);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_ENTRIES_SAME), 512ull);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_GPU_WRITES), writes);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_GPU_INVALIDATES), invalidates);
	stop_shadow(s);
}

static void entries_swapped_in_one_write_take_no_hypercall(struct kunit *test)
{
	static const u64 there[] = { PTE(60), PTE(61) }, back[] = { PTE(61), PTE(60) };
	struct shadow *s = started_shadow(test, QUOTA);

	shadow_write(s, ENTRY * 8, there, 16);
	fake_xen_reset_calls();
	shadow_write(s, ENTRY * 8, back, 16);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	KUNIT_EXPECT_EQ(test, service_count(s, XEN_GPU_COUNT_QUEUED), 0ull);
	shadow_expect(s);
	stop_shadow(s);
}

static void many_entries_share_one_reference(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	u64 mfn = fake_gfn_mfn(DOM, 70);
	u64 *ptes = kunit_kzalloc(test, 512 * 8, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, ptes);
	for (i = 0; i < 512; i++)
		ptes[i] = PTE(70);
	shadow_write(s, LOW_FIRST * 8, ptes, 4096);
	shadow_put(s, GTT_ENTRIES - 1, PTE(70));
	KUNIT_EXPECT_EQ(test, map_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(mfn), 1u);
	for (i = 0; i < 512; i++)
		shadow_put(s, LOW_FIRST + i, 0);
	shadow_flush(s);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(mfn), 1u);
	KUNIT_EXPECT_TRUE(test, shadow_is_right(s, GTT_ENTRIES - 1));
	shadow_put(s, GTT_ENTRIES - 1, 0);
	shadow_flush(s);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(mfn), 0u);
	stop_shadow(s);
}

/* Threads */

#define WRITERS	3

struct writer {
	struct shadow *s;
	unsigned int number;
	struct completion done;
};

static int write_storm(void *data)
{
	struct writer *w = data;
	unsigned long first = LOW_FIRST + 40 * w->number;
	struct rnd_state rnd;
	unsigned int i;
	u64 ptes[8];

	prandom_seed_state(&rnd, 100 + w->number);
	for (i = 0; i < 150; i++) {
		unsigned int n = 1 + prandom_u32_state(&rnd) % 8, k;

		for (k = 0; k < n; k++)
			ptes[k] = PTE(prandom_u32_state(&rnd) % 64);
		shadow_write(w->s, (first + prandom_u32_state(&rnd) % 32) * 8, ptes, n * 8);
		cond_resched();
	}
	complete(&w->done);
	return 0;
}

static bool storm_is_over(struct writer *writers)
{
	unsigned int i;

	for (i = 0; i < WRITERS; i++) {
		if (!completion_done(&writers[i].done))
			return false;
	}
	return true;
}

/* Each hypercall lets other threads run, so that all steps interleave. */
static void writers_race_with_balloon_events(struct kunit *test)
{
	struct writer *writers = kunit_kcalloc(test, WRITERS, sizeof(*writers), GFP_KERNEL);
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i, gfn = 0;

	KUNIT_ASSERT_NOT_NULL(test, writers);
	fake_xen_set_yield(true);
	for (i = 0; i < WRITERS; i++) {
		writers[i].s = s;
		writers[i].number = i;
		init_completion(&writers[i].done);
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(write_storm, &writers[i], "writer")));
	}
	do {
		fake_gfn_remove(DOM, gfn % 64);
		if (gfn & 1)
			shadow_balloon(s);
		fake_gfn_populate(DOM, gfn++ % 64);
		shadow_balloon(s);
		schedule();
	} while (!storm_is_over(writers));
	fake_xen_set_yield(false);
	shadow_balloon(s);
	shadow_expect(s);
	stop_shadow(s);
}

static struct kunit_case ggtt_cases[] = {
	KUNIT_CASE_PARAM(entry_then_invalidate_then_old_reference, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_goes_before_its_reference, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(new_page_is_mapped_before_the_old_is_released, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(same_page_with_other_flags_stays_mapped, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_of_512_take_one_map_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_written_again_cost_nothing, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_swapped_in_one_write_take_no_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(many_entries_share_one_reference, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(writers_race_with_balloon_events, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ggtt_suite = {
	.name = "xengt_ggtt",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ggtt_cases,
};

kunit_test_suite(ggtt_suite);
