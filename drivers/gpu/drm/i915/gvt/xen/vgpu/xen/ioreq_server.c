// SPDX-License-Identifier: GPL-2.0
/*
 * An ioreq server in the kernel.
 *
 * Xen puts an access of a vCPU into the vCPU's slot of a shared page, sets the slot's state to
 * READY, raises the vCPU's event channel and keeps the vCPU waiting. The interrupt handler only
 * queues work. Each vCPU has its own work, so vCPUs are served in parallel. The work copies the
 * request, handles it and completes it. Each server has workers for all its vCPUs, so no guest
 * waits for another guest's requests.
 *
 * After the completion the vCPU emulates its instruction again, and Xen expects that this leads to
 * the same request. It does not if a write-protected page has become plain RAM meanwhile. Then an
 * instruction with a rep or a lock prefix goes on without consuming the response, and Xen crashes
 * the guest at the vCPU's next request. So whoever unprotects pages first blocks completions of
 * stores into them (xengt_ioreq_server_block()), and then leaves the pages alone for which a
 * request is pending (xengt_ioreq_server_first_pending()). Completions of other requests are not
 * blocked: other vCPUs go on.
 *
 * A Xen with the patches in xen/ destroys a domain's servers when it takes the guest away from that
 * domain. It says so by a last event, without a request and with no port left in the slot.
 *
 * Invariants:
 *  - A request that was seen is completed, whatever it holds, also when the server stops. Otherwise
 *    Xen would keep the vCPU waiting forever.
 *  - Stop leaves nothing behind in Xen: no server, port, IRQ or page, in whichever step the start
 *    failed.
 *
 * Locking: a vCPU's lock is held while its request is handled. The spinlock "completion_lock"
 * protects the blocked range, and is held while a request is completed; no lock nests inside. The
 * caller of xengt_ioreq_server_block() may hold locks that handlers take; there is one such caller
 * at a time.
 *
 * Source: Xen's public/hvm/ioreq.h, common/ioreq.c, and hvmemul_do_io() in arch/x86/hvm/emulate.c.
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

#include "xen/dm_op.h"
#include "xen/error.h"
#include "xen/ioreq.h"
#include "xen/ioreq_server.h"
#include "abi/pte.h"

/* Slots in the shared page; Xen has no guests with more vCPUs. */
#define MAX_VCPUS	(PAGE_SIZE / sizeof(struct xen_ioreq))

/*
 * Returns true if the request, or the instruction that it belongs to, may touch the addresses from
 * @start to @end (inclusive). A store across a page boundary makes two requests, and the second one
 * starts at the boundary. So a request that starts up to an item's size above @end counts, too.
 */
static bool touches(const struct xen_ioreq *req, u64 start, u64 end)
{
	u64 rest = (u64)req->size * (max(req->count, 1u) - 1);
	u64 first = req->df ? req->addr - min(req->addr, rest) : req->addr;
	u64 last = (req->df ? req->addr : req->addr + rest) + req->size;

	return first <= end + req->size && last > start;
}

static bool is_blocked(const struct xengt_ioreq_server *server, const struct xen_ioreq *req)
{
	lockdep_assert_held(&server->completion_lock);
	return server->blocked && touches(req, server->blocked_start, server->blocked_end);
}

/* Completes a request. Waits first while the completion of such requests is blocked. */
static void complete_request(struct xengt_ioreq_vcpu *vcpu, const struct xen_ioreq *req)
{
	struct xengt_ioreq_server *server = vcpu->server;
	struct xen_ioreq *shared = vcpu->shared;

	spin_lock_irq(&server->completion_lock);
	wait_event_lock_irq(server->unblock_wait, !is_blocked(server, req),
			    server->completion_lock);
	if (req->dir == IOREQ_READ && !req->data_is_ptr)
		shared->data = req->data;
	/* Xen must not see the new state before the data. */
	virt_wmb();
	shared->state = STATE_IORESP_READY;
	spin_unlock_irq(&server->completion_lock);
	notify_remote_via_evtchn(vcpu->port);
}

