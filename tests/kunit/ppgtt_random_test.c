// SPDX-License-Identifier: GPL-2.0
/*
 * Random tests of PPGTTs: a guest does whatever it likes to tables, the GGTT, its memory and its
 * announcements, hypercalls and allocations fail, and after every synchronisation point the
 * shadow of every pinned PPGTT is what the plain model says. The GPU is safe at any moment.
 *
 * Everything is drawn from small pools, so that deep tables, tables that are shared, in loops, on
 * several levels or data as well, and every change of a page's role come up all the time. A run is
 * repeated exactly by its seed.
 *
 * Where the shadow may have scratch instead of a page for a while (a hypercall failed, a page is
 * back in memory without word of it) it may have nothing else; a balloon event ends that, and then
 * the shadow is right again to the last entry.
 */

#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "modules.h"
#include "ppgtt_fixture.h"

#define WRITES_A_RUN	25000ull
#define WRITES_GEN8	(8 * WRITES_A_RUN)	/* of all runs */
#define WRITES_GEN7	(8 * WRITES_A_RUN)

/* Missing entries are tried again in turns: so many at a balloon event; of all tables in so many. */
#define RETRIES		4096
#define TURNS		16

#define TABLES		24
#define FIRST_TABLE	600ull		/* in the second page of 2M */
#define DATA		64
#define FIRST_DATA	96ull
#define ROOTS		5
#define OUTS		12		/* pages that may be ballooned out at a time */
#define CALM_EVERY	60		/* synchronisation points */
#define TABLE_SLACK	2		/* of the quota of tables: a directory in the GGTT */

enum feature {
	FEW_PAGES = BIT(0),	/* a small quota of mapped pages */
	FEW_TABLES = BIT(1),	/* a small quota of shadow tables */
	FAULTS = BIT(2),
	BALLOON = BIT(3),
	DEATH = BIT(4),		/* at the end */
	SLOW_GPU = BIT(5),	/* what is idle is unmapped at each write to the GGTT */
};

#define PAGE_QUOTA	64
#define TABLE_QUOTA	48
#define TABLE_QUOTA_GEN7	16	/* where tables are of one level */

struct run {
	enum fake_xen_mode mode;
	unsigned int generation;
	u32 seed;
	unsigned int features;
};

static const struct run runs[] = {
	{ FAKE_PV_DOM0, 8, 1, BALLOON | SLOW_GPU },
	{ FAKE_PVH_DOM0, 8, 2, BALLOON | FAULTS },
	{ FAKE_PV_DOM0, 8, 3, BALLOON | FAULTS | DEATH },
	{ FAKE_PVH_DOM0, 8, 4, FEW_TABLES | SLOW_GPU },
	{ FAKE_PV_DOM0, 8, 5, FEW_TABLES | BALLOON | FAULTS },
	{ FAKE_PVH_DOM0, 8, 6, FEW_PAGES | BALLOON | DEATH },
	{ FAKE_PV_DOM0, 8, 7, FEW_PAGES | FEW_TABLES | FAULTS },
	{ FAKE_PVH_DOM0, 8, 8, 0 },
	{ FAKE_PV_DOM0, 7, 11, BALLOON | SLOW_GPU },
	{ FAKE_PVH_DOM0, 7, 12, BALLOON | FAULTS },
	{ FAKE_PV_DOM0, 7, 13, BALLOON | FAULTS | DEATH },
	{ FAKE_PVH_DOM0, 7, 14, FEW_TABLES | SLOW_GPU },
	{ FAKE_PV_DOM0, 7, 15, FEW_TABLES | BALLOON | FAULTS },
	{ FAKE_PVH_DOM0, 7, 16, FEW_PAGES | BALLOON | DEATH },
	{ FAKE_PV_DOM0, 7, 17, FEW_PAGES | FEW_TABLES | FAULTS },
	{ FAKE_PVH_DOM0, 7, 18, 0 },
};

/* What the runs did, besides what the model met. */
enum did {
	DID_PAGE,
	DID_TABLE,
	DID_CLEAR,
	DID_LARGE,
	DID_HUGE,
	DID_WIDE,
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
	DID_OTHER_GUEST,
	DID_FAIL_CALL,
	DID_FAIL_GFN,
	DID_FAIL_ENTRY,
	DID_FAIL_ALLOC,
	DID_FAULT_HAPPENED,
	DID_CALM,
	DID_ROOM,
	DID_DIE,
	DID_COMPARE,
	DID_SAMPLE,
	NR_DID
};

