/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of a domain's mappings: blocks of 512 GFNs in an xarray.
 *
 * Each GFN has two sides, so that a new mapping can be made and handed out before the old one is
 * taken away. One side is the current one. The GFN's state tells what the current side is:
 *
 *  UNMAPPED  Xen holds nothing for us
 *  LIVE      mapped, with users
 *  IDLE      mapped, without users, in the unmap queue
 *  AGED      idle since before the last tick of the queue's clock
 *  MOVING    mapped anew: a notice that names the new mapping is not delivered yet
 *  GONE      the GFN has no page: a notice that says so is not delivered yet
 *  LOST      as GONE, but Xen holds nothing for us any more
 *  STUCK     without users, to be unmapped, as the other side is
 *
 * The other side is held (XEN_GPU_GFN_OTHER) while a GFN is MOVING, and until Xen has unmapped it.
 *
 * A mapping is trusted if it was made or looked at in the present generation of the domain's
 * balloon events. Its block has the number of the generation in which its live GFNs were looked at
 * last; a GFN that could not be looked at then, or was idle, is STALE. Only what is trusted is
 * handed out to somebody who is to be its first user, but for what is MOVING: the news of that name
 * it, and the revalidation that follows a newer event looks at it again.
 *
 * Invariants: LIVE => count > 0; UNMAPPED, IDLE, AGED, STUCK => count 0. What a notice names
 * (MOVING, GONE, LOST) is not drained, revived, moved or unmapped before it is delivered. States
 * change only as xen_gpu_gfn_set_state() allows. A block with nothing held is freed by the one that
 * emptied it, so the table is bounded by what is mapped. A block with idle GFNs is marked. It keeps
 * its mark when they are revived, as they are likely to be idle again soon; whoever passes the
 * queue takes it away.
 *
 * Locking: everything here is under the domain's lock.
 */

#ifndef _XEN_GPU_MAP_TABLE_H
#define _XEN_GPU_MAP_TABLE_H

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

enum xen_gpu_gfn_state {
	XEN_GPU_GFN_UNMAPPED,
	XEN_GPU_GFN_LIVE,
	XEN_GPU_GFN_IDLE,
	XEN_GPU_GFN_AGED,
	XEN_GPU_GFN_MOVING,
	XEN_GPU_GFN_GONE,
	XEN_GPU_GFN_LOST,
	XEN_GPU_GFN_STUCK,
	XEN_GPU_NR_GFN_STATES
};

/* The byte of a GFN: its state, and flags */
#define XEN_GPU_GFN_STATE	GENMASK(2, 0)
#define XEN_GPU_GFN_SIDE	BIT(3)	/* which side is the current one */
#define XEN_GPU_GFN_OTHER	BIT(4)	/* the other side is held, too */
#define XEN_GPU_GFN_WRITABLE	BIT(5)	/* the current side is mapped for writing */
#define XEN_GPU_GFN_UPGRADE	BIT(6)	/* a revalidation is to make it writable */
#define XEN_GPU_GFN_STALE	BIT(7)	/* not looked at since an event */

struct xen_gpu_arena;

struct xen_gpu_block {
	unsigned long index;			/* GFN >> XEN_GPU_BLOCK_SHIFT */
	u32 generation;				/* of events, when its live GFNs were looked at */
	u16 nr_held[XEN_GPU_SIDES];		/* GFNs that are held on each side */
	u16 nr_idle;				/* IDLE and AGED */
	u16 nr_leftover;			/* held other sides, and STUCK ones */
	u16 nr_named;				/* in a notice: MOVING, GONE and LOST */
	u16 nr_stale;				/* STALE */
	bool marked;				/* XEN_GPU_BLOCK_IDLE is set */
	u32 count[XEN_GPU_BLOCK_GFNS];		/* our users of each GFN */
	u8 gfn[XEN_GPU_BLOCK_GFNS];		/* state and flags of each */
	void *backend[XEN_GPU_SIDES];		/* the backend's own, see backend.h */
	struct xen_gpu_arena *arena;		/* of its chunk, see window.c; NULL: none */
	u64 window;				/* the first BFN of that */
};

