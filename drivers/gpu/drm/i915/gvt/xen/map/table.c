// SPDX-License-Identifier: GPL-2.0
/*
 * The table of a domain's mappings; see table.h for the invariants and the locking.
 */

#include <linux/slab.h>
#include <linux/xarray.h>

#include "table.h"

static struct kmem_cache *block_cache;

int xen_gpu_table_init_cache(void)
{
	block_cache = KMEM_CACHE(xen_gpu_block, SLAB_ACCOUNT);
	return block_cache ? 0 : -ENOMEM;
}

void xen_gpu_table_exit_cache(void)
{
	kmem_cache_destroy(block_cache);
}

struct xen_gpu_block *xen_gpu_table_find(struct xarray *table, u64 gfn)
{
	return xa_load(table, gfn >> XEN_GPU_BLOCK_SHIFT);
}

/* ERR_PTR(-ENOMEM) if a block is needed and cannot be had. */
struct xen_gpu_block *xen_gpu_table_find_or_add(struct xarray *table, u64 gfn)
{
	struct xen_gpu_block *block = xen_gpu_table_find(table, gfn);
	int rc;

	if (block)
		return block;
	block = kmem_cache_zalloc(block_cache, GFP_KERNEL);
	if (!block)
		return ERR_PTR(-ENOMEM);
	block->index = gfn >> XEN_GPU_BLOCK_SHIFT;
	rc = xa_insert(table, block->index, block, GFP_KERNEL);
	if (rc) {
		kmem_cache_free(block_cache, block);
		return ERR_PTR(rc);
	}
	return block;
}

void xen_gpu_table_remove(struct xarray *table, struct xen_gpu_block *block)
{
	xa_erase(table, block->index);
	kmem_cache_free(block_cache, block);
}

/* A count without a held slot does not exist, so the held slots tell it all. */
bool xen_gpu_block_empty(const struct xen_gpu_block *block)
{
	return bitmap_empty(block->held[0], XEN_GPU_BLOCK_GFNS) &&
	       bitmap_empty(block->held[1], XEN_GPU_BLOCK_GFNS);
}

void xen_gpu_slot_set_idle(struct xarray *table, struct xen_gpu_block *block, unsigned int slot)
{
	__set_bit(slot, block->idle);
	block->nr_idle++;
	if (block->marked)
		return;
	xa_set_mark(table, block->index, XEN_GPU_BLOCK_IDLE);
	block->marked = true;
}

void xen_gpu_slot_clear_idle(struct xen_gpu_block *block, unsigned int slot)
{
	__clear_bit(slot, block->idle);
	__clear_bit(slot, block->aged);
	block->nr_idle--;
}

void xen_gpu_block_unmark(struct xarray *table, struct xen_gpu_block *block)
{
	xa_clear_mark(table, block->index, XEN_GPU_BLOCK_IDLE);
	block->marked = false;
}

/* A tick of the clock: what is idle now is old at the next one. Tells whether anything is. */
bool xen_gpu_block_age(struct xarray *table, struct xen_gpu_block *block)
{
	bitmap_copy(block->aged, block->idle, XEN_GPU_BLOCK_GFNS);
	if (!block->nr_idle)
		xen_gpu_block_unmark(table, block);
	return block->nr_idle;
}
