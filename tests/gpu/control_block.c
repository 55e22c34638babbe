// SPDX-License-Identifier: GPL-2.0
/* The control block, on the GPU's side; see control.h. */
#include <string.h>

#include "access.h"
#include "bits.h"
#include "control_block.h"
#include "engine.h"
#include "judge.h"
#include "log.h"

static uint32_t arguments[GPU_ARGUMENTS_END / 4];
static uint64_t fault_address;
static uint32_t status;

static uint32_t get32(uint32_t offset)
{
	return arguments[offset / 4];
}

static uint64_t get64(uint32_t offset)
{
	return (uint64_t)get32(offset + 4) << 32 | get32(offset);
}

static void set64(uint32_t offset, uint64_t value)
{
	arguments[offset / 4] = value;
	arguments[offset / 4 + 1] = value >> 32;
}

static struct engine *engine(void)
{
	uint32_t id = get32(GPU_ENGINE);

	return id < GPU_NR_ENGINES ? engine_get(id) : NULL;
}

static struct place place(uint32_t address, uint32_t space)
{
	return (struct place){ get32(space), get64(address) };
}

static bool get_root(struct ppgtt_root *root)
{
	unsigned int i;

	memset(root, 0, sizeof(*root));
	root->levels = get32(GPU_LEVELS);
	if (root->levels != 3 && root->levels != 4)
		return false;
	for (i = 0; i < (root->levels == 4 ? 1 : PPGTT_PDPS); i++)
		root->pdp[i] = get64(GPU_PDP(i));
	return true;
}

/* The engine to use, with the PPGTT loaded if one is used; NULL: none is named */
static struct engine *ready(bool ppgtt)
{
	struct engine *e = engine();
	struct ppgtt_root root;

	if (!e || !ppgtt)
		return e;
	if (!get_root(&root))
		return NULL;
	if (!ppgtt_root_equal(&root, &e->root))
		engine_load(e, &root);
	return e;
}

static int op_copy(void)
{
	struct place from = place(GPU_FROM, GPU_FROM_SPACE), to = place(GPU_TO, GPU_TO_SPACE);
	struct engine *e = ready(from.space == GPU_PPGTT || to.space == GPU_PPGTT);
	uint64_t start = from.addr;
	int ret;

	if (!e || get64(GPU_LENGTH) > GPU_MAX_LENGTH)
		return GPU_BAD;
	judge_count(GPU_COPIES);
	ret = access_copy(e, &from, &to, get64(GPU_LENGTH));
	fault_address = from.addr;
	log_access("copy of %lx bytes from %lx: %d, at %lx", get64(GPU_LENGTH), start, ret,
		   from.addr);
	return ret;
}

static int op_fill(void)
{
	struct place to = place(GPU_TO, GPU_TO_SPACE);
	struct engine *e = ready(to.space == GPU_PPGTT);
	int ret;

	if (!e || get64(GPU_LENGTH) > GPU_MAX_LENGTH)
		return GPU_BAD;
	judge_count(GPU_COPIES);
	ret = access_fill(e, &to, get64(GPU_LENGTH), get64(GPU_VALUE));
	fault_address = to.addr;
	return ret;
}

static int op_read(void)
{
	struct place from = place(GPU_FROM, GPU_FROM_SPACE);
	struct engine *e = ready(from.space == GPU_PPGTT);
	uint64_t len = get64(GPU_LENGTH), value = 0;
	void *p;
	int ret;

	if (!e || (len != 4 && len != 8) || from.addr & (len - 1))
		return GPU_BAD;
	judge_count(GPU_COPIES);
	ret = access_at(e, from, false, &p);
	if (!ret)
		memcpy(&value, p, len);
	fault_address = from.addr;
	set64(GPU_VALUE, value);
	return ret;
}

static int op_entry(void)
{
	uint64_t index = get64(GPU_FROM) >> PAGE_SHIFT;

	if (index >= ggtt_entries())
		return GPU_BEYOND;
	set64(GPU_VALUE, ggtt_entry(index));
	set64(GPU_OTHER, ggtt_used(index));
	return GPU_DONE;
}

/* By the tables as they are now, and as nobody: no TLB learns of it, and nothing is a violation. */
static int op_walk(void)
{
	struct target target = { };
	struct ppgtt_root root;
	int ret;

	if (!get_root(&root))
		return GPU_BAD;
	ret = ppgtt_translate(NULL, &root, get64(GPU_FROM), false, &target);
	fault_address = get64(GPU_FROM);
	set64(GPU_VALUE, target.bus);
	set64(GPU_OTHER, (uint64_t)target.level << 32 | target.size);
	return ret;
}

static int op_load(void)
{
	struct engine *e = engine();
	struct ppgtt_root root;

	if (!e || !get_root(&root))
		return GPU_BAD;
	engine_load(e, &root);
	return GPU_DONE;
}

static int op_root(void)
{
	struct engine *e = engine();
	unsigned int i;

	if (!e)
		return GPU_BAD;
	arguments[GPU_LEVELS / 4] = e->root.levels;
	for (i = 0; i < PPGTT_PDPS; i++)
		set64(GPU_PDP(i), e->root.pdp[i]);
	return GPU_DONE;
}

static int op_share(void)
{
	return judge_declare(get32(GPU_SHARE), get32(GPU_OWNER), get32(GPU_FIRST), get32(GPU_NR),
			     ggtt_entries()) ? GPU_DONE : GPU_BAD;
}

static int op_freeze(void)
{
	return judge_freeze(get32(GPU_SHARE), true) ? GPU_DONE : GPU_BAD;
}

static int op_thaw(void)
{
	return judge_freeze(get32(GPU_SHARE), false) ? GPU_DONE : GPU_BAD;
}

