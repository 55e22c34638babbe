// SPDX-License-Identifier: GPL-2.0
/* Tests of PPGTTs and the engines' TLBs. */
#include <stddef.h>

#include "bits.h"
#include "judge.h"
#include "test.h"

#define PML4	0x20000ULL
#define PDP	0x21000ULL
#define PD	0x22000ULL
#define PT	0x23000ULL
#define PT2	0x24000ULL
#define A	0x30000ULL	/* pages */
#define B	0x31000ULL
#define C	0x32000ULL
#define LARGE	0x400000ULL
#define MEDIUM	0x200000ULL
#define P	3ULL		/* present, writable */
#define PS	BIT_ULL(7)
#define IPS	BIT_ULL(11)

/* A graphics address by the indices of its entries */
static uint64_t at(uint64_t l4, uint64_t l3, uint64_t l2, uint64_t l1)
{
	return l4 << 39 | l3 << 30 | l2 << 21 | l1 << 12;
}

static void use(uint32_t engine, uint32_t levels)
{
	unsigned int i;

	set_reg(GPU_CONTROL + GPU_ENGINE, engine);
	set_reg(GPU_CONTROL + GPU_LEVELS, levels);
	for (i = 0; i < 4; i++)
		set_control(GPU_PDP(i), 0);
	set_control(GPU_PDP(levels == 4 ? 0 : 3), levels == 4 ? PML4 : PD);
}

/* Of 4 levels, with pages at 1/2/3/4 and 1/2/3/5; or of 3 levels, at 3/3/4 and 3/3/5 */
static void two_pages(uint32_t engine, uint32_t levels)
{
	use(engine, levels);
	put64(PML4 + 1 * 8, PDP | P);
	put64(PDP + 2 * 8, PD | P);
	put64(PD + 3 * 8, PT | P);
	put64(PT + 4 * 8, A | P);
	put64(PT + 5 * 8, B | P);
	fill_page(A, 0xaa);
	fill_page(C, 0xcc);
}

static uint64_t source(void)
{
	return at(1, 2, 3, 4);
}

static uint32_t copy_page(void)
{
	return copy(GPU_PPGTT, source(), source() + PAGE, PAGE);
}

static void four_levels(void)
{
	two_pages(GPU_RCS, 4);
	equal(copy_page(), GPU_DONE);
	equal(get64(B + 0xff8), 0xaaaaaaaaaaaaaaaa);
	equal(copy(GPU_PPGTT, 1ULL << 48, 0, 4), GPU_BEYOND);
	equal(control(GPU_ALL_VIOLATIONS), 0);
	equal(control(GPU_ENGINE_COUNTER(GPU_RCS, GPU_LOADS)), 1);
}

static void three_levels(void)
{
	uint64_t from = at(0, 3, 3, 4);

	two_pages(GPU_BCS, 3);
	equal(copy(GPU_PPGTT, from, from + PAGE, PAGE), GPU_DONE);
	equal(get64(B), 0xaaaaaaaaaaaaaaaa);
	equal(copy(GPU_PPGTT, 1ULL << 32, 0, 4), GPU_BEYOND);
	equal(copy(GPU_PPGTT, at(0, 2, 3, 4), from, 4), GPU_NOT_PRESENT);
}

static uint32_t walk(uint64_t graphics)
{
	set_control(GPU_FROM, graphics);
	return op(GPU_OP_WALK);
}

