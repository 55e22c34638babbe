/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the modules are built for, from Linux 6.1 on.
 */

#ifndef _XEN_GPU_COMPAT_H
#define _XEN_GPU_COMPAT_H

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/version.h>

/*
 * Renames a file in its directory. There is no debugfs_rename() since 6.15, and before that no
 * debugfs_change_name(). This can go when the oldest kernel is 6.15.
 */
static inline void compat_debugfs_change_name(struct dentry *dir, struct dentry *dentry,
					      const char *name)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	debugfs_change_name(dentry, "%s", name);
#else
	debugfs_rename(dir, dentry, dir, name);
#endif
}

/*
 * Imports a namespace of symbols, whose name is a string since 6.13 and was a word before. This can
 * go when the oldest kernel is 6.13.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define COMPAT_MODULE_IMPORT_NS(ns)	MODULE_IMPORT_NS(#ns)
#define COMPAT_NS(ns)			#ns
#else
#define COMPAT_NS(ns)			ns
#define COMPAT_MODULE_IMPORT_NS(ns)	MODULE_IMPORT_NS(ns)
#endif

#endif /* _XEN_GPU_COMPAT_H */