/* Handles and completes the vCPU's pending request. Returns false if there is none. */
static bool serve(struct xengt_ioreq_vcpu *vcpu)
{
	struct xen_ioreq *shared = vcpu->shared;
	struct xen_ioreq req;

	lockdep_assert_held(&vcpu->lock);
	if (shared->state != STATE_IOREQ_READY)
		return false;
	/* Pairs with Xen's barrier between filling the slot and making it READY. */
	virt_rmb();
	req = *shared;
	shared->state = STATE_IOREQ_INPROCESS;
	vcpu->server->handle(vcpu->server, &req, &vcpu->scratch);
	complete_request(vcpu, &req);
	return true;
}

static void serve_work(struct work_struct *work)
{
	struct xengt_ioreq_vcpu *vcpu = container_of(work, struct xengt_ioreq_vcpu, work);
	bool served, gone;

	mutex_lock(&vcpu->lock);
	served = serve(vcpu);
	/* An event without a request, and no port left: Xen has destroyed the server. */
	gone = !served && !READ_ONCE(vcpu->shared->vp_eport);
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
		.remote_port = vcpu->shared->vp_eport,
	};
	int rc = xengt_xen_error(HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind));

	vcpu->port = bind.local_port;
	return rc;
}

static void close_port(struct xengt_ioreq_vcpu *vcpu)
{
	struct evtchn_close close = { .port = vcpu->port };

	HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
}

/* Each vCPU has its own scratch buffer, so none waits until another one's copy is done. */
static int alloc_scratch(struct xengt_ioreq_vcpu *vcpu)
{
	int rc = xengt_foreign_page_init(&vcpu->page, vcpu->server->domid);

	if (rc)
		return rc;
	vcpu->scratch.page = &vcpu->page;
	vcpu->scratch.buffer = kmalloc(XENGT_IOREQ_BYTES, GFP_KERNEL);
	if (vcpu->scratch.buffer)
		return 0;
	xengt_foreign_page_exit(&vcpu->page);
	return -ENOMEM;
}

static void free_scratch(struct xengt_ioreq_vcpu *vcpu)
{
	kfree(vcpu->scratch.buffer);
	xengt_foreign_page_exit(&vcpu->page);
}

static int start_vcpu(struct xengt_ioreq_server *server, struct xen_ioreq *shared)
{
	struct xengt_ioreq_vcpu *vcpu = &server->vcpus[server->nr_vcpus];
	int rc;

	vcpu->server = server;
	vcpu->shared = shared;
	mutex_init(&vcpu->lock);
	INIT_WORK(&vcpu->work, serve_work);
	rc = alloc_scratch(vcpu);
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
	free_scratch(vcpu);
	return rc;
}

/*
 * Stops serving a vCPU. The server is disabled, so no new request comes. A pending one is
 * completed.
 */
static void stop_vcpu(struct xengt_ioreq_vcpu *vcpu)
{
	disable_irq(vcpu->irq);
	flush_work(&vcpu->work);
	mutex_lock(&vcpu->lock);
	serve(vcpu);
	mutex_unlock(&vcpu->lock);
	unbind_from_irqhandler(vcpu->irq, vcpu);
	free_scratch(vcpu);
}

/*
 * The workers have normal priority: a guest that traps all the time must not keep dom0's own work
 * waiting.
 */
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

static bool is_served(const struct xengt_ioreq_server *server, const struct xen_ioreq *shared)
{
	unsigned int i;

	for (i = 0; i < server->nr_vcpus; i++) {
		if (server->vcpus[i].shared == shared)
			return true;
	}
	return false;
}

/*
 * Completes the request of a vCPU that is not served: the start failed after the server was
 * enabled and before this vCPU's turn. The range was not mapped yet, so the only request that there
 * can be is IOREQ_TYPE_INVALIDATE: a page left the guest's memory map.
 */
