// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the shadows of PPGTTs, by what they promise to guests, device models and Xen. The
 * random runs are in ppgtt_random_test.c.
 *
 * Most cases begin with a chain of tables, one on each level, and look at the addresses that the
 * last one translates.
 */

#include <linux/slab.h>

#include "modules.h"
#include "ppgtt_fixture.h"

/* The chain */
#define L4		600ull
#define L3		601ull
#define L2		602ull
#define L1		603ull
#define OTHER_L1	604ull
#define WIDE_L1		605ull
#define I4		1ull
#define I3		2ull
#define I2		3ull
#define OTHER_I2	4ull
#define WIDE_I2		5ull
#define LARGE_I2	6ull
#define ADDR(i2, i1)	(I4 << 39 | I3 << 30 | (u64)(i2) << 21 | (u64)(i1) << 12)
#define PAGE_AT(i)	ADDR(I2, i)

#define LARGE		BIT_ULL(7)
#define WIDE		BIT_ULL(11)
#define LARGE_PAT	BIT_ULL(12)
#define BIG_GFN		1024ull		/* of a page of 2M */
#define PT_GEN7(gfn)	ppgtt_encode(&ppgtt_gen7, gfn, 0)
#define TABLES_LIVE	"tables"	/* the gauge of shadow tables */

static int ppgtt_init(struct kunit *test)
{
	start_modules(test, mode_of(test));
	return 0;
}

static void ppgtt_exit(struct kunit *test)
{
	stop_modules(test);
}

/* What a virtual GPU holds that does nothing: its ioreq server's page */
static unsigned long idle_refs;

static struct ppgtt_guest *start_guest(struct kunit *test, const struct ppgtt_guest_config *config)
{
	struct ppgtt_guest *guest = ppgtt_guest_start(test, config);

	idle_refs = fake_total_refs();
	return guest;
}

static struct ppgtt_guest *new_guest(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};

	return start_guest(test, &config);
}

static struct ppgtt_guest *new_gen7_guest(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7 };

	return start_guest(test, &config);
}

/* The chain, not announced yet. */
static struct ppgtt chain(struct ppgtt_guest *guest)
{
	ppgtt_guest_put(guest, L4, I4, PTE(L3));
	ppgtt_guest_put(guest, L3, I3, PTE(L2));
	ppgtt_guest_put(guest, L2, I2, PTE(L1));
	return ppgtt_4(guest, L4);
}

static void put_pages(struct ppgtt_guest *guest, u64 table, unsigned int first, u64 gfn,
		      unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		ppgtt_guest_put(guest, table, first + i, PTE(gfn + i));
}

static struct ppgtt started_chain(struct ppgtt_guest *guest, struct ppgtt *ppgtt)
{
	*ppgtt = chain(guest);
	put_pages(guest, L1, 0, 100, 8);
	ppgtt_start(ppgtt);
	ppgtt_check(ppgtt);
	return *ppgtt;
}

static u64 map_hypercalls(void)
{
	return debugfs_value("xen_gpu_map/domains/5", "map_hypercalls");
}

static void expect_page(struct ppgtt *ppgtt, u64 addr, u64 gfn)
{
	struct ppgtt_guest *guest = ppgtt->guest;

	KUNIT_EXPECT_TRUE_MSG(guest->test, ppgtt_reaches(guest->model, &ppgtt->roots, addr, gfn),
			      "address %#llx does not reach GFN %#llx", addr, gfn);
}

static void expect_scratch(struct ppgtt *ppgtt, u64 addr)
{
	struct ppgtt_guest *guest = ppgtt->guest;

	KUNIT_EXPECT_TRUE_MSG(guest->test, ppgtt_is_scratch(guest->model, &ppgtt->roots, addr),
			      "address %#llx is not scratch", addr);
}

/* Scratch, or nothing at all: the root may be blank. */
static void expect_no_page(struct ppgtt *ppgtt, u64 addr)
{
	struct ppgtt_guest *guest = ppgtt->guest;
	struct ppgtt_walk found;

	ppgtt_walk_shadow(guest->model, &ppgtt->roots, addr, &found);
	KUNIT_EXPECT_TRUE_MSG(guest->test,
			      !found.page || ppgtt_is_dom0(fake_dma_mfn(found.frame)),
			      "address %#llx reaches a page", addr);
}

/* At the end: nothing is announced, and what was mapped for it is not any more. */
static void end_of_case(struct ppgtt *ppgtt)
{
	struct ppgtt_guest *guest = ppgtt->guest;

	ppgtt_end(ppgtt);
	sync_vgpu(guest->vgpu);
	KUNIT_EXPECT_EQ_MSG(guest->test, fake_total_refs(), idle_refs, "pages are still mapped");
	KUNIT_EXPECT_EQ(guest->test, fake_domain_trapped(DOM), 0u);
	ppgtt_guest_stop(guest);
}

/* Walks */

static void all_levels_are_walked(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	expect_page(&ppgtt, PAGE_AT(0), 100);
	expect_page(&ppgtt, PAGE_AT(7), 107);
	expect_scratch(&ppgtt, PAGE_AT(8));
	expect_scratch(&ppgtt, ADDR(OTHER_I2, 0));
	expect_scratch(&ppgtt, 0);
	expect_scratch(&ppgtt, BIT_ULL(48) - 1);
	end_of_case(&ppgtt);
}

static void three_levels_have_four_roots(struct kunit *test)
{
	const u64 pdps[4] = { 610, 611, 610, 612 };
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = ppgtt_3(guest, pdps);

	put_pages(guest, L1, 0, 100, 4);
	ppgtt_guest_put(guest, 610, 0, PTE(L1));
	ppgtt_guest_put(guest, 612, 511, PTE(L1));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	expect_page(&ppgtt, 0x1000, 101);
	expect_page(&ppgtt, 2 * BIT_ULL(30) + 0x1000, 101);
	expect_page(&ppgtt, BIT_ULL(32) - BIT_ULL(21) + 0x3000, 103);
	expect_scratch(&ppgtt, BIT_ULL(30));
	end_of_case(&ppgtt);
}

