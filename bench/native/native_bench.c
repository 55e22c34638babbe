// SPDX-License-Identifier: GPL-2.0
/*
 * Measures what an operation of the mapping service costs, in nanoseconds, and how much memory a
 * mapping takes, in bytes.
 *
 * The service runs over the fake hypervisor of the KUnit suites, on both kinds of dom0. Only
 * operations on GFNs that are mapped already are timed. They make no hypercall, so the figures
 * contain no time of the hypervisor's. The drain is the exception: there this time is the same at
 * all sizes. The same operations are done with a cache in red-black trees (rb_cache.h).
 *
 * Each figure is the fastest of many short runs over GFNs drawn at random beforehand, each run
 * with other GFNs. It is written to the log as a JSON object on one line; bench/native/run.sh
 * collects these.
 */

#define pr_fmt(fmt) "native bench: " fmt

#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>
#include <xen/xen_gpu_map.h>

#include "bench.h"
#include "fake_xen.h"
#include "map/domain.h"
#include "map_fixture.h"
#include "modules.h"
#include "rb_cache.h"

#define MAX_MAPPINGS	SZ_1M
#define BATCH		XEN_GPU_BATCH
#define RUNS		128
#define RUN_GFNS	4096
#define HOT_GFNS	SZ_1K
#define DRAINS		5
/* One idle page in so many is drained */
#define DRAIN_SHARE	16

static const unsigned int sizes[] = { SZ_1K, SZ_4K, SZ_16K, SZ_64K, SZ_256K, SZ_1M };

/* Mappings of one kind, and the GFNs to map and release. */
struct bench {
	struct kunit *test;
	const char *how;
	struct mediator *user;		/* NULL: the red-black trees */
	struct rb_cache rb;
	unsigned int mapped;		/* GFNs from 0 on that have a user */
	u64 *gfns;			/* RUNS * RUN_GFNS, drawn */
	u64 *order;			/* MAX_MAPPINGS, each once */
	u64 bfns[BATCH];
	int status[BATCH];
};

typedef void (*operation)(struct bench *b, const u64 *gfns, unsigned int n);

/* operations */

static void table_map(struct bench *b, const u64 *gfns, unsigned int n)
{
	xen_gpu_map(&b->user->client, gfns, n, XEN_GPU_MAP_READ | XEN_GPU_MAP_WRITE, b->bfns,
		    b->status);
}

static void table_release(struct bench *b, const u64 *gfns, unsigned int n)
{
	xen_gpu_release(&b->user->client, gfns, n);
}

static void table_pairs(struct bench *b, const u64 *gfns, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		table_map(b, &gfns[i], 1);
		table_release(b, &gfns[i], 1);
	}
}

static void table_batches(struct bench *b, const u64 *gfns, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i += BATCH) {
		table_map(b, gfns + i, BATCH);
		table_release(b, gfns + i, BATCH);
	}
}

static void rb_map(struct bench *b, const u64 *gfns, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		b->status[i] = rb_cache_map(&b->rb, gfns[i], &b->bfns[i]);
}

static void rb_release(struct bench *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		rb_cache_unmap(&b->rb, b->bfns[i]);
}

static void rb_pairs(struct bench *b, const u64 *gfns, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		rb_map(b, &gfns[i], 1);
		rb_release(b, 1);
	}
}

static void rb_batches(struct bench *b, const u64 *gfns, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i += BATCH) {
		rb_map(b, gfns + i, BATCH);
		rb_release(b, BATCH);
	}
}

/* Unmaps and maps again: what a cache without an idle list does for a rebind. */
static void rb_rebinds(struct bench *b, const u64 *gfns, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		rb_cache_unmap(&b->rb, rb_cache_dma(gfns[i]));
		rb_map(b, &gfns[i], 1);
	}
}

/* measuring */

/* Draws GFNs at random from the last @from of @mappings mapped ones. */
static void draw(struct bench *b, unsigned int mappings, unsigned int from)
{
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, mappings);
	for (i = 0; i < RUNS * RUN_GFNS; i++)
		b->gfns[i] = mappings - 1 - prandom_u32_state(&rnd) % from;
}

