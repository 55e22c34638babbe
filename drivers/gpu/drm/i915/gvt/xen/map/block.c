// SPDX-License-Identifier: GPL-2.0
/*
 * The table of a domain's mappings; see block.h for the states, the invariants and the locking.
 */

#include <linux/bug.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "block.h"

static struct kmem_cache *block_cache;

/*
 * For each state, the states from which it may be entered. UNMAPPED may be entered from all states,
 * as a domain may end at any time.
 */
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
 * Returns the block of a GFN, and adds it to the table if there is none. A new block starts in
 * @generation, as it has no mappings to revalidate. Returns ERR_PTR(-ENOMEM) if the block cannot be
 * allocated.
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
	kfree(block->unknown);
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
		       unsigned int mapping, int n)
{
	block->nr_held[mapping] += n;
	table->nr_held += n;
	table->held_peak = max(table->held_peak, table->nr_held);
}

static void count_leftover(struct xen_gpu_table *table, struct xen_gpu_block *block, int n)
{
	block->nr_leftover += n;
	table->nr_leftover += n;
}

/* Adds @n to every gauge that counts GFNs in this GFN's state. */
static void count_state(struct xen_gpu_table *table, struct xen_gpu_block *block,
			unsigned int idx, int n)
{
	if (xen_gpu_gfn_held(block, idx))
		count_held(table, block, xen_gpu_gfn_current(block, idx), n);
	if (xen_gpu_gfn_idle(block, idx))
		count_idle(table, block, n);
	if (xen_gpu_gfn_named(block, idx))
		block->nr_named += n;
	if (xen_gpu_gfn_state(block, idx) == XEN_GPU_GFN_STUCK)
		count_leftover(table, block, n);
}

/* Changes a GFN's state and the gauges. No other function writes the state. */
void xen_gpu_gfn_set_state(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int idx, enum xen_gpu_gfn_state state)
{
	WARN_ON_ONCE(!(entered_from[state] & BIT(xen_gpu_gfn_state(block, idx))));
	count_state(table, block, idx, -1);
	block->gfn[idx] = (block->gfn[idx] & ~XEN_GPU_GFN_STATE) | state;
	count_state(table, block, idx, 1);
	if (state == XEN_GPU_GFN_UNMAPPED) {
		xen_gpu_gfn_set_stale(block, idx, false);
		xen_gpu_gfn_assign(block, idx, XEN_GPU_GFN_UPGRADE | XEN_GPU_GFN_WRITABLE, false);
	}
}

void xen_gpu_gfn_assign(struct xen_gpu_block *block, unsigned int idx, u8 flag, bool set)
{
	if (set)
		block->gfn[idx] |= flag;
	else
		block->gfn[idx] &= ~flag;
}

/* Resets the GFN's failed revalidations, and frees the block's counts with the last STALE GFN. */
static void reset_unknown(struct xen_gpu_block *block, unsigned int idx)
{
	if (block->unknown)
		block->unknown[idx] = 0;
	if (block->nr_stale)
		return;
	kfree(block->unknown);
	block->unknown = NULL;
}

void xen_gpu_gfn_set_stale(struct xen_gpu_block *block, unsigned int idx, bool stale)
{
	if (stale == xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_STALE))
		return;
	xen_gpu_gfn_assign(block, idx, XEN_GPU_GFN_STALE, stale);
	block->nr_stale += stale ? 1 : -1;
	if (!stale)
		reset_unknown(block, idx);
}

/* Returns how many revalidations in a row, up to now, have learnt nothing about the GFN. */
unsigned int xen_gpu_gfn_unknown(const struct xen_gpu_block *block, unsigned int idx)
{
	return block->unknown ? block->unknown[idx] : 0;
}

/*
 * A revalidation learnt nothing about the GFN: makes it STALE, and counts the failure. Does not
 * count it if there is no memory for the block's counts.
 */
void xen_gpu_gfn_set_unknown(struct xen_gpu_block *block, unsigned int idx)
{
	xen_gpu_gfn_set_stale(block, idx, true);
	if (!block->unknown)
		block->unknown = kzalloc(XEN_GPU_BLOCK_GFNS, GFP_KERNEL | __GFP_NOWARN);
	if (block->unknown && block->unknown[idx] < U8_MAX)
		block->unknown[idx]++;
}

void xen_gpu_gfn_set_other(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int idx, bool held)
{
	int n = held ? 1 : -1;

	if (held == xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_OTHER))
		return;
	xen_gpu_gfn_assign(block, idx, XEN_GPU_GFN_OTHER, held);
	block->nr_held[!xen_gpu_gfn_current(block, idx)] += n;
	count_leftover(table, block, n);
}

/*
 * Makes the other mapping the current one. The state must fit both: either both mappings are held
 * or neither is.
 */
void xen_gpu_gfn_swap_mappings(struct xen_gpu_table *table, struct xen_gpu_block *block,
			       unsigned int idx)
{
	WARN_ON_ONCE(xen_gpu_gfn_held(block, idx) !=
		     xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_OTHER));
	block->gfn[idx] ^= XEN_GPU_GFN_CURRENT;
}

/*
 * Makes the current mapping, which has no users, the other mapping, to be unmapped later. The GFN
 * becomes UNMAPPED, so it can be mapped again meanwhile. The other mapping must not be held.
 */
void xen_gpu_gfn_set_aside(struct xen_gpu_table *table, struct xen_gpu_block *block,
			   unsigned int idx)
{
	xen_gpu_gfn_set_other(table, block, idx, true);
	xen_gpu_gfn_swap_mappings(table, block, idx);
	xen_gpu_gfn_set_state(table, block, idx, XEN_GPU_GFN_UNMAPPED);
}

/* Records that Xen holds no reference for this mapping of the GFN any more. */
void xen_gpu_gfn_drop(struct xen_gpu_table *table, struct xen_gpu_block *block,
		      unsigned int idx, unsigned int mapping)
{
	if (mapping == xen_gpu_gfn_current(block, idx))
		xen_gpu_gfn_set_state(table, block, idx, XEN_GPU_GFN_UNMAPPED);
	else
		xen_gpu_gfn_set_other(table, block, idx, false);
}

void xen_gpu_block_unmark(struct xen_gpu_table *table, struct xen_gpu_block *block)
{
	xa_clear_mark(&table->blocks, block->index, XEN_GPU_BLOCK_IDLE);
	block->marked = false;
}

/*
 * Ages the idle GFNs of a block at a tick of the idle list's clock: IDLE becomes AGED. Returns true
 * if the block has idle GFNs. Clears the block's idle mark if it has none.
 */
bool xen_gpu_block_age(struct xen_gpu_table *table, struct xen_gpu_block *block)
{
	unsigned int idx;

	if (!block->nr_idle) {
		xen_gpu_block_unmark(table, block);
		return false;
	}
	for (idx = 0; idx < XEN_GPU_BLOCK_GFNS; idx++) {
		if (xen_gpu_gfn_state(block, idx) == XEN_GPU_GFN_IDLE)
			xen_gpu_gfn_set_state(table, block, idx, XEN_GPU_GFN_AGED);
	}
	return true;
}
