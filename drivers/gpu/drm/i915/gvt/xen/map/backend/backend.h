/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A backend: how the running system maps a guest's pages for a device and holds a reference on
 * them.
 *
 * A backend is chosen when the module is loaded. It maps and unmaps batches of entries, each with a
 * status of its own. It knows nothing of counts, the idle list or clients. An entry is one mapping
 * of a GFN. Both mappings of a GFN can be held at once; each has a reference of its own then.
 *
 * Invariants:
 *
 *  - An entry whose map failed holds no reference.
 *  - An entry's unmap succeeds only when no device can reach the page through its BFN any more (if
 *    the backend isolates), and only then is the reference dropped.
 *
 * Locking: the domain's lock is held for all operations but @probe, @domain_init and @domain_exit.
 * The latter two run while nobody else can reach the domain.
 */

#ifndef _XEN_GPU_MAP_BACKEND_H
#define _XEN_GPU_MAP_BACKEND_H

#include <linux/types.h>

#include "block.h"
#include "counters.h"

struct xen_gpu_domain;

/* The maximum number of entries in a batch */
#define XEN_GPU_BATCH	512

/**
 * struct xen_gpu_batch_entry - one mapping of a GFN that an operation works on
 * @block: the GFN's block
 * @gfn: the GFN
 * @idx: index of the GFN in the block
 * @mapping: which mapping of the GFN, 0 or 1
 * @writable: map: IN: write access is wanted; OUT: write access was given
 * @lost: revalidation: Xen has dropped the GFN's old mapping
 * @stale: revalidation: the GFN has another frame than the old mapping
 * @crowded: map: OUT: the status is -ENOSPC for lack of address space in the guest's window, not
 *	because of Xen's limit
 * @status: OUT: 0 or one of the service's errors
 * @bfn: map: OUT: the BFN, if @status is 0
 */
struct xen_gpu_batch_entry {
	struct xen_gpu_block *block;
	u64 gfn;
	u16 idx;
	u8 mapping;
	bool writable;
	bool lost;
	bool stale;
	bool crowded;
	int status;
	u64 bfn;
};

/**
 * struct xen_gpu_batch - the entries that one operation works on
 * @kind: what its hypercalls are counted as
 * @n: the number of entries
 * @entries: the entries
 */
struct xen_gpu_batch {
	enum xen_gpu_call kind;
	unsigned int n;
	struct xen_gpu_batch_entry entries[XEN_GPU_BATCH];
};

/**
 * struct xen_gpu_backend - operations of a backend
 * @name: for the module parameter, the log and debugfs
 * @about: what it does, for the log
 * @isolates: the device can reach what is mapped and nothing else
 * @batched_unmap: one hypercall unmaps many pages
 * @sees_frames: the service can tell whether a mapping still has the frame that the GFN has: by the
 *	BFN, which differs for a new frame, or by @recheck
 * @lasting: when the guest dies, its references stay until they are returned
 * @unmap_chunk: how many pages to unmap before the domain's lock is dropped, at most XEN_GPU_BATCH
 * @probe: returns 0 if the backend can be used here, or an error with the reason in words
 * @domain_init: prepares a domain whose limits are set. Returns 0 or an error. NULL if there is
 *	nothing to prepare
 * @domain_exit: undoes @domain_init, when nothing is mapped any more. NULL if there is nothing to
 *	undo
 * @map: maps the entries of a batch; sets each entry's status, and its BFN and access if that is 0
 * @unmap: unmaps the entries of a batch and sets each entry's status
 * @recheck: asks Xen whether the GFNs of held entries still have the frames that are mapped. An
 *	entry's status is 0 if it has; -ESTALE if the GFN has another frame; -ENXIO if the
 *	mapping is not there any more; -ENOENT, -EPERM or -ENODEV if the GFN has no frame; any
 *	other error if nothing is known. NULL if Xen has no call for that
 * @dying: does Xen say that the guest is dying, or that it is not ours any more? NULL if Xen has no
 *	call for that
 * @bfn: returns the BFN of a held entry
 * @drop_block: unmaps both mappings of all GFNs of a block, in the cheapest way, marks those that
 *	it could unmap as not held, and frees the backend's data of the block
 * @drop_mapping: frees the backend's data for one mapping of a block's GFNs, none of which is held.
 *	NULL if there is no such data
 * @trim: frees what the backend keeps in reserve for a domain. NULL if it keeps nothing
 */
struct xen_gpu_backend {
	const char *name;
	const char *about;
	bool isolates;
	bool batched_unmap;
	bool sees_frames;
	bool lasting;
	unsigned int unmap_chunk;

	int (*probe)(const char **why);
	int (*domain_init)(struct xen_gpu_domain *dom);
	void (*domain_exit)(struct xen_gpu_domain *dom);
	void (*map)(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch);
	void (*unmap)(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch);
	void (*recheck)(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch);
	bool (*dying)(struct xen_gpu_domain *dom);
	u64 (*bfn)(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
		   unsigned int idx, unsigned int mapping);
	void (*drop_block)(struct xen_gpu_domain *dom, struct xen_gpu_block *block);
	void (*drop_mapping)(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			     unsigned int mapping);
	void (*trim)(struct xen_gpu_domain *dom);
};

/* One line of a table that translates Xen's errors; @xen is 0 in the last line */
struct xen_gpu_error {
	int xen;
	int status;
};

extern struct xen_gpu_backend xen_gpu_backend_native;
extern const struct xen_gpu_backend xen_gpu_backend_pv;
extern const struct xen_gpu_backend xen_gpu_backend_xenserver;
extern const struct xen_gpu_backend xen_gpu_backend_physmap;

int xen_gpu_backend_status(const struct xen_gpu_error *meanings, int error);
int xen_gpu_backend_unwritten(int rc);
u64 *xen_gpu_backend_words(struct xen_gpu_block *block, unsigned int mapping);
void xen_gpu_backend_free_words(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
				unsigned int mapping);
void xen_gpu_batch_start(struct xen_gpu_batch *batch, enum xen_gpu_call kind);
void xen_gpu_batch_add(struct xen_gpu_batch *batch, struct xen_gpu_block *block,
		       unsigned int idx, unsigned int mapping, bool writable);

#endif /* _XEN_GPU_MAP_BACKEND_H */
