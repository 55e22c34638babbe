// SPDX-License-Identifier: GPL-2.0
/* Tests of contexts, rings and commands. */
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bits.h"
#include "engine.h"
#include "proxy.h"
#include "test.h"

/* The GGTT is 1:1 over all of RAM. */
#define HWSP		0x100000ULL	/* of all engines */
#define CONTEXT		0x110000ULL	/* a page of status, then the state */
#define STATE		(CONTEXT + PAGE)
#define CONTEXT2	0x118000ULL
#define RING		0x120000ULL	/* of 16 KiB */
#define RING_BYTES	0x4000
#define BATCH		0x130000ULL
#define BATCH2		0x131000ULL
#define DATA		0x140000ULL
#define OTHER		0x141000ULL
#define PML4		0x150000ULL
#define PDP		0x151000ULL
#define PD		0x152000ULL
#define PT		0x153000ULL
#define P		3ULL

#define VALID		(1ULL | 3 << 3)	/* 4 levels */
#define VALID_3		(1ULL | 1 << 3)	/* 3 levels */
#define ID(n)		((uint64_t)(n) << 32)
#define CTX(n)		(STATE + (n) * 4)

#define MI_NOOP		0
#define MI_USER_INTERRUPT (0x02 << 23)
#define MI_BATCH_END	(0x0a << 23)
#define MI_SEMAPHORE	(0x1c << 23 | 2)
#define MI_STORE	(0x20 << 23 | 2)
#define MI_STORE_QWORD	(0x20 << 23 | 1 << 21 | 3)
#define MI_LOAD_REGS(n)	(0x22 << 23 | (2 * (n) - 1))
#define MI_STORE_REG	(0x24 << 23 | 2)
#define MI_FLUSH	(0x26 << 23)
#define MI_BATCH_START	(0x31 << 23 | 1)
#define PIPE_CONTROL	(0x7a000000 | 4)
#define GGTT		BIT(22)

static uint64_t out;	/* where the next dword goes */

static void emit(uint32_t dword)
{
	put32(out, dword);
	out += 4;
}

static void emit_address(uint64_t addr)
{
	emit(addr);
	emit(addr >> 32);
}

static void emit_store(uint32_t header, uint64_t addr, uint32_t value)
{
	emit(header);
	emit_address(addr);
	emit(value);
}

static void emit_batch(uint32_t flags, uint64_t addr)
{
	emit(MI_BATCH_START | flags);
	emit_address(addr);
}

/* PPGTT addresses of the lowest 2 MiB are 1:1, as those of the GGTT. */
static void machine(void)
{
	uint64_t i;

	for (i = 0; i < RAM_BYTES / PAGE; i++)
		set_entry(i, i * PAGE | P);
	invalidate();
	put64(PML4, PDP | P);
	put64(PDP, PD | P);
	put64(PD, PT | P);
	for (i = 0; i < 512; i++)
		put64(PT + i * 8, i * PAGE | P);
	for (i = 0; i < GPU_NR_ENGINES; i++)
		set_reg(engine_get(i)->base + 0x80, HWSP);
	put32(CTX(0x09), RING);
	put32(CTX(0x0b), (RING_BYTES - PAGE) | 1);
	put32(CTX(0x33), PML4);
	out = RING;
}

static void elsp(uint32_t engine, uint64_t first, uint64_t second)
{
	uint32_t reg = engine_get(engine)->base + 0x230;

	set_reg(reg, second >> 32);
	set_reg(reg, second);
	set_reg(reg, first >> 32);
	set_reg(reg, first);
}

/* The ring ends where the last command does. */
static void submit(uint32_t engine)
{
	while (out & 7)
		emit(MI_NOOP);
	put32(CTX(0x07), out - RING);
	elsp(engine, CONTEXT | VALID | ID(5), 0);
}

static uint32_t csb_status(unsigned int entry)
{
	return get32(HWSP + 0x40 + entry * 8);
}

