// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts; see context.h. Formats: the PRM of Broadwell, "Context Descriptor Format" and "Register
 * State Context"; intel_lrc_reg.h of i915.
 */
#include <string.h>

#include "access.h"
#include "bits.h"
#include "context.h"
#include "engine.h"
#include "judge.h"

#define ADDRESSING(descriptor)	((unsigned int)((descriptor) >> 3) & 3)
#define  LEGACY_32_BIT		1
#define  LEGACY_64_BIT		3

#define STATE_OFFSET		4096	/* of the register state in the image */
#define STATE_DWORDS		(CTX_PDP0_LOW + 1)
#define CTX_CONTROL		0x03
#define CTX_RING_HEAD		0x05
#define CTX_RING_TAIL		0x07
#define CTX_RING_START		0x09
#define CTX_RING_CTL		0x0b
#define CTX_BATCH_HIGH(i)	(0x0d + 6 * (i))
#define CTX_BATCH_LOW(i)	(0x0f + 6 * (i))
#define CTX_BATCH_STATE(i)	(0x11 + 6 * (i))
#define CTX_PDP_HIGH(i)		(0x31 - 4 * (i))
#define CTX_PDP_LOW(i)		(0x33 - 4 * (i))
#define CTX_PDP0_LOW		0x33

/* The engine's own part of the image: loads of registers, with a bit of CTX_CONTROL against it */
#define ENGINE_PART		(CTX_PDP0_LOW + 1)
#define ENGINE_PART_END		0x200
#define NO_RESTORE		1
#define MI_NOOP			0
#define MI_LOAD_REGISTER_IMM	0x22
#define REG_OFFSET		0xffc
#define REG_RING_FIRST		0x30
#define REG_RING_LAST		0x3c
#define REG_CONTROL		0x244
#define REG_ROOTS_FIRST		0x270
#define REG_ROOTS_LAST		0x28c
#define REG_MODE		0x29c

#define RING_ENABLE		1
#define RING_PAGES		0x1ff000
#define RING_OFFSET		0x1ffffc
#define BATCH_VALID		1
#define BATCH_PPGTT		BIT(5)

static struct place state_at(uint64_t descriptor, unsigned int dword)
{
	return (struct place){ GPU_GGTT, CONTEXT_STATUS_PAGE(descriptor) + STATE_OFFSET +
			       dword * 4 };
}

static void parse_root(const uint32_t *state, uint64_t descriptor, struct ppgtt_root *root)
{
	unsigned int i;

	memset(root, 0, sizeof(*root));
	if (ADDRESSING(descriptor) == LEGACY_64_BIT)
		root->levels = 4;
	else if (ADDRESSING(descriptor) == LEGACY_32_BIT)
		root->levels = 3;
	for (i = 0; i < (root->levels == 4 ? 1 : PPGTT_PDPS); i++)
		root->pdp[i] = (uint64_t)state[CTX_PDP_HIGH(i)] << 32 | state[CTX_PDP_LOW(i)];
}

/* Offsets beyond the ring's end wrap. */
static void parse_ring(const uint32_t *state, struct context *ctx)
{
	uint32_t ctl = state[CTX_RING_CTL];

	ctx->size = ctl & RING_ENABLE ? (ctl & RING_PAGES) + 4096 : 0;
	if (!ctx->size)
		return;
	ctx->start = state[CTX_RING_START] & ~PAGE_OFFSET;
	ctx->head = (state[CTX_RING_HEAD] & RING_OFFSET) % ctx->size;
	ctx->tail = (state[CTX_RING_TAIL] & RING_OFFSET & ~7U) % ctx->size;
}

/* Batches in which the context stopped, the first level before the second */
static void parse_batches(const uint32_t *state, struct context *ctx)
{
	unsigned int i;

	for (i = 0; i < MAX_BATCHES && state[CTX_BATCH_LOW(i)] & BATCH_VALID; i++)
		ctx->batches[i] = (struct batch){
			.space = state[CTX_BATCH_STATE(i)] & BATCH_PPGTT ? GPU_PPGTT : GPU_GGTT,
			.addr = ((uint64_t)state[CTX_BATCH_HIGH(i)] << 32 |
				 state[CTX_BATCH_LOW(i)]) & ~3ULL,
		};
	ctx->nr_batches = i;
}

static bool is_of_first_part(uint32_t reg)
{
	return (reg >= REG_RING_FIRST && reg <= REG_RING_LAST) || reg == REG_CONTROL ||
	       (reg >= REG_ROOTS_FIRST && reg <= REG_ROOTS_LAST) || reg == REG_MODE;
}

static void judge_load(struct engine *e, uint64_t descriptor, unsigned int dword)
{
	uint32_t reg = 0;
	const struct violation v = {
		.kind = GPU_FOREIGN_RING, .engine = e->id, .space = GPU_GGTT,
		.address = state_at(descriptor, dword).addr,
	};

	access_read32(e, state_at(descriptor, dword), &reg);
	if ((reg & ~(uint32_t)REG_OFFSET) == e->base && is_of_first_part(reg & REG_OFFSET))
		judge_violation(&v);
}

/*
 * An engine executes this part, which nothing here depends on: it is enough that it loads nothing
 * that changes what is executed.
 */
static void judge_engine_part(struct engine *e, uint64_t descriptor)
{
	unsigned int i = ENGINE_PART, end;
	uint32_t header = MI_NOOP;

	while (i < ENGINE_PART_END && !access_read32(e, state_at(descriptor, i++), &header)) {
		if (header == MI_NOOP)
			continue;
		if (header >> 23 != MI_LOAD_REGISTER_IMM)
			return;
		for (end = i + (header & 0xff) + 1; i < end && i < ENGINE_PART_END; i += 2)
			judge_load(e, descriptor, i);
	}
}

int context_read(struct engine *e, uint64_t descriptor, struct context *ctx)
{
	uint32_t state[STATE_DWORDS];
	unsigned int i;
	int status;

	memset(ctx, 0, sizeof(*ctx));
	ctx->descriptor = descriptor;
	for (i = 0; i < STATE_DWORDS; i++) {
		status = access_read32(e, state_at(descriptor, i), &state[i]);
		if (status)
			return status;
	}
	if (!(state[CTX_CONTROL] & NO_RESTORE))
		judge_engine_part(e, descriptor);
	parse_root(state, descriptor, &ctx->root);
	parse_ring(state, ctx);
	parse_batches(state, ctx);
	return GPU_DONE;
}

static void save_batch(struct engine *e, const struct context *ctx, unsigned int i)
{
	const struct batch *b = &ctx->batches[i];
	uint64_t descriptor = ctx->descriptor;

	if (i >= ctx->nr_batches) {
		access_write32(e, state_at(descriptor, CTX_BATCH_LOW(i)), 0);
		return;
	}
	access_write32(e, state_at(descriptor, CTX_BATCH_HIGH(i)), b->addr >> 32);
	access_write32(e, state_at(descriptor, CTX_BATCH_LOW(i)), b->addr | BATCH_VALID);
	access_write32(e, state_at(descriptor, CTX_BATCH_STATE(i)),
		       b->space == GPU_PPGTT ? BATCH_PPGTT : 0);
}

void context_save(struct engine *e, const struct context *ctx)
{
	unsigned int i;

	if (!ctx->size)
		return;
	access_write32(e, state_at(ctx->descriptor, CTX_RING_HEAD), ctx->head);
	for (i = 0; i < MAX_BATCHES; i++)
		save_batch(e, ctx, i);
}
