// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow GGTT of a virtual GPU: a run of entries, the guest's share, in the place that all
 * virtual GPUs have in common.
 *
 * Writes of any size are merged into the guest entries that they touch. Some slots can be the
 * entries of a page directory (on gen7, where it is in the GGTT): these name tables, and what they
 * become in the shadow is for the owner of the directory to say.
 *
 * Invariants: entries out of the share belong to others: writes to them are dropped, reads give 0.
 * A slot of a page directory holds no reference on a page.
 *
 * Locking: the mm's lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "counters.h"
#include "ggtt.h"
#include "mm.h"
#include "place.h"

/* Where an entry of the GTT is in the run, XENGT_NO_SLOT if it is not in the share. */
unsigned long xengt_ggtt_slot(const struct xengt_ggtt *ggtt, unsigned long entry)
{
	unsigned long base = 0;
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		const struct xengt_range *range = &ggtt->share[i];

		if (entry >= range->first && entry - range->first < range->n)
			return base + entry - range->first;
		base += range->n;
	}
	return XENGT_NO_SLOT;
}

/* Which entry of the GTT a slot is. */
unsigned long xengt_ggtt_entry(const struct xengt_ggtt *ggtt, unsigned long slot)
{
	const struct xengt_range *range = ggtt->share;

	for (; slot >= range->n; range++)
		slot -= range->n;
	return range->first + slot;
}

static void write_place(struct xengt_entries *run, unsigned long slot, u64 pte)
{
	struct xengt_ggtt *ggtt = container_of(run, struct xengt_ggtt, run);
	struct xengt_place *place = ggtt->mm->place;

	place->ops->write(place, xengt_ggtt_entry(ggtt, slot), pte);
}

static const struct xengt_entries_ops ggtt_ops = {
	.write = write_place,
};

/* The bytes of [offset, offset + len) that are in one entry. */
static void entry_part(unsigned int size, unsigned long entry, u64 offset, unsigned int len,
		       unsigned int *at, unsigned int *from, unsigned int *bytes)
{
	u64 first = max_t(u64, offset, (u64)entry * size);
	u64 end = min_t(u64, offset + len, (u64)(entry + 1) * size);

	*at = first % size;
	*from = first - offset;
	*bytes = end - first;
}

/* Notes what the guest wrote into a slot. */
static void put_slot(struct xengt_ggtt *ggtt, unsigned long slot, u64 pte)
{
	if (test_bit(slot, ggtt->directory)) {
		ggtt->run.guest[slot] = pte;
		ggtt->written(ggtt, slot);
	} else if (!xengt_entries_add(&ggtt->run, slot, pte)) {
		xengt_count(ggtt->mm->counters, XENGT_COUNT_ENTRIES_SAME, 1);
	}
}

/* Merges what was written into one entry. */
static void write_entry(struct xengt_ggtt *ggtt, unsigned long entry, u64 offset,
			const void *data, unsigned int len)
{
	unsigned long slot = xengt_ggtt_slot(ggtt, entry);
	unsigned int at, from, bytes;
	u64 pte;

	if (slot == XENGT_NO_SLOT) {
		xengt_count(ggtt->mm->counters, XENGT_COUNT_OUT_OF_SHARE, 1);
		return;
	}
	xengt_count(ggtt->mm->counters, XENGT_COUNT_ENTRIES_WRITTEN, 1);
	entry_part(ggtt->run.format->size, entry, offset, len, &at, &from, &bytes);
	pte = ggtt->run.guest[slot];
	memcpy((u8 *)&pte + at, (const u8 *)data + from, bytes);
	put_slot(ggtt, slot, pte);
}

/*
 * The guest wrote len bytes (at most a page) at an offset into its GTT, in bytes: any offset, any
 * length.
 */
