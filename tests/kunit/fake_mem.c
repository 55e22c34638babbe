// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's memory: frames, domains and their physmaps, XENMEM_* calls, what a device
 * reaches.
 *
 * A frame is free when its owner has let go of it (ballooned it out, died) and nobody holds a
 * reference. A domain that died stays, as in Xen, until its last frame is free. Freed frames are
 * given out again last in, first out: as soon as can be.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/balloon.h>
#include <xen/page.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <asm/xen/hypercall.h>

#include "fake_internal.h"

/* How many pages show a frame that is shown elsewhere, too */
static unsigned int nr_snapshots;

#define UNMAPPED_POISON	0xa5

static void lock_irqsave(unsigned long *flags)
{
	spin_lock_irqsave(&fake.lock, *flags);
}

static void unlock_irqrestore(unsigned long *flags)
{
	spin_unlock_irqrestore(&fake.lock, *flags);
}

/* Indexes */

/* Nothing is ever at the highest number. */
static void forget(struct fake_index *index, unsigned long number)
{
	index->found[number % FAKE_INDEX_SLOTS].index = ULONG_MAX;
	index->found[number % FAKE_INDEX_SLOTS].entry = NULL;
}

static void init_index(struct fake_index *index)
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

void fake_mem_start(void)
{
	init_index(&fake.frames);
	init_index(&fake.physmap);
	init_index(&fake.unpopulated);
	INIT_LIST_HEAD(&fake.free);
	INIT_LIST_HEAD(&fake.domains);
	INIT_LIST_HEAD(&fake.buried);
	fake.next_mfn = FAKE_MFN_BASE;
	fake.refs = 0;
	fake_xen_set_mmio(0, 0);
}

/* It is gone for everybody, but a vCPU's thread may still be looking at it. */
static void bury_domain(struct fake_domain *d)
{
	list_move(&d->node, &fake.buried);
	xa_destroy(&d->types);
	xa_destroy(&d->physmap.xa);
	init_index(&d->physmap);
}

void fake_mem_stop(void)
{
	struct fake_unpopulated *u;
	struct fake_domain *d, *next;
	struct fake_frame *frame;
	struct fake_map *map;
	unsigned long index;
	unsigned int i;

	list_for_each_entry_safe(d, next, &fake.domains, node) {
		for (i = 0; i < FAKE_MAX_SERVERS; i++)
			kfree(d->servers[i]);
		bury_domain(d);
	}
	list_for_each_entry_safe(d, next, &fake.buried, node)
		kfree(d);
	xa_for_each(&fake.physmap.xa, index, map)
		kfree(map);
	xa_destroy(&fake.physmap.xa);
	xa_for_each(&fake.unpopulated.xa, index, u) {
		if (u->map.frame && !u->snapshot)
			u->map.frame->data = NULL;	/* it is in the page that goes here */
		__free_page(u->page);
		kfree(u->snapshot);
		kfree(u);
	}
	nr_snapshots = 0;
	xa_destroy(&fake.unpopulated.xa);
	xa_for_each(&fake.frames.xa, index, frame) {
		kfree(frame->home ?: frame->data);
		kfree(frame);
	}
	xa_destroy(&fake.frames.xa);
}

/* What is left of the modules' doings. */
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

/* frames */

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

/* For Xen's own use on the domain's behalf (MEMF_no_refcount): it keeps the domain all the same. */
struct fake_frame *fake_frame_alloc_extra(struct fake_domain *d)
{
	struct fake_frame *frame = free_frame();

	give_frame(frame, d, true);
	return frame;
}

