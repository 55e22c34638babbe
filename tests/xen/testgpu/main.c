// SPDX-License-Identifier: GPL-2.0
/* A GPU for tests: QEMU's edu device, whose DMA engine copies what walks of shadow tables find. */

#include <linux/module.h>
#include <linux/pci.h>

#include "testgpu.h"

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8

static int testgpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct testgpu *gpu;
	int ret;

	gpu = devm_kzalloc(&pdev->dev, sizeof(*gpu), GFP_KERNEL);
	if (!gpu)
		return -ENOMEM;

	mutex_init(&gpu->lock);
	ret = edu_init(&gpu->edu, pdev);
	if (ret)
		return ret;

	pci_set_drvdata(pdev, gpu);
	testgpu_commands_create(gpu);
	dev_info(&pdev->dev, "test GPU ready\n");

	return 0;
}

static void testgpu_remove(struct pci_dev *pdev)
{
	testgpu_commands_remove(pci_get_drvdata(pdev));
	pci_clear_master(pdev);
}

static const struct pci_device_id testgpu_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR, EDU_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, testgpu_ids);

static struct pci_driver testgpu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = testgpu_ids,
	.probe = testgpu_probe,
	.remove = testgpu_remove,
};
module_pci_driver(testgpu_driver);

MODULE_DESCRIPTION("XenGT test GPU: QEMU's edu device behind shadow tables");
MODULE_LICENSE("GPL");
