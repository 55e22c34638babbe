// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites of xengt.ko begin with; see vgpu_fixture.h.
 *
 * Locking: none for the GPU; ARCH=um has one CPU and does not preempt, and nothing here sleeps
 * between looking and noting.
 */

#define pr_fmt(fmt) "vgpu fixture: " fmt

#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "map/domain.h"
#include "map/idle.h"
#include "vgpu/abi/pte.h"
#include "modules.h"
#include "ppgtt_model.h"
#include "vgpu_fixture.h"

#define GPU_RANGES	16
#define GPU_TLB		8192

struct gpu_range {
	unsigned long first;
	unsigned long n;
	u64 *entries;
	u64 scratch;		/* what the owner wrote first */
	domid_t owner;
};

static struct gpu {
	struct xengt_gsm place;
	unsigned int users;
	domid_t next_owner;
	struct gpu_range ranges[GPU_RANGES];
	struct {
		struct gpu_range *range;
		u64 pte;
	} tlb[GPU_TLB];		/* what entries were since the last invalidate */
	unsigned int nr_tlb;
	struct {
		domid_t domid;
		struct xen_gpu_domain *domain;
	} drained[2];
	const struct ppgtt_format *format;
	struct gpu_walker *walker;
	unsigned int check_one_in;	/* hypercalls, on average */
	struct rnd_state rnd;
	bool unchecked;		/* something happened since all was checked */
	unsigned int bad;
	unsigned int fail_nth;
	int fail_error;
	void (*call)(void *data);
	void *call_data;
} gpu;

static void gpu_bad(const struct gpu_range *range, u64 pte, const char *what)
{
	if (!gpu.bad++)
		pr_err("domain %u's GPU has an entry %#llx that %s\n", range->owner, pte, what);
}

/* What is wrong with reaching a page of the owner's through a BFN, NULL: nothing. */
const char *gpu_unsafe(domid_t owner, u64 bfn)
{
	unsigned long mfn = fake_dma_mfn(bfn);

	if (mfn == FAKE_NO_MFN)
		return "reaches nothing";
	if (!fake_mfn_refs(mfn))
		return "reaches a page without a reference";
	if (fake_mfn_owner(mfn) != owner)
		return "reaches the page of somebody else";
	return NULL;
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
		gpu_bad(range, pte, what);
}

/* For walkers. */
void gpu_found(domid_t owner, u64 pte, const char *what)
{
	if (!gpu.bad++)
		pr_err("domain %u's GPU has an entry %#llx that %s\n", owner, pte, what);
}

