/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The accesses of a guest that are trapped; see traps.c.
 */

#ifndef _XENGT_TRAPS_H
#define _XENGT_TRAPS_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "foreign_page.h"
#include "gtt_ram.h"
#include "ioreq.h"
#include "ioreq_server.h"
#include "pvinfo.h"

struct xengt_vgpu;

/**
 * struct xengt_traps - the accesses of a guest that are trapped
 * @server: takes them
 * @gtt: the GTT half of BAR 0
 * @pvinfo_page: the PVINFO page in BAR 0
 * @flush: the register GFX_FLSH_CNTL in BAR 0
 * @memory: all of the guest's memory, of which pages are trapped
 * @pvinfo: what the PVINFO page says
 * @ram: what the guest has at its addresses of the GTT
 * @claimed: writes to the guest's memory can be trapped
 * @untrap_error: why traps were not taken from a page the last time; the mm's lock
 * @plain_page: where guest memory is seen in which a write is done that was trapped by a page of
 *	tables that is none any more; the mm's lock
 */
struct xengt_traps {
	struct xengt_ioreq_server server;
	struct xengt_ioreq_target gtt;
	struct xengt_ioreq_target pvinfo_page;
	struct xengt_ioreq_target flush;
	struct xengt_ioreq_target memory;
	struct xengt_pvinfo pvinfo;
	struct xengt_gtt_ram ram;
	bool claimed;
	int untrap_error;

	struct xengt_foreign_page plain_page;
};

int xengt_traps_start(struct xengt_vgpu *vgpu);
void xengt_traps_stop(struct xengt_vgpu *vgpu);
int xengt_traps_untrap(struct xengt_vgpu *vgpu, u64 gfn, unsigned int n);

#endif /* _XENGT_TRAPS_H */