static void sizes(void)
{
	two_pages(GPU_RCS, 4);
	put64(PD + 4 * 8, LARGE | PS | P);
	put64(PD + 5 * 8, PT2 | IPS | P);
	put64(PT2 + 16 * 8, MEDIUM | P);
	put64(PDP + 3 * 8, PS | P);
	equal(walk(at(1, 2, 4, 511) + 0x123), GPU_DONE);
	equal(control(GPU_VALUE), LARGE + 0x1ff123);
	equal(control(GPU_OTHER), 2ULL << 32 | 2 << 20);
	equal(walk(at(1, 2, 5, 31) + 0x123), GPU_DONE);
	equal(control(GPU_VALUE), MEDIUM + 0xf123);
	equal(control(GPU_OTHER), 1ULL << 32 | 64 << 10);
	equal(walk(at(1, 2, 5, 32)), GPU_NOT_PRESENT);
	equal(walk(at(1, 3, 4, 5)), GPU_DONE);
	equal(control(GPU_VALUE), 4 << 21 | 5 << 12);
	equal(control(GPU_OTHER), 3ULL << 32 | 1 << 30);
	fill_page(LARGE + 0x1ff000, 0x77);
	equal(copy(GPU_PPGTT, at(1, 2, 4, 511), at(1, 2, 5, 30), PAGE), GPU_DONE);
	equal(get64(MEDIUM + 0xe000), 0x7777777777777777);
}

/* The bit for 64K means nothing in entries for other tables than page tables. */
static void ips_elsewhere(void)
{
	two_pages(GPU_RCS, 4);
	put64(PML4 + 1 * 8, PDP | IPS | P);
	put64(PDP + 2 * 8, PD | IPS | P);
	equal(copy_page(), GPU_DONE);
	equal(get64(B), 0xaaaaaaaaaaaaaaaa);
}

/* What is contiguous on the bus need not be so in memory. */
static void large_page_in_pieces(void)
{
	setup_iommu();
	two_pages(GPU_RCS, 4);
	put64(PD + 4 * 8, LARGE | PS | P);
	iommu_map(LARGE + PAGE, C);
	equal(copy(GPU_PPGTT, at(1, 2, 4, 1), source() + PAGE, 8), GPU_DONE);
	equal(get64(B), 0xcccccccccccccccc);
	op(GPU_OP_CHECK);
	equal(control(GPU_ALL_VIOLATIONS), 0);
	iommu_unmap(LARGE + 0x1ff000);
	op(GPU_OP_CHECK);
	equal(violations(GPU_HELD_RELEASED), 1);
}

static void not_present(void)
{
	static const uint64_t entries[] = { PML4 + 8, PDP + 16, PD + 24, PT + 32 };
	unsigned int i;
	uint64_t entry;

	two_pages(GPU_RCS, 4);
	for (i = 0; i < 4; i++) {
		entry = get64(entries[i]);
		put64(entries[i], entry & ~1ULL);
		equal(copy_page(), GPU_NOT_PRESENT);
		put64(entries[i], entry);
		equal(copy_page(), GPU_DONE);
		op(GPU_OP_LOAD);
	}
	equal(control(GPU_ALL_VIOLATIONS), 0);
	equal(reg(0x4b14) >> 4 & 1, 0);
	equal((uint64_t)(reg(0x4b14) & 0xf) << 44 | (uint64_t)reg(0x4b10) << 12, source());
}

static void read_only(void)
{
	two_pages(GPU_RCS, 4);
	put64(PT + 5 * 8, B | 1);
	equal(copy_page(), GPU_READ_ONLY);
	equal(get64(B), 0);
	equal(reg(0x4094), 1 | 3 << 1);
}

/* What the two addresses' entries led to stays in the TLB. */
static void replace_source(void)
{
	two_pages(GPU_RCS, 4);
	copy_page();
	put64(PT + 4 * 8, C | P);
}

static void expect_old(void)
{
	equal(copy_page(), GPU_DONE);
	equal(get64(B), 0xaaaaaaaaaaaaaaaa);
	equal(violations(GPU_STALE_PPGTT), 1);
}

static void expect_new(void)
{
	equal(copy_page(), GPU_DONE);
	equal(get64(B), 0xcccccccccccccccc);
	equal(control(GPU_ALL_VIOLATIONS), 0);
}

