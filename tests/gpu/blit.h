/* SPDX-License-Identifier: GPL-2.0 */
/* Blits between linear surfaces of the engine's PPGTT. */

#ifndef GPU_BLIT_H
#define GPU_BLIT_H

#include <stdint.h>

struct engine;

/* How much a command copies; 0 if it is no blit */
uint64_t blit_bytes(const uint32_t *c);
/* The commands' dwords, at least 10; tiled surfaces are not copied, which is logged. */
void blit_fast_copy(struct engine *e, const uint32_t *c, uint32_t length);
void blit_src_copy(struct engine *e, const uint32_t *c, uint32_t length);

#endif /* GPU_BLIT_H */
