// SPDX-License-Identifier: GPL-2.0
/*
 * Compares this project's shadow page tables with GVT's own (gvt_gtt.h): the same writes of a guest
 * to both, in the same kernel. Counts the traps, the hypercalls, the pages that were mapped, the
 * flushes of the IOTLB and the memory, and measures the time.
 *
 * The guest's work:
 *  - fill: each entry of the GGTT is written once, in its order;
 *  - media: 16 surfaces of 2 MiB; in each frame four are bound in the GGTT, used and unbound;
 *  - 3d: 16 contexts with a PPGTT of 512 pages each: tables are made and announced, the GPU works,
 *    each page is exchanged for another one, the GPU works, and the tables are freed.
 *
 * After each step as many entries name pages of the guest as the guest has written.
 *
 * The time is that of the module's code. Time in hypercalls is left out: the fake hypervisor's is
 * subtracted, and GVT's count as nothing. So are the guest's own stores, and GVT's reads of guest
 * memory. No late sync and no aging of idle pages runs meanwhile.
 */

#define pr_fmt(fmt) "native bench: " fmt

#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <xen/interface/hvm/io_request.h>
#include <xen/xengt.h>

#include "bench.h"
#include "gvt_gtt.h"
#include "hybrid_fixture.h"
#include "map/domain.h"
#include "modules.h"
#include "vgpu/gsm/gsm.h"
#include "vgpu/vgpu.h"

#define PAGES		256u			/* of the GTT */
#define ENTRIES		(PAGES * (unsigned int)GTT_PAGE_ENTRIES)
#define FLUSH_EVERY	4096u			/* entries of "fill" */
#define SURFACES	16u
#define USED		4u			/* surfaces in each frame */
#define FRAMES		64u
#define CONTEXTS	16u
#define TABLES		4u			/* of a context, one of each level */
#define LEAF_ENTRIES	512u
/* Memory of the guest: pages with data, and pages with tables */
#define DATA_GFN	4096ull
#define DATA_PAGES	65536u
#define TABLES_GFN	(DATA_GFN + DATA_PAGES)

#define PRESENT		3ull			/* and writable */

static u64 entry_of(u64 gfn)
{
	return (gfn << PAGE_SHIFT) | PRESENT;
}

struct bench;

/**
 * struct candidate - page tables that are compared
 * @name: for the report
 * @mode: the mode of the virtual GPU
 * @start: makes a virtual GPU
 * @stop: makes all entries scratch and unmaps all pages, and fills in what all that has cost
 * @end: ends the virtual GPU
 * @put: the guest writes an entry of the GGTT
 * @is_table: are writes to the page trapped?
 * @put_table: a trapped write to an entry of a PPGTT's table
 * @create: the guest announces a PPGTT
 * @destroy: the guest takes that back
 * @submit: the guest submits work
 * @live: returns how many entries name a page of the guest
 */
struct candidate {
	const char *name;
	enum xengt_mode mode;
	void (*start)(struct bench *b);
	void (*stop)(struct bench *b);
	void (*end)(struct bench *b);
	void (*put)(struct bench *b, unsigned long entry, u64 pte);
	bool (*is_table)(u64 gfn);
	void (*put_table)(struct bench *b, u64 addr, u64 pte);
	void (*create)(struct bench *b, u64 root);
	void (*destroy)(struct bench *b, u64 root);
	void (*submit)(struct bench *b);
	unsigned long (*live)(struct bench *b);
};

struct cost {
	unsigned long writes;
	unsigned long traps;
	unsigned long hypercalls;
	unsigned long mapped;
	unsigned long flushes;
	u64 bytes;
	u64 ns;
};

struct bench {
	struct kunit *test;
	const struct candidate *candidate;
	struct cost cost;
	u64 left_out;			/* time that is left out, in ns */
	unsigned int failed;
	/* the virtual GPU */
	struct xengt_vgpu *vgpu;
	struct xengt_ioreq_scratch scratch;
};

/* GVT's */

static void copy_guest(u64 addr, void *data, size_t len, bool write)
{
	if (write)
		fake_guest_write(DOM, addr, data, len);
	else
		fake_guest_read(DOM, addr, data, len);
}

static bool is_memory(u64 gfn)
{
	return fake_gfn_mfn(DOM, gfn) != FAKE_NO_MFN;
}

static void gvt_start(struct bench *b)
{
	const struct gvt_gtt_guest guest = { .copy = copy_guest, .is_valid = is_memory };

	KUNIT_ASSERT_EQ(b->test, gvt_gtt_start(&guest, ENTRIES), 0);
}

static void gvt_stop(struct bench *b)
{
	const struct gvt_gtt_counts *counts = gvt_gtt_counts();

	gvt_gtt_reset();
	b->left_out += counts->copying;
	b->cost.hypercalls = counts->hypercalls;
	b->cost.mapped = counts->mapped;
	b->cost.flushes = counts->invalidations;
	b->cost.bytes = counts->max_bytes;
	b->failed += counts->errors;
}

