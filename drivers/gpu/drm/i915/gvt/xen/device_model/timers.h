/* SPDX-License-Identifier: GPL-2.0 */
/* The ticks of GVT's timers; see timers.c. */

#ifndef _XENGT_GVT_TIMERS_H
#define _XENGT_GVT_TIMERS_H

#include <linux/hrtimer.h>

void xengt_gvt_next_tick(struct hrtimer *timer, u64 period_ns);
void xengt_gvt_next_turn(struct hrtimer *timer);

#endif /* _XENGT_GVT_TIMERS_H */
