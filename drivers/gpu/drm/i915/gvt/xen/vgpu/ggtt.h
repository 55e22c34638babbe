/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shadow GGTT of a virtual GPU; see ggtt.c.
 */

#ifndef _XENGT_GGTT_H
#define _XENGT_GGTT_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <xen/xen_gpu_map.h>

struct page;
struct xengt_counters;
struct xengt_place;
struct xengt_pte_format;

/* The most entries that are shadowed at once: a page of guest entries, unaligned. */
#define XENGT_GGTT_BATCH	513
#define XENGT_GGTT_RANGES	2

/* A range of GGTT entries that belongs to a virtual GPU. */
struct xengt_range {
	unsigned long first;
	unsigned long n;
};

/* What is to become of some entries: the work area of an update. */
struct xengt_ggtt_update {
	unsigned int n;
	unsigned long slot[XENGT_GGTT_BATCH];	/* index into the share */
	u64 pte[XENGT_GGTT_BATCH];		/* the new guest entry */
	u64 bfn[XENGT_GGTT_BATCH];
	int status[XENGT_GGTT_BATCH];
	/* Scratch space for calls of the mapping service */
	unsigned int nr_gfns;
	u64 gfns[XENGT_GGTT_BATCH];
	u64 gfn_bfns[XENGT_GGTT_BATCH];
	int gfn_status[XENGT_GGTT_BATCH];
};

struct xengt_ggtt {
	domid_t domid;			/* for the traces */
	const struct xengt_pte_format *format;
	struct xengt_place *place;
	struct xengt_counters *counters;
	struct xen_gpu_client client;
	void (*ended)(struct xengt_ggtt *ggtt);	/* tells the owner that the guest is gone */

	struct xengt_range share[XENGT_GGTT_RANGES];
	unsigned long nr_slots;
	struct page *scratch;
	u64 scratch_pte;

	struct mutex lock;	/* of the entries: */
	u64 *guest;		/* what the guest wrote */
	u64 *shadow;		/* what the GPU reads */
	unsigned long *live;	/* the entry holds a reference on its GFN */
	unsigned long *missing;	/* present, but scratch since its GFN could not be mapped */
	unsigned long nr_live;
	unsigned long retry_from;
	bool closed;		/* nothing is mapped any more */
	struct xengt_ggtt_update *update;
};

/**
 * struct xengt_ggtt_config - what a shadow GGTT is made from
 * @domid: the guest
 * @domain: its handle, got by the caller, who keeps it until xengt_ggtt_exit()
 * @format: the format of the entries
 * @place: where the shadow entries land, got by the caller
 * @share: the ranges of entries that are the guest's; n may be 0
 * @max_bfn: the highest BFN that the device can reach
 * @counters: where things are counted
 * @ended: called when the guest is gone, after everything was released; must not sleep for long
 */
struct xengt_ggtt_config {
	domid_t domid;
	struct xen_gpu_domain *domain;
	const struct xengt_pte_format *format;
	struct xengt_place *place;
	struct xengt_range share[XENGT_GGTT_RANGES];
	u64 max_bfn;
	struct xengt_counters *counters;
	void (*ended)(struct xengt_ggtt *ggtt);
};

int xengt_ggtt_init(struct xengt_ggtt *ggtt, const struct xengt_ggtt_config *config);
void xengt_ggtt_exit(struct xengt_ggtt *ggtt);

void xengt_ggtt_write(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len);
void xengt_ggtt_read(struct xengt_ggtt *ggtt, u64 offset, void *data, unsigned int len);
unsigned long xengt_ggtt_nr_live(struct xengt_ggtt *ggtt);

#endif /* _XENGT_GGTT_H */
