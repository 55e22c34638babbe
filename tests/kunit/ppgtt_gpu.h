/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The GPU's walks of PPGTTs, which must be safe at any moment.
 *
 * The GPU walks from the roots in use, and from directories in the GGTT. Its TLB has all entries
 * that it met since the last invalidate, tables included. All of these must be safe whenever
 * something happens: pages are dom0's own and no tables, or the guest's and referenced, and tables
 * are dom0's and allocated.
 *
 * Locking: none, as for the GPU in gpu.c.
 */

#ifndef _XENGT_TEST_PPGTT_GPU_H
#define _XENGT_TEST_PPGTT_GPU_H

#include "ppgtt_model.h"
#include "vgpu_fixture.h"

#define PPGTT_GPU_ROOTS		16
#define PPGTT_GPU_TABLES	2048
#define PPGTT_GPU_PAGES		(PPGTT_SET_SLOTS - PPGTT_GPU_TABLES - 1)

struct ppgtt_gpu {
	struct gpu_walker walker;
	domid_t domid;
	const struct ppgtt_format *format;
	bool directories;	/* entries of the GGTT may lead to tables */
	struct {
		const struct ppgtt_roots *owner;	/* a key, not dereferenced */
		struct ppgtt_roots roots;
	} in_use[PPGTT_GPU_ROOTS];
	unsigned int nr_tables;	/* since the last invalidate */
	unsigned int nr_pages;
	struct ppgtt_gpu_table {
		u64 bfn;
		unsigned int level;
		bool wide;
	} tables[PPGTT_GPU_TABLES];
	struct {
		struct ppgtt_entry entry;
	} pages[PPGTT_GPU_PAGES];
	struct ppgtt_set met;	/* the entries of both lists */
	u64 nr_checks;
};

struct ppgtt_gpu *ppgtt_gpu_new(struct kunit *test, domid_t domid,
				const struct ppgtt_format *format);
void ppgtt_gpu_use(struct ppgtt_gpu *gpu, const struct ppgtt_roots *roots);
void ppgtt_gpu_leave(struct ppgtt_gpu *gpu, const struct ppgtt_roots *roots);

#endif /* _XENGT_TEST_PPGTT_GPU_H */
