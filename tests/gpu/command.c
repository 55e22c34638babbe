// SPDX-License-Identifier: GPL-2.0
/*
 * Commands; see command.h. Formats: the PRMs of Broadwell and Skylake, "Command Reference:
 * Instructions"; intel_gpu_commands.h of i915.
 */
#include <string.h>
#include <time.h>

#include "access.h"
#include "bits.h"
#include "blit.h"
#include "command.h"
#include "irq.h"
#include "judge.h"
#include "log.h"
#include "regs.h"

#define MAX_DWORDS	257		/* of commands that are carried out */
#define MIN_DWORDS	16		/* those that a command does not have read as 0 */
#define MAX_COST	BIT(21)	/* of a run: dwords, and 64 bytes of blits each */
#define COST_BYTES	64

#define CLIENT(c)	((c) >> 29)
#define  CLIENT_MI	0
#define  CLIENT_BLIT	2
#define  CLIENT_GFX	3
#define MI_OPCODE(c)	((c) >> 23 & 0x3f)
#define MI(opcode)	((uint32_t)(opcode) << 23)
#define MI_MASK		0xff800000
#define BLIT(opcode)	(2U << 29 | (uint32_t)(opcode) << 22)
#define BLIT_MASK	0xffc00000

#define USE_GGTT		BIT(22)
#define STORE_INDEX		BIT(21)
#define STORE_QWORD		BIT(21)
#define TLB_INVALIDATE		BIT(18)
#define POST_SYNC(c)		((c) >> 14 & 3)
#define  POST_SYNC_STORE	1
#define  POST_SYNC_TIMESTAMP	3
#define FLUSH_DW_GGTT		BIT(2)
#define PIPE_CONTROL_GGTT	BIT(24)
#define BATCH_PPGTT		BIT(8)
#define BATCH_SECOND_LEVEL	BIT(22)
#define SEMAPHORE_COMPARE(c)	((c) >> 12 & 7)
#define REGISTER_MASK		0x7ffffc
#define INDEX_MASK		0xff8U

/**
 * struct run - one command
 * @e: the engine
 * @ctx: the context
 * @c: its dwords
 * @length: in dwords
 */
struct run {
	struct engine *e;
	struct context *ctx;
	uint32_t c[MAX_DWORDS];
	uint32_t length;
};

/**
 * struct command - a command that is carried out
 * @mask: of the header's bits that tell it from others
 * @header: these bits
 * @run: carries it out
 * @ggtt_dword: where it says that its address is in the GGTT
 * @ggtt_bit: of this dword; 0: it has none
 * @privileged: a batch in a PPGTT may not have it
 */
struct command {
	uint32_t mask;
	uint32_t header;
	enum outcome (*run)(struct run *r);
	unsigned int ggtt_dword;
	uint32_t ggtt_bit;
	bool privileged;
};

static uint64_t address(const uint32_t *c)
{
	return (uint64_t)c[1] << 32 | c[0];
}

static struct place in_memory(bool ggtt, uint64_t addr)
{
	return (struct place){ ggtt ? GPU_GGTT : GPU_PPGTT, addr };
}

static struct place next_command(const struct context *ctx, uint32_t dword)
{
	const struct batch *b;

	if (!ctx->nr_batches)
		return in_memory(true, ctx->start + (ctx->head + dword * 4) % ctx->size);
	b = &ctx->batches[ctx->nr_batches - 1];
	return (struct place){ b->space, b->addr + dword * 4 };
}

static void advance(struct context *ctx, uint32_t dwords)
{
	if (ctx->nr_batches)
		ctx->batches[ctx->nr_batches - 1].addr += dwords * 4;
	else
		ctx->head = (ctx->head + dwords * 4) % ctx->size;
}

static bool in_user_batch(const struct context *ctx)
{
	return ctx->nr_batches && ctx->batches[ctx->nr_batches - 1].space == GPU_PPGTT;
}

static uint32_t length_of(uint32_t c)
{
	switch (CLIENT(c)) {
	case CLIENT_MI:
		if (MI_OPCODE(c) < 0x10)
			return 1;
		return (c & (MI_OPCODE(c) == 0x26 ? 0x3f : 0xff)) + 2;
	case CLIENT_BLIT:
		return (c & 0xff) + 2;
	case CLIENT_GFX:
		if ((c >> 27 & 3) == 1)
			return 1;
		return (c & ((c >> 27 & 3) == 2 ? 0xffff : 0xff)) + 2;
	default:
		return 1;
	}
}

