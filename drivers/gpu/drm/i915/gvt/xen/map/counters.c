// SPDX-License-Identifier: GPL-2.0
/*
 * The service's counters: one set for each domain, one for all that ever were.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "counters.h"

struct xen_gpu_counters xen_gpu_total;

#define XEN_GPU_COUNTER_NAME(name) #name,
static const char * const counter_names[] = {
	XEN_GPU_COUNTERS(XEN_GPU_COUNTER_NAME)
};

/* Counts for the domain and for the total. */
void xen_gpu_count(struct xen_gpu_counters *counters, enum xen_gpu_counter which, u64 n)
{
	if (!n)
		return;
	atomic64_add(n, &counters->value[which]);
	atomic64_add(n, &xen_gpu_total.value[which]);
}

/* The class of a batch: 1, 2-7, 8-63, 64-511 and 512 pages. */
static unsigned int batch_class(unsigned int pages)
{
	static const unsigned int limits[] = { 2, 8, 64, 512 };
	unsigned int class = 0;

	while (class < ARRAY_SIZE(limits) && pages >= limits[class])
		class++;
	return class;
}

/* One hypercall of so many pages. */
void xen_gpu_count_hypercall(struct xen_gpu_counters *counters, enum xen_gpu_call kind,
			     unsigned int pages)
{
	switch (kind) {
	case XEN_GPU_CALL_MAP:
		xen_gpu_count(counters, XEN_GPU_COUNT_map_hypercalls, 1);
		xen_gpu_count(counters, XEN_GPU_COUNT_map_batch_1 + batch_class(pages), 1);
		break;
	case XEN_GPU_CALL_UNMAP:
		xen_gpu_count(counters, XEN_GPU_COUNT_unmap_hypercalls, 1);
		xen_gpu_count(counters, XEN_GPU_COUNT_unmap_batch_1 + batch_class(pages), 1);
		break;
	case XEN_GPU_CALL_REVALIDATE:
		xen_gpu_count(counters, XEN_GPU_COUNT_reval_hypercalls, 1);
		break;
	}
}

void xen_gpu_count_failure(struct xen_gpu_counters *counters, int error, unsigned int n)
{
	static const struct {
		int error;
		enum xen_gpu_counter which;
	} reasons[] = {
		{ -ENOENT, XEN_GPU_COUNT_fail_noent },
		{ -EPERM, XEN_GPU_COUNT_fail_perm },
		{ -ENOSPC, XEN_GPU_COUNT_fail_quota },
		{ -ERANGE, XEN_GPU_COUNT_fail_range },
		{ -ENODEV, XEN_GPU_COUNT_fail_dead },
		{ -ENOMEM, XEN_GPU_COUNT_fail_nomem },
		{ -EAGAIN, XEN_GPU_COUNT_fail_again },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (reasons[i].error == error) {
			xen_gpu_count(counters, reasons[i].which, n);
			return;
		}
	}
	xen_gpu_count(counters, XEN_GPU_COUNT_fail_other, n);
}

u64 xen_gpu_counter_read(const struct xen_gpu_counters *counters, enum xen_gpu_counter which)
{
	return atomic64_read(&counters->value[which]);
}

void xen_gpu_counters_show(struct seq_file *m, const struct xen_gpu_counters *counters)
{
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(counter_names) != XEN_GPU_NR_COUNTERS);
	for (i = 0; i < XEN_GPU_NR_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", counter_names[i], xen_gpu_counter_read(counters, i));
}
