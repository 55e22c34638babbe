/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine's RAM: parts of files that QEMU shares with us.
 *
 * Invariant: a region is within its file, so that an access cannot fail.
 */

#ifndef GPU_RAM_H
#define GPU_RAM_H

#include <stdbool.h>
#include <stdint.h>

/* All regions are gone; files stay mapped for the next ones. */
void ram_clear(void);
/* A region of a file; the descriptor stays the caller's. */
bool ram_add(int fd, uint64_t gpa, uint64_t size, uint64_t offset);
/* Where so many bytes are that begin at a physical address; NULL if they are not in one region */
void *ram_at(uint64_t gpa, uint64_t len);

#endif /* GPU_RAM_H */
