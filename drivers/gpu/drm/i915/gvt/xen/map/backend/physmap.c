// SPDX-License-Identifier: GPL-2.0
/*
 * The backend for a PVH dom0 on stock Xen: foreign mappings in dom0's own physmap.
 *
 * XENMEM_add_to_physmap_range maps guests' pages into holes of dom0's physmap, which is also what
 * dom0's devices see through the IOMMU. So a BFN is a GFN of dom0. Each guest has a window of such
 * BFNs, which grows as needed (window.c).
 *
 * Xen cannot replace such a mapping in place (-ENXIO). It removes mappings one by one, each with an
 * IOTLB flush; the reference is dropped after the flush, before the call returns. No call says
 * which frame is behind a mapping.
 *
 * Source: Xen's public/memory.h and p2m_add_foreign().
 *
 * Invariants: those of window.c.
 *
 * Locking: the domain's lock, for the buffer, too.
 */

#include <linux/err.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/xen.h>
#include <xen/interface/memory.h>
#include <asm/xen/hypercall.h>

#include "backend/backend.h"
#include "backend/window.h"
#include "domain.h"

struct xen_gpu_physmap_buffer {
	struct xen_gpu_window *window;
	xen_ulong_t idxs[XEN_GPU_BATCH];
	xen_pfn_t gpfns[XEN_GPU_BATCH];
	int errs[XEN_GPU_BATCH];
	u16 index[XEN_GPU_BATCH];
};

static u64 physmap_bfn(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
		       unsigned int idx, unsigned int mapping)
{
	return xen_gpu_window_bfn(block, idx, mapping);
}

/*
 * Maps the first @n pages in the buffer. Each has its error in errs[] afterwards, even if Xen wrote
 * none.
 */
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
			buffer->errs[i] = xen_gpu_backend_unwritten(rc);
	}
}

/*
 * p2m_add_foreign() returns -EINVAL if the GFN has no page, or if its page is paged out or not RAM
 * of the guest's own (a grant, MMIO); also if the guest is dying. -EPERM is due to Xen's security
 * policy. -ENOMEM means that Xen's memory for page tables is exhausted.
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
	struct xen_gpu_batch_entry *entry;
	unsigned int i, n = 0;

	xen_gpu_window_assign(dom, buffer->window, batch);
	for (i = 0; i < batch->n; i++) {
		entry = &batch->entries[i];
		entry->writable = true;	/* there are no read-only mappings */
		if (entry->status)
			continue;
		buffer->idxs[n] = entry->gfn;
		buffer->gpfns[n] = entry->bfn;
		buffer->index[n++] = i;
	}
	if (!n)
		return;
	xen_gpu_count_hypercall(&dom->counters, batch->kind, n);
	add_to_physmap(dom, buffer, n);
	for (i = 0; i < n; i++)
		batch->entries[buffer->index[i]].status =
			xen_gpu_backend_status(map_errors, buffer->errs[i]);
}

/* Errors of removing a mapping: none is translated, as the unmap is retried in any case. */
static const struct xen_gpu_error unmap_errors[] = {
	{}
};

static int remove_from_physmap(u64 bfn)
{
	struct xen_remove_from_physmap one = { .domid = DOMID_SELF, .gpfn = bfn };

	return xen_gpu_backend_status(unmap_errors,
				      HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &one));
}

static void physmap_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_batch_entry *entry;
	unsigned int i;

	for (i = 0; i < batch->n; i++) {
		entry = &batch->entries[i];
		xen_gpu_count_hypercall(&dom->counters, batch->kind, 1);
		entry->status = remove_from_physmap(xen_gpu_window_bfn(entry->block, entry->idx,
								       entry->mapping));
	}
}

static void physmap_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	struct xen_gpu_physmap_buffer *buffer = dom->backend_data;
	unsigned int mapping, idx;

	for (mapping = 0; mapping < XEN_GPU_MAPPINGS; mapping++) {
		for (idx = 0; idx < XEN_GPU_BLOCK_GFNS; idx++) {
			if (!xen_gpu_gfn_holds(block, idx, mapping))
				continue;
			xen_gpu_count_hypercall(&dom->counters, XEN_GPU_CALL_UNMAP, 1);
			if (!remove_from_physmap(physmap_bfn(dom, block, idx, mapping)))
				xen_gpu_gfn_drop(&dom->table, block, idx, mapping);
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
