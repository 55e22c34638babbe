/* SPDX-License-Identifier: GPL-2.0 */
/* The control block, on the GPU's side; control.h says what it is. */

#ifndef GPU_CONTROL_BLOCK_H
#define GPU_CONTROL_BLOCK_H

#include <stdint.h>

/* offset: in the block, a multiple of 4 */
uint32_t control_read(uint32_t offset);
void control_write(uint32_t offset, uint32_t value);
void control_reset(void);

#endif /* GPU_CONTROL_BLOCK_H */
