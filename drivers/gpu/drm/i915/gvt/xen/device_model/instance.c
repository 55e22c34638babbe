// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a virtual GPU whose mediator is GVT.
 *
 * GVT's part of an instance is made with the share and the fence registers that xengt has reserved
 * in the place "i915".
 *
 * Invariants: GVT's part is there from xengt_gvt_start() to xengt_gvt_stop().
 *
 * Locking: the caller's: nobody uses an instance while it is started or stopped.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "instance.h"

#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <xen/xengt_mediator.h>

#include "compat.h"

#define DEFAULT_WEIGHT	8

/* As for the programs of the host, if its i915 has a limit for them */
#if CONFIG_DRM_I915_REQUEST_TIMEOUT
#define DEFAULT_REQUEST_TIMEOUT_MS	CONFIG_DRM_I915_REQUEST_TIMEOUT
#else
#define DEFAULT_REQUEST_TIMEOUT_MS	20000
#endif

static void set_bars(struct xengt_gvt_instance *instance)
{
	struct intel_vgpu *vgpu = &instance->vgpu;
	u64 bar0 = xengt_vgpu_bar0(instance->xengt);

	intel_vgpu_write_pci_bar(vgpu, PCI_BASE_ADDRESS_0, bar0, true);
	intel_vgpu_write_pci_bar(vgpu, PCI_BASE_ADDRESS_1, bar0 >> 32, false);
	intel_vgpu_write_pci_bar(vgpu, PCI_BASE_ADDRESS_2, instance->aperture, true);
	intel_vgpu_write_pci_bar(vgpu, PCI_BASE_ADDRESS_3, instance->aperture >> 32, false);
}

/* Finds what the virtual GPU has of the GPU. 0, or an error with a line in the log. */
static int find_share(struct xengt_gvt_instance *instance)
{
	struct xengt_i915_share *share = &instance->share;
	int rc;

	share->nr_fences = ARRAY_SIZE(instance->fences);
	share->fences = instance->fences;
	rc = xengt_i915_share_get(xengt_vgpu_name(instance->xengt), share);
	if (rc == -ENODEV) {
		pr_err("%s: its mediator needs a GPU: set place to i915\n", instance->name);
	} else if (rc) {
		pr_err("%s: GVT has at most %u fence registers: set fewer fences\n",
		       instance->name, INTEL_GVT_MAX_NUM_FENCES);
	} else if (!share->mediated) {
		pr_err("%s: GVT could not be set up for the GPU, see its lines above\n",
		       instance->name);
		rc = -ENODEV;
	} else if (!share->range[XENGT_RANGE_MAPPABLE].n || !share->range[XENGT_RANGE_HIDDEN].n) {
		/* GVT takes all graphics addresses for those of an empty range. */
		pr_err("%s: GVT needs both a mappable and a hidden share: set both sizes\n",
		       instance->name);
		rc = -EINVAL;
	}
	return rc;
}

/* BAR 2 of the guest has the size of the GPU's. */
static int check_aperture(const struct xengt_gvt_instance *instance)
{
	struct drm_i915_private *i915 = instance->share.i915;
	u64 size = pci_resource_len(to_pci_dev(i915->drm.dev), 2);

	if (IS_ALIGNED(instance->aperture, size))
		return 0;
	pr_err("%s: aperture has to be a multiple of %#llx, the size of BAR 2\n", instance->name,
	       size);
	return -EINVAL;
}

/*
 * The toolstack can have mapped the guest's part of the aperture. An access by it does not wake the
 * GPU, so the GPU does not sleep. i915 would warn of a reference of its own kind when the machine
 * is suspended.
 */
static int keep_awake(struct xengt_gvt_instance *instance)
{
	int rc = pm_runtime_resume_and_get(instance->share.i915->drm.dev);

	if (rc < 0)
		pr_err("%s: the GPU does not wake up: %d\n", instance->name, rc);
	return min(rc, 0);
}

static void let_sleep(struct xengt_gvt_instance *instance)
{
	struct device *dev = instance->share.i915->drm.dev;

	pm_runtime_mark_last_busy(dev);
	pm_runtime_put_autosuspend(dev);
}

