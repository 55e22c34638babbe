// SPDX-License-Identifier: GPL-2.0
/*
 * The formats of PPGTTs, and how to read an entry; see ppgtt_format.h.
 *
 * Sources: the PRMs of Haswell and Broadwell, volume "Memory views", and i915's intel_gtt.h.
 */

#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "fake_xen.h"
#include "ppgtt_format.h"

#define PWT		BIT_ULL(3)
#define PCD		BIT_ULL(4)
#define RW		BIT_ULL(1)
/* Bits that the GPU of gen8 and 9 ignores: a driver may use them */
#define NOTES		(BIT_ULL(2) | BIT_ULL(5) | BIT_ULL(6) | BIT_ULL(8) | BIT_ULL(9) |	\
			 BIT_ULL(10) | GENMASK_ULL(62, 52))

#define GEN8									\
	.generation = 8,							\
	.entry_size = 8,							\
	.ggtt_entries = SZ_8M / 8,						\
	.entries = { 0, 512, 512, 512, 512 },					\
	.shift = { 0, 12, 21, 30, 39 },						\
	.present = BIT_ULL(0),							\
	.address = GENMASK_ULL(45, 12),						\
	.flags = {								\
		[1] = RW | PWT | PCD | BIT_ULL(7),				\
		[2] = RW | PWT | PCD | BIT_ULL(11),				\
		[3] = RW | PWT | PCD,						\
		[4] = RW | PWT | PCD,						\
	},									\
	.ignored = { 0, NOTES | BIT_ULL(11), NOTES, NOTES | BIT_ULL(11),	\
		     NOTES | BIT_ULL(11) },					\
	.large_ignored = NOTES | BIT_ULL(11),					\
	.rw = RW,								\
	.large = BIT_ULL(7),							\
	.large_address = GENMASK_ULL(45, 21),					\
	.large_pat = BIT_ULL(12),						\
	.small_pat = BIT_ULL(7),						\
	.wide = BIT_ULL(11)

const struct ppgtt_format ppgtt_gen8_4 = {
	.name = "gen8, 4 levels",
	GEN8,
	.top = 4,
	.roots = 1,
};

const struct ppgtt_format ppgtt_gen8_3 = {
	.name = "gen8, 3 levels",
	GEN8,
	.top = 2,
	.roots = 4,
};

const struct ppgtt_format ppgtt_gen7 = {
	.name = "gen7",
	.generation = 7,
	.entry_size = 4,
	.ggtt_entries = SZ_2M / 4,
	.top = 2,
	.roots = 1,
	.root_in_ggtt = true,
	.entries = { 0, 1024, 512 },
	.shift = { 0, 12, 22 },
	.present = BIT_ULL(0),
	.address = GENMASK_ULL(31, 12),
	.high = GENMASK_ULL(10, 4),
	.high_shift = 28,
	.flags = {
		[1] = GENMASK_ULL(3, 1) | BIT_ULL(11),
	},
};

/* Returns a present entry with an address. */
u64 ppgtt_encode(const struct ppgtt_format *format, u64 frame, u64 flags)
{
	u64 addr = frame << PAGE_SHIFT;

	return (addr & format->address) | (addr >> format->high_shift & format->high) | flags |
	       format->present;
}

static u64 frame_of(const struct ppgtt_format *format, u64 raw)
{
	return ((raw & format->address) | (raw & format->high) << format->high_shift) >>
	       PAGE_SHIFT;
}

static struct ppgtt_entry decode_large(const struct ppgtt_format *format, u64 raw)
{
	u64 flags = format->flags[2] & ~format->wide;
	struct ppgtt_entry entry = { .kind = PPGTT_BAD, .raw = raw };

	if (raw & ~(format->present | format->large | format->large_pat | flags |
		    format->large_address | format->large_ignored))
		return entry;
	entry.kind = PPGTT_PAGE;
	entry.pages = PPGTT_LARGE_PAGES;
	entry.frame = (raw & format->large_address) >> PAGE_SHIFT;
	entry.flags = (raw & flags) | (raw & format->large_pat ? format->small_pat : 0);
	return entry;
}

/* Decodes an entry of a table of a level. */
struct ppgtt_entry ppgtt_decode(const struct ppgtt_format *format, unsigned int level, u64 raw)
{
	struct ppgtt_entry entry = { .kind = PPGTT_NONE, .raw = raw };

	if (!(raw & format->present))
		return entry;
	if (level == 2 && raw & format->large)
		return decode_large(format, raw);
	if (level == 3 && raw & format->large)
		entry.kind = PPGTT_HUGE;
	else if (raw & ~(format->present | format->address | format->high | format->flags[level] |
			 format->ignored[level]))
		entry.kind = PPGTT_BAD;
	else
		entry.kind = level == 1 ? PPGTT_PAGE : PPGTT_TABLE;
	entry.frame = frame_of(format, raw);
	entry.pages = 1;
	entry.wide = level == 2 && raw & format->wide;
	entry.flags = raw & format->flags[level] & ~(level == 2 ? format->wide : 0);
	return entry;
}

u64 ppgtt_load(const struct ppgtt_format *format, const void *table, unsigned int index)
{
	if (format->entry_size == 4)
		return READ_ONCE(((const u32 *)table)[index]);
	return READ_ONCE(((const u64 *)table)[index]);
}

/* Decodes the page of 4 KiB that an entry of a table of level 1 stands for. */
struct ppgtt_entry ppgtt_leaf(const struct ppgtt_format *format, const void *table,
			      unsigned int index, bool wide)
{
	struct ppgtt_entry entry;

	if (!wide)
		return ppgtt_decode(format, 1, ppgtt_load(format, table, index));
	entry = ppgtt_decode(format, 1,
			     ppgtt_load(format, table, round_down(index, PPGTT_WIDE_PAGES)));
	entry.frame = round_down(entry.frame, PPGTT_WIDE_PAGES) + index % PPGTT_WIDE_PAGES;
	return entry;
}

/* Is the frame dom0's, and allocated? */
bool ppgtt_is_dom0(unsigned long mfn)
{
	return mfn < FAKE_MFN_BASE && pfn_valid(mfn) && page_count(pfn_to_page(mfn));
}

/* Returns what the GPU reads of the page of dom0's at a BFN, or NULL if there is none. */
const void *ppgtt_dom0_table(u64 bfn)
{
	unsigned long mfn = fake_dma_mfn(bfn);

	if (mfn == FAKE_NO_MFN || !ppgtt_is_dom0(mfn))
		return NULL;
	return fake_cache_read(page_address(pfn_to_page(mfn)));
}

/* Returns how many bits of the address a root covers. */
unsigned int ppgtt_root_shift(const struct ppgtt_format *format)
{
	return format->shift[format->top] + ilog2(format->entries[format->top]);
}
