/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A plain model of PPGTTs, to compare their shadows with.
 *
 * It reads the guest's tables from the fake hypervisor's guest memory, and the shadow's from
 * dom0's, by formats of its own: bits and sizes are the hardware's, and none of the modules'
 * code or headers is used.
 *
 * ppgtt_compare() goes through both trees together, entry by entry, over all addresses. A pair of
 * tables that was compared is not compared again, so it ends for tables in loops, and is quick.
 * ppgtt_expect() does the same for one address by two separate walks.
 *
 * The rule: where the guest's walk reaches a page that it has, the shadow's walk reaches the frame
 * behind it, with the same flags. Everywhere else it reaches a scratch page: one of dom0's own
 * that is no table.
 *
 * Levels count from 1 (tables whose entries are pages of 4 KiB) upwards.
 */

#ifndef _XENGT_TEST_PPGTT_MODEL_H
#define _XENGT_TEST_PPGTT_MODEL_H

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/bitmap.h>
#include <linux/types.h>

#include "fake_xen.h"

#define PPGTT_MAX_LEVEL		4
#define PPGTT_ROOTS		4
#define PPGTT_NO_FRAME		(~0ull)
#define PPGTT_MODEL_GFNS	4096	/* higher ones are not counted */

/**
 * struct ppgtt_format - the tables of a PPGTT
 * @name: for messages
 * @generation: of the GPU
 * @entry_size: in bytes
 * @ggtt_entries: how many entries the GGTT has
 * @top: the level of the root tables
 * @roots: how many there are
 * @root_in_ggtt: the root table is made of GGTT entries
 * @entries: of a table of each level
 * @shift: what an entry of each level covers, in bits of the address
 * @present: the bit that makes an entry valid
 * @address: the bits of an address that stand where they are
 * @high: the bits that hold higher bits of the address
 * @high_shift: how far these are below their place
 * @flags: what else an entry of each level may have that the GPU looks at
 * @ignored: what it may have that the GPU does not look at
 * @large_ignored: the same for a page of 2 MiB
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

/* What an entry says. */
struct ppgtt_entry {
	enum ppgtt_kind kind;
	u64 frame;		/* of the table or the first page */
	unsigned int pages;	/* of 4 KiB */
	bool wide;		/* the table has pages of 64 KiB */
	u64 flags;		/* as an entry of level 1 has them */
	u64 raw;
};

u64 ppgtt_encode(const struct ppgtt_format *format, u64 frame, u64 flags);
struct ppgtt_entry ppgtt_decode(const struct ppgtt_format *format, unsigned int level, u64 raw);
u64 ppgtt_load(const struct ppgtt_format *format, const void *table, unsigned int index);
struct ppgtt_entry ppgtt_leaf(const struct ppgtt_format *format, const void *table,
			      unsigned int index, bool wide);
bool ppgtt_is_dom0(unsigned long mfn);
const void *ppgtt_dom0_table(u64 bfn);

/* Pairs of numbers that were met. */
#define PPGTT_SET_SLOTS	8192

struct ppgtt_set {
	u32 round;		/* slots of other rounds are empty */
	unsigned int n;
	struct {
		u64 a, b;
		u32 round;
	} slots[PPGTT_SET_SLOTS];
};

void ppgtt_set_clear(struct ppgtt_set *set);
bool ppgtt_set_has(const struct ppgtt_set *set, u64 a, u64 b);
bool ppgtt_set_add(struct ppgtt_set *set, u64 a, u64 b);

/* What compares have met. */
enum ppgtt_met {
	PPGTT_MET_4K,		/* reached */
	PPGTT_MET_64K,		/* 4 KiB of one reached */
	PPGTT_MET_2M_SPLIT,
	PPGTT_MET_2M_REAL,
	PPGTT_MET_WIDE_REAL,
	PPGTT_MET_NO_PAGE,	/* an entry of a GFN without a page */
	PPGTT_MET_NO_TABLE,	/* a table that has no page */
	PPGTT_MET_BAD,
	PPGTT_MET_HUGE,
	PPGTT_MET_LOOP,		/* a page that is a table on two levels of one path */
	PPGTT_MET_SHARED,	/* a table once more */
	PPGTT_MET_TABLE_AS_DATA,
	PPGTT_MET_TOLERATED,	/* scratch, where that is right for a while */
	PPGTT_NR_MET
};

extern const char * const ppgtt_met_names[PPGTT_NR_MET];

/* The roots of the guest's tables, and of the shadow's; in the GGTT: the first entry's index. */
struct ppgtt_roots {
	const struct ppgtt_format *format;
	u64 guest[PPGTT_ROOTS];		/* GFNs */
	u64 shadow[PPGTT_ROOTS];	/* BFNs */
};

struct ppgtt_model {
	struct kunit *test;
	domid_t domid;
	bool tolerant;		/* scratch is right for any page */
	bool quiet;		/* failures are counted, and that is it */
	u64 (*ggtt_guest)(void *data, unsigned long index);	/* what the guest wrote there */
	u64 (*ggtt_shadow)(void *data, unsigned long index);	/* what the GPU has */
	void *data;

	/* since the last ppgtt_model_begin() */
	unsigned int failures;
	unsigned int tolerated;
	unsigned int views;	/* tables of the guest's, each once for each level it is on */
	DECLARE_BITMAP(wanted, PPGTT_MODEL_GFNS);

	u64 met[PPGTT_NR_MET];	/* ever */

	/* the compare under way */
	const struct ppgtt_format *format;
	unsigned int root;
	struct {
		unsigned int index;
		u64 table;
		u64 guest;
		u64 shadow;
	} path[PPGTT_MAX_LEVEL + 1];
	u8 *copy[PPGTT_MAX_LEVEL + 1];
	u64 scratch[8];
	unsigned int nr_scratch;
	struct ppgtt_set compared;
};

struct ppgtt_model *ppgtt_model_new(struct kunit *test, domid_t domid);
void ppgtt_model_begin(struct ppgtt_model *m);
unsigned int ppgtt_compare(struct ppgtt_model *m, const struct ppgtt_roots *roots);
unsigned int ppgtt_compare_ggtt(struct ppgtt_model *m, const struct ppgtt_format *format,
				unsigned long first, unsigned int n);
unsigned int ppgtt_wanted(const struct ppgtt_model *m);

/* What one address translates to. */
struct ppgtt_walk {
	bool page;		/* it reaches a page, which may not be there */
	unsigned int level;	/* where the walk ended */
	u64 frame;
	u64 flags;
	bool writable;		/* on all levels */
	u64 raw[PPGTT_MAX_LEVEL + 1];
};

void ppgtt_walk_guest(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr,
		      struct ppgtt_walk *walk);
void ppgtt_walk_shadow(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr,
		       struct ppgtt_walk *walk);
bool ppgtt_expect(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr);
bool ppgtt_reaches(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr, u64 gfn);
bool ppgtt_is_scratch(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr);

#endif /* _XENGT_TEST_PPGTT_MODEL_H */
