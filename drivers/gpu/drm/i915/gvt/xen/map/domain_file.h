/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A domain's file in debugfs; see domain_file.c.
 */

#ifndef _XEN_GPU_MAP_DOMAIN_FILE_H
#define _XEN_GPU_MAP_DOMAIN_FILE_H

struct dentry;
struct xen_gpu_domain;

void xen_gpu_domain_files_init(struct dentry *parent);
void xen_gpu_domain_file_add(struct xen_gpu_domain *dom);
void xen_gpu_domain_file_remove(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_DOMAIN_FILE_H */