/* Synchronisation points */

static void writes_are_there_after_each_kind_of_sync(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt, other = ppgtt_4(guest, 620);

	started_chain(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 0, PTE(200));
	ppgtt_guest_sync(guest);
	expect_page(&ppgtt, PAGE_AT(0), 200);
	ppgtt_guest_put(guest, L1, 0, PTE(201));
	ppgtt_guest_flush_gtt(guest);
	expect_page(&ppgtt, PAGE_AT(0), 201);
	ppgtt_guest_put(guest, L1, 0, PTE(202));
	KUNIT_EXPECT_EQ(test, ppgtt_create(&other), 0);
	expect_page(&ppgtt, PAGE_AT(0), 202);
	ppgtt_guest_put(guest, L1, 0, PTE(203));
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&other), 0);
	expect_page(&ppgtt, PAGE_AT(0), 203);
	ppgtt_unpin(&other);
	ppgtt_guest_put(guest, L1, 0, PTE(204));
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&other), 0);
	expect_page(&ppgtt, PAGE_AT(0), 204);
	ppgtt_guest_put(guest, L1, 0, PTE(205));
	ppgtt_notify(&other, true);
	expect_page(&ppgtt, PAGE_AT(0), 205);
	ppgtt_guest_put(guest, L1, 0, PTE(206));
	ppgtt_notify(&other, false);
	expect_page(&ppgtt, PAGE_AT(0), 206);
	end_of_case(&ppgtt);
}

static void guest_announces_through_pvinfo(struct kunit *test)
{
	const u64 pdps[4] = { L2, L2, 610, 611 };
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt four = chain(guest), three = ppgtt_3(guest, pdps);

	put_pages(guest, L1, 0, 100, 8);
	ppgtt_notify(&four, true);
	ppgtt_notify(&three, true);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&four), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&three), 0);
	ppgtt_check(&four);
	ppgtt_check(&three);
	expect_page(&three, I2 << 21, 100);
	ppgtt_unpin(&four);
	ppgtt_unpin(&three);
	ppgtt_notify(&four, false);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&four), -ENOENT);
	ppgtt_notify(&three, false);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&three), -ENOENT);
	end_of_case(&four);
}

static void halves_merge_in_any_order(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	const u64 pte = PTE(HIGH_GFN);
	struct ppgtt ppgtt;
	unsigned int first;

	started_chain(guest, &ppgtt);
	for (first = 0; first < 8; first += 4) {
		const u64 addr = (L1 << PAGE_SHIFT) + (20 + first) * 8;

		KUNIT_EXPECT_EQ(test, ppgtt_guest_store(guest, 0, addr + first,
							(u8 *)&pte + first, 4), 0);
		ppgtt_guest_sync(guest);
		ppgtt_check(&ppgtt);
		KUNIT_EXPECT_EQ(test, ppgtt_guest_store(guest, 1, addr + 4 - first,
							(u8 *)&pte + 4 - first, 4), 0);
		ppgtt_guest_sync(guest);
		ppgtt_check(&ppgtt);
		expect_page(&ppgtt, PAGE_AT(20 + first), HIGH_GFN);
	}
	end_of_case(&ppgtt);
}

static void store_over_two_entries_changes_both(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	/* The high half of entry 1, the low half of entry 2 */
	const u64 before[2] = { PTE(7), PTE(HIGH_GFN) };
	const u64 after[2] = { PTE(HIGH_GFN), PTE(HIGH_GFN) & ~PTE_PRESENT };
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 1, before[0]);
	ppgtt_guest_put(guest, L1, 2, before[1]);
	ppgtt_guest_sync(guest);
	expect_page(&ppgtt, PAGE_AT(1), 7);
	expect_page(&ppgtt, PAGE_AT(2), HIGH_GFN);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_store(guest, 0, (L1 << PAGE_SHIFT) + 8 + 4,
						(const u8 *)after + 4, 8), 0);
	ppgtt_guest_sync(guest);
	expect_page(&ppgtt, PAGE_AT(1), HIGH_GFN);
	expect_scratch(&ppgtt, PAGE_AT(2));
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

/* Batches */

static void attached_table_of_512_takes_one_map_hypercall(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest);
	u64 before = map_hypercalls();

	put_pages(guest, L1, 0, BIG_GFN, 512);
	ppgtt_start(&ppgtt);
	KUNIT_EXPECT_EQ(test, map_hypercalls() - before, 1ull);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

static void table_of_512_written_again_takes_one_map_hypercall(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest);
	u64 before;

	put_pages(guest, L1, 0, BIG_GFN, 512);
	ppgtt_start(&ppgtt);
	before = map_hypercalls();
	put_pages(guest, L1, 0, 0, 512);
	KUNIT_EXPECT_EQ_MSG(test, map_hypercalls(), before, "writes are posted");
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, map_hypercalls() - before, 1ull);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

static void same_values_take_no_hypercall(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest);
	unsigned long refs;
	u64 before;

	put_pages(guest, L1, 0, BIG_GFN, 512);
	ppgtt_start(&ppgtt);
	before = map_hypercalls();
	refs = fake_total_refs();
	fake_xen_clear_events();
	put_pages(guest, L1, 0, BIG_GFN, 512);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, map_hypercalls(), before);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
	KUNIT_EXPECT_EQ_MSG(test, fake_xen_find_event(0, FAKE_EVENT_UNREF,
						      fake_gfn_mfn(DOM, BIG_GFN)), -1,
			    "a page was let go for a moment");
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

/* Order */

