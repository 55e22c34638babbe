// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of RAM at the GTT: it is populated within the guest's memory limit and taken away with the
 * virtual GPU. No write to the GGTT is lost, whatever the guest does with the RAM and whichever
 * hypercall fails.
 */

#include <xen/xen.h>

#include "hybrid_fixture.h"
#include "modules.h"
#include "ppgtt_fixture.h"

#define PAGES		4ul

static const struct hybrid_config config = {
	.mode = XENGT_MODE_HYBRID, .first = 1, .pages = PAGES, .room = PAGES,
};

static bool is_ram(unsigned long page)
{
	return fake_gfn_mfn(DOM, GTT_GFN(page)) != FAKE_NO_MFN;
}

static unsigned long count_ram(void)
{
	unsigned long page, n = 0;

	for (page = 0; page < GTT_PAGES; page++)
		n += is_ram(page);
	return n;
}

static u64 lost(struct xengt_vgpu *vgpu)
{
	return vgpu_count(vgpu, XENGT_COUNT_GTT_RAM_LOST);
}

/* An entry works, wherever it is stored. */
static void expect_works(struct kunit *test, unsigned long entry, u64 gfn)
{
	hybrid_put(test, entry, PTE(gfn));
	KUNIT_EXPECT_EQ(test, hybrid_get(test, entry), PTE(gfn));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry, DOM, gfn));
}

/* How much RAM there is */

static void ram_is_put_at_the_share(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	unsigned long page;

	KUNIT_EXPECT_EQ(test, count_ram(), PAGES);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), (unsigned int)PAGES);
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), GUEST_PAGES + 1 + PAGES + 1);
	for (page = 1; page <= PAGES; page++)
		expect_works(test, IN_PAGE(page, 511), page);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_READS), 0ull);
	/* After disabling and enabling again no page and no entry is left. */
	xengt_vgpu_disable(vgpu);
	KUNIT_EXPECT_EQ(test, count_ram(), 0ul);
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), GUEST_PAGES + 1ul);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, count_ram(), PAGES);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, IN_PAGE(1, 511)), 0ull);
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(vgpu, IN_PAGE(1, 511)));
	stop_hybrid(test, vgpu);
}

static void guest_at_its_memory_limit_gets_no_ram(struct kunit *test)
{
	struct hybrid_config none = config;
	struct xengt_vgpu *vgpu;

	none.room = PAGES - 1;
	vgpu = start_hybrid(test, &none);
	KUNIT_EXPECT_EQ(test, count_ram(), 0ul);
	expect_works(test, FIRST, 7);
	hybrid_write_often(test, 2);
	hybrid_put(test, IN_PAGE(2, 9), PTE(9));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_WRITES), 1 + 1 + 4 + 1ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_PAGES_UNSYNCED), 0ull);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_SET_TYPE), 0ul);
	stop_hybrid(test, vgpu);
}

/* 8: a page with entries of both ranges needs room for one page. */
static void page_of_both_ranges_counts_once(struct kunit *test)
{
	struct hybrid_config one = config;
	struct xengt_vgpu *vgpu;

	one.room = 1;
	vgpu = new_hybrid(test, &one);
	vgpu->config.size[0] = 100ull << PAGE_SHIFT;
	vgpu->config.base[1] = (FIRST + 100ull) << PAGE_SHIFT;
	vgpu->config.size[1] = 100ull << PAGE_SHIFT;
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, count_ram(), 1ul);
	expect_works(test, FIRST + 99, 7);
	expect_works(test, FIRST + 100, 8);
	stop_hybrid(test, vgpu);
}

static void other_modes_need_no_ram(struct kunit *test)
{
	struct hybrid_config posted = config;
	struct xengt_vgpu *vgpu;

	posted.mode = XENGT_MODE_POSTED;
	vgpu = start_hybrid(test, &posted);
	KUNIT_EXPECT_EQ(test, count_ram(), 0ul);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_HYBRID);
	expect_works(test, FIRST, 7);
	stop_hybrid(test, vgpu);
}

