// SPDX-License-Identifier: GPL-2.0
/*
 * Which registers a guest may set, and to what.
 *
 * A guest sets registers itself, by commands with the GPU's privileges, and by the image of a
 * context. GVT has a list of registers that commands may load, which is too long: it has registers
 * of the whole GPU, and all that the host's own contexts have in their images.
 *
 * Invariants: a command of a guest's loads registers of which each guest has its own values, of its
 * own engine or of what that one works with: none of the whole GPU, but for the one with which i915
 * flushes the level 3 cache. None of them tells the engine what to execute. The image of a context
 * has only registers that the host's own has, which the same hardware has saved. GVT switches no
 * other register of the whole GPU to a guest's value.
 *
 * Locking: none; GVT's lists do not change. Registers are only added to what the host's image has,
 * and one that is not there yet is refused.
 */

#include "instance.h"

#include <linux/bits.h>
#include <linux/xarray.h>

#include "gt/intel_engine_regs.h"
#include "gt/intel_gpu_commands.h"
#include "gt/intel_gt_regs.h"

#include "device.h"
#include "register_rules.h"

/* Registers of an engine, from its base */
#define RING_FIRST		0x030	/* its tail, head, start and control */
#define RING_LAST		0x03c
#define BATCHES_FIRST		0x110	/* the batches in execution: states, addresses */
#define BATCHES_LAST		0x11c
#define NEW_HEAD		0x134	/* UHPTR: the head after a preemption, with a valid bit */
#define ADDRESSES_FIRST		0x138	/* of batches: where they are, were preempted, and began */
#define ADDRESSES_LAST		0x158
#define ADDRESSES_HIGH_FIRST	0x168
#define ADDRESSES_HIGH_LAST	0x170
#define CHICKEN			0x0d4	/* CSFE_CHICKEN1 */
#define CONTEXT_ID		0x180
#define CONTEXT_BATCHES_FIRST	0x1c0	/* executed when a context is loaded */
#define CONTEXT_BATCHES_LAST	0x1c8
#define SUBMISSION_FIRST	0x230	/* ports, states and control of contexts */
#define SUBMISSION_LAST		0x244
#define ROOTS_FIRST		0x270	/* of page tables */
#define ROOTS_LAST		0x28c
#define MODE			0x29c
#define NONPRIV_FIRST		0x4d0	/* what batches without privileges may use */
#define NONPRIV_LAST		0x4fc

/* The pipelines' own registers */
#define PIPELINE_FIRST		0x5000
#define PIPELINE_LAST		0x8fff
#define HALF_SLICE_FIRST	0xe000
#define HALF_SLICE_LAST		0xefff

/* How memory is cached: a table for each engine, and one for the level 3 cache (mmio_context.c) */
#define MOCS_SIZE		(64 * sizeof(u32))
#define MOCS_FIRST		0xc800
#define MOCS_LAST		0xcfff
#define L3_MOCS_FIRST		0xb020
#define L3_MOCS_LAST		0xb09c

/* Of each engine: what makes its TLB forget */
#define TLB_FIRST		0x4260
#define TLB_LAST		0x4270

/* For these GVT gives a guest up that writes the register itself (csfe_chicken1_mmio_write()). */
#define CHICKEN_REFUSED		(BIT(3) | BIT(4))

/* Tiled resources: where their tables are */
#define TRTT_ENABLE		BIT(0)
#define TRTT_IN_PPGTT		BIT(1)

/* The offset of a register of an engine, from the engine's base */
static u32 in_engine(u32 offset)
{
	return offset & GENMASK(11, 0);
}

/*
 * One of these registers names another register, which batches without privileges may use then: GVT
 * knows which ones a guest may name. Newer GPUs take up to 63 behind it, too; i915 lets programs
 * read some.
 */
static bool names_few(u32 value)
{
	return !(value & RING_FORCE_TO_NONPRIV_RANGE_MASK) ||
	       (value & RING_FORCE_TO_NONPRIV_ACCESS_MASK) == RING_FORCE_TO_NONPRIV_ACCESS_RD;
}

