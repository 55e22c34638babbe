/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The domains in use; see domains.c.
 */

#ifndef _XEN_GPU_MAP_DOMAINS_H
#define _XEN_GPU_MAP_DOMAINS_H

#include <linux/types.h>

struct work_struct;
struct xen_gpu_backend;
struct xen_gpu_domain;

int xen_gpu_domains_init(const struct xen_gpu_backend *backend);
void xen_gpu_domains_exit(void);
bool xen_gpu_domains_queue_work(struct work_struct *work);

struct xen_gpu_domain *xen_gpu_domain_next(unsigned long *id);
void xen_gpu_domain_end(struct xen_gpu_domain *dom);
void xen_gpu_domains_kick(void);
int xen_gpu_domains_flush(void);

#endif /* _XEN_GPU_MAP_DOMAINS_H */
