// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's frames of memory: who owns them, who holds references.
 *
 * A frame is free when its owner has released it (ballooned it out, died) and nobody holds a
 * reference. A free frame is allocated again last in, first out, so that a stale mapping soon
 * leads to somebody else's page.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/slab.h>

#include "fake_internal.h"

struct fake_frame *fake_frame_find(unsigned long mfn)
{
	return fake_index_find(&fake.frames, mfn);
}

static struct fake_frame *new_frame(unsigned long mfn)
{
	struct fake_frame *frame = fake_zalloc(sizeof(*frame));

	frame->mfn = mfn;
	frame->owner = -1;
	INIT_LIST_HEAD(&frame->node);
	fake_index_store(&fake.frames, mfn, frame);
	return frame;
}

static void give_frame(struct fake_frame *frame, struct fake_domain *d, bool extra)
{
	list_del_init(&frame->node);
	frame->owner = d->domid;
	frame->allocated = true;
	frame->extra = extra;
	if (extra)
		d->extra_pages++;
	else
		d->pages++;
}

static struct fake_frame *free_frame(void)
{
	struct fake_frame *frame = list_first_entry_or_null(&fake.free, struct fake_frame, node);

	return frame ?: new_frame(fake.next_mfn++);
}

struct fake_frame *fake_frame_alloc(struct fake_domain *d)
{
	struct fake_frame *frame = free_frame();

	give_frame(frame, d, false);
	return frame;
}

/* Allocates a frame with a chosen number. It is never given to another domain. */
struct fake_frame *fake_frame_alloc_at(struct fake_domain *d, unsigned long mfn)
{
	struct fake_frame *frame;

	if (fake_frame_find(mfn))
		panic("fake xen: a test makes MFN %lx twice\n", mfn);
	frame = new_frame(mfn);
	frame->fixed = true;
	give_frame(frame, d, false);
	return frame;
}

/*
 * A frame for Xen's own use for the domain (MEMF_no_refcount). The domain lives as long as it does.
 */
struct fake_frame *fake_frame_alloc_extra(struct fake_domain *d)
{
	struct fake_frame *frame = free_frame();

	give_frame(frame, d, true);
	return frame;
}

static void take_frame(struct fake_frame *frame, struct fake_domain *d)
{
	frame->owner = -1;
	if (!d)
		return;
	if (frame->extra)
		d->extra_pages--;
	else
		d->pages--;
}

static void put_frame_if_unused(struct fake_frame *frame)
{
	struct fake_map freed = { .frame = frame, .domid = frame->owner };
	struct fake_domain *d;

	if (frame->allocated || frame->refs)
		return;
	fake_record(FAKE_EVENT_FREE, &freed, 0);
	d = fake_domain_find(frame->owner);
	take_frame(frame, d);
	/* Xen clears the frames of a dead guest, not those that a live guest gives back. */
	if (!d || d->dying) {
		kfree(frame->data);
		frame->data = NULL;
	}
	if (!frame->fixed)
		list_add(&frame->node, &fake.free);
	if (d)
		fake_domain_destroy_if_empty(d);
}

void fake_frame_release_allocated(struct fake_frame *frame)
{
	frame->allocated = false;
	put_frame_if_unused(frame);
}

void *fake_frame_data(struct fake_frame *frame)
{
	if (!frame->data)
		frame->data = fake_zalloc(PAGE_SIZE);
	return frame->data;
}

void fake_map_get(struct fake_map *map, struct fake_frame *frame, domid_t domid, u64 gfn, u64 bfn)
{
	*map = (struct fake_map){ .frame = frame, .domid = domid, .gfn = gfn };
	frame->refs++;
	fake.refs++;
	fake_record(FAKE_EVENT_REF, map, bfn);
}

void fake_map_put(struct fake_map *map, u64 bfn)
{
	struct fake_frame *frame = map->frame;

	fake_record(FAKE_EVENT_UNREF, map, bfn);
	map->frame = NULL;
	frame->refs--;
	fake.refs--;
	put_frame_if_unused(frame);
}

/* Counts the references on a frame, without the owner's own. */
unsigned int fake_mfn_refs(unsigned long mfn)
{
	struct fake_frame *frame = fake_frame_find(mfn);

	return frame ? frame->refs : 0;
}

/* Returns the domid of the frame's owner, or -1 if the frame is free. */
int fake_mfn_owner(unsigned long mfn)
{
	struct fake_frame *frame = fake_frame_find(mfn);

	return frame ? frame->owner : -1;
}

/* Does a mapping of the frame allow writes? */
bool fake_mfn_writable(unsigned long mfn)
{
	if (fake.dev_map)
		return fake_dev_map_writable(mfn);
	return fake_is_pv() && !fake.iommu_op ? fake_pv_writable(mfn) : fake_mfn_refs(mfn);
}

unsigned long fake_total_refs(void)
{
	return fake.refs;
}
