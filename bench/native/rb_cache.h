/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The baseline of the benchmark: a cache of mappings in red-black trees.
 *
 * It is like kvmgt's: each mapping is one allocation, with a reference count, in one tree by GFN
 * and in another one by DMA address, under a mutex. Map looks up by GFN, unmap by DMA address, and
 * the last reference frees the mapping. The IOMMU's part is left out: the DMA address is computed
 * from the GFN.
 *
 * Locking: the cache's mutex, which every function takes.
 */

#ifndef _XENGT_BENCH_RB_CACHE_H
#define _XENGT_BENCH_RB_CACHE_H

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct rb_cache {
	struct mutex lock;	/* protects the trees and the mappings in them */
	struct rb_root by_gfn;
	struct rb_root by_dma;
	unsigned long n;	/* number of mappings */
};

/* The DMA address of a GFN */
static inline u64 rb_cache_dma(u64 gfn)
{
	return (1ULL << 32) + (gfn << PAGE_SHIFT);
}

void rb_cache_init(struct rb_cache *cache);
int rb_cache_map(struct rb_cache *cache, u64 gfn, u64 *dma);
bool rb_cache_unmap(struct rb_cache *cache, u64 dma);
size_t rb_cache_mapping_size(void);

#endif /* _XENGT_BENCH_RB_CACHE_H */
