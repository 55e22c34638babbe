// SPDX-License-Identifier: GPL-2.0
/* Accesses to registers; see mmio.h. */
#include "bits.h"
#include "control_block.h"
#include "engine.h"
#include "ggtt.h"
#include "irq.h"
#include "judge.h"
#include "log.h"
#include "mmio.h"
#include "regs.h"

#define INVALIDATE		BIT(0)	/* in GFX_FLSH_CNTL and registers for TLBs */
#define RESET_FULL		BIT(0)	/* GDRST */
#define RESET_REQUEST		BIT(0)	/* RING_RESET_CTL */
#define RESET_READY		BIT(1)
#define MI_MODE_IDLE		BIT(9)
#define PCODE_BUSY		BIT(31)
#define PCODE_COMMAND		0xffU
#define POWER_REQUESTS		0xaaaaaaaaU	/* the state is one bit below */

/* Bits of GDRST */
static const uint32_t reset_bits[GPU_NR_ENGINES] = {
	[GPU_RCS] = 1 << 1, [GPU_VCS] = 1 << 2, [GPU_BCS] = 1 << 3, [GPU_VECS] = 1 << 4,
};

static void reset_engines(uint32_t domains)
{
	unsigned int id;

	judge_count(GPU_RESETS);
	log_event("reset %x", domains);
	for (id = 0; id < GPU_NR_ENGINES; id++)
		if (domains & (RESET_FULL | reset_bits[id]))
			engine_reset(engine_get(id));
}

static void invalidate_tlb(unsigned int engine, uint32_t value)
{
	if (!(value & INVALIDATE))
		return;
	judge_count_engine(engine, GPU_TLB_INVALIDATES);
	tlb_forget(&engine_get(engine)->tlb);
}

static void invalidate_ggtt(uint32_t value)
{
	if (value & INVALIDATE)
		ggtt_invalidate();
}

static uint32_t power_wells(uint32_t value)
{
	uint32_t requests = value & POWER_REQUESTS;

	return requests | requests >> 1;
}

static uint32_t reset_ctl(uint32_t value)
{
	return value & RESET_REQUEST ? value | RESET_READY : value & ~RESET_READY;
}

/* What is stored when "value" is written to a register that is plain, or nearly so */
static uint32_t stored(const struct reg *r, uint32_t old, uint32_t value)
{
	switch (r->kind) {
	case REG_READ_ONLY:
		return old;
	case REG_MASKED:
	case REG_FORCEWAKE:
	case REG_CSB_POINTER:
		return regs_masked(old, value);
	case REG_MI_MODE:
		return regs_masked(old, value) | MI_MODE_IDLE;
	case REG_RESET_CTL:
		return reset_ctl(regs_masked(old, value));
	case REG_CLEAR_BY_ONE:
		return old & ~value;
	case REG_PCODE:
		return value & ~PCODE_BUSY & ~PCODE_COMMAND;
	case REG_POWER_WELL:
		return power_wells(value);
	case REG_DONE:
	case REG_GRAPHICS_RESET:
	case REG_TLB_INVALIDATE:
	case REG_GGTT_INVALIDATE:
	case REG_ELSP:
		return 0;
	default:
		return value;
	}
}

static void store(const struct reg *r, uint32_t offset, uint32_t value)
{
	uint32_t v = stored(r, regs_get(offset), value);

	regs_put(offset, v);
	if (r->kind == REG_FORCEWAKE)
		regs_put(r->arg, v);
}

static void have_effect(const struct reg *r, uint32_t offset, uint32_t value)
{
	switch (r->kind) {
	case REG_GRAPHICS_RESET:
		reset_engines(value);
		break;
	case REG_TLB_INVALIDATE:
		invalidate_tlb(r->arg, value);
		break;
	case REG_GGTT_INVALIDATE:
		invalidate_ggtt(value);
		break;
	case REG_ELSP:
		engine_write_elsp(engine_get(regs_engine(offset)), value);
		break;
	case REG_CSB_POINTER:
		engine_set_csb(engine_get(regs_engine(offset)), value);
		break;
	default:
		break;
	}
}

uint32_t mmio_read(uint32_t offset)
{
	const struct reg *r = regs_find(offset);
	uint32_t value;

	judge_count(GPU_REG_READS);
	if (r->kind == REG_CONTROL)
		value = control_read(offset - GPU_CONTROL);
	else if (r->kind == REG_MASTER_IRQ)
		value = irq_master();
	else
		value = regs_get(offset);
	log_access("r %06x %08x", offset, value);
	return value;
}

void mmio_write(uint32_t offset, uint32_t value)
{
	const struct reg *r = regs_find(offset);

	judge_count(GPU_REG_WRITES);
	log_access("w %06x %08x", offset, value);
	if (r->kind == REG_CONTROL) {
		control_write(offset - GPU_CONTROL, value);
	} else if (r->kind == REG_MASTER_IRQ) {
		irq_write_master(value);
	} else {
		store(r, offset, value);
		have_effect(r, offset, value);
	}
}
