// SPDX-License-Identifier: GPL-2.0
/*
 * The registers; see regs.h. Names and meanings: the PRMs of Broadwell and Skylake, and i915.
 */
#include <stdbool.h>
#include <string.h>

#include "bits.h"
#include "control.h"
#include "regs.h"

static const struct reg table[] = {
	/* Fuses: a slice of 3 subslices, power distributed, no display; capabilities */
	{ 0x9120, 1, 0, ON_SKL, REG_READ_ONLY, 0x02800000, 0 },	/* FUSE2 */
	{ 0x9120, 1, 0, ON_BDW, REG_READ_ONLY, 0x02000000, 0 },
	{ 0x42000, 1, 0, ON_SKL, REG_READ_ONLY, 0x8f000000, 0 },	/* FUSE_STATUS */
	{ 0x42014, 1, 0, ON_BDW, REG_READ_ONLY, 1 << 7, 0 },	/* FUSE_STRAP: no display */
	{ 0x51000, 1, 0, ON_SKL, REG_READ_ONLY, 0x50200000, 0 },	/* DFSM: no pipe A, B, C */
	{ 0x51000, 1, 0, ON_PIPE, REG_READ_ONLY, 0x10200000, 0 },	/* DFSM: pipe A */
	{ 0xc2014, 1, 0, ON_BDW, REG_READ_ONLY, 1 << 7, 0 },	/* SFUSE_STRAP: no display */
	{ 0x145998, 1, 0, ON_ALL, REG_READ_ONLY, 0x00070717, 0 },	/* RP_STATE_CAP */
	{ 0x8504, 1, 0, ON_ALL, REG_READ_ONLY, 1, 0 },	/* RC6_CTX_INFO: is not corrupt */
	{ 0xc000, 1, 0, ON_ALL, REG_READ_ONLY, 1, 0 },	/* GUC_STATUS: held in reset */

	/* Power */
	{ 0xa278, 1, 0, ON_SKL, REG_FORCEWAKE, 0, 0xd84 },	/* render */
	{ 0xa270, 1, 0, ON_SKL, REG_FORCEWAKE, 0, 0xd88 },	/* media */
	{ 0xa188, 1, 0, ON_ALL, REG_FORCEWAKE, 0, 0x130044 },	/* GT */
	{ 0xd84, 1, 0, ON_SKL, REG_READ_ONLY, 0, 0 },
	{ 0xd88, 1, 0, ON_SKL, REG_READ_ONLY, 0, 0 },
	{ 0x130044, 1, 0, ON_ALL, REG_READ_ONLY, 0, 0 },
	{ 0x138124, 1, 0, ON_ALL, REG_PCODE, 0, 0 },			/* the mailbox */
	{ 0x45400, 4, 4, ON_ALL, REG_POWER_WELL, 0, 0 },

	/* What has effects on page tables and engines */
	{ 0x941c, 1, 0, ON_ALL, REG_GRAPHICS_RESET, 0, 0 },		/* GDRST */
	{ 0x101008, 1, 0, ON_ALL, REG_GGTT_INVALIDATE, 0, 0 },	/* GFX_FLSH_CNTL */
	{ 0x4260, 1, 0, ON_ALL, REG_TLB_INVALIDATE, 0, GPU_RCS },
	{ 0x4264, 1, 0, ON_ALL, REG_TLB_INVALIDATE, 0, GPU_VCS },
	{ 0x4268, 1, 0, ON_ALL, REG_DONE, 0, 0 },	/* an engine that GT2 lacks */
	{ 0x426c, 1, 0, ON_ALL, REG_TLB_INVALIDATE, 0, GPU_BCS },
	{ 0x4270, 1, 0, ON_ALL, REG_TLB_INVALIDATE, 0, GPU_VECS },
	{ 0x230, 1, 0, ON_ALL | PER_ENGINE, REG_ELSP, 0, 0 },
	{ 0x3a0, 1, 0, ON_ALL | PER_ENGINE, REG_CSB_POINTER, 0, 0 },
	{ 0x9c, 1, 0, ON_ALL | PER_ENGINE, REG_MI_MODE, 1 << 9, 0 },
	{ 0xd0, 1, 0, ON_ALL | PER_ENGINE, REG_RESET_CTL, 0, 0 },
	{ 0xc0, 1, 0, ON_ALL | PER_ENGINE, REG_MASKED, 0, 0 },	/* INSTPM */
	{ 0x29c, 1, 0, ON_ALL | PER_ENGINE, REG_MASKED, 0, 0 },	/* RING_MODE */
	{ 0x244, 1, 0, ON_ALL | PER_ENGINE, REG_MASKED, 0, 0 },	/* CONTEXT_CONTROL */

	/* Workarounds' registers */
	{ 0x20d4, 2, 4, ON_ALL, REG_MASKED, 0, 0 },
	{ 0x20e0, 2, 4, ON_ALL, REG_MASKED, 0, 0 },
	{ 0x20ec, 1, 0, ON_ALL, REG_MASKED, 0, 0 },
	{ 0x2580, 1, 0, ON_ALL, REG_MASKED, 0, 0 },
	{ 0x7000, 7, 4, ON_ALL, REG_MASKED, 0, 0 },
	{ 0x7300, 2, 4, ON_ALL, REG_MASKED, 0, 0 },
	{ 0xe100, 1, 0, ON_ALL, REG_MASKED, 0, 0 },
	{ 0xe180, 3, 4, ON_ALL, REG_MASKED, 0, 0 },
	{ 0xe194, 1, 0, ON_ALL, REG_MASKED, 0, 0 },
	{ 0xe4f0, 2, 4, ON_ALL, REG_MASKED, 0, 0 },

	/* Interrupts */
	{ MASTER_IRQ, 1, 0, ON_ALL, REG_MASTER_IRQ, 0, 0 },
	{ GT_IIR(0), 32, 0x10, ON_ALL, REG_CLEAR_BY_ONE, 0, 0 },	/* and the display */
	{ 0xc4008, 1, 0, ON_ALL, REG_CLEAR_BY_ONE, 0, 0 },		/* the PCH */

	{ GPU_CONTROL, GPU_CONTROL_SIZE / 4, 4, ON_ALL, REG_CONTROL, 0, 0 },
};