/* May a register have the value, however a guest sets it? */
bool xengt_gvt_value_is_sound(struct intel_gvt *gvt, u32 offset, u32 value)
{
	u32 reg = in_engine(offset);

	if (offset == i915_mmio_reg_offset(TRTTE))
		return !(value & TRTT_ENABLE) || value & TRTT_IN_PPGTT;
	if (!intel_gvt_render_mmio_to_engine(gvt, offset))
		return true;
	if (reg == CHICKEN)
		return !(value & CHICKEN_REFUSED);
	return reg < NONPRIV_FIRST || reg > NONPRIV_LAST || names_few(value);
}

/* Is it what i915 sets for each context: a ring, the context's own batches, a root? */
static bool starts_context(u32 reg, u32 value)
{
	switch (reg) {
	case RING_FIRST ... RING_LAST:
	case CONTEXT_BATCHES_FIRST ... CONTEXT_BATCHES_LAST:
	case ROOTS_FIRST ... ROOTS_LAST:
		return true;
	case NEW_HEAD:
		return value & 1;
	default:
		return false;
	}
}

/* Does it tell the engine what to execute, or how? */
static bool is_control(u32 reg, u32 value)
{
	switch (reg) {
	case BATCHES_FIRST ... BATCHES_LAST:
	case ADDRESSES_FIRST ... ADDRESSES_LAST:
	case ADDRESSES_HIGH_FIRST ... ADDRESSES_HIGH_LAST:
	case CONTEXT_ID:
	case SUBMISSION_FIRST ... SUBMISSION_LAST:
	case MODE:	/* GVT would act on it, as if the guest had written the register now. */
		return true;
	default:
		return starts_context(reg, value);
	}
}

/* Does the render engine save the register with its contexts? GVT has a list of some. */
static bool is_saved(struct intel_gvt *gvt, const struct intel_engine_cs *engine, u32 offset)
{
	return engine->id == RCS0 && offset < gvt->device_info.mmio_size &&
	       intel_gvt_mmio_is_sr_in_ctx(gvt, offset);
}

static bool is_mocs(const struct intel_gvt *gvt, const struct intel_engine_cs *engine, u32 offset)
{
	const u32 *tables = gvt->engine_mmio_list.mocs_mmio_offset_list;
	u32 table;

	if (!tables || engine->id >= gvt->engine_mmio_list.mocs_mmio_offset_list_cnt)
		return false;
	table = tables[engine->id];
	if (offset >= table && offset < table + MOCS_SIZE)
		return true;
	return engine->id == RCS0 && offset >= L3_MOCS_FIRST && offset <= L3_MOCS_LAST;
}

static bool is_of_pipeline(u32 offset)
{
	return (offset >= PIPELINE_FIRST && offset <= PIPELINE_LAST) ||
	       (offset >= HALF_SLICE_FIRST && offset <= HALF_SLICE_LAST);
}

/* i915 sets it whenever it has a context loaded: gen9_init_indirectctx_bb() */
static bool is_set_by_contexts(const struct intel_engine_cs *engine, u32 offset)
{
	return engine->id == RCS0 && (offset == i915_mmio_reg_offset(FF_SLICE_CHICKEN) ||
				      offset == i915_mmio_reg_offset(_3D_CHICKEN3));
}

/* Has each guest its own value? Others would stay for whoever the engine works for next. */
static bool is_own(struct intel_gvt *gvt, const struct intel_engine_cs *engine, u32 offset)
{
	return xa_load(&xengt_gvt_device_of(gvt)->image[engine->id], offset) ||
	       is_saved(gvt, engine, offset) || is_set_by_contexts(engine, offset);
}

/*
 * May GVT switch a register between the host's value and a guest's? Its list has some of the whole
 * GPU: arbiters, clocks, the types of memory. The host's work on other engines, and the next
 * guest's, would go on with these. They stay as i915 has set them. So does the mode of an engine: a
 * guest could switch execution lists off with it. What a guest's commands can change has to be
 * switched, or it would stay so for the host.
 */
