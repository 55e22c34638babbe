// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading of the GSM "bar", and its PCI driver.
 *
 * The driver takes no device by itself. A user binds it through driver_override or new_id.
 *
 * Locking: the driver core holds the PCI device's lock in probe, remove and resume. device.c has
 * the order of the locks.
 */

#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <xen/xengt_gsm.h>

#include "device.h"
#include "settings.h"
#include "share.h"

static int bar_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct xengt_bar_device *device = xengt_bar_device_create(pdev);

	if (!device)
		return -ENOMEM;
	pci_set_drvdata(pdev, device);
	return 0;
}

/* The virtual GPUs stop by works of xengt, which close their shares. */
static void bar_remove(struct pci_dev *pdev)
{
	struct xengt_bar_device *device = pci_get_drvdata(pdev);

	mutex_lock(&xengt_bar_devices_lock);
	device->going = true;
	xengt_bar_shares_lost(device);
	mutex_unlock(&xengt_bar_devices_lock);
	xengt_bar_device_wait(device);
	xengt_bar_device_destroy(device);
}

/* The PCI core has restored the configuration space. The device has lost its entries. */
static void rewrite(struct device *dev)
{
	struct xengt_bar_device *device = dev_get_drvdata(dev);

	mutex_lock(&xengt_bar_devices_lock);
	xengt_bar_shares_rewrite(device);
	mutex_unlock(&xengt_bar_devices_lock);
}

static int bar_resume(struct device *dev)
{
	rewrite(dev);
	return 0;
}

static void bar_reset_done(struct pci_dev *pdev)
{
	rewrite(&pdev->dev);
}

static const struct pci_error_handlers bar_errors = {
	.reset_done = bar_reset_done,
};

static DEFINE_SIMPLE_DEV_PM_OPS(bar_pm, NULL, bar_resume);

static struct pci_driver bar_driver = {
	.name = KBUILD_MODNAME,
	.probe = bar_probe,
	.remove = bar_remove,
	.err_handler = &bar_errors,
	.driver.pm = pm_sleep_ptr(&bar_pm),
};

static int __init xengt_bar_init(void)
{
	int rc = xengt_bar_settings_init();

	if (rc)
		return rc;
	rc = pci_register_driver(&bar_driver);
	if (rc)
		goto out_settings;
	rc = xengt_gsm_register(&xengt_bar_gsm);
	if (rc)
		goto out_driver;
	return 0;

out_driver:
	pci_unregister_driver(&bar_driver);
out_settings:
	xengt_bar_settings_exit();
	return rc;
}

/* No virtual GPU uses the GSM: it would pin the module. */
static void __exit xengt_bar_exit(void)
{
	xengt_gsm_unregister(&xengt_bar_gsm);
	pci_unregister_driver(&bar_driver);
	xengt_bar_settings_exit();
}

module_init(xengt_bar_init);
module_exit(xengt_bar_exit);

MODULE_DESCRIPTION("Shadow GTT of virtual GPUs in a BAR of a PCI device");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xengt-gsm-bar");
