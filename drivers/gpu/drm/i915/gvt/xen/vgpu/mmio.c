// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's trapped accesses: to the GTT in BAR 0, to the PVINFO page, to the register
 * GFX_FLSH_CNTL, to the configuration space, and writes to write-protected pages of its memory,
 * which are page tables.
 *
 * i915 writes GFX_FLSH_CNTL after it has changed GTT entries (gen6_ggtt_invalidate()), so a write
 * to it is a synchronisation point.
 *
 * With a mediator all registers trap, and are its own, but for the PVINFO page and GFX_FLSH_CNTL.
 * An access to several owners is cut, and each gets its part.
 *
 * Invariants: every request is answered, also if there is nothing at its address. A trapped write
 * to a page that is not a page table any more is done as a plain write: the page was one when the
 * write trapped. The mediator hears of what the guest does after it was done here.
 *
 * Locking: several vCPUs' requests are handled in parallel. A write to a page that is not a page
 * table any more, and whatever syncs, takes the shadow's lock. Other reads and writes take the
 * dirty lock or the PVINFO page's lock; the GGTT's take the shadow's lock while a page is being
 * remapped. Each vCPU has a scratch buffer and a page of its own to copy guest memory. No lock is
 * held while the mediator is called, but for that of the vCPU, which only its requests take.
 */

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "abi/pte.h"
#include "bar0.h"
#include "config.h"
#include "counters.h"
#include "gtt.h"
#include "guest_mem.h"
#include "mediation.h"
#include "mmio.h"
#include "shadow/dirty.h"
#include "trace.h"

#define GFX_FLSH_CNTL		0x101008
#define GFX_FLSH_CNTL_EN	BIT(0)

/* Of the address of a request: the offset into the configuration space, in bytes */
#define CONFIG_OFFSET		0xfff

static void gtt_read(struct xengt_ioreq_target *target, u64 offset, void *data, unsigned int len)
{
	struct xengt_mmio *mmio = target->owner;

	xengt_ggtt_read(&mmio->gtt->ggtt, offset, data, len);
}

static void gtt_write(struct xengt_ioreq_target *target, u64 offset, const void *data,
		      unsigned int len)
{
	struct xengt_mmio *mmio = target->owner;

	xengt_ggtt_write(&mmio->gtt->ggtt, offset, data, len);
}

static void pvinfo_read(struct xengt_ioreq_target *target, u64 offset, void *data,
			unsigned int len)
{
	struct xengt_mmio *mmio = target->owner;

	xengt_pvinfo_read(&mmio->pvinfo, offset, data, len);
}

static void pvinfo_write(struct xengt_ioreq_target *target, u64 offset, const void *data,
			 unsigned int len)
{
	struct xengt_mmio *mmio = target->owner;

	xengt_pvinfo_write(&mmio->pvinfo, offset, data, len);
}

/* The register reads as 0: its bits clear themselves. */
static void flush_read(struct xengt_ioreq_target *target, u64 offset, void *data,
		       unsigned int len)
{
	memset(data, 0, len);
}

static void flush_write(struct xengt_ioreq_target *target, u64 offset, const void *data,
			unsigned int len)
{
	struct xengt_mmio *mmio = target->owner;

	if (offset || !(*(const u8 *)data & GFX_FLSH_CNTL_EN))
		return;
	xengt_shadow_wait_current(&mmio->gtt->shadow);
	xengt_gtt_sync(mmio->gtt);
	xengt_mediation_flush(mmio->mediation);
}

/*
 * Returns how many of @len bytes at an offset into BAR 0 have one owner. It is *@target, or the
 * mediator if that is NULL.
 */
static unsigned int cut_owner(struct xengt_mmio *mmio, u64 offset, unsigned int len,
			      struct xengt_ioreq_target **target)
{
	struct xengt_ioreq_target *const ours[] = { &mmio->pvinfo_page, &mmio->flush };
	unsigned int i;

	*target = NULL;
	for (i = 0; i < ARRAY_SIZE(ours); i++) {
		if (offset < ours[i]->start) {
			len = min_t(u64, len, ours[i]->start - offset);
		} else if (offset - ours[i]->start < ours[i]->size) {
			*target = ours[i];
			return min_t(u64, len, ours[i]->start + ours[i]->size - offset);
		}
	}
	return len;
}

static void registers_read(struct xengt_ioreq_target *registers, u64 offset, void *data,
			   unsigned int len)
{
	struct xengt_mmio *mmio = registers->owner;
	struct xengt_ioreq_target *target;
	unsigned int part;

	for (; len; len -= part) {
		part = cut_owner(mmio, offset, len, &target);
		if (target)
			target->read(target, offset - target->start, data, part);
		else
			xengt_mediation_read(mmio->mediation, offset, data, part);
		offset += part;
		data += part;
	}
}

