// SPDX-License-Identifier: GPL-2.0
/*
 * The PPGTTs that a guest has announced: which there are, their shadows, and who uses them.
 *
 * A PPGTT is named by its root. It is shadowed when it is announced. When there is no room for
 * more tables, the shadow of the PPGTT that was used least recently, and is not pinned, goes: it is
 * made anew when it is pinned the next time. A mediator pins a PPGTT for as long as the GPU may use
 * it; its shadow root stays a page of ours until then, whatever happens to the PPGTT; if that
 * is gone, the root leads nowhere.
 *
 * A guest's driver may go without a word: its PPGTTs are ended by a reset (see reset.c), or when a
 * new driver has loaded: what had been announced when that one started to load was the old one's.
 *
 * Invariants: a shadow that is pinned is not reclaimed. Nothing is shadowed once closed.
 *
 * Locking: the mm's lock.
 */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "counters.h"
#include "gtt_page.h"
#include "open_page.h"
#include "ppgtt.h"

/* What has a page directory for its root names four of them with 3 levels. */
unsigned int xengt_root_tables(const struct xengt_ppgtt_root *root)
{
	return root->levels == 3 ? XENGT_PPGTT_PDPS : 1;
}

/* The level of these. */
unsigned int xengt_root_level(const struct xengt_ppgtt_root *root)
{
	return root->levels == 3 ? 2 : root->levels;
}

static bool in_ggtt(const struct xengt_ppgtts *ppgtts)
{
	return ppgtts->mm->format->root_in_ggtt;
}

static void release_shadow(struct kref *ref)
{
	struct xengt_ppgtt *shadow = container_of(ref, struct xengt_ppgtt, ref);
	unsigned int i;

	for (i = 0; i < XENGT_PPGTT_PDPS; i++) {
		if (shadow->page[i])
			put_page(shadow->page[i]);
	}
	if (shadow->scratch)
		put_page(shadow->scratch);
	kfree(shadow);
}

/* Only the space has it, which nobody can change that has no reference yet. */
static bool is_pinned(const struct xengt_ppgtt *shadow)
{
	return kref_read(&shadow->ref) > 1;
}

bool xengt_space_pinned(const struct xengt_space *space)
{
	return space->shadow && is_pinned(space->shadow);
}

/* The space has no shadow any more; everything that only this one needed is given back. */
static void drop_shadow(struct xengt_space *space)
{
	struct xengt_ppgtt *shadow = space->shadow;
	unsigned int i;

	if (!shadow)
		return;
	for (i = 0; i < XENGT_PPGTT_PDPS; i++) {
		if (shadow->table[i])
			xengt_table_put(shadow->table[i]);
		shadow->table[i] = NULL;
	}
	space->shadow = NULL;
	kref_put(&shadow->ref, release_shadow);
}

/* Frees the tables of the PPGTT that was used least recently; false if there is none to free. */
static bool reclaim(struct xengt_tables *tables)
{
	struct xengt_ppgtts *ppgtts = container_of(tables, struct xengt_ppgtts, tables);
	struct xengt_space *space;

	lockdep_assert_held(&ppgtts->mm->lock);
	list_for_each_entry(space, &ppgtts->spaces, node) {
		if (!space->shadow || xengt_space_pinned(space))
			continue;
		drop_shadow(space);
		xengt_count(ppgtts->mm->counters, XENGT_COUNT_RECLAIMED, 1);
		return true;
	}
	return false;
}

/*
 * A root of 0 names no table, as for GVT-g: a PPGTT of 3 levels need not have all four of its page
 * directories. Where the root is in the GGTT it is an offset there, and may be 0.
 */
static bool root_present(const struct xengt_ppgtts *ppgtts, const struct xengt_space *space,
			 unsigned int i)
{
	return in_ggtt(ppgtts) || space->root.pdp[i];
}

static unsigned long mark_space(const struct xengt_space *space)
{
	unsigned long missing = 0;
	unsigned int i;

	for (i = 0; i < XENGT_PPGTT_PDPS; i++) {
		if (space->shadow->table[i])
			missing += xengt_table_mark_used(space->shadow->table[i]);
	}
	return missing;
}

