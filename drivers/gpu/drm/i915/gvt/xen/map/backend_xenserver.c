// SPDX-License-Identifier: GPL-2.0
/*
 * The backend for a PV dom0 on XenServer's and XCP-ng's Xen: their iommu_op hypercall.
 *
 * A look-up takes a reference on the page and gives its BFN; an unmap, by BFN, drops it. The IOMMU
 * maps all RAM for dom0, at an offset, or is off: there is no isolation, the reference is the only
 * protection.
 *
 * That reference is one bit of the page. Any number of look-ups takes one, the first unmap drops
 * it for all, whichever guest has the page by then; and when a guest dies Xen drops it without a
 * word. So we count for ourselves which domain holds which BFN, on how many slots (the two sides
 * of a GFN have the same BFN as long as the frame is the same). Xen is told of the last one to go.
 * A BFN that Xen gives for one domain while another seems to hold it tells that the other's guest
 * is dead, and that its reference has gone with it: it is forgotten there, so that a late unmap
 * does not drop the new one.
 *
 * Xen has no limit for a call, and flushes the whole IOTLB after one of several entries: batches
 * are at most 512.
 *
 * Source: include/xen/interface/iommu_op.h.
 *
 * Invariants: a held slot has its BFN in the block's words. A BFN is with one domain at most. Xen
 * is only asked to unmap BFNs that it gave (it does not check) and that are with the domain.
 *
 * Locking: the domain's lock for its buffer; frames_lock for who holds what, and around the calls,
 * as what one domain's look-up says must be noted before another one's unmap.
 */

#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <xen/xen.h>

#include "backend.h"
#include "domain.h"
#include "iommu_op.h"

struct xen_gpu_xenserver_domain {
	struct list_head node;
	struct xarray frames;		/* BFN: how many slots hold it, as a value */
	struct pv_iommu_op ops[XEN_GPU_BATCH];
	u16 index[XEN_GPU_BATCH];
};

static DEFINE_MUTEX(frames_lock);
static LIST_HEAD(all_domains);

static unsigned long frame_users(struct xen_gpu_xenserver_domain *xs, u64 bfn)
{
	void *entry = xa_load(&xs->frames, bfn);

	lockdep_assert_held(&frames_lock);
	return entry ? xa_to_value(entry) : 0;
}

/* One more slot has the BFN. -ENOMEM only if it is the first. */
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

/* One slot less is to have it. True: it is the last one, and Xen is to be told. */
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

static void make_call(struct xen_gpu_domain *dom, enum xen_gpu_call kind, unsigned int n)
{
	struct xen_gpu_xenserver_domain *xs = dom->backend_data;

	if (!n)
		return;
	xen_gpu_count_hypercall(&dom->counters, kind, n);
	xen_gpu_iommu_op(xs->ops, n);
}

/* Xen has no page for a GFN (or no such guest any more): -ENXIO. */
static const struct xen_gpu_error lookup_errors[] = {
	{ -ENXIO, -ENOENT },
	{ -EINVAL, -ENOENT },
	{ -EACCES, -EPERM },
	{ -ESRCH, -ENODEV },
	{}
};

/* A page without a reference has nothing to be dropped. */
static int unmap_status(int error)
{
	return error == -ENOENT ? 0 : error;
}

/* Notes what a look-up gave. -ENOMEM: the reference is still to be dropped. */
static int settle_lookup(struct xen_gpu_xenserver_domain *xs, struct xen_gpu_slot *slot,
			 const struct pv_iommu_op *op)
{
	u64 *words = slot->block->backend[slot->side];

	slot->status = xen_gpu_backend_status(lookup_errors, op->status);
	if (slot->status)
		return 0;
	slot->bfn = op->u.lookup_foreign_page.bfn;
	words[slot->slot] = slot->bfn;
	slot->status = frame_get(xs, slot->bfn);
	return slot->status;
}

static void xenserver_map(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_xenserver_domain *xs = dom->backend_data;
	unsigned int i, n = 0, undo = 0;
	struct xen_gpu_slot *slot;

	mutex_lock(&frames_lock);
	for (i = 0; i < batch->n; i++) {
		slot = &batch->slots[i];
		slot->writable = true;	/* the only way there is */
		slot->status = xen_gpu_backend_words(slot->block, slot->side) ? 0 : -ENOMEM;
		if (slot->status)
			continue;
		add_lookup(xs, n, dom->domid, slot->gfn);
		xs->index[n++] = i;
	}
	make_call(dom, batch->kind, n);
	for (i = 0; i < n; i++) {
		slot = &batch->slots[xs->index[i]];
		if (settle_lookup(xs, slot, &xs->ops[i]))
			add_unmap(xs, undo++, slot->bfn);
	}
	make_call(dom, XEN_GPU_CALL_UNMAP, undo);
	mutex_unlock(&frames_lock);
}

static u64 xenserver_bfn(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
			 unsigned int slot, unsigned int side)
{
	const u64 *words = block->backend[side];

	return words[slot];
}

static void xenserver_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_xenserver_domain *xs = dom->backend_data;
	struct xen_gpu_slot *slot;
	unsigned int i, n = 0;
	u64 bfn;

	mutex_lock(&frames_lock);
	for (i = 0; i < batch->n; i++) {
		slot = &batch->slots[i];
		slot->status = 0;
		bfn = xenserver_bfn(dom, slot->block, slot->slot, slot->side);
		if (!frame_put(xs, bfn))
			continue;
		add_unmap(xs, n, bfn);
		xs->index[n++] = i;
	}
	make_call(dom, batch->kind, n);
	for (i = 0; i < n; i++) {
		slot = &batch->slots[xs->index[i]];
		slot->status = unmap_status(xs->ops[i].status);
		if (!slot->status)
			xa_erase(&xs->frames, xs->ops[i].u.unmap_foreign_page.bfn);
	}
	mutex_unlock(&frames_lock);
}

/* What Xen does not drop now, it drops when the guest dies: it is not with us any more. */
static void drop_side(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int side)
{
	struct xen_gpu_xenserver_domain *xs = dom->backend_data;
	unsigned int i, slot, n = 0;
	u64 bfn;

	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS; slot++) {
		if (!xen_gpu_slot_held_on(block, slot, side))
			continue;
		bfn = xenserver_bfn(dom, block, slot, side);
		if (frame_put(xs, bfn)) {
			add_unmap(xs, n, bfn);
			xs->index[n++] = slot;
		} else {
			xen_gpu_slot_drop(&dom->table, block, slot, side);
		}
	}
	make_call(dom, XEN_GPU_CALL_UNMAP, n);
	for (i = 0; i < n; i++) {
		xa_erase(&xs->frames, xs->ops[i].u.unmap_foreign_page.bfn);
		if (!unmap_status(xs->ops[i].status))
			xen_gpu_slot_drop(&dom->table, block, xs->index[i], side);
	}
}

static void xenserver_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	unsigned int side;

	mutex_lock(&frames_lock);
	for (side = 0; side < XEN_GPU_SIDES; side++)
		drop_side(dom, block, side);
	mutex_unlock(&frames_lock);
	for (side = 0; side < XEN_GPU_SIDES; side++)
		xen_gpu_backend_free_words(dom, block, side);
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
	.drop_side = xen_gpu_backend_free_words,
};
