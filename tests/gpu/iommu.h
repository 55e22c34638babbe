/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine's IOMMU, an AMD one, as far as it concerns the GPU: its tables are walked in RAM.
 *
 * It has no IOTLB: what the tables say counts at once.
 */

#ifndef GPU_IOMMU_H
#define GPU_IOMMU_H

#include <stdbool.h>
#include <stdint.h>

#define IOMMU_MMIO	0xfed80000ULL
#define IOMMU_DEVFN	(2 << 3)	/* 00:02.0 */

/* How its registers are read; NULL: there is none, and bus addresses are physical ones. */
void iommu_use(bool (*read_physical)(uint64_t address, uint64_t *value));
/* False: it refuses */
bool iommu_translate(uint64_t bus, bool write, uint64_t *physical);

#endif /* GPU_IOMMU_H */
