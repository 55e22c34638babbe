// SPDX-License-Identifier: GPL-2.0
/* PCI; see pci.h. */
#include <stddef.h>
#include <string.h>

#include "bits.h"
#include "pci.h"
#include "regs.h"

#define CONFIG_BYTES	256
#define VENDOR_INTEL	0x8086
#define PCI_COMMAND	0x04
#define  COMMAND_MASK	0x0507	/* I/O, memory, master, SERR, no INTx */
#define PCI_CLASS	0x08
#define  CLASS_VGA	0x03000000
#define PCI_BAR(i)	(0x10 + 4 * (i))
#define PCI_ROM_END	0x34
#define PCI_SUBSYSTEM	0x2c
#define PCI_INT_LINE	0x3c
#define PCI_INT_PIN	0x3d
#define PCI_GGC		0x50	/* GMCH graphics control: sizes; no stolen memory */
#define  GGC_GGMS(ggms)	((ggms) << 6)
#define PCI_GGC_END	0x52
#define PCI_BSM		0x5c	/* base of stolen memory, which firmware sets in any case */
#define  BSM		0x7f800000

static const struct device devices[] = {
	{ "skl", "Skylake GT2", 0x1912, 6, ON_SKL },
	{ "skl-pipe", "Skylake GT2 with one display pipe", 0x1912, 6, ON_SKL | ON_PIPE },
	{ "bdw", "Broadwell GT2", 0x1612, 9, ON_BDW },
};

static uint8_t config[CONFIG_BYTES];

const struct device *device_get(unsigned int index)
{
	return index < ARRAY_SIZE(devices) ? &devices[index] : NULL;
}

const struct device *device_find(const char *name)
{
	const struct device *d;
	unsigned int i;

	for (i = 0; (d = device_get(i)); i++)
		if (!strcmp(d->name, name))
			break;
	return d;
}

static void put(uint32_t offset, uint32_t value, int len)
{
	memcpy(config + offset, &value, len);
}

void pci_init(const struct device *device, unsigned int ggms)
{
	memset(config, 0, sizeof(config));
	put(0, (uint32_t)device->id << 16 | VENDOR_INTEL, 4);
	put(PCI_CLASS, CLASS_VGA | device->revision, 4);
	put(PCI_SUBSYSTEM, 0x2015U << 16 | VENDOR_INTEL, 4);
	put(PCI_INT_PIN, 1, 1);
	put(PCI_GGC, GGC_GGMS(ggms), 2);
	put(PCI_BSM, BSM, 4);
}

void pci_reset(void)
{
	put(PCI_COMMAND, 0, 2);
	put(PCI_BAR(0), 0, 4);
	put(PCI_BAR(2), 0, 4);
}

static bool is_inside(uint32_t offset, int len)
{
	return len >= 1 && len <= 4 && offset <= CONFIG_BYTES - (uint32_t)len;
}

uint32_t pci_read(uint32_t offset, int len)
{
	uint32_t value = 0;

	if (!is_inside(offset, len))
		return ~0U;
	memcpy(&value, config + offset, len);
	return value;
}

/* BARs of 32 bits, and only whole ones: nobody writes them otherwise. */
static void write_bar(uint32_t offset, uint32_t value, int len)
{
	if (len != 4)
		return;
	if (offset == PCI_BAR(0))
		put(offset, value & ~(BAR0_BYTES - 1), 4);
	else if (offset == PCI_BAR(2))
		put(offset, value & ~(BAR2_BYTES - 1), 4);
}

void pci_write(uint32_t offset, uint32_t value, int len)
{
	if (!is_inside(offset, len))
		return;
	if (offset >= PCI_BAR(0) && offset < PCI_ROM_END)
		write_bar(offset, value, len);
	else if (offset == PCI_COMMAND && len >= 2)
		put(offset, value & COMMAND_MASK, 2);
	else if (offset == PCI_INT_LINE)
		put(offset, value, 1);
	else if (offset >= PCI_GGC_END)
		put(offset, value, len);
}

uint64_t pci_bar(unsigned int bar)
{
	return pci_read(PCI_BAR(bar), 4);
}
