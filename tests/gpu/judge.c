// SPDX-License-Identifier: GPL-2.0
/* The judge; see judge.h. */
#include <string.h>

#include "judge.h"
#include "log.h"

#define MAX_RELEASED 256
#define WRITES_PER_LINE 16384

static uint64_t counters[GPU_NR_COUNTERS];
static uint64_t engine_counters[GPU_NR_ENGINES][GPU_NR_ENGINE_COUNTERS];
static uint64_t violations[GPU_NR_VIOLATIONS];
static uint64_t all_violations;
static struct violation records[GPU_NR_RECORDS];
static struct share shares[GPU_NR_SHARES];
static bool host_frozen;

static struct range {
	uint64_t first;
	uint64_t end;
} released[MAX_RELEASED];
static unsigned int nr_released;

static const char * const names[GPU_NR_VIOLATIONS] = {
	[GPU_STALE_GGTT] = "stale entry of the GGTT used",
	[GPU_STALE_PPGTT] = "stale entry of a PPGTT used",
	[GPU_USED_RELEASED] = "released page used",
	[GPU_HELD_RELEASED] = "page released that a TLB holds",
	[GPU_DMA_REFUSED] = "refused by the IOMMU",
	[GPU_DMA_NO_MEMORY] = "no RAM at the bus address",
	[GPU_FROZEN_WRITE] = "frozen entry written",
	[GPU_FOREIGN_RING] = "ring or mode loaded by an engine's part of a context",
};

void judge_count(unsigned int counter)
{
	counters[counter]++;
}

void judge_count_engine(unsigned int engine, unsigned int counter)
{
	if (engine < GPU_NR_ENGINES)
		engine_counters[engine][counter]++;
}

uint64_t judge_counter(unsigned int counter)
{
	return counters[counter];
}

uint64_t judge_engine_counter(unsigned int engine, unsigned int counter)
{
	return engine_counters[engine][counter];
}

void judge_set_counter(unsigned int counter, uint64_t value)
{
	counters[counter] = value;
}

void judge_violation(const struct violation *v)
{
	struct share *share = NULL;

	if (v->space == GPU_GGTT)
		share = judge_share_of(v->address >> 12);
	if (share)
		share->violations++;
	violations[v->kind]++;
	records[all_violations++ % GPU_NR_RECORDS] = *v;
	log_event("VIOLATION: %s: engine %u, %s address %lx, entry used %lx, in the table %lx",
		  names[v->kind], v->engine, v->space == GPU_GGTT ? "GGTT" : "PPGTT", v->address,
		  v->used, v->table);
}

uint64_t judge_violations(unsigned int kind)
{
	return violations[kind];
}

uint64_t judge_all_violations(void)
{
	return all_violations;
}

const struct violation *judge_record(unsigned int index)
{
	return &records[index % GPU_NR_RECORDS];
}

static bool overlaps(unsigned int id, uint32_t first, uint32_t nr)
{
	unsigned int i;

	for (i = 0; i < GPU_NR_SHARES; i++)
		if (i != id && first < shares[i].first + shares[i].nr &&
		    shares[i].first < first + nr)
			return true;
	return false;
}

bool judge_declare(unsigned int id, unsigned int owner, uint32_t first, uint32_t nr,
		   uint32_t nr_entries)
{
	if (id >= GPU_NR_SHARES || first > nr_entries || nr > nr_entries - first ||
	    (nr && overlaps(id, first, nr)))
		return false;
	shares[id] = (struct share){ .first = first, .nr = nr, .owner = owner };
	log_event("share %u: owner %u, %u entries from %u on", id, owner, nr, first);
	return true;
}

bool judge_freeze(unsigned int id, bool frozen)
{
	if (id == GPU_HOST)
		host_frozen = frozen;
	else if (id < GPU_NR_SHARES && shares[id].nr)
		shares[id].frozen = frozen;
	else
		return false;
	return true;
}

const struct share *judge_share(unsigned int id)
{
	return &shares[id];
}

struct share *judge_share_of(uint32_t index)
{
	unsigned int i;

	for (i = 0; i < GPU_NR_SHARES; i++)
		if (index >= shares[i].first && index - shares[i].first < shares[i].nr)
			return &shares[i];
	return NULL;
}

