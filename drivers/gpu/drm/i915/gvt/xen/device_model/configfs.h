/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual GPUs with GVT's device model in configfs; see configfs.c.
 */

#ifndef _XENGT_GVT_CONFIGFS_H
#define _XENGT_GVT_CONFIGFS_H

int xengt_gvt_configfs_init(void);
void xengt_gvt_configfs_exit(void);

#endif /* _XENGT_GVT_CONFIGFS_H */
