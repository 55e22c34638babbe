// SPDX-License-Identifier: GPL-2.0
/*
 * Formats of graphics page-table entries; see pte.h.
 */

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "pte.h"

/* Bits of gen8 and gen9 entries */
#define GEN8_PRESENT	BIT_ULL(0)
#define GEN8_RW		BIT_ULL(1)
#define GEN8_PWT	BIT_ULL(3)
#define GEN8_PCD	BIT_ULL(4)
#define GEN8_PAT	BIT_ULL(7)
#define GEN8_ADDRESS	GENMASK_ULL(45, 12)

static const struct xengt_pte_format formats[] = {
	{
		.generation = 8,
		.last_generation = 9,
		.present = GEN8_PRESENT,
		.address = GEN8_ADDRESS,
		.flags = GEN8_RW | GEN8_PWT | GEN8_PCD | GEN8_PAT,
		.gtt_offset = SZ_8M,
		.gtt_entries = SZ_8M / XENGT_ENTRY_SIZE,
	},
};

/* The format of a generation's GGTT entries, NULL if it is not known. */
const struct xengt_pte_format *xengt_pte_format(unsigned int generation)
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
	return format->address >> XENGT_PAGE_SHIFT;
}

/* An entry with reserved bits set means nothing; it must not be taken for another one. */
bool xengt_pte_valid(const struct xengt_pte_format *format, u64 pte)
{
	return !(pte & ~(format->present | format->address | format->flags));
}

/* A present entry for the frame, which fits, with the flags of another entry. */
u64 xengt_pte_encode(const struct xengt_pte_format *format, u64 frame, u64 flags_from)
{
	return (frame << XENGT_PAGE_SHIFT) | (flags_from & format->flags) | format->present;
}
