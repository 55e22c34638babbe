// SPDX-License-Identifier: GPL-2.0
/* Accesses to BARs; see bar.h. */
#include <stdbool.h>
#include <string.h>

#include "access.h"
#include "bar.h"
#include "control.h"
#include "ggtt.h"
#include "judge.h"
#include "log.h"
#include "mmio.h"
#include "pci.h"
#include "regs.h"

static bool is_whole(uint64_t address, unsigned int size)
{
	return (size == 1 || size == 2 || size == 4 || size == 8) && !(address & (size - 1));
}

static bool is_in(unsigned int bar, uint32_t bytes, uint64_t address)
{
	uint64_t base = pci_bar(bar);

	return base && address >= base && address - base < bytes;
}

static uint64_t low_bytes(unsigned int size)
{
	return size == 8 ? ~0ULL : (1ULL << (size * 8)) - 1;
}

static uint64_t read_regs(uint32_t offset, unsigned int size)
{
	uint64_t value = mmio_read(offset & ~3U);

	if (size == 8)
		value |= (uint64_t)mmio_read(offset + 4) << 32;
	return value >> (offset & 3) * 8 & low_bytes(size);
}

/* Registers have 4 bytes: less merges with what is there. */
static void write_regs(uint32_t offset, uint64_t value, unsigned int size)
{
	uint32_t old;

	if (size < 4) {
		old = regs_get(offset & ~3U);
		memcpy((uint8_t *)&old + (offset & 3), &value, size);
		value = old;
	}
	mmio_write(offset & ~3U, value);
	if (size == 8)
		mmio_write(offset + 4, value >> 32);
}

static uint64_t read_aperture(uint64_t graphics, unsigned int size)
{
	uint64_t value = low_bytes(size);
	void *p;

	judge_count(GPU_APERTURE);
	if (!access_at(NULL, (struct place){ GPU_GGTT, graphics }, false, &p)) {
		value = 0;
		memcpy(&value, p, size);
	}
	return value;
}

static void write_aperture(uint64_t graphics, uint64_t value, unsigned int size)
{
	void *p;

	judge_count(GPU_APERTURE);
	if (!access_at(NULL, (struct place){ GPU_GGTT, graphics }, true, &p))
		memcpy(p, &value, size);
}

uint64_t bar_read(uint64_t address, unsigned int size)
{
	uint32_t offset = address - pci_bar(0);

	if (is_whole(address, size)) {
		if (is_in(0, REGS_BYTES, address))
			return read_regs(offset, size);
		if (is_in(0, BAR0_BYTES, address))
			return ggtt_read(offset - REGS_BYTES, size);
		if (is_in(2, BAR2_BYTES, address))
			return read_aperture(address - pci_bar(2), size);
	}
	log_event("read of %u bytes at %lx: not of a BAR, or not aligned", size, address);
	return ~0ULL;
}

void bar_write(uint64_t address, uint64_t value, unsigned int size)
{
	uint32_t offset = address - pci_bar(0);

	if (!is_whole(address, size))
		size = 0;
	if (size && is_in(0, REGS_BYTES, address))
		write_regs(offset, value, size);
	else if (size && is_in(0, BAR0_BYTES, address))
		ggtt_write(offset - REGS_BYTES, value, size);
	else if (size && is_in(2, BAR2_BYTES, address))
		write_aperture(address - pci_bar(2), value, size);
	else
		log_event("write at %lx: not of a BAR, or not aligned", address);
}
