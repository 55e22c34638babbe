/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual GPUs in configfs; see configfs.c.
 */

#ifndef _XENGT_CONFIGFS_H
#define _XENGT_CONFIGFS_H

struct xengt_vgpu;

struct xengt_vgpu *xengt_configfs_find(const char *name);
void xengt_configfs_wait_removed(void);
int xengt_configfs_init(void);
void xengt_configfs_exit(void);

#endif /* _XENGT_CONFIGFS_H */
