// SPDX-License-Identifier: GPL-2.0
/*
 * A user of files; see file_user.h.
 */

#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "file_user.h"

struct file_user *file_user_start(struct kunit *test)
{
	struct file_user *user = kunit_kzalloc(test, sizeof(*user), GFP_KERNEL);
	unsigned long addr;

	KUNIT_ASSERT_NOT_NULL(test, user);
	user->test = test;
	user->mm = mm_alloc();
	KUNIT_ASSERT_NOT_NULL(test, user->mm);
	user->mm->task_size = TASK_SIZE;
	arch_pick_mmap_layout(user->mm, &current->signal->rlim[RLIMIT_STACK]);
	kthread_use_mm(user->mm);
	addr = vm_mmap(NULL, 0, USER_MEMORY, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	user->memory = (void __user *)addr;
	return user;
}

void file_user_stop(struct file_user *user)
{
	kthread_unuse_mm(user->mm);
	mmput(user->mm);
}

/* write() of a text */
ssize_t user_write(struct file_user *user, struct file *file, const char *text)
{
	size_t len = strlen(text);
	loff_t pos = file->f_pos;
	ssize_t n;

	KUNIT_ASSERT_LE(user->test, len, (size_t)USER_MEMORY);
	KUNIT_ASSERT_EQ(user->test, copy_to_user(user->memory, text, len), 0ul);
	n = vfs_write(file, user->memory, len, &pos);
	if (n >= 0)
		file->f_pos = pos;
	return n;
}

/* read() of at most @size bytes, without a terminating 0 */
ssize_t user_read(struct file_user *user, struct file *file, char *text, size_t size)
{
	loff_t pos = file->f_pos;
	ssize_t n;

	KUNIT_ASSERT_LE(user->test, size, (size_t)USER_MEMORY);
	n = vfs_read(file, user->memory, size, &pos);
	if (n < 0)
		return n;
	file->f_pos = pos;
	KUNIT_ASSERT_EQ(user->test, copy_from_user(text, user->memory, n), 0ul);
	return n;
}

/* Reads to the end, in pieces. The text must be shorter than @size. Returns its length. */
size_t user_read_all(struct file_user *user, struct file *file, char *text, size_t size,
		     size_t piece)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = user_read(user, file, text + len, min(piece, size - 1 - len));
		KUNIT_ASSERT_GE(user->test, n, (ssize_t)0);
		len += n;
	} while (n);
	KUNIT_EXPECT_LT_MSG(user->test, len, size - 1, "the buffer is full");
	text[len] = '\0';
	return len;
}
