// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the API for mediators (vgpu/mediator.c, vgpu/mediation.c): attaching, what a mediator is
 * told and when, the registers that are its own, and that its operations may call everything at any
 * moment.
 */

#include <linux/completion.h>
#include <linux/configfs.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "mediator_fixture.h"
#include "modules.h"

#define DIR		"xengt/vm5"
#define PVINFO		(BAR0 + 0x78000)
#define PVINFO_CAPS	(PVINFO + 0x10)
#define DISPLAY_READY	(PVINFO + 0x804)
#define NOTIFY		(PVINFO + 0x818)
#define PDP0		(PVINFO + 0x838)
#define CONTEXT		(PVINFO + 0x858)
#define FLUSH		0x101008
#define ROOT		600ull
#define DATA_ADDR	(200 * PAGE_SIZE)

static void write_bar(struct kunit *test, u64 addr, u64 value, unsigned int size)
{
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, addr, value, size), 0);
}

static u64 read_bar(struct kunit *test, u64 addr, unsigned int size)
{
	u64 value = 0;

	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, addr, size, &value), 0);
	return value & GENMASK_ULL(8 * size - 1, 0);
}

static void expect_calls(struct mediator *m, enum mediated op, unsigned int n)
{
	KUNIT_EXPECT_EQ_MSG(m->test, m->calls[op], n, "operation %u", op);
}

/* Attaching */

static void attach_and_detach_have_rules(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct xengt_mediator_ops lacking;
	struct mediator *m;

	KUNIT_EXPECT_EQ(test, xengt_mediator_detach(vgpu), -ENOENT);
	m = mediator_new(test, vgpu, 0);
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(vgpu, &m->ops, 0, m), -EEXIST);
	KUNIT_EXPECT_EQ(test, xengt_mediator_detach(vgpu), 0);
	KUNIT_EXPECT_EQ(test, xengt_mediator_detach(vgpu), -ENOENT);
	lacking = m->ops;
	lacking.read = NULL;
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(vgpu, &lacking, 0, m), -EINVAL);
	lacking = m->ops;
	lacking.write = NULL;
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(vgpu, &lacking, 0, m), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(vgpu, &m->ops, BIT(0), m), -EINVAL);
	/* Neither while it runs */
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(vgpu, &m->ops, 0, m), -EBUSY);
	KUNIT_EXPECT_EQ(test, xengt_mediator_detach(vgpu), -EBUSY);
	xengt_vgpu_disable(vgpu);
	expect_calls(m, MEDIATED_START, 0);
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(vgpu, &m->ops, 0, m), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, xengt_mediator_detach(vgpu), -EBUSY);
	mediator_end(m);
	expect_calls(m, MEDIATED_START, 1);
	expect_calls(m, MEDIATED_STOP, 1);
}

/* 9: the user removes a virtual GPU whose mediator has forgotten its other references. */
static void removed_virtual_gpu_stays_for_its_mediator(struct kunit *test)
{
	struct xengt_vgpu *vgpu;
	unsigned int references;
	struct mediator *m;

	KUNIT_ASSERT_EQ(test, configfs_mkdir(DIR), 0);
	vgpu = xengt_vgpu_get("vm5");
	KUNIT_ASSERT_FALSE(test, IS_ERR(vgpu));
	references = kref_read(&vgpu->item->ci_kref);
	m = mediator_new(test, vgpu, 0);
	KUNIT_ASSERT_EQ(test, kref_read(&vgpu->item->ci_kref), references + 1);
	xengt_vgpu_put(vgpu);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_sync(vgpu), -ENODEV);
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(vgpu, &m->ops, 0, m), -EEXIST);
	KUNIT_EXPECT_EQ(test, xengt_mediator_detach(vgpu), 0);
}

static void operations_that_are_not_there_are_not_called(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAPS_ALL);

	m->ops = (struct xengt_mediator_ops){ .read = m->ops.read, .write = m->ops.write };
	m->running = true;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	read_bar(test, PVINFO, 8);
	read_bar(test, PVINFO + 8, 2);
	write_bar(test, DISPLAY_READY, 1, 4);
	write_bar(test, NOTIFY, 4, 4);
	write_bar(test, NOTIFY, 6, 4);
	write_bar(test, BAR0 + FLUSH, 1, 4);
	write_bar(test, BAR0, 1, 4);
	expect_calls(m, MEDIATED_WRITE, 1);
	m->running = false;
	mediator_end(m);
}

/* What it is told */

