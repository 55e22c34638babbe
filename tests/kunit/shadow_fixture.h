/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A shadow GGTT without a virtual GPU: the case writes to it, and no vCPU is trapped. What the
 * guest wrote is kept, to compare what the guest reads and what the GPU has with it.
 */

#ifndef _XENGT_TEST_SHADOW_FIXTURE_H
#define _XENGT_TEST_SHADOW_FIXTURE_H

#include "vgpu/ggtt/ggtt.h"
#include "vgpu/gtt.h"
#include "vgpu_fixture.h"

/* The share: two ranges, one of them at the end of the GTT */
#define LOW_FIRST	16ul
#define LOW_N		1200ul
#define HIGH_N		200ul
#define HIGH_FIRST	(GTT_ENTRIES - HIGH_N)

#define QUOTA		100000
#define ENTRY		(LOW_FIRST + 100)	/* an entry in the middle of the share */

struct shadow {
	struct kunit *test;
	domid_t domid;
	struct xen_gpu_domain *domain;
	struct xengt_counters counters;
	struct xengt_gtt gtt;
	struct xengt_gtt_config config;
	struct work_struct ended_work;
	struct xengt_ioreq_server server;	/* never started: no request comes */
	struct xengt_range share[XENGT_GGTT_RANGES];
	unsigned long nr_slots;
	u8 *wrote;			/* what the guest wrote to the entries of the share */
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
int only_event(struct kunit *test, enum fake_event_kind kind, u64 where, u64 mfn);
void shadow_expect_replaced(struct shadow *s, unsigned long entry, u64 old);
void shadow_expect_mapped_first(struct shadow *s, unsigned long entry, u64 new);

#endif /* _XENGT_TEST_SHADOW_FIXTURE_H */
