// SPDX-License-Identifier: GPL-2.0
/*
 * The table of a domain's mappings; see table.h for the states, the invariants and the locking.
 */

#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "table.h"

static struct kmem_cache *block_cache;

/* From which states each one may be entered; UNMAPPED from all: a domain may end at any time. */
static const u8 entered_from[XEN_GPU_NR_GFN_STATES] = {
	[XEN_GPU_GFN_UNMAPPED] = 0xff,
	[XEN_GPU_GFN_LIVE] = BIT(XEN_GPU_GFN_UNMAPPED) | BIT(XEN_GPU_GFN_IDLE) |
			     BIT(XEN_GPU_GFN_AGED) | BIT(XEN_GPU_GFN_MOVING),
	[XEN_GPU_GFN_IDLE] = BIT(XEN_GPU_GFN_LIVE) | BIT(XEN_GPU_GFN_MOVING),
	[XEN_GPU_GFN_AGED] = BIT(XEN_GPU_GFN_IDLE),
	[XEN_GPU_GFN_MOVING] = BIT(XEN_GPU_GFN_LIVE),
	[XEN_GPU_GFN_GONE] = BIT(XEN_GPU_GFN_LIVE),
	[XEN_GPU_GFN_LOST] = BIT(XEN_GPU_GFN_LIVE),
	[XEN_GPU_GFN_STUCK] = BIT(XEN_GPU_GFN_GONE),
};

int xen_gpu_table_init_cache(void)
{
	block_cache = KMEM_CACHE(xen_gpu_block, SLAB_ACCOUNT);
	return block_cache ? 0 : -ENOMEM;
}

void xen_gpu_table_exit_cache(void)
{
	kmem_cache_destroy(block_cache);
}

void xen_gpu_table_init(struct xen_gpu_table *table)
{
	*table = (struct xen_gpu_table){};
	xa_init(&table->blocks);
}

void xen_gpu_table_exit(struct xen_gpu_table *table)
{
	WARN_ON(table->nr_blocks);
	xa_destroy(&table->blocks);
}

struct xen_gpu_block *xen_gpu_table_find(struct xen_gpu_table *table, u64 gfn)
{
	return xa_load(&table->blocks, gfn >> XEN_GPU_BLOCK_SHIFT);
}

/*
 * The block of a GFN; a new one counts as looked at in this generation, as nothing is in it yet.
 * ERR_PTR(-ENOMEM) if one is needed and cannot be had.
 */
struct xen_gpu_block *xen_gpu_table_find_or_add(struct xen_gpu_table *table, u64 gfn,
						u32 generation)
{
	struct xen_gpu_block *block = xen_gpu_table_find(table, gfn);
	int rc;

	if (block)
		return block;
	block = kmem_cache_zalloc(block_cache, GFP_KERNEL);
	if (!block)
		return ERR_PTR(-ENOMEM);
	block->index = gfn >> XEN_GPU_BLOCK_SHIFT;
	block->generation = generation;
	rc = xa_insert(&table->blocks, block->index, block, GFP_KERNEL);
	if (rc) {
		kmem_cache_free(block_cache, block);
		return ERR_PTR(rc);
	}
	table->nr_blocks++;
	return block;
}

void xen_gpu_table_remove(struct xen_gpu_table *table, struct xen_gpu_block *block)
{
	xa_erase(&table->blocks, block->index);
	kmem_cache_free(block_cache, block);
	table->nr_blocks--;
}

static void mark_idle(struct xen_gpu_table *table, struct xen_gpu_block *block)
{
	if (block->marked)
		return;
	xa_set_mark(&table->blocks, block->index, XEN_GPU_BLOCK_IDLE);
	block->marked = true;
}

static void count_idle(struct xen_gpu_table *table, struct xen_gpu_block *block, int n)
{
	block->nr_idle += n;
	table->nr_idle += n;
	if (n > 0)
		mark_idle(table, block);
}

static void count_held(struct xen_gpu_table *table, struct xen_gpu_block *block,
		       unsigned int side, int n)
{
	block->nr_held[side] += n;
	table->nr_held += n;
	table->held_peak = max(table->held_peak, table->nr_held);
}

static void count_leftover(struct xen_gpu_table *table, struct xen_gpu_block *block, int n)
{
	block->nr_leftover += n;
	table->nr_leftover += n;
}

