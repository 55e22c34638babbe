// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of shadows that heal: entries that were refused for want of quota or memory, lost tables,
 * roots that are not present, and pages that Xen does not unprotect. Also tests that the retries
 * are bounded.
 */

#include "ppgtt_fixture.h"

/* Two chains of tables, which lead to the first pages */
#define L4	600ull
#define L3	601ull
#define L2	602ull
#define L1	603ull
#define M4	610ull
#define M3	611ull
#define M2	612ull
#define M1	613ull
#define PAGE_AT(i)	((u64)(i) << 12)
#define WIDE		BIT_ULL(11)
#define QUOTA		8

static struct ppgtt chain(struct ppgtt_guest *guest, u64 l4)
{
	ppgtt_guest_put(guest, l4, 0, PTE(l4 + 1));
	ppgtt_guest_put(guest, l4 + 1, 0, PTE(l4 + 2));
	ppgtt_guest_put(guest, l4 + 2, 0, PTE(l4 + 3));
	return ppgtt_4(guest, l4);
}

static void put_pages(struct ppgtt_guest *guest, u64 table, u64 gfn, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		ppgtt_guest_put(guest, table, i, PTE(gfn + i));
}

static bool reaches(struct ppgtt *ppgtt, unsigned int i, u64 gfn)
{
	return ppgtt_reaches(ppgtt->guest->model, &ppgtt->roots, PAGE_AT(i), gfn);
}

static bool is_scratch(struct ppgtt *ppgtt, unsigned int i)
{
	return ppgtt_is_scratch(ppgtt->guest->model, &ppgtt->roots, PAGE_AT(i));
}

static struct ppgtt_guest *guest_with_quota(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .quota = __stringify(QUOTA) };

	return ppgtt_guest_start(test, &config);
}

static struct ppgtt_guest *new_guest(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};

	return ppgtt_guest_start(test, &config);
}

static void idle_ppgtt_is_reclaimed_for_one_in_use(struct kunit *test)
{
	struct ppgtt_guest *guest = guest_with_quota(test);
	struct ppgtt idle = chain(guest, L4), used = chain(guest, M4);

	put_pages(guest, L1, 100, QUOTA);
	put_pages(guest, M1, 200, QUOTA);
	ppgtt_start(&idle);
	ppgtt_unpin(&idle);
	ppgtt_start(&used);
	KUNIT_EXPECT_TRUE(test, reaches(&used, 0, 200));
	KUNIT_EXPECT_TRUE(test, reaches(&used, QUOTA - 1, 200 + QUOTA - 1));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("reclaimed"), 1ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pinned_short"), 0ull);
	ppgtt_check(&used);
	ppgtt_end(&used);
	ppgtt_end(&idle);
	ppgtt_guest_stop(guest);
}

/*
 * 15: a pinned PPGTT is not reclaimed for another, and no sync retries until quota is free. When
 * one ends the other gets its quota.
 */
static void pinned_ppgtt_is_not_reclaimed_for_another(struct kunit *test)
{
	struct ppgtt_guest *guest = guest_with_quota(test);
	struct ppgtt first = chain(guest, L4), second = chain(guest, M4);
	unsigned int i;
	u64 refused;

	put_pages(guest, L1, 100, QUOTA);
	put_pages(guest, M1, 200, QUOTA);
	ppgtt_start(&first);
	ppgtt_start(&second);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pinned_short"), 1ull);
	refused = ppgtt_guest_count("scratched_quota");
	for (i = 0; i < 16; i++)
		ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("scratched_quota"), refused);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("reclaimed"), 0ull);
	for (i = 0; i < QUOTA; i++) {
		KUNIT_EXPECT_TRUE(test, reaches(&first, i, 100 + i));
		KUNIT_EXPECT_TRUE(test, is_scratch(&second, i));
	}
	ppgtt_unpin(&first);
	ppgtt_guest_sync(guest);
	for (i = 0; i < QUOTA; i++)
		KUNIT_EXPECT_TRUE(test, reaches(&second, i, 200 + i));
	ppgtt_check(&second);
	ppgtt_end(&second);
	ppgtt_end(&first);
	ppgtt_guest_stop(guest);
}