/**
 * struct xen_gpu_table - all mappings of a domain
 * @blocks: of struct xen_gpu_block, by index
 * @nr_blocks: how many there are
 * @nr_held: GFNs whose current side is held, that is all but UNMAPPED and LOST
 * @held_peak: the most there ever were
 * @nr_idle: of these IDLE or AGED
 * @nr_leftover: other sides that are held, and STUCK GFNs
 */
struct xen_gpu_table {
	struct xarray blocks;
	unsigned long nr_blocks;
	unsigned long nr_held;
	unsigned long held_peak;
	unsigned long nr_idle;
	unsigned long nr_leftover;
};

static inline enum xen_gpu_gfn_state xen_gpu_gfn_state(const struct xen_gpu_block *block,
						       unsigned int slot)
{
	return block->gfn[slot] & XEN_GPU_GFN_STATE;
}

static inline bool xen_gpu_gfn_is(const struct xen_gpu_block *block, unsigned int slot, u8 flag)
{
	return block->gfn[slot] & flag;
}

static inline bool xen_gpu_gfn_idle(const struct xen_gpu_block *block, unsigned int slot)
{
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, slot);

	return state == XEN_GPU_GFN_IDLE || state == XEN_GPU_GFN_AGED;
}

/* Is it in a notice that is not delivered yet? */
static inline bool xen_gpu_gfn_named(const struct xen_gpu_block *block, unsigned int slot)
{
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, slot);

	return state == XEN_GPU_GFN_MOVING || state == XEN_GPU_GFN_GONE ||
	       state == XEN_GPU_GFN_LOST;
}

static inline unsigned int xen_gpu_slot_side(const struct xen_gpu_block *block, unsigned int slot)
{
	return xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_SIDE);
}

/* Is the current side held? */
static inline bool xen_gpu_slot_held(const struct xen_gpu_block *block, unsigned int slot)
{
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, slot);

	return state != XEN_GPU_GFN_UNMAPPED && state != XEN_GPU_GFN_LOST;
}

static inline bool xen_gpu_slot_held_on(const struct xen_gpu_block *block, unsigned int slot,
					unsigned int side)
{
	if (side == xen_gpu_slot_side(block, slot))
		return xen_gpu_slot_held(block, slot);
	return xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_OTHER);
}

static inline u64 xen_gpu_slot_gfn(const struct xen_gpu_block *block, unsigned int slot)
{
	return ((u64)block->index << XEN_GPU_BLOCK_SHIFT) | slot;
}

static inline unsigned int xen_gpu_gfn_slot(u64 gfn)
{
	return gfn & (XEN_GPU_BLOCK_GFNS - 1);
}

static inline bool xen_gpu_block_empty(const struct xen_gpu_block *block)
{
	return !block->nr_held[0] && !block->nr_held[1] && !block->nr_named;
}

int xen_gpu_table_init_cache(void);
void xen_gpu_table_exit_cache(void);

void xen_gpu_table_init(struct xen_gpu_table *table);
void xen_gpu_table_exit(struct xen_gpu_table *table);
struct xen_gpu_block *xen_gpu_table_find(struct xen_gpu_table *table, u64 gfn);
struct xen_gpu_block *xen_gpu_table_find_or_add(struct xen_gpu_table *table, u64 gfn,
						u32 generation);
void xen_gpu_table_remove(struct xen_gpu_table *table, struct xen_gpu_block *block);

void xen_gpu_gfn_set_state(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int slot, enum xen_gpu_gfn_state state);
void xen_gpu_gfn_set_other(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int slot, bool held);
void xen_gpu_gfn_set_stale(struct xen_gpu_block *block, unsigned int slot, bool stale);
void xen_gpu_gfn_assign(struct xen_gpu_block *block, unsigned int slot, u8 flag, bool set);
void xen_gpu_gfn_swap_sides(struct xen_gpu_table *table, struct xen_gpu_block *block,
			    unsigned int slot);
void xen_gpu_gfn_set_aside(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int slot);
void xen_gpu_slot_drop(struct xen_gpu_table *table, struct xen_gpu_block *block,
		       unsigned int slot, unsigned int side);

void xen_gpu_block_unmark(struct xen_gpu_table *table, struct xen_gpu_block *block);
bool xen_gpu_block_age(struct xen_gpu_table *table, struct xen_gpu_block *block);

#endif /* _XEN_GPU_MAP_TABLE_H */
