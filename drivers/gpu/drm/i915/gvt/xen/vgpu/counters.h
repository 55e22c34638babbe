/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual GPUs' counters: one set for each, one for all that ever were.
 *
 * Each is documented in Documentation/counters.rst. They only go up. Locking: none, atomics.
 */

#ifndef _XENGT_COUNTERS_H
#define _XENGT_COUNTERS_H

#include <linux/atomic.h>
#include <linux/types.h>

struct seq_file;

enum xengt_counter {
	XENGT_COUNT_TRAPS,
	XENGT_COUNT_READS,
	XENGT_COUNT_WRITES,
	XENGT_COUNT_REPS,
	XENGT_COUNT_INVALIDATES,
	XENGT_COUNT_UNHANDLED,
	XENGT_COUNT_BAD_RANGE,
	XENGT_COUNT_ENTRIES_WRITTEN,
	XENGT_COUNT_ENTRIES_SAME,
	XENGT_COUNT_OUT_OF_SHARE,
	XENGT_COUNT_BAD_ENTRIES,
	XENGT_COUNT_SHADOWED,
	XENGT_COUNT_SCRATCHED_NOENT,
	XENGT_COUNT_SCRATCHED_PERM,
	XENGT_COUNT_SCRATCHED_QUOTA,
	XENGT_COUNT_SCRATCHED_RANGE,
	XENGT_COUNT_SCRATCHED_DEAD,
	XENGT_COUNT_SCRATCHED_NOMEM,
	XENGT_COUNT_SCRATCHED_AGAIN,
	XENGT_COUNT_SCRATCHED_OTHER,
	XENGT_COUNT_ZAPPED,
	XENGT_COUNT_MOVED,
	XENGT_COUNT_RETRIED,
	XENGT_COUNT_GPU_WRITES,
	XENGT_COUNT_GPU_INVALIDATES,
	XENGT_COUNT_COPY_FAILED,
	XENGT_COUNT_PVINFO_NOTIFIES,
	XENGT_COUNT_PVINFO_FAILED,
	XENGT_COUNT_PVINFO_UNKNOWN,
	XENGT_COUNT_PVINFO_DENIED,
	XENGT_COUNT_TABLES_MADE,
	XENGT_COUNT_TABLES_SHARED,
	XENGT_COUNT_TABLES_FREED,
	XENGT_COUNT_RECLAIMED,
	XENGT_COUNT_ROOTS_MISSING,
	XENGT_COUNT_SCRATCHED_TABLES,
	XENGT_COUNT_REFUSED_1G,
	XENGT_COUNT_PAGES_TRAPPED,
	XENGT_COUNT_PAGES_RELEASED,
	XENGT_COUNT_PAGES_CHECKED,
	XENGT_COUNT_TABLE_WRITES,
	XENGT_COUNT_PLAIN_WRITES,
	XENGT_COUNT_SYNCS,
	XENGT_NR_COUNTERS
};

struct xengt_counters {
	atomic64_t value[XENGT_NR_COUNTERS];
};

extern struct xengt_counters xengt_total;

void xengt_count(struct xengt_counters *counters, enum xengt_counter which, u64 n);
void xengt_count_scratched(struct xengt_counters *counters, int error);
u64 xengt_counter_read(const struct xengt_counters *counters, enum xengt_counter which);
void xengt_counters_show(struct seq_file *m, const struct xengt_counters *counters);

#endif /* _XENGT_COUNTERS_H */
