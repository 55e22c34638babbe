// SPDX-License-Identifier: GPL-2.0
/*
 * What the backends share: batches, arrays of one word for each GFN of a block, and the translation
 * of Xen's errors.
 */

#include <linux/slab.h>

#include "backend/backend.h"

/*
 * Translates an error of Xen's into a status of the service. @meanings is the backend's table; an
 * error that is not in it stays as it is, but a positive value becomes -EIO. The service
 * distinguishes these kinds of status:
 *
 *  -ENOENT  the GFN has no page; it is gone
 *  -EPERM   the page must not be mapped; the GFN is gone
 *  -ENODEV  the guest does not exist, or is not ours any more
 *  others   the error may be temporary; the map is retried
 */
int xen_gpu_backend_status(const struct xen_gpu_error *meanings, int error)
{
	for (; meanings->xen; meanings++) {
		if (meanings->xen == error)
			return meanings->status;
	}
	return error > 0 ? -EIO : error;
}

/*
 * Returns the error of an entry that Xen did not write, from the result of the call: -EIO if that
 * is none of Xen's errors, which are negative.
 */
int xen_gpu_backend_unwritten(int rc)
{
	return rc < 0 ? rc : -EIO;
}

/*
 * Returns the array of the backend's words, one for each GFN of the block, for one of its mappings.
 * Allocates the array if there is none. Returns NULL if there is no memory.
 */
u64 *xen_gpu_backend_words(struct xen_gpu_block *block, unsigned int mapping)
{
	if (!block->backend[mapping])
		block->backend[mapping] = kcalloc(XEN_GPU_BLOCK_GFNS, sizeof(u64), GFP_KERNEL);
	return block->backend[mapping];
}

void xen_gpu_backend_free_words(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
				unsigned int mapping)
{
	kfree(block->backend[mapping]);
	block->backend[mapping] = NULL;
}

void xen_gpu_batch_start(struct xen_gpu_batch *batch, enum xen_gpu_call kind)
{
	batch->kind = kind;
	batch->n = 0;
}

void xen_gpu_batch_add(struct xen_gpu_batch *batch, struct xen_gpu_block *block,
		       unsigned int idx, unsigned int mapping, bool writable)
{
	batch->entries[batch->n++] = (struct xen_gpu_batch_entry){
		.block = block,
		.gfn = xen_gpu_block_gfn(block, idx),
		.idx = idx,
		.mapping = mapping,
		.writable = writable,
	};
}
