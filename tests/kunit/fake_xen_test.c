// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the fake hypervisor: it does what Xen does (4.17, stock), and its books notice what
 * other suites rely on.
 */

#include <linux/gfp.h>
#include <linux/slab.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <xen/xenbus.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <asm/xen/hypercall.h>

#include "fake_xen.h"
#include "modules.h"

#define PAGES		64
#define RW		(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY)
#define HOLE		0x4000000UL	/* a hole in dom0's physmap, far above its RAM */

static void start(struct kunit *test, enum fake_xen_mode mode)
{
	fake_xen_start(test, mode);
	fake_domain_create(DOM, PAGES);
}

static void fake_exit(struct kunit *test)
{
	fake_xen_stop(test);
}

/* PVH: foreign mappings in dom0's physmap */

static int add(domid_t domid, u64 bfn, u64 gfn, unsigned int n, int *errs)
{
	struct xen_add_to_physmap_range range = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = n,
		.foreign_domid = domid,
	};
	xen_ulong_t idxs[8];
	xen_pfn_t gpfns[8];
	unsigned int i;

	for (i = 0; i < n; i++) {
		idxs[i] = gfn + i;
		gpfns[i] = bfn + i;
		errs[i] = 1;
	}
	set_xen_guest_handle(range.idxs, idxs);
	set_xen_guest_handle(range.gpfns, gpfns);
	set_xen_guest_handle(range.errs, errs);
	return HYPERVISOR_memory_op(XENMEM_add_to_physmap_range, &range);
}

static int remove(u64 bfn)
{
	struct xen_remove_from_physmap one = { .domid = DOMID_SELF, .gpfn = bfn };

	return HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &one);
}

static void physmap_mapping_holds_one_reference(struct kunit *test)
{
	int errs[4];

	start(test, FAKE_PVH_DOM0);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 8, 4, errs), 0);
	KUNIT_EXPECT_EQ(test, errs[0] | errs[1] | errs[2] | errs[3], 0);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(fake_gfn_mfn(DOM, 9)), 1u);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(HOLE + 1, DOM, 9));
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ADD_TO_PHYSMAP), 1ul);
	for (u64 bfn = HOLE; bfn < HOLE + 4; bfn++)
		KUNIT_EXPECT_EQ(test, remove(bfn), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_flushes(), 4ul);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, fake_dma_mfn(HOLE), FAKE_NO_MFN);
	KUNIT_EXPECT_EQ(test, remove(HOLE), -ENOENT);
}

static void physmap_batch_succeeds_with_errors_for_entries(struct kunit *test)
{
	int errs[4];

	start(test, FAKE_PVH_DOM0);
	fake_gfn_remove(DOM, 9);
	fake_xen_fail_entry(3, -ENOMEM);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 8, 4, errs), 0);
	KUNIT_EXPECT_EQ(test, errs[0], 0);
	KUNIT_EXPECT_EQ(test, errs[1], -EINVAL);
	KUNIT_EXPECT_EQ(test, errs[2], 0);
	KUNIT_EXPECT_EQ(test, errs[3], -ENOMEM);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 20, 1, errs), 0);
	KUNIT_EXPECT_EQ_MSG(test, errs[0], -ENXIO, "no replacing in place");
	KUNIT_EXPECT_EQ(test, add(77, HOLE, 0, 1, errs), 0);
	KUNIT_EXPECT_EQ_MSG(test, errs[0], -ESRCH, "no such domain is an entry's error, too");
	KUNIT_EXPECT_EQ(test, add(DOM, (1ull << 36) - 1, 30, 2, errs), 0);
	KUNIT_EXPECT_EQ(test, errs[0], 0);
	KUNIT_EXPECT_EQ_MSG(test, errs[1], -EINVAL, "more than four levels can address");
	KUNIT_EXPECT_EQ(test, add(DOM, ~0ull, 30, 1, errs), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 3ul);
	remove((1ull << 36) - 1);
	remove(HOLE);
	remove(HOLE + 2);
}

static void physmap_call_is_refused_to_pv(struct kunit *test)
{
	int err;

	start(test, FAKE_PV_DOM0);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 8, 1, &err), -EACCES);
	KUNIT_EXPECT_EQ(test, remove(HOLE), -EACCES);
}

static void physmap_mapping_is_refused_to_a_driver_domain(struct kunit *test)
{
	int err;

	start(test, FAKE_PVH_DOMU);
	fake_domain_set_target(DOM, true);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 8, 1, &err), 0);
	KUNIT_EXPECT_EQ(test, err, -EPERM);
}