static void check_all(void)
{
	struct gpu_range *range;
	unsigned long i;

	/* Thousands of look-ups in the fake: lockdep has seen them. */
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

/* Everything that the GPU has or may have is safe; something is about to happen. */
void gpu_check(void)
{
	check_all();
	gpu.unchecked = true;
}

/* Nothing changes but in hypercalls, and here. */
static void check_what_happened(void)
{
	if (gpu.unchecked)
		check_all();
	gpu.unchecked = false;
}

static void check_at_hypercall(enum fake_call kind, void *unused)
{
	gpu.unchecked = true;
	if (gpu.check_one_in == 1 || prandom_u32_state(&gpu.rnd) % gpu.check_one_in == 0)
		check_all();
}

/* For long tests: only some of the hypercalls are looked at; writes and invalidates still are. */
void gpu_check_one_in(unsigned int n)
{
	gpu.check_one_in = n;
}

/* Before a place is got. */
void gpu_set_format(const struct ppgtt_format *format)
{
	gpu.format = format;
}

/* NULL: not any more. */
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

static struct xengt_gsm *get(unsigned long nr_entries)
{
	gpu.users++;
	gpu.place.ops = &gpu_place;
	return nr_entries == gpu.format->ggtt_entries ? &gpu.place : ERR_PTR(-EINVAL);
}

static void put(struct xengt_gsm *place)
{
	gpu.users--;
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

static int reserve(struct xengt_gsm *place, unsigned long first, unsigned long n)
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
	*range = (struct gpu_range){ .first = first, .n = n, .owner = gpu.next_owner,
				     .entries = entries };
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

static void write_entry(struct xengt_gsm *place, unsigned long index, u64 pte)
{
	struct gpu_range *range = range_of(index);
	u64 *entry;

	if (!range) {
		pr_err("entry %lu, which nobody has reserved, is written\n", index);
		gpu.bad++;
		return;
	}
	drain(range->owner);
	check_what_happened();
	if (!range->scratch)
		range->scratch = pte;
	entry = &range->entries[index - range->first];
	if (gpu.nr_tlb < GPU_TLB && (*entry & PTE_PRESENT) && *entry != range->scratch) {
		gpu.tlb[gpu.nr_tlb].range = range;
		gpu.tlb[gpu.nr_tlb++].pte = *entry;
	}
	*entry = pte;
	check_pte(range, pte);
	fake_xen_note(FAKE_EVENT_PTE, ppgtt_decode(gpu.format, 1, pte).frame, index);
}

static void invalidate(struct xengt_gsm *place)
{
	void (*call)(void *data) = gpu.call;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gpu.drained); i++)
		drain(gpu.drained[i].domid);
	check_what_happened();
	gpu.nr_tlb = 0;
	if (gpu.walker)
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

static void unreserve(struct xengt_gsm *place, unsigned long first, unsigned long n)
{
	struct gpu_range *range = n ? range_of(first) : NULL;
	u64 *entries;

	if (!n)
		return;
	if (!range || range->first != first || range->n != n) {
		pr_err("a range is given back that nobody has\n");
		gpu.bad++;
		return;
	}
	check_all();
	gpu.nr_tlb = 0;
	/* Freeing can sleep, and others look at the ranges meanwhile. */
	entries = range->entries;
	range->entries = NULL;
	vfree(entries);
	if (!has_range(range->owner))
		gpu_set_drained(range->owner, NULL);
}

const struct xengt_gsm_ops gpu_place = {
	.name = "gpu",
	.get = get,
	.put = put,
	.reserve = reserve,
	.unreserve = unreserve,
	.write = write_entry,
	.invalidate = invalidate,
};

struct xengt_gsm *gpu_get(void)
{
	return gpu_place.get(GTT_ENTRIES);
}

void gpu_put(struct xengt_gsm *place)
{
	gpu_place.put(place);
}

/* Whose are the ranges that are reserved from here on. */
void gpu_set_owner(domid_t domid)
{
	gpu.next_owner = domid;
}

/* While the domain's entries are written, its idle pages are unmapped. NULL: not any more. */
void gpu_set_drained(domid_t domid, struct xen_gpu_domain *domain)
{
	gpu.drained[domid == DOM].domid = domid;
	gpu.drained[domid == DOM].domain = domain;
}

/* What is in the GPU's table, 0 if nobody has that entry. */
u64 gpu_entry(unsigned long index)
{
	struct gpu_range *range = range_of(index);

	return range ? range->entries[index - range->first] : 0;
}

/* How many ranges are reserved. */
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

/* Once, in the next invalidate. */
void gpu_on_invalidate(void (*call)(void *data), void *data)
{
	gpu.call_data = data;
	gpu.call = call;
}

/**
 * start_modules - load both modules on a kind of dom0, with two guests
 * @test: the test
 * @mode: the kind
 *
 * Nothing is unmapped by age or size, a balloon event is acted on when the test flushes, and no
 * sync comes by itself.
 */
/* On a Xen that has more than stock Xen, once prepared for that; prepare may be NULL. */
void start_modules_on(struct kunit *test, enum fake_xen_mode mode, void (*prepare)(void))
{
	memset(&gpu, 0, sizeof(gpu));
	gpu.format = &ppgtt_gen8_4;
	gpu.check_one_in = 1;
	prandom_seed_state(&gpu.rnd, 1);
	fake_xen_start(test, mode);
	if (prepare)
		prepare();
	module_param_set("xen_gpu_map.backend", "auto");
	module_param_set("xen_gpu_map.idle_age_ms", "600000");
	module_param_set("xen_gpu_map.idle_max", "1000000");
	module_param_set("xen_gpu_map.balloon_delay_ms", "600000");
	module_param_set("xengt.posted_age_ms", "600000");
	module_param_set("xengt.posted_max", "1000000");
	module_param_set("xengt.unsync_writes", "4");
	/* But where that is what is tested. */
	module_param_set("xengt.unsync_around", "1");
	module_param_set("xengt.unsync_max", "4096");
	module_param_set("xengt.idle_syncs", "64");
	KUNIT_ASSERT_EQ(test, module_load("xen_gpu_map"), 0);
	KUNIT_ASSERT_EQ(test, module_load("xengt"), 0);
	fake_domain_create(DOM, GUEST_PAGES);
	fake_gfn_populate(DOM, HIGH_GFN);
	fake_domain_create(OTHER_DOM, GUEST_PAGES);
	fake_xen_set_hook(check_at_hypercall, NULL);
	fake_xen_reset_calls();
}

void start_modules(struct kunit *test, enum fake_xen_mode mode)
{
	start_modules_on(test, mode, NULL);
}

/* The end of every case: the GPU was safe throughout, the modules go, the books balance. */
void stop_modules(struct kunit *test)
{
	current->fail_nth = 0;
	fake_xen_fail_nothing();
	modules_unload_all();
	KUNIT_EXPECT_EQ_MSG(test, gpu.bad, 0u, "the GPU had unsafe entries, see above");
	KUNIT_EXPECT_EQ_MSG(test, gpu_reserved(), 0u, "entries of the GPU are left reserved");
	KUNIT_EXPECT_EQ_MSG(test, gpu.users, 0u, "the GPU is left in use");
	fake_xen_stop(test);
}

enum fake_xen_mode mode_of(struct kunit *test)
{
	return *(const enum fake_xen_mode *)test->param_value;
}

/* A shadow GGTT */

static void note_ended(struct work_struct *work)
{
	container_of(work, struct shadow, ended_work)->nr_ended++;
}

/* How often it was told that its guest has ended. */
unsigned int shadow_ended(struct shadow *s)
{
	flush_work(&s->ended_work);
	return s->nr_ended;
}

/* One that is not started yet, so that its configuration can be changed. */
struct shadow *new_shadow(struct kunit *test, domid_t domid, unsigned long quota)
{
	const struct xen_gpu_limits limits = { .quota = quota, .max_bfn = BIT_ULL(34) - 1 };
	struct shadow *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->domid = domid;
	s->domain = xen_gpu_domain_get(domid, &limits);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->domain));
	s->counters.set.lock = &s->gtt.shadow.lock;
	s->share[0] = (struct xengt_range){ .first = LOW_FIRST, .n = LOW_N };
	s->share[1] = (struct xengt_range){ .first = HIGH_FIRST, .n = HIGH_N };
	INIT_WORK(&s->ended_work, note_ended);
	s->config = (struct xengt_gtt_config){
		.shadow = {
			.domid = domid,
			.domain = s->domain,
			.format = xengt_gtt_format(8),
			.gsm = gpu_get(),
			.server = &s->server,
			.max_bfn = BIT_ULL(27) - 1,
			.counters = &s->counters,
		},
		.max_tables = 1,
		.ended_work = &s->ended_work,
	};
	return s;
}

