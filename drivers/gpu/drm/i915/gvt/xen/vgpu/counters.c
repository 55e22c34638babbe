// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual GPUs' counters: one set for each, one for all that ever were.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "counters.h"

struct xengt_counters xengt_total;

static const char * const counter_names[] = {
	[XENGT_COUNT_TRAPS] = "traps",
	[XENGT_COUNT_READS] = "reads",
	[XENGT_COUNT_WRITES] = "writes",
	[XENGT_COUNT_REPS] = "reps",
	[XENGT_COUNT_INVALIDATES] = "invalidates",
	[XENGT_COUNT_UNHANDLED] = "unhandled",
	[XENGT_COUNT_BAD_RANGE] = "bad_range",
	[XENGT_COUNT_ENTRIES_WRITTEN] = "entries_written",
	[XENGT_COUNT_ENTRIES_SAME] = "entries_same",
	[XENGT_COUNT_OUT_OF_SHARE] = "out_of_share",
	[XENGT_COUNT_BAD_ENTRIES] = "bad_entries",
	[XENGT_COUNT_SHADOWED] = "shadowed",
	[XENGT_COUNT_SCRATCHED_NOENT] = "scratched_noent",
	[XENGT_COUNT_SCRATCHED_PERM] = "scratched_perm",
	[XENGT_COUNT_SCRATCHED_QUOTA] = "scratched_quota",
	[XENGT_COUNT_SCRATCHED_RANGE] = "scratched_range",
	[XENGT_COUNT_SCRATCHED_DEAD] = "scratched_dead",
	[XENGT_COUNT_SCRATCHED_NOMEM] = "scratched_nomem",
	[XENGT_COUNT_SCRATCHED_AGAIN] = "scratched_again",
	[XENGT_COUNT_SCRATCHED_OTHER] = "scratched_other",
	[XENGT_COUNT_ZAPPED] = "zapped",
	[XENGT_COUNT_MOVED] = "moved",
	[XENGT_COUNT_RETRIED] = "retried",
	[XENGT_COUNT_GPU_WRITES] = "gpu_writes",
	[XENGT_COUNT_GPU_INVALIDATES] = "gpu_invalidates",
	[XENGT_COUNT_COPY_FAILED] = "copy_failed",
	[XENGT_COUNT_PVINFO_NOTIFIES] = "pvinfo_notifies",
	[XENGT_COUNT_PVINFO_FAILED] = "pvinfo_failed",
	[XENGT_COUNT_PVINFO_UNKNOWN] = "pvinfo_unknown",
	[XENGT_COUNT_PVINFO_DENIED] = "pvinfo_denied",
	[XENGT_COUNT_TABLES_MADE] = "tables_made",
	[XENGT_COUNT_TABLES_SHARED] = "tables_shared",
	[XENGT_COUNT_TABLES_FREED] = "tables_freed",
	[XENGT_COUNT_RECLAIMED] = "reclaimed",
	[XENGT_COUNT_ROOTS_MISSING] = "roots_missing",
	[XENGT_COUNT_PINNED_SHORT] = "pinned_short",
	[XENGT_COUNT_SCRATCHED_TABLES] = "scratched_tables",
	[XENGT_COUNT_PARENTS_REWRITTEN] = "parents_rewritten",
	[XENGT_COUNT_REFUSED_1G] = "refused_1g",
	[XENGT_COUNT_PAGES_TRAPPED] = "pages_trapped",
	[XENGT_COUNT_PAGES_RELEASED] = "pages_released",
	[XENGT_COUNT_PAGES_CHECKED] = "pages_checked",
	[XENGT_COUNT_TABLE_WRITES] = "table_writes",
	[XENGT_COUNT_PLAIN_WRITES] = "plain_writes",
	[XENGT_COUNT_SYNCS] = "syncs",
	[XENGT_COUNT_SYNCS_LATE] = "syncs_late",
	[XENGT_COUNT_PAGES_OPENED] = "pages_opened",
	[XENGT_COUNT_PAGES_CLOSED] = "pages_closed",
	[XENGT_COUNT_OPEN_LOOKS] = "open_looks",
	[XENGT_COUNT_UNTRAPS_BUSY] = "untraps_busy",
	[XENGT_COUNT_GTT_RAM_LOST] = "gtt_ram_lost",
	[XENGT_COUNT_RESETS] = "resets",
	[XENGT_COUNT_DRIVERS_GONE] = "drivers_gone",
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
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(counter_names) != XENGT_NR_COUNTERS);
	for (i = 0; i < XENGT_NR_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", counter_names[i], xengt_counter_read(counters, i));
}
