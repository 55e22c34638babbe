/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The GGTT: the entries in GSM, and those that the GPU uses.
 *
 * Invariant: the GPU uses each entry as it was at the last invalidate. No entry comes into the TLB
 * or leaves it at another time.
 */

#ifndef GPU_GGTT_H
#define GPU_GGTT_H

#include <stdbool.h>
#include <stdint.h>

#define GSM_BYTES	(8U << 20)
#define GGTT_MAX	(GSM_BYTES / 8)

/**
 * struct target - where a graphics address leads
 * @bus: the bus address
 * @physical: what was behind it when the entry came into the TLB, or NOWHERE if not known
 * @entry: the TLB's
 * @size: of the page
 * @level: of the table with the entry; 1 is a page table
 */
struct target {
	uint64_t bus;
	uint64_t physical;
	uint64_t entry;
	uint64_t size;
	unsigned int level;
};

/* ggms: log2 of the MiB of entries, 1 to 3 */
void ggtt_init(unsigned int ggms);
uint32_t ggtt_entries(void);

/* Accesses to GSM, by its byte offset; size: 1, 2, 4 or 8, within an entry */
uint64_t ggtt_read(uint32_t offset, unsigned int size);
void ggtt_write(uint32_t offset, uint64_t value, unsigned int size);
/* An entry as it is in GSM, and in the TLB */
uint64_t ggtt_entry(uint32_t index);
uint64_t ggtt_used(uint32_t index);

void ggtt_invalidate(void);
/* GPU_DONE, GPU_NOT_PRESENT or GPU_BEYOND; an entry that is stale is a violation of "engine". */
int ggtt_translate(unsigned int engine, uint64_t graphics, struct target *target);
/* Is there an entry in the TLB, of a share, whose page has been released? That is a violation. */
void ggtt_check(void);

#endif /* GPU_GGTT_H */
