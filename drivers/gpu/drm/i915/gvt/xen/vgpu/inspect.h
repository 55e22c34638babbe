/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of a virtual GPU's PPGTTs, shown as trees; see inspect.c.
 */

#ifndef _XENGT_INSPECT_H
#define _XENGT_INSPECT_H

#include <linux/types.h>
#include <linux/xarray.h>

#include "pte.h"

struct seq_file;
struct xengt_ppgtts;
struct xengt_space;
struct xengt_table;

/**
 * struct xengt_inspection - somebody goes through the trees
 * @n: how many entries were passed
 * @limit: what has this serial or a higher one was made after it began
 * @shown: by serial: the tables that were shown, each with the value of @n at that time
 * @space: the serial of the PPGTT at which it is
 * @level: the level of the directory at which it is; the one above the root's tables stands for the
 *	root, with those for its entries
 * @at: for each level the serial of the directory, and the index of the entry in it
 * @ppgtts: between start and stop: whose they are
 * @in_space: between start and stop: the PPGTT, NULL at the end
 * @in_table: between start and stop: for each level the directory
 */
struct xengt_inspection {
	u64 n;
	u64 limit;
	struct xarray shown;
	u64 space;
	unsigned int level;
	struct {
		u64 table;
		unsigned int index;
	} at[XENGT_MAX_LEVELS + 2];
	struct xengt_ppgtts *ppgtts;
	struct xengt_space *in_space;
	const struct xengt_table *in_table[XENGT_MAX_LEVELS + 2];
};

void xengt_inspection_init(struct xengt_inspection *in);
void xengt_inspection_exit(struct xengt_inspection *in);
bool xengt_inspection_start(struct xengt_inspection *in, struct xengt_ppgtts *ppgtts, bool anew);
bool xengt_inspection_next(struct xengt_inspection *in);
int xengt_inspection_show(struct xengt_inspection *in, struct seq_file *m);
void xengt_inspection_stop(struct xengt_inspection *in);

#endif /* _XENGT_INSPECT_H */
