/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A set of pairs of numbers, for what a compare or the GPU has met. Emptying it takes no time.
 */

#ifndef _XENGT_TEST_PPGTT_SET_H
#define _XENGT_TEST_PPGTT_SET_H

#include <linux/types.h>

#define PPGTT_SET_SLOTS	8192

struct ppgtt_set {
	u32 round;		/* slots of other rounds are empty */
	unsigned int n;
	struct {
		u64 a, b;
		u32 round;
	} slots[PPGTT_SET_SLOTS];
};

void ppgtt_set_clear(struct ppgtt_set *set);
bool ppgtt_set_has(const struct ppgtt_set *set, u64 a, u64 b);
bool ppgtt_set_add(struct ppgtt_set *set, u64 a, u64 b);

#endif /* _XENGT_TEST_PPGTT_SET_H */
