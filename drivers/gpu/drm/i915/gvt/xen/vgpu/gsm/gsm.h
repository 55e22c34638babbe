/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GSM: where the GGTT's shadow entries land, so that a GPU uses them. The name is that of i915's
 * graphics stolen memory, in which a GPU keeps its GGTT.
 *
 * All virtual GPUs of a GSM share one table, as they share the GGTT of a GPU. Each virtual GPU
 * reserves its ranges of entries and writes only these.
 *
 * Invariants: an entry is written whole, in one store of 64 bits. When invalidate returns, the GPU
 * uses only entries as they were at the call or later.
 *
 * Locking: write and invalidate may be called by several virtual GPUs at once, for different
 * entries.
 */

#ifndef _XENGT_GSM_H
#define _XENGT_GSM_H

#include <linux/types.h>

struct xengt_gsm;

/**
 * struct xengt_gsm_ops - operations of a GSM
 * @name: the value of a virtual GPU's "place" attribute that selects this GSM
 * @get: returns a reference on the GSM, for a GGTT of @nr_entries entries; or ERR_PTR(): -ENOMEM;
 *	-EBUSY if it is in use with another number of entries
 * @put: drops the reference
 * @reserve: reserves @n entries from @first on. Returns 0; -EBUSY if some of them are reserved;
 *	-ERANGE if some of them are beyond the table
 * @unreserve: clears the entries, makes the GPU forget them, and ends their reservation
 * @write: writes the entry at @index
 * @invalidate: makes the GPU forget the entries that were written before
 */
struct xengt_gsm_ops {
	const char *name;
	struct xengt_gsm *(*get)(unsigned long nr_entries);
	void (*put)(struct xengt_gsm *gsm);
	int (*reserve)(struct xengt_gsm *gsm, unsigned long first, unsigned long n);
	void (*unreserve)(struct xengt_gsm *gsm, unsigned long first, unsigned long n);
	void (*write)(struct xengt_gsm *gsm, unsigned long index, u64 pte);
	void (*invalidate)(struct xengt_gsm *gsm);
};

/**
 * struct xengt_gsm - a GSM, embedded in the structure of its implementation
 * @ops: its operations
 */
struct xengt_gsm {
	const struct xengt_gsm_ops *ops;
};

extern const struct xengt_gsm_ops xengt_gsm_mem;

const struct xengt_gsm_ops *xengt_gsm_find(const char *name);

#endif /* _XENGT_GSM_H */
