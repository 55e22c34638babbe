// SPDX-License-Identifier: GPL-2.0
/*
 * The accesses of a guest that are trapped, and what they reach: the GTT half of BAR 0, the PVINFO
 * page, the register GFX_FLSH_CNTL, and writes to those pages of its memory that are page tables.
 *
 * GFX_FLSH_CNTL is what i915 writes after it changed GTT entries (gen6_ggtt_invalidate()):
 * a synchronisation point. Pages of memory are trapped by a memory type that one ioreq server of a
 * guest can have; if another one has it, or the guest has no nested paging, there are no PPGTTs.
 *
 * Invariants: whatever comes is answered, also for addresses that nothing is at. A write to a page
 * that is not one of tables any more is done all the same: it was trapped when it was.
 *
 * Locking: the mm's lock for a write to a page that is not one of tables any more; all other writes
 * and reads take short locks, and each vCPU copies guest memory by a page of its own.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "bar0.h"
#include "counters.h"
#include "dm_op.h"
#include "gtt_page.h"
#include "place.h"
#include "pte.h"
#include "trace.h"
#include "traps.h"
#include "vgpu.h"

#define GFX_FLSH_CNTL		0x101008
#define GFX_FLSH_CNTL_EN	BIT(0)

/* Guest-physical addresses have at most 52 bits. */
#define MEMORY_SIZE		BIT_ULL(52)

static void gtt_read(struct xengt_ioreq_target *target, u64 offset, void *data, unsigned int len)
{
	struct xengt_vgpu *vgpu = target->owner;

	xengt_ggtt_read(&vgpu->ggtt, offset, data, len);
}

static void gtt_write(struct xengt_ioreq_target *target, u64 offset, const void *data,
		      unsigned int len)
{
	struct xengt_vgpu *vgpu = target->owner;

	xengt_ggtt_write(&vgpu->ggtt, offset, data, len);
}

static void pvinfo_read(struct xengt_ioreq_target *target, u64 offset, void *data,
			unsigned int len)
{
	struct xengt_vgpu *vgpu = target->owner;

	xengt_pvinfo_read(&vgpu->traps.pvinfo, offset, data, len);
}

static void pvinfo_write(struct xengt_ioreq_target *target, u64 offset, const void *data,
			 unsigned int len)
{
	struct xengt_vgpu *vgpu = target->owner;

	xengt_pvinfo_write(&vgpu->traps.pvinfo, offset, data, len);
}

/* The bits of the register clear themselves. */
static void flush_read(struct xengt_ioreq_target *target, u64 offset, void *data,
		       unsigned int len)
{
	memset(data, 0, len);
}

static void flush_write(struct xengt_ioreq_target *target, u64 offset, const void *data,
			unsigned int len)
{
	struct xengt_vgpu *vgpu = target->owner;

	if (offset || !(*(const u8 *)data & GFX_FLSH_CNTL_EN))
		return;
	xengt_mm_wait_current(&vgpu->mm);
	xengt_ppgtts_sync(&vgpu->ppgtts);
}

static int count_copy(struct xengt_vgpu *vgpu, int rc)
{
	xengt_count(&vgpu->counters, XENGT_COUNT_COPY_FAILED, !!rc);
	return rc;
}

/* A copy to memory, within one page. */
struct copy {
	const struct xengt_ioreq_room *room;
	u64 addr;
	void *data;
	unsigned int len;
	int rc;
};

static void copy_plainly(void *arg)
{
	struct copy *copy = arg;

	copy->rc = xengt_foreign_page_copy(copy->room->page, copy->addr, copy->data, copy->len,
					   true);
}

static void copy_to_page(struct xengt_vgpu *vgpu, struct copy *copy)
{
	u64 gfn = copy->addr >> XENGT_PAGE_SHIFT;

	if (xengt_ggtt_has_gfn(&vgpu->ggtt, gfn))
		xengt_ggtt_write(&vgpu->ggtt,
				 copy->addr - (vgpu->ggtt.pages.base << XENGT_PAGE_SHIFT),
				 copy->data, copy->len);
	else
		xengt_ppgtts_store(&vgpu->ppgtts, copy->addr, copy->data, copy->len, copy_plainly,
				   copy);
}

