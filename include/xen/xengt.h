/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The in-kernel API of virtual GPUs: for a mediator that runs what guests submit, and for devices
 * that walk the GGTT in memory ("mem" in the configfs attribute "place"). A mediator gets what
 * guests submit with xengt_mediator.h; Documentation/mediator-registers.rst is where to begin.
 *
 * The root of a PPGTT, as a context's image contains it, identifies the PPGTT. The mediator
 * announces a PPGTT with xengt_ppgtt_create(), or the guest itself does so through PVINFO. While
 * the GPU uses the PPGTT, the mediator pins it with xengt_ppgtt_pin(), which returns the root
 * of its shadow.
 *
 * A walker reads entries of the "mem" table, and uses them (by DMA), between xengt_mem_walk_begin()
 * and xengt_mem_walk_end(). An invalidate waits for the walks that have begun, as a GPU's TLB
 * invalidate waits for the translations in use. The same holds for the entries of a pinned PPGTT.
 *
 * Locking: the functions take the locks that they need. Most of them may sleep: see the comments at
 * their definitions in drivers/gpu/drm/i915/gvt/xen/vgpu/, and Documentation/ppgtt.rst.
 */

#ifndef _XEN_XENGT_H
#define _XEN_XENGT_H

#include <linux/types.h>

struct xengt_mem_table;
struct xengt_ppgtt_shadow;
struct xengt_vgpu;

/* The largest number of tables that a root names: four page directories */
#define XENGT_PPGTT_PDPS	4

/**
 * struct xengt_ppgtt_root - the root of a PPGTT
 * @levels: 4: ``pdp[0]`` is the PML4 table; 3: @pdp is four page directories; 2 (gen7): ``pdp[0]``
 *	is a page directory inside the GGTT
 * @pdp: guest-physical addresses, in bytes; 0 names no table. With 2 levels: the number of the GGTT
 *	entry that is the directory's first entry, times 4096; can be 0. Elements that are not used
 *	must be 0.
 */
struct xengt_ppgtt_root {
	unsigned int levels;
	u64 pdp[XENGT_PPGTT_PDPS];
};

/* What xengt_vgpu_reset() resets, besides PVINFO */
#define XENGT_RESET_PPGTTS	0x1
#define XENGT_RESET_GGTT	0x2
#define XENGT_RESET_ALL		(XENGT_RESET_PPGTTS | XENGT_RESET_GGTT)

struct xengt_vgpu *xengt_vgpu_get(const char *name);
void xengt_vgpu_put(struct xengt_vgpu *vgpu);
const char *xengt_vgpu_name(const struct xengt_vgpu *vgpu);
int xengt_vgpu_sync(struct xengt_vgpu *vgpu);
int xengt_vgpu_reset(struct xengt_vgpu *vgpu, unsigned int what);
int xengt_vgpu_save(struct xengt_vgpu *vgpu, void *buf, size_t *len);
int xengt_vgpu_restore(struct xengt_vgpu *vgpu, const void *buf, size_t len);

int xengt_ppgtt_create(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root);
int xengt_ppgtt_destroy(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root);
struct xengt_ppgtt_shadow *xengt_ppgtt_pin(struct xengt_vgpu *vgpu,
					   const struct xengt_ppgtt_root *root,
					   u64 shadow[XENGT_PPGTT_PDPS]);
void xengt_ppgtt_unpin(struct xengt_ppgtt_shadow *ppgtt);

struct xengt_mem_table *xengt_mem_table_get(void);
void xengt_mem_table_put(struct xengt_mem_table *table);
void xengt_mem_walk_begin(struct xengt_mem_table *table);
void xengt_mem_walk_end(struct xengt_mem_table *table);
u64 xengt_mem_entry(struct xengt_mem_table *table, u64 addr);

/* For a mediator that reads, checks and runs what guests submit: see Documentation/mediator.rst */

/* The most levels of a PPGTT */
#define XENGT_PPGTT_LEVELS	4

/* An address that is not known */
#define XENGT_NO_ADDRESS	(~0ULL)

/**
 * struct xengt_translation - what a graphics address leads to
 * @gpa: guest-physical address, in bytes; or XENGT_NO_ADDRESS
 * @bus: bus address, in bytes, that the GPU uses for it; or XENGT_NO_ADDRESS
 * @highest: the level of the first guest entry that the walk met; 0 if it met none
 * @lowest: the level of the last one. It is 2 for a page of 2 MiB. For the GGTT both are 1.
 * @pte: the guest entries from @highest down to @lowest that the shadow entries were made from;
 *	that of level n is ``pte[n - 1]``. In a table of pages of 64 KiB, that of level 1 is the
 *	entry that a page of 4 KiB would have.
 */
struct xengt_translation {
	u64 gpa;
	u64 bus;
	unsigned int highest;
	unsigned int lowest;
	u64 pte[XENGT_PPGTT_LEVELS];
};

int xengt_translate(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root, u64 addr,
		    struct xengt_translation *t);
int xengt_ggtt_guest_pte(struct xengt_vgpu *vgpu, u64 addr, u64 *pte);
int xengt_guest_read(struct xengt_vgpu *vgpu, u64 gpa, void *data, size_t len, size_t *done);
int xengt_guest_write(struct xengt_vgpu *vgpu, u64 gpa, const void *data, size_t len, size_t *done);
int xengt_graphics_read(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root, u64 addr,
			void *data, size_t len, size_t *done);
int xengt_graphics_write(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root, u64 addr,
			 const void *data, size_t len, size_t *done);
int xengt_ppgtt_scratch(struct xengt_vgpu *vgpu, struct xengt_ppgtt_shadow *ppgtt,
			unsigned long *scratch);

#endif /* _XEN_XENGT_H */