static void ppgtt_is_made_before_the_mediator_hears(struct mediator *m, enum mediated op)
{
	const struct xengt_ppgtt_root root = { .levels = 4, .pdp = { ROOT << PAGE_SHIFT } };
	struct xengt_ppgtt_shadow *pinned;
	u64 shadow[XENGT_PPGTT_PDPS];

	if (op != MEDIATED_PPGTT)
		return;
	pinned = xengt_ppgtt_pin(m->vgpu, &root, shadow);
	KUNIT_EXPECT_EQ(m->test, PTR_ERR_OR_ZERO(pinned), m->created ? 0 : -ENOENT);
	if (!IS_ERR(pinned))
		xengt_ppgtt_unpin(pinned);
}

static void mediator_hears_of_ppgtts_with_the_result(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);

	m->during = ppgtt_is_made_before_the_mediator_hears;
	write_bar(test, PDP0, ROOT << PAGE_SHIFT, 8);
	write_bar(test, NOTIFY, 4, 4);
	expect_calls(m, MEDIATED_PPGTT, 1);
	KUNIT_EXPECT_TRUE(test, m->created);
	KUNIT_EXPECT_EQ(test, m->result, 0);
	KUNIT_EXPECT_EQ(test, m->root.levels, 4u);
	KUNIT_EXPECT_EQ(test, m->root.pdp[0], ROOT << PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, m->root.pdp[1], 0ull);
	write_bar(test, NOTIFY, 5, 4);
	expect_calls(m, MEDIATED_PPGTT, 2);
	KUNIT_EXPECT_FALSE(test, m->created);
	KUNIT_EXPECT_EQ(test, m->result, 0);
	/* Again: there is none any more. */
	write_bar(test, NOTIFY, 5, 4);
	expect_calls(m, MEDIATED_PPGTT, 3);
	KUNIT_EXPECT_EQ(test, m->result, -ENOENT);
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_PVINFO_FAILED), 1ull);
	mediator_end(m);
}

static void mediator_hears_of_contexts_and_drivers(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);

	write_bar(test, CONTEXT, 0x1234567890abcdef, 8);
	write_bar(test, NOTIFY, 6, 4);
	expect_calls(m, MEDIATED_CONTEXT, 1);
	KUNIT_EXPECT_TRUE(test, m->created);
	KUNIT_EXPECT_EQ(test, m->value, 0x1234567890abcdefull);
	write_bar(test, NOTIFY, 7, 4);
	expect_calls(m, MEDIATED_CONTEXT, 2);
	KUNIT_EXPECT_FALSE(test, m->created);
	/* A driver loads. */
	write_bar(test, DISPLAY_READY, 2, 4);
	expect_calls(m, MEDIATED_DISPLAY_READY, 1);
	KUNIT_EXPECT_EQ(test, m->value, 2ull);
	expect_calls(m, MEDIATED_DRIVER, 0);
	read_bar(test, PVINFO, 8);
	read_bar(test, PVINFO + 8, 2);
	expect_calls(m, MEDIATED_DRIVER, 1);
	KUNIT_EXPECT_FALSE(test, m->created);
	write_bar(test, DISPLAY_READY, 1, 4);
	expect_calls(m, MEDIATED_DRIVER, 2);
	KUNIT_EXPECT_TRUE(test, m->created);
	expect_calls(m, MEDIATED_DISPLAY_READY, 2);
	KUNIT_EXPECT_EQ(test, m->value, 1ull);
	/* The lowest byte counts, and what is stored then. */
	write_bar(test, DISPLAY_READY + 1, 0xff, 1);
	expect_calls(m, MEDIATED_DISPLAY_READY, 2);
	write_bar(test, DISPLAY_READY, 0, 1);
	expect_calls(m, MEDIATED_DISPLAY_READY, 3);
	KUNIT_EXPECT_EQ(test, m->value, 0xff00ull);
	KUNIT_EXPECT_EQ(test, m->nr_accesses, 0u);
	mediator_end(m);
}

static void entry_is_shadowed(struct mediator *m, enum mediated op)
{
	if (op == MEDIATED_FLUSH)
		KUNIT_EXPECT_TRUE(m->test, gpu_reaches(VGPU_FIRST, DOM, 7));
}

static void mediator_hears_of_a_flush_after_the_sync(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);

	xengt_vgpu_set_mode(m->vgpu, XENGT_MODE_POSTED);
	m->during = entry_is_shadowed;
	guest_write(test, VGPU_FIRST, PTE(7));
	KUNIT_EXPECT_FALSE(test, gpu_reaches(VGPU_FIRST, DOM, 7));
	write_bar(test, BAR0 + FLUSH, 1, 4);
	expect_calls(m, MEDIATED_FLUSH, 1);
	/* Without the bit that flushes */
	write_bar(test, BAR0 + FLUSH, 2, 4);
	expect_calls(m, MEDIATED_FLUSH, 1);
	KUNIT_EXPECT_EQ(test, m->nr_accesses, 0u);
	mediator_end(m);
}

