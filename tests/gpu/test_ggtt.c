// SPDX-License-Identifier: GPL-2.0
/* Tests of the GGTT and its TLB. */
#include <stddef.h>

#include "bar.h"
#include "test.h"

#define A	0x10000ULL	/* pages */
#define B	0x11000ULL
#define C	0x12000ULL
#define GSM	(BAR0 + (8 << 20))

/* Entries 16 and 17 lead to pages A and B; A is full of 0xaa, C of 0xcc. */
static void two_pages(void)
{
	fill_page(A, 0xaa);
	fill_page(C, 0xcc);
	set_entry(16, A | 3);
	set_entry(17, B | 3);
	invalidate();
}

static void share(uint32_t id, uint32_t first, uint32_t nr)
{
	set_reg(GPU_CONTROL + GPU_SHARE, id);
	set_reg(GPU_CONTROL + GPU_FIRST, first);
	set_reg(GPU_CONTROL + GPU_NR, nr);
	equal(op(GPU_OP_SHARE), GPU_DONE);
}

static void copies(void)
{
	two_pages();
	equal(copy(GPU_GGTT, 16 * PAGE + 0x800, 17 * PAGE + 0x800, 0x801), GPU_NOT_PRESENT);
	equal(copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, PAGE), GPU_DONE);
	equal(get64(B + 0xff8), 0xaaaaaaaaaaaaaaaa);
	equal(control(GPU_ALL_VIOLATIONS), 0);
}

static void not_visible_before_invalidate(void)
{
	set_entry(16, A | 3);
	equal(copy(GPU_GGTT, 16 * PAGE, 16 * PAGE, 4), GPU_NOT_PRESENT);
	equal(violations(GPU_STALE_GGTT), 1);
	equal(control(GPU_COUNTER(GPU_DIRTY)), 1);
	set_reg(0x101008, 2);
	equal(control(GPU_COUNTER(GPU_INVALIDATES)), 0);
	invalidate();
	equal(control(GPU_COUNTER(GPU_INVALIDATES)), 1);
	equal(control(GPU_COUNTER(GPU_DIRTY)), 0);
	equal(copy(GPU_GGTT, 16 * PAGE, 16 * PAGE, 4), GPU_DONE);
	equal(violations(GPU_STALE_GGTT), 1);
}

static void stale_entry_leads_to_the_old_page(void)
{
	two_pages();
	set_entry(16, C | 3);
	equal(copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, PAGE), GPU_DONE);
	equal(get64(B), 0xaaaaaaaaaaaaaaaa);
	equal(violations(GPU_STALE_GGTT), 1);
	equal(control(GPU_RECORD(0) + GPU_RECORD_ADDRESS), 16 * PAGE);
	equal(control(GPU_RECORD(0) + GPU_RECORD_USED), A | 3);
	equal(control(GPU_RECORD(0) + GPU_RECORD_TABLE), C | 3);
	invalidate();
	equal(copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, PAGE), GPU_DONE);
	equal(get64(B), 0xcccccccccccccccc);
	equal(violations(GPU_STALE_GGTT), 1);
}

static void tlb_registers_leave_the_ggtt(void)
{
	two_pages();
	set_entry(16, C | 3);
	set_reg(0x4260, 1);
	copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, 8);
	equal(violations(GPU_STALE_GGTT), 1);
}

static void old_value_again_is_not_stale(void)
{
	two_pages();
	set_entry(16, C | 3);
	set_entry(16, A | 3);
	equal(control(GPU_COUNTER(GPU_DIRTY)), 0);
	equal(copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, PAGE), GPU_DONE);
	equal(control(GPU_ALL_VIOLATIONS), 0);
}

static void halves_and_bytes_merge(void)
{
	bar_write(GSM + 16 * 8 + 4, 0x11, 4);
	bar_write(GSM + 16 * 8, 0x2003, 4);
	bar_write(GSM + 16 * 8 + 2, 0x7f, 1);
	equal(bar_read(GSM + 16 * 8, 8), 0x11007f2003);
	equal(control(GPU_COUNTER(GPU_GSM_WRITES_PARTIAL)), 3);
	equal(control(GPU_COUNTER(GPU_GSM_READS)), 1);
}

static void beyond_the_table(void)
{
	equal(copy(GPU_GGTT, 1ULL << 32, 0, 4), GPU_BEYOND);
	equal(copy(GPU_GGTT, ~0ULL - 3, 0, 4), GPU_BEYOND);
	equal(control(GPU_FAULT_ADDRESS), ~0ULL - 3);
}

