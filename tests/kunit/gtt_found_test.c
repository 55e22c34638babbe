// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of memory that a guest has at the addresses of BAR 0 before its virtual GPU is enabled. A
 * virtual GPU is not enabled over it, unless the user says that it is RAM of a former one, which is
 * then used with its entries. Also tests memory that a guest populates there, or over its own,
 * without a notice.
 */

#include <xen/xen.h>

#include "vgpu/xen/dm_op.h"
#include "hybrid_fixture.h"
#include "modules.h"

#define PAGES		4ul
#define ENTRY		IN_PAGE(2, 3)
#define PVINFO_GFN	((BAR0 + 0x78000) >> PAGE_SHIFT)
#define FLUSH_GFN	((BAR0 + 0x101008) >> PAGE_SHIFT)

static const enum xengt_mode modes[] = {
	XENGT_MODE_STRICT, XENGT_MODE_POSTED, XENGT_MODE_HYBRID,
};

static const u64 places[] = {
	GTT_GFN(2), GTT_GFN(100), PVINFO_GFN, FLUSH_GFN, GTT_GFN(-1ul), GTT_GFN(GTT_PAGES - 1),
};

static struct xengt_vgpu *new_one(struct kunit *test, enum xengt_mode mode, unsigned long room,
				  bool adopt)
{
	const struct hybrid_config config = {
		.mode = mode, .first = 1, .pages = PAGES, .room = room,
	};
	struct xengt_vgpu *vgpu = new_hybrid(test, &config);

	vgpu->config.adopt_ram = adopt;
	return vgpu;
}

static bool is_ram(unsigned long page)
{
	return fake_gfn_mfn(DOM, GTT_GFN(page)) != FAKE_NO_MFN;
}

/* Leaves RAM as a former virtual GPU did, with an entry in the second page. */
static void leave_ram(unsigned long first, unsigned long n)
{
	static const u64 zero[512];
	const u64 pte = PTE(9);
	unsigned long page;

	for (page = first; page < first + n; page++) {
		fake_gfn_populate(DOM, GTT_GFN(page));
		fake_guest_write(DOM, GTT_GFN(page) << PAGE_SHIFT, zero, sizeof(zero));
	}
	fake_guest_write(DOM, ENTRY_ADDR(ENTRY), &pte, sizeof(pte));
}

static u64 in_ram(void)
{
	u64 pte = 0;

	fake_guest_read(DOM, ENTRY_ADDR(ENTRY), &pte, sizeof(pte));
	return pte;
}

static void expect_works(struct kunit *test, unsigned long entry, u64 gfn)
{
	hybrid_put(test, entry, PTE(gfn));
	KUNIT_EXPECT_EQ(test, hybrid_get(test, entry), PTE(gfn));
	hybrid_flush(test);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(entry, DOM, gfn));
}

static void expect_found_entry_works(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, hybrid_get(test, ENTRY), PTE(9));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(ENTRY, DOM, 9));
	expect_works(test, ENTRY, 10);
	expect_works(test, ENTRY + 1, 11);
}

/* Enabling is refused, and nothing is left. */
static void expect_refused(struct kunit *test, struct xengt_vgpu *vgpu)
{
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, fake_servers(DOM), 0u);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 0u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	xengt_vgpu_destroy(vgpu);
}

/* RAM at the GTT */

static void ram_is_refused_and_stays(struct kunit *test)
{
	unsigned long mfn;
	unsigned int i;

	leave_ram(2, 1);
	mfn = fake_gfn_mfn(DOM, GTT_GFN(2));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		expect_refused(test, new_one(test, modes[i], PAGES, false));
		KUNIT_EXPECT_EQ(test, fake_gfn_mfn(DOM, GTT_GFN(2)), mfn);
		KUNIT_EXPECT_EQ(test, in_ram(), PTE(9));
	}
	fake_gfn_remove(DOM, GTT_GFN(2));
}

