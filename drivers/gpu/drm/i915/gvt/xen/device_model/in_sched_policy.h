/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before GVT's sched_policy.c, after instead_of_kvm.h: the parameter turn_us is in place
 * of GVT's period, and ticks that are over are not made up for.
 */

#ifndef _XENGT_GVT_IN_SCHED_POLICY_H
#define _XENGT_GVT_IN_SCHED_POLICY_H

#include "timers.h"

#define hrtimer_add_expires_ns(timer, period)	xengt_gvt_next_turn(timer)

#endif /* _XENGT_GVT_IN_SCHED_POLICY_H */