static void bury_domain_if_empty(struct fake_domain *d)
{
	if (d->dying && !d->pages && !d->extra_pages)
		bury_domain(d);
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
	/* Xen clears what was a dead guest's, not what a guest gives back. */
	if (!d || d->dying) {
		kfree(frame->data);
		frame->data = NULL;
	}
	if (!frame->fixed)
		list_add(&frame->node, &fake.free);
	if (d)
		bury_domain_if_empty(d);
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

/* How many references others than its owner hold on a frame. */
unsigned int fake_mfn_refs(unsigned long mfn)
{
	struct fake_frame *frame = fake_frame_find(mfn);

	return frame ? frame->refs : 0;
}

/* The domain that a frame belongs to, -1: it is free. */
int fake_mfn_owner(unsigned long mfn)
{
	struct fake_frame *frame = fake_frame_find(mfn);

	return frame ? frame->owner : -1;
}

/* Is there a mapping of the frame that can be written through? */
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

/* domains */

struct fake_domain *fake_domain_find(domid_t domid)
{
	struct fake_domain *d;

	list_for_each_entry(d, &fake.domains, node) {
		if (d->domid == domid)
			return d;
	}
	return NULL;
}

/* rcu_lock_remote_domain_by_id(): another domain than the caller, of which only dom0 has an id. */
int fake_remote_domain(domid_t domid, struct fake_domain **d)
{
	bool dom0 = fake.mode == FAKE_PV_DOM0 || fake.mode == FAKE_PVH_DOM0;

	if (domid == (dom0 ? 0 : FAKE_OWN_DOMID))
		return -EPERM;
	*d = fake_domain_find(domid);
	return *d ? 0 : -ESRCH;
}

/* The domain's frame behind a GFN, NULL: none; one that was torn down has none. */
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
	xa_clear_mark(&d->physmap.xa, gfn, FAKE_TRAPPED);
	d->max_gfn = max(d->max_gfn, gfn);
}

/* As p2m_add_page(): memory that is there stays the domain's, at no GFN, until it ends. */
void fake_physmap_add(struct fake_domain *d, u64 gfn)
{
	d->homeless += !!fake_frame_of_gfn(d, gfn);
	set_physmap(d, gfn, fake_frame_alloc(d));
}

/* What is there leaves the physmap, and stays the domain's. */
void fake_physmap_lose(struct fake_domain *d, u64 gfn)
{
	d->homeless += !!fake_index_erase(&d->physmap, gfn);
	fake_set_type(d, gfn, FAKE_HOLE);
}

/* relinquish_memory(): also what is at no GFN */
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
 * @nr_pages: how many pages of memory it has, from GFN 0 on
 *
 * It is in xenstore, too.
 */
void fake_domain_create(domid_t domid, u64 nr_pages)
{
	struct fake_domain *d = fake_zalloc(sizeof(*d));
	unsigned long flags;
	char uuid[40];
	u64 gfn;

	d->domid = domid;
	init_index(&d->physmap);
	xa_init_flags(&d->types, XA_FLAGS_LOCK_IRQ);
	d->nr_vcpus = 1;
	fake_vcpu_domain_start(d);
	lock_irqsave(&flags);
	if (fake_domain_find(domid))
		panic("fake xen: a test makes domain %u twice\n", domid);
	list_add_tail(&d->node, &fake.domains);
	for (gfn = 0; gfn < nr_pages; gfn++)
		set_physmap(d, gfn, fake_frame_alloc(d));
	unlock_irqrestore(&flags);
	snprintf(uuid, sizeof(uuid), "/vm/00000000-0000-0000-0000-%012x", domid);
	fake_store_introduce(domid, uuid);
}

/*
 * A guest begins to die. Xen takes it down piece by piece, which can take minutes: its event
 * channels go first, its physmap and its memory later, its ioreq servers last. Until
 * fake_domain_kill() it still has its memory, and a PV or PVH dom0 can still map it.
 */
void fake_domain_start_dying(domid_t domid)
{
	struct fake_domain *d;
	unsigned long flags;

	lock_irqsave(&flags);
	d = live_domain(domid);
	d->dying = true;
	fake_ioreq_close_channels(d);
	unlock_irqrestore(&flags);
}

/**
 * fake_domain_kill - a guest dies
 * @domid: its id
 *
 * Its memory goes, but for pages that are referenced: with such it stays as a zombie. xenstore
 * does not know yet: see fake_store_release().
 */
