// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the decoding of memory ioreqs (vgpu/xen/ioreq.c), without Xen. A range and the guest's
 * memory are arrays of bytes. A model does what the instruction says, one byte after the other.
 */

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "vgpu/xen/ioreq.h"

#define RANGE_START	0x40000ull
#define RANGE_SIZE	0x3000u
#define MEMORY_SIZE	0x20000u	/* the guest's memory, from address 0 on */

struct bytes {
	u8 range[RANGE_SIZE];
	u8 memory[MEMORY_SIZE];
};

struct ioreq_test {
	struct xengt_ioreq_target target;
	struct bytes real;
	struct bytes model;
	u8 buffer[XENGT_IOREQ_BYTES];
	struct rnd_state rnd;
	u64 touched;		/* the bytes of the range */
	unsigned int pieces;
	unsigned int longest;
	unsigned int fail_copy;	/* the copy that fails, counted from now */
	unsigned int bad;
};

static struct ioreq_test *to_test(struct xengt_ioreq_target *target)
{
	return container_of(target, struct ioreq_test, target);
}

static bool touch(struct ioreq_test *t, u64 offset, unsigned int len)
{
	t->touched += len;
	t->pieces++;
	t->longest = max(t->longest, len);
	if (len && offset < RANGE_SIZE && len <= RANGE_SIZE - offset)
		return true;
	t->bad++;
	return false;
}

static void read_range(struct xengt_ioreq_target *target, u64 offset, void *data, unsigned int len)
{
	if (touch(to_test(target), offset, len))
		memcpy(data, to_test(target)->real.range + offset, len);
}

static void write_range(struct xengt_ioreq_target *target, u64 offset, const void *data,
			unsigned int len)
{
	if (touch(to_test(target), offset, len))
		memcpy(to_test(target)->real.range + offset, data, len);
}

static int copy_guest(struct xengt_ioreq_target *target, const struct xengt_ioreq_scratch *room,
		      u64 addr, unsigned int len, bool to_guest)
{
	struct ioreq_test *t = to_test(target);

	if (t->fail_copy && !--t->fail_copy)
		return -EFAULT;
	if (addr >= MEMORY_SIZE || len > MEMORY_SIZE - addr)
		return -ENOENT;
	if (to_guest)
		memcpy(t->real.memory + addr, room->buffer, len);
	else
		memcpy(room->buffer, t->real.memory + addr, len);
	return 0;
}

static int ioreq_init(struct kunit *test)
{
	struct ioreq_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->target = (struct xengt_ioreq_target){
		.start = RANGE_START,
		.size = RANGE_SIZE,
		.read = read_range,
		.write = write_range,
		.copy_guest = copy_guest,
	};
	prandom_seed_state(&t->rnd, 2014);
	prandom_bytes_state(&t->rnd, &t->real, sizeof(t->real));
	t->model = t->real;
	test->priv = t;
	return 0;
}

static u32 below(struct ioreq_test *t, u32 limit)
{
	return prandom_u32_state(&t->rnd) % limit;
}

static int handle(struct ioreq_test *t, struct xen_ioreq *req)
{
	const struct xengt_ioreq_scratch room = { .buffer = t->buffer };

	t->touched = 0;
	t->pieces = 0;
	t->longest = 0;
	return xengt_ioreq_handle(&t->target, req, &room);
}

static bool is_inside(u64 addr)
{
	return addr >= RANGE_START && addr < RANGE_START + RANGE_SIZE;
}

/* Does with one byte what the instruction does. A byte outside the range reads as ones. */
static void model_byte(struct ioreq_test *t, const struct xen_ioreq *req, u64 addr, u64 data,
		       unsigned int byte, u64 *answer)
{
	u8 *inside = is_inside(addr) ? &t->model.range[addr - RANGE_START] : NULL;

	if (req->dir == IOREQ_WRITE) {
		if (inside)
			*inside = req->data_is_ptr ? t->model.memory[data] :
				  (u8)(req->data >> (8 * byte));
	} else if (!req->data_is_ptr) {
		((u8 *)answer)[byte] = inside ? *inside : 0xff;
	} else if (inside) {
		t->model.memory[data] = *inside;
	}
}

/* Does one item after the other. Returns the answer of a read by value. */
static u64 model_ioreq(struct ioreq_test *t, const struct xen_ioreq *req)
{
	u64 addr = req->addr, data = req->data, answer = ~0ull;
	unsigned int byte;
	u32 i;

	for (i = 0; i < req->count; i++) {
		for (byte = 0; byte < req->size; byte++)
			model_byte(t, req, addr + byte, data + byte, byte, &answer);
		addr = req->df ? addr - req->size : addr + req->size;
		data = req->df ? data - req->size : data + req->size;
	}
	return answer;
}