static void quota_heals_when_entries_go(struct kunit *test)
{
	struct ppgtt_guest *guest = guest_with_quota(test);
	struct ppgtt ppgtt = chain(guest, L4);

	put_pages(guest, L1, 100, QUOTA + 2);
	ppgtt_start(&ppgtt);
	KUNIT_EXPECT_TRUE(test, is_scratch(&ppgtt, QUOTA));
	KUNIT_EXPECT_TRUE(test, is_scratch(&ppgtt, QUOTA + 1));
	ppgtt_guest_put(guest, L1, 0, 0);
	ppgtt_guest_put(guest, L1, 1, 0);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, QUOTA, 100 + QUOTA));
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, QUOTA + 1, 101 + QUOTA));
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void ggtt_is_not_reclaimed_for_a_ppgtt(struct kunit *test)
{
	struct ppgtt_guest *guest = guest_with_quota(test);
	struct ppgtt idle = chain(guest, L4);

	put_pages(guest, L1, 100, QUOTA);
	ppgtt_start(&idle);
	ppgtt_unpin(&idle);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(300));
	ppgtt_guest_flush_gtt(guest);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, 300));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, 0);
	ppgtt_end(&idle);
	ppgtt_guest_stop(guest);
}

static void lost_page_is_rescanned_once_in_a_sync(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt first = chain(guest, L4), second = chain(guest, M4);
	u64 before;

	ppgtt_start(&first);
	ppgtt_start(&second);
	fake_guest_balloon_out(DOM, 0, L1);
	fake_guest_balloon_out(DOM, 0, M1);
	ppgtt_guest_revalidate(guest);
	before = ppgtt_guest_count("pages_rescanned");
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_rescanned") - before, 2ull);
	ppgtt_end(&first);
	ppgtt_end(&second);
	ppgtt_guest_stop(guest);
}

static void pdp_of_0_is_no_table(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	const u64 gfns[4] = { L2, 0, 0, 0 };
	struct ppgtt ppgtt = ppgtt_3(guest, gfns);

	/* Entries that would lead to tables, if GFN 0 were one */
	ppgtt_guest_put(guest, 0, 0, PTE(L1));
	ppgtt_guest_put(guest, L2, 0, PTE(L1));
	ppgtt_guest_put(guest, L1, 0, PTE(100));
	ppgtt_start(&ppgtt);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, 0));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("roots_missing"), 0ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pinned_short"), 0ull);
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 0, 100));
	KUNIT_EXPECT_TRUE(test, is_scratch(&ppgtt, BIT(18)));
	KUNIT_EXPECT_TRUE(test, is_scratch(&ppgtt, 3 * BIT(18)));
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* A table of 64 KiB pages with one page that is present, and 512 entries that lead to the table */
static void parents_are_rewritten_only_if_they_change(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest, L4);
	u64 rewritten, writes;
	unsigned int i;

	for (i = 0; i < 512; i++)
		ppgtt_guest_put(guest, L2, i, PTE(L1) | WIDE);
	ppgtt_start(&ppgtt);
	rewritten = ppgtt_guest_count("parents_rewritten");
	writes = ppgtt_guest_count("gpu_writes");
	ppgtt_guest_put(guest, L1, 0, PTE(160));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 3, 163));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("parents_rewritten"), rewritten);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("gpu_writes") - writes, 16ull);
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* So many directories, all of whose 512 entries lead to one table of 64K pages */
#define MANY	3
#define PD(n)	(620ull + (n))

/*
 * Returns a PPGTT with a directory of 512 entries that lead to one table of 64K pages, and with
 * MANY - 1 more that are not in use yet.
 */
static struct ppgtt many_parents(struct ppgtt_guest *guest)
{
	struct ppgtt ppgtt = chain(guest, L4);
	unsigned int i, n;

	for (n = 0; n < MANY; n++) {
		for (i = 0; i < 512; i++)
			ppgtt_guest_put(guest, PD(n), i, PTE(L1) | WIDE);
	}
	ppgtt_guest_put(guest, L3, 0, PTE(PD(0)));
	for (i = 0; i < 512; i += 16)
		ppgtt_guest_put(guest, L1, i, PTE(160));
	return ppgtt;
}