void fake_domain_kill(domid_t domid)
{
	struct fake_domain *d;
	struct fake_frame *frame;
	unsigned long flags, gfn;

	lock_irqsave(&flags);
	d = fake_domain_find(domid);
	if (!d || d->torn_down)
		panic("fake xen: a test kills domain %u, which is not alive\n", domid);
	d->dying = true;
	d->torn_down = true;
	d->pages++;	/* so that it outlives the loop */
	fake_ioreq_domain_kill(d);
	fake_iommu_op_domain_kill(d);
	xa_destroy(&d->types);
	xa_for_each(&d->physmap.xa, gfn, frame) {
		fake_index_erase(&d->physmap, gfn);
		fake_frame_release_allocated(frame);
	}
	release_homeless(d);
	d->pages--;
	bury_domain_if_empty(d);
	unlock_irqrestore(&flags);
}

/* Also true for a zombie. */
bool fake_domain_exists(domid_t domid)
{
	unsigned long flags;
	bool exists;

	lock_irqsave(&flags);
	exists = fake_domain_find(domid);
	unlock_irqrestore(&flags);
	return exists;
}

/*
 * Frames that are the domain's: in its physmap, or ballooned out and still referenced, or of its
 * ioreq servers.
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

/* Puts a page of memory at an empty GFN; returns its MFN. */
unsigned long fake_gfn_populate(domid_t domid, u64 gfn)
{
	struct fake_frame *frame;
	struct fake_domain *d;
	unsigned long flags;

	lock_irqsave(&flags);
	d = live_domain(domid);
	if (fake_frame_of_gfn(d, gfn))
		panic("fake xen: a test populates GFN %llx twice\n", gfn);
	frame = fake_frame_alloc(d);
	set_physmap(d, gfn, frame);
	unlock_irqrestore(&flags);
	return frame->mfn;
}

/* The same with a frame number of the test's choice, in place of what is there. */
void fake_gfn_populate_at(domid_t domid, u64 gfn, unsigned long mfn)
{
	struct fake_frame *frame, *old;
	struct fake_domain *d;
	unsigned long flags;

	lock_irqsave(&flags);
	d = live_domain(domid);
	if (fake_frame_find(mfn))
		panic("fake xen: a test makes MFN %lx twice\n", mfn);
	frame = new_frame(mfn);
	frame->fixed = true;
	give_frame(frame, d, false);
	old = fake_frame_of_gfn(d, gfn);
	set_physmap(d, gfn, frame);
	if (old)
		fake_frame_release_allocated(old);
	unlock_irqrestore(&flags);
}

/*
 * The guest gives a page back: XENMEM_decrease_reservation, without what Xen tells ioreq
 * servers.
 */
void fake_gfn_remove(domid_t domid, u64 gfn)
{
	unsigned long flags;

	lock_irqsave(&flags);
	fake_physmap_remove(live_domain(domid), gfn);
	unlock_irqrestore(&flags);
}

/* What is nobody's RAM needs a hole, what is some of the guest's own needs RAM there. */
void fake_gfn_set_type(domid_t domid, u64 gfn, enum fake_page_type type)
{
	bool own = type == FAKE_RAM || type == FAKE_RAM_RO || type == FAKE_XEN_PAGE;
	struct fake_domain *d;
	unsigned long flags;

	lock_irqsave(&flags);
	d = live_domain(domid);
	if (own != !!fake_frame_of_gfn(d, gfn))
		panic("fake xen: a test makes GFN %llx what it cannot be\n", gfn);
	fake_set_type(d, gfn, type);
	d->max_gfn = max(d->max_gfn, gfn);
	unlock_irqrestore(&flags);
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

	lock_irqsave(&flags);
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
	unlock_irqrestore(&flags);
	return all;
}

/* The guest's own accesses to its memory, which has to be there. */
void fake_guest_write(domid_t domid, u64 addr, const void *data, size_t len)
{
	WARN_ON(!guest_access(domid, addr, (void *)data, len, true));
}

void fake_guest_read(domid_t domid, u64 addr, void *data, size_t len)
{
	WARN_ON(!guest_access(domid, addr, data, len, false));
}

/* dom0's physmap */

struct fake_unpopulated *fake_unpopulated_find(unsigned long pfn)
{
	return fake_index_find(&fake.unpopulated, pfn);
}

