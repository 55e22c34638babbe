/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of the service's counters. counter_set.h describes the columns, counters.h the rules. A
 * file that includes this list defines COUNTER() first.
 *
 * The five batch classes of maps, and those of unmaps, must stay in ascending order:
 * xen_gpu_count_hypercall() computes the index.
 */

COUNTER(REFS_TAKEN, refs_taken, LOCKED),
COUNTER(REFS_RELEASED, refs_released, LOCKED),
COUNTER(MAPPED, mapped, LOCKED),
COUNTER(UNMAPPED, unmapped, LOCKED),
COUNTER(REVIVED, revived, LOCKED),
COUNTER(SHARED, shared, LOCKED),
COUNTER(QUEUED, queued, LOCKED),
COUNTER(SET_ASIDE, set_aside, LOCKED),
COUNTER(MAP_HYPERCALLS, map_hypercalls, LOCKED),
COUNTER(UNMAP_HYPERCALLS, unmap_hypercalls, LOCKED),
COUNTER(SETUP_HYPERCALLS, setup_hypercalls, ATOMIC),
COUNTER(REVAL_HYPERCALLS, reval_hypercalls, LOCKED),
COUNTER(MAP_BATCH_1, map_batch_1, LOCKED),
COUNTER(MAP_BATCH_2_7, map_batch_2_7, LOCKED),
COUNTER(MAP_BATCH_8_63, map_batch_8_63, LOCKED),
COUNTER(MAP_BATCH_64_511, map_batch_64_511, LOCKED),
COUNTER(MAP_BATCH_512, map_batch_512, LOCKED),
COUNTER(UNMAP_BATCH_1, unmap_batch_1, LOCKED),
COUNTER(UNMAP_BATCH_2_7, unmap_batch_2_7, LOCKED),
COUNTER(UNMAP_BATCH_8_63, unmap_batch_8_63, LOCKED),
COUNTER(UNMAP_BATCH_64_511, unmap_batch_64_511, LOCKED),
COUNTER(UNMAP_BATCH_512, unmap_batch_512, LOCKED),
COUNTER(FAIL_NOENT, fail_noent, LOCKED),
COUNTER(FAIL_PERM, fail_perm, LOCKED),
COUNTER(FAIL_QUOTA, fail_quota, LOCKED),
COUNTER(FAIL_RANGE, fail_range, LOCKED),
COUNTER(FAIL_DEAD, fail_dead, LOCKED),
COUNTER(FAIL_NOMEM, fail_nomem, LOCKED),
COUNTER(FAIL_AGAIN, fail_again, LOCKED),
COUNTER(FAIL_OTHER, fail_other, LOCKED),
COUNTER(UNMAP_FAILED, unmap_failed, LOCKED),
COUNTER(WINDOW_FULL, window_full, LOCKED),
COUNTER(TABLE_FAILED, table_failed, LOCKED),
COUNTER(BALLOON_EVENTS, balloon_events, ATOMIC),
COUNTER(REVALIDATIONS, revalidations, ATOMIC),
COUNTER(KEPT, kept, LOCKED),
COUNTER(MOVED, moved, LOCKED),
COUNTER(GONE, gone, LOCKED),
COUNTER(UNTRUSTED, untrusted, LOCKED),
COUNTER(DRAINED_AGE, drained_age, LOCKED),
COUNTER(DRAINED_SIZE, drained_size, LOCKED),
COUNTER(DRAINED_QUOTA, drained_quota, LOCKED),
COUNTER(DRAINED_BALLOON, drained_balloon, LOCKED),
COUNTER(DRAINED_FLUSH, drained_flush, LOCKED),
COUNTER(DOMAINS_ENDED, domains_ended, ATOMIC),

#undef COUNTER