static void stale_page(void)
{
	replace_source();
	expect_old();
	equal(control(GPU_RECORD(0) + GPU_RECORD_ADDRESS), source());
	equal(control(GPU_RECORD(0) + GPU_RECORD_USED), A | P);
	equal(control(GPU_RECORD(0) + GPU_RECORD_TABLE), C | P);
}

static void stale_directory(void)
{
	two_pages(GPU_RCS, 4);
	copy_page();
	put64(PT2 + 6 * 8, C | P);
	put64(PD + 3 * 8, PT2 | P);
	equal(copy(GPU_PPGTT, at(1, 2, 3, 6), source(), 4), GPU_NOT_PRESENT);
	equal(violations(GPU_STALE_PPGTT), 1);
}

static void invalidate_by_register(void)
{
	replace_source();
	set_reg(0x4260, 1);
	equal(control(GPU_ENGINE_COUNTER(GPU_RCS, GPU_TLB_INVALIDATES)), 1);
	expect_new();
}

static void invalidate_of_others(void)
{
	replace_source();
	set_reg(0x4264, 1);
	set_reg(0x4268, 1);
	set_reg(0x426c, 1);
	set_reg(0x4270, 1);
	set_reg(0x4260, 2);
	invalidate();
	expect_old();
}

static void context_load(void)
{
	replace_source();
	equal(op(GPU_OP_LOAD), GPU_DONE);
	expect_new();
	equal(control(GPU_ENGINE_COUNTER(GPU_RCS, GPU_LOADS)), 2);
}

static void root_is_told(void)
{
	two_pages(GPU_RCS, 4);
	copy_page();
	set_control(GPU_PDP(0), 0);
	set_reg(GPU_CONTROL + GPU_LEVELS, 0);
	equal(op(GPU_OP_ROOT), GPU_DONE);
	equal(control(GPU_PDP(0)), PML4);
	equal(reg(GPU_CONTROL + GPU_LEVELS), 4);
}

static void another_context(void)
{
	replace_source();
	set_control(GPU_PDP(0), PDP);
	copy(GPU_PPGTT, 0, 0, 4);
	set_control(GPU_PDP(0), PML4);
	expect_new();
}

static void reset_forgets(void)
{
	replace_source();
	set_reg(0x941c, 1 << 3);
	expect_old();
	setup();
	replace_source();
	set_reg(0x941c, 1 << 1);
	expect_new();
}

static void engines_have_their_own(void)
{
	replace_source();
	set_reg(GPU_CONTROL + GPU_ENGINE, GPU_VECS);
	expect_new();
	set_reg(GPU_CONTROL + GPU_ENGINE, GPU_RCS);
	expect_old();
}

static void not_present_is_not_kept(void)
{
	two_pages(GPU_RCS, 4);
	put64(PT + 5 * 8, 0);
	equal(copy_page(), GPU_NOT_PRESENT);
	put64(PT + 5 * 8, B | P);
	equal(copy_page(), GPU_DONE);
	equal(control(GPU_ALL_VIOLATIONS), 0);
}

static void release_before_invalidate(void)
{
	setup_iommu();
	replace_source();
	iommu_unmap(A);
	set_reg(0x4260, 1);
	equal(violations(GPU_HELD_RELEASED), 1);
	equal(control(GPU_RECORD(0) + GPU_RECORD_ADDRESS), source());
}

static void release_after_invalidate(void)
{
	setup_iommu();
	replace_source();
	set_reg(0x4260, 1);
	iommu_unmap(A);
	op(GPU_OP_CHECK);
	expect_new();
}

static void release_of_a_table(void)
{
	setup_iommu();
	two_pages(GPU_RCS, 4);
	copy_page();
	iommu_unmap(PT);
	op(GPU_OP_CHECK);
	equal(violations(GPU_HELD_RELEASED), 1);
	copy_page();
	check(violations(GPU_STALE_PPGTT));
}

