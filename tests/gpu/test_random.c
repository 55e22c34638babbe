// SPDX-License-Identifier: GPL-2.0
/* Tests with random input: nothing crashes, goes out of bounds or hangs. */
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bar.h"
#include "bits.h"
#include "engine.h"
#include "pci.h"
#include "proxy.h"
#include "test.h"

#define CONTEXT	0x110000ULL
#define RING	0x120000ULL
#define ROUNDS	300

/* A page number, mostly of RAM */
static uint64_t random_page(void)
{
	return (random32() % 64 ? random32() % 0x200 : random32()) * PAGE;
}

static uint64_t random_entry(void)
{
	static const uint64_t bits[] = { 3, 3, 3, 3, 1, 0, 0x83, 0x803 };

	return random_page() | bits[random32() % 8];
}

/* Commands that mean something, more often than chance would have it */
static uint32_t random_command(void)
{
	static const uint32_t headers[] = {
		0x1c << 23 | 1 << 22 | 2, 0x20 << 23 | 2, 0x22 << 23 | 1, 0x24 << 23 | 2,
		0x26 << 23 | 1 << 18 | 1 << 14 | 2, 0x31 << 23 | 1 << 8 | 1,
		0x31 << 23 | 1 << 22 | 1, 0x0a << 23, 0x02 << 23, 0x7a000004,
		2U << 29 | 0x42 << 22 | 8, 2U << 29 | 0x53 << 22 | 8,
	};
	uint32_t r = random32();

	if (r % 4 == 0)
		return headers[r / 4 % ARRAY_SIZE(headers)] ^ (1 << r % 32);
	return r % 4 == 1 ? r : r % 0x200000;
}

static void random_ram(void)
{
	uint64_t addr;

	for (addr = 0; addr < 0x100000; addr += 8)
		put64(addr, random_entry());
	for (addr = 0x100000; addr < 0x200000; addr += 4)
		put32(addr, random_command());
}

static void random_context(void)
{
	uint64_t state = CONTEXT + PAGE;

	put32(state + 0x05 * 4, random32() & 0x1fffff);
	put32(state + 0x07 * 4, random32() & 0x1fffff);
	put32(state + 0x09 * 4, RING);
	put32(state + 0x0b * 4, (random32() & 0x3f000) | 1);
	put64(state + 0x33 * 4, random_page() % 0x100000);
	put32(state + 0x31 * 4, 0);
	put32(state + 0x0f * 4, random32() & 0x1fffff);
	put32(state + 0x15 * 4, random32() & 0x1fffff);
}

static void random_contexts(void)
{
	unsigned int i, round;
	uint32_t elsp;

	for (i = 0; i < 0x200; i++)
		set_entry(i, i * PAGE | 3);
	invalidate();
	for (round = 0; round < ROUNDS; round++) {
		if (round % 10 == 0)
			random_ram();
		random_context();
		elsp = engine_get(random32() % GPU_NR_ENGINES)->base + 0x230;
		set_reg(elsp, random32());
		set_reg(elsp, random32() & ~1U);
		set_reg(elsp, random32());
		set_reg(elsp, CONTEXT | (random32() & 0x1fe) | 1);
		set_reg(0x941c, 1);
	}
}

static void random_ppgtts(void)
{
	unsigned int round, i;

	random_ram();
	for (round = 0; round < 20 * ROUNDS; round++) {
		set_reg(GPU_CONTROL + GPU_ENGINE, random32() % 5);
		set_reg(GPU_CONTROL + GPU_LEVELS, 3 + random32() % 2);
		for (i = 0; i < 4; i++)
			set_control(GPU_PDP(i), random_page());
		copy(random32() % 4, (uint64_t)random32() << random32() % 17,
		     (uint64_t)random32() << random32() % 17, random32() % 0x8000);
		put64(random_page() % 0x100000, random_entry());
		if (round % 16 == 0)
			set_reg(0x4260 + random32() % 5 * 4, 1);
	}
}

static void random_accesses(void)
{
	static const uint64_t bases[] = { BAR0, BAR0 + (8 << 20), BAR2, BAR0 + GPU_CONTROL };
	unsigned int round;
	uint64_t address;

	for (round = 0; round < 100 * ROUNDS; round++) {
		address = bases[random32() % 4] + random32() % (random32() % 2 ? 0x1000 : 0x800000);
		if (random32() % 2)
			bar_read(address, 1 << random32() % 5);
		else
			bar_write(address, random32() % 16, 1 << random32() % 5);
	}
}

static void random_messages(void)
{
	uint32_t data[128];
	unsigned int round, i, n;
	int pair[2];

	for (round = 0; round < 10 * ROUNDS; round++) {
		check(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		n = 1 + random32() % 128;
		for (i = 0; i < n; i++)
			data[i] = random32() % 3 ? random32() % 32 : random32();
		check(write(pair[0], data, n * 4) == (ssize_t)n * 4);
		shutdown(pair[0], SHUT_WR);
		proxy_serve(pair[1]);
		close(pair[0]);
		close(pair[1]);
	}
}

const struct test random_tests[] = {
	{ "random: contexts, rings and batches", random_contexts },
	{ "random: page tables", random_ppgtts },
	{ "random: accesses to BARs", random_accesses },
	{ "random: messages of QEMU's", random_messages },
	{ NULL, NULL },
};
