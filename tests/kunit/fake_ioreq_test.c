// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the fake hypervisor's ioreq servers and event channels: they do what Xen does (4.17,
 * stock; with the patches of xen/ when a guest is taken from its emulator).
 */

#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <xen/events.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <xen/interface/memory.h>
#include <xen/interface/hvm/dm_op.h>
#include <xen/interface/hvm/ioreq_server.h>
#include <asm/xen/hypercall.h>

#include "fake_xen.h"
#include "modules.h"

#define PAGES	64

static void start(struct kunit *test, enum fake_xen_mode mode)
{
	fake_xen_start(test, mode);
	fake_domain_create(DOM, PAGES);
}

static void ioreq_exit(struct kunit *test)
{
	fake_xen_stop(test);
}

#define MMIO	0xf0800000ull

struct emulator {
	u16 id;
	struct page *page;
	struct xen_ioreq *slots;
	evtchn_port_t port[FAKE_MAX_VCPUS];
	int irq[FAKE_MAX_VCPUS];
	unsigned int vcpus;
	unsigned int events;
	unsigned int requests;
	bool silent;
	bool bound;
	bool early;		/* an event came before the bind returned */
	bool wrong_context;
};

static int dm(domid_t domid, struct xen_dm_op *op)
{
	struct xen_dm_op_buf buf = { .size = sizeof(*op) };

	set_xen_guest_handle(buf.h, (void *)op);
	return HYPERVISOR_dm_op(domid, 1, &buf);
}

static irqreturn_t answer(int irq, void *data)
{
	struct emulator *e = data;
	unsigned int i;

	e->events++;
	e->early |= !e->bound;
	e->wrong_context |= !in_hardirq();
	for (i = 0; i < e->vcpus && !e->silent; i++) {
		if (e->slots[i].state != STATE_IOREQ_READY)
			continue;
		e->requests++;
		if (e->slots[i].dir == IOREQ_READ)
			e->slots[i].data = e->slots[i].addr;
		e->slots[i].state = STATE_IORESP_READY;
		notify_remote_via_evtchn(e->port[i]);
	}
	xen_irq_lateeoi(irq, 0);
	return IRQ_HANDLED;
}

/* Maps the server's page: PVH puts it at a hole, PV maps the MFN that Xen returns. */
static int map_server_page(struct emulator *e)
{
	struct xen_mem_acquire_resource res = {
		.domid = DOM,
		.type = XENMEM_resource_ioreq_server,
		.id = e->id,
		.nr_frames = 1,
		.frame = XENMEM_resource_ioreq_server_frame_ioreq(0),
	};
	xen_pfn_t frame = page_to_pfn(e->page);
	struct mmu_update req;
	unsigned int level;
	int rc;

	set_xen_guest_handle(res.frame_list, &frame);
	rc = HYPERVISOR_memory_op(XENMEM_acquire_resource, &res);
	e->slots = page_address(e->page);
	if (rc || xen_pvh_domain())
		return rc;
	req.ptr = arbitrary_virt_to_machine(lookup_address((unsigned long)e->slots, &level)).maddr |
		  MMU_PT_UPDATE_NO_TRANSLATE;
	req.val = pte_val_ma(mfn_pte(frame, PAGE_KERNEL));
	return HYPERVISOR_mmu_update(&req, 1, NULL, DOM);
}

static int create(struct emulator *e)
{
	struct xen_dm_op op = { .op = XEN_DMOP_create_ioreq_server };
	int rc = dm(DOM, &op);

	e->id = op.u.create_ioreq_server.id;
	return rc;
}

static int destroy(struct emulator *e)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_destroy_ioreq_server,
		.u.destroy_ioreq_server.id = e->id,
	};

	return dm(DOM, &op);
}

static int set_enabled(struct emulator *e, bool enabled)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_ioreq_server_state,
		.u.set_ioreq_server_state = { .id = e->id, .enabled = enabled },
	};

	return dm(DOM, &op);
}

