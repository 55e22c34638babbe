// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of foreign pages (vgpu/xen/foreign_page.c) over the fake hypervisor, on both kinds of dom0:
 * a page stays mapped until it is unmapped, whichever call fails.
 */

#include <linux/string.h>
#include <xen/xen.h>

#include "vgpu/xen/dm_op.h"
#include "vgpu/xen/foreign_page.h"
#include "modules.h"
#include "vgpu_fixture.h"

#define GFN	8ull
#define ADDR	(GFN * PAGE_SIZE)

static void init_foreign(struct kunit *test, struct xengt_foreign_page *foreign)
{
	KUNIT_ASSERT_EQ(test, xengt_foreign_page_init(foreign, DOM), 0);
}

/* The hypercalls that map and unmap a page */
static enum fake_call map_call(void)
{
	return xen_pv_domain() ? FAKE_CALL_MMU_UPDATE : FAKE_CALL_ADD_TO_PHYSMAP;
}

static enum fake_call unmap_call(void)
{
	return xen_pv_domain() ? FAKE_CALL_UNPROTECT : FAKE_CALL_REMOVE_FROM_PHYSMAP;
}

static unsigned int refs(u64 gfn)
{
	return fake_mfn_refs(fake_gfn_mfn(DOM, gfn));
}

static u64 word_at(u64 addr)
{
	u64 word;

	fake_guest_read(DOM, addr, &word, sizeof(word));
	return word;
}

static void page_stays_until_it_is_unmapped(struct kunit *test)
{
	struct xengt_foreign_page foreign;
	u64 word = 1, i;

	init_foreign(test, &foreign);
	fake_guest_write(DOM, ADDR, &word, sizeof(word));
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), 0);
	for (i = 1; i < 10; i++) {
		KUNIT_EXPECT_EQ(test, *(u64 *)foreign.va, i);
		((u64 *)foreign.va)[1] = 100 + i;
		KUNIT_EXPECT_EQ(test, word_at(ADDR + 8), 100 + i);
		word = i + 1;
		fake_guest_write(DOM, ADDR, &word, sizeof(word));
	}
	KUNIT_EXPECT_EQ(test, refs(GFN), 1u);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(map_call()), 1ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(unmap_call()), 0ul);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_unmap(&foreign), 0);
	KUNIT_EXPECT_EQ(test, refs(GFN), 0u);
	KUNIT_EXPECT_EQ(test, word_at(ADDR + 8), 109ull);
	KUNIT_EXPECT_EQ_MSG(test, xengt_foreign_page_unmap(&foreign), 0, "there is none any more");
	KUNIT_EXPECT_EQ(test, fake_xen_calls(unmap_call()), 1ul);
	xengt_foreign_page_exit(&foreign);
}

static void another_map_takes_its_place(struct kunit *test)
{
	struct xengt_foreign_page foreign;
	u64 gfn;

	init_foreign(test, &foreign);
	for (gfn = GFN; gfn < GFN + 4; gfn++) {
		KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, gfn), 0);
		KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
		KUNIT_EXPECT_EQ(test, refs(gfn), 1u);
		*(u64 *)foreign.va = gfn;
	}
	for (gfn = GFN; gfn < GFN + 4; gfn++)
		KUNIT_EXPECT_EQ(test, word_at(gfn * PAGE_SIZE), gfn);
	xengt_foreign_page_exit(&foreign);
	KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), 0ul, "exit ends it, too");
}

static void copy_ends_what_was_mapped(struct kunit *test)
{
	struct xengt_foreign_page foreign;
	u64 word = 5;

	init_foreign(test, &foreign);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), 0);
	*(u64 *)foreign.va = 1;
	KUNIT_EXPECT_EQ(test,
			xengt_foreign_page_copy(&foreign, ADDR + PAGE_SIZE, &word, 8, true), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, word_at(ADDR), 1ull);
	KUNIT_EXPECT_EQ(test, word_at(ADDR + PAGE_SIZE), 5ull);
	xengt_foreign_page_exit(&foreign);
}

