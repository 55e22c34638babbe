/* SPDX-License-Identifier: GPL-2.0 */
/* The registry of the domains in use; see registry.c. */

#ifndef _XEN_GPU_MAP_REGISTRY_H
#define _XEN_GPU_MAP_REGISTRY_H

struct xen_gpu_backend;
struct xen_gpu_domain;

int xen_gpu_domains_init(const struct xen_gpu_backend *backend);
void xen_gpu_domains_exit(void);

struct xen_gpu_domain *xen_gpu_domain_next(unsigned long *id);
void xen_gpu_domain_put_later(struct xen_gpu_domain *dom);
void xen_gpu_domains_kick(void);
int xen_gpu_domains_flush(void);

#endif /* _XEN_GPU_MAP_REGISTRY_H */
