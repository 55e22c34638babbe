// SPDX-License-Identifier: GPL-2.0
/* Tests of the table of registers. */
#include <stddef.h>

#include "bits.h"
#include "regs.h"
#include "test.h"

static void read_only(void)
{
	static const uint32_t offsets[] = { 0x9120, 0x42000, 0x51000, 0x145998, 0x8504, 0xc000 };
	uint32_t before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		before = reg(offsets[i]);
		check(before);
		set_reg(offsets[i], ~before);
		equal(reg(offsets[i]), before);
	}
}

static void devices_differ(void)
{
	equal(reg(0x51000), 0x50200000);
	equal(reg(0x42014), 0);
	setup_device("bdw");
	equal(reg(0x51000), 0);
	equal(reg(0x42014), 0x80);
	equal(reg(0x9120), 0x02000000);
	set_reg(0xa278, 0x10001);
	equal(reg(0xd84), 0);
	set_reg(0xa188, 0x10001);
	equal(reg(0x130044), 1);
}

static void forcewake(void)
{
	static const uint32_t pairs[][2] = { { 0xa278, 0xd84 }, { 0xa270, 0xd88 },
					     { 0xa188, 0x130044 } };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		set_reg(pairs[i][0], 0x00010001);
		equal(reg(pairs[i][1]), 1);
		set_reg(pairs[i][0], 0x80008000);
		equal(reg(pairs[i][1]), 0x8001);
		set_reg(pairs[i][0], 0x00010000);
		equal(reg(pairs[i][1]), 0x8000);
		set_reg(pairs[i][1], 0);
		equal(reg(pairs[i][1]), 0x8000);
	}
}

static void complete_at_once(void)
{
	static const uint32_t offsets[] = { 0x4260, 0x4264, 0x4268, 0x426c, 0x4270, 0x941c };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		set_reg(offsets[i], 1);
		equal(reg(offsets[i]), 0);
	}
	set_reg(0x138124, 0x80000105);
	equal(reg(0x138124), 0x100);
	set_reg(0x45404, 0x80000002);
	equal(reg(0x45404), 0xc0000003);
}

static void engines(void)
{
	static const uint32_t bases[] = { 0x2000, 0x12000, 0x22000, 0x1a000 };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		equal(reg(bases[i] + 0x9c), 1 << 9);
		set_reg(bases[i] + 0x9c, 0x01000100);
		equal(reg(bases[i] + 0x9c), 0x300);
		set_reg(bases[i] + 0xd0, 0x00010001);
		equal(reg(bases[i] + 0xd0), 3);
		set_reg(bases[i] + 0xd0, 0x00010000);
		equal(reg(bases[i] + 0xd0), 0);
	}
}

static void interrupts(void)
{
	uint32_t offset;

	for (offset = 0x44308; offset < 0x44500; offset += 0x10) {
		regs_put(offset, 0xff);
		set_reg(offset, 0x0f);
		equal(reg(offset), 0xf0);
	}
	set_reg(0x4430c, 0xffffffff);
	set_reg(0x44304, 0);
	regs_put(0x44308, 0x01000000);
	equal(reg(0x44200), 2);
	set_reg(0x44200, 0x80000000);
	equal(reg(0x44200), 0x80000002);
	set_reg(0x44304, 0x01000000);
	equal(reg(0x44200), 0x80000000);
}

static void all_offsets(void)
{
	uint32_t offset;

	for (offset = 0; offset < REGS_BYTES; offset += 4) {
		if (offset / GPU_CONTROL_SIZE == GPU_CONTROL / GPU_CONTROL_SIZE)
			continue;
		reg(offset);
		set_reg(offset, 0xffffffff);
		set_reg(offset, 0);
	}
	regs_load(REGS_BYTES, 1);
	regs_load(0xfffffffc, 1);
}

const struct test regs_tests[] = {
	{ "registers: fuses are read-only", read_only },
	{ "registers: devices differ", devices_differ },
	{ "registers: forcewake acknowledges", forcewake },
	{ "registers: what completes at once", complete_at_once },
	{ "registers: engines'", engines },
	{ "registers: interrupts", interrupts },
	{ "registers: all offsets can be read and written", all_offsets },
	{ NULL, NULL },
};