/* Adds n for the state that the GFN has. */
static void count_state(struct xen_gpu_table *table, struct xen_gpu_block *block,
			unsigned int slot, int n)
{
	if (xen_gpu_slot_held(block, slot))
		count_held(table, block, xen_gpu_slot_side(block, slot), n);
	if (xen_gpu_gfn_idle(block, slot))
		count_idle(table, block, n);
	if (xen_gpu_gfn_named(block, slot))
		block->nr_named += n;
	if (xen_gpu_gfn_state(block, slot) == XEN_GPU_GFN_STUCK)
		count_leftover(table, block, n);
}

/* The one place where a GFN's state changes. */
void xen_gpu_gfn_set_state(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int slot, enum xen_gpu_gfn_state state)
{
	WARN_ON_ONCE(!(entered_from[state] & BIT(xen_gpu_gfn_state(block, slot))));
	count_state(table, block, slot, -1);
	block->gfn[slot] = (block->gfn[slot] & ~XEN_GPU_GFN_STATE) | state;
	count_state(table, block, slot, 1);
	if (state == XEN_GPU_GFN_UNMAPPED) {
		xen_gpu_gfn_set_stale(block, slot, false);
		xen_gpu_gfn_assign(block, slot, XEN_GPU_GFN_UPGRADE | XEN_GPU_GFN_WRITABLE, false);
	}
}

void xen_gpu_gfn_assign(struct xen_gpu_block *block, unsigned int slot, u8 flag, bool set)
{
	if (set)
		block->gfn[slot] |= flag;
	else
		block->gfn[slot] &= ~flag;
}

void xen_gpu_gfn_set_stale(struct xen_gpu_block *block, unsigned int slot, bool stale)
{
	if (stale == xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_STALE))
		return;
	xen_gpu_gfn_assign(block, slot, XEN_GPU_GFN_STALE, stale);
	block->nr_stale += stale ? 1 : -1;
}

void xen_gpu_gfn_set_other(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int slot, bool held)
{
	int n = held ? 1 : -1;

	if (held == xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_OTHER))
		return;
	xen_gpu_gfn_assign(block, slot, XEN_GPU_GFN_OTHER, held);
	block->nr_held[!xen_gpu_slot_side(block, slot)] += n;
	count_leftover(table, block, n);
}

/* The other side is the current one from here on. Both are held, or none. */
void xen_gpu_gfn_swap_sides(struct xen_gpu_table *table, struct xen_gpu_block *block,
			    unsigned int slot)
{
	WARN_ON_ONCE(xen_gpu_slot_held(block, slot) !=
		     xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_OTHER));
	block->gfn[slot] ^= XEN_GPU_GFN_SIDE;
}

/*
 * The current mapping, which has no user, is to be undone as the other side: the GFN can be mapped
 * anew meanwhile. The other side is free.
 */
void xen_gpu_gfn_set_aside(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int slot)
{
	xen_gpu_gfn_set_other(table, block, slot, true);
	xen_gpu_gfn_swap_sides(table, block, slot);
	xen_gpu_gfn_set_state(table, block, slot, XEN_GPU_GFN_UNMAPPED);
}

/* Xen holds nothing for this side of the GFN any more. */
void xen_gpu_slot_drop(struct xen_gpu_table *table, struct xen_gpu_block *block,
		       unsigned int slot, unsigned int side)
{
	if (side == xen_gpu_slot_side(block, slot))
		xen_gpu_gfn_set_state(table, block, slot, XEN_GPU_GFN_UNMAPPED);
	else
		xen_gpu_gfn_set_other(table, block, slot, false);
}

void xen_gpu_block_unmark(struct xen_gpu_table *table, struct xen_gpu_block *block)
{
	xa_clear_mark(&table->blocks, block->index, XEN_GPU_BLOCK_IDLE);
	block->marked = false;
}

/* A tick of the clock: what is idle now is old at the next one. Tells whether anything is. */
bool xen_gpu_block_age(struct xen_gpu_table *table, struct xen_gpu_block *block)
{
	unsigned int slot;

	if (!block->nr_idle) {
		xen_gpu_block_unmark(table, block);
		return false;
	}
	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS; slot++) {
		if (xen_gpu_gfn_state(block, slot) == XEN_GPU_GFN_IDLE)
			xen_gpu_gfn_set_state(table, block, slot, XEN_GPU_GFN_AGED);
	}
	return true;
}
