/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DMA: what the device does on the bus, as far as the IOMMU lets it.
 */

#ifndef GPU_DMA_H
#define GPU_DMA_H

#include <stdbool.h>
#include <stdint.h>

#include "ggtt.h"

/* Where a bus address is in RAM, up to the end of its page: GPU_DONE, GPU_REFUSED, GPU_NO_MEMORY */
int dma_at(uint64_t bus, bool write, void **host);
/*
 * The same for what a graphics address led to. What is refused, and a page that has been released,
 * are violations of "engine" at that address.
 */
int dma_target(unsigned int engine, unsigned int space, uint64_t graphics, bool write,
	       const struct target *target, void **host);

#endif /* GPU_DMA_H */
