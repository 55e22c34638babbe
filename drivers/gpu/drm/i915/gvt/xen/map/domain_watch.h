/* SPDX-License-Identifier: GPL-2.0 */
/* The domain watch: notices the end of a guest; see domain_watch.c. */

#ifndef _XEN_GPU_MAP_DOMAIN_WATCH_H
#define _XEN_GPU_MAP_DOMAIN_WATCH_H

struct xen_gpu_domain;

void xen_gpu_domain_watch_init(struct xen_gpu_domain *dom);
void xen_gpu_domain_watch_exit(struct xen_gpu_domain *dom);
void xen_gpu_domain_watch_register(struct xen_gpu_domain *dom);
void xen_gpu_domain_watch_kick(struct xen_gpu_domain *dom);
void xen_gpu_domain_watch_again(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_DOMAIN_WATCH_H */
