// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the ioreq server (vgpu/xen/ioreq_server.c) over the fake hypervisor, on both kinds of
 * dom0: every request is answered, even if the server stops, and nothing of Xen's is left. Also
 * tests the write protection of a guest's memory, which a server claims (vgpu/xen/dm_op.c).
 */

#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "vgpu/xen/dm_op.h"
#include "vgpu/xen/ioreq.h"
#include "vgpu/xen/ioreq_server.h"
#include "modules.h"
#include "vgpu_fixture.h"

#define MMIO		0xe0000000ull
#define MMIO_SIZE	0x10000

struct recorder {
	struct xengt_ioreq_server server;
	unsigned int requests;
	struct xen_ioreq last;
	u64 blocked_addr;		/* a request there waits for "go" */
	struct completion blocked;
	struct completion go;
	void *buffers[FAKE_MAX_VCPUS];	/* of requests at MMIO + 8 * vCPU */
	atomic_t gone;
};

static void record(struct xengt_ioreq_server *server, struct xen_ioreq *req,
		   const struct xengt_ioreq_scratch *room)
{
	struct recorder *r = container_of(server, struct recorder, server);

	r->requests++;
	r->last = *req;
	/* An invalidate has no answer. */
	if (room)
		memset(room->buffer, 0x5a, XENGT_IOREQ_BYTES);
	if (req->addr >= MMIO && req->addr < MMIO + 8 * FAKE_MAX_VCPUS)
		r->buffers[(req->addr - MMIO) / 8] = room->buffer;
	if (req->addr == r->blocked_addr && req->type == IOREQ_TYPE_COPY) {
		complete(&r->blocked);
		wait_for_completion(&r->go);
	}
	if (req->dir == IOREQ_READ)
		req->data = ~req->addr;
}

static struct recorder *new_recorder(struct kunit *test)
{
	struct recorder *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->server.handle = record;
	r->blocked_addr = ~0ull;
	init_completion(&r->blocked);
	init_completion(&r->go);
	return r;
}

static int start_recorder(struct recorder *r)
{
	return xengt_ioreq_server_start(&r->server, DOM, MMIO, MMIO + MMIO_SIZE - 1);
}

static struct recorder *started_recorder(struct kunit *test, unsigned int vcpus)
{
	struct recorder *r = new_recorder(test);

	fake_domain_set_vcpus(DOM, vcpus);
	KUNIT_ASSERT_EQ(test, start_recorder(r), 0);
	return r;
}

static struct xen_ioreq write_at(u64 addr)
{
	return (struct xen_ioreq){
		.type = IOREQ_TYPE_COPY,
		.addr = addr,
		.count = 1,
		.size = 4,
		.dir = IOREQ_WRITE,
	};
}

static void expect_nothing_left(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, fake_servers(DOM), 0u);
	KUNIT_EXPECT_EQ(test, fake_evtchn_ports(), 0u);
	KUNIT_EXPECT_EQ(test, fake_evtchn_irqs(), 0u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
}

static void request_comes_as_the_guest_made_it(struct kunit *test)
{
	struct recorder *r = started_recorder(test, 1);
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.addr = MMIO + 0x1234,
		.data = 0x1122334455667788ull,
		.count = 3,
		.size = 8,
		.dir = IOREQ_WRITE,
		.df = 1,
		.data_is_ptr = 1,
	};
	struct xen_ioreq sent = req;

	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &req), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 1u);
	sent.state = STATE_IOREQ_READY;
	sent.vp_eport = r->last.vp_eport;
	KUNIT_EXPECT_EQ(test, memcmp(&r->last, &sent, sizeof(sent)), 0);
	xengt_ioreq_server_stop(&r->server);
	expect_nothing_left(test);
}

/* Only a read by value has its answer in the request. */
static void answer_is_there_for_reads_by_value(struct kunit *test)
{
	struct recorder *r = started_recorder(test, 1);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct xen_ioreq req = write_at(MMIO + 0x1000);

		req.dir = i & 1;
		req.data_is_ptr = i >> 1;
		req.data = 0x1000;
		KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &req), 0);
		KUNIT_EXPECT_EQ(test, req.data, i == 1 ? ~(MMIO + 0x1000) : 0x1000ull);
	}
	xengt_ioreq_server_stop(&r->server);
}