static void count_store(struct run *r)
{
	judge_count_engine(r->e->id, GPU_STORES);
}

static void flush_tlb(struct run *r, uint32_t flags)
{
	if (!(flags & TLB_INVALIDATE))
		return;
	judge_count_engine(r->e->id, GPU_TLB_FLUSHES);
	tlb_forget(&r->e->tlb);
}

static uint64_t timestamp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * 1000000000 + now.tv_nsec) / 80;
}

static void store_post_sync(struct run *r, unsigned int op, struct place place,
			    const uint32_t *data, bool qword)
{
	if (op != POST_SYNC_STORE && op != POST_SYNC_TIMESTAMP)
		return;
	count_store(r);
	if (op == POST_SYNC_TIMESTAMP)
		access_write64(r->e, place, timestamp());
	else if (qword)
		access_write64(r->e, place, address(data));
	else
		access_write32(r->e, place, data[0]);
}

static struct place in_status_page(struct run *r, uint32_t index)
{
	return in_memory(true, CONTEXT_STATUS_PAGE(r->ctx->descriptor) + (index & INDEX_MASK));
}

static enum outcome mi_flush_dw(struct run *r)
{
	struct place place = in_memory(r->c[1] & FLUSH_DW_GGTT, address(&r->c[1]) & ~7ULL);

	if (r->c[0] & STORE_INDEX)
		place = in_status_page(r, r->c[1]);
	flush_tlb(r, r->c[0]);
	store_post_sync(r, POST_SYNC(r->c[0]), place, &r->c[3], r->length > 4);
	return OUTCOME_DONE;
}

static enum outcome pipe_control(struct run *r)
{
	struct place place = in_memory(r->c[1] & PIPE_CONTROL_GGTT, address(&r->c[2]) & ~3ULL);

	if (r->c[1] & STORE_INDEX)
		place = in_status_page(r, r->c[2]);
	flush_tlb(r, r->c[1]);
	/* An immediate is a qword, of which the upper half may be left out. */
	store_post_sync(r, POST_SYNC(r->c[1]), place, &r->c[4],
			r->length > 5 && !(place.addr & 7));
	return OUTCOME_DONE;
}

static enum outcome mi_store_data_imm(struct run *r)
{
	struct place place = in_memory(r->c[0] & USE_GGTT, address(&r->c[1]));

	count_store(r);
	if (r->c[0] & STORE_QWORD)
		access_write64(r->e, place, address(&r->c[3]));
	else
		access_write32(r->e, place, r->c[3]);
	return OUTCOME_DONE;
}

static enum outcome mi_store_register_mem(struct run *r)
{
	count_store(r);
	access_write32(r->e, in_memory(r->c[0] & USE_GGTT, address(&r->c[2])),
		       regs_get(r->c[1] & REGISTER_MASK));
	return OUTCOME_DONE;
}

static enum outcome mi_load_register_imm(struct run *r)
{
	uint32_t i;

	for (i = 1; i + 1 < r->length && i + 1 < MAX_DWORDS; i += 2)
		regs_load(r->c[i] & REGISTER_MASK, r->c[i + 1]);
	return OUTCOME_DONE;
}

static enum outcome mi_user_interrupt(struct run *r)
{
	r->e->interrupts |= IRQ_USER;
	return OUTCOME_DONE;
}

static enum outcome mi_batch_buffer_start(struct run *r)
{
	struct context *ctx = r->ctx;
	bool second = r->c[0] & BATCH_SECOND_LEVEL;
	bool ppgtt = r->c[0] & BATCH_PPGTT || in_user_batch(ctx);

	/* A batch that starts another one of its own level does not come back. */
	if (!ctx->nr_batches || (second && ctx->nr_batches < MAX_BATCHES))
		ctx->nr_batches++;
	ctx->batches[ctx->nr_batches - 1] = (struct batch){
		.space = ppgtt ? GPU_PPGTT : GPU_GGTT,
		.addr = address(&r->c[1]) & 0xfffffffffffcULL,
	};
	return OUTCOME_DONE;
}

static enum outcome mi_batch_buffer_end(struct run *r)
{
	if (r->ctx->nr_batches)
		r->ctx->nr_batches--;
	return OUTCOME_DONE;
}

static bool compare(unsigned int how, uint32_t memory, uint32_t data)
{
	switch (how) {
	case 0:
		return memory > data;
	case 1:
		return memory >= data;
	case 2:
		return memory < data;
	case 3:
		return memory <= data;
	case 4:
		return memory == data;
	default:
		return memory != data;
	}
}

