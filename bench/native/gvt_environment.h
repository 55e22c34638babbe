/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What i915's gvt/gtt.c and gvt/page_track.c take from the rest of GVT and of i915, with the same
 * names and as much of it as they use. Values are those of i915 (gt/intel_gtt.h, i915_reg.h).
 */

#ifndef _XENGT_BENCH_GVT_ENVIRONMENT_H
#define _XENGT_BENCH_GVT_ENVIRONMENT_H

#include <linux/bits.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/radix-tree.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/vmalloc.h>

/* In place of these headers */
#define _I915_DRV_H_
#define _GVT_H_
#define __INTEL_GT_REGS__
#define __INTEL_GTT_H__
#define _I915_PVINFO_H_
#define _GVT_TRACE_H_

typedef u64 gen8_pte_t;

#define I915_GTT_PAGE_SIZE		BIT_ULL(12)
#define I915_GTT_PAGE_SIZE_2M		BIT_ULL(21)
#define I915_GTT_PAGE_MASK		(-I915_GTT_PAGE_SIZE)
#define GEN8_3LVL_PDPES			4
#define GEN8_PAGE_PRESENT		BIT_ULL(0)
#define GEN8_PAGE_RW			BIT_ULL(1)
#define GEN8_PDE_IPS_64K		BIT(11)
#define PPAT_CACHED			0
#define GEN8_GAMW_ECO_DEV_RW_IA		0
#define GAMW_ECO_ENABLE_64K_IPS_FIELD	0xf
#define GFX_FLSH_CNTL_GEN6		0
#define GFX_FLSH_CNTL_EN		1
/* x86's bits of entries, which UML has not */
#undef _PAGE_DIRTY
#define _PAGE_PSE			BIT_ULL(7)
#define _PAGE_PAT			BIT_ULL(7)
#define _PAGE_PAT_LARGE			BIT_ULL(12)
#define _PAGE_DIRTY			BIT_ULL(6)

struct drm_i915_private {
	struct {
		struct device *dev;
	} drm;
};

struct intel_uncore;

struct i915_ggtt {
	u64 *gsm;
};

struct intel_gt {
	struct drm_i915_private *i915;
	struct i915_ggtt *ggtt;
	struct intel_uncore *uncore;
};

struct kvm {
	struct srcu_struct srcu;
};

struct intel_engine_cs;

#define I915_NUM_ENGINES	1

#include <gvt/gtt.h>
#include <gvt/page_track.h>

struct intel_gvt_device_info {
	u32 gtt_start_offset;
	u32 gtt_entry_size;
	u32 gtt_entry_size_shift;
};

struct intel_gvt {
	struct intel_gt *gt;
	struct intel_gvt_device_info device_info;
	struct intel_gvt_gtt gtt;
	struct idr vgpu_idr;
	u64 size;			/* of the GGTT, in bytes */
};

struct intel_vgpu_submission {
	struct {
		bool valid;
		u32 lrca;
	} last_ctx[I915_NUM_ENGINES];
};

struct intel_vgpu {
	struct intel_gvt *gvt;
	struct mutex vgpu_lock;		/* what page_track.c takes for each write */
	int id;
	bool attached;
	bool failsafe;
	struct intel_vgpu_gtt gtt;
	struct intel_vgpu_submission submission;
	struct radix_tree_root page_track_tree;
	struct {
		struct kvm *kvm;
	} vfio_device;
};

/* The share is the whole GGTT, of which the first half is aperture. */
#define gvt_ggtt_gm_sz(gvt)		((gvt)->size)
#define gvt_aperture_gmadr_base(gvt)	0ull
#define gvt_hidden_gmadr_base(gvt)	((gvt)->size / 2)
#define gvt_gmadr_is_aperture(gvt, a)	((a) < (gvt)->size / 2)
#define gvt_gmadr_is_valid(gvt, a)	((a) < (gvt)->size)
#define vgpu_aperture_offset(vgpu)	gvt_aperture_gmadr_base((vgpu)->gvt)
#define vgpu_hidden_offset(vgpu)	gvt_hidden_gmadr_base((vgpu)->gvt)
#define vgpu_aperture_gmadr_base(vgpu)	gvt_aperture_gmadr_base((vgpu)->gvt)
#define vgpu_hidden_gmadr_base(vgpu)	gvt_hidden_gmadr_base((vgpu)->gvt)
#define vgpu_aperture_sz(vgpu)		((vgpu)->gvt->size / 2)
#define vgpu_hidden_sz(vgpu)		((vgpu)->gvt->size / 2)
#define vgpu_gmadr_is_aperture(vgpu, a)	gvt_gmadr_is_aperture((vgpu)->gvt, a)
#define vgpu_gmadr_is_valid(vgpu, a)	gvt_gmadr_is_valid((vgpu)->gvt, a)

