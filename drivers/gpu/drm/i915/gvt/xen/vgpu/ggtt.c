// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow GGTT of a virtual GPU.
 *
 * For every entry of the guest's share there is the guest entry (what it wrote, with GFNs) and
 * the shadow entry (what the GPU reads, with BFNs). Writes of any size are merged into the guest
 * entries they touch; the entries that changed are mapped in one batch, written, and made known
 * to the GPU; only then are the old mappings released. An entry that is not present, or cannot
 * be shadowed, points to the virtual GPU's own scratch page.
 *
 * Invariants: a live entry holds one reference on the GFN of its guest entry, and no other entry
 * holds any. New mappings are made before old ones are released, and released only after the GPU
 * was told to forget. Entries out of the share belong to others: writes to them are dropped,
 * reads give 0.
 *
 * Locking: lock is held from the mapping of a GFN to the write of its entry, and while the
 * service moves GFNs. The service's locks nest inside.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/bsearch.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <xen/page.h>

#include "counters.h"
#include "ggtt.h"
#include "place.h"
#include "pte.h"
#include "trace.h"

/* A status of an update: the entry is not present, so there is nothing to map. */
#define NOT_PRESENT	1

/* How many entries that could not be mapped are tried again after a revalidation */
#define RETRY_MAX	4096

#define NO_SLOT		ULONG_MAX

/* Where an entry of the GTT is in the arrays of the share. */
static unsigned long entry_slot(const struct xengt_ggtt *ggtt, unsigned long entry)
{
	unsigned long base = 0;
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		const struct xengt_range *range = &ggtt->share[i];

		if (entry >= range->first && entry - range->first < range->n)
			return base + entry - range->first;
		base += range->n;
	}
	return NO_SLOT;
}

static unsigned long slot_entry(const struct xengt_ggtt *ggtt, unsigned long slot)
{
	const struct xengt_range *range = ggtt->share;

	for (; slot >= range->n; range++)
		slot -= range->n;
	return range->first + slot;
}

static void write_shadow(struct xengt_ggtt *ggtt, unsigned long slot, u64 pte)
{
	ggtt->shadow[slot] = pte;
	ggtt->place->ops->write(ggtt->place, slot_entry(ggtt, slot), pte);
	xengt_count(ggtt->counters, XENGT_COUNT_GPU_WRITES, 1);
}

static void invalidate(struct xengt_ggtt *ggtt)
{
	ggtt->place->ops->invalidate(ggtt->place);
	xengt_count(ggtt->counters, XENGT_COUNT_GPU_INVALIDATES, 1);
}

static void add_update(struct xengt_ggtt_update *update, unsigned long slot, u64 pte)
{
	update->slot[update->n] = slot;
	update->pte[update->n++] = pte;
}

/* Gives each entry of the update a BFN or a status, with one call of the service. */
static void map_update(struct xengt_ggtt *ggtt, struct xengt_ggtt_update *update)
{
	unsigned int i, done = 0;

	update->nr_gfns = 0;
	for (i = 0; i < update->n; i++) {
		u64 pte = update->pte[i];

		update->status[i] = 0;
		if (!xengt_pte_present(ggtt->format, pte))
			update->status[i] = NOT_PRESENT;
		else if (!xengt_pte_valid(ggtt->format, pte))
			update->status[i] = -EINVAL;
		else
			update->gfns[update->nr_gfns++] = xengt_pte_frame(ggtt->format, pte);
	}
	xen_gpu_map(&ggtt->client, update->gfns, update->nr_gfns,
		    XEN_GPU_MAP_READ | XEN_GPU_MAP_WRITE, update->gfn_bfns, update->gfn_status);
	for (i = 0; i < update->n; i++) {
		if (update->status[i])
			continue;
		update->bfn[i] = update->gfn_bfns[done];
		update->status[i] = update->gfn_status[done++];
	}
}

