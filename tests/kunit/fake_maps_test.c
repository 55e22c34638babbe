// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the fake hypervisor's map operations beyond stock Xen: dev_map keeps records as the
 * patches of xen/ do, and iommu_op is as unsafe as XenServer's.
 */

#include <linux/string.h>
#include <xen/interface/xen.h>
#include <xen/interface/iommu_op.h>
#include <xen/interface/hvm/dev_map.h>
#include <xen/interface/hvm/dm_op.h>
#include <asm/xen/hypercall.h>

#include "fake_xen.h"
#include "modules.h"

#define PAGES		64
#define HOLE		0x4000000UL	/* a hole in the caller's physmap */
#define BFN_OFFSET	0x3e00000ULL

static void start(struct kunit *test, enum fake_xen_mode mode)
{
	fake_xen_start(test, mode);
	fake_domain_create(DOM, PAGES);
}

static void fake_exit(struct kunit *test)
{
	fake_xen_stop(test);
}

/* Xen's map operation */

static int dev_op(domid_t domid, u32 cmd, struct xen_dm_op_dev_map_entry *entries, unsigned int n)
{
	struct {
		u32 op;
		u32 pad;
		struct xen_dm_op_dev_map map;
	} op = { .op = cmd, .map.nr_entries = n };
	struct xen_dm_op_buf bufs[] = {
		{ .size = sizeof(op) },
		{ .size = n * sizeof(*entries) },
	};

	set_xen_guest_handle(bufs[0].h, (void *)&op);
	set_xen_guest_handle(bufs[1].h, (void *)entries);
	return HYPERVISOR_dm_op(domid, 2, bufs);
}

static int dev_one(u32 cmd, u64 gfn, u64 *bfn, u32 flags)
{
	struct xen_dm_op_dev_map_entry entry = { .gfn = gfn, .bfn = *bfn, .flags = flags };
	int rc = dev_op(DOM, cmd, &entry, 1);

	*bfn = entry.bfn;
	return rc ?: entry.status;
}

static void stock_xen_has_no_map_operation(struct kunit *test)
{
	u64 bfn = HOLE;

	start(test, FAKE_PVH_DOM0);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &bfn, 0), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, dev_op(77, XEN_DMOP_dev_map, NULL, 0), -ESRCH);
}

/*
 * A call has one flush, after the last entry is cleared and before the first reference is dropped.
 */
static void unmaps_share_one_flush(struct kunit *test)
{
	struct xen_dm_op_dev_map_entry entries[4];
	unsigned int i;

	start(test, FAKE_PVH_DOM0);
	fake_xen_set_dev_map(true);
	for (i = 0; i < 4; i++)
		entries[i] = (struct xen_dm_op_dev_map_entry){ .gfn = 8 + i, .bfn = HOLE + i };
	KUNIT_EXPECT_EQ(test, dev_op(DOM, XEN_DMOP_dev_map, entries, 4), 0);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, entries[i].status, 0);
		KUNIT_EXPECT_TRUE(test, fake_dma_reaches(HOLE + i, DOM, 8 + i));
	}
	KUNIT_EXPECT_EQ(test, fake_xen_flushes(), 0ul);
	fake_xen_clear_events();
	entries[1].bfn = HOLE + 77;
	KUNIT_EXPECT_EQ(test, dev_op(DOM, XEN_DMOP_dev_unmap, entries, 4), 0);
	KUNIT_EXPECT_EQ(test, entries[1].status, -ENOENT);
	KUNIT_EXPECT_EQ(test, fake_xen_flushes(), 1ul);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fake_xen_event(i)->kind, FAKE_EVENT_FLUSH);
	KUNIT_EXPECT_EQ(test, fake_xen_event(3)->kind, FAKE_EVENT_UNREF);
	KUNIT_EXPECT_EQ(test, fake_dma_mfn(HOLE), FAKE_NO_MFN);
	entries[1].bfn = HOLE + 1;
	KUNIT_EXPECT_EQ(test, dev_op(DOM, XEN_DMOP_dev_unmap, entries + 1, 1), 0);
}