/* Returns the time for each GFN in the fastest run, in tenths of a nanosecond. */
static u64 fastest(struct bench *b, operation op)
{
	u64 best = U64_MAX, start;
	unsigned int run;

	for (run = 0; run < RUNS; run++) {
		start = ktime_get_ns();
		op(b, b->gfns + run * RUN_GFNS, RUN_GFNS);
		best = min(best, ktime_get_ns() - start);
		cond_resched();
	}
	return best * 10 / RUN_GFNS;
}

static void report(struct bench *b, const char *what, unsigned int mappings, u64 tenths)
{
	pr_info("{\"what\": \"%s\", \"how\": \"%s\", \"mappings\": %u, \"ns\": %llu.%llu}\n",
		what, b->how, mappings, tenths / 10, tenths % 10);
}

static void report_memory(struct bench *b, const char *layout, unsigned int mappings, u64 bytes)
{
	pr_info("{\"what\": \"memory\", \"how\": \"%s\", \"layout\": \"%s\", \"mappings\": %u, \"bytes\": %llu}\n",
		b->how, layout, mappings, bytes);
}

static void measure(struct bench *b, const char *what, unsigned int mappings, operation op)
{
	draw(b, mappings, mappings);
	report(b, what, mappings, fastest(b, op));
}

/* With a working set of constant size: how the cost grows apart from cache misses. */
static void measure_hot(struct bench *b, unsigned int mappings, operation op)
{
	draw(b, mappings, HOT_GFNS);
	report(b, "hot", mappings, fastest(b, op));
}

/* Maps every GFN below @below once. */
static void fill(struct bench *b, unsigned int below)
{
	unsigned int i, bad = 0;

	for (; b->mapped < below; b->mapped += BATCH) {
		for (i = 0; i < BATCH; i++)
			b->gfns[i] = b->mapped + i;
		if (b->user)
			table_map(b, b->gfns, BATCH);
		else
			rb_map(b, b->gfns, BATCH);
		for (i = 0; i < BATCH; i++)
			bad += !!b->status[i];
		cond_resched();
	}
	KUNIT_ASSERT_EQ(b->test, bad, 0u);
}

/* Puts the GFNs below @below, each once, into a random order. */
static void shuffle(struct bench *b, unsigned int below)
{
	struct rnd_state rnd;
	unsigned int i, j;

	prandom_seed_state(&rnd, below);
	for (i = 0; i < below; i++)
		b->order[i] = i;
	for (i = below - 1; i; i--) {
		j = prandom_u32_state(&rnd) % (i + 1);
		swap(b->order[i], b->order[j]);
	}
}

/* Releases the first @mappings GFNs of that order. */
static void release_all(struct bench *b, unsigned int mappings)
{
	table_release(b, b->order, mappings);
	b->mapped = 0;
}

static unsigned int count_nodes(struct xarray *xa)
{
	unsigned long index, last = 0, seen;
	unsigned int shift, n = 0;
	void *entry;

	xa_for_each(xa, index, entry)
		last = index;
	for (shift = 0; last >> shift; shift += XA_CHUNK_SHIFT) {
		seen = ULONG_MAX;
		xa_for_each(xa, index, entry) {
			n += index >> shift >> XA_CHUNK_SHIFT != seen;
			seen = index >> shift >> XA_CHUNK_SHIFT;
		}
	}
	return n;
}

/* Returns the size of the table: blocks, the xarray's nodes, and with pv the reference tables. */
static u64 table_bytes(struct bench *b)
{
	struct xen_gpu_domain *dom = b->user->client.domain;
	u64 bytes = (u64)count_nodes(&dom->table.blocks) * sizeof(struct xa_node);
	struct xen_gpu_block *block;
	unsigned long index;

	xa_for_each(&dom->table.blocks, index, block) {
		bytes += sizeof(*block);
		if (platform(b->test)->mode == FAKE_PV_DOM0)
			bytes += PAGE_SIZE * (!!block->backend[0] + !!block->backend[1]);
	}
	return bytes;
}

/* One tick of the idle list's clock. */
static void tick(struct bench *b)
{
	struct xen_gpu_domain *dom = b->user->client.domain;

	mod_delayed_work(dom->wq, &dom->age_work, 0);
	flush_delayed_work(&dom->age_work);
}

