// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's domains: guests, their physmaps, their memory.
 *
 * A domain that died stays, as in Xen, until its last frame is free.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include "fake_internal.h"

struct fake_domain *fake_domain_find(domid_t domid)
{
	struct fake_domain *d;

	list_for_each_entry(d, &fake.domains, node) {
		if (d->domid == domid)
			return d;
	}
	return NULL;
}

/* rcu_lock_remote_domain_by_id(): refuses the caller itself. */
int fake_remote_domain(domid_t domid, struct fake_domain **d)
{
	bool dom0 = fake.mode == FAKE_PV_DOM0 || fake.mode == FAKE_PVH_DOM0;

	if (domid == (dom0 ? 0 : FAKE_OWN_DOMID))
		return -EPERM;
	*d = fake_domain_find(domid);
	return *d ? 0 : -ESRCH;
}

/*
 * Nobody finds the domain any more. It is freed at the end, since a vCPU's thread may still use it.
 */
void fake_domain_destroy(struct fake_domain *d)
{
	list_move(&d->node, &fake.destroyed);
	xa_destroy(&d->types);
	xa_destroy(&d->physmap.xa);
	fake_index_init(&d->physmap);
}

void fake_domain_destroy_if_empty(struct fake_domain *d)
{
	if (d->dying && !d->pages && !d->extra_pages)
		fake_domain_destroy(d);
}

/* Returns the frame behind a GFN, or NULL. A domain that was torn down has no frames. */
struct fake_frame *fake_frame_of_gfn(struct fake_domain *d, u64 gfn)
{
	return fake_index_find(&d->physmap, gfn);
}

enum fake_page_type fake_type_of_gfn(struct fake_domain *d, u64 gfn)
{
	void *type = xa_load(&d->types, gfn);

	if (type)
		return xa_to_value(type);
	return fake_frame_of_gfn(d, gfn) ? FAKE_RAM : FAKE_HOLE;
}

void fake_set_type(struct fake_domain *d, u64 gfn, enum fake_page_type type)
{
	unsigned int nth = fake_alloc_enter();
	void *entry = type > FAKE_RAM ? xa_mk_value(type) : NULL;

	if (xa_is_err(xa_store(&d->types, gfn, entry, GFP_ATOMIC)))
		panic("fake xen: out of memory\n");
	fake_alloc_leave(nth);
}

static void set_physmap(struct fake_domain *d, u64 gfn, struct fake_frame *frame)
{
	fake_index_store(&d->physmap, gfn, frame);
	fake_set_type(d, gfn, FAKE_RAM);
	xa_clear_mark(&d->physmap.xa, gfn, FAKE_WRITE_PROTECTED);
	d->max_gfn = max(d->max_gfn, gfn);
}

/* p2m_add_page(): a page that is replaced stays the domain's, at no GFN, until the domain ends. */
void fake_physmap_add(struct fake_domain *d, u64 gfn)
{
	d->homeless += !!fake_frame_of_gfn(d, gfn);
	set_physmap(d, gfn, fake_frame_alloc(d));
}

/* The page leaves the physmap and stays the domain's. */
void fake_physmap_lose(struct fake_domain *d, u64 gfn)
{
	d->homeless += !!fake_index_erase(&d->physmap, gfn);
	fake_set_type(d, gfn, FAKE_HOLE);
}

/* relinquish_memory(): releases the pages that are at no GFN. */
static void release_homeless(struct fake_domain *d)
{
	struct fake_frame *frame;
	unsigned long mfn;

	xa_for_each(&fake.frames.xa, mfn, frame) {
		if (!d->homeless)
			break;
		if (frame->owner != d->domid || !frame->allocated)
			continue;
		d->homeless--;
		fake_frame_release_allocated(frame);
	}
}

void fake_physmap_remove(struct fake_domain *d, u64 gfn)
{
	struct fake_frame *frame = fake_index_erase(&d->physmap, gfn);

	fake_set_type(d, gfn, FAKE_HOLE);
	if (frame)
		fake_frame_release_allocated(frame);
}

static struct fake_domain *live_domain(domid_t domid)
{
	struct fake_domain *d = fake_domain_find(domid);

	if (!d || d->dying)
		panic("fake xen: a test uses domain %u, which is not alive\n", domid);
	return d;
}

/**
 * fake_domain_create - make a guest with one vCPU
 * @domid: its id, which must be free
 * @nr_pages: the number of its pages, from GFN 0 on
 *
 * Also writes the guest's node in xenstore.
 */
void fake_domain_create(domid_t domid, u64 nr_pages)
{
	struct fake_domain *d = fake_zalloc(sizeof(*d));
	unsigned long flags;
	char uuid[40];
	u64 gfn;

	d->domid = domid;
	fake_index_init(&d->physmap);
	xa_init_flags(&d->types, XA_FLAGS_LOCK_IRQ);
	d->nr_vcpus = 1;
	fake_vcpu_domain_start(d);
	spin_lock_irqsave(&fake.lock, flags);
	if (fake_domain_find(domid))
		panic("fake xen: a test makes domain %u twice\n", domid);
	list_add_tail(&d->node, &fake.domains);
	for (gfn = 0; gfn < nr_pages; gfn++)
		set_physmap(d, gfn, fake_frame_alloc(d));
	spin_unlock_irqrestore(&fake.lock, flags);
	snprintf(uuid, sizeof(uuid), "/vm/00000000-0000-0000-0000-%012x", domid);
	fake_store_introduce(domid, uuid);
}

/*
 * A guest begins to die. Xen takes it down piece by piece, which can take minutes: event channels
 * first, then physmap and memory, ioreq servers last. Until fake_domain_kill() the guest has its
 * memory, and a PV or PVH dom0 can map it.
 */