static const char * const did_names[NR_DID] = {
	[DID_PAGE] = "page written", [DID_TABLE] = "table attached", [DID_CLEAR] = "entry cleared",
	[DID_LARGE] = "2M written", [DID_HUGE] = "1G written", [DID_WIDE] = "64K table attached",
	[DID_BAD_BITS] = "reserved bits written", [DID_BAD_GFN] = "GFN of no page written",
	[DID_BURST] = "entries in a row", [DID_RETYPE] = "table's role changed",
	[DID_LOOP] = "table attached to itself", [DID_HALF] = "half written",
	[DID_BYTE] = "byte written", [DID_TWO_VCPUS] = "two vCPUs at once",
	[DID_TRAPPED] = "write trapped", [DID_UNTRAPPED] = "write not trapped",
	[DID_GGTT] = "GGTT written", [DID_DIRECTORY] = "directory in the GGTT written",
	[DID_SYNC] = "sync", [DID_FLUSH] = "GFX_FLSH_CNTL", [DID_CREATE] = "create",
	[DID_NOTIFY] = "PVINFO", [DID_DESTROY] = "destroy",
	[DID_DESTROY_PINNED] = "destroy while pinned", [DID_PIN] = "pin",
	[DID_PIN_AGAIN] = "pin after unpin", [DID_PIN_NOTHING] = "pin of what is not announced",
	[DID_PIN_FAILED] = "pin failed", [DID_UNPIN] = "unpin",
	[DID_OUT_DATA] = "page ballooned out", [DID_OUT_TABLE] = "table ballooned out",
	[DID_IN_DATA] = "page back", [DID_IN_TABLE] = "table back",
	[DID_OTHER_GUEST] = "frame to another guest", [DID_FAIL_CALL] = "hypercall to fail",
	[DID_FAIL_GFN] = "GFN to fail", [DID_FAIL_ENTRY] = "entry of a batch to fail",
	[DID_FAIL_ALLOC] = "allocation to fail", [DID_FAULT_HAPPENED] = "fault happened",
	[DID_CALM] = "calm", [DID_ROOM] = "calm, with room in a small quota",
	[DID_DIE] = "guest died", [DID_COMPARE] = "compare",
	[DID_SAMPLE] = "address walked",
};

/* What gen7 has not. */
static bool only_gen8(enum did what)
{
	return what == DID_LARGE || what == DID_HUGE || what == DID_WIDE || what == DID_BAD_BITS ||
	       what == DID_NOTIFY;
}

/* What gen8 has not. */
static bool only_gen7(enum did what)
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

/* The totals of a generation: [0] gen8, [1] gen7 */
static struct totals {
	unsigned int runs;
	u64 writes;
	u64 did[NR_DID];
	u64 met[PPGTT_NR_MET];
} totals[2];

struct random {
	struct kunit *test;
	const struct run *run;
	struct rnd_state rnd;
	struct ppgtt_guest *guest;
	const struct ppgtt_format *format;
	struct ppgtt roots[ROOTS];
	bool was_unpinned[ROOTS];
	unsigned int level[TABLES];	/* what each page is a table of, mostly */
	u64 out[OUTS];			/* GFNs that are ballooned out */
	unsigned int nr_out;
	u64 next_gfn;			/* of the other guest's */
	bool fault;			/* something was ordered to fail */
	bool stale;			/* the shadow may have scratch, until a balloon event */
	unsigned int nr_syncs;
	u64 did[NR_DID];
};

static u32 below(struct random *r, u32 n)
{
	return prandom_u32_state(&r->rnd) % n;
}

static bool one_in(struct random *r, u32 n)
{
	return !below(r, n);
}

static bool has(const struct random *r, enum feature feature)
{
	return r->run->features & feature;
}

static bool is_gen7(const struct random *r)
{
	return r->run->generation == 7;
}

/* Pools */

static u64 table_gfn(unsigned int i)
{
	return FIRST_TABLE + i;
}

static u64 any_table(struct random *r)
{
	return table_gfn(below(r, TABLES));
}

/* A table that mostly is one of a level, or any. */
static u64 table_of_level(struct random *r, unsigned int level)
{
	unsigned int i, tries;

	for (tries = 0; tries < 12 && !one_in(r, 8); tries++) {
		i = below(r, TABLES);
		if (r->level[i] == level)
			return table_gfn(i);
	}
	return any_table(r);
}

/* Pages, some in a row of 64K, some that are tables, some with high addresses. */
static u64 data_gfn(struct random *r)
{
	switch (below(r, 16)) {
	case 0:
		return any_table(r);
	case 1:
		return HIGH_GFN;
	default:
		return FIRST_DATA + below(r, DATA);
	}
}

