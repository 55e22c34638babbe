/* SPDX-License-Identifier: GPL-2.0 */
/* A window: the holes in our own physmap into which a guest's pages are mapped; see window.c. */

#ifndef _XEN_GPU_MAP_WINDOW_H
#define _XEN_GPU_MAP_WINDOW_H

#include <linux/list.h>
#include <linux/types.h>

#include "block.h"

struct xen_gpu_batch;
struct xen_gpu_domain;

/**
 * struct xen_gpu_window - the BFNs of a guest
 * @arenas: struct xen_gpu_arena, the reserved parts of the address space; full ones come last
 * @last: the highest address that the device reaches, in bytes
 * @capacity: the address space up to @last for the windows of all guests, in chunks
 * @nr_chunks: how many chunks this window has reserved
 * @nr_used: how many of these belong to a block
 * @nr_empty: how many arenas have no chunk in use
 * @spare: a BFN at which nothing is ever mapped
 * @logged: the log has the message that address space is short
 */
struct xen_gpu_window {
	struct list_head arenas;
	u64 last;
	u64 capacity;
	u64 nr_chunks;
	u64 nr_used;
	unsigned int nr_empty;
	u64 spare;
	bool logged;
};

/* Returns the BFN of a GFN's mapping, in the block's chunk. */
static inline u64 xen_gpu_window_bfn(const struct xen_gpu_block *block, unsigned int idx,
				     unsigned int mapping)
{
	return block->window + (mapping << XEN_GPU_BLOCK_SHIFT) + idx;
}

struct xen_gpu_window *xen_gpu_window_new(struct xen_gpu_domain *dom);
void xen_gpu_window_free(struct xen_gpu_domain *dom, struct xen_gpu_window *window);
void xen_gpu_window_assign(struct xen_gpu_domain *dom, struct xen_gpu_window *window,
			   struct xen_gpu_batch *batch);
void xen_gpu_window_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_window *window,
			       struct xen_gpu_block *block);

#endif /* _XEN_GPU_MAP_WINDOW_H */
