// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration spaces of the three functions on the bus, and the address port of configuration
 * mechanism 1. Xen translates the data port by itself, so of the ports only what is not an access
 * to a configuration space arrives here.
 *
 * Bits that are not writable keep their value; so a BAR can be sized, and be set. The BARs are
 * decoded at the addresses that they have at first, wherever the guest moves them: Linux does not
 * move a BAR that is enabled and in nobody's way.
 *
 * Sources: the PCI Local Bus Specification, chapter 6; i915's intel_gtt.c and intel_pch.h.
 */
#include <string.h>

#include "pcibus.h"

#define CONFIG_SIZE	256

#define INTEL		0x8086
#define SKYLAKE_HOST	0x1910
#define SKYLAKE_GT2	0x1912
#define SUNRISE_POINT	0xa143		/* the ISA bridge, by which i915 knows the PCH */

/* Registers of each function */
#define ID		0x00
#define COMMAND		0x04
#define  COMMAND_MEMORY	0x0002
#define  COMMAND_BITS	0x0407		/* decoding, bus master, no INTx */
#define STATUS		0x06
#define  STATUS_CAPS	0x0010
#define CLASS		0x08
#define BAR0		0x10
#define BAR2		0x18
#define  BAR_64		0x4
#define  BAR_PREFETCH	0x8
#define CAPS		0x34
#define INTERRUPT_LINE	0x3c
#define INTERRUPT_PIN	0x3d

/* Registers of the GPU */
#define GMCH_CONTROL	0x50
#define  GTT_8_MIB	(3 << 6)
#define MSI		0xac
#define  MSI_ID		0x05
#define  MSI_CONTROL	(MSI + 2)
#define  MSI_ADDRESS	(MSI + 4)
#define  MSI_DATA	(MSI + 8)

#define HOST_CLASS	0x060000
#define ISA_CLASS	0x060100
#define VGA_CLASS	0x030000
#define REVISION	6

struct function {
	unsigned int bdf;
	uint8_t value[CONFIG_SIZE];
	uint8_t writable[CONFIG_SIZE];
};

static struct function functions[] = {
	{ .bdf = HOST_BRIDGE }, { .bdf = GPU }, { .bdf = ISA_BRIDGE },
};

static uint32_t config_address;		/* what was last written to the port */

static struct function *find(uint64_t bdf)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		if (functions[i].bdf == bdf)
			return &functions[i];
	return NULL;
}

/* x86 has the bytes in the order of a configuration space. */
static void set(unsigned int bdf, unsigned int reg, unsigned int size, uint64_t value,
		uint64_t writable)
{
	struct function *f = find(bdf);

	memcpy(f->value + reg, &value, size);
	memcpy(f->writable + reg, &writable, size);
}

static void set_identity(unsigned int bdf, unsigned int device, unsigned int class)
{
	set(bdf, ID, 4, (uint64_t)device << 16 | INTEL, 0);
	set(bdf, CLASS, 4, class << 8 | REVISION, 0);
	set(bdf, COMMAND, 2, COMMAND_MEMORY, COMMAND_BITS);
	set(bdf, INTERRUPT_LINE, 1, 0, 0xff);
}

static void set_gpu(uint64_t bar0, uint64_t bar2)
{
	set(GPU, BAR0, 8, bar0 | BAR_64, -BAR0_SIZE);
	set(GPU, BAR2, 8, bar2 | BAR_64 | BAR_PREFETCH, -BAR2_SIZE);
	set(GPU, INTERRUPT_PIN, 1, 1, 0);
	set(GPU, GMCH_CONTROL, 2, GTT_8_MIB, 0);
	set(GPU, STATUS, 2, STATUS_CAPS, 0);
	set(GPU, CAPS, 1, MSI, 0);
	set(GPU, MSI, 2, MSI_ID, 0);
	set(GPU, MSI_CONTROL, 2, 0, 1);
	set(GPU, MSI_ADDRESS, 4, 0, ~3U);
	set(GPU, MSI_DATA, 2, 0, 0xffff);
}

void config_init(uint64_t bar0, uint64_t bar2)
{
	set_identity(HOST_BRIDGE, SKYLAKE_HOST, HOST_CLASS);
	set_identity(ISA_BRIDGE, SUNRISE_POINT, ISA_CLASS);
	set_identity(GPU, SKYLAKE_GT2, VGA_CLASS);
	set_gpu(bar0, bar2);
}

/* Where a register of the bus is, if all of it is somewhere. */
static struct function *find_register(uint64_t bdf, uint64_t reg, unsigned int size)
{
	if (size > sizeof(uint64_t) || reg > CONFIG_SIZE - size)
		return NULL;
	return find(bdf);
}

uint64_t config_read(uint64_t bdf, uint64_t reg, unsigned int size)
{
	struct function *f = find_register(bdf, reg, size);
	uint64_t value = -1ULL;

	if (f)
		memcpy(&value, f->value + reg, size);
	return value;
}

void config_write(uint64_t bdf, uint64_t reg, unsigned int size, uint64_t value)
{
	struct function *f = find_register(bdf, reg, size);
	uint8_t *to, writable;
	unsigned int i;

	for (i = 0; f && i < size; i++, value >>= 8) {
		to = &f->value[reg + i];
		writable = f->writable[reg + i];
		*to = (*to & ~writable) | (value & writable);
	}
}

uint64_t port_read(uint64_t port, unsigned int size)
{
	return port == CONFIG_ADDRESS && size == 4 ? config_address : -1ULL;
}

/* Narrower writes to the address port are not for it: mechanism 2 was there. */
void port_write(uint64_t port, unsigned int size, uint64_t value)
{
	if (port == CONFIG_ADDRESS && size == 4)
		config_address = value;
}