/* The table lacks a 64K page for a moment, in which its parents cannot name the page directly. */
static void toggle(struct ppgtt_guest *guest)
{
	ppgtt_guest_put(guest, L1, 0, 0);
	ppgtt_guest_sync(guest);
	ppgtt_guest_put(guest, L1, 0, PTE(160));
	ppgtt_guest_sync(guest);
}

/* 8: a write to a table that very many entries lead to does not rewrite all of them. */
static void table_with_many_parents_has_no_shortcut(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = many_parents(guest);
	u64 rewritten;
	unsigned int n;

	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	for (n = 1; n < MANY; n++)
		ppgtt_guest_put(guest, L3, n, PTE(PD(n)));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	rewritten = ppgtt_guest_count("parents_rewritten");
	toggle(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("parents_rewritten"), rewritten);
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 3, 163));
	ppgtt_check(&ppgtt);
	/* With few parents it has the shortcut again. */
	for (n = 1; n < MANY; n++)
		ppgtt_guest_put(guest, L3, n, 0);
	ppgtt_guest_sync(guest);
	toggle(guest);
	KUNIT_EXPECT_GT(test, ppgtt_guest_count("parents_rewritten"), rewritten);
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* Xen leaves the store of a copy from the GTT to the ioreq server. */
static void copy_from_the_gtt_to_a_table_is_a_write(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	u64 gtt = ppgtt_guest_ggtt_gfn(guest, PLAIN_FIRST) << PAGE_SHIFT;
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_READ,
		.addr = gtt + PLAIN_FIRST % 512 * 8,
		.data = (L1 << PAGE_SHIFT) + 9 * 8,
		.data_is_ptr = 1,
		.count = 2,
		.size = 8,
	};
	struct ppgtt ppgtt = chain(guest, L4);

	ppgtt_start(&ppgtt);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(300));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + 1, PTE(301));
	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &req), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, L1, 10), PTE(301));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 9, 300));
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 10, 301));
	ppgtt_check(&ppgtt);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, 0);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + 1, 0);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* Makes a chain whose second last table also leads to another one, for the pages from 512 on. */
static void start_fork(struct ppgtt_guest *guest, struct ppgtt *ppgtt)
{
	*ppgtt = chain(guest, L4);
	put_pages(guest, L1, 100, 4);
	put_pages(guest, M1, 200, 4);
	ppgtt_guest_put(guest, L2, 1, PTE(M1));
	ppgtt_start(ppgtt);
	KUNIT_EXPECT_TRUE(guest->test, reaches(ppgtt, 0, 100));
	KUNIT_EXPECT_TRUE(guest->test, reaches(ppgtt, 512, 200));
}

/* 6, 15: any allocation for a table can fail. Some have a fallback. */
static void table_without_memory_is_scratch_until_there_is_some(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	unsigned int nth, failed = 0;
	struct ppgtt ppgtt;
	u64 before;

	start_fork(guest, &ppgtt);
	for (nth = 1; nth < 50; nth++) {
		ppgtt_guest_put(guest, L2, 1, 0);
		ppgtt_guest_sync(guest);
		KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, M1));
		ppgtt_guest_put(guest, L2, 1, PTE(M1));
		before = ppgtt_guest_count("scratched_nomem");
		fake_fail_alloc(nth);
		ppgtt_guest_sync(guest);
		if (fake_fail_alloc_stop())
			break;
		KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 0, 100));
		if (ppgtt_guest_count("scratched_nomem") == before) {
			KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 512, 200));
			continue;
		}
		failed++;
		KUNIT_EXPECT_EQ(test, ppgtt_guest_count("scratched_nomem") - before, 1ull);
		KUNIT_EXPECT_TRUE(test, is_scratch(&ppgtt, 512));
		KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, M1));
		/* Nothing tells when memory is free. The next sync retries. */
		ppgtt_guest_sync(guest);
		KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 512, 200));
		ppgtt_check(&ppgtt);
	}
	/* How many allocations there are depends on what the kernel's caches have. */
	KUNIT_EXPECT_GE(test, failed, 4u);
	KUNIT_EXPECT_LT(test, nth, 50u);
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 512, 200));
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* 6, 15: the mapping service had no memory for a page. */
static void entry_without_memory_is_scratch_until_the_revalidation(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest, L4);

	put_pages(guest, L1, 100, 4);
	fake_xen_fail_gfn(DOM, 102, -ENOMEM);
	ppgtt_start(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("scratched_nomem"), 1ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pinned_short"), 1ull);
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 1, 101));
	KUNIT_EXPECT_TRUE(test, is_scratch(&ppgtt, 2));
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 3, 103));
	fake_xen_fail_nothing();
	ppgtt_guest_revalidate(guest);
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 2, 102));
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* Refuses all calls of a kind, while this is the hook. */
static void refuse(enum fake_call kind, void *arg)
{
	const enum fake_call *refused = arg;

	if (kind == *refused)
		fake_xen_fail_call(kind, 1, -EIO);
}

