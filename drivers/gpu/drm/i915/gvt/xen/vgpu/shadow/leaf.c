// SPDX-License-Identifier: GPL-2.0
/*
 * Leaf tables: tables of entries that name pages of the guest. They are the share of the GGTT and
 * the SPTs of level 1.
 *
 * A leaf table keeps for each entry the guest entry (with a GFN) and the shadow entry that was made
 * from it (with a BFN), which the GPU reads. New guest entries, of any leaf tables, are added to
 * the shadow's update. Applying it maps their GFNs in one batch, writes the shadow entries, makes
 * the GPU forget the old ones, and then releases the old mappings. The shadow of an entry that is
 * not present, or cannot be mapped, is scratch: it names the scratch page.
 *
 * Invariants: a live entry holds one reference on the GFN of its guest entry, and no other entry
 * holds any. New GFNs are mapped before old ones are released. A GFN is released only after the GPU
 * was made to forget its entry.
 *
 * Locking: the shadow's lock.
 */

#include <linux/bitmap.h>
#include <linux/bsearch.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <xen/xen_gpu_map.h>

#include "counters.h"
#include "shadow/leaf.h"
#include "shadow/shadow.h"

/* Status of an entry of an update: the guest entry is not present, so there is nothing to map */
#define NOT_PRESENT	1

static void write_entry(struct xengt_leaf *leaf, unsigned long index, u64 pte)
{
	if (list_empty(&leaf->written_node)) {
		list_add_tail(&leaf->written_node, &leaf->sh->written);
		if (leaf->ops->writing)
			leaf->ops->writing(leaf);
	}
	leaf->shadow[index] = pte;
	leaf->ops->write(leaf, index, pte);
	xengt_count(leaf->sh->counters, XENGT_COUNT_GPU_WRITES, 1);
}

/* Tells the owners of leaf tables that entries were written, and makes the GPU forget old ones. */
static void finish_writes(struct xengt_shadow *sh)
{
	struct xengt_leaf *leaf;
	bool ppgtt = false;

	if (list_empty(&sh->written))
		return;
	while (!list_empty(&sh->written)) {
		leaf = list_first_entry(&sh->written, struct xengt_leaf, written_node);
		list_del_init(&leaf->written_node);
		if (leaf->ops->written)
			leaf->ops->written(leaf);
		ppgtt |= leaf->ops->ppgtt;
	}
	xengt_shadow_invalidate(sh, ppgtt);
}

/* Returns the GFN of the guest entry that the shadow entry was made from. */
static u64 gfn_of(const struct xengt_leaf *leaf, unsigned long index)
{
	return xengt_pte_frame(leaf->format, leaf->guest[index]);
}

/* Maps the GFNs of the update. Once the shadow is closed all of them fail with -ENODEV. */
static void map_gfns(struct xengt_shadow *sh, struct xengt_update *update)
{
	unsigned int i;

	if (!sh->closed) {
		xen_gpu_map(&sh->client, update->gfns, update->nr_gfns,
			    XEN_GPU_MAP_READ | XEN_GPU_MAP_WRITE, update->gfn_bfns,
			    update->gfn_status);
		return;
	}
	for (i = 0; i < update->nr_gfns; i++)
		update->gfn_status[i] = -ENODEV;
}

/* Gives each entry of the update a BFN or an error, with one call of the map service. */
static void map_update(struct xengt_shadow *sh, struct xengt_update *update)
{
	unsigned int i, done = 0;

	update->nr_gfns = 0;
	for (i = 0; i < update->n; i++) {
		const struct xengt_pte_format *format = update->leaf[i]->format;
		u64 pte = update->pte[i];

		update->status[i] = 0;
		if (!xengt_pte_present(format, pte))
			update->status[i] = NOT_PRESENT;
		else if (!xengt_pte_valid(format, pte))
			update->status[i] = -EINVAL;
		else
			update->gfns[update->nr_gfns++] = xengt_pte_frame(format, pte);
	}
	map_gfns(sh, update);
	for (i = 0; i < update->n; i++) {
		if (update->status[i])
			continue;
		update->bfn[i] = update->gfn_bfns[done];
		update->status[i] = update->gfn_status[done++];
	}
}