static void guest_without_hap_gets_no_ram(struct kunit *test)
{
	struct xengt_vgpu *vgpu;

	fake_domain_set_hap(DOM, false);
	vgpu = start_hybrid(test, &config);
	KUNIT_EXPECT_EQ(test, count_ram(), 0ul);
	expect_works(test, FIRST, 7);
	stop_hybrid(test, vgpu);
}

/* Pages outside the share are not protected. */
static void whole_gtt_is_ram_within_the_memory_limit(struct kunit *test)
{
	struct hybrid_config all = config;
	struct xengt_vgpu *vgpu;
	u64 traps;

	all.room = GTT_PAGES;
	vgpu = start_hybrid(test, &all);
	KUNIT_EXPECT_EQ(test, count_ram(), GTT_PAGES);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), (unsigned int)PAGES);
	traps = vgpu_count(vgpu, XENGT_COUNT_TRAPS);
	hybrid_put(test, 0, PTE(7));
	hybrid_put(test, IN_PAGE(PAGES + 1, 0), PTE(7));
	hybrid_put(test, GTT_ENTRIES - 1, PTE(7));
	KUNIT_EXPECT_EQ(test, hybrid_get(test, GTT_ENTRIES - 1), PTE(7));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_TRAPS), traps);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_SHADOWED), 0ull);
	KUNIT_EXPECT_EQ(test, mapping_calls(), 0ul);
	expect_works(test, FIRST, 8);
	stop_hybrid(test, vgpu);
}

static void entries_outside_the_share_are_not_shadowed(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, &config);

	/* The share is from the middle of one page to the middle of another. */
	vgpu->config.base[0] = (FIRST + 100ull) << PAGE_SHIFT;
	vgpu->config.size[0] = 600ull << PAGE_SHIFT;
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, count_ram(), 2ul);
	hybrid_put(test, FIRST, PTE(7));
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST), 0ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_OUT_OF_SHARE), 1ull);
	expect_works(test, FIRST + 100, 8);
	expect_works(test, FIRST + 699, 8);
	hybrid_put(test, FIRST + 102, PTE(8));
	hybrid_put(test, FIRST + 103, PTE(8));
	hybrid_put(test, FIRST + 104, PTE(8));
	hybrid_put(test, FIRST + 105, PTE(8));
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GTT_GFN(1)));
	/* The page is unsync now, and scanned. */
	hybrid_put(test, FIRST, PTE(7));
	hybrid_put(test, FIRST + 99, PTE(7));
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, gpu_entry(FIRST), 0ull);
	KUNIT_EXPECT_EQ(test, gpu_entry(FIRST + 99), 0ull);
	stop_hybrid(test, vgpu);
}

/* Xen does not clear pages that a live guest gave back. */
static void ram_is_cleared_before_use(struct kunit *test)
{
	struct xengt_vgpu *vgpu;
	const u64 left = PTE(99);
	unsigned int i;

	for (i = 0; i < PAGES + 1; i++) {
		fake_gfn_populate(OTHER_DOM, NO_GFN + i);
		fake_guest_write(OTHER_DOM, (NO_GFN + i) << PAGE_SHIFT, &left, 8);
	}
	for (i = 0; i < PAGES + 1; i++)
		fake_gfn_remove(OTHER_DOM, NO_GFN + i);
	vgpu = start_hybrid(test, &config);
	for (i = 1; i <= PAGES; i++)
		KUNIT_EXPECT_EQ(test, hybrid_get(test, IN_PAGE(i, 0)), 0ull);
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(vgpu, FIRST));
	stop_hybrid(test, vgpu);
}

/* Failures of enabling */

