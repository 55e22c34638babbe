// SPDX-License-Identifier: GPL-2.0
/* Tests of the IOMMU's tables. */
#include <stddef.h>

#include "bits.h"
#include "iommu.h"
#include "test.h"

#define READ_WRITE	(BIT_ULL(61) | BIT_ULL(62))
#define TABLE(addr, level) ((addr) | (uint64_t)(level) << 9 | READ_WRITE | 1)
#define DTE(addr, levels) (TABLE(addr, levels) | 2)
#define T3	0x20000ULL
#define T2	0x21000ULL
#define T1	0x22000ULL

static uint64_t translate(uint64_t bus, bool write)
{
	uint64_t physical;

	return iommu_translate(bus, write, &physical) ? physical : ~0ULL;
}

static void small_pages(void)
{
	setup_iommu();
	iommu_map(0x5000, 0x9000);
	equal(translate(0x5123, true), 0x9123);
	equal(translate(0x6123, false), 0x6123);
	iommu_unmap(0x6000);
	equal(translate(0x6123, false), ~0ULL);
	equal(translate(1ULL << 39, false), ~0ULL);
}

static void rights(void)
{
	setup_iommu();
	put64(iommu_root(), DTE(T1, 1));
	put64(T1, 0x7000 | 1ULL << 61 | 1);
	put64(T1 + 8, 0x8000 | 1ULL << 62 | 1);
	equal(translate(0x10, false), 0x7010);
	equal(translate(0x10, true), ~0ULL);
	equal(translate(0x1010, false), ~0ULL);
	equal(translate(0x1010, true), 0x8010);
	put64(iommu_root(), T1 | 1 << 9 | 1ULL << 61 | 3);
	equal(translate(0x1010, true), ~0ULL);
}

static void large_pages(void)
{
	setup_iommu();
	put64(iommu_root(), DTE(T2, 2));
	put64(T2, TABLE(0x400000, 0));
	equal(translate(0x12345, false), 0x412345);
	/* 32 KiB: bits 14:12 of the address say so */
	put64(T2, TABLE(T1, 1));
	put64(T1 + 2 * 8, TABLE(0x80000 | 3 << 12, 7));
	equal(translate(0x2010, false), 0x82010);
}

static void levels_left_out(void)
{
	setup_iommu();
	put64(iommu_root(), DTE(T3, 3));
	put64(T3, TABLE(T1, 1));
	put64(T1 + 5 * 8, TABLE(0x7000, 0));
	equal(translate(0x5010, false), 0x7010);
	equal(translate(0x205010, false), ~0ULL);
}

static void malformed_tables(void)
{
	setup_iommu();
	put64(iommu_root(), DTE(T3, 3));
	put64(T3, TABLE(T3, 3));
	equal(translate(0, false), ~0ULL);
	put64(T3, TABLE(1ULL << 40, 2));
	equal(translate(0, false), ~0ULL);
	put64(iommu_root(), DTE(1ULL << 40, 3));
	equal(translate(0, false), ~0ULL);
	put64(iommu_root(), DTE(T3, 7));
	equal(translate(0, false), ~0ULL);
	put64(iommu_root(), DTE(T3, 6));
	put64(T3, TABLE(0xffffffffff000, 7));
	translate(~0ULL, false);
}

static void without_translation(void)
{
	setup_iommu();
	put64(iommu_root(), 0);
	equal(translate(1ULL << 50, true), 1ULL << 50);
	put64(iommu_root(), READ_WRITE | 3);
	equal(translate(0x5000, true), 0x5000);
	put64(iommu_root(), 1ULL << 61 | 3);
	equal(translate(0x5000, true), ~0ULL);
	iommu_use(NULL);
	equal(translate(0x5000, true), 0x5000);
}

static bool no_answer(uint64_t address, uint64_t *value)
{
	(void)address;
	(void)value;
	return false;
}

static bool disabled(uint64_t address, uint64_t *value)
{
	(void)address;
	*value = 0;
	return true;
}

static void unknown_refuses(void)
{
	iommu_use(no_answer);
	equal(translate(0x5000, false), ~0ULL);
	iommu_use(disabled);
	equal(translate(0x5000, false), 0x5000);
}

const struct test iommu_tests[] = {
	{ "IOMMU: small pages", small_pages },
	{ "IOMMU: rights to read and write", rights },
	{ "IOMMU: large pages", large_pages },
	{ "IOMMU: levels left out", levels_left_out },
	{ "IOMMU: malformed tables", malformed_tables },
	{ "IOMMU: devices without translation", without_translation },
	{ "IOMMU: refuses if it cannot be read", unknown_refuses },
	{ NULL, NULL },
};