static void expect_model(struct kunit *test)
{
	struct ioreq_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, memcmp(t->real.range, t->model.range, RANGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, memcmp(t->real.memory, t->model.memory, MEMORY_SIZE), 0);
	KUNIT_EXPECT_EQ_MSG(test, t->bad, 0u, "bytes out of the range were asked for");
}

static void check_item(struct kunit *test, unsigned int size, unsigned int offset)
{
	struct ioreq_test *t = test->priv;
	struct xen_ioreq req = {
		.addr = RANGE_START + offset,
		.data = 0x1122334455667788ull * (size + offset),
		.count = 1,
		.size = size,
		.dir = IOREQ_WRITE,
	};
	u64 answer;

	model_ioreq(t, &req);
	KUNIT_EXPECT_EQ(test, handle(t, &req), 0);
	KUNIT_EXPECT_EQ(test, t->touched, (u64)size);
	expect_model(test);
	req.dir = IOREQ_READ;
	req.data = 0;
	answer = model_ioreq(t, &req);
	KUNIT_EXPECT_EQ(test, handle(t, &req), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&req.data, &answer, size), 0);
}

static void item_of_every_size_at_every_offset(struct kunit *test)
{
	unsigned int size, offset;

	for (size = 1; size <= 8; size++) {
		for (offset = 0; offset < 24; offset++)
			check_item(test, size, offset);
	}
}

/*
 * A random request in the range, outside of it, or across its ends, with data in the guest's memory
 */
static struct xen_ioreq random_request(struct ioreq_test *t)
{
	struct xen_ioreq req = {
		.size = 1 + below(t, 8),
		.count = 1 + (below(t, 4) ? below(t, 8) : below(t, 1500)),
		.dir = below(t, 2),
		.df = below(t, 2),
		.data_is_ptr = below(t, 2),
	};
	u32 reach = (req.count - 1) * req.size;

	req.addr = RANGE_START - 0x1000 + below(t, RANGE_SIZE + 0x2000);
	if (req.data_is_ptr)
		req.data = below(t, MEMORY_SIZE - reach - 8) + (req.df ? reach : 0);
	else
		req.data = (u64)prandom_u32_state(&t->rnd) << 32 | prandom_u32_state(&t->rnd);
	return req;
}

static bool touches_range(const struct xen_ioreq *req)
{
	u64 reach = (req->count - 1) * req->size;
	u64 first = req->df ? req->addr - reach : req->addr;

	return first < RANGE_START + RANGE_SIZE && first + reach + req->size > RANGE_START;
}

static void random_requests_do_what_the_instruction_does(struct kunit *test)
{
	struct ioreq_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < 4000; i++) {
		struct xen_ioreq req = random_request(t);
		struct xen_ioreq before = req;
		u64 answer = model_ioreq(t, &req);

		KUNIT_EXPECT_EQ(test, handle(t, &req), touches_range(&before) ? 0 : -ERANGE);
		if (req.dir == IOREQ_READ && !req.data_is_ptr)
			KUNIT_EXPECT_EQ(test, memcmp(&req.data, &answer, before.size), 0);
		else
			KUNIT_EXPECT_EQ(test, req.data, before.data);
		req.data = before.data;
		KUNIT_EXPECT_EQ_MSG(test, memcmp(&req, &before, sizeof(req)), 0,
				    "the rest of the request is as it was");
		if (!(i % 64))
			expect_model(test);
	}
	expect_model(test);
}

/*
 * A request that makes no sense, or is outside the range, changes nothing. A read by value gives
 * ones.
 */
