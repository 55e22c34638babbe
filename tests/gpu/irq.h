/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts: the GT's interrupt registers, and how the machine's CPU hears of them.
 *
 * QEMU takes no interrupts from its proxy without KVM. A serial card whose INTx line is the GPU's
 * raises it instead, when it gets a byte.
 */

#ifndef GPU_IRQ_H
#define GPU_IRQ_H

#include <stdint.h>

#include "bits.h"

#define IRQ_USER		BIT(0)
#define IRQ_CONTEXT_SWITCH	BIT(8)

/* The socket of the serial card's character device, or NULL; it is connected when it is needed. */
void irq_use(const char *path);
void irq_raise(unsigned int engine, uint32_t bits);
/* MASTER_IRQ as it reads */
uint32_t irq_master(void);
void irq_write_master(uint32_t value);

#endif /* GPU_IRQ_H */
