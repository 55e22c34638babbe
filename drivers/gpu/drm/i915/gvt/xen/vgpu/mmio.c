// SPDX-License-Identifier: GPL-2.0
/*
 * Handles a guest's trapped accesses: to the GTT in BAR 0, to the PVINFO page, to the register
 * GFX_FLSH_CNTL, and writes to write-protected pages of its memory, which are page tables.
 *
 * i915 writes GFX_FLSH_CNTL after it has changed GTT entries (gen6_ggtt_invalidate()), so a write
 * to it is a synchronisation point. Xen write-protects pages of memory by a memory type that only
 * one ioreq server of a guest can claim. If another server has claimed it, or the guest does not
 * use hardware-assisted paging, there are no PPGTTs.
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

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/printk.h>
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
#include "xen/dm_op.h"

#define GFX_FLSH_CNTL		0x101008
#define GFX_FLSH_CNTL_EN	BIT(0)

/* Where a guest has its GPU, as machines have it: device 2, function 0 */
#define GPU_DEVFN		PCI_DEVFN(2, 0)
/* Of the address of a request: the offset into the configuration space, in bytes */
#define CONFIG_OFFSET		0xfff

/* How often to try to unprotect pages that the guest writes to, and the time between, in us */
#define UNPROTECT_TRIES		64
#define UNPROTECT_US		500

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

/* Does Xen send us the guest's accesses to the configuration space? */
static bool has_config(const struct xengt_mmio *mmio)
{
	return xengt_mediation_attached(mmio->mediation) && mmio->mediation->ops->config_read;
}

