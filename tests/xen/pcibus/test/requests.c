// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to the bus, without Xen: what i915 needs is there, and a million requests of which
 * nothing is right break nothing (the sanitizers of the compiler notice). The guest's memory is a
 * page; at other addresses it has none.
 *
 * Exit status: 0 if all is right; otherwise it says what is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pcibus.h"

#define BAR0		0xe0000000ULL
#define BAR2		0xd0000000ULL
#define MEMORY		0x5000ULL
#define MEMORY_SIZE	0x1000ULL
#define REQUESTS	1000000

#define CONFIG(devfn, reg)	((uint64_t)(devfn) << 32 | (reg))

static uint8_t memory[MEMORY_SIZE];
static int wrong;

bool guest_copy(uint64_t addr, void *data, unsigned int len, bool to_guest)
{
	if (addr < MEMORY || addr - MEMORY > MEMORY_SIZE - len)
		return false;
	if (to_guest)
		memcpy(memory + (addr - MEMORY), data, len);
	else
		memcpy(data, memory + (addr - MEMORY), len);
	return true;
}

static uint64_t mask(unsigned int size)
{
	return -1ULL >> (64 - 8 * size);
}

static uint64_t read_from(unsigned int type, uint64_t addr, unsigned int size)
{
	struct xen_ioreq req = {
		.type = type, .addr = addr, .size = size, .count = 1, .dir = IOREQ_READ,
	};

	request_do(&req);
	return req.data & mask(size);
}

static void write_to(unsigned int type, uint64_t addr, unsigned int size, uint64_t value)
{
	struct xen_ioreq req = {
		.type = type, .addr = addr, .size = size, .count = 1, .data = value,
	};

	request_do(&req);
}

static void is(const char *what, uint64_t seen, uint64_t want)
{
	if (seen == want)
		return;
	printf("%s: 0x%llx, not 0x%llx\n", what, (unsigned long long)seen,
	       (unsigned long long)want);
	wrong++;
}

static void test_config(void)
{
	uint64_t bar = CONFIG(GPU, 0x10);

	is("the GPU", read_from(IOREQ_TYPE_PCI_CONFIG, CONFIG(GPU, 0), 4), 0x19128086);
	is("nobody", read_from(IOREQ_TYPE_PCI_CONFIG, CONFIG(DEVFN(3, 0), 0), 4), 0xffffffff);
	is("behind the end", read_from(IOREQ_TYPE_PCI_CONFIG, CONFIG(GPU, 0xfe), 4), 0xffffffff);
	write_to(IOREQ_TYPE_PCI_CONFIG, bar, 4, 0xffffffff);
	is("the size of BAR 0", read_from(IOREQ_TYPE_PCI_CONFIG, bar, 4), 0xff000004);
	write_to(IOREQ_TYPE_PCI_CONFIG, bar, 4, BAR0);
	is("BAR 0", read_from(IOREQ_TYPE_PCI_CONFIG, bar, 4), BAR0 | 4);
	write_to(IOREQ_TYPE_PCI_CONFIG, CONFIG(GPU, 0), 4, 0);
	is("its ID stays", read_from(IOREQ_TYPE_PCI_CONFIG, CONFIG(GPU, 2), 2), 0x1912);
}

static void test_ports(void)
{
	write_to(IOREQ_TYPE_PIO, CONFIG_ADDRESS, 4, 0x80001000);
	write_to(IOREQ_TYPE_PIO, CONFIG_ADDRESS + 3, 1, 0x01);
	is("the address port", read_from(IOREQ_TYPE_PIO, CONFIG_ADDRESS, 4), 0x80001000);
	is("the data port", read_from(IOREQ_TYPE_PIO, CONFIG_DATA, 2), 0xffff);
}

static void test_registers(void)
{
	write_to(IOREQ_TYPE_COPY, BAR0 + 0x1000, 8, 0x1122334455667788);
	is("a register", read_from(IOREQ_TYPE_COPY, BAR0 + 0x1002, 4), 0x33445566);
	write_to(IOREQ_TYPE_COPY, BAR0 + 0x941c, 4, 2);
	is("a reset", read_from(IOREQ_TYPE_COPY, BAR0 + 0x941c, 4), 0);
	write_to(IOREQ_TYPE_COPY, BAR0 + 0x138124, 4, 0x80000005);
	is("the PCODE's mailbox", read_from(IOREQ_TYPE_COPY, BAR0 + 0x138124, 4), 0);
	write_to(IOREQ_TYPE_COPY, BAR0 + 0x20d0, 4, 0x00010001);
	is("a ring's reset", read_from(IOREQ_TYPE_COPY, BAR0 + 0x20d0, 4) & 3, 3);
	write_to(IOREQ_TYPE_COPY, BAR0 + 0x20d0, 4, 0x00010000);
	is("... taken back", read_from(IOREQ_TYPE_COPY, BAR0 + 0x20d0, 4) & 3, 0);
	write_to(IOREQ_TYPE_COPY, BAR0 + 0x2209c, 4, 0x01000100);
	is("a ring that stops", read_from(IOREQ_TYPE_COPY, BAR0 + 0x2209c, 4), 0x300);
	is("the GTT", read_from(IOREQ_TYPE_COPY, BAR0 + 0x800000, 8), 0);
}

static void test_strings(void)
{
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY, .addr = BAR0 + 0x3000, .size = 4, .count = 3,
		.data_is_ptr = 1, .data = MEMORY,
	};
	uint32_t words[] = { 1, 2, 3 };

	memcpy(memory, words, sizeof(words));
	request_do(&req);
	is("a string", read_from(IOREQ_TYPE_COPY, BAR0 + 0x3004, 8), 0x300000002);
	req.dir = IOREQ_READ;
	req.df = 1;
	req.addr += 8;
	req.data += 40;
	request_do(&req);
	is("... read backwards", memory[40] + memory[36] * 16 + memory[32] * 256, 0x123);
}

static uint64_t random_64(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ random();
}

static uint64_t random_near(void)
{
	static const uint64_t places[] = {
		BAR0, BAR0 + BAR0_SIZE / 2, BAR0 + BAR0_SIZE, BAR0 + 0x20d0, BAR0 + 0x941c,
		BAR0 + 0x138124, CONFIG_ADDRESS, CONFIG_DATA, CONFIG(GPU, 0), CONFIG(GPU, 0x100),
		CONFIG(ISA_BRIDGE, 0xfc), MEMORY, MEMORY + MEMORY_SIZE, 0, -1ULL,
	};

	return places[random() % ARRAY_SIZE(places)] + random() % 32 - 16;
}

static void test_random(void)
{
	static const uint32_t sizes[] = { 0, 1, 2, 3, 4, 8, 9, 16, 4096, 0x80000000, -1 };
	uint64_t words[sizeof(struct xen_ioreq) / sizeof(uint64_t)];
	struct xen_ioreq req;
	unsigned int i, j;

	for (i = 0; i < REQUESTS; i++) {
		for (j = 0; j < ARRAY_SIZE(words); j++)
			words[j] = random_64();
		memcpy(&req, words, sizeof(req));
		req.type = random() % 10;
		if (random() % 4)
			req.addr = random_near();
		if (random() % 2)
			req.data = random_near();
		if (random() % 4)
			req.size = sizes[random() % ARRAY_SIZE(sizes)];
		if (random() % 64)
			req.count = random() % 20;
		request_do(&req);
	}
}

int main(void)
{
	config_init(BAR0, BAR2);
	request_init(BAR0);
	test_config();
	test_ports();
	test_registers();
	test_strings();
	test_random();
	return !!wrong;
}
