// SPDX-License-Identifier: GPL-2.0
/* An engine's TLB; see tlb.h. */
#include <stddef.h>

#include "judge.h"
#include "page.h"
#include "ram.h"
#include "tlb.h"

#define LEVEL_BITS	3
#define FULL		(TLB_ENTRIES / 4 * 3)

static uint64_t key_of(unsigned int level, uint64_t prefix)
{
	return prefix << LEVEL_BITS | level;
}

static unsigned int slot_of(const struct tlb *tlb, uint64_t key)
{
	unsigned int i = (key * 0x9e3779b97f4a7c15ULL >> 40) % TLB_ENTRIES;

	while (tlb->entries[i].key && tlb->entries[i].key != key)
		i = (i + 1) % TLB_ENTRIES;
	return i;
}

struct tlb_entry *tlb_find(struct tlb *tlb, unsigned int level, uint64_t prefix)
{
	struct tlb_entry *e = &tlb->entries[slot_of(tlb, key_of(level, prefix))];

	return e->key ? e : NULL;
}

uint64_t tlb_bus(const struct tlb_entry *entry)
{
	return entry->entry & PTE_ADDRESS & ~(entry->size - 1);
}

struct tlb_entry *tlb_add(struct tlb *tlb, unsigned int level, uint64_t prefix,
			  const struct tlb_entry *new)
{
	uint64_t key = key_of(level, prefix);
	struct tlb_entry *e;
	unsigned int slot;

	if (tlb->n == FULL)
		tlb_forget(tlb);
	slot = slot_of(tlb, key);
	e = &tlb->entries[slot];
	if (!e->key)
		tlb->in_use[tlb->n++] = slot;
	*e = *new;
	e->key = key;
	e->behind = page_behind(tlb_bus(e));
	return e;
}

uint64_t tlb_in_table(const struct tlb_entry *entry)
{
	uint64_t physical = page_behind(entry->table), *p = NULL;

	if (physical != NOWHERE)
		p = ram_at(physical, sizeof(*p));
	return p ? __atomic_load_n(p, __ATOMIC_ACQUIRE) : 0;
}

static void check_held(const struct tlb *tlb, const struct tlb_entry *e)
{
	unsigned int level = e->key & ((1 << LEVEL_BITS) - 1);
	const struct violation v = {
		.kind = GPU_HELD_RELEASED, .engine = tlb->engine, .space = GPU_PPGTT,
		.address = e->key >> LEVEL_BITS << (PAGE_SHIFT + 9 * (level - 1)),
		.used = e->entry, .table = tlb_in_table(e),
	};

	if (page_is_gone(tlb_bus(e), e->behind, e->size))
		judge_violation(&v);
}

void tlb_check(const struct tlb *tlb)
{
	unsigned int i;

	for (i = 0; i < tlb->n; i++)
		check_held(tlb, &tlb->entries[tlb->in_use[i]]);
}

void tlb_forget(struct tlb *tlb)
{
	unsigned int i;

	tlb_check(tlb);
	for (i = 0; i < tlb->n; i++)
		tlb->entries[tlb->in_use[i]].key = 0;
	tlb->n = 0;
}
