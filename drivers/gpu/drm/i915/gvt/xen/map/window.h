/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A window: the holes of our own physmap that a guest's pages are mapped into; see window.c.
 */

#ifndef _XEN_GPU_MAP_WINDOW_H
#define _XEN_GPU_MAP_WINDOW_H

#include <linux/list.h>
#include <linux/types.h>

#include "table.h"

struct xen_gpu_batch;
struct xen_gpu_domain;

/**
 * struct xen_gpu_window - the BFNs of a guest
 * @arenas: what is reserved for it, of struct xen_gpu_arena; those with room come first
 * @last: the highest address that its device reaches
 * @capacity: how much address space there is for all windows below that, in chunks
 * @nr_chunks: how much of it is reserved for this one
 * @nr_used: how many chunks have a block
 * @nr_empty: how many arenas have no chunk in use
 * @spare: a BFN where nothing is ever mapped
 * @told: the log has a line about the lack of room
 */
struct xen_gpu_window {
	struct list_head arenas;
	u64 last;
	u64 capacity;
	u64 nr_chunks;
	u64 nr_used;
	unsigned int nr_empty;
	u64 spare;
	bool told;
};

static inline u64 xen_gpu_window_bfn(const struct xen_gpu_block *block, unsigned int slot,
				     unsigned int side)
{
	return block->window + (side << XEN_GPU_BLOCK_SHIFT) + slot;
}

struct xen_gpu_window *xen_gpu_window_new(struct xen_gpu_domain *dom);
void xen_gpu_window_free(struct xen_gpu_domain *dom, struct xen_gpu_window *window);
void xen_gpu_window_place(struct xen_gpu_domain *dom, struct xen_gpu_window *window,
			  struct xen_gpu_batch *batch);
void xen_gpu_window_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_window *window,
			       struct xen_gpu_block *block);

#endif /* _XEN_GPU_MAP_WINDOW_H */
