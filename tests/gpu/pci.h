/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI: the devices that can be played, and configuration space.
 */

#ifndef GPU_PCI_H
#define GPU_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define BAR0_BYTES (16U << 20)
#define BAR2_BYTES (256U << 20)

/**
 * struct device - a GPU
 * @name: as on the command line
 * @what: for people
 * @id: PCI device ID
 * @revision: PCI revision
 * @on: its bit in the table of registers
 */
struct device {
	const char *name;
	const char *what;
	uint16_t id;
	uint8_t revision;
	unsigned int on;
};

/* NULL: there is none of that name */
const struct device *device_find(const char *name);
/* One after the other, from 0 on; NULL: there are no more */
const struct device *device_get(unsigned int index);

/* ggms: log2 of the MiB of GGTT entries */
void pci_init(const struct device *device, unsigned int ggms);
void pci_reset(void);
/* len: 1 to 4. All ones beyond the end */
uint32_t pci_read(uint32_t offset, int len);
void pci_write(uint32_t offset, uint32_t value, int len);
/* Where BAR 0 or BAR 2 is */
uint64_t pci_bar(unsigned int bar);

#endif /* GPU_PCI_H */
