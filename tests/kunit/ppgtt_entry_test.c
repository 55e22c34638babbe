// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of single entries of PPGTTs: larger pages, which hold as many references as they have pages
 * of 4 KiB, reserved bits and ignored bits.
 */

#include "modules.h"
#include "ppgtt_chain.h"

static void page_of_64k_holds_16_references(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = chain_put(guest);
	unsigned long refs;
	unsigned int i;

	ppgtt_guest_put(guest, L2, WIDE_I2, PTE(WIDE_L1) | WIDE);
	ppgtt_start(&ppgtt);
	refs = fake_total_refs();
	/* The low bits of the address, and 15 of 16 entries, are ignored. */
	ppgtt_guest_put(guest, WIDE_L1, 16, PTE(160 + 5));
	ppgtt_guest_put(guest, WIDE_L1, 17, PTE(300));
	ppgtt_guest_put(guest, WIDE_L1, 35, PTE(400));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, fake_total_refs() - refs, 16ul);
	for (i = 0; i < 16; i++)
		chain_expect_page(&ppgtt, ADDR(WIDE_I2, 16 + i), 160 + i);
	chain_expect_scratch(&ppgtt, ADDR(WIDE_I2, 35));
	ppgtt_check(&ppgtt);
	ppgtt_guest_put(guest, WIDE_L1, 16, 0);
	ppgtt_guest_revalidate(guest);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
	/* The same page as a table of small pages */
	ppgtt_guest_put(guest, L2, WIDE_I2, PTE(WIDE_L1));
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, ADDR(WIDE_I2, 17), 300);
	chain_expect_page(&ppgtt, ADDR(WIDE_I2, 35), 400);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static void page_of_2m_holds_512_references(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt = chain_put(guest);
	unsigned long refs;

	ppgtt_start(&ppgtt);
	refs = fake_total_refs();
	ppgtt_guest_put(guest, L2, LARGE_I2, PTE(BIG_GFN) | LARGE | LARGE_PAT);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, fake_total_refs() - refs, 512ul);
	chain_expect_page(&ppgtt, ADDR(LARGE_I2, 0), BIG_GFN);
	chain_expect_page(&ppgtt, ADDR(LARGE_I2, 511), BIG_GFN + 511);
	ppgtt_check(&ppgtt);
	kunit_info(test, "in the shadow it is %s",
		   guest->model->met[PPGTT_MET_2M_REAL] ? "one entry" : "512 entries");
	/* One of the 512 pages is ballooned out and in again. */
	fake_guest_balloon_out(DOM, 0, BIG_GFN + 7);
	ppgtt_guest_revalidate(guest);
	chain_expect_scratch(&ppgtt, ADDR(LARGE_I2, 7));
	chain_expect_page(&ppgtt, ADDR(LARGE_I2, 8), BIG_GFN + 8);
	fake_gfn_populate(DOM, BIG_GFN + 7);
	ppgtt_guest_balloon_event(guest);
	chain_expect_page(&ppgtt, ADDR(LARGE_I2, 7), BIG_GFN + 7);
	ppgtt_check(&ppgtt);
	ppgtt_guest_put(guest, L2, LARGE_I2, 0);
	ppgtt_guest_revalidate(guest);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
	chain_end(&ppgtt);
}

static void page_of_1g_is_refused(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	unsigned long refs;
	struct ppgtt ppgtt;
	u64 refused;

	chain_start(guest, &ppgtt);
	refs = fake_total_refs();
	refused = ppgtt_guest_count("refused_1g");
	ppgtt_guest_put(guest, L3, I3 + 1, PTE(0) | LARGE);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("refused_1g") - refused, 1ull);
	chain_expect_scratch(&ppgtt, I4 << 39 | (I3 + 1) << 30);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