/* Start and stop */

static void start_can_refuse(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, 0);

	m->start_error = -EXDEV;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -EXDEV);
	KUNIT_EXPECT_EQ(test, (int)vgpu->state, (int)XENGT_VGPU_OFF);
	vgpu_expect_nothing_left(test, "refused");
	expect_calls(m, MEDIATED_START, 1);
	expect_calls(m, MEDIATED_STOP, 0);
	m->start_error = 0;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	mediator_end(m);
	expect_calls(m, MEDIATED_STOP, 1);
}

/* 9: each start has its stop, whichever hypercall fails. */
static void start_and_stop_are_in_pairs(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAPS_ALL);
	static const enum fake_call kinds[] = {
		FAKE_CALL_DM_CREATE, FAKE_CALL_DM_SET_STATE, FAKE_CALL_DM_CLAIM,
		FAKE_CALL_DM_MAP_RANGE, FAKE_CALL_GET_TYPE, FAKE_CALL_EVTCHN_BIND,
	};
	unsigned int i, nth, failed = 0;
	int rc;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (nth = 1; nth <= 3; nth++) {
			fake_xen_fail_call(kinds[i], nth, -ENOMEM);
			rc = xengt_vgpu_enable(vgpu);
			fake_xen_fail_nothing();
			failed += !!rc;
			if (!rc)
				xengt_vgpu_disable(vgpu);
			KUNIT_EXPECT_FALSE(test, m->running);
			KUNIT_EXPECT_EQ(test, m->calls[MEDIATED_START], m->calls[MEDIATED_STOP]);
			vgpu_expect_nothing_left(test, "one call failed");
		}
	}
	KUNIT_EXPECT_GE(test, failed, 10u);
	/* After the mediator has started two of three ranges are mapped. */
	i = m->calls[MEDIATED_START];
	fake_xen_fail_call(FAKE_CALL_DM_MAP_RANGE, 3, -ENOMEM);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -ENOMEM);
	expect_calls(m, MEDIATED_START, i + 1);
	expect_calls(m, MEDIATED_STOP, i + 1);
	vgpu_expect_nothing_left(test, "the last range");
	mediator_end(m);
}

static void stop_comes_when_the_guest_dies(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);

	guest_write(test, VGPU_FIRST, PTE(7));
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, m->vgpu->state == XENGT_VGPU_DEAD);
	expect_calls(m, MEDIATED_STOP, 1);
	KUNIT_EXPECT_FALSE(test, m->running);
	KUNIT_EXPECT_EQ(test, xengt_mediator_attach(m->vgpu, &m->ops, 0, m), -EBUSY);
	/* A dead one lets go of its mediator. */
	KUNIT_EXPECT_EQ(test, xengt_mediator_detach(m->vgpu), 0);
	stop_vgpu(m->vgpu);
	expect_calls(m, MEDIATED_STOP, 1);
}

static void stop_comes_when_the_gpu_goes_away(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);

	guest_write(test, VGPU_FIRST, PTE(7));
	gpu_set_drained(DOM, NULL);
	xengt_gsm_lost(gpu_share());
	flush_work(&m->vgpu->ended_work);
	KUNIT_EXPECT_EQ(test, (int)m->vgpu->state, (int)XENGT_VGPU_DEAD);
	expect_calls(m, MEDIATED_STOP, 1);
	mediator_end(m);
	expect_calls(m, MEDIATED_STOP, 1);
}

/* A pinned PPGTT is unpinned in stop, while its shadow is whole. */
static void unpin_in_stop(struct mediator *m, enum mediated op)
{
	if (op == MEDIATED_STOP) {
		KUNIT_EXPECT_TRUE(m->test, gpu_reaches(VGPU_FIRST, DOM, 7));
		xengt_ppgtt_unpin(m->arg);
	}
}

static void shadow_is_whole_until_stop_returns(struct kunit *test)
{
	const struct xengt_ppgtt_root root = { .levels = 4, .pdp = { ROOT << PAGE_SHIFT } };
	struct mediator *m = mediator_start(test, 1);
	u64 shadow[XENGT_PPGTT_PDPS];

	guest_write(test, VGPU_FIRST, PTE(7));
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(m->vgpu, &root), 0);
	m->arg = xengt_ppgtt_pin(m->vgpu, &root, shadow);
	KUNIT_ASSERT_FALSE(test, IS_ERR(m->arg));
	m->during = unpin_in_stop;
	mediator_end(m);
	expect_calls(m, MEDIATED_STOP, 1);
}

