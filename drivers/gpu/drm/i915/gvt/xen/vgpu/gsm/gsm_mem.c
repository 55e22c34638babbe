// SPDX-License-Identifier: GPL-2.0
/*
 * The "mem" GSM: a table in memory, for devices that walk it there; see include/xen/xengt.h.
 *
 * There is one table in the system. The first share that is opened allocates it; the last share or
 * walker frees it. Entries that nobody has reserved are 0.
 *
 * Invariants: a walk reads each entry whole, either the old or the new value. An invalidate returns
 * when the walks that began before it have ended.
 *
 * Locking: table_lock protects the_table and the reservations. A walker holds the table's rwsem for
 * reading; an invalidate waits for the walkers by taking it for writing.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <xen/xengt.h>

#include "gsm/gsm.h"
#include "abi/pte.h"

/**
 * struct xengt_mem_table - the table of the "mem" GSM
 * @ref: one reference for each share and each walker
 * @walks: held for reading during a walk
 * @nr_entries: number of entries
 * @entries: the shadow entries
 * @reserved: bitmap of the entries that are reserved; protected by table_lock
 */
struct xengt_mem_table {
	struct kref ref;
	struct rw_semaphore walks;
	unsigned long nr_entries;
	u64 *entries;
	unsigned long *reserved;
};

/**
 * struct mem_share - a share of the table
 * @gsm: what the virtual GPU sees of it
 * @table: the table, of which it holds a reference
 */
struct mem_share {
	struct xengt_gsm gsm;
	struct xengt_mem_table *table;
};

static DEFINE_MUTEX(table_lock);
static struct xengt_mem_table *the_table;

static struct mem_share *to_share(struct xengt_gsm *gsm)
{
	return container_of(gsm, struct mem_share, gsm);
}

static void free_table(struct xengt_mem_table *table)
{
	bitmap_free(table->reserved);
	vfree(table->entries);
	kfree(table);
}

static struct xengt_mem_table *new_table(unsigned long nr_entries)
{
	struct xengt_mem_table *table = kzalloc(sizeof(*table), GFP_KERNEL);

	if (!table)
		return ERR_PTR(-ENOMEM);
	kref_init(&table->ref);
	init_rwsem(&table->walks);
	table->nr_entries = nr_entries;
	table->entries = vzalloc(nr_entries * sizeof(*table->entries));
	table->reserved = bitmap_zalloc(nr_entries, GFP_KERNEL);
	if (!table->entries || !table->reserved) {
		free_table(table);
		return ERR_PTR(-ENOMEM);
	}
	return table;
}

/* Returns a reference on the table. -EBUSY if it has another number of entries. */
static struct xengt_mem_table *get_table(unsigned long nr_entries)
{
	struct xengt_mem_table *table;

	mutex_lock(&table_lock);
	table = the_table;
	if (!table) {
		table = new_table(nr_entries);
		if (!IS_ERR(table))
			the_table = table;
	} else if (table->nr_entries != nr_entries) {
		table = ERR_PTR(-EBUSY);
	} else {
		kref_get(&table->ref);
	}
	mutex_unlock(&table_lock);
	return table;
}

static void release_table(struct kref *ref)
{
	struct xengt_mem_table *table = container_of(ref, struct xengt_mem_table, ref);

	the_table = NULL;
	mutex_unlock(&table_lock);
	free_table(table);
}

/* Finds room for a range that can be anywhere: at 0 if it is empty. -ENOSPC if there is none. */
static int find_room(struct xengt_mem_table *table, struct xengt_range *range)
{
	range->first = 0;
	if (!range->n)
		return 0;
	range->first = bitmap_find_next_zero_area(table->reserved, table->nr_entries, 0, range->n,
						  0);
	return range->first + range->n > table->nr_entries ? -ENOSPC : 0;
}

static int check_room(struct xengt_mem_table *table, const struct xengt_range *range)
{
	unsigned long end = range->first + range->n;

	if (range->first > table->nr_entries || range->n > table->nr_entries - range->first)
		return -ERANGE;
	return find_next_bit(table->reserved, end, range->first) < end ? -EBUSY : 0;
}

static int reserve_range(struct xengt_mem_table *table, struct xengt_range *range)
{
	int rc;

	lockdep_assert_held(&table_lock);
	if (range->first == XENGT_RANGE_ANYWHERE)
		rc = find_room(table, range);
	else
		rc = check_room(table, range);
	if (!rc)
		bitmap_set(table->reserved, range->first, range->n);
	return rc;
}

static void unreserve(struct xengt_mem_table *table, const struct xengt_range *range)
{
	unsigned int i;

	lockdep_assert_held(&table_lock);
	for (i = 0; i < XENGT_GGTT_RANGES; i++)
		bitmap_clear(table->reserved, range[i].first, range[i].n);
}

/* Reserves the ranges that are asked for, or none, and sets where they are. */
static int reserve(struct xengt_mem_table *table, const struct xengt_range *asked,
		   struct xengt_range *range)
{
	unsigned int i, last = 0;
	int rc = 0;

	mutex_lock(&table_lock);
	for (i = 0; i < XENGT_GGTT_RANGES && !rc; i++) {
		last = xengt_gsm_range_order(asked, i);
		range[last] = asked[last];
		rc = reserve_range(table, &range[last]);
	}
	if (rc) {
		range[last].n = 0;
		unreserve(table, range);
	}
	mutex_unlock(&table_lock);
	return rc;
}

