// SPDX-License-Identifier: GPL-2.0
/*
 * The file "table": the shadow GGTT, 64 bits for each entry, from graphics address 0 on. Reads are
 * of whole entries; one gives TABLE_CHUNK of them at most.
 *
 * -ENODEV is that no virtual GPU exists.
 */

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "table.h"
#include "walk.h"

#define TABLE_CHUNK	64U
#define TABLE_SIZE	SZ_8M		/* of gen8 */

static int read_entries(u64 first, u64 *entries, unsigned int n)
{
	struct walk walk;
	unsigned int i;
	int ret;

	ret = walk_open(&walk);
	if (ret)
		return ret;
	walk_begin(&walk);
	for (i = 0; i < n; i++)
		entries[i] = xengt_mem_entry(walk.table, (first + i) << PAGE_SHIFT);
	walk_end(&walk);
	walk_close(&walk);

	return 0;
}

static ssize_t table_read(struct file *file, char __user *ubuf, size_t count, loff_t *pos)
{
	u64 entries[TABLE_CHUNK];
	unsigned int n;
	int ret;

	if (*pos < 0 || *pos % sizeof(u64) || count % sizeof(u64))
		return -EINVAL;
	if (*pos >= TABLE_SIZE)
		return 0;

	n = min_t(u64, count / sizeof(u64), (TABLE_SIZE - *pos) / sizeof(u64));
	n = min(n, TABLE_CHUNK);
	ret = read_entries(*pos / sizeof(u64), entries, n);
	if (ret)
		return ret;
	if (copy_to_user(ubuf, entries, n * sizeof(u64)))
		return -EFAULT;
	*pos += n * sizeof(u64);

	return n * sizeof(u64);
}

const struct file_operations testgpu_table_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = table_read,
	.llseek = default_llseek,
};