static void new_page_is_mapped_before_the_old_is_released(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	unsigned long old = fake_gfn_mfn(DOM, 100), new = fake_gfn_mfn(DOM, 300);
	int ref, invalidate, unref;
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	fake_xen_clear_events();
	ppgtt_guest_put(guest, L1, 0, PTE(300));
	ppgtt_guest_settle(guest);
	ref = fake_xen_find_event(0, FAKE_EVENT_REF, new);
	KUNIT_EXPECT_GE(test, ref, 0);
	invalidate = fake_xen_find_event(ref + 1, FAKE_EVENT_INVALIDATE, FAKE_NO_MFN);
	KUNIT_EXPECT_GT(test, invalidate, ref);
	unref = fake_xen_find_event(0, FAKE_EVENT_UNREF, old);
	KUNIT_EXPECT_GT_MSG(test, unref, invalidate, "released before the GPU forgot");
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

static void same_page_with_other_flags_is_never_let_go(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	fake_xen_clear_events();
	ppgtt_guest_put(guest, L1, 0, PTE(100) | BIT_ULL(4) | BIT_ULL(7));
	ppgtt_guest_settle(guest);
	KUNIT_EXPECT_EQ(test, fake_xen_find_event(0, FAKE_EVENT_UNREF, fake_gfn_mfn(DOM, 100)), -1);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

/* A directory's entry with other flags is the same table: it is not made anew. */
static void table_with_another_flag_is_never_let_go(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;
	u64 made;

	started_chain(guest, &ppgtt);
	made = ppgtt_guest_count("tables_made");
	fake_xen_clear_events();
	ppgtt_guest_put(guest, L2, I2, PTE(L1) | BIT_ULL(4));
	ppgtt_guest_put(guest, L3, I3, PTE(L2) | BIT_ULL(3));
	ppgtt_guest_settle(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("tables_made"), made);
	KUNIT_EXPECT_EQ(test, fake_xen_find_event(0, FAKE_EVENT_UNREF, fake_gfn_mfn(DOM, 100)), -1);
	expect_page(&ppgtt, PAGE_AT(0), 100);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

struct watch {
	struct ppgtt *ppgtt;
	bool called;
};

/* The first thing that the GPU hears of: the entries of the new table. */
static void expect_the_old_table(void *data)
{
	struct watch *watch = data;

	watch->called = true;
	expect_page(watch->ppgtt, PAGE_AT(0), 100);
}

static void table_is_filled_before_it_is_attached(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;
	struct watch watch = { .ppgtt = &ppgtt };

	started_chain(guest, &ppgtt);
	put_pages(guest, OTHER_L1, 0, 300, 8);
	ppgtt_guest_put(guest, L2, I2, PTE(OTHER_L1));
	gpu_on_invalidate(expect_the_old_table, &watch);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(test, watch.called);
	expect_page(&ppgtt, PAGE_AT(0), 300);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

/* Tables that are more than one thing */

static void table_in_a_loop_is_walked_on_every_level(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = ppgtt_4(guest, L4);

	ppgtt_guest_put(guest, L4, 1, PTE(L4));
	ppgtt_guest_put(guest, L4, 2, PTE(100));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	expect_page(&ppgtt, 1ull << 39 | 1ull << 30 | 1ull << 21 | 2ull << 12, 100);
	expect_page(&ppgtt, 1ull << 39 | 1ull << 30 | 1ull << 21 | 1ull << 12, L4);
	ppgtt_guest_put(guest, L4, 2, PTE(101));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	ppgtt_guest_put(guest, L4, 1, 0);
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

static void shared_table_is_shadowed_once(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt, other;
	u64 tables, maps;

	started_chain(guest, &ppgtt);
	tables = ppgtt_guest_count(TABLES_LIVE);
	maps = map_hypercalls();
	ppgtt_guest_put(guest, L2, OTHER_I2, PTE(L1));
	ppgtt_guest_put(guest, L3, I3 + 1, PTE(L2));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count(TABLES_LIVE), tables);
	other = ppgtt_4(guest, 620);
	ppgtt_guest_put(guest, 620, 7, PTE(L3));
	ppgtt_start(&other);
	KUNIT_EXPECT_EQ_MSG(test, ppgtt_guest_count(TABLES_LIVE), tables + 1, "the root alone");
	KUNIT_EXPECT_EQ(test, map_hypercalls(), maps);
	ppgtt_guest_put(guest, L1, 0, PTE(333));
	ppgtt_guest_sync(guest);
	expect_page(&ppgtt, PAGE_AT(0), 333);
	expect_page(&ppgtt, ADDR(OTHER_I2, 0), 333);
	expect_page(&other, 7ull << 39 | I3 << 30 | I2 << 21, 333);
	ppgtt_check(&ppgtt);
	ppgtt_check(&other);
	ppgtt_end(&ppgtt);
	ppgtt_check(&other);
	end_of_case(&other);
}

static void table_that_is_one_no_more_is_not_trapped(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;
	u64 traps;

	started_chain(guest, &ppgtt);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, L1));
	KUNIT_EXPECT_EQ(test, fake_domain_trapped(DOM), 4u);
	ppgtt_guest_put(guest, L2, I2, 0);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_trapped(DOM, L1));
	KUNIT_EXPECT_EQ(test, fake_domain_trapped(DOM), 3u);
	traps = guest->trapped;
	ppgtt_guest_put(guest, L1, 0, PTE(150));
	KUNIT_EXPECT_EQ(test, guest->trapped, traps);
	/* It comes back with what was written meanwhile. */
	ppgtt_guest_put(guest, L2, I2, PTE(L1));
	ppgtt_guest_sync(guest);
	expect_page(&ppgtt, PAGE_AT(0), 150);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

static void table_can_be_data_too(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 1, PTE(L1));
	ppgtt_guest_put(guest, L1, 2, PTE(L4));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(L1));
	ppgtt_guest_sync(guest);
	expect_page(&ppgtt, PAGE_AT(1), L1);
	expect_page(&ppgtt, PAGE_AT(2), L4);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, L1));
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, L1));
	ppgtt_check(&ppgtt);
	/* A table no more, still data. */
	ppgtt_guest_put(guest, L2, I2, 0);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_trapped(DOM, L1));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, L1));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, 0);
	end_of_case(&ppgtt);
}

/* Larger pages */

