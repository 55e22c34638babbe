// SPDX-License-Identifier: GPL-2.0
/*
 * Formats of graphics page-table entries; see pte.h.
 *
 * Locking: none, the formats are constant. Loads and stores of entries are the callers' to order.
 */

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "abi/pte.h"

/*
 * Bits of Haswell's entries. Bits 10:4 hold bits 38:32 of the address. The GPU ignores no bit: in a
 * PDE the bits that are not named here are the page size, reserved bits, and on other parts bit 39
 * of the address (i915's GEN6_PDE_ADDR_ENCODE).
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
#define GEN8_PAT	BIT_ULL(7)	/* level 1: a page of 4 or 64 KiB */
#define GEN8_PS		BIT_ULL(7)	/* levels 2 and 3: the entry names a large page */
#define GEN8_IPS	BIT_ULL(11)	/* level 2: the page table has pages of 64 KiB */
#define GEN8_LARGE_PAT	BIT_ULL(12)
#define GEN8_ADDRESS	GENMASK_ULL(45, 12)
#define GEN8_ADDRESS_2M	GENMASK_ULL(45, 21)

/*
 * Bits that the GPU ignores on all levels. The formats are those of the CPU's page tables. The GPU
 * uses U/S (2), A (5) and EA (10), and in entries of pages D (6) and G (8), only for contexts that
 * share the CPU's tables (SVM, which no virtual GPU has). It ignores bits 9 and 62:52 (PRM, volume
 * 5, "PTE: Page Table Entry for 4KB Page" and the tables that follow). Bit 63 would be XD, and bits
 * 51:46 are beyond the address: both are reserved.
 */
#define GEN8_IGNORED	(BIT_ULL(2) | GENMASK_ULL(6, 5) | GENMASK_ULL(10, 8) | GENMASK_ULL(62, 52))
/* Bit 11 is IPS only in an entry that points to a page table; elsewhere the GPU ignores it. */
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

/* Entries of levels 3 and 4 (PDPE and PML4E) */
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
				.ips_64k = GEN8_IPS,
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

/* Returns the page-table formats of a GPU generation, NULL if it is not supported. */
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

/* Returns the highest frame number that an entry can hold. */
u64 xengt_pte_max_frame(const struct xengt_pte_format *format)
{
	return (format->address | format->high << format->high_shift) >> XENGT_PAGE_SHIFT;
}

/* Returns false if a reserved bit is set: the meaning of such an entry is unknown. */
bool xengt_pte_valid(const struct xengt_pte_format *format, u64 pte)
{
	return !(pte & ~(format->present | format->address | format->high | format->flags |
			 format->ignored));
}

/* Returns the frame number in an entry. */
u64 xengt_pte_frame(const struct xengt_pte_format *format, u64 pte)
{
	return ((pte & format->address) | (pte & format->high) << format->high_shift) >>
	       XENGT_PAGE_SHIFT;
}

/*
 * Returns a present entry that names @frame (at most xengt_pte_max_frame()) and has the flags of
 * @flags_from, an entry of the same format.
 */
u64 xengt_pte_encode(const struct xengt_pte_format *format, u64 frame, u64 flags_from)
{
	u64 addr = frame << XENGT_PAGE_SHIFT;

	return (addr & format->address) | (addr >> format->high_shift & format->high) |
	       (flags_from & format->flags) | format->present;
}

/* Reads an entry of a table in memory, with one load. */
u64 xengt_pte_load(const struct xengt_pte_format *format, const void *table, unsigned int index)
{
	if (format->size == sizeof(u32))
		return READ_ONCE(((const u32 *)table)[index]);
	return READ_ONCE(((const u64 *)table)[index]);
}

/* Writes an entry of a table in memory, with one store: the GPU sees the old or the new entry. */
void xengt_pte_store(const struct xengt_pte_format *format, void *table, unsigned int index,
		     u64 pte)
{
	if (format->size == sizeof(u32))
		WRITE_ONCE(((u32 *)table)[index], pte);
	else
		WRITE_ONCE(((u64 *)table)[index], pte);
}
