/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of a domain's mappings: blocks of 512 GFNs in an xarray.
 *
 * A GFN is unmapped (not held), live (held, count > 0) or idle (held, count 0, queued for unmap).
 * Idle is a bit: queueing and reviving allocate nothing.
 *
 * Each GFN has two sides, so that a new mapping can be made and handed out before the old one is
 * taken away: bit @side tells which one is current. Outside of a revalidation only the current
 * side is held; a slot that stays held on the other side is one that Xen refused to unmap.
 *
 * Invariants: idle => held on the current side and count 0; count > 0 => held on the current
 * side; a block with nothing held and no count is freed by the one that emptied it, so the table
 * is bounded by what is mapped. A block with idle GFNs is marked. It keeps its mark when they are
 * revived, as they are likely to be idle again soon; whoever passes the queue takes it away.
 *
 * Locking: everything here is under the domain's lock.
 */

#ifndef _XEN_GPU_MAP_TABLE_H
#define _XEN_GPU_MAP_TABLE_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/types.h>
#include <linux/xarray.h>

#define XEN_GPU_BLOCK_SHIFT	9
#define XEN_GPU_BLOCK_GFNS	BIT(XEN_GPU_BLOCK_SHIFT)
#define XEN_GPU_SIDES		2

/* GFNs above this do not exist on x86: physical addresses have 52 bits. */
#define XEN_GPU_MAX_GFN		((1ULL << (52 - 12)) - 1)

/* xarray mark of blocks that hold idle GFNs, or did */
#define XEN_GPU_BLOCK_IDLE	XA_MARK_0

struct xen_gpu_block {
	unsigned long index;				/* GFN >> XEN_GPU_BLOCK_SHIFT */
	u16 nr_idle;
	bool marked;					/* XEN_GPU_BLOCK_IDLE is set */
	u32 count[XEN_GPU_BLOCK_GFNS];			/* our users of each GFN */
	DECLARE_BITMAP(held[XEN_GPU_SIDES], XEN_GPU_BLOCK_GFNS);	/* Xen holds a reference */
	DECLARE_BITMAP(side, XEN_GPU_BLOCK_GFNS);	/* the current side */
	DECLARE_BITMAP(writable, XEN_GPU_BLOCK_GFNS);	/* the current side is mapped for writing */
	DECLARE_BITMAP(upgrade, XEN_GPU_BLOCK_GFNS);	/* to be made writable by a revalidation */
	DECLARE_BITMAP(idle, XEN_GPU_BLOCK_GFNS);	/* in the unmap queue */
	DECLARE_BITMAP(aged, XEN_GPU_BLOCK_GFNS);	/* idle since before the last tick */
	DECLARE_BITMAP(gone, XEN_GPU_BLOCK_GFNS);	/* being taken away by a revalidation */
	void *backend[XEN_GPU_SIDES];			/* the backend's own, see backend.h */
};

static inline unsigned int xen_gpu_slot_side(const struct xen_gpu_block *block, unsigned int slot)
{
	return test_bit(slot, block->side);
}

static inline bool xen_gpu_slot_held(const struct xen_gpu_block *block, unsigned int slot)
{
	return test_bit(slot, block->held[xen_gpu_slot_side(block, slot)]);
}

static inline u64 xen_gpu_slot_gfn(const struct xen_gpu_block *block, unsigned int slot)
{
	return ((u64)block->index << XEN_GPU_BLOCK_SHIFT) | slot;
}

static inline unsigned int xen_gpu_gfn_slot(u64 gfn)
{
	return gfn & (XEN_GPU_BLOCK_GFNS - 1);
}

int xen_gpu_table_init_cache(void);
void xen_gpu_table_exit_cache(void);

struct xen_gpu_block *xen_gpu_table_find(struct xarray *table, u64 gfn);
struct xen_gpu_block *xen_gpu_table_find_or_add(struct xarray *table, u64 gfn);
void xen_gpu_table_remove(struct xarray *table, struct xen_gpu_block *block);
bool xen_gpu_block_empty(const struct xen_gpu_block *block);

void xen_gpu_slot_set_idle(struct xarray *table, struct xen_gpu_block *block, unsigned int slot);
void xen_gpu_slot_clear_idle(struct xen_gpu_block *block, unsigned int slot);
void xen_gpu_block_unmark(struct xarray *table, struct xen_gpu_block *block);
bool xen_gpu_block_age(struct xarray *table, struct xen_gpu_block *block);

#endif /* _XEN_GPU_MAP_TABLE_H */
