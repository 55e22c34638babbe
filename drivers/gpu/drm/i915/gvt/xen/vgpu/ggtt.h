/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shadow GGTT of a virtual GPU; see ggtt.c.
 */

#ifndef _XENGT_GGTT_H
#define _XENGT_GGTT_H

#include <linux/types.h>

#include "entries.h"
#include "entry_page.h"

struct xengt_ggtt;
struct xengt_gtt_ram;
struct xengt_mm;

#define XENGT_GGTT_RANGES	2
#define XENGT_NO_SLOT		ULONG_MAX

/* A range of GGTT entries that belongs to a virtual GPU. */
struct xengt_range {
	unsigned long first;
	unsigned long n;
};

/**
 * struct xengt_ggtt - a shadow GGTT
 * @mm: whose it is; its lock is the lock of everything here
 * @pages: what the guest has written (struct xengt_gtt_page), by page of the GTT
 * @ram: what the guest has at the GTT's addresses; set where some of the pages are RAM
 * @share: the ranges of entries that are the guest's
 * @nr_slots: how many entries these are
 * @run: the entries, slot after slot of the share
 * @directory: slots that are entries of a page directory instead
 * @written: tells the owner of page directories that the guest wrote a slot of one
 * @written_data: the owner's
 */
struct xengt_ggtt {
	struct xengt_mm *mm;
	struct xengt_entry_pages pages;
	struct xengt_gtt_ram *ram;
	struct xengt_range share[XENGT_GGTT_RANGES];
	unsigned long nr_slots;
	struct xengt_entries run;
	unsigned long *directory;
	void (*written)(struct xengt_ggtt *ggtt, unsigned long slot);
	void *written_data;
};

int xengt_ggtt_init(struct xengt_ggtt *ggtt, struct xengt_mm *mm,
		    const struct xengt_range *share);
void xengt_ggtt_exit(struct xengt_ggtt *ggtt);

void xengt_ggtt_write(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len);
void xengt_ggtt_reset(struct xengt_ggtt *ggtt);
void xengt_ggtt_read(struct xengt_ggtt *ggtt, u64 offset, void *data, unsigned int len);

unsigned int xengt_ggtt_page_entries(const struct xengt_ggtt *ggtt);
bool xengt_ggtt_has_gfn(const struct xengt_ggtt *ggtt, u64 gfn);
unsigned long xengt_ggtt_slot(const struct xengt_ggtt *ggtt, unsigned long entry);
unsigned long xengt_ggtt_entry(const struct xengt_ggtt *ggtt, unsigned long slot);
int xengt_ggtt_directory_add(struct xengt_ggtt *ggtt, unsigned long slot, unsigned int n, u64 pde);
void xengt_ggtt_directories_clear(struct xengt_ggtt *ggtt);
void xengt_ggtt_directory_remove(struct xengt_ggtt *ggtt, unsigned long slot, unsigned int n);
void xengt_ggtt_directory_write(struct xengt_ggtt *ggtt, unsigned long slot, u64 pde);

#endif /* _XENGT_GGTT_H */
