/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Formats of graphics page-table entries: one description for each, no code that knows
 * generations.
 *
 * Sources: the PRMs of Broadwell and Skylake, volume "Memory views" (GGTT and PPGTT entries),
 * and i915's intel_gtt.h (GEN8_PAGE_*, GEN8_PPAT_*).
 */

#ifndef _XENGT_PTE_H
#define _XENGT_PTE_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * struct xengt_pte_format - the GGTT entries of a generation
 * @generation: the first that has it
 * @last_generation: the last that has it
 * @present: the bit that makes an entry valid
 * @address: the bits of the address, as a mask
 * @flags: the bits that the guest may choose for the shadow entry, besides @present
 * @gtt_offset: where the GTT starts in BAR 0, in bytes
 * @gtt_entries: how many entries the GTT has
 *
 * Entries are 64 bits. Bits that are in none of the masks must be zero.
 */
struct xengt_pte_format {
	unsigned int generation;
	unsigned int last_generation;
	u64 present;
	u64 address;
	u64 flags;
	u64 gtt_offset;
	unsigned long gtt_entries;
};

/* The unit of addresses in entries: GFNs and BFNs count pages of 4 KiB. */
#define XENGT_PAGE_SHIFT	12
#define XENGT_PAGE_SIZE		BIT_ULL(XENGT_PAGE_SHIFT)
#define XENGT_ENTRY_SIZE	sizeof(u64)

const struct xengt_pte_format *xengt_pte_format(unsigned int generation);
u64 xengt_pte_max_frame(const struct xengt_pte_format *format);
bool xengt_pte_valid(const struct xengt_pte_format *format, u64 pte);
u64 xengt_pte_encode(const struct xengt_pte_format *format, u64 frame, u64 flags_from);

static inline bool xengt_pte_present(const struct xengt_pte_format *format, u64 pte)
{
	return pte & format->present;
}

static inline u64 xengt_pte_frame(const struct xengt_pte_format *format, u64 pte)
{
	return (pte & format->address) >> XENGT_PAGE_SHIFT;
}

#endif /* _XENGT_PTE_H */