static void answer_unserved(struct xengt_ioreq_server *server, struct xen_ioreq *shared)
{
	struct xengt_ioreq_vcpu vcpu = { .server = server, .shared = shared };
	struct xen_ioreq req;
	int rc;

	if (!shared->vp_eport || shared->state != STATE_IOREQ_READY)
		return;
	/* Pairs with Xen's barrier between filling the slot and making it READY. */
	virt_rmb();
	req = *shared;
	rc = bind_port(&vcpu);
	if (rc) {
		pr_err("d%u: a vCPU waits for an answer that cannot be sent: %d\n", server->domid,
		       rc);
		return;
	}
	if (req.type == IOREQ_TYPE_INVALIDATE)
		server->handle(server, &req, NULL);
	complete_request(&vcpu, &req);
	close_port(&vcpu);
}

/*
 * Stops the vCPUs that are served, then completes the requests of the others. In this order, as the
 * others need event channels, and those of the served vCPUs are free by then.
 */
static void stop_vcpus(struct xengt_ioreq_server *server)
{
	struct xen_ioreq *shared = server->page.va;
	unsigned int i;

	for (i = 0; i < server->nr_vcpus; i++)
		stop_vcpu(&server->vcpus[i]);
	for (i = 0; server->enabled && i < MAX_VCPUS; i++) {
		if (!is_served(server, &shared[i]))
			answer_unserved(server, &shared[i]);
	}
}

/* Serves all vCPUs. The server is enabled, so the slot of each vCPU has a port. */
static int start_vcpus(struct xengt_ioreq_server *server)
{
	struct xen_ioreq *shared = server->page.va;
	unsigned int i;
	int rc;

	for (i = 0; i < MAX_VCPUS; i++) {
		if (!shared[i].vp_eport)
			continue;
		rc = start_vcpu(server, &shared[i]);
		if (rc) {
			pr_err("d%u: vCPU %u cannot be served: %d\n", server->domid, i, rc);
			return rc;
		}
	}
	return 0;
}

/**
 * xengt_ioreq_server_start - start to serve a guest's accesses to a range of addresses
 * @server: the server, with @handle and @gone set
 * @domid: the guest, HVM or PVH
 * @start: the first guest-physical address of the range, in bytes
 * @end: the last one, inclusive
 *
 * Context: process context, may sleep. @handle can be called before this returns.
 * Return: 0; or an error of Xen's, -ENOMEM, or an error of binding an event channel, when nothing
 * is left behind, and stopping the server does nothing.
 */
