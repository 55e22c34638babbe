/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The service's counters: one set for each domain, one for all that ever were.
 *
 * Each is documented in Documentation/counters.rst. They only go up. Locking: none, atomics.
 */

#ifndef _XEN_GPU_MAP_COUNTERS_H
#define _XEN_GPU_MAP_COUNTERS_H

#include <linux/atomic.h>
#include <linux/types.h>

struct seq_file;

/* Pages per hypercall are counted in five classes that follow each other in the list. */
#define XEN_GPU_BATCH_CLASSES(X, op)				\
	X(op##_batch_1)						\
	X(op##_batch_2_7)					\
	X(op##_batch_8_63)					\
	X(op##_batch_64_511)					\
	X(op##_batch_512)

#define XEN_GPU_COUNTERS(X)					\
	X(refs_taken)						\
	X(refs_released)					\
	X(mapped)						\
	X(unmapped)						\
	X(revived)						\
	X(shared)						\
	X(queued)						\
	X(map_hypercalls)					\
	X(unmap_hypercalls)					\
	X(setup_hypercalls)					\
	X(reval_hypercalls)					\
	XEN_GPU_BATCH_CLASSES(X, map)				\
	XEN_GPU_BATCH_CLASSES(X, unmap)				\
	X(fail_noent)						\
	X(fail_perm)						\
	X(fail_quota)						\
	X(fail_range)						\
	X(fail_dead)						\
	X(fail_nomem)						\
	X(fail_again)						\
	X(fail_other)						\
	X(unmap_failed)						\
	X(balloon_events)					\
	X(revalidations)					\
	X(kept)							\
	X(moved)						\
	X(gone)							\
	X(untrusted)						\
	X(drained_age)						\
	X(drained_size)						\
	X(drained_quota)					\
	X(drained_balloon)					\
	X(drained_flush)					\
	X(domains_ended)

#define XEN_GPU_COUNTER_ENUM(name) XEN_GPU_COUNT_##name,
enum xen_gpu_counter {
	XEN_GPU_COUNTERS(XEN_GPU_COUNTER_ENUM)
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
};

extern struct xen_gpu_counters xen_gpu_total;

void xen_gpu_count(struct xen_gpu_counters *counters, enum xen_gpu_counter which, u64 n);
void xen_gpu_count_hypercall(struct xen_gpu_counters *counters, enum xen_gpu_call kind,
			     unsigned int pages);
void xen_gpu_count_failure(struct xen_gpu_counters *counters, int error, unsigned int n);
u64 xen_gpu_counter_read(const struct xen_gpu_counters *counters, enum xen_gpu_counter which);
void xen_gpu_counters_show(struct seq_file *m, const struct xen_gpu_counters *counters);

#endif /* _XEN_GPU_MAP_COUNTERS_H */