/* The GGTT, and the PPGTTs that are pinned or worked on */
static void find_used(struct xengt_tables *tables)
{
	struct xengt_ppgtts *ppgtts = container_of(tables, struct xengt_ppgtts, tables);
	struct xengt_space *space;

	lockdep_assert_held(&ppgtts->mm->lock);
	ppgtts->ggtt->run.used = ++ppgtts->mm->used_round;
	list_for_each_entry(space, &ppgtts->spaces, node) {
		if (xengt_space_pinned(space))
			mark_space(space);
	}
}

/* Are there entries in the shadow that are scratch, but could be had at another time? */
static bool is_short(struct xengt_ppgtts *ppgtts, const struct xengt_space *space)
{
	unsigned int i;

	for (i = 0; i < xengt_root_tables(&space->root); i++) {
		if (!space->shadow->table[i] && root_present(ppgtts, space, i))
			return true;
	}
	if (!ppgtts->mm->nr_missing && list_empty(&ppgtts->tables.missing))
		return false;
	ppgtts->mm->used_round++;
	return mark_space(space);
}

static struct xengt_table *get_root(struct xengt_ppgtts *ppgtts, const struct xengt_space *space,
				    unsigned int i)
{
	unsigned int level = xengt_root_level(&space->root);

	if (in_ggtt(ppgtts))
		return xengt_table_get_in_ggtt(&ppgtts->tables, space->ggtt_slot, level);
	return xengt_table_get(&ppgtts->tables, space->root.pdp[i] >> XENGT_PAGE_SHIFT, level,
			       false);
}

/* Gets the root's tables that are not there yet. What cannot be had is scratch. */
static void get_roots(struct xengt_ppgtts *ppgtts, struct xengt_space *space)
{
	struct xengt_ppgtt *shadow = space->shadow;
	struct xengt_table *table;
	unsigned int i;

	for (i = 0; i < xengt_root_tables(&space->root); i++) {
		if (shadow->table[i] || !root_present(ppgtts, space, i))
			continue;
		table = get_root(ppgtts, space, i);
		if (IS_ERR(table)) {
			xengt_count(ppgtts->mm->counters, XENGT_COUNT_ROOTS_MISSING, 1);
			table = NULL;
		}
		shadow->table[i] = table;
	}
}

static void set_page(struct page **to, struct page *page)
{
	if (page)
		get_page(page);
	if (*to)
		put_page(*to);
	*to = page;
}

static void set_pages(struct xengt_space *space)
{
	struct xengt_ppgtt *shadow = space->shadow;
	unsigned int i;

	for (i = 0; i < xengt_root_tables(&space->root); i++)
		set_page(&shadow->page[i],
			 shadow->table[i] ? shadow->table[i]->shadow : shadow->scratch);
}

/*
 * Sees to it that the PPGTT is shadowed, with what can be had. The one that is worked on is not
 * reclaimed.
 */
static int make_shadow(struct xengt_ppgtts *ppgtts, struct xengt_space *space)
{
	struct xengt_ppgtt *shadow = space->shadow;

	if (!shadow) {
		shadow = kzalloc(sizeof(*shadow), GFP_KERNEL);
		if (!shadow)
			return -ENOMEM;
		kref_init(&shadow->ref);
		set_page(&shadow->scratch, ppgtts->tables.scratch[xengt_root_level(&space->root)]);
		space->shadow = shadow;
	}
	list_move_tail(&space->node, &ppgtts->spaces);
	kref_get(&shadow->ref);
	get_roots(ppgtts, space);
	set_pages(space);
	xengt_tables_want_missing(&ppgtts->tables);
	xengt_tables_sync(&ppgtts->tables);
	kref_put(&shadow->ref, release_shadow);
	return 0;
}

/* A root as it is compared; false if it cannot be one. */
static bool normalize(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *from,
		      struct xengt_ppgtt_root *root)
{
	unsigned int i;

	if (from->levels > XENGT_MAX_LEVELS || !(ppgtts->mm->format->roots & BIT(from->levels)))
		return false;
	*root = (struct xengt_ppgtt_root){ .levels = from->levels };
	for (i = 0; i < xengt_root_tables(root); i++)
		root->pdp[i] = from->pdp[i] & ~(XENGT_PAGE_SIZE - 1);
	return true;
}

