// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading of the mapping service.
 */

#include <linux/err.h>
#include <linux/module.h>

#include "backend.h"
#include "death.h"
#include "debugfs.h"
#include "domains.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static char *backend = "auto";
module_param(backend, charp, 0444);
MODULE_PARM_DESC(backend,
		 "How pages are mapped: auto, native, pv, xenserver or physmap (auto: what fits)");

static int __init xen_gpu_map_init(void)
{
	const struct xen_gpu_backend *chosen = xen_gpu_backend_choose(backend);
	int rc;

	if (IS_ERR(chosen))
		return PTR_ERR(chosen);
	rc = xen_gpu_domains_init(chosen);
	if (rc)
		return rc;
	rc = xen_gpu_death_init();
	if (rc) {
		xen_gpu_domains_exit();
		return rc;
	}
	xen_gpu_debugfs_init(chosen, xen_gpu_domains_flush);
	return 0;
}

static void __exit xen_gpu_map_exit(void)
{
	/* Its work may have the last handle on a domain, which has a file in debugfs. */
	xen_gpu_death_exit();
	xen_gpu_debugfs_exit();
	xen_gpu_domains_exit();
}

module_init(xen_gpu_map_init);
module_exit(xen_gpu_map_exit);
MODULE_DESCRIPTION("Counted mappings of guest pages for mediated devices on Xen");
MODULE_LICENSE("GPL");
