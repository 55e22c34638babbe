/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The service's files in debugfs; see debugfs.c.
 */

#ifndef _XEN_GPU_MAP_DEBUGFS_H
#define _XEN_GPU_MAP_DEBUGFS_H

struct xen_gpu_backend;
struct xen_gpu_domain;

void xen_gpu_debugfs_init(const struct xen_gpu_backend *backend, int (*flush)(void));
void xen_gpu_debugfs_exit(void);
void xen_gpu_debugfs_add_domain(struct xen_gpu_domain *dom);
void xen_gpu_debugfs_remove_domain(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_DEBUGFS_H */