/*
 * What the guest copies to its memory from what we answer for is written by us, and our writes are
 * not trapped: one to a page table, or to RAM at the GTT, has to be noted as the guest's own are.
 */
static int copy_to_guest(struct xengt_vgpu *vgpu, const struct xengt_ioreq_room *room, u64 addr,
			 unsigned int len)
{
	struct copy copy = { .room = room, .addr = addr, .data = room->buffer };

	for (; len && !copy.rc; len -= copy.len) {
		copy.len = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(copy.addr));
		copy_to_page(vgpu, &copy);
		copy.addr += copy.len;
		copy.data += copy.len;
	}
	return copy.rc;
}

static int copy_guest(struct xengt_ioreq_target *target, const struct xengt_ioreq_room *room,
		      u64 addr, unsigned int len, bool to_guest)
{
	struct xengt_vgpu *vgpu = target->owner;
	int rc;

	if (to_guest)
		rc = copy_to_guest(vgpu, room, addr, len);
	else
		rc = xengt_foreign_page_copy(room->page, addr, room->buffer, len, false);
	return count_copy(vgpu, rc);
}

/* A write within one page of memory. */
struct store {
	struct xengt_vgpu *vgpu;
	u64 addr;
	const void *data;
	unsigned int len;
};

static void store_plainly(void *arg)
{
	struct store *store = arg;
	struct xengt_vgpu *vgpu = store->vgpu;

	lockdep_assert_held(&vgpu->mm.lock);
	xengt_count(&vgpu->counters, XENGT_COUNT_PLAIN_WRITES, 1);
	count_copy(vgpu, xengt_foreign_page_copy(&vgpu->traps.plain_page, store->addr,
						 (void *)store->data, store->len, true));
}

static void memory_write(struct xengt_ioreq_target *target, u64 addr, const void *data,
			 unsigned int len)
{
	struct xengt_vgpu *vgpu = target->owner;
	struct store store = { .vgpu = vgpu, .addr = addr, .data = data };

	for (; len; len -= store.len) {
		store.len = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(store.addr));
		xengt_ppgtts_store(&vgpu->ppgtts, store.addr, store.data, store.len,
				   store_plainly, &store);
		store.addr += store.len;
		store.data += store.len;
	}
}

/* Tries the targets in turn; memory last, as it is everywhere. Only writes to it are trapped. */
static int reach_target(struct xengt_vgpu *vgpu, struct xen_ioreq *req,
			const struct xengt_ioreq_room *room)
{
	struct xengt_traps *traps = &vgpu->traps;
	int rc = xengt_ioreq_handle(&traps->gtt, req, room);

	if (rc == -ERANGE)
		rc = xengt_ioreq_handle(&traps->pvinfo_page, req, room);
	if (rc == -ERANGE)
		rc = xengt_ioreq_handle(&traps->flush, req, room);
	if (rc == -ERANGE && traps->claimed && req->dir == IOREQ_WRITE)
		rc = xengt_ioreq_handle(&traps->memory, req, room);
	return rc;
}

static void handle_memory(struct xengt_vgpu *vgpu, struct xen_ioreq *req,
			  const struct xengt_ioreq_room *room)
{
	xengt_count(&vgpu->counters, XENGT_COUNT_TRAPS, 1);
	xengt_count(&vgpu->counters,
		    req->dir == IOREQ_READ ? XENGT_COUNT_READS : XENGT_COUNT_WRITES, 1);
	xengt_count(&vgpu->counters, XENGT_COUNT_REPS, req->count > 1);
	trace_xengt_trap(vgpu->config.domid, req->dir == IOREQ_READ, req->addr, req->size,
			 req->count);
	if (reach_target(vgpu, req, room) == -ERANGE)
		xengt_count(&vgpu->counters, XENGT_COUNT_BAD_RANGE, 1);
}

/* Xen destroys the server when the guest is taken from a driver domain. */
static void on_gone(struct xengt_ioreq_server *server)
{
	struct xengt_vgpu *vgpu = container_of(server, struct xengt_vgpu, traps.server);

	xen_gpu_domain_suspect(vgpu->domain);
}

