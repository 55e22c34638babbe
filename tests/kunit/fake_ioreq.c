// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's ioreq servers: the device model operations on them, which of them a
 * request goes to, its way there, and the answer's way back.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/completion.h>
#include <linux/slab.h>
#include <xen/xen.h>
#include <xen/interface/hvm/dm_op.h>
#include <xen/interface/hvm/ioreq_server.h>
#include <xen/interface/hvm/io_request.h>
#include <asm/xen/hypercall.h>

#include "fake_internal.h"

unsigned int fake_servers(domid_t domid)
{
	struct fake_domain *d = fake_domain_find(domid);
	unsigned int i, n = 0;

	for (i = 0; d && i < FAKE_MAX_SERVERS; i++)
		n += !!d->servers[i];
	return n;
}

static struct fake_server *find_server(struct fake_domain *d, unsigned int id)
{
	return id < FAKE_MAX_SERVERS ? d->servers[id] : NULL;
}

struct fake_frame *fake_ioreq_frame(struct fake_domain *d, unsigned int id)
{
	struct fake_server *server = find_server(d, id);

	return server ? server->frame : NULL;
}

static struct xen_ioreq *slot_of(struct fake_server *server, unsigned int vcpu)
{
	return (struct xen_ioreq *)fake_frame_data(server->frame) + vcpu;
}

/* dm_op */

static int create_server(struct fake_domain *d, struct xen_dm_op_create_ioreq_server *op)
{
	struct fake_server *server;
	unsigned int id, i;

	if (op->pad[0] || op->pad[1] || op->pad[2] || op->handle_bufioreq > 2)
		return -EINVAL;
	for (id = 0; id < FAKE_MAX_SERVERS; id++) {
		if (!d->servers[id])
			break;
	}
	if (id == FAKE_MAX_SERVERS)
		return -ENOSPC;
	server = fake_zalloc(sizeof(*server));
	server->id = id;
	server->frame = fake_frame_alloc(d);
	/* Xen clears this one: it may have been a guest's. */
	memset(fake_frame_data(server->frame), 0, PAGE_SIZE);
	for (i = 0; i < d->nr_vcpus; i++)
		server->remote_port[i] = fake.next_remote_port++;
	d->servers[id] = server;
	op->id = id;
	return 0;
}

/* vCPUs that wait for an answer of the server go on without. */
static void release_vcpus(struct fake_domain *d, unsigned int id)
{
	struct fake_vcpu *vcpu;
	unsigned int i;

	for (i = 0; i < d->nr_vcpus; i++) {
		vcpu = &d->vcpus[i];
		if (!vcpu->waiting || vcpu->server != id)
			continue;
		vcpu->waiting = false;
		vcpu->status = -ECANCELED;
		complete(&vcpu->done);
	}
}

static int destroy_server(struct fake_domain *d, unsigned int id)
{
	struct fake_server *server = find_server(d, id);

	if (!server)
		return -ENOENT;
	fake_memtype_server_gone(d, server);
	release_vcpus(d, id);
	d->servers[id] = NULL;
	fake_frame_release_allocated(server->frame);
	kfree(server);
	return 0;
}

void fake_ioreq_domain_kill(struct fake_domain *d)
{
	unsigned int id;

	for (id = 0; id < FAKE_MAX_SERVERS; id++)
		destroy_server(d, id);
}

/* The guest is taken from the caller: its servers go, with a last event for each vCPU. */
void fake_ioreq_revoke(domid_t domid)
{
	struct fake_port *port;
	struct fake_domain *d;
	unsigned int id, vcpu;
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	for (id = 0; d && id < FAKE_MAX_SERVERS; id++) {
		for (vcpu = 0; vcpu < d->nr_vcpus; vcpu++) {
			port = fake_port_of(domid, id, vcpu);
			if (!port)
				continue;
			slot_of(d->servers[id], vcpu)->vp_eport = 0;
			port->pending = true;
		}
		destroy_server(d, id);
	}
	spin_unlock_irqrestore(&fake.lock, flags);
	fake_deliver();
}

static int map_range(struct fake_domain *d, const struct xen_dm_op_ioreq_server_range *op)
{
	struct fake_server *server = find_server(d, op->id);
	unsigned int i;

	if (op->pad || op->start > op->end)
		return -EINVAL;
	if (!server)
		return -ENOENT;
	for (i = 0; i < server->nr_ranges; i++) {
		if (server->ranges[i].type == op->type && server->ranges[i].start <= op->end &&
		    server->ranges[i].end >= op->start)
			return -EEXIST;
	}
	if (server->nr_ranges == FAKE_MAX_RANGES)
		return -ENOSPC;
	server->ranges[server->nr_ranges++] = (struct fake_range){
		.type = op->type,
		.start = op->start,
		.end = op->end,
	};
	return 0;
}

