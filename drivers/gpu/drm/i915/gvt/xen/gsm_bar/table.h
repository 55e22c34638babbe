/* SPDX-License-Identifier: GPL-2.0 */
/* The GGTT of a device: reservations, entries and invalidations; see table.c. */

#ifndef _XENGT_BAR_TABLE_H
#define _XENGT_BAR_TABLE_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "settings.h"

struct pci_dev;
struct xengt_range;

/**
 * struct xengt_bar_table - the GGTT of a device
 * @pdev: the device
 * @user: what keeps the settings from being changed
 * @settings: the settings
 * @entries: the mapped entries
 * @regs: the mapped registers; NULL if there are none
 * @first_reg: the register at @regs
 * @reserved: bitmap of the entries that are reserved
 * @used_fences: number of fence registers that are reserved
 * @invalidate_lock: held during an invalidation
 */
struct xengt_bar_table {
	struct pci_dev *pdev;
	struct xengt_bar_user user;
	struct xengt_bar_settings settings;
	void __iomem *entries;
	void __iomem *regs;
	u32 first_reg;
	unsigned long *reserved;
	u32 used_fences;
	struct mutex invalidate_lock; /* serialises invalidations */
};

struct xengt_bar_table *xengt_bar_table_create(struct pci_dev *pdev, const char *vgpu);
void xengt_bar_table_destroy(struct xengt_bar_table *table);

unsigned long xengt_bar_table_end(const struct xengt_bar_table *table, unsigned int which);
int xengt_bar_table_reserve(struct xengt_bar_table *table, unsigned int which,
			    unsigned long nr_entries, const struct xengt_range *wanted,
			    struct xengt_range *range);
void xengt_bar_table_unreserve(struct xengt_bar_table *table, const struct xengt_range *range);

void xengt_bar_table_write(struct xengt_bar_table *table, unsigned long index, u64 pte);
void xengt_bar_table_invalidate(struct xengt_bar_table *table, bool ppgtt);

#endif /* _XENGT_BAR_TABLE_H */