static void stores_of_a_ring(void)
{
	machine();
	emit_store(MI_STORE | GGTT, DATA, 0x11);
	emit_store(MI_STORE, DATA + 4, 0x22);
	emit(MI_STORE_QWORD);
	emit_address(DATA + 8);
	emit_address(0x4444444433333333);
	submit(GPU_RCS);
	equal(get64(DATA), 0x2200000011);
	equal(get64(DATA + 8), 0x4444444433333333);
	equal(get32(CTX(0x05)), get32(CTX(0x07)));
	equal(csb_status(0), 1);
	equal(get32(HWSP + 0x44), 5);
	equal(csb_status(1), 0x18);
	equal(get32(HWSP + 0x7c), 1);
	equal(reg(0x2370 + 8), 0x18);
	equal(reg(0x23a0) & 7, 1);
	equal(reg(0x2238), 0);
	equal(control(GPU_ENGINE_COUNTER(GPU_RCS, GPU_STORES)), 3);
	equal(control(GPU_ENGINE_COUNTER(GPU_RCS, GPU_CONTEXTS)), 1);
	equal(control(GPU_COUNTER(GPU_FAULTS)), 0);
}

static void post_sync_stores(void)
{
	machine();
	emit(MI_FLUSH | 1 << 14 | 2);
	emit_address(DATA | 4);
	emit(0x11);
	emit(MI_FLUSH | 1 << 14 | 1 << 21 | 2);
	emit_address(0xd0);
	emit(0x22);
	emit(PIPE_CONTROL);
	emit(1 << 14 | 1 << 24);
	emit_address(DATA + 8);
	emit_address(0x3300000044);
	submit(GPU_VCS);
	equal(get32(DATA), 0x11);
	equal(get32(CONTEXT + 0xd0), 0x22);
	equal(get64(DATA + 8), 0x3300000044);
}

static void two_contexts(void)
{
	machine();
	emit_store(MI_STORE | GGTT, DATA, 0x11);
	put32(CTX(0x07), 0x10);
	put32(CONTEXT2 + PAGE + 0x09 * 4, RING);
	put32(CONTEXT2 + PAGE + 0x0b * 4, 1);
	put32(CONTEXT2 + PAGE + 0x07 * 4, 0x10);
	elsp(GPU_BCS, CONTEXT | VALID | ID(1), CONTEXT2 | VALID | ID(2));
	equal(csb_status(0), 1);
	equal(csb_status(1), 0x14);
	equal(csb_status(2), 0x18);
	equal(get32(HWSP + 0x54), 2);
	elsp(GPU_BCS, 0, 0);
	equal(get32(HWSP + 0x7c), 2);
}

static void batches(void)
{
	machine();
	out = BATCH2;
	emit_store(MI_STORE, DATA + 8, 0x33);
	emit(MI_BATCH_END);
	out = BATCH;
	emit_store(MI_STORE, DATA, 0x11);
	emit_batch(1 << 8 | 1 << 22, BATCH2);
	emit_store(MI_STORE, DATA + 4, 0x22);
	emit(MI_BATCH_END);
	out = RING;
	emit_batch(1 << 8, BATCH);
	emit_store(MI_STORE, DATA + 12, 0x44);
	submit(GPU_RCS);
	equal(get64(DATA), 0x2200000011);
	equal(get64(DATA + 8), 0x4400000033);
	equal(engine_get(GPU_RCS)->state, ENGINE_IDLE);
}

/* There is no third level: a batch of the second replaces itself. */
static void deep_batches(void)
{
	machine();
	out = BATCH;
	emit_batch(1 << 8 | 1 << 22, BATCH2);
	emit_store(MI_STORE, DATA, 0x11);
	emit(MI_BATCH_END);
	out = BATCH2;
	emit_batch(1 << 8 | 1 << 22, BATCH2 + 0x100);
	emit_store(MI_STORE, DATA + 4, 0x22);
	out = BATCH2 + 0x100;
	emit_store(MI_STORE, DATA + 8, 0x33);
	emit(MI_BATCH_END);
	out = RING;
	emit_batch(1 << 8, BATCH);
	submit(GPU_RCS);
	equal(get64(DATA), 0x11);
	equal(get64(DATA + 8), 0x33);
}

static void what_batches_may_not_do(void)
{
	machine();
	out = BATCH;
	emit_store(MI_STORE | GGTT, DATA, 0x11);
	emit(MI_FLUSH | 1 << 14 | 2);
	emit_address((DATA + 8) | 4);
	emit(0x22);
	emit(MI_LOAD_REGS(1));
	emit(0x5000);
	emit(0x33);
	emit_batch(0, BATCH2);
	out = BATCH2;
	emit_store(MI_STORE | GGTT, DATA, 0x44);
	emit_store(MI_STORE, DATA + 16, 0x55);
	emit(MI_BATCH_END);
	out = RING;
	emit_batch(1 << 8, BATCH);
	submit(GPU_RCS);
	equal(get64(DATA), 0);
	equal(get64(DATA + 8), 0);
	equal(reg(0x5000), 0);
	equal(get32(DATA + 16), 0x55);
}