static int unmap_range(struct fake_domain *d, const struct xen_dm_op_ioreq_server_range *op)
{
	struct fake_server *server = find_server(d, op->id);
	struct fake_range *range;
	unsigned int i;

	if (op->pad || op->start > op->end)
		return -EINVAL;
	for (i = 0; server && i < server->nr_ranges; i++) {
		range = &server->ranges[i];
		if (range->type != op->type || range->start != op->start || range->end != op->end)
			continue;
		*range = server->ranges[--server->nr_ranges];
		return 0;
	}
	return -ENOENT;
}

/* Only now do the slots say what event channels there are. */
static int set_state(struct fake_domain *d, const struct xen_dm_op_set_ioreq_server_state *op)
{
	struct fake_server *server = find_server(d, op->id);
	unsigned int i;

	if (op->pad)
		return -EINVAL;
	if (!server)
		return -ENOENT;
	server->enabled = op->enabled;
	for (i = 0; i < d->nr_vcpus && server->enabled; i++)
		slot_of(server, i)->vp_eport = server->remote_port[i];
	return 0;
}

static enum fake_call dm_call_kind(unsigned int op)
{
	switch (op) {
	case XEN_DMOP_create_ioreq_server:
		return FAKE_CALL_DM_CREATE;
	case XEN_DMOP_map_io_range_to_ioreq_server:
		return FAKE_CALL_DM_MAP_RANGE;
	case XEN_DMOP_unmap_io_range_from_ioreq_server:
		return FAKE_CALL_DM_UNMAP_RANGE;
	case XEN_DMOP_set_ioreq_server_state:
		return FAKE_CALL_DM_SET_STATE;
	case XEN_DMOP_destroy_ioreq_server:
		return FAKE_CALL_DM_DESTROY;
	case XEN_DMOP_map_mem_type_to_ioreq_server:
		return FAKE_CALL_DM_CLAIM;
	case XEN_DMOP_set_mem_type:
		return FAKE_CALL_DM_SET_TYPE;
	default:
		return FAKE_CALL_ANY;
	}
}

static int dm_op(struct fake_domain *d, struct xen_dm_op *op)
{
	if (!d)
		return -ESRCH;
	if (op->pad)
		return -EINVAL;
	switch (op->op) {
	case XEN_DMOP_create_ioreq_server:
		return create_server(d, &op->u.create_ioreq_server);
	case XEN_DMOP_map_io_range_to_ioreq_server:
		return map_range(d, &op->u.map_io_range_to_ioreq_server);
	case XEN_DMOP_unmap_io_range_from_ioreq_server:
		return unmap_range(d, &op->u.unmap_io_range_from_ioreq_server);
	case XEN_DMOP_set_ioreq_server_state:
		return set_state(d, &op->u.set_ioreq_server_state);
	case XEN_DMOP_destroy_ioreq_server:
		return op->u.destroy_ioreq_server.pad ? -EINVAL :
		       destroy_server(d, op->u.destroy_ioreq_server.id);
	case XEN_DMOP_map_mem_type_to_ioreq_server:
		return fake_memtype_claim(d, &op->u.map_mem_type_to_ioreq_server);
	case XEN_DMOP_set_mem_type:
		return fake_memtype_set(d, &op->u.set_mem_type);
	default:
		return -EOPNOTSUPP;
	}
}

/* Operations that have a buffer of entries, too, or not everything of struct xen_dm_op. */
static long dev_op(domid_t domid, unsigned int nr_bufs, struct xen_dm_op_buf *bufs)
{
	return fake_dev_map_op(domid, bufs[0].h, bufs[0].size, nr_bufs > 1 ? bufs[1].h : NULL,
			       nr_bufs > 1 ? bufs[1].size : 0);
}

int HYPERVISOR_dm_op(domid_t domid, unsigned int nr_bufs, struct xen_dm_op_buf *bufs)
{
	struct xen_dm_op *op = nr_bufs ? bufs[0].h : NULL;
	void *entries = nr_bufs > 1 ? bufs[1].h : NULL;
	enum fake_call dev_kind = op ? fake_dev_map_kind(&op->op, entries) : FAKE_CALL_ANY;
	struct fake_call_state state;
	long rc;

	if (dev_kind != FAKE_CALL_ANY) {
		rc = fake_enter(&state, dev_kind);
		return fake_leave(&state, rc ?: dev_op(domid, nr_bufs, bufs));
	}
	rc = fake_enter(&state, op ? dm_call_kind(op->op) : FAKE_CALL_ANY);
	if (!rc && (!op || nr_bufs != 1))
		rc = -EFAULT;
	return fake_leave(&state, rc ?: dm_op(fake_domain_find(domid), op));
}

/* event channels */

