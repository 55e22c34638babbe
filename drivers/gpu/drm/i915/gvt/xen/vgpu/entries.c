// SPDX-License-Identifier: GPL-2.0
/*
 * Runs of entries that name pages of the guest's: the GGTT's share of a virtual GPU, the lowest
 * tables of its PPGTTs.
 *
 * For every entry there is the guest entry (with a GFN) that it was made from and the shadow entry
 * (with a BFN), which is what the GPU reads. Changed guest entries, of any runs, are gathered in
 * the mm's update, mapped in one batch, written, and made known to the GPU; only then are the old
 * mappings released. An entry that is not present, or cannot be shadowed, is scratch.
 *
 * Invariants: a live entry holds one reference on the GFN of its guest entry, and no other entry
 * holds any. New mappings are made before old ones are released, and released only after the GPU
 * was told to forget.
 *
 * Locking: the mm's lock.
 */

#include <linux/bitmap.h>
#include <linux/bsearch.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <xen/xen_gpu_map.h>

#include "counters.h"
#include "entries.h"
#include "mm.h"

/* A status of an update: the entry is not present, so there is nothing to map. */
#define NOT_PRESENT	1

static void write_entry(struct xengt_entries *run, unsigned long slot, u64 pte)
{
	if (list_empty(&run->written_node)) {
		list_add_tail(&run->written_node, &run->mm->written);
		if (run->ops->writing)
			run->ops->writing(run);
	}
	run->shadow[slot] = pte;
	run->ops->write(run, slot, pte);
	xengt_count(run->mm->counters, XENGT_COUNT_GPU_WRITES, 1);
}

/* Makes the GPU forget what was written, if anything was. */
static void finish_writes(struct xengt_mm *mm)
{
	struct xengt_entries *run;

	if (list_empty(&mm->written))
		return;
	while (!list_empty(&mm->written)) {
		run = list_first_entry(&mm->written, struct xengt_entries, written_node);
		list_del_init(&run->written_node);
		if (run->ops->written)
			run->ops->written(run);
	}
	xengt_mm_invalidate(mm);
}

static u64 gfn_of(const struct xengt_entries *run, unsigned long slot)
{
	return xengt_pte_frame(run->format, run->guest[slot]);
}

static void map_gfns(struct xengt_mm *mm, struct xengt_update *update)
{
	unsigned int i;

	if (!mm->closed) {
		xen_gpu_map(&mm->client, update->gfns, update->nr_gfns,
			    XEN_GPU_MAP_READ | XEN_GPU_MAP_WRITE, update->gfn_bfns,
			    update->gfn_status);
		return;
	}
	for (i = 0; i < update->nr_gfns; i++)
		update->gfn_status[i] = -ENODEV;
}

/* Gives each entry of the update a BFN or a status, with one call of the service. */
static void map_update(struct xengt_mm *mm, struct xengt_update *update)
{
	unsigned int i, done = 0;

	update->nr_gfns = 0;
	for (i = 0; i < update->n; i++) {
		const struct xengt_pte_format *format = update->run[i]->format;
		u64 pte = update->pte[i];

		update->status[i] = 0;
		if (!xengt_pte_present(format, pte))
			update->status[i] = NOT_PRESENT;
		else if (!xengt_pte_valid(format, pte))
			update->status[i] = -EINVAL;
		else
			update->gfns[update->nr_gfns++] = xengt_pte_frame(format, pte);
	}
	map_gfns(mm, update);
	for (i = 0; i < update->n; i++) {
		if (update->status[i])
			continue;
		update->bfn[i] = update->gfn_bfns[done];
		update->status[i] = update->gfn_status[done++];
	}
}

static void count_status(struct xengt_mm *mm, int status)
{
	if (!status)
		xengt_count(mm->counters, XENGT_COUNT_SHADOWED, 1);
	else if (status == -EINVAL)
		xengt_count(mm->counters, XENGT_COUNT_BAD_ENTRIES, 1);
	else if (status != NOT_PRESENT)
		xengt_count_scratched(mm->counters, status);
}

/* Writes the shadow entries that change, and makes the GPU forget what they were. */
static void write_update(struct xengt_mm *mm, struct xengt_update *update)
{
	struct xengt_entries *run;
	unsigned int i;
	u64 pte;

	for (i = 0; i < update->n; i++) {
		run = update->run[i];
		count_status(mm, update->status[i]);
		pte = update->status[i] ? run->scratch_pte :
		      xengt_pte_encode(run->format, update->bfn[i], update->pte[i]);
		if (run->shadow[update->slot[i]] != pte)
			write_entry(run, update->slot[i], pte);
	}
	finish_writes(mm);
}

