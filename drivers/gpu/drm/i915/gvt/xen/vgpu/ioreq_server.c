// SPDX-License-Identifier: GPL-2.0
/*
 * An ioreq server in the kernel.
 *
 * Xen puts an access of a vCPU into the vCPU's slot of a shared page, makes it READY, raises the
 * vCPU's event channel, and keeps the vCPU waiting. The interrupt only queues work: each vCPU
 * has its own, so vCPUs are served in parallel. The work copies the request, handles it, and
 * answers. Each server has workers for all its vCPUs, so that no guest waits for another one's.
 *
 * Invariants: a request that was seen is answered, whatever it holds, also when the server
 * stops: Xen would keep the vCPU waiting for good. Nothing of Xen's is left behind by stop: no
 * server, port, irq or page, in whichever step the start failed.
 *
 * Source: Xen's public/hvm/ioreq.h, common/ioreq.c, and hvmemul_do_io() in arch/x86/hvm/emulate.c.
 *
 * Once it has its answer, a vCPU emulates its instruction anew, and Xen expects that this leads to
 * the same request. If it does not, since a page that was trapped has become RAM, an instruction
 * with a rep prefix or a locked one goes on without taking the answer, and Xen crashes the guest at
 * its next request. So who changes that holds the answers back and looks whether one is due.
 *
 * Only answers to stores into the pages that are about to change are held back: other vCPUs go on.
 *
 * A Xen with the patches of xen/ destroys the servers of a domain that the guest is taken from. It
 * tells by a last event, for which there is no request, and no port in the slot any more.
 *
 * Locking: each vCPU's lock is held while its request is handled. The spinlock answers, for what is
 * held back, and for giving an answer; nothing nests inside. Who holds answers back may have locks
 * that handlers take, and one does at a time.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/interrupt.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <xen/events.h>
#include <xen/interface/event_channel.h>
#include <asm/xen/hypercall.h>

#include "dm_op.h"
#include "ioreq.h"
#include "ioreq_server.h"
#include "pte.h"

/* Slots of a page: Xen has no guests with more vCPUs than that. */
#define MAX_VCPUS	(PAGE_SIZE / sizeof(struct xen_ioreq))

/*
 * Does the request touch the addresses from start to end, or may its instruction? One that stores
 * across two pages is two requests, and the second one is at the start of its page.
 */
static bool touches(const struct xen_ioreq *req, u64 start, u64 end)
{
	u64 rest = (u64)req->size * (max(req->count, 1u) - 1);
	u64 first = req->df ? req->addr - min(req->addr, rest) : req->addr;
	u64 last = (req->df ? req->addr : req->addr + rest) + req->size;

	return first <= end + req->size && last > start;
}

static bool is_held(const struct xengt_ioreq_server *server, const struct xen_ioreq *req)
{
	lockdep_assert_held(&server->answers);
	return server->held && touches(req, server->held_start, server->held_end);
}

/* Waits while answers to such requests are held back. */
static void answer(struct xengt_ioreq_vcpu *vcpu, const struct xen_ioreq *req)
{
	struct xengt_ioreq_server *server = vcpu->server;
	struct xen_ioreq *slot = vcpu->slot;

	spin_lock_irq(&server->answers);
	wait_event_lock_irq(server->gone_on, !is_held(server, req), server->answers);
	if (req->dir == IOREQ_READ && !req->data_is_ptr)
		slot->data = req->data;
	/* The answer is there before the vCPU is told. */
	virt_wmb();
	slot->state = STATE_IORESP_READY;
	spin_unlock_irq(&server->answers);
	notify_remote_via_evtchn(vcpu->port);
}

/* Handles the vCPU's request, if there is one; tells whether there was. */
static bool serve(struct xengt_ioreq_vcpu *vcpu)
{
	struct xen_ioreq *slot = vcpu->slot;
	struct xen_ioreq req;

	lockdep_assert_held(&vcpu->lock);
	if (slot->state != STATE_IOREQ_READY)
		return false;
	/* Pairs with Xen's barrier between filling the slot and making it READY. */
	virt_rmb();
	req = *slot;
	slot->state = STATE_IOREQ_INPROCESS;
	vcpu->server->handle(vcpu->server, &req, &vcpu->room);
	answer(vcpu, &req);
	return true;
}

