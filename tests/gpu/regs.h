/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registers: what is stored in the lower half of BAR 0, and the table of those that are more
 * than storage.
 *
 * Invariant: an offset that is not in the table is plain storage that is 0 after a reset.
 */

#ifndef GPU_REGS_H
#define GPU_REGS_H

#include <stdint.h>

#include "bits.h"

#define REGS_BYTES (8U << 20)

/* Devices that have a register */
#define ON_SKL		BIT(0)
#define ON_BDW		BIT(1)
#define ON_ALL		(ON_SKL | ON_BDW)
/* Each engine has it, at its base */
#define PER_ENGINE	BIT(2)
/* Devices with a display pipe */
#define ON_PIPE		BIT(3)

enum reg_kind {
	REG_PLAIN,
	REG_READ_ONLY,
	REG_MASKED,		/* bits 31:16 say which of bits 15:0 are written */
	REG_CLEAR_BY_ONE,	/* bits that are written as 1 become 0 */
	REG_DONE,		/* what it starts is done: reads as 0 */
	REG_PCODE,		/* the same, and what is not the command's stays */
	REG_FORCEWAKE,		/* masked, and what it wakes acknowledges at once */
	REG_POWER_WELL,		/* what is requested is on at once */
	REG_RESET_CTL,		/* masked; ready as soon as a reset is requested */
	REG_MI_MODE,		/* masked; always idle */
	REG_GRAPHICS_RESET,
	REG_TLB_INVALIDATE,	/* of one engine */
	REG_GGTT_INVALIDATE,
	REG_ELSP,
	REG_CSB_POINTER,
	REG_MASTER_IRQ,
	REG_CONTROL,
};

/**
 * struct reg - registers with the same behaviour
 * @offset: of the first, or from an engine's base
 * @n: how many there are
 * @step: from one to the next
 * @on: devices that have it, and PER_ENGINE
 * @kind: how it behaves
 * @reset: its value after a reset
 * @arg: the acknowledgement's offset, or the engine
 */
struct reg {
	uint32_t offset;
	uint32_t n;
	uint32_t step;
	unsigned int on;
	enum reg_kind kind;
	uint32_t reset;
	uint32_t arg;
};

/* Registers that others than the table's behaviours use */
#define RING_TAIL		0x30
#define RING_HEAD		0x34
#define RING_START		0x38
#define RING_ACTHD		0x74
#define HWS_PGA			0x80
#define EXECLIST_STATUS_ID	0x238	/* of the context that runs */
#define CSB_REGS		0x370
#define CSB_POINTER		0x3a0
#define RING_FAULT		0x4094
#define FAULT_DATA0		0x4b10
#define FAULT_DATA1		0x4b14
#define MASTER_IRQ		0x44200
#define GT_IMR(i)		(0x44304 + 0x10 * (i))
#define GT_IIR(i)		(0x44308 + 0x10 * (i))
#define GT_IER(i)		(0x4430c + 0x10 * (i))

/* on: ON_SKL or ON_BDW */
void regs_init(unsigned int on);
void regs_reset(void);
/* The row of a register; one of kind REG_PLAIN if it is not in the table */
const struct reg *regs_find(uint32_t offset);
/* Of an engine's register, by its offset from the base, whose it is */
unsigned int regs_engine(uint32_t offset);
uint32_t regs_base(unsigned int engine);

uint32_t regs_get(uint32_t offset);
void regs_put(uint32_t offset, uint32_t value);
uint32_t regs_masked(uint32_t old, uint32_t value);
/* What a command of an engine writes: only storage can be. */
void regs_load(uint32_t offset, uint32_t value);

#endif /* GPU_REGS_H */
