/* SPDX-License-Identifier: GPL-2.0 */
/* Unmapping: returns references to Xen; see unmap.c. */

#ifndef _XEN_GPU_MAP_UNMAP_H
#define _XEN_GPU_MAP_UNMAP_H

struct xen_gpu_batch;
struct xen_gpu_block;
struct xen_gpu_domain;

void xen_gpu_domain_drop_everything(struct xen_gpu_domain *dom);
unsigned int xen_gpu_domain_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch);
void xen_gpu_domain_trim(struct xen_gpu_domain *dom, const struct xen_gpu_batch *batch);
void xen_gpu_domain_clean(struct xen_gpu_domain *dom, struct xen_gpu_block *block);

#endif /* _XEN_GPU_MAP_UNMAP_H */
