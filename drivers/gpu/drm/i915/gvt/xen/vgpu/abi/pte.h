/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Formats of graphics page-table entries. One table describes all GPU generations, so no other
 * code depends on the generation.
 *
 * Each bit of a present guest entry is of one of three kinds:
 *  - kept: the GPU uses it. These are the address, which is translated, and the flags, which are
 *    copied into the shadow entry.
 *  - ignored: the GPU does not use it, so a guest's driver may keep notes there. It may be set, and
 *    is not copied.
 *  - reserved: it must be 0. The shadow of an entry that has it set is scratch.
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
 * struct xengt_pte_format - the format of one kind of entry
 * @size: size of an entry, in bytes
 * @present: the bit that says that the entry is present
 * @address: mask of the bits that hold the same bits of the address
 * @high: mask of the bits that hold higher bits of the address; 0 if there are none
 * @high_shift: by how many bits the bits in @high are below those of the address
 * @flags: mask of the bits that are copied into the shadow entry
 * @ignored: mask of the bits that the GPU ignores
 *
 * Bits in none of the masks are reserved.
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
 * struct xengt_level - one level of a PPGTT
 * @entries: number of entries of a table
 * @shift: an entry covers 1 << @shift bytes of the address space
 * @pte: format of an entry that names a table of the level below, or on level 1 a page of 4 KiB
 * @large: the bit that makes an entry name a large page; 0 if the level has no large pages
 * @large_pte: format of an entry of a large page, in which @large is one of the flags; NULL if
 *	large pages of this level are not supported
 * @ips_64k: the bit that says that the table below has pages of 64 KiB; 0 if there is no such bit
 * @table_flags: flags of a shadow entry that names a table where the guest entry names a large page
 * @large_pat: the bit of a large page's entry that is @small_pat in an entry of level 1
 * @small_pat: see @large_pat
 */
struct xengt_level {
	unsigned int entries;
	unsigned int shift;
	const struct xengt_pte_format *pte;
	u64 large;
	const struct xengt_pte_format *large_pte;
	u64 ips_64k;
	u64 table_flags;
	u64 large_pat;
	u64 small_pat;
};

/* Level 1 is that of the leaf tables, whose entries name pages. */
#define XENGT_MAX_LEVELS	4

/**
 * struct xengt_gtt_format - the page tables of GPU generations
 * @generation: the first generation that has them
 * @last_generation: the last generation that has them
 * @gtt_offset: offset of the GTT in BAR 0, in bytes
 * @gtt_entries: number of entries of the GTT
 * @ggtt: format of the GGTT's entries
 * @roots: bit n is set if a PPGTT can have n levels
 * @root_in_ggtt: the table of the highest level is a range of GGTT entries
 * @level: the levels of a PPGTT, by their number; [0] is not used
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

/* GFNs and BFNs count pages of 4 KiB. */
#define XENGT_PAGE_SHIFT	12
#define XENGT_PAGE_SIZE		BIT_ULL(XENGT_PAGE_SHIFT)
/* The most entries of a table, and of a page of entries: those of a page of the smallest entries */
#define XENGT_TABLE_ENTRIES	1024
/* Number of 4 KiB pages in a 64 KiB page, and of entries for one in a table of 64 KiB pages */
#define XENGT_64K_PAGES	16

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