static void request_of_every_shape_is_answered(struct kunit *test)
{
	static const u32 counts[] = { 0, 1, 2, 100 };
	struct recorder *r = started_recorder(test, 1);
	unsigned int i, n = 16 * 17 * ARRAY_SIZE(counts) * 8;

	for (i = 0; i < n && !fake_xen_errors(); i++) {
		struct xen_ioreq req = {
			.addr = MMIO + 0x8000,
			.dir = i,
			.df = i >> 1,
			.data_is_ptr = i >> 2,
			.count = counts[i / 8 % ARRAY_SIZE(counts)],
			.type = i / 8 / ARRAY_SIZE(counts) % 16,
			.size = i / 8 / ARRAY_SIZE(counts) / 16,
		};

		KUNIT_EXPECT_EQ(test, fake_vcpu_io_any(DOM, 0, &req), 0);
	}
	KUNIT_EXPECT_EQ(test, r->requests, n);
	xengt_ioreq_server_stop(&r->server);
}

/* A request is READY when its vCPU's port is bound, so the event comes inside the bind call. */
static void send_at_bind(enum fake_call kind, void *data)
{
	const struct xen_ioreq req = { .type = IOREQ_TYPE_INVALIDATE, .size = 4 };
	int *sent = data;

	if (kind == FAKE_CALL_EVTCHN_BIND && *sent < 0)
		*sent = fake_vcpu_send(DOM, 0, &req);
}

static void event_inside_the_bind_call_is_served(struct kunit *test)
{
	struct recorder *r = new_recorder(test);
	int sent = -1;

	fake_xen_set_hook(send_at_bind, &sent);
	KUNIT_ASSERT_EQ(test, start_recorder(r), 0);
	KUNIT_EXPECT_EQ(test, sent, 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 1u);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 1, 4), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 2u);
	xengt_ioreq_server_stop(&r->server);
}

static void one_vcpu_does_not_wait_for_another(struct kunit *test)
{
	const struct xen_ioreq req = write_at(MMIO);
	struct recorder *r = started_recorder(test, FAKE_MAX_VCPUS);
	unsigned int vcpu, i;

	r->blocked_addr = MMIO;
	KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, 0, &req), 0);
	wait_for_completion(&r->blocked);
	for (vcpu = 1; vcpu < FAKE_MAX_VCPUS; vcpu++)
		KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, vcpu, MMIO + 8 * vcpu, 0, 8), 0);
	complete(&r->go);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, r->requests, (unsigned int)FAKE_MAX_VCPUS);
	for (vcpu = 0; vcpu < FAKE_MAX_VCPUS; vcpu++) {
		for (i = 0; i < vcpu; i++)
			KUNIT_EXPECT_PTR_NE(test, r->buffers[i], r->buffers[vcpu]);
	}
	xengt_ioreq_server_stop(&r->server);
	expect_nothing_left(test);
}

/* 16: slow requests of many other vCPUs do not delay a guest. */
static void no_guest_waits_for_others(struct kunit *test)
{
	const struct xen_ioreq req = write_at(MMIO);
	struct recorder *busy[2] = { new_recorder(test), started_recorder(test, FAKE_MAX_VCPUS) };
	unsigned int i, vcpu;

	for (i = 0; i < ARRAY_SIZE(busy); i++)
		busy[i]->blocked_addr = MMIO;
	fake_domain_set_vcpus(OTHER_DOM, FAKE_MAX_VCPUS);
	KUNIT_ASSERT_EQ(test, xengt_ioreq_server_start(&busy[0]->server, OTHER_DOM, MMIO,
						       MMIO + MMIO_SIZE - 1), 0);
	for (vcpu = 0; vcpu < FAKE_MAX_VCPUS; vcpu++) {
		KUNIT_EXPECT_EQ(test, fake_vcpu_send(OTHER_DOM, vcpu, &req), 0);
		if (vcpu)
			KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, vcpu, &req), 0);
	}
	/* All slow requests are being handled. */
	for (i = 0; i < 2 * FAKE_MAX_VCPUS - 1; i++) {
		if (!wait_for_completion_timeout(&busy[i % 2]->blocked, 20 * HZ))
			break;
	}
	KUNIT_EXPECT_EQ(test, i, 2u * FAKE_MAX_VCPUS - 1);
	if (i == 2 * FAKE_MAX_VCPUS - 1)
		KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO + 8, 0, 8), 0);
	for (i = 0; i < ARRAY_SIZE(busy); i++)
		complete_all(&busy[i]->go);
	for (vcpu = 0; vcpu < FAKE_MAX_VCPUS; vcpu++) {
		KUNIT_EXPECT_EQ(test, fake_vcpu_wait(OTHER_DOM, vcpu, NULL), 0);
		if (vcpu)
			KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, vcpu, NULL), 0);
	}
	for (i = 0; i < ARRAY_SIZE(busy); i++)
		xengt_ioreq_server_stop(&busy[i]->server);
	expect_nothing_left(test);
}