/* Makes the page show the frame. While it does, the contents live in the page. */
int fake_unpopulated_map(struct fake_unpopulated *u, struct fake_frame *frame, domid_t domid,
			 u64 gfn)
{
	void *va = page_address(u->page);

	if (u->map.frame)
		return -ENXIO;
	memcpy(va, fake_frame_data(frame), PAGE_SIZE);
	if (frame->home) {
		u->snapshot = fake_zalloc(PAGE_SIZE);
		nr_snapshots++;
		memcpy(u->snapshot, va, PAGE_SIZE);
	} else {
		frame->home = frame->data;
		frame->data = va;
	}
	fake_map_get(&u->map, frame, domid, gfn, 0);
	return 0;
}

/* A page that shows a frame which is shown elsewhere, too: only what was written here goes back. */
static void merge_snapshot(u8 *to, const u8 *now, const u8 *before)
{
	const u64 *now_words = (const u64 *)now, *before_words = (const u64 *)before;
	unsigned int word, i;

	/* By words first: this runs at every hypercall, and bytes seldom differ. */
	for (word = 0; word < PAGE_SIZE / 8; word++) {
		if (now_words[word] == before_words[word])
			continue;
		for (i = word * 8; i < word * 8 + 8; i++) {
			if (now[i] != before[i])
				to[i] = now[i];
		}
	}
}

/* Pages that show the same frame agree again: they are not really the same memory. */
void fake_mem_sync(void)
{
	struct fake_unpopulated *u;
	unsigned long pfn;

	if (!nr_snapshots)
		return;
	xa_for_each(&fake.unpopulated.xa, pfn, u) {
		if (u->snapshot)
			merge_snapshot(fake_frame_data(u->map.frame), page_address(u->page),
				       u->snapshot);
	}
	xa_for_each(&fake.unpopulated.xa, pfn, u) {
		if (!u->snapshot)
			continue;
		memcpy(page_address(u->page), fake_frame_data(u->map.frame), PAGE_SIZE);
		memcpy(u->snapshot, page_address(u->page), PAGE_SIZE);
	}
}

void fake_unpopulated_unmap(struct fake_unpopulated *u)
{
	struct fake_frame *frame = u->map.frame;
	void *va = page_address(u->page);

	if (u->snapshot) {
		merge_snapshot(fake_frame_data(frame), va, u->snapshot);
		kfree(u->snapshot);
		nr_snapshots--;
		u->snapshot = NULL;
	} else {
		memcpy(frame->home, va, PAGE_SIZE);
		frame->data = frame->home;
		frame->home = NULL;
	}
	memset(va, UNMAPPED_POISON, PAGE_SIZE);
	fake_map_put(&u->map, 0);
}

static int alloc_unpopulated(struct page **page)
{
	struct fake_unpopulated *u = fake_zalloc(sizeof(*u));

	u->page = alloc_page(GFP_ATOMIC);
	if (!u->page) {
		kfree(u);
		return -ENOMEM;
	}
	memset(page_address(u->page), UNMAPPED_POISON, PAGE_SIZE);
	fake_index_store(&fake.unpopulated, page_to_pfn(u->page), u);
	*page = u->page;
	return 0;
}

static void free_unpopulated(struct page *page)
{
	struct fake_unpopulated *u = fake_unpopulated_find(page_to_pfn(page));

	if (!u) {
		fake_error("an unpopulated page is freed that is none, or twice");
		return;
	}
	if (u->map.frame) {
		fake_error("an unpopulated page is freed while GFN %llx of domain %u is there",
			   u->map.gfn, u->map.domid);
		fake_unpopulated_unmap(u);
	}
	if (memchr_inv(page_address(page), UNMAPPED_POISON, PAGE_SIZE))
		fake_error("an unpopulated page was written while nothing was mapped there");
	fake_index_erase(&fake.unpopulated, page_to_pfn(page));
	__free_page(page);
	kfree(u);
}

