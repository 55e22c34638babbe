// SPDX-License-Identifier: GPL-2.0
/* DMA; see dma.h. */
#include <stddef.h>

#include "dma.h"
#include "iommu.h"
#include "judge.h"
#include "page.h"
#include "ram.h"

/* No DMA of a page can end beyond it: a page of RAM is in one region. */
static int at_physical(uint64_t physical, void **host)
{
	*host = NULL;
	if (ram_at(physical & ~PAGE_OFFSET, PAGE_BYTES))
		*host = ram_at(physical, 1);
	return *host ? GPU_DONE : GPU_NO_MEMORY;
}

int dma_at(uint64_t bus, bool write, void **host)
{
	uint64_t physical;

	if (!iommu_translate(bus, write, &physical))
		return GPU_REFUSED;
	return at_physical(physical, host);
}

static bool find_violation(int status, uint64_t bus, uint64_t physical, const struct target *target,
			   unsigned int *kind)
{
	bool known = target->physical != NOWHERE;

	if (judge_is_released(bus, 1) || (known && (status || physical != target->physical)))
		*kind = GPU_USED_RELEASED;
	else if (status == GPU_REFUSED)
		*kind = GPU_DMA_REFUSED;
	else if (status == GPU_NO_MEMORY)
		*kind = GPU_DMA_NO_MEMORY;
	else
		return false;
	return true;
}

int dma_target(unsigned int engine, unsigned int space, uint64_t graphics, bool write,
	       const struct target *target, void **host)
{
	struct violation v = { .engine = engine, .space = space, .address = graphics,
			       .used = target->entry, .table = target->entry };
	uint64_t physical;
	int status = GPU_REFUSED;

	if (iommu_translate(target->bus, write, &physical))
		status = at_physical(physical, host);
	if (find_violation(status, target->bus, physical, target, &v.kind))
		judge_violation(&v);
	return status;
}
