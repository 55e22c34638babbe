// SPDX-License-Identifier: GPL-2.0
/*
 * The backend for a Xen with the map operation of its own: dm_op's dev_map, dev_unmap, dev_lookup.
 *
 * Xen maps a guest's pages for our devices in batches, with a reference on each and a status for
 * each; unmaps in batches, with one IOTLB flush that is complete before the references are
 * dropped; and tells whether a GFN still has the page that was mapped, so that a balloon event
 * costs one look-up for 512 mappings and no flush. It works for whoever has control over the
 * guest: dom0 of any kind, with the IOMMU relaxed or strict, and driver domains. A PV caller gets
 * BFNs from Xen (they are MFNs); a translated one chooses them, from a window (window.c).
 * Read-only mappings are passed on.
 *
 * Source: include/xen/interface/hvm/dev_map.h.
 *
 * Invariants: a held slot has its BFN in the block's words, and how it was mapped, as an unmap has
 * to say the same. What Xen says is not mapped holds nothing; whatever else it refuses to unmap
 * stays held. Locking: the domain's lock, for the buffer too.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/dev_map.h>
#include <xen/interface/hvm/dm_op.h>
#include <asm/xen/hypercall.h>

#include "backend.h"
#include "domain.h"
#include "window.h"

/* A word: the BFN, and whether the mapping is read-only */
#define WORD_READONLY	BIT_ULL(63)
#define WORD_BFN	GENMASK_ULL(62, 0)

/* struct xen_dm_op, as far as it is needed here */
struct dev_op {
	u32 op;
	u32 pad;
	union {
		struct xen_dm_op_dev_map map;
		struct xen_dm_op_dev_info info;
	} u;
};

struct xen_gpu_native_buffer {
	struct xen_gpu_window *window;	/* NULL: Xen gives the BFNs */
	struct xen_dm_op_dev_map_entry entries[XEN_GPU_BATCH];
	u16 index[XEN_GPU_BATCH];	/* the slot that each belongs to */
};

static int get_info(domid_t domid, struct xen_dm_op_dev_info *info)
{
	struct dev_op op = { .op = XEN_DMOP_dev_info };
	struct xen_dm_op_buf buf = { .size = sizeof(op) };
	int rc;

	BUILD_BUG_ON(offsetof(struct dev_op, u) != 8);
	set_xen_guest_handle(buf.h, (void *)&op);
	rc = HYPERVISOR_dm_op(domid, 1, &buf);
	*info = op.u.info;
	return rc;
}

/*
 * The status of entries that Xen did not get to. A call that is refused is one on a guest that is
 * no target of ours any more: it has ended for us, and what was mapped Xen has unmapped, or is
 * about to.
 */
static int unwritten_status(int rc)
{
	return rc == -EPERM ? -ENODEV : rc ?: -EIO;
}

/* Has Xen work on the first n entries. Each has a status of ours afterwards, whatever Xen wrote. */
static void work_on(struct xen_gpu_domain *dom, u32 cmd, unsigned int n)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	struct dev_op op = { .op = cmd, .u.map.nr_entries = n };
	struct xen_dm_op_buf bufs[] = {
		{ .size = sizeof(op) },
		{ .size = n * sizeof(*buffer->entries) },
	};
	const int unwritten = INT_MIN;
	unsigned int i;
	int rc;

	for (i = 0; i < n; i++)
		buffer->entries[i].status = unwritten;
	set_xen_guest_handle(bufs[0].h, (void *)&op);
	set_xen_guest_handle(bufs[1].h, (void *)buffer->entries);
	rc = HYPERVISOR_dm_op(dom->domid, ARRAY_SIZE(bufs), bufs);
	for (i = 0; i < n; i++) {
		if (buffer->entries[i].status == unwritten)
			buffer->entries[i].status = unwritten_status(rc);
		else if (buffer->entries[i].status > 0)
			buffer->entries[i].status = -EIO;
	}
}

static void make_call(struct xen_gpu_domain *dom, u32 cmd, enum xen_gpu_call kind, unsigned int n)
{
	if (!n)
		return;
	xen_gpu_count_hypercall(&dom->counters, kind, n);
	work_on(dom, cmd, n);
}

/* hvm/dev_map.h. A page in transition can be had a little later, as one that is paged out. */
static const struct xen_gpu_error map_errors[] = {
	{ -EACCES, -EPERM },
	{ -ESRCH, -ENODEV },
	{ -EBUSY, -EAGAIN },
	{}
};