static void three_levels(void)
{
	machine();
	put32(CTX(0x33), 0);
	put32(CTX(0x2f), PD);
	out = BATCH;
	emit_store(MI_STORE, (1ULL << 30) + DATA, 0x11);
	emit(MI_BATCH_END);
	out = RING;
	emit_batch(1 << 8, (1ULL << 30) + BATCH);
	emit(MI_NOOP);
	put32(CTX(0x07), out - RING);
	elsp(GPU_VECS, CONTEXT | VALID_3, 0);
	equal(get32(DATA), 0x11);
}

/* The TLB: a batch stores to an address whose entry changes before it stores again. */
static void replace_and_store(uint32_t first, uint32_t second)
{
	machine();
	emit_store(MI_STORE, DATA, 0x11);
	emit_store(MI_STORE, PT + DATA / PAGE * 8, OTHER | P);
	emit(first);
	emit(second);
	emit_address(0);
	emit_address(0);
	emit_store(MI_STORE, DATA, 0x22);
	submit(GPU_RCS);
}

static void commands_flush_the_tlb(void)
{
	replace_and_store(PIPE_CONTROL, 1 << 18);
	equal(get32(DATA), 0x11);
	equal(get32(OTHER), 0x22);
	equal(control(GPU_ALL_VIOLATIONS), 0);
	equal(control(GPU_ENGINE_COUNTER(GPU_RCS, GPU_TLB_FLUSHES)), 1);
	setup();
	replace_and_store(MI_FLUSH | 1 << 18 | 4, 0);
	equal(get32(OTHER), 0x22);
	setup();
	replace_and_store(PIPE_CONTROL, 1 << 10);
	equal(get32(DATA), 0x22);
	equal(get32(OTHER), 0);
	equal(violations(GPU_STALE_PPGTT), 1);
}

static void registers_by_command(void)
{
	machine();
	emit(MI_LOAD_REGS(3));
	emit(0x5000);
	emit(0x1234);
	emit(0x7000);
	emit(0x00010001);
	emit(0x9120);
	emit(0);
	emit(MI_STORE_REG);
	emit(0x5000);
	emit_address(DATA);
	submit(GPU_RCS);
	equal(reg(0x5000), 0x1234);
	equal(reg(0x7000), 1);
	check(reg(0x9120));
	equal(get32(DATA), 0x1234);
}

static void interrupts(void)
{
	machine();
	set_reg(0x4430c, ~0U);
	set_reg(0x4433c, ~0U);
	emit(MI_USER_INTERRUPT);
	submit(GPU_BCS);
	equal(reg(0x44308), 0x01010000);
	equal(reg(0x44200), 2);
	set_reg(0x44308, 0x01010000);
	equal(reg(0x44200), 0);
	elsp(GPU_VECS, CONTEXT | VALID, 0);
	equal(reg(0x44338), 0x100);
	equal(reg(0x44200), 0x40);
}

static void emit_wait(uint64_t addr)
{
	emit(MI_SEMAPHORE | 4 << 12);
	emit(1);
	emit_address(addr);
}

static void semaphores(void)
{
	machine();
	emit_wait(DATA);
	emit_store(MI_STORE, DATA + 8, 0x11);
	submit(GPU_RCS);
	equal(engine_get(GPU_RCS)->state, ENGINE_WAITING);
	equal(get32(DATA + 8), 0);
	equal(get32(HWSP + 0x7c), 0);
	engines_poll();
	equal(get32(DATA + 8), 0);
	put32(DATA, 1);
	engines_poll();
	equal(get32(DATA + 8), 0x11);
	equal(csb_status(1), 0x18);
}

static void *serve(void *fd)
{
	proxy_serve(*(int *)fd);
	return NULL;
}

/* Memory changes, and QEMU says nothing. */
static void engine_that_waits_looks_by_itself(void)
{
	pthread_t thread;
	int pair[2];

	machine();
	emit_wait(DATA);
	emit_store(MI_STORE, DATA + 8, 0x11);
	submit(GPU_RCS);
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	check(!pthread_create(&thread, NULL, serve, &pair[1]));
	alarm(60);
	put32(DATA, 1);
	while (get32(DATA + 8) != 0x11)
		sched_yield();
	alarm(0);
	close(pair[0]);
	check(!pthread_join(thread, NULL));
	close(pair[1]);
}