static void ram_of_a_former_one_is_used(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_one(test, XENGT_MODE_HYBRID, 0, true);
	unsigned long mfn;

	leave_ram(1, PAGES);
	mfn = fake_gfn_mfn(DOM, GTT_GFN(2));
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, fake_gfn_mfn(DOM, GTT_GFN(2)), mfn);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), (unsigned int)PAGES);
	expect_found_entry_works(test);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_READS), 0ull);
	hybrid_unsync(test, 3);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GTT_GFN(3)));
	stop_hybrid(test, vgpu);
}

/* Just before the first page is write-protected: its entries have been read by then. */
static void store_before_the_protection(struct meanwhile *m)
{
	const u64 pte = PTE(20);

	if (!fake_domain_claimed(DOM)) {
		m->nth = 1;
		return;
	}
	KUNIT_EXPECT_EQ(m->test, fake_domain_nr_protected(DOM), 0u);
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_store(DOM, 1, ENTRY_ADDR(FIRST), &pte, 8), 0);
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_store(DOM, 1, ENTRY_ADDR(ENTRY + 5), &pte, 8), 0);
}

/* 6: the guest runs meanwhile. */
static void write_while_ram_is_adopted_counts(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_one(test, XENGT_MODE_HYBRID, 0, true);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = store_before_the_protection,
		.test = test,
	};

	leave_ram(1, PAGES);
	meanwhile_start(&m);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST), PTE(20));
	KUNIT_EXPECT_EQ(test, hybrid_get(test, ENTRY + 5), PTE(20));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 20));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(ENTRY + 5, DOM, 20));
	expect_found_entry_works(test);
	stop_hybrid(test, vgpu);
}

static void ram_of_a_former_one_is_taken_away(struct kunit *test)
{
	struct xengt_vgpu *vgpu;
	unsigned int i;

	for (i = 0; modes[i] != XENGT_MODE_HYBRID; i++) {
		vgpu = new_one(test, modes[i], PAGES, true);
		leave_ram(1, PAGES + 2);
		KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
		KUNIT_EXPECT_FALSE(test, is_ram(2));
		KUNIT_EXPECT_FALSE(test, is_ram(PAGES + 2));
		expect_found_entry_works(test);
		KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_WRITES), 4ull);
		stop_hybrid(test, vgpu);
	}
}

/* The missing pages are populated, as far as the guest's limit allows. */
static void partial_ram_is_completed(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_one(test, XENGT_MODE_HYBRID, 0, true);

	leave_ram(2, 1);
	fake_domain_set_headroom(DOM, PAGES - 1);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), (unsigned int)PAGES);
	expect_found_entry_works(test);
	xengt_vgpu_disable(vgpu);
	leave_ram(2, 1);
	fake_domain_set_headroom(DOM, PAGES - 2);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 1u);
	expect_found_entry_works(test);
	expect_works(test, FIRST, 12);
	stop_hybrid(test, vgpu);
}

/* The RAM is protected, and the server with the claim is gone. */
static void ram_that_is_trapped_for_nobody(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_one(test, XENGT_MODE_HYBRID, 0, true);
	u16 id;

	leave_ram(1, PAGES);
	KUNIT_ASSERT_EQ(test, xengt_dm_create_server(DOM, &id), 0);
	KUNIT_ASSERT_EQ(test, xengt_dm_claim_writes(DOM, id, true), 0);
	KUNIT_ASSERT_EQ(test, xengt_dm_set_write_protect(DOM, GTT_GFN(1), 3, true), 0);
	KUNIT_ASSERT_EQ(test, xengt_dm_destroy_server(DOM, id), 0);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_TRUE(test, fake_domain_claimed(DOM));
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), (unsigned int)PAGES);
	expect_found_entry_works(test);
	stop_hybrid(test, vgpu);
}

static void read_only_ram_becomes_plain(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_one(test, XENGT_MODE_HYBRID, 0, true);

	leave_ram(2, 1);
	fake_gfn_set_type(DOM, GTT_GFN(2), FAKE_RAM_RO);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	expect_found_entry_works(test);
	stop_hybrid(test, vgpu);
}

