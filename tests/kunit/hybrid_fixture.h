/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of posted writes and unsync pages begin with: a virtual GPU in any mode, perhaps
 * with RAM at its GTT, stores of its guest's vCPUs, and an action in the middle of a hypercall, as
 * on another CPU.
 *
 * All numbers are of gen8.
 */

#ifndef _XENGT_TEST_HYBRID_FIXTURE_H
#define _XENGT_TEST_HYBRID_FIXTURE_H

#include "ppgtt_fixture.h"
#include "vgpu_fixture.h"

#define GTT_PAGES		2048ul
#define GTT_PAGE_ENTRIES	512ul
#define GTT_GFN(page)		((GTT_BASE >> PAGE_SHIFT) + (page))
/* Entry n of a page of the GTT */
#define IN_PAGE(page, n)	((page) * GTT_PAGE_ENTRIES + (n))

/* The share's first entry, if it begins at page 1 */
#define FIRST			IN_PAGE(1, 0)
/* A page of PPGTT tables, and the root that leads to it */
#define TABLE			600ull
#define TABLE_ROOT		610ull
#define TABLE_ADDR(n)		((TABLE << PAGE_SHIFT) + (n) * 8)

/**
 * struct hybrid_config - the configuration of a virtual GPU
 * @mode: its mode
 * @first: the first page of the GTT in the share
 * @pages: the number of pages in the share
 * @room: how many pages of RAM at the GTT the guest's memory limit allows
 */
struct hybrid_config {
	enum xengt_mode mode;
	unsigned long first;
	unsigned long pages;
	unsigned long room;
};

struct xengt_vgpu *new_hybrid(struct kunit *test, const struct hybrid_config *config);
struct xengt_vgpu *start_hybrid(struct kunit *test, const struct hybrid_config *config);
void stop_hybrid(struct kunit *test, struct xengt_vgpu *vgpu);

void hybrid_put(struct kunit *test, unsigned long entry, u64 pte);
u64 hybrid_get(struct kunit *test, unsigned long entry);
void hybrid_flush(struct kunit *test);
bool hybrid_is_scratch(struct xengt_vgpu *vgpu, unsigned long entry);
void hybrid_write_often(struct kunit *test, unsigned long page);
void hybrid_unsync(struct kunit *test, unsigned long page);
bool hybrid_is_unsync(unsigned long page);
unsigned long hybrid_set_type_calls(void);
u64 hybrid_traps(struct xengt_vgpu *vgpu);
u64 hybrid_unsynced(struct xengt_vgpu *vgpu);
void hybrid_flush_times(struct kunit *test, unsigned int n);
unsigned long mapping_calls(void);
enum fake_call mapping_call(void);

struct ppgtt_guest *hybrid_guest_start(struct kunit *test, struct ppgtt *ppgtt);
void hybrid_guest_stop(struct ppgtt *ppgtt);
void hybrid_write_table_often(struct ppgtt_guest *guest);
void hybrid_unsync_table(struct ppgtt_guest *guest);
void hybrid_unsync_directory(struct ppgtt_guest *guest);

/**
 * struct meanwhile - an action at the start of a hypercall
 * @kind: the kind of hypercall
 * @nth: 1: the next one of that kind; 0: it has happened
 * @act: the action
 * @test: for @act
 * @arg: for @act
 */
struct meanwhile {
	enum fake_call kind;
	unsigned int nth;
	void (*act)(struct meanwhile *m);
	struct kunit *test;
	void *arg;
};

void meanwhile_start(struct meanwhile *m);
void meanwhile_end(struct meanwhile *m);

#endif /* _XENGT_TEST_HYBRID_FIXTURE_H */
