// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow GGTT of a virtual GPU: one leaf table with the entries of the guest's share. Its
 * shadow entries land in the GSM, which all virtual GPUs share.
 *
 * The guest entries are kept in pages (see ggtt_page.c), where writes of any size merge with what
 * is there. A sync collects the entries that were written. Some entries can belong to a page
 * directory (on gen7, whose page directories are in the GGTT). These name page tables, and the
 * owner of the directory writes their shadow entries.
 *
 * Invariants: the entries outside the share belong to others. Writes to them are dropped, and reads
 * return 0. An entry of a page directory holds no reference on a page.
 *
 * Locking: the shadow's lock. Trapped writes and reads need only the dirty lock, unless the page
 * that they access is being remapped.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "counters.h"
#include "ggtt/ggtt.h"
#include "ggtt/ggtt_page.h"
#include "ggtt/share.h"
#include "gsm/gsm.h"
#include "shadow/dirty.h"
#include "shadow/gpage.h"
#include "shadow/leaf.h"
#include "shadow/shadow.h"

static void write_gsm(struct xengt_leaf *leaf, unsigned long index, u64 pte)
{
	struct xengt_ggtt *ggtt = container_of(leaf, struct xengt_ggtt, leaf);
	struct xengt_gsm *gsm = ggtt->sh->gsm;

	gsm->ops->write(gsm, xengt_share_entry(&ggtt->share, index), pte);
}

static const struct xengt_leaf_ops ggtt_ops = {
	.write = write_gsm,
};

/*
 * Is @gfn in the guest's GTT? If it is, sets *@offset to its first byte's offset into the GTT.
 * False while no RAM is used there. Such RAM cannot be a PPGTT table, and writes to it are writes
 * to the GGTT. Takes no lock: if BAR 0 is being moved, the answer may be old.
 */
bool xengt_ggtt_find_gfn(const struct xengt_ggtt *ggtt, u64 gfn, u64 *offset)
{
	unsigned long n = ggtt->sh->format->gtt_entries / xengt_ggtt_page_entries(ggtt->sh);
	u64 base = READ_ONCE(ggtt->pages.gpages.base);

	*offset = (gfn - base) << XENGT_PAGE_SHIFT;
	return base && gfn >= base && gfn - base < n;
}

bool xengt_ggtt_has_gfn(const struct xengt_ggtt *ggtt, u64 gfn)
{
	u64 offset;

	return xengt_ggtt_find_gfn(ggtt, gfn, &offset);
}

static struct xengt_ggtt *to_ggtt(const struct xengt_gpage *page)
{
	return container_of(page->pages, struct xengt_ggtt, pages.gpages);
}

/*
 * Adds the entry with its guest value to the update, or marks the entry of a page directory as
 * written. Returns true if it is of a page directory, or the value changed, or it is missing.
 */
static bool collect_entry(struct xengt_ggtt *ggtt, unsigned long index, u64 pte)
{
	if (!test_bit(index, ggtt->directory))
		return xengt_leaf_add(&ggtt->leaf, index, pte);
	ggtt->leaf.guest[index] = pte;
	__set_bit(index, ggtt->directory_written);
	ggtt->any_written = true;
	return true;
}

/* Collects the entries of a page that are in @mask, and counts those whose value is the same. */
static void collect_written(struct xengt_ggtt *ggtt, struct xengt_gpage *page,
			    const unsigned long *mask)
{
	unsigned int n = xengt_ggtt_page_entries(ggtt->sh), i;
	unsigned long index;

	for_each_set_bit(i, mask, n) {
		index = xengt_share_index(&ggtt->share, page->key * n + i);
		if (index != XENGT_NOT_IN_SHARE &&
		    !collect_entry(ggtt, index, xengt_pte_load(ggtt->leaf.format, page->va, i)))
			xengt_count(ggtt->sh->counters, XENGT_COUNT_ENTRIES_SAME, 1);
	}
}

/*
 * Are all entries of a page in the share, and as they were when the shadow was made from them? Most
 * scans find that they are. Returns false, too, where only a look at each entry can tell.
 */