static void ram_is_used_as_far_as_xen_populates_it(struct kunit *test)
{
	struct hybrid_config all = config;
	struct xengt_vgpu *vgpu;

	/* The third page fails: the first ones are RAM, the rest is not. */
	all.room = GTT_PAGES;
	fake_xen_fail_entry(3, -ENOMEM);
	vgpu = start_hybrid(test, &all);
	KUNIT_EXPECT_TRUE(test, is_ram(2));
	KUNIT_EXPECT_FALSE(test, is_ram(3));
	expect_works(test, IN_PAGE(2, 7), 8);
	expect_works(test, IN_PAGE(3, 7), 9);
	stop_hybrid(test, vgpu);

	fake_xen_fail_call(FAKE_CALL_POPULATE, 1, -EPERM);
	vgpu = start_hybrid(test, &config);
	KUNIT_EXPECT_EQ(test, count_ram(), 0ul);
	expect_works(test, IN_PAGE(2, 7), 8);
	stop_hybrid(test, vgpu);
}

static void ram_that_cannot_be_used_is_given_back(struct kunit *test)
{
	/* A PV dom0 maps the ioreq server's page by the same call. */
	unsigned int first_map = xen_pv_domain() ? 2 : 1;
	const struct {
		enum fake_call kind;
		unsigned int nth;
		unsigned long page;
	} cases[] = {
		{ FAKE_CALL_DM_SET_TYPE, 1, 1 },
		{ FAKE_CALL_DM_SET_TYPE, 3, 3 },
		{ mapping_call(), first_map, 1 },
		{ mapping_call(), first_map + 3, 4 },
	};
	struct xengt_vgpu *vgpu;
	unsigned int i, before;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Calls for the types of the pages of BAR 0 */
		before = 0;
		if (cases[i].kind == FAKE_CALL_DM_SET_TYPE)
			before = 4;
		fake_xen_fail_call(cases[i].kind, before + cases[i].nth, -EFAULT);
		vgpu = start_hybrid(test, &config);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		KUNIT_EXPECT_EQ_MSG(test, count_ram(), PAGES - 1, "case %u", i);
		KUNIT_EXPECT_FALSE(test, is_ram(cases[i].page));
		expect_works(test, IN_PAGE(cases[i].page, 7), 9);
		expect_works(test, IN_PAGE(2, 7), 8);
		stop_hybrid(test, vgpu);
	}
}

static void enabling_fails_cleanly_at_every_hypercall(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, &config);
	bool pending = false;
	unsigned int nth;
	int rc;

	for (nth = 1; nth < 3000 && !pending; nth += 1 + skip_get_types()) {
		fake_xen_fail_call(FAKE_CALL_ANY, nth, -ENOMEM);
		rc = xengt_vgpu_enable(vgpu);
		pending = fake_xen_fail_pending();
		fake_xen_fail_nothing();
		if (!rc) {
			expect_works(test, FIRST, 7);
			xengt_vgpu_disable(vgpu);
		}
		KUNIT_EXPECT_EQ_MSG(test, fake_domain_pages(DOM), GUEST_PAGES + 1ul,
				    "hypercall %u", nth);
		KUNIT_EXPECT_EQ(test, count_ram(), 0ul);
		KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	}
	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_GT(test, nth, 20u);
	stop_hybrid(test, vgpu);
}

static void enabling_fails_cleanly_at_every_allocation(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, &config);
	bool pending = false;
	unsigned int nth;
	int rc;

	for (nth = 1; nth < 1000 && !pending; nth++) {
		fake_fail_alloc(nth);
		rc = xengt_vgpu_enable(vgpu);
		pending = fake_fail_alloc_stop();
		if (!rc) {
			expect_works(test, FIRST, 7);
			xengt_vgpu_disable(vgpu);
		}
		KUNIT_EXPECT_EQ_MSG(test, fake_domain_pages(DOM), GUEST_PAGES + 1ul,
				    "allocation %u", nth);
		KUNIT_EXPECT_EQ(test, count_ram(), 0ul);
	}
	KUNIT_EXPECT_TRUE(test, pending);
	stop_hybrid(test, vgpu);
}