/* What xen_alloc_unpopulated_pages() becomes without CONFIG_XEN_UNPOPULATED_ALLOC. */
int xen_alloc_ballooned_pages(unsigned int nr_pages, struct page **pages)
{
	struct fake_call_state state;
	int rc = fake_enter(&state, FAKE_CALL_UNPOPULATED);
	unsigned int i;

	for (i = 0; !rc && i < nr_pages; i++) {
		rc = alloc_unpopulated(&pages[i]);
		if (!rc)
			continue;
		while (i--)
			free_unpopulated(pages[i]);
		break;
	}
	return fake_leave(&state, rc);
}

void xen_free_ballooned_pages(unsigned int nr_pages, struct page **pages)
{
	unsigned long flags;
	unsigned int i;

	lock_irqsave(&flags);
	for (i = 0; i < nr_pages; i++)
		free_unpopulated(pages[i]);
	unlock_irqrestore(&flags);
}

/* Is there memory of dom0's own at the GFN? Xen frees it, to map there. */
static bool is_own_ram(u64 gfn)
{
	return pfn_valid(gfn) && !fake_unpopulated_find(gfn);
}

static bool is_mmio(u64 gfn)
{
	return fake.mmio_start <= gfn && gfn < fake.mmio_end;
}

/* From here on there are registers of a device in dom0's physmap, as Xen puts them there. */
void fake_xen_set_mmio(u64 gfn, u64 pages)
{
	fake.mmio_start = gfn;
	fake.mmio_end = gfn + pages;
}

/* What is mapped at a GFN of dom0's, NULL: nothing. */
static struct fake_map *foreign_at(u64 gpfn)
{
	struct fake_unpopulated *u = fake_unpopulated_find(gpfn);

	if (u)
		return u->map.frame ? &u->map : NULL;
	return fake_index_find(&fake.physmap, gpfn);
}

/* set_foreign_p2m_entry() at a GFN that holds no memory of dom0's */
static int set_foreign_entry(u64 gpfn, struct fake_frame *frame, domid_t domid, u64 gfn)
{
	struct fake_unpopulated *u = fake_unpopulated_find(gpfn);
	struct fake_map *map = foreign_at(gpfn);

	if (gpfn >> FAKE_GFN_BITS)
		return -EINVAL;
	if (map && map->frame == frame)
		return 0;
	if (map || is_mmio(gpfn)) {
		fake_error("Xen crashes dom0: what is at %llx is not replaced", gpfn);
		return -EPERM;
	}
	if (u)
		return fake_unpopulated_map(u, frame, domid, gfn);
	map = fake_zalloc(sizeof(*map));
	fake_index_store(&fake.physmap, gpfn, map);
	fake_map_get(map, frame, domid, gfn, gpfn);
	return 0;
}

/* p2m_add_foreign() frees memory that is there, which it cannot do with another domain's. */
static int add_foreign(const struct xen_add_to_physmap_range *range, unsigned int i)
{
	u64 gfn = range->idxs[i], gpfn = range->gpfns[i];
	struct fake_frame *frame;
	struct fake_domain *d;
	int rc;

	if (fake.mode != FAKE_PVH_DOM0)
		return -EPERM;
	rc = fake_remote_domain(range->foreign_domid, &d);
	if (rc)
		return rc;
	rc = fake_entry_failure(i, d->domid, gfn);
	if (rc)
		return rc;
	frame = fake_frame_of_gfn(d, gfn);
	if (!frame)
		return -EINVAL;
	if (is_own_ram(gpfn)) {
		fake_error("dom0's own memory at %llx is freed by a mapping over it", gpfn);
		return -EINVAL;
	}
	return foreign_at(gpfn) ? -ENXIO : set_foreign_entry(gpfn, frame, d->domid, gfn);
}

/* Each entry has its own status, also if there is no such domain. */
static long add_to_physmap_range(struct xen_add_to_physmap_range *range)
{
	unsigned int i;

	if (range->space != XENMAPSPACE_gmfn_foreign || range->domid != DOMID_SELF)
		return -EINVAL;
	if (fake_is_pv())
		return -EACCES;
	for (i = 0; i < range->size; i++) {
		if (range->gpfns[i] == ~0ULL)
			return -EINVAL;
		range->errs[i] = add_foreign(range, i);
	}
	return 0;
}

