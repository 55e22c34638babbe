// SPDX-License-Identifier: GPL-2.0
/*
 * Loads and unloads the virtual GPUs' module.
 */

#include <linux/module.h>

#include "configfs.h"
#include "debugfs.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init xengt_init(void)
{
	int rc;

	xengt_debugfs_init();
	rc = xengt_configfs_init();
	if (rc)
		xengt_debugfs_exit();
	return rc;
}

/*
 * No virtual GPU is left in configfs, since each one pins the module. xengt_configfs_exit() waits
 * until those that were removed are disabled.
 */
static void __exit xengt_exit(void)
{
	xengt_configfs_exit();
	xengt_debugfs_exit();
}

module_init(xengt_init);
module_exit(xengt_exit);
MODULE_DESCRIPTION("Virtual Intel GPUs for Xen guests: shadow GTT");
MODULE_LICENSE("GPL");
