// SPDX-License-Identifier: GPL-2.0
/*
 * The service's counters: one set for each domain. The total is added up when it is read. See
 * counters.h for the locking.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "counters.h"

static DEFINE_MUTEX(sets_lock);
static LIST_HEAD(sets);
static struct xen_gpu_counters ended;	/* the sum of the sets that are gone */

static const char * const counter_names[] = {
	[XEN_GPU_COUNT_REFS_TAKEN] = "refs_taken",
	[XEN_GPU_COUNT_REFS_RELEASED] = "refs_released",
	[XEN_GPU_COUNT_MAPPED] = "mapped",
	[XEN_GPU_COUNT_UNMAPPED] = "unmapped",
	[XEN_GPU_COUNT_REVIVED] = "revived",
	[XEN_GPU_COUNT_SHARED] = "shared",
	[XEN_GPU_COUNT_QUEUED] = "queued",
	[XEN_GPU_COUNT_SET_ASIDE] = "set_aside",
	[XEN_GPU_COUNT_MAP_HYPERCALLS] = "map_hypercalls",
	[XEN_GPU_COUNT_UNMAP_HYPERCALLS] = "unmap_hypercalls",
	[XEN_GPU_COUNT_SETUP_HYPERCALLS] = "setup_hypercalls",
	[XEN_GPU_COUNT_REVAL_HYPERCALLS] = "reval_hypercalls",
	[XEN_GPU_COUNT_MAP_BATCH_1] = "map_batch_1",
	[XEN_GPU_COUNT_MAP_BATCH_2_7] = "map_batch_2_7",
	[XEN_GPU_COUNT_MAP_BATCH_8_63] = "map_batch_8_63",
	[XEN_GPU_COUNT_MAP_BATCH_64_511] = "map_batch_64_511",
	[XEN_GPU_COUNT_MAP_BATCH_512] = "map_batch_512",
	[XEN_GPU_COUNT_UNMAP_BATCH_1] = "unmap_batch_1",
	[XEN_GPU_COUNT_UNMAP_BATCH_2_7] = "unmap_batch_2_7",
	[XEN_GPU_COUNT_UNMAP_BATCH_8_63] = "unmap_batch_8_63",
	[XEN_GPU_COUNT_UNMAP_BATCH_64_511] = "unmap_batch_64_511",
	[XEN_GPU_COUNT_UNMAP_BATCH_512] = "unmap_batch_512",
	[XEN_GPU_COUNT_FAIL_NOENT] = "fail_noent",
	[XEN_GPU_COUNT_FAIL_PERM] = "fail_perm",
	[XEN_GPU_COUNT_FAIL_QUOTA] = "fail_quota",
	[XEN_GPU_COUNT_FAIL_RANGE] = "fail_range",
	[XEN_GPU_COUNT_FAIL_DEAD] = "fail_dead",
	[XEN_GPU_COUNT_FAIL_NOMEM] = "fail_nomem",
	[XEN_GPU_COUNT_FAIL_AGAIN] = "fail_again",
	[XEN_GPU_COUNT_FAIL_OTHER] = "fail_other",
	[XEN_GPU_COUNT_UNMAP_FAILED] = "unmap_failed",
	[XEN_GPU_COUNT_WINDOW_FULL] = "window_full",
	[XEN_GPU_COUNT_TABLE_FAILED] = "table_failed",
	[XEN_GPU_COUNT_BALLOON_EVENTS] = "balloon_events",
	[XEN_GPU_COUNT_REVALIDATIONS] = "revalidations",
	[XEN_GPU_COUNT_KEPT] = "kept",
	[XEN_GPU_COUNT_MOVED] = "moved",
	[XEN_GPU_COUNT_GONE] = "gone",
	[XEN_GPU_COUNT_UNTRUSTED] = "untrusted",
	[XEN_GPU_COUNT_DRAINED_AGE] = "drained_age",
	[XEN_GPU_COUNT_DRAINED_SIZE] = "drained_size",
	[XEN_GPU_COUNT_DRAINED_QUOTA] = "drained_quota",
	[XEN_GPU_COUNT_DRAINED_BALLOON] = "drained_balloon",
	[XEN_GPU_COUNT_DRAINED_FLUSH] = "drained_flush",
	[XEN_GPU_COUNT_DOMAINS_ENDED] = "domains_ended",
};

static void add_up(struct xen_gpu_counters *sum, const struct xen_gpu_counters *counters)
{
	unsigned int i;

	for (i = 0; i < XEN_GPU_NR_COUNTERS; i++)
		xen_gpu_count(sum, i, xen_gpu_counter_read(counters, i));
}

/* From here on the set, which is all zeroes, is part of the total. */
void xen_gpu_counters_start(struct xen_gpu_counters *counters)
{
	mutex_lock(&sets_lock);
	list_add_tail(&counters->node, &sets);
	mutex_unlock(&sets_lock);
}

/* Nobody counts any more; what was counted stays in the total. */
void xen_gpu_counters_end(struct xen_gpu_counters *counters)
{
	mutex_lock(&sets_lock);
	list_del(&counters->node);
	add_up(&ended, counters);
	mutex_unlock(&sets_lock);
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
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(counter_names) != XEN_GPU_NR_COUNTERS);
	for (i = 0; i < XEN_GPU_NR_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", counter_names[i], xen_gpu_counter_read(counters, i));
}

/* Of all domains that ever were. */
void xen_gpu_counters_show_total(struct seq_file *m)
{
	const struct xen_gpu_counters *counters;
	struct xen_gpu_counters total = {};

	mutex_lock(&sets_lock);
	add_up(&total, &ended);
	list_for_each_entry(counters, &sets, node)
		add_up(&total, counters);
	mutex_unlock(&sets_lock);
	xen_gpu_counters_show(m, &total);
}