static void physmap_mapping_over_registers_is_noticed(struct kunit *test)
{
	int errs[2];

	start(test, FAKE_PVH_DOM0);
	fake_xen_set_mmio(HOLE + 1, 1);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 8, 2, errs), 0);
	KUNIT_EXPECT_EQ(test, errs[0], 0);
	KUNIT_EXPECT_EQ(test, errs[1], -EPERM);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 1u);
	fake_xen_forgive();
	remove(HOLE);
}

static void physmap_mapping_over_own_memory_is_noticed(struct kunit *test)
{
	unsigned long page = get_zeroed_page(GFP_KERNEL);
	int err;

	start(test, FAKE_PVH_DOM0);
	KUNIT_EXPECT_EQ(test, add(DOM, virt_to_pfn(page), 8, 1, &err), 0);
	KUNIT_EXPECT_NE(test, err, 0);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 1u);
	fake_xen_forgive();
	free_page(page);
}

/* Only RAM of the guest can be mapped. RAM that its vCPUs may only read is mapped writable. */
static void physmap_takes_a_guest_s_ram_only(struct kunit *test)
{
	static const struct {
		enum fake_page_type type;
		int err;
	} cases[] = {
		{ FAKE_RAM_RO, 0 },
		{ FAKE_XEN_PAGE, 0 },
		{ FAKE_GRANT, -EINVAL },
		{ FAKE_FOREIGN, -EINVAL },
		{ FAKE_MMIO, -EINVAL },
	};
	unsigned int i;
	int err;

	start(test, FAKE_PVH_DOM0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].err)
			fake_gfn_remove(DOM, 8);
		fake_gfn_set_type(DOM, 8, cases[i].type);
		KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 8, 1, &err), 0);
		KUNIT_EXPECT_EQ(test, err, cases[i].err);
		remove(HOLE);
	}
}

/* A dying guest has its memory until Xen tears that down. */
static void dying_guest_can_be_mapped_for_a_while(struct kunit *test)
{
	int err;

	start(test, FAKE_PVH_DOM0);
	fake_domain_start_dying(DOM);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 8, 1, &err), 0);
	KUNIT_EXPECT_EQ(test, err, 0);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE + 1, 9, 1, &err), 0);
	KUNIT_EXPECT_EQ(test, err, -EINVAL);
	KUNIT_EXPECT_TRUE(test, fake_domain_exists(DOM));
	remove(HOLE);
	KUNIT_EXPECT_FALSE(test, fake_domain_exists(DOM));
}

static void reference_is_dropped_after_the_flush(struct kunit *test)
{
	unsigned long mfn;
	int err, ref, flush, unref;

	start(test, FAKE_PVH_DOM0);
	mfn = fake_gfn_mfn(DOM, 8);
	add(DOM, HOLE, 8, 1, &err);
	remove(HOLE);
	ref = fake_xen_find_event(0, FAKE_EVENT_REF, mfn);
	flush = fake_xen_find_event(0, FAKE_EVENT_FLUSH, mfn);
	unref = fake_xen_find_event(0, FAKE_EVENT_UNREF, mfn);
	KUNIT_EXPECT_GE(test, ref, 0);
	KUNIT_EXPECT_GT(test, flush, ref);
	KUNIT_EXPECT_GT(test, unref, flush);
}

static void maximum_gpfn_is_a_high_water_mark(struct kunit *test)
{
	domid_t domid = DOM, nobody = 77;

	start(test, FAKE_PVH_DOM0);
	fake_gfn_populate(DOM, 0x12345);
	fake_gfn_remove(DOM, 0x12345);
	KUNIT_EXPECT_EQ(test, HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &domid), 0x12345l);
	KUNIT_EXPECT_EQ(test, HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &nobody), (long)-ESRCH);
}

static void maximum_gpfn_is_for_who_has_control(struct kunit *test)
{
	domid_t domid = DOM;

	start(test, FAKE_PVH_DOMU);
	KUNIT_EXPECT_EQ(test, HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &domid), (long)-EPERM);
	fake_domain_set_target(DOM, true);
	KUNIT_EXPECT_EQ(test, HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &domid), PAGES - 1l);
}

/* Frames and domains */