static enum outcome mi_semaphore_wait(struct run *r)
{
	uint32_t memory;

	if (access_read32(r->e, in_memory(r->c[0] & USE_GGTT, address(&r->c[2])), &memory))
		return OUTCOME_HANG;
	return compare(SEMAPHORE_COMPARE(r->c[0]), memory, r->c[1]) ? OUTCOME_DONE : OUTCOME_WAIT;
}

static enum outcome xy_fast_copy_blt(struct run *r)
{
	blit_fast_copy(r->e, r->c, r->length);
	return OUTCOME_DONE;
}

static enum outcome xy_src_copy_blt(struct run *r)
{
	blit_src_copy(r->e, r->c, r->length);
	return OUTCOME_DONE;
}

static const struct command commands[] = {
	{ MI_MASK, MI(0x02), mi_user_interrupt, 0, 0, true },
	{ MI_MASK, MI(0x0a), mi_batch_buffer_end, 0, 0, false },
	{ MI_MASK, MI(0x1c), mi_semaphore_wait, 0, USE_GGTT, false },
	{ MI_MASK, MI(0x20), mi_store_data_imm, 0, USE_GGTT, false },
	{ MI_MASK, MI(0x22), mi_load_register_imm, 0, 0, true },
	{ MI_MASK, MI(0x24), mi_store_register_mem, 0, USE_GGTT, true },
	{ MI_MASK, MI(0x26), mi_flush_dw, 1, FLUSH_DW_GGTT, false },
	{ MI_MASK, MI(0x31), mi_batch_buffer_start, 0, 0, false },
	{ BLIT_MASK, BLIT(0x42), xy_fast_copy_blt, 0, 0, false },
	{ BLIT_MASK, BLIT(0x53), xy_src_copy_blt, 0, 0, false },
	{ 0xffff0000, 0x7a000000, pipe_control, 1, PIPE_CONTROL_GGTT, false },
};

static const struct command *find_command(uint32_t c)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if ((c & commands[i].mask) == commands[i].header)
			return &commands[i];
	return NULL;
}

/* What a batch in a PPGTT may not do is a MI_NOOP there. */
static bool may_run(const struct run *r, const struct command *command)
{
	if (!in_user_batch(r->ctx))
		return true;
	return !command->privileged && !(r->c[command->ggtt_dword] & command->ggtt_bit);
}

static bool fetch(struct run *r)
{
	memset(r->c, 0, MIN_DWORDS * sizeof(r->c[0]));
	if (access_read32(r->e, next_command(r->ctx, 0), &r->c[0]))
		return false;
	r->length = length_of(r->c[0]);
	return true;
}

static bool fetch_rest(struct run *r)
{
	uint32_t i;

	for (i = 1; i < r->length && i < MAX_DWORDS; i++)
		if (access_read32(r->e, next_command(r->ctx, i), &r->c[i]))
			return false;
	return true;
}

static enum outcome step(struct run *r)
{
	struct context before = *r->ctx;
	const struct command *command;
	enum outcome outcome = OUTCOME_DONE;

	if (!fetch(r))
		return OUTCOME_HANG;
	command = find_command(r->c[0]);
	if (command && !fetch_rest(r))
		return OUTCOME_HANG;
	if (command && !may_run(r, command))
		command = NULL;
	advance(r->ctx, r->length);
	if (command)
		outcome = command->run(r);
	if (outcome == OUTCOME_WAIT)
		*r->ctx = before;
	else
		judge_count_engine(r->e->id, GPU_COMMANDS);
	return outcome;
}

static bool is_over(const struct context *ctx)
{
	return !ctx->size || (!ctx->nr_batches && ctx->head == ctx->tail);
}

enum outcome commands_run(struct engine *e, struct context *ctx)
{
	struct run r = { .e = e, .ctx = ctx };
	uint64_t cost;
	enum outcome outcome;

	for (cost = 0; !is_over(ctx); cost += r.length + blit_bytes(r.c) / COST_BYTES) {
		if (cost > MAX_COST) {
			log_event("engine %u: context %lx does not end: hung", e->id,
				  ctx->descriptor);
			return OUTCOME_HANG;
		}
		outcome = step(&r);
		if (outcome != OUTCOME_DONE)
			return outcome;
	}
	return OUTCOME_DONE;
}
