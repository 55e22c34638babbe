/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages: what an entry in a TLB leads to, and whether that is still so.
 */

#ifndef GPU_PAGE_H
#define GPU_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bits.h"

#define PAGE_SHIFT	12
#define PAGE_BYTES	4096ULL
#define PAGE_OFFSET	(PAGE_BYTES - 1)

#define PTE_PRESENT	BIT_ULL(0)
#define PTE_WRITABLE	BIT_ULL(1)
#define PTE_ADDRESS	0x00003ffffffff000ULL

/* Where nothing is known to be */
#define NOWHERE		(~0ULL)

/* The physical address behind a bus address, or NOWHERE if the IOMMU refuses or no RAM is there */
uint64_t page_behind(uint64_t bus);
/*
 * Of a page that began at "physical" when its entry came into a TLB, or at NOWHERE if that is not
 * known, at least a part is somebody else's now.
 */
bool page_is_gone(uint64_t bus, uint64_t physical, uint64_t size);

#endif /* GPU_PAGE_H */