static void count_status(struct xengt_ggtt *ggtt, int status)
{
	if (!status)
		xengt_count(ggtt->counters, XENGT_COUNT_SHADOWED, 1);
	else if (status == -EINVAL)
		xengt_count(ggtt->counters, XENGT_COUNT_BAD_ENTRIES, 1);
	else if (status != NOT_PRESENT)
		xengt_count_scratched(ggtt->counters, status);
}

/* Writes the shadow entries that change, and makes the GPU forget what they were. */
static void write_update(struct xengt_ggtt *ggtt, struct xengt_ggtt_update *update)
{
	bool changed = false;
	unsigned int i;
	u64 pte;

	for (i = 0; i < update->n; i++) {
		count_status(ggtt, update->status[i]);
		pte = update->status[i] ? ggtt->scratch_pte :
		      xengt_pte_encode(ggtt->format, update->bfn[i], update->pte[i]);
		if (ggtt->shadow[update->slot[i]] == pte)
			continue;
		write_shadow(ggtt, update->slot[i], pte);
		changed = true;
	}
	if (changed)
		invalidate(ggtt);
}

/* A status that another try may change without the guest writing the entry again. */
static bool may_heal(int status)
{
	return status == -ENOENT || status == -EAGAIN || status == -ENOSPC || status == -ENOMEM;
}

static void set_live(struct xengt_ggtt *ggtt, unsigned long slot, bool live)
{
	if (live == test_bit(slot, ggtt->live))
		return;
	__change_bit(slot, ggtt->live);
	if (live)
		ggtt->nr_live++;
	else
		ggtt->nr_live--;
}

/* Notes the new guest entries, and releases what the old ones held. */
static void settle_update(struct xengt_ggtt *ggtt, struct xengt_ggtt_update *update)
{
	unsigned int i;

	update->nr_gfns = 0;
	for (i = 0; i < update->n; i++) {
		unsigned long slot = update->slot[i];

		if (test_bit(slot, ggtt->live))
			update->gfns[update->nr_gfns++] =
				xengt_pte_frame(ggtt->format, ggtt->guest[slot]);
		ggtt->guest[slot] = update->pte[i];
		set_live(ggtt, slot, !update->status[i]);
		__assign_bit(slot, ggtt->missing, may_heal(update->status[i]));
	}
	xen_gpu_release(&ggtt->client, update->gfns, update->nr_gfns);
}

static void apply_update(struct xengt_ggtt *ggtt, struct xengt_ggtt_update *update)
{
	lockdep_assert_held(&ggtt->lock);
	if (!update->n)
		return;
	map_update(ggtt, update);
	write_update(ggtt, update);
	settle_update(ggtt, update);
}

/* The bytes of [offset, offset + len) that are in one entry. */
static void entry_part(unsigned long entry, u64 offset, unsigned int len, unsigned int *at,
		       unsigned int *from, unsigned int *bytes)
{
	u64 first = max_t(u64, offset, (u64)entry * XENGT_ENTRY_SIZE);
	u64 end = min_t(u64, offset + len, (u64)(entry + 1) * XENGT_ENTRY_SIZE);

	*at = first % XENGT_ENTRY_SIZE;
	*from = first - offset;
	*bytes = end - first;
}

/* Merges what was written into one entry, and notes whether that is news. */
static void write_entry(struct xengt_ggtt *ggtt, unsigned long entry, u64 offset,
			const void *data, unsigned int len)
{
	unsigned long slot = entry_slot(ggtt, entry);
	unsigned int at, from, bytes;
	u64 pte;

	if (slot == NO_SLOT) {
		xengt_count(ggtt->counters, XENGT_COUNT_OUT_OF_SHARE, 1);
		return;
	}
	xengt_count(ggtt->counters, XENGT_COUNT_ENTRIES_WRITTEN, 1);
	entry_part(entry, offset, len, &at, &from, &bytes);
	pte = ggtt->guest[slot];
	memcpy((u8 *)&pte + at, (const u8 *)data + from, bytes);
	if (pte == ggtt->guest[slot] &&
	    (test_bit(slot, ggtt->live) || !xengt_pte_present(ggtt->format, pte))) {
		xengt_count(ggtt->counters, XENGT_COUNT_ENTRIES_SAME, 1);
		return;
	}
	add_update(ggtt->update, slot, pte);
}

