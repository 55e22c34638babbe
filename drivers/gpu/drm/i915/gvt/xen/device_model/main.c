// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading of GVT's device model as a mediator of xengt's.
 *
 * Locking: xengt_i915 calls one operation at a time.
 */

#include "instance.h"

#include <linux/module.h>

#include <xen/xengt_i915.h>

#include "../compat.h"
#include "configfs.h"
#include "device.h"

/* xengt writes the entries of the GGTT again. GVT's lock keeps its virtual GPUs. */
static void resume(struct drm_i915_private *i915)
{
	mutex_lock(&i915->gvt->lock);
	intel_gvt_restore_fence(i915->gvt);
	intel_gvt_restore_mmio(i915->gvt);
	mutex_unlock(&i915->gvt->lock);
}

static const struct xengt_i915_user_ops user_ops = {
	.init = xengt_gvt_device_init,
	.clean = xengt_gvt_device_clean,
	.resume = resume,
};

static int __init xengt_gvt_init(void)
{
	int rc = xengt_i915_user_register(&user_ops);

	if (rc)
		return rc;
	rc = xengt_gvt_configfs_init();
	if (rc)
		xengt_i915_user_unregister(&user_ops);
	return rc;
}

/* configfs keeps the module while there are instances. */
static void __exit xengt_gvt_exit(void)
{
	xengt_gvt_configfs_exit();
	xengt_i915_user_unregister(&user_ops);
}

module_init(xengt_gvt_init);
module_exit(xengt_gvt_exit);

MODULE_DESCRIPTION("GVT's device model for virtual GPUs of Xen guests");
/* As GVT's sources say, which are in it. */
MODULE_LICENSE("GPL and additional rights");
COMPAT_MODULE_IMPORT_NS(DMA_BUF);
COMPAT_MODULE_IMPORT_NS(I915_GVT);
COMPAT_MODULE_IMPORT_NS(XENGT);