static void every_vcpu_gets_its_own_answer(struct kunit *test)
{
	struct recorder *r = started_recorder(test, 4);
	struct xen_ioreq req;
	unsigned int vcpu, round;

	for (round = 0; round < 50; round++) {
		for (vcpu = 0; vcpu < 4; vcpu++) {
			req = write_at(MMIO + 0x2000 + round * 64 + vcpu * 8);
			req.dir = IOREQ_READ;
			KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, vcpu, &req), 0);
		}
		for (vcpu = 0; vcpu < 4; vcpu++) {
			KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, vcpu, &req), 0);
			KUNIT_EXPECT_EQ(test, req.data, ~(MMIO + 0x2000 + round * 64 + vcpu * 8));
		}
	}
	KUNIT_EXPECT_EQ(test, r->requests, 200u);
	xengt_ioreq_server_stop(&r->server);
}

static void range_is_exactly_what_was_asked_for(struct kunit *test)
{
	struct recorder *r = started_recorder(test, 1);

	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 0, 8), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO + MMIO_SIZE - 8, 0, 8), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO + MMIO_SIZE, 0, 1), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO - 1, 0, 1), -ENODEV);
	xengt_ioreq_server_stop(&r->server);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 0, 8), -ENODEV);
}

/* Every vCPU sends an invalidate as soon as the server is enabled. */
static void invalidate_when_enabled(enum fake_call kind, void *data)
{
	unsigned int vcpu, *sent = data;

	if (kind != FAKE_CALL_EVTCHN_BIND || *sent)
		return;
	for (vcpu = 0; vcpu < FAKE_MAX_VCPUS; vcpu++) {
		if (fake_vcpu_send_invalidate(DOM, vcpu))
			*sent |= BIT(vcpu);
	}
}

/* 11: the start fails at any call, and all vCPUs get answers. */
static void failed_start_leaves_no_vcpu_waiting(struct kunit *test)
{
	static const enum fake_call kinds[] = {
		FAKE_CALL_EVTCHN_BIND, FAKE_CALL_BIND_IRQ, FAKE_CALL_DM_MAP_RANGE,
	};
	unsigned int i, nth, vcpu, sent, tries;
	struct recorder *r = new_recorder(test);
	int rc;

	fake_domain_set_vcpus(DOM, FAKE_MAX_VCPUS);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		tries = kinds[i] == FAKE_CALL_DM_MAP_RANGE ? 1 : FAKE_MAX_VCPUS;
		for (nth = 1; nth <= tries; nth++) {
			sent = 0;
			r->requests = 0;
			fake_xen_fail_call(kinds[i], nth, -ENOSPC);
			fake_xen_set_hook(invalidate_when_enabled, &sent);
			rc = start_recorder(r);
			fake_xen_set_hook(NULL, NULL);
			fake_xen_fail_nothing();
			KUNIT_EXPECT_EQ(test, rc, -ENOSPC);
			KUNIT_EXPECT_EQ(test, sent, (unsigned int)BIT(FAKE_MAX_VCPUS) - 1);
			for (vcpu = 0; vcpu < FAKE_MAX_VCPUS; vcpu++)
				KUNIT_ASSERT_EQ(test, fake_vcpu_wait(DOM, vcpu, NULL), 0);
			KUNIT_EXPECT_EQ(test, r->requests, (unsigned int)FAKE_MAX_VCPUS);
			expect_nothing_left(test);
		}
	}
}

/* Stops */

static int stop_server(void *data)
{
	struct recorder *r = data;

	xengt_ioreq_server_stop(&r->server);
	complete(&r->blocked);
	return 0;
}

