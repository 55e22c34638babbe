// SPDX-License-Identifier: GPL-2.0
/*
 * GVT's part of a GPU (struct intel_gvt): set up and cleaned up.
 *
 * GVT's parts are set up in the order in which kvmgt.c does it (intel_gvt_init_device()).
 *
 * Locking: xengt_i915 calls one function at a time.
 */

#include "instance.h"

#include <linux/kthread.h>
#include <linux/pci.h>

#include "device.h"
#include "compat.h"
#include "sched_policy.h"

/* Where Intel's GPUs have their MSI capability, for a GPU that has none */
#define MSI_CAPABILITY		0xac
#define MSI_CAPABILITY_SIZE	10

/* The base of stolen memory (BDSM): INTEL_BSM in i915_drm.h, which is not in one place */
#define CFG_BSM		0x5c

static void set_device_info(struct intel_gvt *gvt, struct pci_dev *pdev)
{
	gvt->device_info = (struct intel_gvt_device_info){
		.max_support_vgpus = GVT_MAX_VGPU,
		.cfg_space_size = PCI_CFG_SPACE_EXP_SIZE,
		.mmio_size = SZ_2M,
		.mmio_bar = 0,
		.gtt_start_offset = SZ_8M,
		.gtt_entry_size = sizeof(u64),
		.gtt_entry_size_shift = 3,
		.gmadr_bytes_in_cmd = 8,
		.max_surface_size = 36 * SZ_1M,
		.msi_cap_offset = pdev->msi_cap ?: MSI_CAPABILITY,
	};
}

/*
 * What GVT has recorded is the host's own: its interrupt, which is on, and the addresses of its
 * BARs. A guest's are off, and 64 bits wide, as GVT reads them. Where the host's stolen memory and
 * its OpRegion are is no guest's business.
 */
static void clean_config_space(struct intel_gvt *gvt, struct pci_dev *pdev)
{
	u8 *config = gvt->firmware.cfg_space;
	u8 *msi = config + gvt->device_info.msi_cap_offset;

	if (!pdev->msi_cap) {
		memset(msi, 0, MSI_CAPABILITY_SIZE);
		msi[PCI_CAP_LIST_ID] = PCI_CAP_ID_MSI;
		msi[PCI_CAP_LIST_NEXT] = config[PCI_CAPABILITY_LIST];
		config[PCI_CAPABILITY_LIST] = MSI_CAPABILITY;
		config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	}
	memset(msi + PCI_MSI_FLAGS, 0, MSI_CAPABILITY_SIZE - PCI_MSI_FLAGS);
	config[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64;
	config[PCI_BASE_ADDRESS_2] = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
	memset(config + CFG_BSM, 0, sizeof(u32));
	memset(config + INTEL_GVT_PCI_SWSCI, 0, sizeof(u32));
	memset(config + INTEL_GVT_PCI_OPREGION, 0, sizeof(u32));
}

static void emulate_vblanks(struct intel_gvt *gvt)
{
	struct intel_vgpu *vgpu;
	int id;

	mutex_lock(&gvt->lock);
	/* Those of virtual GPUs that have gone, too: the thread does not sleep with a bit set. */
	for (id = 0; id < GVT_MAX_VGPU; id++) {
		if (!test_and_clear_bit(INTEL_GVT_REQUEST_EMULATE_VBLANK + id,
					&gvt->service_request))
			continue;
		vgpu = idr_find(&gvt->vgpu_idr, id);
		if (vgpu && gvt_compat_is_active(vgpu))
			intel_vgpu_emulate_vblank(vgpu);
	}
	mutex_unlock(&gvt->lock);
}

static int service(void *data)
{
	struct intel_gvt *gvt = data;

	while (!kthread_should_stop()) {
		wait_event_idle(gvt->service_thread_wq,
				kthread_should_stop() || READ_ONCE(gvt->service_request));
		if (kthread_should_stop())
			break;
		emulate_vblanks(gvt);
		if (test_bit(INTEL_GVT_REQUEST_SCHED, &gvt->service_request) ||
		    test_bit(INTEL_GVT_REQUEST_EVENT_SCHED, &gvt->service_request))
			intel_gvt_schedule(gvt);
	}
	return 0;
}

static int start_service(struct intel_gvt *gvt)
{
	init_waitqueue_head(&gvt->service_thread_wq);
	gvt->service_thread = kthread_run(service, gvt, "gvt_service_thread");
	return PTR_ERR_OR_ZERO(gvt->service_thread);
}

static void stop_service(struct intel_gvt *gvt)
{
	kthread_stop(gvt->service_thread);
}

static int create_idle_vgpu(struct intel_gvt *gvt)
{
	struct intel_vgpu *vgpu = intel_gvt_create_idle_vgpu(gvt);

	if (!IS_ERR(vgpu))
		gvt->idle_vgpu = vgpu;
	return PTR_ERR_OR_ZERO(vgpu);
}

static void destroy_idle_vgpu(struct intel_gvt *gvt)
{
	intel_gvt_destroy_idle_vgpu(gvt->idle_vgpu);
}

static int setup_mmio(struct intel_gvt *gvt)
{
	int rc = intel_gvt_setup_mmio_info(gvt);

	if (!rc)
		intel_gvt_init_engine_mmio_context(gvt);
	return rc;
}

static int load_firmware(struct intel_gvt *gvt)
{
	int rc = intel_gvt_load_firmware(gvt);

	if (!rc)
		clean_config_space(gvt, to_pci_dev(gvt->gt->i915->drm.dev));
	return rc;
}

/* GVT's parts, in the order in which they are set up */
static const struct {
	const char *name;
	int (*init)(struct intel_gvt *gvt);
	void (*clean)(struct intel_gvt *gvt);
} parts[] = {
	{ "registers", setup_mmio, intel_gvt_clean_mmio_info },
	{ "initial registers", load_firmware, intel_gvt_free_firmware },
	{ "interrupts", intel_gvt_init_irq, NULL },
	{ "workloads", intel_gvt_init_workload_scheduler, intel_gvt_clean_workload_scheduler },
	{ "scheduler", intel_gvt_init_sched_policy, intel_gvt_clean_sched_policy },
	{ "commands", intel_gvt_init_cmd_parser, intel_gvt_clean_cmd_parser },
	{ "service thread", start_service, stop_service },
	{ "idle virtual GPU", create_idle_vgpu, destroy_idle_vgpu },
};

/* Undoes the first @n parts. */
static void clean_parts(struct intel_gvt *gvt, unsigned int n)
{
	while (n--) {
		if (parts[n].clean)
			parts[n].clean(gvt);
	}
}

static int init_parts(struct intel_gvt *gvt)
{
	unsigned int i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		rc = parts[i].init(gvt);
		if (rc) {
			dev_err(gvt->gt->i915->drm.dev, "xengt_gvt: GVT cannot set up %s: %d\n",
				parts[i].name, rc);
			clean_parts(gvt, i);
			return rc;
		}
	}
	return 0;
}

