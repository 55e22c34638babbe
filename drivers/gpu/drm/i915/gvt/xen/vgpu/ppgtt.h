/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PPGTTs that a guest has announced; see ppgtt.c.
 */

#ifndef _XENGT_PPGTT_H
#define _XENGT_PPGTT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <xen/xengt.h>

#include "ggtt.h"
#include "mm.h"
#include "tables.h"

/**
 * struct xengt_ppgtt - the shadow of a PPGTT, for as long as it is pinned or not reclaimed
 * @ref: one of the space's, one for each pin
 * @table: the tables of the highest level; NULL where there is none, so that all is scratch
 * @page: what the GPU reads in their place, a reference on each; NULL for a table in the GGTT
 * @scratch: what it may have read where there was no table, a reference; or NULL
 */
struct xengt_ppgtt {
	struct kref ref;
	struct xengt_table *table[XENGT_PPGTT_PDPS];
	struct page *page[XENGT_PPGTT_PDPS];
	struct page *scratch;
};

/**
 * struct xengt_space - a PPGTT that the guest has announced
 * @node: in the list of all, the one used last at the end
 * @serial: its number, see xengt_new_serial()
 * @root: its name
 * @announced: how often it was
 * @old: how many of these were there when a driver of the guest's last started to load
 * @ggtt_slot: where its page directory is, if that is in the GGTT
 * @shadow: its shadow, NULL if it was reclaimed
 */
struct xengt_space {
	struct list_head node;
	u64 serial;
	struct xengt_ppgtt_root root;
	unsigned int announced;
	unsigned int old;
	unsigned long ggtt_slot;
	struct xengt_ppgtt *shadow;
};

/**
 * struct xengt_ppgtts - all of a virtual GPU's
 * @mm: whose they are; its lock is the lock of everything here
 * @ggtt: where page directories can be
 * @tables: their tables
 * @spaces: the PPGTTs
 * @ended: those with a page directory in the GGTT that ended while they were pinned
 * @n: how many there are
 */
struct xengt_ppgtts {
	struct xengt_mm *mm;
	struct xengt_ggtt *ggtt;
	struct xengt_tables tables;
	struct list_head spaces;
	struct list_head ended;
	unsigned long n;
};

/* How much there is of what at the moment */
struct xengt_gauges {
	unsigned long entries_live;
	unsigned long ppgtts;
	unsigned long tables;
	unsigned long pages;
	unsigned long pages_open;
	unsigned long gtt_ram_pages;
};

int xengt_ppgtts_init(struct xengt_ppgtts *ppgtts, struct xengt_mm *mm, struct xengt_ggtt *ggtt,
		      unsigned long max_tables);
void xengt_ppgtts_close(struct xengt_ppgtts *ppgtts);
unsigned long xengt_ppgtts_let_go(struct xengt_ppgtts *ppgtts);
void xengt_ppgtts_exit(struct xengt_ppgtts *ppgtts);

int xengt_ppgtts_create(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root);
int xengt_ppgtts_destroy(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root);
struct xengt_ppgtt *xengt_ppgtts_pin(struct xengt_ppgtts *ppgtts,
				     const struct xengt_ppgtt_root *root, u64 *shadow);
void xengt_ppgtts_sync(struct xengt_ppgtts *ppgtts);
void xengt_ppgtts_reset(struct xengt_ppgtts *ppgtts);
bool xengt_ppgtts_release_stuck(struct xengt_ppgtts *ppgtts);
void xengt_ppgtts_mark_old(struct xengt_ppgtts *ppgtts);
unsigned long xengt_ppgtts_end_old(struct xengt_ppgtts *ppgtts);
void xengt_ppgtts_set_mode(struct xengt_ppgtts *ppgtts, enum xengt_mode mode);
void xengt_ppgtts_settled(struct xengt_ppgtts *ppgtts);
bool xengt_ppgtts_store(struct xengt_ppgtts *ppgtts, u64 addr, const void *data,
			unsigned int len, void (*otherwise)(void *arg), void *arg);
struct xengt_space *xengt_ppgtts_find(struct xengt_ppgtts *ppgtts,
				      const struct xengt_ppgtt_root *root);
struct xengt_space *xengt_ppgtts_next(struct xengt_ppgtts *ppgtts, u64 serial);
unsigned int xengt_root_tables(const struct xengt_ppgtt_root *root);
unsigned int xengt_root_level(const struct xengt_ppgtt_root *root);
bool xengt_space_pinned(const struct xengt_space *space);
u64 xengt_space_shadow_root(const struct xengt_ppgtts *ppgtts, const struct xengt_space *space,
			    unsigned int i);
void xengt_ppgtts_gauges(struct xengt_ppgtts *ppgtts, struct xengt_gauges *gauges);

#endif /* _XENGT_PPGTT_H */
