// SPDX-License-Identifier: GPL-2.0
/*
 * What random runs covered: what they did, and what the model met. A run tests only what it covers.
 *
 * Locking: none. The runs are made one after another.
 */

#include "ppgtt_random.h"

static const char * const did_names[NR_DID] = {
	[DID_PAGE] = "page written", [DID_TABLE] = "table attached", [DID_CLEAR] = "entry cleared",
	[DID_LARGE] = "2M written", [DID_HUGE] = "1G written", [DID_WIDE] = "64K table attached",
	[DID_WIDE_TABLE] = "whole 64K table written",
	[DID_NOTES] = "ignored bits written",
	[DID_BAD_BITS] = "reserved bits written", [DID_BAD_GFN] = "GFN of no page written",
	[DID_BURST] = "entries in a row", [DID_RETYPE] = "table's role changed",
	[DID_LOOP] = "table attached to itself", [DID_HALF] = "half written",
	[DID_BYTE] = "byte written", [DID_TWO_VCPUS] = "two vCPUs at once",
	[DID_TRAPPED] = "write trapped", [DID_UNTRAPPED] = "write not trapped",
	[DID_GGTT] = "GGTT written", [DID_GGTT_UNTRAPPED] = "GGTT written without a trap",
	[DID_GGTT_READ] = "GGTT read", [DID_DIRECTORY] = "directory in the GGTT written",
	[DID_SYNC] = "sync", [DID_FLUSH] = "GFX_FLSH_CNTL", [DID_CREATE] = "create",
	[DID_NOTIFY] = "PVINFO", [DID_DESTROY] = "destroy",
	[DID_DESTROY_PINNED] = "destroy while pinned", [DID_PIN] = "pin",
	[DID_PIN_AGAIN] = "pin after unpin", [DID_PIN_NOTHING] = "pin of what is not announced",
	[DID_PIN_FAILED] = "pin failed", [DID_UNPIN] = "unpin",
	[DID_OUT_DATA] = "page ballooned out", [DID_OUT_TABLE] = "table ballooned out",
	[DID_IN_DATA] = "page ballooned in", [DID_IN_TABLE] = "table ballooned in",
	[DID_OUT_GTT] = "page of the GTT ballooned out",
	[DID_OUT_LATE] = "page ballooned out, late balloon event",
	[DID_DRAIN_LATE] = "drain before a late balloon event", [DID_SWITCH] = "mode changed",
	[DID_RESET] = "reset", [DID_RESET_PINNED] = "reset while pinned",
	[DID_UNSYNC] = "page unsynced", [DID_RESYNC] = "page resynced", [DID_LATE] = "late sync",
	[DID_OTHER_GUEST] = "frame to another guest", [DID_FAIL_CALL] = "hypercall to fail",
	[DID_FAIL_GFN] = "GFN to fail", [DID_FAIL_ENTRY] = "entry of a batch to fail",
	[DID_FAIL_ALLOC] = "allocation to fail", [DID_FAULT_HAPPENED] = "fault happened",
	[DID_FULL_CHECK] = "full checks", [DID_ROOM] = "full checks that fit a small quota",
	[DID_NEIGHBOUR_MAP] = "pages of another guest mapped",
	[DID_NEIGHBOUR_REFUSED] = "page of another guest refused by Xen's limit",
	[DID_NEIGHBOUR_UNMAP] = "pages of another guest unmapped",
	[DID_QUOTA] = "refused by the quota", [DID_HEALED] = "what was refused is mapped",
	[DID_DIE] = "guest died", [DID_COMPARE] = "compare",
	[DID_SAMPLE] = "address walked",
};

/* What gen7 does not have */
static bool only_gen8(enum random_did what)
{
	return what == DID_LARGE || what == DID_HUGE || what == DID_WIDE ||
	       what == DID_WIDE_TABLE || what == DID_NOTES || what == DID_BAD_BITS ||
	       what == DID_NOTIFY;
}

/* What gen8 does not have */
static bool only_gen7(enum random_did what)
{
	return what == DID_DIRECTORY;
}

static bool met_only_on_gen8(enum ppgtt_met what)
{
	switch (what) {
	case PPGTT_MET_4K:
	case PPGTT_MET_NO_PAGE:
	case PPGTT_MET_NO_TABLE:
	case PPGTT_MET_SHARED:
	case PPGTT_MET_TABLE_AS_DATA:
	case PPGTT_MET_TOLERATED:
		return false;
	default:
		return true;
	}
}

/* The totals of a generation */
static struct totals {
	unsigned int runs;
	u64 writes;
	u64 did[NR_DID];
	u64 met[PPGTT_NR_MET];
} totals[2];

static struct totals *totals_of(unsigned int generation)
{
	return &totals[generation == 7];
}

/* Adds a run that is over. */
void random_coverage_add(const struct random *r)
{
	struct totals *t = totals_of(r->run->generation);
	unsigned int i;

	t->runs++;
	t->writes += r->guest->writes;
	for (i = 0; i < NR_DID; i++)
		t->did[i] += r->did[i];
	for (i = 0; i < PPGTT_NR_MET; i++)
		t->met[i] += r->guest->model->met[i];
}

/* Returns the number of runs. */
unsigned int random_coverage_runs(void)
{
	return totals[0].runs + totals[1].runs;
}

/* Returns the number of writes by guests. */
u64 random_coverage_writes(unsigned int generation)
{
	return totals_of(generation)->writes;
}

static bool covers(unsigned int generation, enum random_did what)
{
	return generation == 7 ? !only_gen8(what) : !only_gen7(what);
}

/* Checks that the runs of a generation covered all that there is for it. */
void random_coverage_expect(struct kunit *test, unsigned int generation)
{
	const struct totals *t = totals_of(generation);
	unsigned int i;

	for (i = 0; i < NR_DID; i++) {
		kunit_info(test, "gen%u: %s: %llu", generation, did_names[i], t->did[i]);
		if (covers(generation, i))
			KUNIT_EXPECT_GT_MSG(test, t->did[i], 0ull, "gen%u: never: %s", generation,
					    did_names[i]);
	}
	for (i = 0; i < PPGTT_NR_MET; i++) {
		kunit_info(test, "gen%u: met %s: %llu", generation, ppgtt_met_names[i], t->met[i]);
		if (generation == 7 && met_only_on_gen8(i))
			continue;
		KUNIT_EXPECT_GT_MSG(test, t->met[i], 0ull, "gen%u: never met: %s", generation,
				    ppgtt_met_names[i]);
	}
}
