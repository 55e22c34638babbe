/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random runs of guests with PPGTTs; see ppgtt_random_test.c.
 *
 *   ppgtt_random_test.c	the runs: what is done when, and compares
 *   ppgtt_random_guest.c	the guest's writes, and its memory
 *   ppgtt_random_roots.c	PPGTTs that are announced, pinned and destroyed
 *   ppgtt_random_fault.c	failures of hypercalls and allocations
 *   ppgtt_random_coverage.c	what the runs covered
 */

#ifndef _XENGT_TEST_PPGTT_RANDOM_H
#define _XENGT_TEST_PPGTT_RANDOM_H

#include <linux/prandom.h>

#include "map_fixture.h"
#include "ppgtt_fixture.h"

#define TABLES		24
#define FIRST_TABLE	600ull		/* in the second page of 2 MiB */
#define ROOTS		5
#define NEIGHBOUR_PAGES	48		/* of another guest */
#define OUTS		12		/* pages that may be ballooned out at a time */

enum random_feature {
	FEW_PAGES = BIT(0),	/* a small quota of mapped pages */
	FEW_TABLES = BIT(1),	/* a small quota of shadow tables */
	FAULTS = BIT(2),
	BALLOON = BIT(3),
	DEATH = BIT(4),		/* at the end */
	SLOW_GPU = BIT(5),	/* idle pages are unmapped at each write to the GGTT */
	GTT_RAM = BIT(6),	/* the guest may have RAM at the GTT */
	SWITCHES = BIT(7),	/* the mode changes */
	LATE = BIT(8),		/* a few writes cause a late sync */
	LIMIT = BIT(10),	/* a small limit of Xen's for all guests */
	LATE_MOVES = BIT(9),	/* some balloon events are handled by the next sync only */
};

struct random_run {
	enum fake_xen_mode mode;
	unsigned int generation;
	u32 seed;
	unsigned int features;
	enum xengt_mode writes;
};

/* What the runs did, besides what the model met */
enum random_did {
	DID_PAGE,
	DID_TABLE,
	DID_CLEAR,
	DID_LARGE,
	DID_HUGE,
	DID_WIDE,
	DID_WIDE_TABLE,
	DID_NOTES,
	DID_BAD_BITS,
	DID_BAD_GFN,
	DID_BURST,
	DID_RETYPE,
	DID_LOOP,
	DID_HALF,
	DID_BYTE,
	DID_TWO_VCPUS,
	DID_TRAPPED,
	DID_UNTRAPPED,
	DID_GGTT,
	DID_GGTT_UNTRAPPED,
	DID_GGTT_READ,
	DID_DIRECTORY,
	DID_SYNC,
	DID_FLUSH,
	DID_CREATE,
	DID_NOTIFY,
	DID_DESTROY,
	DID_DESTROY_PINNED,
	DID_PIN,
	DID_PIN_AGAIN,
	DID_PIN_NOTHING,
	DID_PIN_FAILED,
	DID_UNPIN,
	DID_OUT_DATA,
	DID_OUT_TABLE,
	DID_IN_DATA,
	DID_IN_TABLE,
	DID_OUT_GTT,
	DID_OUT_LATE,
	DID_DRAIN_LATE,
	DID_OTHER_GUEST,
	DID_SWITCH,
	DID_RESET,
	DID_RESET_PINNED,
	DID_UNSYNC,
	DID_RESYNC,
	DID_LATE,
	DID_FAIL_CALL,
	DID_FAIL_GFN,
	DID_FAIL_ENTRY,
	DID_FAIL_ALLOC,
	DID_FAULT_HAPPENED,
	DID_FULL_CHECK,
	DID_ROOM,
	DID_NEIGHBOUR_MAP,
	DID_NEIGHBOUR_REFUSED,
	DID_NEIGHBOUR_UNMAP,
	DID_QUOTA,
	DID_HEALED,
	DID_DIE,
	DID_COMPARE,
	DID_SAMPLE,
	NR_DID
};

struct random {
	struct kunit *test;
	const struct random_run *run;
	struct rnd_state rnd;
	struct ppgtt_guest *guest;
	const struct ppgtt_format *format;
	struct ppgtt roots[ROOTS];
	bool was_unpinned[ROOTS];
	unsigned int level[TABLES];	/* the level of each table page, mostly */
	u64 out[OUTS];			/* GFNs that are ballooned out */
	unsigned int nr_out;
	u64 next_gfn;			/* of the other guest's */
	struct neighbour neighbour;	/* with LIMIT, a client of the other guest */
	unsigned int nr_neighbour;	/* GFNs from 0 on that it has mapped */
	bool fault;			/* a failure is ordered */
	bool stale;			/* the shadow may have scratch until a balloon event */
	bool late;			/* a balloon event is not handled yet */
	unsigned int nr_syncs;
	u64 did[NR_DID];
};

static inline u32 random_below(struct random *r, u32 n)
{
	return prandom_u32_state(&r->rnd) % n;
}

static inline bool random_one_in(struct random *r, u32 n)
{
	return !random_below(r, n);
}

static inline bool random_has(const struct random *r, enum random_feature feature)
{
	return r->run->features & feature;
}

static inline bool random_is_gen7(const struct random *r)
{
	return r->run->generation == 7;
}

/* ppgtt_random_guest.c */
u64 random_any_table(struct random *r);
u64 random_table_of_level(struct random *r, unsigned int level);
u64 random_data_gfn(struct random *r);
unsigned int random_any_index(struct random *r, unsigned int entries);
bool random_is_out(const struct random *r, u64 gfn);
void random_write_one(struct random *r);
void random_write_burst(struct random *r);
void random_retype(struct random *r);
void random_write_wide_table(struct random *r);
void random_write_on_two_vcpus(struct random *r);
void random_write_ggtt(struct random *r);
void random_write_directory(struct random *r);
void random_balloon_out(struct random *r);
void random_balloon_in(struct random *r);
void random_balloon_out_gtt(struct random *r);
void random_drain_late(struct random *r);
void random_neighbour(struct random *r);
void random_neighbour_unmap(struct random *r);

/* ppgtt_random_fault.c */
void random_order_fault(struct random *r);
void random_order_pin_to_fail(struct random *r);
void random_end_faults(struct random *r);

/* ppgtt_random_roots.c */
void random_draw_root(struct random *r, unsigned int i);
bool random_root_is_drawn(const struct random *r, unsigned int i);
bool random_root_is_out(const struct random *r, const struct ppgtt *ppgtt);
void random_unpin(struct random *r, unsigned int i);
void random_change_root(struct random *r);

/* ppgtt_random_test.c */
void random_after_change(struct random *r, int rc);
void random_after_sync(struct random *r, int rc);

/* ppgtt_random_coverage.c */
void random_coverage_add(const struct random *r);
unsigned int random_coverage_runs(void);
u64 random_coverage_writes(unsigned int generation);
void random_coverage_expect(struct kunit *test, unsigned int generation);

#endif /* _XENGT_TEST_PPGTT_RANDOM_H */
