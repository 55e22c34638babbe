/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries of page tables as text; see dump.c.
 */

#ifndef _XENGT_DUMP_H
#define _XENGT_DUMP_H

#include "entry.h"

struct seq_file;

void xengt_dump_show(struct seq_file *m, const struct xengt_entry *entry);
const char *xengt_scratch_name(enum xengt_scratch scratch);

#endif /* _XENGT_DUMP_H */
