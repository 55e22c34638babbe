// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of pairs of numbers; see ppgtt_set.h.
 */

#include <linux/bug.h>
#include <linux/hash.h>
#include <linux/log2.h>

#include "ppgtt_set.h"

void ppgtt_set_clear(struct ppgtt_set *set)
{
	set->round++;
	set->n = 0;
}

static unsigned int slot_of(const struct ppgtt_set *set, u64 a, u64 b)
{
	unsigned int i = hash_64(a * 31 + hash_64(b, 64), ilog2(PPGTT_SET_SLOTS));

	while (set->slots[i].round == set->round &&
	       (set->slots[i].a != a || set->slots[i].b != b))
		i = (i + 1) % PPGTT_SET_SLOTS;
	return i;
}

bool ppgtt_set_has(const struct ppgtt_set *set, u64 a, u64 b)
{
	return set->slots[slot_of(set, a, b)].round == set->round;
}

/* Returns false if the pair is in the set already, or the set is full. */
bool ppgtt_set_add(struct ppgtt_set *set, u64 a, u64 b)
{
	unsigned int i = slot_of(set, a, b);

	if (set->slots[i].round == set->round || WARN_ON_ONCE(set->n == PPGTT_SET_SLOTS - 1))
		return false;
	set->slots[i].a = a;
	set->slots[i].b = b;
	set->slots[i].round = set->round;
	set->n++;
	return true;
}
