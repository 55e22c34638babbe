/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The service's counters: one set for each domain, one for all that ever were.
 *
 * Each is documented in Documentation/counters.rst. They only go up.
 *
 * Locking: who counts holds the lock that all who count the same thing hold (the domain's lock, or
 * notify_lock for what revalidations find), so that counting is a plain addition. Balloon events
 * come from anywhere and are counted atomically. Reading takes no lock. The list of the sets has a
 * mutex of its own, which nests inside of all others.
 */

#ifndef _XEN_GPU_MAP_COUNTERS_H
#define _XEN_GPU_MAP_COUNTERS_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/types.h>

struct seq_file;

/*
 * The five classes of pages per hypercall, of maps and of unmaps, follow each other; see
 * xen_gpu_count_hypercall().
 */
enum xen_gpu_counter {
	XEN_GPU_COUNT_REFS_TAKEN,
	XEN_GPU_COUNT_REFS_RELEASED,
	XEN_GPU_COUNT_MAPPED,
	XEN_GPU_COUNT_UNMAPPED,
	XEN_GPU_COUNT_REVIVED,
	XEN_GPU_COUNT_SHARED,
	XEN_GPU_COUNT_QUEUED,
	XEN_GPU_COUNT_SET_ASIDE,
	XEN_GPU_COUNT_MAP_HYPERCALLS,
	XEN_GPU_COUNT_UNMAP_HYPERCALLS,
	XEN_GPU_COUNT_SETUP_HYPERCALLS,
	XEN_GPU_COUNT_REVAL_HYPERCALLS,
	XEN_GPU_COUNT_MAP_BATCH_1,
	XEN_GPU_COUNT_MAP_BATCH_2_7,
	XEN_GPU_COUNT_MAP_BATCH_8_63,
	XEN_GPU_COUNT_MAP_BATCH_64_511,
	XEN_GPU_COUNT_MAP_BATCH_512,
	XEN_GPU_COUNT_UNMAP_BATCH_1,
	XEN_GPU_COUNT_UNMAP_BATCH_2_7,
	XEN_GPU_COUNT_UNMAP_BATCH_8_63,
	XEN_GPU_COUNT_UNMAP_BATCH_64_511,
	XEN_GPU_COUNT_UNMAP_BATCH_512,
	XEN_GPU_COUNT_FAIL_NOENT,
	XEN_GPU_COUNT_FAIL_PERM,
	XEN_GPU_COUNT_FAIL_QUOTA,
	XEN_GPU_COUNT_FAIL_RANGE,
	XEN_GPU_COUNT_FAIL_DEAD,
	XEN_GPU_COUNT_FAIL_NOMEM,
	XEN_GPU_COUNT_FAIL_AGAIN,
	XEN_GPU_COUNT_FAIL_OTHER,
	XEN_GPU_COUNT_UNMAP_FAILED,
	XEN_GPU_COUNT_WINDOW_FULL,
	XEN_GPU_COUNT_TABLE_FAILED,
	XEN_GPU_COUNT_BALLOON_EVENTS,
	XEN_GPU_COUNT_REVALIDATIONS,
	XEN_GPU_COUNT_KEPT,
	XEN_GPU_COUNT_MOVED,
	XEN_GPU_COUNT_GONE,
	XEN_GPU_COUNT_UNTRUSTED,
	XEN_GPU_COUNT_DRAINED_AGE,
	XEN_GPU_COUNT_DRAINED_SIZE,
	XEN_GPU_COUNT_DRAINED_QUOTA,
	XEN_GPU_COUNT_DRAINED_BALLOON,
	XEN_GPU_COUNT_DRAINED_FLUSH,
	XEN_GPU_COUNT_DOMAINS_ENDED,
	XEN_GPU_NR_COUNTERS
};

/* What a hypercall was for */
enum xen_gpu_call {
	XEN_GPU_CALL_MAP,
	XEN_GPU_CALL_UNMAP,
	XEN_GPU_CALL_REVALIDATE,
};

struct xen_gpu_counters {
	atomic64_t value[XEN_GPU_NR_COUNTERS];
	struct list_head node;		/* in the list of those that count */
};

/* Under the lock of those who count this. */
static inline void xen_gpu_count(struct xen_gpu_counters *counters, enum xen_gpu_counter which,
				 u64 n)
{
	atomic64_set(&counters->value[which], atomic64_read(&counters->value[which]) + n);
}

/* From anywhere. */
static inline void xen_gpu_count_event(struct xen_gpu_counters *counters,
				       enum xen_gpu_counter which)
{
	atomic64_inc(&counters->value[which]);
}

void xen_gpu_counters_start(struct xen_gpu_counters *counters);
void xen_gpu_counters_end(struct xen_gpu_counters *counters);
void xen_gpu_count_hypercall(struct xen_gpu_counters *counters, enum xen_gpu_call kind,
			     unsigned int pages);
void xen_gpu_count_failure(struct xen_gpu_counters *counters, int error, unsigned int n);
u64 xen_gpu_counter_read(const struct xen_gpu_counters *counters, enum xen_gpu_counter which);
void xen_gpu_counters_show(struct seq_file *m, const struct xen_gpu_counters *counters);
void xen_gpu_counters_show_total(struct seq_file *m);

#endif /* _XEN_GPU_MAP_COUNTERS_H */