static void frame_with_a_reference_is_not_reused(struct kunit *test)
{
	unsigned long mfn;
	int err;

	start(test, FAKE_PVH_DOM0);
	mfn = fake_gfn_mfn(DOM, 8);
	add(DOM, HOLE, 8, 1, &err);
	fake_gfn_remove(DOM, 8);
	KUNIT_EXPECT_EQ_MSG(test, fake_domain_pages(DOM), (ulong)PAGES, "it still counts");
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), DOM);
	KUNIT_EXPECT_FALSE(test, fake_dma_reaches(HOLE, DOM, 8));
	KUNIT_EXPECT_NE(test, fake_gfn_populate(DOM, 8), mfn);
	fake_domain_create(OTHER_DOM, 1);
	KUNIT_EXPECT_NE(test, fake_gfn_mfn(OTHER_DOM, 0), mfn);
	remove(HOLE);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), -1);
	KUNIT_EXPECT_EQ_MSG(test, fake_gfn_populate(OTHER_DOM, 1), mfn,
			    "and is reused as soon as can be");
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(mfn), OTHER_DOM);
}

static void dead_domain_is_a_zombie_until_the_last_reference(struct kunit *test)
{
	int err;

	start(test, FAKE_PVH_DOM0);
	add(DOM, HOLE, 8, 1, &err);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_TRUE(test, fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), 1ul);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE + 1, 8, 1, &err), 0);
	KUNIT_EXPECT_EQ(test, err, -EINVAL);
	remove(HOLE);
	KUNIT_EXPECT_FALSE(test, fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 8, 1, &err), 0);
	KUNIT_EXPECT_EQ(test, err, -ESRCH);
}

static void contents_survive_until_the_guest_dies(struct kunit *test)
{
	u64 word = 0x1122334455667788, got = 0, gfn;
	int err;

	start(test, FAKE_PVH_DOM0);
	add(DOM, HOLE, 8, 1, &err);
	fake_guest_write(DOM, 8 * PAGE_SIZE + 16, &word, sizeof(word));
	KUNIT_EXPECT_EQ(test, fake_dma_read(HOLE * PAGE_SIZE + 16, &got, sizeof(got)), 0);
	KUNIT_EXPECT_EQ(test, got, word);
	word = 7;
	KUNIT_EXPECT_EQ(test, fake_dma_write(HOLE * PAGE_SIZE + 16, &word, sizeof(word)), 0);
	fake_guest_read(DOM, 8 * PAGE_SIZE + 16, &got, sizeof(got));
	KUNIT_EXPECT_EQ(test, got, 7ull);
	remove(HOLE);
	KUNIT_EXPECT_EQ(test, fake_dma_read(HOLE * PAGE_SIZE, &got, sizeof(got)), -EFAULT);
	fake_gfn_remove(DOM, 8);
	fake_gfn_populate(DOM, 8);
	fake_guest_read(DOM, 8 * PAGE_SIZE + 16, &got, sizeof(got));
	KUNIT_EXPECT_EQ_MSG(test, got, 7ull, "a live guest clears its pages itself");
	fake_domain_kill(DOM);
	fake_domain_create(OTHER_DOM, PAGES);
	for (gfn = 0; gfn < PAGES; gfn++) {
		fake_guest_read(OTHER_DOM, gfn * PAGE_SIZE + 16, &got, sizeof(got));
		KUNIT_EXPECT_EQ(test, got, 0ull);
	}
}

/* PV: page tables */

static int set_table_prot(u64 *table, pgprot_t prot)
{
	return HYPERVISOR_update_va_mapping((unsigned long)table,
					    pfn_pte(PHYS_PFN(__pa(table)), prot),
					    UVMF_INVLPG | UVMF_ALL);
}

static int table_op(u64 *table, unsigned int cmd)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = virt_to_mfn(table) };

	return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static u64 *new_table(struct kunit *test)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_ASSERT_EQ(test, set_table_prot(table, PAGE_KERNEL_RO), 0);
	KUNIT_ASSERT_EQ(test, table_op(table, MMUEXT_PIN_L1_TABLE), 0);
	return table;
}

static void free_table(struct kunit *test, u64 *table)
{
	KUNIT_EXPECT_EQ(test, table_op(table, MMUEXT_UNPIN_TABLE), 0);
	KUNIT_EXPECT_EQ(test, set_table_prot(table, PAGE_KERNEL), 0);
	free_page((unsigned long)table);
}

