/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of counters: how both modules count, add up and show what they count.
 *
 * Each object that is counted for, a guest or a virtual GPU, has a set. All sets of a module have
 * the same counters, which are listed once, in the module's counter_list.h:
 *
 *	COUNTER(<name in the enum>, <name in debugfs>, <rule>),
 *
 * in the order in which debugfs shows them. The enum, the rules and the names are made from that
 * list, and Documentation/counters.rst is checked against it. Counters only go up.
 *
 * Locking: an object has a lock under which nearly everything happens that is counted for it: where
 * that is held at every place that adds to a counter, its rule is LOCKED, and counting is a plain
 * addition. All others are ATOMIC; counters.h of the module says which these are, and why. No
 * counter is added to in both ways. Reading takes no lock: what is read is never torn, but counters
 * that go up together need not look so. The list of the sets has a mutex, which nests inside of all
 * other locks.
 *
 * All is inline, so that neither module needs the other in order to count.
 */

#ifndef _XEN_COUNTER_SET_H
#define _XEN_COUNTER_SET_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/types.h>

/* How a counter is added to */
enum xen_counter_rule {
	XEN_COUNTER_LOCKED,	/* under the set's lock */
	XEN_COUNTER_ATOMIC,	/* from anywhere */
};

/**
 * struct xen_counter_set - the counters of one object
 * @lock: held by all who add to a counter that is LOCKED
 * @values: one for each counter of the family
 * @node: in the family's list
 */
struct xen_counter_set {
	const struct mutex *lock;
	const atomic64_t *values;
	struct list_head node;
};

/**
 * struct xen_counter_family - all sets of a module
 * @names: what the counters are called in debugfs
 * @ended: the sums of the sets that are gone
 * @n: how many counters there are
 * @lock: of @sets and @ended
 * @sets: those that are in use
 */
struct xen_counter_family {
	const char * const *names;
	u64 *ended;
	unsigned int n;
	struct mutex lock;		/* of the list, and of what has ended */
	struct list_head sets;
};

/* Adds to one of the set's counters. With the rule known at compile time it is one or the other. */
static __always_inline void xen_counter_add(const struct xen_counter_set *set, atomic64_t *value,
					    enum xen_counter_rule rule, u64 n)
{
	if (rule == XEN_COUNTER_LOCKED) {
		lockdep_assert_held(set->lock);
		atomic64_set(value, atomic64_read(value) + n);
	} else if (n) {
		atomic64_add(n, value);
	}
}

/* From here on the set, which is all zeroes, is part of the total. */
static inline void xen_counter_set_start(struct xen_counter_family *family,
					 struct xen_counter_set *set, const atomic64_t *values,
					 const struct mutex *lock)
{
	set->lock = lock;
	set->values = values;
	mutex_lock(&family->lock);
	list_add_tail(&set->node, &family->sets);
	mutex_unlock(&family->lock);
}

/* Nobody counts any more; what was counted stays in the total. */
static inline void xen_counter_set_end(struct xen_counter_family *family,
				       struct xen_counter_set *set)
{
	unsigned int i;

	mutex_lock(&family->lock);
	list_del(&set->node);
	for (i = 0; i < family->n; i++)
		family->ended[i] += atomic64_read(&set->values[i]);
	mutex_unlock(&family->lock);
}

static inline void xen_counter_set_show(struct seq_file *m,
					const struct xen_counter_family *family,
					const struct xen_counter_set *set)
{
	unsigned int i;

	for (i = 0; i < family->n; i++)
		seq_printf(m, "%s %llu\n", family->names[i], (u64)atomic64_read(&set->values[i]));
}

static inline u64 xen_counter_family_sum(const struct xen_counter_family *family, unsigned int i)
{
	const struct xen_counter_set *set;
	u64 sum = family->ended[i];

	lockdep_assert_held(&family->lock);
	list_for_each_entry(set, &family->sets, node)
		sum += atomic64_read(&set->values[i]);
	return sum;
}

/* Of all sets that ever were. */
static inline void xen_counter_family_show(struct seq_file *m, struct xen_counter_family *family)
{
	unsigned int i;

	mutex_lock(&family->lock);
	for (i = 0; i < family->n; i++)
		seq_printf(m, "%s %llu\n", family->names[i], xen_counter_family_sum(family, i));
	mutex_unlock(&family->lock);
}

#endif /* _XEN_COUNTER_SET_H */
