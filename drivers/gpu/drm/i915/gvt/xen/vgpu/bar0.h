/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checks what a guest has at the addresses of BAR 0 before its virtual GPU is enabled; see bar0.c.
 */

#ifndef _XENGT_BAR0_H
#define _XENGT_BAR0_H

#include <linux/types.h>

struct xengt_ggtt_ram;
struct xengt_vgpu_config;

#define XENGT_BAR0_REGISTERS	3

/**
 * struct xengt_bar0_pages - a range of pages in BAR 0
 * @gfn: the first page, a GFN
 * @n: number of pages, in GFNs; can be 0
 */
struct xengt_bar0_pages {
	u64 gfn;
	unsigned long n;
};

/**
 * struct xengt_bar0 - what to check
 * @name: the virtual GPU's name, for the log
 * @config: its configuration; its @bar0 is not looked at
 * @addr: where BAR 0 is to be, a guest-physical address in bytes
 * @adopt: RAM at the GTT is to be used; else it is refused
 * @quiet: log nothing, as the guest chose the addresses
 * @registers: the GFNs of the registers' pages that are checked, ascending ranges of which can be
 *	empty: those that trap, and the one before the GTT
 * @ram: the GFNs of the GTT; the check records which of them are RAM
 */
struct xengt_bar0 {
	const char *name;
	const struct xengt_vgpu_config *config;
	u64 addr;
	bool adopt;
	bool quiet;
	struct xengt_bar0_pages registers[XENGT_BAR0_REGISTERS];
	struct xengt_ggtt_ram *ram;
};

int xengt_bar0_check(const struct xengt_bar0 *bar0);

#endif /* _XENGT_BAR0_H */
