// SPDX-License-Identifier: GPL-2.0
/*
 * Measures in nanoseconds:
 *
 *  - what a trapped write costs ("trap"), from the ioreq to the moment at which its answer is
 *    ready, with an increasing number of entries that wait for a sync;
 *  - what the writes that are not trapped cost instead ("look"): a sync's scan of an unsync page in
 *    which no entry has changed.
 *
 * The modules run over the fake hypervisor of the KUnit suites. Neither operation makes a
 * hypercall, so the figures contain no time of the fake's. Each figure is the fastest of many short
 * runs. It is written to the log as native_bench.c does.
 */

#define pr_fmt(fmt) "native bench: " fmt

#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <xen/interface/hvm/io_request.h>

#include "bench.h"
#include "hybrid_fixture.h"
#include "modules.h"
#include "vgpu/vgpu.h"

#define PAGES		1024u		/* of the GTT: 2 GiB of graphics addresses */
#define ENTRIES		(PAGES * (unsigned int)GTT_PAGE_ENTRIES)
#define RUNS		128
#define RUN_WRITES	4096
#define LOOKS		64

static const unsigned int sizes[] = { SZ_1K, SZ_16K, SZ_256K, ENTRIES };
static const unsigned int open_pages[] = { 1, 16, 256, PAGES };

static void report(struct kunit *test, const char *what, unsigned int n, u64 tenths)
{
	pr_info("{\"what\": \"%s\", \"how\": \"%s\", \"mappings\": %u, \"ns\": %llu.%llu}\n", what,
		mode_of(test) == FAKE_PV_DOM0 ? "pv" : "physmap", n, tenths / 10, tenths % 10);
}

static void write_entry(struct xengt_vgpu *vgpu, unsigned int entry,
			const struct xengt_ioreq_scratch *room)
{
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_WRITE,
		.addr = ENTRY_ADDR(entry),
		.data = PTE(entry),
		.count = 1,
		.size = 8,
	};

	vgpu->mmio.server.handle(&vgpu->mmio.server, &req, room);
}

/* Writes at random to the first n entries, all of which wait for a sync. */
static void measure_traps(struct kunit *test, struct xengt_vgpu *vgpu, unsigned int n)
{
	/* No guest memory is copied. */
	const struct xengt_ioreq_scratch room = {
		.buffer = kunit_kzalloc(test, XENGT_IOREQ_BYTES, GFP_KERNEL),
	};
	u64 best = U64_MAX, start;
	struct rnd_state rnd;
	unsigned int run, i;

	KUNIT_ASSERT_NOT_NULL(test, room.buffer);
	prandom_seed_state(&rnd, n);
	for (i = 0; i < n; i++)
		write_entry(vgpu, i, &room);
	for (run = 0; run < RUNS; run++) {
		start = ktime_get_ns();
		for (i = 0; i < RUN_WRITES; i++)
			write_entry(vgpu, prandom_u32_state(&rnd) % n, &room);
		best = min(best, ktime_get_ns() - start);
		cond_resched();
	}
	report(test, "trap", n, best * 10 / RUN_WRITES);
}

static void traps(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_POSTED, .pages = PAGES,
	};
	struct xengt_vgpu *vgpu;
	unsigned int i;

	skip_in_a_debug_kernel(test);
	start_modules(test, mode_of(test));
	module_param_set("xengt.posted_max", "1000000000");
	vgpu = start_hybrid(test, &config);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		measure_traps(test, vgpu, sizes[i]);
	stop_hybrid(test, vgpu);
	stop_modules(test);
}

/* With n unsync pages */
static void measure_looks(struct kunit *test, struct xengt_vgpu *vgpu, unsigned int n)
{
	u64 best = U64_MAX, start;
	unsigned int i;

	for (i = 0; i < LOOKS; i++) {
		start = ktime_get_ns();
		xengt_gtt_sync(&vgpu->gtt);
		best = min(best, ktime_get_ns() - start);
		cond_resched();
	}
	report(test, "look", n, best * 10 / n);
}

static void looks(struct kunit *test)
{
	const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .pages = PAGES, .room = PAGES,
	};
	struct xengt_vgpu *vgpu;
	unsigned int i, n = 0;

	skip_in_a_debug_kernel(test);
	start_modules(test, mode_of(test));
	module_param_set("xengt.idle_syncs", "1000000000");
	vgpu = start_hybrid(test, &config);
	for (i = 0; i < ARRAY_SIZE(open_pages); i++) {
		for (; n < open_pages[i]; n++) {
			/* Not neighbours in sequence, so that no page ahead becomes unsync. */
			hybrid_write_often(test, (n * 2) % PAGES + (n * 2) / PAGES);
			hybrid_flush(test);
		}
		KUNIT_EXPECT_EQ(test, vgpu->gtt.shadow.dirty.nr_unsync, (ulong)n);
		measure_looks(test, vgpu, n);
	}
	stop_hybrid(test, vgpu);
	stop_modules(test);
}

static struct kunit_case trap_cases[] = {
	KUNIT_CASE_PARAM(traps, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(looks, both_dom0s_gen_params),
	{}
};

static struct kunit_suite trap_suite = {
	.name = "native_bench_traps",
	.test_cases = trap_cases,
};

kunit_test_suite(trap_suite);

MODULE_LICENSE("GPL");
