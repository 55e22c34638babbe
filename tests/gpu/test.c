// SPDX-License-Identifier: GPL-2.0
/* Tests of the emulated GPU; see test.h. The last line is "N passed, N failed". */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bar.h"
#include "bits.h"
#include "gpu_device.h"
#include "iommu.h"
#include "judge.h"
#include "ram.h"
#include "test.h"

/* Where the IOMMU's tables are; tests use the RAM below. */
#define DEVICE_TABLE	0xf00000ULL
#define TABLES		0xf10000ULL
#define IOMMU_BITS	(BIT_ULL(61) | BIT_ULL(62) | 1)
#define LEVELS(n)	((uint64_t)(n) << 9)

static const struct test * const suites[] = {
	command_tests, ggtt_tests, iommu_tests, judge_tests, pci_tests, ppgtt_tests, proxy_tests,
	random_tests, regs_tests, socket_tests,
};

static int fd;
static uint8_t *ram;
static bool failed;
static uint32_t state = 1;

void check_at(bool good, const char *what, const char *file, int line)
{
	if (good)
		return;
	printf("# %s:%d: %s\n", file, line, what);
	failed = true;
}

void equal_at(uint64_t seen, uint64_t wanted, const char *what, const char *file, int line)
{
	if (seen == wanted)
		return;
	printf("# %s:%d: %s is 0x%lx, not 0x%lx\n", file, line, what, seen, wanted);
	failed = true;
}

int ram_file(void)
{
	return fd;
}

uint64_t get64(uint64_t addr)
{
	uint64_t value;

	memcpy(&value, ram + addr, sizeof(value));
	return value;
}

uint32_t get32(uint64_t addr)
{
	return get64(addr);
}

void put64(uint64_t addr, uint64_t value)
{
	memcpy(ram + addr, &value, sizeof(value));
}

void put32(uint64_t addr, uint32_t value)
{
	memcpy(ram + addr, &value, sizeof(value));
}

void fill_page(uint64_t addr, uint8_t byte)
{
	memset(ram + addr, byte, PAGE);
}

uint32_t reg(uint32_t offset)
{
	return bar_read(BAR0 + offset, 4);
}

void set_reg(uint32_t offset, uint32_t value)
{
	bar_write(BAR0 + offset, value, 4);
}

void set_entry(uint32_t index, uint64_t entry)
{
	bar_write(BAR0 + (8 << 20) + index * 8, entry, 8);
}

void invalidate(void)
{
	set_reg(0x101008, 1);
}

uint64_t control(uint32_t offset)
{
	return bar_read(BAR0 + GPU_CONTROL + offset, 8);
}

void set_control(uint32_t offset, uint64_t value)
{
	bar_write(BAR0 + GPU_CONTROL + offset, value, 8);
}

uint32_t op(uint32_t operation)
{
	set_reg(GPU_CONTROL + GPU_OP, operation);
	return reg(GPU_CONTROL + GPU_STATUS);
}

uint32_t copy(unsigned int space, uint64_t from, uint64_t to, uint64_t len)
{
	set_control(GPU_FROM, from);
	set_control(GPU_TO, to);
	set_control(GPU_LENGTH, len);
	set_reg(GPU_CONTROL + GPU_FROM_SPACE, space);
	set_reg(GPU_CONTROL + GPU_TO_SPACE, space);
	return op(GPU_OP_COPY);
}

uint64_t violations(uint32_t kind)
{
	return control(GPU_VIOLATIONS(kind));
}

static bool read_iommu_register(uint64_t address, uint64_t *value)
{
	*value = address == IOMMU_MMIO ? DEVICE_TABLE : 1;
	return true;
}

/* Level 3 has one entry, level 2 eight: one for 2 MiB of RAM each. */
void setup_iommu(void)
{
	uint64_t addr;
	unsigned int i;

	put64(DEVICE_TABLE + IOMMU_DEVFN * 32, TABLES | LEVELS(3) | IOMMU_BITS | 2);
	put64(TABLES, (TABLES + PAGE) | LEVELS(2) | IOMMU_BITS);
	for (i = 0; i < 8; i++)
		put64(TABLES + PAGE + i * 8, (TABLES + (2 + i) * PAGE) | LEVELS(1) | IOMMU_BITS);
	for (addr = 0; addr < RAM_BYTES; addr += PAGE)
		iommu_map(addr, addr);
	iommu_use(read_iommu_register);
}

void iommu_map(uint64_t bus, uint64_t physical)
{
	put64(TABLES + 2 * PAGE + bus / PAGE * 8, physical | IOMMU_BITS);
}

void iommu_unmap(uint64_t bus)
{
	put64(TABLES + 2 * PAGE + bus / PAGE * 8, 0);
}

uint64_t iommu_root(void)
{
	return DEVICE_TABLE + IOMMU_DEVFN * 32;
}

uint32_t random32(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

void setup_device(const char *name)
{
	unsigned int i;

	memset(ram, 0, RAM_BYTES);
	ram_clear();
	check(ram_add(fd, 0, RAM_BYTES, 0));
	iommu_use(NULL);
	gpu_device_init(device_find(name), 3);
	pci_write(0x10, BAR0, 4);
	pci_write(0x18, BAR2, 4);
	for (i = 0; i < GPU_NR_SHARES; i++)
		judge_declare(i, 0, 0, 0, 1);
	judge_freeze(GPU_HOST, false);
	judge_take(0, 1ULL << 50);
	judge_clear();
}

void setup(void)
{
	setup_device("skl");
}

static bool run(const struct test *t, unsigned int number)
{
	failed = false;
	setup();
	t->run();
	printf("%sok %u - %s\n", failed ? "not " : "", number, t->name);
	return !failed;
}

int main(void)
{
	unsigned int passed = 0, n = 0, i;
	const struct test *t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = memfd_create("ram", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, RAM_BYTES)) {
		perror("memfd");
		return EXIT_FAILURE;
	}
	ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ram == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	for (i = 0; i < ARRAY_SIZE(suites); i++)
		for (t = suites[i]; t->name; t++)
			passed += run(t, ++n);
	printf("1..%u\n%u passed, %u failed\n", n, passed, n - passed);
	return passed == n ? EXIT_SUCCESS : EXIT_FAILURE;
}