static struct xengt_space *find_space(struct xengt_ppgtts *ppgtts,
				      const struct xengt_ppgtt_root *root)
{
	struct xengt_space *space;

	list_for_each_entry(space, &ppgtts->spaces, node) {
		if (space->root.levels == root->levels &&
		    !memcmp(space->root.pdp, root->pdp, sizeof(root->pdp)))
			return space;
	}
	return NULL;
}

static int take_slots(struct xengt_ppgtts *ppgtts, struct xengt_space *space)
{
	unsigned long entry = space->root.pdp[0] >> XENGT_PAGE_SHIFT;
	unsigned int level = xengt_root_level(&space->root);

	if (!in_ggtt(ppgtts))
		return 0;
	space->ggtt_slot = xengt_ggtt_slot(ppgtts->ggtt, entry);
	return xengt_ggtt_directory_add(ppgtts->ggtt, space->ggtt_slot,
					ppgtts->mm->format->level[level].entries,
					xengt_directory_scratch_entry(&ppgtts->tables, level));
}

static void return_slots(struct xengt_ppgtts *ppgtts, struct xengt_space *space)
{
	unsigned int level = xengt_root_level(&space->root);

	if (in_ggtt(ppgtts))
		xengt_ggtt_directory_remove(ppgtts->ggtt, space->ggtt_slot,
					    ppgtts->mm->format->level[level].entries);
}

static struct xengt_space *new_space(struct xengt_ppgtts *ppgtts,
				     const struct xengt_ppgtt_root *root)
{
	struct xengt_space *space;
	int rc;

	/* Each has a table at least, when it is shadowed. */
	if (ppgtts->n >= ppgtts->tables.max)
		return ERR_PTR(-ENOSPC);
	space = kzalloc(sizeof(*space), GFP_KERNEL);
	if (!space)
		return ERR_PTR(-ENOMEM);
	space->serial = xengt_new_serial();
	space->root = *root;
	rc = take_slots(ppgtts, space);
	if (rc) {
		kfree(space);
		return ERR_PTR(rc);
	}
	list_add_tail(&space->node, &ppgtts->spaces);
	ppgtts->n++;
	return space;
}

/* A directory that the GPU may still use must not become pages: it stays scratch until then. */
static void keep_slots(struct xengt_ppgtts *ppgtts, struct xengt_space *space)
{
	struct xengt_ppgtt *shadow = space->shadow;

	kref_get(&shadow->ref);
	drop_shadow(space);
	space->shadow = shadow;
	list_move_tail(&space->node, &ppgtts->ended);
}

static void free_space(struct xengt_ppgtts *ppgtts, struct xengt_space *space)
{
	ppgtts->n--;
	if (in_ggtt(ppgtts) && xengt_space_pinned(space)) {
		keep_slots(ppgtts, space);
		return;
	}
	drop_shadow(space);
	return_slots(ppgtts, space);
	list_del(&space->node);
	kfree(space);
}

static void free_ended(struct xengt_space *space)
{
	kref_put(&space->shadow->ref, release_shadow);
	list_del(&space->node);
	kfree(space);
}

/* The directories that ended while pinned, and are not any more, are entries of the GGTT again. */
static void return_ended(struct xengt_ppgtts *ppgtts)
{
	struct xengt_space *space, *next;

	if (ppgtts->mm->closed)
		return;
	list_for_each_entry_safe(space, next, &ppgtts->ended, node) {
		if (xengt_space_pinned(space))
			continue;
		return_slots(ppgtts, space);
		free_ended(space);
	}
}

static int create(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root)
{
	struct xengt_space *space = find_space(ppgtts, root);
	int rc;

	if (ppgtts->mm->closed)
		return -ENODEV;
	if (space && space->announced == UINT_MAX)
		return -ENOSPC;
	return_ended(ppgtts);
	if (!space)
		space = new_space(ppgtts, root);
	if (IS_ERR(space))
		return PTR_ERR(space);
	rc = make_shadow(ppgtts, space);
	if (rc && !space->announced)
		free_space(ppgtts, space);
	if (!rc)
		space->announced++;
	return rc;
}

/*
 * A PPGTT is announced, once more. 0, -EINVAL no such kind of root, -ENOSPC too many PPGTTs,
 * -ERANGE or -EBUSY a page directory that is not in the share or in another one, -ENOMEM, or
 * -ENODEV if closed.
 */
