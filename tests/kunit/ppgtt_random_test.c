// SPDX-License-Identifier: GPL-2.0
/*
 * Random tests of PPGTTs: a guest does whatever it likes to tables, the GGTT, its memory and its
 * announcements, and hypercalls and allocations fail. After each synchronisation point the shadow
 * of each pinned PPGTT is compared with the model. The GPU is safe at any moment.
 *
 * A seed repeats a run exactly. On the kernel's command line ppgtt_random_test.writes sets the
 * length of all runs, and ppgtt_random_test.seed changes their seeds.
 *
 * The shadow may have scratch in place of a page for a while (a hypercall failed, or a page is
 * populated again without a notice), but nothing else. After the next balloon event all entries
 * must be right again. What was refused for want of quota must be right after the first sync with
 * enough quota.
 *
 * A balloon event may wait until the next sync, announcement or pin, which handle it first. Until
 * then the GPU may reach the guest's former page.
 */

#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vgpu/shadow/dirty.h"
#include "modules.h"
#include "ppgtt_random.h"

#define RUNS_OF_A_GENERATION	12

#define WRITES		20000

static unsigned int writes = WRITES;
module_param(writes, uint, 0444);
MODULE_PARM_DESC(writes, "How much is written in a random run (20000)");

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "What is added to the seed of each random run (0)");

/* Missing entries are retried round-robin: RETRIES at each balloon event, all of them in ROUNDS. */
#define RETRIES		4096
#define ROUNDS		16

#define FULL_CHECK_EVERY	20		/* synchronisation points */

/* Pages are unsynced and resynced all the time. With LATE there are late syncs. */
#define UNSYNC_WRITES	2
#define IDLE_SYNCS	2
#define POSTED_MAX	16

#define PAGE_QUOTA	64
#define PAGE_LIMIT	80	/* Xen's limit, for all guests */
#define PAGES_APART	8	/* of these, for pages without a table entry */
#define TABLE_QUOTA	48
#define TABLE_QUOTA_GEN7	16	/* if tables keep their level */
#define TABLE_SLACK	2		/* of the quota of tables, for a directory in the GGTT */

static const struct random_run runs[] = {
	{ FAKE_PV_DOM0, 8, 1, BALLOON | LATE_MOVES | SLOW_GPU },
	{ FAKE_PVH_DOM0, 8, 2, BALLOON | LATE_MOVES | FAULTS, XENGT_MODE_POSTED },
	{ FAKE_PV_DOM0, 8, 3, BALLOON | LATE_MOVES | FAULTS | DEATH | GTT_RAM, XENGT_MODE_HYBRID },
	{ FAKE_PVH_DOM0, 8, 4, FEW_TABLES | SLOW_GPU, XENGT_MODE_HYBRID },
	{ FAKE_PV_DOM0, 8, 5, FEW_TABLES | BALLOON | FAULTS | SWITCHES, XENGT_MODE_POSTED },
	{ FAKE_PVH_DOM0, 8, 6, FEW_PAGES | BALLOON | LATE_MOVES | DEATH | GTT_RAM,
	  XENGT_MODE_HYBRID },
	{ FAKE_PV_DOM0, 8, 7, FEW_PAGES | FEW_TABLES | FAULTS },
	{ FAKE_PVH_DOM0, 8, 8, LATE, XENGT_MODE_POSTED },
	{ FAKE_PVH_DOM0, 8, 9, BALLOON | FAULTS | GTT_RAM | SWITCHES, XENGT_MODE_HYBRID },
	{ FAKE_PV_DOM0, 8, 10, BALLOON | LATE_MOVES | SLOW_GPU | GTT_RAM | SWITCHES | LATE,
	  XENGT_MODE_HYBRID },
	{ FAKE_PV_DOM0, 7, 11, BALLOON | LATE_MOVES | SLOW_GPU },
	{ FAKE_PVH_DOM0, 8, 21, LIMIT | BALLOON | LATE_MOVES, XENGT_MODE_HYBRID },
	{ FAKE_PV_DOM0, 8, 22, LIMIT | FAULTS, XENGT_MODE_POSTED },
	{ FAKE_PV_DOM0, 7, 23, LIMIT | BALLOON | LATE_MOVES, XENGT_MODE_POSTED },
	{ FAKE_PVH_DOM0, 7, 24, LIMIT | FAULTS, XENGT_MODE_HYBRID },
	{ FAKE_PVH_DOM0, 7, 12, BALLOON | LATE_MOVES | FAULTS, XENGT_MODE_POSTED },
	{ FAKE_PV_DOM0, 7, 13, BALLOON | LATE_MOVES | FAULTS | DEATH | GTT_RAM, XENGT_MODE_HYBRID },
	{ FAKE_PVH_DOM0, 7, 14, FEW_TABLES | SLOW_GPU, XENGT_MODE_HYBRID },
	{ FAKE_PV_DOM0, 7, 15, FEW_TABLES | BALLOON | FAULTS | SWITCHES, XENGT_MODE_POSTED },
	{ FAKE_PVH_DOM0, 7, 16, FEW_PAGES | BALLOON | LATE_MOVES | DEATH | GTT_RAM,
	  XENGT_MODE_HYBRID },
	{ FAKE_PV_DOM0, 7, 17, FEW_PAGES | FEW_TABLES | FAULTS },
	{ FAKE_PVH_DOM0, 7, 18, LATE, XENGT_MODE_POSTED },
	{ FAKE_PVH_DOM0, 7, 19, BALLOON | FAULTS | GTT_RAM | SWITCHES, XENGT_MODE_HYBRID },
	{ FAKE_PV_DOM0, 7, 20, BALLOON | LATE_MOVES | SLOW_GPU | GTT_RAM | SWITCHES | LATE,
	  XENGT_MODE_HYBRID },
};