/*
 * The guest wrote len bytes (at most a page) at an offset into its GTT, in bytes: any offset, any
 * length.
 */
void xengt_ggtt_write(struct xengt_ggtt *ggtt, u64 offset, const void *data, unsigned int len)
{
	unsigned long entry;

	if (WARN_ON_ONCE(!len || len > XENGT_PAGE_SIZE))
		return;
	mutex_lock(&ggtt->lock);
	ggtt->update->n = 0;
	for (entry = offset / XENGT_ENTRY_SIZE; entry <= (offset + len - 1) / XENGT_ENTRY_SIZE;
	     entry++)
		write_entry(ggtt, entry, offset, data, len);
	apply_update(ggtt, ggtt->update);
	mutex_unlock(&ggtt->lock);
}

/* The guest reads len bytes at an offset into its GTT, in bytes: it gets what it wrote. */
void xengt_ggtt_read(struct xengt_ggtt *ggtt, u64 offset, void *data, unsigned int len)
{
	unsigned int at, from, bytes;
	unsigned long entry, slot;

	if (!len)
		return;
	memset(data, 0, len);
	mutex_lock(&ggtt->lock);
	for (entry = offset / XENGT_ENTRY_SIZE; entry <= (offset + len - 1) / XENGT_ENTRY_SIZE;
	     entry++) {
		slot = entry_slot(ggtt, entry);
		if (slot == NO_SLOT)
			continue;
		entry_part(entry, offset, len, &at, &from, &bytes);
		memcpy((u8 *)data + from, (const u8 *)&ggtt->guest[slot] + at, bytes);
	}
	mutex_unlock(&ggtt->lock);
}

unsigned long xengt_ggtt_nr_live(struct xengt_ggtt *ggtt)
{
	unsigned long n;

	mutex_lock(&ggtt->lock);
	n = ggtt->nr_live;
	mutex_unlock(&ggtt->lock);
	return n;
}

/* What moves, sorted by GFN; NULL stands for everything that goes. */
struct moves {
	const struct xen_gpu_move *move;
	unsigned int n;
};

static int compare_move(const void *key, const void *move)
{
	u64 gfn = *(const u64 *)key;
	u64 other = ((const struct xen_gpu_move *)move)->gfn;

	if (gfn != other)
		return gfn < other ? -1 : 1;
	return 0;
}

/* What becomes of a live entry: false if it stays; else *pte is the new shadow entry. */
static bool entry_moves(struct xengt_ggtt *ggtt, unsigned long slot, const struct moves *moves,
			u64 *pte)
{
	u64 gfn = xengt_pte_frame(ggtt->format, ggtt->guest[slot]);
	const struct xen_gpu_move *move;

	*pte = ggtt->scratch_pte;
	if (!moves)
		return true;
	if (gfn < moves->move[0].gfn || gfn > moves->move[moves->n - 1].gfn)
		return false;
	move = bsearch(&gfn, moves->move, moves->n, sizeof(*move), compare_move);
	if (!move)
		return false;
	if (!move->status && move->bfn <= ggtt->client.max_bfn)
		*pte = xengt_pte_encode(ggtt->format, move->bfn, ggtt->guest[slot]);
	return true;
}

static void rewrite_moved(struct xengt_ggtt *ggtt, const struct moves *moves)
{
	unsigned long slot;
	bool changed = false;
	u64 pte;

	for_each_set_bit(slot, ggtt->live, ggtt->nr_slots) {
		if (!entry_moves(ggtt, slot, moves, &pte))
			continue;
		write_shadow(ggtt, slot, pte);
		changed = true;
		xengt_count(ggtt->counters, pte == ggtt->scratch_pte ?
			    XENGT_COUNT_ZAPPED : XENGT_COUNT_MOVED, 1);
	}
	if (changed)
		invalidate(ggtt);
}

