/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the benchmark's suites have in common.
 */

#ifndef _XENGT_BENCH_H
#define _XENGT_BENCH_H

#include <kunit/test.h>
#include <linux/kconfig.h>

/* With KASAN and lockdep figures mean nothing: there it only has to compile. */
static inline void skip_in_a_debug_kernel(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_KASAN))
		kunit_skip(test, "no figures in a debug kernel");
}

#endif /* _XENGT_BENCH_H */