/*
 * A status that another try may change without the guest writing the entry again: all but those
 * that are about the entry, the page or the guest as such. Xen may have been busy.
 */
static bool may_heal(int status)
{
	switch (status) {
	case 0:
	case NOT_PRESENT:
	case -EINVAL:
	case -EPERM:
	case -ERANGE:
	case -ENODEV:
		return false;
	default:
		return true;
	}
}

static void set_live(struct xengt_entries *run, unsigned long slot, bool live)
{
	u64 gfn = gfn_of(run, slot);

	if (live) {
		run->first_gfn = run->nr_live ? min(run->first_gfn, gfn) : gfn;
		run->last_gfn = run->nr_live ? max(run->last_gfn, gfn) : gfn;
	}
	if (live == test_bit(slot, run->live))
		return;
	__change_bit(slot, run->live);
	run->nr_live += live ? 1 : -1;
	run->mm->nr_live += live ? 1 : -1;
}

static void set_missing(struct xengt_entries *run, unsigned long slot, bool missing)
{
	if (missing == test_bit(slot, run->missing))
		return;
	__change_bit(slot, run->missing);
	run->nr_missing += missing ? 1 : -1;
	run->mm->nr_missing += missing ? 1 : -1;
}

static void release_gfns(struct xengt_mm *mm)
{
	struct xengt_update *update = mm->update;

	mm->room |= update->nr_gfns;
	xen_gpu_release(&mm->client, update->gfns, update->nr_gfns);
	update->nr_gfns = 0;
}

/* An entry that would be mapped if there were room, or memory. */
static void note_refused(struct xengt_entries *run, int status)
{
	if (status != -ENOSPC && status != -ENOMEM)
		return;
	run->refused = true;
	run->mm->refused = true;
}

/* Notes the new guest entries, and releases what the old ones held. */
static void settle_update(struct xengt_mm *mm, struct xengt_update *update)
{
	unsigned int i;

	update->nr_gfns = 0;
	for (i = 0; i < update->n; i++) {
		struct xengt_entries *run = update->run[i];
		unsigned long slot = update->slot[i];

		if (test_bit(slot, run->live))
			update->gfns[update->nr_gfns++] = gfn_of(run, slot);
		run->guest[slot] = update->pte[i];
		set_live(run, slot, !update->status[i]);
		set_missing(run, slot, may_heal(update->status[i]));
		note_refused(run, update->status[i]);
	}
	release_gfns(mm);
}

/* Carries out what was added to the update; it is empty then. */
void xengt_entries_apply(struct xengt_mm *mm)
{
	struct xengt_update *update = mm->update;

	lockdep_assert_held(&mm->lock);
	if (!update->n)
		return;
	map_update(mm, update);
	write_update(mm, update);
	settle_update(mm, update);
	update->n = 0;
}

/*
 * Adds an entry's new value to the update, which is carried out when it is full; each entry at most
 * once. False if that is no news: it is what the entry was made from, with success.
 */
bool xengt_entries_add(struct xengt_entries *run, unsigned long slot, u64 pte)
{
	struct xengt_update *update = run->mm->update;

	lockdep_assert_held(&run->mm->lock);
	if (pte == run->guest[slot] &&
	    (test_bit(slot, run->live) || !xengt_pte_present(run->format, pte)))
		return false;
	update->run[update->n] = run;
	update->slot[update->n] = slot;
	update->pte[update->n++] = pte;
	if (update->n == XENGT_UPDATE_MAX)
		xengt_entries_apply(run->mm);
	return true;
}

/*
 * What moves, sorted by GFN; NULL stands for everything that goes.
 *
 * Entries mostly name GFNs in a row: the move that was found last, and the one after it, are looked
 * at before all are searched.
 */
struct moves {
	const struct xen_gpu_move *move;
	unsigned int n;
	unsigned int last;
};

static int compare_move(const void *key, const void *move)
{
	u64 gfn = *(const u64 *)key;
	u64 other = ((const struct xen_gpu_move *)move)->gfn;

	if (gfn != other)
		return gfn < other ? -1 : 1;
	return 0;
}