/* Releases what the entries that went to scratch held. */
static void release_zapped(struct xengt_ggtt *ggtt, const struct moves *moves)
{
	struct xengt_ggtt_update *update = ggtt->update;
	unsigned long slot;
	u64 pte;

	update->nr_gfns = 0;
	for_each_set_bit(slot, ggtt->live, ggtt->nr_slots) {
		if (!entry_moves(ggtt, slot, moves, &pte) || pte != ggtt->scratch_pte)
			continue;
		update->gfns[update->nr_gfns++] =
			xengt_pte_frame(ggtt->format, ggtt->guest[slot]);
		set_live(ggtt, slot, false);
		__set_bit(slot, ggtt->missing);
		if (update->nr_gfns == XENGT_GGTT_BATCH) {
			xen_gpu_release(&ggtt->client, update->gfns, update->nr_gfns);
			update->nr_gfns = 0;
		}
	}
	xen_gpu_release(&ggtt->client, update->gfns, update->nr_gfns);
}

static void move_entries(struct xengt_ggtt *ggtt, const struct moves *moves)
{
	mutex_lock(&ggtt->lock);
	rewrite_moved(ggtt, moves);
	release_zapped(ggtt, moves);
	mutex_unlock(&ggtt->lock);
}

/* Points everything to scratch and releases it, for good. */
static void close_entries(struct xengt_ggtt *ggtt)
{
	mutex_lock(&ggtt->lock);
	ggtt->closed = true;
	rewrite_moved(ggtt, NULL);
	release_zapped(ggtt, NULL);
	mutex_unlock(&ggtt->lock);
}

static struct xengt_ggtt *to_ggtt(struct xen_gpu_client *client)
{
	return container_of(client, struct xengt_ggtt, client);
}

static void ggtt_moved(struct xen_gpu_client *client, const struct xen_gpu_move *move,
		       unsigned int n)
{
	struct moves moves = { .move = move, .n = n };

	trace_xengt_moved(to_ggtt(client)->domid, n);
	move_entries(to_ggtt(client), &moves);
}

/* Entries that could not be mapped get another try, a bounded number of them, in turns. */
static void ggtt_settled(struct xen_gpu_client *client)
{
	struct xengt_ggtt *ggtt = to_ggtt(client);
	struct xengt_ggtt_update *update = ggtt->update;
	unsigned int tries = 0;
	unsigned long slot;
	bool more;

	do {
		mutex_lock(&ggtt->lock);
		update->n = 0;
		slot = ggtt->retry_from;
		for_each_set_bit_from(slot, ggtt->missing, ggtt->nr_slots) {
			if (ggtt->closed || update->n == XENGT_GGTT_BATCH - 1)
				break;
			add_update(update, slot, ggtt->guest[slot]);
		}
		more = !ggtt->closed && slot < ggtt->nr_slots;
		ggtt->retry_from = more ? slot : 0;
		tries += update->n;
		xengt_count(ggtt->counters, XENGT_COUNT_RETRIED, update->n);
		apply_update(ggtt, update);
		mutex_unlock(&ggtt->lock);
	} while (more && tries < RETRY_MAX);
}

static void ggtt_ended(struct xen_gpu_client *client)
{
	struct xengt_ggtt *ggtt = to_ggtt(client);

	close_entries(ggtt);
	ggtt->ended(ggtt);
}

static const struct xen_gpu_client_ops client_ops = {
	.moved = ggtt_moved,
	.settled = ggtt_settled,
	.ended = ggtt_ended,
};