static void request_being_handled_when_the_server_stops_is_answered(struct kunit *test)
{
	const struct xen_ioreq req = write_at(MMIO + 0x100);
	struct recorder *r = started_recorder(test, 2);

	r->blocked_addr = MMIO + 0x100;
	KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, 1, &req), 0);
	wait_for_completion(&r->blocked);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(stop_server, r, "stop_server")));
	/* The server is disabled in Xen, and waits for the request. */
	fake_xen_reset_calls();
	while (!fake_xen_calls(FAKE_CALL_DM_SET_STATE))
		schedule();
	complete(&r->go);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	wait_for_completion(&r->blocked);
	expect_nothing_left(test);
}

static void request_whose_event_has_not_come_is_answered_at_stop(struct kunit *test)
{
	const struct xen_ioreq req = write_at(MMIO + 0x100);
	struct recorder *r = started_recorder(test, 2);

	/* Hides the event, as if it were on its way, after those of the bind calls are handled. */
	flush_work(&r->server.vcpus[1].work);
	disable_irq(r->server.vcpus[1].irq);
	KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, 1, &req), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 0u);
	xengt_ioreq_server_stop(&r->server);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 1u);
	expect_nothing_left(test);
}

static void send_at_disable(enum fake_call kind, void *data)
{
	const struct xen_ioreq req = write_at(MMIO + 0x100);
	int *sent = data;

	if (kind == FAKE_CALL_DM_SET_STATE && *sent < 0)
		*sent = fake_vcpu_send(DOM, 0, &req);
}

static void last_request_before_the_server_is_disabled_is_answered(struct kunit *test)
{
	struct recorder *r = started_recorder(test, 1);
	int sent = -1;

	fake_xen_set_hook(send_at_disable, &sent);
	xengt_ioreq_server_stop(&r->server);
	KUNIT_EXPECT_EQ(test, sent, 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 1u);
	expect_nothing_left(test);
}

static void server_of_a_dead_guest_stops(struct kunit *test)
{
	struct recorder *r = started_recorder(test, 4);

	fake_domain_kill(DOM);
	KUNIT_EXPECT_TRUE_MSG(test, fake_domain_exists(DOM), "the server's page keeps it");
	xengt_ioreq_server_stop(&r->server);
	KUNIT_EXPECT_FALSE(test, fake_domain_exists(DOM));
	expect_nothing_left(test);
}

static void guest_may_die_during_a_request(struct kunit *test)
{
	const struct xen_ioreq req = write_at(MMIO + 0x100);
	struct recorder *r = started_recorder(test, 1);

	r->blocked_addr = MMIO + 0x100;
	KUNIT_EXPECT_EQ(test, fake_vcpu_send(DOM, 0, &req), 0);
	wait_for_completion(&r->blocked);
	fake_domain_kill(DOM);
	complete(&r->go);
	xengt_ioreq_server_stop(&r->server);
	KUNIT_EXPECT_FALSE(test, fake_domain_exists(DOM));
	expect_nothing_left(test);
}

static void server_stops_when_xen_refuses_everything(struct kunit *test)
{
	static const enum fake_call kinds[] = { FAKE_CALL_DM_SET_STATE, FAKE_CALL_DM_DESTROY };
	struct recorder *r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		r = new_recorder(test);
		KUNIT_ASSERT_EQ(test, start_recorder(r), 0);
		fake_xen_fail_call(kinds[i], 1, -EPERM);
		xengt_ioreq_server_stop(&r->server);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		KUNIT_EXPECT_EQ(test, fake_evtchn_ports(), 0u);
		KUNIT_EXPECT_EQ(test, fake_evtchn_irqs(), 0u);
		KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	}
	fake_domain_kill(DOM);
}

static void note_gone(struct xengt_ioreq_server *server)
{
	struct recorder *r = container_of(server, struct recorder, server);

	atomic_inc(&r->gone);
}

/*
 * Xen destroys the server when a driver domain loses its target. The last event of each vCPU shows
 * it.
 */
static void server_that_xen_destroys_is_noticed(struct kunit *test)
{
	struct recorder *r = new_recorder(test);

	fake_domain_set_vcpus(DOM, 2);
	r->server.gone = note_gone;
	KUNIT_ASSERT_EQ(test, start_recorder(r), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, MMIO, 0, 8), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 1, MMIO, 0, 8), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->gone), 0);
	fake_ioreq_revoke(DOM);
	wait_for(test, atomic_read(&r->gone) == 2);
	xengt_ioreq_server_stop(&r->server);
	expect_nothing_left(test);
}

