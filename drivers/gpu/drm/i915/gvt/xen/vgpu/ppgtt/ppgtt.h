/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One PPGTT; see ppgtt.c.
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

/* Returns true if the generation has page directories in the GGTT: those are the roots. */
static inline bool xengt_spts_root_in_ggtt(const struct xengt_spts *spts)
{
	return spts->sh->format->root_in_ggtt;
}

unsigned int xengt_ppgtt_root_tables(const struct xengt_ppgtt_root *root);
unsigned int xengt_ppgtt_root_level(const struct xengt_ppgtt_root *root);
unsigned int xengt_ppgtt_announced(const struct xengt_ppgtt *ppgtt);
bool xengt_ppgtt_is_pinned(const struct xengt_ppgtt *ppgtt);
bool xengt_ppgtt_root_present(const struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt,
			      unsigned int i);
u64 xengt_ppgtt_shadow_root(const struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt,
			    unsigned int i);
void xengt_ppgtt_store_roots(const struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt,
			     u64 *bus);
struct xengt_ppgtt *xengt_ppgtt_new(struct xengt_spts *spts, const struct xengt_ppgtt_root *root);
void xengt_ppgtt_return_directory(struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt);
int xengt_ppgtt_make_shadow(struct xengt_spts *spts, struct xengt_ppgtt *ppgtt);
void xengt_ppgtt_count_short(struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt);
unsigned long xengt_ppgtt_count_scratch(struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt);

#endif /* _XENGT_PPGTT_H */
