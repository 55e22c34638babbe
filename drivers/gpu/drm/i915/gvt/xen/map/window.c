// SPDX-License-Identifier: GPL-2.0
/*
 * Windows: where a guest's pages are mapped by a translated (PVH, HVM) caller, who chooses the
 * BFNs.
 *
 * What such a domain's devices see through the IOMMU is its own physmap, so a BFN is a GFN of the
 * caller, which has to be empty. Each guest has a window, reserved from iomem_resource so that
 * nothing else (memory hotplug, ballooning, grants) takes it, twice as large as the guest's GFN
 * space: BFN = window + side * span + GFN. No allocator, no struct page.
 *
 * Invariants: only slots that are not held are mapped, so the target is always a hole; a window
 * with a mapping that could not be taken out is leaked, so that nothing is ever put over it.
 * Locking: the domain's lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <xen/page.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <asm/xen/hypercall.h>

#include "domain.h"
#include "window.h"

/*
 * Windows start here, above the legacy holes, and are a multiple of this, so that what is
 * contiguous and aligned for the guest is so for the device.
 */
#define WINDOW_MIN	SZ_4G
#define WINDOW_ALIGN	SZ_1G

/* The size of the guest's GFN space now, rounded up so that it can grow a little. */
static int gfn_span(struct xen_gpu_domain *dom, u64 *span)
{
	domid_t domid = dom->domid;
	long max_gfn;

	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 1);
	max_gfn = HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &domid);
	if (max_gfn < 0)
		return max_gfn == -ESRCH ? -ENODEV : max_gfn;
	*span = round_up(max_t(u64, max_gfn + 1, SZ_4G >> XEN_PAGE_SHIFT),
			 WINDOW_ALIGN >> XEN_PAGE_SHIFT);
	return 0;
}

static int reserve(struct xen_gpu_domain *dom, struct xen_gpu_window *window)
{
	u64 size = XEN_GPU_SIDES * window->span << XEN_PAGE_SHIFT;
	u64 last = min_t(u64, iomem_resource.end,
			 (dom->max_bfn << XEN_PAGE_SHIFT) | (XEN_PAGE_SIZE - 1));
	int rc;

	snprintf(window->name, sizeof(window->name), "Xen GPU window d%u", dom->domid);
	window->res.name = window->name;
	window->res.flags = IORESOURCE_MEM;
	rc = allocate_resource(&iomem_resource, &window->res, size, WINDOW_MIN, last,
			       WINDOW_ALIGN, NULL, NULL);
	if (rc) {
		pr_err("d%u: no room for a window of %llu MiB below %#llx\n", dom->domid,
		       size >> 20, last);
		return -ENOSPC;
	}
	window->base = window->res.start >> XEN_PAGE_SHIFT;
	return 0;
}

/* A window below the domain's limit. ERR_PTR: -ENOMEM, -ENOSPC, or an error of Xen's. */
struct xen_gpu_window *xen_gpu_window_new(struct xen_gpu_domain *dom)
{
	struct xen_gpu_window *window = kzalloc(sizeof(*window), GFP_KERNEL);
	int rc;

	if (!window)
		return ERR_PTR(-ENOMEM);
	rc = gfn_span(dom, &window->span);
	if (!rc)
		rc = reserve(dom, window);
	if (rc) {
		kfree(window);
		return ERR_PTR(rc);
	}
	return window;
}

/* Gives the window back, unless something is left in it. */
void xen_gpu_window_free(struct xen_gpu_domain *dom, struct xen_gpu_window *window)
{
	if (window->leaked) {
		pr_err("d%u: %pR is lost: Xen did not take all mappings out\n", dom->domid,
		       &window->res);
		return;
	}
	release_resource(&window->res);
	kfree(window);
}
