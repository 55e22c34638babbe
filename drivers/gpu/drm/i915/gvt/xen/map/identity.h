/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who a domain is; see identity.c.
 */

#ifndef _XEN_GPU_MAP_IDENTITY_H
#define _XEN_GPU_MAP_IDENTITY_H

#include <linux/types.h>

struct xen_gpu_domain;

int xen_gpu_identity_note(struct xen_gpu_domain *dom);
bool xen_gpu_identity_ended(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_IDENTITY_H */