/* Threads: a vCPU reads a register, and the user disables the virtual GPU. */

struct disabled_meanwhile {
	struct mediator *m;
	struct completion in_read;
	struct completion go;
	struct completion read;
	struct completion disabled;
	u64 value;
};

static int read_register(void *data)
{
	struct disabled_meanwhile *d = data;

	fake_vcpu_read(DOM, 0, BAR0 + 0x2000, 4, &d->value);
	complete(&d->read);
	return 0;
}

static int disable(void *data)
{
	struct disabled_meanwhile *d = data;

	xengt_vgpu_disable(d->m->vgpu);
	complete(&d->disabled);
	return 0;
}

/* Whatever an operation may call, while the virtual GPU waits for the operation. */
static void call_everything(struct mediator *m, enum mediated op)
{
	const struct xengt_ppgtt_root root = { .levels = 4, .pdp = { ROOT << PAGE_SHIFT } };
	struct disabled_meanwhile *d = m->arg;
	struct xengt_ppgtt_shadow *pinned;
	u64 shadow[XENGT_PPGTT_PDPS];

	if (op != MEDIATED_READ)
		return;
	complete(&d->in_read);
	wait_for_completion(&d->go);
	KUNIT_EXPECT_EQ(m->test, xengt_vgpu_sync(m->vgpu), 0);
	KUNIT_EXPECT_EQ(m->test, xengt_ppgtt_create(m->vgpu, &root), 0);
	pinned = xengt_ppgtt_pin(m->vgpu, &root, shadow);
	KUNIT_EXPECT_FALSE(m->test, IS_ERR(pinned));
	if (!IS_ERR(pinned))
		xengt_ppgtt_unpin(pinned);
	KUNIT_EXPECT_EQ(m->test, xengt_ppgtt_destroy(m->vgpu, &root), 0);
	KUNIT_EXPECT_EQ(m->test, xengt_vgpu_reset(m->vgpu, XENGT_RESET_ALL), 0);
	KUNIT_EXPECT_EQ(m->test, xengt_mediator_attach(m->vgpu, &m->ops, 0, m), -EBUSY);
	KUNIT_EXPECT_EQ(m->test, xengt_mediator_detach(m->vgpu), -EBUSY);
}

/* 9: the virtual GPU is disabled while an operation runs: it waits, and the operation does not. */
static void operations_may_call_everything_while_it_is_disabled(struct kunit *test)
{
	struct disabled_meanwhile d = {};
	struct task_struct *disabling;

	d.m = mediator_start(test, 1);
	init_completion(&d.in_read);
	init_completion(&d.go);
	init_completion(&d.read);
	init_completion(&d.disabled);
	d.m->arg = &d;
	d.m->during = call_everything;
	gpu_set_drained(DOM, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(read_register, &d, "read")));
	wait_for_completion(&d.in_read);
	disabling = kthread_run(disable, &d, "disable");
	KUNIT_ASSERT_FALSE(test, IS_ERR(disabling));
	get_task_struct(disabling);
	wait_for(test, !READ_ONCE(d.m->vgpu->mediation.live) && !task_is_running(disabling));
	KUNIT_EXPECT_FALSE_MSG(test, completion_done(&d.disabled), "it did not wait");
	KUNIT_EXPECT_TRUE(test, d.m->running);
	complete(&d.go);
	wait_for_completion(&d.read);
	wait_for_completion(&d.disabled);
	put_task_struct(disabling);
	KUNIT_EXPECT_EQ(test, (u32)d.value, (u32)mediator_bytes(0x2000, 4));
	expect_calls(d.m, MEDIATED_READ, 1);
	expect_calls(d.m, MEDIATED_STOP, 1);
	mediator_end(d.m);
}

struct reader {
	unsigned int vcpu;
	unsigned int reads;
	int status;
	struct completion done;
};

static int read_on(void *data)
{
	struct reader *r = data;
	u64 value;

	do {
		r->status = fake_vcpu_read(DOM, r->vcpu, BAR0 + 0x2000, 4, &value);
		WRITE_ONCE(r->reads, r->reads + 1);
	} while (!r->status);
	complete(&r->done);
	return 0;
}