static int change_range(struct emulator *e, u32 cmd, u32 type, u64 start, u64 end)
{
	struct xen_dm_op op = {
		.op = cmd,
		.u.map_io_range_to_ioreq_server = {
			.id = e->id,
			.type = type,
			.start = start,
			.end = end,
		},
	};

	return dm(DOM, &op);
}

static int map_range(struct emulator *e, u64 start, u64 end)
{
	return change_range(e, XEN_DMOP_map_io_range_to_ioreq_server, XEN_DMOP_IO_RANGE_MEMORY,
			    start, end);
}

static int unmap_range(struct emulator *e, u64 start, u64 end)
{
	return change_range(e, XEN_DMOP_unmap_io_range_from_ioreq_server,
			    XEN_DMOP_IO_RANGE_MEMORY, start, end);
}

static int bind_vcpu(struct emulator *e, unsigned int vcpu)
{
	struct evtchn_bind_interdomain bind = {
		.remote_dom = DOM,
		.remote_port = e->slots[vcpu].vp_eport,
	};
	int rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

	if (rc)
		return rc;
	e->port[vcpu] = bind.local_port;
	e->irq[vcpu] = bind_evtchn_to_irqhandler_lateeoi(bind.local_port, answer, 0, "test", e);
	return min(e->irq[vcpu], 0);
}

static void start_emulator(struct kunit *test, struct emulator *e, unsigned int vcpus)
{
	unsigned int i;

	e->vcpus = vcpus;
	KUNIT_ASSERT_EQ(test, create(e), 0);
	KUNIT_ASSERT_EQ(test, xen_alloc_unpopulated_pages(1, &e->page), 0);
	KUNIT_ASSERT_EQ(test, map_server_page(e), 0);
	KUNIT_ASSERT_EQ(test, map_range(e, MMIO, MMIO + 0xfff), 0);
	KUNIT_EXPECT_EQ_MSG(test, e->slots[0].vp_eport, 0u, "not valid yet");
	KUNIT_ASSERT_EQ(test, set_enabled(e, true), 0);
	for (i = 0; i < vcpus; i++)
		KUNIT_ASSERT_EQ(test, bind_vcpu(e, i), 0);
	e->bound = true;
}

/* Unmaps the server's page. */
static void unmap_server_page(struct kunit *test, struct emulator *e)
{
	struct xen_remove_from_physmap remove = {
		.domid = DOMID_SELF,
		.gpfn = page_to_pfn(e->page),
	};

	if (xen_pvh_domain())
		KUNIT_EXPECT_EQ(test, HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &remove), 0);
	else
		KUNIT_EXPECT_EQ(test,
				HYPERVISOR_update_va_mapping((unsigned long)e->slots, __pte_ma(0),
							     UVMF_INVLPG), 0);
}

static void stop_emulator(struct kunit *test, struct emulator *e)
{
	unsigned int i;

	for (i = 0; i < e->vcpus; i++)
		unbind_from_irqhandler(e->irq[i], e);
	unmap_server_page(test, e);
	xen_free_unpopulated_pages(1, &e->page);
	destroy(e);
}

static enum fake_xen_mode mode_of(struct kunit *test)
{
	return *(const enum fake_xen_mode *)test->param_value;
}

static void vcpu_gets_its_answer(struct kunit *test)
{
	struct emulator e = {};
	u64 data;

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	KUNIT_EXPECT_TRUE_MSG(test, e.early, "the first event comes inside the bind call");
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO + 8, 1, 8), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, MMIO + 16, 8, &data), 0);
	KUNIT_EXPECT_EQ(test, data, MMIO + 16);
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	KUNIT_EXPECT_EQ(test, e.requests, 3u);
	KUNIT_EXPECT_FALSE(test, e.wrong_context);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO + 0xffc, 1, 8), -ENODEV);
	stop_emulator(test, &e);
}

static int kill_server(void *data)
{
	return destroy(data);
}