static void count_status(struct xengt_shadow *sh, int status)
{
	if (!status)
		xengt_count(sh->counters, XENGT_COUNT_SHADOWED, 1);
	else if (status == -EINVAL)
		xengt_count(sh->counters, XENGT_COUNT_BAD_ENTRIES, 1);
	else if (status != NOT_PRESENT)
		xengt_count_scratched(sh->counters, status);
}

/* Writes the shadow entries that change, and makes the GPU forget the old ones. */
static void write_update(struct xengt_shadow *sh, struct xengt_update *update)
{
	struct xengt_leaf *leaf;
	unsigned int i;
	u64 pte;

	for (i = 0; i < update->n; i++) {
		leaf = update->leaf[i];
		count_status(sh, update->status[i]);
		pte = update->status[i] ? leaf->scratch_pte :
		      xengt_pte_encode(leaf->format, update->bfn[i], update->pte[i]);
		if (leaf->shadow[update->index[i]] != pte)
			write_entry(leaf, update->index[i], pte);
	}
	finish_writes(sh);
}

/*
 * Can another try succeed though the guest does not write the entry again? Not if the status is
 * about the entry, the device's reach or the guest as such. Other errors may be gone by then: Xen
 * was busy, there was no page, quota or memory, or the guest has exchanged a page that must not be
 * mapped (-EPERM), such as a grant, for another one.
 */
static bool may_heal(int status)
{
	switch (status) {
	case 0:
	case NOT_PRESENT:
	case -EINVAL:
	case -ERANGE:
	case -ENODEV:
		return false;
	default:
		return true;
	}
}

static void set_live(struct xengt_leaf *leaf, unsigned long index, bool live)
{
	u64 gfn = gfn_of(leaf, index);

	if (live) {
		leaf->first_gfn = leaf->nr_live ? min(leaf->first_gfn, gfn) : gfn;
		leaf->last_gfn = leaf->nr_live ? max(leaf->last_gfn, gfn) : gfn;
	}
	if (live == test_bit(index, leaf->live))
		return;
	__change_bit(index, leaf->live);
	leaf->nr_live += live ? 1 : -1;
	leaf->sh->nr_live += live ? 1 : -1;
}

static void set_missing(struct xengt_leaf *leaf, unsigned long index, bool missing)
{
	if (missing == test_bit(index, leaf->missing))
		return;
	__change_bit(index, leaf->missing);
	leaf->nr_missing += missing ? 1 : -1;
	leaf->sh->nr_missing += missing ? 1 : -1;
}

static void set_bad(struct xengt_leaf *leaf, unsigned long index, bool bad)
{
	if (bad == test_bit(index, leaf->bad))
		return;
	__change_bit(index, leaf->bad);
	leaf->nr_bad += bad ? 1 : -1;
	leaf->sh->nr_bad += bad ? 1 : -1;
}

/* Releases the GFNs in the update's array; the GPU has forgotten their entries. */
static void release_gfns(struct xengt_shadow *sh)
{
	struct xengt_update *update = sh->update;

	sh->freed |= update->nr_gfns;
	xen_gpu_release(&sh->client, update->gfns, update->nr_gfns);
	update->nr_gfns = 0;
}

/* Notes that an entry is missing for want of quota or memory. */
static void note_refused(struct xengt_leaf *leaf, int status)
{
	if (status != -ENOSPC && status != -ENOMEM)
		return;
	leaf->refused = true;
	leaf->sh->refused = true;
}

/* Stores the new guest entries, and releases the GFNs of the old ones. */
static void finish_update(struct xengt_shadow *sh, struct xengt_update *update)
{
	unsigned int i;

	update->nr_gfns = 0;
	for (i = 0; i < update->n; i++) {
		struct xengt_leaf *leaf = update->leaf[i];
		unsigned long index = update->index[i];

		if (test_bit(index, leaf->live))
			update->gfns[update->nr_gfns++] = gfn_of(leaf, index);
		leaf->guest[index] = update->pte[i];
		set_live(leaf, index, !update->status[i]);
		set_missing(leaf, index, may_heal(update->status[i]));
		set_bad(leaf, index, update->status[i] < 0 && !may_heal(update->status[i]));
		note_refused(leaf, update->status[i]);
	}
	release_gfns(sh);
}

