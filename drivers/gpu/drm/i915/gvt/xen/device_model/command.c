// SPDX-License-Identifier: GPL-2.0
/*
 * What a command of a guest's may be that GVT's parser has come to.
 *
 * The commands of rings, of the batches in the GGTT, of indirect contexts and of context images are
 * executed with the GPU's privileges: they can write to any graphics address, the host's too, and
 * to any register. GVT's parser allows some of these, and looks at their addresses. It can be led
 * past commands, though: by a length that is not that of the command, by a batch at the address at
 * which the scan ends, by a batch whose copy is not what the GPU executes. And it does not look at
 * everything that a command can do. Commands like that are refused here; i915 has none of them.
 *
 * Invariants: a command is as long for GVT as for the engine, and not longer than what was copied;
 * GVT's handlers read only what belongs to it. GVT scans all that the GPU executes with privileges,
 * and the GPU executes the copy that was scanned. No command loads the root of a page table.
 *
 * Locking: GVT's vgpu_lock is held.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "instance.h"

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/lockdep.h>

#include "gt/intel_gpu_commands.h"

#include "command.h"
#include "register_rules.h"
#include "workload.h"

/* What GVT adds to an indirect context: a call of the batch that runs for each context */
#define CALL_SIZE		(3 * sizeof(u32))

#define SECOND_LEVEL		BIT(22)
#define IN_PPGTT		BIT(8)
#define STORE_QWORD		BIT(21)

/*
 * Of a load of registers: which bytes stay as they are. So a register could get a value of which
 * each byte was sound with others.
 */
#define BYTES_NOT_WRITTEN	GENMASK(11, 8)

/* Whose command it is, by the first one's upper bits */
#define CLIENT_MI		0
#define CLIENT_BLITTER		2
#define CLIENT_PIPELINES	3

/* Commands of CLIENT_MI below this one have one dword. */
#define FIRST_MI_WITH_LENGTH	0x10

/* The parts of CLIENT_PIPELINES, and the one opcode of video engines with a longer length */
#define SINGLE_DWORD		1
#define MEDIA			2
#define MEDIA_OBJECTS		6

#define OP_BINDING_TABLE_EDIT_FIRST	0x7843
#define OP_BINDING_TABLE_EDIT_LAST	0x7847
#define OP_SO_DECL_LIST		0x7917
#define OP_PIPE_CONTROL		0x7a00
#define OP_SWTESS_BASE_ADDRESS	0x6103

static bool is_mi(const struct xengt_gvt_command *c, u32 command)
{
	return c->words[0] >> 23 == command >> 23;
}

/* Is it a command of the render engine's pipelines? These bits mean others for other engines. */
static bool is_render(const struct xengt_gvt_command *c, u32 opcode)
{
	return c->workload->engine->id == RCS0 && c->words[0] >> 16 == opcode;
}

static unsigned int length_in(u32 header, unsigned int bits)
{
	return (header & GENMASK(bits - 1, 0)) + 2;
}

static unsigned int mi_length(u32 header)
{
	if ((header >> 23 & GENMASK(5, 0)) < FIRST_MI_WITH_LENGTH)
		return 1;
	switch (header >> 23) {
	case MI_FLUSH_DW >> 23:
		return length_in(header, 6);
	case MI_STORE_DWORD_IMM_GEN4 >> 23:
		return length_in(header, 10);
	default:
		return length_in(header, 8);
	}
}

static unsigned int render_length(u32 header)
{
	unsigned int part = header >> 27 & GENMASK(1, 0);

	if (part == SINGLE_DWORD)
		return 1;
	if (part == MEDIA)
		return length_in(header, 16);
	switch (header >> 16) {
	case OP_BINDING_TABLE_EDIT_FIRST ... OP_BINDING_TABLE_EDIT_LAST:
	case OP_SO_DECL_LIST:
		return length_in(header, 9);
	default:
		return length_in(header, 8);
	}
}

static unsigned int video_length(u32 header)
{
	if ((header >> 27 & GENMASK(1, 0)) != MEDIA)
		return 0;
	return length_in(header, (header >> 24 & GENMASK(2, 0)) == MEDIA_OBJECTS ? 16 : 12);
}

