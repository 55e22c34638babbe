/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The format of a saved virtual GPU: what xengt_vgpu_save() writes and xengt_vgpu_restore() reads.
 *
 * All numbers are little-endian. Nothing is between the three parts, which follow each other in
 * this order:
 *
 *	struct xengt_saved
 *
 *	The entries of the GGTT, as the guest wrote them, in the format of the generation's GTT: 8
 *	bytes each, or 4 for generation 7. First all entries of range 0 of the share, then all of
 *	range 1.
 *
 *	struct xengt_saved_root, one for each PPGTT that the guest has announced. They ascend by the
 *	bytes of their key, as memcmp() compares them, and no two have the same.
 *
 * So the share and the number of PPGTTs determine the length, and one state has one form.
 *
 * A change of the format changes the version. xengt_vgpu_restore() takes no other version than its
 * own.
 */

#ifndef _XENGT_SAVED_ABI_H
#define _XENGT_SAVED_ABI_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define XENGT_SAVED_MAGIC	0x555047764e654758ULL	/* "XGeNvGPU" */
#define XENGT_SAVED_VERSION	1

/* Number of ranges of a share, and of addresses of a root */
#define XENGT_SAVED_RANGES	2
#define XENGT_SAVED_PDPS	4

/**
 * struct xengt_saved_range - the place of a range of the guest's share of the GGTT
 * @first: number of its first entry in the GGTT
 * @n: number of its entries; 0: the range is empty
 */
struct xengt_saved_range {
	__le64 first;
	__le64 n;
};

/**
 * struct xengt_saved_pvinfo - what the guest did to the PVINFO page
 * @display_ready: the field of that name, as the guest wrote it. So are the next five.
 * @g2v_notify: number of the last notification
 * @cursor_x_hot: hot spot of the cursor, or 0xffffffff
 * @cursor_y_hot: the same
 * @pdp: the root for notifications about PPGTTs; bits 32 to 63 are the field "hi"
 * @context: the context for notifications about contexts; bits 32 to 63 are the field
 *	"execlist_context_descriptor_hi"
 * @magic_read: which halves of the magic the guest's last reads covered: bit 0 the lower one, bit 1
 *	the upper one; other bits are 0
 * @loading: 1: a driver has started to load, and has not reported yet that it has loaded; else 0
 */
struct xengt_saved_pvinfo {
	__le32 display_ready;
	__le32 g2v_notify;
	__le32 cursor_x_hot;
	__le32 cursor_y_hot;
	__le64 pdp[XENGT_SAVED_PDPS];
	__le64 context;
	__le32 magic_read;
	__le32 loading;
};

/**
 * struct xengt_saved - the beginning of a saved virtual GPU
 * @magic: XENGT_SAVED_MAGIC
 * @version: XENGT_SAVED_VERSION
 * @generation: generation of the GPU that the guest sees
 * @len: length of all three parts, in bytes
 * @range: the guest's share of the GGTT
 * @caps: the capabilities that PVINFO offers
 * @fences: the number of fence registers that PVINFO tells
 * @pvinfo: what the guest did to PVINFO
 * @nr_roots: number of PPGTTs that the guest has announced; 0 for generation 7
 * @reserved: 0
 */
struct xengt_saved {
	__le64 magic;
	__le32 version;
	__le32 generation;
	__le64 len;
	struct xengt_saved_range range[XENGT_SAVED_RANGES];
	__le32 caps;
	__le32 fences;
	struct xengt_saved_pvinfo pvinfo;
	__le32 nr_roots;
	__le32 reserved;
};

/**
 * struct xengt_saved_root - a PPGTT that the guest has announced
 * @key: identifies the PPGTT: struct xengt_ppgtt_root, with addresses of tables only
 * @key.levels: 3 or 4
 * @key.reserved: 0
 * @key.pdp: guest-physical addresses of the tables, in bytes; 0 names no table
 * @announced: how many announcements the guest has not taken back; at least 1
 * @old: how many of these were made before a driver of the guest's last started to load
 */
struct xengt_saved_root {
	struct {
		__le32 levels;
		__le32 reserved;
		__le64 pdp[XENGT_SAVED_PDPS];
	} key;
	__le32 announced;
	__le32 old;
};

static_assert(sizeof(struct xengt_saved_pvinfo) == 64);
static_assert(sizeof(struct xengt_saved) == 136);
static_assert(offsetof(struct xengt_saved, pvinfo) == 64);
static_assert(sizeof(struct xengt_saved_root) == 48);

#endif /* _XENGT_SAVED_ABI_H */