static void writes_per_share(void)
{
	share(0, 16, 16);
	share(1, 32, 16);
	set_entry(15, 1);
	set_entry(16, 1);
	set_entry(31, 1);
	set_entry(32, 1);
	set_entry(48, 1);
	equal(control(GPU_SHARE_REGS(0) + GPU_SHARE_WRITES), 2);
	equal(control(GPU_SHARE_REGS(1) + GPU_SHARE_WRITES), 1);
	equal(control(GPU_COUNTER(GPU_GSM_WRITES_HOST)), 2);
	equal(control(GPU_COUNTER(GPU_GSM_WRITES_SHARES)), 3);
	equal(control(GPU_COUNTER(GPU_GSM_WRITES)), 5);
}

static void frozen_entries(void)
{
	share(0, 16, 16);
	share(1, 32, 16);
	set_reg(GPU_CONTROL + GPU_SHARE, 1);
	equal(op(GPU_OP_FREEZE), GPU_DONE);
	set_reg(GPU_CONTROL + GPU_SHARE, GPU_HOST);
	equal(op(GPU_OP_FREEZE), GPU_DONE);
	set_entry(16, 1);
	equal(violations(GPU_FROZEN_WRITE), 0);
	set_entry(32, 1);
	equal(violations(GPU_FROZEN_WRITE), 1);
	equal(control(GPU_SHARE_REGS(1) + GPU_SHARE_VIOLATIONS), 1);
	set_entry(0, 1);
	equal(violations(GPU_FROZEN_WRITE), 2);
	equal(op(GPU_OP_THAW), GPU_DONE);
	set_entry(0, 3);
	equal(violations(GPU_FROZEN_WRITE), 2);
}

static void released_before_the_invalidate(void)
{
	setup_iommu();
	share(0, 16, 16);
	two_pages();
	set_entry(16, C | 3);
	iommu_unmap(A);
	invalidate();
	equal(violations(GPU_HELD_RELEASED), 1);
	equal(control(GPU_RECORD(0) + GPU_RECORD_USED), A | 3);
}

static void released_after_the_invalidate(void)
{
	setup_iommu();
	share(0, 16, 16);
	two_pages();
	set_entry(16, C | 3);
	invalidate();
	iommu_unmap(A);
	equal(copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, PAGE), GPU_DONE);
	equal(op(GPU_OP_CHECK), GPU_DONE);
	equal(control(GPU_ALL_VIOLATIONS), 0);
}

static void the_host_may_release_first(void)
{
	two_pages();
	set_control(GPU_FROM, A);
	set_control(GPU_LENGTH, PAGE);
	equal(op(GPU_OP_RELEASE), GPU_DONE);
	set_entry(16, C | 3);
	invalidate();
	equal(control(GPU_ALL_VIOLATIONS), 0);
}

/* An entry for C is replaced before an invalidate: the GPU may have seen it. */
static void released_in_passing(void)
{
	setup_iommu();
	share(0, 16, 16);
	two_pages();
	set_entry(16, C | 3);
	set_entry(16, A | 3);
	iommu_unmap(C);
	equal(violations(GPU_HELD_RELEASED), 0);
	invalidate();
	equal(violations(GPU_HELD_RELEASED), 1);
	equal(control(GPU_RECORD(0) + GPU_RECORD_USED), C | 3);
	iommu_map(C, C);
	set_entry(16, C | 3);
	set_entry(16, A | 3);
	invalidate();
	iommu_unmap(C);
	invalidate();
	equal(violations(GPU_HELD_RELEASED), 1);
}

static void use_of_a_released_page(void)
{
	setup_iommu();
	share(0, 16, 16);
	two_pages();
	iommu_unmap(A);
	equal(copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, PAGE), GPU_REFUSED);
	equal(violations(GPU_USED_RELEASED), 1);
	iommu_map(A, C);
	equal(copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, PAGE), GPU_DONE);
	equal(violations(GPU_USED_RELEASED), 2);
	equal(violations(GPU_DMA_REFUSED), 0);
}

static void released_by_the_test(void)
{
	share(0, 16, 16);
	two_pages();
	set_control(GPU_FROM, A);
	set_control(GPU_LENGTH, PAGE);
	equal(op(GPU_OP_RELEASE), GPU_DONE);
	equal(violations(GPU_HELD_RELEASED), 1);
	copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, PAGE);
	equal(violations(GPU_USED_RELEASED), 1);
	set_control(GPU_FROM, A);
	set_control(GPU_LENGTH, PAGE);
	equal(op(GPU_OP_TAKE), GPU_DONE);
	copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, PAGE);
	equal(violations(GPU_USED_RELEASED), 1);
}