static unsigned int pipelines_length(const struct intel_engine_cs *engine, u32 header)
{
	switch (engine->class) {
	case RENDER_CLASS:
		return render_length(header);
	case VIDEO_DECODE_CLASS:
	case VIDEO_ENHANCEMENT_CLASS:
		return video_length(header);
	default:
		return 0;
	}
}

/*
 * How many dwords the engine takes the command for; 0: no driver needs it in a ring, or in a batch
 * with privileges. GVT's list has some with other lengths. The engine would execute what GVT takes
 * for a command's operands. Formats: the PRM of Skylake, volume 2a; i915_cmd_parser.c.
 */
static unsigned int hardware_length(const struct xengt_gvt_command *c)
{
	u32 header = c->words[0];

	switch (header >> 29) {
	case CLIENT_MI:
		return mi_length(header);
	case CLIENT_BLITTER:
		return length_in(header, 8);
	case CLIENT_PIPELINES:
		return pipelines_length(c->workload->engine, header);
	default:
		return 0;
	}
}

/*
 * GVT reads one dword behind a command to see what comes next, unless the batch ends. It goes on
 * with the ring if the address is that of the end of the ring's scan, and leaves out the rest of
 * the batch.
 */
static bool ends_in_batch(const struct xengt_gvt_command *c)
{
	size_t size = c->length * sizeof(u32);

	if (c->gma + size == c->end)
		return false;
	if (!is_mi(c, MI_BATCH_BUFFER_END))
		size += sizeof(u32);
	return xengt_gvt_is_in_batch(c->workload, c->words, size);
}

static bool has_an_end(const struct xengt_gvt_command *c)
{
	u64 last = c->gma + c->length * sizeof(u32);

	if (c->place == XENGT_GVT_IN_BATCH)
		return ends_in_batch(c);
	if (c->length * sizeof(u32) > c->left)
		return false;
	/* It does not take what GVT adds for a part of itself. */
	return c->place != XENGT_GVT_IN_INDIRECT_CONTEXT || last <= c->end - CALL_SIZE ||
	       c->gma >= c->end - CALL_SIZE;
}

/*
 * A batch in the PPGTT has no privileges, and is not scanned. One in the GGTT is copied, and GVT
 * puts the copy's address into its call: in the ring but for its first command, in an indirect
 * context, or in a batch that gets back to its caller. The copy itself has no other calls.
 */
static bool is_sound_call(const struct xengt_gvt_command *c)
{
	u64 address;

	if (c->length != 3 || c->place == XENGT_GVT_IN_CONTEXT)
		return false;
	if (c->words[0] & IN_PPGTT)
		return c->place != XENGT_GVT_IN_BATCH;
	if ((c->words[0] & ~SECOND_LEVEL) != MI_BATCH_BUFFER_START_GEN8)
		return false;
	if (c->place == XENGT_GVT_IN_BATCH && !(c->words[0] & SECOND_LEVEL))
		return false;
	if (c->place == XENGT_GVT_IN_RING && c->is_first)
		return false;
	address = (u64)(c->words[2] & GENMASK(15, 0)) << 32 | (c->words[1] & ~3U);
	return address != c->end;
}

static bool is_sound_register(const struct xengt_gvt_command *c, u32 offset, u32 value)
{
	struct intel_gvt *gvt = c->workload->vgpu->gvt;

	if (c->place == XENGT_GVT_IN_CONTEXT)
		return xengt_gvt_image_is_sound(gvt, c->workload->engine, offset, value);
	return xengt_gvt_load_is_sound(gvt, c->workload->engine, offset, value);
}

static bool is_sound_load(const struct xengt_gvt_command *c)
{
	unsigned int i;

	if (c->length % 2 == 0 || c->words[0] & BYTES_NOT_WRITTEN)
		return false;
	for (i = 1; i < c->length; i += 2) {
		if (!is_sound_register(c, c->words[i] & GENMASK(22, 2), c->words[i + 1]))
			return false;
	}
	return true;
}

/* A dword's index in the hardware's status page: of the host's one if the guest has set none. */
static bool is_sound_index(const struct xengt_gvt_command *c, u32 low, u32 high, bool in_ggtt)
{
	const struct intel_vgpu_workload *workload = c->workload;

	return low < I915_GTT_PAGE_SIZE && !(high & GENMASK(15, 0)) &&
	       (!in_ggtt || workload->vgpu->hws_pga[workload->engine->id]);
}

