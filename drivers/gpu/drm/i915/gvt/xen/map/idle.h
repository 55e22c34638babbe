/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The idle list: GFNs that are still mapped but have no users, to be unmapped in batches; see
 * idle.c.
 */

#ifndef _XEN_GPU_MAP_IDLE_H
#define _XEN_GPU_MAP_IDLE_H

#include "counters.h"

struct xen_gpu_block;
struct xen_gpu_domain;

/* How long an unused page stays mapped at least, in ms */
#define XEN_GPU_IDLE_AGE_MS	1000
#define XEN_GPU_IDLE_AGE_MAX_MS	3600000

extern unsigned int xen_gpu_idle_age_ms;

void xen_gpu_idle_init(struct xen_gpu_domain *dom);
void xen_gpu_idle_exit(struct xen_gpu_domain *dom);
void xen_gpu_idle_kick(struct xen_gpu_domain *dom);
void xen_gpu_idle_add(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
		      unsigned int idx);
bool xen_gpu_idle_reclaim(struct xen_gpu_domain *dom, unsigned long need, u64 *next);
int xen_gpu_idle_drain(struct xen_gpu_domain *dom, enum xen_gpu_counter reason);
bool xen_gpu_idle_drain_stale(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_IDLE_H */
