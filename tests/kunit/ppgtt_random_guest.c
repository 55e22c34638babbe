// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of random runs: its vCPUs' writes to tables and the GGTT, and its memory that is
 * ballooned out and in.
 *
 * All numbers are drawn from small pools, so that all kinds of tables are frequent: deep ones,
 * shared ones, tables in loops, on several levels, or data as well, and pages that change from one
 * to another.
 *
 * Locking: none. A run has one thread.
 */

#include <linux/string.h>

#include "map/idle.h"
#include "ppgtt_random.h"

#define DATA		64
#define FIRST_DATA	96ull
#define WIDE_PAGES	16

/* Pools */

static u64 table_gfn(unsigned int i)
{
	return FIRST_TABLE + i;
}

u64 random_any_table(struct random *r)
{
	return table_gfn(random_below(r, TABLES));
}

/* A random table, mostly one of the level */
u64 random_table_of_level(struct random *r, unsigned int level)
{
	unsigned int i, tries;

	for (tries = 0; tries < 12 && !random_one_in(r, 8); tries++) {
		i = random_below(r, TABLES);
		if (r->level[i] == level)
			return table_gfn(i);
	}
	return random_any_table(r);
}

/* A random data page: some are in a row of 64 KiB, some are tables, some have high addresses. */
u64 random_data_gfn(struct random *r)
{
	switch (random_below(r, 16)) {
	case 0:
		return random_any_table(r);
	case 1:
		return HIGH_GFN;
	default:
		return FIRST_DATA + random_below(r, DATA);
	}
}

static u64 no_gfn(struct random *r)
{
	static const u64 gfns[] = { NO_GFN, NO_GFN + 16, BIT_ULL(27) - 1, GUEST_PAGES };

	return gfns[random_below(r, ARRAY_SIZE(gfns))];
}

/* A random index of few: the first and last ones, and those of 64 KiB pages */
unsigned int random_any_index(struct random *r, unsigned int entries)
{
	switch (random_below(r, 8)) {
	case 0:
		return entries - 1 - random_below(r, 4);
	case 1:
		return 16 * random_below(r, 4);
	case 2:
		return entries / 2 - 2 + random_below(r, 4);
	case 3:
		return random_below(r, entries);
	default:
		return random_below(r, 12);
	}
}

static u64 random_u64(struct random *r)
{
	return (u64)prandom_u32_state(&r->rnd) << 32 | prandom_u32_state(&r->rnd);
}

static u64 any_flags(struct random *r, unsigned int level)
{
	u64 all = r->format->flags[level] & ~(level == 2 ? r->format->wide : 0);
	u64 flags = random_u64(r) & all;

	return random_one_in(r, 3) ? flags : all & r->format->rw;
}

/* Adds bits that the GPU ignores. */
static u64 with_notes(struct random *r, u64 raw, u64 ignored)
{
	u64 notes = random_u64(r) & ignored;

	if (!notes || !random_one_in(r, 6))
		return raw;
	r->did[DID_NOTES]++;
	return raw | notes;
}

/* What is written */

static u64 page_entry(struct random *r)
{
	u64 raw = ppgtt_encode(r->format, random_data_gfn(r), any_flags(r, 1));

	r->did[DID_PAGE]++;
	return with_notes(r, raw, r->format->ignored[1]);
}

static u64 large_entry(struct random *r)
{
	static const u64 frames[] = { 0, 512, 1024, 1536, 100 };
	/* Now and then of GFNs without pages: 512 missing entries */
	u64 frame = random_one_in(r, 32) ? 2048 : frames[random_below(r, ARRAY_SIZE(frames))];
	u64 flags = any_flags(r, 2) | r->format->large;

	if (random_one_in(r, 2))
		flags |= r->format->large_pat;
	r->did[DID_LARGE]++;
	return with_notes(r, ppgtt_encode(r->format, frame, flags), r->format->large_ignored);
}

static u64 huge_entry(struct random *r)
{
	r->did[DID_HUGE]++;
	return ppgtt_encode(r->format, 0, r->format->rw | r->format->large);
}

