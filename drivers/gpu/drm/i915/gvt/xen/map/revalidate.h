/* SPDX-License-Identifier: GPL-2.0 */
/* Revalidation of a domain's mappings after a balloon event; see revalidate.c. */

#ifndef _XEN_GPU_MAP_REVALIDATE_H
#define _XEN_GPU_MAP_REVALIDATE_H

struct xen_gpu_domain;

void xen_gpu_revalidate_init(struct xen_gpu_domain *dom);
void xen_gpu_revalidate_exit(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_REVALIDATE_H */