static void refused_and_no_memory(void)
{
	setup_iommu();
	iommu_unmap(A);
	two_pages();
	set_entry(18, RAM_BYTES * 16 | 3);
	invalidate();
	equal(copy(GPU_GGTT, 16 * PAGE, 17 * PAGE, 4), GPU_REFUSED);
	equal(violations(GPU_DMA_REFUSED), 1);
	equal(control(GPU_COUNTER(GPU_FAULTS)), 1);
	equal(copy(GPU_GGTT, 18 * PAGE, 17 * PAGE, 4), GPU_REFUSED);
	setup();
	set_entry(18, RAM_BYTES * 16 | 3);
	invalidate();
	equal(copy(GPU_GGTT, 18 * PAGE, 17 * PAGE, 4), GPU_NO_MEMORY);
	equal(violations(GPU_DMA_NO_MEMORY), 1);
}

static void fault_registers(void)
{
	copy(GPU_GGTT, 0x12345678, 0, 4);
	equal(reg(0x4094), 1 | 1 << 11);
	equal(reg(0x4b10), 0x12345);
	equal(reg(0x4b14), 1 << 4);
	set_reg(GPU_CONTROL + GPU_ENGINE, GPU_VECS);
	copy(GPU_GGTT, 0, 0, 4);
	equal(reg(0x4b10), 0x12345);
	set_reg(0x4094, 0);
	copy(GPU_GGTT, 0, 0, 4);
	equal(reg(0x4094), 1 | 1 << 11 | 3 << 12);
	equal(control(GPU_COUNTER(GPU_FAULTS)), 3);
	equal(control(GPU_ENGINE_COUNTER(GPU_VECS, GPU_ENGINE_FAULTS)), 2);
}

static void aperture(void)
{
	two_pages();
	equal(bar_read(BAR2 + 16 * PAGE + 8, 8), 0xaaaaaaaaaaaaaaaa);
	bar_write(BAR2 + 17 * PAGE + 2, 0xbeef, 2);
	equal(get64(B), 0xbeef0000);
	equal(bar_read(BAR2, 4), 0xffffffff);
	equal(control(GPU_COUNTER(GPU_APERTURE)), 3);
	equal(control(GPU_COUNTER(GPU_FAULTS)), 0);
}

static void entries_read(void)
{
	two_pages();
	set_entry(16, C | 3);
	set_control(GPU_FROM, 16 * PAGE);
	equal(op(GPU_OP_ENTRY), GPU_DONE);
	equal(control(GPU_VALUE), C | 3);
	equal(control(GPU_OTHER), A | 3);
	set_control(GPU_FROM, 1ULL << 32);
	equal(op(GPU_OP_ENTRY), GPU_BEYOND);
	equal(control(GPU_ALL_VIOLATIONS), 0);
}

const struct test ggtt_tests[] = {
	{ "GGTT: pages are copied", copies },
	{ "GGTT: an entry is not used before the invalidate", not_visible_before_invalidate },
	{ "GGTT: a stale entry leads to the old page", stale_entry_leads_to_the_old_page },
	{ "GGTT: invalidates of engines' TLBs leave it", tlb_registers_leave_the_ggtt },
	{ "GGTT: the old value again is not stale", old_value_again_is_not_stale },
	{ "GGTT: halves and bytes merge", halves_and_bytes_merge },
	{ "GGTT: addresses beyond the table", beyond_the_table },
	{ "GGTT: writes are counted for each share", writes_per_share },
	{ "GGTT: frozen entries", frozen_entries },
	{ "GGTT: a page released before the invalidate", released_before_the_invalidate },
	{ "GGTT: a page released after the invalidate", released_after_the_invalidate },
	{ "GGTT: the host may release first", the_host_may_release_first },
	{ "GGTT: the page of an entry that was there for a moment", released_in_passing },
	{ "GGTT: use of a page that the IOMMU has released", use_of_a_released_page },
	{ "GGTT: use of a page that the test has released", released_by_the_test },
	{ "GGTT: DMA refused, and to where no RAM is", refused_and_no_memory },
	{ "GGTT: faults are in registers", fault_registers },
	{ "GGTT: the aperture", aperture },
	{ "GGTT: entries are read", entries_read },
	{ NULL, NULL },
};
