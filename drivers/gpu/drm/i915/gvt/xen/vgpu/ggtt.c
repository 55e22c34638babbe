// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow GGTT of a virtual GPU: a run of entries, the guest's share, in the place that all
 * virtual GPUs have in common.
 *
 * What the guest writes is kept in pages (see gtt_page.c), where writes of any size merge with what
 * is there; a sync takes the entries over that were written. Some slots can be the
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
#include "gtt_page.h"
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

/* How many entries a page of the GTT has. */
unsigned int xengt_ggtt_page_entries(const struct xengt_ggtt *ggtt)
{
	return XENGT_PAGE_SIZE / ggtt->run.format->size;
}

/* Is the guest's page one of its GTT? Where that is RAM, it is no memory for anything else. */
bool xengt_ggtt_has_gfn(const struct xengt_ggtt *ggtt, u64 gfn)
{
	unsigned long n = ggtt->mm->format->gtt_entries / xengt_ggtt_page_entries(ggtt);

	return ggtt->pages.base && gfn >= ggtt->pages.base && gfn - ggtt->pages.base < n;
}

/* The guest wrote a slot: what it has now. Tells whether that is news. */
static bool take_slot(struct xengt_ggtt *ggtt, unsigned long slot, u64 pte)
{
	if (!test_bit(slot, ggtt->directory))
		return xengt_entries_add(&ggtt->run, slot, pte);
	ggtt->run.guest[slot] = pte;
	ggtt->written(ggtt, slot);
	return true;
}

/* Takes over the entries of a page that are in the mask, written once more or not. */
static void take_written(struct xengt_ggtt *ggtt, struct xengt_entry_page *page,
			 const unsigned long *slots)
{
	unsigned int n = xengt_ggtt_page_entries(ggtt), i;
	unsigned long slot;

	for_each_set_bit(i, slots, n) {
		slot = xengt_ggtt_slot(ggtt, page->key * n + i);
		if (slot != XENGT_NO_SLOT &&
		    !take_slot(ggtt, slot, xengt_pte_load(ggtt->run.format, page->va, i)))
			xengt_count(ggtt->mm->counters, XENGT_COUNT_ENTRIES_SAME, 1);
	}
}

/* Takes over the entries of a page that are not what the shadow was made from, or are missing. */
static bool take_different(struct xengt_ggtt *ggtt, struct xengt_entry_page *page)
{
	unsigned int n = xengt_ggtt_page_entries(ggtt), i, taken = 0;
	unsigned long slot;
	u64 pte;

	for (i = 0; i < n; i++) {
		slot = xengt_ggtt_slot(ggtt, page->key * n + i);
		if (slot == XENGT_NO_SLOT)
			continue;
		pte = xengt_pte_load(ggtt->run.format, page->va, i);
		if (pte != ggtt->run.guest[slot] || test_bit(slot, ggtt->run.missing)) {
			take_slot(ggtt, slot, pte);
			taken++;
		}
	}
	xengt_count(ggtt->mm->counters, XENGT_COUNT_ENTRIES_WRITTEN, taken);
	return taken;
}

static bool take(struct xengt_entry_page *page, const unsigned long *slots)
{
	struct xengt_ggtt *ggtt = container_of(page->pages, struct xengt_ggtt, pages);

	if (!slots)
		return take_different(ggtt, page);
	take_written(ggtt, page, slots);
	return true;
}

static bool has_missing(const struct xengt_entry_page *page)
{
	struct xengt_ggtt *ggtt = container_of(page->pages, struct xengt_ggtt, pages);
	unsigned int n = xengt_ggtt_page_entries(ggtt), i;
	unsigned long slot;

	if (!ggtt->run.nr_missing)
		return false;
	for (i = 0; i < n; i++) {
		slot = xengt_ggtt_slot(ggtt, page->key * n + i);
		if (slot != XENGT_NO_SLOT && test_bit(slot, ggtt->run.missing))
			return true;
	}
	return false;
}

static const struct xengt_entry_pages_ops pages_ops = {
	.take = take,
	.missing = has_missing,
};

/* Brings the shadow of the GGTT alone up to date. */
static void sync_ggtt(struct xengt_ggtt *ggtt)
{
	mutex_lock(&ggtt->mm->lock);
	xengt_writes_take(ggtt->mm);
	xengt_entries_apply(ggtt->mm);
	mutex_unlock(&ggtt->mm->lock);
}

/*
 * How many of len bytes at an offset into the GTT are in its first page, and all in the share or
 * all out of it; *inside tells which.
 */
static unsigned int cut_piece(const struct xengt_ggtt *ggtt, u64 offset, unsigned int len,
			      bool *inside)
{
	unsigned int size = ggtt->run.format->size;
	u64 end = min(offset + len, round_down(offset, XENGT_PAGE_SIZE) + XENGT_PAGE_SIZE);
	unsigned long entry = offset / size;

	*inside = xengt_ggtt_slot(ggtt, entry) != XENGT_NO_SLOT;
	do {
		entry++;
	} while ((u64)entry * size < end &&
		 (xengt_ggtt_slot(ggtt, entry) != XENGT_NO_SLOT) == *inside);
	return min(end, (u64)entry * size) - offset;
}

