// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's map operation: dm_op's dev_map, dev_unmap, dev_lookup and dev_info, for
 * callers of every kind.
 *
 * Each mapping is a record with a reference, and a page can be mapped several times. A mapping for
 * a translated caller is in the caller's physmap. A PV caller has the record only. With an IOMMU
 * that isolates, its devices reach the pages with records. An unmap clears the records first, then
 * flushes once, then drops the references.
 *
 * Source: include/xen/interface/hvm/dev_map.h. See fake_internal.h for the locking.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/interface/hvm/dev_map.h>

#include "fake_internal.h"

#define HIGHEST_BFN	((1ull << (46 - 12)) - 1)
#define UNMAP_BATCH	512	/* entries that share one flush */

struct fake_dev_map {
	struct fake_map map;	/* first, since a translated caller's physmap points to it */
	u64 bfn;
	u32 flags;
	struct fake_dev_map *next;	/* at the same BFN, or being unmapped */
};

void fake_dev_map_start(void)
{
	xa_init_flags(&fake.dev_maps, XA_FLAGS_LOCK_IRQ);
	fake.dev_map = false;
	fake.isolated = false;
	fake.nr_dev_maps = 0;
	fake.dev_map_limit = 1u << 20;
	fake.dev_map_stop = 0;
}

/*
 * Gives Xen the map operation. @isolated: a PV caller's devices reach what is mapped, and nothing
 * else, as those of a translated caller always do.
 */
void fake_xen_set_dev_map(bool isolated)
{
	fake.dev_map = true;
	fake.isolated = isolated || !fake_is_pv();
}

void fake_xen_set_dev_map_limit(u32 limit)
{
	fake.dev_map_limit = limit;
}

/* Makes the next call end with an error after some entries. The others stay as they are. */
void fake_xen_stop_dev_map(unsigned int entries, int error)
{
	fake.dev_map_stop = entries + 1;
	fake.dev_map_stop_error = error;
}

/* xsm_default_action(): dom0, or a domain whose target the guest is */
bool fake_may_control(const struct fake_domain *d)
{
	return fake.mode == FAKE_PV_DOM0 || fake.mode == FAKE_PVH_DOM0 || d->target;
}

static struct fake_dev_map *first_at(u64 bfn)
{
	return xa_load(&fake.dev_maps, bfn);
}

static void set_first(u64 bfn, struct fake_dev_map *record)
{
	unsigned int nth = fake_alloc_enter();

	if (!record)
		xa_erase(&fake.dev_maps, bfn);
	else if (xa_is_err(xa_store(&fake.dev_maps, bfn, record, GFP_ATOMIC)))
		panic("fake xen: out of memory\n");
	if (!fake_is_pv()) {
		if (!record)
			fake_index_erase(&fake.physmap, bfn);
		else
			fake_index_store(&fake.physmap, bfn, &record->map);
	}
	fake_alloc_leave(nth);
}

static struct fake_dev_map *find(domid_t domid, u64 bfn, u32 flags)
{
	struct fake_dev_map *record;

	for (record = first_at(bfn); record; record = record->next) {
		if (record->map.domid == domid && record->flags == flags)
			return record;
	}
	return NULL;
}

static void unlink(struct fake_dev_map *record)
{
	struct fake_dev_map *first = first_at(record->bfn), *before;

	if (first == record) {
		set_first(record->bfn, record->next);
	} else {
		for (before = first; before->next != record; before = before->next)
			;
		before->next = record->next;
	}
	record->next = NULL;
	fake.nr_dev_maps--;
}

/* Does a device reach the BFN, behind an IOMMU that isolates a PV caller? */
bool fake_dev_map_reaches(u64 bfn)
{
	return first_at(bfn);
}

bool fake_dev_map_writable(unsigned long mfn)
{
	struct fake_dev_map *record;
	unsigned long bfn;

	xa_for_each(&fake.dev_maps, bfn, record) {
		for (; record; record = record->next) {
			if (record->map.frame->mfn == mfn &&
			    !(record->flags & XEN_DMOP_DEV_MAP_readonly))
				return true;
		}
	}
	return false;
}

/* get_guest_page() */
static int look_at(struct fake_domain *d, u64 gfn, bool readonly)
{
	switch (fake_type_of_gfn(d, gfn)) {
	case FAKE_HOLE:
		return -ENOENT;
	case FAKE_RAM:
		return 0;
	case FAKE_RAM_RO:
		return readonly ? 0 : -EACCES;
	default:
		return -EPERM;
	}
}

