// SPDX-License-Identifier: GPL-2.0
/*
 * The "mem" GSM: a table in memory, for devices that walk it there; see include/xen/xengt.h.
 *
 * There is one table in the system. The first virtual GPU that uses it allocates it; the last
 * user or walker frees it. Entries that nobody has reserved are 0.
 *
 * Invariants: a walk reads each entry whole, either the old or the new value. An invalidate returns
 * when the walks that began before it have ended.
 *
 * Locking: table_lock protects the_table and the reservations. A walker holds the table's rwsem for
 * reading; an invalidate waits for the walkers by taking it for writing.
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

#include "gsm/gsm.h"
#include "abi/pte.h"

/**
 * struct xengt_mem_table - the table of the "mem" GSM
 * @gsm: what the virtual GPUs see of it
 * @ref: one reference for each virtual GPU and each walker
 * @walks: held for reading during a walk
 * @nr_entries: number of entries
 * @entries: the shadow entries
 * @reserved: bitmap of the entries that are reserved; protected by table_lock
 */
struct xengt_mem_table {
	struct xengt_gsm gsm;
	struct kref ref;
	struct rw_semaphore walks;
	unsigned long nr_entries;
	u64 *entries;
	unsigned long *reserved;
};

static DEFINE_MUTEX(table_lock);
static struct xengt_mem_table *the_table;

static struct xengt_mem_table *to_table(struct xengt_gsm *gsm)
{
	return container_of(gsm, struct xengt_mem_table, gsm);
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
	table->gsm.ops = &xengt_gsm_mem;
	table->nr_entries = nr_entries;
	table->entries = vzalloc(nr_entries * sizeof(*table->entries));
	table->reserved = bitmap_zalloc(nr_entries, GFP_KERNEL);
	if (!table->entries || !table->reserved) {
		free_table(table);
		return ERR_PTR(-ENOMEM);
	}
	return table;
}

static struct xengt_gsm *mem_get(unsigned long nr_entries)
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
	return IS_ERR(table) ? ERR_CAST(table) : &table->gsm;
}

static void release_table(struct kref *ref)
{
	struct xengt_mem_table *table = container_of(ref, struct xengt_mem_table, ref);

	the_table = NULL;
	mutex_unlock(&table_lock);
	free_table(table);
}

static void mem_put(struct xengt_gsm *gsm)
{
	kref_put_mutex(&to_table(gsm)->ref, release_table, &table_lock);
}

static int mem_reserve(struct xengt_gsm *gsm, unsigned long first, unsigned long n)
{
	struct xengt_mem_table *table = to_table(gsm);
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

static void mem_write(struct xengt_gsm *gsm, unsigned long index, u64 pte)
{
	WRITE_ONCE(to_table(gsm)->entries[index], pte);
}

/* The write side is granted once all walks that are under way have ended. */
static void mem_invalidate(struct xengt_gsm *gsm)
{
	struct xengt_mem_table *table = to_table(gsm);

	down_write(&table->walks);
	up_write(&table->walks);
}

static void mem_unreserve(struct xengt_gsm *gsm, unsigned long first, unsigned long n)
{
	struct xengt_mem_table *table = to_table(gsm);
	unsigned long i;

	for (i = first; i < first + n; i++)
		mem_write(gsm, i, 0);
	mem_invalidate(gsm);
	mutex_lock(&table_lock);
	bitmap_clear(table->reserved, first, n);
	mutex_unlock(&table_lock);
}

const struct xengt_gsm_ops xengt_gsm_mem = {
	.name = "mem",
	.get = mem_get,
	.put = mem_put,
	.reserve = mem_reserve,
	.unreserve = mem_unreserve,
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
	mem_put(&table->gsm);
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
