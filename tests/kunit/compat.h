/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the suites run in, from Linux 6.1 on.
 */

#ifndef _XENGT_TEST_COMPAT_H
#define _XENGT_TEST_COMPAT_H

#include <kunit/test.h>
#include <linux/fs_struct.h>
#include <linux/hrtimer.h>
#include <linux/version.h>

/*
 * Declares or defines a generator of parameters for KUNIT_CASE_PARAM(). Its body has @prev and
 * @desc. Since 6.18 generators also get the test, which none of these needs.
 *
 * This can go when the oldest kernel is 6.18.
 */
#ifdef KUNIT_CASE_PARAM_WITH_INIT
#define KUNIT_GENERATOR(name) \
	const void *name(struct kunit *test, const void *prev, char *desc)
#else
#define KUNIT_GENERATOR(name) \
	const void *name(const void *prev, char *desc)
#endif

/*
 * The statement that follows looks up paths from init's root. The cases run in kernel threads,
 * which have a root of their own in 7.3, and init's in kernels without this macro.
 *
 * This can go when all kernels have it.
 */
#ifndef scoped_with_init_fs
#define scoped_with_init_fs()
#endif

/*
 * There is no hrtimer_init() since 6.15, and before 6.13 no hrtimer_setup(). This can go when the
 * oldest kernel is 6.13.
 */
static inline void compat_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*function)(struct hrtimer *),
					clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

#endif /* _XENGT_TEST_COMPAT_H */
