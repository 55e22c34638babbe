/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A PCI bus for a PVH guest, which has none of its own: a host bridge, an Intel GPU and an ISA
 * bridge, as far as a stock i915 looks at them when it loads.
 *
 * One thread does everything, so there are no locks. What a guest asks for is never trusted: what
 * nobody has reads as ones, as on a real bus, and writes to it are dropped.
 */

#ifndef PCIBUS_H
#define PCIBUS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../include/xen/interface/hvm/io_request.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define BAR0_SIZE	0x1000000ULL	/* registers, and the GTT */
#define BAR2_SIZE	0x10000000ULL	/* the aperture */

/* How functions are numbered on the bus */
#define DEVFN(device, function)	((device) << 3 | (function))
#define HOST_BRIDGE		DEVFN(0x00, 0)
#define GPU			DEVFN(0x02, 0)
#define ISA_BRIDGE		DEVFN(0x1f, 0)

/* The ports of configuration mechanism 1 */
#define CONFIG_ADDRESS	0xcf8
#define CONFIG_DATA	0xcfc
#define CONFIG_PORTS_END 0xcff

/* config.c: configuration spaces, and the port that selects among them */
void config_init(uint64_t bar0, uint64_t bar2);
uint64_t config_read(uint64_t bdf, uint64_t reg, unsigned int size);
void config_write(uint64_t bdf, uint64_t reg, unsigned int size, uint64_t value);
uint64_t port_read(uint64_t port, unsigned int size);
void port_write(uint64_t port, unsigned int size, uint64_t value);

/* bar0.c: the GPU's registers */
uint64_t bar0_read(uint64_t offset, unsigned int size);
void bar0_write(uint64_t offset, unsigned int size, uint64_t value);

/* request.c: what a request asks for */
void request_init(uint64_t bar0);
void request_do(struct xen_ioreq *req);

/* ioreq.c: the ioreq server */
bool ioreq_start(unsigned int domid, uint64_t bar0);
void ioreq_serve(void);
void ioreq_stop(void);
bool guest_copy(uint64_t addr, void *data, unsigned int len, bool to_guest);

#endif /* PCIBUS_H */
