/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A user of files: the calling thread with memory in user space, from where it makes system calls.
 */

#ifndef _XENGT_TEST_FILE_USER_H
#define _XENGT_TEST_FILE_USER_H

#include <kunit/test.h>
#include <linux/types.h>

struct file;

#define USER_MEMORY	65536

/**
 * struct file_user - a user
 * @test: the test
 * @mm: its address space, which the thread has until file_user_stop()
 * @memory: its memory
 */
struct file_user {
	struct kunit *test;
	struct mm_struct *mm;
	void __user *memory;
};

struct file_user *file_user_start(struct kunit *test);
void file_user_stop(struct file_user *user);
ssize_t user_write(struct file_user *user, struct file *file, const char *text);
ssize_t user_read(struct file_user *user, struct file *file, char *text, size_t size);
size_t user_read_all(struct file_user *user, struct file *file, char *text, size_t size,
		     size_t piece);

#endif /* _XENGT_TEST_FILE_USER_H */