static void destroying_a_server_wakes_no_vcpu(struct kunit *test)
{
	struct emulator e = { .silent = true };
	struct task_struct *task;

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	task = kthread_run(kill_server, &e, "kill_server");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 1, 4), -ECANCELED);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 1u);
	fake_xen_forgive();
	stop_emulator(test, &e);
}

static void vcpu_stops_waiting_when_its_guest_dies(struct kunit *test)
{
	const struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.addr = MMIO,
		.count = 1,
		.size = 4,
	};
	struct emulator e = { .silent = true };

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, 0, &req), 0);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 0, NULL), -ECANCELED);
	stop_emulator(test, &e);
}

/* Enabling writes the ports into the slots, if there are slots. */
static void enabling_writes_the_ports(struct kunit *test)
{
	struct emulator e = { .vcpus = 1 };
	u64 data;

	start(test, mode_of(test));
	KUNIT_ASSERT_EQ(test, create(&e), 0);
	KUNIT_EXPECT_EQ(test, map_range(&e, MMIO, MMIO + 0xfff), 0);
	KUNIT_EXPECT_EQ(test, set_enabled(&e, true), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, MMIO, 4, &data), -ENODEV);
	KUNIT_EXPECT_EQ_MSG(test, fake_xen_errors(), 1u, "Xen has no page to put it into");
	fake_xen_forgive();
	KUNIT_ASSERT_EQ(test, xen_alloc_unpopulated_pages(1, &e.page), 0);
	KUNIT_ASSERT_EQ(test, map_server_page(&e), 0);
	KUNIT_EXPECT_EQ(test, set_enabled(&e, true), 0);
	KUNIT_EXPECT_EQ_MSG(test, e.slots[0].vp_eport, 0u, "it is enabled already");
	KUNIT_EXPECT_EQ(test, set_enabled(&e, false), 0);
	KUNIT_EXPECT_EQ(test, set_enabled(&e, true), 0);
	KUNIT_EXPECT_NE(test, e.slots[0].vp_eport, 0u);
	KUNIT_EXPECT_EQ(test, bind_vcpu(&e, 0), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, MMIO, 4, &data), 0);
	stop_emulator(test, &e);
}

/* Xen's own pages for a guest do not count in its limit, but keep the guest. */
static void server_page_is_not_in_the_allowance(struct kunit *test)
{
	struct emulator e = {};
	domid_t domid = DOM;

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	KUNIT_EXPECT_EQ(test, HYPERVISOR_memory_op(XENMEM_current_reservation, &domid),
			(long)PAGES);
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), PAGES + 1ul);
	stop_emulator(test, &e);
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), (ulong)PAGES);
}

static void mapping_a_page_again_takes_no_reference(struct kunit *test)
{
	struct emulator e = {}, other = {};

	start(test, FAKE_PVH_DOM0);
	start_emulator(test, &e, 1);
	KUNIT_EXPECT_EQ(test, map_server_page(&e), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	KUNIT_ASSERT_EQ(test, create(&other), 0);
	other.page = e.page;
	KUNIT_EXPECT_EQ_MSG(test, map_server_page(&other), -EPERM, "Xen crashes dom0");
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 1u);
	fake_xen_forgive();
	KUNIT_EXPECT_EQ(test, destroy(&other), 0);
	stop_emulator(test, &e);
}

static int acquire(u32 id, u64 frame, u32 type)
{
	struct xen_mem_acquire_resource res = {
		.domid = DOM,
		.type = type,
		.id = id,
		.nr_frames = 1,
		.frame = frame,
	};
	xen_pfn_t list = 0x4000000;

	set_xen_guest_handle(res.frame_list, &list);
	return HYPERVISOR_memory_op(XENMEM_acquire_resource, &res);
}

