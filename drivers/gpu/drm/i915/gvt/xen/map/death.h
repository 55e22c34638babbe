/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The end of domains; see death.c.
 */

#ifndef _XEN_GPU_MAP_DEATH_H
#define _XEN_GPU_MAP_DEATH_H

struct xen_gpu_domain;

void xen_gpu_death_init(struct xen_gpu_domain *dom);
void xen_gpu_death_exit(struct xen_gpu_domain *dom);
void xen_gpu_death_watch(struct xen_gpu_domain *dom);
void xen_gpu_death_look(struct xen_gpu_domain *dom);
void xen_gpu_death_look_on(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_DEATH_H */