/* Where nothing is mapped (any more), and of a guest not there, or not ours, nothing is held. */
static int unmap_status(int error)
{
	return error == -ENOENT || error == -ESRCH || error == -ENODEV ? 0 : error;
}

/* The entry that maps a slot; an error if there cannot be one. */
static int fill_map(const struct xen_gpu_native_buffer *buffer, const struct xen_gpu_slot *slot,
		    struct xen_dm_op_dev_map_entry *entry)
{
	*entry = (struct xen_dm_op_dev_map_entry){
		.gfn = slot->gfn,
		.flags = slot->writable ? 0 : XEN_DMOP_DEV_MAP_readonly,
	};
	if (buffer->window)
		entry->bfn = slot->bfn;
	return xen_gpu_backend_words(slot->block, slot->side) ? 0 : -ENOMEM;
}

/* The entry that names a slot's mapping, to look it up or to unmap it. */
static void fill_held(const struct xen_gpu_block *block, unsigned int slot, unsigned int side,
		      struct xen_dm_op_dev_map_entry *entry)
{
	const u64 *words = block->backend[side];

	*entry = (struct xen_dm_op_dev_map_entry){
		.gfn = xen_gpu_slot_gfn(block, slot),
		.bfn = words[slot] & WORD_BFN,
		.flags = words[slot] & WORD_READONLY ? XEN_DMOP_DEV_MAP_readonly : 0,
	};
}

static void settle_map(struct xen_gpu_slot *slot, const struct xen_dm_op_dev_map_entry *entry)
{
	u64 *words = slot->block->backend[slot->side];

	slot->status = xen_gpu_backend_status(map_errors, entry->status);
	if (slot->status)
		return;
	slot->bfn = entry->bfn;
	words[slot->slot] = entry->bfn | (slot->writable ? 0 : WORD_READONLY);
}

/* Where there is a window the BFNs come from it, else from Xen. */
static void place(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i;

	if (buffer->window) {
		xen_gpu_window_place(dom, buffer->window, batch);
		return;
	}
	for (i = 0; i < batch->n; i++)
		batch->slots[i].status = 0;
}

static void native_map(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i, n = 0;

	place(dom, batch);
	for (i = 0; i < batch->n; i++) {
		if (batch->slots[i].status)
			continue;
		batch->slots[i].status = fill_map(buffer, &batch->slots[i], &buffer->entries[n]);
		if (!batch->slots[i].status)
			buffer->index[n++] = i;
	}
	make_call(dom, XEN_DMOP_dev_map, batch->kind, n);
	for (i = 0; i < n; i++)
		settle_map(&batch->slots[buffer->index[i]], &buffer->entries[i]);
}

static void name_held(struct xen_gpu_native_buffer *buffer, const struct xen_gpu_batch *batch)
{
	const struct xen_gpu_slot *slot = batch->slots;
	unsigned int i;

	for (i = 0; i < batch->n; i++, slot++)
		fill_held(slot->block, slot->slot, slot->side, &buffer->entries[i]);
}

static void native_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i;

	name_held(buffer, batch);
	make_call(dom, XEN_DMOP_dev_unmap, batch->kind, batch->n);
	for (i = 0; i < batch->n; i++)
		batch->slots[i].status = unmap_status(buffer->entries[i].status);
}

static void native_recheck(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i;

	name_held(buffer, batch);
	make_call(dom, XEN_DMOP_dev_lookup, batch->kind, batch->n);
	for (i = 0; i < batch->n; i++)
		batch->slots[i].status = xen_gpu_backend_status(map_errors,
								buffer->entries[i].status);
}

/*
 * A dying guest gets no new mapping, nor does one that is no target of ours: asked for a page that
 * no guest has, Xen says which it is.
 */
static bool native_dying(struct xen_gpu_domain *dom)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	struct xen_dm_op_dev_map_entry *entry = buffer->entries;

	*entry = (struct xen_dm_op_dev_map_entry){
		.gfn = XEN_GPU_MAX_GFN,
		.bfn = buffer->window ? buffer->window->spare : 0,
		.flags = XEN_DMOP_DEV_MAP_readonly,
	};
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 1);
	work_on(dom, XEN_DMOP_dev_map, 1);
	if (entry->status == -ENODEV)
		pr_warn("d%u: Xen has taken it from us: it is no target of this domain any more\n",
			dom->domid);
	if (!WARN_ON_ONCE(!entry->status))
		return entry->status == -ESRCH || entry->status == -ENODEV;
	work_on(dom, XEN_DMOP_dev_unmap, 1);
	return false;
}