static int update(u64 *table, domid_t domid, u64 val, unsigned int n, int *done)
{
	struct mmu_update reqs[8];
	unsigned int i;

	for (i = 0; i < n; i++) {
		reqs[i].ptr = virt_to_machine(&table[i]).maddr | MMU_NORMAL_PT_UPDATE;
		reqs[i].val = val ? val + i * PAGE_SIZE : 0;
	}
	return HYPERVISOR_mmu_update(reqs, n, done, domid);
}

static void pinned_table_holds_references(struct kunit *test)
{
	u64 *table;
	int done;

	start(test, FAKE_PV_DOM0);
	table = new_table(test);
	KUNIT_EXPECT_EQ(test, update(table, DOM, 8 * PAGE_SIZE | RW, 4, &done), 0);
	KUNIT_EXPECT_EQ(test, done, 4);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 4ul);
	KUNIT_EXPECT_EQ(test, pte_mfn(__pte_ma(table[1])), fake_gfn_mfn(DOM, 9));
	KUNIT_EXPECT_NE_MSG(test, table[1] & ~XEN_PTE_MFN_MASK, (u64)RW, "Xen adds bits");
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(pte_mfn(__pte_ma(table[1])), DOM, 9));
	KUNIT_EXPECT_EQ(test, update(table, DOM, 0, 2, &done), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 2ul);
	free_table(test, table);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
}

static void entry_is_replaced_with_its_reference(struct kunit *test)
{
	unsigned long old;
	u64 *table;
	int done;

	start(test, FAKE_PV_DOM0);
	table = new_table(test);
	old = fake_gfn_mfn(DOM, 8);
	update(table, DOM, 8 * PAGE_SIZE | RW, 1, &done);
	fake_gfn_remove(DOM, 8);
	fake_gfn_populate(DOM, 8);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(old), 1u);
	update(table, DOM, 8 * PAGE_SIZE | RW, 1, &done);
	KUNIT_EXPECT_EQ(test, fake_mfn_owner(old), -1);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(fake_gfn_mfn(DOM, 8)), 1u);
	free_table(test, table);
}

static void untyped_page_stores_values_and_holds_nothing(struct kunit *test)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL);
	int done;

	start(test, FAKE_PV_DOM0);
	KUNIT_EXPECT_EQ(test, update(table, DOM, 8 * PAGE_SIZE | RW, 1, &done), 0);
	KUNIT_EXPECT_EQ(test, done, 1);
	KUNIT_EXPECT_EQ(test, table[0], 8 * PAGE_SIZE | RW);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	free_page((unsigned long)table);
}

static void mmu_update_stops_at_the_first_bad_entry(struct kunit *test)
{
	u64 *table;
	int done;

	start(test, FAKE_PV_DOM0);
	table = new_table(test);
	fake_gfn_remove(DOM, 10);
	KUNIT_EXPECT_EQ(test, update(table, DOM, 8 * PAGE_SIZE | RW, 4, &done), -EINVAL);
	KUNIT_EXPECT_EQ(test, done, 2);
	KUNIT_EXPECT_EQ(test, table[2] | table[3], 0ull);
	KUNIT_EXPECT_EQ(test, update(table, 77, 8 * PAGE_SIZE | RW, 4, &done), -ESRCH);
	KUNIT_EXPECT_EQ(test, done, 0);
	fake_xen_fail_gfn(DOM, 20, -EPERM);
	KUNIT_EXPECT_EQ(test, update(table, DOM, 20 * PAGE_SIZE | RW, 1, &done), -EPERM);
	free_table(test, table);
}

static void table_takes_a_guest_s_ram_only(struct kunit *test)
{
	static const struct {
		enum fake_page_type type;
		int err;
	} cases[] = {
		{ FAKE_RAM_RO, 0 },
		{ FAKE_XEN_PAGE, 0 },
		{ FAKE_GRANT, -EINVAL },
		{ FAKE_FOREIGN, -EBUSY },
		{ FAKE_MMIO, -EINVAL },
	};
	unsigned int i;
	u64 *table;
	int done;

	start(test, FAKE_PV_DOM0);
	table = new_table(test);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].err)
			fake_gfn_remove(DOM, 8);
		fake_gfn_set_type(DOM, 8, cases[i].type);
		KUNIT_EXPECT_EQ(test, update(table, DOM, 8 * PAGE_SIZE | RW, 1, &done),
				cases[i].err);
		update(table, DOM, 0, 1, &done);
	}
	KUNIT_EXPECT_EQ_MSG(test, update(table, DOM, 9 * PAGE_SIZE | RW | BIT_ULL(53), 1, &done),
			    -EINVAL, "bits that are not for software");
	free_table(test, table);
}

