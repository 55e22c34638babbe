/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The late sync; see late_sync.c.
 */

#ifndef _XENGT_LATE_SYNC_H
#define _XENGT_LATE_SYNC_H

#include <linux/workqueue.h>

struct xengt_shadow;

void xengt_late_sync_init(struct xengt_shadow *sh, work_func_t sync);
void xengt_late_sync_exit(struct xengt_shadow *sh);
void xengt_late_sync_written(struct xengt_shadow *sh, unsigned int nr_written);
void xengt_late_sync_unsync(struct xengt_shadow *sh);
void xengt_late_sync_cancel(struct xengt_shadow *sh);

#endif /* _XENGT_LATE_SYNC_H */
