// SPDX-License-Identifier: GPL-2.0
/*
 * GVT as the mediator of a virtual GPU of xengt's: what xengt tells a mediator, and what GVT does.
 *
 * An instance is attached to the virtual GPU. GVT's part lives as long as that one is enabled.
 *
 * Invariants: xengt calls no operation before start_vgpu() and after stop_vgpu().
 *
 * Locking: xengt's: no operation runs while the virtual GPU is being enabled or stopped, but for
 * start_vgpu() and stop_vgpu(). configfs.c calls xengt_gvt_attach() and xengt_gvt_detach() one at a
 * time.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "instance.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/pci.h>

#include <xen/xengt_mediator.h>

#include "mediator.h"
#include "registers.h"

static int start_vgpu(void *data)
{
	return xengt_gvt_start(data);
}

static void stop_vgpu(void *data)
{
	xengt_gvt_stop(data);
}

static void read_register(void *data, u32 offset, void *value, unsigned int len)
{
	xengt_gvt_register_read(&((struct xengt_gvt_instance *)data)->vgpu, offset, value, len);
}

static void write_register(void *data, u32 offset, const void *value, unsigned int len)
{
	xengt_gvt_register_write(&((struct xengt_gvt_instance *)data)->vgpu, offset, value, len);
}

static u32 read_config(void *data, u32 offset, unsigned int len)
{
	return xengt_gvt_config_read(&((struct xengt_gvt_instance *)data)->vgpu, offset, len);
}

static bool decodes_memory(struct xengt_gvt_instance *instance)
{
	return vgpu_cfg_space(&instance->vgpu)[PCI_COMMAND] & PCI_COMMAND_MEMORY;
}

/* The guest may have programmed BAR 0. It does not follow to an address that it cannot have. */
static void follow_bar0(struct xengt_gvt_instance *instance)
{
	u64 gpa = intel_vgpu_get_bar_gpa(&instance->vgpu, PCI_BASE_ADDRESS_0);
	int rc;

	if (gpa == xengt_vgpu_bar0(instance->xengt))
		return;
	rc = xengt_vgpu_move_bar0(instance->xengt, gpa);
	if (rc)
		pr_warn_ratelimited("%s: BAR 0 cannot be at %#llx, where its guest has moved it: %d\n",
				    instance->name, gpa, rc);
}

/* What the toolstack has mapped does not follow BAR 2. One line is enough. */
static void watch_aperture(struct xengt_gvt_instance *instance)
{
	u64 gpa = intel_vgpu_get_bar_gpa(&instance->vgpu, PCI_BASE_ADDRESS_2);

	if (gpa == instance->aperture || instance->aperture_moved)
		return;
	instance->aperture_moved = true;
	pr_warn("%s: its guest has moved BAR 2 from %#llx to %#llx: the aperture is not there\n",
		instance->name, instance->aperture, gpa);
}

static void write_config(void *data, u32 offset, u32 value, unsigned int len)
{
	struct xengt_gvt_instance *instance = data;

	xengt_gvt_config_write(&instance->vgpu, offset, value, len);
	/* BARs are what they say only while the guest decodes them. */
	if (offset >= PCI_BASE_ADDRESS_4 || !decodes_memory(instance))
		return;
	follow_bar0(instance);
	watch_aperture(instance);
}

static const struct xengt_mediator_ops mediator_ops = {
	.owner = THIS_MODULE,
	.start = start_vgpu,
	.stop = stop_vgpu,
	.read = read_register,
	.write = write_register,
	.config_read = read_config,
	.config_write = write_config,
};

/* Says why an instance cannot be attached, or not be detached. Returns the error. */
static int refuse(const struct xengt_gvt_instance *instance, int rc)
{
	const char *why = "see the error";

	switch (rc) {
	case -ENODEV:
		why = "xengt has no virtual GPU of this name: make it first";
		break;
	case -EBUSY:
		why = "the virtual GPU is enabled: write 0 to its enable first";
		break;
	case -EEXIST:
		why = "the virtual GPU has a mediator already";
		break;
	}
	pr_err("%s: attach is refused: %s (%d)\n", instance->name, why, rc);
	return rc;
}

/**
 * xengt_gvt_attach - become the mediator of the virtual GPU of the same name
 * @instance: the instance
 *
 * Context: process context, may sleep.
 * Return: 0; -EEXIST if it is attached; -ENODEV if xengt has no such virtual GPU; or an error of
 * xengt_mediator_attach().
 */
int xengt_gvt_attach(struct xengt_gvt_instance *instance)
{
	struct xengt_vgpu *xengt;
	int rc;

	if (instance->xengt)
		return refuse(instance, -EEXIST);
	xengt = xengt_vgpu_get(instance->name);
	if (IS_ERR(xengt))
		return refuse(instance, PTR_ERR(xengt));
	/* The virtual GPU can be enabled as soon as this is attached. */
	instance->xengt = xengt;
	rc = xengt_mediator_attach(xengt, &mediator_ops, XENGT_CAPS_ALL, instance);
	if (rc) {
		instance->xengt = NULL;
		xengt_vgpu_put(xengt);
		return refuse(instance, rc);
	}
	return 0;
}

/**
 * xengt_gvt_detach - do not be a mediator any more
 * @instance: the instance, attached or not
 *
 * Context: process context, may sleep.
 * Return: 0, or -EBUSY if the virtual GPU is enabled.
 */
int xengt_gvt_detach(struct xengt_gvt_instance *instance)
{
	int rc;

	if (!instance->xengt)
		return 0;
	rc = xengt_mediator_detach(instance->xengt);
	if (rc)
		return refuse(instance, rc);
	xengt_vgpu_put(instance->xengt);
	instance->xengt = NULL;
	return 0;
}