/* In the order of map_one() and map_record(): the limit before the place. */
static int may_map(struct fake_domain *d, const struct xen_dm_op_dev_map_entry *entry)
{
	int rc;

	if (!fake_is_pv() && entry->bfn > HIGHEST_BFN)
		return -ERANGE;
	if (d->dying)
		return -ESRCH;
	rc = look_at(d, entry->gfn, entry->flags & XEN_DMOP_DEV_MAP_readonly);
	if (rc)
		return rc;
	if (fake.nr_dev_maps >= fake.dev_map_limit)
		return -ENOSPC;
	if (!fake_is_pv() && (fake_index_find(&fake.physmap, entry->bfn) || pfn_valid(entry->bfn)))
		return -EEXIST;
	return 0;
}

static int map_one(struct fake_domain *d, unsigned int i, struct xen_dm_op_dev_map_entry *entry)
{
	struct fake_frame *frame = fake_frame_of_gfn(d, entry->gfn);
	struct fake_dev_map *record;
	u64 bfn;
	int rc = fake_entry_failure(i, d->domid, entry->gfn) ?: may_map(d, entry);

	if (rc)
		return rc;
	bfn = fake_is_pv() ? frame->mfn : entry->bfn;
	record = fake_zalloc(sizeof(*record));
	record->bfn = bfn;
	record->flags = entry->flags;
	record->next = first_at(bfn);
	fake_map_get(&record->map, frame, d->domid, entry->gfn, bfn);
	set_first(bfn, record);
	fake.nr_dev_maps++;
	entry->bfn = bfn;
	return 0;
}

static int lookup_one(struct fake_domain *d, unsigned int i,
		      const struct xen_dm_op_dev_map_entry *entry)
{
	struct fake_dev_map *record = find(d->domid, entry->bfn, entry->flags);
	struct fake_frame *frame = fake_frame_of_gfn(d, entry->gfn);
	int rc = fake_entry_failure(i, DOMID_INVALID, 0);

	if (rc)
		return rc;
	if (!record)
		return -ENXIO;
	/* A look-up can fail for lack of memory, but never with -EPERM. */
	rc = fake_entry_failure(i, d->domid, entry->gfn);
	if (rc == -ENOMEM)
		return rc;
	if (!d->dying && fake_type_of_gfn(d, entry->gfn) == FAKE_FOREIGN)
		return -ESTALE;
	if (d->dying || !frame)
		return -ENOENT;
	return record->map.frame == frame ? 0 : -ESTALE;
}

/* One flush for all that was cleared, then the references. */
static void release(struct fake_dev_map *cleared)
{
	struct fake_dev_map *record, *next;

	for (record = cleared; record && fake.isolated; record = record->next)
		fake_record(FAKE_EVENT_FLUSH, &record->map, record->bfn);
	if (cleared && fake.isolated)
		fake.flushes++;
	for (record = cleared; record; record = next) {
		next = record->next;
		fake_map_put(&record->map, record->bfn);
		kfree(record);
	}
}

static int unmap_one(struct fake_domain *d, unsigned int i,
		     const struct xen_dm_op_dev_map_entry *entry, struct fake_dev_map **cleared)
{
	struct fake_dev_map *record = find(d->domid, entry->bfn, entry->flags);
	int rc;

	if (!record)
		return -ENOENT;
	rc = fake_unmap_failure(i, &record->map);
	if (rc)
		return rc;
	unlink(record);
	record->next = *cleared;
	*cleared = record;
	return 0;
}

/* Xen unmaps everything of the guest, as when the toolstack takes the target away. */
void fake_dev_map_revoke(domid_t domid)
{
	struct fake_dev_map *record, *next, *cleared = NULL;
	unsigned long flags, bfn;

	spin_lock_irqsave(&fake.lock, flags);
	xa_for_each(&fake.dev_maps, bfn, record) {
		for (; record; record = next) {
			next = record->next;
			if (record->map.domid != domid)
				continue;
			unlink(record);
			record->next = cleared;
			cleared = record;
		}
	}
	release(cleared);
	spin_unlock_irqrestore(&fake.lock, flags);
}

/*
 * The toolstack gives the caller control over a guest, or takes it away. When it takes it away, Xen
 * destroys the caller's servers of the guest and unmaps its pages (domain_remove_target()). A dying
 * guest cannot be given.
 */
void fake_domain_set_target(domid_t domid, bool target)
{
	unsigned long flags;
	struct fake_domain *d;
	bool taken;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	taken = d && d->target && !target;
	if (d)
		d->target = target && (d->target || !d->dying);
	spin_unlock_irqrestore(&fake.lock, flags);
	if (!taken)
		return;
	fake_ioreq_revoke(domid);
	fake_dev_map_revoke(domid);
}

/* Takes the guest away and gives it back at once, so that nobody notices. */
void fake_domain_retarget(domid_t domid)
{
	fake_domain_set_target(domid, false);
	fake_domain_set_target(domid, true);
}

