// SPDX-License-Identifier: GPL-2.0
/* The device as a whole; see gpu_device.h. */
#include "control_block.h"
#include "engine.h"
#include "ggtt.h"
#include "gpu_device.h"
#include "regs.h"

static unsigned int size;

void gpu_device_init(const struct device *device, unsigned int ggms)
{
	size = ggms;
	pci_init(device, ggms);
	regs_init(device->on);
	gpu_device_reset();
}

void gpu_device_reset(void)
{
	pci_reset();
	regs_reset();
	ggtt_init(size);
	engines_init();
	control_reset();
}
