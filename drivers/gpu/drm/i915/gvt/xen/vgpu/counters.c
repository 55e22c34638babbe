// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual GPUs' counters: their names, their totals, and which counter an error belongs to.
 *
 * Locking: see counters.h and counter_set.h.
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

/*
 * Adds a virtual GPU's counters, all zero, to the totals. @lock is the shadow's lock: callers of
 * xengt_count() hold it for LOCKED counters.
 */
void xengt_counters_start(struct xengt_counters *counters, const struct mutex *lock)
{
	xen_counter_set_start(&family, &counters->set, counters->value, lock);
}

/* Removes a virtual GPU's counters; the totals keep their values. Nobody counts any more. */
void xengt_counters_end(struct xengt_counters *counters)
{
	xen_counter_set_end(&family, &counters->set);
}

/*
 * Counts an entry that became scratch, by @error: its status from xen_gpu_map(), or the error of
 * getting the table that an entry of a directory names.
 */
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

/* Shows the totals over all virtual GPUs since the module was loaded. */
void xengt_counters_show_total(struct seq_file *m)
{
	xen_counter_family_show(m, &family);
}