static int work_on(struct fake_domain *d, u32 cmd, unsigned int i,
		   struct xen_dm_op_dev_map_entry *entry, struct fake_dev_map **cleared)
{
	if (entry->flags & ~XEN_DMOP_DEV_MAP_readonly)
		return -EINVAL;
	if (cmd == XEN_DMOP_dev_map)
		return map_one(d, i, entry);
	if (cmd == XEN_DMOP_dev_unmap)
		return unmap_one(d, i, entry, cleared);
	return lookup_one(d, i, entry);
}

static int work(struct fake_domain *d, u32 cmd, struct xen_dm_op_dev_map_entry *entries,
		unsigned int first, unsigned int n)
{
	struct fake_dev_map *cleared = NULL;
	unsigned int i;
	int rc = 0;

	for (i = first; i < n; i++) {
		if (fake.dev_map_stop && !--fake.dev_map_stop) {
			rc = fake.dev_map_stop_error;
			break;
		}
		entries[i].status = work_on(d, cmd, i, &entries[i], &cleared);
		if ((i - first) % UNMAP_BATCH != UNMAP_BATCH - 1)
			continue;
		release(cleared);
		cleared = NULL;
	}
	release(cleared);
	return rc;
}

static int info(struct xen_dm_op_dev_info *info, domid_t domid)
{
	struct fake_dev_map *record;
	unsigned long bfn;

	*info = (struct xen_dm_op_dev_info){
		.limit = fake.dev_map_limit,
		.nr_maps = fake.nr_dev_maps,
	};
	if (fake.isolated)
		info->flags |= XEN_DMOP_DEV_INFO_isolated;
	if (!fake_is_pv())
		info->flags |= XEN_DMOP_DEV_INFO_caller_bfn;
	xa_for_each(&fake.dev_maps, bfn, record) {
		for (; record; record = record->next)
			info->nr_guest_maps += record->map.domid == domid;
	}
	return 0;
}

/* A call for a GFN that no guest has probes for the operation. It does not count as a map. */
static bool is_question(const struct xen_dm_op_dev_map *map,
			const struct xen_dm_op_dev_map_entry *entries)
{
	return entries && map->nr_entries == 1 && entries->gfn >> (52 - 12 - 1);
}

enum fake_call fake_dev_map_kind(const u32 *op, const void *entries)
{
	switch (*op) {
	case XEN_DMOP_dev_map:
		return is_question((const void *)(op + 2), entries) ? FAKE_CALL_DEV_INFO :
		       FAKE_CALL_DEV_MAP;
	case XEN_DMOP_dev_unmap:
		return FAKE_CALL_DEV_UNMAP;
	case XEN_DMOP_dev_lookup:
		return FAKE_CALL_DEV_LOOKUP;
	case XEN_DMOP_dev_info:
		return FAKE_CALL_DEV_INFO;
	default:
		return FAKE_CALL_ANY;
	}
}

/* The dm_op calls of the map operation: an op of @op_size bytes, and entries. */
int fake_dev_map_op(domid_t domid, u32 *op, size_t op_size, void *entries, size_t size)
{
	struct xen_dm_op_dev_map *map = (void *)(op + 2);
	struct fake_domain *d;
	int rc;

	if (*op == XEN_DMOP_dev_info && domid == DOMID_SELF && fake.dev_map)
		return info((void *)(op + 2), domid);
	rc = fake_remote_domain(domid, &d);
	if (rc)
		return rc;
	if (!fake_may_control(d))
		return -EPERM;
	if (!fake.dev_map)
		return -EOPNOTSUPP;
	if (*op == XEN_DMOP_dev_info)
		return op_size < 8 + sizeof(struct xen_dm_op_dev_info) ? -EFAULT :
		       info((void *)(op + 2), domid);
	if (op_size < 8 + sizeof(*map))
		return -EFAULT;
	/* The caller continues at the entry that Xen returned. */
	if (op[1] || !entries || map->opaque > map->nr_entries ||
	    size < map->nr_entries * sizeof(struct xen_dm_op_dev_map_entry))
		return -EINVAL;
	return work(d, *op, entries, map->opaque, map->nr_entries);
}

void fake_dev_map_stop(void)
{
	struct fake_dev_map *record, *next;
	unsigned long bfn;

	xa_for_each(&fake.dev_maps, bfn, record) {
		if (!fake_is_pv())
			fake_index_erase(&fake.physmap, bfn);
		for (; record; record = next) {
			next = record->next;
			kfree(record);
		}
	}
	xa_destroy(&fake.dev_maps);
	fake.dev_map = false;
}

void fake_dev_map_check(struct kunit *test)
{
	KUNIT_EXPECT_EQ_MSG(test, fake.nr_dev_maps, 0u, "Xen has records of mappings left");
}
