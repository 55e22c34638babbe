/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The service's counters: one set for each domain, and totals over all domains since the module
 * was loaded.
 *
 * counter_list.h lists the counters, Documentation/counters.rst documents them.
 *
 * Locking: that of counter_set.h. The lock of the LOCKED counters is the domain's lock, under which
 * GFNs are mapped, unmapped and revalidated. The ATOMIC counters are also counted without it:
 *
 *	setup_hypercalls		while the domain is created and freed, too
 *	balloon_events			by the caller that reports an event, in any context
 *	revalidations, domains_ended	under notify_lock, when the operation is complete
 */

#ifndef _XEN_GPU_MAP_COUNTERS_H
#define _XEN_GPU_MAP_COUNTERS_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "../counter_set.h"

enum xen_gpu_counter {
#define COUNTER(NAME, name, rule)	XEN_GPU_COUNT_##NAME
#include "counter_list.h"
	XEN_GPU_NR_COUNTERS
};

static const enum xen_counter_rule __maybe_unused xen_gpu_counter_rules[] = {
#define COUNTER(NAME, name, rule)	XEN_COUNTER_##rule
#include "counter_list.h"
};

/* The purpose of a hypercall */
enum xen_gpu_call {
	XEN_GPU_CALL_MAP,
	XEN_GPU_CALL_UNMAP,
	XEN_GPU_CALL_REVALIDATE,
};

struct xen_gpu_counters {
	struct xen_counter_set set;
	atomic64_t value[XEN_GPU_NR_COUNTERS];
};

/* Adds @n to a counter. The caller holds the domain's lock if the counter is LOCKED. */
static __always_inline void xen_gpu_count(struct xen_gpu_counters *counters,
					  enum xen_gpu_counter which, u64 n)
{
	xen_counter_add(&counters->set, &counters->value[which], xen_gpu_counter_rules[which], n);
}

void xen_gpu_counters_start(struct xen_gpu_counters *counters, const struct mutex *lock);
void xen_gpu_counters_end(struct xen_gpu_counters *counters);
void xen_gpu_count_hypercall(struct xen_gpu_counters *counters, enum xen_gpu_call kind,
			     unsigned int pages);
void xen_gpu_count_failure(struct xen_gpu_counters *counters, int error, unsigned int n);
u64 xen_gpu_counter_read(const struct xen_gpu_counters *counters, enum xen_gpu_counter which);
void xen_gpu_counters_show(struct seq_file *m, const struct xen_gpu_counters *counters);
void xen_gpu_counters_show_total(struct seq_file *m);

#endif /* _XEN_GPU_MAP_COUNTERS_H */