/* A context that waits in a batch is submitted again, and goes on there. */
static void preemption(void)
{
	machine();
	out = BATCH;
	emit_wait(DATA);
	emit_store(MI_STORE, DATA + 8, 0x11);
	emit(MI_BATCH_END);
	out = RING;
	emit_batch(1 << 8, BATCH);
	emit_store(MI_STORE, DATA + 12, 0x22);
	submit(GPU_RCS);
	put32(CONTEXT2 + PAGE + 0x0b * 4, 1);
	elsp(GPU_RCS, CONTEXT2 | VALID, 0);
	equal(csb_status(1), 2);
	equal(csb_status(2), 0x18);
	put32(DATA, 1);
	elsp(GPU_RCS, CONTEXT | VALID, 0);
	equal(get64(DATA + 8), 0x2200000011);
}

static void emit_blit(uint32_t opcode, uint64_t from, uint64_t to)
{
	emit(2U << 29 | opcode << 22 | 8);
	emit(3 << 24 | 256);
	emit(1 << 16 | 2);
	emit(3 << 16 | 4);
	emit_address(to);
	emit(1 << 16 | 1);
	emit(512);
	emit_address(from);
}

static void blits(void)
{
	static const uint32_t opcodes[] = { 0x42, 0x53 };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		setup();
		machine();
		put64(DATA + 512 + 4, 0x1122334455667788);
		put64(DATA + 1024 + 4, 0x99aabbccddeeff00);
		emit_blit(opcodes[i], DATA, OTHER);
		submit(GPU_BCS);
		equal(get64(OTHER + 256 + 8), 0x1122334455667788);
		equal(get64(OTHER + 512 + 8), 0x99aabbccddeeff00);
		equal(get64(OTHER + 256 + 16), 0);
	}
}

static void blits_that_are_left_out(void)
{
	machine();
	put64(DATA + 512 + 4, 0x1122334455667788);
	emit_blit(0x42, DATA, OTHER);
	put32(RING, get32(RING) - 1);
	emit_blit(0x42, DATA, OTHER);
	put32(RING + 40, 2U << 29 | 0x42 << 22 | 3 << 13 | 8);
	emit_blit(0x42, DATA, OTHER);
	put32(RING + 80 + 12, 0x7fff7fff);
	submit(GPU_BCS);
	equal(get64(OTHER + 256 + 8), 0);
}

/* An offset that is the ring's size is 0. */
static void head_beyond_the_ring(void)
{
	machine();
	put32(CTX(0x05), RING_BYTES);
	submit(GPU_RCS);
	equal(control(GPU_ENGINE_COUNTER(GPU_RCS, GPU_COMMANDS)), 0);
	equal(csb_status(1), 0x18);
}

static void ring_wraps(void)
{
	machine();
	out = RING + RING_BYTES - 8;
	emit(MI_STORE | GGTT);
	emit(DATA);
	out = RING;
	emit(0);
	emit(0x11);
	put32(CTX(0x05), RING_BYTES - 8);
	put32(CTX(0x07), 8);
	elsp(GPU_RCS, CONTEXT | VALID, 0);
	equal(get32(DATA), 0x11);
	equal(get32(CTX(0x05)), 8);
}

static bool hangs(void)
{
	bool hung = engine_get(GPU_RCS)->state == ENGINE_HUNG;
	uint32_t events = get32(HWSP + 0x7c);

	elsp(GPU_RCS, CONTEXT | VALID, 0);
	return hung && get32(HWSP + 0x7c) == events &&
	       control(GPU_ENGINE_COUNTER(GPU_RCS, GPU_HANGS)) == 1;
}

static void endless_batch(void)
{
	machine();
	out = BATCH;
	emit_batch(1 << 8, BATCH);
	out = RING;
	emit_batch(1 << 8, BATCH);
	submit(GPU_RCS);
	check(hangs());
	equal(reg(0x2034), 12);
	equal(reg(0x2238), 5);
	equal(reg(0x2074), BATCH);
	equal(get32(CTX(0x05)), 0);
	set_reg(0x941c, 1);
	out = RING;
	emit_store(MI_STORE, DATA, 0x11);
	submit(GPU_RCS);
	equal(get32(DATA), 0x11);
}