static void unknown_resources_are_refused(struct kunit *test)
{
	struct emulator e = {};

	start(test, FAKE_PV_DOM0);
	KUNIT_EXPECT_EQ(test, acquire(0, 1, 0), -ENOENT);
	KUNIT_ASSERT_EQ(test, create(&e), 0);
	KUNIT_EXPECT_EQ(test, acquire(e.id, 1, 0), 0);
	KUNIT_EXPECT_EQ_MSG(test, acquire(e.id, 0, 0), -ENOENT, "no buffered ioreqs");
	KUNIT_EXPECT_EQ(test, acquire(e.id, 2, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, acquire(e.id, 1, 7), -EINVAL);
	KUNIT_EXPECT_EQ(test, acquire(e.id | 0x10000, 1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, destroy(&e), 0);
}

static void servers_are_for_who_has_control(struct kunit *test)
{
	struct emulator e = {};

	start(test, FAKE_PVH_DOMU);
	KUNIT_EXPECT_EQ(test, create(&e), -EPERM);
	fake_domain_set_target(DOM, true);
	KUNIT_EXPECT_EQ(test, create(&e), 0);
	KUNIT_EXPECT_EQ_MSG(test, acquire(e.id, 1, 0), -EACCES, "not to a translated domU");
	KUNIT_EXPECT_EQ(test, destroy(&e), 0);
}

static void dying_guest_gets_no_server(struct kunit *test)
{
	struct emulator e = {}, late = {};

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_EQ(test, create(&late), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_enabled(&e, true), -ENOENT);
	KUNIT_EXPECT_EQ_MSG(test, bind_vcpu(&e, 0), -EINVAL, "its channels are closed");
	stop_emulator(test, &e);
}

/* The server of a dying guest can be destroyed. */
static void server_of_a_dying_guest_can_be_destroyed(struct kunit *test)
{
	const struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.addr = MMIO,
		.count = 1,
		.size = 4,
	};
	struct emulator e = { .silent = true };

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, 0, &req), 0);
	fake_domain_start_dying(DOM);
	KUNIT_EXPECT_EQ(test, set_enabled(&e, false), 0);
	stop_emulator(test, &e);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 0, NULL), -ECANCELED);
	KUNIT_EXPECT_EQ(test, fake_servers(DOM), 0u);
	fake_domain_kill(DOM);
}

/* dom0 cannot be its own device model. */
static void caller_is_no_guest_of_its_own(struct kunit *test)
{
	struct xen_dm_op op = { .op = XEN_DMOP_create_ioreq_server };

	start(test, mode_of(test));
	KUNIT_EXPECT_EQ(test, dm(0, &op), -EPERM);
	KUNIT_EXPECT_EQ(test, dm(77, &op), -ESRCH);
}

static void operation_that_is_cut_off_is_refused(struct kunit *test)
{
	struct xen_dm_op op = { .op = XEN_DMOP_create_ioreq_server };
	struct xen_dm_op_buf buf = {
		.size = offsetof(struct xen_dm_op, u) + sizeof(op.u.create_ioreq_server) - 1,
	};

	start(test, FAKE_PV_DOM0);
	set_xen_guest_handle(buf.h, (void *)&op);
	KUNIT_EXPECT_EQ(test, HYPERVISOR_dm_op(DOM, 1, &buf), -EFAULT);
	buf.size++;
	KUNIT_EXPECT_EQ(test, HYPERVISOR_dm_op(DOM, 1, &buf), 0);
}

