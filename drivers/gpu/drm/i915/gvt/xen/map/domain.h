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

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
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
	u32 id;				/* in the list of domains; XEN_GPU_NO_ID once it left */
	char *identity;			/* what xenstore calls it: tells it from a later namesake */
	const struct xen_gpu_backend *backend;
	void *backend_data;
	struct xen_gpu_counters counters;
	struct dentry *dentry;
	struct workqueue_struct *wq;

	struct mutex lock;		/* of the mappings: */
	unsigned long quota;		/* pages */
	u64 max_bfn;
	struct xarray table;		/* of struct xen_gpu_block */
	unsigned long nr_blocks;
	unsigned long nr_held;		/* GFNs held on their current side: live and idle */
	unsigned long held_peak;	/* the most there ever were */
	unsigned long nr_idle;
	u64 aged_next;			/* no GFN below it is idle for long, since the last tick */
	bool ended;
	struct xen_gpu_batch *batch;	/* of map and drain */
	struct xen_gpu_run *runs;	/* of map */
	u16 *order;			/* of map */

	struct mutex notify_lock;	/* of the clients and of what they are told: */
	struct list_head clients;
	struct xen_gpu_batch *reval_batch;	/* of the revalidation */
	struct xen_gpu_batch *drop_batch;
	struct xen_gpu_move *moves;
	unsigned long reval_ms;		/* how long the last one took */

	struct work_struct size_work;
	struct delayed_work age_work;
	struct delayed_work reval_work;
};

struct xen_gpu_domain *xen_gpu_domain_new(domid_t domid, const struct xen_gpu_limits *limits,
					  const struct xen_gpu_backend *backend,
					  struct workqueue_struct *wq);
void xen_gpu_domain_free(struct xen_gpu_domain *dom);
void xen_gpu_domain_drop_everything(struct xen_gpu_domain *dom);
void xen_gpu_domain_trim(struct xen_gpu_domain *dom, const struct xen_gpu_batch *batch);

#endif /* _XEN_GPU_MAP_DOMAIN_H */