static void pv_caller_gets_the_same_bfn_twice(struct kunit *test)
{
	u64 a = 0, b = 0;

	start(test, FAKE_PV_DOM0);
	fake_xen_set_dev_map(true);
	KUNIT_EXPECT_EQ(test, fake_dma_mfn(fake_gfn_mfn(DOM, 5)), FAKE_NO_MFN);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &a, 0), 0);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &b, XEN_DMOP_DEV_MAP_readonly), 0);
	KUNIT_EXPECT_EQ(test, a, (u64)fake_gfn_mfn(DOM, 5));
	KUNIT_EXPECT_EQ(test, a, b);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(a), 2u);
	/* An unmap must have the flags of the map. */
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &a, 0), 0);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &a, 0), -ENOENT);
	KUNIT_EXPECT_FALSE(test, fake_mfn_writable(a));
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(b, DOM, 5));
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &b, XEN_DMOP_DEV_MAP_readonly), 0);
	KUNIT_EXPECT_EQ(test, fake_dma_mfn(a), FAKE_NO_MFN);
}

static void mapping_over_a_mapping_is_refused(struct kunit *test)
{
	u64 bfn = HOLE, far = 1ull << 40;

	start(test, FAKE_PVH_DOM0);
	fake_xen_set_dev_map(true);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &bfn, 0), 0);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 6, &bfn, 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 6, &far, 0), -ERANGE);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 6, &far, 0x8000), -EINVAL);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &bfn, 0), 0);
}

static void lookup_finds_moved_and_lost_pages(struct kunit *test)
{
	u64 bfn = HOLE;

	start(test, FAKE_PVH_DOM0);
	fake_xen_set_dev_map(true);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &bfn, 0), -ENXIO);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &bfn, 0), 0);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &bfn, 0), 0);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &bfn, XEN_DMOP_DEV_MAP_readonly),
			-ENXIO);
	fake_gfn_remove(DOM, 5);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &bfn, 0), -ENOENT);
	fake_gfn_populate(DOM, 5);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &bfn, 0), -ESTALE);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &bfn, 0), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DEV_LOOKUP), 5ul);
}

static void page_that_is_not_plain_ram_has_its_own_error(struct kunit *test)
{
	static const struct {
		enum fake_page_type type;
		int rw, ro;
	} cases[] = {
		{ FAKE_RAM_RO, -EACCES, 0 },
		{ FAKE_XEN_PAGE, -EPERM, -EPERM },
		{ FAKE_HOLE, -ENOENT, -ENOENT },
		{ FAKE_GRANT, -EPERM, -EPERM },
		{ FAKE_FOREIGN, -EPERM, -EPERM },
		{ FAKE_MMIO, -EPERM, -EPERM },
	};
	u64 bfn = HOLE, other = HOLE + 1;
	unsigned int i;

	start(test, FAKE_PVH_DOM0);
	fake_xen_set_dev_map(true);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 7, &other, 0), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].type == FAKE_HOLE)
			fake_gfn_remove(DOM, 5);
		fake_gfn_set_type(DOM, 5, cases[i].type);
		KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &bfn, 0), cases[i].rw);
		KUNIT_EXPECT_EQ(test,
				dev_one(XEN_DMOP_dev_map, 5, &bfn, XEN_DMOP_DEV_MAP_readonly),
				cases[i].ro);
		if (!cases[i].ro)
			KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &bfn,
						      XEN_DMOP_DEV_MAP_readonly), 0);
	}
	fake_gfn_set_type(DOM, 5, FAKE_FOREIGN);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &other, 0), -ESTALE);
	fake_gfn_set_type(DOM, 5, FAKE_GRANT);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &other, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &other, 0), 0);
}

/* All guests of the caller share the limit, and a lower one applies at once. */
static void limit_is_per_caller(struct kunit *test)
{
	struct xen_dm_op_dev_map_entry entry = { .gfn = 5, .bfn = HOLE + 2 };
	u64 a = HOLE, b = HOLE + 1, far = HOLE;

	start(test, FAKE_PVH_DOM0);
	fake_domain_create(OTHER_DOM, PAGES);
	fake_xen_set_dev_map(true);
	fake_xen_set_dev_map_limit(2);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &a, 0), 0);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &b, 0), 0);
	KUNIT_EXPECT_EQ(test, dev_op(OTHER_DOM, XEN_DMOP_dev_map, &entry, 1), 0);
	KUNIT_EXPECT_EQ(test, entry.status, -ENOSPC);
	KUNIT_EXPECT_EQ_MSG(test, dev_one(XEN_DMOP_dev_map, 6, &far, 0), -ENOSPC,
			    "before the place is looked at");
	fake_xen_set_dev_map_limit(1);
	KUNIT_EXPECT_EQ(test, dev_op(OTHER_DOM, XEN_DMOP_dev_map, &entry, 1), 0);
	KUNIT_EXPECT_EQ(test, entry.status, -ENOSPC);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &a, 0), 0);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &b, 0), 0);
	KUNIT_EXPECT_EQ(test, dev_op(OTHER_DOM, XEN_DMOP_dev_map, &entry, 1), 0);
	KUNIT_EXPECT_EQ(test, entry.status, 0);
	KUNIT_EXPECT_EQ(test, dev_op(OTHER_DOM, XEN_DMOP_dev_unmap, &entry, 1), 0);
}

