/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counted mappings of guest pages for mediated devices on Xen: the in-kernel API.
 *
 * A mediator (of a GPU, say) gets a handle on a guest with xen_gpu_domain_get() and registers a
 * client of it. xen_gpu_map() turns batches of guest frame numbers (GFNs) into bus frame numbers
 * (BFNs), which the mediator writes into the device's page tables. When the device has forgotten
 * them, the mediator returns them with xen_gpu_release(). From the map to the unmap Xen holds one
 * reference on the page, however many times it was mapped.
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
 * @quota: how many pages may be mapped at once, in pages; idle pages count, too
 * @max_bfn: the highest BFN that the device and its page tables can hold
 */
struct xen_gpu_limits {
	unsigned long quota;
	u64 max_bfn;
};

/**
 * struct xen_gpu_move - what a revalidation found about one GFN
 * @gfn: the GFN
 * @bfn: the GFN's new BFN if @status is 0, else 0
 * @status: 0 if the GFN is mapped at @bfn from now on; -ENOENT if it has no page any more
 */
struct xen_gpu_move {
	u64 gfn;
	u64 bfn;
	int status;
};

/**
 * struct xen_gpu_client_ops - what the service tells a client
 *
 * Context: process context, under the domain's notify_lock only. xen_gpu_map() and
 * xen_gpu_release() do not take that lock, so an operation may take the client's own locks and call
 * both.
 */
struct xen_gpu_client_ops {
	/**
	 * @remap: the frames behind @n GFNs are about to be released. @moves is sorted by GFN and
	 *	names each GFN once. @n can be as large as the number of GFNs that are mapped.
	 *
	 * Before it returns, the client:
	 *
	 *  - rewrites every device entry of a GFN with status 0 to the new BFN;
	 *  - points every device entry of the other GFNs to its scratch page and releases their
	 *    references;
	 *  - makes the device forget the old entries.
	 *
	 * A map call that returned before this call was made may have given an old BFN to an entry
	 * that is not written yet. The client has to find such entries: it holds a lock of its own
	 * from its map call to the write of the entry, and takes that lock here.
	 */
	void (*remap)(struct xen_gpu_client *client, const struct xen_gpu_move *moves,
		      unsigned int n);

	/**
	 * @revalidated: GFNs that could not be mapped before may be mappable now. Called when a
	 *	revalidation is complete, or when a map that failed with -ENOSPC, -ENOMEM or
	 *	-EAGAIN may succeed. May be NULL.
	 */
	void (*revalidated)(struct xen_gpu_client *client);

	/**
	 * @release: the domain has ended. The client points every device entry to its scratch page,
	 *	makes the device forget the old entries and releases all references. Map calls
	 *	fail with -ENODEV from here on.
	 */
	void (*release)(struct xen_gpu_client *client);
};

/**
 * struct xen_gpu_client - a user of a domain's mappings, embedded in the mediator's own structure
 * @ops: the client's operations, set by the mediator; remap and release are mandatory
 * @max_bfn: the highest BFN that this client's entries can hold, set by the mediator
 * @domain: the domain's handle, set by xen_gpu_client_register()
 * @after_event: for revalidated(), set by the service: GFNs may have other pages since the last
 *	call, as there was a balloon event, or the guest was suspected to have ended
 * @node: the service's: an element of the domain's list of clients
 */
struct xen_gpu_client {
	const struct xen_gpu_client_ops *ops;
	u64 max_bfn;
	struct xen_gpu_domain *domain;
	bool after_event;
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