static void handle_ioreq(struct xengt_ioreq_server *server, struct xen_ioreq *req,
			 const struct xengt_ioreq_room *room)
{
	struct xengt_vgpu *vgpu = container_of(server, struct xengt_vgpu, traps.server);

	switch (req->type) {
	case IOREQ_TYPE_COPY:
		handle_memory(vgpu, req, room);
		break;
	case IOREQ_TYPE_INVALIDATE:
		xengt_count(&vgpu->counters, XENGT_COUNT_INVALIDATES, 1);
		xengt_writes_unsettle(&vgpu->mm);
		xen_gpu_balloon_event(vgpu->domain);
		break;
	default:
		xengt_count(&vgpu->counters, XENGT_COUNT_UNHANDLED, 1);
		if (req->dir == IOREQ_READ)
			req->data = U64_MAX;
		break;
	}
}

static int on_ppgtt(struct xengt_pvinfo *pvinfo, bool create, const struct xengt_ppgtt_root *root)
{
	struct xengt_vgpu *vgpu = container_of(pvinfo, struct xengt_vgpu, traps.pvinfo);

	if (!vgpu->traps.claimed)
		return -EOPNOTSUPP;
	xengt_mm_wait_current(&vgpu->mm);
	return create ? xengt_ppgtts_create(&vgpu->ppgtts, root) :
			xengt_ppgtts_destroy(&vgpu->ppgtts, root);
}

/* A context that is made or freed changes no table, but the guest may think that it does. */
static void on_context(struct xengt_pvinfo *pvinfo, bool create, u64 descriptor)
{
	struct xengt_vgpu *vgpu = container_of(pvinfo, struct xengt_vgpu, traps.pvinfo);

	xengt_mm_wait_current(&vgpu->mm);
	xengt_ppgtts_sync(&vgpu->ppgtts);
}

/* What a driver that is gone has announced ends once the next one has loaded: not before. */
static void on_driver(struct xengt_pvinfo *pvinfo, bool loaded)
{
	struct xengt_vgpu *vgpu = container_of(pvinfo, struct xengt_vgpu, traps.pvinfo);

	if (!loaded)
		xengt_ppgtts_mark_old(&vgpu->ppgtts);
	else if (xengt_ppgtts_end_old(&vgpu->ppgtts))
		xengt_count(&vgpu->counters, XENGT_COUNT_DRIVERS_GONE, 1);
}

static const struct xengt_pvinfo_ops pvinfo_ops = {
	.ppgtt = on_ppgtt,
	.context = on_context,
	.driver = on_driver,
};

static void init_targets(struct xengt_vgpu *vgpu)
{
	const struct xengt_gtt_format *format = vgpu->mm.format;
	struct xengt_traps *traps = &vgpu->traps;
	u64 bar0 = vgpu->config.bar0;

	traps->gtt = (struct xengt_ioreq_target){
		.start = bar0 + format->gtt_offset,
		.size = (u64)format->gtt_entries * format->ggtt->size,
		.owner = vgpu,
		.read = gtt_read,
		.write = gtt_write,
		.copy_guest = copy_guest,
	};
	traps->pvinfo_page = (struct xengt_ioreq_target){
		.start = bar0 + XENGT_VGT_PVINFO_PAGE,
		.size = XENGT_VGT_PVINFO_SIZE,
		.owner = vgpu,
		.read = pvinfo_read,
		.write = pvinfo_write,
		.copy_guest = copy_guest,
	};
	traps->flush = (struct xengt_ioreq_target){
		.start = bar0 + GFX_FLSH_CNTL,
		.size = sizeof(u32),
		.owner = vgpu,
		.read = flush_read,
		.write = flush_write,
		.copy_guest = copy_guest,
	};
	traps->memory = (struct xengt_ioreq_target){
		.size = MEMORY_SIZE,
		.owner = vgpu,
		.write = memory_write,
		.copy_guest = copy_guest,
	};
}

/*
 * What a guest's driver may use: PPGTTs, with pages of all sizes; not with roots in the GGTT. i915
 * takes them only together with an emulated hardware status page, which is the mediator's to give
 * that runs the guest's work.
 */
static u32 pvinfo_caps(const struct xengt_vgpu *vgpu)
{
	if (vgpu->mm.format->root_in_ggtt)
		return 0;
	return XENGT_VGT_CAPS_FULL_PPGTT | XENGT_VGT_CAPS_HWSP_EMULATION | XENGT_VGT_CAPS_HUGE_GTT;
}

