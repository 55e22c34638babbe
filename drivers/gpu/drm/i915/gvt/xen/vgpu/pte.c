// SPDX-License-Identifier: GPL-2.0
/*
 * Formats of graphics page-table entries; see pte.h.
 */

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "pte.h"

/*
 * Bits of Haswell's entries; bits 10:4 are the address's 38:32. None is ignored: those of a PDE
 * that are not named here are the page's size, reserved, and the address's bit 39 of other parts
 * (i915's GEN6_PDE_ADDR_ENCODE).
 */
#define HSW_PRESENT	BIT_ULL(0)
#define HSW_CACHE	(GENMASK_ULL(3, 1) | BIT_ULL(11))
#define HSW_ADDRESS	GENMASK_ULL(31, 12)
#define HSW_HIGH	GENMASK_ULL(10, 4)
#define HSW_HIGH_SHIFT	28

/* Bits of gen8 and gen9 entries */
#define GEN8_PRESENT	BIT_ULL(0)
#define GEN8_RW		BIT_ULL(1)
#define GEN8_PWT	BIT_ULL(3)
#define GEN8_PCD	BIT_ULL(4)
#define GEN8_PAT	BIT_ULL(7)	/* of a page of 4 or 64 KiB */
#define GEN8_PS		BIT_ULL(7)	/* on levels 2 and 3: a large page */
#define GEN8_IPS	BIT_ULL(11)	/* on level 2: the page table has pages of 64 KiB */
#define GEN8_LARGE_PAT	BIT_ULL(12)
#define GEN8_ADDRESS	GENMASK_ULL(45, 12)
#define GEN8_ADDRESS_2M	GENMASK_ULL(45, 21)

/*
 * Bits that the GPU ignores on all levels. The formats are those of the CPU's tables: U/S (2)
 * and A (5) mean something only to contexts that share them (SVM, which no virtual GPU has), D (6)
 * and G (8) only for pages, EA (10) nothing before that, and 9 and 62:52 are ignored (PRM, volume
 * 5, "PTE: Page Table Entry for 4KB Page" and the tables that follow). 63 would be XD, and 51:46
 * are beyond the address.
 */
#define GEN8_IGNORED	(BIT_ULL(2) | GENMASK_ULL(6, 5) | GENMASK_ULL(10, 8) | GENMASK_ULL(62, 52))
/* 11 is IPS only where an entry leads to a page table. */
#define GEN8_NO_IPS	BIT_ULL(11)

static const struct xengt_pte_format hsw_pte = {
	.size = sizeof(u32),
	.present = HSW_PRESENT,
	.address = HSW_ADDRESS,
	.high = HSW_HIGH,
	.high_shift = HSW_HIGH_SHIFT,
	.flags = HSW_CACHE,
};

static const struct xengt_pte_format hsw_pde = {
	.size = sizeof(u32),
	.present = HSW_PRESENT,
	.address = HSW_ADDRESS,
	.high = HSW_HIGH,
	.high_shift = HSW_HIGH_SHIFT,
};

static const struct xengt_pte_format gen8_pte = {
	.size = sizeof(u64),
	.present = GEN8_PRESENT,
	.address = GEN8_ADDRESS,
	.flags = GEN8_RW | GEN8_PWT | GEN8_PCD | GEN8_PAT,
	.ignored = GEN8_IGNORED | GEN8_NO_IPS,
};

static const struct xengt_pte_format gen8_pde = {
	.size = sizeof(u64),
	.present = GEN8_PRESENT,
	.address = GEN8_ADDRESS,
	.flags = GEN8_RW | GEN8_PWT | GEN8_PCD | GEN8_IPS,
	.ignored = GEN8_IGNORED,
};

static const struct xengt_pte_format gen8_2m = {
	.size = sizeof(u64),
	.present = GEN8_PRESENT,
	.address = GEN8_ADDRESS_2M,
	.flags = GEN8_RW | GEN8_PWT | GEN8_PCD | GEN8_PS | GEN8_LARGE_PAT,
	.ignored = GEN8_IGNORED | GEN8_NO_IPS,
};

