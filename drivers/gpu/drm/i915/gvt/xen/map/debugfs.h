/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The service's files in debugfs; see debugfs.c.
 */

#ifndef _XEN_GPU_MAP_DEBUGFS_H
#define _XEN_GPU_MAP_DEBUGFS_H

struct xen_gpu_backend;

void xen_gpu_debugfs_init(const struct xen_gpu_backend *backend);
void xen_gpu_debugfs_exit(void);

#endif /* _XEN_GPU_MAP_DEBUGFS_H */
