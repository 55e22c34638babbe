/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual GPUs' files in debugfs; see debugfs.c.
 */

#ifndef _XENGT_DEBUGFS_H
#define _XENGT_DEBUGFS_H

struct xengt_vgpu;

void xengt_debugfs_init(void);
void xengt_debugfs_exit(void);
void xengt_debugfs_add_vgpu(struct xengt_vgpu *vgpu);
void xengt_debugfs_hide_vgpu(struct xengt_vgpu *vgpu);
void xengt_debugfs_remove_vgpu(struct xengt_vgpu *vgpu);

#endif /* _XENGT_DEBUGFS_H */
