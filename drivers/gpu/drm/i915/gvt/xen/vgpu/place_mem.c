// SPDX-License-Identifier: GPL-2.0
/*
 * The "mem" place: a table in memory, for devices that walk it from there; see xen/xengt.h.
 *
 * There is one table in the system, made for the first virtual GPU that uses it and freed with
 * the last user or walker. Entries that nobody has reserved are 0.
 *
 * Invariants: a walk sees each entry either as it was or as it is, whole; an invalidate returns
 * when the walks that began before it have ended.
 *
 * Locking: table_lock for the table's life and its reservations; walkers hold the table's rwsem
 * for reading, so that an invalidate can wait for them.
 */

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <xen/xengt.h>

#include "place.h"
#include "pte.h"

struct xengt_mem_table {
	struct xengt_place place;
	struct kref ref;
	struct rw_semaphore walks;
	unsigned long nr_entries;
	u64 *entries;
	unsigned long *reserved;
};

static DEFINE_MUTEX(table_lock);
static struct xengt_mem_table *the_table;

static struct xengt_mem_table *to_table(struct xengt_place *place)
{
	return container_of(place, struct xengt_mem_table, place);
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
	table->place.ops = &xengt_place_mem;
	table->nr_entries = nr_entries;
	table->entries = vzalloc(nr_entries * sizeof(*table->entries));
	table->reserved = bitmap_zalloc(nr_entries, GFP_KERNEL);
	if (!table->entries || !table->reserved) {
		free_table(table);
		return ERR_PTR(-ENOMEM);
	}
	return table;
}

static struct xengt_place *mem_get(unsigned long nr_entries)
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
	return IS_ERR(table) ? ERR_CAST(table) : &table->place;
}

static void release_table(struct kref *ref)
{
	struct xengt_mem_table *table = container_of(ref, struct xengt_mem_table, ref);

	the_table = NULL;
	mutex_unlock(&table_lock);
	free_table(table);
}

static void mem_put(struct xengt_place *place)
{
	kref_put_mutex(&to_table(place)->ref, release_table, &table_lock);
}

static int mem_reserve(struct xengt_place *place, unsigned long first, unsigned long n)
{
	struct xengt_mem_table *table = to_table(place);
	int rc = 0;

	if (first > table->nr_entries || n > table->nr_entries - first)
		return -ERANGE;
	mutex_lock(&table_lock);
	if (find_next_bit(table->reserved, first + n, first) < first + n)
		rc = -EBUSY;
	else
		bitmap_set(table->reserved, first, n);
	mutex_unlock(&table_lock);
	return rc;
}

static void mem_write(struct xengt_place *place, unsigned long index, u64 pte)
{
	WRITE_ONCE(to_table(place)->entries[index], pte);
}

/* Nobody has a translation in use when the write side of the semaphore could be had. */
static void mem_invalidate(struct xengt_place *place)
{
	struct xengt_mem_table *table = to_table(place);

	down_write(&table->walks);
	up_write(&table->walks);
}

static void mem_unreserve(struct xengt_place *place, unsigned long first, unsigned long n)
{
	struct xengt_mem_table *table = to_table(place);
	unsigned long i;

	for (i = first; i < first + n; i++)
		mem_write(place, i, 0);
	mem_invalidate(place);
	mutex_lock(&table_lock);
	bitmap_clear(table->reserved, first, n);
	mutex_unlock(&table_lock);
}

const struct xengt_place_ops xengt_place_mem = {
	.name = "mem",
	.get = mem_get,
	.put = mem_put,
	.reserve = mem_reserve,
	.unreserve = mem_unreserve,
	.write = mem_write,
	.invalidate = mem_invalidate,
};

/**
 * xengt_mem_table_get - get the table of the "mem" place
 *
 * Context: process context, may sleep.
 * Return: the table, to be put, or ERR_PTR(-ENODEV) while no virtual GPU uses the place.
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
 * xengt_mem_table_put - give the table back
 * @table: the table
 *
 * Context: process context, may sleep.
 */
void xengt_mem_table_put(struct xengt_mem_table *table)
{
	mem_put(&table->place);
}
EXPORT_SYMBOL_GPL(xengt_mem_table_put);

/**
 * xengt_mem_walk_begin - begin to use entries
 * @table: the table
 *
 * Until xengt_mem_walk_end() the pages that the entries name stay what they are: invalidates
 * wait, and guests that write their GTT with them, so be quick.
 *
 * Context: process context, may sleep; walks do not nest.
 */
void xengt_mem_walk_begin(struct xengt_mem_table *table)
{
	down_read(&table->walks);
}
EXPORT_SYMBOL_GPL(xengt_mem_walk_begin);

/**
 * xengt_mem_walk_end - the entries that were read are not used any more
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
 * xengt_mem_entry - read the entry of a graphics address
 * @table: the table, in a walk
 * @addr: the graphics address, in bytes
 *
 * Context: between xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: the shadow entry (bit 0 present, bits 45:12 the BFN), 0 if @addr is beyond the table.
 */
u64 xengt_mem_entry(struct xengt_mem_table *table, u64 addr)
{
	u64 index = addr >> XENGT_PAGE_SHIFT;

	lockdep_assert_held(&table->walks);
	return index < table->nr_entries ? READ_ONCE(table->entries[index]) : 0;
}
EXPORT_SYMBOL_GPL(xengt_mem_entry);
