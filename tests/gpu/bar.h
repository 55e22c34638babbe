/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Accesses to BARs: registers and GSM in BAR 0, the aperture in BAR 2.
 *
 * Accesses of other sizes than 1, 2, 4 and 8, or that are not aligned, read as all ones and are
 * not carried out.
 */

#ifndef GPU_BAR_H
#define GPU_BAR_H

#include <stdint.h>

/* address: physical */
uint64_t bar_read(uint64_t address, unsigned int size);
void bar_write(uint64_t address, uint64_t value, unsigned int size);

#endif /* GPU_BAR_H */
