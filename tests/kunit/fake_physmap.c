// SPDX-License-Identifier: GPL-2.0
/*
 * XENMEM_* calls, and the physmap of dom0 (or of a driver domain) that they change.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/page.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <asm/xen/hypercall.h>

#include "fake_internal.h"

/* Is there RAM of dom0's own at the GFN? Xen would free it to map something there. */
bool fake_is_own_ram(u64 gfn)
{
	return pfn_valid(gfn) && !fake_unpopulated_find(gfn);
}

static bool is_mmio(u64 gfn)
{
	return fake.mmio_start <= gfn && gfn < fake.mmio_end;
}

/* Puts the registers of a device into dom0's physmap, as Xen does. */
void fake_xen_set_mmio(u64 gfn, u64 pages)
{
	fake.mmio_start = gfn;
	fake.mmio_end = gfn + pages;
}

/* Returns what is mapped at a GFN of dom0's, or NULL. */
static struct fake_map *foreign_at(u64 gpfn)
{
	struct fake_unpopulated *u = fake_unpopulated_find(gpfn);

	if (u)
		return u->map.frame ? &u->map : NULL;
	return fake_index_find(&fake.physmap, gpfn);
}

/* set_foreign_p2m_entry(), at a GFN without RAM of dom0's */
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

/* p2m_add_foreign(): it would free RAM at the GFN, but cannot replace a page of another domain. */
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
	if (fake_is_own_ram(gpfn)) {
		fake_error("dom0's own memory at %llx is freed by a mapping over it", gpfn);
		return -EINVAL;
	}
	return foreign_at(gpfn) ? -ENXIO : set_foreign_entry(gpfn, frame, d->domid, gfn);
}

/* Each entry has its own status, even if the domain does not exist. */
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

/* One IOTLB flush, which is complete before the reference is dropped. */
static long remove_from_physmap(struct xen_remove_from_physmap *remove)
{
	struct fake_unpopulated *u = fake_unpopulated_find(remove->gpfn);
	struct fake_map *map;

	if (fake_is_pv())
		return -EACCES;
	if (remove->domid != DOMID_SELF)
		return -EINVAL;
	if (fake_is_own_ram(remove->gpfn)) {
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

/* Maps a resource at a GFN of the caller's. RAM of the caller there would be lost. */
static int map_resource(u64 gpfn, struct fake_frame *frame, domid_t domid)
{
	if (fake_is_own_ram(gpfn)) {
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

/* After a decrease by dom0 each vCPU notifies its servers, with its next request. */
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
