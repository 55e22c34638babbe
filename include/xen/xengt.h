/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The in-kernel API of virtual GPUs: for a device model (say, the scheduler of a GPU's work) that
 * runs what guests submit, and for devices that walk the "mem" place.
 *
 * A PPGTT is named by its root, as a context's image names it. It is announced with
 * xengt_ppgtt_create(), or by the guest itself through PVINFO; for the time in which the GPU uses
 * it, it is pinned with xengt_ppgtt_pin(), which gives the root of the shadow.
 *
 * A walker of the "mem" place reads entries and uses them (by DMA) between xengt_mem_walk_begin()
 * and xengt_mem_walk_end(): an invalidate waits for the walks that have begun, as a GPU's TLB
 * invalidate waits for the translations in use. That holds for the entries of a pinned PPGTT, too.
 *
 * See Documentation/ppgtt.rst.
 */

#ifndef _XEN_XENGT_H
#define _XEN_XENGT_H

#include <linux/types.h>

struct xengt_mem_table;
struct xengt_ppgtt;
struct xengt_vgpu;

/* The most page directories that a root has */
#define XENGT_PPGTT_PDPS	4

/**
 * struct xengt_ppgtt_root - the root of a PPGTT
 * @levels: 4: @pdp[0] is the PML4 table; 3: @pdp is four page directories; 2 (gen7): @pdp[0] is a
 *	page directory inside the GGTT
 * @pdp: guest-physical addresses, in bytes; with 2 levels the graphics address of the first
 *	GGTT entry's page, that is, the index of the directory's first entry in the GGTT times 4096.
 *	What is not used must be 0.
 */
struct xengt_ppgtt_root {
	unsigned int levels;
	u64 pdp[XENGT_PPGTT_PDPS];
};

/* What xengt_vgpu_reset() resets besides PVINFO: the PPGTTs, and the GGTT */
#define XENGT_RESET_PPGTTS	0x1
#define XENGT_RESET_GGTT	0x2
#define XENGT_RESET_ALL		(XENGT_RESET_PPGTTS | XENGT_RESET_GGTT)

struct xengt_vgpu *xengt_vgpu_get(const char *name);
void xengt_vgpu_put(struct xengt_vgpu *vgpu);
int xengt_vgpu_sync(struct xengt_vgpu *vgpu);
int xengt_vgpu_reset(struct xengt_vgpu *vgpu, unsigned int what);

int xengt_ppgtt_create(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root);
int xengt_ppgtt_destroy(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root);
struct xengt_ppgtt *xengt_ppgtt_pin(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root,
				    u64 shadow[XENGT_PPGTT_PDPS]);
void xengt_ppgtt_unpin(struct xengt_ppgtt *ppgtt);

struct xengt_mem_table *xengt_mem_table_get(void);
void xengt_mem_table_put(struct xengt_mem_table *table);
void xengt_mem_walk_begin(struct xengt_mem_table *table);
void xengt_mem_walk_end(struct xengt_mem_table *table);
u64 xengt_mem_entry(struct xengt_mem_table *table, u64 addr);

#endif /* _XEN_XENGT_H */
