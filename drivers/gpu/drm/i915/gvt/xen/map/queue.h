/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The unmap queue: idle GFNs, still mapped, that go back to Xen in batches; see queue.c.
 */

#ifndef _XEN_GPU_MAP_QUEUE_H
#define _XEN_GPU_MAP_QUEUE_H

#include "counters.h"

struct xen_gpu_block;
struct xen_gpu_domain;

void xen_gpu_queue_init(struct xen_gpu_domain *dom);
void xen_gpu_queue_exit(struct xen_gpu_domain *dom);
void xen_gpu_queue_add(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
		       unsigned int slot);
void xen_gpu_queue_remove(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			  unsigned int slot);
void xen_gpu_queue_make_room(struct xen_gpu_domain *dom, unsigned long need);
int xen_gpu_queue_drain(struct xen_gpu_domain *dom, enum xen_gpu_counter reason);

#endif /* _XEN_GPU_MAP_QUEUE_H */