static void page_of_64k_holds_16_references(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest);
	unsigned long refs;
	unsigned int i;

	ppgtt_guest_put(guest, L2, WIDE_I2, PTE(WIDE_L1) | WIDE);
	ppgtt_start(&ppgtt);
	refs = fake_total_refs();
	/* The low bits of the address, and the entries between, mean nothing. */
	ppgtt_guest_put(guest, WIDE_L1, 16, PTE(160 + 5));
	ppgtt_guest_put(guest, WIDE_L1, 17, PTE(300));
	ppgtt_guest_put(guest, WIDE_L1, 35, PTE(400));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, fake_total_refs() - refs, 16ul);
	for (i = 0; i < 16; i++)
		expect_page(&ppgtt, ADDR(WIDE_I2, 16 + i), 160 + i);
	expect_scratch(&ppgtt, ADDR(WIDE_I2, 35));
	ppgtt_check(&ppgtt);
	ppgtt_guest_put(guest, WIDE_L1, 16, 0);
	ppgtt_guest_settle(guest);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
	/* The same table, with small pages. */
	ppgtt_guest_put(guest, L2, WIDE_I2, PTE(WIDE_L1));
	ppgtt_guest_sync(guest);
	expect_page(&ppgtt, ADDR(WIDE_I2, 17), 300);
	expect_page(&ppgtt, ADDR(WIDE_I2, 35), 400);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

static void page_of_2m_holds_512_references(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest);
	unsigned long refs;

	ppgtt_start(&ppgtt);
	refs = fake_total_refs();
	ppgtt_guest_put(guest, L2, LARGE_I2, PTE(BIG_GFN) | LARGE | LARGE_PAT);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, fake_total_refs() - refs, 512ul);
	expect_page(&ppgtt, ADDR(LARGE_I2, 0), BIG_GFN);
	expect_page(&ppgtt, ADDR(LARGE_I2, 511), BIG_GFN + 511);
	ppgtt_check(&ppgtt);
	kunit_info(test, "in the shadow it is %s",
		   guest->model->met[PPGTT_MET_2M_REAL] ? "one entry" : "512 entries");
	/* One of them goes and comes back. */
	fake_guest_balloon_out(DOM, 0, BIG_GFN + 7);
	ppgtt_guest_settle(guest);
	expect_scratch(&ppgtt, ADDR(LARGE_I2, 7));
	expect_page(&ppgtt, ADDR(LARGE_I2, 8), BIG_GFN + 8);
	fake_gfn_populate(DOM, BIG_GFN + 7);
	ppgtt_guest_balloon_event(guest);
	expect_page(&ppgtt, ADDR(LARGE_I2, 7), BIG_GFN + 7);
	ppgtt_check(&ppgtt);
	ppgtt_guest_put(guest, L2, LARGE_I2, 0);
	ppgtt_guest_settle(guest);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
	end_of_case(&ppgtt);
}

static void page_of_1g_is_refused(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	unsigned long refs;
	struct ppgtt ppgtt;
	u64 refused;

	started_chain(guest, &ppgtt);
	refs = fake_total_refs();
	refused = ppgtt_guest_count("refused_1g");
	ppgtt_guest_put(guest, L3, I3 + 1, PTE(0) | LARGE);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("refused_1g") - refused, 1ull);
	expect_scratch(&ppgtt, I4 << 39 | (I3 + 1) << 30);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
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
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;
	unsigned int i;
	u64 before;

	started_chain(guest, &ppgtt);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		before = ppgtt_guest_get(guest, cases[i].table, cases[i].index);
		ppgtt_guest_put(guest, cases[i].table, cases[i].index, cases[i].raw);
		ppgtt_guest_sync(guest);
		expect_scratch(&ppgtt, cases[i].addr);
		ppgtt_check(&ppgtt);
		ppgtt_guest_put(guest, cases[i].table, cases[i].index, before);
		ppgtt_guest_sync(guest);
		expect_page(&ppgtt, PAGE_AT(0), 100);
	}
	end_of_case(&ppgtt);
}

static void ignored_bits_are_a_drivers_own(struct kunit *test)
{
	static const struct {
		u64 table;
		unsigned int index;
		u64 raw;
	} entries[] = {
		{ L1, 0, PTE(100) }, { L2, I2, PTE(L1) }, { L3, I3, PTE(L2) }, { L4, I4, PTE(L3) },
		{ L2, LARGE_I2, PTE(BIG_GFN) | LARGE },
	};
	struct ppgtt_guest *guest = new_guest(test);
	unsigned int i, bit, n = 0;
	struct ppgtt ppgtt;
	u64 bad;

	started_chain(guest, &ppgtt);
	bad = ppgtt_guest_count("bad_entries");
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		for (bit = 0; bit < 64; bit++) {
			/* What 11 is in an entry that leads to a page table is not for here. */
			if (!(PTE_IGNORED & BIT_ULL(bit)) || (bit == 11 && i == 1))
				continue;
			ppgtt_guest_put(guest, entries[i].table, entries[i].index,
					entries[i].raw | BIT_ULL(bit));
			ppgtt_guest_sync(guest);
			expect_page(&ppgtt, PAGE_AT(0), 100);
			if (i == 4)
				expect_page(&ppgtt, ADDR(LARGE_I2, 5), BIG_GFN + 5);
			n++;
		}
		ppgtt_check(&ppgtt);
		ppgtt_guest_put(guest, entries[i].table, entries[i].index, entries[i].raw);
	}
	KUNIT_EXPECT_EQ(test, n, 5 * 18u - 1);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("bad_entries"), bad);
	end_of_case(&ppgtt);
}

/* Announced, pinned, reclaimed */

static void announcements_are_counted(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest);

	KUNIT_EXPECT_EQ(test, ppgtt_pin(&ppgtt), -ENOENT);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), -ENOENT);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&ppgtt), 0);
	ppgtt_check(&ppgtt);
	ppgtt_unpin(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&ppgtt), -ENOENT);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), -ENOENT);
	end_of_case(&ppgtt);
}

