/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of a domain's mappings: blocks of 512 GFNs in an xarray.
 *
 * Each GFN can have two mappings at once, so that a new mapping can be made and handed out before
 * the old one is unmapped. One of them is the current mapping, the one that map calls hand out. The
 * GFN's state describes the current mapping:
 *
 *  UNMAPPED  Xen holds no reference
 *  LIVE      mapped, with users
 *  IDLE      mapped, without users, on the idle list
 *  AGED      as IDLE, since before the last tick of the idle list's clock
 *  MOVING    the current mapping is new; the notice that names it is not delivered yet
 *  GONE      the GFN has no page; the notice that says so is not delivered yet
 *  LOST      as GONE, but Xen holds no reference any more
 *  STUCK     without users, still to be unmapped; so is the other mapping
 *
 * A notice is the list of moves that a revalidation reports to the clients. XEN_GPU_GFN_OTHER says
 * that Xen holds a reference for the other mapping. While a GFN is MOVING the other mapping is the
 * old one, unless Xen has dropped that already. An other mapping that nobody uses any more stays
 * held until Xen has unmapped it.
 *
 * A mapping is trusted if it was made or revalidated in the domain's current generation. Each
 * balloon event starts a new generation. The block records the generation in which its live GFNs
 * were last revalidated. A GFN is STALE if it was idle then or could not be revalidated. A GFN
 * without users is handed out again only if its mapping is trusted. MOVING is the exception: the
 * pending notice names its mapping, and the revalidation after a newer event checks it again.
 *
 * Invariants:
 *
 *  - LIVE => count > 0; UNMAPPED, IDLE, AGED, STUCK => count == 0.
 *  - A GFN that a notice names (MOVING, GONE, LOST) is not drained, revived, moved or unmapped
 *    before the notice is delivered.
 *  - States change only as xen_gpu_gfn_set_state() allows.
 *  - Only a GFN that is STALE has failed revalidations to count.
 *  - A block in which nothing is held is freed by whoever emptied it, so the size of the table is
 *    bounded by what is mapped.
 *  - A block with idle GFNs has the mark XEN_GPU_BLOCK_IDLE. The block keeps the mark when its GFNs
 *    are revived, as they are likely to be idle again soon. The next pass over the idle list that
 *    finds no idle GFN in the block clears the mark.
 *
 * Locking: the domain's lock protects everything here.
 */

#ifndef _XEN_GPU_MAP_BLOCK_H
#define _XEN_GPU_MAP_BLOCK_H

#include <linux/bits.h>
#include <linux/types.h>
#include <linux/xarray.h>

#define XEN_GPU_BLOCK_SHIFT	9
#define XEN_GPU_BLOCK_GFNS	BIT(XEN_GPU_BLOCK_SHIFT)
#define XEN_GPU_MAPPINGS	2

/* The highest GFN on x86: physical addresses have 52 bits. */
#define XEN_GPU_MAX_GFN		((1ULL << (52 - 12)) - 1)

/* xarray mark of blocks that have idle GFNs, or had some */
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

/* A GFN's byte in xen_gpu_block.gfn[]: its state and its flags */
#define XEN_GPU_GFN_STATE	GENMASK(2, 0)
#define XEN_GPU_GFN_CURRENT	BIT(3)	/* index of the current mapping */
#define XEN_GPU_GFN_OTHER	BIT(4)	/* Xen holds the other mapping, too */
#define XEN_GPU_GFN_WRITABLE	BIT(5)	/* the current mapping is writable */
#define XEN_GPU_GFN_UPGRADE	BIT(6)	/* the next revalidation makes it writable */
#define XEN_GPU_GFN_STALE	BIT(7)	/* not revalidated since an event */

struct xen_gpu_arena;

struct xen_gpu_block {
	unsigned long index;			/* GFN >> XEN_GPU_BLOCK_SHIFT */
	u32 generation;				/* of the last revalidation */
	u16 nr_held[XEN_GPU_MAPPINGS];		/* held GFNs, for each mapping */
	u16 nr_idle;				/* GFNs that are IDLE or AGED */
	u16 nr_leftover;			/* other mappings held, plus STUCK GFNs */
	u16 nr_named;				/* GFNs in a notice: MOVING, GONE, LOST */
	u16 nr_stale;				/* GFNs that are STALE */
	bool marked;				/* XEN_GPU_BLOCK_IDLE is set */
	u32 count[XEN_GPU_BLOCK_GFNS];		/* references of the clients on each GFN */
	u8 gfn[XEN_GPU_BLOCK_GFNS];		/* state and flags of each GFN */
	u8 *unknown;				/* see xen_gpu_gfn_unknown(); NULL: all are 0 */
	void *backend[XEN_GPU_MAPPINGS];	/* the backend's data for each mapping */
	struct xen_gpu_arena *arena;		/* its chunk's arena (window.c), or NULL */
	u64 window;				/* the first BFN of its chunk */
};

