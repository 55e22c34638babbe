/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks: from a graphics address to the bus address that a GPU would use.
 *
 * Locking: none; a walk belongs to one command.
 */

#ifndef _TESTGPU_WALK_H
#define _TESTGPU_WALK_H

#include <linux/types.h>

#include <xen/xengt.h>

struct edu;

/**
 * struct walk - what a command walks: the shadow GGTT and, if it names one, a PPGTT, pinned
 * @table: the shadow GGTT, which also tells when a walk begins and ends
 * @vgpu: the PPGTT's virtual GPU, or NULL
 * @ppgtt: the PPGTT, pinned, or NULL
 * @levels: of the PPGTT
 * @root: bus addresses of its shadow root tables
 * @edu: reads the PPGTT's tables by DMA; NULL: the CPU does
 */
struct walk {
	struct xengt_mem_table *table;
	struct xengt_vgpu *vgpu;
	struct xengt_ppgtt_shadow *ppgtt;
	unsigned int levels;
	u64 root[XENGT_PPGTT_PDPS];
	struct edu *edu;
};

/**
 * struct leaf - where a walk ends
 * @level: of the table that holds the entry; 1 is a page table
 * @size: of the page, in bytes
 * @bus: the bus address behind the graphics address
 */
struct leaf {
	unsigned int level;
	u64 size;
	u64 bus;
};

int walk_open(struct walk *walk);
int walk_pin(struct walk *walk, const char *name, const struct xengt_ppgtt_root *root);
int walk_open_ppgtt(struct walk *walk, const char *name, const struct xengt_ppgtt_root *root);
void walk_close(struct walk *walk);

void walk_begin(struct walk *walk);
void walk_end(struct walk *walk);
int walk_ggtt(struct walk *walk, u64 addr, struct leaf *leaf);
int walk_ppgtt(struct walk *walk, u64 addr, struct leaf *leaf);

#endif /* _TESTGPU_WALK_H */