/* Is a quota or limit smaller than the guest's needs? */
static bool random_is_small(const struct random *r)
{
	return r->run->features & (FEW_PAGES | FEW_TABLES | LIMIT);
}

/* Compares */

static void sample_addresses(struct random *r, const struct ppgtt_roots *roots)
{
	const struct ppgtt_format *format = roots->format;
	unsigned int i, level, index;
	u64 addr;

	for (i = 0; i < 4; i++) {
		addr = (u64)random_below(r, format->roots) << (format->shift[format->top] + 9);
		for (level = 1; level <= format->top; level++) {
			index = random_any_index(r, format->entries[level]);
			addr |= (u64)index << format->shift[level];
		}
		r->did[DID_SAMPLE]++;
		KUNIT_EXPECT_TRUE_MSG(r->test, ppgtt_expect(r->guest->model, roots, addr),
				      "seed %u, sync %u: address %#llx, see above", r->run->seed,
				      r->nr_syncs, addr);
	}
}

/* A directory that is not announced is plain entries of the GGTT. */
static void compare_idle_directories(struct random *r)
{
	unsigned int i;

	for (i = 0; random_is_gen7(r) && i < DIRECTORIES; i++) {
		if (!r->roots[i].announced && !r->roots[i].pinned)
			ppgtt_compare_ggtt(r->guest->model, r->format, DIRECTORY(i), 512);
	}
}

static void compare_pinned(struct random *r)
{
	struct ppgtt_model *m = r->guest->model;
	unsigned int i;

	m->tolerant = r->stale || random_is_small(r);
	ppgtt_model_begin(m);
	for (i = 0; i < ROOTS; i++) {
		/* A PPGTT that is destroyed, but still pinned, must be safe only. */
		if (!r->roots[i].pinned || !r->roots[i].announced)
			continue;
		ppgtt_compare(m, &r->roots[i].roots);
		sample_addresses(r, &r->roots[i].roots);
		r->did[DID_COMPARE]++;
	}
	ppgtt_compare_ggtt(m, r->format, PLAIN_FIRST, PLAIN_N);
	compare_idle_directories(r);
	KUNIT_EXPECT_EQ_MSG(r->test, m->failures, 0u,
			    "seed %u, sync %u, after %llu writes: see above", r->run->seed,
			    r->nr_syncs, r->guest->writes);
	gpu_check();
}

/* Ends an ordered failure, whether it happened or not. */
void random_after_change(struct random *r, int rc)
{
	KUNIT_EXPECT_TRUE_MSG(r->test, !rc || r->fault, "%d", rc);
	random_end_faults(r);
	if (rc)
		ppgtt_guest_sync(r->guest);
	r->nr_syncs++;
	if (!r->late)
		compare_pinned(r);
}

/* After a sync, which has handled all balloon events. */
void random_after_sync(struct random *r, int rc)
{
	r->late = false;
	random_after_change(r, rc);
}

static void sync(struct random *r)
{
	if (random_has(r, FAULTS) && random_one_in(r, 3))
		random_order_fault(r);
	if (random_one_in(r, 2)) {
		r->did[DID_SYNC]++;
		random_after_sync(r, xengt_vgpu_sync(r->guest->vgpu));
	} else {
		r->did[DID_FLUSH]++;
		ppgtt_guest_flush_gtt(r->guest);
		random_after_sync(r, 0);
	}
}

