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
struct xengt_vgpu_config;

/**
 * struct xengt_mmio - what handles a guest's trapped accesses
 * @name: the virtual GPU's name, for the log
 * @config: its configuration
 * @gtt: its page tables, which the accesses read and write
 * @counters: its counters
 * @server: receives the accesses from Xen
 * @gtt_half: the GTT, in the second half of BAR 0
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
	struct xengt_ioreq_server server;
	struct xengt_ioreq_target gtt_half;
	struct xengt_ioreq_target pvinfo_page;
	struct xengt_ioreq_target flush;
	struct xengt_ioreq_target memory;
	struct xengt_pvinfo pvinfo;
	struct xengt_ggtt_ram ram;
	bool claimed;
	struct xengt_foreign_page plain_page;
};

int xengt_mmio_start(struct xengt_mmio *mmio, const char *name,
		     const struct xengt_vgpu_config *config, struct xengt_gtt *gtt,
		     struct xengt_counters *counters);
void xengt_mmio_stop(struct xengt_mmio *mmio);

#endif /* _XENGT_MMIO_H */
