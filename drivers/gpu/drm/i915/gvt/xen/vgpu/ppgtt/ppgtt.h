/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PPGTTs that were announced; see ppgtt.c.
 */

#ifndef _XENGT_PPGTT_H
#define _XENGT_PPGTT_H

#include <linux/list.h>
#include <linux/types.h>
#include <xen/xengt.h>

#include "ppgtt/spt.h"

/**
 * enum xengt_announcer - who announces a PPGTT
 * @XENGT_BY_GUEST: a driver of the guest's, through PVINFO
 * @XENGT_BY_MEDIATOR: the mediator
 * @XENGT_NR_ANNOUNCERS: number of announcers
 */
enum xengt_announcer {
	XENGT_BY_GUEST,
	XENGT_BY_MEDIATOR,
	XENGT_NR_ANNOUNCERS
};

/**
 * struct xengt_ppgtt - a PPGTT that was announced
 * @node: in the list of all PPGTTs, or of those that ended while pinned
 * @serial: its serial, see xengt_new_serial()
 * @root: its root, which identifies it
 * @announced: for each announcer, number of announcements that were not taken back
 * @old: how many of the guest's were made before a driver of the guest last started to load
 * @ggtt_index: if its page directory is in the GGTT, the first entry of that, as an index into the
 *	share
 * @shadow: its shadow; NULL if it was reclaimed
 */
struct xengt_ppgtt {
	struct list_head node;
	u64 serial;
	struct xengt_ppgtt_root root;
	unsigned int announced[XENGT_NR_ANNOUNCERS];
	unsigned int old;
	unsigned long ggtt_index;
	struct xengt_ppgtt_shadow *shadow;
};

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
unsigned int xengt_ppgtt_root_tables(const struct xengt_ppgtt_root *root);
unsigned int xengt_ppgtt_root_level(const struct xengt_ppgtt_root *root);
unsigned int xengt_ppgtt_announced(const struct xengt_ppgtt *ppgtt);
bool xengt_ppgtt_is_pinned(const struct xengt_ppgtt *ppgtt);
bool xengt_ppgtt_root_present(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
			      unsigned int i);
u64 xengt_ppgtt_shadow_root(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
			    unsigned int i);

#endif /* _XENGT_PPGTT_H */