int start_tables(struct shadow *s)
{
	gpu_set_owner(s->domid);
	memcpy(s->config.share, s->share, sizeof(s->share));
	return xengt_gtt_init(&s->gtt, &s->config);
}

void stop_tables(struct shadow *s)
{
	xengt_gtt_close(&s->gtt);
	xengt_gtt_exit(&s->gtt);
	flush_work(&s->ended_work);
}

int start_shadow(struct shadow *s)
{
	int rc;

	gpu_set_drained(s->domid, s->domain);
	s->nr_slots = s->share[0].n + s->share[1].n;
	rc = start_tables(s);
	if (!rc)
		s->wrote = kunit_kzalloc(s->test, s->nr_slots * 8, GFP_KERNEL);
	return rc;
}

struct shadow *started_shadow(struct kunit *test, unsigned long quota)
{
	struct shadow *s = new_shadow(test, DOM, quota);

	KUNIT_ASSERT_EQ(test, start_shadow(s), 0);
	KUNIT_ASSERT_NOT_NULL(test, s->wrote);
	fake_xen_reset_calls();
	fake_xen_clear_events();
	return s;
}

/* Also one that was not started. */
void stop_shadow(struct shadow *s)
{
	if (s->wrote)
		stop_tables(s);
	gpu_set_drained(s->domid, NULL);
	gpu_put(s->config.shadow.gsm);
	xen_gpu_domain_put(s->domain);
}

