/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual GPUs that serve guests; see served.c.
 */

#ifndef _XENGT_SERVED_H
#define _XENGT_SERVED_H

struct xengt_vgpu;

int xengt_served_add(struct xengt_vgpu *vgpu);
void xengt_served_remove(struct xengt_vgpu *vgpu);
void xengt_served_set_removed(struct xengt_vgpu *vgpu);

#endif /* _XENGT_SERVED_H */