/**
 * struct xen_gpu_table - all mappings of a domain
 * @blocks: struct xen_gpu_block, by index (GFN >> XEN_GPU_BLOCK_SHIFT)
 * @nr_blocks: number of blocks
 * @nr_held: GFNs whose current mapping is held: those in any state but UNMAPPED and LOST
 * @held_peak: the highest value that @nr_held has had
 * @nr_idle: GFNs that are IDLE or AGED; they are included in @nr_held
 * @nr_leftover: other mappings that are held, plus STUCK GFNs
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
						       unsigned int idx)
{
	return block->gfn[idx] & XEN_GPU_GFN_STATE;
}

static inline bool xen_gpu_gfn_is(const struct xen_gpu_block *block, unsigned int idx, u8 flag)
{
	return block->gfn[idx] & flag;
}

static inline bool xen_gpu_gfn_idle(const struct xen_gpu_block *block, unsigned int idx)
{
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, idx);

	return state == XEN_GPU_GFN_IDLE || state == XEN_GPU_GFN_AGED;
}

/* Does a notice that is not delivered yet name the GFN? */
static inline bool xen_gpu_gfn_named(const struct xen_gpu_block *block, unsigned int idx)
{
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, idx);

	return state == XEN_GPU_GFN_MOVING || state == XEN_GPU_GFN_GONE ||
	       state == XEN_GPU_GFN_LOST;
}

static inline unsigned int xen_gpu_gfn_current(const struct xen_gpu_block *block, unsigned int idx)
{
	return xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_CURRENT);
}

/* Does Xen hold a reference for the current mapping? */
static inline bool xen_gpu_gfn_held(const struct xen_gpu_block *block, unsigned int idx)
{
	enum xen_gpu_gfn_state state = xen_gpu_gfn_state(block, idx);

	return state != XEN_GPU_GFN_UNMAPPED && state != XEN_GPU_GFN_LOST;
}

/* Does Xen hold a reference for this mapping of the GFN? */
static inline bool xen_gpu_gfn_holds(const struct xen_gpu_block *block, unsigned int idx,
				     unsigned int mapping)
{
	if (mapping == xen_gpu_gfn_current(block, idx))
		return xen_gpu_gfn_held(block, idx);
	return xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_OTHER);
}

static inline u64 xen_gpu_block_gfn(const struct xen_gpu_block *block, unsigned int idx)
{
	return ((u64)block->index << XEN_GPU_BLOCK_SHIFT) | idx;
}

static inline unsigned int xen_gpu_block_idx(u64 gfn)
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
			   unsigned int idx, enum xen_gpu_gfn_state state);
void xen_gpu_gfn_set_other(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int idx, bool held);
void xen_gpu_gfn_set_stale(struct xen_gpu_block *block, unsigned int idx, bool stale);
unsigned int xen_gpu_gfn_unknown(const struct xen_gpu_block *block, unsigned int idx);
void xen_gpu_gfn_set_unknown(struct xen_gpu_block *block, unsigned int idx);
void xen_gpu_gfn_assign(struct xen_gpu_block *block, unsigned int idx, u8 flag, bool set);
void xen_gpu_gfn_swap_mappings(struct xen_gpu_table *table, struct xen_gpu_block *block,
			       unsigned int idx);
void xen_gpu_gfn_set_aside(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int idx);
void xen_gpu_gfn_drop(struct xen_gpu_table *table, struct xen_gpu_block *block,
		      unsigned int idx, unsigned int mapping);

void xen_gpu_block_unmark(struct xen_gpu_table *table, struct xen_gpu_block *block);
bool xen_gpu_block_age(struct xen_gpu_table *table, struct xen_gpu_block *block);

#endif /* _XEN_GPU_MAP_BLOCK_H */
