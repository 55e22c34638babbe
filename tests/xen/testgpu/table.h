/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shadow GGTT in the "mem" place as a file, as the GPU would read it.
 *
 * Locking: none; each read is a walk of its own.
 */

#ifndef _TESTGPU_TABLE_H
#define _TESTGPU_TABLE_H

#include <linux/fs.h>

extern const struct file_operations testgpu_table_fops;

#endif /* _TESTGPU_TABLE_H */