static void commands_that_cannot_be_read(void)
{
	machine();
	emit_batch(1 << 8, 1ULL << 40);
	submit(GPU_RCS);
	check(hangs());
	equal(control(GPU_ENGINE_COUNTER(GPU_RCS, GPU_ENGINE_FAULTS)), 1);
	setup();
	machine();
	set_entry(RING / PAGE, 0);
	invalidate();
	emit(MI_NOOP);
	submit(GPU_RCS);
	check(hangs());
}

static void malformed_contexts(void)
{
	machine();
	elsp(GPU_RCS, 0xfffff000 | VALID, 0);
	set_reg(0x941c, 1);
	put32(CTX(0x05), ~0U);
	put32(CTX(0x07), ~0U);
	put32(CTX(0x09), ~0U);
	put32(CTX(0x0b), ~0U);
	elsp(GPU_RCS, CONTEXT | VALID, CONTEXT | VALID);
	set_reg(0x941c, 1);
	put32(CTX(0x0b), 0);
	elsp(GPU_RCS, CONTEXT | 1, 0);
	equal(engine_get(GPU_RCS)->state, ENGINE_IDLE);
	put32(CTX(0x05), 12);
	put32(CTX(0x09), RING);
	put32(CTX(0x0b), 1);
	put32(CTX(0x07), 8);
	elsp(GPU_RCS, CONTEXT | 1, 0);
	set_reg(0x23a0, ~0U);
	elsp(GPU_RCS, CONTEXT | 1, 0);
}

/* The engine's part of a context, which is not loaded if the first part says so */
static void engine_parts(void)
{
	machine();
	put32(CTX(0x50), MI_LOAD_REGS(2));
	put32(CTX(0x51), 0x20c0);
	put32(CTX(0x53), 0x2038);
	put32(CTX(0x55), MI_BATCH_END);
	put32(CTX(0x56), MI_LOAD_REGS(1));
	put32(CTX(0x57), 0x229c);
	put32(CTX(0x03), 1);
	submit(GPU_RCS);
	equal(violations(GPU_FOREIGN_RING), 0);
	put32(CTX(0x03), 0);
	submit(GPU_RCS);
	equal(violations(GPU_FOREIGN_RING), 1);
	put32(CTX(0x53), 0x22038);
	submit(GPU_RCS);
	equal(violations(GPU_FOREIGN_RING), 1);
}

/* A blit as large as can be, again and again: the run ends. */
static void large_blits(void)
{
	unsigned int i;

	machine();
	for (i = 0; i < 32; i++) {
		emit(2U << 29 | 0x42 << 22 | 8);
		emit(3 << 24 | 16);
		emit(0);
		emit(0x1000 << 16 | 0x400);
		emit_address(0);
		emit(0);
		emit(16);
		emit_address(0x1000);
	}
	put32(CTX(0x09), RING);
	submit(GPU_BCS);
	check(control(GPU_ENGINE_COUNTER(GPU_BCS, GPU_HANGS)) < 2);
}

const struct test command_tests[] = {
	{ "commands: stores of a ring", stores_of_a_ring },
	{ "commands: stores behind flushes", post_sync_stores },
	{ "commands: two contexts", two_contexts },
	{ "commands: batches of both levels", batches },
	{ "commands: there is no third level of batches", deep_batches },
	{ "commands: a batch in a PPGTT of 3 levels", three_levels },
	{ "commands: what a batch in a PPGTT may not do", what_batches_may_not_do },
	{ "commands: flushes invalidate the TLB if they say so", commands_flush_the_tlb },
	{ "commands: registers", registers_by_command },
	{ "commands: interrupts", interrupts },
	{ "commands: semaphores", semaphores },
	{ "commands: an engine that waits looks by itself", engine_that_waits_looks_by_itself },
	{ "commands: a context that waits in a batch is preempted", preemption },
	{ "commands: blits", blits },
	{ "commands: blits that are left out", blits_that_are_left_out },
	{ "commands: a head beyond the ring", head_beyond_the_ring },
	{ "commands: the ring wraps", ring_wraps },
	{ "commands: a batch without an end hangs, a reset helps", endless_batch },
	{ "commands: commands that cannot be read hang", commands_that_cannot_be_read },
	{ "commands: malformed contexts", malformed_contexts },
	{ "commands: what a context's engine part loads", engine_parts },
	{ "commands: large blits end", large_blits },
	{ NULL, NULL },
};