/* GVT looks at the address for a store of the command's own number only. */
static bool is_sound_pipe_control(const struct xengt_gvt_command *c)
{
	u32 flags, store;
	bool in_ggtt;

	if (c->length != 6)
		return false;
	flags = c->words[1];
	store = flags & PIPE_CONTROL_POST_SYNC_OP_MASK;
	in_ggtt = flags & PIPE_CONTROL_GLOBAL_GTT_IVB;
	if (flags & PIPE_CONTROL_MMIO_WRITE)
		return false;
	if (store && store != PIPE_CONTROL_QW_WRITE && in_ggtt)
		return false;
	return !store || !(flags & PIPE_CONTROL_STORE_DATA_INDEX) ||
	       is_sound_index(c, c->words[2], c->words[3], in_ggtt);
}

/* GVT looks at the address only if a dword is stored. */
static bool is_sound_flush(const struct xengt_gvt_command *c)
{
	if (c->length != 4)
		return false;
	return !(c->words[0] & MI_FLUSH_DW_OP_MASK) || !(c->words[0] & MI_FLUSH_DW_STORE_INDEX) ||
	       is_sound_index(c, c->words[1] & ~7U, c->words[2], c->words[1] & MI_FLUSH_DW_USE_GTT);
}

/*
 * Commands that use memory in ways that GVT does not know. The image of a context has what the
 * hardware has saved.
 */
static bool is_unknown(const struct xengt_gvt_command *c)
{
	return is_mi(c, MI_REPORT_HEAD) || is_mi(c, MI_SEMAPHORE_MBOX) ||
	       is_mi(c, MI_RS_STORE_DATA_IMM) || is_mi(c, MI_LOAD_URB_MEM) ||
	       is_mi(c, MI_STORE_URB_MEM) || is_render(c, OP_SWTESS_BASE_ADDRESS);
}

/* May the command be executed, as far as GVT does not find out itself? */
static bool is_sound(const struct xengt_gvt_command *c)
{
	if (c->length != hardware_length(c) || !has_an_end(c))
		return false;
	if (is_mi(c, MI_BATCH_BUFFER_START_GEN8))
		return is_sound_call(c);
	/* Without a call, GVT does not know where to go on. */
	if (is_mi(c, MI_BATCH_BUFFER_END))
		return c->place == XENGT_GVT_IN_BATCH || c->place == XENGT_GVT_IN_CONTEXT;
	if (is_mi(c, MI_LOAD_REGISTER_IMM(1)))
		return is_sound_load(c);
	/* GVT lets these use registers of the render engine. */
	if (is_mi(c, MI_LOAD_REGISTER_MEM_GEN8) || is_mi(c, MI_STORE_REGISTER_MEM_GEN8))
		return c->workload->engine->id == RCS0;
	if (is_mi(c, MI_STORE_DWORD_IMM_GEN4))
		return c->length == (c->words[0] & STORE_QWORD ? 5 : 4);
	if (is_mi(c, MI_ATOMIC))
		return c->length == (c->words[0] & MI_ATOMIC_INLINE_DATA ? 11 : 3);
	if (is_mi(c, MI_FLUSH_DW))
		return is_sound_flush(c);
	if (is_mi(c, MI_DISPLAY_FLIP))
		return c->length >= 3;
	if (is_render(c, OP_PIPE_CONTROL))
		return is_sound_pipe_control(c);
	return !is_unknown(c) ||
	       (c->place == XENGT_GVT_IN_CONTEXT &&
		xengt_gvt_image_has(c->workload->vgpu->gvt, c->workload->engine, c->words[0]));
}

/* False, with a line in the log, if the command must not be executed. */
bool xengt_gvt_command_is_sound(const struct xengt_gvt_command *c)
{
	struct xengt_gvt_instance *instance = xengt_gvt_instance_of(c->workload->vgpu);

	if (is_sound(c))
		return true;
	lockdep_assert_held(&instance->vgpu.vgpu_lock);
	WRITE_ONCE(instance->refused, instance->refused + 1);
	pr_warn_ratelimited("%s: refused: %s, %u dwords\n", instance->name, c->name, c->length);
	return false;
}