void shadow_flush(struct shadow *s)
{
	KUNIT_EXPECT_EQ(s->test, xen_gpu_flush(s->domain), 0);
}

/* Xen says that something left the guest's physmap, and the service deals with it. */
void shadow_balloon(struct shadow *s)
{
	xen_gpu_balloon_event(s->domain);
	shadow_flush(s);
}

/* What the guest wrote to an entry, NULL if it is not in the share. */
static u8 *wrote(struct shadow *s, unsigned long entry)
{
	const struct xengt_range *share = s->share;

	if (entry >= share[0].first && entry < share[0].first + share[0].n)
		return s->wrote + (entry - share[0].first) * 8;
	if (entry >= share[1].first && entry < share[1].first + share[1].n)
		return s->wrote + (share[0].n + entry - share[1].first) * 8;
	return NULL;
}

static unsigned long entry_of_slot(struct shadow *s, unsigned long slot)
{
	const struct xengt_range *share = s->share;

	return slot < share[0].n ? share[0].first + slot : share[1].first + slot - share[0].n;
}

/* The guest writes, byte for byte as far as the model goes. */
void shadow_write(struct shadow *s, u64 offset, const void *data, unsigned int len)
{
	unsigned int i;
	u8 *entry;

	for (i = 0; i < len; i++) {
		entry = wrote(s, (offset + i) / 8);
		if (entry)
			entry[(offset + i) % 8] = ((const u8 *)data)[i];
	}
	xengt_ggtt_write(&s->gtt.ggtt, offset, data, len);
}

void shadow_put(struct shadow *s, unsigned long entry, u64 pte)
{
	shadow_write(s, entry * 8, &pte, 8);
}