static void all_operations_check_flags(struct kunit *test)
{
	u64 bfn = HOLE;

	start(test, FAKE_PVH_DOM0);
	fake_xen_set_dev_map(true);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 5, &bfn, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &bfn, 2), -EINVAL);
}

static void long_unmap_flushes_more_than_once(struct kunit *test)
{
	struct xen_dm_op_dev_map_entry *entries;
	const unsigned int n = 513;
	unsigned int i;

	entries = kunit_kcalloc(test, n, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, entries);
	fake_xen_start(test, FAKE_PVH_DOM0);
	fake_domain_create(DOM, n);
	fake_xen_set_dev_map(true);
	for (i = 0; i < n; i++)
		entries[i] = (struct xen_dm_op_dev_map_entry){ .gfn = i, .bfn = HOLE + i };
	KUNIT_EXPECT_EQ(test, dev_op(DOM, XEN_DMOP_dev_map, entries, n), 0);
	KUNIT_EXPECT_EQ(test, dev_op(DOM, XEN_DMOP_dev_unmap, entries, n), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, fake_xen_flushes(), 2ul);
}

/* The maps are gone, though the guest is the caller's again. */
static void guest_taken_and_given_back_has_no_maps(struct kunit *test)
{
	u64 bfn = HOLE;

	start(test, FAKE_PVH_DOMU);
	fake_xen_set_dev_map(true);
	fake_domain_set_target(DOM, true);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &bfn, 0), 0);
	fake_domain_retarget(DOM);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &bfn, 0), -ENXIO);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &bfn, 0), 0);
	fake_domain_set_target(DOM, false);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_lookup, 5, &bfn, 0), -EPERM);
	fake_domain_start_dying(DOM);
	fake_domain_set_target(DOM, true);
	KUNIT_EXPECT_EQ_MSG(test, dev_one(XEN_DMOP_dev_lookup, 5, &bfn, 0), -EPERM,
			    "nobody is given a dying one");
	fake_domain_kill(DOM);
}

static void driver_domain_needs_a_target(struct kunit *test)
{
	u64 bfn = HOLE;

	start(test, FAKE_PVH_DOMU);
	fake_xen_set_dev_map(true);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &bfn, 0), -EPERM);
	fake_domain_set_target(DOM, true);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 5, &bfn, 0), 0);
	/* Nothing can be mapped of a dying guest, but unmapped. */
	fake_domain_kill(DOM);
	KUNIT_EXPECT_TRUE(test, fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_map, 6, &bfn, 0), -ESRCH);
	KUNIT_EXPECT_EQ(test, dev_one(XEN_DMOP_dev_unmap, 0, &bfn, 0), 0);
	KUNIT_EXPECT_FALSE(test, fake_domain_exists(DOM));
}

/* XenServer's iommu_op */

static int iommu_one(u16 cmd, domid_t domid, u64 gfn, u64 *bfn)
{
	struct pv_iommu_op op = { .subop_id = cmd, .status = 1 };
	int rc;

	if (cmd == IOMMUOP_lookup_foreign_page) {
		op.u.lookup_foreign_page.domid = domid;
		op.u.lookup_foreign_page.gfn = gfn;
	} else {
		op.u.unmap_foreign_page.bfn = *bfn;
	}
	rc = privcmd_call(__HYPERVISOR_iommu_op, (unsigned long)&op, 1, 0, 0, 0);
	if (cmd == IOMMUOP_lookup_foreign_page)
		*bfn = op.u.lookup_foreign_page.bfn;
	return rc ?: op.status;
}

