// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual GPUs' counters: what counts as what, and their names.
 */

#include <linux/errno.h>
#include <linux/kernel.h>

#include "counters.h"

static const char * const names[] = {
#define COUNTER(NAME, name, rule)	#name
#include "counter_list.h"
};

static u64 ended[XENGT_NR_COUNTERS];

static struct xen_counter_family family = {
	.names = names,
	.ended = ended,
	.n = XENGT_NR_COUNTERS,
	.lock = __MUTEX_INITIALIZER(family.lock),
	.sets = LIST_HEAD_INIT(family.sets),
};

/* Starts to count for a virtual GPU; with its mm's lock. */
void xengt_counters_start(struct xengt_counters *counters, const struct mutex *lock)
{
	xen_counter_set_start(&family, &counters->set, counters->value, lock);
}

void xengt_counters_end(struct xengt_counters *counters)
{
	xen_counter_set_end(&family, &counters->set);
}

/* An entry became scratch because of a status of xen_gpu_map(). */
void xengt_count_scratched(struct xengt_counters *counters, int error)
{
	enum xengt_counter which;

	switch (error) {
	case -ENOENT:
		which = XENGT_COUNT_SCRATCHED_NOENT;
		break;
	case -EPERM:
		which = XENGT_COUNT_SCRATCHED_PERM;
		break;
	case -ENOSPC:
		which = XENGT_COUNT_SCRATCHED_QUOTA;
		break;
	case -ERANGE:
		which = XENGT_COUNT_SCRATCHED_RANGE;
		break;
	case -ENODEV:
		which = XENGT_COUNT_SCRATCHED_DEAD;
		break;
	case -ENOMEM:
		which = XENGT_COUNT_SCRATCHED_NOMEM;
		break;
	case -EAGAIN:
		which = XENGT_COUNT_SCRATCHED_AGAIN;
		break;
	default:
		which = XENGT_COUNT_SCRATCHED_OTHER;
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
	xen_counter_set_show(m, &family, &counters->set);
}

/* Of all virtual GPUs that ever were. */
void xengt_counters_show_total(struct seq_file *m)
{
	xen_counter_family_show(m, &family);
}