/* Starts that fail */

static void start_fails_cleanly_at_every_hypercall(struct kunit *test)
{
	struct recorder *r = new_recorder(test);
	unsigned int nth;
	int rc;

	fake_domain_set_vcpus(DOM, 3);
	for (nth = 1; nth < 100; nth++) {
		fake_xen_fail_call(FAKE_CALL_ANY, nth, -ENOSPC);
		rc = start_recorder(r);
		if (fake_xen_fail_pending())
			break;
		KUNIT_EXPECT_EQ_MSG(test, rc, -ENOSPC, "call %u", nth);
		expect_nothing_left(test);
	}
	/*
	 * Create, page, acquire, enable, three for each vCPU, range; on PV the map of the page,
	 * too.
	 */
	KUNIT_EXPECT_EQ(test, nth - 1, mode_of(test) == FAKE_PV_DOM0 ? 15u : 14u);
	fake_xen_fail_nothing();
	KUNIT_EXPECT_EQ(test, rc, 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 2, MMIO, 0, 8), 0);
	xengt_ioreq_server_stop(&r->server);
	expect_nothing_left(test);
}

/* 9: stopping a server that did not start, or that is stopped already, does nothing. */
static void stop_without_a_start_does_nothing(struct kunit *test)
{
	struct recorder *r = new_recorder(test);
	unsigned long calls;

	fake_xen_fail_call(FAKE_CALL_DM_MAP_RANGE, 1, -ENOSPC);
	KUNIT_EXPECT_EQ(test, start_recorder(r), -ENOSPC);
	calls = fake_xen_calls(FAKE_CALL_ANY);
	xengt_ioreq_server_stop(&r->server);
	fake_fail_alloc(1);
	KUNIT_EXPECT_EQ(test, start_recorder(r), -ENOMEM);
	fake_fail_alloc_stop();
	xengt_ioreq_server_stop(&r->server);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), calls);
	KUNIT_EXPECT_EQ(test, start_recorder(r), 0);
	xengt_ioreq_server_stop(&r->server);
	xengt_ioreq_server_stop(&r->server);
	expect_nothing_left(test);
}

/* 6: a positive value is an error, too, though Xen's errors are negative. */
static void start_fails_cleanly_at_a_positive_value(struct kunit *test)
{
	static const enum fake_call kinds[] = {
		FAKE_CALL_DM_CREATE, FAKE_CALL_ACQUIRE, FAKE_CALL_DM_SET_STATE,
		FAKE_CALL_EVTCHN_BIND, FAKE_CALL_DM_MAP_RANGE,
	};
	struct recorder *r = new_recorder(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		fake_xen_fail_call(kinds[i], 1, 1);
		KUNIT_EXPECT_EQ_MSG(test, start_recorder(r), -EIO, "kind %u", kinds[i]);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		expect_nothing_left(test);
	}
}

static void start_fails_cleanly_at_every_allocation(struct kunit *test)
{
	struct recorder *r = new_recorder(test);
	unsigned int nth, failed = 0;
	bool pending = false;
	int rc;

	fake_domain_set_vcpus(DOM, 3);
	for (nth = 1; nth < 200 && !pending; nth++) {
		fake_fail_alloc(nth);
		rc = start_recorder(r);
		pending = fake_fail_alloc_stop();
		if (rc) {
			KUNIT_EXPECT_EQ(test, rc, -ENOMEM);
			failed++;
		} else {
			xengt_ioreq_server_stop(&r->server);
		}
		expect_nothing_left(test);
	}
	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_GE(test, failed, 4u);
}

static void guest_that_is_not_there_has_no_server(struct kunit *test)
{
	struct recorder *r = new_recorder(test);

	fake_domain_kill(DOM);
	KUNIT_EXPECT_LT(test, start_recorder(r), 0);
	expect_nothing_left(test);
}

static void server_starts_again_after_it_stopped(struct kunit *test)
{
	struct recorder *r = new_recorder(test);
	unsigned int i;

	fake_domain_set_vcpus(DOM, 2);
	for (i = 0; i < 20; i++) {
		KUNIT_ASSERT_EQ(test, start_recorder(r), 0);
		KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, i & 1, MMIO, 0, 8), 0);
		xengt_ioreq_server_stop(&r->server);
		expect_nothing_left(test);
	}
	KUNIT_EXPECT_EQ(test, r->requests, 20u);
}