static void map_that_fails_shows_nothing(struct kunit *test)
{
	struct xengt_foreign_page foreign;

	init_foreign(test, &foreign);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), 0);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, NO_GFN), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	fake_xen_fail_gfn(DOM, GFN, -ENOMEM);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), -ENOMEM);
	fake_xen_fail_nothing();
	fake_xen_fail_call(map_call(), 1, -EPERM);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), -EPERM);
	fake_xen_reset_calls();
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_unmap(&foreign), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), 0);
	KUNIT_EXPECT_EQ(test, refs(GFN), 1u);
	xengt_foreign_page_exit(&foreign);
}

static void unmap_that_fails_can_be_tried_again(struct kunit *test)
{
	struct xengt_foreign_page foreign;

	init_foreign(test, &foreign);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), 0);
	fake_xen_fail_call(unmap_call(), 1, -EBUSY);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_unmap(&foreign), -EBUSY);
	KUNIT_EXPECT_EQ(test, refs(GFN), 1u);
	fake_xen_fail_call(unmap_call(), 1, -EBUSY);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN + 1), -EBUSY);
	KUNIT_EXPECT_EQ_MSG(test, refs(GFN), 1u, "the page that was there still is");
	*(u64 *)foreign.va = 3;
	KUNIT_EXPECT_EQ(test, word_at(ADDR), 3ull);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_unmap(&foreign), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	xengt_foreign_page_exit(&foreign);
}

static void frame_is_kept_when_the_guest_gives_the_page_back(struct kunit *test)
{
	unsigned long mfn = fake_gfn_mfn(DOM, GFN);
	struct xengt_foreign_page foreign;

	init_foreign(test, &foreign);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), 0);
	fake_gfn_remove(DOM, GFN);
	KUNIT_EXPECT_NE(test, fake_gfn_populate(DOM, GFN), mfn);
	*(u64 *)foreign.va = 3;
	KUNIT_EXPECT_EQ_MSG(test, word_at(ADDR), 0ull, "another page is there now");
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), DOM);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), 0);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), -1);
	KUNIT_EXPECT_EQ(test, refs(GFN), 1u);
	xengt_foreign_page_exit(&foreign);
}

static void dead_guest_is_destroyed_after_the_unmap(struct kunit *test)
{
	struct xengt_foreign_page foreign;

	init_foreign(test, &foreign);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), 0);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_EQ(test, *(u64 *)foreign.va, 0ull);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), -ESRCH);
	KUNIT_EXPECT_FALSE(test, fake_domain_exists(DOM));
	xengt_foreign_page_exit(&foreign);
}

/* A store by the module to a protected page is not trapped. */
static void protected_page_is_written_as_any_other(struct kunit *test)
{
	struct xengt_foreign_page foreign;
	u64 word = 4;
	u16 id;

	init_foreign(test, &foreign);
	KUNIT_ASSERT_EQ(test, xengt_dm_create_server(DOM, &id), 0);
	KUNIT_ASSERT_EQ(test, xengt_dm_claim_writes(DOM, id, true), 0);
	KUNIT_ASSERT_EQ(test, xengt_dm_set_write_protect(DOM, GFN, 1, true), 0);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_map(&foreign, GFN), 0);
	*(u64 *)foreign.va = 3;
	KUNIT_EXPECT_EQ(test, word_at(ADDR), 3ull);
	KUNIT_EXPECT_EQ(test, xengt_foreign_page_copy(&foreign, ADDR + 8, &word, 8, true), 0);
	KUNIT_EXPECT_EQ(test, word_at(ADDR + 8), 4ull);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GFN));
	xengt_foreign_page_exit(&foreign);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, id, false), 0);
	KUNIT_EXPECT_EQ(test, xengt_dm_destroy_server(DOM, id), 0);
}

static struct kunit_case foreign_cases[] = {
	KUNIT_CASE_PARAM(page_stays_until_it_is_unmapped, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(another_map_takes_its_place, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(copy_ends_what_was_mapped, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(map_that_fails_shows_nothing, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unmap_that_fails_can_be_tried_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(frame_is_kept_when_the_guest_gives_the_page_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(dead_guest_is_destroyed_after_the_unmap, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(protected_page_is_written_as_any_other, both_dom0s_gen_params),
	{}
};

static struct kunit_suite foreign_suite = {
	.name = "xengt_foreign_page",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = foreign_cases,
};

kunit_test_suite(foreign_suite);