/* Modes */

static void change_mode(struct random *r)
{
	r->did[DID_SWITCH]++;
	xengt_vgpu_set_mode(r->guest->vgpu, random_below(r, XENGT_NR_MODES));
	random_after_change(r, 0);
}

/* A reset ends all announcements. What is pinned stays pinned. */

static void reset(struct random *r)
{
	unsigned int what = random_one_in(r, 2) ? XENGT_RESET_PPGTTS : XENGT_RESET_ALL, i;

	r->did[DID_RESET]++;
	if (random_has(r, FAULTS) && random_one_in(r, 6))
		random_order_fault(r);
	KUNIT_EXPECT_EQ(r->test, xengt_vgpu_reset(r->guest->vgpu, what), 0);
	if (what & XENGT_RESET_GGTT)
		memset(r->guest->ggtt, 0, sizeof(r->guest->ggtt));
	for (i = 0; i < ROOTS; i++) {
		r->did[DID_RESET_PINNED] += r->roots[i].pinned && r->roots[i].announced;
		ppgtt_forget(&r->roots[i]);
	}
	random_after_change(r, 0);
}

/* Checks without failures and balloon events */

static void end_all_roots(struct random *r)
{
	unsigned int i;

	for (i = 0; i < ROOTS; i++) {
		if (r->roots[i].guest)
			ppgtt_end(&r->roots[i]);
	}
}

static unsigned int table_quota(const struct random *r)
{
	return random_is_gen7(r) ? TABLE_QUOTA_GEN7 : TABLE_QUOTA;
}

/* Checks that no entry is scratch that fits into the quotas and limits. */
static void expect_no_scratch(struct random *r)
{
	struct ppgtt_model *m = r->guest->model;
	/* HIGH_GFN is not counted. */
	bool fits = !random_has(r, FEW_PAGES) || ppgtt_wanted(m) < PAGE_QUOTA;

	fits = fits && (!random_has(r, LIMIT) || ppgtt_wanted(m) < PAGE_LIMIT - PAGES_APART);
	fits = fits && (!random_has(r, FEW_TABLES) || m->views + TABLE_SLACK <= table_quota(r));
	if (!fits)
		return;
	r->did[DID_ROOM] += random_is_small(r);
	KUNIT_EXPECT_EQ_MSG(r->test, m->tolerated, 0u,
			    "seed %u, sync %u: scratch within the quotas", r->run->seed,
			    r->nr_syncs);
}

static void clear_plain_ggtt(struct random *r)
{
	unsigned long index;

	for (index = PLAIN_FIRST; index < PLAIN_FIRST + PLAIN_N; index++)
		ppgtt_guest_put_ggtt(r->guest, 0, index, 0);
}

/* Balloon events, until all missing entries were retried. */
static void revalidate(struct random *r)
{
	unsigned int turns = ROUNDS;
	u64 retried;

	do {
		retried = ppgtt_guest_count("retried");
		ppgtt_guest_balloon_event(r->guest);
	} while (ppgtt_guest_count("retried") - retried >= RETRIES && --turns);
	r->stale = false;
	r->late = false;
}

/* Counts the entries of a PPGTT that are scratch, but should not be. */
static unsigned int missing_in(struct random *r, const struct ppgtt *ppgtt)
{
	struct ppgtt_model *m = r->guest->model;

	m->tolerant = true;
	ppgtt_model_begin(m);
	ppgtt_compare(m, &ppgtt->roots);
	return m->tolerated;
}

/*
 * Announces and pins a PPGTT that may not fit into the quotas. Returns false if there is no table
 * for its root, which only another pin retries.
 */
static bool start_in_a_crowd(struct random *r, struct ppgtt *ppgtt)
{
	u64 roots_missing = ppgtt_guest_count("roots_missing");

	if (ppgtt_create(ppgtt))
		return false;
	if (!ppgtt_pin(ppgtt)) {
		if (ppgtt_guest_count("roots_missing") == roots_missing)
			return true;
		ppgtt_unpin(ppgtt);
	}
	KUNIT_EXPECT_EQ(r->test, ppgtt_destroy(ppgtt), 0);
	return false;
}

static void end_others(struct random *r, unsigned int kept)
{
	unsigned int i;

	for (i = 0; i < ROOTS; i++) {
		if (i == kept)
			continue;
		if (r->roots[i].guest)
			ppgtt_end(&r->roots[i]);
		r->roots[i].guest = NULL;
	}
	clear_plain_ggtt(r);
}

/*
 * 15: entries that were missing for want of quota are there after the other PPGTTs ended and some
 * syncs.
 */