/* Applies the update, which is empty afterwards. */
void xengt_leaves_apply(struct xengt_shadow *sh)
{
	struct xengt_update *update = sh->update;

	lockdep_assert_held(&sh->lock);
	if (!update->n)
		return;
	map_update(sh, update);
	write_update(sh, update);
	finish_update(sh, update);
	update->n = 0;
	cond_resched();
}

/*
 * Adds a new guest entry to the update, and applies the update if it is full. An update has each
 * entry at most once. Returns false, and adds nothing, if @pte is the guest entry already and its
 * shadow is neither missing nor failed for another reason.
 */
bool xengt_leaf_add(struct xengt_leaf *leaf, unsigned long index, u64 pte)
{
	struct xengt_update *update = leaf->sh->update;

	lockdep_assert_held(&leaf->sh->lock);
	if (pte == leaf->guest[index] &&
	    (test_bit(index, leaf->live) || !xengt_pte_present(leaf->format, pte)))
		return false;
	update->leaf[update->n] = leaf;
	update->index[update->n] = index;
	update->pte[update->n++] = pte;
	if (update->n == XENGT_UPDATE_MAX)
		xengt_leaves_apply(leaf->sh);
	return true;
}

/*
 * The moves of one remap, sorted by GFN. In the functions below a NULL pointer to this stands for a
 * remap in which all GFNs are gone.
 *
 * Neighbouring entries mostly name neighbouring GFNs. So find_move() tries the move that it found
 * last and the next one before it searches all.
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

/*
 * Does a live entry's GFN move? If so *@pte is its new shadow entry: scratch if the GFN has no page
 * any more, or the page is out of the device's reach.
 */
static bool entry_moves(struct xengt_leaf *leaf, unsigned long index, struct moves *moves,
			u64 *pte)
{
	u64 gfn = gfn_of(leaf, index);
	const struct xen_gpu_move *move;

	*pte = leaf->scratch_pte;
	if (!moves)
		return true;
	move = find_move(moves, gfn);
	if (!move)
		return false;
	if (!move->status && move->bfn <= leaf->sh->client.max_bfn)
		*pte = xengt_pte_encode(leaf->format, move->bfn, leaf->guest[index]);
	return true;
}

/* Can a live entry of the leaf table name one of the GFNs that move? */
static bool leaf_moves(struct xengt_leaf *leaf, const struct moves *moves)
{
	if (!leaf->nr_live)
		return false;
	return !moves || (leaf->first_gfn <= moves->move[moves->n - 1].gfn &&
			  leaf->last_gfn >= moves->move[0].gfn);
}

/* Writes the new shadow entries. Entries that become scratch still hold their references. */
static void rewrite_moved(struct xengt_leaf *leaf, struct moves *moves)
{
	unsigned long index;
	bool zap;
	u64 pte;

	for_each_set_bit(index, leaf->live, leaf->n) {
		if (!entry_moves(leaf, index, moves, &pte))
			continue;
		write_entry(leaf, index, pte);
		zap = pte == leaf->scratch_pte;
		leaf->zapped |= zap;
		xengt_count(leaf->sh->counters, zap ? XENGT_COUNT_ZAPPED : XENGT_COUNT_MOVED, 1);
	}
}

/* Adds the entry's GFN to the update's array, and releases the array if it is full. */
static void release_entry(struct xengt_leaf *leaf, unsigned long index)
{
	struct xengt_update *update = leaf->sh->update;

	update->gfns[update->nr_gfns++] = gfn_of(leaf, index);
	set_live(leaf, index, false);
	if (update->nr_gfns == XENGT_UPDATE_MAX)
		release_gfns(leaf->sh);
}

/* Releases the GFNs of the entries that became scratch: those that are live and scratch. */
static void release_zapped(struct xengt_leaf *leaf)
{
	unsigned long index;

	leaf->zapped = false;
	for_each_set_bit(index, leaf->live, leaf->n) {
		if (leaf->shadow[index] != leaf->scratch_pte)
			continue;
		release_entry(leaf, index);
		set_missing(leaf, index, true);
	}
}

