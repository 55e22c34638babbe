// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's memory as a whole: its start and end, and the books at the end of a case.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/slab.h>

#include "fake_internal.h"

void fake_mem_start(void)
{
	fake_index_init(&fake.frames);
	fake_index_init(&fake.physmap);
	fake_index_init(&fake.unpopulated);
	INIT_LIST_HEAD(&fake.free);
	INIT_LIST_HEAD(&fake.domains);
	INIT_LIST_HEAD(&fake.destroyed);
	fake.next_mfn = FAKE_MFN_BASE;
	fake.refs = 0;
	fake_xen_set_mmio(0, 0);
}

void fake_mem_stop(void)
{
	struct fake_domain *d, *next;
	struct fake_frame *frame;
	struct fake_map *map;
	unsigned long index;
	unsigned int i;

	list_for_each_entry_safe(d, next, &fake.domains, node) {
		for (i = 0; i < FAKE_MAX_SERVERS; i++)
			kfree(d->servers[i]);
		fake_domain_destroy(d);
	}
	list_for_each_entry_safe(d, next, &fake.destroyed, node)
		kfree(d);
	xa_for_each(&fake.physmap.xa, index, map)
		kfree(map);
	xa_destroy(&fake.physmap.xa);
	fake_unpopulated_stop();
	xa_for_each(&fake.frames.xa, index, frame) {
		kfree(frame->home ?: frame->data);
		kfree(frame);
	}
	xa_destroy(&fake.frames.xa);
}

/* Fails the test if the modules left references, mappings, pages or zombies. */
void fake_mem_check(struct kunit *test)
{
	struct fake_unpopulated *u;
	struct fake_domain *d;
	struct fake_map *map;
	unsigned long index, left = 0;

	KUNIT_EXPECT_EQ_MSG(test, fake.refs, 0ul, "references on guests' pages are left");
	xa_for_each(&fake.physmap.xa, index, map)
		left++;
	KUNIT_EXPECT_EQ_MSG(test, left, 0ul, "foreign pages are left in dom0's physmap");
	left = 0;
	xa_for_each(&fake.unpopulated.xa, index, u)
		left++;
	KUNIT_EXPECT_EQ_MSG(test, left, 0ul, "unpopulated pages are left");
	list_for_each_entry(d, &fake.domains, node)
		KUNIT_EXPECT_FALSE_MSG(test, d->dying, "domain %u is a zombie of %lu pages",
				       d->domid, d->pages + d->extra_pages);
}