/* 8: vCPUs that never stop to read do not delay the stop. */
static void busy_vcpus_do_not_keep_it_from_stopping(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 4);
	struct reader *readers = kunit_kcalloc(test, 4, sizeof(*readers), GFP_KERNEL);
	unsigned int i;

	gpu_set_drained(DOM, NULL);
	fake_xen_set_yield(true);
	for (i = 0; i < 4; i++) {
		readers[i].vcpu = i;
		init_completion(&readers[i].done);
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(read_on, &readers[i], "vcpu%u", i)));
	}
	for (i = 0; i < 4; i++)
		wait_for(test, READ_ONCE(readers[i].reads) > 10);
	xengt_vgpu_disable(m->vgpu);
	for (i = 0; i < 4; i++) {
		wait_for_completion(&readers[i].done);
		KUNIT_EXPECT_EQ(test, readers[i].status, -ENODEV);
	}
	fake_xen_set_yield(false);
	expect_calls(m, MEDIATED_STOP, 1);
	mediator_end(m);
}

/* A read of a register while the mediator is stopped */

static void read_in_stop(struct mediator *m, enum mediated op)
{
	if (op == MEDIATED_STOP)
		*(u64 *)m->arg = read_bar(m->test, BAR0 + 0x2000, 4);
}

static void register_reads_as_ones_without_a_running_mediator(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);
	u64 value = 0;

	m->arg = &value;
	m->during = read_in_stop;
	mediator_end(m);
	KUNIT_EXPECT_EQ(test, value, (u64)U32_MAX);
	expect_calls(m, MEDIATED_READ, 0);
}

/* Registers */

static void registers_are_the_mediators(struct kunit *test)
{
	static const u32 offsets[] = {
		0, 0x2030, 0x77ff8, 0x79000, 0x101000, FLUSH + 4, MEDIATED_REGISTERS - 8,
	};
	struct mediator *m = mediator_start(test, 1);
	unsigned int i, size;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		for (size = 1; size <= 8; size++) {
			const struct mediated_access accesses[] = {
				{ MEDIATED_READ, offsets[i], size },
				{ MEDIATED_WRITE, offsets[i], size,
				  0x1122334455667788 & GENMASK_ULL(8 * size - 1, 0) },
			};

			KUNIT_EXPECT_EQ(test, read_bar(test, BAR0 + offsets[i], size),
					mediator_bytes(offsets[i], size));
			write_bar(test, BAR0 + offsets[i], 0x1122334455667788, size);
			mediator_expect(m, accesses, 2);
		}
	}
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_BAD_RANGE), 0ull);
	mediator_end(m);
}

/* What is xengt's own never reaches the mediator. */
static void pvinfo_and_the_gtt_are_not_the_mediators(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);

	KUNIT_EXPECT_EQ(test, read_bar(test, PVINFO, 8), 0x4776544776544776ull);
	KUNIT_EXPECT_EQ(test, read_bar(test, PVINFO + 0xff8, 8), 0ull);
	write_bar(test, PVINFO + 0x830, 5, 4);
	KUNIT_EXPECT_EQ(test, read_bar(test, PVINFO + 0x830, 4), 5ull);
	KUNIT_EXPECT_EQ(test, read_bar(test, BAR0 + FLUSH, 4), 0ull);
	guest_write(test, VGPU_FIRST, PTE(7));
	KUNIT_EXPECT_EQ(test, guest_read(test, VGPU_FIRST), PTE(7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST, DOM, 7));
	KUNIT_EXPECT_EQ(test, guest_read(test, GTT_ENTRIES - 1), 0ull);
	KUNIT_EXPECT_EQ(test, m->nr_accesses, 0u);
	mediator_end(m);
}