static void free_device(struct drm_i915_private *i915)
{
	struct xengt_gvt_device *device = xengt_gvt_device_of(i915->gvt);
	unsigned int i;

	i915->gvt = NULL;
	idr_destroy(&device->gvt.vgpu_idr);
	for (i = 0; i < ARRAY_SIZE(device->image); i++)
		xa_destroy(&device->image[i]);
	kfree(device);
}

/* Sets GVT up for a GPU that i915 has handed over. 0, or an error with a line in the log. */
int xengt_gvt_device_init(struct drm_i915_private *i915)
{
	struct xengt_gvt_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	struct intel_gvt *gvt;
	unsigned int i;
	int rc;

	if (!device)
		return -ENOMEM;
	gvt = &device->gvt;
	for (i = 0; i < ARRAY_SIZE(device->image); i++)
		xa_init(&device->image[i]);
	idr_init_base(&gvt->vgpu_idr, 1);
	spin_lock_init(&gvt->scheduler.mmio_context_lock);
	mutex_init(&gvt->lock);
	mutex_init(&gvt->sched_lock);
	gvt->gt = to_gt(i915);
	/* GVT's files would outlive it if i915 was bound after the module was loaded: none. */
	gvt->debugfs_root = ERR_PTR(-ENODEV);
	i915->gvt = gvt;
	set_device_info(gvt, to_pci_dev(i915->drm.dev));
	rc = init_parts(gvt);
	if (rc) {
		free_device(i915);
		return rc;
	}
	dev_info(i915->drm.dev, "xengt_gvt: GVT is ready\n");
	return 0;
}

/* Cleans GVT up. No virtual GPU is there any more. */
void xengt_gvt_device_clean(struct drm_i915_private *i915)
{
	clean_parts(i915->gvt, ARRAY_SIZE(parts));
	free_device(i915);
}