static const struct xen_gpu_move *find_move(struct moves *moves, u64 gfn)
{
	const struct xen_gpu_move *move = moves->move, *found;
	unsigned int i;

	if (gfn < move[0].gfn || gfn > move[moves->n - 1].gfn)
		return NULL;
	for (i = moves->last; i < moves->n && i < moves->last + 2; i++) {
		if (move[i].gfn != gfn)
			continue;
		moves->last = i;
		return &move[i];
	}
	found = bsearch(&gfn, move, moves->n, sizeof(*move), compare_move);
	if (found)
		moves->last = found - move;
	return found;
}

/* What becomes of a live entry: false if it stays; else *pte is the new shadow entry. */
static bool entry_moves(struct xengt_entries *run, unsigned long slot, struct moves *moves,
			u64 *pte)
{
	u64 gfn = gfn_of(run, slot);
	const struct xen_gpu_move *move;

	*pte = run->scratch_pte;
	if (!moves)
		return true;
	move = find_move(moves, gfn);
	if (!move)
		return false;
	if (!move->status && move->bfn <= run->mm->client.max_bfn)
		*pte = xengt_pte_encode(run->format, move->bfn, run->guest[slot]);
	return true;
}

/* A run that names none of the GFNs need not be looked through. */
static bool run_moves(struct xengt_entries *run, const struct moves *moves)
{
	if (!run->nr_live)
		return false;
	return !moves || (run->first_gfn <= moves->move[moves->n - 1].gfn &&
			  run->last_gfn >= moves->move[0].gfn);
}

static void rewrite_moved(struct xengt_entries *run, struct moves *moves)
{
	unsigned long slot;
	bool zap;
	u64 pte;

	for_each_set_bit(slot, run->live, run->n) {
		if (!entry_moves(run, slot, moves, &pte))
			continue;
		write_entry(run, slot, pte);
		zap = pte == run->scratch_pte;
		run->zapped |= zap;
		xengt_count(run->mm->counters, zap ? XENGT_COUNT_ZAPPED : XENGT_COUNT_MOVED, 1);
	}
}

static void release_slot(struct xengt_entries *run, unsigned long slot)
{
	struct xengt_update *update = run->mm->update;

	update->gfns[update->nr_gfns++] = gfn_of(run, slot);
	set_live(run, slot, false);
	if (update->nr_gfns == XENGT_UPDATE_MAX)
		release_gfns(run->mm);
}

/* Releases what the entries that went to scratch held: those are live, and scratch. */
static void release_zapped(struct xengt_entries *run)
{
	unsigned long slot;

	run->zapped = false;
	for_each_set_bit(slot, run->live, run->n) {
		if (run->shadow[slot] != run->scratch_pte)
			continue;
		release_slot(run, slot);
		set_missing(run, slot, true);
	}
}

/* Runs with live entries in the range of what moves are looked through once, or at most twice. */
static void move_entries(struct xengt_mm *mm, struct moves *moves)
{
	struct xengt_entries *run;

	lockdep_assert_held(&mm->lock);
	list_for_each_entry(run, &mm->runs, node) {
		if (run_moves(run, moves))
			rewrite_moved(run, moves);
	}
	finish_writes(mm);
	mm->update->nr_gfns = 0;
	list_for_each_entry(run, &mm->runs, node) {
		if (run->zapped)
			release_zapped(run);
	}
	release_gfns(mm);
}

/* The service's news: rewrites all entries of GFNs that moved, zaps those of GFNs that are gone. */
void xengt_entries_move(struct xengt_mm *mm, const struct xen_gpu_move *move, unsigned int n)
{
	struct moves moves = { .move = move, .n = n };

	move_entries(mm, &moves);
}

/* Points everything to scratch and releases it. */
void xengt_entries_zap_all(struct xengt_mm *mm)
{
	move_entries(mm, NULL);
}

/*
 * How many entries are missing in runs that the GPU may use and that have some for want of room;
 * of no run, that there are such is forgotten.
 */
unsigned long xengt_entries_refused(struct xengt_mm *mm)
{
	struct xengt_entries *run;
	unsigned long missing = 0;
	bool refused = false;

	lockdep_assert_held(&mm->lock);
	list_for_each_entry(run, &mm->runs, node) {
		run->refused &= run->nr_missing > 0;
		refused |= run->refused;
		if (run->refused && run->used == mm->used_round)
			missing += run->nr_missing;
	}
	mm->refused = refused;
	return missing;
}

/*
 * A run that has missing entries whose turn in this round is still to come; of those alone that the
 * GPU may use and that have some for want of room, or of all.
 */
