/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Revalidation: what a balloon event leads to; see revalidate.c.
 */

#ifndef _XEN_GPU_MAP_REVALIDATE_H
#define _XEN_GPU_MAP_REVALIDATE_H

struct xen_gpu_domain;

void xen_gpu_revalidate_init(struct xen_gpu_domain *dom);
void xen_gpu_revalidate_exit(struct xen_gpu_domain *dom);
void xen_gpu_revalidate_now(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_REVALIDATE_H */
