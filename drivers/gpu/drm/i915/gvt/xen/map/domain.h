/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A domain whose pages are mapped: the state behind a handle of the service.
 *
 * Invariants: what is mapped is in the table. Once ended, a domain maps nothing, and what it held
 * is given back at once.
 *
 * Locking, in this order: notify_lock (clients, and who may call them) > a client's own locks >
 * lock (table, counts, queue, backend). The list of domains has a mutex of its own, which nests
 * outside.
 */

#ifndef _XEN_GPU_MAP_DOMAIN_H
#define _XEN_GPU_MAP_DOMAIN_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>
#include <xen/xen_gpu_map.h>

#include "backend.h"
#include "counters.h"
#include "table.h"

struct dentry;

#define XEN_GPU_NO_ID	U32_MAX

/* Equal GFNs of one map call. */
struct xen_gpu_run {
	u64 gfn;
	u64 bfn;
	unsigned int refs;
	int status;
};

struct xen_gpu_domain {
	domid_t domid;
	struct kref ref;
	u32 id;				/* in the list of domains; XEN_GPU_NO_ID: not (any more) */
	char *identity;			/* what xenstore calls it, if known; see identity.c */
	const struct xen_gpu_backend *backend;
	void *backend_data;
	struct xen_gpu_counters counters;
	struct dentry *dentry;
	struct workqueue_struct *wq;

	struct mutex lock;		/* of the mappings: */
	unsigned long quota;		/* pages */
	u64 max_bfn;
	struct xen_gpu_table table;
	u64 aged_next;			/* no GFN below it is idle for long, since the last tick */
	bool ended;
	bool refused;			/* something was, for want of room; to be tried again */
	unsigned int nr_limited;	/* pages of this map call that a limit kept out */
	bool crowded;			/* of these, some for want of address space */
	struct list_head limited_node;	/* in the list of those whom Xen's limit concerns */
	struct xen_gpu_batch *batch;	/* of map, drain and revalidation */
	struct xen_gpu_batch *other_batch;	/* of a revalidation: what is mapped anew */
	struct xen_gpu_run *runs;	/* of map */

	struct mutex notify_lock;	/* of the clients and of what they are told: */
	struct list_head clients;
	struct xen_gpu_move *moves;	/* of a notice, if there is no memory for a longer one */

	atomic_t generation;		/* of events; see table.h */
	u32 current_generation;		/* the last one in which everything was looked at */
	u32 doubted;			/* the last one in which Xen may have taken everything */
	u32 assured;			/* as doubted, of what was looked at since */
	wait_queue_head_t current_wait;	/* for that, or the end */

	spinlock_t due_lock;		/* of when the revalidation is due: */
	bool closed;			/* none is any more */
	unsigned long due;		/* jiffies; if one is pending */
	unsigned long not_before;	/* jiffies */
	unsigned int failures;		/* revalidations in a row that could not do everything, */
	unsigned int unlearnt;		/* ... or could not learn everything */

	struct xenbus_watch watch;	/* of the guest's node in xenstore */
	char watch_node[sizeof("/local/domain/65535/vm")];
	bool watching;			/* somebody registers the watch, or has */
	bool watched;			/* ... with success */
	bool news;			/* since the last look, of the guest or of all guests */
	bool suspected;			/* by a client */
	bool missing;			/* in xenstore, at the last look, */
	unsigned long missing_since;	/* jiffies */
	unsigned int looks;		/* in a row that could not tell whether it has ended */
	struct delayed_work look_work;

	bool claimed;			/* until it is gone nobody makes another */
	struct work_struct release_work;
	struct work_struct size_work;
	struct delayed_work age_work;
	struct delayed_work reval_work;
};

static inline u32 xen_gpu_domain_generation(const struct xen_gpu_domain *dom)
{
	return atomic_read(&dom->generation);
}

/* May Xen hold nothing for us any more, of what is mapped? */
static inline bool xen_gpu_domain_in_doubt(const struct xen_gpu_domain *dom)
{
	return (s32)(READ_ONCE(dom->doubted) - READ_ONCE(dom->assured)) > 0;
}

/* Was the mapping of a GFN made, or looked at, since the last balloon event? */
static inline bool xen_gpu_gfn_trusted(const struct xen_gpu_domain *dom,
				       const struct xen_gpu_block *block, unsigned int slot)
{
	return block->generation == xen_gpu_domain_generation(dom) &&
	       !xen_gpu_gfn_is(block, slot, XEN_GPU_GFN_STALE);
}

struct xen_gpu_domain *xen_gpu_domain_new(domid_t domid, const struct xen_gpu_limits *limits,
					  const struct xen_gpu_backend *backend,
					  struct workqueue_struct *wq);
void xen_gpu_domain_free(struct xen_gpu_domain *dom);
void xen_gpu_domain_drop_everything(struct xen_gpu_domain *dom);
unsigned int xen_gpu_domain_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch);
void xen_gpu_domain_trim(struct xen_gpu_domain *dom, const struct xen_gpu_batch *batch);
void xen_gpu_domain_clean(struct xen_gpu_domain *dom, struct xen_gpu_block *block);

#endif /* _XEN_GPU_MAP_DOMAIN_H */
