/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An entry as somebody sees it who looks at the tables; see view.c.
 */

#ifndef _XENGT_VIEW_H
#define _XENGT_VIEW_H

#include <linux/types.h>

struct seq_file;
struct xengt_entries;
struct xengt_ppgtts;
struct xengt_space;
struct xengt_table;

/**
 * struct xengt_view - an entry: the guest's, and the shadow's made from it
 * @digits: how many hexadecimal digits an entry has
 * @guest: the guest entry
 * @shadow: what the GPU finds
 * @child: the table that it leads to, if it does to one
 * @scratch: why it leads nowhere; NULL if it leads somewhere
 */
struct xengt_view {
	unsigned int digits;
	u64 guest;
	u64 shadow;
	const struct xengt_table *child;
	const char *scratch;
};

void xengt_view_root(const struct xengt_ppgtts *ppgtts, const struct xengt_space *space,
		     unsigned int i, struct xengt_view *view);
void xengt_view_table(const struct xengt_table *table, unsigned int i, struct xengt_view *view);
void xengt_view_run(const struct xengt_entries *run, unsigned long slot, struct xengt_view *view);
void xengt_view_show(struct seq_file *m, const struct xengt_view *view);

#endif /* _XENGT_VIEW_H */
