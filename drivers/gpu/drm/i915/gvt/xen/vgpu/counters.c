// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual GPUs' counters: one set for each, one for all that ever were.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "counters.h"

struct xengt_counters xengt_total;

#define XENGT_COUNTER_NAME(name) #name,
static const char * const counter_names[] = {
	XENGT_COUNTERS(XENGT_COUNTER_NAME)
};

/* Counts for the virtual GPU and for the total. */
void xengt_count(struct xengt_counters *counters, enum xengt_counter which, u64 n)
{
	if (!n)
		return;
	atomic64_add(n, &counters->value[which]);
	atomic64_add(n, &xengt_total.value[which]);
}

/* An entry became scratch because of a status of xen_gpu_map(). */
void xengt_count_scratched(struct xengt_counters *counters, int error)
{
	enum xengt_counter which;

	switch (error) {
	case -ENOENT:
		which = XENGT_COUNT_scratched_noent;
		break;
	case -EPERM:
		which = XENGT_COUNT_scratched_perm;
		break;
	case -ENOSPC:
		which = XENGT_COUNT_scratched_quota;
		break;
	case -ERANGE:
		which = XENGT_COUNT_scratched_range;
		break;
	case -ENODEV:
		which = XENGT_COUNT_scratched_dead;
		break;
	case -ENOMEM:
		which = XENGT_COUNT_scratched_nomem;
		break;
	case -EAGAIN:
		which = XENGT_COUNT_scratched_again;
		break;
	default:
		which = XENGT_COUNT_scratched_other;
		break;
	}
	xengt_count(counters, which, 1);
}

u64 xengt_counter_read(const struct xengt_counters *counters, enum xengt_counter which)
{
	return atomic64_read(&counters->value[which]);
}

void xengt_counters_show(struct seq_file *m, const struct xengt_counters *counters)
{
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(counter_names) != XENGT_NR_COUNTERS);
	for (i = 0; i < XENGT_NR_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", counter_names[i], xengt_counter_read(counters, i));
}