static u64 table_entry(struct random *r, unsigned int level, u64 self)
{
	u64 gfn = random_table_of_level(r, level - 1), flags = any_flags(r, level);

	r->did[DID_TABLE]++;
	if (random_one_in(r, 24)) {
		gfn = self;
		r->did[DID_LOOP]++;
	}
	if (level == 2 && r->format->wide && random_one_in(r, 5)) {
		flags |= r->format->wide;
		r->did[DID_WIDE]++;
	}
	return with_notes(r, ppgtt_encode(r->format, gfn, flags), r->format->ignored[level]);
}

/* Adds bits that are reserved on any level, or on this one. */
static u64 with_bad_bit(struct random *r, u64 raw)
{
	static const u64 bits[] = {
		BIT_ULL(46), BIT_ULL(48), BIT_ULL(51), BIT_ULL(63),
	};

	r->did[DID_BAD_BITS]++;
	return raw | bits[random_below(r, ARRAY_SIZE(bits))];
}

static u64 bad_gfn_entry(struct random *r, unsigned int level)
{
	r->did[DID_BAD_GFN]++;
	return ppgtt_encode(r->format, no_gfn(r), any_flags(r, level));
}

/* A random entry for a table of a level */
static u64 any_entry(struct random *r, unsigned int level, u64 self)
{
	unsigned int what = random_below(r, 64);

	if (what < 10) {
		r->did[DID_CLEAR]++;
		return random_one_in(r, 2) ? 0 : page_entry(r) & ~r->format->present;
	}
	if (what < 13)
		return bad_gfn_entry(r, level);
	if (what < 14 && !random_is_gen7(r))
		return huge_entry(r);
	if (what < 16 && level == 2 && r->format->large)
		return large_entry(r);
	if (what < 19 && !random_is_gen7(r))
		return with_bad_bit(r, level == 1 ? page_entry(r) : table_entry(r, level, self));
	return level == 1 ? page_entry(r) : table_entry(r, level, self);
}

/* How it is written */

static void note_trap(struct random *r, u64 gfn)
{
	r->did[fake_gfn_write_protected(DOM, gfn) ? DID_TRAPPED : DID_UNTRAPPED]++;
}