/* PML4 entries, too */
static const struct xengt_pte_format gen8_pdpe = {
	.size = sizeof(u64),
	.present = GEN8_PRESENT,
	.address = GEN8_ADDRESS,
	.flags = GEN8_RW | GEN8_PWT | GEN8_PCD,
	.ignored = GEN8_IGNORED | GEN8_NO_IPS,
};

static const struct xengt_gtt_format formats[] = {
	{
		.generation = 7,
		.last_generation = 7,
		.gtt_offset = SZ_2M,
		.gtt_entries = SZ_2M / sizeof(u32),
		.ggtt = &hsw_pte,
		.roots = BIT(2),
		.root_in_ggtt = true,
		.level = {
			[1] = { .entries = 1024, .shift = 12, .pte = &hsw_pte },
			[2] = { .entries = 512, .shift = 22, .pte = &hsw_pde },
		},
	},
	{
		.generation = 8,
		.last_generation = 9,
		.gtt_offset = SZ_8M,
		.gtt_entries = SZ_8M / sizeof(u64),
		.ggtt = &gen8_pte,
		.roots = BIT(3) | BIT(4),
		.level = {
			[1] = { .entries = 512, .shift = 12, .pte = &gen8_pte },
			[2] = {
				.entries = 512,
				.shift = 21,
				.pte = &gen8_pde,
				.large = GEN8_PS,
				.large_pte = &gen8_2m,
				.wide = GEN8_IPS,
				.table_flags = GEN8_RW,
				.large_pat = GEN8_LARGE_PAT,
				.small_pat = GEN8_PAT,
			},
			[3] = {
				.entries = 512,
				.shift = 30,
				.pte = &gen8_pdpe,
				.large = GEN8_PS,
			},
			[4] = { .entries = 512, .shift = 39, .pte = &gen8_pdpe },
		},
	},
};

/* The page tables of a generation, NULL if it is not known. */
const struct xengt_gtt_format *xengt_gtt_format(unsigned int generation)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (generation >= formats[i].generation &&
		    generation <= formats[i].last_generation)
			return &formats[i];
	}
	return NULL;
}

/* The highest frame number that an entry can hold. */
u64 xengt_pte_max_frame(const struct xengt_pte_format *format)
{
	return (format->address | format->high << format->high_shift) >> XENGT_PAGE_SHIFT;
}

/* An entry with reserved bits set means nothing; it must not be taken for another one. */
bool xengt_pte_valid(const struct xengt_pte_format *format, u64 pte)
{
	return !(pte & ~(format->present | format->address | format->high | format->flags |
			 format->ignored));
}

/* The frame number that an entry names. */
u64 xengt_pte_frame(const struct xengt_pte_format *format, u64 pte)
{
	return ((pte & format->address) | (pte & format->high) << format->high_shift) >>
	       XENGT_PAGE_SHIFT;
}

/* A present entry for the frame, which fits, with the flags of another entry. */
u64 xengt_pte_encode(const struct xengt_pte_format *format, u64 frame, u64 flags_from)
{
	u64 addr = frame << XENGT_PAGE_SHIFT;

	return (addr & format->address) | (addr >> format->high_shift & format->high) |
	       (flags_from & format->flags) | format->present;
}

/* An entry of a table in memory, in one load. */
u64 xengt_pte_load(const struct xengt_pte_format *format, const void *table, unsigned int index)
{
	if (format->size == sizeof(u32))
		return READ_ONCE(((const u32 *)table)[index]);
	return READ_ONCE(((const u64 *)table)[index]);
}

/* Writes an entry of a table in memory, in one store: a GPU sees it whole. */
void xengt_pte_store(const struct xengt_pte_format *format, void *table, unsigned int index,
		     u64 pte)
{
	if (format->size == sizeof(u32))
		WRITE_ONCE(((u32 *)table)[index], pte);
	else
		WRITE_ONCE(((u64 *)table)[index], pte);
}
