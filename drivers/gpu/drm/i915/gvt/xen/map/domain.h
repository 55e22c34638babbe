/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A domain whose pages are mapped: the state behind a handle of the service.
 *
 * Invariants: the table has an entry for everything that Xen holds for us. A domain that has ended
 * maps nothing; what it held is unmapped at once.
 *
 * Locking, in this order: notify_lock (the clients, and calls of their operations) > a client's own
 * locks > lock (table, counts, idle list, batches, backend). No lock of a domain is taken under the
 * registry's mutex (registry.c).
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

#include "backend/backend.h"
#include "block.h"
#include "counters.h"

struct dentry;

#define XEN_GPU_NO_ID	U32_MAX

/**
 * struct xen_gpu_group - equal GFNs of one map call
 * @gfn: the GFN
 * @bfn: its BFN, if @status is 0
 * @refs: how often the map call names the GFN, which is how many references it gets
 * @status: 0, an error of xen_gpu_map(), or map.c's GROUP_MISSING
 */
struct xen_gpu_group {
	u64 gfn;
	u64 bfn;
	unsigned int refs;
	int status;
};

/**
 * struct xen_gpu_domain - a domain whose pages are mapped
 * @domid: the guest's domid
 * @ref: counts the users of the handle
 * @id: index in the registry; XEN_GPU_NO_ID if the domain is not, or no longer, in it
 * @identity: the value of the guest's "vm" node in xenstore, or NULL if not known; see identity.c
 * @backend: the backend that maps its pages
 * @backend_data: the backend's data for the domain
 * @counters: the domain's counters
 * @dentry: its file in debugfs
 * @wq: the workqueue for all works of the domain
 * @lock: protects the members from here to @groups
 * @quota: how many GFNs may be mapped at once, in pages; idle ones count, too
 * @max_bfn: the highest BFN that the device can hold, as the first user said
 * @table: the mappings
 * @aged_next: below this GFN, until the next tick of the idle list's clock, only GFNs that Xen
 *	refused to unmap are AGED
 * @ended: the guest has ended. Set once, under both mutexes; may be read under either, or without a
 *	lock by readers that only need a hint
 * @refused: a map failed with -ENOSPC or -ENOMEM since the clients were last told to retry
 * @unmaps_left: how many more pages a map call may unmap one by one under this hold of @lock
 * @not_yet: Xen could not map a page since the current round started (-EAGAIN)
 * @not_yet_rounds: rounds in a row with such pages, see event.c; a round starts when a revalidation
 *	tells the clients to try again
 * @limited_node: in event.c's list of the domains that hit Xen's limit; protected by its
 *	limited_lock
 * @batch: the batch of map, drain and revalidation
 * @other_batch: a second batch, for the GFNs that a revalidation maps again
 * @groups: room for the groups of a map call, XEN_GPU_BATCH of them
 * @notify_lock: protects @clients and @moves; held while a client's operation runs
 * @clients: the registered clients
 * @moves: the first buffer of each notice, XEN_GPU_BATCH moves; kept in use if there is no memory
 *	for a larger one
 * @generation: counts balloon events and suspicions; see block.h
 * @current_generation: the last generation that a revalidation has completed
 * @doubted: the last generation that was started because Xen may have dropped all mappings
 * @assured: the last generation whose revalidation has resolved @doubted, as it left nothing to
 *	retry
 * @current_wait: waits for @current_generation to advance, or for @ended
 * @due_lock: protects the members from here to @not_before
 * @closed: no revalidation is scheduled any more
 * @due: when the pending revalidation runs, in jiffies; valid while @reval_work is pending
 * @not_before: the earliest start of the next revalidation, in jiffies
 * @failures: how many revalidations in a row were incomplete; only revalidations write it
 * @watch: the watch on @watch_node
 * @watch_node: path of the guest's "vm" node in xenstore
 * @watching: the registration of @watch was started
 * @watched: @watch is registered
 * @kicked: an event has asked for a check since the last one
 * @suspected: a client has called xen_gpu_domain_suspect() since the last check
 * @missing: the last check found no node in xenstore for a guest that had one
 * @missing_since: when the node was first found missing, in jiffies
 * @checks: how many checks in a row could not tell whether the guest has ended
 * @watch_work: checks whether the guest has ended; see domain_watch.c
 * @claimed: the registry keeps @domid busy until the domain is freed
 * @release_work: frees the domain after a deferred put
 * @size_work: drains the idle list when it is too long
 * @age_work: the tick of the idle list's clock
 * @reval_work: the revalidation
 */
struct xen_gpu_domain {
	domid_t domid;
	struct kref ref;
	u32 id;
	char *identity;
	const struct xen_gpu_backend *backend;
	void *backend_data;
	struct xen_gpu_counters counters;
	struct dentry *dentry;
	struct workqueue_struct *wq;

	struct mutex lock;		/* the mappings */
	unsigned long quota;
	u64 max_bfn;
	struct xen_gpu_table table;
	u64 aged_next;
	bool ended;
	bool refused;
	unsigned int unmaps_left;
	bool not_yet;
	unsigned int not_yet_rounds;
	struct list_head limited_node;
	struct xen_gpu_batch *batch;
	struct xen_gpu_batch *other_batch;
	struct xen_gpu_group *groups;

	struct mutex notify_lock;	/* the clients */
	struct list_head clients;
	struct xen_gpu_move *moves;

	atomic_t generation;
	u32 current_generation;
	u32 doubted;
	u32 assured;
	wait_queue_head_t current_wait;

	spinlock_t due_lock;		/* when the revalidation is due */
	bool closed;
	unsigned long due;
	unsigned long not_before;
	unsigned int failures;

	struct xenbus_watch watch;
	char watch_node[sizeof("/local/domain/65535/vm")];
	bool watching;
	bool watched;
	bool kicked;
	bool suspected;
	bool missing;
	unsigned long missing_since;
	unsigned int checks;
	struct delayed_work watch_work;

	bool claimed;
	struct work_struct release_work;
	struct work_struct size_work;
	struct delayed_work age_work;
	struct delayed_work reval_work;
};

static inline u32 xen_gpu_domain_generation(const struct xen_gpu_domain *dom)
{
	return atomic_read(&dom->generation);
}

/* May Xen have dropped mappings that the table says are held? */
static inline bool xen_gpu_domain_in_doubt(const struct xen_gpu_domain *dom)
{
	return (s32)(READ_ONCE(dom->doubted) - READ_ONCE(dom->assured)) > 0;
}

/* Was the GFN's mapping made or revalidated since the last balloon event? */
static inline bool xen_gpu_gfn_trusted(const struct xen_gpu_domain *dom,
				       const struct xen_gpu_block *block, unsigned int idx)
{
	return block->generation == xen_gpu_domain_generation(dom) &&
	       !xen_gpu_gfn_is(block, idx, XEN_GPU_GFN_STALE);
}

struct xen_gpu_domain *xen_gpu_domain_new(domid_t domid, const struct xen_gpu_limits *limits,
					  const struct xen_gpu_backend *backend,
					  struct workqueue_struct *wq);
void xen_gpu_domain_free(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_DOMAIN_H */
