/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PPGTTs of gen8 and gen9: walks of their tables, through an engine's TLB.
 *
 * Formats: the PRMs of Broadwell and Skylake ("PPGTT"), intel_gtt.h of i915.
 */

#ifndef GPU_PPGTT_H
#define GPU_PPGTT_H

#include <stdbool.h>
#include <stdint.h>

#include "ggtt.h"
#include "tlb.h"

#define PPGTT_PDPS 4

/**
 * struct ppgtt_root - a PPGTT as a context image has it
 * @levels: 3, 4, or 0 if there is none
 * @pdp: bus addresses of page directories; with 4 levels, of the PML4 alone
 */
struct ppgtt_root {
	unsigned int levels;
	uint64_t pdp[PPGTT_PDPS];
};

bool ppgtt_root_equal(const struct ppgtt_root *a, const struct ppgtt_root *b);
/*
 * GPU_DONE, GPU_NOT_PRESENT, GPU_READ_ONLY, GPU_BEYOND, or what reading a table came to. An
 * entry in the TLB that is stale is a violation. Without a TLB, the tables are read as they are,
 * and nothing is remembered or reported.
 */
int ppgtt_translate(struct tlb *tlb, const struct ppgtt_root *root, uint64_t graphics, bool write,
		    struct target *target);

#endif /* GPU_PPGTT_H */