static void destroyed_while_pinned_reaches_no_page(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;
	unsigned int i;

	started_chain(guest, &ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), 0);
	for (i = 0; i < 8; i++)
		expect_no_page(&ppgtt, PAGE_AT(i));
	sync_vgpu(guest->vgpu);
	KUNIT_EXPECT_EQ(test, fake_domain_trapped(DOM), 0u);
	gpu_check();
	/* What the guest does with the pages now is its own business. */
	ppgtt_guest_put(guest, L1, 0, PTE(300));
	ppgtt_guest_sync(guest);
	expect_no_page(&ppgtt, PAGE_AT(0));
	end_of_case(&ppgtt);
}

#define MANY	24

/* PPGTTs of two tables each: pages 640 and 641 of the first one, and so on. */
static struct ppgtt nth_ppgtt(struct ppgtt_guest *guest, unsigned int n)
{
	const u64 top = 640 + 2 * n;
	const u64 gfns[4] = { top, 620, 620, 620 };

	ppgtt_guest_put(guest, top, 0, PTE(top + 1));
	ppgtt_guest_put(guest, top + 1, 0, PTE(100 + n));
	return ppgtt_3(guest, gfns);
}

static bool is_shadowed(unsigned int n)
{
	return fake_gfn_write_trapped(DOM, 640 + 2 * n + 1);
}

static void use_once(struct kunit *test, struct ppgtt *ppgtt)
{
	KUNIT_ASSERT_EQ(test, ppgtt_pin(ppgtt), 0);
	ppgtt_check(ppgtt);
	ppgtt_unpin(ppgtt);
}

/* Announces one after another, until somebody is reclaimed: how many there are then. */
static unsigned int fill_tables(struct kunit *test, struct ppgtt_guest *guest, struct ppgtt *many)
{
	unsigned int i, n;

	for (n = 0; n < MANY; n++) {
		many[n] = nth_ppgtt(guest, n);
		KUNIT_ASSERT_EQ(test, ppgtt_create(&many[n]), 0);
		use_once(test, &many[n]);
		for (i = 0; i <= n; i++) {
			if (!is_shadowed(i))
				return n + 1;
		}
		/* The first one is used all the time. */
		use_once(test, &many[0]);
	}
	return n;
}

static void least_recently_used_is_reclaimed_first(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "24" };
	struct ppgtt *many = kunit_kcalloc(test, MANY, sizeof(*many), GFP_KERNEL);
	struct ppgtt_guest *guest = start_guest(test, &config);
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, many);
	n = fill_tables(test, guest, many);
	KUNIT_ASSERT_GT(test, n, 3u);
	KUNIT_ASSERT_LT_MSG(test, n, (unsigned int)MANY, "nothing is ever reclaimed");
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ_MSG(test, is_shadowed(i), i != 1, "PPGTT %u of %u", i, n);
	/* It is shadowed anew, with what was written meanwhile, at the expense of the next one. */
	ppgtt_guest_put(guest, 643, 0, PTE(222));
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&many[1]), 0);
	expect_page(&many[1], 0, 222);
	ppgtt_check(&many[1]);
	KUNIT_EXPECT_FALSE(test, is_shadowed(2));
	KUNIT_EXPECT_TRUE(test, is_shadowed(0));
	for (i = 0; i < n; i++)
		ppgtt_end(&many[i]);
	end_of_case(&many[0]);
}

static void pinned_is_not_reclaimed(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "24" };
	struct ppgtt *many = kunit_kcalloc(test, MANY, sizeof(*many), GFP_KERNEL);
	struct ppgtt_guest *guest = start_guest(test, &config);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, many);
	many[0] = nth_ppgtt(guest, 0);
	ppgtt_start(&many[0]);
	for (i = 1; i < MANY; i++) {
		many[i] = nth_ppgtt(guest, i);
		KUNIT_ASSERT_EQ(test, ppgtt_create(&many[i]), 0);
		use_once(test, &many[i]);
		KUNIT_EXPECT_TRUE(test, is_shadowed(0));
		expect_page(&many[0], 0, 100);
	}
	ppgtt_check(&many[0]);
	for (i = 0; i < MANY; i++)
		ppgtt_end(&many[i]);
	end_of_case(&many[0]);
}

/* Nine directories of entries without a page: eight are what one create tries again. */
static void missing_tables_are_tried_again_in_turns(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	u64 *entries = kunit_kcalloc(test, 512, sizeof(*entries), GFP_KERNEL);
	struct ppgtt ppgtt = ppgtt_4(guest, L4);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (i = 0; i < 512; i++)
		entries[i] = PTE(NO_GFN);
	ppgtt_guest_put(guest, L4, I4, PTE(L3));
	for (i = 0; i < 9; i++) {
		ppgtt_guest_put(guest, L3, i, PTE(620 + i));
		entries[511] = PTE(i == 7 ? NO_GFN + 1 : NO_GFN);
		fake_guest_write(DOM, (620 + i) << PAGE_SHIFT, entries, PAGE_SIZE);
	}
	/* create looks at all, pin at the first eight again: the next one is the ninth. */
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	fake_gfn_populate(DOM, NO_GFN + 1);
	fake_xen_reset_calls();
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_SET_TYPE), 8ul * 512);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_trapped(DOM, NO_GFN + 1));
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, NO_GFN + 1));
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

/* Quota of pages */

static void quota_reached_is_scratch_for_the_rest(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .quota = "8" };
	struct ppgtt_guest *guest = start_guest(test, &config);
	struct ppgtt ppgtt = chain(guest);
	unsigned int i, reached = 0;

	ppgtt_start(&ppgtt);
	put_pages(guest, L1, 0, 100, 12);
	ppgtt_guest_sync(guest);
	for (i = 0; i < 12; i++)
		reached += ppgtt_reaches(guest->model, &ppgtt.roots, PAGE_AT(i), 100 + i);
	KUNIT_EXPECT_EQ(test, reached, 8u);
	guest->model->tolerant = true;
	ppgtt_check(&ppgtt);
	KUNIT_EXPECT_EQ(test, guest->model->tolerated, 4u);
	guest->model->tolerant = false;
	/* What is released is there for others. */
	for (i = 0; i < 4; i++)
		ppgtt_guest_put(guest, L1, i, 0);
	put_pages(guest, L1, 4, 104, 8);
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

/* Failures */