int xengt_ppgtts_create(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt_root name;
	int rc;

	if (!normalize(ppgtts, root, &name))
		return -EINVAL;
	mutex_lock(&ppgtts->mm->lock);
	rc = create(ppgtts, &name);
	mutex_unlock(&ppgtts->mm->lock);
	return rc;
}

static int destroy(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root)
{
	struct xengt_space *space = find_space(ppgtts, root);

	if (!space)
		return -ENOENT;
	if (space->announced == 1 && in_ggtt(ppgtts) && space->shadow && is_pinned(space->shadow))
		return -EBUSY;
	if (!--space->announced)
		free_space(ppgtts, space);
	else
		space->old = min(space->old, space->announced);
	return 0;
}

/*
 * The last announcement taken back frees it. 0, -EINVAL, -ENOENT if it was not announced, or -EBUSY
 * for a page directory in the GGTT that is pinned.
 */
int xengt_ppgtts_destroy(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt_root name;
	int rc;

	if (!normalize(ppgtts, root, &name))
		return -EINVAL;
	mutex_lock(&ppgtts->mm->lock);
	rc = destroy(ppgtts, &name);
	return_ended(ppgtts);
	xengt_tables_sync(&ppgtts->tables);
	mutex_unlock(&ppgtts->mm->lock);
	return rc;
}

/* The bus address, in bytes, that stands for one of the root's: what is pinned has it. */
u64 xengt_space_shadow_root(const struct xengt_ppgtts *ppgtts, const struct xengt_space *space,
			    unsigned int i)
{
	const struct xengt_table *table = space->shadow->table[i];
	unsigned int level = xengt_root_level(&space->root);

	if (in_ggtt(ppgtts))
		return space->root.pdp[i];
	return (table ? table->bfn : ppgtts->tables.scratch_bfn[level]) << XENGT_PAGE_SHIFT;
}

static void tell_roots(struct xengt_ppgtts *ppgtts, const struct xengt_space *space, u64 *bus)
{
	unsigned int i;

	memset(bus, 0, XENGT_PPGTT_PDPS * sizeof(*bus));
	for (i = 0; i < xengt_root_tables(&space->root); i++)
		bus[i] = xengt_space_shadow_root(ppgtts, space, i);
}

static struct xengt_ppgtt *pin(struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt_root *root,
			       u64 *shadow)
{
	struct xengt_space *space = find_space(ppgtts, root);
	int rc;

	if (ppgtts->mm->closed)
		return ERR_PTR(-ENODEV);
	return_ended(ppgtts);
	if (!space)
		return ERR_PTR(-ENOENT);
	rc = make_shadow(ppgtts, space);
	if (rc)
		return ERR_PTR(rc);
	xengt_count(ppgtts->mm->counters, XENGT_COUNT_PINNED_SHORT, is_short(ppgtts, space));
	tell_roots(ppgtts, space, shadow);
	kref_get(&space->shadow->ref);
	return space->shadow;
}

/*
 * Brings the shadow up to date, and keeps it. ERR_PTR(): -EINVAL, -ENOENT if it is not announced,
 * -ENOMEM, -ENODEV if closed.
 */
struct xengt_ppgtt *xengt_ppgtts_pin(struct xengt_ppgtts *ppgtts,
				     const struct xengt_ppgtt_root *root, u64 *shadow)
{
	struct xengt_ppgtt_root name;
	struct xengt_ppgtt *pinned;

	if (!normalize(ppgtts, root, &name))
		return ERR_PTR(-EINVAL);
	mutex_lock(&ppgtts->mm->lock);
	pinned = pin(ppgtts, &name, shadow);
	mutex_unlock(&ppgtts->mm->lock);
	return pinned;
}

/**
 * xengt_ppgtt_unpin - the GPU does not use the PPGTT any more
 * @ppgtt: what xengt_ppgtt_pin() gave
 *
 * Works at any time, also when the PPGTT or the virtual GPU is gone.
 *
 * Context: any.
 */
void xengt_ppgtt_unpin(struct xengt_ppgtt *ppgtt)
{
	kref_put(&ppgtt->ref, release_shadow);
}
EXPORT_SYMBOL_GPL(xengt_ppgtt_unpin);

/* Everything that the guest wrote before is in the shadow after. */
void xengt_ppgtts_sync(struct xengt_ppgtts *ppgtts)
{
	mutex_lock(&ppgtts->mm->lock);
	return_ended(ppgtts);
	xengt_tables_sync(&ppgtts->tables);
	mutex_unlock(&ppgtts->mm->lock);
}

