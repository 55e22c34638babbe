// SPDX-License-Identifier: GPL-2.0
/*
 * The backend for a PVH dom0 on stock Xen: foreign mappings in dom0's own physmap.
 *
 * XENMEM_add_to_physmap_range puts guests' pages into a hole of dom0's physmap, which is also
 * what its devices see through the IOMMU: the BFN is that GFN of dom0. Each guest has a window of
 * them, which grows (window.c).
 *
 * Xen cannot replace such a mapping in place (-ENXIO), and takes them out one by one, each with
 * an IOTLB flush that is complete, and only then the reference dropped, when the call returns.
 * No call tells which frame is behind one.
 *
 * Source: Xen's public/memory.h and p2m_add_foreign().
 *
 * Invariants: window.c's. Locking: the domain's lock, for the buffer too.
 */

#include <linux/err.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/xen.h>
#include <xen/interface/memory.h>
#include <asm/xen/hypercall.h>

#include "backend.h"
#include "domain.h"
#include "window.h"

struct xen_gpu_physmap_buffer {
	struct xen_gpu_window *window;
	xen_ulong_t idxs[XEN_GPU_BATCH];
	xen_pfn_t gpfns[XEN_GPU_BATCH];
	int errs[XEN_GPU_BATCH];
	u16 index[XEN_GPU_BATCH];
};

static u64 physmap_bfn(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
		       unsigned int slot, unsigned int side)
{
	return xen_gpu_window_bfn(block, slot, side);
}

/* Maps the first n of the buffer; their errors are in errs[] afterwards, whatever happens. */
static void add_to_physmap(struct xen_gpu_domain *dom, struct xen_gpu_physmap_buffer *buffer,
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
		buffer->errs[i] = unwritten;
	set_xen_guest_handle(range.idxs, buffer->idxs);
	set_xen_guest_handle(range.gpfns, buffer->gpfns);
	set_xen_guest_handle(range.errs, buffer->errs);
	rc = HYPERVISOR_memory_op(XENMEM_add_to_physmap_range, &range);
	for (i = 0; i < n; i++) {
		if (buffer->errs[i] == unwritten)
			buffer->errs[i] = rc ?: -EIO;
	}
}

/*
 * p2m_add_foreign() gives -EINVAL for a GFN without a page, and for one whose page is paged out or
 * not RAM of the guest's own: a grant, MMIO. (Also for a guest that is dying.) -EPERM: Xen's
 * security policy. Xen's memory for page tables may be short (-ENOMEM).
 */
static const struct xen_gpu_error map_errors[] = {
	{ -EINVAL, -ENOENT },
	{ -EACCES, -EPERM },
	{ -ESRCH, -ENODEV },
	{}
};

static void physmap_map(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_physmap_buffer *buffer = dom->backend_data;
	struct xen_gpu_slot *slot;
	unsigned int i, n = 0;

	xen_gpu_window_place(dom, buffer->window, batch);
	for (i = 0; i < batch->n; i++) {
		slot = &batch->slots[i];
		slot->writable = true;	/* the only way there is */
		if (slot->status)
			continue;
		buffer->idxs[n] = slot->gfn;
		buffer->gpfns[n] = slot->bfn;
		buffer->index[n++] = i;
	}
	if (!n)
		return;
	xen_gpu_count_hypercall(&dom->counters, batch->kind, n);
	add_to_physmap(dom, buffer, n);
	for (i = 0; i < n; i++)
		batch->slots[buffer->index[i]].status =
			xen_gpu_backend_status(map_errors, buffer->errs[i]);
}

static int remove_from_physmap(u64 bfn)
{
	struct xen_remove_from_physmap one = { .domid = DOMID_SELF, .gpfn = bfn };

	return HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &one);
}

static void physmap_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_slot *slot;
	unsigned int i;

	for (i = 0; i < batch->n; i++) {
		slot = &batch->slots[i];
		xen_gpu_count_hypercall(&dom->counters, batch->kind, 1);
		slot->status = remove_from_physmap(xen_gpu_window_bfn(slot->block, slot->slot,
								      slot->side));
	}
}

static void physmap_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	struct xen_gpu_physmap_buffer *buffer = dom->backend_data;
	unsigned int side, slot;

	for (side = 0; side < XEN_GPU_SIDES; side++) {
		for (slot = 0; slot < XEN_GPU_BLOCK_GFNS; slot++) {
			if (!xen_gpu_slot_held_on(block, slot, side))
				continue;
			xen_gpu_count_hypercall(&dom->counters, XEN_GPU_CALL_UNMAP, 1);
			if (!remove_from_physmap(physmap_bfn(dom, block, slot, side)))
				xen_gpu_slot_drop(&dom->table, block, slot, side);
		}
	}
	xen_gpu_window_drop_block(dom, buffer->window, block);
}

static int physmap_domain_init(struct xen_gpu_domain *dom)
{
	struct xen_gpu_physmap_buffer *buffer = kvzalloc(sizeof(*buffer), GFP_KERNEL);
	int rc;

	if (!buffer)
		return -ENOMEM;
	buffer->window = xen_gpu_window_new(dom);
	if (IS_ERR(buffer->window)) {
		rc = PTR_ERR(buffer->window);
		kvfree(buffer);
		return rc;
	}
	dom->backend_data = buffer;
	return 0;
}

static void physmap_domain_exit(struct xen_gpu_domain *dom)
{
	struct xen_gpu_physmap_buffer *buffer = dom->backend_data;

	xen_gpu_window_free(dom, buffer->window);
	kvfree(buffer);
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
	.about = "PVH dom0, guests' pages in holes of dom0's physmap, isolated by the IOMMU",
	.isolates = true,
	.lasting = true,
	.unmap_chunk = 16,
	.probe = physmap_probe,
	.domain_init = physmap_domain_init,
	.domain_exit = physmap_domain_exit,
	.map = physmap_map,
	.unmap = physmap_unmap,
	.bfn = physmap_bfn,
	.drop_block = physmap_drop_block,
};