static void memory_at_the_registers_is_the_guests(struct kunit *test)
{
	const u64 gfns[] = { PVINFO_GFN, FLUSH_GFN, GTT_GFN(-1ul) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gfns); i++) {
		fake_gfn_populate(DOM, gfns[i]);
		expect_refused(test, new_one(test, XENGT_MODE_HYBRID, PAGES, true));
		KUNIT_EXPECT_NE(test, fake_gfn_mfn(DOM, gfns[i]), FAKE_NO_MFN);
		fake_gfn_remove(DOM, gfns[i]);
	}
}

/* Xen would crash the guest for a page there, and sends no request for an access. */
static void what_is_not_ram_is_refused(struct kunit *test)
{
	static const enum fake_page_type types[] = { FAKE_GRANT, FAKE_FOREIGN, FAKE_MMIO };
	unsigned int i, type, mode;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		for (type = 0; type < ARRAY_SIZE(types); type++) {
			fake_gfn_set_type(DOM, places[i], types[type]);
			for (mode = 0; mode < ARRAY_SIZE(modes); mode++)
				expect_refused(test, new_one(test, modes[mode], PAGES, mode % 2));
			expect_refused(test, new_one(test, XENGT_MODE_HYBRID, PAGES, true));
		}
		fake_gfn_set_type(DOM, places[i], FAKE_HOLE);
	}
}

/* Failures */

static void nothing_is_lost_whichever_hypercall_fails(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_one(test, XENGT_MODE_HYBRID, 0, true);
	unsigned int nth, failed = 0;
	bool pending = false;
	int rc;

	leave_ram(1, PAGES);
	for (nth = 1; nth < 3000 && !pending; nth += 1 + skip_get_types()) {
		fake_xen_fail_call(FAKE_CALL_ANY, nth, -ENOMEM);
		rc = xengt_vgpu_enable(vgpu);
		pending = fake_xen_fail_pending();
		fake_xen_fail_nothing();
		failed += !!rc;
		if (rc) {
			KUNIT_EXPECT_EQ_MSG(test, in_ram(), PTE(9), "hypercall %u", nth);
			KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, hybrid_get(test, ENTRY), PTE(9), "hypercall %u", nth);
		expect_works(test, ENTRY + 1, 11);
		xengt_vgpu_disable(vgpu);
		KUNIT_EXPECT_FALSE(test, is_ram(2));
		leave_ram(1, PAGES);
	}
	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_GT(test, failed, 10u);
	for (nth = 1; nth <= PAGES; nth++)
		fake_gfn_remove(DOM, GTT_GFN(nth));
	xengt_vgpu_destroy(vgpu);
}

/* 11: a virtual GPU that would not see writes is not enabled. */
static void ram_that_xen_keeps_is_refused(struct kunit *test)
{
	leave_ram(2, 1);
	fake_xen_fail_call(FAKE_CALL_DECREASE, 1, -EPERM);
	expect_refused(test, new_one(test, XENGT_MODE_STRICT, PAGES, true));
	KUNIT_EXPECT_EQ(test, in_ram(), PTE(9));
	fake_gfn_remove(DOM, GTT_GFN(2));
}

/* Xen does not take the third page away. The first two are in use by now. */
static void keep_third(struct meanwhile *m)
{
	const u64 pte = PTE(20);

	KUNIT_EXPECT_TRUE(m->test, fake_gfn_write_protected(DOM, GTT_GFN(1)));
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_send_store(DOM, 1, ENTRY_ADDR(FIRST), &pte, 8), 0);
	fake_xen_fail_call(FAKE_CALL_DECREASE, 1, -EPERM);
}

/* Xen does not write-protect the third page, so that it has to be taken away. */
static void refuse_third(struct meanwhile *m)
{
	fake_xen_fail_call(FAKE_CALL_DM_SET_TYPE, 1, -EPERM);
	m->kind = FAKE_CALL_DECREASE;
	m->nth = 1;
	m->act = keep_third;
}

