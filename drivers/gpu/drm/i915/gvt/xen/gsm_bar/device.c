// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI devices that the module is bound to.
 *
 * A device is in the list from probe until remove returns, which is when all of its shares are
 * closed. So an open share can use the device's table without a lock. The first share maps the
 * table, and the last one unmaps it.
 *
 * Invariants: a share counts from before the first access to the table until after the last one. No
 * share is added to a device that is going.
 *
 * Locking, from the outermost lock on:
 *
 * - the PCI device's lock, held by the driver core in probe, remove and resume
 * - xengt_bar_devices_lock
 * - settings_lock of settings.c
 *
 * remove waits for xengt under the first one. So no operation of the GSM takes it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <xen/xengt_gsm.h>

#include "device.h"
#include "table.h"

/* Protects the list of devices and their members; see device.h. */
DEFINE_MUTEX(xengt_bar_devices_lock);
static LIST_HEAD(devices);
static DECLARE_WAIT_QUEUE_HEAD(closed_wq);

/* Adds a device to the list. NULL if there is no memory. */
struct xengt_bar_device *xengt_bar_device_create(struct pci_dev *pdev)
{
	struct xengt_bar_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;
	device->pdev = pdev;
	INIT_LIST_HEAD(&device->shares);
	mutex_lock(&xengt_bar_devices_lock);
	list_add_tail(&device->link, &devices);
	mutex_unlock(&xengt_bar_devices_lock);
	return device;
}

/*
 * Waits until all shares of a device that is going are closed. Reads the number without the lock,
 * as the condition of a wait must not sleep: xengt_bar_device_put() can still hold the lock.
 */
void xengt_bar_device_wait(struct xengt_bar_device *device)
{
	lockdep_assert_not_held(&xengt_bar_devices_lock);
	wait_event(closed_wq, !READ_ONCE(device->nr_shares));
}

/* Removes a device that has no shares from the list, and frees it. */
void xengt_bar_device_destroy(struct xengt_bar_device *device)
{
	mutex_lock(&xengt_bar_devices_lock);
	list_del(&device->link);
	mutex_unlock(&xengt_bar_devices_lock);
	kfree(device);
}

static struct xengt_bar_device *find_named(const struct xengt_gsm_request *request)
{
	struct xengt_bar_device *device;

	list_for_each_entry(device, &devices, link) {
		if (!strcmp(pci_name(device->pdev), request->device))
			return device;
	}
	pr_err("%s: the driver xengt_bar is not bound to %s: use driver_override and bind\n",
	       request->vgpu, request->device);
	return NULL;
}

static struct xengt_bar_device *find_only(const struct xengt_gsm_request *request)
{
	if (list_is_singular(&devices))
		return list_first_entry(&devices, struct xengt_bar_device, link);
	if (list_empty(&devices))
		pr_err("%s: the driver xengt_bar is bound to no device: use driver_override and bind\n",
		       request->vgpu);
	else
		pr_err("%s: the driver xengt_bar is bound to several devices: name one in place, as in bar:%s\n",
		       request->vgpu,
		       pci_name(list_first_entry(&devices, struct xengt_bar_device, link)->pdev));
	return NULL;
}

/* Returns the device that a request is for; or ERR_PTR(-ENODEV), with a line in the log. */
struct xengt_bar_device *xengt_bar_device_find(const struct xengt_gsm_request *request)
{
	struct xengt_bar_device *device;

	lockdep_assert_held(&xengt_bar_devices_lock);
	device = *request->device ? find_named(request) : find_only(request);
	if (!device)
		return ERR_PTR(-ENODEV);
	if (device->going) {
		pr_err("%s: %s is just being unbound: bind it again\n", request->vgpu,
		       pci_name(device->pdev));
		return ERR_PTR(-ENODEV);
	}
	return device;
}

/* Counts a share, and maps the table for the first one. */
int xengt_bar_device_get(struct xengt_bar_device *device, const char *vgpu)
{
	struct xengt_bar_table *table;

	lockdep_assert_held(&xengt_bar_devices_lock);
	if (!device->table) {
		table = xengt_bar_table_create(device->pdev, vgpu);
		if (IS_ERR(table))
			return PTR_ERR(table);
		device->table = table;
	}
	device->nr_shares++;
	return 0;
}

/* A share is closed. The device can be gone when the lock is released. */
void xengt_bar_device_put(struct xengt_bar_device *device)
{
	lockdep_assert_held(&xengt_bar_devices_lock);
	WRITE_ONCE(device->nr_shares, device->nr_shares - 1);
	if (device->nr_shares)
		return;
	xengt_bar_table_destroy(device->table);
	device->table = NULL;
	wake_up_all(&closed_wq);
}
