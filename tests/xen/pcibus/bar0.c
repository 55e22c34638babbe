// SPDX-License-Identifier: GPL-2.0
/*
 * The GPU's registers, which are in the lower half of BAR 0. They are storage. A few do what they
 * are told at once, since i915 waits for that when it loads. PVINFO and the GTT are a virtual
 * GPU's: here the upper half is nothing.
 *
 * Sources: i915's intel_gt_regs.h, intel_engine_regs.h and i915_reg.h.
 */
#include <string.h>

#include "pcibus.h"

#define REGISTERS_SIZE	(BAR0_SIZE / 2)

#define GDRST		0x941c		/* which parts to reset: bits that clear themselves */
#define PCODE_MAILBOX	0x138124	/* busy, and what the command has led to: 0 is success */

#define GUC_STATUS	0xc000
#define  MIA_IN_RESET	0x1		/* as long as nobody starts it */

/*
 * Registers of each ring that tell whether it has done what it is told. The upper half of a write
 * says which bits of the lower half it changes.
 */
static const struct {
	unsigned int reg;
	uint32_t ask, done;
} answers[] = {
	{ 0x9c, 0x100, 0x200 },		/* RING_MI_MODE: stop, and it is idle */
	{ 0xd0, 0x1, 0x2 },		/* RING_RESET_CTL: prepare for a reset, and it is ready */
};

static const unsigned int rings[] = { 0x2000, 0x12000, 0x1a000, 0x1c000, 0x22000 };

static uint8_t registers[REGISTERS_SIZE] = { [GUC_STATUS] = MIA_IN_RESET };

static uint32_t get(unsigned int reg)
{
	uint32_t value;

	memcpy(&value, registers + reg, sizeof(value));
	return value;
}

static void put(unsigned int reg, uint32_t value)
{
	memcpy(registers + reg, &value, sizeof(value));
}

static bool touches(uint64_t offset, unsigned int size, unsigned int reg)
{
	return offset < reg + sizeof(uint32_t) && reg < offset + size;
}

/* The register that answers and that a write touches, or 0; @which is how it does. */
static unsigned int find_answer(uint64_t offset, unsigned int size, unsigned int *which)
{
	unsigned int i, reg;

	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		for (*which = 0; *which < ARRAY_SIZE(answers); (*which)++) {
			reg = rings[i] + answers[*which].reg;
			if (touches(offset, size, reg))
				return reg;
		}
	}
	return 0;
}

/* What was written is there; it changes what was there before. */
static void answer_ring(unsigned int reg, unsigned int which, uint32_t old)
{
	uint32_t written = get(reg), mask = written >> 16;
	uint32_t value = (old & ~mask) | (written & mask);

	value &= ~answers[which].done;
	put(reg, value & answers[which].ask ? value | answers[which].done : value);
}

uint64_t bar0_read(uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	if (size <= sizeof(value) && offset <= REGISTERS_SIZE - size)
		memcpy(&value, registers + offset, size);
	return value;
}

void bar0_write(uint64_t offset, unsigned int size, uint64_t value)
{
	unsigned int reg, which;
	uint32_t old;

	if (size > sizeof(value) || offset > REGISTERS_SIZE - size)
		return;
	reg = find_answer(offset, size, &which);
	old = get(reg);
	memcpy(registers + offset, &value, size);
	if (reg)
		answer_ring(reg, which, old);
	if (touches(offset, size, GDRST))
		put(GDRST, 0);
	if (touches(offset, size, PCODE_MAILBOX))
		put(PCODE_MAILBOX, 0);
}
