// SPDX-License-Identifier: GPL-2.0
/*
 * A mediator that counts what it is told; see mediator_fixture.h.
 */

#include "mediator_fixture.h"

static void begin(struct mediator *m, enum mediated op)
{
	KUNIT_EXPECT_TRUE_MSG(m->test, READ_ONCE(m->running), "operation %u of a stopped mediator",
			      op);
	atomic_inc(&m->under_way);
	m->calls[op]++;
}

static void end(struct mediator *m, enum mediated op)
{
	if (m->during)
		m->during(m, op);
	atomic_dec(&m->under_way);
}

static int on_start(void *data)
{
	struct mediator *m = data;

	KUNIT_EXPECT_FALSE_MSG(m->test, m->running, "started twice");
	m->calls[MEDIATED_START]++;
	/* The page tables can be used already. */
	KUNIT_EXPECT_EQ(m->test, xengt_vgpu_sync(m->vgpu), 0);
	WRITE_ONCE(m->running, !m->start_error);
	return m->start_error;
}

static void on_stop(void *data)
{
	struct mediator *m = data;

	begin(m, MEDIATED_STOP);
	KUNIT_EXPECT_EQ_MSG(m->test, atomic_read(&m->under_way), 1, "others are under way");
	if (!m->vgpu->gtt.ended)
		KUNIT_EXPECT_EQ_MSG(m->test, xengt_vgpu_sync(m->vgpu), 0,
				    "calls work until stop returns");
	WRITE_ONCE(m->running, false);
	end(m, MEDIATED_STOP);
}

static void on_ppgtt(void *data, bool create, const struct xengt_ppgtt_root *root, int result)
{
	struct mediator *m = data;

	begin(m, MEDIATED_PPGTT);
	m->created = create;
	m->root = *root;
	m->result = result;
	end(m, MEDIATED_PPGTT);
}

static void on_context(void *data, bool create, u64 descriptor)
{
	struct mediator *m = data;

	begin(m, MEDIATED_CONTEXT);
	m->created = create;
	m->value = descriptor;
	end(m, MEDIATED_CONTEXT);
}

static void on_driver(void *data, bool loaded)
{
	struct mediator *m = data;

	begin(m, MEDIATED_DRIVER);
	m->created = loaded;
	end(m, MEDIATED_DRIVER);
}

static void on_display_ready(void *data, u32 value)
{
	struct mediator *m = data;

	begin(m, MEDIATED_DISPLAY_READY);
	m->value = value;
	end(m, MEDIATED_DISPLAY_READY);
}

static void on_flush(void *data)
{
	begin(data, MEDIATED_FLUSH);
	end(data, MEDIATED_FLUSH);
}

/* What a byte of a register reads as */
u8 mediator_byte(u32 offset)
{
	return 0x11 + offset * 7;
}

u64 mediator_bytes(u32 offset, unsigned int len)
{
	u64 value = 0;

	while (len--)
		value = value << 8 | mediator_byte(offset + len);
	return value;
}

static void note_access(struct mediator *m, enum mediated op, u32 offset, const void *data,
			unsigned int len)
{
	struct mediated_access access = { .op = op, .offset = offset, .len = len };

	KUNIT_EXPECT_TRUE_MSG(m->test, len >= 1 && len <= 8, "an access of %u bytes", len);
	KUNIT_EXPECT_LE(m->test, offset + len, (u32)MEDIATED_REGISTERS);
	if (op == MEDIATED_WRITE)
		memcpy(&access.value, data, min(len, 8u));
	if (m->nr_accesses < MEDIATED_ACCESSES)
		m->accesses[m->nr_accesses] = access;
	m->nr_accesses++;
}

static void on_read(void *data, u32 offset, void *value, unsigned int len)
{
	struct mediator *m = data;
	unsigned int i;

	begin(m, MEDIATED_READ);
	for (i = 0; i < len; i++)
		((u8 *)value)[i] = mediator_byte(offset + i);
	note_access(m, MEDIATED_READ, offset, NULL, len);
	end(m, MEDIATED_READ);
}

static void on_write(void *data, u32 offset, const void *value, unsigned int len)
{
	struct mediator *m = data;

	begin(m, MEDIATED_WRITE);
	note_access(m, MEDIATED_WRITE, offset, value, len);
	end(m, MEDIATED_WRITE);
}

/* Attaches a mediator to a virtual GPU that is off. */
struct mediator *mediator_new(struct kunit *test, struct xengt_vgpu *vgpu, u32 caps)
{
	struct mediator *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	m->vgpu = vgpu;
	m->ops = (struct xengt_mediator_ops){
		.owner = THIS_MODULE,
		.start = on_start,
		.stop = on_stop,
		.ppgtt = on_ppgtt,
		.context = on_context,
		.driver = on_driver,
		.display_ready = on_display_ready,
		.flush = on_flush,
		.read = on_read,
		.write = on_write,
	};
	KUNIT_ASSERT_EQ(test, xengt_mediator_attach(vgpu, &m->ops, caps, m), 0);
	return m;
}

/* Starts a virtual GPU with a mediator. */
struct mediator *mediator_start(struct kunit *test, unsigned int vcpus)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAPS_ALL);

	fake_domain_set_vcpus(DOM, vcpus);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	gpu_set_drained(DOM, vgpu->domain);
	return m;
}

/* Disables the virtual GPU, detaches the mediator, and frees the virtual GPU. */
void mediator_end(struct mediator *m)
{
	gpu_set_drained(DOM, NULL);
	xengt_vgpu_disable(m->vgpu);
	KUNIT_EXPECT_FALSE(m->test, m->running);
	KUNIT_EXPECT_EQ(m->test, xengt_mediator_detach(m->vgpu), 0);
	xengt_vgpu_destroy(m->vgpu);
	vgpu_expect_nothing_left(m->test, "the mediator has ended");
}

/* Exactly these accesses came, in this order; forgets them. */
void mediator_expect(struct mediator *m, const struct mediated_access *accesses, unsigned int n)
{
	const struct mediated_access *a;
	unsigned int i;

	KUNIT_EXPECT_EQ(m->test, m->nr_accesses, n);
	for (i = 0; i < min(n, m->nr_accesses); i++) {
		a = &m->accesses[i];
		KUNIT_EXPECT_EQ_MSG(m->test, (int)a->op, (int)accesses[i].op, "access %u", i);
		KUNIT_EXPECT_EQ_MSG(m->test, a->offset, accesses[i].offset, "access %u", i);
		KUNIT_EXPECT_EQ_MSG(m->test, a->len, accesses[i].len, "access %u", i);
		KUNIT_EXPECT_EQ_MSG(m->test, a->value, accesses[i].value, "access %u", i);
	}
	m->nr_accesses = 0;
}
