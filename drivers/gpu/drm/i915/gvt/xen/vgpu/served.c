// SPDX-License-Identifier: GPL-2.0
/*
 * The list of virtual GPUs that serve guests. It keeps two of them from using the same entries of
 * the GGTT, or the same addresses of one guest.
 *
 * If two ioreq servers have the same range, Xen silently sends all accesses to the one with the
 * higher id: the other virtual GPU would miss its guest's writes. So the second one is refused.
 *
 * rmdir returns before a virtual GPU has stopped (see configfs.c). A virtual GPU that overlaps one
 * that is being removed waits until that one has left the list; one that overlaps nothing does not
 * wait.
 *
 * Invariants: no two entries of the list overlap. The configuration of an entry does not change
 * while it is in the list, but for bases that the place chooses: those are not compared, since the
 * place does not give the same entries to two.
 *
 * Locking: the spinlock "lock" protects the list, its entries' configurations and their removed
 * flags. Nothing nests inside it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <xen/xengt_mediator.h>

#include "abi/pte.h"
#include "config.h"
#include "served.h"

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(all_served);
static DECLARE_WAIT_QUEUE_HEAD(removals);

/* Initialises an entry that is not in the list yet. @name and @config have to outlive it. */
void xengt_served_init(struct xengt_served *served, const char *name,
		       const struct xengt_vgpu_config *config)
{
	*served = (struct xengt_served){ .name = name, .config = config };
	INIT_LIST_HEAD(&served->node);
}

/* What two virtual GPUs have in common; NO_OVERLAP is 0. */
enum overlap {
	NO_OVERLAP,
	OVERLAP_BAR0,
	OVERLAP_SHARE,
};

/* The configurations were checked: no sum wraps. */
static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a_size && b_size && a < b + b_size && b < a + a_size;
}

/* One half of BAR 0 is registers, the other the GTT. In bytes. */
static u64 bar0_size(const struct xengt_served *served)
{
	return 2 * xengt_gtt_format(served->config->generation)->gtt_offset;
}

/* Do two places of BAR 0 overlap? One that is nowhere overlaps nothing. */
static bool places_overlap(const struct xengt_served *a, u64 a_bar0,
			   const struct xengt_served *b, u64 b_bar0)
{
	return a_bar0 != XENGT_BAR0_NONE && b_bar0 != XENGT_BAR0_NONE &&
	       overlap(a_bar0, bar0_size(a), b_bar0, bar0_size(b));
}

static bool bar0s_overlap(const struct xengt_served *a, const struct xengt_served *b)
{
	unsigned int i, k;

	if (a->config->domid != b->config->domid)
		return false;
	for (i = 0; i < XENGT_SERVED_PLACES; i++) {
		for (k = 0; k < XENGT_SERVED_PLACES; k++) {
			if (places_overlap(a, a->bar0[i], b, b->bar0[k]))
				return true;
		}
	}
	return false;
}

static bool shares_overlap(const struct xengt_served *a, const struct xengt_served *b)
{
	unsigned int i, k;

	if (strcmp(a->config->place, b->config->place))
		return false;
	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		for (k = 0; k < XENGT_GGTT_RANGES; k++) {
			if (!a->config->auto_base[i] && !b->config->auto_base[k] &&
			    overlap(a->config->base[i], a->config->size[i], b->config->base[k],
				    b->config->size[k]))
				return true;
		}
	}
	return false;
}

static enum overlap compare(const struct xengt_served *a, const struct xengt_served *b)
{
	if (bar0s_overlap(a, b))
		return OVERLAP_BAR0;
	return shares_overlap(a, b) ? OVERLAP_SHARE : NO_OVERLAP;
}

/* Finds an overlapping entry whose removed flag equals @removed; NULL if there is none. */
static struct xengt_served *find_other(const struct xengt_served *served, bool removed)
{
	struct xengt_served *other;

	lockdep_assert_held(&lock);
	list_for_each_entry(other, &all_served, node) {
		if (other->removed == removed && compare(served, other))
			return other;
	}
	return NULL;
}

/* Does @served have to wait for an overlapping virtual GPU that is being removed? */
static bool waits(const struct xengt_served *served)
{
	bool found;

	spin_lock(&lock);
	found = find_other(served, true);
	spin_unlock(&lock);
	return found;
}

/* Logs the overlap under the lock: @other and its name can be freed once the lock is dropped. */
static int refuse_overlap(const struct xengt_served *served, const struct xengt_served *other)
{
	lockdep_assert_held(&lock);
	if (compare(served, other) == OVERLAP_BAR0)
		xengt_vgpu_err(served->name, "bar0 %#llx overlaps that of %s, at %#llx, which serves domain %u already\n",
			       served->bar0[0], other->name, other->bar0[0],
			       other->config->domid);
	else
		xengt_vgpu_err(served->name, "the share of the GGTT overlaps that of %s, for domain %u\n",
			       other->name, other->config->domid);
	return -EBUSY;
}

/**
 * xengt_served_add - add a virtual GPU that is about to serve its guest
 * @served: its entry, initialised and not in the list
 *
 * Waits for overlapping virtual GPUs that are being removed.
 *
 * Context: process context, may sleep.
 * Return: 0; -EBUSY, with a line in the log, if it overlaps a virtual GPU that is not being
 * removed; or -EINTR if a fatal signal ends the wait.
 */
int xengt_served_add(struct xengt_served *served)
{
	struct xengt_served *other;
	int rc;

	served->bar0[0] = served->config->bar0;
	served->bar0[1] = XENGT_BAR0_NONE;
	do {
		rc = wait_event_killable(removals, !waits(served));
		if (rc)
			return -EINTR;
		spin_lock(&lock);
		other = find_other(served, false);
		if (other)
			rc = refuse_overlap(served, other);
		else if (find_other(served, true))
			rc = -EAGAIN;
		else
			list_add_tail(&served->node, &all_served);
		spin_unlock(&lock);
	} while (rc == -EAGAIN);
	return rc;
}

/* Removes a virtual GPU that has stopped and released everything, and wakes those that wait. */
void xengt_served_remove(struct xengt_served *served)
{
	spin_lock(&lock);
	list_del_init(&served->node);
	spin_unlock(&lock);
	wake_up_all(&removals);
}

/*
 * Claims the addresses that BAR 0 of an entry of the list is about to be moved to, besides those
 * where it is. Returns 0; or -EBUSY if another virtual GPU of the guest has some of them.
 */
int xengt_served_begin_move(struct xengt_served *served, u64 bar0)
{
	struct xengt_served *other;
	int rc = 0;

	spin_lock(&lock);
	served->bar0[1] = bar0;
	list_for_each_entry(other, &all_served, node) {
		if (other != served && bar0s_overlap(served, other))
			rc = -EBUSY;
	}
	if (rc)
		served->bar0[1] = XENGT_BAR0_NONE;
	spin_unlock(&lock);
	return rc;
}

/* Ends a move: BAR 0 is at @bar0 now, which was claimed. */
void xengt_served_end_move(struct xengt_served *served, u64 bar0)
{
	spin_lock(&lock);
	served->bar0[0] = bar0;
	served->bar0[1] = XENGT_BAR0_NONE;
	spin_unlock(&lock);
}

/* The user removed the virtual GPU: it is never enabled again, and is about to be disabled. */
void xengt_served_set_removed(struct xengt_served *served)
{
	spin_lock(&lock);
	served->removed = true;
	spin_unlock(&lock);
}
