// SPDX-License-Identifier: GPL-2.0
/*
 * The machine's IOMMU; see iommu.h. Formats: AMD I/O Virtualization Technology Specification,
 * "Device Table Entry" and "I/O Page Tables".
 */
#include <stddef.h>

#include "bits.h"
#include "iommu.h"
#include "log.h"
#include "ram.h"

#define REG_DEVICE_TABLE	(IOMMU_MMIO + 0x00)
#define REG_CONTROL		(IOMMU_MMIO + 0x18)
#define  CONTROL_ENABLE		1

#define ADDRESS			0x000ffffffffff000ULL
#define DTE_SIZE		32
#define DTE_VALID		BIT_ULL(0)
#define DTE_TABLES		BIT_ULL(1)
#define PTE_PRESENT		BIT_ULL(0)
#define MAY_READ		BIT_ULL(61)
#define MAY_WRITE		BIT_ULL(62)
#define LEVEL(entry)		((unsigned int)((entry) >> 9) & 7)
#define LEVEL_SIZED		7	/* a page whose size is in the address */
#define MAX_LEVELS		6

static bool (*read_register)(uint64_t address, uint64_t *value);
static uint64_t device_table;

void iommu_use(bool (*read_physical)(uint64_t address, uint64_t *value))
{
	read_register = read_physical;
	device_table = 0;
}

static unsigned int shift_of(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

static bool allows(uint64_t entry, bool write)
{
	return entry & (write ? MAY_WRITE : MAY_READ);
}

enum state { STATE_UNKNOWN, STATE_OFF, STATE_ON };

/* An operating system sets the device table once; until then nothing is translated. */
static enum state find_device_table(void)
{
	uint64_t control, base;

	if (device_table)
		return STATE_ON;
	if (!read_register)
		return STATE_OFF;
	if (!read_register(REG_CONTROL, &control) || !read_register(REG_DEVICE_TABLE, &base))
		return STATE_UNKNOWN;
	if (!(control & CONTROL_ENABLE))
		return STATE_OFF;
	device_table = base & ADDRESS;
	log_event("IOMMU: device table at %lx", device_table);
	return STATE_ON;
}

/* The lowest address bit that is 0 tells the size: 2^13 if it is bit 12, and so on. */
static uint64_t size_in_address(uint64_t entry)
{
	unsigned int bit = 12;

	while (bit < 51 && entry >> bit & 1)
		bit++;
	return 1ULL << (bit + 1);
}

static uint64_t end_at(uint64_t entry, uint64_t size, uint64_t bus)
{
	return (entry & ADDRESS & ~(size - 1)) | (bus & (size - 1));
}

/* Levels may be left out, and the address bits for them have to be 0. */
static bool skips(uint64_t bus, unsigned int from, unsigned int to)
{
	uint64_t mask = (1ULL << shift_of(from)) - (1ULL << shift_of(to + 1));

	return !(bus & mask);
}

static bool walk(uint64_t entry, uint64_t bus, bool write, uint64_t *physical)
{
	unsigned int level = LEVEL(entry), next;
	uint64_t *p;

	while (allows(entry, write)) {
		p = ram_at((entry & ADDRESS) + (bus >> shift_of(level) & 511) * 8, 8);
		if (!p)
			return false;
		entry = *p;
		if (!(entry & PTE_PRESENT) || !allows(entry, write))
			return false;
		next = LEVEL(entry);
		if (next == 0 || next == LEVEL_SIZED) {
			*physical = end_at(entry, next ? size_in_address(entry) :
						  1ULL << shift_of(level), bus);
			return true;
		}
		if (next >= level || !skips(bus, level, next))
			return false;
		level = next;
	}
	return false;
}

static bool by_device_table(uint64_t bus, bool write, uint64_t *physical)
{
	const uint64_t *dte = ram_at(device_table + IOMMU_DEVFN * DTE_SIZE, DTE_SIZE);
	unsigned int levels;

	if (!dte)
		return false;
	if (!(dte[0] & DTE_VALID) || !(dte[0] & DTE_TABLES))
		return true;
	levels = LEVEL(dte[0]);
	if (!levels)
		return allows(dte[0], write);
	if (levels > MAX_LEVELS || (levels < MAX_LEVELS && bus >> shift_of(levels + 1)))
		return false;
	return walk(dte[0], bus, write, physical);
}

bool iommu_translate(uint64_t bus, bool write, uint64_t *physical)
{
	enum state state = find_device_table();

	*physical = bus;
	return state == STATE_ON ? by_device_table(bus, write, physical) : state == STATE_OFF;
}
