// SPDX-License-Identifier: GPL-2.0
/*
 * The ticks of GVT's timers: of its scheduler, and of the vertical blanks of guests' displays.
 *
 * GVT by itself makes up for each tick that it has missed. But Xen may not run dom0's CPU for a
 * while. Then dom0 would serve ticks without a pause, and for ever if it cannot serve them as fast
 * as they come. Here a timer that is late goes on with its next tick.
 *
 * Context: of the timers, in interrupts. No locks.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "timers.h"

#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/time64.h>

/* GVT gives out time anew every 100 ms, at a tick (GVT_TS_BALANCE_PERIOD_MS in sched_policy.c). */
#define TURN_MIN_US	100
#define TURN_MAX_US	100000

static unsigned int turn_us = 1000;

static int set_turn(const char *val, const struct kernel_param *kp)
{
	int rc = param_set_uint_minmax(val, kp, TURN_MIN_US, TURN_MAX_US);

	if (rc)
		pr_err("turn_us has to be from %d to %d\n", TURN_MIN_US, TURN_MAX_US);
	return rc;
}

static const struct kernel_param_ops turn_ops = {
	.set = set_turn,
	.get = param_get_uint,
};

module_param_cb(turn_us, &turn_ops, &turn_us, 0644);
MODULE_PARM_DESC(turn_us, "How often GVT looks whose turn it is, in microseconds: 100 to 100000 (1000)");

/**
 * xengt_gvt_next_tick - set a timer to its next tick, and skip those that are over
 * @timer: the timer, whose function runs
 * @period_ns: between two ticks, in ns
 *
 * Context: any.
 */
void xengt_gvt_next_tick(struct hrtimer *timer, u64 period_ns)
{
	hrtimer_forward_now(timer, ns_to_ktime(period_ns));
}

/**
 * xengt_gvt_next_turn - set the scheduler's timer to its next tick
 * @timer: the timer, whose function runs
 *
 * Context: any.
 */
void xengt_gvt_next_turn(struct hrtimer *timer)
{
	xengt_gvt_next_tick(timer, READ_ONCE(turn_us) * NSEC_PER_USEC);
}
