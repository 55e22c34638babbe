// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual GPUs that serve guests: no two of them have the same entries of the GGTT, or the same
 * addresses of a guest's.
 *
 * Of two ioreq servers with one range Xen gives all accesses to the one with the higher id, without
 * a word: the other one would hear nothing of what its guest writes. So the second one is refused.
 *
 * A virtual GPU that was removed may take its time to let go (see configfs.c): who needs what it
 * has waits for it, and for nobody else.
 *
 * Invariants: the configuration of what is in the list does not change.
 *
 * Locking: lock, for the list and what is compared; nothing nests inside.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "place.h"
#include "pte.h"
#include "served.h"
#include "vgpu.h"

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(served);
static DECLARE_WAIT_QUEUE_HEAD(removals);

/* What two virtual GPUs want both */
enum overlap {
	NO_OVERLAP,
	OVERLAP_BAR0,
	OVERLAP_SHARE,
};

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a_size && b_size && a < b + b_size && b < a + a_size;
}

/* BAR 0 is registers and the GTT in equal halves. */
static u64 bar0_size(const struct xengt_vgpu *vgpu)
{
	return 2 * xengt_gtt_format(vgpu->config.generation)->gtt_offset;
}

static bool bar0s_overlap(const struct xengt_vgpu *a, const struct xengt_vgpu *b)
{
	return a->config.domid == b->config.domid &&
	       overlap(a->config.bar0, bar0_size(a), b->config.bar0, bar0_size(b));
}

static bool shares_overlap(const struct xengt_vgpu *a, const struct xengt_vgpu *b)
{
	unsigned int i, k;

	if (a->config.place != b->config.place)
		return false;
	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		for (k = 0; k < XENGT_GGTT_RANGES; k++) {
			if (overlap(a->config.base[i], a->config.size[i], b->config.base[k],
				    b->config.size[k]))
				return true;
		}
	}
	return false;
}

static enum overlap compare(const struct xengt_vgpu *a, const struct xengt_vgpu *b)
{
	if (bar0s_overlap(a, b))
		return OVERLAP_BAR0;
	return shares_overlap(a, b) ? OVERLAP_SHARE : NO_OVERLAP;
}

/* One that has something that this one wants, and has been removed, or has not; or NULL. */
static struct xengt_vgpu *find_other(const struct xengt_vgpu *vgpu, bool removed)
{
	struct xengt_vgpu *other;

	lockdep_assert_held(&lock);
	list_for_each_entry(other, &served, served_node) {
		if (other->removed == removed && compare(vgpu, other))
			return other;
	}
	return NULL;
}

static bool waits(const struct xengt_vgpu *vgpu)
{
	bool found;

	spin_lock(&lock);
	found = find_other(vgpu, true);
	spin_unlock(&lock);
	return found;
}

/* The other one's name is not ours to use when the lock is gone. */
static int refuse(const struct xengt_vgpu *vgpu, const struct xengt_vgpu *other)
{
	lockdep_assert_held(&lock);
	if (compare(vgpu, other) == OVERLAP_BAR0)
		xengt_vgpu_err(vgpu, "bar0 %#llx overlaps that of %s, at %#llx, which serves domain %u already\n",
			       vgpu->config.bar0, other->name, other->config.bar0,
			       other->config.domid);
	else
		xengt_vgpu_err(vgpu, "the share of the GGTT overlaps that of %s, for domain %u\n",
			       other->name, other->config.domid);
	return -EBUSY;
}

/*
 * The virtual GPU is about to serve its guest. 0; -EBUSY if it overlaps another one, with a line in
 * the log; or -EINTR if the wait for one that was removed is broken off.
 */
int xengt_served_add(struct xengt_vgpu *vgpu)
{
	struct xengt_vgpu *other;
	int rc;

	lockdep_assert_held(&vgpu->lock);
	do {
		rc = wait_event_killable(removals, !waits(vgpu));
		if (rc)
			return -EINTR;
		spin_lock(&lock);
		other = find_other(vgpu, false);
		if (other)
			rc = refuse(vgpu, other);
		else if (find_other(vgpu, true))
			rc = -EAGAIN;
		else
			list_add_tail(&vgpu->served_node, &served);
		spin_unlock(&lock);
	} while (rc == -EAGAIN);
	return rc;
}

/* It does not serve any more, and has given everything back. */
void xengt_served_remove(struct xengt_vgpu *vgpu)
{
	spin_lock(&lock);
	list_del_init(&vgpu->served_node);
	spin_unlock(&lock);
	wake_up_all(&removals);
}

/* Its user has removed it: it is not enabled again, and gives everything back in a while. */
void xengt_served_set_removed(struct xengt_vgpu *vgpu)
{
	spin_lock(&lock);
	vgpu->removed = true;
	spin_unlock(&lock);
}
