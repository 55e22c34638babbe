/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A plain model of PPGTTs, to compare their shadows with.
 *
 * It reads the guest's tables from the fake hypervisor's guest memory and the shadow's from dom0's,
 * with formats of its own (ppgtt_format.h). None of the modules' code or headers is used.
 *
 * ppgtt_compare() walks both trees together, entry by entry, over all addresses. It compares a pair
 * of tables once, so it ends even for tables in loops, and is quick. ppgtt_expect() compares one
 * address by two separate walks.
 *
 * The rule: where the guest's walk reaches a page that it has, the shadow's walk reaches the frame
 * behind it, with the same flags. Everywhere else it reaches a scratch page: one of dom0's own that
 * is no table.
 */

#ifndef _XENGT_TEST_PPGTT_MODEL_H
#define _XENGT_TEST_PPGTT_MODEL_H

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/bitmap.h>
#include <linux/types.h>

#include "fake_xen.h"
#include "ppgtt_format.h"
#include "ppgtt_set.h"

#define PPGTT_ROOTS		4
#define PPGTT_MODEL_GFNS	4096	/* higher ones are not counted */

/* What compares have met */
enum ppgtt_met {
	PPGTT_MET_4K,		/* a page of 4 KiB was reached */
	PPGTT_MET_64K,		/* a page of 4 KiB in one of 64 KiB was */
	PPGTT_MET_2M_SPLIT,
	PPGTT_MET_2M_REAL,
	PPGTT_MET_WIDE_REAL,
	PPGTT_MET_NO_PAGE,	/* an entry of a GFN without a page */
	PPGTT_MET_NO_TABLE,	/* a table that has no page */
	PPGTT_MET_BAD,
	PPGTT_MET_HUGE,
	PPGTT_MET_LOOP,		/* a page that is a table on two levels of one path */
	PPGTT_MET_SHARED,	/* a table that was met before */
	PPGTT_MET_TABLE_AS_DATA,
	PPGTT_MET_TOLERATED,	/* scratch, where that is right for a while */
	PPGTT_NR_MET
};

extern const char * const ppgtt_met_names[PPGTT_NR_MET];

/* The roots of the guest's tables and of the shadow. In the GGTT: the index of the first entry. */
struct ppgtt_roots {
	const struct ppgtt_format *format;
	u64 guest[PPGTT_ROOTS];		/* GFNs */
	u64 shadow[PPGTT_ROOTS];	/* BFNs */
};

struct ppgtt_model {
	struct kunit *test;
	domid_t domid;
	bool tolerant;		/* scratch is right for any page */
	bool quiet;		/* failures are counted, not logged */
	u64 (*ggtt_guest)(void *data, unsigned long index);	/* what the guest wrote there */
	u64 (*ggtt_shadow)(void *data, unsigned long index);	/* what the GPU has */
	void *data;

	/* since the last ppgtt_model_begin() */
	unsigned int failures;
	unsigned int tolerated;
	unsigned int views;	/* tables of the guest's, one for each level of a page */
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

/* What one address translates to */
struct ppgtt_walk {
	bool page;		/* it reaches a GFN, which may have no page */
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