/**
 * xengt_gvt_start - make GVT's part
 * @instance: an instance that is attached
 *
 * Context: process context, may sleep.
 * Return: 0; -ENODEV if the virtual GPU has no GPU, or GVT could not be set up for it; -EINVAL if
 * its share or its aperture is not what GVT needs; or an error of GVT's. Each has a line in the
 * log.
 */
int xengt_gvt_start(struct xengt_gvt_instance *instance)
{
	struct intel_vgpu *vgpu = &instance->vgpu;
	const struct intel_vgpu_config config = {
		.weight = instance->weight,
		.edid = GVT_EDID_1024_768,
		.name = instance->name,
	};
	int rc = find_share(instance);

	if (!rc)
		rc = check_aperture(instance) ?: keep_awake(instance);
	if (rc)
		return rc;
	memset(vgpu, 0, sizeof(*vgpu));
	vgpu->gvt = instance->share.i915->gvt;
	gvt_compat_set_attached(vgpu);
	/* xengt answers the guest's reads of PVINFO, by which GVT would know. */
	vgpu->pv_notified = true;
	rc = intel_gvt_create_vgpu(vgpu, &config);
	if (rc) {
		pr_err("%s: GVT cannot make a virtual GPU: %d\n", instance->name, rc);
		let_sleep(instance);
		return rc;
	}
	/* It only has to be there for GVT to send interrupts. */
	vgpu->msi_trigger = (struct eventfd_ctx *)vgpu;
	set_bars(instance);
	instance->aperture_moved = false;
	instance->classified = 0;
	intel_gvt_activate_vgpu(vgpu);
	return 0;
}

/*
 * Switches registers back to the host's that are still the virtual GPU's: GVT does that before the
 * last workloads end, and one that is preempted meanwhile, or has just been picked, takes them
 * again. None runs now.
 */
static void give_engines_back(struct intel_vgpu *vgpu)
{
	struct intel_gvt_workload_scheduler *scheduler = &vgpu->gvt->scheduler;
	struct intel_engine_cs *engine;
	enum intel_engine_id id;

	spin_lock_bh(&scheduler->mmio_context_lock);
	for_each_engine(engine, vgpu->gvt->gt, id) {
		if (scheduler->engine_owner[id] != vgpu)
			continue;
		intel_gvt_switch_mmio(vgpu, NULL, engine);
		scheduler->engine_owner[id] = NULL;
	}
	spin_unlock_bh(&scheduler->mmio_context_lock);
}

/* Waits for the workloads that run, and undoes xengt_gvt_start(). */
void xengt_gvt_stop(struct xengt_gvt_instance *instance)
{
	/* GVT does not wait for a workload that it takes up while it deactivates. */
	intel_gvt_deactivate_vgpu(&instance->vgpu);
	intel_gvt_wait_vgpu_idle(&instance->vgpu);
	give_engines_back(&instance->vgpu);
	intel_gvt_release_vgpu(&instance->vgpu);
	intel_gvt_destroy_vgpu(&instance->vgpu);
	let_sleep(instance);
}

/**
 * xengt_gvt_create - create an instance that is not attached
 * @name: its name; copied
 *
 * Context: process context, may sleep.
 * Return: the instance, or ERR_PTR(-ENOMEM).
 */
struct xengt_gvt_instance *xengt_gvt_create(const char *name)
{
	/* GVT's part is large, for KVM's sake. */
	struct xengt_gvt_instance *instance = vzalloc(sizeof(*instance));

	if (!instance)
		return ERR_PTR(-ENOMEM);
	instance->name = kstrdup(name, GFP_KERNEL);
	if (!instance->name) {
		vfree(instance);
		return ERR_PTR(-ENOMEM);
	}
	init_rwsem(&instance->bar0_lock);
	instance->weight = DEFAULT_WEIGHT;
	instance->request_timeout_ms = DEFAULT_REQUEST_TIMEOUT_MS;
	return instance;
}

/* Frees an instance that is not attached. */
void xengt_gvt_destroy(struct xengt_gvt_instance *instance)
{
	WARN_ON(instance->xengt);
	kfree(instance->name);
	vfree(instance);
}