/* What the guest does with the RAM */

static void ram_that_is_given_away_loses_no_entry(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);

	hybrid_unsync(test, 2);
	hybrid_put(test, FIRST, PTE(7));
	hybrid_put(test, IN_PAGE(2, 9), PTE(9));
	/* One page is protected, with a posted write. The other one is unsync. */
	fake_guest_balloon_out(DOM, 0, GTT_GFN(1));
	fake_guest_balloon_out(DOM, 0, GTT_GFN(2));
	/* Accesses are MMIO already, before the revalidation. */
	hybrid_put(test, FIRST + 1, PTE(8));
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST), PTE(7));
	KUNIT_EXPECT_EQ(test, lost(vgpu), 0ull);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, lost(vgpu), 2ull);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST), PTE(7));
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST + 1), PTE(8));
	KUNIT_EXPECT_EQ(test, hybrid_get(test, IN_PAGE(2, 9)), PTE(9));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 1, DOM, 8));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(2, 9), DOM, 9));
	expect_works(test, IN_PAGE(2, 10), 10);
	/* The frames are free. */
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), GUEST_PAGES + 1 + PAGES - 2 + 1);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, lost(vgpu), 2ull);
	stop_hybrid(test, vgpu);
}

/* The guest puts another page there, with another entry. */
static void exchange(struct kunit *test, unsigned long page, u64 pte)
{
	u64 gfn = GTT_GFN(page);

	fake_gfn_remove(DOM, gfn);
	fake_gfn_populate(OTHER_DOM, NO_GFN + page);
	fake_gfn_populate(DOM, gfn);
	fake_guest_write(DOM, (gfn << PAGE_SHIFT) + 8, &pte, 8);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
}

static void ram_that_is_exchanged_is_rescanned(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);

	hybrid_put(test, FIRST, PTE(7));
	hybrid_unsync(test, 2);
	exchange(test, 1, PTE(11));
	exchange(test, 2, PTE(12));
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, lost(vgpu), 0ull);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GTT_GFN(1)));
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GTT_GFN(2)));
	KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(vgpu, FIRST) ||
			  hybrid_get(test, FIRST) == PTE(7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 1, DOM, 11));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(2, 1), DOM, 12));
	expect_works(test, FIRST + 2, 13);
	expect_works(test, IN_PAGE(2, 3), 14);
	stop_hybrid(test, vgpu);
}

static void event_costs_one_hypercall_for_a_page(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);

	hybrid_put(test, FIRST, PTE(7));
	fake_xen_reset_calls();
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_GET_TYPE), PAGES);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_SET_TYPE), 0ul);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_PAGES_RESCANNED), (u64)PAGES);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	stop_hybrid(test, vgpu);
}

static void open_with_nothing_mapped(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		hybrid_put(test, FIRST + i, 0);
	hybrid_flush(test);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GTT_GFN(1)));
}

/* 6: no write is lost, whichever hypercall of the scan of an unsync page fails. */
static void ram_that_cannot_be_mapped_is_given_back(struct kunit *test)
{
	const enum fake_call kinds[] = { FAKE_CALL_DM_SET_TYPE, mapping_call() };
	struct xengt_vgpu *vgpu;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		vgpu = start_hybrid(test, &config);
		open_with_nothing_mapped(test);
		hybrid_put(test, FIRST + 20, PTE(20));
		KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
		fake_xen_fail_call(kinds[i], 1, -EFAULT);
		sync_vgpu(vgpu);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		KUNIT_EXPECT_EQ(test, lost(vgpu), 1ull);
		KUNIT_EXPECT_FALSE(test, is_ram(1));
		KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST + 20), PTE(20));
		KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 20, DOM, 20));
		expect_works(test, FIRST + 21, 21);
		stop_hybrid(test, vgpu);
	}
}

