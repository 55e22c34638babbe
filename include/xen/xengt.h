/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The "mem" place: the shadow GTT as a table in memory, for devices that walk it from there.
 *
 * A walker reads an entry and uses it (by DMA) between xengt_mem_walk_begin() and
 * xengt_mem_walk_end(): a GTT invalidate waits for the walks that have begun, as a GPU's TLB
 * invalidate waits for the translations in use.
 */

#ifndef _XEN_XENGT_H
#define _XEN_XENGT_H

#include <linux/types.h>

struct xengt_mem_table;

struct xengt_mem_table *xengt_mem_table_get(void);
void xengt_mem_table_put(struct xengt_mem_table *table);
void xengt_mem_walk_begin(struct xengt_mem_table *table);
void xengt_mem_walk_end(struct xengt_mem_table *table);
u64 xengt_mem_entry(struct xengt_mem_table *table, u64 addr);

#endif /* _XEN_XENGT_H */