/*
 * Rewrites all entries whose GFNs move, makes the GPU forget the old ones, and releases those that
 * became scratch. Walks each leaf table with live entries in the moves' range of GFNs once, and
 * once more if some became scratch.
 */
static void move_entries(struct xengt_shadow *sh, struct moves *moves)
{
	struct xengt_leaf *leaf;

	lockdep_assert_held(&sh->lock);
	list_for_each_entry(leaf, &sh->leaves, node) {
		if (leaf_moves(leaf, moves))
			rewrite_moved(leaf, moves);
		cond_resched();
	}
	finish_writes(sh);
	sh->update->nr_gfns = 0;
	list_for_each_entry(leaf, &sh->leaves, node) {
		if (leaf->zapped)
			release_zapped(leaf);
		cond_resched();
	}
	release_gfns(sh);
}

/*
 * Carries out a remap of the map service: rewrites all entries of GFNs that have another page, and
 * makes those of GFNs that have none scratch. @move is sorted by GFN, and @n is not 0.
 */
void xengt_leaves_remap(struct xengt_shadow *sh, const struct xen_gpu_move *move, unsigned int n)
{
	struct moves moves = { .move = move, .n = n };

	move_entries(sh, &moves);
}

/* Makes all entries scratch and releases their GFNs. */
void xengt_leaves_zap_all(struct xengt_shadow *sh)
{
	move_entries(sh, NULL);
}

/*
 * Returns how many entries are missing in the leaf tables that the GPU may use and whose entries
 * were refused for want of quota or memory. Also brings the refused flags up to date: a table
 * without missing entries has none that were refused.
 */
unsigned long xengt_leaves_refused(struct xengt_shadow *sh)
{
	struct xengt_leaf *leaf;
	unsigned long missing = 0;
	bool refused = false;

	lockdep_assert_held(&sh->lock);
	list_for_each_entry(leaf, &sh->leaves, node) {
		leaf->refused &= leaf->nr_missing > 0;
		refused |= leaf->refused;
		if (leaf->refused && leaf->used == sh->used_round)
			missing += leaf->nr_missing;
	}
	sh->refused = refused;
	return missing;
}

/*
 * Returns a leaf table with missing entries that have not had their turn in this round, or NULL.
 * With @refused, only a table that the GPU may use and whose entries were refused for want of quota
 * or memory.
 */
static struct xengt_leaf *leaf_to_retry(struct xengt_shadow *sh, bool refused)
{
	struct xengt_leaf *leaf;

	list_for_each_entry(leaf, &sh->leaves, node) {
		if (!leaf->nr_missing)
			continue;
		if (refused && leaf->retry_round != sh->retry_round &&
		    (!leaf->refused || leaf->used != sh->used_round))
			continue;
		if (leaf->retry_round != sh->retry_round) {
			leaf->retry_round = sh->retry_round;
			leaf->retry_left = leaf->n;
		}
		if (leaf->retry_left)
			return leaf;
	}
	return NULL;
}

/* Returns the index of the next missing entry that has its turn; leaf->n if there is none left. */
static unsigned long next_to_retry(struct xengt_leaf *leaf)
{
	unsigned long index, skipped;

	while (leaf->retry_left) {
		index = find_next_bit(leaf->missing, leaf->n, leaf->retry_from);
		skipped = min(index - leaf->retry_from, leaf->retry_left);
		leaf->retry_left -= skipped;
		leaf->retry_from = (leaf->retry_from + skipped) % leaf->n;
		if (index == leaf->n || !leaf->retry_left)
			continue;
		leaf->retry_left--;
		leaf->retry_from = (index + 1) % leaf->n;
		return index;
	}
	return leaf->n;
}

/*
 * Tries to map a batch of missing entries of one leaf table again, and adds their number to
 * *@tried. With @refused, only of the leaf tables that xengt_leaves_refused() counts. Returns false
 * if all entries had their turn in this round. Each has at most one turn in a round; the next round
 * goes on where this one stopped.
 */