/* The page with the posted write is lost. */
static void posted_write_survives_the_loss_of_ram(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);

	hybrid_put(test, FIRST, PTE(7));
	exchange(test, 1, PTE(11));
	fake_xen_fail_call(mapping_call(), 1, -EFAULT);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_EQ(test, lost(vgpu), 1ull);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST), PTE(7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	stop_hybrid(test, vgpu);
}

static void fail_allocation(struct meanwhile *m)
{
	fake_fail_alloc(1);
}

static void send_write(struct meanwhile *m)
{
	const u64 pte = PTE(30);

	KUNIT_EXPECT_EQ(m->test, fake_vcpu_send_store(DOM, 1, ENTRY_ADDR(FIRST + 30), &pte, 8), 0);
	/* Lets the store get as far as it can. */
	fake_xen_let_others_run();
	fake_xen_let_others_run();
}

/* The page is protected, and then it is mapped by the next call that maps. */
static void send_write_at_the_remap(struct meanwhile *m)
{
	m->kind = mapping_call();
	m->nth = 1;
	m->act = send_write;
}

/* 6: another vCPU's write is trapped at the moment when the page is not mapped. */
static void write_while_ram_is_remapped_is_not_lost(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = send_write_at_the_remap,
		.test = test,
	};

	hybrid_unsync(test, 1);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	meanwhile_start(&m);
	sync_vgpu(vgpu);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST + 30), PTE(30));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 30, DOM, 30));
	KUNIT_EXPECT_EQ(test, lost(vgpu), 0ull);
	stop_hybrid(test, vgpu);
}

static void write_back(struct meanwhile *m)
{
	const u64 pte = PTE(7);

	KUNIT_EXPECT_TRUE(m->test, fake_gfn_write_protected(DOM, GTT_GFN(1)));
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_store(DOM, 1, ENTRY_ADDR(FIRST), &pte, 8), 0);
}

/* The scan of an unsync page collects an entry. Then the guest writes back what the shadow had. */
static void entry_that_is_scanned_and_written_back(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	struct meanwhile m = {
		/* The call for the next page */
		.kind = FAKE_CALL_GET_TYPE, .nth = 1, .act = write_back, .test = test,
	};

	hybrid_unsync(test, 1);
	hybrid_put(test, FIRST, PTE(7));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	hybrid_put(test, FIRST, PTE(8));
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GTT_GFN(1)));
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	meanwhile_start(&m);
	sync_vgpu(vgpu);
	meanwhile_end(&m);
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST), PTE(7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	stop_hybrid(test, vgpu);
}

static void guest_dies_with_ram_at_the_gtt(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);

	hybrid_unsync(test, 1);
	hybrid_put(test, IN_PAGE(2, 1), PTE(7));
	hybrid_flush(test);
	fake_domain_kill(DOM);
	gpu_check();
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	gpu_check();
	xengt_vgpu_destroy(vgpu);
}

/* A page of the GTT cannot be a table, even if it is RAM. */
static void table_in_the_gtt_is_scratch(struct kunit *test)
{
	const struct ppgtt_guest_config with_ram = {
		.mode = XENGT_MODE_HYBRID, .room = PAGES_OF_SHARE,
	};
	struct ppgtt_guest *guest = ppgtt_guest_start(test, &with_ram);
	struct ppgtt ppgtt = ppgtt_3(guest, (const u64[]){ 610, 611, 612, 613 });
	u64 gfn = ppgtt_guest_ggtt_gfn(guest, PLAIN_FIRST);

	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(7));
	ppgtt_guest_put(guest, 610, 0, PTE(gfn));
	ppgtt_guest_put(guest, 610, 1, PTE(600));
	ppgtt_start(&ppgtt);
	ppgtt_model_begin(guest->model);
	KUNIT_EXPECT_TRUE(test, ppgtt_is_scratch(guest->model, &ppgtt.roots, 0));
	KUNIT_EXPECT_TRUE(test, ppgtt_is_scratch(guest->model, &ppgtt.roots,
						 (PLAIN_FIRST % 512) << PAGE_SHIFT));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(8));
	ppgtt_guest_revalidate(guest);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, 8));
	ppgtt_end(&ppgtt);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("gtt_ram_pages"), (u64)PAGES_OF_SHARE);
	ppgtt_guest_stop(guest);
}

