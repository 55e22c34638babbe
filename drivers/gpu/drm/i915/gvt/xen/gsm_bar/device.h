/* SPDX-License-Identifier: GPL-2.0 */
/* The PCI devices that the module is bound to; see device.c. */

#ifndef _XENGT_BAR_DEVICE_H
#define _XENGT_BAR_DEVICE_H

#include <linux/list.h>
#include <linux/mutex.h>

struct pci_dev;
struct xengt_bar_table;
struct xengt_gsm_request;

/**
 * struct xengt_bar_device - a PCI device that the module is bound to
 * @link: in the list of devices
 * @pdev: the device
 * @table: its GGTT; NULL while there is no share
 * @shares: the shares that xengt can be told about
 * @nr_shares: number of shares that are not closed yet
 * @going: the device is unbound; no share is opened any more
 */
struct xengt_bar_device {
	struct list_head link;
	struct pci_dev *pdev;
	struct xengt_bar_table *table;
	struct list_head shares;
	unsigned int nr_shares;
	bool going;
};

/* Protects the list of devices, all members of a device but @pdev, and tables' reservations. */
extern struct mutex xengt_bar_devices_lock;

struct xengt_bar_device *xengt_bar_device_create(struct pci_dev *pdev);
void xengt_bar_device_wait(struct xengt_bar_device *device);
void xengt_bar_device_destroy(struct xengt_bar_device *device);

struct xengt_bar_device *xengt_bar_device_find(const struct xengt_gsm_request *request);
int xengt_bar_device_get(struct xengt_bar_device *device, const char *vgpu);
void xengt_bar_device_put(struct xengt_bar_device *device);

#endif /* _XENGT_BAR_DEVICE_H */
