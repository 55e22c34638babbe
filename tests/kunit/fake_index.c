// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's indexes: from a number (GFN, MFN, PFN) to what is there.
 *
 * An index is an xarray with a cache, since the tests look up millions of times. See
 * fake_internal.h for the locking.
 */

#include "fake_internal.h"

/* ULONG_MAX is no number in use: it marks an empty slot of the cache. */
static void forget(struct fake_index *index, unsigned long number)
{
	index->found[number % FAKE_INDEX_SLOTS].index = ULONG_MAX;
	index->found[number % FAKE_INDEX_SLOTS].entry = NULL;
}

void fake_index_init(struct fake_index *index)
{
	unsigned int i;

	xa_init_flags(&index->xa, XA_FLAGS_LOCK_IRQ);
	for (i = 0; i < FAKE_INDEX_SLOTS; i++)
		forget(index, i);
}

void *fake_index_find(struct fake_index *index, unsigned long number)
{
	unsigned int i = number % FAKE_INDEX_SLOTS;

	if (index->found[i].index != number) {
		index->found[i].entry = xa_load(&index->xa, number);
		index->found[i].index = number;
	}
	return index->found[i].entry;
}

void fake_index_store(struct fake_index *index, unsigned long number, void *entry)
{
	unsigned int nth = fake_alloc_enter();
	int rc = xa_err(xa_store(&index->xa, number, entry, GFP_ATOMIC));

	fake_alloc_leave(nth);
	if (rc)
		panic("fake xen: out of memory\n");
	forget(index, number);
}

void *fake_index_erase(struct fake_index *index, unsigned long number)
{
	forget(index, number);
	return xa_erase(&index->xa, number);
}