/* One IOTLB flush, complete before the reference goes. */
static long remove_from_physmap(struct xen_remove_from_physmap *remove)
{
	struct fake_unpopulated *u = fake_unpopulated_find(remove->gpfn);
	struct fake_map *map;

	if (fake_is_pv())
		return -EACCES;
	if (remove->domid != DOMID_SELF)
		return -EINVAL;
	if (is_own_ram(remove->gpfn)) {
		fake_error("dom0 frees its own memory at %lx", remove->gpfn);
		return -EINVAL;
	}
	if (fake_dev_map_reaches(remove->gpfn)) {
		fake_error("a mapping of Xen's own is removed at %lx", remove->gpfn);
		return -EINVAL;
	}
	map = u ? NULL : fake_index_erase(&fake.physmap, remove->gpfn);
	if (!map && !(u && u->map.frame))
		return -ENOENT;
	fake.flushes++;
	fake_record(FAKE_EVENT_FLUSH, u ? &u->map : map, remove->gpfn);
	if (u) {
		fake_unpopulated_unmap(u);
	} else {
		fake_map_put(map, remove->gpfn);
		kfree(map);
	}
	return 0;
}

static long maximum_gpfn(const domid_t *domid)
{
	struct fake_domain *d = fake_domain_find(*domid);

	if (!d)
		return -ESRCH;
	return fake_may_control(d) ? d->max_gfn : -EPERM;
}

/* At a GFN of the caller's choice; memory of its own that is there would be nowhere any more. */
static int map_resource(u64 gpfn, struct fake_frame *frame, domid_t domid)
{
	if (is_own_ram(gpfn)) {
		fake_error("dom0's own memory at %llx is lost by a mapping over it", gpfn);
		return -EINVAL;
	}
	return set_foreign_entry(gpfn, frame, domid, ~0ULL);
}

static int acquire_one(struct fake_domain *d, const struct xen_mem_acquire_resource *res,
		       unsigned int i)
{
	struct fake_frame *frame;
	int rc = fake_ioreq_frame(d, res->id, res->frame + i, &frame);

	if (rc)
		return rc;
	if (!fake_is_pv())
		return map_resource(res->frame_list[i], frame, d->domid);
	res->frame_list[i] = frame->mfn;
	return 0;
}

static long acquire_resource(struct xen_mem_acquire_resource *res)
{
	struct fake_domain *d;
	unsigned int i;
	int rc;

	if (fake.mode == FAKE_PVH_DOMU)
		return -EACCES;
	if (res->flags || res->frame >> 32)
		return -EINVAL;
	rc = fake_remote_domain(res->domid, &d);
	if (rc)
		return rc;
	if (!fake_may_control(d))
		return -EPERM;
	if (res->type != XENMEM_resource_ioreq_server || !res->nr_frames ||
	    res->id != (u16)res->id)
		return -EINVAL;
	for (i = 0; !rc && i < res->nr_frames; i++)
		rc = acquire_one(d, res, i);
	return rc;
}

/* What dom0 takes away is told to servers by each vCPU, as soon as it has something to say. */
static long decrease_reservation(struct xen_memory_reservation *r)
{
	struct fake_domain *d = fake_domain_find(r->domid);
	long rc = fake_reserve_op(XENMEM_decrease_reservation, r);

	if (d && rc > 0)
		fake_ioreq_request_invalidate(d);
	return rc;
}

static enum fake_call memory_call_kind(unsigned int cmd)
{
	switch (cmd) {
	case XENMEM_add_to_physmap_range:
		return FAKE_CALL_ADD_TO_PHYSMAP;
	case XENMEM_remove_from_physmap:
		return FAKE_CALL_REMOVE_FROM_PHYSMAP;
	case XENMEM_maximum_gpfn:
		return FAKE_CALL_MAXIMUM_GPFN;
	case XENMEM_acquire_resource:
		return FAKE_CALL_ACQUIRE;
	case XENMEM_populate_physmap:
		return FAKE_CALL_POPULATE;
	case XENMEM_decrease_reservation:
		return FAKE_CALL_DECREASE;
	default:
		return FAKE_CALL_ANY;
	}
}