/* A late sync is planned. It runs now. */
static void run_late_sync(struct kunit *test, struct xengt_vgpu *vgpu)
{
	struct delayed_work *work = &vgpu->gtt.shadow.dirty.work;

	KUNIT_EXPECT_TRUE(test, delayed_work_pending(work));
	flush_delayed_work(work);
}

/* 6, 15: without memory for the rescan the page stays as it is, and a sync rescans it. */
static void page_without_memory_for_the_rescan_is_kept(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	struct meanwhile m = {
		.kind = FAKE_CALL_GET_TYPE, .nth = 1, .act = fail_allocation, .test = test,
	};

	/* There is no memory for the rescan of the second page. */
	hybrid_unsync(test, 2);
	hybrid_put(test, IN_PAGE(2, 20), PTE(20));
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	meanwhile_start(&m);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(vgpu->domain), 0);
	meanwhile_end(&m);
	fake_fail_alloc_stop();
	KUNIT_EXPECT_EQ(test, lost(vgpu), 0ull);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GTT_GFN(2)));
	hybrid_put(test, IN_PAGE(2, 21), PTE(21));
	run_late_sync(test, vgpu);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GTT_GFN(2)));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(2, 20), DOM, 20));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(2, 21), DOM, 21));
	stop_hybrid(test, vgpu);
}

/* 15: the same for a protected page that was exchanged. No late sync is pending for it. */
static void exchanged_page_without_memory_is_rescanned_again(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	struct meanwhile m = {
		.kind = FAKE_CALL_GET_TYPE, .nth = 1, .act = fail_allocation, .test = test,
	};

	exchange(test, 2, PTE(20));
	meanwhile_start(&m);
	KUNIT_EXPECT_EQ(test, xen_gpu_wait_current(vgpu->domain), 0);
	meanwhile_end(&m);
	fake_fail_alloc_stop();
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GTT_GFN(2)));
	run_late_sync(test, vgpu);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GTT_GFN(2)));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(2, 1), DOM, 20));
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&vgpu->gtt.shadow.dirty.work));
	stop_hybrid(test, vgpu);
}

static struct kunit_case ram_cases[] = {
	KUNIT_CASE_PARAM(ram_is_put_at_the_share, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_at_its_memory_limit_gets_no_ram, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_of_both_ranges_counts_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(other_modes_need_no_ram, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_without_hap_gets_no_ram, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(whole_gtt_is_ram_within_the_memory_limit, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_outside_the_share_are_not_shadowed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_is_cleared_before_use, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_is_used_as_far_as_xen_populates_it, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_that_cannot_be_used_is_given_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(enabling_fails_cleanly_at_every_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(enabling_fails_cleanly_at_every_allocation, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_that_is_given_away_loses_no_entry, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_that_is_exchanged_is_rescanned, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(event_costs_one_hypercall_for_a_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_that_cannot_be_mapped_is_given_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(posted_write_survives_the_loss_of_ram, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_while_ram_is_remapped_is_not_lost, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entry_that_is_scanned_and_written_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_without_memory_for_the_rescan_is_kept, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(exchanged_page_without_memory_is_rescanned_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_dies_with_ram_at_the_gtt, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_in_the_gtt_is_scratch, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ram_suite = {
	.name = "xengt_ggtt_ram",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = ram_cases,
};

kunit_test_suite(ram_suite);
