/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Formats of graphics page-table entries: one table of descriptions for all generations, no code
 * that knows generations.
 *
 * Every bit of a present entry is one of three kinds:
 *  - kept: it means something to the GPU, and the guest may choose it for the shadow entry: the
 *    address and the flags;
 *  - ignored: the GPU does not look at it, so that a driver may keep notes there: it is accepted,
 *    and not copied;
 *  - reserved: it must be 0. An entry that has it set means nothing we know, and becomes scratch.
 *
 * Sources: the PRMs of Haswell, Broadwell, Skylake and Kaby Lake, volume 5 "Memory views" (GGTT
 * and PPGTT entries), i915's intel_gtt.h (GEN6_PTE_*, HSW_*, GEN8_PAGE_*, GEN8_PDE_*), and GVT-g's
 * gtt.c, which copies all bits but the address and keeps a note in bit 52 of its shadow entries.
 */

#ifndef _XENGT_PTE_H
#define _XENGT_PTE_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * struct xengt_pte_format - entries of one kind
 * @size: of an entry, in bytes
 * @present: the bit that makes an entry valid
 * @address: the bits of the address that stand in their place, as a mask
 * @high: the bits that hold higher bits of the address, folded down, as a mask
 * @high_shift: how far down they are folded
 * @flags: the bits that the guest may choose for the shadow entry, besides @present
 * @ignored: the bits that mean nothing to the GPU
 *
 * Bits that are in none of the masks are reserved.
 */
struct xengt_pte_format {
	unsigned int size;
	u64 present;
	u64 address;
	u64 high;
	unsigned int high_shift;
	u64 flags;
	u64 ignored;
};

/**
 * struct xengt_level - the entries of one level of a PPGTT
 * @entries: how many a table has
 * @shift: what an entry covers, in bits of the address
 * @pte: entries that lead to a table of the level below, or on level 1 to a page of 4 KiB
 * @large: the bit that makes an entry a large page; 0 if there are none
 * @large_pte: its format, with @large among the address's neighbours as a flag; NULL: not supported
 * @wide: the bit that says that the table below is one of pages of 64 KiB; 0 if there is none
 * @table_flags: flags for an entry of ours that leads to a table where the guest has a large page
 * @large_pat: the bit of a large page's entry that is @small_pat in an entry of level 1
 * @small_pat: see @large_pat
 */
struct xengt_level {
	unsigned int entries;
	unsigned int shift;
	const struct xengt_pte_format *pte;
	u64 large;
	const struct xengt_pte_format *large_pte;
	u64 wide;
	u64 table_flags;
	u64 large_pat;
	u64 small_pat;
};

/* Levels are counted from 1, the tables whose entries name pages, upwards. */
#define XENGT_MAX_LEVELS	4

/**
 * struct xengt_gtt_format - the page tables of a generation
 * @generation: the first that has them
 * @last_generation: the last that has them
 * @gtt_offset: where the GTT starts in BAR 0, in bytes
 * @gtt_entries: how many entries the GTT has
 * @ggtt: the GGTT's entries
 * @roots: the numbers of levels that a PPGTT can have, as a mask
 * @root_in_ggtt: the table of the highest level is made of entries of the GGTT
 * @level: the levels of a PPGTT; [0] is not used
 */
struct xengt_gtt_format {
	unsigned int generation;
	unsigned int last_generation;
	u64 gtt_offset;
	unsigned long gtt_entries;
	const struct xengt_pte_format *ggtt;
	unsigned long roots;
	bool root_in_ggtt;
	struct xengt_level level[XENGT_MAX_LEVELS + 1];
};

/* The unit of addresses in entries: GFNs and BFNs count pages of 4 KiB. */
#define XENGT_PAGE_SHIFT	12
#define XENGT_PAGE_SIZE		BIT_ULL(XENGT_PAGE_SHIFT)
/* Entries of the largest table: a page of the smallest entries */
#define XENGT_TABLE_ENTRIES	1024
/* Pages of 4 KiB in one of 64 KiB, and how many entries of a wide table stand for one */
#define XENGT_WIDE_PAGES	16

const struct xengt_gtt_format *xengt_gtt_format(unsigned int generation);
u64 xengt_pte_max_frame(const struct xengt_pte_format *format);
bool xengt_pte_valid(const struct xengt_pte_format *format, u64 pte);
u64 xengt_pte_frame(const struct xengt_pte_format *format, u64 pte);
u64 xengt_pte_encode(const struct xengt_pte_format *format, u64 frame, u64 flags_from);
u64 xengt_pte_load(const struct xengt_pte_format *format, const void *table, unsigned int index);
void xengt_pte_store(const struct xengt_pte_format *format, void *table, unsigned int index,
		     u64 pte);

static inline bool xengt_pte_present(const struct xengt_pte_format *format, u64 pte)
{
	return pte & format->present;
}

#endif /* _XENGT_PTE_H */