/* An access to two or three owners is cut. */
static void access_to_several_owners_is_cut(struct kunit *test)
{
	static const struct mediated_access reads[] = {
		{ MEDIATED_READ, 0x77ffc, 4 }, { MEDIATED_READ, 0x79000, 4 },
		{ MEDIATED_READ, FLUSH - 4, 4 }, { MEDIATED_READ, FLUSH + 4, 4 },
		{ MEDIATED_READ, FLUSH - 2, 2 }, { MEDIATED_READ, FLUSH + 4, 2 },
		{ MEDIATED_READ, MEDIATED_REGISTERS - 4, 4 },
	};
	static const struct mediated_access writes[] = {
		{ MEDIATED_WRITE, FLUSH - 4, 4, 0xaaaaaaaa },
		{ MEDIATED_WRITE, FLUSH + 4, 2, 0xbbbb },
		{ MEDIATED_WRITE, MEDIATED_REGISTERS - 4, 4, 0xcccccccc },
	};
	struct mediator *m = mediator_start(test, 1);

	KUNIT_EXPECT_EQ(test, read_bar(test, BAR0 + 0x77ffc, 8),
			mediator_bytes(0x77ffc, 4) | 0x76544776ull << 32);
	KUNIT_EXPECT_EQ(test, read_bar(test, BAR0 + 0x78ffc, 8),
			mediator_bytes(0x79000, 4) << 32);
	KUNIT_EXPECT_EQ(test, read_bar(test, BAR0 + FLUSH - 4, 8), mediator_bytes(FLUSH - 4, 4));
	KUNIT_EXPECT_EQ(test, read_bar(test, BAR0 + FLUSH, 8),
			mediator_bytes(FLUSH + 4, 4) << 32);
	KUNIT_EXPECT_EQ(test, read_bar(test, BAR0 + FLUSH - 2, 8),
			mediator_bytes(FLUSH - 2, 2) | mediator_bytes(FLUSH + 4, 2) << 48);
	KUNIT_EXPECT_EQ(test, read_bar(test, GTT_BASE - 4, 8),
			mediator_bytes(MEDIATED_REGISTERS - 4, 4));
	mediator_expect(m, reads, ARRAY_SIZE(reads));
	/* The lowest byte of GFX_FLSH_CNTL has the bit that flushes. */
	write_bar(test, BAR0 + FLUSH - 4, 0x00000001aaaaaaaa, 8);
	expect_calls(m, MEDIATED_FLUSH, 1);
	write_bar(test, BAR0 + FLUSH + 2, 0xbbbb0001, 4);
	expect_calls(m, MEDIATED_FLUSH, 1);
	write_bar(test, GTT_BASE - 4, 0x99999999cccccccc, 8);
	mediator_expect(m, writes, ARRAY_SIZE(writes));
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_OUT_OF_SHARE), 1ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_BAD_RANGE), 0ull);
	mediator_end(m);
}

/* A string instruction makes an access for each item, and its parts go to their owners. */
static void items_of_a_string_instruction_come_one_by_one(struct kunit *test)
{
	static const struct mediated_access stores[] = {
		{ MEDIATED_WRITE, FLUSH - 8, 4, 0x11223301 },
		{ MEDIATED_WRITE, FLUSH - 4, 4, 0x11223301 },
		{ MEDIATED_WRITE, FLUSH + 4, 4, 0x11223301 },
	};
	static const struct mediated_access loads[] = {
		{ MEDIATED_READ, 0x77ff8, 8 },
	};
	struct mediator *m = mediator_start(test, 1);
	struct xen_ioreq stos = {
		.type = IOREQ_TYPE_COPY, .dir = IOREQ_WRITE, .addr = BAR0 + FLUSH - 8,
		.data = 0x11223301, .count = 4, .size = 4,
	};
	struct xen_ioreq movs = {
		.type = IOREQ_TYPE_COPY, .dir = IOREQ_READ, .addr = BAR0 + 0x77ff8,
		.data = DATA_ADDR, .data_is_ptr = 1, .count = 2, .size = 8,
	};
	u64 seen[2];

	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &stos), 0);
	mediator_expect(m, stores, ARRAY_SIZE(stores));
	expect_calls(m, MEDIATED_FLUSH, 1);
	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &movs), 0);
	mediator_expect(m, loads, ARRAY_SIZE(loads));
	fake_guest_read(DOM, DATA_ADDR, seen, sizeof(seen));
	KUNIT_EXPECT_EQ(test, seen[0], mediator_bytes(0x77ff8, 8));
	KUNIT_EXPECT_EQ(test, seen[1], 0x4776544776544776ull);
	/* Downwards, from memory */
	movs.dir = IOREQ_WRITE;
	movs.df = 1;
	movs.addr = BAR0 + 0x2008;
	movs.data = DATA_ADDR + 8;
	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &movs), 0);
	mediator_expect(m, (const struct mediated_access[]){
		{ MEDIATED_WRITE, 0x2000, 8, seen[0] }, { MEDIATED_WRITE, 0x2008, 8, seen[1] },
	}, 2);
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_COPY_FAILED), 0ull);
	mediator_end(m);
}

/* Entries come in one batch with a mediator, too. */
static void string_instruction_to_the_gtt_is_one_batch(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);
	struct xen_ioreq movs = {
		.type = IOREQ_TYPE_COPY, .dir = IOREQ_WRITE, .addr = ENTRY_ADDR(VGPU_FIRST),
		.data = DATA_ADDR, .data_is_ptr = 1, .count = VGPU_N, .size = 8,
	};
	u64 invalidates = vgpu_count(m->vgpu, XENGT_COUNT_GPU_INVALIDATES), pte;
	unsigned int i;

	for (i = 0; i < VGPU_N; i++) {
		pte = PTE(i);
		fake_guest_write(DOM, DATA_ADDR + i * 8, &pte, sizeof(pte));
	}
	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &movs), 0);
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_GPU_INVALIDATES) - invalidates, 1ull);
	for (i = 0; i < VGPU_N; i++)
		KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST + i, DOM, i));
	KUNIT_EXPECT_EQ(test, m->nr_accesses, 0u);
	mediator_end(m);
}