static void release_by_the_test(void)
{
	two_pages(GPU_RCS, 4);
	put64(PD + 4 * 8, LARGE | PS | P);
	copy(GPU_PPGTT, at(1, 2, 4, 0), source(), 4);
	set_control(GPU_FROM, LARGE + 0x10000);
	set_control(GPU_LENGTH, PAGE);
	op(GPU_OP_RELEASE);
	equal(violations(GPU_HELD_RELEASED), 1);
	copy(GPU_PPGTT, at(1, 2, 4, 0), source(), 4);
	equal(violations(GPU_USED_RELEASED), 0);
	copy(GPU_PPGTT, at(1, 2, 4, 16), source(), 4);
	equal(violations(GPU_USED_RELEASED), 1);
}

static void use_after_release(void)
{
	setup_iommu();
	two_pages(GPU_RCS, 4);
	copy_page();
	iommu_unmap(A);
	equal(copy_page(), GPU_REFUSED);
	equal(violations(GPU_USED_RELEASED), 1);
	iommu_map(A, C);
	equal(copy_page(), GPU_DONE);
	equal(violations(GPU_USED_RELEASED), 2);
}

static void table_refused(void)
{
	setup_iommu();
	two_pages(GPU_RCS, 4);
	iommu_unmap(PD);
	equal(copy_page(), GPU_REFUSED);
	equal(violations(GPU_DMA_REFUSED), 1);
	put64(PDP + 2 * 8, 1ULL << 38 | P);
	op(GPU_OP_LOAD);
	equal(copy_page(), GPU_REFUSED);
}

/* More entries than the TLB has: it forgets, and all are right. */
static void overflow(void)
{
	uint64_t i;

	two_pages(GPU_RCS, 4);
	put64(PDP + 2 * 8, PD | P);
	for (i = 0; i < 512; i++) {
		put64(PD + i * 8, PT | P);
		put64(PT + i * 8, B | P);
	}
	for (i = 0; i < 40; i++)
		equal(copy(GPU_PPGTT, at(1, 2, i, 0), at(1, 2, i + 40, 0), 512 * PAGE), GPU_DONE);
	equal(control(GPU_ALL_VIOLATIONS), 0);
}

const struct test ppgtt_tests[] = {
	{ "PPGTT: 4 levels", four_levels },
	{ "PPGTT: 3 levels", three_levels },
	{ "PPGTT: pages of 64K, 2M, 1G", sizes },
	{ "PPGTT: the bit for 64K elsewhere", ips_elsewhere },
	{ "PPGTT: a large page in pieces", large_page_in_pieces },
	{ "PPGTT: entries that are not present", not_present },
	{ "PPGTT: read-only pages", read_only },
	{ "PPGTT: a stale entry leads to the old page", stale_page },
	{ "PPGTT: a stale entry of a directory", stale_directory },
	{ "PPGTT: an engine's TLB is invalidated by its register", invalidate_by_register },
	{ "PPGTT: and by no other", invalidate_of_others },
	{ "PPGTT: a context load forgets", context_load },
	{ "PPGTT: the root that is loaded is told", root_is_told },
	{ "PPGTT: another context's PPGTT", another_context },
	{ "PPGTT: a reset of the engine forgets", reset_forgets },
	{ "PPGTT: engines have TLBs of their own", engines_have_their_own },
	{ "PPGTT: what is not present is not kept", not_present_is_not_kept },
	{ "PPGTT: a page released before the invalidate", release_before_invalidate },
	{ "PPGTT: a page released after the invalidate", release_after_invalidate },
	{ "PPGTT: a table that is released", release_of_a_table },
	{ "PPGTT: part of a large page that the test has released", release_by_the_test },
	{ "PPGTT: use of a page that the IOMMU has released", use_after_release },
	{ "PPGTT: tables that the IOMMU refuses", table_refused },
	{ "PPGTT: more entries than a TLB has", overflow },
	{ NULL, NULL },
};
