/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a guest has at the addresses of BAR 0 before its virtual GPU is there; see bar0.c.
 */

#ifndef _XENGT_BAR0_H
#define _XENGT_BAR0_H

struct xengt_vgpu;

int xengt_bar0_look(struct xengt_vgpu *vgpu);

#endif /* _XENGT_BAR0_H */
