// SPDX-License-Identifier: GPL-2.0
/*
 * The choice of a backend: the first one that fits the running system, or the one that the user has
 * forced.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <xen/interface/xen.h>
#include <xen/interface/version.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>

#include "backend/backend.h"
#include "backend/choose.h"

/*
 * In order of preference. pv comes before xenserver: Xen counts the references of its tables, and
 * they stay when the guest dies. But its BFNs are MFNs, so it cannot be used where these differ.
 */
static const struct xen_gpu_backend * const backends[] = {
	&xen_gpu_backend_native,
	&xen_gpu_backend_pv,
	&xen_gpu_backend_xenserver,
	&xen_gpu_backend_physmap,
};

/* As XENVER_version returns it */
#define XEN_VERSION(major, minor)	((major) << 16 | (minor))

/*
 * Refuses a Xen that is older than the oldest one that the module was compared with: how older ones
 * release references is not known here. Returns 0 or an error.
 */
static int check_xen_version(void)
{
	int version = HYPERVISOR_xen_version(XENVER_version, NULL);

	if (version < 0) {
		pr_err("Xen does not tell its version: %d\n", version);
		return version;
	}
	if (version < XEN_VERSION(4, 17)) {
		pr_err("Xen %d.%d is too old: 4.17 to 4.20 are supported\n",
		       version >> 16, version & 0xffff);
		return -ENODEV;
	}
	if (version > XEN_VERSION(4, 20))
		pr_warn("Xen %d.%d is newer than 4.20, the newest one with which this was tried\n",
			version >> 16, version & 0xffff);
	return 0;
}

static const struct xen_gpu_backend *choose_forced(const char *name)
{
	const char *why;
	unsigned int i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(backends); i++) {
		if (strcmp(backends[i]->name, name))
			continue;
		rc = backends[i]->probe(&why);
		if (rc) {
			pr_err("backend %s cannot be used here: %s\n", name, why);
			return ERR_PTR(rc);
		}
		pr_info("backend %s, forced by parameter: %s\n", name, backends[i]->about);
		return backends[i];
	}
	pr_err("no backend is called \"%s\": there are auto, native, pv, xenserver and physmap\n",
	       name);
	return ERR_PTR(-EINVAL);
}

static const struct xen_gpu_backend *choose_fitting(void)
{
	const char *why[ARRAY_SIZE(backends)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(backends); i++) {
		if (backends[i]->probe(&why[i]))
			continue;
		pr_info("backend %s: %s\n", backends[i]->name, backends[i]->about);
		return backends[i];
	}
	for (i = 0; i < ARRAY_SIZE(backends); i++)
		pr_err("backend %s cannot be used here: %s\n", backends[i]->name, why[i]);
	return ERR_PTR(-ENODEV);
}

/*
 * Returns the first backend that fits the running system if @forced is "auto", else the backend of
 * that name if it fits. ERR_PTR(-ENODEV) if none fits or Xen is too old, ERR_PTR(-EINVAL) if there
 * is no such backend, or the error of the forced backend's probe. Logs the result or the reasons.
 */
const struct xen_gpu_backend *xen_gpu_backend_choose(const char *forced)
{
	int rc;

	if (!xen_domain()) {
		pr_err("not running on Xen\n");
		return ERR_PTR(-ENODEV);
	}
	rc = check_xen_version();
	if (rc)
		return ERR_PTR(rc);
	return strcmp(forced, "auto") ? choose_forced(forced) : choose_fitting();
}
