/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events that put a domain's mappings in doubt, and the schedule of the revalidation; see event.c.
 */

#ifndef _XEN_GPU_MAP_EVENT_H
#define _XEN_GPU_MAP_EVENT_H

#include <linux/types.h>

struct xen_gpu_domain;

/* How long balloon events are gathered before the revalidation, in ms */
#define XEN_GPU_BALLOON_DELAY_MS	10
#define XEN_GPU_BALLOON_DELAY_MAX_MS	600000

extern unsigned int xen_gpu_balloon_delay_ms;

void xen_gpu_event_suspect(struct xen_gpu_domain *dom);
void xen_gpu_event_again(struct xen_gpu_domain *dom);
void xen_gpu_event_retry(struct xen_gpu_domain *dom);
void xen_gpu_event_not_yet(struct xen_gpu_domain *dom);
void xen_gpu_event_start_round(struct xen_gpu_domain *dom);
void xen_gpu_event_refused(struct xen_gpu_domain *dom, int status);
void xen_gpu_event_freed(struct xen_gpu_domain *dom);
void xen_gpu_event_limited(struct xen_gpu_domain *dom);
void xen_gpu_event_exit(struct xen_gpu_domain *dom);
void xen_gpu_event_kick(struct xen_gpu_domain *dom);
void xen_gpu_event_done(struct xen_gpu_domain *dom, u32 generation, unsigned long took);

#endif /* _XEN_GPU_MAP_EVENT_H */
