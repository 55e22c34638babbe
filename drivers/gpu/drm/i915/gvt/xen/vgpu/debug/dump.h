/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A dump entry: one entry of a page table for debugfs; see dump.c.
 */

#ifndef _XENGT_DUMP_H
#define _XENGT_DUMP_H

#include <linux/types.h>

struct seq_file;
struct xengt_leaf;
struct xengt_ppgtts;
struct xengt_ppgtt;
struct xengt_spt;

/**
 * struct xengt_dump - a dump entry
 * @digits: how many hexadecimal digits an entry has
 * @guest: the guest entry that the shadow entry was made from
 * @shadow: the shadow entry
 * @child: the SPT that the shadow entry points to; or NULL
 * @scratch: why the shadow entry is scratch; NULL if it is not
 */
struct xengt_dump {
	unsigned int digits;
	u64 guest;
	u64 shadow;
	const struct xengt_spt *child;
	const char *scratch;
};

void xengt_dump_root(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
		     unsigned int i, struct xengt_dump *dump);
void xengt_dump_spt(const struct xengt_spt *spt, unsigned int i, struct xengt_dump *dump);
void xengt_dump_leaf(const struct xengt_leaf *leaf, unsigned long index, struct xengt_dump *dump);
void xengt_dump_show(struct seq_file *m, const struct xengt_dump *dump);

#endif /* _XENGT_DUMP_H */