static void skip_first(struct meanwhile *m)
{
	m->nth = 1;
	if (!fake_domain_claimed(DOM))
		return;	/* The RAM that was found becomes plain RAM. */
	m->nth = 2;
	m->act = refuse_third;
}

/* Enabling fails when some of the found RAM is in use, with a store to it in flight. */
static void enable_in_vain(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_one(test, XENGT_MODE_HYBRID, 0, true);
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_SET_TYPE, .nth = 1, .act = skip_first, .test = test,
	};

	leave_ram(1, PAGES);
	meanwhile_start(&m);
	expect_refused(test, vgpu);
	meanwhile_end(&m);
}

/* 9: as a later attempt may succeed. */
static void ram_in_use_stays_when_a_start_fails(struct kunit *test)
{
	unsigned long page;

	enable_in_vain(test);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, in_ram(), PTE(9));
	for (page = 1; page <= PAGES; page++) {
		KUNIT_EXPECT_TRUE_MSG(test, is_ram(page), "page %lu", page);
		fake_gfn_remove(DOM, GTT_GFN(page));
	}
}

/* 11: the store is done before its page is unprotected. */
static void store_in_flight_while_a_start_fails(struct kunit *test)
{
	u64 pte = 0;
	unsigned long page;

	enable_in_vain(test);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	fake_guest_read(DOM, ENTRY_ADDR(FIRST), &pte, sizeof(pte));
	KUNIT_EXPECT_EQ(test, pte, PTE(20));
	for (page = 1; page <= PAGES; page++)
		fake_gfn_remove(DOM, GTT_GFN(page));
}

/*
 * The guest populates over its own page. The old page stays its own, and the next event finds the
 * new one.
 */
static void page_populated_over_is_found_by_the_next_event(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_one(test, XENGT_MODE_HYBRID, PAGES, false);
	const u64 pte = PTE(8);
	unsigned long old;

	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	expect_works(test, FIRST, 7);
	old = fake_gfn_mfn(DOM, 7);
	fake_domain_set_headroom(DOM, 2);
	KUNIT_ASSERT_NE(test, fake_guest_populate(DOM, 7), FAKE_NO_MFN);
	KUNIT_ASSERT_NE(test, fake_guest_populate(DOM, GTT_GFN(1)), FAKE_NO_MFN);
	fake_guest_write(DOM, ENTRY_ADDR(FIRST + 1), &pte, sizeof(pte));
	gpu_check();
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(old), DOM);
	KUNIT_EXPECT_FALSE_MSG(test, gpu_reaches(FIRST, DOM, 7), "no server is notified");
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GTT_GFN(1)));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + 1, DOM, 8));
	expect_works(test, FIRST, 7);
	xengt_vgpu_destroy(vgpu);
	KUNIT_EXPECT_EQ_MSG(test, fake_domain_pages(DOM), GUEST_PAGES + 1 + 2ul,
			    "what was replaced stays with Xen until the guest ends");
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
}

static struct kunit_case found_cases[] = {
	KUNIT_CASE_PARAM(ram_is_refused_and_stays, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_of_a_former_one_is_used, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_while_ram_is_adopted_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_of_a_former_one_is_taken_away, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(partial_ram_is_completed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_that_is_trapped_for_nobody, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(read_only_ram_becomes_plain, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(memory_at_the_registers_is_the_guests, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(what_is_not_ram_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(nothing_is_lost_whichever_hypercall_fails, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_that_xen_keeps_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_in_use_stays_when_a_start_fails, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_in_flight_while_a_start_fails, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_populated_over_is_found_by_the_next_event, both_dom0s_gen_params),
	{}
};

static struct kunit_suite found_suite = {
	.name = "xengt_gtt_found",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = found_cases,
};

kunit_test_suite(found_suite);
