/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of PPGTTs begin with: a guest with a virtual GPU in configfs, whose vCPUs write
 * tables, the GGTT and registers; its PPGTTs, which a device model and a guest driver announce and
 * pin; the model and the GPU that watch.
 *
 * All numbers are of the hardware's or of the Linux guest driver's ABI (i915_pvinfo.h).
 */

#ifndef _XENGT_TEST_PPGTT_FIXTURE_H
#define _XENGT_TEST_PPGTT_FIXTURE_H

#include <xen/xengt.h>

#include "ppgtt_gpu.h"
#include "ppgtt_model.h"
#include "vgpu_fixture.h"

#define PVINFO			(BAR0 + 0x78000)
#define PVINFO_NOTIFY		(PVINFO + 0x818)
#define PVINFO_PDP(n, high)	(PVINFO + 0x838 + (n) * 8 + (high) * 4)
#define PVINFO_L3_CREATE	2
#define PVINFO_L3_DESTROY	3
#define PVINFO_L4_CREATE	4
#define PVINFO_L4_DESTROY	5
#define GFX_FLSH_CNTL		(BAR0 + 0x101008)

/* The share of the GGTT: three directories of gen7, and entries that are pages */
#define DIRECTORIES		3
#define DIRECTORY(n)		(256ul + (n) * 512)
#define PLAIN_FIRST		DIRECTORY(DIRECTORIES)
#define PLAIN_N			64ul
#define GGTT_SHARE		(PLAIN_FIRST + PLAIN_N - DIRECTORY(0))

#define PAGES_OF_SHARE		4	/* of the GTT, at most */

#define VCPUS_OF_GUEST		2

struct ppgtt_guest {
	struct kunit *test;
	const struct ppgtt_format *format;	/* the format of entries */
	struct xengt_vgpu *vgpu;
	struct ppgtt_model *model;
	struct ppgtt_gpu *gpu;
	u64 ggtt[GGTT_SHARE];			/* what the guest wrote there */
	u64 writes;				/* by vCPUs to tables and the GGTT */
	u64 trapped;				/* to write-protected pages */
};

/* NULL or 0: the default. The default mode is strict. */
struct ppgtt_guest_config {
	unsigned int generation;
	enum xengt_mode mode;
	unsigned int room;	/* pages of RAM at the GTT that the guest may have */
	const char *quota;
	const char *tables;
};

/* A PPGTT of the guest's, announced or not */
struct ppgtt {
	struct ppgtt_guest *guest;
	struct xengt_ppgtt_root root;
	struct ppgtt_roots roots;
	unsigned int announced;
	unsigned int notified;		/* how many of these are the guest's */
	struct xengt_ppgtt_shadow *pinned;
};

struct ppgtt_guest *ppgtt_guest_start(struct kunit *test,
				      const struct ppgtt_guest_config *config);
void ppgtt_guest_stop(struct ppgtt_guest *guest);
u64 ppgtt_guest_count(const char *name);

int ppgtt_guest_store(struct ppgtt_guest *guest, unsigned int vcpu, u64 addr, const void *data,
		      unsigned int size);
void ppgtt_guest_send(struct ppgtt_guest *guest, unsigned int vcpu, u64 addr, const void *data,
		      unsigned int size);
int ppgtt_guest_wait(struct ppgtt_guest *guest, unsigned int vcpu);
void ppgtt_guest_put(struct ppgtt_guest *guest, u64 gfn, unsigned int index, u64 raw);
u64 ppgtt_guest_get(struct ppgtt_guest *guest, u64 gfn, unsigned int index);
u64 ppgtt_guest_ggtt_gfn(const struct ppgtt_guest *guest, unsigned long index);
u64 ppgtt_guest_get_ggtt(struct ppgtt_guest *guest, unsigned long index);
void ppgtt_guest_put_ggtt(struct ppgtt_guest *guest, unsigned int vcpu, unsigned long index,
			  u64 raw);
int ppgtt_guest_register(struct ppgtt_guest *guest, u64 addr, u32 value);
void ppgtt_guest_flush_gtt(struct ppgtt_guest *guest);
void ppgtt_guest_sync(struct ppgtt_guest *guest);
void ppgtt_guest_revalidate(struct ppgtt_guest *guest);
void ppgtt_guest_balloon_event(struct ppgtt_guest *guest);

struct ppgtt ppgtt_4(struct ppgtt_guest *guest, u64 gfn);
struct ppgtt ppgtt_3(struct ppgtt_guest *guest, const u64 *gfns);
struct ppgtt ppgtt_ggtt(struct ppgtt_guest *guest, unsigned long first);
int ppgtt_create(struct ppgtt *ppgtt);
int ppgtt_destroy(struct ppgtt *ppgtt);
void ppgtt_forget(struct ppgtt *ppgtt);
void ppgtt_notify(struct ppgtt *ppgtt, bool create);
int ppgtt_pin(struct ppgtt *ppgtt);
void ppgtt_unpin(struct ppgtt *ppgtt);
void ppgtt_start(struct ppgtt *ppgtt);
void ppgtt_end(struct ppgtt *ppgtt);
void ppgtt_check(struct ppgtt *ppgtt);

#endif /* _XENGT_TEST_PPGTT_FIXTURE_H */
