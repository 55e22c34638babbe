// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of GGTT entries that lead to scratch: what is out of reach, malformed, missing, failed, or
 * over the quota. The GPU of the fixture watches every step; see gpu.h.
 */

#include "modules.h"
#include "shadow_fixture.h"

/* Entries that lead to scratch */

static void bfn_too_wide_for_the_device_is_scratch(struct kunit *test)
{
	struct shadow *s = new_shadow(test, DOM, QUOTA);

	/* All frames of guests, and the window of a PVH dom0, are above this. */
	s->config.shadow.max_bfn = BIT_ULL(20) - 1;
	KUNIT_ASSERT_EQ(test, start_shadow(s), 0);
	shadow_put_block(s, LOW_FIRST, 100, 16);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_RANGE), 16ull);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 0ul);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST));
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST + 15));
	shadow_flush(s);
	KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), 0ul, "an unusable page is unmapped");
	stop_shadow(s);
}

/* The last BFN that fits the device or the entry works, and the first that does not is scratch. */
static void width_is_exact(struct kunit *test)
{
	static const struct {
		u64 max_bfn, last;
	} cases[] = {
		{ BIT_ULL(27) - 1, BIT_ULL(27) - 1 },
		{ BIT_ULL(30) + 5, BIT_ULL(30) + 5 },
		{ U64_MAX, BIT_ULL(34) - 1 },
	};
	struct shadow *s;
	unsigned int i;

	if (!on_pv(test))
		kunit_skip(test, "no frame numbers in BFNs");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s = new_shadow(test, DOM, QUOTA);
		s->config.shadow.max_bfn = cases[i].max_bfn;
		KUNIT_ASSERT_EQ(test, start_shadow(s), 0);
		fake_gfn_populate_at(DOM, 10 + 2 * i, cases[i].last);
		fake_gfn_populate_at(DOM, 11 + 2 * i, cases[i].last + 1);
		shadow_put_block(s, LOW_FIRST, 10 + 2 * i, 2);
		KUNIT_EXPECT_EQ(test, gpu_entry(LOW_FIRST), PTE(cases[i].last));
		KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST + 1));
		KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_RANGE), 1ull);
		stop_shadow(s);
	}
}

static void page_that_moves_out_of_reach_is_zapped(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);

	if (!on_pv(test)) {
		stop_shadow(s);
		kunit_skip(test, "no frame numbers in BFNs");
	}
	shadow_put(s, ENTRY, PTE(10));
	fake_gfn_populate_at(DOM, 10, BIT_ULL(27));
	shadow_balloon(s);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_ZAPPED), 1ull);
	shadow_flush(s);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_shadow(s);
}

static void reserved_bits_make_scratch_and_are_counted(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int bit, n = 0;

	for (bit = 0; bit < 64; bit++) {
		if (!(PTE_RESERVED & BIT_ULL(bit)))
			continue;
		shadow_put(s, ENTRY, PTE(10));
		shadow_put(s, ENTRY, PTE(10) | BIT_ULL(bit));
		KUNIT_EXPECT_TRUE_MSG(test, shadow_is_scratch(s, ENTRY), "bit %u", bit);
		KUNIT_EXPECT_EQ(test, shadow_get(s, ENTRY), PTE(10) | BIT_ULL(bit));
		n++;
		KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_BAD_ENTRIES), (u64)n);
	}
	/* An entry that is not present may have any bits. */
	shadow_put(s, ENTRY, ~PTE_PRESENT);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_BAD_ENTRIES), (u64)n);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 0ul);
	shadow_balloon(s);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_RETRIED), 0ull);
	shadow_expect(s);
	stop_shadow(s);
}

static void gfn_above_the_guest_is_scratch(struct kunit *test)
{
	static const u64 gfns[] = { NO_GFN, BIT_ULL(22), BIT_ULL(28), BIT_ULL(34) - 1 };
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gfns); i++) {
		shadow_put(s, LOW_FIRST + i, PTE(gfns[i]));
		KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST + i));
	}
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_NOENT), 4ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_shadow(s);
}

static void failing_entries_leave_their_neighbours_alone(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;
	bool bad;

	for (i = 0; i < 64; i += 5)
		fake_xen_fail_gfn(DOM, 100 + i, -EPERM);
	shadow_put_block(s, LOW_FIRST, 300, 64);
	shadow_put_block(s, LOW_FIRST, 100, 64);
	for (i = 0; i < 64; i++) {
		bad = !(i % 5);
		KUNIT_EXPECT_EQ(test, shadow_is_scratch(s, LOW_FIRST + i), bad);
		KUNIT_EXPECT_EQ(test, shadow_is_right(s, LOW_FIRST + i), !bad);
	}
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_PERM), 13ull);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 51ul);
	shadow_flush(s);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 51ul);
	stop_shadow(s);
}

