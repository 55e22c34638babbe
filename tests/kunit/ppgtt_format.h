/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The formats of PPGTTs: bits and sizes are the hardware's. None of the modules' code or headers
 * is used.
 *
 * Levels count from 1 (tables whose entries are pages of 4 KiB) upwards.
 */

#ifndef _XENGT_TEST_PPGTT_FORMAT_H
#define _XENGT_TEST_PPGTT_FORMAT_H

#include <linux/bits.h>
#include <linux/types.h>

#define PPGTT_MAX_LEVEL		4
#define PPGTT_WIDE_PAGES	16	/* of 4 KiB, in one of 64 KiB */
#define PPGTT_LARGE_PAGES	512	/* in one of 2 MiB */
#define PPGTT_NO_FRAME		(~0ull)

/**
 * struct ppgtt_format - the tables of a PPGTT
 * @name: for messages
 * @generation: of the GPU
 * @entry_size: in bytes
 * @ggtt_entries: how many entries the GGTT has
 * @top: the level of the root tables
 * @roots: the number of root tables
 * @root_in_ggtt: the root table is made of GGTT entries
 * @entries: of a table of each level
 * @shift: how many bits of the address an entry of each level covers
 * @present: the bit that makes an entry valid
 * @address: the bits that are the same bits of the address
 * @high: the bits that hold higher bits of the address
 * @high_shift: by how much to shift @high to the left
 * @flags: other bits that the GPU uses, for each level
 * @ignored: bits that the GPU ignores, for each level
 * @large_ignored: bits that the GPU ignores in a page of 2 MiB
 * @rw: the flag that allows writes, 0: there is none
 * @large: in an entry of level 2 or 3: it is a page of 2 MiB, or 1 GiB
 * @large_address: the address bits of a page of 2 MiB
 * @large_pat: the flag of a page of 2 MiB that is @small_pat in those of 4 KiB
 * @small_pat: see @large_pat
 * @wide: in an entry of level 2: its table is one of pages of 64 KiB
 */
struct ppgtt_format {
	const char *name;
	unsigned int generation;
	unsigned int entry_size;
	unsigned long ggtt_entries;
	unsigned int top;
	unsigned int roots;
	bool root_in_ggtt;
	unsigned int entries[PPGTT_MAX_LEVEL + 1];
	unsigned int shift[PPGTT_MAX_LEVEL + 1];
	u64 present;
	u64 address;
	u64 high;
	unsigned int high_shift;
	u64 flags[PPGTT_MAX_LEVEL + 1];
	u64 ignored[PPGTT_MAX_LEVEL + 1];
	u64 large_ignored;
	u64 rw;
	u64 large;
	u64 large_address;
	u64 large_pat;
	u64 small_pat;
	u64 wide;
};

extern const struct ppgtt_format ppgtt_gen8_4;
extern const struct ppgtt_format ppgtt_gen8_3;
extern const struct ppgtt_format ppgtt_gen7;

enum ppgtt_kind {
	PPGTT_NONE,	/* not present */
	PPGTT_BAD,	/* has bits that it must not have */
	PPGTT_HUGE,	/* a page of 1 GiB */
	PPGTT_TABLE,
	PPGTT_PAGE,
};

/* A decoded entry */
struct ppgtt_entry {
	enum ppgtt_kind kind;
	u64 frame;		/* of the table or the first page */
	unsigned int pages;	/* of 4 KiB */
	bool wide;		/* the table has pages of 64 KiB */
	u64 flags;		/* as an entry of level 1 has them */
	u64 raw;
};

unsigned int ppgtt_root_shift(const struct ppgtt_format *format);
u64 ppgtt_encode(const struct ppgtt_format *format, u64 frame, u64 flags);
struct ppgtt_entry ppgtt_decode(const struct ppgtt_format *format, unsigned int level, u64 raw);
u64 ppgtt_load(const struct ppgtt_format *format, const void *table, unsigned int index);
struct ppgtt_entry ppgtt_leaf(const struct ppgtt_format *format, const void *table,
			      unsigned int index, bool wide);
bool ppgtt_is_dom0(unsigned long mfn);
const void *ppgtt_dom0_table(u64 bfn);

#endif /* _XENGT_TEST_PPGTT_FORMAT_H */
