/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of save and restore begin with: a saved virtual GPU and the offsets into it, a
 * guest whose work is saved and looked at afterwards, and what its virtual GPU holds.
 *
 * All offsets are those of the format's documentation, not of its header.
 */

#ifndef _XENGT_TEST_SAVED_FIXTURE_H
#define _XENGT_TEST_SAVED_FIXTURE_H

#include "ppgtt_chain.h"

/* Offsets into what is saved, in bytes */
#define VERSION		8
#define GENERATION	12
#define LENGTH		16
#define RANGE(i)	(24 + (i) * 16)
#define CAPS		56
#define FENCES		60
#define MAGIC_READ	120
#define LOADING		124
#define NR_ROOTS	128
#define RESERVED_BYTES	132
#define HEAD		136
#define ENTRY(i)	(HEAD + (i) * 8)
#define ROOT(i)		(ENTRY(GGTT_SHARE) + (i) * ROOT_SIZE)
#define ROOT_SIZE	48
#define ROOT_LEVELS	0
#define ROOT_RESERVED	4
#define ROOT_PDP(i)	(8 + (i) * 8)
#define ROOT_ANNOUNCED	40
#define ROOT_OLD	44

#define DISPLAY_READY	(PVINFO + 0x804)

struct saved {
	u8 *data;
	size_t len;
};

struct saved save_vgpu(struct kunit *test, struct xengt_vgpu *vgpu);
int restore_vgpu(struct xengt_vgpu *vgpu, const struct saved *saved);
void saved_set_field(struct saved *saved, size_t at, unsigned int size, u64 value);
struct ppgtt_guest *saved_start_again(struct ppgtt_guest *old,
				      const struct ppgtt_guest_config *config);

/* How many entries the guest writes, from PLAIN_FIRST on */
#define NR_PLAIN	8ul

/* What the guest does: entries that reach pages, some that do not, and two PPGTTs */
struct work {
	struct ppgtt four;
	struct ppgtt three;
};

u64 saved_plain_entry(unsigned int i);
void saved_put_tables(struct ppgtt_guest *guest, struct work *work);
void saved_do_work(struct ppgtt_guest *guest, struct work *work);
void saved_go_on(struct ppgtt_guest *guest, struct work *work);
void saved_expect_entries(struct ppgtt_guest *guest);
void saved_expect_tables(struct work *work);
void saved_end_work(struct work *work);

/* What the virtual GPU holds */
struct held {
	unsigned long refs;
	unsigned int protected;
	struct xengt_gauges gauges;
};

struct held saved_held_by(struct ppgtt_guest *guest);
void saved_expect_held(struct kunit *test, const struct held *a, const struct held *b);

#endif /* _XENGT_TEST_SAVED_FIXTURE_H */