bool xengt_gvt_is_switched(struct intel_gvt *gvt, u32 offset)
{
	switch (offset) {
	case TLB_FIRST ... TLB_LAST:
	case MOCS_FIRST ... MOCS_LAST:
	case L3_MOCS_FIRST ... L3_MOCS_LAST:
		return true;
	default:
		if (intel_gvt_render_mmio_to_engine(gvt, offset))
			return in_engine(offset) != MODE;
		return is_of_pipeline(offset) ||
		       offset == i915_mmio_reg_offset(GEN8_L3SQCREG4) ||
		       (offset < gvt->device_info.mmio_size &&
			intel_gvt_mmio_is_sr_in_ctx(gvt, offset));
	}
}

/* i915 changes it while a context flushes the level 3 cache, and sets it back. */
static bool is_for_flushes(const struct intel_engine_cs *engine, u32 offset)
{
	return engine->id == RCS0 && offset == i915_mmio_reg_offset(GEN8_L3SQCREG4);
}

/* Has the register a graphics address? GVT checks only those that the guest writes itself. */
static bool has_address(const struct intel_gvt *gvt, u32 offset)
{
	return offset < gvt->device_info.mmio_size &&
	       gvt->mmio.mmio_attribute[offset / sizeof(u32)] & F_GMADR;
}

/* May a command of a guest's that @engine executes with privileges load the register? */
bool xengt_gvt_load_is_sound(struct intel_gvt *gvt, const struct intel_engine_cs *engine,
			     u32 offset, u32 value)
{
	const struct intel_engine_cs *owner = intel_gvt_render_mmio_to_engine(gvt, offset);

	if (has_address(gvt, offset) || !xengt_gvt_value_is_sound(gvt, offset, value))
		return false;
	if (owner)
		return owner == engine && !is_control(in_engine(offset), value) &&
		       is_own(gvt, engine, offset);
	return is_saved(gvt, engine, offset) || is_mocs(gvt, engine, offset) ||
	       (engine->id == RCS0 && is_of_pipeline(offset)) || is_for_flushes(engine, offset);
}

/*
 * Notes what a command in the image of the host's own context of @engine's loads, or that there is
 * such a command: its first dword is higher than any register's offset. 0 or -ENOMEM.
 */
int xengt_gvt_note_image(struct intel_gvt *gvt, const struct intel_engine_cs *engine,
			 const u32 *words, unsigned int length)
{
	struct xarray *image = &xengt_gvt_device_of(gvt)->image[engine->id];
	unsigned int i;
	int rc = 0;

	if (words[0] >> 23 == MI_NOOP)
		return 0;
	if (words[0] >> 23 != MI_LOAD_REGISTER_IMM(1) >> 23)
		return xa_err(xa_store(image, words[0], xa_mk_value(1), GFP_KERNEL));
	for (i = 1; !rc && i + 1 < length; i += 2)
		rc = xa_err(xa_store(image, words[i] & GENMASK(22, 2), xa_mk_value(1), GFP_KERNEL));
	return rc;
}

/* Has the image of the host's own context of @engine's a command that begins like this? */
bool xengt_gvt_image_has(struct intel_gvt *gvt, const struct intel_engine_cs *engine, u32 header)
{
	return xa_load(&xengt_gvt_device_of(gvt)->image[engine->id], header);
}

/*
 * May the image of a context of @engine's have the register? GVT does not copy the image's first
 * part, which has what i915 sets. The rest is loaded after that.
 */
bool xengt_gvt_image_is_sound(struct intel_gvt *gvt, const struct intel_engine_cs *engine,
			      u32 offset, u32 value)
{
	if (!xa_load(&xengt_gvt_device_of(gvt)->image[engine->id], offset))
		return false;
	return !(intel_gvt_render_mmio_to_engine(gvt, offset) &&
		 starts_context(in_engine(offset), value)) &&
	       xengt_gvt_value_is_sound(gvt, offset, value);
}
