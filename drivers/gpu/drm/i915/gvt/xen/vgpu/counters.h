/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual GPUs' counters: one set for each virtual GPU, and totals over all virtual GPUs since
 * the module was loaded.
 *
 * counter_list.h lists the counters; Documentation/counters.rst documents each of them.
 *
 * Locking: see counter_set.h. The lock of a set is the shadow's lock, under which the shadow
 * changes. The following counters are ATOMIC, because they are counted without that lock:
 *
 *	traps, reads, writes, reps,	in the handling of a trapped access: vCPUs are handled in
 *	bad_range, invalidates,		parallel and do not wait for a sync, which holds the lock
 *	unhandled, entries_written,
 *	out_of_share, table_writes,
 *	copy_failed, pvinfo_*,
 *	drivers_gone, plain_writes
 *	syncs_late			in the delayed work, before its sync takes the lock
 *	resets				under the virtual GPU's lock, before the shadow's is taken
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

/**
 * struct xengt_counters - the counters of a virtual GPU
 * @set: their entry in the list of all virtual GPUs' counters
 * @value: the counters, by enum xengt_counter
 */
struct xengt_counters {
	struct xen_counter_set set;
	atomic64_t value[XENGT_NR_COUNTERS];
};

/* Adds @n to a counter. If the counter's rule is LOCKED, the caller holds the shadow's lock. */
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
