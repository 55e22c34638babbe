/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An engine's TLB: entries of a PPGTT's tables, of all levels.
 *
 * Invariant: what a walk has used stays until the TLB is forgotten as a whole. Only entries that
 * are present are kept. When the TLB is full, all of it is forgotten, as hardware may.
 */

#ifndef GPU_TLB_H
#define GPU_TLB_H

#include <stdint.h>

#define TLB_ENTRIES 16384	/* a power of two */

/**
 * struct tlb_entry - an entry of a page table
 * @key: level and index of the walk's prefix; 0: not in use
 * @entry: the table's entry as it was read
 * @table: the bus address it was read from
 * @behind: the physical address of what the entry leads to, or NOWHERE
 * @size: of what the entry leads to, in bytes
 */
struct tlb_entry {
	uint64_t key;
	uint64_t entry;
	uint64_t table;
	uint64_t behind;
	uint64_t size;
};

struct tlb {
	unsigned int engine;
	unsigned int n;
	struct tlb_entry entries[TLB_ENTRIES];
	uint16_t in_use[TLB_ENTRIES];
};

/* The entry for a graphics address at a level, or NULL */
struct tlb_entry *tlb_find(struct tlb *tlb, unsigned int level, uint64_t prefix);
/* "new" has all but the key and what is behind. */
struct tlb_entry *tlb_add(struct tlb *tlb, unsigned int level, uint64_t prefix,
			  const struct tlb_entry *new);
/* The entry as it is in its table now; 0 if that cannot be read */
uint64_t tlb_in_table(const struct tlb_entry *entry);
uint64_t tlb_bus(const struct tlb_entry *entry);
/* Pages that entries lead to and that have been released are violations, in both. */
void tlb_forget(struct tlb *tlb);
void tlb_check(const struct tlb *tlb);

#endif /* GPU_TLB_H */
