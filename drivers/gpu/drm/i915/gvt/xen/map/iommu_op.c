// SPDX-License-Identifier: GPL-2.0
/*
 * XenServer's iommu_op hypercall, as calls. Locking: none.
 */

#include <linux/errno.h>
#include <linux/limits.h>
#include <xen/interface/xen.h>
#include <asm/xen/hypercall.h>

#include "iommu_op.h"

/* Makes the call. Each entry has a status afterwards: 0 or an error, whatever Xen wrote. */
int xen_gpu_iommu_op(struct pv_iommu_op *ops, unsigned int n)
{
	const int unwritten = INT_MIN;
	unsigned int i;
	int rc;

	for (i = 0; i < n; i++)
		ops[i].status = unwritten;
	rc = privcmd_call(__HYPERVISOR_iommu_op, (unsigned long)ops, n, 0, 0, 0);
	for (i = 0; i < n; i++) {
		if (ops[i].status == unwritten)
			ops[i].status = rc ?: -EIO;
		else if (ops[i].status > 0)
			ops[i].status = -EIO;
	}
	return rc;
}

/*
 * Is there such a hypercall, and if so, does an IOMMU translate for dom0, where BFNs are not MFNs?
 * Returns 0 or an error of Xen's: -ENOSYS if there is none.
 */
int xen_gpu_iommu_op_query(bool *translates)
{
	struct pv_iommu_op op = { .subop_id = IOMMUOP_query_caps };
	int rc = xen_gpu_iommu_op(&op, 1);

	if (!rc)
		rc = op.status;
	*translates = !rc && (op.flags & IOMMU_QUERY_map_cap);
	return rc;
}
