/* SPDX-License-Identifier: GPL-2.0 */
/*
 * XenServer's iommu_op hypercall; see iommu_op.c.
 */

#ifndef _XEN_GPU_MAP_IOMMU_OP_H
#define _XEN_GPU_MAP_IOMMU_OP_H

#include <linux/types.h>
#include <xen/interface/iommu_op.h>

int xen_gpu_iommu_op(struct pv_iommu_op *ops, unsigned int n);
int xen_gpu_iommu_op_query(bool *translates);

#endif /* _XEN_GPU_MAP_IOMMU_OP_H */
