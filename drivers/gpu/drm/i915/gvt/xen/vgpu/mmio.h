/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's trapped accesses; see mmio.c.
 */

#ifndef _XENGT_MMIO_H
#define _XENGT_MMIO_H

#include <linux/types.h>

#include "ggtt/ggtt_ram.h"
#include "pvinfo.h"
#include "xen/foreign_page.h"
#include "xen/ioreq.h"
#include "xen/ioreq_server.h"

struct xengt_counters;
struct xengt_gtt;
struct xengt_mediation;
struct xengt_vgpu_config;

#define XENGT_MMIO_RANGES	3

/**
 * struct xengt_mmio_range - a range of addresses whose accesses Xen sends to us
 * @start: the first guest-physical address, in bytes
 * @end: the last one, inclusive
 */
struct xengt_mmio_range {
	u64 start;
	u64 end;
};

/**
 * struct xengt_mmio - what handles a guest's trapped accesses
 * @name: the virtual GPU's name, for the log
 * @config: its configuration
 * @gtt: its page tables, which the accesses read and write
 * @counters: its counters
 * @mediation: its mediator
 * @server: receives the accesses from Xen
 * @bar0: where BAR 0 is, a guest-physical address in bytes, or XENGT_BAR0_NONE; read without a lock
 * @served: the guest's accesses to BAR 0 trap, wherever it is
 * @ranges: what was taken of BAR 0, in this order
 * @nr_ranges: number of entries in @ranges
 * @gtt_half: the GTT, in the second half of BAR 0. The start of this target and of the next ones is
 *	an offset into BAR 0.
 * @registers: the first half of BAR 0, if there is a mediator; the next two are in it
 * @pvinfo_page: the PVINFO page in BAR 0
 * @flush: the register GFX_FLSH_CNTL in BAR 0
 * @memory: all guest-physical addresses: writes to write-protected pages
 * @pvinfo: the contents of the PVINFO page
 * @ram: the RAM that the guest has at the addresses of the GTT
 * @claimed: Xen sends writes to write-protected pages of the guest's memory to @server, so there
 *	can be PPGTTs
 * @plain_page: maps the guest's memory for a trapped write to a page that is not a page table any
 *	more; protected by the shadow's lock
 */
struct xengt_mmio {
	const char *name;
	const struct xengt_vgpu_config *config;
	struct xengt_gtt *gtt;
	struct xengt_counters *counters;
	struct xengt_mediation *mediation;
	struct xengt_ioreq_server server;
	u64 bar0;
	bool served;
	struct xengt_mmio_range ranges[XENGT_MMIO_RANGES];
	unsigned int nr_ranges;
	struct xengt_ioreq_target gtt_half;
	struct xengt_ioreq_target registers;
	struct xengt_ioreq_target pvinfo_page;
	struct xengt_ioreq_target flush;
	struct xengt_ioreq_target memory;
	struct xengt_pvinfo pvinfo;
	struct xengt_ggtt_ram ram;
	bool claimed;
	struct xengt_foreign_page plain_page;
};

void xengt_mmio_init(struct xengt_mmio *mmio);

#endif /* _XENGT_MMIO_H */
