/* SPDX-License-Identifier: GPL-2.0 */
/* Accesses to registers, and what they bring about; regs.c has the table. */

#ifndef GPU_MMIO_H
#define GPU_MMIO_H

#include <stdint.h>

/* offset: a multiple of 4, below REGS_BYTES */
uint32_t mmio_read(uint32_t offset);
void mmio_write(uint32_t offset, uint32_t value);

#endif /* GPU_MMIO_H */