/* Scratch in place of pages is all that a failure may do, and it is over with the failure. */
static void check_after_failure(struct ppgtt *ppgtt)
{
	struct ppgtt_guest *guest = ppgtt->guest;

	guest->model->tolerant = true;
	if (ppgtt->pinned && ppgtt->announced)
		ppgtt_check(ppgtt);
	guest->model->tolerant = false;
	gpu_check();
}

/* Announces, pins, changes, with one failure that "order" makes; false: it did not come. */
static bool use_with_failure(struct ppgtt_guest *guest, void (*order)(unsigned int nth),
			     bool (*end)(void), unsigned int nth)
{
	struct ppgtt ppgtt = chain(guest);
	bool pending;

	put_pages(guest, L1, 0, 100, 8);
	ppgtt_guest_put(guest, L2, OTHER_I2, PTE(OTHER_L1));
	put_pages(guest, OTHER_L1, 0, 200, 4);
	order(nth);
	if (!ppgtt_create(&ppgtt))
		ppgtt_pin(&ppgtt);
	/* Another role for a page, another table. */
	ppgtt_guest_put(guest, L2, OTHER_I2, PTE(WIDE_L1));
	put_pages(guest, WIDE_L1, 0, 300, 4);
	xengt_vgpu_sync(guest->vgpu);
	pending = end();
	ppgtt_guest_sync(guest);
	check_after_failure(&ppgtt);
	if (!ppgtt.announced)
		KUNIT_EXPECT_EQ(guest->test, ppgtt_create(&ppgtt), 0);
	if (!ppgtt.pinned)
		KUNIT_EXPECT_EQ(guest->test, ppgtt_pin(&ppgtt), 0);
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	expect_page(&ppgtt, PAGE_AT(0), 100);
	expect_page(&ppgtt, ADDR(OTHER_I2, 0), 300);
	ppgtt_end(&ppgtt);
	ppgtt_guest_settle(guest);
	KUNIT_EXPECT_EQ(guest->test, fake_domain_trapped(DOM), 0u);
	return !pending;
}

static enum fake_call failing_kind;

static void order_call(unsigned int nth)
{
	fake_xen_fail_call(failing_kind, nth, -ENOMEM);
}

static bool end_call(void)
{
	bool pending = fake_xen_fail_pending();

	fake_xen_fail_nothing();
	return pending;
}

/* Fails each call of a kind in turn: how many there were. */
static unsigned int fail_every_call(struct kunit *test, enum fake_call kind)
{
	struct ppgtt_guest *guest = new_guest(test);
	unsigned int nth;

	failing_kind = kind;
	for (nth = 1; nth < 200; nth++) {
		if (!use_with_failure(guest, order_call, end_call, nth))
			break;
	}
	KUNIT_EXPECT_LT(test, nth, 200u);
	ppgtt_guest_stop(guest);
	return nth - 1;
}

static void every_hypercall_can_fail(struct kunit *test)
{
	KUNIT_EXPECT_GT(test, fail_every_call(test, FAKE_CALL_ANY), 0u);
}

static void write_protection_can_fail(struct kunit *test)
{
	KUNIT_EXPECT_GT(test, fail_every_call(test, FAKE_CALL_DM_SET_TYPE), 0u);
}

/* The table page's for a look, and the data's. */
static void mapping_can_fail(struct kunit *test)
{
	enum fake_call kind = mode_of(test) == FAKE_PV_DOM0 ? FAKE_CALL_MMU_UPDATE :
			      FAKE_CALL_ADD_TO_PHYSMAP;

	KUNIT_EXPECT_GT(test, fail_every_call(test, kind), 0u);
}

static void unmapping_can_fail(struct kunit *test)
{
	enum fake_call kind = mode_of(test) == FAKE_PV_DOM0 ? FAKE_CALL_UNPROTECT :
			      FAKE_CALL_REMOVE_FROM_PHYSMAP;

	KUNIT_EXPECT_GT(test, fail_every_call(test, kind), 0u);
}

static void order_alloc(unsigned int nth)
{
	fake_fail_alloc(nth);
}

static void every_allocation_can_fail(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	unsigned int nth;

	for (nth = 1; nth < 300; nth++) {
		if (!use_with_failure(guest, order_alloc, fake_fail_alloc_stop, nth))
			break;
	}
	KUNIT_EXPECT_GT(test, nth, 4u);
	KUNIT_EXPECT_LT(test, nth, 300u);
	ppgtt_guest_stop(guest);
}

static void gfn_that_cannot_be_mapped_leaves_the_others_alone(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest);
	unsigned int i;

	fake_xen_fail_gfn(DOM, 103, -EPERM);
	put_pages(guest, L1, 0, 100, 8);
	ppgtt_start(&ppgtt);
	for (i = 0; i < 8; i++) {
		if (i == 3)
			expect_scratch(&ppgtt, PAGE_AT(i));
		else
			expect_page(&ppgtt, PAGE_AT(i), 100 + i);
	}
	fake_xen_fail_nothing();
	ppgtt_guest_put(guest, L1, 3, PTE(103));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

/* Memory that comes and goes */

static void data_page_that_goes_is_scratch_before_it_is_another_s(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	fake_guest_balloon_out(DOM, 0, 102);
	gpu_check();
	fake_gfn_populate(OTHER_DOM, NO_GFN);
	ppgtt_guest_settle(guest);
	expect_scratch(&ppgtt, PAGE_AT(2));
	fake_gfn_populate(OTHER_DOM, NO_GFN + 1);
	gpu_check();
	fake_gfn_populate(DOM, 102);
	ppgtt_guest_balloon_event(guest);
	expect_page(&ppgtt, PAGE_AT(2), 102);
	ppgtt_check(&ppgtt);
	end_of_case(&ppgtt);
}