static void expect_healed(struct random *r, bool was_short)
{
	struct ppgtt_model *m = r->guest->model;
	unsigned int turns = ROUNDS;

	do {
		random_after_sync(r, xengt_vgpu_sync(r->guest->vgpu));
	} while (m->tolerated && --turns);
	r->did[DID_HEALED] += was_short && !m->tolerated;
	expect_no_scratch(r);
}

/* With a small quota only one PPGTT, which may fit, is checked. */
static void check_healing(struct random *r)
{
	unsigned int i = random_below(r, random_is_gen7(r) ? DIRECTORIES : ROOTS);
	struct ppgtt *ppgtt = &r->roots[i];
	bool was_short = false, started;

	if (ppgtt->guest)
		ppgtt_end(ppgtt);
	random_draw_root(r, i);
	if (random_root_is_out(r, ppgtt) || random_root_is_drawn(r, i)) {
		end_others(r, i);
		ppgtt->guest = NULL;
		return;
	}
	started = start_in_a_crowd(r, ppgtt);
	if (started)
		was_short = missing_in(r, ppgtt);
	end_others(r, i);
	random_neighbour_unmap(r);
	if (!started) {
		KUNIT_EXPECT_EQ(r->test, ppgtt_create(ppgtt), 0);
		KUNIT_EXPECT_EQ(r->test, ppgtt_pin(ppgtt), 0);
	}
	expect_healed(r, was_short);
}

/* A balloon event, after which nothing may be missing. */
static void check_all_entries(struct random *r)
{
	r->did[DID_FULL_CHECK]++;
	revalidate(r);
	if (random_is_small(r)) {
		check_healing(r);
		revalidate(r);
	}
	compare_pinned(r);
	expect_no_scratch(r);
}

/* Runs */

static void step(struct random *r)
{
	unsigned int what = random_below(r, 1000);

	if (what < 700)
		random_write_one(r);
	else if (what < 740)
		random_write_burst(r);
	else if (what < 760)
		random_retype(r);
	else if (what < 830)
		random_write_on_two_vcpus(r);
	else if (what < 850)
		random_write_ggtt(r);
	else if (what < 890 && random_is_gen7(r))
		random_write_directory(r);
	else if (what < 925)
		sync(r);
	else if (what < 960)
		random_change_root(r);
	else if (what < 963 && random_has(r, BALLOON))
		random_balloon_out(r);
	else if (what < 966 && random_has(r, BALLOON))
		random_balloon_in(r);
	else if (what < 967 && random_has(r, BALLOON) && random_one_in(r, 3))
		random_balloon_out_gtt(r);
	else if (what < 970)
		random_drain_late(r);
	else if (what < 972 && random_has(r, SWITCHES))
		change_mode(r);
	else if (what == 972 && random_one_in(r, 4))
		reset(r);
	else if (what > 972 && what < 985 && random_has(r, LIMIT))
		random_neighbour(r);
	else if (what >= 990 && !random_is_gen7(r))
		random_write_wide_table(r);
	if (r->nr_syncs >= FULL_CHECK_EVERY) {
		r->nr_syncs = 0;
		check_all_entries(r);
	}
}

static void set_thresholds(const struct random *r)
{
	module_param_set("xengt.unsync_writes", __stringify(UNSYNC_WRITES));
	module_param_set("xengt.idle_syncs", __stringify(IDLE_SYNCS));
	module_param_set("xengt.unsync_around", "3");
	if (random_has(r, LATE))
		module_param_set("xengt.posted_max", __stringify(POSTED_MAX));
}

static void start_run(struct random *r)
{
	struct ppgtt_guest_config config = {
		.generation = r->run->generation,
		.mode = r->run->writes,
		.room = random_has(r, GTT_RAM) ? PAGES_OF_SHARE : 0,
		.quota = random_has(r, FEW_PAGES) ? __stringify(PAGE_QUOTA) : NULL,
	};
	unsigned int i;

	if (random_has(r, FEW_TABLES))
		config.tables = random_is_gen7(r) ? __stringify(TABLE_QUOTA_GEN7) :
				__stringify(TABLE_QUOTA);
	set_thresholds(r);
	if (random_has(r, LIMIT)) {
		fake_xen_set_dev_map_limit(PAGE_LIMIT);
		join_neighbour(r->test, &r->neighbour);
	}
	prandom_seed_state(&r->rnd, r->run->seed + seed);
	r->guest = ppgtt_guest_start(r->test, &config);
	r->format = r->guest->format;
	r->next_gfn = NO_GFN;
	gpu_check_one_in(512);
	if (!random_has(r, SLOW_GPU))
		gpu_set_drained(DOM, NULL);
	for (i = 0; i < TABLES; i++)
		r->level[i] = random_is_gen7(r) ? 1 : 1 + i % PPGTT_MAX_LEVEL;
}