static void iommu_op_has_one_bit_for_a_page(struct kunit *test)
{
	u64 bfn, again;

	start(test, FAKE_PV_DOM0);
	fake_xen_set_iommu_op(BFN_OFFSET);
	KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_lookup_foreign_page, DOM, 5, &bfn), 0);
	KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_lookup_foreign_page, DOM, 5, &again), 0);
	KUNIT_EXPECT_EQ(test, bfn, fake_gfn_mfn(DOM, 5) + BFN_OFFSET);
	KUNIT_EXPECT_EQ(test, bfn, again);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(bfn, DOM, 5));
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(fake_gfn_mfn(DOM, 5)), 1u);
	KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_unmap_foreign_page, 0, 0, &bfn), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_unmap_foreign_page, 0, 0, &bfn), -ENOENT);
}

static void iommu_op_drops_the_reference_of_the_dead_and_of_the_next(struct kunit *test)
{
	u64 bfn, next;

	start(test, FAKE_PV_DOM0);
	fake_xen_set_iommu_op(BFN_OFFSET);
	KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_lookup_foreign_page, DOM, 5, &bfn), 0);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_FALSE_MSG(test, fake_domain_exists(DOM), "no zombie");
	KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_lookup_foreign_page, DOM, 5, &next), -ENXIO);
	fake_domain_create(OTHER_DOM, PAGES);
	for (u64 gfn = 0; gfn < PAGES; gfn++) {
		if (fake_gfn_mfn(OTHER_DOM, gfn) + BFN_OFFSET != bfn)
			continue;
		KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_lookup_foreign_page, OTHER_DOM, gfn,
						&next), 0);
	}
	KUNIT_EXPECT_EQ(test, next, bfn);
	KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_unmap_foreign_page, 0, 0, &bfn), 0);
	KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), 0ul, "the late unmap dropped it");
}

static void iommu_op_is_for_a_pv_dom0_only(struct kunit *test)
{
	static const enum fake_xen_mode modes[] = { FAKE_PVH_DOM0, FAKE_PV_DOMU, FAKE_PVH_DOMU };
	unsigned int i;
	u64 bfn;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		start(test, modes[i]);
		fake_xen_set_iommu_op(0);
		KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_lookup_foreign_page, DOM, 5, &bfn),
				-ENOSYS);
		fake_xen_stop(test);
	}
	start(test, FAKE_PV_DOM0);
	KUNIT_EXPECT_EQ(test, iommu_one(IOMMUOP_lookup_foreign_page, DOM, 5, &bfn), -ENOSYS);
}

/* Without an IOMMU Xen takes any BFN for a frame. */
static void iommu_op_without_an_iommu_trusts_bfns(struct kunit *test)
{
	u64 bfn = 0x123456789ull;

	start(test, FAKE_PV_DOM0);
	fake_xen_set_iommu_op(0);
	KUNIT_EXPECT_NE(test, iommu_one(IOMMUOP_unmap_foreign_page, 0, 0, &bfn), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 1u);
	fake_xen_forgive();
}

static struct kunit_case fake_maps_cases[] = {
	KUNIT_CASE(stock_xen_has_no_map_operation),
	KUNIT_CASE(unmaps_share_one_flush),
	KUNIT_CASE(pv_caller_gets_the_same_bfn_twice),
	KUNIT_CASE(mapping_over_a_mapping_is_refused),
	KUNIT_CASE(lookup_finds_moved_and_lost_pages),
	KUNIT_CASE(page_that_is_not_plain_ram_has_its_own_error),
	KUNIT_CASE(limit_is_per_caller),
	KUNIT_CASE(all_operations_check_flags),
	KUNIT_CASE(long_unmap_flushes_more_than_once),
	KUNIT_CASE(guest_taken_and_given_back_has_no_maps),
	KUNIT_CASE(driver_domain_needs_a_target),
	KUNIT_CASE(iommu_op_has_one_bit_for_a_page),
	KUNIT_CASE(iommu_op_drops_the_reference_of_the_dead_and_of_the_next),
	KUNIT_CASE(iommu_op_is_for_a_pv_dom0_only),
	KUNIT_CASE(iommu_op_without_an_iommu_trusts_bfns),
	{}
};

static struct kunit_suite fake_maps_suite = {
	.name = "fake_maps",
	.exit = fake_exit,
	.test_cases = fake_maps_cases,
};

kunit_test_suite(fake_maps_suite);
