// SPDX-License-Identifier: GPL-2.0
/* The service's counters: their names, batch classes, and which error counts as which failure. */

#include <linux/errno.h>
#include <linux/kernel.h>

#include "counters.h"

static const char * const names[] = {
#define COUNTER(NAME, name, rule)	#name
#include "counter_list.h"
};

static u64 ended[XEN_GPU_NR_COUNTERS];

static struct xen_counter_family family = {
	.names = names,
	.ended = ended,
	.n = XEN_GPU_NR_COUNTERS,
	.lock = __MUTEX_INITIALIZER(family.lock),
	.sets = LIST_HEAD_INIT(family.sets),
};

/* Adds a domain's counters to the totals. @lock is the domain's lock. */
void xen_gpu_counters_start(struct xen_gpu_counters *counters, const struct mutex *lock)
{
	xen_counter_set_start(&family, &counters->set, counters->value, lock);
}

void xen_gpu_counters_end(struct xen_gpu_counters *counters)
{
	xen_counter_set_end(&family, &counters->set);
}

/* Returns the class of a batch: 0 to 4 for 1, 2-7, 8-63, 64-511 and 512 pages. */
static unsigned int batch_class(unsigned int pages)
{
	static const unsigned int limits[] = { 2, 8, 64, 512 };
	unsigned int class = 0;

	while (class < ARRAY_SIZE(limits) && pages >= limits[class])
		class++;
	return class;
}

/* Counts one hypercall of @kind for @pages pages. */
void xen_gpu_count_hypercall(struct xen_gpu_counters *counters, enum xen_gpu_call kind,
			     unsigned int pages)
{
	switch (kind) {
	case XEN_GPU_CALL_MAP:
		xen_gpu_count(counters, XEN_GPU_COUNT_MAP_HYPERCALLS, 1);
		xen_gpu_count(counters, XEN_GPU_COUNT_MAP_BATCH_1 + batch_class(pages), 1);
		break;
	case XEN_GPU_CALL_UNMAP:
		xen_gpu_count(counters, XEN_GPU_COUNT_UNMAP_HYPERCALLS, 1);
		xen_gpu_count(counters, XEN_GPU_COUNT_UNMAP_BATCH_1 + batch_class(pages), 1);
		break;
	case XEN_GPU_CALL_REVALIDATE:
		xen_gpu_count(counters, XEN_GPU_COUNT_REVAL_HYPERCALLS, 1);
		break;
	}
}

void xen_gpu_count_failure(struct xen_gpu_counters *counters, int error, unsigned int n)
{
	static const struct {
		int error;
		enum xen_gpu_counter which;
	} reasons[] = {
		{ -ENOENT, XEN_GPU_COUNT_FAIL_NOENT },
		{ -EPERM, XEN_GPU_COUNT_FAIL_PERM },
		{ -ENOSPC, XEN_GPU_COUNT_FAIL_QUOTA },
		{ -ERANGE, XEN_GPU_COUNT_FAIL_RANGE },
		{ -ENODEV, XEN_GPU_COUNT_FAIL_DEAD },
		{ -ENOMEM, XEN_GPU_COUNT_FAIL_NOMEM },
		{ -EAGAIN, XEN_GPU_COUNT_FAIL_AGAIN },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (reasons[i].error == error) {
			xen_gpu_count(counters, reasons[i].which, n);
			return;
		}
	}
	xen_gpu_count(counters, XEN_GPU_COUNT_FAIL_OTHER, n);
}

u64 xen_gpu_counter_read(const struct xen_gpu_counters *counters, enum xen_gpu_counter which)
{
	return atomic64_read(&counters->value[which]);
}

void xen_gpu_counters_show(struct seq_file *m, const struct xen_gpu_counters *counters)
{
	xen_counter_set_show(m, &family, &counters->set);
}

/* Shows the totals over all domains since the module was loaded. */
void xen_gpu_counters_show_total(struct seq_file *m)
{
	xen_counter_family_show(m, &family);
}
