/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before GVT's display.c, after instead_of_kvm.h: vertical blanks that are over are not
 * made up for.
 */

#ifndef _XENGT_GVT_IN_DISPLAY_H
#define _XENGT_GVT_IN_DISPLAY_H

#include "timers.h"

#define hrtimer_add_expires_ns(timer, period)	xengt_gvt_next_tick(timer, period)

#endif /* _XENGT_GVT_IN_DISPLAY_H */
