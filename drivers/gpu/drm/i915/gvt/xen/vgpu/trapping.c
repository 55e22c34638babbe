// SPDX-License-Identifier: GPL-2.0
/*
 * What traps of a guest: which parts of BAR 0, the configuration space, and writes to its memory;
 * from when, and until when.
 *
 * Xen write-protects pages of memory by a memory type that only one ioreq server of a guest can
 * claim. If another server has claimed it, or the guest does not use hardware-assisted paging,
 * there are no PPGTTs.
 *
 * Invariants: nothing traps before there is something to handle it. Nothing is write-protected
 * after the end. RAM at the GTT is used, or it is not there: accesses to it do not trap as MMIO.
 *
 * Locking: the caller's: the virtual GPU's lock while BAR 0 moves, and otherwise what keeps others
 * from enabling or stopping the virtual GPU (vgpu.c). Handlers of accesses run meanwhile, see
 * mmio.c.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "bar0.h"
#include "config.h"
#include "gtt.h"
#include "mediation.h"
#include "mmio.h"
#include "notification.h"
#include "trapping.h"
#include "xen/dm_op.h"

/* Where a guest has its GPU, as machines have it: device 2, function 0 */
#define GPU_DEVFN		PCI_DEVFN(2, 0)

/* How often to try to unprotect pages that the guest writes to, and the time between, in us */
#define UNPROTECT_TRIES		64
#define UNPROTECT_US		500

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
 * xengt_trapping_use_ram - put RAM at the GTT, or remove the RAM that was found
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
bool xengt_trapping_use_ram(struct xengt_mmio *mmio, bool quiet)
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
	if (xengt_trapping_use_ram(mmio, false)) {
		xengt_ggtt_pages_free_spare(&mmio->gtt->ggtt.pages);
		return 0;
	}
	xengt_vgpu_err(mmio->name, "Xen does not take RAM away from the GTT of domain %u\n",
		       mmio->config->domid);
	return -EADDRINUSE;
}

/**
 * xengt_trapping_check_place - check what the guest has at the addresses of BAR 0
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
int xengt_trapping_check_place(struct xengt_mmio *mmio, u64 bar0, bool initial,
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
 * xengt_trapping_take_config - trap the guest's accesses to the configuration space
 * @mmio: what xengt_trapping_start() started
 *
 * Does nothing unless the mediator emulates the configuration space.
 *
 * Context: process context, may sleep. Accesses can be handled before this returns.
 * Return: 0 or an error of Xen's.
 */
int xengt_trapping_take_config(struct xengt_mmio *mmio)
{
	if (!xengt_mediation_has_config(mmio->mediation))
		return 0;
	return xengt_dm_map_function(mmio->config->domid, mmio->server.id, GPU_DEVFN);
}

/**
 * xengt_trapping_take_ranges - trap the guest's accesses to BAR 0
 * @mmio: what xengt_trapping_start() started, or of which all ranges were dropped
 *
 * If BAR 0 decodes nothing, there is nothing to trap.
 *
 * Context: process context, may sleep. Accesses can be handled before this returns.
 * Return: 0, or an error of Xen's, when some of the ranges may be taken.
 */
int xengt_trapping_take_ranges(struct xengt_mmio *mmio)
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
 * xengt_trapping_drop_ranges - do not trap the guest's accesses to BAR 0 any more
 * @mmio: the accesses
 *
 * Requests that Xen sent before are still handled.
 *
 * Context: process context, may sleep.
 * Return: 0; or an error of Xen's, when the ranges are taken as before, unless Xen refuses that.
 */
int xengt_trapping_drop_ranges(struct xengt_mmio *mmio)
{
	unsigned int n = mmio->nr_ranges;
	int rc = drop_ranges(mmio);

	if (rc)
		take_again(mmio, n);
	return rc;
}

/**
 * xengt_trapping_start - prepare to handle a guest's accesses
 * @mmio: what to initialise
 * @name: the virtual GPU's name, for the log
 * @config: its configuration
 * @gtt: its page tables, initialised
 * @counters: its counters
 * @mediation: its mediator, if it has one, not started yet
 *
 * Before xengt_trapping_take_ranges() only writes to GFX_FLSH_CNTL and to memory are handled.
 *
 * All pointers have to stay valid until xengt_trapping_stop() returns. The caller frees the RAM at
 * the GTT (@mmio->ram) with xengt_ggtt_ram_exit() after @gtt is gone, which maps it; also on error.
 * After an error @gtt may be closed.
 *
 * Context: process context, may sleep; while the virtual GPU is being enabled. Accesses can be
 * handled before this returns.
 * Return: 0, or an error, when nothing but that RAM is left behind: -EADDRINUSE if the guest has
 * something at the addresses of BAR 0; -ERANGE if the share does not fit into PVINFO; -EOPNOTSUPP
 * if the mediator sets capabilities that are not possible; -ENOMEM; or an error of Xen's.
 */
int xengt_trapping_start(struct xengt_mmio *mmio, const char *name,
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
	xengt_mmio_init(mmio);
	rc = xengt_trapping_check_place(mmio, mmio->bar0, true, &mmio->ram);
	if (rc)
		return rc;
	rc = xengt_foreign_page_init(&mmio->plain_page, mmio->config->domid);
	if (rc)
		return rc;
	rc = start_server(mmio);
	if (rc)
		goto exit;
	claim_writes(mmio);
	rc = xengt_notification_init(mmio) ?: use_ram(mmio);
	if (rc)
		goto stop;
	return 0;

stop:
	xengt_gtt_close(gtt);
	xengt_trapping_stop(mmio);
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
 * xengt_trapping_stop - stop handling a guest's accesses
 * @mmio: what xengt_trapping_start() started, with its page tables closed
 *
 * Unprotects pages before the ioreq server stops, since the server does the writes that trapped.
 * Afterwards no page of the guest's memory is write-protected, and no handler runs.
 *
 * Context: process context, may sleep. Waits for handlers, so the caller holds no lock that these
 * or the mediator's operations take.
 */
void xengt_trapping_stop(struct xengt_mmio *mmio)
{
	unprotect_all(mmio);
	if (mmio->claimed)
		xengt_dm_claim_writes(mmio->config->domid, mmio->server.id, false);
	xengt_ioreq_server_stop(&mmio->server);
	xengt_foreign_page_exit(&mmio->plain_page);
}
