// SPDX-License-Identifier: GPL-2.0
/*
 * The backend for a PV dom0 on XenServer's and XCP-ng's Xen: their iommu_op hypercall.
 *
 * A look-up gets a reference on the page and returns its BFN. An unmap, by BFN, drops the
 * reference. The IOMMU maps all RAM for dom0, at an offset, or is off. There is no isolation: the
 * reference is the only protection.
 *
 * The reference is one bit of the page. Any number of look-ups gets one reference. The first unmap
 * drops it for all, whichever guest has the page by then. When a guest dies, Xen drops the
 * reference without notice. So we count for ourselves how many entries of which domain hold a BFN
 * (both mappings of a GFN have the same BFN as long as the frame is the same). Xen is asked to
 * unmap only for the last of them.
 *
 * If Xen returns a BFN for one domain while another seems to hold it, the other's guest is dead,
 * and its reference was dropped with it. The other domain's count is deleted, so that a late unmap
 * there does not drop the new reference.
 *
 * Xen does not limit the number of entries of a call, and flushes the whole IOTLB after a call with
 * more than one. Batches have at most 512 entries.
 *
 * Source: include/xen/interface/iommu_op.h.
 *
 * Invariants:
 *
 *  - The block's words hold the BFN of each held entry.
 *  - At most one domain has a count for a BFN.
 *  - Xen is only asked to unmap BFNs that it has returned (it does not check) and for which the
 *    domain has a count.
 *
 * Locking: the domain's lock for its buffer. frames_lock for the counts, and across the hypercalls,
 * as the result of one domain's look-up must be recorded before another domain's unmap.
 */

#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <xen/xen.h>

#include "backend/backend.h"
#include "backend/commandline.h"
#include "backend/iommu_op.h"
#include "domain.h"

struct xen_gpu_xenserver_domain {
	struct list_head node;
	struct xarray frames;		/* by BFN: how many entries hold it */
	struct pv_iommu_op ops[XEN_GPU_BATCH];
	u16 index[XEN_GPU_BATCH];
};

static DEFINE_MUTEX(frames_lock);
static LIST_HEAD(all_domains);

/* Returns how many entries of the domain hold the BFN. */
static unsigned long frame_users(struct xen_gpu_xenserver_domain *xs, u64 bfn)
{
	void *entry = xa_load(&xs->frames, bfn);

	lockdep_assert_held(&frames_lock);
	return entry ? xa_to_value(entry) : 0;
}

/*
 * Counts one more entry that holds the BFN. If it is the first one of this domain, deletes the
 * count of any other domain. Returns 0, or -ENOMEM, which is possible only for the first one.
 */
static int frame_get(struct xen_gpu_xenserver_domain *xs, u64 bfn)
{
	unsigned long users = frame_users(xs, bfn);
	struct xen_gpu_xenserver_domain *other;

	if (!users) {
		list_for_each_entry(other, &all_domains, node)
			xa_erase(&other->frames, bfn);
	}
	return xa_err(xa_store(&xs->frames, bfn, xa_mk_value(users + 1), GFP_KERNEL));
}

/*
 * Counts one entry less that holds the BFN. Returns true if it is the last one: the caller asks Xen
 * to unmap the BFN, and then deletes the count.
 */
static bool frame_put(struct xen_gpu_xenserver_domain *xs, u64 bfn)
{
	unsigned long users = frame_users(xs, bfn);

	if (users > 1)
		xa_store(&xs->frames, bfn, xa_mk_value(users - 1), GFP_KERNEL);
	return users == 1;
}

static void add_lookup(struct xen_gpu_xenserver_domain *xs, unsigned int n, domid_t domid, u64 gfn)
{
	xs->ops[n] = (struct pv_iommu_op){
		.subop_id = IOMMUOP_lookup_foreign_page,
		.u.lookup_foreign_page = { .gfn = gfn, .domid = domid },
	};
}

static void add_unmap(struct xen_gpu_xenserver_domain *xs, unsigned int n, u64 bfn)
{
	xs->ops[n] = (struct pv_iommu_op){
		.subop_id = IOMMUOP_unmap_foreign_page,
		.u.unmap_foreign_page.bfn = bfn,
	};
}

static void xenserver_call(struct xen_gpu_domain *dom, enum xen_gpu_call kind, unsigned int n)
{
	struct xen_gpu_xenserver_domain *xs = dom->backend_data;

	if (!n)
		return;
	xen_gpu_count_hypercall(&dom->counters, kind, n);
	xen_gpu_iommu_op(xs->ops, n);
}

/* -ENXIO: Xen has no page for the GFN, or no such guest any more. */
static const struct xen_gpu_error lookup_errors[] = {
	{ -ENXIO, -ENOENT },
	{ -EINVAL, -ENOENT },
	{ -EACCES, -EPERM },
	{ -ESRCH, -ENODEV },
	{}
};

/* -ENOENT: the page has no reference that could be dropped. */
static int xenserver_unmap_status(int error)
{
	return error == -ENOENT ? 0 : error;
}

/*
 * Records the result of a look-up in the batch entry. Returns -ENOMEM if the BFN cannot be counted:
 * the caller has to drop the reference.
 */
static int finish_lookup(struct xen_gpu_xenserver_domain *xs, struct xen_gpu_batch_entry *entry,
			 const struct pv_iommu_op *op)
{
	u64 *words = entry->block->backend[entry->mapping];

	entry->status = xen_gpu_backend_status(lookup_errors, op->status);
	if (entry->status)
		return 0;
	entry->bfn = op->u.lookup_foreign_page.bfn;
	words[entry->idx] = entry->bfn;
	entry->status = frame_get(xs, entry->bfn);
	return entry->status;
}