/* The guest dies while everything is in use. */
static void die(struct random *r)
{
	r->did[DID_DIE]++;
	fake_domain_kill(DOM);
	gpu_check();
	fake_store_release(DOM);
	wait_for(r->test, !fake_domain_exists(DOM));
	gpu_check();
}

static void unpin_all(struct random *r)
{
	unsigned int i;

	for (i = 0; i < ROOTS; i++)
		random_unpin(r, i);
}

static void note_counters(struct random *r)
{
	r->did[DID_UNSYNC] += ppgtt_guest_count("pages_unsynced");
	r->did[DID_RESYNC] += ppgtt_guest_count("pages_resynced");
	r->did[DID_LATE] += ppgtt_guest_count("syncs_late");
	r->did[DID_QUOTA] += ppgtt_guest_count("scratched_quota");
}

static void stop_run(struct random *r)
{
	if (random_has(r, DEATH)) {
		die(r);
		unpin_all(r);
	} else if (random_one_in(r, 2)) {
		end_all_roots(r);
	} else {
		unpin_all(r);
	}
	note_counters(r);
	random_coverage_add(r);
	kunit_info(r->test, "%llu writes, %llu of them trapped, %llu compares, %llu GPU checks",
		   r->guest->writes, r->guest->trapped, r->did[DID_COMPARE],
		   r->guest->gpu->nr_checks);
	/* The fixture counts all references, those of the other guest's pages too. */
	if (random_has(r, LIMIT)) {
		random_neighbour_unmap(r);
		stop_neighbour(&r->neighbour);
	}
	ppgtt_guest_stop(r->guest);
}

static bool broken(struct kunit *test)
{
	return READ_ONCE(test->status) == KUNIT_FAILURE;
}

static void shadow_is_what_the_model_says(struct kunit *test)
{
	struct random *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->test = test;
	r->run = test->param_value;
	start_run(r);
	/* Stops at the first failure: others follow from it. */
	while (r->guest->writes < writes && !broken(test)) {
		step(r);
		cond_resched();
	}
	check_all_entries(r);
	stop_run(r);
}

/* After the runs: there were as many as planned, and they covered everything. */
static void the_runs_covered_everything(struct kunit *test)
{
	u64 gen8 = random_coverage_writes(8), gen7 = random_coverage_writes(7);
	u64 all = (u64)writes * RUNS_OF_A_GENERATION;

	if (random_coverage_runs() < ARRAY_SIZE(runs))
		kunit_skip(test, "not all runs were made");
	if (writes < WRITES)
		kunit_skip(test, "runs of %u writes are too short for that", writes);
	kunit_info(test, "gen8: %llu writes, gen7: %llu writes", gen8, gen7);
	KUNIT_EXPECT_GE(test, gen8, all);
	KUNIT_EXPECT_GE(test, gen7, all);
	random_coverage_expect(test, 8);
	random_coverage_expect(test, 7);
}

static KUNIT_GENERATOR(next_run)
{
	const struct random_run *run = prev ? (const struct random_run *)prev + 1 : runs;

	if (run == runs + ARRAY_SIZE(runs))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "gen%u, %s, %s, seed %u, features %#x",
		 run->generation, fake_xen_mode_name(run->mode), xengt_mode_name(run->writes),
		 run->seed, run->features);
	return run;
}

/* Only the map operation has a limit, not stock Xen. */
static void has_limit(void)
{
	fake_xen_set_dev_map(false);
}

static int ppgtt_random_init(struct kunit *test)
{
	const struct random_run *run = test->param_value;

	/* The case without a parameter checks the totals of the others. */
	if (run)
		start_modules_on(test, run->mode, run->features & LIMIT ? has_limit : NULL);
	return 0;
}

static void ppgtt_random_exit(struct kunit *test)
{
	if (test->param_value)
		stop_modules(test);
}

static struct kunit_case random_cases[] = {
	KUNIT_CASE_PARAM(shadow_is_what_the_model_says, next_run),
	KUNIT_CASE(the_runs_covered_everything),
	{}
};

static struct kunit_suite random_suite = {
	.name = "xengt_ppgtt_random",
	.init = ppgtt_random_init,
	.exit = ppgtt_random_exit,
	.test_cases = random_cases,
};

kunit_test_suite(random_suite);