static void serve_work(struct work_struct *work)
{
	struct xengt_ioreq_vcpu *vcpu = container_of(work, struct xengt_ioreq_vcpu, work);
	bool served, gone;

	mutex_lock(&vcpu->lock);
	served = serve(vcpu);
	gone = !served && !READ_ONCE(vcpu->slot->vp_eport);
	mutex_unlock(&vcpu->lock);
	if (gone && vcpu->server->gone)
		vcpu->server->gone(vcpu->server);
	xen_irq_lateeoi(READ_ONCE(vcpu->seen_irq), served ? 0 : XEN_EOI_FLAG_SPURIOUS);
}

static irqreturn_t on_event(int irq, void *data)
{
	struct xengt_ioreq_vcpu *vcpu = data;

	WRITE_ONCE(vcpu->seen_irq, irq);
	queue_work(vcpu->server->workers, &vcpu->work);
	return IRQ_HANDLED;
}

static int bind_port(struct xengt_ioreq_vcpu *vcpu)
{
	struct evtchn_bind_interdomain bind = {
		.remote_dom = vcpu->server->domid,
		.remote_port = vcpu->slot->vp_eport,
	};
	int rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

	vcpu->port = bind.local_port;
	return rc;
}

static void close_port(struct xengt_ioreq_vcpu *vcpu)
{
	struct evtchn_close close = { .port = vcpu->port };

	HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
}

/* So that no vCPU waits until another one has had guest memory copied. */
static int make_room(struct xengt_ioreq_vcpu *vcpu)
{
	int rc = xengt_foreign_page_init(&vcpu->page, vcpu->server->domid);

	if (rc)
		return rc;
	vcpu->room.page = &vcpu->page;
	vcpu->room.buffer = kmalloc(XENGT_IOREQ_BYTES, GFP_KERNEL);
	if (vcpu->room.buffer)
		return 0;
	xengt_foreign_page_exit(&vcpu->page);
	return -ENOMEM;
}

static void free_room(struct xengt_ioreq_vcpu *vcpu)
{
	kfree(vcpu->room.buffer);
	xengt_foreign_page_exit(&vcpu->page);
}

static int start_vcpu(struct xengt_ioreq_server *server, struct xen_ioreq *slot)
{
	struct xengt_ioreq_vcpu *vcpu = &server->vcpus[server->nr_vcpus];
	int rc;

	vcpu->server = server;
	vcpu->slot = slot;
	mutex_init(&vcpu->lock);
	INIT_WORK(&vcpu->work, serve_work);
	rc = make_room(vcpu);
	if (rc)
		return rc;
	rc = bind_port(vcpu);
	if (rc)
		goto free;
	/* The first event can come before this returns. */
	rc = bind_evtchn_to_irqhandler_lateeoi(vcpu->port, on_event, 0, KBUILD_MODNAME, vcpu);
	if (rc < 0)
		goto close;
	vcpu->irq = rc;
	server->nr_vcpus++;
	return 0;

close:
	close_port(vcpu);
free:
	free_room(vcpu);
	return rc;
}

/* Xen allows no new requests at this point; what is under way is answered. */
static void stop_vcpu(struct xengt_ioreq_vcpu *vcpu)
{
	disable_irq(vcpu->irq);
	flush_work(&vcpu->work);
	mutex_lock(&vcpu->lock);
	serve(vcpu);
	mutex_unlock(&vcpu->lock);
	unbind_from_irqhandler(vcpu->irq, vcpu);
	free_room(vcpu);
}

/* Of ordinary priority: a guest that traps all the time must not keep dom0's own work waiting. */
static int make_workers(struct xengt_ioreq_server *server)
{
	server->vcpus = kcalloc(MAX_VCPUS, sizeof(*server->vcpus), GFP_KERNEL);
	if (!server->vcpus)
		return -ENOMEM;
	server->workers = alloc_workqueue("xengt_d%u", WQ_UNBOUND, MAX_VCPUS, server->domid);
	if (server->workers)
		return 0;
	kfree(server->vcpus);
	server->vcpus = NULL;
	return -ENOMEM;
}

static bool is_served(const struct xengt_ioreq_server *server, const struct xen_ioreq *slot)
{
	unsigned int i;

	for (i = 0; i < server->nr_vcpus; i++) {
		if (server->vcpus[i].slot == slot)
			return true;
	}
	return false;
}

