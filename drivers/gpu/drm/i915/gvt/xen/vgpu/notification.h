/* SPDX-License-Identifier: GPL-2.0 */
/* A guest's notifications; see notification.c. */

#ifndef _XENGT_NOTIFICATION_H
#define _XENGT_NOTIFICATION_H

struct xengt_mmio;

int xengt_notification_init(struct xengt_mmio *mmio);

#endif /* _XENGT_NOTIFICATION_H */
