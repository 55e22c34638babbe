/* SPDX-License-Identifier: GPL-2.0 */
/* Faults, as the hardware reports them: the first one stays until the driver clears it. */

#ifndef GPU_FAULT_H
#define GPU_FAULT_H

#include <stdint.h>

/* space: GPU_GGTT or GPU_PPGTT; status: GPU_NOT_PRESENT and so on */
void fault_report(unsigned int engine, unsigned int space, uint64_t graphics, int status);

#endif /* GPU_FAULT_H */