static void nonsense_touches_nothing_and_reads_ones(struct kunit *test)
{
	static const struct {
		u64 addr, data;
		u32 count, size;
		bool df, ptr;
	} cases[] = {
		{ RANGE_START, 0, 1, 0, false, false },
		{ RANGE_START, 0, 1, 9, false, false },
		{ RANGE_START, 0, 1, 16, false, false },
		{ RANGE_START, 0, 1, ~0u, false, false },
		{ RANGE_START, 0, ~0u, ~0u, false, false },
		{ RANGE_START, 0, ~0u, ~0u, true, true },
		{ RANGE_START, 0, 0, 8, false, false },
		{ RANGE_START, 0, 0, 8, true, true },
		{ RANGE_START, 0, 0, 0, true, true },
		{ RANGE_START - 8, 0, 1, 8, false, false },
		{ RANGE_START + RANGE_SIZE, 0, 1, 1, false, false },
		{ RANGE_START + RANGE_SIZE, 0, 5, 8, false, true },
		{ RANGE_START - 8, 64, 5, 8, true, true },
		{ 0, 0, 1, 8, false, false },
		/* The addresses wrap around. */
		{ ~0ull, 0, 1, 8, false, false },
		{ ~0ull - 7, 0, 2, 8, false, false },
		{ ~0ull - 100, 0, ~0u, 8, false, false },
		{ 8, 64, 3, 8, true, true },
		{ RANGE_START, 0, ~0u, 8, true, false },
		/* The addresses of the data wrap around. */
		{ RANGE_START, ~0ull - 3, 1, 8, false, true },
		{ RANGE_START, ~0ull - 64, 100, 8, false, true },
		{ RANGE_START + 64, 8, 4, 8, true, true },
	};
	struct ioreq_test *t = test->priv;
	unsigned int i, dir;
	bool by_value;

	for (i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct xen_ioreq req = {
			.addr = cases[i / 2].addr,
			.data = cases[i / 2].data,
			.count = cases[i / 2].count,
			.size = cases[i / 2].size,
			.df = cases[i / 2].df,
			.data_is_ptr = cases[i / 2].ptr,
		};

		dir = i & 1;
		req.dir = dir;
		KUNIT_EXPECT_EQ_MSG(test, handle(t, &req), -ERANGE, "case %u", i / 2);
		KUNIT_EXPECT_EQ(test, t->touched, 0ull);
		by_value = dir == IOREQ_READ && !cases[i / 2].ptr;
		KUNIT_EXPECT_EQ(test, req.data, by_value ? ~0ull : cases[i / 2].data);
	}
	expect_model(test);
}

static void huge_counts_take_bounded_work(struct kunit *test)
{
	struct ioreq_test *t = test->priv;
	unsigned int way;

	for (way = 0; way < 8; way++) {
		struct xen_ioreq req = {
			.addr = way & 1 ? 0x8000000ull : RANGE_START + 3,
			.count = 0xfffff8,
			.size = 8,
			.df = way & 1,
			.dir = !!(way & 2),
			.data_is_ptr = !!(way & 4),
			.data = way & 1 ? 0x8000000ull : 0,
		};

		handle(t, &req);
		KUNIT_EXPECT_LE(test, t->touched, (u64)RANGE_SIZE);
		KUNIT_EXPECT_LE(test, t->pieces, RANGE_SIZE / XENGT_IOREQ_BYTES + 1);
		KUNIT_EXPECT_LE(test, t->longest, (unsigned int)XENGT_IOREQ_BYTES);
		KUNIT_EXPECT_EQ(test, t->bad, 0u);
	}
}

static void copy_that_fails_ends_the_request(struct kunit *test)
{
	struct ioreq_test *t = test->priv;
	unsigned int nth, done;

	for (nth = 1; nth <= 3; nth++) {
		struct xen_ioreq req = {
			.addr = RANGE_START,
			.count = RANGE_SIZE / 8,
			.size = 8,
			.data_is_ptr = true,
			.dir = IOREQ_WRITE,
		};

		done = (nth - 1) * XENGT_IOREQ_BYTES;
		t->fail_copy = nth;
		KUNIT_EXPECT_EQ(test, handle(t, &req), -EFAULT);
		KUNIT_EXPECT_EQ(test, t->touched, (u64)done);
		memcpy(t->model.range, t->model.memory, done);
		expect_model(test);
	}
}

static void guest_memory_that_is_not_there_is_an_error(struct kunit *test)
{
	struct ioreq_test *t = test->priv;
	unsigned int dir;

	for (dir = 0; dir <= 1; dir++) {
		struct xen_ioreq req = {
			.addr = RANGE_START,
			.data = MEMORY_SIZE - 4,
			.count = 1,
			.size = 8,
			.data_is_ptr = true,
			.dir = dir,
		};

		KUNIT_EXPECT_EQ(test, handle(t, &req), -ENOENT);
		expect_model(test);
	}
}

static struct kunit_case ioreq_cases[] = {
	KUNIT_CASE(item_of_every_size_at_every_offset),
	KUNIT_CASE(random_requests_do_what_the_instruction_does),
	KUNIT_CASE(nonsense_touches_nothing_and_reads_ones),
	KUNIT_CASE(huge_counts_take_bounded_work),
	KUNIT_CASE(copy_that_fails_ends_the_request),
	KUNIT_CASE(guest_memory_that_is_not_there_is_an_error),
	{}
};

static struct kunit_suite ioreq_suite = {
	.name = "xengt_ioreq",
	.init = ioreq_init,
	.test_cases = ioreq_cases,
};

kunit_test_suite(ioreq_suite);
