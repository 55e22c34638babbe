// SPDX-License-Identifier: GPL-2.0
/* Tests of configuration space and of BARs. */
#include <stddef.h>

#include "bar.h"
#include "pci.h"
#include "test.h"

static void identity(void)
{
	equal(pci_read(0, 4), 0x19128086);
	equal(pci_read(8, 4) >> 16, 0x0300);
	equal(pci_read(0x50, 2), 3 << 6);
	setup_device("bdw");
	equal(pci_read(0, 4), 0x16128086);
	check(!device_find("none"));
	pci_init(device_find("skl"), 1);
	equal(pci_read(0x50, 2), 1 << 6);
}

static void bars_tell_their_size(void)
{
	pci_write(0x10, 0xffffffff, 4);
	equal(pci_read(0x10, 4), 0xff000000);
	pci_write(0x18, 0xffffffff, 4);
	equal(pci_read(0x18, 4), 0xf0000000);
	pci_write(0x14, 0xffffffff, 4);
	equal(pci_read(0x14, 4), 0);
	pci_write(0x30, 0xffffffff, 4);
	equal(pci_read(0x30, 4), 0);
}

static void what_cannot_be_written(void)
{
	pci_write(0, 0, 4);
	pci_write(8, 0, 4);
	pci_write(0x50, 0, 4);
	identity();
}

static void beyond_configuration_space(void)
{
	equal(pci_read(256, 1), ~0U);
	equal(pci_read(254, 4), ~0U);
	equal(pci_read(0xffffffff, 4), ~0U);
	equal(pci_read(0, 0), ~0U);
	equal(pci_read(0, -1), ~0U);
	equal(pci_read(0, 100), ~0U);
	pci_write(254, 0, 4);
	pci_write(0xfffffffe, 0, 4);
	pci_write(0x60, 0, -4);
	pci_write(0x60, 0, 1000);
}

static void beyond_bars(void)
{
	equal(bar_read(BAR0 - 8, 8), ~0ULL);
	equal(bar_read(BAR0 + BAR0_BYTES, 4), ~0ULL);
	equal(bar_read(BAR0 + 1, 4), ~0ULL);
	equal(bar_read(BAR0, 3), ~0ULL);
	equal(bar_read(BAR0, 0), ~0ULL);
	equal(bar_read(BAR0, 4096), ~0ULL);
	equal(bar_read(~0ULL, 1), ~0ULL);
	bar_write(BAR0 + BAR0_BYTES - 4, 0, 8);
	bar_write(BAR0 + BAR0_BYTES - 8, 5, 8);
	bar_write(BAR0 + (8 << 20) - 8, 5, 8);
	bar_write(BAR2 + BAR2_BYTES - 8, 0, 8);
	equal(bar_read(BAR0 + BAR0_BYTES - 8, 8), 5);
	pci_reset();
	equal(bar_read(0x2000, 4), ~0ULL);
}

static void small_accesses(void)
{
	set_reg(0x5000, 0x11223344);
	equal(bar_read(BAR0 + 0x5001, 1), 0x33);
	equal(bar_read(BAR0 + 0x5002, 2), 0x1122);
	bar_write(BAR0 + 0x5001, 0x55, 1);
	equal(reg(0x5000), 0x11225544);
	bar_write(BAR0 + 0x5000, 0x8877665544332211, 8);
	equal(reg(0x5004), 0x88776655);
}

const struct test pci_tests[] = {
	{ "PCI: identity", identity },
	{ "PCI: BARs tell their size", bars_tell_their_size },
	{ "PCI: what cannot be written", what_cannot_be_written },
	{ "PCI: beyond configuration space", beyond_configuration_space },
	{ "BARs: beyond, and not aligned", beyond_bars },
	{ "BARs: accesses of other sizes", small_accesses },
	{ NULL, NULL },
};