/* An MFN must belong to the domain. */
static void table_takes_frames_of_the_domain_only(struct kunit *test)
{
	struct mmu_update req;
	u64 *table;

	start(test, FAKE_PV_DOM0);
	fake_domain_create(OTHER_DOM, 1);
	table = new_table(test);
	req.ptr = virt_to_machine(table).maddr | MMU_PT_UPDATE_NO_TRANSLATE;
	req.val = (u64)fake_gfn_mfn(OTHER_DOM, 0) << PAGE_SHIFT | RW;
	KUNIT_EXPECT_EQ(test, HYPERVISOR_mmu_update(&req, 1, NULL, DOM), -EBUSY);
	req.val = 0xfffffull << PAGE_SHIFT | RW;
	KUNIT_EXPECT_EQ(test, HYPERVISOR_mmu_update(&req, 1, NULL, DOM), -EPERM);
	free_table(test, table);
}

static void pages_are_for_who_has_control(struct kunit *test)
{
	u64 *table;
	int done;

	start(test, FAKE_PV_DOMU);
	table = new_table(test);
	KUNIT_EXPECT_EQ(test, update(table, DOM, 8 * PAGE_SIZE | RW, 1, &done), -EPERM);
	fake_domain_set_target(DOM, true);
	KUNIT_EXPECT_EQ(test, update(table, DOM, 8 * PAGE_SIZE | RW, 1, &done), 0);
	free_table(test, table);
}

static void only_an_empty_read_only_page_is_pinned(struct kunit *test)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL);

	start(test, FAKE_PV_DOM0);
	KUNIT_EXPECT_EQ(test, table_op(table, MMUEXT_PIN_L1_TABLE), -EINVAL);
	table[3] = 1;
	set_table_prot(table, PAGE_KERNEL_RO);
	KUNIT_EXPECT_EQ(test, table_op(table, MMUEXT_PIN_L1_TABLE), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 1u);
	set_table_prot(table, PAGE_KERNEL);
	fake_xen_forgive();
	free_page((unsigned long)table);
}

static void misuse_of_a_pinned_page_is_noticed(struct kunit *test)
{
	u64 *table;
	int done;

	start(test, FAKE_PV_DOM0);
	table = new_table(test);
	KUNIT_EXPECT_EQ(test, set_table_prot(table, PAGE_KERNEL), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 1u);
	table[5] = 1;
	update(table, DOM, 0, 1, &done);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 2u);
	KUNIT_EXPECT_EQ(test, table[5], 0ull);
	free_page((unsigned long)table);
	update(table, DOM, 0, 0, &done);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 3u);
	fake_xen_forgive();
}

/* Ordered failures, and the record */

static void nth_call_of_a_kind_fails_without_effect(struct kunit *test)
{
	int err;

	start(test, FAKE_PVH_DOM0);
	fake_xen_fail_call(FAKE_CALL_ADD_TO_PHYSMAP, 2, -ENOMEM);
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE, 8, 1, &err), 0);
	KUNIT_EXPECT_TRUE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_EQ(test, add(DOM, HOLE + 1, 9, 1, &err), -ENOMEM);
	KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	fake_xen_fail_call(FAKE_CALL_REMOVE_FROM_PHYSMAP, 1, -EBUSY);
	KUNIT_EXPECT_EQ(test, remove(HOLE), -EBUSY);
	KUNIT_EXPECT_EQ(test, remove(HOLE), 0);
}

static void nth_allocation_fails_and_none_of_the_fake_s(struct kunit *test)
{
	void *first, *second, *third;
	int err;

	start(test, FAKE_PVH_DOM0);
	fake_fail_alloc(2);
	add(DOM, HOLE, 8, 1, &err);
	remove(HOLE);
	first = kmalloc(16, GFP_KERNEL);
	second = (void *)get_zeroed_page(GFP_KERNEL);
	third = kmalloc(16, GFP_KERNEL);
	KUNIT_EXPECT_FALSE(test, fake_fail_alloc_stop());
	KUNIT_EXPECT_NOT_NULL(test, first);
	KUNIT_EXPECT_NULL(test, second);
	KUNIT_EXPECT_NOT_NULL(test, third);
	kfree(first);
	kfree(third);
}