/* How many entries len bytes at an offset touch. */
static unsigned int count_entries(const struct xengt_ggtt *ggtt, u64 offset, unsigned int len)
{
	unsigned int size = ggtt->run.format->size;

	return (offset + len - 1) / size - offset / size + 1;
}

/*
 * Does a write within a page. One of which nothing is seen is being mapped anew: that is waited
 * for, and nothing else.
 */
static void store(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len)
{
	unsigned long key = offset / XENGT_PAGE_SIZE;
	unsigned int at = offset % XENGT_PAGE_SIZE;

	if (xengt_entry_page_store(&ggtt->pages, key, at, data, len))
		return;
	mutex_lock(&ggtt->mm->lock);
	xengt_entry_page_store(&ggtt->pages, key, at, data, len);
	mutex_unlock(&ggtt->mm->lock);
}

static void load(struct xengt_ggtt *ggtt, u64 offset, void *data, unsigned int len)
{
	unsigned long key = offset / XENGT_PAGE_SIZE;
	unsigned int at = offset % XENGT_PAGE_SIZE;

	if (xengt_entry_page_load(&ggtt->pages, key, at, data, len))
		return;
	mutex_lock(&ggtt->mm->lock);
	if (!xengt_entry_page_load(&ggtt->pages, key, at, data, len))
		memset(data, 0, len);
	mutex_unlock(&ggtt->mm->lock);
}

static void write_piece(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len,
			bool inside)
{
	xengt_count(ggtt->mm->counters,
		    inside ? XENGT_COUNT_ENTRIES_WRITTEN : XENGT_COUNT_OUT_OF_SHARE,
		    count_entries(ggtt, offset, len));
	if (inside)
		store(ggtt, offset, data, len);
}

/*
 * The guest wrote len bytes (at most a page) at an offset into its GTT, in bytes: any offset, any
 * length.
 */
void xengt_ggtt_write(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len)
{
	unsigned int piece;
	bool inside;

	if (WARN_ON_ONCE(!len || len > XENGT_PAGE_SIZE))
		return;
	for (; len; len -= piece) {
		piece = cut_piece(ggtt, offset, len, &inside);
		write_piece(ggtt, offset, data, piece, inside);
		offset += piece;
		data += piece;
	}
	if (READ_ONCE(ggtt->mm->writes.mode) == XENGT_MODE_STRICT)
		sync_ggtt(ggtt);
}

/* The guest reads len bytes at an offset into its GTT, in bytes: it gets what it wrote. */
void xengt_ggtt_read(struct xengt_ggtt *ggtt, u64 offset, void *data, unsigned int len)
{
	unsigned int piece;
	bool inside;

	for (; len; len -= piece) {
		piece = cut_piece(ggtt, offset, len, &inside);
		if (inside)
			load(ggtt, offset, data, piece);
		else
			memset(data, 0, piece);
		offset += piece;
		data += piece;
	}
}

/* All entries are 0 for the guest, and scratch, whatever it wrote before. */
void xengt_ggtt_reset(struct xengt_ggtt *ggtt)
{
	unsigned long slot;

	mutex_lock(&ggtt->mm->lock);
	if (!ggtt->mm->closed) {
		xengt_gtt_pages_clear(ggtt);
		for (slot = 0; slot < ggtt->nr_slots; slot++)
			take_slot(ggtt, slot, 0);
		xengt_entries_apply(ggtt->mm);
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

	mutex_lock(&ggtt->mm->lock);
	for (slot = 0; slot < ggtt->nr_slots; slot++)
		write_place(&ggtt->run, slot, ggtt->run.scratch_pte);
	xengt_count(ggtt->mm->counters, XENGT_COUNT_GPU_WRITES, ggtt->nr_slots);
	xengt_mm_invalidate(ggtt->mm);
	mutex_unlock(&ggtt->mm->lock);
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
	xengt_entry_pages_init(&ggtt->pages, mm, &pages_ops);
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
	rc = xengt_gtt_pages_init(ggtt);
	if (rc)
		goto unreserve;
	fill_with_scratch(ggtt);
	return 0;

unreserve:
	unreserve_share(ggtt, XENGT_GGTT_RANGES);
exit:
	exit_run(ggtt);
free:
	bitmap_free(ggtt->directory);
	return rc;
}

/* The mm is closed, and nobody writes or reads any more; the GPU has forgotten the share. */
void xengt_ggtt_exit(struct xengt_ggtt *ggtt)
{
	xengt_gtt_pages_exit(ggtt);
	unreserve_share(ggtt, XENGT_GGTT_RANGES);
	exit_run(ggtt);
	bitmap_free(ggtt->directory);
}
