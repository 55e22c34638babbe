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

#define XENGT_COUNTERS(X)	\
	X(traps)		\
	X(reads)		\
	X(writes)		\
	X(reps)			\
	X(invalidates)		\
	X(unhandled)		\
	X(bad_range)		\
	X(entries_written)	\
	X(entries_same)		\
	X(out_of_share)		\
	X(bad_entries)		\
	X(shadowed)		\
	X(scratched_noent)	\
	X(scratched_perm)	\
	X(scratched_quota)	\
	X(scratched_range)	\
	X(scratched_dead)	\
	X(scratched_nomem)	\
	X(scratched_again)	\
	X(scratched_other)	\
	X(zapped)		\
	X(moved)		\
	X(retried)		\
	X(gpu_writes)		\
	X(gpu_invalidates)	\
	X(copy_failed)

#define XENGT_COUNTER_ENUM(name) XENGT_COUNT_##name,
enum xengt_counter {
	XENGT_COUNTERS(XENGT_COUNTER_ENUM)
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