static long memory_op(unsigned int cmd, void *arg)
{
	switch (cmd) {
	case XENMEM_add_to_physmap_range:
		return add_to_physmap_range(arg);
	case XENMEM_remove_from_physmap:
		return remove_from_physmap(arg);
	case XENMEM_maximum_gpfn:
		return maximum_gpfn(arg);
	case XENMEM_acquire_resource:
		return acquire_resource(arg);
	case XENMEM_decrease_reservation:
		return decrease_reservation(arg);
	case XENMEM_populate_physmap:
	case XENMEM_maximum_reservation:
	case XENMEM_current_reservation:
		return fake_reserve_op(cmd, arg);
	default:
		return -ENOSYS;
	}
}

long HYPERVISOR_memory_op(unsigned int cmd, void *arg)
{
	struct fake_call_state state;
	long rc = fake_enter(&state, memory_call_kind(cmd));

	return fake_leave(&state, rc ?: memory_op(cmd, arg));
}

/* devices */

/**
 * fake_dma_mfn - the frame that a device reaches
 * @bfn: the bus frame number that it uses
 *
 * PV: the IOMMU, if there is one, lets everything through (but for one that isolates): BFN == MFN,
 * or MFN + offset on XenServer's Xen. PVH: the caller's physmap.
 *
 * Return: the MFN, which is a PFN for dom0's own memory; FAKE_NO_MFN if the access goes nowhere.
 */
unsigned long fake_dma_mfn(u64 bfn)
{
	struct fake_map *map;

	if (fake_is_pv() && fake.isolated)
		return fake_dev_map_reaches(bfn) || pfn_valid(bfn) ? bfn : FAKE_NO_MFN;
	if (fake_is_pv())
		return bfn < fake.bfn_offset ? FAKE_NO_MFN : bfn - fake.bfn_offset;
	map = fake_index_find(&fake.physmap, bfn);
	if (map)
		return map->frame->mfn;
	return is_own_ram(bfn) ? bfn : FAKE_NO_MFN;
}

/*
 * Does a device reach the page that the guest has at a GFN now, and is the frame safe from
 * reuse?
 */
bool fake_dma_reaches(u64 bfn, domid_t domid, u64 gfn)
{
	unsigned long mfn = fake_dma_mfn(bfn);

	return mfn != FAKE_NO_MFN && mfn == fake_gfn_mfn(domid, gfn) && fake_mfn_refs(mfn);
}

/* While a reference goes: is there another one that keeps the frame behind the BFN? */
bool fake_bfn_held(u64 bfn)
{
	struct fake_frame *frame;

	if (!fake_is_pv())
		return false;	/* the mapping goes, whatever else holds the frame */
	frame = fake_frame_find(bfn);
	return frame && frame->refs > 1;
}

static void *dma_target(u64 bfn)
{
	unsigned long mfn = fake_dma_mfn(bfn);
	struct fake_frame *frame;

	if (mfn == FAKE_NO_MFN)
		return NULL;
	frame = fake_frame_find(mfn);
	if (frame)
		return fake_frame_data(frame);
	return is_own_ram(mfn) ? __va(mfn << PAGE_SHIFT) : NULL;
}

static int dma(u64 addr, void *data, size_t len, bool write)
{
	unsigned long flags;
	void *target;
	int rc = 0;

	lock_irqsave(&flags);
	fake_mem_sync();
	target = dma_target(PFN_DOWN(addr));
	if (!target || offset_in_page(addr) + len > PAGE_SIZE)
		rc = -EFAULT;
	else if (write)
		memcpy(target + offset_in_page(addr), data, len);
	else
		memcpy(data, target + offset_in_page(addr), len);
	unlock_irqrestore(&flags);
	return rc;
}

/* A device's accesses, within one page. -EFAULT: the IOMMU stops it, or there is nothing. */
int fake_dma_read(u64 addr, void *data, size_t len)
{
	return dma(addr, data, len, false);
}

int fake_dma_write(u64 addr, const void *data, size_t len)
{
	return dma(addr, (void *)data, len, true);
}
