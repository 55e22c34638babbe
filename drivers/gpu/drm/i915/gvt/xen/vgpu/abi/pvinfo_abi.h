/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PVINFO page: the ABI between a guest's i915 and the mediator of its virtual GPU.
 *
 * Source: i915's i915_pvinfo.h. The fields have i915's names; the constants have i915's names with
 * the prefix XENGT_, since a file may include both headers. All fields are little-endian. Gaps are
 * named rsv.
 */

#ifndef _XENGT_PVINFO_ABI_H
#define _XENGT_PVINFO_ABI_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* Offset of the page in BAR 0, and its size, in bytes */
#define XENGT_VGT_PVINFO_PAGE		0x78000
#define XENGT_VGT_PVINFO_SIZE		0x1000

#define XENGT_VGT_MAGIC			0x4776544776544776ULL	/* "vGTvGTvG" */
#define XENGT_VGT_VERSION_MAJOR		1
#define XENGT_VGT_VERSION_MINOR		0

/* Values that the guest writes to g2v_notify */
#define XENGT_VGT_G2V_PPGTT_L3_PAGE_TABLE_CREATE	2
#define XENGT_VGT_G2V_PPGTT_L3_PAGE_TABLE_DESTROY	3
#define XENGT_VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE	4
#define XENGT_VGT_G2V_PPGTT_L4_PAGE_TABLE_DESTROY	5
#define XENGT_VGT_G2V_EXECLIST_CONTEXT_CREATE		6
#define XENGT_VGT_G2V_EXECLIST_CONTEXT_DESTROY		7

/* vgt_caps: PPGTTs are shadowed; the status page is emulated; PPGTTs can have large pages */
#define XENGT_VGT_CAPS_FULL_PPGTT	BIT(2)
#define XENGT_VGT_CAPS_HWSP_EMULATION	BIT(3)
#define XENGT_VGT_CAPS_HUGE_GTT		BIT(4)

/* A range of graphics addresses: start and size, in bytes */
struct xengt_vgt_range {
	u32 base;
	u32 size;
};

/* The page: i915's struct vgt_if. The mediator writes the first half, the guest the second. */
struct xengt_vgt_if {
	u64 magic;
	u16 version_major;
	u16 version_minor;
	u32 vgt_id;
	u32 vgt_caps;
	u32 rsv1[11];

	/* Offset 0x40: what the guest may use of the GPU */
	struct {
		struct xengt_vgt_range mappable_gmadr;
		struct xengt_vgt_range nonmappable_gmadr;
		u32 fence_num;
		u32 rsv2[3];
	} avail_rs;
	u32 rsv3[0x200 - 24];

	/* Offset 0x800 */
	u32 rsv4;
	u32 display_ready;
	u32 rsv5[4];
	u32 g2v_notify;
	u32 rsv6[5];
	u32 cursor_x_hot;
	u32 cursor_y_hot;
	struct {
		u32 lo;
		u32 hi;
	} pdp[4];
	u32 execlist_context_descriptor_lo;
	u32 execlist_context_descriptor_hi;
	u32 rsv7[0x200 - 24];
};

static_assert(sizeof(struct xengt_vgt_if) == XENGT_VGT_PVINFO_SIZE);
static_assert(offsetof(struct xengt_vgt_if, avail_rs) == 0x40);
static_assert(offsetof(struct xengt_vgt_if, rsv4) == 0x800);
static_assert(offsetof(struct xengt_vgt_if, g2v_notify) == 0x818);
static_assert(offsetof(struct xengt_vgt_if, pdp) == 0x838);

#endif /* _XENGT_PVINFO_ABI_H */
