// SPDX-License-Identifier: GPL-2.0
/* Pages that entries lead to; see page.h. */
#include "iommu.h"
#include "judge.h"
#include "page.h"
#include "ram.h"

uint64_t page_behind(uint64_t bus)
{
	uint64_t physical;

	if (!iommu_translate(bus, false, &physical) || !ram_at(physical, 1))
		return NOWHERE;
	return physical;
}

/* A page of 1G is looked at in steps of 2M: a guest's page table can have many. */
bool page_is_gone(uint64_t bus, uint64_t physical, uint64_t size)
{
	uint64_t offset, step = size >> 9 > PAGE_BYTES ? size >> 9 : PAGE_BYTES;

	if (judge_is_released(bus, size))
		return true;
	if (physical == NOWHERE)
		return false;
	for (offset = 0; offset < size; offset += step)
		if (page_behind(bus + offset) == NOWHERE)
			return true;
	return page_behind(bus) != physical;
}
