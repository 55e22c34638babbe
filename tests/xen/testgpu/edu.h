/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The DMA engine of QEMU's edu device: it copies between memory and a buffer of its own.
 *
 * Locking: none; one transfer at a time.
 */

#ifndef _TESTGPU_EDU_H
#define _TESTGPU_EDU_H

#include <linux/pci.h>
#include <linux/types.h>

/* A transfer may not reach the end of the device's 4 KiB, so a page goes by halves. */
#define EDU_CHUNK	(PAGE_SIZE / 2)

/**
 * struct edu - the device
 * @pdev: on the bus
 * @regs: its registers
 * @page: a page of the driver's that the device can reach
 * @page_bus: the page's bus address
 */
struct edu {
	struct pci_dev *pdev;
	void __iomem *regs;
	void *page;
	dma_addr_t page_bus;
};

int edu_init(struct edu *edu, struct pci_dev *pdev);
int edu_fetch(struct edu *edu, u64 bus, u32 len);
int edu_store(struct edu *edu, u64 bus, u32 len);
int edu_peek(struct edu *edu, u64 bus, u64 *value);

#endif /* _TESTGPU_EDU_H */