static void relent(void)
{
	fake_xen_set_hook(NULL, NULL);
	fake_xen_fail_nothing();
}

/* The second table is freed, but Xen refuses to unprotect its page, which is stuck then. */
static void make_stuck(struct ppgtt_guest *guest, enum fake_call *refused)
{
	ppgtt_guest_put(guest, L2, 1, 0);
	fake_xen_set_hook(refuse, refused);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(guest->test, fake_gfn_write_protected(DOM, M1));
}

/*
 * 9: the release of a stuck page is retried however many events come, and its writes are done
 * meanwhile.
 */
static void stuck_page_is_released_when_xen_allows_it(struct kunit *test)
{
	enum fake_call refused = FAKE_CALL_DM_SET_TYPE;
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;
	unsigned int i;
	u64 released;

	start_fork(guest, &ppgtt);
	released = ppgtt_guest_count("pages_released");
	make_stuck(guest, &refused);
	for (i = 0; i < 3; i++) {
		ppgtt_guest_balloon_event(guest);
		KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, M1));
		KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_released"), released);
		ppgtt_guest_put(guest, M1, i, i + 1);
		KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, M1, i), i + 1ull);
	}
	relent();
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, M1));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_released"), released + 1);
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/*
 * 4, 13: the guest exchanges a stuck page, and the new one becomes a table. The old one is not kept
 * because it could not be unprotected.
 */
static void stuck_page_that_is_exchanged_is_the_new_one(struct kunit *test)
{
	enum fake_call refused = FAKE_CALL_DM_SET_STATE;
	unsigned long mfn = fake_gfn_mfn(DOM, M1);
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;

	start_fork(guest, &ppgtt);
	make_stuck(guest, &refused);
	fake_guest_balloon_out(DOM, 0, M1);
	ppgtt_guest_revalidate(guest);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), -1);
	fake_gfn_populate(DOM, M1);
	ppgtt_guest_put(guest, M1, 0, PTE(300));
	ppgtt_guest_put(guest, L2, 1, PTE(M1));
	ppgtt_guest_sync(guest);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, M1));
	KUNIT_EXPECT_TRUE(test, reaches(&ppgtt, 512, 300));
	relent();
	ppgtt_check(&ppgtt);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static struct kunit_case heal_cases[] = {
	KUNIT_CASE_PARAM(idle_ppgtt_is_reclaimed_for_one_in_use, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pinned_ppgtt_is_not_reclaimed_for_another, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(quota_heals_when_entries_go, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ggtt_is_not_reclaimed_for_a_ppgtt, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(lost_page_is_rescanned_once_in_a_sync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pdp_of_0_is_no_table, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(parents_are_rewritten_only_if_they_change, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_with_many_parents_has_no_shortcut, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(copy_from_the_gtt_to_a_table_is_a_write, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_without_memory_is_scratch_until_there_is_some,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_without_memory_is_scratch_until_the_revalidation,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(stuck_page_is_released_when_xen_allows_it, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(stuck_page_that_is_exchanged_is_the_new_one, both_dom0s_gen_params),
	{}
};

static struct kunit_suite heal_suite = {
	.name = "xengt_heal",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = heal_cases,
};

kunit_test_suite(heal_suite);
