/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the suites of the benchmark.
 */

#ifndef _XENGT_BENCH_H
#define _XENGT_BENCH_H

#include <kunit/test.h>
#include <linux/kconfig.h>

/* Figures mean nothing with KASAN and lockdep: there the benchmark only has to compile. */
static inline void skip_in_a_debug_kernel(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_KASAN))
		kunit_skip(test, "no figures in a debug kernel");
}

#endif /* _XENGT_BENCH_H */
