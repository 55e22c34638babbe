// SPDX-License-Identifier: GPL-2.0
/*
 * The backend for a Xen with a map operation: dm_op's dev_map, dev_unmap and dev_lookup.
 *
 * Xen maps a guest's pages for our devices in batches, with a reference on each page and a status
 * for each entry. It unmaps in batches, with one IOTLB flush that is complete before the references
 * are dropped. It says whether a GFN still has the page that was mapped, so a balloon event costs
 * one look-up for 512 mappings and no flush. Read-only mappings are supported.
 *
 * The operation works for every domain that has control over the guest: dom0 of any kind, with its
 * IOMMU relaxed or strict, and driver domains. A PV caller gets the BFNs from Xen (they are MFNs).
 * A translated caller chooses them, from a window (window.c).
 *
 * Source: include/xen/interface/hvm/dev_map.h.
 *
 * Invariants:
 *
 *  - The block's words hold the BFN of each held entry, and whether its mapping is read-only, as an
 *    unmap has to say the same.
 *  - An entry that Xen says is not mapped is not held. An entry that Xen refuses to unmap for any
 *    other reason stays held.
 *
 * Locking: the domain's lock, for the buffer, too.
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

#include "backend/backend.h"
#include "backend/window.h"
#include "domain.h"

/* A word of a block: the BFN, and whether the mapping is read-only */
#define WORD_READONLY	BIT_ULL(63)
#define WORD_BFN	GENMASK_ULL(62, 0)

/* The members of struct xen_dm_op that are needed here */
struct dev_op {
	u32 op;
	u32 pad;
	union {
		struct xen_dm_op_dev_map map;
		struct xen_dm_op_dev_info info;
	} u;
};

struct xen_gpu_native_buffer {
	struct xen_gpu_window *window;	/* NULL if Xen chooses the BFNs */
	struct xen_dm_op_dev_map_entry entries[XEN_GPU_BATCH];
	u16 index[XEN_GPU_BATCH];	/* the batch entry, or the GFN's index, of each */
};

/* Asks Xen what the operation does for this domain and guest. Returns 0 or an error. */
static int get_info(domid_t domid, struct xen_dm_op_dev_info *info)
{
	struct dev_op op = { .op = XEN_DMOP_dev_info };
	struct xen_dm_op_buf buf = { .size = sizeof(op) };
	int rc;

	BUILD_BUG_ON(offsetof(struct dev_op, u) != 8);
	set_xen_guest_handle(buf.h, (void *)&op);
	rc = HYPERVISOR_dm_op(domid, 1, &buf);
	*info = op.u.info;
	return rc ? xen_gpu_backend_unwritten(rc) : 0;
}

/*
 * Returns the status of entries that Xen did not write. -EPERM for the call means that the guest is
 * no target of ours any more. For us it has ended: Xen has unmapped everything, or is about to.
 */
static int unwritten_status(int rc)
{
	return rc == -EPERM ? -ENODEV : xen_gpu_backend_unwritten(rc);
}

/*
 * Makes the call for the first @n entries of the buffer. Each entry has a status of 0 or a negative
 * error afterwards, even if Xen wrote none.
 */
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

static void native_call(struct xen_gpu_domain *dom, u32 cmd, enum xen_gpu_call kind, unsigned int n)
{
	if (!n)
		return;
	xen_gpu_count_hypercall(&dom->counters, kind, n);
	work_on(dom, cmd, n);
}

/*
 * From hvm/dev_map.h. A page in transition can be mapped a little later, like one that is paged
 * out.
 */
static const struct xen_gpu_error map_errors[] = {
	{ -EACCES, -EPERM },
	{ -ESRCH, -ENODEV },
	{ -EBUSY, -EAGAIN },
	{}
};

/*
 * Nothing is held if nothing is mapped at the BFN, or if the guest does not exist or is not ours.
 */
static int native_unmap_status(int error)
{
	return error == -ENOENT || error == -ESRCH || error == -ENODEV ? 0 : error;
}

/*
 * Fills in Xen's entry for a map. Returns 0, or -ENOMEM if there is no memory for the block's
 * words.
 */
static int fill_map(const struct xen_gpu_native_buffer *buffer,
		    const struct xen_gpu_batch_entry *be,
		    struct xen_dm_op_dev_map_entry *entry)
{
	*entry = (struct xen_dm_op_dev_map_entry){
		.gfn = be->gfn,
		.flags = be->writable ? 0 : XEN_DMOP_DEV_MAP_readonly,
	};
	if (buffer->window)
		entry->bfn = be->bfn;
	return xen_gpu_backend_words(be->block, be->mapping) ? 0 : -ENOMEM;
}