/* Without a mediator registers do not trap; with one all do, by as many ranges. */
static void ranges_are_as_many_with_and_without(struct kunit *test)
{
	struct xengt_vgpu *vgpu;
	struct mediator *m;
	u64 value;

	fake_xen_reset_calls();
	vgpu = start_vgpu(test, DOM, 1);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_MAP_RANGE), 3ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_UNMAP_RANGE), 0ul);
	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, BAR0 + 0x2000, 4, &value), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, BAR0 + FLUSH + 4, 4, &value), -ENODEV);
	stop_vgpu(vgpu);
	fake_xen_reset_calls();
	m = mediator_start(test, 1);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_MAP_RANGE), 3ul);
	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, BAR0 - 4, 4, &value), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, GTT_BASE + (8 << 20), 4, &value), -ENODEV);
	mediator_end(m);
}

/* The whole range is checked for memory. */
static void memory_at_any_register_is_refused(struct kunit *test)
{
	static const u32 pages[] = { 0, 0x23, 0x100, 0x7ff };
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAPS_ALL);
	unsigned int i;
	u64 gfn;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		gfn = (BAR0 >> PAGE_SHIFT) + pages[i];
		fake_gfn_populate(DOM, gfn);
		KUNIT_EXPECT_EQ_MSG(test, xengt_vgpu_enable(vgpu), -EADDRINUSE, "%x", pages[i]);
		fake_gfn_remove(DOM, gfn);
		fake_gfn_set_type(DOM, gfn, FAKE_MMIO);
		KUNIT_EXPECT_EQ_MSG(test, xengt_vgpu_enable(vgpu), -EADDRINUSE, "%x", pages[i]);
		fake_gfn_set_type(DOM, gfn, FAKE_HOLE);
		expect_calls(m, MEDIATED_START, 0);
	}
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	mediator_end(m);
}

/* Capabilities */

static void mediator_sets_the_capabilities(struct kunit *test)
{
	static const u32 all[] = {
		0, XENGT_CAP_FULL_PPGTT, XENGT_CAP_FULL_PPGTT | XENGT_CAP_HWSP_EMULATION,
		XENGT_CAPS_ALL,
	};
	struct xengt_vgpu *vgpu;
	struct mediator *m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		vgpu = new_vgpu(test, DOM);
		m = mediator_new(test, vgpu, all[i]);
		KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
		KUNIT_EXPECT_EQ(test, read_bar(test, PVINFO_CAPS, 4), (u64)all[i]);
		KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(vgpu, XENGT_RESET_ALL), 0);
		KUNIT_EXPECT_EQ(test, read_bar(test, PVINFO_CAPS, 4), (u64)all[i]);
		mediator_end(m);
	}
}

static void capability_that_the_guest_cannot_have_is_refused(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAP_HWSP_EMULATION);

	fake_domain_set_hap(DOM, false);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -EOPNOTSUPP);
	vgpu_expect_nothing_left(test, "no HAP");
	fake_domain_set_hap(DOM, true);
	vgpu->config.generation = 7;
	strscpy(vgpu->config.place, "mem", sizeof(vgpu->config.place));
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -EOPNOTSUPP);
	vgpu_expect_nothing_left(test, "generation 7");
	expect_calls(m, MEDIATED_START, 0);
	vgpu->config.generation = 8;
	strscpy(vgpu->config.place, "gpu", sizeof(vgpu->config.place));
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	mediator_end(m);
}

/* Interrupts */

#define MSI_ADDRESS(vcpu)	(0xfee00000ull | (vcpu) * 2 << 12)
#define MSI_FIXED		0x41
#define MSI_LOWEST		0x141
#define MSI_NMI			0x441
#define MSI_PIRQ		0x700	/* as Linux has it in an HVM guest */

static void expect_msi(struct kunit *test, unsigned int n, u64 address, u32 data)
{
	u64 got_address = 0;
	u32 got_data = 0;

	KUNIT_EXPECT_EQ(test, fake_domain_msis(DOM, &got_address, &got_data), n);
	KUNIT_EXPECT_EQ(test, got_address, address);
	KUNIT_EXPECT_EQ(test, got_data, data);
}

