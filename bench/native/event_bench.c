// SPDX-License-Identifier: GPL-2.0
/*
 * Measures what a balloon event costs, in nanoseconds for each live entry, with an increasing
 * number of live entries: the whole revalidation ("event"), and its part in which the virtual GPU
 * rewrites its entries to the new BFNs ("rewrite"). Two entries name each page of the guest, so
 * 1024 entries name the 512 GFNs of a block of the mapping table.
 *
 * The modules run over the fake hypervisor of the KUnit suites. The time spent there, for mapping
 * and unmapping each page once, is subtracted. The shadow entries are in the GSM "mem", because the
 * suites' own GPU checks all entries at each write. With physmap each GFN is remapped and each
 * entry is rewritten; with pv all mappings are kept.
 *
 * Each figure is the fastest of EVENTS events. It is written to the log as native_bench.c does.
 */

#define pr_fmt(fmt) "native bench: " fmt

#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "bench.h"
#include "hybrid_fixture.h"
#include "map/domain.h"
#include "modules.h"
#include "vgpu/gsm/gsm.h"
#include "vgpu/vgpu.h"

#define PAGES		256u		/* of the GTT */
#define ENTRIES		(PAGES * (unsigned int)GTT_PAGE_ENTRIES)
#define USES		2		/* entries that name one page of the guest */
#define EVENTS		8

static const unsigned int sizes[] = { SZ_1K, SZ_32K, ENTRIES };

/* A client that notes the time of its remap: one is called before the virtual GPU, one after it. */
struct clock {
	struct xen_gpu_client client;
	u64 told;
};

struct bench {
	struct kunit *test;
	struct xengt_vgpu *vgpu;
	struct clock before;
	struct clock after;
	u64 ptes[GTT_PAGE_ENTRIES];
};

static void moved(struct xen_gpu_client *client, const struct xen_gpu_move *moves, unsigned int n)
{
	container_of(client, struct clock, client)->told = ktime_get_ns();
}

static void nothing(struct xen_gpu_client *client)
{
}

static const struct xen_gpu_client_ops clock_ops = {
	.remap = moved,
	.revalidated = nothing,
	.release = nothing,
};

static void report(struct kunit *test, const char *what, unsigned int n, u64 tenths)
{
	pr_info("{\"what\": \"%s\", \"how\": \"%s\", \"mappings\": %u, \"ns\": %llu.%llu}\n", what,
		mode_of(test) == FAKE_PV_DOM0 ? "pv" : "physmap", n, tenths / 10, tenths % 10);
}

/* Writes the entries from first up to n, and syncs. */
static void fill(struct bench *b, unsigned int first, unsigned int n)
{
	struct xengt_vgpu *vgpu = b->vgpu;
	unsigned int i;

	for (; first < n; first += GTT_PAGE_ENTRIES) {
		for (i = 0; i < GTT_PAGE_ENTRIES; i++)
			b->ptes[i] = PTE((first + i) / USES);
		xengt_ggtt_write(&vgpu->gtt.ggtt, first * sizeof(u64), b->ptes, sizeof(b->ptes));
	}
	KUNIT_ASSERT_EQ(b->test, xengt_vgpu_sync(vgpu), 0);
	KUNIT_ASSERT_EQ(b->test, vgpu->gtt.ggtt.leaf.nr_live, (ulong)n);
}

/* A revalidation waits for as long as the one before took, and a jiffy at least. */
static void let_it_pause(const struct xen_gpu_domain *dom)
{
	while (time_before(jiffies, READ_ONCE(dom->not_before)))
		schedule_timeout_uninterruptible(1);
}

static void measure_events(struct bench *b, unsigned int n)
{
	u64 event = U64_MAX, rewrite = U64_MAX, start, in_fake;
	unsigned int i;

	for (i = 0; i < EVENTS; i++) {
		let_it_pause(b->vgpu->domain);
		in_fake = fake_xen_time();
		start = ktime_get_ns();
		xen_gpu_balloon_event(b->vgpu->domain);
		xen_gpu_wait_current(b->vgpu->domain);
		event = min(event, ktime_get_ns() - start - (fake_xen_time() - in_fake));
		rewrite = min(rewrite, b->after.told - b->before.told);
	}
	report(b->test, "event", n, event * 10 / n);
	if (mode_of(b->test) != FAKE_PV_DOM0)
		report(b->test, "rewrite", n, rewrite * 10 / n);
}

static void measure_sizes(struct bench *b)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(b, n, sizes[i]);
		n = sizes[i];
		measure_events(b, n);
	}
}

static void start_clock(struct bench *b, struct clock *clock, struct xen_gpu_domain *dom)
{
	clock->client.ops = &clock_ops;
	clock->client.max_bfn = U64_MAX;
	KUNIT_ASSERT_EQ(b->test, xen_gpu_client_register(dom, &clock->client), 0);
}

static void start_vgpu_between_clocks(struct bench *b)
{
	const struct xen_gpu_limits limits = { .quota = ENTRIES, .max_bfn = BIT_ULL(27) - 1 };
	const struct hybrid_config config = {
		.mode = XENGT_MODE_POSTED, .pages = PAGES,
	};
	struct xen_gpu_domain *dom = xen_gpu_domain_get(DOM, &limits);

	KUNIT_ASSERT_FALSE(b->test, IS_ERR(dom));
	start_clock(b, &b->before, dom);
	b->vgpu = new_hybrid(b->test, &config);
	strscpy(b->vgpu->config.place, xengt_gsm_mem.name, sizeof(b->vgpu->config.place));
	b->vgpu->config.quota = ENTRIES;
	KUNIT_ASSERT_EQ(b->test, xengt_vgpu_enable(b->vgpu), 0);
	KUNIT_ASSERT_PTR_EQ(b->test, b->vgpu->domain, dom);
	start_clock(b, &b->after, dom);
}

static void stop_all(struct bench *b)
{
	struct xen_gpu_domain *dom = b->before.client.domain;

	xen_gpu_client_unregister(&b->after.client);
	xengt_vgpu_destroy(b->vgpu);
	xen_gpu_client_unregister(&b->before.client);
	xen_gpu_domain_put(dom);
}

static void events(struct kunit *test)
{
	struct bench *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	u64 gfn;

	skip_in_a_debug_kernel(test);
	KUNIT_ASSERT_NOT_NULL(test, b);
	b->test = test;
	start_modules(test, mode_of(test));
	for (gfn = GUEST_PAGES; gfn < ENTRIES / USES; gfn++)
		fake_gfn_populate(DOM, gfn);
	start_vgpu_between_clocks(b);
	measure_sizes(b);
	stop_all(b);
	stop_modules(test);
}

static struct kunit_case event_cases[] = {
	KUNIT_CASE_PARAM(events, both_dom0s_gen_params),
	{}
};

static struct kunit_suite event_suite = {
	.name = "native_bench_events",
	.test_cases = event_cases,
};

kunit_test_suite(event_suite);

MODULE_LICENSE("GPL");
