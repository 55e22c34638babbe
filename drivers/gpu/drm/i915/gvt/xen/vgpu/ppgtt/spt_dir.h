/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Directories: SPTs whose entries point to SPTs; see spt_dir.c.
 */

#ifndef _XENGT_SPT_DIR_H
#define _XENGT_SPT_DIR_H

#include "ppgtt/spt.h"

/**
 * struct xengt_spt_entry - an entry of a directory
 * @dir: the directory
 * @guest: the guest entry that the shadow entry was made from
 * @child: the SPT that the shadow entry points to, a reference; or NULL (scratch)
 * @node: in the child's list of parents
 * @next_guest: during a sync: the guest entry from which the shadow entry will be made
 * @next: during a sync: the new child, a reference; or NULL
 */
struct xengt_spt_entry {
	struct xengt_spt_dir *dir;
	u64 guest;
	struct xengt_spt *child;
	struct hlist_node node;
	u64 next_guest;
	struct xengt_spt *next;
};

/*
 * Parent entries of an SPT are large ones only if there are at most so many: when the SPT changes,
 * all of them may have to be rewritten.
 */
#define XENGT_LARGE_PARENTS	512

/**
 * struct xengt_spt_dir - a directory
 * @spt: the SPT; the first member
 * @entries: its entries, by index
 * @missing: bitmap of missing entries: present, but scratch as no SPT could be had for them
 * @nr_missing: how many entries are missing
 * @bad: bitmap of entries that are present, but scratch as the guest entry itself is the reason
 * @nr_bad: how many entries are bad
 * @missing_node: in the list of directories with missing entries
 */
struct xengt_spt_dir {
	struct xengt_spt spt;
	struct xengt_spt_entry *entries;
	unsigned long *missing;
	unsigned int nr_missing;
	unsigned long *bad;
	unsigned int nr_bad;
	struct list_head missing_node;
};

extern const struct xengt_spt_ops xengt_spt_dir_ops;

static inline struct xengt_spt_dir *xengt_to_spt_dir(const struct xengt_spt *spt)
{
	return container_of(spt, struct xengt_spt_dir, spt);
}

void xengt_spt_dir_update(struct xengt_spt *spt);
bool xengt_spt_dir_write(struct xengt_spt *spt);
void xengt_spt_set_large(struct xengt_spt *spt, bool large, u64 frame);
u64 xengt_spt_dir_read_shadow(const struct xengt_spt *spt, unsigned int i);

#endif /* _XENGT_SPT_DIR_H */
