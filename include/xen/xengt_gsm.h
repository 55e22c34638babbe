/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GSM: where the GGTT's shadow entries land, so that a GPU uses them. The name is that of i915's
 * graphics stolen memory, in which a GPU keeps its GGTT.
 *
 * A module that has access to a GPU's GGTT registers the operations of a GSM; the configfs
 * attribute "place" of a virtual GPU selects it by name. Each virtual GPU that is enabled opens the
 * GSM for its share: one range of entries that the CPU can reach through the aperture (mappable)
 * and one that it cannot (hidden).
 *
 * Invariants: the entries of a share belong to one virtual GPU, and to nobody else who uses the
 * GPU's GGTT. Only they are written. The page that an entry names stays mapped until the entry has
 * been replaced and an invalidate has returned: when it returns, the GPU uses only entries as they
 * were at the call or later.
 *
 * Locking: operations may sleep. Those of one share are called one at a time, those of different
 * shares at once.
 */

#ifndef _XEN_XENGT_GSM_H
#define _XEN_XENGT_GSM_H

#include <linux/limits.h>
#include <linux/types.h>

struct module;
struct work_struct;
struct xengt_gsm;

#define XENGT_GGTT_RANGES	2
/* Ranges of a share */
#define XENGT_RANGE_MAPPABLE	0
#define XENGT_RANGE_HIDDEN	1
/* As the first entry of a range: wherever there is room */
#define XENGT_RANGE_ANYWHERE	ULONG_MAX

/**
 * struct xengt_range - a range of GGTT entries
 * @first: the first entry
 * @n: number of entries; can be 0
 */
struct xengt_range {
	unsigned long first;
	unsigned long n;
};

/* Returns the name of a range of a share, for the log. */
static inline const char *xengt_gsm_range_name(unsigned int range)
{
	return range == XENGT_RANGE_MAPPABLE ? "mappable" : "hidden";
}

/*
 * Returns which range of a share is reserved as number @i, from 0 on: ranges that can be anywhere
 * come last, so that they do not have what another one needs.
 */
static inline unsigned int xengt_gsm_range_order(const struct xengt_range *range, unsigned int i)
{
	bool swap = range[0].first == XENGT_RANGE_ANYWHERE &&
		    range[1].first != XENGT_RANGE_ANYWHERE;

	return swap ? 1 - i : i;
}

/**
 * struct xengt_gsm_request - what a virtual GPU needs of a GSM
 * @vgpu: the virtual GPU's name, for the log
 * @device: which device, in the form that the GSM documents; "" if the user named none
 * @generation: of the GPU that the guest sees; its entries have this generation's format
 * @nr_entries: the number of entries of that generation's GGTT
 * @max_bfn: the highest BFN that entries will have
 * @range: the ranges of the share; their first entry can be XENGT_RANGE_ANYWHERE
 * @nr_fences: the number of fence registers
 * @lost_work: stops the virtual GPU; see xengt_gsm_lost()
 * @rewrite_work: writes all entries of the share; see xengt_gsm_rewrite()
 */
struct xengt_gsm_request {
	const char *vgpu;
	const char *device;
	unsigned int generation;
	unsigned long nr_entries;
	u64 max_bfn;
	struct xengt_range range[XENGT_GGTT_RANGES];
	unsigned int nr_fences;
	struct work_struct *lost_work;
	struct work_struct *rewrite_work;
};

/**
 * struct xengt_gsm_ops - operations of a GSM
 * @owner: the module; a virtual GPU that is enabled pins it
 * @name: the value of a virtual GPU's attribute "place" that selects this GSM, without a colon.
 *	What follows a colon in the attribute is the request's device.
 * @open: reserves a share and returns it, initialised with xengt_gsm_init(); or ERR_PTR(-ENOMEM);
 *	or another ERR_PTR(), when it has logged what is wrong and what to do: -ENODEV if there is
 *	no such device, -EBUSY if somebody else has entries of the share, -ERANGE if the share is
 *	beyond the table, -EINVAL if the GSM cannot do what is asked for
 * @close: writes to the share's entries what the GSM's owner has in entries that nobody uses, makes
 *	the GPU forget the old ones, ends the reservation and frees the structure
 * @write: writes the entry at @index, counted from the first of the GGTT, whole. An @invalidate
 *	follows each series of writes.
 * @invalidate: makes the GPU forget the entries that were written before; with @ppgtt, those of
 *	PPGTTs, too
 *
 * A GPU that hangs may not answer. @invalidate waits for a bounded time, logs that, and returns all
 * the same: until such a GPU is reset, it may use pages that are the guest's no more.
 *
 * The implementation keeps a list of its open shares. If the GPU is about to go away it calls
 * xengt_gsm_lost() for each of them, and waits until all are closed. When the GPU has lost its
 * entries, as after a suspend, it calls xengt_gsm_rewrite() for each of them. Both calls need the
 * share to stay open meanwhile: they are made under a lock that @close takes, and @write and
 * @invalidate do not.
 */
struct xengt_gsm_ops {
	struct module *owner;
	const char *name;
	struct xengt_gsm *(*open)(const struct xengt_gsm_request *request);
	void (*close)(struct xengt_gsm *gsm);
	void (*write)(struct xengt_gsm *gsm, unsigned long index, u64 pte);
	void (*invalidate)(struct xengt_gsm *gsm, bool ppgtt);
};

/**
 * struct xengt_gsm - a virtual GPU's share of a GSM, embedded in its implementation's structure
 * @ops: its operations
 * @range: the ranges of the share, as reserved
 * @lost_work: stops the virtual GPU
 * @rewrite_work: writes all entries of the share
 * @lost: xengt_gsm_lost() was called
 * @incoherent: the GPU reads tables of PPGTTs from memory, without snooping the CPU's caches; set
 *	by the implementation before it returns the share
 */
struct xengt_gsm {
	const struct xengt_gsm_ops *ops;
	struct xengt_range range[XENGT_GGTT_RANGES];
	struct work_struct *lost_work;
	struct work_struct *rewrite_work;
	bool lost;
	bool incoherent;
};

/* Is entry @index of the GGTT in the share? */
static inline bool xengt_gsm_has_entry(const struct xengt_gsm *gsm, unsigned long index)
{
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		if (index - gsm->range[i].first < gsm->range[i].n)
			return true;
	}
	return false;
}

int xengt_gsm_register(const struct xengt_gsm_ops *ops);
void xengt_gsm_unregister(const struct xengt_gsm_ops *ops);
void xengt_gsm_init(struct xengt_gsm *gsm, const struct xengt_gsm_ops *ops,
		    const struct xengt_gsm_request *request, const struct xengt_range *range);
void xengt_gsm_lost(struct xengt_gsm *gsm);
void xengt_gsm_rewrite(struct xengt_gsm *gsm);

#endif /* _XEN_XENGT_GSM_H */
