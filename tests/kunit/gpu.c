// SPDX-License-Identifier: GPL-2.0
/*
 * The GPU that the suites of xengt.ko watch with; see gpu.h.
 *
 * Locking: none. ARCH=um has one CPU and does not preempt, and nothing here sleeps between a check
 * and a change.
 */

#define pr_fmt(fmt) "gpu: " fmt

#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "map/domain.h"
#include "map/idle.h"
#include "gpu.h"
#include "modules.h"
#include "ppgtt_format.h"
#include "vgpu_fixture.h"

#define GPU_RANGES	16
#define GPU_TLB		8192

struct gpu_range {
	const struct xengt_gsm *gsm;
	unsigned long first;
	unsigned long n;
	u64 *entries;
	u64 scratch;		/* the first value that the owner wrote */
	domid_t owner;
};

static struct gpu {
	unsigned int users;
	struct xengt_gsm *last_opened;
	bool incoherent;
	domid_t next_owner;
	struct gpu_range ranges[GPU_RANGES];
	struct {
		struct gpu_range *range;
		u64 pte;
	} tlb[GPU_TLB];		/* former values of entries since the last invalidate */
	unsigned int nr_tlb;
	struct {
		domid_t domid;
		struct xen_gpu_domain *domain;
	} drained[2];
	const struct ppgtt_format *format;
	struct gpu_walker *walker;
	unsigned int check_one_in;	/* one in so many hypercalls, on average */
	struct rnd_state rnd;
	bool unchecked;		/* a hypercall came since the last check */
	unsigned int bad;
	unsigned int fail_nth;
	int fail_error;
	void (*call)(void *data);
	void *call_data;
} gpu;

/* Returns what is wrong if the GPU reaches a page of the owner's by a BFN, or NULL. */
const char *gpu_unsafe(domid_t owner, u64 bfn)
{
	unsigned long mfn = fake_dma_mfn(bfn);

	if (mfn == FAKE_NO_MFN)
		return "reaches nothing";
	if (!fake_mfn_refs(mfn))
		return "reaches a page without a reference";
	if (fake_mfn_owner(mfn) != owner)
		return "reaches another domain's page";
	return NULL;
}

/* Reports an unsafe entry. Only the first one is logged. */
void gpu_found(domid_t owner, u64 pte, const char *what)
{
	if (!gpu.bad++)
		pr_err("domain %u's GPU has an entry %#llx that %s\n", owner, pte, what);
}

static void check_pte(const struct gpu_range *range, u64 pte)
{
	struct ppgtt_entry entry = ppgtt_decode(gpu.format, 1, pte);
	const char *what;

	if (entry.kind == PPGTT_NONE || pte == range->scratch)
		return;
	if (gpu.walker && gpu.walker->is_table(gpu.walker, range->owner, pte))
		return;
	what = gpu_unsafe(range->owner, entry.frame);
	if (!what && entry.kind != PPGTT_PAGE)
		what = "has reserved bits";
	if (what)
		gpu_found(range->owner, pte, what);
}

static void check_all(void)
{
	struct gpu_range *range;
	unsigned long i;

	/* lockdep_off(): thousands of look-ups in the fake take the same lock. */
	lockdep_off();
	for (range = gpu.ranges; range < gpu.ranges + GPU_RANGES; range++) {
		for (i = 0; range->entries && i < range->n; i++)
			check_pte(range, range->entries[i]);
	}
	for (i = 0; i < gpu.nr_tlb; i++) {
		if (gpu.tlb[i].range->entries)
			check_pte(gpu.tlb[i].range, gpu.tlb[i].pte);
	}
	if (gpu.walker)
		gpu.walker->check(gpu.walker);
	lockdep_on();
}

/* Checks that all that the GPU has, or has in its TLB, is safe. */
void gpu_check(void)
{
	check_all();
	gpu.unchecked = true;
}

/* Checks again only after a hypercall: nothing else changes what is safe. */
static void check_what_happened(void)
{
	if (gpu.unchecked)
		check_all();
	gpu.unchecked = false;
}

/* The hook for the fake hypervisor: checks at a hypercall. */
void gpu_check_at_hypercall(enum fake_call kind, void *unused)
{
	gpu.unchecked = true;
	if (gpu.check_one_in == 1 || prandom_u32_state(&gpu.rnd) % gpu.check_one_in == 0)
		check_all();
}

/* For long tests: checks at one in @n hypercalls, and still at each write and invalidate. */
void gpu_check_one_in(unsigned int n)
{
	gpu.check_one_in = n;
}

