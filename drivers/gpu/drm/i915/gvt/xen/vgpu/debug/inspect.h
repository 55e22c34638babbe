/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prints the SPTs of a virtual GPU's PPGTTs as trees; see inspect.c.
 */

#ifndef _XENGT_INSPECT_H
#define _XENGT_INSPECT_H

#include <linux/types.h>
#include <linux/xarray.h>

#include "abi/pte.h"

struct seq_file;
struct xengt_ppgtts;
struct xengt_ppgtt;
struct xengt_spt;

/**
 * struct xengt_inspection - a walk through the trees of SPTs, with its current position
 * @n: how many entries were passed
 * @limit: PPGTTs and SPTs with this serial or a higher one were made after the inspection began
 * @shown: the SPTs that were shown, by serial; each with the value of @n at that time
 * @serial: serial of the current PPGTT
 * @level: level of the current directory. The level above the top-level SPTs stands for the root,
 *	whose addresses are its entries
 * @at: for each level the current directory, by its serial, and the index of the current entry
 * @at.spt: serial of the directory
 * @at.index: index of the entry
 * @ppgtts: between start and stop: all PPGTTs of the virtual GPU
 * @in_ppgtt: between start and stop: the current PPGTT; NULL at the end
 * @in_spt: between start and stop: for each level the current directory
 */
struct xengt_inspection {
	u64 n;
	u64 limit;
	struct xarray shown;
	u64 serial;
	unsigned int level;
	struct {
		u64 spt;
		unsigned int index;
	} at[XENGT_MAX_LEVELS + 2];
	struct xengt_ppgtts *ppgtts;
	struct xengt_ppgtt *in_ppgtt;
	const struct xengt_spt *in_spt[XENGT_MAX_LEVELS + 2];
};

void xengt_inspection_init(struct xengt_inspection *in);
void xengt_inspection_exit(struct xengt_inspection *in);
bool xengt_inspection_start(struct xengt_inspection *in, struct xengt_ppgtts *ppgtts, bool anew);
bool xengt_inspection_next(struct xengt_inspection *in);
int xengt_inspection_show(struct xengt_inspection *in, struct seq_file *m);
void xengt_inspection_stop(struct xengt_inspection *in);

#endif /* _XENGT_INSPECT_H */