/*
 * The start failed before the vCPU could be served, and after Xen had allowed requests. The range
 * was not there yet, so the one that there can be is that something left the guest's memory.
 */
static void answer_unserved(struct xengt_ioreq_server *server, struct xen_ioreq *slot)
{
	struct xengt_ioreq_vcpu vcpu = { .server = server, .slot = slot };
	struct xen_ioreq req;
	int rc;

	if (!slot->vp_eport || slot->state != STATE_IOREQ_READY)
		return;
	/* Pairs with Xen's barrier between filling the slot and making it READY. */
	virt_rmb();
	req = *slot;
	rc = bind_port(&vcpu);
	if (rc) {
		pr_err("d%u: a vCPU waits for an answer, and cannot be told: %d\n", server->domid,
		       rc);
		return;
	}
	if (req.type == IOREQ_TYPE_INVALIDATE)
		server->handle(server, &req, NULL);
	answer(&vcpu, &req);
	close_port(&vcpu);
}

/* The ports of vCPUs that were served are closed: there is room for others. */
static void stop_vcpus(struct xengt_ioreq_server *server)
{
	struct xen_ioreq *slots = server->page.va;
	unsigned int i;

	for (i = 0; i < server->nr_vcpus; i++)
		stop_vcpu(&server->vcpus[i]);
	for (i = 0; server->enabled && i < MAX_VCPUS; i++) {
		if (!is_served(server, &slots[i]))
			answer_unserved(server, &slots[i]);
	}
}

/* The ports are there once the server is enabled. */
static int start_vcpus(struct xengt_ioreq_server *server)
{
	struct xen_ioreq *slots = server->page.va;
	unsigned int i;
	int rc;

	for (i = 0; i < MAX_VCPUS; i++) {
		if (!slots[i].vp_eport)
			continue;
		rc = start_vcpu(server, &slots[i]);
		if (rc) {
			pr_err("d%u: vCPU %u cannot be served: %d\n", server->domid, i, rc);
			return rc;
		}
	}
	return 0;
}

/**
 * xengt_ioreq_server_start - take a guest's accesses to a range of addresses
 * @server: the server, with @handle and @gone set
 * @domid: the guest, HVM or PVH
 * @start: the first guest-physical address of the range
 * @end: the last one
 *
 * Context: process context, may sleep. The handler can be called before this returns.
 * Return: 0 or an error of Xen's or ours, when nothing is left behind.
 */
int xengt_ioreq_server_start(struct xengt_ioreq_server *server, domid_t domid, u64 start,
			     u64 end)
{
	const char *step;
	int rc;

	server->domid = domid;
	server->nr_vcpus = 0;
	server->page.page = NULL;
	server->enabled = false;
	server->held = false;
	spin_lock_init(&server->answers);
	init_waitqueue_head(&server->gone_on);
	rc = make_workers(server);
	if (rc)
		return rc;

	step = "create the server";
	rc = xengt_dm_create_server(domid, &server->id);
	server->created = !rc;
	if (rc)
		goto fail;
	step = "get address space for its page";
	rc = xengt_foreign_page_init(&server->page, domid);
	if (rc)
		goto fail;
	step = "map its page";
	rc = xengt_foreign_page_map_ioreq(&server->page, server->id);
	if (rc)
		goto fail;
	step = "enable the server";
	rc = xengt_dm_set_state(domid, server->id, true);
	server->enabled = !rc;
	if (rc)
		goto fail;
	step = "serve the vCPUs";
	rc = start_vcpus(server);
	if (rc)
		goto fail;
	/* Last, so that no access waits for a vCPU that cannot be served. */
	step = "map the range";
	rc = xengt_dm_map_range(domid, server->id, start, end);
	if (rc)
		goto fail;
	return 0;

fail:
	pr_err("d%u: ioreq server: cannot %s: %d\n", domid, step, rc);
	xengt_ioreq_server_stop(server);
	return rc;
}

/**
 * xengt_ioreq_server_add_range - take the accesses to one more range of addresses
 * @server: a server that was started
 * @start: the first guest-physical address of the range
 * @end: the last one
 *
 * Context: process context, may sleep.
 * Return: 0 or an error of Xen's.
 */
