/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Contexts: what an image in the GGTT says of a ring and a PPGTT, and how far its commands have
 * run.
 */

#ifndef GPU_CONTEXT_H
#define GPU_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "ppgtt.h"

#define MAX_BATCHES 2	/* a batch, and one of the second level */

struct engine;

/**
 * struct batch - a batch buffer that runs
 * @space: of its address, and of its commands'
 * @addr: of the next command
 */
struct batch {
	unsigned int space;
	uint64_t addr;
};

/**
 * struct context - a context that an engine runs
 * @descriptor: by which it was submitted
 * @root: of its PPGTT
 * @start: GGTT address of the ring
 * @size: of the ring; 0: it is not enabled
 * @head: offset of the next command in the ring
 * @tail: where the ring's commands end
 * @batches: that run, the last one first
 * @nr_batches: how many
 */
struct context {
	uint64_t descriptor;
	struct ppgtt_root root;
	uint32_t start;
	uint32_t size;
	uint32_t head;
	uint32_t tail;
	struct batch batches[MAX_BATCHES];
	unsigned int nr_batches;
};

#define CONTEXT_VALID(descriptor)	((descriptor) & 1)
#define CONTEXT_ID(descriptor)		((uint32_t)((descriptor) >> 32))
/* GGTT address of the per-process status page, the image's first */
#define CONTEXT_STATUS_PAGE(descriptor)	((descriptor) & 0xfffff000)

/* GPU_DONE, or why the image cannot be read */
int context_read(struct engine *e, uint64_t descriptor, struct context *ctx);
/* How far it has run goes back into the image. */
void context_save(struct engine *e, const struct context *ctx);

#endif /* GPU_CONTEXT_H */
