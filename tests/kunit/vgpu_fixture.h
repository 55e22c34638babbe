/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of xengt.ko begin with: loaded modules with guests, a GPU that notices every
 * unsafe entry (gpu.h), and virtual GPUs.
 *
 * The numbers (bits of entries, sizes of tables) are the tests' own, not the modules'.
 */

#ifndef _XENGT_TEST_VGPU_FIXTURE_H
#define _XENGT_TEST_VGPU_FIXTURE_H

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/types.h>

#include "vgpu/vgpu.h"
#include "fake_xen.h"
#include "gpu.h"
#include "modules.h"

#define GUEST_PAGES	2048
#define HIGH_GFN	(BIT(20) | 7)	/* GFN 7, with a bit in the high half of an entry */
#define NO_GFN		3000		/* no guest has it */

void start_modules(struct kunit *test, enum fake_xen_mode mode);
void start_modules_on(struct kunit *test, enum fake_xen_mode mode, void (*prepare)(void));
int vgpu_suite_init(struct kunit *test);
void stop_modules(struct kunit *test);
enum fake_xen_mode mode_of(struct kunit *test);
bool on_pv(struct kunit *test);

/* Virtual GPUs, whose share is two ranges, too */

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
unsigned int skip_get_types(void);
void vgpu_expect_nothing_left(struct kunit *test, const char *what);
u64 vgpu_count(struct xengt_vgpu *vgpu, enum xengt_counter which);
void guest_write(struct kunit *test, unsigned long entry, u64 pte);
u64 guest_read(struct kunit *test, unsigned long entry);

#endif /* _XENGT_TEST_VGPU_FIXTURE_H */
