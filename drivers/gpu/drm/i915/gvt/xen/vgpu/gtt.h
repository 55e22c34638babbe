/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page tables of a virtual GPU: its GGTT and its PPGTTs; see gtt.c.
 */

#ifndef _XENGT_GTT_H
#define _XENGT_GTT_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "ggtt/ggtt.h"
#include "ppgtt/ppgtts.h"
#include "shadow/shadow.h"

struct xengt_foreign_page;

/**
 * struct xengt_gtt - the page tables of a virtual GPU
 * @shadow: what all tables share; its lock protects the tables
 * @ggtt: the GGTT
 * @ppgtts: the PPGTTs
 * @ended: the guest is gone; written and read without the shadow's lock
 * @ended_work: the owner's work, queued when the guest is gone or the GPU goes away
 * @rewrite_work: writes all entries to the GSM, which has lost them
 */
struct xengt_gtt {
	struct xengt_shadow shadow;
	struct xengt_ggtt ggtt;
	struct xengt_ppgtts ppgtts;
	bool ended;
	struct work_struct *ended_work;
	struct work_struct rewrite_work;
};

/**
 * struct xengt_gtt_config - the parameters of xengt_gtt_init()
 * @shadow: parameters of what all tables share
 * @place: where the GGTT's shadow entries land; see gsm/gsm.c
 * @share: what is needed there; xengt_gtt_init() fills in the works
 * @max_tables: the most shadow page tables (SPTs) of all PPGTTs
 * @ended_work: queued when the guest is gone, after all its pages were released, and when the GPU
 *	goes away
 */
struct xengt_gtt_config {
	struct xengt_shadow_config shadow;
	const char *place;
	struct xengt_gsm_request share;
	unsigned long max_tables;
	struct work_struct *ended_work;
};

/**
 * struct xengt_gauges - current numbers of a virtual GPU, for debugfs
 * @entries_live: entries that hold a reference on a page of the guest
 * @ppgtts: PPGTTs that the guest has announced
 * @tables: SPTs
 * @pages: pages of the guest that are PPGTT tables, or that still cannot be unprotected
 * @pages_unsync: unsync pages
 * @gtt_ram_pages: pages of the GTT that are RAM; not set by xengt_gtt_gauges()
 */
struct xengt_gauges {
	unsigned long entries_live;
	unsigned long ppgtts;
	unsigned long tables;
	unsigned long pages;
	unsigned long pages_unsync;
	unsigned long gtt_ram_pages;
};

int xengt_gtt_init(struct xengt_gtt *gtt, const struct xengt_gtt_config *config);
void xengt_gtt_close(struct xengt_gtt *gtt);
unsigned long xengt_gtt_unprotect_all(struct xengt_gtt *gtt);
void xengt_gtt_exit(struct xengt_gtt *gtt);

void xengt_gtt_sync(struct xengt_gtt *gtt);
void xengt_gtt_set_mode(struct xengt_gtt *gtt, enum xengt_mode mode);
bool xengt_gtt_release_stuck(struct xengt_gtt *gtt);
int xengt_gtt_store(struct xengt_gtt *gtt, u64 addr, const void *data, unsigned int len,
		    struct xengt_foreign_page *page);
void xengt_gtt_gauges(struct xengt_gtt *gtt, struct xengt_gauges *gauges);

#endif /* _XENGT_GTT_H */
