// SPDX-License-Identifier: GPL-2.0
/* Wrappers of XenServer's iommu_op hypercall. Locking: none. */

#include <linux/errno.h>
#include <linux/limits.h>
#include <xen/interface/xen.h>
#include <asm/xen/hypercall.h>

#include "backend/backend.h"
#include "backend/iommu_op.h"

/*
 * Makes the hypercall for @n entries. Each entry has a status of 0 or a negative error afterwards,
 * even if Xen wrote none. Returns the error of the call.
 */
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
			ops[i].status = xen_gpu_backend_unwritten(rc);
		else if (ops[i].status > 0)
			ops[i].status = -EIO;
	}
	return rc;
}

/*
 * Asks for the capabilities of the hypercall. *@translates: an IOMMU translates for dom0, so BFNs
 * are not MFNs. Returns 0, or Xen's error: -ENOSYS if there is no such hypercall.
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