static void gvt_end(struct bench *b)
{
	gvt_gtt_stop();
}

static void gvt_put(struct bench *b, unsigned long entry, u64 pte)
{
	b->cost.traps++;
	b->failed += !!gvt_gtt_write(entry, pte);
}

static void gvt_put_table(struct bench *b, u64 addr, u64 pte)
{
	b->failed += !!gvt_gtt_write_table(addr, pte);
}

static void gvt_create(struct bench *b, u64 root)
{
	b->failed += !!gvt_gtt_create(root);
}

static void gvt_destroy(struct bench *b, u64 root)
{
	b->failed += !!gvt_gtt_destroy(root);
}

static void gvt_submit(struct bench *b)
{
	b->failed += !!gvt_gtt_submit();
}

static unsigned long gvt_live(struct bench *b)
{
	return gvt_gtt_counts()->live;
}

/* This project's */

/* The shadow entries are in the GSM "mem": the suites' own GPU checks all of them at each write. */
static void vgpu_start(struct bench *b)
{
	const struct hybrid_config config = {
		.mode = b->candidate->mode, .pages = PAGES, .room = PAGES,
	};

	b->vgpu = new_hybrid(b->test, &config);
	strscpy(b->vgpu->config.place, xengt_gsm_mem.name, sizeof(b->vgpu->config.place));
	b->vgpu->config.quota = DATA_PAGES;
	KUNIT_ASSERT_EQ(b->test, xengt_vgpu_enable(b->vgpu), 0);
	fake_xen_reset_calls();
	b->left_out -= fake_xen_time();
	b->cost.mapped -= debugfs_value("xen_gpu_map/total", "mapped");
}

static u64 leaf_bytes(struct xengt_shadow *sh)
{
	struct xengt_leaf *leaf;
	u64 bytes = 0;

	list_for_each_entry(leaf, &sh->leaves, node)
		bytes += leaf->n * (sizeof(*leaf->guest) + sizeof(*leaf->shadow)) +
			 3 * leaf->n / BITS_PER_BYTE;
	return bytes;
}

static u64 spt_bytes(struct xengt_spts *spts)
{
	struct xengt_gpt_page *page;
	struct xengt_gpage *gpage;
	struct xengt_spt *spt;
	unsigned long key;
	u64 bytes = 0;

	xa_for_each(&spts->pages.gpages.pages, key, gpage) {
		page = container_of(gpage, struct xengt_gpt_page, gpage);
		bytes += sizeof(*page);
		list_for_each_entry(spt, &page->spts, page_node)
			bytes += spt->ops->size + PAGE_SIZE;
	}
	return bytes;
}

/*
 * Memory in use: mappings, tables, and the copies of the GGTT, which in hybrid mode are the guest's
 * RAM at the GTT. Nodes of xarrays are not counted.
 */
static void note_bytes(struct bench *b)
{
	struct xengt_gtt *gtt = &b->vgpu->gtt;
	struct xen_gpu_block *block;
	unsigned long index;
	u64 bytes;

	bytes = leaf_bytes(&gtt->shadow) + spt_bytes(&gtt->ppgtts.spts) +
		PAGES * (sizeof(struct xengt_ggtt_page) + PAGE_SIZE);
	xa_for_each(&b->vgpu->domain->table.blocks, index, block) {
		bytes += sizeof(*block);
		if (on_pv(b->test))
			bytes += PAGE_SIZE * (!!block->backend[0] + !!block->backend[1]);
	}
	b->cost.bytes = max(b->cost.bytes, bytes);
}

static void vgpu_stop(struct bench *b)
{
	KUNIT_EXPECT_EQ(b->test, xengt_vgpu_reset(b->vgpu, XENGT_RESET_ALL), 0);
	KUNIT_EXPECT_EQ(b->test, xen_gpu_flush(b->vgpu->domain), 0);
	b->left_out += fake_xen_time();
	b->cost.hypercalls = fake_xen_calls(FAKE_CALL_ANY);
	b->cost.flushes = fake_xen_flushes();
	b->cost.mapped += debugfs_value("xen_gpu_map/total", "mapped");
}

static void vgpu_end(struct bench *b)
{
	xengt_vgpu_destroy(b->vgpu);
}

static void vgpu_trap(struct bench *b, u64 addr, u64 data, unsigned int size)
{
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_WRITE,
		.addr = addr,
		.data = data,
		.count = 1,
		.size = size,
	};
	struct xengt_ioreq_server *server = &b->vgpu->mmio.server;

	server->handle(server, &req, &b->scratch);
}