int xengt_ioreq_server_add_range(struct xengt_ioreq_server *server, u64 start, u64 end)
{
	int rc = xengt_dm_map_range(server->domid, server->id, start, end);

	if (rc)
		pr_err("d%u: ioreq server: cannot map the range from %#llx: %d\n", server->domid,
		       start, rc);
	return rc;
}

/**
 * xengt_ioreq_server_stop - stop taking a guest's accesses
 * @server: a server whose start was tried
 *
 * Requests under way are answered. Works for a guest that is dying or gone, too, where Xen has
 * taken the server down itself.
 *
 * Context: process context, may sleep; the handler may run until this returns.
 */
void xengt_ioreq_server_stop(struct xengt_ioreq_server *server)
{
	if (server->created)
		xengt_dm_set_state(server->domid, server->id, false);
	stop_vcpus(server);
	if (server->created)
		xengt_dm_destroy_server(server->domid, server->id);
	xengt_foreign_page_exit(&server->page);
	destroy_workqueue(server->workers);
	kfree(server->vcpus);
	server->vcpus = NULL;
	server->nr_vcpus = 0;
	server->created = false;
}

/**
 * xengt_ioreq_server_settle - wait until no vCPU is in the middle of an instruction
 * @server: a server that was started
 *
 * Xen pauses the guest for a moment, even if there is nothing to change. After that a vCPU that had
 * taken its answer has completed its instruction, and a request that was on its way is there.
 *
 * Context: process context, may sleep.
 * Return: 0 or an error of Xen's, when nothing is known.
 */
int xengt_ioreq_server_settle(struct xengt_ioreq_server *server)
{
	return xengt_dm_set_state(server->domid, server->id, true);
}

/**
 * xengt_ioreq_server_hold - give no answers to stores into some addresses for a while
 * @server: a server that was started, and that gives all its answers
 * @start: the first guest-physical address
 * @end: the last one
 *
 * After it, a vCPU that has such a request of this server's to complete is one that
 * xengt_ioreq_server_quiet() finds. To be undone with xengt_ioreq_server_go_on(), soon, as vCPUs
 * that store there wait until then; others do not.
 *
 * Context: process context, may sleep; not while such a request is answered.
 * Return: 0 or an error of Xen's, when nothing is held.
 */
int xengt_ioreq_server_hold(struct xengt_ioreq_server *server, u64 start, u64 end)
{
	int rc;

	spin_lock_irq(&server->answers);
	WARN_ON(server->held);
	server->held = true;
	server->held_start = start;
	server->held_end = end;
	spin_unlock_irq(&server->answers);
	rc = xengt_ioreq_server_settle(server);
	if (rc)
		xengt_ioreq_server_go_on(server);
	return rc;
}

/* Has the vCPU a request to complete that touches the addresses? */
static bool is_busy(const struct xengt_ioreq_vcpu *vcpu, u64 start, u64 end)
{
	if (vcpu->slot->state == STATE_IOREQ_NONE)
		return false;
	/* Pairs with Xen's barrier between filling the slot and making it READY. */
	virt_rmb();
	return touches(vcpu->slot, start, end);
}

/**
 * xengt_ioreq_server_quiet - which pages has no vCPU a request to complete in
 * @server: a server whose answers to stores into them are held back
 * @gfn: the first page
 * @n: how many pages, from that one on
 *
 * Context: between xengt_ioreq_server_hold() and xengt_ioreq_server_go_on().
 * Return: how many pages are before the first that one has; n if none has.
 */
unsigned int xengt_ioreq_server_quiet(const struct xengt_ioreq_server *server, u64 gfn,
				      unsigned int n)
{
	u64 start = gfn << XENGT_PAGE_SHIFT;
	unsigned int i;

	WARN_ON(!server->held);
	for (i = 0; i < server->nr_vcpus; i++) {
		while (n && is_busy(&server->vcpus[i], start,
				    start + ((u64)n << XENGT_PAGE_SHIFT) - 1))
			n--;
	}
	return n;
}

/**
 * xengt_ioreq_server_go_on - all answers are given again
 * @server: a server whose answers are held back
 *
 * Context: process context.
 */
void xengt_ioreq_server_go_on(struct xengt_ioreq_server *server)
{
	spin_lock_irq(&server->answers);
	server->held = false;
	spin_unlock_irq(&server->answers);
	wake_up_all(&server->gone_on);
}
