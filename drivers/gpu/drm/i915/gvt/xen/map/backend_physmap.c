// SPDX-License-Identifier: GPL-2.0
/*
 * The backend for a PVH dom0 on stock Xen: foreign mappings in dom0's own physmap.
 *
 * XENMEM_add_to_physmap_range puts guests' pages into a hole of dom0's physmap, which is also
 * what its devices see through the IOMMU: the BFN is that GFN of dom0. Each guest has a window,
 * reserved from iomem_resource so that nothing else (memory hotplug, ballooning, grants) takes
 * it, twice as large as the guest's GFN space: BFN = window + side * span + GFN. No allocator,
 * no struct page.
 *
 * Xen cannot replace such a mapping in place (-ENXIO), and takes them out one by one, each with
 * an IOTLB flush that is complete, and only then the reference dropped, when the call returns.
 * No call tells which frame is behind one.
 *
 * Source: Xen's public/memory.h and p2m_add_foreign().
 *
 * Invariants: only slots that are not held are mapped, so the target is always a hole; a window
 * with a mapping that could not be taken out is leaked, so that nothing is ever put over it.
 * Locking: the domain's lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ioport.h>
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <xen/xen.h>
#include <xen/page.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <asm/xen/hypercall.h>

#include "backend.h"
#include "domain.h"

/*
 * Windows start here, above the legacy holes, and are a multiple of this, so that what is
 * contiguous and aligned for the guest is so for the device.
 */
#define WINDOW_MIN	SZ_4G
#define WINDOW_ALIGN	SZ_1G

struct physmap_window {
	struct resource res;
	char name[24];				/* outlives the module if the window is leaked */
	u64 base;				/* the first BFN */
	u64 span;				/* GFNs on each side */
	bool leaked;
	xen_ulong_t idxs[XEN_GPU_BATCH];
	xen_pfn_t gpfns[XEN_GPU_BATCH];
	int errs[XEN_GPU_BATCH];
	u16 index[XEN_GPU_BATCH];
};

static u64 window_bfn(const struct physmap_window *window, u64 gfn, unsigned int side)
{
	return window->base + side * window->span + gfn;
}

static u64 physmap_bfn(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
		       unsigned int slot, unsigned int side)
{
	return window_bfn(dom->backend_data, xen_gpu_slot_gfn(block, slot), side);
}

/* Maps the first n of the buffer; their errors are in errs[] afterwards, whatever happens. */
static void add_to_physmap(struct xen_gpu_domain *dom, struct physmap_window *window,
			   unsigned int n)
{
	struct xen_add_to_physmap_range range = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = n,
		.foreign_domid = dom->domid,
	};
	const int unwritten = INT_MIN;
	unsigned int i;
	int rc;

	for (i = 0; i < n; i++)
		window->errs[i] = unwritten;
	set_xen_guest_handle(range.idxs, window->idxs);
	set_xen_guest_handle(range.gpfns, window->gpfns);
	set_xen_guest_handle(range.errs, window->errs);
	rc = HYPERVISOR_memory_op(XENMEM_add_to_physmap_range, &range);
	for (i = 0; i < n; i++) {
		if (window->errs[i] == unwritten)
			window->errs[i] = rc ?: -EIO;
	}
}

static void physmap_map(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct physmap_window *window = dom->backend_data;
	struct xen_gpu_slot *slot;
	unsigned int i, n = 0;

	for (i = 0; i < batch->n; i++) {
		slot = &batch->slots[i];
		slot->bfn = window_bfn(window, slot->gfn, slot->side);
		slot->writable = true;	/* the only way there is */
		slot->status = slot->gfn < window->span ? 0 : -ENOENT;
		if (slot->status)
			continue;
		window->idxs[n] = slot->gfn;
		window->gpfns[n] = slot->bfn;
		window->index[n++] = i;
	}
	if (!n)
		return;
	xen_gpu_count_hypercall(&dom->counters, batch->kind, n);
	add_to_physmap(dom, window, n);
	for (i = 0; i < n; i++)
		batch->slots[window->index[i]].status = xen_gpu_backend_status(window->errs[i]);
}

static int remove_from_physmap(u64 bfn)
{
	struct xen_remove_from_physmap one = { .domid = DOMID_SELF, .gpfn = bfn };

	return HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &one);
}

static void physmap_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct physmap_window *window = dom->backend_data;
	struct xen_gpu_slot *slot;
	unsigned int i;

	for (i = 0; i < batch->n; i++) {
		slot = &batch->slots[i];
		xen_gpu_count_hypercall(&dom->counters, batch->kind, 1);
		slot->status = remove_from_physmap(window_bfn(window, slot->gfn, slot->side));
	}
}

static void physmap_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	unsigned int side, slot;

	for (side = 0; side < XEN_GPU_SIDES; side++) {
		for_each_set_bit(slot, block->held[side], XEN_GPU_BLOCK_GFNS) {
			xen_gpu_count_hypercall(&dom->counters, XEN_GPU_CALL_UNMAP, 1);
			if (!remove_from_physmap(physmap_bfn(dom, block, slot, side)))
				__clear_bit(slot, block->held[side]);
		}
	}
	if (!xen_gpu_block_empty(block))
		((struct physmap_window *)dom->backend_data)->leaked = true;
}

/* The size of the guest's GFN space now, rounded up so that it can grow a little. */
static int gfn_span(struct xen_gpu_domain *dom, u64 *span)
{
	domid_t domid = dom->domid;
	long max_gfn;

	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 1);
	max_gfn = HYPERVISOR_memory_op(XENMEM_maximum_gpfn, &domid);
	if (max_gfn < 0)
		return xen_gpu_backend_status(max_gfn);
	*span = round_up(max_t(u64, max_gfn + 1, SZ_4G >> XEN_PAGE_SHIFT),
			 WINDOW_ALIGN >> XEN_PAGE_SHIFT);
	return 0;
}

static int reserve_window(struct xen_gpu_domain *dom, struct physmap_window *window)
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

static int physmap_domain_init(struct xen_gpu_domain *dom)
{
	struct physmap_window *window = kvzalloc(sizeof(*window), GFP_KERNEL);
	int rc;

	if (!window)
		return -ENOMEM;
	rc = gfn_span(dom, &window->span);
	if (!rc)
		rc = reserve_window(dom, window);
	if (rc) {
		kvfree(window);
		return rc;
	}
	dom->backend_data = window;
	return 0;
}

static void physmap_domain_exit(struct xen_gpu_domain *dom)
{
	struct physmap_window *window = dom->backend_data;

	if (window->leaked) {
		pr_err("d%u: %pR is lost: Xen did not take all mappings out\n", dom->domid,
		       &window->res);
		return;
	}
	release_resource(&window->res);
	kvfree(window);
}

static int physmap_probe(const char **why)
{
	if (xen_pv_domain())
		*why = "this is a PV domain";
	else if (!xen_initial_domain())
		*why = "this is not dom0";
	else
		return 0;
	return -ENODEV;
}

const struct xen_gpu_backend xen_gpu_backend_physmap = {
	.name = "physmap",
	.about = "PVH dom0, BFN = window + GFN in dom0's physmap, isolated by the IOMMU",
	.isolates = true,
	.unmap_chunk = 16,
	.probe = physmap_probe,
	.domain_init = physmap_domain_init,
	.domain_exit = physmap_domain_exit,
	.map = physmap_map,
	.unmap = physmap_unmap,
	.bfn = physmap_bfn,
	.drop_block = physmap_drop_block,
};
