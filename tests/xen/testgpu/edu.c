// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA engine of QEMU's edu device; see docs/specs/edu.txt in QEMU for the registers.
 *
 * A transfer takes a tenth of a second: the device's own delay.
 */

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io-64-nonatomic-lo-hi.h>

#include "edu.h"

#define EDU_ID			0x00
#define  EDU_ID_MASK		0xffff
#define  EDU_ID_VALUE		0x00ed
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_CMD		0x98
#define  EDU_DMA_RUN		BIT(0)
#define  EDU_DMA_TO_MEMORY	BIT(1)

#define EDU_BUFFER		0x40000

#define DMA_POLL_MS		10
#define DMA_POLLS		3000

static int transfer(struct edu *edu, u64 src, u64 dst, u32 len, u32 direction)
{
	int i;

	writeq(src, edu->regs + EDU_DMA_SRC);
	writeq(dst, edu->regs + EDU_DMA_DST);
	writeq(len, edu->regs + EDU_DMA_COUNT);
	writeq(EDU_DMA_RUN | direction, edu->regs + EDU_DMA_CMD);

	/* Polls are counted, not timed: the clock jumps under emulation. */
	for (i = 0; i < DMA_POLLS; i++) {
		if (!(readq(edu->regs + EDU_DMA_CMD) & EDU_DMA_RUN))
			return 0;
		msleep(DMA_POLL_MS);
	}

	dev_err(&edu->pdev->dev, "DMA did not end\n");
	return -ETIMEDOUT;
}

/* From memory into the device's buffer. */
int edu_fetch(struct edu *edu, u64 bus, u32 len)
{
	return transfer(edu, bus, EDU_BUFFER, len, 0);
}

/* From the device's buffer into memory. */
int edu_store(struct edu *edu, u64 bus, u32 len)
{
	return transfer(edu, EDU_BUFFER, bus, len, EDU_DMA_TO_MEMORY);
}

/* What the device finds at a bus address, by way of the driver's page. */
int edu_peek(struct edu *edu, u64 bus, u64 *value)
{
	u64 *word = edu->page;
	int ret;

	ret = edu_fetch(edu, bus, sizeof(*value));
	if (!ret)
		ret = edu_store(edu, edu->page_bus, sizeof(*value));
	*value = READ_ONCE(*word);
	return ret;
}

int edu_init(struct edu *edu, struct pci_dev *pdev)
{
	int ret;

	edu->pdev = pdev;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;

	ret = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (ret)
		return ret;

	edu->regs = pcim_iomap_table(pdev)[0];
	if ((readl(edu->regs + EDU_ID) & EDU_ID_MASK) != EDU_ID_VALUE)
		return -ENODEV;

	/* As wide as a GPU's. */
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(39));
	if (ret)
		return ret;

	edu->page = dmam_alloc_coherent(&pdev->dev, PAGE_SIZE, &edu->page_bus, GFP_KERNEL);
	if (!edu->page)
		return -ENOMEM;

	pci_set_master(pdev);
	return 0;
}