/* At most a page of entries with ascending GFNs, in one write. */
void shadow_put_block(struct shadow *s, unsigned long entry, u64 gfn, unsigned int n)
{
	u64 *ptes = kunit_kmalloc(s->test, n * 8, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(s->test, ptes);
	for (i = 0; i < n; i++)
		ptes[i] = PTE(gfn + i);
	shadow_write(s, entry * 8, ptes, n * 8);
	kunit_kfree(s->test, ptes);
}

/* What the guest reads. */
u64 shadow_get(struct shadow *s, unsigned long entry)
{
	u64 pte = ~0ull;

	xengt_ggtt_read(&s->gtt.ggtt, entry * 8, &pte, 8);
	return pte;
}

bool shadow_is_scratch(struct shadow *s, unsigned long entry)
{
	u64 pte = gpu_entry(entry);

	return (pte & PTE_PRESENT) && PTE_FRAME(pte) == page_to_pfn(s->gtt.shadow.scratch);
}

/* Is the GPU's entry what the guest wants? Scratch, where it wants nothing or what is not there. */
bool shadow_is_right(struct shadow *s, unsigned long entry)
{
	u64 pte = gpu_entry(entry), guest;

	memcpy(&guest, wrote(s, entry), 8);
	if (!(guest & PTE_PRESENT) || (guest & PTE_RESERVED) ||
	    fake_gfn_mfn(s->domid, PTE_FRAME(guest)) == FAKE_NO_MFN)
		return shadow_is_scratch(s, entry);
	return (pte & ~PTE_ADDRESS) == (guest & ~(PTE_ADDRESS | PTE_IGNORED)) &&
	       fake_dma_reaches(PTE_FRAME(pte), s->domid, PTE_FRAME(guest));
}

/* How many entries hold a reference. */
unsigned long shadow_live(struct shadow *s)
{
	unsigned long n;

	mutex_lock(&s->gtt.shadow.lock);
	n = s->gtt.shadow.nr_live;
	mutex_unlock(&s->gtt.shadow.lock);
	return n;
}

/* The guest reads what it wrote, and the GPU has what the guest wants, everywhere. */
void shadow_expect(struct shadow *s)
{
	unsigned long slot, entry, wrong = 0, unread = 0, live = 0;
	u64 guest;

	for (slot = 0; slot < s->nr_slots; slot++) {
		entry = entry_of_slot(s, slot);
		memcpy(&guest, s->wrote + slot * 8, 8);
		unread += shadow_get(s, entry) != guest;
		wrong += !shadow_is_right(s, entry);
		live += !shadow_is_scratch(s, entry);
	}
	KUNIT_EXPECT_EQ_MSG(s->test, unread, 0ul, "entries do not read back as written");
	KUNIT_EXPECT_EQ_MSG(s->test, wrong, 0ul, "the GPU's entries are not the guest's");
	KUNIT_EXPECT_EQ(s->test, shadow_live(s), live);
	gpu_check();
}

u64 shadow_count(struct shadow *s, enum xengt_counter which)
{
	return xengt_counter_read(&s->counters, which);
}

/* A virtual GPU, off, with the GPU as its place; each guest has a share of its own. */
struct xengt_vgpu *new_vgpu(struct kunit *test, domid_t domid)
{
	struct xengt_vgpu *vgpu = xengt_vgpu_create("test");
	unsigned long shift = domid == DOM ? 0 : 16 * VGPU_FIRST;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vgpu));
	vgpu->config.domid = domid;
	vgpu->config.bar0 = BAR0;
	vgpu->config.base[0] = (u64)(VGPU_FIRST + shift) << 12;
	vgpu->config.size[0] = (u64)VGPU_N << 12;
	vgpu->config.base[1] = (u64)(VGPU_HIGH_FIRST + shift) << 12;
	vgpu->config.size[1] = (u64)VGPU_HIGH_N << 12;
	vgpu->config.gsm = &gpu_place;
	vgpu->config.mode = XENGT_MODE_STRICT;
	gpu_set_owner(domid);
	return vgpu;
}

struct xengt_vgpu *start_vgpu(struct kunit *test, domid_t domid, unsigned int vcpus)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, domid);

	fake_domain_set_vcpus(domid, vcpus);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	gpu_set_drained(domid, vgpu->domain);
	return vgpu;
}

void stop_vgpu(struct xengt_vgpu *vgpu)
{
	gpu_set_drained(vgpu->config.domid, NULL);
	xengt_vgpu_destroy(vgpu);
}

/* Deals with what balloon events left to do, and unmaps what is idle. */
void sync_vgpu(struct xengt_vgpu *vgpu)
{
	xen_gpu_flush(vgpu->domain);
}

/*
 * For cases in which each hypercall of enabling fails in turn: all pages of the GTT are looked at
 * by the same one. After the eighth of them, how many to leave out.
 */
unsigned int skip_the_look(void)
{
	unsigned long looks = fake_xen_calls(FAKE_CALL_GET_TYPE);

	fake_xen_reset_calls();
	return looks == 8 ? 2048 - 16 : 0;
}

u64 vgpu_count(struct xengt_vgpu *vgpu, enum xengt_counter which)
{
	return xengt_counter_read(&vgpu->counters, which);
}

/* The guest's first vCPU writes and reads entries. */
void guest_write(struct kunit *test, unsigned long entry, u64 pte)
{
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, ENTRY_ADDR(entry), pte, 8), 0);
}

u64 guest_read(struct kunit *test, unsigned long entry)
{
	u64 pte = 0;

	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, ENTRY_ADDR(entry), 8, &pte), 0);
	return pte;
}

bool gpu_reaches(unsigned long entry, domid_t domid, u64 gfn)
{
	u64 pte = gpu_entry(entry);

	return (pte & PTE_PRESENT) && fake_dma_reaches(PTE_FRAME(pte), domid, gfn);
}