int xengt_ioreq_server_start(struct xengt_ioreq_server *server, domid_t domid, u64 start,
			     u64 end)
{
	const char *step;
	int rc;

	server->domid = domid;
	server->workers = NULL;
	server->nr_vcpus = 0;
	server->page.page = NULL;
	server->enabled = false;
	server->blocked = false;
	spin_lock_init(&server->completion_lock);
	init_waitqueue_head(&server->unblock_wait);
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
	/* Map the range last: no access can come from a vCPU that is not served. */
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
 * xengt_ioreq_server_add_range - serve the accesses to one more range of addresses
 * @server: a server that was started
 * @start: the first guest-physical address of the range, in bytes
 * @end: the last one, inclusive
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
 * xengt_ioreq_server_remove_range - serve the accesses to a range of addresses no more
 * @server: a server that was started
 * @start: the first guest-physical address of the range, in bytes
 * @end: the last one, inclusive
 *
 * A request that Xen sent before is still handled and completed.
 *
 * Context: process context, may sleep.
 * Return: 0 or an error of Xen's.
 */
int xengt_ioreq_server_remove_range(struct xengt_ioreq_server *server, u64 start, u64 end)
{
	return xengt_dm_unmap_range(server->domid, server->id, start, end);
}

/**
 * xengt_ioreq_server_stop - stop serving a guest's accesses
 * @server: a server that was started, or has been stopped since, or whose start failed; then there
 *	is nothing to stop
 *
 * Completes pending requests. Also works for a guest that is dying or gone, when Xen has destroyed
 * the server itself.
 *
 * Context: process context, may sleep; @handle and @gone can be called until this returns.
 */
void xengt_ioreq_server_stop(struct xengt_ioreq_server *server)
{
	if (!server->workers)
		return;
	if (server->created)
		xengt_dm_set_state(server->domid, server->id, false);
	stop_vcpus(server);
	if (server->created)
		xengt_dm_destroy_server(server->domid, server->id);
	xengt_foreign_page_exit(&server->page);
	destroy_workqueue(server->workers);
	server->workers = NULL;
	kfree(server->vcpus);
	server->vcpus = NULL;
	server->nr_vcpus = 0;
	server->created = false;
}

/**
 * xengt_ioreq_server_quiesce - wait until no vCPU is in the middle of an instruction
 * @server: a server that was started
 *
 * Enables the server once more, for which Xen pauses the guest for a moment. After that a vCPU that
 * had consumed its response has finished its instruction, and a request that was on its way is in
 * the shared page.
 *
 * Context: process context, may sleep.
 * Return: 0; or an error of Xen's, when the vCPUs' state is unknown.
 */
int xengt_ioreq_server_quiesce(struct xengt_ioreq_server *server)
{
	return xengt_dm_set_state(server->domid, server->id, true);
}

/**
 * xengt_ioreq_server_block - block completions of requests that touch some addresses
 * @server: a server that was started, with nothing blocked
 * @start: the first guest-physical address, in bytes
 * @end: the last one, inclusive
 *
 * From then on xengt_ioreq_server_first_pending() finds every vCPU that is in the middle of such a
 * request. The caller unblocks soon, with xengt_ioreq_server_unblock(): vCPUs that store to these
 * addresses wait until then. Other vCPUs do not wait.
 *
 * Context: process context, may sleep; not while completing such a request.
 * Return: 0; or an error of Xen's, when nothing is blocked.
 */
int xengt_ioreq_server_block(struct xengt_ioreq_server *server, u64 start, u64 end)
{
	int rc;

	spin_lock_irq(&server->completion_lock);
	WARN_ON(server->blocked);
	server->blocked = true;
	server->blocked_start = start;
	server->blocked_end = end;
	spin_unlock_irq(&server->completion_lock);
	rc = xengt_ioreq_server_quiesce(server);
	if (rc)
		xengt_ioreq_server_unblock(server);
	return rc;
}

/* Returns true if the vCPU has a pending request that touches the addresses, @end included. */
static bool is_busy(const struct xengt_ioreq_vcpu *vcpu, u64 start, u64 end)
{
	if (vcpu->shared->state == STATE_IOREQ_NONE)
		return false;
	/* Pairs with Xen's barrier between filling the slot and making it READY. */
	virt_rmb();
	return touches(vcpu->shared, start, end);
}

/**
 * xengt_ioreq_server_first_pending - find the first page with a pending request
 * @server: a server that blocks completions for the pages
 * @gfn: the first page, a GFN
 * @n: number of pages, in GFNs
 *
 * Context: between xengt_ioreq_server_block() and xengt_ioreq_server_unblock().
 * Return: how many pages come before the first one with a pending request; @n if there is none.
 */
unsigned int xengt_ioreq_server_first_pending(const struct xengt_ioreq_server *server, u64 gfn,
					      unsigned int n)
{
	u64 start = gfn << XENGT_PAGE_SHIFT;
	unsigned int i;

	WARN_ON(!server->blocked);
	for (i = 0; i < server->nr_vcpus; i++) {
		while (n && is_busy(&server->vcpus[i], start,
				    start + ((u64)n << XENGT_PAGE_SHIFT) - 1))
			n--;
	}
	return n;
}

/**
 * xengt_ioreq_server_unblock - unblock completions
 * @server: a server that blocks completions
 *
 * Context: process context.
 */
void xengt_ioreq_server_unblock(struct xengt_ioreq_server *server)
{
	spin_lock_irq(&server->completion_lock);
	server->blocked = false;
	spin_unlock_irq(&server->completion_lock);
	wake_up_all(&server->unblock_wait);
}
