/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Syncs of the PPGTTs' shadow; see sync.c.
 */

#ifndef _XENGT_SYNC_H
#define _XENGT_SYNC_H

struct xengt_spts;

void xengt_spts_sync(struct xengt_spts *spts);
void xengt_spts_rescan(struct xengt_spts *spts);
void xengt_spts_retry_missing(struct xengt_spts *spts);

#endif /* _XENGT_SYNC_H */