static void ranges_merge_and_split(struct kunit *test)
{
	const u64 end = MMIO + 0xfff;
	struct emulator e = {};

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	KUNIT_EXPECT_EQ(test, map_range(&e, end, end), -EEXIST);
	KUNIT_EXPECT_EQ(test, map_range(&e, end + 1, end + 0x1000), 0);
	KUNIT_EXPECT_EQ_MSG(test, fake_vcpu_write(DOM, 0, end - 3, 1, 8), 0,
			    "the ranges are merged");
	KUNIT_EXPECT_EQ(test, unmap_range(&e, end + 0x1001, end + 0x1002), -ENOENT);
	KUNIT_EXPECT_EQ(test, unmap_range(&e, MMIO + 0x800, MMIO + 0x807), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO + 0x800, 1, 8), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO + 0x7f8, 1, 8), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO + 0x808, 1, 8), 0);
	KUNIT_EXPECT_EQ(test, map_range(&e, MMIO + 0x800, MMIO + 0x807), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO + 0x7fc, 1, 8), 0);
	KUNIT_EXPECT_EQ(test, unmap_range(&e, MMIO, end + 0x1000), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 1, 8), -ENODEV);
	KUNIT_EXPECT_EQ(test, change_range(&e, XEN_DMOP_map_io_range_to_ioreq_server, 3, 0, 1),
			-EINVAL);
	stop_emulator(test, &e);
}

static void ranges_have_a_limit(struct kunit *test)
{
	struct emulator e = {};
	unsigned int i;

	start(test, FAKE_PV_DOM0);
	KUNIT_ASSERT_EQ(test, create(&e), 0);
	for (i = 0; i < 256; i++)
		KUNIT_ASSERT_EQ(test, map_range(&e, i * 0x2000, i * 0x2000 + 0xfff), 0);
	KUNIT_EXPECT_EQ(test, map_range(&e, i * 0x2000, i * 0x2000 + 0xfff), -ENOMEM);
	KUNIT_EXPECT_EQ_MSG(test, unmap_range(&e, 0x10, 0x1f), -ENOMEM, "the range would be split");
	KUNIT_EXPECT_EQ(test, map_range(&e, 0x1000, 0x1fff), 0);
	KUNIT_EXPECT_EQ(test, unmap_range(&e, 0x10, 0x1f), 0);
	KUNIT_EXPECT_EQ(test, destroy(&e), 0);
}

/* All servers have the request before one answers, and the vCPU waits for all of them. */
static void all_servers_are_notified_at_once(struct kunit *test)
{
	struct emulator e[2] = { { .silent = true }, { .silent = true } };
	unsigned int i;

	start(test, mode_of(test));
	start_emulator(test, &e[0], 1);
	start_emulator(test, &e[1], 1);
	KUNIT_EXPECT_TRUE(test, fake_vcpu_send_invalidate(DOM, 0));
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_TRUE(test, e[i].slots[0].state == STATE_IOREQ_READY);
		KUNIT_EXPECT_EQ(test, e[i].slots[0].type, IOREQ_TYPE_INVALIDATE);
	}
	for (i = 0; i < 2; i++) {
		e[i].slots[0].state = STATE_IORESP_READY;
		notify_remote_via_evtchn(e[i].port[0]);
	}
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 0, NULL), 0);
	stop_emulator(test, &e[1]);
	stop_emulator(test, &e[0]);
}

/* Each vCPU notifies the servers with its next request. */
static void decrease_by_dom0_is_notified(struct kunit *test)
{
	xen_pfn_t gfn = 5;
	struct xen_memory_reservation r = { .domid = DOM, .nr_extents = 1 };
	struct emulator e = {};

	start(test, mode_of(test));
	fake_domain_set_vcpus(DOM, 2);
	start_emulator(test, &e, 2);
	set_xen_guest_handle(r.extent_start, &gfn);
	KUNIT_EXPECT_EQ(test, HYPERVISOR_memory_op(XENMEM_decrease_reservation, &r), 1l);
	KUNIT_EXPECT_EQ(test, e.requests, 0u);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 1, 4), 0);
	KUNIT_EXPECT_EQ(test, e.requests, 2u);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 1, 4), 0);
	KUNIT_EXPECT_EQ(test, e.requests, 3u);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 1, MMIO, 1, 4), 0);
	KUNIT_EXPECT_EQ(test, e.requests, 5u);
	stop_emulator(test, &e);
}

