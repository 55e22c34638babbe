/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The choice of a backend; see choose.c.
 */

#ifndef _XEN_GPU_MAP_CHOOSE_H
#define _XEN_GPU_MAP_CHOOSE_H

struct xen_gpu_backend;

const struct xen_gpu_backend *xen_gpu_backend_choose(const char *forced);

#endif /* _XEN_GPU_MAP_CHOOSE_H */
