/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counted mappings of guest pages for mediated devices on Xen: the in-kernel API.
 *
 * A mediator (say, of a GPU) gets a handle on a guest with xen_gpu_domain_get() and registers
 * itself as a client of it. It turns guest frame numbers (GFNs) into bus frame numbers (BFNs),
 * in batches, with xen_gpu_map(), writes them into the device's page tables, and gives them back
 * with xen_gpu_release() when the device has forgotten them. In between Xen holds one reference
 * on the page, however many times it was mapped.
 *
 * See Documentation/xen_gpu_map.rst.
 */

#ifndef _XEN_XEN_GPU_MAP_H
#define _XEN_XEN_GPU_MAP_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>
#include <xen/interface/xen.h>

struct xen_gpu_client;
struct xen_gpu_domain;

/* Access rights of a mapping */
#define XEN_GPU_MAP_READ	BIT(0)
#define XEN_GPU_MAP_WRITE	BIT(1)

/**
 * struct xen_gpu_limits - what a mediator asks for when it gets a domain
 * @quota: the most pages that may be mapped at once, idle ones included, in pages
 * @max_bfn: the highest BFN that the device and its page tables can hold
 */
struct xen_gpu_limits {
	unsigned long quota;
	u64 max_bfn;
};

/**
 * struct xen_gpu_move - what a revalidation found about one GFN
 * @gfn: the GFN
 * @bfn: where its page is now, if @status is 0
 * @status: 0: the page is at @bfn from now on; -ENOENT: the GFN has no page any more
 */
struct xen_gpu_move {
	u64 gfn;
	u64 bfn;
	int status;
};

/**
 * struct xen_gpu_client_ops - what the service tells a client
 *
 * All are called in process context with no lock of the service held that xen_gpu_map() or
 * xen_gpu_release() take: the client may take its own locks and call both.
 */
struct xen_gpu_client_ops {
	/**
	 * @moved: the frames behind these GFNs (sorted, each once) are about to go. There may be
	 * as many as the client has mapped.
	 *
	 * Before it returns the client rewrites every device entry of a GFN with status 0 to the
	 * new BFN, points every entry of the others to its scratch page and releases their
	 * references, and makes the device forget the old entries. Entries made from a map call
	 * that returned before this one was made are the client's to find: it has to hold a lock
	 * of its own from its map call to the write of the entry, and take that lock here.
	 */
	void (*moved)(struct xen_gpu_client *client, const struct xen_gpu_move *moves,
		      unsigned int n);

	/**
	 * @settled: GFNs that could not be mapped before may be mapped now: a revalidation is
	 * complete, or there may be room for what was refused with -ENOSPC, -ENOMEM or -EAGAIN.
	 * May be NULL.
	 */
	void (*settled)(struct xen_gpu_client *client);

	/**
	 * @ended: the domain is gone: point every entry to the scratch page, make the device
	 * forget, and release everything. Map calls fail with -ENODEV from here on.
	 */
	void (*ended)(struct xen_gpu_client *client);
};

/**
 * struct xen_gpu_client - a user of a domain's mappings, embedded in the mediator's own structure
 * @ops: set by the mediator
 * @max_bfn: set by the mediator: the highest BFN that this client's entries can hold
 * @domain: set by xen_gpu_client_register()
 * @node: the service's
 */
struct xen_gpu_client {
	const struct xen_gpu_client_ops *ops;
	u64 max_bfn;
	struct xen_gpu_domain *domain;
	struct list_head node;
};

struct xen_gpu_domain *xen_gpu_domain_get(domid_t domid, const struct xen_gpu_limits *limits);
void xen_gpu_domain_put(struct xen_gpu_domain *dom);

int xen_gpu_client_register(struct xen_gpu_domain *dom, struct xen_gpu_client *client);
void xen_gpu_client_unregister(struct xen_gpu_client *client);

unsigned int xen_gpu_map(struct xen_gpu_client *client, const u64 *gfns, unsigned int n,
			 unsigned int access, u64 *bfns, int *status);
void xen_gpu_release(struct xen_gpu_client *client, const u64 *gfns, unsigned int n);

int xen_gpu_flush(struct xen_gpu_domain *dom);
void xen_gpu_balloon_event(struct xen_gpu_domain *dom);
int xen_gpu_wait_current(struct xen_gpu_domain *dom);
void xen_gpu_domain_suspect(struct xen_gpu_domain *dom);

#endif /* _XEN_XEN_GPU_MAP_H */