static void state_that_goes_back_is_noticed(struct kunit *test)
{
	static const struct {
		u8 first, then;
		int rc;
	} cases[] = {
		{ STATE_IOREQ_INPROCESS, STATE_IORESP_READY, 0 },
		{ STATE_IOREQ_INPROCESS, STATE_IOREQ_READY, -EIO },
		{ 4, STATE_IORESP_READY, -EIO },
		{ STATE_IOREQ_NONE, STATE_IOREQ_NONE, 0 },
	};
	const struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_READ,
		.addr = MMIO,
		.count = 1,
		.size = 4,
	};
	struct emulator e = { .silent = true };
	struct xen_ioreq got;
	unsigned int i;

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, 0, &req), 0);
		e.slots[0].state = cases[i].first;
		notify_remote_via_evtchn(e.port[0]);
		e.slots[0].state = cases[i].then;
		notify_remote_via_evtchn(e.port[0]);
		KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 0, &got), cases[i].rc);
		KUNIT_EXPECT_EQ(test, fake_xen_errors(), i ? 1u : 0u);
		fake_xen_forgive();
		e.slots[0].state = STATE_IOREQ_NONE;
	}
	KUNIT_EXPECT_EQ_MSG(test, got.data, ~0ull, "no answer reads as ones");
	stop_emulator(test, &e);
}

static void slot_that_is_not_left_alone_is_noticed(struct kunit *test)
{
	struct emulator e = {};
	u32 port;

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	e.slots[0].state = STATE_IORESP_READY;
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 1, 4), -ENODEV);
	e.slots[0].state = STATE_IOREQ_NONE;
	port = e.slots[0].vp_eport;
	e.slots[0].vp_eport = 0;
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 1, 4), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 2u);
	fake_xen_forgive();
	e.slots[0].vp_eport = port;
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 1, 4), 0);
	stop_emulator(test, &e);
}

/* The old port stays dead, even if a new server has the same id. */
static void port_of_a_destroyed_server_gets_no_events(struct kunit *test)
{
	struct emulator e = {}, next = {};
	unsigned int events;

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	KUNIT_EXPECT_EQ(test, destroy(&e), 0);
	events = e.events;
	start_emulator(test, &next, 1);
	KUNIT_EXPECT_EQ(test, next.id, e.id);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 1, 4), 0);
	KUNIT_EXPECT_EQ(test, next.requests, 1u);
	notify_remote_via_evtchn(e.port[0]);
	KUNIT_EXPECT_EQ(test, e.events, events);
	stop_emulator(test, &next);
	stop_emulator(test, &e);
}

/*
 * With the patches of xen/: a last event comes, the ports are 0, no vCPU waits, and no page is
 * protected.
 */
static void guest_that_is_taken_away_leaves_no_server(struct kunit *test)
{
	const struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.addr = MMIO,
		.count = 1,
		.size = 4,
	};
	struct emulator e = { .silent = true };
	struct xen_dm_op claim = {
		.op = XEN_DMOP_map_mem_type_to_ioreq_server,
		.u.map_mem_type_to_ioreq_server = {
			.type = XEN_HVMMEM_ioreq_server,
			.flags = XEN_DMOP_IOREQ_MEM_ACCESS_WRITE,
		},
	};
	struct xen_dm_op trap = {
		.op = XEN_DMOP_set_mem_type,
		.u.set_mem_type = {
			.nr = 1,
			.mem_type = XEN_HVMMEM_ioreq_server,
			.first_pfn = 5,
		},
	};
	unsigned int events;

	start(test, FAKE_PV_DOMU);
	fake_domain_set_target(DOM, true);
	KUNIT_ASSERT_EQ(test, create(&e), 0);
	e.vcpus = 1;
	KUNIT_ASSERT_EQ(test, xen_alloc_unpopulated_pages(1, &e.page), 0);
	KUNIT_ASSERT_EQ(test, map_server_page(&e), 0);
	KUNIT_ASSERT_EQ(test, map_range(&e, MMIO, MMIO + 0xfff), 0);
	KUNIT_ASSERT_EQ(test, set_enabled(&e, true), 0);
	KUNIT_ASSERT_EQ(test, bind_vcpu(&e, 0), 0);
	claim.u.map_mem_type_to_ioreq_server.id = e.id;
	KUNIT_EXPECT_EQ(test, dm(DOM, &claim), 0);
	KUNIT_EXPECT_EQ(test, dm(DOM, &trap), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, 0, &req), 0);
	events = e.events;
	fake_domain_retarget(DOM);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 0, NULL), -ECANCELED);
	KUNIT_EXPECT_EQ(test, e.events, events + 1);
	KUNIT_EXPECT_EQ(test, e.slots[0].vp_eport, 0u);
	KUNIT_EXPECT_EQ(test, fake_servers(DOM), 0u);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
	KUNIT_EXPECT_FALSE(test, fake_domain_claimed(DOM));
	stop_emulator(test, &e);
	KUNIT_EXPECT_EQ_MSG(test, create(&e), 0, "it is ours again");
}