void judge_gsm_write(uint32_t index, uint64_t used, uint64_t value, unsigned int size)
{
	const struct violation v = {
		.kind = GPU_FROZEN_WRITE, .engine = NO_ENGINE, .space = GPU_GGTT,
		.address = (uint64_t)index << 12, .used = used, .table = value,
	};
	struct share *share = judge_share_of(index);

	counters[GPU_GSM_WRITES]++;
	counters[share ? GPU_GSM_WRITES_SHARES : GPU_GSM_WRITES_HOST]++;
	/*
	 * Who watches the log sees that the host's driver goes on, which writes the whole GTT for
	 * minutes. Guests' writes to shares are no sign that the host does.
	 */
	if (!share && !(counters[GPU_GSM_WRITES_HOST] % WRITES_PER_LINE))
		log_event("GSM: %lu writes of the host's", counters[GPU_GSM_WRITES_HOST]);
	if (size != sizeof(value))
		counters[GPU_GSM_WRITES_PARTIAL]++;
	if (share)
		share->writes++;
	if (share ? share->frozen : host_frozen)
		judge_violation(&v);
}

static bool is_range(uint64_t bus, uint64_t len)
{
	return len && !((bus | len) & 4095) && bus + len > bus;
}

bool judge_release(uint64_t bus, uint64_t len)
{
	if (!is_range(bus, len) || nr_released == MAX_RELEASED)
		return false;
	released[nr_released++] = (struct range){ bus, bus + len };
	return true;
}

/* Cuts a range out of one that was released; false: there is no room for what remains. */
static bool cut(struct range *r, uint64_t first, uint64_t end)
{
	struct range after = { end, r->end };

	if (first >= r->end || end <= r->first)
		return true;
	if (first > r->first && end < r->end) {
		if (nr_released == MAX_RELEASED)
			return false;
		released[nr_released++] = after;
	}
	if (first > r->first)
		r->end = first;
	else
		r->first = end < r->end ? end : r->end;
	return true;
}

static void drop_empty(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr_released; i++)
		if (released[i].first < released[i].end)
			released[n++] = released[i];
	nr_released = n;
}

bool judge_take(uint64_t bus, uint64_t len)
{
	unsigned int i;

	if (!is_range(bus, len))
		return false;
	for (i = 0; i < nr_released; i++)
		if (!cut(&released[i], bus, bus + len))
			return false;
	drop_empty();
	return true;
}

bool judge_is_released(uint64_t bus, uint64_t len)
{
	unsigned int i;

	for (i = 0; i < nr_released; i++)
		if (bus < released[i].end && released[i].first < bus + len)
			return true;
	return false;
}

void judge_clear(void)
{
	uint64_t dirty = counters[GPU_DIRTY];
	unsigned int i;

	memset(counters, 0, sizeof(counters));
	counters[GPU_DIRTY] = dirty;
	memset(engine_counters, 0, sizeof(engine_counters));
	memset(violations, 0, sizeof(violations));
	memset(records, 0, sizeof(records));
	all_violations = 0;
	for (i = 0; i < GPU_NR_SHARES; i++) {
		shares[i].writes = 0;
		shares[i].violations = 0;
	}
}

static void summarize_engine(unsigned int id)
{
	const uint64_t *c = engine_counters[id];

	log_summary("engine %u: %lu contexts, %lu commands, %lu stores, %lu hangs", id,
		    c[GPU_CONTEXTS], c[GPU_COMMANDS], c[GPU_STORES], c[GPU_HANGS]);
	log_summary("engine %u: TLB: %lu invalidates, %lu flushes, %lu contexts loaded", id,
		    c[GPU_TLB_INVALIDATES], c[GPU_TLB_FLUSHES], c[GPU_LOADS]);
}

void judge_summary(void)
{
	unsigned int i;

	log_summary("GSM: %lu writes (%lu in shares, %lu partial), %lu reads, %lu invalidates",
		    counters[GPU_GSM_WRITES], counters[GPU_GSM_WRITES_SHARES],
		    counters[GPU_GSM_WRITES_PARTIAL], counters[GPU_GSM_READS],
		    counters[GPU_INVALIDATES]);
	log_summary("registers: %lu reads, %lu writes; %lu interrupts, %lu resets, %lu faults",
		    counters[GPU_REG_READS], counters[GPU_REG_WRITES], counters[GPU_INTERRUPTS],
		    counters[GPU_RESETS], counters[GPU_FAULTS]);
	for (i = 0; i < GPU_NR_ENGINES; i++)
		summarize_engine(i);
	for (i = 0; i < GPU_NR_VIOLATIONS; i++)
		if (violations[i])
			log_summary("violations: %s: %lu", names[i], violations[i]);
	log_summary("%lu violations", all_violations);
}
