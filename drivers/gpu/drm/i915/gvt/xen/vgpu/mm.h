/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual GPU's use of its guest's pages; see mm.c.
 */

#ifndef _XENGT_MM_H
#define _XENGT_MM_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <xen/xen_gpu_map.h>

#include "entry_page.h"

struct page;
struct xengt_counters;
struct xengt_entries;
struct xengt_gtt_format;
struct xengt_place;
struct xengt_update;

/**
 * struct xengt_mm - a virtual GPU's use of its guest's pages
 * @domid: the guest
 * @format: of its page tables
 * @place: what the GPU sees the GGTT in, and what makes it forget
 * @counters: where things are counted
 * @client: the mapping service's user
 * @ended: tells the owner that the guest is gone
 * @settled: tells the owner that a revalidation is complete; called without the lock; set by the
 *	owner when it can be told, and valid until the mm is closed and exited
 * @sync: has the owner bring the shadow up to date; called without the lock; set as @settled is
 * @untrap: takes the traps from so many pages of the guest's memory from a GFN on: from how many it
 *	did, or an error; -EBUSY if a vCPU is writing to the first one; called with the lock; NULL
 *	while nobody can be writing
 * @writes: what the guest wrote and is not in the shadow yet
 * @scratch: what entries point to that lead nowhere
 * @scratch_bfn: its BFN
 * @lock: of everything below, and of all the entries and tables of the virtual GPU
 * @runs: all runs of entries (struct xengt_entries)
 * @written: runs of which the update that is under way has written entries
 * @nr_live: how many entries hold a reference
 * @nr_missing: how many are missing
 * @refused: some are for want of room
 * @room: since then references were given back, or some time has passed
 * @used_round: counts the searches for the runs that the GPU may use
 * @retry_round: counts the rounds of trying missing entries again
 * @closed: nothing is mapped any more
 * @update: the work area of one update
 */
struct xengt_mm {
	domid_t domid;
	const struct xengt_gtt_format *format;
	struct xengt_place *place;
	struct xengt_counters *counters;
	struct xen_gpu_client client;
	void (*ended)(struct xengt_mm *mm);
	void (*settled)(struct xengt_mm *mm);
	void (*sync)(struct xengt_mm *mm);
	int (*untrap)(struct xengt_mm *mm, u64 gfn, unsigned int n);
	struct xengt_writes writes;
	struct page *scratch;
	u64 scratch_bfn;

	struct mutex lock;		/* of what follows: */
	struct list_head runs;
	struct list_head written;
	unsigned long nr_live;
	unsigned long nr_missing;
	bool refused;
	bool room;
	unsigned int used_round;
	unsigned int retry_round;
	bool closed;
	struct xengt_update *update;
};

/**
 * struct xengt_mm_config - what it is made from
 * @domid: the guest
 * @domain: its handle, got by the caller, who keeps it until xengt_mm_exit()
 * @format: the format of the page tables
 * @place: where the shadow entries of the GGTT land, got by the caller
 * @max_bfn: the highest BFN that the device can reach
 * @counters: where things are counted
 * @mode: when the guest's writes get into the shadow
 * @ended: called when the guest is gone, after everything was released; must not sleep for long
 */
struct xengt_mm_config {
	domid_t domid;
	struct xen_gpu_domain *domain;
	const struct xengt_gtt_format *format;
	struct xengt_place *place;
	u64 max_bfn;
	struct xengt_counters *counters;
	enum xengt_mode mode;
	void (*ended)(struct xengt_mm *mm);
};

int xengt_mm_init(struct xengt_mm *mm, const struct xengt_mm_config *config);
void xengt_mm_close(struct xengt_mm *mm);
void xengt_mm_exit(struct xengt_mm *mm);

void xengt_mm_wait_current(struct xengt_mm *mm);
void xengt_mm_invalidate(struct xengt_mm *mm);
struct page *xengt_mm_alloc_page(struct xengt_mm *mm, u64 *bfn);

#endif /* _XENGT_MM_H */