static bool is_unchanged(const struct xengt_ggtt *ggtt, const struct xengt_gpage *page)
{
	unsigned long entries = xengt_ggtt_page_entries(ggtt->sh);
	unsigned long first = xengt_share_index(&ggtt->share, page->key * entries);
	unsigned long last = xengt_share_index(&ggtt->share, (page->key + 1) * entries - 1);
	const u64 *ptes = page->va, *shadowed;
	unsigned int i;

	if (ggtt->leaf.nr_missing || ggtt->leaf.format->size != sizeof(u64))
		return false;
	if (first == XENGT_NOT_IN_SHARE || last - first != entries - 1)
		return false;
	shadowed = &ggtt->leaf.guest[first];
	for (i = 0; i < entries; i++) {
		if (READ_ONCE(ptes[i]) != shadowed[i])
			return false;
	}
	return true;
}

/*
 * Collects the entries of a page whose value is not the one that the shadow was made from, and
 * those that are missing. Returns true if there were any.
 */
static bool collect_different(struct xengt_ggtt *ggtt, struct xengt_gpage *page)
{
	unsigned int n = xengt_ggtt_page_entries(ggtt->sh), i, taken = 0;
	unsigned long index;
	u64 pte;

	if (is_unchanged(ggtt, page))
		return false;
	for (i = 0; i < n; i++) {
		index = xengt_share_index(&ggtt->share, page->key * n + i);
		if (index == XENGT_NOT_IN_SHARE)
			continue;
		pte = xengt_pte_load(ggtt->leaf.format, page->va, i);
		if (pte != ggtt->leaf.guest[index] || test_bit(index, ggtt->leaf.missing)) {
			collect_entry(ggtt, index, pte);
			taken++;
		}
	}
	xengt_count(ggtt->sh->counters, XENGT_COUNT_ENTRIES_WRITTEN, taken);
	return taken;
}

static bool ggtt_collect(struct xengt_gpage *page, const unsigned long *mask)
{
	struct xengt_ggtt *ggtt = to_ggtt(page);

	if (!mask)
		return collect_different(ggtt, page);
	collect_written(ggtt, page, mask);
	return true;
}

static bool ggtt_page_has_missing(const struct xengt_gpage *page)
{
	struct xengt_ggtt *ggtt = to_ggtt(page);
	unsigned int n = xengt_ggtt_page_entries(ggtt->sh), i;
	unsigned long index;

	if (!ggtt->leaf.nr_missing)
		return false;
	for (i = 0; i < n; i++) {
		index = xengt_share_index(&ggtt->share, page->key * n + i);
		if (index != XENGT_NOT_IN_SHARE && test_bit(index, ggtt->leaf.missing))
			return true;
	}
	return false;
}

static const struct xengt_gpages_ops pages_ops = {
	.collect = ggtt_collect,
	.missing = ggtt_page_has_missing,
};

/* Syncs the GGTT, but not the PPGTTs. */
static void sync_ggtt(struct xengt_ggtt *ggtt)
{
	mutex_lock(&ggtt->sh->lock);
	/* If the mode has changed, xengt_gtt_set_mode() has synced; later writes plan a sync. */
	if (ggtt->sh->dirty.mode == XENGT_MODE_STRICT) {
		xengt_dirty_collect(ggtt->sh);
		xengt_leaves_apply(ggtt->sh);
	}
	mutex_unlock(&ggtt->sh->lock);
}

/*
 * Returns how many of @len bytes at @offset (in bytes, into the GTT), from the first one on, are in
 * the same page and either all in the share or all outside. *@inside says which.
 */
static unsigned int cut_piece(const struct xengt_ggtt *ggtt, u64 offset, unsigned int len,
			      bool *inside)
{
	unsigned int size = ggtt->leaf.format->size;
	u64 end = min(offset + len, round_down(offset, XENGT_PAGE_SIZE) + XENGT_PAGE_SIZE);
	unsigned long entry = offset / size;

	*inside = xengt_share_index(&ggtt->share, entry) != XENGT_NOT_IN_SHARE;
	do {
		entry++;
	} while ((u64)entry * size < end &&
		 (xengt_share_index(&ggtt->share, entry) != XENGT_NOT_IN_SHARE) == *inside);
	return min(end, (u64)entry * size) - offset;
}

/* Returns how many entries @len bytes at @offset touch, in part or in whole. */
static unsigned int count_entries(const struct xengt_ggtt *ggtt, u64 offset, unsigned int len)
{
	unsigned int size = ggtt->leaf.format->size;

	return (offset + len - 1) / size - offset / size + 1;
}

/*
 * Does a write within a page. If the page is being remapped, waits for that on the lock and tries
 * again.
 */