/* Fills in Xen's entry that names a held mapping, for a look-up or an unmap. */
static void fill_held(const struct xen_gpu_block *block, unsigned int idx, unsigned int mapping,
		      struct xen_dm_op_dev_map_entry *entry)
{
	const u64 *words = block->backend[mapping];

	*entry = (struct xen_dm_op_dev_map_entry){
		.gfn = xen_gpu_block_gfn(block, idx),
		.bfn = words[idx] & WORD_BFN,
		.flags = words[idx] & WORD_READONLY ? XEN_DMOP_DEV_MAP_readonly : 0,
	};
}

static void finish_map(struct xen_gpu_batch_entry *be, const struct xen_dm_op_dev_map_entry *entry)
{
	u64 *words = be->block->backend[be->mapping];

	be->status = xen_gpu_backend_status(map_errors, entry->status);
	if (be->status)
		return;
	be->bfn = entry->bfn;
	words[be->idx] = entry->bfn | (be->writable ? 0 : WORD_READONLY);
}

/* Assigns BFNs to the entries if the guest has a window. Otherwise Xen assigns them in the map. */
static void assign_bfns(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i;

	if (buffer->window) {
		xen_gpu_window_assign(dom, buffer->window, batch);
		return;
	}
	for (i = 0; i < batch->n; i++)
		batch->entries[i].status = 0;
}

static void native_map(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i, n = 0;

	assign_bfns(dom, batch);
	for (i = 0; i < batch->n; i++) {
		if (batch->entries[i].status)
			continue;
		batch->entries[i].status = fill_map(buffer, &batch->entries[i],
						    &buffer->entries[n]);
		if (!batch->entries[i].status)
			buffer->index[n++] = i;
	}
	native_call(dom, XEN_DMOP_dev_map, batch->kind, n);
	for (i = 0; i < n; i++)
		finish_map(&batch->entries[buffer->index[i]], &buffer->entries[i]);
}

/* Fills in Xen's entries that name the held mappings of a batch. */
static void name_held(struct xen_gpu_native_buffer *buffer, const struct xen_gpu_batch *batch)
{
	const struct xen_gpu_batch_entry *entry = batch->entries;
	unsigned int i;

	for (i = 0; i < batch->n; i++, entry++)
		fill_held(entry->block, entry->idx, entry->mapping, &buffer->entries[i]);
}

static void native_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i;

	name_held(buffer, batch);
	native_call(dom, XEN_DMOP_dev_unmap, batch->kind, batch->n);
	for (i = 0; i < batch->n; i++)
		batch->entries[i].status = native_unmap_status(buffer->entries[i].status);
}

static void native_recheck(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i;

	name_held(buffer, batch);
	native_call(dom, XEN_DMOP_dev_lookup, batch->kind, batch->n);
	for (i = 0; i < batch->n; i++)
		batch->entries[i].status = xen_gpu_backend_status(map_errors,
								  buffer->entries[i].status);
}

/*
 * Does Xen say that the guest is dying, or no target of ours any more? Tries to map a GFN that no
 * guest has: Xen's error differs in these cases.
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
		      unsigned int idx, unsigned int mapping)
{
	const u64 *words = block->backend[mapping];

	return words[idx] & WORD_BFN;
}

static void native_drop_mapping(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
				unsigned int mapping)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int i, idx, n = 0;

	for (idx = 0; idx < XEN_GPU_BLOCK_GFNS; idx++) {
		if (!xen_gpu_gfn_holds(block, idx, mapping))
			continue;
		fill_held(block, idx, mapping, &buffer->entries[n]);
		buffer->index[n++] = idx;
	}
	native_call(dom, XEN_DMOP_dev_unmap, XEN_GPU_CALL_UNMAP, n);
	for (i = 0; i < n; i++) {
		if (!native_unmap_status(buffer->entries[i].status))
			xen_gpu_gfn_drop(&dom->table, block, buffer->index[i], mapping);
	}
}

static void native_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	struct xen_gpu_native_buffer *buffer = dom->backend_data;
	unsigned int mapping;

	for (mapping = 0; mapping < XEN_GPU_MAPPINGS; mapping++)
		native_drop_mapping(dom, block, mapping);
	if (buffer->window)
		xen_gpu_window_drop_block(dom, buffer->window, block);
	for (mapping = 0; mapping < XEN_GPU_MAPPINGS; mapping++)
		xen_gpu_backend_free_words(dom, block, mapping);
}

/*
 * Asks Xen about this guest. Returns 0, -ENODEV if there is no such guest, or Xen's error. Logs
 * what limits its use.
 */
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

/*
 * Asks about DOMID_SELF, as there may be no guest yet when the module is loaded. The answer holds
 * for all guests.
 */
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

/* Not const: the probe sets @isolates and @about by what Xen says. */
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
	.drop_mapping = xen_gpu_backend_free_words,
};