static void end_all(struct xengt_ppgtts *ppgtts)
{
	struct xengt_space *space, *next;

	lockdep_assert_held(&ppgtts->mm->lock);
	list_for_each_entry_safe(space, next, &ppgtts->spaces, node)
		free_space(ppgtts, space);
}

/* What others were refused for want of what has ended is tried again. */
static void sync_ended(struct xengt_ppgtts *ppgtts)
{
	xengt_tables_want_missing(&ppgtts->tables);
	xengt_tables_sync(&ppgtts->tables);
}

/* All PPGTTs end, however often they were announced. Of what is pinned the root leads nowhere. */
void xengt_ppgtts_reset(struct xengt_ppgtts *ppgtts)
{
	mutex_lock(&ppgtts->mm->lock);
	if (!ppgtts->mm->closed) {
		end_all(ppgtts);
		return_ended(ppgtts);
		sync_ended(ppgtts);
	}
	mutex_unlock(&ppgtts->mm->lock);
}

/* Tries again to let go of pages that are no tables any more; tells whether none is left. */
bool xengt_ppgtts_release_stuck(struct xengt_ppgtts *ppgtts)
{
	bool done;

	mutex_lock(&ppgtts->mm->lock);
	xengt_guest_pages_release_stuck(&ppgtts->tables.pages);
	done = list_empty(&ppgtts->tables.pages.stuck);
	mutex_unlock(&ppgtts->mm->lock);
	return done;
}

/* A driver of the guest's starts to load: what has been announced so far is not its own. */
void xengt_ppgtts_mark_old(struct xengt_ppgtts *ppgtts)
{
	struct xengt_space *space;

	mutex_lock(&ppgtts->mm->lock);
	list_for_each_entry(space, &ppgtts->spaces, node)
		space->old = space->announced;
	mutex_unlock(&ppgtts->mm->lock);
}

static unsigned int take_back_old(struct xengt_ppgtts *ppgtts, struct xengt_space *space)
{
	unsigned int old = space->old;

	space->old = 0;
	space->announced -= old;
	if (!space->announced)
		free_space(ppgtts, space);
	return old;
}

/* That driver has loaded: takes back what is not its own. How many announcements these were. */
unsigned long xengt_ppgtts_end_old(struct xengt_ppgtts *ppgtts)
{
	struct xengt_space *space, *next;
	unsigned long n = 0;

	mutex_lock(&ppgtts->mm->lock);
	list_for_each_entry_safe(space, next, &ppgtts->spaces, node)
		n += take_back_old(ppgtts, space);
	if (n)
		sync_ended(ppgtts);
	mutex_unlock(&ppgtts->mm->lock);
	return n;
}

/* Another mode from now on, and what was written before is in the shadow. */
void xengt_ppgtts_set_mode(struct xengt_ppgtts *ppgtts, enum xengt_mode mode)
{
	mutex_lock(&ppgtts->mm->lock);
	xengt_writes_set_mode(ppgtts->mm, mode);
	return_ended(ppgtts);
	xengt_tables_sync(&ppgtts->tables);
	mutex_unlock(&ppgtts->mm->lock);
}

/* After a balloon event: the guest's tables may be other pages now. */
void xengt_ppgtts_settled(struct xengt_ppgtts *ppgtts)
{
	mutex_lock(&ppgtts->mm->lock);
	if (!ppgtts->mm->closed) {
		xengt_writes_settle(ppgtts->mm);
		return_ended(ppgtts);
		xengt_gtt_pages_look_again(ppgtts->ggtt);
		xengt_tables_look_again(&ppgtts->tables);
		xengt_tables_want_missing(&ppgtts->tables);
		xengt_tables_sync(&ppgtts->tables);
	}
	mutex_unlock(&ppgtts->mm->lock);
}

/*
 * Does a trapped write of the guest's, within a page: a page of tables is written and noted;
 * another one, which was a page of tables until just now, is left to the caller's function, before
 * it can become one again. Tells which it was.
 */
