/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all shadow page tables of a virtual GPU share; see shadow.c.
 */

#ifndef _XENGT_SHADOW_H
#define _XENGT_SHADOW_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <xen/xen_gpu_map.h>

#include "abi/pte.h"

struct page;
struct xengt_counters;
struct xengt_gsm;
struct xengt_ioreq_server;
struct xengt_update;

/**
 * enum xengt_mode - when a guest's writes get into the shadow
 * @XENGT_MODE_STRICT: writes to the GGTT before the vCPU goes on, writes to PPGTT tables at the
 *	next sync. All writes are trapped.
 * @XENGT_MODE_POSTED: all writes at the next sync. One is started when many writes wait, or when
 *	they have waited long (see late_sync.c). All writes are trapped.
 * @XENGT_MODE_HYBRID: as posted, but write-hot pages are unsync: writes to them are not trapped
 * @XENGT_NR_MODES: number of modes
 */
enum xengt_mode {
	XENGT_MODE_STRICT,
	XENGT_MODE_POSTED,
	XENGT_MODE_HYBRID,
	XENGT_NR_MODES
};

/**
 * struct xengt_dirty - what a guest wrote and is not in the shadow yet
 * @mode: when the guest's writes get into the shadow; changed under the shadow's lock, read without
 *	a lock
 * @rescan_due: a balloon event came, and no rescan has begun since, or the last one left pages; no
 *	lock
 * @lock: the dirty lock: protects what a trapped write needs. It nests inside the shadow's lock,
 *	and is never held across a hypercall.
 * @written: pages with entries that were written since the last sync; the dirty lock
 * @nr_written: number of trapped writes since the last sync, and of times that pages were exposed
 *	(see gpage.c); the dirty lock
 * @hot: write-hot pages that are to be unsync; the dirty lock
 * @halvings: how often all write counts were halved, wraps around; the dirty lock
 * @unsync: pages that are unsync; the shadow's lock
 * @nr_unsync: number of pages in @unsync; the shadow's lock
 * @rescan_left: the last rescan left pages for want of memory; the shadow's lock
 * @mask: work area of a sync: the entries of one page that were written; the shadow's lock
 * @late: the sync that is under way is a late one; the shadow's lock
 * @work: the late sync, see late_sync.c
 * @late_node: in the list of all shadows, see late_sync.c
 */
struct xengt_dirty {
	enum xengt_mode mode;
	bool rescan_due;
	spinlock_t lock;		/* the dirty lock, see above */
	struct list_head written;
	unsigned int nr_written;
	struct list_head hot;
	unsigned int halvings;
	struct list_head unsync;
	unsigned long nr_unsync;
	bool rescan_left;
	DECLARE_BITMAP(mask, XENGT_TABLE_ENTRIES);
	bool late;
	struct delayed_work work;
	struct list_head late_node;
};

/**
 * struct xengt_shadow - what all shadow page tables of a virtual GPU share
 * @domid: the guest
 * @format: formats of its page tables
 * @gsm: the share of the GSM, where the GGTT's shadow entries land, and what makes the GPU forget
 *	old entries; open while there is a GGTT
 * @server: the ioreq server that handles the guest's accesses, and knows the vCPUs that are in the
 *	middle of one
 * @counters: the virtual GPU's counters
 * @client: the client of the map service, for all pages that shadow entries name
 * @dirty: what the guest wrote and is not in the shadow yet
 * @scratch: the scratch page, which scratch entries name
 * @scratch_bfn: its BFN
 * @lock: the shadow's lock: protects all members below, and all entries and tables of the virtual
 *	GPU
 * @leaves: all leaf tables (struct xengt_leaf)
 * @written: leaf tables with entries that the update or remap under way has written
 * @nr_live: number of live entries, which hold a reference, of all leaf tables
 * @nr_missing: number of missing entries of all leaf tables
 * @nr_bad: number of bad entries of all leaf tables
 * @refused: entries may be missing for want of quota or memory
 * @freed: references were released since the last retry of refused entries began
 * @used_round: number of searches so far for the leaf tables that the GPU may use, wraps around
 * @retry_round: number of rounds so far of retrying missing entries, wraps around
 * @closed: all entries are scratch, and nothing is mapped any more
 * @unprotect_error: the last error of xengt_gpages_unprotect(); read without the lock, for the log
 * @update: the entries that are to be shadowed, and work area of a remap
 */
struct xengt_shadow {
	domid_t domid;
	const struct xengt_gtt_format *format;
	struct xengt_gsm *gsm;
	struct xengt_ioreq_server *server;
	struct xengt_counters *counters;
	struct xen_gpu_client client;
	struct xengt_dirty dirty;
	struct page *scratch;
	u64 scratch_bfn;

	struct mutex lock;		/* protects all members below */
	struct list_head leaves;
	struct list_head written;
	unsigned long nr_live;
	unsigned long nr_missing;
	unsigned long nr_bad;
	bool refused;
	bool freed;
	unsigned int used_round;
	unsigned int retry_round;
	bool closed;
	int unprotect_error;
	struct xengt_update *update;
};

/**
 * struct xengt_shadow_config - the parameters of xengt_shadow_init()
 * @domid: the guest
 * @domain: the map service's handle on the guest; the caller keeps its reference until the shadow
 *	is freed
 * @format: formats of the guest's page tables
 * @server: the ioreq server that will handle the guest's accesses; need not be started yet
 * @max_bfn: the highest BFN that the device can reach
 * @counters: the virtual GPU's counters
 * @mode: when the guest's writes get into the shadow
 */
struct xengt_shadow_config {
	domid_t domid;
	struct xen_gpu_domain *domain;
	const struct xengt_gtt_format *format;
	struct xengt_ioreq_server *server;
	u64 max_bfn;
	struct xengt_counters *counters;
	enum xengt_mode mode;
};

int xengt_shadow_init(struct xengt_shadow *sh, const struct xengt_shadow_config *config);
void xengt_shadow_exit(struct xengt_shadow *sh);

void xengt_shadow_wait_current(struct xengt_shadow *sh);
void xengt_shadow_invalidate(struct xengt_shadow *sh, bool ppgtt);
void xengt_shadow_flush(struct xengt_shadow *sh, void *va, unsigned int len);
void xengt_shadow_clear_page(struct xengt_shadow *sh, struct page *page);
struct page *xengt_shadow_alloc_page(struct xengt_shadow *sh, u64 *bfn);

#endif /* _XENGT_SHADOW_H */