static const char *reason(int rc)
{
	switch (rc) {
	case -EBUSY:
		return "another virtual GPU has some of its entries, or has another generation";
	case -ERANGE:
		return "it is not in the table";
	default:
		return "there is no room";
	}
}

static int init_share(struct mem_share *share, const struct xengt_gsm_request *request)
{
	struct xengt_range range[XENGT_GGTT_RANGES] = { };
	int rc;

	share->table = get_table(request->nr_entries);
	if (IS_ERR(share->table))
		return PTR_ERR(share->table);
	rc = reserve(share->table, request->range, range);
	if (rc)
		kref_put_mutex(&share->table->ref, release_table, &table_lock);
	else
		xengt_gsm_init(&share->gsm, &xengt_gsm_mem, request, range);
	return rc;
}

static struct xengt_gsm *mem_open(const struct xengt_gsm_request *request)
{
	struct mem_share *share;
	int rc;

	if (*request->device) {
		pr_err("%s: the place \"mem\" has no device \"%s\"\n", request->vgpu,
		       request->device);
		return ERR_PTR(-ENODEV);
	}
	share = kzalloc(sizeof(*share), GFP_KERNEL);
	rc = share ? init_share(share, request) : -ENOMEM;
	if (!rc)
		return &share->gsm;
	if (rc != -ENOMEM)
		pr_err("%s: no share of the GGTT in the place \"mem\": %s\n", request->vgpu,
		       reason(rc));
	kfree(share);
	return ERR_PTR(rc);
}

static void mem_write(struct xengt_gsm *gsm, unsigned long index, u64 pte)
{
	WRITE_ONCE(to_share(gsm)->table->entries[index], pte);
}

/* The write side is granted once all walks that are under way have ended. */
static void mem_invalidate(struct xengt_gsm *gsm, bool ppgtt)
{
	struct xengt_mem_table *table = to_share(gsm)->table;

	down_write(&table->walks);
	up_write(&table->walks);
}

static void clear_range(struct xengt_gsm *gsm, const struct xengt_range *range)
{
	unsigned long i;

	for (i = range->first; i < range->first + range->n; i++)
		mem_write(gsm, i, 0);
}

static void mem_close(struct xengt_gsm *gsm)
{
	struct mem_share *share = to_share(gsm);
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++)
		clear_range(gsm, &gsm->range[i]);
	mem_invalidate(gsm, true);
	mutex_lock(&table_lock);
	unreserve(share->table, gsm->range);
	mutex_unlock(&table_lock);
	kref_put_mutex(&share->table->ref, release_table, &table_lock);
	kfree(share);
}

const struct xengt_gsm_ops xengt_gsm_mem = {
	.name = "mem",
	.open = mem_open,
	.close = mem_close,
	.write = mem_write,
	.invalidate = mem_invalidate,
};

/**
 * xengt_mem_table_get - get the table of the "mem" GSM
 *
 * Context: process context, may sleep.
 * Return: the table, which the caller drops with xengt_mem_table_put(); or ERR_PTR(-ENODEV) while
 * there is no table, as no virtual GPU uses it.
 */
struct xengt_mem_table *xengt_mem_table_get(void)
{
	struct xengt_mem_table *table;

	mutex_lock(&table_lock);
	table = the_table;
	if (table)
		kref_get(&table->ref);
	mutex_unlock(&table_lock);
	return table ?: ERR_PTR(-ENODEV);
}
EXPORT_SYMBOL_GPL(xengt_mem_table_get);

/**
 * xengt_mem_table_put - drop a reference on the table
 * @table: the table, from xengt_mem_table_get()
 *
 * Context: process context, may sleep.
 */
void xengt_mem_table_put(struct xengt_mem_table *table)
{
	kref_put_mutex(&table->ref, release_table, &table_lock);
}
EXPORT_SYMBOL_GPL(xengt_mem_table_put);

/**
 * xengt_mem_walk_begin - begin to read and use entries
 * @table: the table
 *
 * The pages that the entries name stay mapped until xengt_mem_walk_end(). Invalidates wait until
 * then, and so do guests that write to their GTT: keep walks short.
 *
 * Context: process context, may sleep. Walks do not nest.
 */
void xengt_mem_walk_begin(struct xengt_mem_table *table)
{
	down_read(&table->walks);
}
EXPORT_SYMBOL_GPL(xengt_mem_walk_begin);

/**
 * xengt_mem_walk_end - stop using the entries that were read
 * @table: the table
 *
 * Context: the task that began the walk.
 */
void xengt_mem_walk_end(struct xengt_mem_table *table)
{
	up_read(&table->walks);
}
EXPORT_SYMBOL_GPL(xengt_mem_walk_end);

/**
 * xengt_mem_entry - read the shadow entry of a graphics address
 * @table: the table
 * @addr: the graphics address, in bytes
 *
 * Context: between xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: the shadow entry, in the format of the guest's generation; 0 if @addr is beyond the
 * table, or nobody has reserved the entry.
 */
u64 xengt_mem_entry(struct xengt_mem_table *table, u64 addr)
{
	u64 index = addr >> XENGT_PAGE_SHIFT;

	lockdep_assert_held(&table->walks);
	return index < table->nr_entries ? READ_ONCE(table->entries[index]) : 0;
}
EXPORT_SYMBOL_GPL(xengt_mem_entry);