static void reserved_bits_make_scratch(struct kunit *test)
{
	static const struct {
		u64 table;
		unsigned int index;
		u64 raw;
		u64 addr;
	} cases[] = {
		{ L1, 0, PTE(100) | BIT_ULL(46), PAGE_AT(0) },
		{ L1, 0, PTE(100) | BIT_ULL(63), PAGE_AT(0) },
		{ L2, I2, PTE(L1) | BIT_ULL(51), PAGE_AT(0) },
		{ L3, I3, PTE(L2) | BIT_ULL(48), PAGE_AT(0) },
		{ L4, I4, PTE(L3) | LARGE, PAGE_AT(0) },
		{ L2, LARGE_I2, PTE(BIG_GFN + 2) | LARGE, ADDR(LARGE_I2, 0) },
		{ L2, LARGE_I2, PTE(BIG_GFN) | LARGE | BIT_ULL(20), ADDR(LARGE_I2, 0) },
	};
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;
	unsigned int i;
	u64 before;

	chain_start(guest, &ppgtt);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		before = ppgtt_guest_get(guest, cases[i].table, cases[i].index);
		ppgtt_guest_put(guest, cases[i].table, cases[i].index, cases[i].raw);
		ppgtt_guest_sync(guest);
		chain_expect_scratch(&ppgtt, cases[i].addr);
		ppgtt_check(&ppgtt);
		ppgtt_guest_put(guest, cases[i].table, cases[i].index, before);
		ppgtt_guest_sync(guest);
		chain_expect_page(&ppgtt, PAGE_AT(0), 100);
	}
	chain_end(&ppgtt);
}

static void ignored_bits_do_not_make_scratch(struct kunit *test)
{
	static const struct {
		u64 table;
		unsigned int index;
		u64 raw;
	} entries[] = {
		{ L1, 0, PTE(100) }, { L2, I2, PTE(L1) }, { L3, I3, PTE(L2) }, { L4, I4, PTE(L3) },
		{ L2, LARGE_I2, PTE(BIG_GFN) | LARGE },
	};
	struct ppgtt_guest *guest = chain_new_guest(test);
	unsigned int i, bit, n = 0;
	struct ppgtt ppgtt;
	u64 bad;

	chain_start(guest, &ppgtt);
	bad = ppgtt_guest_count("bad_entries");
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		for (bit = 0; bit < 64; bit++) {
			/*
			 * Bit 11 of an entry that leads to a page table makes it one of 64 KiB
			 * pages.
			 */
			if (!(PTE_IGNORED & BIT_ULL(bit)) || (bit == 11 && i == 1))
				continue;
			ppgtt_guest_put(guest, entries[i].table, entries[i].index,
					entries[i].raw | BIT_ULL(bit));
			ppgtt_guest_sync(guest);
			chain_expect_page(&ppgtt, PAGE_AT(0), 100);
			if (i == 4)
				chain_expect_page(&ppgtt, ADDR(LARGE_I2, 5), BIG_GFN + 5);
			n++;
		}
		ppgtt_check(&ppgtt);
		ppgtt_guest_put(guest, entries[i].table, entries[i].index, entries[i].raw);
	}
	KUNIT_EXPECT_EQ(test, n, 5 * 18u - 1);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("bad_entries"), bad);
	chain_end(&ppgtt);
}

static struct kunit_case ppgtt_entry_cases[] = {
	KUNIT_CASE_PARAM(page_of_64k_holds_16_references, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_of_2m_holds_512_references, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_of_1g_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(reserved_bits_make_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ignored_bits_do_not_make_scratch, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_entry_suite = {
	.name = "xengt_ppgtt_entry",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ppgtt_entry_cases,
};

/* The same with a GPU that does not snoop the CPU's caches. */
static int incoherent_init(struct kunit *test)
{
	int rc = vgpu_suite_init(test);

	gpu_set_incoherent();
	return rc;
}

static struct kunit_case ppgtt_entry_incoherent_cases[] = {
	KUNIT_CASE_PARAM(page_of_64k_holds_16_references, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_of_2m_holds_512_references, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_of_1g_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(reserved_bits_make_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ignored_bits_do_not_make_scratch, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_entry_incoherent_suite = {
	.name = "xengt_ppgtt_entry_incoherent",
	.init = incoherent_init,
	.exit = stop_modules,
	.test_cases = ppgtt_entry_incoherent_cases,
};

kunit_test_suites(&ppgtt_entry_suite, &ppgtt_entry_incoherent_suite);