static void registers_write(struct xengt_ioreq_target *registers, u64 offset, const void *data,
			    unsigned int len)
{
	struct xengt_mmio *mmio = registers->owner;
	struct xengt_ioreq_target *target;
	unsigned int part;

	for (; len; len -= part) {
		part = cut_owner(mmio, offset, len, &target);
		if (target)
			target->write(target, offset - target->start, data, part);
		else
			xengt_mediation_write(mmio->mediation, offset, data, part);
		offset += part;
		data += part;
	}
}

/* Counts a failed copy; returns @rc. */
static int count_copy(struct xengt_mmio *mmio, int rc)
{
	xengt_count(mmio->counters, XENGT_COUNT_COPY_FAILED, !!rc);
	return rc;
}

/* Copies len bytes between the scratch buffer and the guest's memory at @addr. 0 or an error. */
static int copy_guest(struct xengt_ioreq_target *target, const struct xengt_ioreq_scratch *scratch,
		      u64 addr, unsigned int len, bool to_guest)
{
	struct xengt_mmio *mmio = target->owner;

	return count_copy(mmio, xengt_guest_mem_copy(mmio->gtt, scratch->page, addr,
						     scratch->buffer, len, to_guest));
}

/* Does a trapped write to memory, within one page: to a page table, or to plain memory. */
static void store_to_page(struct xengt_mmio *mmio, u64 addr, const void *data, unsigned int len)
{
	int rc = xengt_gtt_store(mmio->gtt, addr, data, len, &mmio->plain_page);

	if (rc > 0)
		return;
	xengt_count(mmio->counters, XENGT_COUNT_PLAIN_WRITES, 1);
	count_copy(mmio, rc);
}

static void memory_write(struct xengt_ioreq_target *target, u64 addr, const void *data,
			 unsigned int len)
{
	struct xengt_mmio *mmio = target->owner;
	unsigned int piece;

	for (; len; len -= piece) {
		piece = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(addr));
		store_to_page(mmio, addr, data, piece);
		addr += piece;
		data += piece;
	}
}

/* Without a mediator: tries the targets in BAR 0 in turn. */
static int reach_alone(struct xengt_mmio *mmio, struct xen_ioreq *req,
		       const struct xengt_ioreq_scratch *scratch, u64 bar0)
{
	struct xengt_ioreq_target *const targets[] = {
		&mmio->gtt_half, &mmio->pvinfo_page, &mmio->flush,
	};
	struct xengt_ioreq_target target;
	unsigned int i;
	int rc = -ERANGE;

	for (i = 0; i < ARRAY_SIZE(targets) && rc == -ERANGE; i++) {
		target = *targets[i];
		target.start += bar0;
		rc = xengt_ioreq_handle(&target, req, scratch);
	}
	return rc;
}

/* With a mediator: all of BAR 0 is served, and an access can be to both of its halves. */
static int reach_mediated(struct xengt_mmio *mmio, struct xen_ioreq *req,
			  const struct xengt_ioreq_scratch *scratch, u64 bar0)
{
	struct xengt_ioreq_target registers = mmio->registers, gtt_half = mmio->gtt_half;
	int rc, more;

	registers.start += bar0;
	gtt_half.start += bar0;
	rc = xengt_ioreq_handle(&registers, req, scratch);
	more = xengt_ioreq_handle_more(&gtt_half, req, scratch);
	return rc == -ERANGE ? more : rc;
}

/* BAR 0 decodes nothing any more: the access was to where it was. */
static int reach_nothing(struct xen_ioreq *req)
{
	if (req->dir == IOREQ_READ && !req->data_is_ptr)
		req->data = U64_MAX;
	return -ERANGE;
}

/*
 * Memory comes last, since it covers all addresses; only writes to it trap. -ERANGE if no target is
 * at the address.
 */
static int reach_target(struct xengt_mmio *mmio, struct xen_ioreq *req,
			const struct xengt_ioreq_scratch *scratch)
{
	u64 bar0 = READ_ONCE(mmio->bar0);
	int rc;

	if (bar0 == XENGT_BAR0_NONE)
		rc = reach_nothing(req);
	else if (xengt_mediation_attached(mmio->mediation))
		rc = reach_mediated(mmio, req, scratch, bar0);
	else
		rc = reach_alone(mmio, req, scratch, bar0);
	if (rc == -ERANGE && mmio->claimed && req->dir == IOREQ_WRITE)
		rc = xengt_ioreq_handle(&mmio->memory, req, scratch);
	return rc;
}