static void mode_shows_in_what_the_kernel_says(struct kunit *test)
{
	static const struct {
		enum fake_xen_mode mode;
		bool xen, pv, pvh, dom0;
	} cases[] = {
		{ FAKE_NOT_XEN, false, false, false, false },
		{ FAKE_PV_DOM0, true, true, false, true },
		{ FAKE_PVH_DOM0, true, false, true, true },
		{ FAKE_PV_DOMU, true, true, false, false },
		{ FAKE_PVH_DOMU, true, false, true, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_xen_start(test, cases[i].mode);
		KUNIT_EXPECT_EQ(test, xen_domain(), cases[i].xen);
		KUNIT_EXPECT_EQ(test, xen_pv_domain(), cases[i].pv);
		KUNIT_EXPECT_EQ(test, xen_pvh_domain(), cases[i].pvh);
		KUNIT_EXPECT_EQ(test, xen_hvm_domain(), cases[i].pvh);
		KUNIT_EXPECT_EQ(test, xen_initial_domain(), cases[i].dom0);
		fake_xen_stop(test);
	}
}

/* xenstore */

static unsigned int watch_calls;

static void count_watch(struct xenbus_watch *watch, const char *path, const char *token)
{
	watch_calls++;
}

static void watch_is_called_at_once_and_when_fired(struct kunit *test)
{
	struct xenbus_watch watch = { .node = "@releaseDomain", .callback = count_watch };
	char *vm;

	start(test, FAKE_PV_DOM0);
	watch_calls = 0;
	KUNIT_EXPECT_EQ(test, register_xenbus_watch(&watch), 0);
	fake_store_fire("@introduceDomain");
	KUNIT_EXPECT_EQ(test, watch_calls, 1u);
	vm = xenbus_read(XBT_NIL, "/local/domain/5", "vm", NULL);
	KUNIT_EXPECT_FALSE(test, IS_ERR(vm));
	kfree(vm);
	fake_store_release(DOM);
	KUNIT_EXPECT_EQ(test, watch_calls, 2u);
	KUNIT_EXPECT_TRUE(test, IS_ERR(xenbus_read(XBT_NIL, "/local/domain/5", "vm", NULL)));
	unregister_xenbus_watch(&watch);
	fake_store_fire("@releaseDomain");
	KUNIT_EXPECT_EQ(test, watch_calls, 2u);
}

static struct kunit_case fake_xen_cases[] = {
	KUNIT_CASE(physmap_mapping_holds_one_reference),
	KUNIT_CASE(physmap_batch_succeeds_with_errors_for_entries),
	KUNIT_CASE(physmap_call_is_refused_to_pv),
	KUNIT_CASE(physmap_mapping_over_own_memory_is_noticed),
	KUNIT_CASE(physmap_mapping_is_refused_to_a_driver_domain),
	KUNIT_CASE(physmap_mapping_over_registers_is_noticed),
	KUNIT_CASE(physmap_takes_a_guest_s_ram_only),
	KUNIT_CASE(dying_guest_can_be_mapped_for_a_while),
	KUNIT_CASE(reference_is_dropped_after_the_flush),
	KUNIT_CASE(maximum_gpfn_is_a_high_water_mark),
	KUNIT_CASE(maximum_gpfn_is_for_who_has_control),
	KUNIT_CASE(frame_with_a_reference_is_not_reused),
	KUNIT_CASE(dead_domain_is_a_zombie_until_the_last_reference),
	KUNIT_CASE(contents_survive_until_the_guest_dies),
	KUNIT_CASE(pinned_table_holds_references),
	KUNIT_CASE(entry_is_replaced_with_its_reference),
	KUNIT_CASE(untyped_page_stores_values_and_holds_nothing),
	KUNIT_CASE(mmu_update_stops_at_the_first_bad_entry),
	KUNIT_CASE(table_takes_a_guest_s_ram_only),
	KUNIT_CASE(table_takes_frames_of_the_domain_only),
	KUNIT_CASE(pages_are_for_who_has_control),
	KUNIT_CASE(only_an_empty_read_only_page_is_pinned),
	KUNIT_CASE(misuse_of_a_pinned_page_is_noticed),
	KUNIT_CASE(nth_call_of_a_kind_fails_without_effect),
	KUNIT_CASE(nth_allocation_fails_and_none_of_the_fake_s),
	KUNIT_CASE(mode_shows_in_what_the_kernel_says),
	KUNIT_CASE(watch_is_called_at_once_and_when_fired),
	{}
};

static struct kunit_suite fake_xen_suite = {
	.name = "fake_xen",
	.exit = fake_exit,
	.test_cases = fake_xen_cases,
};

kunit_test_suite(fake_xen_suite);