static void masked_event_comes_after_enable_irq(struct kunit *test)
{
	const struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.addr = MMIO,
		.count = 1,
		.size = 4,
	};
	struct emulator e = {};

	start(test, mode_of(test));
	fake_domain_set_vcpus(DOM, 2);
	start_emulator(test, &e, 2);
	disable_irq(e.irq[1]);
	KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, 1, &req), 0);
	KUNIT_EXPECT_EQ(test, e.requests, 0u);
	enable_irq(e.irq[1]);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, e.requests, 1u);
	stop_emulator(test, &e);
}

static void server_page_keeps_a_dead_guest_a_zombie(struct kunit *test)
{
	struct emulator e = {};

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_TRUE(test, fake_domain_exists(DOM));
	stop_emulator(test, &e);
	KUNIT_EXPECT_FALSE(test, fake_domain_exists(DOM));
}

static void eoi_of_the_wrong_irq_is_noticed(struct kunit *test)
{
	struct emulator e = {};

	start(test, mode_of(test));
	start_emulator(test, &e, 1);
	xen_irq_lateeoi(e.irq[0], 0);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 1u);
	fake_xen_forgive();
	stop_emulator(test, &e);
}

static struct kunit_case ioreq_cases[] = {
	KUNIT_CASE_PARAM(vcpu_gets_its_answer, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(destroying_a_server_wakes_no_vcpu, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(vcpu_stops_waiting_when_its_guest_dies, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(enabling_writes_the_ports, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(server_page_is_not_in_the_allowance, both_dom0s_gen_params),
	KUNIT_CASE(mapping_a_page_again_takes_no_reference),
	KUNIT_CASE(unknown_resources_are_refused),
	KUNIT_CASE(servers_are_for_who_has_control),
	KUNIT_CASE_PARAM(dying_guest_gets_no_server, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(server_of_a_dying_guest_can_be_destroyed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(caller_is_no_guest_of_its_own, both_dom0s_gen_params),
	KUNIT_CASE(operation_that_is_cut_off_is_refused),
	KUNIT_CASE_PARAM(ranges_merge_and_split, both_dom0s_gen_params),
	KUNIT_CASE(ranges_have_a_limit),
	KUNIT_CASE_PARAM(all_servers_are_notified_at_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(decrease_by_dom0_is_notified, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(state_that_goes_back_is_noticed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(slot_that_is_not_left_alone_is_noticed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(port_of_a_destroyed_server_gets_no_events, both_dom0s_gen_params),
	KUNIT_CASE(guest_that_is_taken_away_leaves_no_server),
	KUNIT_CASE_PARAM(masked_event_comes_after_enable_irq, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(server_page_keeps_a_dead_guest_a_zombie, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(eoi_of_the_wrong_irq_is_noticed, both_dom0s_gen_params),
	{}
};

static struct kunit_suite ioreq_suite = {
	.name = "fake_ioreq",
	.exit = ioreq_exit,
	.test_cases = ioreq_cases,
};

kunit_test_suite(ioreq_suite);
