/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The end of domains; see death.c.
 */

#ifndef _XEN_GPU_MAP_DEATH_H
#define _XEN_GPU_MAP_DEATH_H

int xen_gpu_death_init(void);
void xen_gpu_death_exit(void);
void xen_gpu_death_suspect(void);

#endif /* _XEN_GPU_MAP_DEATH_H */
