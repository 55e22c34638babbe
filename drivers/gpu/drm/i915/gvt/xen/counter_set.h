/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of counters: both modules count, add up and show their counters with these functions.
 *
 * A module has one set for each object that it counts for: a guest in map/, a virtual GPU in vgpu/.
 * All sets of a module (its family) have the same counters. The module's counter_list.h lists them,
 * in the order in which debugfs shows them:
 *
 *	COUNTER(<name in the enum>, <name in debugfs>, <rule>),
 *
 * The enum, the rules and the names are made from that list. Documentation/counters.rst is checked
 * against it. Counters only go up.
 *
 * Invariants: a counter is added to in one way only, the one that its rule says.
 *
 * Locking: each object has a lock under which most of its counters change. If every place that adds
 * to a counter holds that lock, the counter's rule is LOCKED, and counting is a plain addition.
 * All other counters are ATOMIC; counters.h of the module says which and why. Reading takes no
 * lock: a value is never torn, but a reader may see only one of two counters that go up together.
 * The family has a mutex for its list of sets, which nests inside all other locks.
 *
 * All functions are inline, so that neither module depends on the other in order to count.
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

/**
 * enum xen_counter_rule - how a counter is added to
 * @XEN_COUNTER_LOCKED: by a plain addition, under the set's lock
 * @XEN_COUNTER_ATOMIC: by an atomic addition, from any context
 */
enum xen_counter_rule {
	XEN_COUNTER_LOCKED,
	XEN_COUNTER_ATOMIC,
};

/**
 * struct xen_counter_set - the counters of one object
 * @lock: the object's lock; whoever adds to a LOCKED counter holds it
 * @values: one value for each counter of the family
 * @node: entry in the family's @sets
 */
struct xen_counter_set {
	const struct mutex *lock;
	const atomic64_t *values;
	struct list_head node;
};

/**
 * struct xen_counter_family - all sets of a module
 * @names: the counters' names in debugfs
 * @ended: for each counter, the sum over the sets that have ended
 * @n: number of counters in a set
 * @lock: protects @sets and @ended
 * @sets: the sets in use
 */
struct xen_counter_family {
	const char * const *names;
	u64 *ended;
	unsigned int n;
	struct mutex lock;		/* protects sets and ended */
	struct list_head sets;
};

/* Adds @n to a counter of the set. @rule is constant, so the compiler keeps only one branch. */
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

/* Adds a set, whose values are all zero, to the family's totals. */
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

/* Removes a set from the family; the totals keep its values. Nobody counts in the set any more. */
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

/* Shows the totals over all sets of the family, in use or ended. */
static inline void xen_counter_family_show(struct seq_file *m, struct xen_counter_family *family)
{
	unsigned int i;

	mutex_lock(&family->lock);
	for (i = 0; i < family->n; i++)
		seq_printf(m, "%s %llu\n", family->names[i], xen_counter_family_sum(family, i));
	mutex_unlock(&family->lock);
}

#endif /* _XEN_COUNTER_SET_H */
