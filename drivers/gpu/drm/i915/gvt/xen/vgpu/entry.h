/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A look at one entry of a page table; see entry.c.
 */

#ifndef _XENGT_ENTRY_H
#define _XENGT_ENTRY_H

#include <linux/types.h>

struct xengt_leaf;
struct xengt_ppgtt;
struct xengt_spt;
struct xengt_spts;

/**
 * enum xengt_scratch - why a shadow entry is scratch
 * @XENGT_NOT_SCRATCH: it is not
 * @XENGT_NOT_PRESENT: the guest entry is not present
 * @XENGT_BAD_ENTRY: the guest entry has reserved bits set
 * @XENGT_PAGE_1G: the guest entry names a page of 1 GiB
 * @XENGT_MISSING: its page or table could not be had; another try may succeed
 * @XENGT_REFUSED: its page is out of the device's reach, or the guest is gone
 * @XENGT_OF_DIRECTORY: it is an entry of a page directory in the GGTT, and names a table
 * @XENGT_RECLAIMED: the PPGTT has no shadow at the moment
 */
enum xengt_scratch {
	XENGT_NOT_SCRATCH,
	XENGT_NOT_PRESENT,
	XENGT_BAD_ENTRY,
	XENGT_PAGE_1G,
	XENGT_MISSING,
	XENGT_REFUSED,
	XENGT_OF_DIRECTORY,
	XENGT_RECLAIMED,
};

/**
 * struct xengt_entry - an entry of a page table
 * @size: its size in the table, in bytes
 * @guest: the guest entry that the shadow entry was made from
 * @shadow: the shadow entry
 * @child: the SPT that the shadow entry points to; or NULL
 * @scratch: why the shadow entry is scratch
 */
struct xengt_entry {
	unsigned int size;
	u64 guest;
	u64 shadow;
	const struct xengt_spt *child;
	enum xengt_scratch scratch;
};

void xengt_entry_of_root(const struct xengt_spts *spts, const struct xengt_ppgtt *ppgtt,
			 unsigned int i, struct xengt_entry *entry);
void xengt_entry_of_spt(const struct xengt_spt *spt, unsigned int i, struct xengt_entry *entry);
void xengt_entry_of_leaf(const struct xengt_leaf *leaf, unsigned long index,
			 struct xengt_entry *entry);

#endif /* _XENGT_ENTRY_H */