static void xenserver_map(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_xenserver_domain *xs = dom->backend_data;
	unsigned int i, n = 0, undo = 0;
	struct xen_gpu_batch_entry *entry;

	mutex_lock(&frames_lock);
	for (i = 0; i < batch->n; i++) {
		entry = &batch->entries[i];
		entry->writable = true;	/* there are no read-only mappings */
		entry->status = xen_gpu_backend_words(entry->block, entry->mapping) ? 0 : -ENOMEM;
		if (entry->status)
			continue;
		add_lookup(xs, n, dom->domid, entry->gfn);
		xs->index[n++] = i;
	}
	xenserver_call(dom, batch->kind, n);
	for (i = 0; i < n; i++) {
		entry = &batch->entries[xs->index[i]];
		if (finish_lookup(xs, entry, &xs->ops[i]))
			add_unmap(xs, undo++, entry->bfn);
	}
	xenserver_call(dom, XEN_GPU_CALL_UNMAP, undo);
	mutex_unlock(&frames_lock);
}

static u64 xenserver_bfn(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
			 unsigned int idx, unsigned int mapping)
{
	const u64 *words = block->backend[mapping];

	return words[idx];
}

static void xenserver_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_xenserver_domain *xs = dom->backend_data;
	struct xen_gpu_batch_entry *entry;
	unsigned int i, n = 0;
	u64 bfn;

	mutex_lock(&frames_lock);
	for (i = 0; i < batch->n; i++) {
		entry = &batch->entries[i];
		entry->status = 0;
		bfn = xenserver_bfn(dom, entry->block, entry->idx, entry->mapping);
		if (!frame_put(xs, bfn))
			continue;
		add_unmap(xs, n, bfn);
		xs->index[n++] = i;
	}
	xenserver_call(dom, batch->kind, n);
	for (i = 0; i < n; i++) {
		entry = &batch->entries[xs->index[i]];
		entry->status = xenserver_unmap_status(xs->ops[i].status);
		if (!entry->status)
			xa_erase(&xs->frames, xs->ops[i].u.unmap_foreign_page.bfn);
	}
	mutex_unlock(&frames_lock);
}

/*
 * Unmaps one mapping of all GFNs of a block. Deletes the counts even of BFNs that Xen refuses to
 * unmap: Xen drops their references when the guest dies.
 */
static void xenserver_drop_mapping(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
				   unsigned int mapping)
{
	struct xen_gpu_xenserver_domain *xs = dom->backend_data;
	unsigned int i, idx, n = 0;
	u64 bfn;

	for (idx = 0; idx < XEN_GPU_BLOCK_GFNS; idx++) {
		if (!xen_gpu_gfn_holds(block, idx, mapping))
			continue;
		bfn = xenserver_bfn(dom, block, idx, mapping);
		if (frame_put(xs, bfn)) {
			add_unmap(xs, n, bfn);
			xs->index[n++] = idx;
		} else {
			xen_gpu_gfn_drop(&dom->table, block, idx, mapping);
		}
	}
	xenserver_call(dom, XEN_GPU_CALL_UNMAP, n);
	for (i = 0; i < n; i++) {
		xa_erase(&xs->frames, xs->ops[i].u.unmap_foreign_page.bfn);
		if (!xenserver_unmap_status(xs->ops[i].status))
			xen_gpu_gfn_drop(&dom->table, block, xs->index[i], mapping);
	}
}

static void xenserver_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	unsigned int mapping;

	mutex_lock(&frames_lock);
	for (mapping = 0; mapping < XEN_GPU_MAPPINGS; mapping++)
		xenserver_drop_mapping(dom, block, mapping);
	mutex_unlock(&frames_lock);
	for (mapping = 0; mapping < XEN_GPU_MAPPINGS; mapping++)
		xen_gpu_backend_free_words(dom, block, mapping);
}

static int xenserver_domain_init(struct xen_gpu_domain *dom)
{
	struct xen_gpu_xenserver_domain *xs = kvzalloc(sizeof(*xs), GFP_KERNEL);

	if (!xs)
		return -ENOMEM;
	xa_init(&xs->frames);
	mutex_lock(&frames_lock);
	list_add(&xs->node, &all_domains);
	mutex_unlock(&frames_lock);
	dom->backend_data = xs;
	return 0;
}

static void xenserver_domain_exit(struct xen_gpu_domain *dom)
{
	struct xen_gpu_xenserver_domain *xs = dom->backend_data;

	mutex_lock(&frames_lock);
	list_del(&xs->node);
	mutex_unlock(&frames_lock);
	xa_destroy(&xs->frames);
	kvfree(xs);
}

static int xenserver_probe(const char **why)
{
	bool translates;

	if (!xen_pv_domain())
		*why = "this is not a PV domain";
	else if (!xen_initial_domain())
		*why = "this is not dom0";
	else if (xen_gpu_iommu_op_query(&translates))
		*why = "this Xen has no iommu_op (XenServer and XCP-ng have)";
	else
		return xen_gpu_iommu_lets_through(why);
	return -ENODEV;
}

const struct xen_gpu_backend xen_gpu_backend_xenserver = {
	.name = "xenserver",
	.about = "PV dom0, BFN and reference by XenServer's iommu_op, no isolation",
	.batched_unmap = true,
	.sees_frames = true,
	.unmap_chunk = XEN_GPU_BATCH,
	.probe = xenserver_probe,
	.domain_init = xenserver_domain_init,
	.domain_exit = xenserver_domain_exit,
	.map = xenserver_map,
	.unmap = xenserver_unmap,
	.bfn = xenserver_bfn,
	.drop_block = xenserver_drop_block,
	.drop_mapping = xen_gpu_backend_free_words,
};
