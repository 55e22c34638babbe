/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's monitor (HMP): reads physical addresses that are not RAM, such as an IOMMU's registers.
 *
 * QEMU answers while one of its CPUs waits for us: it does not hold its lock then.
 */

#ifndef GPU_MONITOR_H
#define GPU_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

/* The socket of a monitor that nobody else uses, or NULL; it is connected at the first question. */
void monitor_use(const char *path);
bool monitor_read(uint64_t address, uint64_t *value);

#endif /* GPU_MONITOR_H */
