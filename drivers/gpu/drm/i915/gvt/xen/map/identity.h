/* SPDX-License-Identifier: GPL-2.0 */
/* The identity of a domain, and whether that domain still exists; see identity.c. */

#ifndef _XEN_GPU_MAP_IDENTITY_H
#define _XEN_GPU_MAP_IDENTITY_H

#include <linux/types.h>
#include <xen/interface/xen.h>

struct xen_gpu_domain;

/* The result of xen_gpu_identity_check() */
enum xen_gpu_guest_state {
	XEN_GPU_GUEST_ALIVE,
	XEN_GPU_GUEST_ENDED,
	XEN_GPU_GUEST_MISSING,	/* its node in xenstore is gone; Xen knows the domid */
	XEN_GPU_GUEST_UNKNOWN,	/* xenstore does not answer, or never knew it */
};

bool xen_gpu_identity_is_own(domid_t domid);
int xen_gpu_identity_note(struct xen_gpu_domain *dom);
enum xen_gpu_guest_state xen_gpu_identity_check(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_IDENTITY_H */