static void table_page_that_goes_is_empty(struct kunit *test)
{
	static const u64 tables[] = { L1, L2, L3 };
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;
	unsigned int i;

	started_chain(guest, &ppgtt);
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		fake_guest_balloon_out(DOM, 0, tables[i]);
		ppgtt_guest_settle(guest);
		expect_scratch(&ppgtt, PAGE_AT(0));
		ppgtt_check(&ppgtt);
		fake_gfn_populate(DOM, tables[i]);
		chain(guest);
		put_pages(guest, L1, 0, 100, 8);
		ppgtt_guest_balloon_event(guest);
		expect_page(&ppgtt, PAGE_AT(0), 100);
		KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, tables[i]));
		ppgtt_check(&ppgtt);
	}
	end_of_case(&ppgtt);
}

/* Another frame at once, with other entries, and word of it only afterwards. */
static void table_page_that_moves_has_its_new_entries(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	fake_gfn_remove(DOM, L1);
	fake_gfn_populate(DOM, L1);
	put_pages(guest, L1, 0, 300, 4);
	ppgtt_guest_balloon_event(guest);
	ppgtt_check(&ppgtt);
	expect_page(&ppgtt, PAGE_AT(0), 300);
	expect_scratch(&ppgtt, PAGE_AT(4));
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, L1));
	ppgtt_guest_put(guest, L1, 4, PTE(304));
	ppgtt_guest_sync(guest);
	expect_page(&ppgtt, PAGE_AT(4), 304);
	end_of_case(&ppgtt);
}

/* vCPUs at the wrong moment */

struct late_store {
	struct ppgtt_guest *guest;
	enum fake_call when;
	u64 pte;
	bool sent;
};

/* While the page is about to be plain RAM, a vCPU has a store to it trapped. */
static void store_before_the_type_changes(enum fake_call kind, void *data)
{
	struct late_store *late = data;

	if (kind != late->when || late->sent || !fake_gfn_write_trapped(DOM, L1))
		return;
	late->sent = true;
	ppgtt_guest_send(late->guest, 1, (L1 << PAGE_SHIFT) + 5 * 8, &late->pte, 8);
}

/*
 * A vCPU that has its answer emulates its instruction anew: Xen crashes the guest if that finds RAM
 * where there was a trap. So the trap stays while a store is under way.
 */
static void store_in_flight_keeps_the_trap(struct kunit *test, enum fake_call when)
{
	struct late_store late = { .guest = new_guest(test), .when = when, .pte = PTE(321) };
	struct ppgtt_guest *guest = late.guest;
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	ppgtt_guest_put(guest, L2, I2, 0);
	fake_xen_set_hook(store_before_the_type_changes, &late);
	ppgtt_guest_sync(guest);
	fake_xen_set_hook(NULL, NULL);
	KUNIT_EXPECT_TRUE(test, late.sent);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_wait(guest, 1), 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, L1));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, L1, 5), PTE(321));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_trapped(DOM, L1));
	ppgtt_guest_put(guest, L2, I2, PTE(L1));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	expect_page(&ppgtt, PAGE_AT(5), 321);
	end_of_case(&ppgtt);
}

static void store_before_the_look_keeps_the_trap(struct kunit *test)
{
	store_in_flight_keeps_the_trap(test, FAKE_CALL_DM_SET_STATE);
}

static void store_after_the_look_keeps_the_trap(struct kunit *test)
{
	store_in_flight_keeps_the_trap(test, FAKE_CALL_DM_SET_TYPE);
}

/* Nor does it go if Xen does not tell whether one is: before it is taken, or after. */
static void trap_stays_if_xen_does_not_tell(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;
	unsigned int nth;

	started_chain(guest, &ppgtt);
	for (nth = 1; nth <= 2; nth++) {
		ppgtt_guest_put(guest, L2, I2, 0);
		fake_xen_fail_call(FAKE_CALL_DM_SET_STATE, nth, nth == 1 ? -EINVAL : -ENOMEM);
		ppgtt_guest_sync(guest);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, L1));
		/* It is a table again, before it was let go of. */
		ppgtt_guest_put(guest, L1, 5, PTE(320 + nth));
		ppgtt_guest_put(guest, L2, I2, PTE(L1));
		ppgtt_guest_sync(guest);
		ppgtt_check(&ppgtt);
		ppgtt_guest_put(guest, L1, 6, PTE(330 + nth));
		ppgtt_guest_sync(guest);
		expect_page(&ppgtt, PAGE_AT(6), 330 + nth);
	}
	ppgtt_guest_put(guest, L2, I2, 0);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_trapped(DOM, L1));
	end_of_case(&ppgtt);
}

static void guest_dies_with_stores_under_way(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	const u64 pte = PTE(111);
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 1, PTE(110));
	ppgtt_guest_send(guest, 0, L1 << PAGE_SHIFT, &pte, 8);
	ppgtt_guest_send(guest, 1, L2 << PAGE_SHIFT, &pte, 8);
	fake_domain_kill(DOM);
	gpu_check();
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	expect_no_page(&ppgtt, PAGE_AT(0));
	gpu_check();
	ppgtt_unpin(&ppgtt);
	KUNIT_EXPECT_LT(test, ppgtt_pin(&ppgtt), 0);
	ppgtt_guest_stop(guest);
}

static void disabling_gives_everything_back(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt;

	started_chain(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 1, PTE(110));
	ppgtt_guest_put(guest, L2, LARGE_I2, PTE(BIG_GFN) | LARGE);
	ppgtt_unpin(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* gen7 */

static void directory_in_the_ggtt_is_walked(struct kunit *test)
{
	struct ppgtt_guest *guest = new_gen7_guest(test);
	struct ppgtt ppgtt = ppgtt_ggtt(guest, DIRECTORY(1));
	unsigned int i;

	for (i = 0; i < 8; i++)
		ppgtt_guest_put(guest, L1, i, PT_GEN7(100 + i));
	ppgtt_guest_put(guest, L1, 1023, PT_GEN7(HIGH_GFN) | 6);
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 3, PT_GEN7(L1));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	expect_page(&ppgtt, 3ull << 22, 100);
	expect_page(&ppgtt, 3ull << 22 | 1023 << 12, HIGH_GFN);
	expect_scratch(&ppgtt, 0);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_trapped(DOM, L1));
	/* Both kinds of table change. */
	ppgtt_guest_put(guest, L1, 0, PT_GEN7(300ull));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 511, PT_GEN7(L1));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 3, PT_GEN7(L2));
	ppgtt_guest_put(guest, L2, 9, PT_GEN7(309ull));
	ppgtt_guest_sync(guest);
	ppgtt_check(&ppgtt);
	expect_page(&ppgtt, 511ull << 22, 300);
	expect_page(&ppgtt, 3ull << 22 | 9 << 12, 309);
	KUNIT_EXPECT_EQ_MSG(test, ppgtt_destroy(&ppgtt), -EBUSY, "the GPU uses the directory");
	ppgtt_check(&ppgtt);
	/* What the guest has there are pages once the directory is none. */
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 3, 0);
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1) + 511, 0);
	end_of_case(&ppgtt);
}

