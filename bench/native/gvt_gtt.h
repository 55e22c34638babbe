/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GVT's own shadow page tables (i915's gvt/gtt.c), for the comparison in gtt_bench.c.
 *
 * The file is compiled unmodified, from the sources of the kernel that the benchmark runs in. Under
 * it is what kvmgt.c has: a cache of mappings (rb_cache.h). Each page that is mapped, unmapped,
 * protected or unprotected counts as one hypercall, since GVT asks for one page at a time.
 *
 * Locking: none; one user at a time.
 */

#ifndef _XENGT_BENCH_GVT_GTT_H
#define _XENGT_BENCH_GVT_GTT_H

#include <linux/types.h>

/**
 * struct gvt_gtt_counts - what the page tables cost so far
 * @live: entries that name a page of the guest
 * @mapped: pages mapped
 * @hypercalls: pages mapped, unmapped, protected and unprotected
 * @invalidations: unmaps, each of which flushes the IOTLB
 * @bytes: memory in use: mappings, tables, and the copies of the GGTT
 * @max_bytes: the most that this has been
 * @copying: time spent with questions about guest memory, and with copies from and to it, in ns
 * @errors: messages about errors
 */
struct gvt_gtt_counts {
	unsigned long live;
	unsigned long mapped;
	unsigned long hypercalls;
	unsigned long invalidations;
	long bytes;
	long max_bytes;
	u64 copying;
	unsigned long errors;
};

/**
 * struct gvt_gtt_guest - the guest's memory
 * @copy: copies between its memory and a buffer; @addr and @len in bytes
 * @is_valid: is the GFN memory of the guest?
 */
struct gvt_gtt_guest {
	void (*copy)(u64 addr, void *data, size_t len, bool write);
	bool (*is_valid)(u64 gfn);
};

int gvt_gtt_start(const struct gvt_gtt_guest *guest, unsigned long entries);
void gvt_gtt_reset(void);
void gvt_gtt_stop(void);
const struct gvt_gtt_counts *gvt_gtt_counts(void);
int gvt_gtt_write(unsigned long entry, u64 pte);
bool gvt_gtt_is_table(u64 gfn);
int gvt_gtt_write_table(u64 addr, u64 pte);
int gvt_gtt_create(u64 root);
int gvt_gtt_destroy(u64 root);
int gvt_gtt_submit(void);

#endif /* _XENGT_BENCH_GVT_GTT_H */