static int op_check(void)
{
	unsigned int id;

	ggtt_check();
	for (id = 0; id < GPU_NR_ENGINES; id++)
		tlb_check(&engine_get(id)->tlb);
	return GPU_DONE;
}

/* Who releases a page that a TLB still holds is found out at once. */
static int op_release(void)
{
	if (!judge_release(get64(GPU_FROM), get64(GPU_LENGTH)))
		return GPU_BAD;
	return op_check();
}

static int op_take(void)
{
	return judge_take(get64(GPU_FROM), get64(GPU_LENGTH)) ? GPU_DONE : GPU_BAD;
}

static int op_clear(void)
{
	judge_clear();
	return GPU_DONE;
}

static int (* const operations[])(void) = {
	[GPU_OP_COPY] = op_copy,
	[GPU_OP_FILL] = op_fill,
	[GPU_OP_READ] = op_read,
	[GPU_OP_ENTRY] = op_entry,
	[GPU_OP_WALK] = op_walk,
	[GPU_OP_LOAD] = op_load,
	[GPU_OP_SHARE] = op_share,
	[GPU_OP_FREEZE] = op_freeze,
	[GPU_OP_THAW] = op_thaw,
	[GPU_OP_RELEASE] = op_release,
	[GPU_OP_TAKE] = op_take,
	[GPU_OP_CHECK] = op_check,
	[GPU_OP_CLEAR] = op_clear,
	[GPU_OP_ROOT] = op_root,
};

static int run(uint32_t op)
{
	if (op >= ARRAY_SIZE(operations) || !operations[op])
		return GPU_BAD;
	return operations[op]();
}

void control_write(uint32_t offset, uint32_t value)
{
	if (offset == GPU_OP)
		status = run(value);
	else if (offset >= GPU_FROM && offset < GPU_ARGUMENTS_END)
		arguments[offset / 4] = value;
}

static uint32_t half(uint64_t value, uint32_t offset)
{
	return offset & 4 ? value >> 32 : value;
}

static uint32_t read_share(uint32_t offset)
{
	const struct share *share = judge_share(offset / GPU_SHARE_BYTES);

	switch (offset % GPU_SHARE_BYTES) {
	case GPU_SHARE_FIRST:
		return share->first;
	case GPU_SHARE_NR:
		return share->nr;
	case GPU_SHARE_OWNER:
		return share->owner;
	case GPU_SHARE_FROZEN:
		return share->frozen;
	case GPU_SHARE_WRITES:
	case GPU_SHARE_WRITES + 4:
		return half(share->writes, offset);
	default:
		return half(share->violations, offset);
	}
}

static uint32_t read_record(uint32_t offset)
{
	const struct violation *v = judge_record(offset / GPU_RECORD_BYTES);

	switch (offset % GPU_RECORD_BYTES) {
	case GPU_RECORD_KIND:
		return v->kind;
	case GPU_RECORD_ENGINE:
		return v->engine;
	case GPU_RECORD_ADDRESS:
	case GPU_RECORD_ADDRESS + 4:
		return half(v->address, offset);
	case GPU_RECORD_USED:
	case GPU_RECORD_USED + 4:
		return half(v->used, offset);
	case GPU_RECORD_TABLE:
	case GPU_RECORD_TABLE + 4:
		return half(v->table, offset);
	case GPU_RECORD_SPACE:
		return v->space;
	default:
		return 0;
	}
}

static uint32_t read_counter(uint32_t offset)
{
	uint32_t i = (offset - GPU_ENGINE_COUNTER(0, 0)) / 8;

	if (offset < GPU_COUNTER(GPU_NR_COUNTERS))
		return half(judge_counter((offset - GPU_COUNTER(0)) / 8), offset);
	if (offset >= GPU_ENGINE_COUNTER(0, 0) && offset < GPU_ENGINE_COUNTER(GPU_NR_ENGINES, 0))
		return half(judge_engine_counter(i / GPU_NR_ENGINE_COUNTERS,
						 i % GPU_NR_ENGINE_COUNTERS), offset);
	if (offset >= GPU_VIOLATIONS(0) && offset < GPU_VIOLATIONS(GPU_NR_VIOLATIONS))
		return half(judge_violations((offset - GPU_VIOLATIONS(0)) / 8), offset);
	if (offset >= GPU_ALL_VIOLATIONS && offset < GPU_ALL_VIOLATIONS + 8)
		return half(judge_all_violations(), offset);
	return 0;
}

static uint32_t read_fixed(uint32_t offset)
{
	switch (offset) {
	case GPU_MAGIC:
		return GPU_MAGIC_VALUE;
	case GPU_VERSION:
		return GPU_VERSION_VALUE;
	case GPU_STATUS:
		return status;
	case GPU_FAULT_ADDRESS:
	case GPU_FAULT_ADDRESS + 4:
		return half(fault_address, offset);
	default:
		return 0;
	}
}

uint32_t control_read(uint32_t offset)
{
	if (offset >= GPU_FROM && offset < GPU_ARGUMENTS_END)
		return arguments[offset / 4];
	if (offset < GPU_COUNTER(0))
		return read_fixed(offset);
	if (offset < GPU_SHARE_REGS(0))
		return read_counter(offset);
	if (offset < GPU_SHARE_REGS(GPU_NR_SHARES))
		return read_share(offset - GPU_SHARE_REGS(0));
	if (offset >= GPU_RECORDS && offset < GPU_RECORDS + GPU_RECORD_BYTES * GPU_NR_RECORDS)
		return read_record(offset - GPU_RECORDS);
	return 0;
}

void control_reset(void)
{
	memset(arguments, 0, sizeof(arguments));
	status = GPU_DONE;
	fault_address = 0;
}
