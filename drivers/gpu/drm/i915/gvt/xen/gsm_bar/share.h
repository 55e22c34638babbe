/* SPDX-License-Identifier: GPL-2.0 */
/* The GSM "bar": virtual GPUs' shares of a device's GGTT; see share.c. */

#ifndef _XENGT_BAR_SHARE_H
#define _XENGT_BAR_SHARE_H

struct xengt_bar_device;
struct xengt_gsm_ops;

extern const struct xengt_gsm_ops xengt_bar_gsm;

void xengt_bar_shares_lost(struct xengt_bar_device *device);
void xengt_bar_shares_rewrite(struct xengt_bar_device *device);

#endif /* _XENGT_BAR_SHARE_H */
