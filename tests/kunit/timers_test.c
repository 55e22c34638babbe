// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the ticks of GVT's timers (device_model/timers.c). The rest of that module needs i915,
 * which user-mode Linux does not have.
 */

#include <kunit/test.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>

#include "compat.h"

#include "device_model/timers.c"

#define PERIOD_NS	(16 * NSEC_PER_MSEC)

/* The tests do what it would do. */
static enum hrtimer_restart tick(struct hrtimer *timer)
{
	return HRTIMER_NORESTART;
}

/* A timer whose tick was @late_ns ago, and whose function would run now. */
static struct hrtimer *late_timer(struct kunit *test, u64 late_ns)
{
	struct hrtimer *timer = kunit_kzalloc(test, sizeof(*timer), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, timer);
	compat_hrtimer_setup(timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	hrtimer_set_expires(timer, ktime_sub_ns(ktime_get(), late_ns));
	return timer;
}

/* The next tick is a whole number of periods after the last one, and the first that is not over. */
static void expect_first_tick_to_come(struct kunit *test, struct hrtimer *timer, ktime_t last,
				      ktime_t before, u64 period_ns)
{
	ktime_t next = hrtimer_get_expires(timer), after = ktime_get();
	u64 rest, periods = div64_u64_rem(ktime_to_ns(ktime_sub(next, last)), period_ns, &rest);

	KUNIT_EXPECT_EQ(test, rest, 0);
	KUNIT_EXPECT_GE(test, periods, 1);
	KUNIT_EXPECT_GT(test, ktime_to_ns(next), ktime_to_ns(before));
	KUNIT_EXPECT_LE(test, ktime_to_ns(next), ktime_to_ns(ktime_add_ns(after, period_ns)));
}

static const struct lateness {
	const char *name;
	u64 ns;
} latenesses[] = {
	{ "on time", 0 },
	{ "late by less than a period", PERIOD_NS / 2 },
	{ "late by a period", PERIOD_NS },
	{ "late by many periods", 1000 * PERIOD_NS + 1 },
	{ "late by an hour", 3600 * NSEC_PER_SEC },
};

static void describe(const struct lateness *lateness, char *desc)
{
	strscpy(desc, lateness->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(lateness, latenesses, describe);

static void late_timer_skips_the_ticks_that_are_over(struct kunit *test)
{
	const struct lateness *lateness = test->param_value;
	struct hrtimer *timer = late_timer(test, lateness->ns);
	ktime_t last = hrtimer_get_expires(timer), before = ktime_get();

	xengt_gvt_next_tick(timer, PERIOD_NS);
	expect_first_tick_to_come(test, timer, last, before, PERIOD_NS);
}

static void next_turn_is_the_first_that_is_not_over(struct kunit *test)
{
	static const unsigned int turns_us[] = { TURN_MIN_US, 1000, TURN_MAX_US };
	struct hrtimer *timer;
	ktime_t last, before;
	int i;

	for (i = 0; i < ARRAY_SIZE(turns_us); i++) {
		turn_us = turns_us[i];
		timer = late_timer(test, 3 * NSEC_PER_SEC);
		last = hrtimer_get_expires(timer);
		before = ktime_get();
		xengt_gvt_next_turn(timer);
		expect_first_tick_to_come(test, timer, last, before, turns_us[i] * NSEC_PER_USEC);
	}
}

static int set(const char *turn)
{
	const struct kernel_param kp = { .name = "turn_us", .arg = &turn_us };

	return turn_ops.set(turn, &kp);
}

static void turns_have_limits(struct kunit *test)
{
	static const char * const wrong[] = {
		"0", "99", "100001", "4294967296", "-1000", "often", ""
	};
	int i;

	KUNIT_EXPECT_EQ(test, turn_us, 1000);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		KUNIT_EXPECT_LT_MSG(test, set(wrong[i]), 0, "%s", wrong[i]);
		KUNIT_EXPECT_EQ(test, turn_us, 1000);
	}
	KUNIT_EXPECT_EQ(test, set("100"), 0);
	KUNIT_EXPECT_EQ(test, turn_us, 100);
	KUNIT_EXPECT_EQ(test, set("100000"), 0);
	KUNIT_EXPECT_EQ(test, turn_us, 100000);
}

static void restore_turn(struct kunit *test)
{
	turn_us = 1000;
}

static struct kunit_case timers_cases[] = {
	KUNIT_CASE_PARAM(late_timer_skips_the_ticks_that_are_over, lateness_gen_params),
	KUNIT_CASE(next_turn_is_the_first_that_is_not_over),
	KUNIT_CASE(turns_have_limits),
	{}
};

static struct kunit_suite timers_suite = {
	.name = "xengt_gvt_timers",
	.exit = restore_turn,
	.test_cases = timers_cases,
};

kunit_test_suite(timers_suite);