static u64 native_bfn(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
		      unsigned int slot, unsigned int side)
{
	const u64 *words = block->backend[side];

	return words[slot] & WORD_BFN;
}

static void drop_side(struct xen_gpu_domain *dom, struct xen_gpu_block *block, unsigned int side)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i, slot, n = 0;

	for (slot = 0; slot < XEN_GPU_BLOCK_GFNS; slot++) {
		if (!xen_gpu_slot_held_on(block, slot, side))
			continue;
		fill_held(block, slot, side, &buffer->entries[n]);
		buffer->index[n++] = slot;
	}
	make_call(dom, XEN_DMOP_dev_unmap, XEN_GPU_CALL_UNMAP, n);
	for (i = 0; i < n; i++) {
		if (!unmap_status(buffer->entries[i].status))
			xen_gpu_slot_drop(&dom->table, block, buffer->index[i], side);
	}
}

static void native_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int side;

	for (side = 0; side < XEN_GPU_SIDES; side++)
		drop_side(dom, block, side);
	if (buffer->window)
		xen_gpu_window_drop_block(dom, buffer->window, block);
	for (side = 0; side < XEN_GPU_SIDES; side++)
		xen_gpu_backend_free_words(dom, block, side);
}

/* What Xen says about this guest, in the log if it is in the way. */
static int ask_about(struct xen_gpu_domain *dom, struct xen_dm_op_dev_info *info)
{
	int rc;

	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 1);
	rc = get_info(dom->domid, info);
	if (rc == -EPERM)
		pr_err("d%u: Xen does not let us map its pages: it is no target of this domain\n",
		       dom->domid);
	if (!rc && dom->quota > info->limit)
		pr_warn("d%u: the quota is %lu pages, but Xen lets us map %u in all\n", dom->domid,
			dom->quota, info->limit);
	return rc == -ESRCH ? -ENODEV : rc;
}

static int native_domain_init(struct xen_gpu_domain *dom)
{
	struct xen_gpu_native_buffer *buffer;
	struct xen_dm_op_dev_info info;
	int rc = ask_about(dom, &info);

	if (rc)
		return rc;
	buffer = kvzalloc(sizeof(*buffer), GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	if (info.flags & XEN_DMOP_DEV_INFO_caller_bfn) {
		buffer->window = xen_gpu_window_new(dom);
		if (IS_ERR(buffer->window)) {
			rc = PTR_ERR(buffer->window);
			kvfree(buffer);
			return rc;
		}
	}
	dom->backend_data = buffer;
	return 0;
}

static void native_domain_exit(struct xen_gpu_domain *dom)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;

	if (buffer->window)
		xen_gpu_window_free(dom, buffer->window);
	kvfree(buffer);
}

/* When the module is loaded there may be no guest yet: Xen tells what holds for any. */
static int native_probe(const char **why)
{
	struct xen_dm_op_dev_info info;

	if (get_info(DOMID_SELF, &info)) {
		*why = "this Xen has no map operation (XEN_DMOP_dev_map)";
		return -ENODEV;
	}
	xen_gpu_backend_native.isolates = info.flags & XEN_DMOP_DEV_INFO_isolated;
	xen_gpu_backend_native.about = xen_gpu_backend_native.isolates ?
		"Xen's map operation, one IOTLB flush for many pages, isolated by the IOMMU" :
		"Xen's map operation, a reference for each page, no isolation";
	return 0;
}

/* Not const: whether it isolates is known when Xen was asked. */
struct xen_gpu_backend xen_gpu_backend_native = {
	.name = "native",
	.batched_unmap = true,
	.sees_frames = true,
	.lasting = true,
	.unmap_chunk = XEN_GPU_BATCH,
	.probe = native_probe,
	.domain_init = native_domain_init,
	.domain_exit = native_domain_exit,
	.map = native_map,
	.unmap = native_unmap,
	.recheck = native_recheck,
	.dying = native_dying,
	.bfn = native_bfn,
	.drop_block = native_drop_block,
	.drop_side = xen_gpu_backend_free_words,
};