static int alloc_scratch(struct xengt_ggtt *ggtt)
{
	u64 bfn;

	ggtt->scratch = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!ggtt->scratch)
		return -ENOMEM;
	bfn = pfn_to_bfn(page_to_pfn(ggtt->scratch));
	if (bfn > ggtt->client.max_bfn) {
		pr_err("the scratch page, at BFN %#llx, is out of the device's reach\n", bfn);
		return -ERANGE;
	}
	ggtt->scratch_pte = xengt_pte_encode(ggtt->format, bfn, 0);
	return 0;
}

static int alloc_tables(struct xengt_ggtt *ggtt)
{
	ggtt->guest = vzalloc(ggtt->nr_slots * sizeof(*ggtt->guest));
	ggtt->shadow = vzalloc(ggtt->nr_slots * sizeof(*ggtt->shadow));
	ggtt->live = bitmap_zalloc(ggtt->nr_slots, GFP_KERNEL);
	ggtt->missing = bitmap_zalloc(ggtt->nr_slots, GFP_KERNEL);
	ggtt->update = vzalloc(sizeof(*ggtt->update));
	if (!ggtt->guest || !ggtt->shadow || !ggtt->live || !ggtt->missing || !ggtt->update)
		return -ENOMEM;
	return alloc_scratch(ggtt);
}

static void free_tables(struct xengt_ggtt *ggtt)
{
	if (ggtt->scratch)
		__free_page(ggtt->scratch);
	vfree(ggtt->update);
	bitmap_free(ggtt->missing);
	bitmap_free(ggtt->live);
	vfree(ggtt->shadow);
	vfree(ggtt->guest);
}

/* Takes the first n ranges back. */
static void unreserve_share(struct xengt_ggtt *ggtt, unsigned int n)
{
	const struct xengt_range *range;

	while (n--) {
		range = &ggtt->share[n];
		ggtt->place->ops->unreserve(ggtt->place, range->first, range->n);
	}
}

static int reserve_share(struct xengt_ggtt *ggtt)
{
	unsigned int i;
	int rc;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		const struct xengt_range *range = &ggtt->share[i];

		rc = ggtt->place->ops->reserve(ggtt->place, range->first, range->n);
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
		write_shadow(ggtt, slot, ggtt->scratch_pte);
	invalidate(ggtt);
}

/*
 * -EINVAL for an empty share, -ENOMEM, -ERANGE for a share out of the table or a scratch page out
 * of the device's reach, -EBUSY for a share that is taken, -ENODEV if the guest has ended.
 */
int xengt_ggtt_init(struct xengt_ggtt *ggtt, const struct xengt_ggtt_config *config)
{
	unsigned int i;
	int rc;

	*ggtt = (struct xengt_ggtt){
		.domid = config->domid,
		.format = config->format,
		.place = config->place,
		.counters = config->counters,
		.ended = config->ended,
		.client = { .ops = &client_ops },
	};
	ggtt->client.max_bfn = min(config->max_bfn, xengt_pte_max_frame(config->format));
	mutex_init(&ggtt->lock);
	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		ggtt->share[i] = config->share[i];
		ggtt->nr_slots += config->share[i].n;
	}
	if (!ggtt->nr_slots)
		return -EINVAL;

	rc = alloc_tables(ggtt);
	if (rc)
		goto free;
	rc = reserve_share(ggtt);
	if (rc)
		goto free;
	fill_with_scratch(ggtt);
	rc = xen_gpu_client_register(config->domain, &ggtt->client);
	if (rc)
		goto unreserve;
	return 0;

unreserve:
	unreserve_share(ggtt, XENGT_GGTT_RANGES);
free:
	free_tables(ggtt);
	return rc;
}

/* Nobody writes or reads any more. Every reference is back, and the GPU has forgotten the share. */
void xengt_ggtt_exit(struct xengt_ggtt *ggtt)
{
	close_entries(ggtt);
	xen_gpu_client_unregister(&ggtt->client);
	unreserve_share(ggtt, XENGT_GGTT_RANGES);
	free_tables(ggtt);
}