static void handle_memory(struct xengt_mmio *mmio, struct xen_ioreq *req,
			  const struct xengt_ioreq_scratch *scratch)
{
	xengt_count(mmio->counters, XENGT_COUNT_TRAPS, 1);
	xengt_count(mmio->counters,
		    req->dir == IOREQ_READ ? XENGT_COUNT_READS : XENGT_COUNT_WRITES, 1);
	xengt_count(mmio->counters, XENGT_COUNT_REPS, req->count > 1);
	trace_xengt_trap(mmio->config->domid, req->dir == IOREQ_READ, req->addr, req->size,
			 req->count);
	if (reach_target(mmio, req, scratch) == -ERANGE)
		xengt_count(mmio->counters, XENGT_COUNT_BAD_RANGE, 1);
}

/*
 * Xen destroyed the ioreq server, as it does when the guest is taken from this driver domain (see
 * Documentation/driver-domain.rst). The mapping service checks whether the guest is lost.
 */
static void on_gone(struct xengt_ioreq_server *server)
{
	struct xengt_mmio *mmio = container_of(server, struct xengt_mmio, server);

	xen_gpu_domain_suspect(mmio->gtt->shadow.client.domain);
}

static void handle_config(struct xengt_mmio *mmio, struct xen_ioreq *req)
{
	u32 offset = req->addr & CONFIG_OFFSET;
	bool sound = !req->data_is_ptr && req->count <= 1 && is_power_of_2(req->size) &&
		     req->size <= sizeof(u32) && IS_ALIGNED(offset, req->size);
	bool emulated = xengt_mediation_has_config(mmio->mediation);
	u32 value = U32_MAX;

	xengt_count(mmio->counters, emulated ? XENGT_COUNT_TRAPS : XENGT_COUNT_UNHANDLED, 1);
	if (sound && emulated)
		value = xengt_mediation_config(mmio->mediation, offset, req->size,
					       req->dir == IOREQ_WRITE, req->data);
	if (req->dir == IOREQ_READ)
		req->data = value;
}

static void handle_ioreq(struct xengt_ioreq_server *server, struct xen_ioreq *req,
			 const struct xengt_ioreq_scratch *scratch)
{
	struct xengt_mmio *mmio = container_of(server, struct xengt_mmio, server);

	switch (req->type) {
	case IOREQ_TYPE_COPY:
		handle_memory(mmio, req, scratch);
		break;
	case IOREQ_TYPE_PCI_CONFIG:
		handle_config(mmio, req);
		break;
	case IOREQ_TYPE_INVALIDATE:
		xengt_count(mmio->counters, XENGT_COUNT_INVALIDATES, 1);
		xengt_dirty_want_rescan(&mmio->gtt->shadow);
		xen_gpu_balloon_event(mmio->gtt->shadow.client.domain);
		break;
	default:
		xengt_count(mmio->counters, XENGT_COUNT_UNHANDLED, 1);
		if (req->dir == IOREQ_READ)
			req->data = U64_MAX;
		break;
	}
}

/**
 * xengt_mmio_init - say what handles a guest's accesses
 * @mmio: what handles them; its page tables and its mediator are set
 *
 * Sets the targets, and what the ioreq server calls, which is not started yet.
 */
void xengt_mmio_init(struct xengt_mmio *mmio)
{
	const struct xengt_gtt_format *format = mmio->gtt->shadow.format;

	mmio->server.handle = handle_ioreq;
	mmio->server.gone = on_gone;
	mmio->gtt_half = (struct xengt_ioreq_target){
		.start = format->gtt_offset,
		.size = (u64)format->gtt_entries * format->ggtt->size,
		.owner = mmio,
		.read = gtt_read,
		.write = gtt_write,
		.copy_guest = copy_guest,
	};
	mmio->registers = (struct xengt_ioreq_target){
		.size = format->gtt_offset,
		.each_item = true,
		.owner = mmio,
		.read = registers_read,
		.write = registers_write,
		.copy_guest = copy_guest,
	};
	mmio->pvinfo_page = (struct xengt_ioreq_target){
		.start = XENGT_VGT_PVINFO_PAGE,
		.size = XENGT_VGT_PVINFO_SIZE,
		.owner = mmio,
		.read = pvinfo_read,
		.write = pvinfo_write,
		.copy_guest = copy_guest,
	};
	mmio->flush = (struct xengt_ioreq_target){
		.start = GFX_FLSH_CNTL,
		.size = sizeof(u32),
		.owner = mmio,
		.read = flush_read,
		.write = flush_write,
		.copy_guest = copy_guest,
	};
	mmio->memory = (struct xengt_ioreq_target){
		.size = XENGT_MEMORY_SIZE,
		.owner = mmio,
		.write = memory_write,
		.copy_guest = copy_guest,
	};
}