static void every_error_has_its_counter(struct kunit *test)
{
	const bool pv = mode_of(test) == FAKE_PV_DOM0;
	const struct {
		int error;
		enum xengt_counter counter;
	} cases[] = {
		{ -EINVAL, XENGT_COUNT_SCRATCHED_NOENT },
		/* from mmu_update, for a page that is paged out */
		{ -ENOENT, pv ? XENGT_COUNT_SCRATCHED_AGAIN : XENGT_COUNT_SCRATCHED_NOENT },
		{ -EPERM, XENGT_COUNT_SCRATCHED_PERM },
		{ -EACCES, XENGT_COUNT_SCRATCHED_PERM },
		{ -ENOMEM, XENGT_COUNT_SCRATCHED_NOMEM },
		{ -EAGAIN, XENGT_COUNT_SCRATCHED_AGAIN },
		/* from mmu_update, for a page that is not the guest's own */
		{ -EBUSY, pv ? XENGT_COUNT_SCRATCHED_NOENT : XENGT_COUNT_SCRATCHED_OTHER },
		{ -ENXIO, XENGT_COUNT_SCRATCHED_OTHER },
	};
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int i;
	u64 before;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		before = shadow_count(s, cases[i].counter);
		fake_xen_fail_gfn(DOM, 100, cases[i].error);
		shadow_put(s, ENTRY, PTE(100));
		KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, ENTRY));
		KUNIT_EXPECT_EQ_MSG(test, shadow_count(s, cases[i].counter), before + 1,
				    "error %d", cases[i].error);
		fake_xen_fail_nothing();
		shadow_balloon(s);
		KUNIT_EXPECT_FALSE_MSG(test, shadow_is_scratch(s, ENTRY), "error %d",
				       cases[i].error);
		shadow_put(s, ENTRY, 0);
		shadow_flush(s);
	}
	stop_shadow(s);
}

static void failed_hypercall_leaves_scratch_for_its_entries(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	bool pv = on_pv(test);

	shadow_put_block(s, LOW_FIRST, 300, 8);
	fake_xen_fail_call(pv ? FAKE_CALL_MMU_UPDATE : FAKE_CALL_ADD_TO_PHYSMAP, 1, -ENOMEM);
	shadow_put_block(s, LOW_FIRST, 100, 8);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	/* On PV one update was refused, and the others were done. */
	KUNIT_EXPECT_EQ(test, shadow_live(s), pv ? 7ul : 0ul);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_NOMEM), pv ? 1ull : 8ull);
	KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST));
	shadow_balloon(s);
	shadow_expect(s);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 8ul);
	stop_shadow(s);
}

static void nth_allocation_failing_leaves_scratch(struct kunit *test)
{
	struct shadow *s = started_shadow(test, QUOTA);
	unsigned int nth, i;
	bool pending;
	u64 ptes[16];

	for (i = 0; i < ARRAY_SIZE(ptes); i++)
		ptes[i] = PTE(512 - 8 + i);	/* in two blocks of the service's table */
	for (nth = 1; nth < 50; nth++) {
		fake_fail_alloc(nth);
		shadow_write(s, ENTRY * 8, ptes, sizeof(ptes));
		pending = fake_fail_alloc_stop();
		if (pending)
			break;
		shadow_balloon(s);
		shadow_expect(s);
		shadow_put_block(s, ENTRY, NO_GFN, ARRAY_SIZE(ptes));
		shadow_flush(s);
		KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	}
	KUNIT_EXPECT_GT(test, nth, 1u);
	KUNIT_EXPECT_LT(test, nth, 50u);
	shadow_expect(s);
	stop_shadow(s);
}

/* Quota */

static void quota_reached_is_scratch_for_the_rest(struct kunit *test)
{
	struct shadow *s = started_shadow(test, 8);
	unsigned int i;

	shadow_put_block(s, LOW_FIRST, 100, 12);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 8ul);
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_QUOTA), 4ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	for (i = 8; i < 12; i++)
		KUNIT_EXPECT_TRUE(test, shadow_is_scratch(s, LOW_FIRST + i));
	/* More entries of what is mapped cost nothing of it. */
	shadow_put_block(s, HIGH_FIRST, 100, 8);
	KUNIT_EXPECT_EQ(test, shadow_live(s), 16ul);
	/* Quota that is released can be used at once. */
	for (i = 0; i < 4; i++) {
		shadow_put(s, LOW_FIRST + i, 0);
		shadow_put(s, HIGH_FIRST + i, 0);
	}
	for (i = 8; i < 12; i++)
		shadow_put(s, LOW_FIRST + i, PTE(100 + i));
	KUNIT_EXPECT_EQ(test, shadow_count(s, XENGT_COUNT_SCRATCHED_QUOTA), 4ull);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	shadow_expect(s);
	stop_shadow(s);
}

static void quota_is_per_guest(struct kunit *test)
{
	struct shadow *s = started_shadow(test, 8);
	struct shadow *other = new_shadow(test, OTHER_DOM, 8);

	other->share[0].first = 10000;
	other->share[1].n = 0;
	KUNIT_ASSERT_EQ(test, start_shadow(other), 0);
	shadow_put_block(s, LOW_FIRST, 100, 64);
	shadow_put_block(other, 10000, 100, 8);
	KUNIT_EXPECT_EQ(test, shadow_live(other), 8ul);
	KUNIT_EXPECT_EQ(test, shadow_count(other, XENGT_COUNT_SCRATCHED_QUOTA), 0ull);
	shadow_expect(other);
	stop_shadow(s);
	shadow_expect(other);
	stop_shadow(other);
}

static struct kunit_case ggtt_scratch_cases[] = {
	KUNIT_CASE_PARAM(bfn_too_wide_for_the_device_is_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(width_is_exact, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_moves_out_of_reach_is_zapped, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(reserved_bits_make_scratch_and_are_counted, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gfn_above_the_guest_is_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(failing_entries_leave_their_neighbours_alone, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_error_has_its_counter, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(failed_hypercall_leaves_scratch_for_its_entries, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(nth_allocation_failing_leaves_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(quota_reached_is_scratch_for_the_rest, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(quota_is_per_guest, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ggtt_scratch_suite = {
	.name = "xengt_ggtt_scratch",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ggtt_scratch_cases,
};

kunit_test_suite(ggtt_scratch_suite);
