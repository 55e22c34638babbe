/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of the emulated GPU: a machine with RAM and the device, and without QEMU.
 *
 * Each test begins with setup(): a Skylake just reset, RAM all 0, no IOMMU, nothing counted.
 */

#ifndef GPU_TEST_H
#define GPU_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "control.h"

#define RAM_BYTES	(16ULL << 20)
#define BAR0		0xe0000000ULL
#define BAR2		0xd0000000ULL
#define PAGE		4096ULL

#define check(condition) check_at(condition, #condition, __FILE__, __LINE__)
#define equal(seen, wanted) equal_at(seen, wanted, #seen, __FILE__, __LINE__)

/* An array of them ends with one without a name. */
struct test {
	const char *name;
	void (*run)(void);
};

extern const struct test command_tests[], ggtt_tests[], iommu_tests[], judge_tests[], pci_tests[],
	ppgtt_tests[], proxy_tests[], random_tests[], regs_tests[], socket_tests[];

void check_at(bool good, const char *what, const char *file, int line);
void equal_at(uint64_t seen, uint64_t wanted, const char *what, const char *file, int line);

void setup(void);
void setup_device(const char *name);
/* The file with the machine's RAM */
int ram_file(void);

/* RAM, by physical address */
uint64_t get64(uint64_t addr);
uint32_t get32(uint64_t addr);
void put64(uint64_t addr, uint64_t value);
void put32(uint64_t addr, uint32_t value);
void fill_page(uint64_t addr, uint8_t byte);

/* BAR 0 */
uint32_t reg(uint32_t offset);
void set_reg(uint32_t offset, uint32_t value);
void set_entry(uint32_t index, uint64_t entry);
void invalidate(void);

/* The control block */
uint64_t control(uint32_t offset);
void set_control(uint32_t offset, uint64_t value);
uint32_t op(uint32_t operation);
uint32_t copy(unsigned int space, uint64_t from, uint64_t to, uint64_t len);
uint64_t violations(uint32_t kind);

/* An IOMMU whose page table has 3 levels; all of RAM is mapped 1:1 */
void setup_iommu(void);
void iommu_map(uint64_t bus, uint64_t physical);
void iommu_unmap(uint64_t bus);
uint64_t iommu_root(void);

uint32_t random32(void);

#endif /* GPU_TEST_H */
