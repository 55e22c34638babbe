/* SPDX-License-Identifier: GPL-2.0 */
/* What Xen's command line says about dom0's IOMMU; see commandline.c. */

#ifndef _XEN_GPU_MAP_COMMANDLINE_H
#define _XEN_GPU_MAP_COMMANDLINE_H

int xen_gpu_iommu_lets_through(const char **why);

#endif /* _XEN_GPU_MAP_COMMANDLINE_H */