/* The guest's store to memory, which is not the module's work */
static void store(struct bench *b, u64 addr, u64 data)
{
	u64 start = ktime_get_ns();

	fake_guest_write(DOM, addr, &data, sizeof(data));
	b->left_out += ktime_get_ns() - start;
}

/* Would the write be trapped? That is Xen's work, too. */
static bool is_trapped(struct bench *b, u64 gfn)
{
	u64 start = ktime_get_ns();
	bool trapped = b->candidate->is_table(gfn);

	b->left_out += ktime_get_ns() - start;
	return trapped;
}

static void vgpu_put(struct bench *b, unsigned long entry, u64 pte)
{
	u64 addr = ENTRY_ADDR(entry);

	if (!is_trapped(b, addr >> PAGE_SHIFT)) {
		store(b, addr, pte);
		return;
	}
	b->cost.traps++;
	vgpu_trap(b, addr, pte, sizeof(pte));
}

static bool vgpu_is_trapped(u64 gfn)
{
	return fake_gfn_mfn(DOM, gfn) == FAKE_NO_MFN || fake_gfn_write_protected(DOM, gfn);
}

static void vgpu_put_table(struct bench *b, u64 addr, u64 pte)
{
	vgpu_trap(b, addr, pte, sizeof(pte));
}

static struct xengt_ppgtt_root root_at(u64 addr)
{
	return (struct xengt_ppgtt_root){ .levels = 4, .pdp = { addr } };
}

static void vgpu_create(struct bench *b, u64 root)
{
	struct xengt_ppgtt_root at = root_at(root);

	b->failed += !!xengt_ppgtt_create(b->vgpu, &at);
}

static void vgpu_destroy(struct bench *b, u64 root)
{
	struct xengt_ppgtt_root at = root_at(root);

	b->failed += !!xengt_ppgtt_destroy(b->vgpu, &at);
}

/* The guest flushes, which is a trap. */
static void vgpu_submit(struct bench *b)
{
	vgpu_trap(b, GFX_FLSH_CNTL, 1, sizeof(u32));
}

static unsigned long vgpu_live(struct bench *b)
{
	return b->vgpu->gtt.shadow.nr_live;
}

#define VGPU_FUNCTIONS \
	.start = vgpu_start, .stop = vgpu_stop, .end = vgpu_end, .put = vgpu_put, \
	.is_table = vgpu_is_trapped, .put_table = vgpu_put_table, .create = vgpu_create, \
	.destroy = vgpu_destroy, .submit = vgpu_submit, .live = vgpu_live

static const struct candidate candidates[] = {
	{
		.name = "gvt", .start = gvt_start, .stop = gvt_stop, .end = gvt_end, .put = gvt_put,
		.is_table = gvt_gtt_is_table, .put_table = gvt_put_table, .create = gvt_create,
		.destroy = gvt_destroy, .submit = gvt_submit, .live = gvt_live,
	}, {
		.name = "strict", .mode = XENGT_MODE_STRICT, VGPU_FUNCTIONS,
	}, {
		.name = "hybrid", .mode = XENGT_MODE_HYBRID, VGPU_FUNCTIONS,
	},
};

/* What the guest does */

static void put(struct bench *b, unsigned long entry, u64 pte)
{
	b->cost.writes++;
	b->candidate->put(b, entry, pte);
}

static void put_table(struct bench *b, u64 gfn, unsigned int index, u64 pte)
{
	u64 addr = (gfn << PAGE_SHIFT) + index * sizeof(pte);

	b->cost.writes++;
	if (!is_trapped(b, gfn)) {
		store(b, addr, pte);
		return;
	}
	/* GVT looks at what is in memory. */
	store(b, addr, pte);
	b->cost.traps++;
	b->candidate->put_table(b, addr, pte);
}

/* The GPU works with all that was written: @live entries name pages of the guest. */
static void submit(struct bench *b, unsigned long live)
{
	u64 start;

	b->candidate->submit(b);
	start = ktime_get_ns();
	b->failed += b->candidate->live(b) != live;
	if (b->vgpu)
		note_bytes(b);
	cond_resched();
	b->left_out += ktime_get_ns() - start;
}

static void fill(struct bench *b)
{
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		put(b, i, entry_of(DATA_GFN + i % DATA_PAGES));
		if (i % FLUSH_EVERY == FLUSH_EVERY - 1)
			submit(b, i + 1);
	}
}

static void bind(struct bench *b, unsigned int surface, bool bound)
{
	unsigned int i, first = surface * LEAF_ENTRIES;

	for (i = first; i < first + LEAF_ENTRIES; i++)
		put(b, i, bound ? entry_of(DATA_GFN + i) : 0);
}

