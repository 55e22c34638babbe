/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's edu device, driven from a program: a DMA engine with a page of memory of its
 * own. Writes to
 * a register of its configuration space that is nothing but storage are marks in the host's trace.
 */

#ifndef DEVMAP_EDU_H
#define DEVMAP_EDU_H

#include <stdbool.h>
#include <stdint.h>

bool edu_open(void);
uint64_t edu_bar(void);
bool edu_copy(uint64_t from, uint64_t to, unsigned int len);
unsigned int edu_mark(void);

#endif /* DEVMAP_EDU_H */