/* To be called before a share is opened. */
void gpu_set_format(const struct ppgtt_format *format)
{
	gpu.format = format;
}

/* NULL removes it. */
void gpu_set_walker(struct gpu_walker *walker)
{
	gpu.walker = walker;
}

static void drain(domid_t domid)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gpu.drained); i++) {
		if (gpu.drained[i].domain && gpu.drained[i].domid == domid)
			xen_gpu_idle_drain(gpu.drained[i].domain, XEN_GPU_COUNT_DRAINED_FLUSH);
	}
}

static bool taken(unsigned long first, unsigned long n)
{
	struct gpu_range *range;

	for (range = gpu.ranges; range < gpu.ranges + GPU_RANGES; range++) {
		if (range->entries && first < range->first + range->n &&
		    range->first < first + n)
			return true;
	}
	return false;
}

static int reserve(const struct xengt_gsm *gsm, unsigned long first, unsigned long n)
{
	struct gpu_range *range = gpu.ranges;
	u64 *entries;

	if (gpu.fail_nth && !--gpu.fail_nth)
		return gpu.fail_error;
	if (!n)
		return 0;
	if (taken(first, n))
		return -EBUSY;
	entries = vzalloc(array_size(n, sizeof(*entries)));
	if (!entries)
		return -ENOMEM;
	while (range->entries)
		range++;
	*range = (struct gpu_range){ .gsm = gsm, .first = first, .n = n,
				     .owner = gpu.next_owner, .entries = entries };
	return 0;
}

static struct gpu_range *range_of(unsigned long index)
{
	struct gpu_range *range;

	for (range = gpu.ranges; range < gpu.ranges + GPU_RANGES; range++) {
		if (range->entries && index >= range->first && index < range->first + range->n)
			return range;
	}
	return NULL;
}

static void write_entry(struct xengt_gsm *gsm, unsigned long index, u64 pte)
{
	struct gpu_range *range = range_of(index);
	u64 *entry;

	if (!range || range->gsm != gsm) {
		pr_err("entry %lu is written by somebody who has not reserved it\n", index);
		gpu.bad++;
		return;
	}
	drain(range->owner);
	check_what_happened();
	if (!range->scratch)
		range->scratch = pte;
	entry = &range->entries[index - range->first];
	if ((*entry & PTE_PRESENT) && *entry != range->scratch &&
	    !WARN_ON_ONCE(gpu.nr_tlb == GPU_TLB)) {
		gpu.tlb[gpu.nr_tlb].range = range;
		gpu.tlb[gpu.nr_tlb++].pte = *entry;
	}
	*entry = pte;
	check_pte(range, pte);
	fake_xen_note(FAKE_EVENT_PTE, ppgtt_decode(gpu.format, 1, pte).frame, index);
}

/* Only with @ppgtt it forgets what it met on its walks of PPGTTs. */
static void invalidate(struct xengt_gsm *gsm, bool ppgtt)
{
	void (*call)(void *data) = gpu.call;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gpu.drained); i++)
		drain(gpu.drained[i].domid);
	check_what_happened();
	gpu.nr_tlb = 0;
	if (gpu.walker && ppgtt)
		gpu.walker->forget(gpu.walker);
	fake_xen_note(FAKE_EVENT_INVALIDATE, 0, 0);
	gpu.call = NULL;
	if (call)
		call(gpu.call_data);
}

static bool has_range(domid_t domid)
{
	struct gpu_range *range;

	for (range = gpu.ranges; range < gpu.ranges + GPU_RANGES; range++) {
		if (range->entries && range->owner == domid)
			return true;
	}
	return false;
}

static void unreserve(const struct xengt_gsm *gsm, const struct xengt_range *reserved)
{
	struct gpu_range *range = reserved->n ? range_of(reserved->first) : NULL;
	u64 *entries;

	if (!reserved->n)
		return;
	if (!range || range->gsm != gsm || range->first != reserved->first ||
	    range->n != reserved->n) {
		pr_err("a range is given back that nobody has\n");
		gpu.bad++;
		return;
	}
	check_all();
	gpu.nr_tlb = 0;
	/* vfree() can sleep, and other threads use the ranges meanwhile. */
	entries = range->entries;
	range->entries = NULL;
	vfree(entries);
	if (!has_range(range->owner))
		gpu_set_drained(range->owner, NULL);
}

