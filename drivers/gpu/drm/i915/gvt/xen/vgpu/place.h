/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A place: where the shadow entries of a GGTT land, so that a GPU uses them.
 *
 * All virtual GPUs of a place share its one table, as they share a GPU's GGTT; each has reserved
 * its ranges of entries and writes only these.
 *
 * Invariants: an entry is written whole, in one store of 64 bits; when invalidate returns, the
 * GPU uses no entry as it was before the writes that came before the call.
 *
 * Locking: write and invalidate may be called by several virtual GPUs at once, for different
 * entries.
 */

#ifndef _XENGT_PLACE_H
#define _XENGT_PLACE_H

#include <linux/types.h>

struct xengt_place;

/**
 * struct xengt_place_ops - operations of a place
 * @name: for the "place" attribute of virtual GPUs
 * @get: pins the place for a GGTT of so many entries; or ERR_PTR()
 * @put: gives it back
 * @reserve: takes a range of entries; -EBUSY if some of it is taken, -ERANGE if it is out of the
 *	table
 * @unreserve: gives it back; the entries are cleared
 * @write: writes one entry
 * @invalidate: makes the GPU forget what it knows of entries that were written
 */
struct xengt_place_ops {
	const char *name;
	struct xengt_place *(*get)(unsigned long nr_entries);
	void (*put)(struct xengt_place *place);
	int (*reserve)(struct xengt_place *place, unsigned long first, unsigned long n);
	void (*unreserve)(struct xengt_place *place, unsigned long first, unsigned long n);
	void (*write)(struct xengt_place *place, unsigned long index, u64 pte);
	void (*invalidate)(struct xengt_place *place);
};

/* The head of every place's own structure. */
struct xengt_place {
	const struct xengt_place_ops *ops;
};

extern const struct xengt_place_ops xengt_place_mem;

const struct xengt_place_ops *xengt_place_find(const char *name);

#endif /* _XENGT_PLACE_H */
