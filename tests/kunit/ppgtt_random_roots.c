// SPDX-License-Identifier: GPL-2.0
/*
 * The PPGTTs of random runs: random roots that are announced, pinned, unpinned and destroyed.
 */

#include <linux/string.h>

#include "ppgtt_random.h"

void random_draw_root(struct random *r, unsigned int i)
{
	unsigned int k;
	u64 gfns[4];

	for (k = 0; k < 4; k++)
		gfns[k] = random_any_table(r);
	if (random_is_gen7(r))
		r->roots[i] = ppgtt_ggtt(r->guest, DIRECTORY(i % DIRECTORIES));
	else if (random_one_in(r, 3))
		r->roots[i] = ppgtt_3(r->guest, gfns);
	else
		r->roots[i] = ppgtt_4(r->guest, random_table_of_level(r, 4));
	r->was_unpinned[i] = false;
}

static bool same_root(const struct ppgtt *a, const struct ppgtt *b)
{
	return a->root.levels == b->root.levels &&
	       !memcmp(a->root.pdp, b->root.pdp, sizeof(a->root.pdp));
}

/* Two equal roots would be one that is announced twice, which is done elsewhere. */
bool random_root_is_drawn(const struct random *r, unsigned int i)
{
	unsigned int k;

	for (k = 0; k < ROOTS; k++) {
		if (k != i && r->roots[k].guest && same_root(&r->roots[k], &r->roots[i]))
			return true;
	}
	return false;
}

bool random_root_is_out(const struct random *r, const struct ppgtt *ppgtt)
{
	unsigned int i;

	for (i = 0; !random_is_gen7(r) && i < ppgtt->roots.format->roots; i++) {
		if (random_is_out(r, ppgtt->roots.guest[i]))
			return true;
	}
	return false;
}

static void create(struct random *r, unsigned int i)
{
	struct ppgtt *ppgtt = &r->roots[i];

	if (!ppgtt->announced && !ppgtt->pinned) {
		random_draw_root(r, i);
		if (random_root_is_drawn(r, i)) {
			ppgtt->guest = NULL;
			return;
		}
	}
	/*
	 * A PPGTT that was destroyed while pinned is not announced again: that would be another
	 * one.
	 */
	if (random_root_is_out(r, ppgtt) || ppgtt->announced == 3 ||
	    (!ppgtt->announced && ppgtt->pinned))
		return;
	if (!random_is_gen7(r) && random_one_in(r, 3)) {
		r->did[DID_NOTIFY]++;
		ppgtt_notify(ppgtt, true);
		random_after_sync(r, 0);
		return;
	}
	r->did[DID_CREATE]++;
	if (random_has(r, FAULTS) && random_one_in(r, 6))
		random_order_fault(r);
	random_after_sync(r, ppgtt_create(ppgtt));
}

static void destroy(struct random *r, unsigned int i)
{
	struct ppgtt *ppgtt = &r->roots[i];
	bool last = ppgtt->announced == 1;

	if (!ppgtt->announced)
		return;
	r->did[DID_DESTROY]++;
	r->did[DID_DESTROY_PINNED] += ppgtt->pinned && last;
	/* Each announcer takes back its own. */
	if (ppgtt->notified && (ppgtt->notified == ppgtt->announced || random_one_in(r, 3)))
		ppgtt_notify(ppgtt, false);
	else
		KUNIT_EXPECT_EQ(r->test, ppgtt_destroy(ppgtt),
				random_is_gen7(r) && ppgtt->pinned && last ? -EBUSY : 0);
	random_after_change(r, 0);
}

static void pin_announced(struct random *r, unsigned int i)
{
	int rc;

	if (random_has(r, FAULTS) && random_one_in(r, 2))
		random_order_pin_to_fail(r);
	rc = ppgtt_pin(&r->roots[i]);
	r->did[rc ? DID_PIN_FAILED : DID_PIN]++;
	r->did[DID_PIN_AGAIN] += !rc && r->was_unpinned[i];
	random_after_sync(r, rc);
}

static void pin(struct random *r, unsigned int i)
{
	struct ppgtt *ppgtt = &r->roots[i];

	if (ppgtt->pinned || !ppgtt->guest)
		return;
	if (ppgtt->announced) {
		pin_announced(r, i);
		return;
	}
	r->did[DID_PIN_NOTHING]++;
	KUNIT_EXPECT_EQ(r->test, ppgtt_pin(ppgtt), -ENOENT);
}

void random_unpin(struct random *r, unsigned int i)
{
	if (!r->roots[i].pinned)
		return;
	r->did[DID_UNPIN]++;
	r->was_unpinned[i] = true;
	ppgtt_unpin(&r->roots[i]);
}

void random_change_root(struct random *r)
{
	unsigned int i = random_below(r, random_is_gen7(r) ? DIRECTORIES : ROOTS);

	switch (random_below(r, 8)) {
	case 0:
	case 1:
		create(r, i);
		break;
	case 2:
		destroy(r, i);
		break;
	case 3:
	case 4:
	case 5:
		pin(r, i);
		break;
	default:
		random_unpin(r, i);
	}
}