/* Some idle pages are old enough to be unmapped, most are not. */
static void measure_drain(struct bench *b, unsigned int mappings)
{
	unsigned int run, old = mappings / DRAIN_SHARE;
	u64 best = U64_MAX, start;

	for (run = 0; run < DRAINS; run++) {
		fill(b, mappings);
		table_release(b, b->order, old);
		tick(b);
		table_release(b, b->order + old, mappings - old);
		b->mapped = 0;
		start = ktime_get_ns();
		tick(b);
		best = min(best, ktime_get_ns() - start);
		KUNIT_EXPECT_EQ(b->test, b->user->client.domain->table.nr_idle,
				(ulong)mappings - old);
	}
	report(b, "drain", mappings, best * 10 / old);
}

static void measure_table(struct bench *b, unsigned int mappings)
{
	fill(b, mappings);
	fake_xen_reset_calls();
	measure(b, "cached", mappings, table_pairs);
	measure(b, "cached_batch", mappings, table_batches);
	measure_hot(b, mappings, table_pairs);
	report_memory(b, "dense", mappings, table_bytes(b));

	shuffle(b, mappings);
	release_all(b, mappings);
	measure(b, "revived", mappings, table_pairs);
	measure(b, "revived_batch", mappings, table_batches);
	KUNIT_EXPECT_EQ(b->test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	/* The fake scans every page table at every hypercall of a PV dom0. */
	if (platform(b->test)->mode != FAKE_PV_DOM0)
		measure_drain(b, mappings);
}

/* One mapping in each block */
static void measure_sparse(struct bench *b)
{
	unsigned int i, mappings = MAX_MAPPINGS / XEN_GPU_BLOCK_GFNS;
	u64 gfn;

	xen_gpu_flush(b->user->client.domain);
	for (i = 0; i < mappings; i++) {
		gfn = (u64)i << XEN_GPU_BLOCK_SHIFT;
		table_map(b, &gfn, 1);
		KUNIT_ASSERT_EQ(b->test, b->status[0], 0);
	}
	report_memory(b, "sparse", mappings, table_bytes(b));
	for (i = 0; i < mappings; i++) {
		gfn = (u64)i << XEN_GPU_BLOCK_SHIFT;
		table_release(b, &gfn, 1);
	}
}

static struct bench *new_bench(struct kunit *test, const char *how)
{
	struct bench *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	skip_in_a_debug_kernel(test);
	KUNIT_ASSERT_NOT_NULL(test, b);
	b->test = test;
	b->how = how;
	b->gfns = kvmalloc_array(RUNS * RUN_GFNS, sizeof(*b->gfns), GFP_KERNEL);
	b->order = kvmalloc_array(MAX_MAPPINGS, sizeof(*b->order), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, b->gfns);
	KUNIT_ASSERT_NOT_NULL(test, b->order);
	return b;
}

static void free_bench(struct bench *b)
{
	kvfree(b->gfns);
	kvfree(b->order);
}

static void the_table(struct kunit *test)
{
	struct bench *b = new_bench(test, platform(test)->backend);
	unsigned int i;

	b->user = start_user(test, MAX_MAPPINGS, MAX_MAPPINGS);
	module_param_set("xen_gpu_map.idle_max", "10000000");
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		measure_table(b, sizes[i]);
	measure_sparse(b);
	stop_user(test, b->user);
	free_bench(b);
}

static void red_black_trees(struct kunit *test)
{
	struct bench *b = new_bench(test, "rbtree");
	unsigned int i;

	rb_cache_init(&b->rb);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(b, sizes[i]);
		measure(b, "cached", sizes[i], rb_pairs);
		measure(b, "cached_batch", sizes[i], rb_batches);
		measure_hot(b, sizes[i], rb_pairs);
		measure(b, "rebound", sizes[i], rb_rebinds);
		report_memory(b, "dense", sizes[i], sizes[i] * rb_cache_mapping_size());
	}
	for (i = 0; i < b->mapped; i++)
		rb_cache_unmap(&b->rb, rb_cache_dma(i));
	free_bench(b);
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE_PARAM(the_table, stock_platforms_gen_params),
	{}
};

static struct kunit_suite table_suite = {
	.name = "native_bench_table",
	.exit = map_fixture_exit,
	.test_cases = table_cases,
};

static struct kunit_case baseline_cases[] = {
	KUNIT_CASE(red_black_trees),
	{}
};

static struct kunit_suite baseline_suite = {
	.name = "native_bench_baseline",
	.test_cases = baseline_cases,
};

kunit_test_suites(&table_suite, &baseline_suite);

MODULE_LICENSE("GPL");