static void store_piece(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len)
{
	unsigned long key = offset / XENGT_PAGE_SIZE;
	unsigned int at = offset % XENGT_PAGE_SIZE;

	if (xengt_dirty_store(&ggtt->pages.gpages, key, at, data, len))
		return;
	mutex_lock(&ggtt->sh->lock);
	xengt_dirty_store(&ggtt->pages.gpages, key, at, data, len);
	mutex_unlock(&ggtt->sh->lock);
}

/* Does a read within a page, like store_piece(). */
static void load_piece(struct xengt_ggtt *ggtt, u64 offset, void *data, unsigned int len)
{
	unsigned long key = offset / XENGT_PAGE_SIZE;
	unsigned int at = offset % XENGT_PAGE_SIZE;

	if (xengt_gpage_load(&ggtt->pages.gpages, key, at, data, len))
		return;
	mutex_lock(&ggtt->sh->lock);
	if (!xengt_gpage_load(&ggtt->pages.gpages, key, at, data, len))
		memset(data, 0, len);
	mutex_unlock(&ggtt->sh->lock);
}

static void write_ggtt_piece(struct xengt_ggtt *ggtt, u64 offset, const void *data,
			     unsigned int len, bool inside)
{
	xengt_count(ggtt->sh->counters,
		    inside ? XENGT_COUNT_ENTRIES_WRITTEN : XENGT_COUNT_OUT_OF_SHARE,
		    count_entries(ggtt, offset, len));
	if (inside)
		store_piece(ggtt, offset, data, len);
}

/*
 * Does a write to the guest's GTT, as xengt_ggtt_write() does, but leaves it to the next sync in
 * any mode. In strict mode none comes by itself: the caller syncs.
 */
void xengt_ggtt_store(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len)
{
	unsigned int piece;
	bool inside;

	if (WARN_ON_ONCE(!len || len > XENGT_PAGE_SIZE))
		return;
	for (; len; len -= piece) {
		piece = cut_piece(ggtt, offset, len, &inside);
		write_ggtt_piece(ggtt, offset, data, piece, inside);
		offset += piece;
		data += piece;
	}
}

/*
 * Does a write of the guest's: @len bytes (1 to XENGT_PAGE_SIZE) at @offset into its GTT, in bytes.
 * Neither has to be aligned. In strict mode the shadow GGTT is up to date on return; else the next
 * sync collects the entries.
 */
void xengt_ggtt_write(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len)
{
	xengt_ggtt_store(ggtt, offset, data, len);
	if (READ_ONCE(ggtt->sh->dirty.mode) == XENGT_MODE_STRICT)
		sync_ggtt(ggtt);
}

/*
 * Does a read of the guest's: @len bytes at @offset into its GTT, in bytes. It reads what it wrote
 * last, and 0 outside its share.
 */
void xengt_ggtt_read(struct xengt_ggtt *ggtt, u64 offset, void *data, unsigned int len)
{
	unsigned int piece;
	bool inside;

	for (; len; len -= piece) {
		piece = cut_piece(ggtt, offset, len, &inside);
		if (inside)
			load_piece(ggtt, offset, data, piece);
		else
			memset(data, 0, piece);
		offset += piece;
		data += piece;
	}
}

/**
 * xengt_ggtt_read_entry - read an entry as the guest has written it
 * @ggtt: the GGTT
 * @entry: the number of the GGTT entry
 * @pte: receives the guest entry, which need not be in the shadow yet
 *
 * Context: process context, may sleep; takes the dirty lock, or the shadow's lock as for a trapped
 * read.
 * Return: 0; -ERANGE: the entry is not in the share; -EINVAL: the GGTT has no such entry.
 */
int xengt_ggtt_read_entry(struct xengt_ggtt *ggtt, u64 entry, u64 *pte)
{
	unsigned int size = ggtt->leaf.format->size;

	if (entry >= ggtt->sh->format->gtt_entries)
		return -EINVAL;
	if (xengt_share_index(&ggtt->share, entry) == XENGT_NOT_IN_SHARE)
		return -ERANGE;
	/* On x86 the first bytes are the low ones. */
	*pte = 0;
	load_piece(ggtt, entry * size, pte, size);
	return 0;
}

/* Makes all guest entries of the share 0, and their shadow entries scratch. */
void xengt_ggtt_reset(struct xengt_ggtt *ggtt)
{
	unsigned long index;

	mutex_lock(&ggtt->sh->lock);
	if (!ggtt->sh->closed) {
		xengt_ggtt_pages_clear(&ggtt->pages);
		for (index = 0; index < ggtt->share.nr_entries; index++)
			collect_entry(ggtt, index, 0);
		xengt_leaves_apply(ggtt->sh);
	}
	mutex_unlock(&ggtt->sh->lock);
}