bool xengt_leaves_retry(struct xengt_shadow *sh, bool refused, unsigned int *tried)
{
	struct xengt_leaf *leaf;
	unsigned int n = 0;
	unsigned long index;

	lockdep_assert_held(&sh->lock);
	leaf = leaf_to_retry(sh, refused);
	if (!leaf)
		return false;
	leaf->refused = false;
	while (n < XENGT_UPDATE_MAX) {
		index = next_to_retry(leaf);
		if (index == leaf->n)
			break;
		n += xengt_leaf_add(leaf, index, leaf->guest[index]);
	}
	/* The other leaf tables come first in the next round. */
	if (!leaf->retry_left)
		list_move_tail(&leaf->node, &sh->leaves);
	xengt_count(sh->counters, XENGT_COUNT_RETRIED, n);
	xengt_leaves_apply(sh);
	/* The entries that had no turn yet may have been refused before. */
	leaf->refused |= leaf->retry_left;
	*tried += n;
	return true;
}

/* Releases the GFNs of all entries. The GPU must have forgotten the entries. */
void xengt_leaf_release(struct xengt_leaf *leaf)
{
	unsigned long index;

	lockdep_assert_held(&leaf->sh->lock);
	leaf->sh->update->nr_gfns = 0;
	for_each_set_bit(index, leaf->live, leaf->n)
		release_entry(leaf, index);
	release_gfns(leaf->sh);
}

/* Returns 0 or -ENOMEM. */
int xengt_leaves_init(struct xengt_shadow *sh)
{
	INIT_LIST_HEAD(&sh->leaves);
	INIT_LIST_HEAD(&sh->written);
	sh->update = vzalloc(sizeof(*sh->update));
	return sh->update ? 0 : -ENOMEM;
}

void xengt_leaves_exit(struct xengt_shadow *sh)
{
	WARN_ON(!list_empty(&sh->leaves));
	vfree(sh->update);
}

/*
 * Makes a leaf table of @n entries that are not present. Their shadow is scratch, which the owner
 * writes to where the GPU reads it. Returns 0 or -ENOMEM.
 */
int xengt_leaf_init(struct xengt_leaf *leaf, struct xengt_shadow *sh,
		    const struct xengt_leaf_ops *ops,
		    const struct xengt_pte_format *format, unsigned long n)
{
	unsigned long index;

	lockdep_assert_held(&sh->lock);
	*leaf = (struct xengt_leaf){
		.sh = sh,
		.ops = ops,
		.format = format,
		.n = n,
		.scratch_pte = xengt_pte_encode(format, sh->scratch_bfn, 0),
	};
	INIT_LIST_HEAD(&leaf->node);
	INIT_LIST_HEAD(&leaf->written_node);
	leaf->guest = kvcalloc(n, sizeof(*leaf->guest), GFP_KERNEL);
	leaf->shadow = kvcalloc(n, sizeof(*leaf->shadow), GFP_KERNEL);
	leaf->live = bitmap_zalloc(n, GFP_KERNEL);
	leaf->missing = bitmap_zalloc(n, GFP_KERNEL);
	leaf->bad = bitmap_zalloc(n, GFP_KERNEL);
	if (!leaf->guest || !leaf->shadow || !leaf->live || !leaf->missing || !leaf->bad) {
		xengt_leaf_exit(leaf);
		return -ENOMEM;
	}
	for (index = 0; index < n; index++)
		leaf->shadow[index] = leaf->scratch_pte;
	list_add_tail(&leaf->node, &sh->leaves);
	return 0;
}

/* Frees a leaf table without live entries. */
void xengt_leaf_exit(struct xengt_leaf *leaf)
{
	lockdep_assert_held(&leaf->sh->lock);
	WARN_ON_ONCE(leaf->nr_live);
	leaf->sh->nr_missing -= leaf->nr_missing;
	leaf->sh->nr_bad -= leaf->nr_bad;
	list_del(&leaf->node);
	list_del(&leaf->written_node);
	bitmap_free(leaf->bad);
	bitmap_free(leaf->missing);
	bitmap_free(leaf->live);
	kvfree(leaf->shadow);
	kvfree(leaf->guest);
}