static int init_pvinfo(struct xengt_vgpu *vgpu)
{
	struct xengt_pvinfo_config config = {
		.mappable_base = vgpu->config.base[0],
		.mappable_size = vgpu->config.size[0],
		.hidden_base = vgpu->config.base[1],
		.hidden_size = vgpu->config.size[1],
		.fences = vgpu->config.fences,
		.caps = vgpu->traps.claimed ? pvinfo_caps(vgpu) : 0,
	};

	int rc = xengt_pvinfo_init(&vgpu->traps.pvinfo, &config, &pvinfo_ops, &vgpu->counters);

	if (rc)
		xengt_vgpu_err(vgpu, "the share does not fit into PVINFO: 4 GiB or more\n");
	return rc;
}

static int take_range(struct xengt_vgpu *vgpu, const struct xengt_ioreq_target *target)
{
	return xengt_ioreq_server_add_range(&vgpu->traps.server, target->start,
					    target->start + target->size - 1);
}

static void claim_writes(struct xengt_vgpu *vgpu)
{
	struct xengt_traps *traps = &vgpu->traps;
	int rc = xengt_dm_claim_writes(vgpu->config.domid, traps->server.id, true);

	traps->claimed = !rc;
	if (rc)
		pr_warn("%s: no PPGTTs, since writes to the memory of domain %u cannot be trapped: %d\n",
			vgpu->name, vgpu->config.domid, rc);
}

/* So that pages of the GGTT can be opened. */
static void put_ram(struct xengt_vgpu *vgpu)
{
	struct xengt_gtt_ram *ram = &vgpu->traps.ram;

	if (!vgpu->traps.claimed || vgpu->config.mode != XENGT_MODE_HYBRID) {
		xengt_gtt_ram_remove_found(ram);
		return;
	}
	if (xengt_gtt_pages_use_ram(&vgpu->ggtt, ram))
		return;
	pr_info("%s: all writes to the GGTT are trapped: domain %u has no room for %lu to %lu pages (videoram, xl mem-max)\n",
		vgpu->name, vgpu->config.domid, xengt_gtt_pages_count(&vgpu->ggtt), ram->n);
}

/*
 * RAM that was found at the GTT, and that is not used, is taken away: where it is, no access is
 * trapped.
 */
static int settle_ram(struct xengt_vgpu *vgpu)
{
	struct xengt_gtt_ram *ram = &vgpu->traps.ram;
	int rc = xengt_gtt_pages_take_found(&vgpu->ggtt, ram);

	if (rc) {
		xengt_vgpu_err(vgpu, "RAM at the GTT of domain %u cannot be read: %d\n",
			       vgpu->config.domid, rc);
		return rc;
	}
	put_ram(vgpu);
	if (!xengt_gtt_ram_is_left(ram))
		return 0;
	xengt_vgpu_err(vgpu, "Xen does not take RAM away from the GTT of domain %u\n",
		       vgpu->config.domid);
	return -EADDRINUSE;
}

static int init_ram(struct xengt_vgpu *vgpu)
{
	const struct xengt_ioreq_target *gtt = &vgpu->traps.gtt;

	return xengt_gtt_ram_init(&vgpu->traps.ram, vgpu->config.domid,
				  gtt->start >> XENGT_PAGE_SHIFT, gtt->size >> XENGT_PAGE_SHIFT);
}

static int take_ranges(struct xengt_vgpu *vgpu)
{
	return take_range(vgpu, &vgpu->traps.gtt) ?: take_range(vgpu, &vgpu->traps.pvinfo_page);
}

/*
 * Starts to take the guest's accesses. 0 or an error, when nothing is left behind but RAM that was
 * put there, which is given back when it is not mapped any more.
 */
int xengt_traps_start(struct xengt_vgpu *vgpu)
{
	struct xengt_traps *traps = &vgpu->traps;
	int rc;

	init_targets(vgpu);
	traps->claimed = false;
	traps->untrap_error = 0;
	rc = init_ram(vgpu);
	if (rc)
		return rc;
	rc = xengt_bar0_look(vgpu);
	if (rc)
		return rc;
	rc = xengt_foreign_page_init(&traps->plain_page, vgpu->config.domid);
	if (rc)
		return rc;
	traps->server.handle = handle_ioreq;
	traps->server.gone = on_gone;
	rc = xengt_ioreq_server_start(&traps->server, vgpu->config.domid, traps->flush.start,
				      traps->flush.start + traps->flush.size - 1);
	if (rc)
		goto exit;
	claim_writes(vgpu);
	rc = init_pvinfo(vgpu) ?: settle_ram(vgpu) ?: take_ranges(vgpu);
	if (rc)
		goto stop;
	return 0;

stop:
	xengt_traps_stop(vgpu);
	xengt_gtt_ram_disown_found(&traps->ram);
	return rc;
exit:
	xengt_foreign_page_exit(&traps->plain_page);
	return rc;
}

