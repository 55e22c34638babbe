// SPDX-License-Identifier: GPL-2.0
/* Tests of QEMU's protocol. */
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy.h"
#include "test.h"

enum { SYNC_SYSMEM, RET, CONFIG_WRITE, CONFIG_READ, BAR_WRITE, BAR_READ, SET_IRQFD, DEVICE_RESET };

static int pair[2];

struct header {
	int command;
	size_t size;
};

static void open_pair(void)
{
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static void send_bytes(const void *data, size_t len)
{
	equal(write(pair[0], data, len), len);
}

static void send_message(int command, const void *data, size_t len)
{
	struct header h = { command, len };

	send_bytes(&h, sizeof(h));
	if (len)
		send_bytes(data, len);
}

/* Serves what has been sent. */
static bool serve(void)
{
	bool good;

	shutdown(pair[0], SHUT_WR);
	good = proxy_serve(pair[1]);
	close(pair[1]);
	return good;
}

static uint64_t next_answer(void)
{
	struct {
		struct header h;
		uint64_t value;
	} m = { };

	equal(read(pair[0], &m, sizeof(m)), sizeof(m));
	equal(m.h.command, RET);
	return m.value;
}

static void send_config(int command, uint32_t offset, uint32_t value, int len)
{
	struct {
		uint32_t offset;
		uint32_t value;
		int len;
	} c = { offset, value, len };

	send_message(command, &c, sizeof(c));
}

static void send_bar(int command, uint64_t address, uint64_t value, unsigned int size)
{
	struct {
		uint64_t address;
		uint64_t value;
		unsigned int size;
		bool memory;
	} b;

	memset(&b, 0, sizeof(b));
	b.address = address;
	b.value = value;
	b.size = size;
	b.memory = true;
	send_message(command, &b, sizeof(b));
}

static void accesses(void)
{
	open_pair();
	send_config(CONFIG_READ, 0, 0, 4);
	send_config(CONFIG_WRITE, 0x3c, 9, 1);
	send_config(CONFIG_READ, 0x3c, 0, 1);
	send_bar(BAR_WRITE, BAR0 + 0x5000, 0x1234, 4);
	send_bar(BAR_READ, BAR0 + 0x5000, 0, 4);
	send_message(DEVICE_RESET, NULL, 0);
	send_config(CONFIG_READ, 0x10, 0, 4);
	check(serve());
	equal(next_answer(), 0x19128086);
	equal(next_answer(), 0);
	equal(next_answer(), 9);
	equal(next_answer(), 0);
	equal(next_answer(), 0x1234);
	equal(next_answer(), 0);
	equal(next_answer(), 0);
	close(pair[0]);
}

static void odd_accesses(void)
{
	open_pair();
	send_config(CONFIG_READ, 0xfffffffe, 0, 4);
	send_config(CONFIG_READ, 0, 0, -1);
	send_config(CONFIG_WRITE, 0x60, 0, 0x7fffffff);
	send_bar(BAR_READ, BAR0, 0, 0xffffffff);
	send_bar(BAR_WRITE, ~0ULL, 0, 8);
	check(serve());
	equal(next_answer(), 0xffffffff);
	equal(next_answer(), 0xffffffff);
	equal(next_answer(), 0);
	equal(next_answer(), ~0ULL);
	close(pair[0]);
}

static void refused(int command, size_t size)
{
	struct header h = { command, size };
	uint8_t zeros[512] = { };

	open_pair();
	send_bytes(&h, sizeof(h));
	send_bytes(zeros, sizeof(zeros));
	check(!serve());
	close(pair[0]);
}

static void malformed_headers(void)
{
	refused(-1, 0);
	refused(8, 0);
	refused(0x7fffffff, 0);
	refused(RET, 8);
	refused(BAR_READ, 0);
	refused(BAR_READ, 23);
	refused(BAR_READ, 193);
	refused(CONFIG_READ, ~0UL);
	refused(SYNC_SYSMEM, 191);
	refused(DEVICE_RESET, 1UL << 32);
}

static void ends_early(void)
{
	struct header h = { BAR_READ, 24 };

	open_pair();
	check(serve());
	close(pair[0]);
	open_pair();
	send_bytes(&h, 7);
	check(serve());
	close(pair[0]);
	open_pair();
	send_bytes(&h, sizeof(h));
	send_bytes(&h, 4);
	check(serve());
	close(pair[0]);
}

struct sysmem {
	uint64_t gpas[8];
	uint64_t sizes[8];
	uint64_t offsets[8];
};

static void send_sysmem(const struct sysmem *s, unsigned int nr_fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
		struct cmsghdr align;
	} control = { };
	struct {
		struct header h;
		struct sysmem s;
	} m = { { SYNC_SYSMEM, sizeof(*s) }, *s };
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = CMSG_SPACE(sizeof(int) * nr_fds) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd = ram_file();
	unsigned int i;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * nr_fds);
	for (i = 0; i < nr_fds; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(int));
	equal(sendmsg(pair[0], &msg, 0), sizeof(m));
}

static void memory(void)
{
	struct sysmem s = { .gpas = { 0, 1ULL << 32 }, .sizes = { 0x100000, 0x100000 },
			    .offsets = { 0, 0x200000 } };

	put32(0x200010, 0x1234);
	open_pair();
	send_sysmem(&s, 2);
	check(serve());
	set_control(GPU_FROM, (1ULL << 32) + 0x10);
	set_control(GPU_LENGTH, 4);
	set_reg(GPU_CONTROL + GPU_FROM_SPACE, GPU_BUS);
	equal(op(GPU_OP_READ), GPU_DONE);
	equal(control(GPU_VALUE), 0x1234);
	set_control(GPU_FROM, 0x100000);
	equal(op(GPU_OP_READ), GPU_NO_MEMORY);
	close(pair[0]);
}

static void malformed_memory(void)
{
	struct sysmem s = {
		.gpas = { 0, 0, 0, ~0ULL - 8, 0x100000 },
		.sizes = { RAM_BYTES + 1, 1, ~0ULL, PAGE, 100 },
		.offsets = { 0, RAM_BYTES, 1, 0, ~0ULL },
	};

	open_pair();
	send_sysmem(&s, 5);
	check(serve());
	set_control(GPU_FROM, 0);
	set_control(GPU_LENGTH, 4);
	set_reg(GPU_CONTROL + GPU_FROM_SPACE, GPU_BUS);
	equal(op(GPU_OP_READ), GPU_NO_MEMORY);
	set_control(GPU_FROM, 0x100000);
	equal(op(GPU_OP_READ), GPU_NO_MEMORY);
	close(pair[0]);
}

const struct test proxy_tests[] = {
	{ "proxy: accesses are answered", accesses },
	{ "proxy: odd accesses", odd_accesses },
	{ "proxy: malformed headers end the connection", malformed_headers },
	{ "proxy: a connection that ends within a message", ends_early },
	{ "proxy: memory", memory },
	{ "proxy: memory beyond its file", malformed_memory },
	{ NULL, NULL },
};