void xengt_ggtt_write(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len)
{
	unsigned int size = ggtt->run.format->size;
	unsigned long entry;

	if (WARN_ON_ONCE(!len || len > XENGT_PAGE_SIZE))
		return;
	mutex_lock(&ggtt->mm->lock);
	for (entry = offset / size; entry <= (offset + len - 1) / size; entry++)
		write_entry(ggtt, entry, offset, data, len);
	xengt_entries_apply(ggtt->mm);
	mutex_unlock(&ggtt->mm->lock);
}

/* The guest reads len bytes at an offset into its GTT, in bytes: it gets what it wrote. */
void xengt_ggtt_read(struct xengt_ggtt *ggtt, u64 offset, void *data, unsigned int len)
{
	unsigned int size = ggtt->run.format->size;
	unsigned int at, from, bytes;
	unsigned long entry, slot;

	if (!len)
		return;
	memset(data, 0, len);
	mutex_lock(&ggtt->mm->lock);
	for (entry = offset / size; entry <= (offset + len - 1) / size; entry++) {
		slot = xengt_ggtt_slot(ggtt, entry);
		if (slot == XENGT_NO_SLOT)
			continue;
		entry_part(size, entry, offset, len, &at, &from, &bytes);
		memcpy((u8 *)data + from, (const u8 *)&ggtt->run.guest[slot] + at, bytes);
	}
	mutex_unlock(&ggtt->mm->lock);
}

/*
 * Makes n slots the entries of a page directory: what they held is released, and they are this
 * entry until the owner of the directory writes them. -EBUSY if there is a directory already,
 * -ERANGE if it is not all in one range of the share, -ENOMEM.
 */
int xengt_ggtt_directory_add(struct xengt_ggtt *ggtt, unsigned long slot, unsigned int n, u64 pde)
{
	unsigned long entry, i;
	u64 *wrote;

	lockdep_assert_held(&ggtt->mm->lock);
	if (slot >= ggtt->nr_slots || n > ggtt->nr_slots - slot)
		return -ERANGE;
	entry = xengt_ggtt_entry(ggtt, slot);
	if (xengt_ggtt_entry(ggtt, slot + n - 1) != entry + n - 1)
		return -ERANGE;
	if (find_next_bit(ggtt->directory, slot + n, slot) < slot + n)
		return -EBUSY;
	wrote = kmemdup(&ggtt->run.guest[slot], n * sizeof(*wrote), GFP_KERNEL);
	if (!wrote)
		return -ENOMEM;
	for (i = slot; i < slot + n; i++)
		xengt_entries_add(&ggtt->run, i, 0);
	xengt_entries_apply(ggtt->mm);
	/* What the guest wrote stays, though for the run the slots are not present any more. */
	memcpy(&ggtt->run.guest[slot], wrote, n * sizeof(*wrote));
	kfree(wrote);
	bitmap_set(ggtt->directory, slot, n);
	/* An entry that leads to the scratch page would make that a table. */
	for (i = slot; i < slot + n; i++)
		xengt_ggtt_directory_write(ggtt, i, pde);
	xengt_mm_invalidate(ggtt->mm);
	return 0;
}

/* The slots are ordinary entries again, with what the guest wrote into them. */
void xengt_ggtt_directory_remove(struct xengt_ggtt *ggtt, unsigned long slot, unsigned int n)
{
	unsigned long i;

	lockdep_assert_held(&ggtt->mm->lock);
	for (i = slot; i < slot + n; i++) {
		xengt_ggtt_directory_write(ggtt, i, ggtt->run.scratch_pte);
		xengt_entries_add(&ggtt->run, i, ggtt->run.guest[i]);
	}
	bitmap_clear(ggtt->directory, slot, n);
	xengt_mm_invalidate(ggtt->mm);
	xengt_entries_apply(ggtt->mm);
}

/* Writes the shadow entry of a page directory's slot; the caller makes the GPU forget the old. */
void xengt_ggtt_directory_write(struct xengt_ggtt *ggtt, unsigned long slot, u64 pde)
{
	lockdep_assert_held(&ggtt->mm->lock);
	if (ggtt->run.shadow[slot] == pde)
		return;
	ggtt->run.shadow[slot] = pde;
	write_place(&ggtt->run, slot, pde);
	xengt_count(ggtt->mm->counters, XENGT_COUNT_GPU_WRITES, 1);
}

