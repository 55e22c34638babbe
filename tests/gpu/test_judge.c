// SPDX-License-Identifier: GPL-2.0
/* Tests of the judge and the control block. */
#include <stddef.h>

#include "judge.h"
#include "test.h"

#define ENTRIES 1024

static void declarations(void)
{
	check(judge_declare(0, 7, 16, 16, ENTRIES));
	check(!judge_declare(1, 7, 31, 16, ENTRIES));
	check(!judge_declare(1, 7, 8, 9, ENTRIES));
	check(judge_declare(1, 7, 32, 16, ENTRIES));
	check(judge_declare(0, 7, 0, 32, ENTRIES));
	check(!judge_declare(2, 7, 1000, 25, ENTRIES));
	check(!judge_declare(2, 7, 0xffffffff, 2, ENTRIES));
	check(!judge_declare(2, 7, 2, 0xffffffff, ENTRIES));
	check(!judge_declare(GPU_NR_SHARES, 7, 64, 1, ENTRIES));
	check(judge_declare(0, 0, 0, 0, ENTRIES));
	check(!judge_share_of(16));
	equal(judge_share_of(47) - judge_share(1), 0);
	check(!judge_freeze(2, true));
}

static void released_ranges(void)
{
	unsigned int i;

	check(judge_release(0x10000, 0x4000));
	check(judge_take(0x11000, 0x1000));
	check(judge_is_released(0x10fff, 1));
	check(!judge_is_released(0x11000, 1));
	check(judge_is_released(0x12000, 1));
	check(judge_is_released(0xf000, 0x2000));
	check(!judge_is_released(0xf000, 0x1000));
	check(judge_take(0x10000, 0x4000));
	check(!judge_is_released(0x12000, 1));
	check(!judge_release(0x10001, 0x1000));
	check(!judge_release(0x10000, 0));
	check(!judge_release(~0xfffULL, 0x2000));
	for (i = 0; i < 256; i++)
		check(judge_release(i << 13, 0x1000));
	check(!judge_release(0, 0x1000));
}

static void registers(void)
{
	equal(reg(GPU_CONTROL + GPU_MAGIC), GPU_MAGIC_VALUE);
	equal(reg(GPU_CONTROL + GPU_VERSION), GPU_VERSION_VALUE);
	set_reg(GPU_CONTROL + GPU_MAGIC, 0);
	equal(reg(GPU_CONTROL + GPU_MAGIC), GPU_MAGIC_VALUE);
	set_control(GPU_TO, 0x1122334455667788);
	equal(reg(GPU_CONTROL + GPU_TO), 0x55667788);
	equal(reg(GPU_CONTROL + GPU_TO + 4), 0x11223344);
}

static void bad_operations(void)
{
	equal(op(0), GPU_BAD);
	equal(op(0xffffffff), GPU_BAD);
	equal(copy(GPU_GGTT, 0, 0, GPU_MAX_LENGTH + 1ULL), GPU_BAD);
	equal(copy(3, 0, 0, 4), GPU_BAD);
	equal(copy(GPU_PPGTT, 0, 0, 4), GPU_BAD);
	set_reg(GPU_CONTROL + GPU_ENGINE, GPU_NR_ENGINES);
	equal(copy(GPU_GGTT, 0, 0, 4), GPU_BAD);
	equal(op(GPU_OP_LOAD), GPU_BAD);
	set_reg(GPU_CONTROL + GPU_ENGINE, 0);
	set_control(GPU_LENGTH, 3);
	equal(op(GPU_OP_READ), GPU_BAD);
}

static void bus_space(void)
{
	put64(0x5000, 0x123456789abcdef0);
	equal(copy(GPU_BUS, 0x5000, 0x6000, 8), GPU_DONE);
	equal(get64(0x6000), 0x123456789abcdef0);
	set_control(GPU_FROM, 0x6000);
	equal(op(GPU_OP_READ), GPU_DONE);
	equal(control(GPU_VALUE), 0x123456789abcdef0);
	set_control(GPU_TO, 0x7ffe);
	set_control(GPU_LENGTH, 4);
	set_control(GPU_VALUE, 0x5a);
	equal(op(GPU_OP_FILL), GPU_DONE);
	equal(get32(0x7ffe), 0x5a5a5a5a);
	equal(copy(GPU_BUS, RAM_BYTES - 8, 0, 16), GPU_NO_MEMORY);
	equal(control(GPU_FAULT_ADDRESS), RAM_BYTES);
}

static void all_offsets_can_be_read(void)
{
	uint32_t offset;

	for (offset = 0; offset < GPU_CONTROL_SIZE; offset += 8)
		control(offset);
	check(true);
}

static void the_last_records_stay(void)
{
	uint64_t i;

	for (i = 0; i < GPU_NR_RECORDS + 2; i++) {
		set_entry(i, 1);
		copy(GPU_GGTT, i * PAGE, 0, 4);
	}
	equal(control(GPU_ALL_VIOLATIONS), GPU_NR_RECORDS + 2);
	equal(control(GPU_RECORD(1) + GPU_RECORD_ADDRESS), (GPU_NR_RECORDS + 1) * PAGE);
	equal(control(GPU_RECORD(2) + GPU_RECORD_ADDRESS), 2 * PAGE);
	equal(op(GPU_OP_CLEAR), GPU_DONE);
	equal(control(GPU_ALL_VIOLATIONS), 0);
	equal(violations(GPU_STALE_GGTT), 0);
}

const struct test judge_tests[] = {
	{ "judge: shares are declared, or not", declarations },
	{ "judge: released ranges", released_ranges },
	{ "control: registers", registers },
	{ "control: operations that make no sense", bad_operations },
	{ "control: bus addresses", bus_space },
	{ "control: all of it can be read", all_offsets_can_be_read },
	{ "control: records of violations", the_last_records_stay },
	{ NULL, NULL },
};