static u64 no_gfn(struct random *r)
{
	static const u64 gfns[] = { NO_GFN, NO_GFN + 16, BIT_ULL(27) - 1, GUEST_PAGES };

	return gfns[below(r, ARRAY_SIZE(gfns))];
}

/* Few indexes, the first and last and their neighbours, and those of pages of 64K. */
static unsigned int any_index(struct random *r, unsigned int entries)
{
	switch (below(r, 8)) {
	case 0:
		return entries - 1 - below(r, 4);
	case 1:
		return 16 * below(r, 4);
	case 2:
		return entries / 2 - 2 + below(r, 4);
	case 3:
		return below(r, entries);
	default:
		return below(r, 12);
	}
}

static u64 any_flags(struct random *r, unsigned int level)
{
	u64 all = r->format->flags[level] & ~(level == 2 ? r->format->wide : 0);
	u64 flags = ((u64)prandom_u32_state(&r->rnd) << 32 | prandom_u32_state(&r->rnd)) & all;

	return one_in(r, 3) ? flags : all & r->format->rw;
}

/* What is written */

static u64 page_entry(struct random *r)
{
	r->did[DID_PAGE]++;
	return ppgtt_encode(r->format, data_gfn(r), any_flags(r, 1));
}

static u64 large_entry(struct random *r)
{
	static const u64 frames[] = { 0, 512, 1024, 1536, 100 };
	/* Now and then where no page is: 512 entries that are missing. */
	u64 frame = one_in(r, 32) ? 2048 : frames[below(r, ARRAY_SIZE(frames))];
	u64 flags = any_flags(r, 2) | r->format->large | (one_in(r, 2) ? r->format->large_pat : 0);

	r->did[DID_LARGE]++;
	return ppgtt_encode(r->format, frame, flags);
}

static u64 huge_entry(struct random *r)
{
	r->did[DID_HUGE]++;
	return ppgtt_encode(r->format, 0, r->format->rw | r->format->large);
}

static u64 table_entry(struct random *r, unsigned int level, u64 self)
{
	u64 gfn = table_of_level(r, level - 1), flags = any_flags(r, level);

	r->did[DID_TABLE]++;
	if (one_in(r, 24)) {
		gfn = self;
		r->did[DID_LOOP]++;
	}
	if (level == 2 && r->format->wide && one_in(r, 5)) {
		flags |= r->format->wide;
		r->did[DID_WIDE]++;
	}
	return ppgtt_encode(r->format, gfn, flags);
}

/* Bits that mean nothing on any level, or not on this one. */
static u64 with_bad_bit(struct random *r, u64 raw)
{
	static const u64 bits[] = {
		BIT_ULL(2), BIT_ULL(9), BIT_ULL(46), BIT_ULL(51), BIT_ULL(62),
	};

	r->did[DID_BAD_BITS]++;
	return raw | bits[below(r, ARRAY_SIZE(bits))];
}

static u64 bad_gfn_entry(struct random *r, unsigned int level)
{
	r->did[DID_BAD_GFN]++;
	return ppgtt_encode(r->format, no_gfn(r), any_flags(r, level));
}

/* An entry for a table that is one of a level. */
static u64 any_entry(struct random *r, unsigned int level, u64 self)
{
	unsigned int what = below(r, 64);

	if (what < 10) {
		r->did[DID_CLEAR]++;
		return one_in(r, 2) ? 0 : page_entry(r) & ~r->format->present;
	}
	if (what < 13)
		return bad_gfn_entry(r, level);
	if (what < 14 && !is_gen7(r))
		return huge_entry(r);
	if (what < 16 && level == 2 && r->format->large)
		return large_entry(r);
	if (what < 19 && !is_gen7(r))
		return with_bad_bit(r, level == 1 ? page_entry(r) : table_entry(r, level, self));
	return level == 1 ? page_entry(r) : table_entry(r, level, self);
}

/* How it is written */

/* A page of 2M with the bit of 64K tables is none of the hardware's: such are not written. */
static u64 without_nonsense(const struct random *r, u64 raw)
{
	return raw & r->format->large && raw & r->format->wide ? raw & ~r->format->wide : raw;
}

static void note_trap(struct random *r, u64 gfn)
{
	r->did[fake_gfn_write_trapped(DOM, gfn) ? DID_TRAPPED : DID_UNTRAPPED]++;
}