static void store(struct random *r, u64 addr, const void *data, unsigned int size)
{
	unsigned int vcpu = random_below(r, VCPUS_OF_GUEST);

	note_trap(r, addr >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(r->test, ppgtt_guest_store(r->guest, vcpu, addr, data, size), 0);
}

/* Stores some bytes of an entry. The others stay. */
static void store_part(struct random *r, u64 gfn, unsigned int index, u64 raw, unsigned int offset,
		       unsigned int size)
{
	unsigned int entry_size = r->format->entry_size;
	u64 now = ppgtt_guest_get(r->guest, gfn, index), mixed = now;

	memcpy((u8 *)&mixed + offset, (u8 *)&raw + offset, size);
	store(r, (gfn << PAGE_SHIFT) + index * entry_size + offset, (u8 *)&mixed + offset, size);
}

static void store_halves(struct random *r, u64 gfn, unsigned int index, u64 raw)
{
	unsigned int half = r->format->entry_size / 2, first = random_below(r, 2) * half;

	r->did[DID_HALF]++;
	store_part(r, gfn, index, raw, first, half);
	/* The other half, now and then. Else it stays as it was. */
	if (!random_one_in(r, 3))
		store_part(r, gfn, index, raw, half - first, half);
}

static void store_entry(struct random *r, u64 gfn, unsigned int index, u64 raw)
{
	unsigned int size = r->format->entry_size;

	switch (random_below(r, 12)) {
	case 0:
	case 1:
		store_halves(r, gfn, index, raw);
		break;
	case 2:
		r->did[DID_BYTE]++;
		store_part(r, gfn, index, raw, random_below(r, size), 1);
		break;
	default:
		store(r, (gfn << PAGE_SHIFT) + index * size, &raw, size);
	}
}

bool random_is_out(const struct random *r, u64 gfn)
{
	return fake_gfn_mfn(DOM, gfn) == FAKE_NO_MFN;
}

/* Picks a table to write to, and the level of its entries. */
static bool pick_table(struct random *r, u64 *gfn, unsigned int *level)
{
	unsigned int i = random_below(r, TABLES);

	*gfn = table_gfn(i);
	*level = r->level[i];
	return !random_is_out(r, *gfn);
}

static unsigned int entries_of(const struct random *r, unsigned int level)
{
	return r->format->entries[level] ?: PAGE_SIZE / r->format->entry_size;
}

void random_write_one(struct random *r)
{
	unsigned int level, index;
	u64 gfn;

	if (!pick_table(r, &gfn, &level))
		return;
	index = random_any_index(r, entries_of(r, level));
	store_entry(r, gfn, index, any_entry(r, level, gfn));
}

void random_write_burst(struct random *r)
{
	unsigned int level, index, n = 8 + random_below(r, 24);
	u64 gfn;

	if (!pick_table(r, &gfn, &level))
		return;
	r->did[DID_BURST]++;
	index = random_below(r, entries_of(r, level) - n);
	while (n--)
		store_entry(r, gfn, index++, any_entry(r, level, gfn));
}

/* A page becomes a table of another level: a few entries are new, the others stay. */
void random_retype(struct random *r)
{
	unsigned int i = random_below(r, TABLES), n = 4;

	r->level[i] = 1 + random_below(r, random_is_gen7(r) ? 1 : PPGTT_MAX_LEVEL);
	r->did[DID_RETYPE]++;
	while (n-- && !random_is_out(r, table_gfn(i)))
		store_entry(r, table_gfn(i), random_any_index(r, entries_of(r, r->level[i])),
			    any_entry(r, r->level[i], table_gfn(i)));
}

/* Writes a whole table of 64 KiB pages, so that the shadow may be one, too. */
void random_write_wide_table(struct random *r)
{
	u64 directory = random_table_of_level(r, 2), gfn, raw;
	unsigned int i = random_below(r, TABLES), index;

	gfn = table_gfn(i);
	if (random_is_out(r, gfn) || random_is_out(r, directory))
		return;
	r->did[DID_WIDE_TABLE]++;
	r->level[i] = 1;
	for (index = 0; index < r->format->entries[1]; index += WIDE_PAGES) {
		raw = FIRST_DATA + WIDE_PAGES * random_below(r, DATA / WIDE_PAGES);
		raw = ppgtt_encode(r->format, raw, any_flags(r, 1));
		store(r, (gfn << PAGE_SHIFT) + index * sizeof(raw), &raw, sizeof(raw));
	}
	raw = ppgtt_encode(r->format, gfn, any_flags(r, 2) | r->format->wide);
	index = random_any_index(r, r->format->entries[2]);
	store(r, (directory << PAGE_SHIFT) + index * sizeof(raw), &raw, sizeof(raw));
}

/* Both vCPUs write at once. Memory shows which of the two values an entry has. */
void random_write_on_two_vcpus(struct random *r)
{
	u64 raw[VCPUS_OF_GUEST], addr[VCPUS_OF_GUEST], gfn;
	unsigned int vcpu, level;

	for (vcpu = 0; vcpu < VCPUS_OF_GUEST; vcpu++) {
		if (!pick_table(r, &gfn, &level))
			return;
		raw[vcpu] = any_entry(r, level, gfn);
		addr[vcpu] = (gfn << PAGE_SHIFT) +
			     random_any_index(r, entries_of(r, level)) * r->format->entry_size;
	}
	r->did[DID_TWO_VCPUS]++;
	for (vcpu = 0; vcpu < VCPUS_OF_GUEST; vcpu++)
		ppgtt_guest_send(r->guest, vcpu, addr[vcpu], &raw[vcpu], r->format->entry_size);
	for (vcpu = 0; vcpu < VCPUS_OF_GUEST; vcpu++)
		KUNIT_EXPECT_EQ(r->test, ppgtt_guest_wait(r->guest, vcpu), 0);
}

/* Writes an entry of the GGTT, and checks that the guest reads it. */
static void write_ggtt(struct random *r, unsigned long index, u64 raw)
{
	u64 gfn = ppgtt_guest_ggtt_gfn(r->guest, index);

	if (fake_gfn_mfn(DOM, gfn) != FAKE_NO_MFN && !fake_gfn_write_protected(DOM, gfn))
		r->did[DID_GGTT_UNTRAPPED]++;
	ppgtt_guest_put_ggtt(r->guest, random_below(r, VCPUS_OF_GUEST), index, raw);
	if (!random_one_in(r, 8))
		return;
	r->did[DID_GGTT_READ]++;
	KUNIT_EXPECT_EQ(r->test, ppgtt_guest_get_ggtt(r->guest, index), raw);
}

void random_write_ggtt(struct random *r)
{
	u64 raw = any_entry(r, 1, 0);

	r->did[DID_GGTT]++;
	write_ggtt(r, PLAIN_FIRST + random_below(r, PLAIN_N), raw);
}

void random_write_directory(struct random *r)
{
	unsigned long index = DIRECTORY(random_below(r, DIRECTORIES)) + random_any_index(r, 512);

	r->did[DID_DIRECTORY]++;
	write_ggtt(r, index, any_entry(r, 2, FIRST_TABLE));
}

/* Memory that comes and goes */

void random_balloon_out(struct random *r)
{
	bool table = random_one_in(r, 3);
	u64 gfn = table ? random_any_table(r) : FIRST_DATA + random_below(r, DATA);

	if (r->nr_out == OUTS || random_is_out(r, gfn))
		return;
	r->did[table ? DID_OUT_TABLE : DID_OUT_DATA]++;
	r->out[r->nr_out++] = gfn;
	fake_guest_balloon_out(DOM, random_below(r, VCPUS_OF_GUEST), gfn);
	/* The shadow may reach the guest's former page until the event is handled. */
	if (random_has(r, LATE_MOVES) && random_one_in(r, 2)) {
		r->did[DID_OUT_LATE]++;
		r->late = true;
	} else {
		sync_vgpu(r->guest->vgpu);
	}
	if (!random_one_in(r, 3))
		return;
	r->did[DID_OTHER_GUEST]++;
	fake_gfn_populate(OTHER_DOM, r->next_gfn++);
}

/* The guest gives RAM at the GTT away for good. Its entries stay. */
void random_balloon_out_gtt(struct random *r)
{
	u64 gfn = ppgtt_guest_ggtt_gfn(r->guest, DIRECTORY(0) + random_below(r, GGTT_SHARE));

	if (random_is_out(r, gfn))
		return;
	r->did[DID_OUT_GTT]++;
	fake_guest_balloon_out(DOM, random_below(r, VCPUS_OF_GUEST), gfn);
	sync_vgpu(r->guest->vgpu);
}

/* Unmaps idle pages while a balloon event is pending. */
void random_drain_late(struct random *r)
{
	if (!r->late)
		return;
	r->did[DID_DRAIN_LATE]++;
	xen_gpu_idle_drain(r->guest->vgpu->domain, XEN_GPU_COUNT_DRAINED_FLUSH);
}

void random_neighbour_unmap(struct random *r)
{
	if (!r->nr_neighbour)
		return;
	r->did[DID_NEIGHBOUR_UNMAP]++;
	while (r->nr_neighbour)
		neighbour_unmap(&r->neighbour, --r->nr_neighbour);
}

/* Maps and unmaps pages of another guest, which count in the limit of all guests. */
void random_neighbour(struct random *r)
{
	unsigned int n = 1 + random_below(r, NEIGHBOUR_PAGES);

	if (r->nr_neighbour) {
		random_neighbour_unmap(r);
		return;
	}
	r->did[DID_NEIGHBOUR_MAP]++;
	while (n--) {
		if (neighbour_map(&r->neighbour, r->nr_neighbour)) {
			r->did[DID_NEIGHBOUR_REFUSED]++;
			break;
		}
		r->nr_neighbour++;
	}
}

/* No event tells that, so entries may be missing until the next balloon event. */
void random_balloon_in(struct random *r)
{
	unsigned int i;
	u64 gfn;

	if (!r->nr_out)
		return;
	i = random_below(r, r->nr_out);
	gfn = r->out[i];
	r->out[i] = r->out[--r->nr_out];
	r->did[gfn >= FIRST_TABLE && gfn < FIRST_TABLE + TABLES ? DID_IN_TABLE : DID_IN_DATA]++;
	fake_gfn_populate(DOM, gfn);
	r->stale = true;
}