/* Write protection */

#define TABLE_GFN	40ull
#define TABLE_ADDR	(TABLE_GFN * PAGE_SIZE)

static int store(unsigned int vcpu, u64 addr, u64 word)
{
	return fake_vcpu_store(DOM, vcpu, addr, &word, sizeof(word));
}

static void write_to_a_protected_page_is_a_request(struct kunit *test)
{
	struct recorder *r = started_recorder(test, 2);

	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, r->server.id, true), 0);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN, 1, true), 0);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 1u);
	KUNIT_EXPECT_EQ(test, store(1, TABLE_ADDR + 8, 0x1234), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 1u);
	KUNIT_EXPECT_EQ(test, r->last.addr, TABLE_ADDR + 8);
	KUNIT_EXPECT_EQ(test, r->last.data, 0x1234ull);
	KUNIT_EXPECT_EQ(test, store(1, TABLE_ADDR + PAGE_SIZE, 1), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 1u);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN, 1, false), 0);
	KUNIT_EXPECT_EQ(test, store(1, TABLE_ADDR + 8, 0x1234), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 1u);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, r->server.id, false), 0);
	xengt_ioreq_server_stop(&r->server);
	expect_nothing_left(test);
}

static void unclaiming_unprotects_all_pages(struct kunit *test)
{
	struct recorder *r = started_recorder(test, 1);
	u64 i;

	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, r->server.id, true), 0);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN + i, 1, true), 0);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 16u);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, r->server.id, false), 0);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
	KUNIT_EXPECT_FALSE(test, fake_domain_claimed(DOM));
	KUNIT_EXPECT_EQ(test, store(0, TABLE_ADDR, 1), 0);
	KUNIT_EXPECT_EQ(test, r->requests, 0u);
	xengt_ioreq_server_stop(&r->server);
}

static void errors_of_write_protection_are_xens(struct kunit *test)
{
	u16 id, other;

	KUNIT_ASSERT_EQ(test, xengt_dm_create_server(DOM, &id), 0);
	KUNIT_ASSERT_EQ(test, xengt_dm_create_server(DOM, &other), 0);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN, 1, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, other + 1, true), -ENOENT);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, id, true), 0);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, id, true), -EBUSY);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, other, true), -EBUSY);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, other, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, NO_GFN, 1, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, U64_MAX, 1, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN, 1, true), 0);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN, 1, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN, 1, false), 0);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN, 1, false), 0);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, id, false), 0);
	fake_domain_set_hap(DOM, false);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, id, true), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN, 1, true), -EOPNOTSUPP);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_EQ(test, xengt_dm_claim_writes(DOM, id, true), -ESRCH);
	KUNIT_EXPECT_EQ(test, xengt_dm_set_write_protect(DOM, TABLE_GFN, 1, false), -ESRCH);
}

static struct kunit_case server_cases[] = {
	KUNIT_CASE_PARAM(request_comes_as_the_guest_made_it, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(answer_is_there_for_reads_by_value, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(request_of_every_shape_is_answered, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(event_inside_the_bind_call_is_served, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(one_vcpu_does_not_wait_for_another, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(no_guest_waits_for_others, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(failed_start_leaves_no_vcpu_waiting, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_vcpu_gets_its_own_answer, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(range_is_exactly_what_was_asked_for, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(request_being_handled_when_the_server_stops_is_answered,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(request_whose_event_has_not_come_is_answered_at_stop,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(last_request_before_the_server_is_disabled_is_answered,
			 both_dom0s_gen_params),
	KUNIT_CASE_PARAM(server_of_a_dead_guest_stops, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_may_die_during_a_request, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(server_stops_when_xen_refuses_everything, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(server_that_xen_destroys_is_noticed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(start_fails_cleanly_at_every_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(start_fails_cleanly_at_a_positive_value, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(stop_without_a_start_does_nothing, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(start_fails_cleanly_at_every_allocation, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_that_is_not_there_has_no_server, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(server_starts_again_after_it_stopped, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_to_a_protected_page_is_a_request, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(unclaiming_unprotects_all_pages, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(errors_of_write_protection_are_xens, both_dom0s_gen_params),
	{}
};

static struct kunit_suite server_suite = {
	.name = "xengt_ioreq_server",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = server_cases,
};

kunit_test_suite(server_suite);