/*
 * What is still a directory leads nowhere any more, not even to scratch; the caller makes the GPU
 * forget.
 */
void xengt_ggtt_directories_clear(struct xengt_ggtt *ggtt)
{
	unsigned long slot;

	lockdep_assert_held(&ggtt->mm->lock);
	for_each_set_bit(slot, ggtt->directory, ggtt->nr_slots)
		xengt_ggtt_directory_write(ggtt, slot, 0);
}

/* Takes the first n ranges back. */
static void unreserve_share(struct xengt_ggtt *ggtt, unsigned int n)
{
	struct xengt_place *place = ggtt->mm->place;

	while (n--)
		place->ops->unreserve(place, ggtt->share[n].first, ggtt->share[n].n);
}

static int reserve_share(struct xengt_ggtt *ggtt)
{
	struct xengt_place *place = ggtt->mm->place;
	unsigned int i;
	int rc;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		const struct xengt_range *range = &ggtt->share[i];

		rc = place->ops->reserve(place, range->first, range->n);
		if (rc) {
			pr_err("entries %lu to %lu of the GGTT: %s\n", range->first,
			       range->first + range->n - 1,
			       rc == -EBUSY ? "another virtual GPU has some of them" :
			       "not in the table");
			unreserve_share(ggtt, i);
			return rc;
		}
	}
	return 0;
}

static void fill_with_scratch(struct xengt_ggtt *ggtt)
{
	unsigned long slot;

	for (slot = 0; slot < ggtt->nr_slots; slot++)
		write_place(&ggtt->run, slot, ggtt->run.scratch_pte);
	xengt_count(ggtt->mm->counters, XENGT_COUNT_GPU_WRITES, ggtt->nr_slots);
	xengt_mm_invalidate(ggtt->mm);
}

static int init_run(struct xengt_ggtt *ggtt)
{
	int rc;

	mutex_lock(&ggtt->mm->lock);
	rc = xengt_entries_init(&ggtt->run, ggtt->mm, &ggtt_ops, ggtt->mm->format->ggtt,
				ggtt->nr_slots);
	mutex_unlock(&ggtt->mm->lock);
	return rc;
}

static void exit_run(struct xengt_ggtt *ggtt)
{
	mutex_lock(&ggtt->mm->lock);
	xengt_entries_exit(&ggtt->run);
	mutex_unlock(&ggtt->mm->lock);
}

/*
 * -EINVAL for an empty share, -ENOMEM, -ERANGE for a share out of the table, -EBUSY for a share
 * that is taken.
 */
int xengt_ggtt_init(struct xengt_ggtt *ggtt, struct xengt_mm *mm, const struct xengt_range *share)
{
	unsigned int i;
	int rc;

	*ggtt = (struct xengt_ggtt){ .mm = mm };
	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		ggtt->share[i] = share[i];
		ggtt->nr_slots += share[i].n;
	}
	if (!ggtt->nr_slots)
		return -EINVAL;
	ggtt->directory = bitmap_zalloc(ggtt->nr_slots, GFP_KERNEL);
	if (!ggtt->directory)
		return -ENOMEM;
	rc = init_run(ggtt);
	if (rc)
		goto free;
	rc = reserve_share(ggtt);
	if (rc)
		goto exit;
	fill_with_scratch(ggtt);
	return 0;

exit:
	exit_run(ggtt);
free:
	bitmap_free(ggtt->directory);
	return rc;
}

/* The mm is closed, and nobody writes or reads any more; the GPU has forgotten the share. */
void xengt_ggtt_exit(struct xengt_ggtt *ggtt)
{
	unreserve_share(ggtt, XENGT_GGTT_RANGES);
	exit_run(ggtt);
	bitmap_free(ggtt->directory);
}