/* Finds what a remote port belongs to. */
bool fake_ioreq_bind(struct fake_port *port, domid_t domid, u32 remote_port)
{
	struct fake_domain *d = fake_domain_find(domid);
	struct fake_server *server;
	unsigned int id, vcpu;

	for (id = 0; id < FAKE_MAX_SERVERS; id++) {
		server = d->servers[id];
		for (vcpu = 0; server && vcpu < d->nr_vcpus; vcpu++) {
			if (server->remote_port[vcpu] != remote_port ||
			    fake_port_of(domid, id, vcpu))
				continue;
			port->domid = domid;
			port->server = id;
			port->vcpu = vcpu;
			port->remote_port = remote_port;
			return true;
		}
	}
	return false;
}

/*
 * The vCPU emulates its instruction anew, for which the page must still be trapped, if it is still
 * the same: with plain RAM, an instruction with a rep prefix takes no answer, and Xen crashes the
 * guest at the next one. Tests do not say which instruction a store is: it is any.
 */
static void complete_store(struct fake_domain *d, struct fake_vcpu *vcpu)
{
	u64 gfn = PFN_DOWN(vcpu->answer.addr);

	if (vcpu->trapped && fake_frame_of_gfn(d, gfn) == vcpu->trapped &&
	    !fake_memtype_trapped(d, gfn))
		fake_error("domain %u crashes: page %llx is RAM in the middle of a store to it",
			   d->domid, gfn);
}

/* The emulator says that it is done. A vCPU goes on if there is an answer, and else waits on. */
void fake_ioreq_notified(struct fake_port *port)
{
	struct fake_domain *d = fake_domain_find(port->domid);
	struct fake_server *server = d ? find_server(d, port->server) : NULL;
	struct fake_vcpu *vcpu;
	struct xen_ioreq *slot;

	if (!server)
		return;
	vcpu = &d->vcpus[port->vcpu];
	slot = slot_of(server, port->vcpu);
	if (!vcpu->waiting || vcpu->server != port->server || slot->state != STATE_IORESP_READY)
		return;
	vcpu->answer = *slot;
	vcpu->status = 0;
	vcpu->waiting = false;
	slot->state = STATE_IOREQ_NONE;
	complete_store(d, vcpu);
	complete(&vcpu->done);
}

/* requests */

static void request_bounds(const struct xen_ioreq *req, u64 *first, u64 *last)
{
	u64 rest = req->count > 1 ? (u64)(req->count - 1) * req->size : 0;

	*first = req->df ? req->addr - rest : req->addr;
	*last = (req->df ? req->addr : req->addr + rest) + (req->size ? req->size - 1 : 0);
}

static bool server_wants(const struct fake_server *server, const struct xen_ioreq *req,
			 bool any)
{
	u64 first, last;
	unsigned int i;

	if (!server || !server->enabled)
		return false;
	if (any || req->type == IOREQ_TYPE_INVALIDATE)
		return true;
	request_bounds(req, &first, &last);
	for (i = 0; i < server->nr_ranges; i++) {
		if (server->ranges[i].type == XEN_DMOP_IO_RANGE_MEMORY &&
		    server->ranges[i].start <= first && last <= server->ranges[i].end)
			return true;
	}
	return false;
}

/*
 * Which server a request goes to: the highest id up to "from" that wants it, or any server;
 * -ENODEV: none.
 */
int fake_ioreq_select(struct fake_domain *d, const struct xen_ioreq *req, int from, bool any)
{
	int id;

	for (id = from; id >= 0; id--) {
		if (server_wants(d->servers[id], req, any))
			return id;
	}
	return -ENODEV;
}

/* The page that a request stores to, if it was sent because that page is trapped. */
static struct fake_frame *trapped_frame(struct fake_domain *d, const struct xen_ioreq *req)
{
	u64 gfn = PFN_DOWN(req->addr);

	if (req->type != IOREQ_TYPE_COPY || req->dir != IOREQ_WRITE)
		return NULL;
	return fake_memtype_trapped(d, gfn) ? fake_frame_of_gfn(d, gfn) : NULL;
}

/* Puts the request into the vCPU's slot. Its event is delivered by fake_deliver(). */
void fake_ioreq_send(struct fake_domain *d, unsigned int id, unsigned int number,
		     const struct xen_ioreq *req)
{
	struct fake_port *port = fake_port_of(d->domid, id, number);
	struct xen_ioreq *slot = slot_of(d->servers[id], number);
	struct fake_vcpu *vcpu = &d->vcpus[number];
	u32 vp_eport = slot->vp_eport;

	vcpu->waiting = true;
	vcpu->trapped = trapped_frame(d, req);
	vcpu->server = id;
	*slot = *req;
	slot->vp_eport = vp_eport;
	slot->state = STATE_IOREQ_READY;
	if (port)
		port->pending = true;
}