/* Takes no more of the guest's accesses; no page of its memory is trapped any more. */
void xengt_traps_stop(struct xengt_vgpu *vgpu)
{
	struct xengt_traps *traps = &vgpu->traps;

	if (traps->claimed)
		xengt_dm_claim_writes(vgpu->config.domid, traps->server.id, false);
	xengt_ioreq_server_stop(&traps->server);
	xengt_foreign_page_exit(&traps->plain_page);
}

/*
 * Xen stops at a page that it cannot change, when those before it are done. How many are, or an
 * error if none is.
 */
static int untrap_pages(domid_t domid, u64 gfn, unsigned int n)
{
	int rc = xengt_dm_set_write_trap(domid, gfn, n, false);
	unsigned int done = 0;

	if (!rc)
		return n;
	while (done < n && !xengt_dm_is_write_trapped(domid, gfn + done))
		done++;
	return done ?: rc;
}

/* One that cannot be trapped is gone, or another one: all are looked at, as after an event. */
static void trap_again(struct xengt_vgpu *vgpu, u64 gfn, unsigned int n)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < n; i++)
		rc = xengt_dm_set_write_trap(vgpu->config.domid, gfn + i, 1, true) ?: rc;
	if (!rc)
		return;
	xengt_writes_unsettle(&vgpu->mm);
	xen_gpu_balloon_event(vgpu->domain);
}

static int untrap_held(struct xengt_vgpu *vgpu, u64 gfn, unsigned int n)
{
	struct xengt_ioreq_server *server = &vgpu->traps.server;
	int done;

	n = xengt_ioreq_server_quiet(server, gfn, n);
	if (!n)
		return -EBUSY;
	done = untrap_pages(vgpu->config.domid, gfn, n);
	if (done < 0)
		return done;
	/* Had one found a trap before it went? Then, or if nobody knows, they are set again. */
	if (!xengt_ioreq_server_settle(server) &&
	    xengt_ioreq_server_quiet(server, gfn, done) == done)
		return done;
	trap_again(vgpu, gfn, done);
	return -EBUSY;
}

/*
 * Takes the traps from n pages, or from those before the first one that a vCPU is in the middle of
 * a write to (see ioreq_server.c). How many these are; -EBUSY if it is none, or Xen does not tell
 * afterwards, when the pages are trapped, though they may have been written without a trap for a
 * moment; -EAGAIN if Xen does not let answers be held back, -ESRCH if the guest is gone; or an
 * error of Xen's in taking the first one.
 */
int xengt_traps_untrap(struct xengt_vgpu *vgpu, u64 gfn, unsigned int n)
{
	struct xengt_ioreq_server *server = &vgpu->traps.server;
	u64 start = gfn << XENGT_PAGE_SHIFT;
	bool held = false;
	int done;

	lockdep_assert_held(&vgpu->mm.lock);
	done = xengt_ioreq_server_hold(server, start, start + ((u64)n << XENGT_PAGE_SHIFT) - 1);
	if (!done) {
		held = true;
		done = untrap_held(vgpu, gfn, n);
		xengt_ioreq_server_go_on(server);
	} else if (done == -ENOENT) {
		/* Xen has destroyed the server: there is nobody whose answers it would wait for. */
		held = true;
		done = untrap_pages(vgpu->config.domid, gfn, n);
	}
	if (done < 0)
		vgpu->traps.untrap_error = done;
	/* That answers cannot be held back says nothing about the pages: -EINVAL would. */
	if (!held && done < 0 && done != -ESRCH)
		done = -EAGAIN;
	xengt_count(&vgpu->counters, XENGT_COUNT_UNTRAPS_BUSY, done == -EBUSY);
	return done;
}
