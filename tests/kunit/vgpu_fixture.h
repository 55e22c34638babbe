/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of xengt.ko begin with: loaded modules with guests, a GPU that notices every
 * unsafe entry, a shadow GGTT with a guest's writes remembered, and virtual GPUs.
 *
 * The GPU is a place ("gpu"). It knows what each of its entries is in memory, and what it may
 * still have in its TLB: all that an entry was since the last invalidate. Whenever something
 * happens (an entry is about to be written, an invalidate, any hypercall) all of that must be
 * safe: every present entry is the owner's scratch page, or reaches a frame that belongs to the
 * owner and is referenced. It is a slow GPU: while an entry is written, everything that is idle
 * in the mapping service gets unmapped, so that what was released too early has lost its
 * reference.
 *
 * Numbers are of the tests' own, not the modules': bits of entries, sizes of tables.
 */

#ifndef _XENGT_TEST_VGPU_FIXTURE_H
#define _XENGT_TEST_VGPU_FIXTURE_H

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/types.h>

#include "vgpu/ggtt/ggtt.h"
#include "vgpu/gtt.h"
#include "vgpu/gsm/gsm.h"
#include "vgpu/vgpu.h"
#include "fake_xen.h"
#include "modules.h"

#define GUEST_PAGES	2048
#define HIGH_GFN	(BIT(20) | 7)	/* GFN 7 with a bit in the entry's high half */
#define NO_GFN		3000		/* there is none */

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

/* The share of the shadow GGTTs here: two ranges, one of them at the end of the GTT. */
#define LOW_FIRST	16ul
#define LOW_N		1200ul
#define HIGH_N		200ul
#define HIGH_FIRST	(GTT_ENTRIES - HIGH_N)

void start_modules(struct kunit *test, enum fake_xen_mode mode);
void start_modules_on(struct kunit *test, enum fake_xen_mode mode, void (*prepare)(void));
void stop_modules(struct kunit *test);
enum fake_xen_mode mode_of(struct kunit *test);

/* The GPU */

struct ppgtt_format;

/**
 * struct gpu_walker - what the GPU walks besides its GGTT
 * @check: everything is checked
 * @forget: the GPU forgets what it has in its TLB
 * @is_table: is an entry of the GGTT one of a directory, and leads to a table that is safe?
 */
struct gpu_walker {
	void (*check)(struct gpu_walker *walker);
	void (*forget)(struct gpu_walker *walker);
	bool (*is_table)(struct gpu_walker *walker, domid_t owner, u64 pte);
};

extern const struct xengt_gsm_ops gpu_place;

struct xengt_gsm *gpu_get(void);
void gpu_put(struct xengt_gsm *place);
void gpu_set_owner(domid_t domid);
void gpu_set_drained(domid_t domid, struct xen_gpu_domain *domain);
u64 gpu_entry(unsigned long index);
unsigned int gpu_reserved(void);
void gpu_check(void);
void gpu_fail_reserve(unsigned int nth, int error);
const char *gpu_unsafe(domid_t owner, u64 bfn);
void gpu_found(domid_t owner, u64 pte, const char *what);
void gpu_check_one_in(unsigned int n);
void gpu_set_format(const struct ppgtt_format *format);
void gpu_set_walker(struct gpu_walker *walker);
void gpu_on_invalidate(void (*call)(void *data), void *data);

/* A shadow GGTT */

struct shadow {
	struct kunit *test;
	domid_t domid;
	struct xen_gpu_domain *domain;
	struct xengt_counters counters;
	struct xengt_gtt gtt;
	struct xengt_gtt_config config;
	struct work_struct ended_work;
	struct xengt_ioreq_server server;	/* never started: nobody traps */
	struct xengt_range share[XENGT_GGTT_RANGES];
	unsigned long nr_slots;
	u8 *wrote;			/* by the guest, entry after entry of the share */
	unsigned int nr_ended;
};

struct shadow *new_shadow(struct kunit *test, domid_t domid, unsigned long quota);
int start_tables(struct shadow *s);
void stop_tables(struct shadow *s);
int start_shadow(struct shadow *s);
struct shadow *started_shadow(struct kunit *test, unsigned long quota);
void stop_shadow(struct shadow *s);
void shadow_flush(struct shadow *s);
void shadow_balloon(struct shadow *s);

void shadow_write(struct shadow *s, u64 offset, const void *data, unsigned int len);
void shadow_put(struct shadow *s, unsigned long entry, u64 pte);
void shadow_put_block(struct shadow *s, unsigned long entry, u64 gfn, unsigned int n);
u64 shadow_get(struct shadow *s, unsigned long entry);
unsigned long shadow_live(struct shadow *s);
unsigned int shadow_ended(struct shadow *s);
bool shadow_is_right(struct shadow *s, unsigned long entry);
bool shadow_is_scratch(struct shadow *s, unsigned long entry);
void shadow_expect(struct shadow *s);
u64 shadow_count(struct shadow *s, enum xengt_counter which);

/* Virtual GPUs: their share is two ranges, too */

#define BAR0		0xf0000000ull
#define GTT_BASE	(BAR0 + 0x800000)
#define VGPU_FIRST	256ul
#define VGPU_N		64ul
#define VGPU_HIGH_FIRST	4096ul
#define VGPU_HIGH_N	32ul
#define ENTRY_ADDR(n)	(GTT_BASE + (n) * 8ull)

struct xengt_vgpu *new_vgpu(struct kunit *test, domid_t domid);
struct xengt_vgpu *start_vgpu(struct kunit *test, domid_t domid, unsigned int vcpus);
void stop_vgpu(struct xengt_vgpu *vgpu);
void sync_vgpu(struct xengt_vgpu *vgpu);
unsigned int skip_the_look(void);
u64 vgpu_count(struct xengt_vgpu *vgpu, enum xengt_counter which);
void guest_write(struct kunit *test, unsigned long entry, u64 pte);
u64 guest_read(struct kunit *test, unsigned long entry);
bool gpu_reaches(unsigned long entry, domid_t domid, u64 gfn);

#endif /* _XENGT_TEST_VGPU_FIXTURE_H */
