/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A GPU that notices every unsafe entry of the shadow GGTT.
 *
 * The GPU is a GSM, and the place "gpu". It has a table of entries, and a TLB with all values that
 * an entry had since the last invalidate. All of these must be safe whenever an entry is about to
 * be written, at an invalidate, and at any hypercall: a present entry leads to the owner's scratch
 * page, or to a frame that belongs to the owner and is referenced.
 *
 * The GPU is slow: while an entry is written, all idle pages of the mapping service are unmapped.
 * So a page that was released too early has lost its reference by then.
 */

#ifndef _XENGT_TEST_GPU_H
#define _XENGT_TEST_GPU_H

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/types.h>

#include "vgpu/gsm/gsm.h"
#include "fake_xen.h"

struct xen_gpu_domain;

#define GTT_ENTRIES	0x100000ul
#define PTE_PRESENT	BIT_ULL(0)
#define PTE_RW		BIT_ULL(1)
#define PTE_FLAGS	(BIT_ULL(1) | BIT_ULL(3) | BIT_ULL(4) | BIT_ULL(7))
#define PTE_ADDRESS	GENMASK_ULL(45, 12)
#define PTE_IGNORED	(BIT_ULL(2) | BIT_ULL(5) | BIT_ULL(6) | GENMASK_ULL(11, 8) | \
			 GENMASK_ULL(62, 52))
#define PTE_RESERVED	(~(PTE_PRESENT | PTE_FLAGS | PTE_ADDRESS | PTE_IGNORED))
#define PTE(gfn)	(((u64)(gfn) << 12) | PTE_RW | PTE_PRESENT)
#define PTE_FRAME(pte)	(((pte) & PTE_ADDRESS) >> 12)

struct ppgtt_format;

/**
 * struct gpu_walker - walks of the GPU besides its GGTT
 * @check: checks all that the GPU can reach
 * @forget: empties the TLB
 * @is_table: is an entry of the GGTT one of a directory, which leads to a safe table?
 */
struct gpu_walker {
	void (*check)(struct gpu_walker *walker);
	void (*forget)(struct gpu_walker *walker);
	bool (*is_table)(struct gpu_walker *walker, domid_t owner, u64 pte);
};

extern const struct xengt_gsm_ops gpu_gsm;

void gpu_start(void);
void gpu_stop(struct kunit *test);
struct xengt_gsm *gpu_share(void);
void gpu_lose_entries(void);
void gpu_set_incoherent(void);
void gpu_set_owner(domid_t domid);
void gpu_set_drained(domid_t domid, struct xen_gpu_domain *domain);
u64 gpu_entry(unsigned long index);
unsigned int gpu_reserved(void);
bool gpu_reaches(unsigned long entry, domid_t domid, u64 gfn);
void gpu_check(void);
void gpu_check_at_hypercall(enum fake_call kind, void *unused);
void gpu_fail_reserve(unsigned int nth, int error);
const char *gpu_unsafe(domid_t owner, u64 bfn);
void gpu_found(domid_t owner, u64 pte, const char *what);
void gpu_check_one_in(unsigned int n);
void gpu_set_format(const struct ppgtt_format *format);
void gpu_set_walker(struct gpu_walker *walker);
void gpu_on_invalidate(void (*call)(void *data), void *data);

#endif /* _XENGT_TEST_GPU_H */