static inline bool vgpu_gmadr_is_hidden(const struct intel_vgpu *vgpu, u64 a)
{
	return gvt_gmadr_is_valid(vgpu->gvt, a) && !gvt_gmadr_is_aperture(vgpu->gvt, a);
}

#define GRAPHICS_VER(i915)		9
#define HAS_PAGE_SIZES(i915, size)	false
#define vgpu_vreg_t(vgpu, reg)		0u
/* There is one. */
#define for_each_engine(engine, gt, i)	for (bool more = !((i) = 0); more; more = false)

#define GEM_BUG_ON(cond)		BUILD_BUG_ON_INVALID(cond)
#define GEM_WARN_ON(cond)		unlikely(cond)
#define drm_WARN(drm, cond, ...)	WARN(cond, __VA_ARGS__)
#define drm_WARN_ON(drm, cond)		WARN_ON(cond)

void gvt_environment_error(void);

#define gvt_err(fmt, ...)		(no_printk(fmt, ##__VA_ARGS__), gvt_environment_error())
#define gvt_vgpu_err(fmt, ...)		gvt_err(fmt, ##__VA_ARGS__)
#define gvt_dbg_mm(fmt, ...)		no_printk(fmt, ##__VA_ARGS__)
#define gvt_dbg_core(fmt, ...)		no_printk(fmt, ##__VA_ARGS__)

/* GVT's tracepoints */
#define trace_gma_index(...)		((void)0)
#define trace_gma_translate(...)	((void)0)
#define trace_oos_change(...)		((void)0)
#define trace_oos_sync(...)		((void)0)
#define trace_spt_alloc(...)		((void)0)
#define trace_spt_change(...)		((void)0)
#define trace_spt_free(...)		((void)0)
#define trace_spt_guest_change(...)	((void)0)
#define trace_spt_refcount(...)		((void)0)

/* The GPU's registers: dom0's i915 makes the GPU forget old entries with one write. */
#define mmio_hw_access_pre(gt)		((void)0)
#define mmio_hw_access_post(gt)		((void)0)
#define intel_uncore_write(u, reg, v)	((void)0)

/* The GGTT is in memory, as that of the other candidate. */
#undef readq
#undef writeq
#define readq(addr)			READ_ONCE(*(u64 *)(addr))
#define writeq(v, addr)			WRITE_ONCE(*(u64 *)(addr), v)

/* Pages of dom0 are mapped for the GPU for nothing. */
#define dma_map_page(dev, page, offset, size, dir)	((void)(dev), page_to_phys(page))
#define dma_unmap_page(dev, addr, size, dir)		((void)(dev))
#define dma_mapping_error(dev, addr)			false

/* KVM's, and what kvmgt.c has */
bool kvm_is_visible_gfn(struct kvm *kvm, unsigned long gfn);

typedef u64 kvm_pfn_t;

static inline kvm_pfn_t gfn_to_pfn(struct kvm *kvm, unsigned long gfn)
{
	return gfn;
}

#define is_error_noslot_pfn(pfn)	false
#define kvm_release_pfn_clean(pfn)	((void)0)

int intel_gvt_read_gpa(struct intel_vgpu *vgpu, unsigned long gpa, void *buf, unsigned long len);
int intel_gvt_write_gpa(struct intel_vgpu *vgpu, unsigned long gpa, void *buf, unsigned long len);
int intel_gvt_dma_map_guest_page(struct intel_vgpu *vgpu, unsigned long gfn, unsigned long size,
				 dma_addr_t *dma_addr);
void intel_gvt_dma_unmap_guest_page(struct intel_vgpu *vgpu, dma_addr_t dma_addr);
int intel_gvt_page_track_add(struct intel_vgpu *vgpu, u64 gfn);
int intel_gvt_page_track_remove(struct intel_vgpu *vgpu, u64 gfn);

#endif /* _XENGT_BENCH_GVT_ENVIRONMENT_H */