static void store(struct random *r, u64 addr, const void *data, unsigned int size)
{
	note_trap(r, addr >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(r->test,
			ppgtt_guest_store(r->guest, below(r, VCPUS_OF_GUEST), addr, data, size), 0);
}

/* Some bytes of an entry; the others stay. */
static void store_part(struct random *r, u64 gfn, unsigned int index, u64 raw, unsigned int offset,
		       unsigned int size)
{
	unsigned int entry_size = r->format->entry_size;
	u64 now = ppgtt_guest_get(r->guest, gfn, index), mixed = now;

	memcpy((u8 *)&mixed + offset, (u8 *)&raw + offset, size);
	mixed = without_nonsense(r, mixed);
	store(r, (gfn << PAGE_SHIFT) + index * entry_size + offset, (u8 *)&mixed + offset, size);
}

static void store_halves(struct random *r, u64 gfn, unsigned int index, u64 raw)
{
	unsigned int half = r->format->entry_size / 2, first = below(r, 2) * half;

	r->did[DID_HALF]++;
	store_part(r, gfn, index, raw, first, half);
	/* The other half, or it stays what it was until somebody writes it. */
	if (!one_in(r, 3))
		store_part(r, gfn, index, raw, half - first, half);
}

static void store_entry(struct random *r, u64 gfn, unsigned int index, u64 raw)
{
	unsigned int size = r->format->entry_size;

	switch (below(r, 12)) {
	case 0:
	case 1:
		store_halves(r, gfn, index, raw);
		break;
	case 2:
		r->did[DID_BYTE]++;
		store_part(r, gfn, index, raw, below(r, size), 1);
		break;
	default:
		raw = without_nonsense(r, raw);
		store(r, (gfn << PAGE_SHIFT) + index * size, &raw, size);
	}
}

static bool is_out(const struct random *r, u64 gfn)
{
	return fake_gfn_mfn(DOM, gfn) == FAKE_NO_MFN;
}

/* A table to write to, and the level that its entries are for. */
static bool pick_table(struct random *r, u64 *gfn, unsigned int *level)
{
	unsigned int i = below(r, TABLES);

	*gfn = table_gfn(i);
	*level = r->level[i];
	return !is_out(r, *gfn);
}

static unsigned int entries_of(const struct random *r, unsigned int level)
{
	return r->format->entries[level] ?: PAGE_SIZE / r->format->entry_size;
}

static void write_one(struct random *r)
{
	unsigned int level;
	u64 gfn;

	if (pick_table(r, &gfn, &level))
		store_entry(r, gfn, any_index(r, entries_of(r, level)), any_entry(r, level, gfn));
}

static void write_burst(struct random *r)
{
	unsigned int level, index, n = 8 + below(r, 24);
	u64 gfn;

	if (!pick_table(r, &gfn, &level))
		return;
	r->did[DID_BURST]++;
	index = below(r, entries_of(r, level) - n);
	while (n--)
		store_entry(r, gfn, index++, any_entry(r, level, gfn));
}

/* The page becomes a table of another level: a few entries are new, the others stay. */
static void retype(struct random *r)
{
	unsigned int i = below(r, TABLES), n = 4;

	r->level[i] = 1 + below(r, is_gen7(r) ? 1 : PPGTT_MAX_LEVEL);
	r->did[DID_RETYPE]++;
	while (n-- && !is_out(r, table_gfn(i)))
		store_entry(r, table_gfn(i), any_index(r, entries_of(r, r->level[i])),
			    any_entry(r, r->level[i], table_gfn(i)));
}

/* Both vCPUs write at once; an entry's value is one of the two, and memory says which. */
static void write_on_two_vcpus(struct random *r)
{
	u64 raw[VCPUS_OF_GUEST], addr[VCPUS_OF_GUEST], gfn;
	unsigned int vcpu, level;

	for (vcpu = 0; vcpu < VCPUS_OF_GUEST; vcpu++) {
		if (!pick_table(r, &gfn, &level))
			return;
		raw[vcpu] = without_nonsense(r, any_entry(r, level, gfn));
		addr[vcpu] = (gfn << PAGE_SHIFT) +
			     any_index(r, entries_of(r, level)) * r->format->entry_size;
	}
	r->did[DID_TWO_VCPUS]++;
	for (vcpu = 0; vcpu < VCPUS_OF_GUEST; vcpu++)
		ppgtt_guest_send(r->guest, vcpu, addr[vcpu], &raw[vcpu], r->format->entry_size);
	for (vcpu = 0; vcpu < VCPUS_OF_GUEST; vcpu++)
		KUNIT_EXPECT_EQ(r->test, ppgtt_guest_wait(r->guest, vcpu), 0);
}

static void write_ggtt(struct random *r)
{
	u64 raw = any_entry(r, 1, 0);

	r->did[DID_GGTT]++;
	ppgtt_guest_put_ggtt(r->guest, below(r, VCPUS_OF_GUEST),
			     PLAIN_FIRST + below(r, PLAIN_N), raw);
}

static void write_directory(struct random *r)
{
	unsigned long index = DIRECTORY(below(r, DIRECTORIES)) + any_index(r, 512);

	r->did[DID_DIRECTORY]++;
	ppgtt_guest_put_ggtt(r->guest, below(r, VCPUS_OF_GUEST), index,
			     any_entry(r, 2, FIRST_TABLE));
}

/* Memory that comes and goes */

static void balloon_out(struct random *r)
{
	bool table = one_in(r, 3);
	u64 gfn = table ? any_table(r) : FIRST_DATA + below(r, DATA);

	if (r->nr_out == OUTS || is_out(r, gfn))
		return;
	r->did[table ? DID_OUT_TABLE : DID_OUT_DATA]++;
	r->out[r->nr_out++] = gfn;
	fake_guest_balloon_out(DOM, below(r, VCPUS_OF_GUEST), gfn);
	/* Until that is dealt with the shadow may still reach what the guest had. */
	sync_vgpu(r->guest->vgpu);
	if (!one_in(r, 3))
		return;
	r->did[DID_OTHER_GUEST]++;
	fake_gfn_populate(OTHER_DOM, r->next_gfn++);
}

/* Nobody says so: what is missing may be until the next balloon event. */
static void balloon_in(struct random *r)
{
	unsigned int i;
	u64 gfn;

	if (!r->nr_out)
		return;
	i = below(r, r->nr_out);
	gfn = r->out[i];
	r->out[i] = r->out[--r->nr_out];
	r->did[gfn >= FIRST_TABLE && gfn < FIRST_TABLE + TABLES ? DID_IN_TABLE : DID_IN_DATA]++;
	fake_gfn_populate(DOM, gfn);
	r->stale = true;
}

/* Faults */

static void order_call_to_fail(struct random *r)
{
	static const enum fake_call kinds[] = {
		FAKE_CALL_ANY, FAKE_CALL_MMU_UPDATE, FAKE_CALL_ADD_TO_PHYSMAP,
		FAKE_CALL_REMOVE_FROM_PHYSMAP, FAKE_CALL_DM_SET_TYPE, FAKE_CALL_PIN,
		FAKE_CALL_UNPOPULATED,
	};
	static const int errors[] = { -ENOMEM, -EBUSY, -EINVAL, -EFAULT };

	r->did[DID_FAIL_CALL]++;
	fake_xen_fail_call(kinds[below(r, ARRAY_SIZE(kinds))], 1 + below(r, 6),
			   errors[below(r, ARRAY_SIZE(errors))]);
}

static void order_fault(struct random *r)
{
	/* Not -EPERM: what Xen refuses stays scratch until the guest writes it again. */
	static const int errors[] = { -EINVAL, -ENOMEM, -EBUSY };

	switch (below(r, 4)) {
	case 0:
		r->did[DID_FAIL_GFN]++;
		fake_xen_fail_gfn(DOM, one_in(r, 2) ? any_table(r) : data_gfn(r),
				  errors[below(r, ARRAY_SIZE(errors))]);
		break;
	case 1:
		r->did[DID_FAIL_ENTRY]++;
		fake_xen_fail_entry(below(r, 4), -ENOMEM);
		break;
	case 2:
		r->did[DID_FAIL_ALLOC]++;
		fake_fail_alloc(1 + below(r, 20));
		break;
	default:
		order_call_to_fail(r);
	}
	r->fault = true;
	r->stale = true;
}

/* If the shadow was reclaimed, the first allocation is the one that a new one cannot do without. */
static void order_pin_to_fail(struct random *r)
{
	if (one_in(r, 2)) {
		order_fault(r);
		return;
	}
	r->did[DID_FAIL_ALLOC]++;
	fake_fail_alloc(1);
	r->fault = true;
	r->stale = true;
}

static void end_faults(struct random *r)
{
	if (!r->fault)
		return;
	r->did[DID_FAULT_HAPPENED] += !fake_fail_alloc_stop() && !fake_xen_fail_pending();
	fake_xen_fail_nothing();
	r->fault = false;
}

/* Compares */

static void sample_addresses(struct random *r, const struct ppgtt_roots *roots)
{
	const struct ppgtt_format *format = roots->format;
	unsigned int i, level;
	u64 addr;

	for (i = 0; i < 4; i++) {
		addr = (u64)below(r, format->roots) << (format->shift[format->top] + 9);
		for (level = 1; level <= format->top; level++)
			addr |= (u64)any_index(r, format->entries[level]) << format->shift[level];
		r->did[DID_SAMPLE]++;
		KUNIT_EXPECT_TRUE_MSG(r->test, ppgtt_expect(r->guest->model, roots, addr),
				      "seed %u, sync %u: address %#llx, see above", r->run->seed,
				      r->nr_syncs, addr);
	}
}

/* A directory that is not announced is entries of the GGTT like others. */
static void compare_idle_directories(struct random *r)
{
	unsigned int i;

	for (i = 0; is_gen7(r) && i < DIRECTORIES; i++) {
		if (!r->roots[i].announced && !r->roots[i].pinned)
			ppgtt_compare_ggtt(r->guest->model, r->format, DIRECTORY(i), 512);
	}
}

static void compare_pinned(struct random *r)
{
	struct ppgtt_model *m = r->guest->model;
	unsigned int i;

	m->tolerant = r->stale || has(r, FEW_PAGES) || has(r, FEW_TABLES);
	ppgtt_model_begin(m);
	for (i = 0; i < ROOTS; i++) {
		/* What was announced no more, and is not yet unpinned, is only safe. */
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

/* Something failed to fail, or failed: in any case it is over. */
static void after_sync(struct random *r, int rc)
{
	KUNIT_EXPECT_TRUE_MSG(r->test, !rc || r->fault, "%d", rc);
	end_faults(r);
	if (rc)
		ppgtt_guest_sync(r->guest);
	r->nr_syncs++;
	compare_pinned(r);
}

static void sync(struct random *r)
{
	if (has(r, FAULTS) && one_in(r, 3))
		order_fault(r);
	if (one_in(r, 2)) {
		r->did[DID_SYNC]++;
		after_sync(r, xengt_vgpu_sync(r->guest->vgpu));
	} else {
		r->did[DID_FLUSH]++;
		ppgtt_guest_flush_gtt(r->guest);
		after_sync(r, 0);
	}
}

/* Announcements */

static void draw_root(struct random *r, unsigned int i)
{
	u64 gfns[4] = { any_table(r), any_table(r), any_table(r), any_table(r) };

	if (is_gen7(r))
		r->roots[i] = ppgtt_ggtt(r->guest, DIRECTORY(i % DIRECTORIES));
	else if (one_in(r, 3))
		r->roots[i] = ppgtt_3(r->guest, gfns);
	else
		r->roots[i] = ppgtt_4(r->guest, table_of_level(r, 4));
	r->was_unpinned[i] = false;
}

/* Two that are the same would be one that is announced twice; that is done in another way. */
static bool is_drawn(const struct random *r, unsigned int i)
{
	unsigned int k;

	for (k = 0; k < ROOTS; k++) {
		if (k != i && r->roots[k].guest &&
		    !memcmp(&r->roots[k].root, &r->roots[i].root, sizeof(r->roots[i].root)))
			return true;
	}
	return false;
}

static bool root_is_out(const struct random *r, const struct ppgtt *ppgtt)
{
	unsigned int i;

	for (i = 0; !is_gen7(r) && i < ppgtt->roots.format->roots; i++) {
		if (is_out(r, ppgtt->roots.guest[i]))
			return true;
	}
	return false;
}

static void create(struct random *r, unsigned int i)
{
	struct ppgtt *ppgtt = &r->roots[i];

	if (!ppgtt->announced && !ppgtt->pinned) {
		draw_root(r, i);
		if (is_drawn(r, i)) {
			ppgtt->guest = NULL;
			return;
		}
	}
	/* What was destroyed while it is pinned stays that; a new one would be another. */
	if (root_is_out(r, ppgtt) || ppgtt->announced == 3 ||
	    (!ppgtt->announced && ppgtt->pinned))
		return;
	if (!is_gen7(r) && one_in(r, 3)) {
		r->did[DID_NOTIFY]++;
		ppgtt_notify(ppgtt, true);
		after_sync(r, 0);
		return;
	}
	r->did[DID_CREATE]++;
	if (has(r, FAULTS) && one_in(r, 6))
		order_fault(r);
	after_sync(r, ppgtt_create(ppgtt));
}

static void destroy(struct random *r, unsigned int i)
{
	struct ppgtt *ppgtt = &r->roots[i];

	bool last = ppgtt->announced == 1;

	if (!ppgtt->announced)
		return;
	r->did[DID_DESTROY]++;
	r->did[DID_DESTROY_PINNED] += ppgtt->pinned && last;
	if (!is_gen7(r) && one_in(r, 3))
		ppgtt_notify(ppgtt, false);
	else
		KUNIT_EXPECT_EQ(r->test, ppgtt_destroy(ppgtt),
				is_gen7(r) && ppgtt->pinned && last ? -EBUSY : 0);
	after_sync(r, 0);
}

static void pin_announced(struct random *r, unsigned int i)
{
	int rc;

	if (has(r, FAULTS) && one_in(r, 2))
		order_pin_to_fail(r);
	rc = ppgtt_pin(&r->roots[i]);
	r->did[rc ? DID_PIN_FAILED : DID_PIN]++;
	r->did[DID_PIN_AGAIN] += !rc && r->was_unpinned[i];
	after_sync(r, rc);
}

static void pin(struct random *r, unsigned int i)
{
	struct ppgtt *ppgtt = &r->roots[i];

	if (ppgtt->pinned || !ppgtt->guest)
		return;
	if (ppgtt->announced) {
		pin_announced(r, i);
		return;
	}
	r->did[DID_PIN_NOTHING]++;
	KUNIT_EXPECT_EQ(r->test, ppgtt_pin(ppgtt), -ENOENT);
}

static void unpin(struct random *r, unsigned int i)
{
	if (!r->roots[i].pinned)
		return;
	r->did[DID_UNPIN]++;
	r->was_unpinned[i] = true;
	ppgtt_unpin(&r->roots[i]);
}

static void change_root(struct random *r)
{
	unsigned int i = below(r, is_gen7(r) ? DIRECTORIES : ROOTS);

	switch (below(r, 8)) {
	case 0:
	case 1:
		create(r, i);
		break;
	case 2:
		destroy(r, i);
		break;
	case 3:
	case 4:
	case 5:
		pin(r, i);
		break;
	default:
		unpin(r, i);
	}
}

/* Calm */

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
	return is_gen7(r) ? TABLE_QUOTA_GEN7 : TABLE_QUOTA;
}

/* Of entries that there is room for, none is scratch. */
static void expect_no_scratch(struct random *r)
{
	struct ppgtt_model *m = r->guest->model;
	bool fits = !has(r, FEW_PAGES) || ppgtt_wanted(m) <= PAGE_QUOTA;

	fits = fits && (!has(r, FEW_TABLES) || m->views + TABLE_SLACK <= table_quota(r));
	if (!fits)
		return;
	r->did[DID_ROOM] += has(r, FEW_PAGES) || has(r, FEW_TABLES);
	KUNIT_EXPECT_EQ_MSG(r->test, m->tolerated, 0u,
			    "seed %u, sync %u: scratch, and there is room", r->run->seed,
			    r->nr_syncs);
}

/* With a small quota one PPGTT alone is looked at, for which there may be room. */
static void make_room(struct random *r)
{
	unsigned int i = below(r, is_gen7(r) ? DIRECTORIES : ROOTS);
	unsigned long index;

	end_all_roots(r);
	for (index = PLAIN_FIRST; index < PLAIN_FIRST + PLAIN_N; index++)
		ppgtt_guest_put_ggtt(r->guest, 0, index, 0);
	draw_root(r, i);
	for (index = 0; index < ROOTS; index++) {
		if (index != i)
			r->roots[index].guest = NULL;
	}
	if (root_is_out(r, &r->roots[i])) {
		r->roots[i].guest = NULL;
		return;
	}
	KUNIT_EXPECT_EQ(r->test, ppgtt_create(&r->roots[i]), 0);
	KUNIT_EXPECT_EQ(r->test, ppgtt_pin(&r->roots[i]), 0);
}

/* A balloon event, and nothing is missing any more. */
static void calm(struct random *r)
{
	bool small = has(r, FEW_PAGES) || has(r, FEW_TABLES);
	unsigned int turns = TURNS;
	u64 retried;

	r->did[DID_CALM]++;
	if (small)
		make_room(r);
	do {
		retried = ppgtt_guest_count("retried");
		ppgtt_guest_balloon_event(r->guest);
	} while (ppgtt_guest_count("retried") - retried >= RETRIES && --turns);
	r->stale = false;
	compare_pinned(r);
	expect_no_scratch(r);
}

/* Runs */

static void step(struct random *r)
{
	unsigned int what = below(r, 1000);

	if (what < 700)
		write_one(r);
	else if (what < 740)
		write_burst(r);
	else if (what < 760)
		retype(r);
	else if (what < 830)
		write_on_two_vcpus(r);
	else if (what < 850)
		write_ggtt(r);
	else if (what < 890 && is_gen7(r))
		write_directory(r);
	else if (what < 925)
		sync(r);
	else if (what < 960)
		change_root(r);
	else if (what < 963 && has(r, BALLOON))
		balloon_out(r);
	else if (what < 966 && has(r, BALLOON))
		balloon_in(r);
	if (r->nr_syncs >= CALM_EVERY) {
		r->nr_syncs = 0;
		calm(r);
	}
}

static void start_run(struct random *r)
{
	struct ppgtt_guest_config config = {
		.generation = r->run->generation,
		.quota = has(r, FEW_PAGES) ? __stringify(PAGE_QUOTA) : NULL,
	};
	unsigned int i;

	if (has(r, FEW_TABLES))
		config.tables = is_gen7(r) ? __stringify(TABLE_QUOTA_GEN7) :
				__stringify(TABLE_QUOTA);
	prandom_seed_state(&r->rnd, r->run->seed);
	r->guest = ppgtt_guest_start(r->test, &config);
	r->format = r->guest->format;
	r->next_gfn = NO_GFN;
	gpu_check_one_in(512);
	if (!has(r, SLOW_GPU))
		gpu_set_drained(DOM, NULL);
	for (i = 0; i < TABLES; i++)
		r->level[i] = is_gen7(r) ? 1 : 1 + i % PPGTT_MAX_LEVEL;
}

/* The guest dies with everything in use. */
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
		unpin(r, i);
}

static void add_to_totals(const struct random *r)
{
	struct totals *t = &totals[is_gen7(r)];
	unsigned int i;

	t->runs++;
	t->writes += r->guest->writes;
	for (i = 0; i < NR_DID; i++)
		t->did[i] += r->did[i];
	for (i = 0; i < PPGTT_NR_MET; i++)
		t->met[i] += r->guest->model->met[i];
}

static void stop_run(struct random *r)
{
	if (has(r, DEATH)) {
		die(r);
		unpin_all(r);
	} else if (one_in(r, 2)) {
		end_all_roots(r);
	} else {
		unpin_all(r);
	}
	add_to_totals(r);
	kunit_info(r->test, "%llu writes, %llu of them trapped, %llu compares, %llu GPU checks",
		   r->guest->writes, r->guest->trapped, r->did[DID_COMPARE],
		   r->guest->gpu->nr_checks);
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
	/* One failure is enough to see, others follow from it. */
	while (r->guest->writes < WRITES_A_RUN && !broken(test)) {
		step(r);
		cond_resched();
	}
	calm(r);
	stop_run(r);
}

static bool covers(unsigned int generation, enum did what)
{
	return generation == 7 ? !only_gen8(what) : !only_gen7(what);
}

static void expect_coverage(struct kunit *test, const struct totals *t, unsigned int generation)
{
	unsigned int i;

	for (i = 0; i < NR_DID; i++) {
		kunit_info(test, "gen%u: %s: %llu", generation, did_names[i], t->did[i]);
		if (covers(generation, i))
			KUNIT_EXPECT_GT_MSG(test, t->did[i], 0ull, "gen%u: never: %s", generation,
					    did_names[i]);
	}
	for (i = 0; i < PPGTT_NR_MET; i++) {
		kunit_info(test, "gen%u: met %s: %llu", generation, ppgtt_met_names[i], t->met[i]);
		/* How a shadow is made of larger pages is its own business. */
		if (i == PPGTT_MET_2M_REAL || i == PPGTT_MET_WIDE_REAL ||
		    (generation == 7 && met_only_on_gen8(i)))
			continue;
		KUNIT_EXPECT_GT_MSG(test, t->met[i], 0ull, "gen%u: never met: %s", generation,
				    ppgtt_met_names[i]);
	}
}

/* After the runs: they were as many as they were meant to be, and came by everything. */
static void the_runs_covered_everything(struct kunit *test)
{
	if (totals[0].runs + totals[1].runs < ARRAY_SIZE(runs))
		kunit_skip(test, "not all runs were made");
	kunit_info(test, "gen8: %llu writes, gen7: %llu writes", totals[0].writes,
		   totals[1].writes);
	KUNIT_EXPECT_GE(test, totals[0].writes, WRITES_GEN8);
	KUNIT_EXPECT_GE(test, totals[1].writes, WRITES_GEN7);
	expect_coverage(test, &totals[0], 8);
	expect_coverage(test, &totals[1], 7);
}

static const void *next_run(const void *prev, char *desc)
{
	const struct run *run = prev ? (const struct run *)prev + 1 : runs;

	if (run == runs + ARRAY_SIZE(runs))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "gen%u, %s, seed %u, features %#x", run->generation,
		 fake_xen_mode_name(run->mode), run->seed, run->features);
	return run;
}

static int ppgtt_random_init(struct kunit *test)
{
	const struct run *run = test->param_value;

	/* The case without a parameter looks at what the others left. */
	if (run)
		start_modules(test, run->mode);
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
