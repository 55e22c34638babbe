/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who a domain is, and whether it is still there; see identity.c.
 */

#ifndef _XEN_GPU_MAP_IDENTITY_H
#define _XEN_GPU_MAP_IDENTITY_H

struct xen_gpu_domain;

enum xen_gpu_guest_state {
	XEN_GPU_GUEST_ALIVE,
	XEN_GPU_GUEST_ENDED,
	XEN_GPU_GUEST_MISSING,	/* xenstore has forgotten it; Xen has not */
	XEN_GPU_GUEST_UNKNOWN,	/* cannot be told now */
};

int xen_gpu_identity_note(struct xen_gpu_domain *dom);
enum xen_gpu_guest_state xen_gpu_identity_check(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_IDENTITY_H */
