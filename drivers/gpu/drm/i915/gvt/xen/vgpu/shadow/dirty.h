/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a guest wrote to its pages of entries and is not in the shadow yet; see dirty.c.
 */

#ifndef _XENGT_DIRTY_H
#define _XENGT_DIRTY_H

#include "shadow/shadow.h"

struct xengt_gpages;

void xengt_dirty_init(struct xengt_shadow *sh);
void xengt_dirty_exit(struct xengt_shadow *sh);
bool xengt_dirty_store(struct xengt_gpages *pages, unsigned long key, unsigned int offset,
		       const void *data, unsigned int len);
void xengt_dirty_collect(struct xengt_shadow *sh);
void xengt_dirty_set_mode(struct xengt_shadow *sh, enum xengt_mode mode);
void xengt_dirty_want_rescan(struct xengt_shadow *sh);
void xengt_dirty_begin_rescan(struct xengt_shadow *sh);
void xengt_dirty_leave_rescan(struct xengt_shadow *sh);
const char *xengt_mode_name(enum xengt_mode mode);
int xengt_mode_find(const char *name);

#endif /* _XENGT_DIRTY_H */
