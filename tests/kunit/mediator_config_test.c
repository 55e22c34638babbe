// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of a mediator that emulates the configuration space: which accesses it gets.
 */

#include <linux/string.h>

#include "mediator_fixture.h"
#include "modules.h"

#define GPU		(2ull << 3)	/* device 2, function 0, on bus 0 */
#define REGISTER(offset) (GPU << 32 | (offset))
#define VALUE		0xa1b2c3d4u

static struct config_access {
	u32 offset;
	u32 value;
	unsigned int len;
	unsigned int reads;
	unsigned int writes;
} last;

static u32 config_read(void *data, u32 offset, unsigned int len)
{
	last.offset = offset;
	last.len = len;
	last.reads++;
	return VALUE;
}

static void config_write(void *data, u32 offset, u32 value, unsigned int len)
{
	last.offset = offset;
	last.value = value;
	last.len = len;
	last.writes++;
}

static struct mediator *start_with_config(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAPS_ALL);

	last = (struct config_access){ };
	m->ops.config_read = config_read;
	m->ops.config_write = config_write;
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	return m;
}

static int access_config(struct xen_ioreq *req)
{
	req->type = IOREQ_TYPE_PCI_CONFIG;
	return fake_vcpu_io(DOM, 0, req);
}

static void config_space_is_the_mediators(struct kunit *test)
{
	struct mediator *m = start_with_config(test);
	struct xen_ioreq req = { .dir = IOREQ_READ, .addr = REGISTER(0x10), .size = 4, .count = 1 };

	KUNIT_EXPECT_EQ(test, access_config(&req), 0);
	KUNIT_EXPECT_EQ(test, (u32)req.data, VALUE);
	KUNIT_EXPECT_EQ(test, last.offset, 0x10u);
	KUNIT_EXPECT_EQ(test, last.len, 4u);
	req = (struct xen_ioreq){ .dir = IOREQ_WRITE, .addr = REGISTER(4), .size = 2, .count = 1,
				  .data = 0x0006 };
	KUNIT_EXPECT_EQ(test, access_config(&req), 0);
	KUNIT_EXPECT_EQ(test, last.offset, 4u);
	KUNIT_EXPECT_EQ(test, last.value, 6u);
	KUNIT_EXPECT_EQ(test, last.len, 2u);
	KUNIT_EXPECT_EQ(test, last.reads, 1u);
	KUNIT_EXPECT_EQ(test, last.writes, 1u);
	mediator_end(m);
}

/* Xen makes none of these, and a mediator need not expect them. */
static void odd_access_reads_as_ones(struct kunit *test)
{
	static const struct xen_ioreq odd[] = {
		{ .addr = REGISTER(0x10), .size = 8, .count = 1 },
		{ .addr = REGISTER(0x10), .size = 3, .count = 1 },
		{ .addr = REGISTER(0x10), .size = 0, .count = 1 },
		{ .addr = REGISTER(0x11), .size = 2, .count = 1 },
		{ .addr = REGISTER(0x10), .size = 4, .count = 2 },
		{ .addr = REGISTER(0x10), .size = 4, .count = 1, .data_is_ptr = 1 },
	};
	struct mediator *m = start_with_config(test);
	struct xen_ioreq req;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		req = odd[i];
		req.dir = IOREQ_READ;
		KUNIT_EXPECT_EQ(test, access_config(&req), 0);
		if (!odd[i].data_is_ptr)
			KUNIT_EXPECT_EQ_MSG(test, (u32)req.data, U32_MAX, "access %u", i);
		req = odd[i];
		req.dir = IOREQ_WRITE;
		KUNIT_EXPECT_EQ(test, access_config(&req), 0);
	}
	KUNIT_EXPECT_EQ(test, last.reads + last.writes, 0u);
	mediator_end(m);
}

static void config_space_can_be_somebody_elses(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);
	struct xen_ioreq req = { .dir = IOREQ_READ, .addr = REGISTER(0), .size = 4, .count = 1 };

	KUNIT_EXPECT_NE_MSG(test, access_config(&req), 0, "Xen sends it to nobody");
	mediator_end(m);
}

static void both_operations_are_there_or_none(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, 0);
	struct xengt_mediator_ops lacking = m->ops;

	KUNIT_EXPECT_EQ(test, xengt_mediator_detach(vgpu), 0);
	lacking.config_read = config_read;
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(vgpu, &lacking, 0, m), -EINVAL);
	lacking.config_read = NULL;
	lacking.config_write = config_write;
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(vgpu, &lacking, 0, m), -EINVAL);
	xengt_vgpu_destroy(vgpu);
}

static void refused_function_fails_the_start(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAPS_ALL);

	m->ops.config_read = config_read;
	m->ops.config_write = config_write;
	/* After those of the three ranges of BAR 0 */
	fake_xen_fail_call(FAKE_CALL_DM_MAP_RANGE, 4, -ENOSPC);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -ENOSPC);
	KUNIT_EXPECT_FALSE(test, m->running);
	mediator_end(m);
}

static struct kunit_case config_cases[] = {
	KUNIT_CASE_PARAM(config_space_is_the_mediators, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(odd_access_reads_as_ones, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(config_space_can_be_somebody_elses, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(both_operations_are_there_or_none, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(refused_function_fails_the_start, both_dom0s_gen_params),
	{}
};

static struct kunit_suite config_suite = {
	.name = "xengt_mediator_config",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = config_cases,
};

kunit_test_suite(config_suite);
