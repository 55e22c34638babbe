// SPDX-License-Identifier: GPL-2.0
/*
 * Engines; see engine.h. Formats: the PRM of Broadwell, "Execlists";
 * intel_execlists_submission.c of i915.
 */
#include <stdbool.h>
#include <string.h>

#include "access.h"
#include "bits.h"
#include "command.h"
#include "engine.h"
#include "irq.h"
#include "judge.h"
#include "log.h"
#include "regs.h"

/* Context status, and where it is in the status page of the hardware */
#define STATUS_IDLE_TO_ACTIVE	BIT(0)
#define STATUS_PREEMPTED	BIT(1)
#define STATUS_ELEMENT_SWITCH	BIT(2)
#define STATUS_ACTIVE_TO_IDLE	BIT(3)
#define STATUS_COMPLETE		BIT(4)
#define HWSP_CSB		0x40
#define HWSP_CSB_WRITE		0x7c
#define CSB_WRITE_MASK		7U

static struct engine engines[GPU_NR_ENGINES];

void engines_init(void)
{
	unsigned int id;

	for (id = 0; id < GPU_NR_ENGINES; id++) {
		engines[id].id = id;
		engines[id].base = regs_base(id);
		engines[id].tlb.engine = id;
		memset(&engines[id].root, 0, sizeof(engines[id].root));
		engine_reset(&engines[id]);
	}
}

struct engine *engine_get(unsigned int id)
{
	return &engines[id];
}

void engine_load(struct engine *e, const struct ppgtt_root *root)
{
	judge_count_engine(e->id, GPU_LOADS);
	tlb_forget(&e->tlb);
	e->root = *root;
}

void engine_reset(struct engine *e)
{
	tlb_forget(&e->tlb);
	e->state = ENGINE_IDLE;
	e->nr_elsp = 0;
	e->csb = CSB_ENTRIES - 1;
	e->next = 0;
	e->interrupts = 0;
}

static struct place status_page(struct engine *e, uint32_t offset)
{
	return (struct place){ GPU_GGTT, (regs_get(e->base + HWS_PGA) & ~PAGE_OFFSET) + offset };
}

static void write_event(struct engine *e, uint32_t status, uint64_t descriptor)
{
	uint32_t entry, id = CONTEXT_ID(descriptor);

	e->csb = (e->csb + 1) % CSB_ENTRIES;
	entry = e->csb * 8;
	regs_put(e->base + CSB_REGS + entry, status);
	regs_put(e->base + CSB_REGS + entry + 4, id);
	regs_put(e->base + CSB_POINTER,
		 (regs_get(e->base + CSB_POINTER) & ~CSB_WRITE_MASK) | e->csb);
	access_write32(e, status_page(e, HWSP_CSB + entry), status);
	access_write32(e, status_page(e, HWSP_CSB + entry + 4), id);
	access_write32(e, status_page(e, HWSP_CSB_WRITE), e->csb);
	e->interrupts |= IRQ_CONTEXT_SWITCH;
}

static bool begin(struct engine *e, uint64_t descriptor)
{
	if (context_read(e, descriptor, &e->context))
		return false;
	judge_count_engine(e->id, GPU_CONTEXTS);
	regs_put(e->base + EXECLIST_STATUS_ID, CONTEXT_ID(descriptor));
	engine_load(e, &e->context.root);
	log_access("engine %u: context %lx: ring at %x, %x to %x of %x", e->id, descriptor,
		   e->context.start, e->context.head, e->context.tail, e->context.size);
	return true;
}

/* Where it stopped is in registers. The image of the context stays as it was before. */
static void show_ring(const struct engine *e)
{
	const struct context *ctx = &e->context;

	regs_put(e->base + RING_TAIL, ctx->tail);
	regs_put(e->base + RING_HEAD, ctx->head);
	regs_put(e->base + RING_START, ctx->start);
	regs_put(e->base + RING_ACTHD, ctx->nr_batches ? ctx->batches[0].addr :
		 ctx->start + ctx->head);
}

static void hang(struct engine *e)
{
	log_event("engine %u: hung in context %lx, ring at %x, head %x, tail %x", e->id,
		  e->context.descriptor, e->context.start, e->context.head, e->context.tail);
	judge_count_engine(e->id, GPU_HANGS);
	show_ring(e);
	e->state = ENGINE_HUNG;
}

/* What runs goes on. */
static void go_on(struct engine *e)
{
	enum outcome outcome = commands_run(e, &e->context);

	if (outcome == OUTCOME_HANG) {
		hang(e);
		return;
	}
	context_save(e, &e->context);
	e->state = outcome == OUTCOME_WAIT ? ENGINE_WAITING : ENGINE_IDLE;
}

/* Contexts that are submitted run one after the other, as long as none waits or hangs. */
static void run_all(struct engine *e)
{
	go_on(e);
	while (e->state == ENGINE_IDLE) {
		write_event(e, STATUS_COMPLETE | (e->next ? STATUS_ELEMENT_SWITCH :
						  STATUS_ACTIVE_TO_IDLE), e->context.descriptor);
		if (!e->next) {
			regs_put(e->base + EXECLIST_STATUS_ID, 0);
			break;
		}
		if (begin(e, e->next)) {
			e->next = 0;
			go_on(e);
		} else {
			hang(e);
		}
	}
}

static void raise_interrupts(struct engine *e)
{
	uint32_t bits = e->interrupts;

	e->interrupts = 0;
	if (bits)
		irq_raise(e->id, bits);
}

/* A context that waits gives way: what is submitted may be the same one again. */
static void submit(struct engine *e, uint64_t first, uint64_t second)
{
	if (!CONTEXT_VALID(first) || e->state == ENGINE_HUNG)
		return;
	if (e->state == ENGINE_WAITING)
		write_event(e, STATUS_PREEMPTED, e->context.descriptor);
	else
		write_event(e, STATUS_IDLE_TO_ACTIVE, first);
	e->next = CONTEXT_VALID(second) ? second : 0;
	if (begin(e, first))
		run_all(e);
	else
		hang(e);
	raise_interrupts(e);
}

/* The second context comes first, and the upper half of each. */
void engine_write_elsp(struct engine *e, uint32_t value)
{
	e->elsp[e->nr_elsp++] = value;
	if (e->nr_elsp < ELSP_WRITES)
		return;
	e->nr_elsp = 0;
	submit(e, (uint64_t)e->elsp[2] << 32 | e->elsp[3],
	       (uint64_t)e->elsp[0] << 32 | e->elsp[1]);
	engines_poll();
}

void engine_set_csb(struct engine *e, uint32_t value)
{
	e->csb = (value & CSB_WRITE_MASK) % CSB_ENTRIES;
}

bool engines_poll(void)
{
	bool waiting = false;
	struct engine *e;

	for (e = engines; e < engines + GPU_NR_ENGINES; e++) {
		if (e->state != ENGINE_WAITING)
			continue;
		run_all(e);
		raise_interrupts(e);
		waiting |= e->state == ENGINE_WAITING;
	}
	return waiting;
}
