// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading of the GSM "i915", and what i915 calls.
 *
 * i915 hands its GPUs over to one module at a time, through the symbols that it exports for GVT: it
 * calls back for each GPU that is there or comes later, and when a GPU goes or has been resumed.
 *
 * Locking: i915 holds its intel_gvt_mutex while it calls back, and takes it in intel_gvt_set_ops()
 * and intel_gvt_clear_ops(). gpu.c has the order of the locks.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/pci.h>
#include <xen/xengt_gsm.h>

#include "gt/intel_gt.h"
#include "gt/uc/intel_uc.h"
#include "i915_drv.h"
#include "intel_gvt.h"

#include "../compat.h"
#include "gpu.h"
#include "share.h"
#include "user.h"

/*
 * What GVT knows, but for Broxton. That is gen8 and gen9 without Cherryview and Geminilake. With an
 * IOMMU a Broxton can hang the machine if entries are written while a CPU uses the aperture.
 * So i915 stops all CPUs for each entry there; guests would decide how often.
 */
static bool is_supported(struct drm_i915_private *i915)
{
	return IS_BROADWELL(i915) || IS_SKYLAKE(i915) || IS_KABYLAKE(i915) ||
	       IS_COFFEELAKE(i915) || IS_COMETLAKE(i915);
}

static int init_device(struct drm_i915_private *i915)
{
	struct device *dev = i915->drm.dev;
	int rc;

	if (!is_supported(i915)) {
		dev_err(dev, "xengt: this GPU is not supported: Broadwell to Comet Lake are\n");
		return -ENODEV;
	}
	if (intel_uc_wants_guc_submission(&to_gt(i915)->uc)) {
		dev_err(dev, "xengt: the GPU uses GuC submission: load i915 with enable_guc=0\n");
		return -ENODEV;
	}
	rc = xengt_i915_gpu_add(i915);
	if (rc)
		return rc;
	/* i915 only looks whether this is NULL, to know whether to call back. */
	i915->gvt = (struct intel_gvt *)&xengt_i915_gsm;
	xengt_i915_user_init(i915);
	dev_info(dev, "xengt: GPU of generation %u, with %llu MiB of GGTT\n", GRAPHICS_VER(i915),
		 to_gt(i915)->ggtt->vm.total >> 20);
	return 0;
}

/* The virtual GPUs stop by works of xengt, which close their shares. */
static void clean_device(struct drm_i915_private *i915)
{
	struct xengt_i915_gpu *gpu;

	mutex_lock(&xengt_i915_gpus_lock);
	gpu = xengt_i915_gpu_of(i915);
	if (gpu) {
		gpu->going = true;
		xengt_i915_shares_lost(gpu);
	}
	mutex_unlock(&xengt_i915_gpus_lock);
	if (gpu) {
		xengt_i915_gpu_wait(gpu);
		xengt_i915_user_clean(i915);
		i915->gvt = NULL;
		xengt_i915_gpu_remove(gpu);
	}
}

static void pm_resume(struct drm_i915_private *i915)
{
	struct xengt_i915_gpu *gpu;

	mutex_lock(&xengt_i915_gpus_lock);
	gpu = xengt_i915_gpu_of(i915);
	if (gpu) {
		xengt_i915_shares_rewrite(gpu);
		xengt_i915_user_resume(gpu);
	}
	mutex_unlock(&xengt_i915_gpus_lock);
}

static const struct intel_vgpu_ops vgpu_ops = {
	.init_device = init_device,
	.clean_device = clean_device,
	.pm_resume = pm_resume,
};

/* Returns the device if it is a supported GPU that i915 is bound to. Its lock keeps it so. */
static struct drm_i915_private *bound_gpu(struct pci_dev *pdev)
{
	struct drm_i915_private *i915;

	device_lock_assert(&pdev->dev);
	if (!pdev->driver || strcmp(pdev->driver->name, "i915"))
		return NULL;
	i915 = pdev_to_i915(pdev);
	return i915 && is_supported(i915) ? i915 : NULL;
}

/*
 * Returns the GPU that i915 is bound to, with a reference and locked; NULL if there is none. A
 * machine has one at most: those that are supported are part of the processor.
 */
static struct pci_dev *lock_bound_gpu(void)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_device(PCI_VENDOR_ID_INTEL, PCI_ANY_ID, pdev))) {
		if (pdev->class >> 16 != PCI_BASE_CLASS_DISPLAY)
			continue;
		device_lock(&pdev->dev);
		if (bound_gpu(pdev))
			return pdev;
		device_unlock(&pdev->dev);
	}
	return NULL;
}

/*
 * i915 reads the GPU's registers before it calls back, and does not wake the GPU for that. It keeps
 * the GPU awake by itself when it is bound later.
 */
static int set_vgpu_ops(void)
{
	struct pci_dev *pdev = lock_bound_gpu();
	struct drm_i915_private *i915;
	intel_wakeref_t wakeref;
	int rc;

	if (!pdev)
		return intel_gvt_set_ops(&vgpu_ops);
	i915 = pdev_to_i915(pdev);
	wakeref = intel_runtime_pm_get(&i915->runtime_pm);
	rc = intel_gvt_set_ops(&vgpu_ops);
	intel_runtime_pm_put(&i915->runtime_pm, wakeref);
	device_unlock(&pdev->dev);
	pci_dev_put(pdev);
	return rc;
}

static int __init xengt_i915_init(void)
{
	int rc = set_vgpu_ops();

	if (rc) {
		pr_err("i915 has handed its GPUs over to another module (%d): unload kvmgt first\n",
		       rc);
		return -EBUSY;
	}
	rc = xengt_gsm_register(&xengt_i915_gsm);
	if (rc)
		intel_gvt_clear_ops(&vgpu_ops);
	return rc;
}

/* No virtual GPU uses the GSM: it would pin the module. */
static void __exit xengt_i915_exit(void)
{
	xengt_gsm_unregister(&xengt_i915_gsm);
	intel_gvt_clear_ops(&vgpu_ops);
}

module_init(xengt_i915_init);
module_exit(xengt_i915_exit);

MODULE_DESCRIPTION("Shadow GTT of virtual GPUs in the GGTT of i915's GPU");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xengt-gsm-i915");
COMPAT_MODULE_IMPORT_NS(I915_GVT);