static void media(struct bench *b)
{
	unsigned int frame, i;

	for (frame = 0; frame < FRAMES; frame++) {
		for (i = 0; i < USED; i++)
			bind(b, (frame * USED + i) % SURFACES, true);
		submit(b, USED * LEAF_ENTRIES);
		for (i = 0; i < USED; i++)
			bind(b, (frame * USED + i) % SURFACES, false);
		submit(b, 0);
	}
}

static u64 table_gfn(unsigned int context, unsigned int level)
{
	return TABLES_GFN + context * TABLES + level - 1;
}

static void make_context(struct bench *b, unsigned int context, u64 first)
{
	unsigned int level, i;

	for (i = 0; i < LEAF_ENTRIES; i++)
		put_table(b, table_gfn(context, 1), i, entry_of(first + i));
	for (level = 2; level <= TABLES; level++)
		put_table(b, table_gfn(context, level), 0, entry_of(table_gfn(context, level - 1)));
	b->candidate->create(b, table_gfn(context, TABLES) << PAGE_SHIFT);
	submit(b, (context + 1) * LEAF_ENTRIES);
}

static void exchange_pages(struct bench *b, unsigned int context, u64 first)
{
	unsigned int i;

	for (i = 0; i < LEAF_ENTRIES; i++)
		put_table(b, table_gfn(context, 1), i, entry_of(first + i));
	submit(b, CONTEXTS * LEAF_ENTRIES);
}

static void end_context(struct bench *b, unsigned int context)
{
	b->candidate->destroy(b, table_gfn(context, TABLES) << PAGE_SHIFT);
	submit(b, (CONTEXTS - 1 - context) * LEAF_ENTRIES);
}

static void contexts(struct bench *b)
{
	unsigned int i;

	for (i = 0; i < CONTEXTS; i++)
		make_context(b, i, DATA_GFN + i * LEAF_ENTRIES);
	for (i = 0; i < CONTEXTS; i++)
		exchange_pages(b, i, DATA_GFN + (CONTEXTS + i) * LEAF_ENTRIES);
	for (i = 0; i < CONTEXTS; i++)
		end_context(b, i);
}

static const struct workload {
	const char *name;
	void (*run)(struct bench *b);
} workloads[] = {
	{ "fill", fill },
	{ "media", media },
	{ "3d", contexts },
};

/* Measuring */

static void report(struct bench *b, const char *workload)
{
	const struct cost *c = &b->cost;

	pr_info("{\"what\": \"gtt\", \"how\": \"%s%s\", \"layout\": \"%s\", \"mappings\": %lu, \"traps\": %lu, \"hypercalls\": %lu, \"mapped\": %lu, \"flushes\": %lu, \"bytes\": %llu, \"ns\": %llu}\n",
		b->vgpu ? (mode_of(b->test) == FAKE_PV_DOM0 ? "pv " : "physmap ") : "",
		b->candidate->name, workload, c->writes, c->traps, c->hypercalls, c->mapped,
		c->flushes, c->bytes, c->ns);
}

static void measure(struct bench *b, const struct workload *workload)
{
	u64 start;

	b->candidate->start(b);
	start = ktime_get_ns();
	workload->run(b);
	b->candidate->stop(b);
	b->cost.ns = ktime_get_ns() - start - b->left_out;
	b->candidate->end(b);
	KUNIT_EXPECT_EQ_MSG(b->test, b->failed, 0u, "%s, %s", b->candidate->name, workload->name);
	report(b, workload->name);
}

static void populate(void)
{
	u64 gfn;

	for (gfn = DATA_GFN; gfn < TABLES_GFN + CONTEXTS * TABLES; gfn++)
		fake_gfn_populate(DOM, gfn);
}

static void measure_candidate(struct kunit *test, const struct candidate *candidate,
			      const struct workload *workload)
{
	struct bench *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->test = test;
	b->candidate = candidate;
	b->scratch.buffer = kunit_kzalloc(test, XENGT_IOREQ_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, b->scratch.buffer);
	start_modules(test, mode_of(test));
	module_param_set("xengt.posted_age_ms", "3600000");
	module_param_set("xengt.posted_max", "1000000000");
	populate();
	measure(b, workload);
	stop_modules(test);
}

static void gtts(struct kunit *test)
{
	unsigned int i, j;

	skip_in_a_debug_kernel(test);
	for (i = 0; i < ARRAY_SIZE(workloads); i++) {
		/* GVT's tables do not know what dom0 is. */
		for (j = on_pv(test) ? 0 : 1; j < ARRAY_SIZE(candidates); j++)
			measure_candidate(test, &candidates[j], &workloads[i]);
	}
}

static struct kunit_case gtt_cases[] = {
	KUNIT_CASE_PARAM(gtts, both_dom0s_gen_params),
	{}
};

static struct kunit_suite gtt_suite = {
	.name = "native_bench_gtts",
	.test_cases = gtt_cases,
};

kunit_test_suite(gtt_suite);

MODULE_LICENSE("GPL");