static struct xengt_entries *run_to_retry(struct xengt_mm *mm, bool refused)
{
	struct xengt_entries *run;

	list_for_each_entry(run, &mm->runs, node) {
		if (!run->nr_missing)
			continue;
		if (refused && run->retry_round != mm->retry_round &&
		    (!run->refused || run->used != mm->used_round))
			continue;
		if (run->retry_round != mm->retry_round) {
			run->retry_round = mm->retry_round;
			run->retry_left = run->n;
		}
		if (run->retry_left)
			return run;
	}
	return NULL;
}

/* The next slot of the run that has its turn, which is missing; run->n if that was all. */
static unsigned long next_to_retry(struct xengt_entries *run)
{
	unsigned long slot, skipped;

	while (run->retry_left) {
		slot = find_next_bit(run->missing, run->n, run->retry_from);
		skipped = min(slot - run->retry_from, run->retry_left);
		run->retry_left -= skipped;
		run->retry_from = (run->retry_from + skipped) % run->n;
		if (slot == run->n || !run->retry_left)
			continue;
		run->retry_left--;
		run->retry_from = (slot + 1) % run->n;
		return slot;
	}
	return run->n;
}

/*
 * Tries a batch of missing entries again, each at most once in a round; adds how many to *tried.
 * False if all had their turn. The next round goes on where this one stops. With refused: only in
 * the runs that xengt_entries_refused() counts.
 */
bool xengt_entries_retry(struct xengt_mm *mm, bool refused, unsigned int *tried)
{
	struct xengt_entries *run;
	unsigned int n = 0;
	unsigned long slot;

	lockdep_assert_held(&mm->lock);
	run = run_to_retry(mm, refused);
	if (!run)
		return false;
	run->refused = false;
	while (n < XENGT_UPDATE_MAX) {
		slot = next_to_retry(run);
		if (slot == run->n)
			break;
		n += xengt_entries_add(run, slot, run->guest[slot]);
	}
	/* The other runs come first next time. */
	if (!run->retry_left)
		list_move_tail(&run->node, &mm->runs);
	xengt_count(mm->counters, XENGT_COUNT_RETRIED, n);
	xengt_entries_apply(mm);
	/* What had no turn may have been refused. */
	run->refused |= run->retry_left;
	*tried += n;
	return true;
}

/* Releases everything that the run holds; nobody can reach it by way of its entries any more. */
void xengt_entries_release(struct xengt_entries *run)
{
	unsigned long slot;

	lockdep_assert_held(&run->mm->lock);
	run->mm->update->nr_gfns = 0;
	for_each_set_bit(slot, run->live, run->n)
		release_slot(run, slot);
	release_gfns(run->mm);
}

/* Makes a run of entries that are not present; nothing is written yet. 0 or -ENOMEM. */
int xengt_entries_init(struct xengt_entries *run, struct xengt_mm *mm,
		       const struct xengt_entries_ops *ops,
		       const struct xengt_pte_format *format, unsigned long n)
{
	unsigned long slot;

	lockdep_assert_held(&mm->lock);
	*run = (struct xengt_entries){
		.mm = mm,
		.ops = ops,
		.format = format,
		.n = n,
		.scratch_pte = xengt_pte_encode(format, mm->scratch_bfn, 0),
	};
	INIT_LIST_HEAD(&run->node);
	INIT_LIST_HEAD(&run->written_node);
	run->guest = kvcalloc(n, sizeof(*run->guest), GFP_KERNEL);
	run->shadow = kvcalloc(n, sizeof(*run->shadow), GFP_KERNEL);
	run->live = bitmap_zalloc(n, GFP_KERNEL);
	run->missing = bitmap_zalloc(n, GFP_KERNEL);
	if (!run->guest || !run->shadow || !run->live || !run->missing) {
		xengt_entries_exit(run);
		return -ENOMEM;
	}
	for (slot = 0; slot < n; slot++)
		run->shadow[slot] = run->scratch_pte;
	list_add_tail(&run->node, &mm->runs);
	return 0;
}

/* Frees a run that holds nothing. */
void xengt_entries_exit(struct xengt_entries *run)
{
	lockdep_assert_held(&run->mm->lock);
	WARN_ON_ONCE(run->nr_live);
	run->mm->nr_missing -= run->nr_missing;
	list_del(&run->node);
	list_del(&run->written_node);
	bitmap_free(run->missing);
	bitmap_free(run->live);
	kvfree(run->shadow);
	kvfree(run->guest);
}
