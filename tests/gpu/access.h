/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Accesses to graphics memory: through page tables, TLBs and the IOMMU.
 *
 * All return GPU_DONE or why they failed (control.h). A failure of an engine's is a fault of its.
 */

#ifndef GPU_ACCESS_H
#define GPU_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "page.h"

struct engine;

/* Where: GPU_GGTT, GPU_PPGTT (the engine's) or GPU_BUS, and the address there */
struct place {
	unsigned int space;
	uint64_t addr;
};

/* No engine: the CPU, through the aperture. "host" is good up to the end of the page. */
int access_at(struct engine *e, struct place at, bool write, void **host);

int access_read32(struct engine *e, struct place at, uint32_t *value);
int access_write32(struct engine *e, struct place at, uint32_t value);
int access_write64(struct engine *e, struct place at, uint64_t value);
/* Up to where they fail; the places are advanced to there. */
int access_copy(struct engine *e, struct place *from, struct place *to, uint64_t len);
int access_fill(struct engine *e, struct place *to, uint64_t len, uint8_t byte);

#endif /* GPU_ACCESS_H */
