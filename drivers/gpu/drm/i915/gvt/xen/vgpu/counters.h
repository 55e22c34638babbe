/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual GPUs' counters: one set for each, one for all that ever were.
 *
 * Each is in counter_list.h, and documented in Documentation/counters.rst.
 *
 * Locking: that of counter_set.h, with the mm's lock, under which the shadow changes. These are
 * counted where it is not held:
 *
 *	traps, reads, writes, reps,	by the traps: several vCPUs are in one at once, and do not
 *	bad_range, invalidates,		wait for each other, nor for a sync, which has the lock
 *	unhandled, entries_written,
 *	out_of_share, table_writes,
 *	copy_failed, pvinfo_*,
 *	drivers_gone
 *	syncs_late			by the work, before the sync takes the lock
 *	resets				under the virtual GPU's lock, before its parts take the mm's
 */

#ifndef _XENGT_COUNTERS_H
#define _XENGT_COUNTERS_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "../counter_set.h"

enum xengt_counter {
#define COUNTER(NAME, name, rule)	XENGT_COUNT_##NAME
#include "counter_list.h"
	XENGT_NR_COUNTERS
};

static const enum xen_counter_rule __maybe_unused xengt_counter_rules[] = {
#define COUNTER(NAME, name, rule)	XEN_COUNTER_##rule
#include "counter_list.h"
};

struct xengt_counters {
	struct xen_counter_set set;
	atomic64_t value[XENGT_NR_COUNTERS];
};

/* Under the mm's lock, or from anywhere, as the counter's rule says. */
static __always_inline void xengt_count(struct xengt_counters *counters, enum xengt_counter which,
					u64 n)
{
	xen_counter_add(&counters->set, &counters->value[which], xengt_counter_rules[which], n);
}

void xengt_counters_start(struct xengt_counters *counters, const struct mutex *lock);
void xengt_counters_end(struct xengt_counters *counters);
void xengt_count_scratched(struct xengt_counters *counters, int error);
u64 xengt_counter_read(const struct xengt_counters *counters, enum xengt_counter which);
void xengt_counters_show(struct seq_file *m, const struct xengt_counters *counters);
void xengt_counters_show_total(struct seq_file *m);

#endif /* _XENGT_COUNTERS_H */
