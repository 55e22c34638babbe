/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The set of PPGTTs that were announced; see ppgtts.c.
 */

#ifndef _XENGT_PPGTTS_H
#define _XENGT_PPGTTS_H

#include <linux/list.h>
#include <linux/types.h>
#include <xen/xengt.h>

#include "ppgtt/ppgtt.h"
#include "ppgtt/spt.h"

/**
 * struct xengt_ppgtts - all PPGTTs of a virtual GPU
 * @sh: the shadow; its lock protects everything here
 * @ggtt: the GGTT, in which page directories can be
 * @spts: the SPTs
 * @list: the announced PPGTTs
 * @ended: PPGTTs with a page directory in the GGTT that ended while they were pinned; the entries
 *	of the directory are scratch until the unpin
 * @n: number of announced PPGTTs
 */
struct xengt_ppgtts {
	struct xengt_shadow *sh;
	struct xengt_ggtt *ggtt;
	struct xengt_spts spts;
	struct list_head list;
	struct list_head ended;
	unsigned long n;
};

int xengt_ppgtts_init(struct xengt_ppgtts *ppgtts, struct xengt_shadow *sh, struct xengt_ggtt *ggtt,
		      unsigned long max_tables);
void xengt_ppgtts_close(struct xengt_ppgtts *ppgtts);
void xengt_ppgtts_exit(struct xengt_ppgtts *ppgtts);

void xengt_ppgtts_sync(struct xengt_ppgtts *ppgtts);
void xengt_ppgtts_rescan(struct xengt_ppgtts *ppgtts);
int xengt_ppgtts_create(struct xengt_ppgtts *ppgtts, enum xengt_announcer by,
			const struct xengt_ppgtt_root *root);
int xengt_ppgtts_restore(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root,
			 unsigned int announced, unsigned int old);
int xengt_ppgtts_destroy(struct xengt_ppgtts *ppgtts, enum xengt_announcer by,
			 const struct xengt_ppgtt_root *root);
struct xengt_ppgtt_shadow *xengt_ppgtts_pin(struct xengt_ppgtts *ppgtts,
					    const struct xengt_ppgtt_root *root, u64 *shadow);
int xengt_ppgtts_scratch(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_shadow *shadow,
			 unsigned long *scratch);
void xengt_ppgtts_reset(struct xengt_ppgtts *ppgtts);
void xengt_ppgtts_mark_old(struct xengt_ppgtts *ppgtts);
unsigned long xengt_ppgtts_end_old(struct xengt_ppgtts *ppgtts);
struct xengt_ppgtt *xengt_ppgtts_find(struct xengt_ppgtts *ppgtts,
				      const struct xengt_ppgtt_root *root);
struct xengt_ppgtt *xengt_ppgtts_next(struct xengt_ppgtts *ppgtts, u64 serial);
bool xengt_ppgtts_is_name(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root);

#endif /* _XENGT_PPGTTS_H */
