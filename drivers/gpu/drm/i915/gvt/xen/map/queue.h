/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The unmap queue: idle GFNs, still mapped, that go back to Xen in batches; see queue.c.
 */

#ifndef _XEN_GPU_MAP_QUEUE_H
#define _XEN_GPU_MAP_QUEUE_H

#include "counters.h"

struct xen_gpu_block;
struct xen_gpu_domain;

/* How long an unused page stays mapped, in ms, at least */
#define XEN_GPU_IDLE_AGE_MS	1000
#define XEN_GPU_IDLE_AGE_MAX_MS	3600000

extern unsigned int xen_gpu_idle_age_ms;

void xen_gpu_queue_init(struct xen_gpu_domain *dom);
void xen_gpu_queue_exit(struct xen_gpu_domain *dom);
void xen_gpu_queue_kick(struct xen_gpu_domain *dom);
void xen_gpu_queue_add(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
		       unsigned int slot);
bool xen_gpu_queue_make_room(struct xen_gpu_domain *dom, unsigned long need, u64 *next);
int xen_gpu_queue_drain(struct xen_gpu_domain *dom, enum xen_gpu_counter reason);
void xen_gpu_queue_drain_stale(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_QUEUE_H */