static void directory_that_is_none_any_more_is_pages(struct kunit *test)
{
	struct ppgtt_guest *guest = new_gen7_guest(test);
	struct ppgtt ppgtt = ppgtt_ggtt(guest, DIRECTORY(0));

	ppgtt_guest_put(guest, L1, 0, PT_GEN7(100ull));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), PT_GEN7(L1));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	ppgtt_unpin(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&ppgtt), 0);
	ppgtt_model_begin(guest->model);
	KUNIT_EXPECT_EQ(test, ppgtt_compare_ggtt(guest->model, guest->format, DIRECTORY(0), 512),
			0u);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_trapped(DOM, L1));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), 0);
	end_of_case(&ppgtt);
}

/* The scratch page is no table: the GPU may write to it. */
static void directory_without_room_leads_to_scratch_tables(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7, .tables = "2" };
	struct ppgtt_guest *guest = start_guest(test, &config);
	struct ppgtt all = ppgtt_ggtt(guest, DIRECTORY(0));
	struct ppgtt none = ppgtt_ggtt(guest, DIRECTORY(1));

	ppgtt_guest_put(guest, L1, 0, PT_GEN7(100ull));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), PT_GEN7(L1));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1), PT_GEN7(L1));
	ppgtt_start(&all);
	ppgtt_start(&none);
	expect_page(&all, 0, 100);
	expect_scratch(&none, 0);
	guest->model->tolerant = true;
	ppgtt_check(&none);
	guest->model->tolerant = false;
	/* What the other one has left is there for it when it is pinned again. */
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), 0);
	ppgtt_end(&all);
	ppgtt_unpin(&none);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&none), 0);
	expect_page(&none, 0, 100);
	ppgtt_check(&none);
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(1), 0);
	end_of_case(&none);
}

/* The GPU looks once more when the virtual GPU's share is given back. */
/* A mediator's as well as the guest's: what did not change is not believed. */
static void announcement_acts_upon_balloon_events(struct kunit *test)
{
	struct ppgtt_guest *guest = new_guest(test);
	struct ppgtt ppgtt = chain(guest);

	module_param_set("xen_gpu_map.balloon_delay_ms", "600000");
	ppgtt_guest_put(guest, L1, 1, PTE(100));
	ppgtt_start(&ppgtt);
	KUNIT_EXPECT_TRUE(test, ppgtt_reaches(guest->model, &ppgtt.roots, PAGE_AT(1), 100));
	fake_guest_balloon_out(DOM, 0, 100);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&ppgtt), 0);
	KUNIT_EXPECT_TRUE(test, ppgtt_is_scratch(guest->model, &ppgtt.roots, PAGE_AT(1)));
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void pinned_directory_leads_nowhere_in_the_end(struct kunit *test)
{
	struct ppgtt_guest *guest = new_gen7_guest(test);
	struct ppgtt ppgtt = ppgtt_ggtt(guest, DIRECTORY(0));

	ppgtt_guest_put(guest, L1, 0, PT_GEN7(100ull));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), PT_GEN7(L1));
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	ppgtt_guest_stop(guest);
	ppgtt_unpin(&ppgtt);
}

static struct kunit_case ppgtt_cases[] = {
	KUNIT_CASE_PARAM(all_levels_are_walked, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(three_levels_have_four_roots, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(writes_are_there_after_each_kind_of_sync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_announces_through_pvinfo, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(halves_merge_in_any_order, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_over_two_entries_changes_both, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(attached_table_of_512_takes_one_map_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_of_512_written_again_takes_one_map_hypercall,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(same_values_take_no_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(new_page_is_mapped_before_the_old_is_released, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(same_page_with_other_flags_is_never_let_go, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_with_another_flag_is_never_let_go, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_is_filled_before_it_is_attached, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_in_a_loop_is_walked_on_every_level, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(shared_table_is_shadowed_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_that_is_one_no_more_is_not_trapped, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_can_be_data_too, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_of_64k_holds_16_references, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_of_2m_holds_512_references, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_of_1g_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(reserved_bits_make_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ignored_bits_are_a_drivers_own, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(announcements_are_counted, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(destroyed_while_pinned_reaches_no_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(least_recently_used_is_reclaimed_first, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pinned_is_not_reclaimed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(missing_tables_are_tried_again_in_turns, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(quota_reached_is_scratch_for_the_rest, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_hypercall_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_protection_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(mapping_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unmapping_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_allocation_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gfn_that_cannot_be_mapped_leaves_the_others_alone,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(data_page_that_goes_is_scratch_before_it_is_another_s,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_page_that_goes_is_empty, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_page_that_moves_has_its_new_entries, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_before_the_look_keeps_the_trap, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_after_the_look_keeps_the_trap, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(trap_stays_if_xen_does_not_tell, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_dies_with_stores_under_way, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(disabling_gives_everything_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(directory_in_the_ggtt_is_walked, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(directory_that_is_none_any_more_is_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(directory_without_room_leads_to_scratch_tables, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(announcement_acts_upon_balloon_events, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pinned_directory_leads_nowhere_in_the_end, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ppgtt_suite = {
	.name = "xengt_ppgtt",
	.init = ppgtt_init,
	.exit = ppgtt_exit,
	.test_cases = ppgtt_cases,
};

kunit_test_suite(ppgtt_suite);
