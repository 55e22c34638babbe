/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before Linux 6.1's gntdev.c in the kernel of kasan.config: lockdep does not look at its
 * mutexes. They are taken in two orders with mmap_lock, as soon as xenstored maps a guest's ring,
 * and lockdep looks no further after its first report.
 */

#ifndef _XENGT_TEST_NO_LOCKDEP_H
#define _XENGT_TEST_NO_LOCKDEP_H

#include <linux/lockdep.h>
#include <linux/mutex.h>

/* gntdev.c defines it after these headers. */
#undef pr_fmt
#undef mutex_init
#define mutex_init(mutex)	__mutex_init(mutex, "gntdev", &__lockdep_no_validate__)

#endif /* _XENGT_TEST_NO_LOCKDEP_H */
