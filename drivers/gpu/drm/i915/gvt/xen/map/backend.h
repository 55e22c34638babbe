/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A backend: how the running system maps a guest's pages for a device and holds a reference on
 * them.
 *
 * One is chosen when the module is loaded. It maps and unmaps batches of slots, each with a
 * status of its own, and knows nothing of counts, queues or clients. A slot is a GFN and a side:
 * both sides of a GFN can be held at once, and each then has a reference of its own.
 *
 * Invariants: a slot whose map failed holds no reference; a slot's unmap has succeeded only when
 * no device can reach the page through its BFN any more (where the backend isolates), and only
 * then is the reference dropped.
 *
 * Locking: all but probe are called under the domain's lock, or before anybody else knows the
 * domain.
 */

#ifndef _XEN_GPU_MAP_BACKEND_H
#define _XEN_GPU_MAP_BACKEND_H

#include <linux/types.h>

#include "counters.h"
#include "table.h"

struct xen_gpu_domain;

/* The most slots in a batch */
#define XEN_GPU_BATCH	512

struct xen_gpu_slot {
	struct xen_gpu_block *block;
	u64 gfn;
	u16 slot;		/* index of the GFN in the block */
	u8 side;
	bool writable;		/* map: IN wanted, OUT given */
	bool lost;		/* a revalidation's: the other side is not mapped any more */
	bool stale;		/* a revalidation's: the GFN has not the frame of the other side */
	bool crowded;		/* map: OUT: -ENOSPC, and only the guest's own pages make room */
	int status;		/* OUT: 0 or one of the service's errors */
	u64 bfn;		/* map: OUT */
};

struct xen_gpu_batch {
	enum xen_gpu_call kind;	/* what its hypercalls are counted as */
	unsigned int n;
	struct xen_gpu_slot slots[XEN_GPU_BATCH];
};

/**
 * struct xen_gpu_backend - operations of a backend
 * @name: for the module parameter, the log and debugfs
 * @about: what it does, for the log
 * @isolates: the device can reach what is mapped and nothing else
 * @batched_unmap: one hypercall unmaps many pages
 * @sees_frames: it can be told whether a mapping still has the frame that the GFN has: by the
 *	BFN, which a new frame changes, or by @recheck
 * @lasting: references stay when the guest dies, until they are given back
 * @unmap_chunk: how many pages to unmap before the domain's lock is let go
 * @probe: 0, or an error with the reason in words
 * @domain_init: prepares a domain, whose limits are set; NULL if there is nothing to prepare
 * @domain_exit: undoes it; nothing is mapped any more
 * @map: maps the slots
 * @unmap: unmaps the slots
 * @recheck: asks Xen whether the GFNs of held slots still have the frames that are mapped.
 *	status: 0: yes; -ESTALE: the GFN has another one; -ENXIO: the mapping is not there any
 *	more; -ENOENT, -EPERM, -ENODEV: the GFN has none; anything else: not known. NULL if Xen
 *	has no call for that
 * @dying: Xen says that the guest is dying, or that it is not ours any more. NULL if Xen has no
 *	call for that
 * @bfn: the BFN of a held slot
 * @drop_block: unmaps every held slot of a block on both sides, in the cheapest way, noting those
 *	that it could, and frees what the backend keeps for the block
 * @drop_side: frees what the backend keeps for a side of a block on which nothing is held. NULL if
 *	it keeps nothing
 * @trim: frees what the backend keeps in reserve. NULL if it keeps nothing
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
		   unsigned int slot, unsigned int side);
	void (*drop_block)(struct xen_gpu_domain *dom, struct xen_gpu_block *block);
	void (*drop_side)(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			  unsigned int side);
	void (*trim)(struct xen_gpu_domain *dom);
};

/* What an error of Xen's means to the service */
struct xen_gpu_error {
	int xen;
	int status;
};

extern struct xen_gpu_backend xen_gpu_backend_native;
extern const struct xen_gpu_backend xen_gpu_backend_pv;
extern const struct xen_gpu_backend xen_gpu_backend_xenserver;
extern const struct xen_gpu_backend xen_gpu_backend_physmap;

const struct xen_gpu_backend *xen_gpu_backend_choose(const char *forced);
int xen_gpu_backend_status(const struct xen_gpu_error *meanings, int error);
int xen_gpu_iommu_lets_through(const char **why);
u64 *xen_gpu_backend_words(struct xen_gpu_block *block, unsigned int side);
void xen_gpu_backend_free_words(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
				unsigned int side);
void xen_gpu_batch_start(struct xen_gpu_batch *batch, enum xen_gpu_call kind);
void xen_gpu_batch_add(struct xen_gpu_batch *batch, struct xen_gpu_block *block,
		       unsigned int slot, unsigned int side, bool writable);

#endif /* _XEN_GPU_MAP_BACKEND_H */