static int reserve_all(const struct xengt_gsm *gsm, const struct xengt_range *range)
{
	unsigned int i;
	int rc;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		rc = reserve(gsm, range[i].first, range[i].n);
		if (!rc)
			continue;
		while (i--)
			unreserve(gsm, &range[i]);
		return rc;
	}
	return 0;
}

static struct xengt_gsm *open(const struct xengt_gsm_request *request)
{
	struct xengt_gsm *gsm;
	int rc;

	if (request->nr_entries != gpu.format->ggtt_entries)
		return ERR_PTR(-EINVAL);
	gsm = kzalloc(sizeof(*gsm), GFP_KERNEL);
	if (!gsm)
		return ERR_PTR(-ENOMEM);
	xengt_gsm_init(gsm, &gpu_gsm, request, request->range);
	gsm->incoherent = gpu.incoherent;
	rc = reserve_all(gsm, request->range);
	if (rc) {
		kfree(gsm);
		return ERR_PTR(rc);
	}
	gpu.users++;
	gpu.last_opened = gsm;
	return gsm;
}

static void close(struct xengt_gsm *gsm)
{
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++)
		unreserve(gsm, &gsm->range[i]);
	gpu.users--;
	if (gpu.last_opened == gsm)
		gpu.last_opened = NULL;
	kfree(gsm);
}

const struct xengt_gsm_ops gpu_gsm = {
	.name = "gpu",
	.open = open,
	.close = close,
	.write = write_entry,
	.invalidate = invalidate,
};

/* The GPU does not snoop the CPU's caches. To be called before a share is opened. */
void gpu_set_incoherent(void)
{
	gpu.incoherent = true;
	fake_cache_start(true);
}

/* Returns the share that was opened last; NULL if it is closed. */
struct xengt_gsm *gpu_share(void)
{
	return gpu.last_opened;
}

/* The GPU loses all entries, as in a suspend. */
void gpu_lose_entries(void)
{
	struct gpu_range *range;

	for (range = gpu.ranges; range < gpu.ranges + GPU_RANGES; range++) {
		if (range->entries)
			memset(range->entries, 0, range->n * sizeof(*range->entries));
	}
}

/* Sets the owner of ranges that are reserved after this. */
void gpu_set_owner(domid_t domid)
{
	gpu.next_owner = domid;
}

/* Unmaps the domain's idle pages whenever one of its entries is written. NULL ends that. */
void gpu_set_drained(domid_t domid, struct xen_gpu_domain *domain)
{
	gpu.drained[domid == DOM].domid = domid;
	gpu.drained[domid == DOM].domain = domain;
}

/* Returns an entry of the GPU's table, or 0 if it is not reserved. */
u64 gpu_entry(unsigned long index)
{
	struct gpu_range *range = range_of(index);

	return range ? range->entries[index - range->first] : 0;
}

/* Counts the reserved ranges. */
unsigned int gpu_reserved(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < GPU_RANGES; i++)
		n += !!gpu.ranges[i].entries;
	return n;
}

void gpu_fail_reserve(unsigned int nth, int error)
{
	gpu.fail_nth = nth;
	gpu.fail_error = error;
}

/* Calls a function once, in the next invalidate. */
void gpu_on_invalidate(void (*call)(void *data), void *data)
{
	gpu.call_data = data;
	gpu.call = call;
}

bool gpu_reaches(unsigned long entry, domid_t domid, u64 gfn)
{
	u64 pte = gpu_entry(entry);

	return (pte & PTE_PRESENT) && fake_dma_reaches(PTE_FRAME(pte), domid, gfn);
}

/* A new GPU, of gen8 until a case says otherwise. */
void gpu_start(void)
{
	memset(&gpu, 0, sizeof(gpu));
	gpu.format = &ppgtt_gen8_4;
	gpu.check_one_in = 1;
	prandom_seed_state(&gpu.rnd, 1);
	WARN_ON(xengt_gsm_register(&gpu_gsm));
}

/* The GPU was safe throughout, and nothing of it is left in use. */
void gpu_stop(struct kunit *test)
{
	xengt_gsm_unregister(&gpu_gsm);
	fake_cache_start(false);
	KUNIT_EXPECT_EQ_MSG(test, gpu.bad, 0u, "the GPU had unsafe entries, see above");
	KUNIT_EXPECT_EQ_MSG(test, gpu_reserved(), 0u, "entries of the GPU are left reserved");
	KUNIT_EXPECT_EQ_MSG(test, gpu.users, 0u, "the GPU is left in use");
}
