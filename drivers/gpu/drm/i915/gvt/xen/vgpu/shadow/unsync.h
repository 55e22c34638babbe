/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unsync pages: pages of guest entries that are not write-protected for a while; see unsync.c.
 */

#ifndef _XENGT_UNSYNC_H
#define _XENGT_UNSYNC_H

#include <linux/types.h>

struct xengt_gpage;
struct xengt_gpages;
struct xengt_shadow;

void xengt_unsync_around(struct xengt_gpages *pages, unsigned long key);
void xengt_unsync_write_hot(struct xengt_shadow *sh);
void xengt_unsync_collect(struct xengt_shadow *sh);
void xengt_unsync_resync_all(struct xengt_shadow *sh);
unsigned long xengt_unsync_unprotect_all(struct xengt_gpages *pages);

#endif /* _XENGT_UNSYNC_H */
