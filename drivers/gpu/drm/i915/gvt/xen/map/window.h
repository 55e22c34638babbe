/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A window: a hole of our own physmap that a guest's pages are mapped into; see window.c.
 */

#ifndef _XEN_GPU_MAP_WINDOW_H
#define _XEN_GPU_MAP_WINDOW_H

#include <linux/ioport.h>
#include <linux/types.h>

struct xen_gpu_domain;

struct xen_gpu_window {
	struct resource res;
	char name[24];		/* outlives the module if the window is leaked */
	u64 base;		/* the first BFN */
	u64 span;		/* GFNs on each side */
	bool leaked;		/* a mapping could not be taken out */
};

static inline u64 xen_gpu_window_bfn(const struct xen_gpu_window *window, u64 gfn,
				     unsigned int side)
{
	return window->base + side * window->span + gfn;
}

struct xen_gpu_window *xen_gpu_window_new(struct xen_gpu_domain *dom);
void xen_gpu_window_free(struct xen_gpu_domain *dom, struct xen_gpu_window *window);

#endif /* _XEN_GPU_MAP_WINDOW_H */
