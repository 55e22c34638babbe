// SPDX-License-Identifier: GPL-2.0
/* Loading and unloading of the mapping service, and its module parameters. */

#include <linux/err.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "backend/choose.h"
#include "debugfs.h"
#include "event.h"
#include "idle.h"
#include "registry.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static char *backend = "auto";
module_param(backend, charp, 0444);
MODULE_PARM_DESC(backend,
		 "How pages are mapped: auto, native, pv, xenserver or physmap (auto: what fits)");

static int set_ms(const char *val, const struct kernel_param *kp, unsigned int max)
{
	int rc = param_set_uint_minmax(val, kp, 0, max);

	if (!rc)
		xen_gpu_domains_kick();
	return rc;
}

static int set_idle_age(const char *val, const struct kernel_param *kp)
{
	return set_ms(val, kp, XEN_GPU_IDLE_AGE_MAX_MS);
}

static int set_balloon_delay(const char *val, const struct kernel_param *kp)
{
	return set_ms(val, kp, XEN_GPU_BALLOON_DELAY_MAX_MS);
}

static const struct kernel_param_ops idle_age_ops = {
	.set = set_idle_age,
	.get = param_get_uint,
};

static const struct kernel_param_ops balloon_delay_ops = {
	.set = set_balloon_delay,
	.get = param_get_uint,
};

module_param_cb(idle_age_ms, &idle_age_ops, &xen_gpu_idle_age_ms, 0644);
MODULE_PARM_DESC(idle_age_ms,
		 "How long an unused page stays mapped, in ms, at least: 0 to 3600000 (1000)");

module_param_cb(balloon_delay_ms, &balloon_delay_ops, &xen_gpu_balloon_delay_ms, 0644);
MODULE_PARM_DESC(balloon_delay_ms,
		 "How long to gather balloon events before acting, in ms: 0 to 600000 (10)");

static int __init xen_gpu_map_init(void)
{
	const struct xen_gpu_backend *chosen = xen_gpu_backend_choose(backend);
	int rc;

	if (IS_ERR(chosen))
		return PTR_ERR(chosen);
	rc = xen_gpu_domains_init(chosen);
	if (rc)
		return rc;
	xen_gpu_debugfs_init(chosen);
	return 0;
}

static void __exit xen_gpu_map_exit(void)
{
	xen_gpu_domains_exit();
	xen_gpu_debugfs_exit();
}

module_init(xen_gpu_map_init);
module_exit(xen_gpu_map_exit);
MODULE_DESCRIPTION("Counted mappings of guest pages for mediated devices on Xen");
MODULE_LICENSE("GPL");
