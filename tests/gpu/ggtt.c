// SPDX-License-Identifier: GPL-2.0
/* The GGTT; see ggtt.h. */
#include <string.h>

#include "ggtt.h"
#include "judge.h"
#include "page.h"

#define BITS 64
#define MAX_PASSED 4096	/* more are not looked after */

static uint64_t gsm[GGTT_MAX];
static uint64_t used[GGTT_MAX];		/* the TLB */
static uint64_t behind[GGTT_MAX];	/* of entries in the TLB, if they are in a share */
static uint64_t changed[GGTT_MAX / BITS];
static uint32_t nr_entries;

/**
 * struct passed - an entry that was in GSM only between two invalidates
 * @index: of the entry
 * @entry: its value
 * @behind: the physical address of its page, or NOWHERE
 */
static struct passed {
	uint32_t index;
	uint64_t entry;
	uint64_t behind;
} passed[MAX_PASSED];
static unsigned int nr_passed;
static uint64_t nr_changed;

void ggtt_init(unsigned int ggms)
{
	nr_entries = (1U << ggms << 20) / sizeof(*gsm);
	nr_changed = 0;
	nr_passed = 0;
	memset(gsm, 0, sizeof(gsm));
	memset(used, 0, sizeof(used));
	memset(changed, 0, sizeof(changed));
	memset(behind, 0xff, sizeof(behind));
}

uint32_t ggtt_entries(void)
{
	return nr_entries;
}

uint64_t ggtt_read(uint32_t offset, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, (uint8_t *)gsm + offset, size);
	judge_count(GPU_GSM_READS);
	return value;
}

static void note_change(uint32_t index)
{
	uint64_t bit = 1ULL << index % BITS, *word = &changed[index / BITS];
	bool differs = gsm[index] != used[index];

	if (differs == !!(*word & bit))
		return;
	*word ^= bit;
	nr_changed += differs ? 1 : -1;
	judge_set_counter(GPU_DIRTY, nr_changed);
}

/* The GPU may have it in its TLB, too: hardware can look at any time. */
static void note_passed(uint32_t index)
{
	uint64_t entry = gsm[index];

	if (!(entry & PTE_PRESENT) || entry == used[index] || !judge_share_of(index) ||
	    nr_passed == MAX_PASSED)
		return;
	passed[nr_passed++] = (struct passed){ index, entry, page_behind(entry & PTE_ADDRESS) };
}

void ggtt_write(uint32_t offset, uint64_t value, unsigned int size)
{
	uint32_t index = offset / sizeof(*gsm);

	note_passed(index);
	memcpy((uint8_t *)gsm + offset, &value, size);
	judge_gsm_write(index, used[index], gsm[index], size);
	note_change(index);
}

uint64_t ggtt_entry(uint32_t index)
{
	return gsm[index];
}

uint64_t ggtt_used(uint32_t index)
{
	return used[index];
}

static void report(unsigned int kind, unsigned int engine, uint32_t index)
{
	const struct violation v = {
		.kind = kind, .engine = engine, .space = GPU_GGTT,
		.address = (uint64_t)index << PAGE_SHIFT, .used = used[index], .table = gsm[index],
	};

	judge_violation(&v);
}

static void check_held(uint32_t index)
{
	if (used[index] & PTE_PRESENT && judge_share_of(index) &&
	    page_is_gone(used[index] & PTE_ADDRESS, behind[index], PAGE_BYTES))
		report(GPU_HELD_RELEASED, NO_ENGINE, index);
}

static void check_passed(void)
{
	const struct passed *p;
	struct violation v = { .kind = GPU_HELD_RELEASED, .engine = NO_ENGINE, .space = GPU_GGTT };

	for (p = passed; p < passed + nr_passed; p++) {
		if (!page_is_gone(p->entry & PTE_ADDRESS, p->behind, PAGE_BYTES))
			continue;
		v.address = (uint64_t)p->index << PAGE_SHIFT;
		v.used = p->entry;
		v.table = gsm[p->index];
		judge_violation(&v);
	}
}

/* The entry's old page had to stay mapped until now. */
static void take_up(uint32_t index)
{
	check_held(index);
	used[index] = gsm[index];
	behind[index] = NOWHERE;
	if (used[index] & PTE_PRESENT && judge_share_of(index))
		behind[index] = page_behind(used[index] & PTE_ADDRESS);
}

void ggtt_invalidate(void)
{
	uint32_t i;

	judge_count(GPU_INVALIDATES);
	check_passed();
	nr_passed = 0;
	for (i = 0; nr_changed && i < GGTT_MAX / BITS; i++) {
		while (changed[i]) {
			take_up(i * BITS + __builtin_ctzll(changed[i]));
			changed[i] &= changed[i] - 1;
			nr_changed--;
		}
	}
	judge_set_counter(GPU_DIRTY, 0);
}

int ggtt_translate(unsigned int engine, uint64_t graphics, struct target *target)
{
	uint64_t index = graphics >> PAGE_SHIFT;

	if (index >= nr_entries)
		return GPU_BEYOND;
	if (used[index] != gsm[index])
		report(GPU_STALE_GGTT, engine, index);
	target->entry = used[index];
	target->bus = (used[index] & PTE_ADDRESS) | (graphics & PAGE_OFFSET);
	target->physical = NOWHERE;
	if (behind[index] != NOWHERE)
		target->physical = behind[index] | (graphics & PAGE_OFFSET);
	target->size = PAGE_BYTES;
	target->level = 1;
	return used[index] & PTE_PRESENT ? GPU_DONE : GPU_NOT_PRESENT;
}

void ggtt_check(void)
{
	const struct share *share;
	uint32_t i, index;

	check_passed();
	for (i = 0; i < GPU_NR_SHARES; i++) {
		share = judge_share(i);
		for (index = share->first; index < share->first + share->nr; index++)
			check_held(index);
	}
}