static void guest_gets_messages(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 2);
	struct xengt_vgpu *vgpu = m->vgpu;

	fake_xen_reset_calls();
	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, MSI_ADDRESS(1), MSI_FIXED), 0);
	expect_msi(test, 1, MSI_ADDRESS(1), MSI_FIXED);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, MSI_ADDRESS(0), MSI_LOWEST), 0);
	expect_msi(test, 2, MSI_ADDRESS(0), MSI_LOWEST);
	/* A PIRQ, as a guest with event channels programs it */
	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, 0x300fee12000ull, MSI_PIRQ), 0);
	expect_msi(test, 3, 0x300fee12000ull, MSI_PIRQ);
	/* To nobody: lost, or an error */
	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, MSI_ADDRESS(2), MSI_FIXED), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, MSI_ADDRESS(2), MSI_LOWEST), -ESRCH);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, 0xfee00000, 0), -ERANGE);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_INJECT), 6ul);
	/* Never reaches Xen, which would log it */
	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, MSI_ADDRESS(0), MSI_NMI), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_INJECT), 6ul);
	fake_xen_fail_call(FAKE_CALL_DM_INJECT, 1, -EPERM);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, MSI_ADDRESS(0), MSI_FIXED), -EPERM);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 7ul);
	mediator_end(m);
}

static void message_needs_no_context(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&lock, flags);
	rc = xengt_vgpu_inject_msi(m->vgpu, MSI_ADDRESS(0), MSI_FIXED);
	spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_EQ(test, rc, 0);
	/* With the virtual GPU's lock held, as by a call of another thread's */
	mutex_lock(&m->vgpu->lock);
	rc = xengt_vgpu_inject_msi(m->vgpu, MSI_ADDRESS(0), MSI_FIXED);
	mutex_unlock(&m->vgpu->lock);
	KUNIT_EXPECT_EQ(test, rc, 0);
	expect_msi(test, 2, MSI_ADDRESS(0), MSI_FIXED);
	mediator_end(m);
}

static void inject_in_read_and_stop(struct mediator *m, enum mediated op)
{
	if (op == MEDIATED_READ || op == MEDIATED_STOP)
		KUNIT_EXPECT_EQ(m->test,
				xengt_vgpu_inject_msi(m->vgpu, MSI_ADDRESS(0), MSI_FIXED),
				op == MEDIATED_READ ? 0 : -ENODEV);
}

/* The guest that an interrupt goes to is the one that the mediator serves. */
static void message_comes_between_start_and_stop_only(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, 0);
	u64 address;
	u32 data;

	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, MSI_ADDRESS(0), MSI_FIXED), -ENODEV);
	m->during = inject_in_read_and_stop;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	read_bar(test, BAR0 + 0x2000, 4);
	expect_msi(test, 1, MSI_ADDRESS(0), MSI_FIXED);
	xengt_vgpu_disable(vgpu);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_inject_msi(vgpu, MSI_ADDRESS(0), MSI_FIXED), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_domain_msis(DOM, &address, &data), 1u);
	mediator_end(m);
}

static struct kunit_case mediator_cases[] = {
	KUNIT_CASE_PARAM(attach_and_detach_have_rules, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(removed_virtual_gpu_stays_for_its_mediator, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(operations_that_are_not_there_are_not_called, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(mediator_hears_of_ppgtts_with_the_result, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(mediator_hears_of_contexts_and_drivers, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(mediator_hears_of_a_flush_after_the_sync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(start_can_refuse, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(start_and_stop_are_in_pairs, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(stop_comes_when_the_guest_dies, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(stop_comes_when_the_gpu_goes_away, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(shadow_is_whole_until_stop_returns, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(operations_may_call_everything_while_it_is_disabled,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(busy_vcpus_do_not_keep_it_from_stopping, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(register_reads_as_ones_without_a_running_mediator,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(registers_are_the_mediators, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pvinfo_and_the_gtt_are_not_the_mediators, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(access_to_several_owners_is_cut, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(items_of_a_string_instruction_come_one_by_one, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(string_instruction_to_the_gtt_is_one_batch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ranges_are_as_many_with_and_without, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(memory_at_any_register_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(mediator_sets_the_capabilities, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(capability_that_the_guest_cannot_have_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_gets_messages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(message_needs_no_context, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(message_comes_between_start_and_stop_only, both_dom0s_gen_params),
	{}
};

static struct kunit_suite mediator_suite = {
	.name = "xengt_mediator",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = mediator_cases,
};

kunit_test_suite(mediator_suite);
