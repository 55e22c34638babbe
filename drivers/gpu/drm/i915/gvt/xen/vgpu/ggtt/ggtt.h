/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shadow GGTT of a virtual GPU; see ggtt.c.
 */

#ifndef _XENGT_GGTT_H
#define _XENGT_GGTT_H

#include <linux/types.h>

#include "ggtt/ggtt_page.h"
#include "ggtt/share.h"
#include "shadow/leaf.h"

struct xengt_shadow;

/**
 * struct xengt_ggtt - the GGTT of a guest and its shadow
 * @sh: the shadow; its lock protects everything here
 * @share: the guest's share of the GGTT
 * @pages: the guest entries, by page of the GTT
 * @leaf: the leaf table with the share's entries, by their index into the share
 * @directory: bitmap, by index, of the entries that belong to a page directory
 * @directory_written: bitmap, by index, of those that the guest has written and
 *	xengt_ggtt_directory_take_written() has not reported yet
 * @filled: the GSM has the shadow entries
 * @any_written: bits of @directory_written were set since xengt_ggtt_directories_written()
 */
struct xengt_ggtt {
	struct xengt_shadow *sh;
	struct xengt_share share;
	struct xengt_ggtt_pages pages;
	struct xengt_leaf leaf;
	unsigned long *directory;
	unsigned long *directory_written;
	bool filled;
	bool any_written;
};

int xengt_ggtt_init(struct xengt_ggtt *ggtt, struct xengt_shadow *sh, const char *place,
		    struct xengt_gsm_request *request);
void xengt_ggtt_exit(struct xengt_ggtt *ggtt);

void xengt_ggtt_store(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len);
void xengt_ggtt_write(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len);
void xengt_ggtt_rewrite(struct xengt_ggtt *ggtt);
void xengt_ggtt_reset(struct xengt_ggtt *ggtt);
void xengt_ggtt_read(struct xengt_ggtt *ggtt, u64 offset, void *data, unsigned int len);
int xengt_ggtt_read_entry(struct xengt_ggtt *ggtt, u64 entry, u64 *pte);

bool xengt_ggtt_find_gfn(const struct xengt_ggtt *ggtt, u64 gfn, u64 *offset);
bool xengt_ggtt_has_gfn(const struct xengt_ggtt *ggtt, u64 gfn);
int xengt_ggtt_directory_add(struct xengt_ggtt *ggtt, unsigned long index, unsigned int n, u64 pde);
void xengt_ggtt_directories_clear(struct xengt_ggtt *ggtt);
void xengt_ggtt_directory_remove(struct xengt_ggtt *ggtt, unsigned long index, unsigned int n);
bool xengt_ggtt_directories_written(struct xengt_ggtt *ggtt);
bool xengt_ggtt_directory_take_written(struct xengt_ggtt *ggtt, unsigned long index);
void xengt_ggtt_directory_write(struct xengt_ggtt *ggtt, unsigned long index, u64 pde);

#endif /* _XENGT_GGTT_H */