/*
 * Makes @n entries of the share, from @index on, the entries of a page directory. Releases the
 * pages that they named, and writes @pde to their shadow entries; the owner of the directory writes
 * them from then on. Returns 0; -EBUSY if one of them belongs to a page directory already; -ERANGE
 * if they are not all in one range of the share; or -ENOMEM.
 */
int xengt_ggtt_directory_add(struct xengt_ggtt *ggtt, unsigned long index, unsigned int n, u64 pde)
{
	unsigned long entry, i;
	u64 *wrote;

	lockdep_assert_held(&ggtt->sh->lock);
	if (index >= ggtt->share.nr_entries || n > ggtt->share.nr_entries - index)
		return -ERANGE;
	entry = xengt_share_entry(&ggtt->share, index);
	if (xengt_share_entry(&ggtt->share, index + n - 1) != entry + n - 1)
		return -ERANGE;
	if (find_next_bit(ggtt->directory, index + n, index) < index + n)
		return -EBUSY;
	wrote = kmemdup(&ggtt->leaf.guest[index], n * sizeof(*wrote), GFP_KERNEL);
	if (!wrote)
		return -ENOMEM;
	for (i = index; i < index + n; i++)
		xengt_leaf_add(&ggtt->leaf, i, 0);
	xengt_leaves_apply(ggtt->sh);
	/* The leaf table's guest entries are 0 now: restore what the guest wrote. */
	memcpy(&ggtt->leaf.guest[index], wrote, n * sizeof(*wrote));
	kfree(wrote);
	bitmap_set(ggtt->directory, index, n);
	/* A shadow entry that names the scratch page would make the GPU use it as a page table. */
	for (i = index; i < index + n; i++)
		xengt_ggtt_directory_write(ggtt, i, pde);
	xengt_shadow_invalidate(ggtt->sh, true);
	return 0;
}

/* Makes the entries of a page directory ordinary entries again, with the guest entries kept. */
void xengt_ggtt_directory_remove(struct xengt_ggtt *ggtt, unsigned long index, unsigned int n)
{
	unsigned long i;

	lockdep_assert_held(&ggtt->sh->lock);
	for (i = index; i < index + n; i++) {
		xengt_ggtt_directory_write(ggtt, i, ggtt->leaf.scratch_pte);
		xengt_leaf_add(&ggtt->leaf, i, ggtt->leaf.guest[i]);
	}
	bitmap_clear(ggtt->directory, index, n);
	bitmap_clear(ggtt->directory_written, index, n);
	xengt_shadow_invalidate(ggtt->sh, true);
	xengt_leaves_apply(ggtt->sh);
}

/*
 * Writes the shadow entry of the page directory entry at @index. The caller makes the GPU forget
 * the old one.
 */
void xengt_ggtt_directory_write(struct xengt_ggtt *ggtt, unsigned long index, u64 pde)
{
	lockdep_assert_held(&ggtt->sh->lock);
	if (ggtt->leaf.shadow[index] == pde)
		return;
	ggtt->leaf.shadow[index] = pde;
	write_gsm(&ggtt->leaf, index, pde);
	xengt_count(ggtt->sh->counters, XENGT_COUNT_GPU_WRITES, 1);
}

/*
 * Writes 0, not present, to the shadow entries of all page directories. The caller makes the GPU
 * forget the old ones.
 */
void xengt_ggtt_directories_clear(struct xengt_ggtt *ggtt)
{
	unsigned long index;

	lockdep_assert_held(&ggtt->sh->lock);
	for_each_set_bit(index, ggtt->directory, ggtt->share.nr_entries)
		xengt_ggtt_directory_write(ggtt, index, 0);
}

/*
 * Has a sync collected entries of page directories since the last call of this function?
 * xengt_ggtt_directory_take_written() says which entries they are.
 */
bool xengt_ggtt_directories_written(struct xengt_ggtt *ggtt)
{
	bool written = ggtt->any_written;

	lockdep_assert_held(&ggtt->sh->lock);
	ggtt->any_written = false;
	return written;
}

/* Has a sync collected the page directory entry at @index since the last call for it? */
bool xengt_ggtt_directory_take_written(struct xengt_ggtt *ggtt, unsigned long index)
{
	lockdep_assert_held(&ggtt->sh->lock);
	return __test_and_clear_bit(index, ggtt->directory_written);
}