bool xengt_ppgtts_store(struct xengt_ppgtts *ppgtts, u64 addr, const void *data,
			unsigned int len, void (*otherwise)(void *arg), void *arg)
{
	bool is_table;

	/* The lock is not waited for, unless something is odd. */
	if (xengt_tables_store(&ppgtts->tables, addr, data, len))
		return true;
	mutex_lock(&ppgtts->mm->lock);
	is_table = xengt_tables_store(&ppgtts->tables, addr, data, len);
	if (!is_table)
		otherwise(arg);
	mutex_unlock(&ppgtts->mm->lock);
	return is_table;
}

/* The PPGTT of that name; NULL if it is not announced, ERR_PTR(-EINVAL) if it cannot be. */
struct xengt_space *xengt_ppgtts_find(struct xengt_ppgtts *ppgtts,
				      const struct xengt_ppgtt_root *root)
{
	struct xengt_ppgtt_root name;

	lockdep_assert_held(&ppgtts->mm->lock);
	return normalize(ppgtts, root, &name) ? find_space(ppgtts, &name) : ERR_PTR(-EINVAL);
}

/* The PPGTT with the lowest number that is not below this one; NULL if there is none. */
struct xengt_space *xengt_ppgtts_next(struct xengt_ppgtts *ppgtts, u64 serial)
{
	struct xengt_space *space, *next = NULL;

	lockdep_assert_held(&ppgtts->mm->lock);
	list_for_each_entry(space, &ppgtts->spaces, node) {
		if (space->serial >= serial && (!next || space->serial < next->serial))
			next = space;
	}
	return next;
}

void xengt_ppgtts_gauges(struct xengt_ppgtts *ppgtts, struct xengt_gauges *gauges)
{
	mutex_lock(&ppgtts->mm->lock);
	gauges->entries_live = ppgtts->mm->nr_live;
	gauges->ppgtts = ppgtts->n;
	gauges->tables = ppgtts->tables.n;
	gauges->pages = ppgtts->tables.pages.n;
	gauges->pages_open = ppgtts->mm->writes.nr_open;
	mutex_unlock(&ppgtts->mm->lock);
}

static void on_ggtt_written(struct xengt_ggtt *ggtt, unsigned long slot)
{
	struct xengt_ppgtts *ppgtts = ggtt->written_data;

	xengt_tables_ggtt_written(&ppgtts->tables, slot);
}

/* 0 or -ENOMEM. */
int xengt_ppgtts_init(struct xengt_ppgtts *ppgtts, struct xengt_mm *mm, struct xengt_ggtt *ggtt,
		      unsigned long max_tables)
{
	int rc;

	*ppgtts = (struct xengt_ppgtts){ .mm = mm, .ggtt = ggtt };
	INIT_LIST_HEAD(&ppgtts->spaces);
	INIT_LIST_HEAD(&ppgtts->ended);
	rc = xengt_tables_init(&ppgtts->tables, mm, ggtt, max_tables);
	if (rc)
		return rc;
	ppgtts->tables.reclaim = reclaim;
	ppgtts->tables.find_used = find_used;
	ggtt->written_data = ppgtts;
	ggtt->written = on_ggtt_written;
	return 0;
}

/* The mm is closed: no PPGTT is announced any more, no page of the guest's is one of tables. */
void xengt_ppgtts_close(struct xengt_ppgtts *ppgtts)
{
	mutex_lock(&ppgtts->mm->lock);
	end_all(ppgtts);
	mutex_unlock(&ppgtts->mm->lock);
}

/* Closed: takes the traps from all pages; from how many it could not, as a vCPU writes to them. */
unsigned long xengt_ppgtts_let_go(struct xengt_ppgtts *ppgtts)
{
	unsigned long left;

	mutex_lock(&ppgtts->mm->lock);
	xengt_guest_pages_release_stuck(&ppgtts->tables.pages);
	left = ppgtts->tables.pages.n + xengt_open_pages_let_go(&ppgtts->ggtt->pages);
	mutex_unlock(&ppgtts->mm->lock);
	return left;
}

/* Closed, and nobody calls any more. */
void xengt_ppgtts_exit(struct xengt_ppgtts *ppgtts)
{
	struct xengt_space *space, *next;

	/* What these have of the GGTT is made to lead nowhere, see tables.c. */
	list_for_each_entry_safe(space, next, &ppgtts->ended, node)
		free_ended(space);
	xengt_tables_exit(&ppgtts->tables);
}