static const struct reg plain = { .kind = REG_PLAIN };
static const uint32_t bases[GPU_NR_ENGINES] = {
	[GPU_RCS] = 0x2000, [GPU_VCS] = 0x12000, [GPU_BCS] = 0x22000, [GPU_VECS] = 0x1a000,
};

static uint32_t values[REGS_BYTES / 4];
static uint8_t rows[REGS_BYTES / 4];	/* of the table, from 1 on; 0: plain */

static void enter(unsigned int row, uint32_t base)
{
	const struct reg *r = &table[row];
	uint32_t i;

	for (i = 0; i < r->n; i++)
		rows[(base + r->offset + i * r->step) / 4] = row + 1;
}

void regs_init(unsigned int on)
{
	unsigned int row, engine;

	memset(rows, 0, sizeof(rows));
	for (row = 0; row < ARRAY_SIZE(table); row++) {
		if (!(table[row].on & on))
			continue;
		if (!(table[row].on & PER_ENGINE))
			enter(row, 0);
		for (engine = 0; table[row].on & PER_ENGINE && engine < GPU_NR_ENGINES; engine++)
			enter(row, bases[engine]);
	}
	regs_reset();
}

void regs_reset(void)
{
	uint32_t i;

	for (i = 0; i < REGS_BYTES / 4; i++)
		values[i] = rows[i] ? table[rows[i] - 1].reset : 0;
}

const struct reg *regs_find(uint32_t offset)
{
	unsigned int row = rows[offset / 4];

	return row ? &table[row - 1] : &plain;
}

unsigned int regs_engine(uint32_t offset)
{
	unsigned int engine;

	for (engine = 0; engine < GPU_NR_ENGINES; engine++)
		if ((offset & ~0xfffU) == bases[engine])
			break;
	return engine;
}

uint32_t regs_base(unsigned int engine)
{
	return bases[engine];
}

uint32_t regs_get(uint32_t offset)
{
	return values[offset / 4];
}

void regs_put(uint32_t offset, uint32_t value)
{
	values[offset / 4] = value;
}

uint32_t regs_masked(uint32_t old, uint32_t value)
{
	uint32_t mask = value >> 16;

	return (old & ~mask & 0xffff) | (value & mask);
}

void regs_load(uint32_t offset, uint32_t value)
{
	enum reg_kind kind;

	if (offset >= REGS_BYTES)
		return;
	kind = regs_find(offset)->kind;
	if (kind == REG_MASKED)
		regs_put(offset, regs_masked(regs_get(offset), value));
	else if (kind == REG_PLAIN)
		regs_put(offset, value);
}