/*
 * Writes all shadow entries to the GSM, and makes the GPU forget what it has of them and of PPGTTs:
 * a GPU that has lost its entries may have lost former invalidates as well.
 */
static void write_all(struct xengt_ggtt *ggtt)
{
	unsigned long index;

	lockdep_assert_held(&ggtt->sh->lock);
	for (index = 0; index < ggtt->share.nr_entries; index++) {
		write_gsm(&ggtt->leaf, index, ggtt->leaf.shadow[index]);
		cond_resched();
	}
	xengt_count(ggtt->sh->counters, XENGT_COUNT_GPU_WRITES, ggtt->share.nr_entries);
	xengt_shadow_invalidate(ggtt->sh, true);
}

/* The GSM has lost its entries: writes them again. The GSM keeps the share open meanwhile. */
void xengt_ggtt_rewrite(struct xengt_ggtt *ggtt)
{
	mutex_lock(&ggtt->sh->lock);
	if (ggtt->filled)
		write_all(ggtt);
	mutex_unlock(&ggtt->sh->lock);
}

/* Opens the share of the GSM, all entries of which become scratch. */
static int open_gsm(struct xengt_ggtt *ggtt, const char *place, struct xengt_gsm_request *request)
{
	struct xengt_gsm *gsm = xengt_gsm_open(place, request);

	if (IS_ERR(gsm))
		return PTR_ERR(gsm);
	mutex_lock(&ggtt->sh->lock);
	ggtt->sh->gsm = gsm;
	xengt_share_init(&ggtt->share, gsm->range);
	write_all(ggtt);
	ggtt->filled = true;
	mutex_unlock(&ggtt->sh->lock);
	return 0;
}

static void free_directories(struct xengt_ggtt *ggtt)
{
	bitmap_free(ggtt->directory_written);
	bitmap_free(ggtt->directory);
}

static int alloc_directories(struct xengt_ggtt *ggtt)
{
	ggtt->directory = bitmap_zalloc(ggtt->share.nr_entries, GFP_KERNEL);
	ggtt->directory_written = bitmap_zalloc(ggtt->share.nr_entries, GFP_KERNEL);
	return ggtt->directory && ggtt->directory_written ? 0 : -ENOMEM;
}

static int init_leaf(struct xengt_ggtt *ggtt)
{
	int rc;

	mutex_lock(&ggtt->sh->lock);
	rc = xengt_leaf_init(&ggtt->leaf, ggtt->sh, &ggtt_ops, ggtt->sh->format->ggtt,
			     ggtt->share.nr_entries);
	mutex_unlock(&ggtt->sh->lock);
	return rc;
}

static void exit_leaf(struct xengt_ggtt *ggtt)
{
	mutex_lock(&ggtt->sh->lock);
	xengt_leaf_exit(&ggtt->leaf);
	mutex_unlock(&ggtt->sh->lock);
}

/*
 * Opens a share of the place's GSM and fills it with scratch. Returns 0; -EINVAL for an empty
 * share; -ENOMEM; or an error of xengt_gsm_open().
 */
int xengt_ggtt_init(struct xengt_ggtt *ggtt, struct xengt_shadow *sh, const char *place,
		    struct xengt_gsm_request *request)
{
	int rc;

	*ggtt = (struct xengt_ggtt){ .sh = sh };
	xengt_share_init(&ggtt->share, request->range);
	if (!ggtt->share.nr_entries)
		return -EINVAL;
	xengt_ggtt_pages_init(&ggtt->pages, sh, &ggtt->share, &pages_ops);
	rc = alloc_directories(ggtt) ?: init_leaf(ggtt);
	if (rc)
		goto free;
	rc = open_gsm(ggtt, place, request);
	if (rc)
		goto exit;
	rc = xengt_ggtt_pages_make(&ggtt->pages);
	if (!rc)
		return 0;
	xengt_gsm_close(sh->gsm);
exit:
	exit_leaf(ggtt);
free:
	free_directories(ggtt);
	return rc;
}

/*
 * Closes the share of the GSM and frees the GGTT. The shadow must be closed, the guest's accesses
 * not be handled any more, and the GPU must not use entries of the share.
 */
void xengt_ggtt_exit(struct xengt_ggtt *ggtt)
{
	xengt_ggtt_pages_exit(&ggtt->pages);
	xengt_gsm_close(ggtt->sh->gsm);
	exit_leaf(ggtt);
	free_directories(ggtt);
}