static void handle_config(struct xengt_mmio *mmio, struct xen_ioreq *req)
{
	u32 offset = req->addr & CONFIG_OFFSET;
	bool sound = !req->data_is_ptr && req->count <= 1 && is_power_of_2(req->size) &&
		     req->size <= sizeof(u32) && IS_ALIGNED(offset, req->size);
	u32 value = U32_MAX;

	xengt_count(mmio->counters,
		    has_config(mmio) ? XENGT_COUNT_TRAPS : XENGT_COUNT_UNHANDLED, 1);
	if (sound && has_config(mmio))
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

static int change_ppgtts(struct xengt_mmio *mmio, bool create,
			 const struct xengt_ppgtt_root *root)
{
	if (!mmio->claimed)
		return -EOPNOTSUPP;
	xengt_shadow_wait_current(&mmio->gtt->shadow);
	return create ? xengt_ppgtts_create(&mmio->gtt->ppgtts, XENGT_BY_GUEST, root) :
			xengt_ppgtts_destroy(&mmio->gtt->ppgtts, XENGT_BY_GUEST, root);
}

static int on_ppgtt(struct xengt_pvinfo *pvinfo, bool create, const struct xengt_ppgtt_root *root)
{
	struct xengt_mmio *mmio = container_of(pvinfo, struct xengt_mmio, pvinfo);
	int rc = change_ppgtts(mmio, create, root);

	xengt_mediation_ppgtt(mmio->mediation, create, root, rc);
	return rc;
}

/*
 * The guest created or is about to free a context. This changes no page table, but the guest may
 * expect the shadow to be up to date.
 */
static void on_context(struct xengt_pvinfo *pvinfo, bool create, u64 descriptor)
{
	struct xengt_mmio *mmio = container_of(pvinfo, struct xengt_mmio, pvinfo);

	xengt_shadow_wait_current(&mmio->gtt->shadow);
	xengt_gtt_sync(mmio->gtt);
	xengt_mediation_context(mmio->mediation, create, descriptor);
}

/*
 * A driver of the guest's starts to load, or has loaded. The PPGTTs that its predecessor announced
 * end when it has loaded, not before.
 */
static void on_driver(struct xengt_pvinfo *pvinfo, bool loaded)
{
	struct xengt_mmio *mmio = container_of(pvinfo, struct xengt_mmio, pvinfo);

	if (!loaded)
		xengt_ppgtts_mark_old(&mmio->gtt->ppgtts);
	else if (xengt_ppgtts_end_old(&mmio->gtt->ppgtts))
		xengt_count(mmio->counters, XENGT_COUNT_DRIVERS_GONE, 1);
	xengt_mediation_driver(mmio->mediation, loaded);
}

static void on_display_ready(struct xengt_pvinfo *pvinfo, u32 value)
{
	struct xengt_mmio *mmio = container_of(pvinfo, struct xengt_mmio, pvinfo);

	xengt_mediation_display_ready(mmio->mediation, value);
}

static const struct xengt_pvinfo_ops pvinfo_ops = {
	.ppgtt = on_ppgtt,
	.context = on_context,
	.driver = on_driver,
	.display_ready = on_display_ready,
};

static void init_targets(struct xengt_mmio *mmio)
{
	const struct xengt_gtt_format *format = mmio->gtt->shadow.format;

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

/*
 * Returns the capabilities that PVINFO can offer: PPGTTs with pages of all sizes, but none where
 * roots are in the GGTT (gen7), or where writes to memory do not trap. i915 uses full PPGTT only
 * together with an emulated hardware status page. The mediator that runs the guest's work has to
 * emulate it.
 */
static u32 possible_caps(const struct xengt_mmio *mmio)
{
	if (!mmio->claimed || mmio->gtt->shadow.format->root_in_ggtt)
		return 0;
	return XENGT_VGT_CAPS_FULL_PPGTT | XENGT_VGT_CAPS_HWSP_EMULATION | XENGT_VGT_CAPS_HUGE_GTT;
}

/*
 * Chooses the capabilities: those that the mediator sets, or all. 0; or -EOPNOTSUPP if the mediator
 * sets one that is not possible.
 */
static int choose_caps(const struct xengt_mmio *mmio, u32 *caps)
{
	u32 possible = possible_caps(mmio);

	*caps = possible;
	if (!xengt_mediation_attached(mmio->mediation))
		return 0;
	*caps = mmio->mediation->caps;
	if (!(*caps & ~possible))
		return 0;
	xengt_vgpu_err(mmio->name, "the mediator sets capabilities %#x, but domain %u can have only %#x: PPGTTs need generation 8 or 9, HAP and the writes to memory\n",
		       *caps, mmio->config->domid, possible);
	return -EOPNOTSUPP;
}

static int init_pvinfo(struct xengt_mmio *mmio)
{
	struct xengt_pvinfo_config config = {
		.mappable_base = mmio->config->base[0],
		.mappable_size = mmio->config->size[0],
		.hidden_base = mmio->config->base[1],
		.hidden_size = mmio->config->size[1],
		.fences = mmio->config->fences,
	};
	int rc = choose_caps(mmio, &config.caps);

	if (rc)
		return rc;
	rc = xengt_pvinfo_init(&mmio->pvinfo, &config, &pvinfo_ops, mmio->counters);
	if (rc)
		xengt_vgpu_err(mmio->name, "the share does not fit into PVINFO: 4 GiB or more\n");
	return rc;
}

static void note_range(struct xengt_mmio *mmio, u64 start, u64 end)
{
	mmio->ranges[mmio->nr_ranges++] = (struct xengt_mmio_range){ .start = start, .end = end };
}

/* Takes the bytes of BAR 0 from offset @from to before offset @to. 0 or an error of Xen's. */
static int take_range(struct xengt_mmio *mmio, u64 from, u64 to)
{
	u64 start = mmio->bar0 + from, end = mmio->bar0 + to - 1;
	int rc = xengt_ioreq_server_add_range(&mmio->server, start, end);

	if (!rc)
		note_range(mmio, start, end);
	return rc;
}

static u64 end_of(const struct xengt_ioreq_target *target)
{
	return target->start + target->size;
}

/* Claims writes to write-protected pages for our server. If that fails, there are no PPGTTs. */
static void claim_writes(struct xengt_mmio *mmio)
{
	int rc = xengt_dm_claim_writes(mmio->config->domid, mmio->server.id, true);

	mmio->claimed = !rc;
	if (rc)
		pr_warn("%s: no PPGTTs, since writes to the memory of domain %u cannot be trapped: %d\n",
			mmio->name, mmio->config->domid, rc);
}

/**
 * xengt_mmio_use_ram - put RAM at the GTT, or remove the RAM that was found
 * @mmio: the accesses; BAR 0 decodes something, and its GTT does not trap as MMIO yet
 * @quiet: log nothing
 *
 * In hybrid mode, puts RAM at the guest's addresses of the GTT, so that the GGTT's pages can become
 * unsync. RAM that was found there is used, too. If the guest may not have that many more pages,
 * all writes to the GGTT trap. In other modes, removes the RAM that was found.
 *
 * Context: process context, may sleep.
 * Return: true; or false if RAM is left that is not used, so that accesses to it do not trap.
 */
bool xengt_mmio_use_ram(struct xengt_mmio *mmio, bool quiet)
{
	struct xengt_ggtt_ram *ram = &mmio->ram;

	if (!mmio->claimed || mmio->config->mode != XENGT_MODE_HYBRID)
		xengt_ggtt_ram_remove_found(ram);
	else if (!xengt_ggtt_pages_use_ram(&mmio->gtt->ggtt.pages, ram) && !quiet)
		pr_info("%s: all writes to the GGTT are trapped: domain %u has no room for %lu to %lu pages (videoram, xl mem-max)\n",
			mmio->name, mmio->config->domid,
			xengt_ggtt_pages_count(&mmio->gtt->ggtt.pages), ram->n);
	return !xengt_ggtt_ram_is_left(ram);
}

/*
 * Copies the guest entries from RAM that was found at the GTT, then uses that RAM or removes it:
 * accesses do not trap as MMIO where there is RAM. 0; -EADDRINUSE if some cannot be removed; or the
 * error of reading it.
 */
static int use_ram(struct xengt_mmio *mmio)
{
	struct xengt_ggtt_ram *ram = &mmio->ram;
	int rc = xengt_ggtt_pages_adopt(&mmio->gtt->ggtt.pages, ram);

	if (rc) {
		xengt_vgpu_err(mmio->name, "RAM at the GTT of domain %u cannot be read: %d\n",
			       mmio->config->domid, rc);
		return rc;
	}
	if (xengt_mmio_use_ram(mmio, false)) {
		xengt_ggtt_pages_free_spare(&mmio->gtt->ggtt.pages);
		return 0;
	}
	xengt_vgpu_err(mmio->name, "Xen does not take RAM away from the GTT of domain %u\n",
		       mmio->config->domid);
	return -EADDRINUSE;
}

/**
 * xengt_mmio_check_place - check what the guest has at the addresses of BAR 0
 * @mmio: the accesses
 * @bar0: where BAR 0 is to be, a guest-physical address in bytes
 * @initial: the virtual GPU is being enabled, and the user has chosen the place. RAM at the GTT is
 *	accepted if the user allows it, and what is refused is logged.
 * @ram: initialised with no RAM, but what was found
 *
 * Context: process context, may sleep; makes up to 4096 hypercalls.
 * Return: 0; or -ENOMEM or an error of xengt_bar0_check(), when the caller calls
 * xengt_ggtt_ram_exit() for @ram.
 */
int xengt_mmio_check_place(struct xengt_mmio *mmio, u64 bar0, bool initial,
			   struct xengt_ggtt_ram *ram)
{
	const struct xengt_ioreq_target *gtt = &mmio->gtt_half;
	u64 gfn = bar0 >> XENGT_PAGE_SHIFT, gtt_page = gtt->start >> XENGT_PAGE_SHIFT;
	struct xengt_bar0 check = {
		.name = mmio->name,
		.config = mmio->config,
		.addr = bar0,
		.adopt = initial && mmio->config->adopt_ram,
		.quiet = !initial,
		.registers = {
			{ gfn + (mmio->pvinfo_page.start >> XENGT_PAGE_SHIFT), 1 },
			{ gfn + (mmio->flush.start >> XENGT_PAGE_SHIFT), 1 },
			{ gfn + gtt_page - 1, 1 },
		},
		.ram = ram,
	};

	if (xengt_mediation_attached(mmio->mediation)) {
		memset(check.registers, 0, sizeof(check.registers));
		check.registers[0] = (struct xengt_bar0_pages){ gfn, gtt_page };
	}
	return xengt_ggtt_ram_init(ram, mmio->config->domid, gfn + gtt_page,
				   gtt->size >> XENGT_PAGE_SHIFT) ?: xengt_bar0_check(&check);
}

/* Starts the server, with the range of GFX_FLSH_CNTL. */
static int start_server(struct xengt_mmio *mmio)
{
	u64 start = mmio->bar0 + mmio->flush.start;
	u64 end = start + mmio->flush.size - 1;
	int rc;

	mmio->server.handle = handle_ioreq;
	mmio->server.gone = on_gone;
	rc = xengt_ioreq_server_start(&mmio->server, mmio->config->domid, start, end);
	if (!rc)
		note_range(mmio, start, end);
	return rc;
}

/* Takes the ranges besides GFX_FLSH_CNTL: the GTT and PVINFO, or all if there is a mediator. */
static int take_others(struct xengt_mmio *mmio)
{
	const struct xengt_ioreq_target *flush = &mmio->flush, *gtt = &mmio->gtt_half;
	const struct xengt_ioreq_target *page = &mmio->pvinfo_page;

	if (xengt_mediation_attached(mmio->mediation))
		return take_range(mmio, end_of(flush), end_of(gtt)) ?:
		       take_range(mmio, 0, flush->start);
	return take_range(mmio, gtt->start, end_of(gtt)) ?:
	       take_range(mmio, page->start, end_of(page));
}

/**
 * xengt_mmio_take_config - trap the guest's accesses to the configuration space
 * @mmio: what xengt_mmio_start() started
 *
 * Does nothing unless the mediator emulates the configuration space.
 *
 * Context: process context, may sleep. Accesses can be handled before this returns.
 * Return: 0 or an error of Xen's.
 */
int xengt_mmio_take_config(struct xengt_mmio *mmio)
{
	if (!has_config(mmio))
		return 0;
	return xengt_dm_map_function(mmio->config->domid, mmio->server.id, GPU_DEVFN);
}

/**
 * xengt_mmio_take_ranges - trap the guest's accesses to BAR 0
 * @mmio: what xengt_mmio_start() started, or of which all ranges were dropped
 *
 * If BAR 0 decodes nothing, there is nothing to trap.
 *
 * Context: process context, may sleep. Accesses can be handled before this returns.
 * Return: 0, or an error of Xen's, when some of the ranges may be taken.
 */
int xengt_mmio_take_ranges(struct xengt_mmio *mmio)
{
	int rc = 0;

	mmio->served = true;
	if (mmio->bar0 == XENGT_BAR0_NONE)
		return 0;
	if (!mmio->nr_ranges)
		rc = take_range(mmio, mmio->flush.start, end_of(&mmio->flush));
	return rc ?: take_others(mmio);
}

/* Takes ranges again that were dropped, up to the first @n. 0 or an error of Xen's. */
static int take_again(struct xengt_mmio *mmio, unsigned int n)
{
	const struct xengt_mmio_range *range;
	int rc;

	for (; mmio->nr_ranges < n; mmio->nr_ranges++) {
		range = &mmio->ranges[mmio->nr_ranges];
		rc = xengt_ioreq_server_add_range(&mmio->server, range->start, range->end);
		if (rc)
			return rc;
	}
	return 0;
}

/* Drops all ranges, or those before the first one that Xen does not drop. 0 or its error. */
static int drop_ranges(struct xengt_mmio *mmio)
{
	const struct xengt_mmio_range *range;
	int rc;

	for (; mmio->nr_ranges; mmio->nr_ranges--) {
		range = &mmio->ranges[mmio->nr_ranges - 1];
		rc = xengt_ioreq_server_remove_range(&mmio->server, range->start, range->end);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * xengt_mmio_drop_ranges - do not trap the guest's accesses to BAR 0 any more
 * @mmio: the accesses
 *
 * Requests that Xen sent before are still handled.
 *
 * Context: process context, may sleep.
 * Return: 0; or an error of Xen's, when the ranges are taken as before, unless Xen refuses that.
 */
int xengt_mmio_drop_ranges(struct xengt_mmio *mmio)
{
	unsigned int n = mmio->nr_ranges;
	int rc = drop_ranges(mmio);

	if (rc)
		take_again(mmio, n);
	return rc;
}

/**
 * xengt_mmio_start - prepare to handle a guest's accesses
 * @mmio: what to initialise
 * @name: the virtual GPU's name, for the log
 * @config: its configuration
 * @gtt: its page tables, initialised
 * @counters: its counters
 * @mediation: its mediator, if it has one, not started yet
 *
 * Before xengt_mmio_take_ranges() only writes to GFX_FLSH_CNTL and to memory are handled.
 *
 * All pointers have to stay valid until xengt_mmio_stop() returns. The caller frees the RAM at the
 * GTT (@mmio->ram) with xengt_ggtt_ram_exit() after @gtt is gone, which maps it; also on error.
 * After an error @gtt may be closed.
 *
 * Context: process context, may sleep; while the virtual GPU is being enabled. Accesses can be
 * handled before this returns.
 * Return: 0, or an error, when nothing but that RAM is left behind: -EADDRINUSE if the guest has
 * something at the addresses of BAR 0; -ERANGE if the share does not fit into PVINFO; -EOPNOTSUPP
 * if the mediator sets capabilities that are not possible; -ENOMEM; or an error of Xen's.
 */
int xengt_mmio_start(struct xengt_mmio *mmio, const char *name,
		     const struct xengt_vgpu_config *config, struct xengt_gtt *gtt,
		     struct xengt_counters *counters, struct xengt_mediation *mediation)
{
	int rc;

	mmio->name = name;
	mmio->config = config;
	mmio->gtt = gtt;
	mmio->counters = counters;
	mmio->mediation = mediation;
	mmio->claimed = false;
	mmio->bar0 = config->bar0;
	mmio->served = false;
	mmio->nr_ranges = 0;
	init_targets(mmio);
	rc = xengt_mmio_check_place(mmio, mmio->bar0, true, &mmio->ram);
	if (rc)
		return rc;
	rc = xengt_foreign_page_init(&mmio->plain_page, mmio->config->domid);
	if (rc)
		return rc;
	rc = start_server(mmio);
	if (rc)
		goto exit;
	claim_writes(mmio);
	rc = init_pvinfo(mmio) ?: use_ram(mmio);
	if (rc)
		goto stop;
	return 0;

stop:
	xengt_gtt_close(gtt);
	xengt_mmio_stop(mmio);
	xengt_ggtt_ram_disown_found(&mmio->ram);
	return rc;
exit:
	xengt_foreign_page_exit(&mmio->plain_page);
	return rc;
}

/*
 * Unprotects pages one by one, each while no vCPU is in the middle of a write to it (see
 * xen/write_protect.c). Gives up after UNPROTECT_TRIES, or when the guest has ended. The pages that
 * are left are unprotected at once with the claim, without that check, which can crash a guest that
 * is writing to one of them.
 */
static void unprotect_all(struct xengt_mmio *mmio)
{
	unsigned int tries;

	for (tries = 0; tries < UNPROTECT_TRIES; tries++) {
		if (READ_ONCE(mmio->gtt->ended) || !xengt_gtt_unprotect_all(mmio->gtt))
			return;
		fsleep(UNPROTECT_US);
	}
	if (mmio->gtt->shadow.unprotect_error == -EBUSY)
		pr_warn("%s: pages of domain %u stay write-protected until the end: it writes to them\n",
			mmio->name, mmio->config->domid);
	else
		pr_warn("%s: pages of domain %u stay write-protected until the end: Xen does not unprotect them: %d\n",
			mmio->name, mmio->config->domid, mmio->gtt->shadow.unprotect_error);
}

/**
 * xengt_mmio_stop - stop handling a guest's accesses
 * @mmio: what xengt_mmio_start() started, with its page tables closed
 *
 * Unprotects pages before the ioreq server stops, since the server does the writes that trapped.
 * Afterwards no page of the guest's memory is write-protected, and no handler runs.
 *
 * Context: process context, may sleep. Waits for handlers, so the caller holds no lock that these
 * or the mediator's operations take.
 */
void xengt_mmio_stop(struct xengt_mmio *mmio)
{
	unprotect_all(mmio);
	if (mmio->claimed)
		xengt_dm_claim_writes(mmio->config->domid, mmio->server.id, false);
	xengt_ioreq_server_stop(&mmio->server);
	xengt_foreign_page_exit(&mmio->plain_page);
}