void fake_domain_start_dying(domid_t domid)
{
	struct fake_domain *d;
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	d = live_domain(domid);
	d->dying = true;
	fake_ioreq_close_channels(d);
	spin_unlock_irqrestore(&fake.lock, flags);
}

/**
 * fake_domain_kill - a guest dies
 * @domid: its id
 *
 * Frees the guest's memory. A guest with referenced pages stays as a zombie. The node in xenstore
 * stays until fake_store_release().
 */
void fake_domain_kill(domid_t domid)
{
	struct fake_domain *d;
	struct fake_frame *frame;
	unsigned long flags, gfn;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	if (!d || d->torn_down)
		panic("fake xen: a test kills domain %u, which is not alive\n", domid);
	d->dying = true;
	d->torn_down = true;
	d->pages++;	/* keeps it alive during the loop */
	fake_ioreq_domain_kill(d);
	fake_iommu_op_domain_kill(d);
	xa_destroy(&d->types);
	xa_for_each(&d->physmap.xa, gfn, frame) {
		fake_index_erase(&d->physmap, gfn);
		fake_frame_release_allocated(frame);
	}
	release_homeless(d);
	d->pages--;
	fake_domain_destroy_if_empty(d);
	spin_unlock_irqrestore(&fake.lock, flags);
}

/* True for a zombie, too. */
bool fake_domain_exists(domid_t domid)
{
	unsigned long flags;
	bool exists;

	spin_lock_irqsave(&fake.lock, flags);
	exists = fake_domain_find(domid);
	spin_unlock_irqrestore(&fake.lock, flags);
	return exists;
}

/*
 * Counts the domain's frames: those in its physmap, those ballooned out but still referenced, and
 * the pages of its ioreq servers.
 */
unsigned long fake_domain_pages(domid_t domid)
{
	struct fake_domain *d = fake_domain_find(domid);

	return d ? d->pages + d->extra_pages : 0;
}

unsigned int fake_domain_count(void)
{
	struct fake_domain *d;
	unsigned int n = 0;

	list_for_each_entry(d, &fake.domains, node)
		n++;
	return n;
}

/* Puts a new page at an empty GFN. Returns its MFN. */
unsigned long fake_gfn_populate(domid_t domid, u64 gfn)
{
	struct fake_frame *frame;
	struct fake_domain *d;
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	d = live_domain(domid);
	if (fake_frame_of_gfn(d, gfn))
		panic("fake xen: a test populates GFN %llx twice\n", gfn);
	frame = fake_frame_alloc(d);
	set_physmap(d, gfn, frame);
	spin_unlock_irqrestore(&fake.lock, flags);
	return frame->mfn;
}

/* Puts a page with a chosen frame number at a GFN, in place of the page there. */
void fake_gfn_populate_at(domid_t domid, u64 gfn, unsigned long mfn)
{
	struct fake_frame *frame, *old;
	struct fake_domain *d;
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	d = live_domain(domid);
	frame = fake_frame_alloc_at(d, mfn);
	old = fake_frame_of_gfn(d, gfn);
	set_physmap(d, gfn, frame);
	if (old)
		fake_frame_release_allocated(old);
	spin_unlock_irqrestore(&fake.lock, flags);
}

/*
 * The guest gives a page back by XENMEM_decrease_reservation. The ioreq servers are not notified
 * here.
 */
void fake_gfn_remove(domid_t domid, u64 gfn)
{
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	fake_physmap_remove(live_domain(domid), gfn);
	spin_unlock_irqrestore(&fake.lock, flags);
}

/* Kinds of RAM need RAM at the GFN, all others need a hole. */
void fake_gfn_set_type(domid_t domid, u64 gfn, enum fake_page_type type)
{
	bool own = type == FAKE_RAM || type == FAKE_RAM_RO || type == FAKE_XEN_PAGE;
	struct fake_domain *d;
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	d = live_domain(domid);
	if (own != !!fake_frame_of_gfn(d, gfn))
		panic("fake xen: a test makes GFN %llx what it cannot be\n", gfn);
	fake_set_type(d, gfn, type);
	d->max_gfn = max(d->max_gfn, gfn);
	spin_unlock_irqrestore(&fake.lock, flags);
}

unsigned long fake_gfn_mfn(domid_t domid, u64 gfn)
{
	struct fake_domain *d = fake_domain_find(domid);
	struct fake_frame *frame = d ? fake_frame_of_gfn(d, gfn) : NULL;

	return frame ? frame->mfn : FAKE_NO_MFN;
}

static bool guest_access(domid_t domid, u64 addr, void *data, size_t len, bool write)
{
	struct fake_frame *frame;
	struct fake_domain *d;
	unsigned long flags;
	bool all = true;
	size_t n;
	void *at;

	spin_lock_irqsave(&fake.lock, flags);
	fake_mem_sync();
	d = live_domain(domid);
	for (; len; addr += n, data += n, len -= n) {
		n = min_t(size_t, len, PAGE_SIZE - offset_in_page(addr));
		frame = fake_frame_of_gfn(d, PFN_DOWN(addr));
		if (!frame) {
			all = false;
			continue;
		}
		at = fake_frame_data(frame) + offset_in_page(addr);
		if (write)
			memcpy(at, data, n);
		else
			memcpy(data, at, n);
	}
	fake_mem_sync();
	spin_unlock_irqrestore(&fake.lock, flags);
	return all;
}

/* The guest accesses its own memory. All of the range must be populated. */
void fake_guest_write(domid_t domid, u64 addr, const void *data, size_t len)
{
	WARN_ON(!guest_access(domid, addr, (void *)data, len, true));
}

void fake_guest_read(domid_t domid, u64 addr, void *data, size_t len)
{
	WARN_ON(!guest_access(domid, addr, data, len, false));
}
