/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The modules under test, as a user handles them: loaded and unloaded, with parameters, counters in
 * debugfs and virtual GPUs in configfs.
 *
 * The modules are linked into the test kernel. module_load() finds a module's init function by name
 * and calls it, so a test runs the same code as modprobe and rmmod, as often as it likes.
 */

#ifndef _XENGT_TEST_MODULES_H
#define _XENGT_TEST_MODULES_H

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/types.h>

#include "compat.h"

/* The guest of every test, and another one */
#define DOM		5
#define OTHER_DOM	6

struct file;

int module_load(const char *name);
void module_unload(const char *name);
bool module_loaded(const char *name);
void modules_unload_all(void);

int module_param_set(const char *name, const char *value);

struct file *debugfs_open(const char *path, int flags);
void debugfs_close(struct file *file);
bool debugfs_read(const char *path, char *text, size_t size);
int debugfs_write(const char *path);
u64 debugfs_value(const char *path, const char *name);

int configfs_mkdir(const char *path);
int configfs_rmdir(const char *path);
int configfs_rmdir_nowait(const char *path);
int configfs_write(const char *path, const char *value);
int configfs_read(const char *path, char *text, size_t size);

/* Waits, at most a minute, for something that other threads do. */
#define wait_for(test, condition)							\
do {											\
	unsigned int _tries = 60000;							\
											\
	while (!(condition) && --_tries)						\
		fsleep(1000);								\
	KUNIT_EXPECT_TRUE_MSG(test, _tries, "waited in vain for " #condition);		\
} while (0)

/* A generator for KUNIT_CASE_PARAM: the two kinds of dom0 */
KUNIT_GENERATOR(both_dom0s_gen_params);

#endif /* _XENGT_TEST_MODULES_H */
