// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's ioreq servers: the dm_op() calls for them, which server gets a request, and
 * how request and answer are exchanged.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/completion.h>
#include <linux/slab.h>
#include <xen/xen.h>
#include <xen/interface/memory.h>
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

static struct fake_frame *new_page(struct fake_domain *d)
{
	struct fake_frame *frame = fake_frame_alloc_extra(d);

	/* Xen clears the page: it may have been a guest's. */
	memset(fake_frame_data(frame), 0, PAGE_SIZE);
	return frame;
}

/* ioreq_server_alloc_pages(): a server gets its pages at the first request for one. */
static int alloc_pages_of(struct fake_domain *d, struct fake_server *server)
{
	if (server->frame)
		return 0;
	if (d->dying)
		return -ENOMEM;
	server->frame = new_page(d);
	if (server->handle_bufioreq)
		server->buffered = new_page(d);
	return 0;
}

/* ioreq_server_get_frame() */
int fake_ioreq_frame(struct fake_domain *d, unsigned int id, u64 index, struct fake_frame **frame)
{
	struct fake_server *server = find_server(d, id);
	int rc = server ? alloc_pages_of(d, server) : -ENOENT;

	if (rc)
		return rc;
	if (index == XENMEM_resource_ioreq_server_frame_ioreq(0))
		*frame = server->frame;
	else if (index != XENMEM_resource_ioreq_server_frame_bufioreq)
		return -EINVAL;
	else if (server->handle_bufioreq)
		*frame = server->buffered;
	else
		return -ENOENT;
	return 0;
}

static struct xen_ioreq *slot_of(struct fake_server *server, unsigned int vcpu)
{
	return (struct xen_ioreq *)fake_frame_data(server->frame) + vcpu;
}

/* dm_op() */

static int create_server(struct fake_domain *d, struct xen_dm_op_create_ioreq_server *op)
{
	struct fake_server *server;
	unsigned int id, i;

	/* A dying domain gets no event channels. */
	if (op->pad[0] || op->pad[1] || op->pad[2] || op->handle_bufioreq > 2 || d->dying)
		return -EINVAL;
	for (id = 0; id < FAKE_MAX_SERVERS; id++) {
		if (!d->servers[id])
			break;
	}
	if (id == FAKE_MAX_SERVERS)
		return -ENOSPC;
	server = fake_zalloc(sizeof(*server));
	server->id = id;
	server->handle_bufioreq = op->handle_bufioreq;
	for (i = 0; i < d->nr_vcpus; i++)
		server->remote_port[i] = fake.next_remote_port++;
	d->servers[id] = server;
	op->id = id;
	return 0;
}

/*
 * Ends the requests to a server that is destroyed. Xen forgets them and wakes no vCPU (an error of
 * the case), unless @woken.
 */
static void abandon_requests(struct fake_domain *d, unsigned int id, bool woken)
{
	struct fake_vcpu *vcpu;
	unsigned int i;

	for (i = 0; i < d->nr_vcpus; i++) {
		vcpu = &d->vcpus[i];
		if (!(vcpu->waiting & BIT(id)))
			continue;
		if (!woken)
			fake_error("vCPU %u of domain %u waits for good: its server is destroyed",
				   i, d->domid);
		vcpu->status = -ECANCELED;
		vcpu->waiting &= ~BIT(id);
		if (!vcpu->waiting)
			complete(&vcpu->done);
	}
}

/* free_xen_event_channel(): our end stays bound, and gets no events. */
static void close_channels(struct fake_domain *d, unsigned int id)
{
	struct fake_port *port;
	unsigned int i;

	for (i = 0; i < d->nr_vcpus; i++) {
		port = fake_port_of(d->domid, id, i);
		if (port)
			port->lonely = true;
	}
}

/* evtchn_destroy(): long before the servers are destroyed. */
void fake_ioreq_close_channels(struct fake_domain *d)
{
	unsigned int id;

	for (id = 0; id < FAKE_MAX_SERVERS; id++)
		close_channels(d, id);
}

static int destroy_server(struct fake_domain *d, unsigned int id, bool wake)
{
	struct fake_server *server = find_server(d, id);

	if (!server)
		return -ENOENT;
	fake_memtype_server_gone(d, server);
	abandon_requests(d, id, wake || d->dying);
	close_channels(d, id);
	d->servers[id] = NULL;
	if (server->frame)
		fake_frame_release_allocated(server->frame);
	if (server->buffered)
		fake_frame_release_allocated(server->buffered);
	kfree(server);
	return 0;
}

/* The vCPUs of a dying domain run no more, so none of them waits. */
void fake_ioreq_domain_kill(struct fake_domain *d)
{
	unsigned int id;

	for (id = 0; id < FAKE_MAX_SERVERS; id++)
		destroy_server(d, id, true);
}

/* Lets a living emulator notice: the ports are 0, and each gets a last event. */
static void notify_revoked(struct fake_domain *d, struct fake_server *server)
{
	struct fake_port *port;
	unsigned int i;

	for (i = 0; i < d->nr_vcpus; i++) {
		if (server->frame)
			slot_of(server, i)->vp_eport = 0;
		port = fake_port_of(d->domid, server->id, i);
		if (port)
			port->pending = true;
	}
}

/*
 * The guest is taken from the caller (patch 0006 of xen/): its servers are destroyed, waiting vCPUs
 * repeat their access, and write-protected pages become RAM.
 */
void fake_ioreq_revoke(domid_t domid)
{
	struct fake_domain *d;
	unsigned long flags;
	unsigned int id;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	for (id = 0; d && id < FAKE_MAX_SERVERS; id++) {
		if (d->servers[id])
			notify_revoked(d, d->servers[id]);
		destroy_server(d, id, true);
	}
	if (d)
		fake_memtype_unprotect(d);
	spin_unlock_irqrestore(&fake.lock, flags);
	fake_deliver();
}

/* Xen's rangesets */

static bool overlaps(const struct fake_ranges *set, u64 start, u64 end)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++) {
		if (set->ranges[i].start <= end && set->ranges[i].end >= start)
			return true;
	}
	return false;
}

/* Returns the range with all of the addresses, or NULL. */
static struct fake_range *find_range(struct fake_ranges *set, u64 start, u64 end)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++) {
		if (set->ranges[i].start <= start && end <= set->ranges[i].end)
			return &set->ranges[i];
	}
	return NULL;
}

static void drop_range(struct fake_ranges *set, struct fake_range *range)
{
	struct fake_range *last = &set->ranges[--set->nr];

	memmove(range, range + 1, (last - range) * sizeof(*range));
}

static int insert_range(struct fake_ranges *set, unsigned int at, u64 start, u64 end)
{
	if (set->nr == FAKE_MAX_RANGES)
		return -ENOMEM;
	memmove(&set->ranges[at + 1], &set->ranges[at], (set->nr++ - at) * sizeof(*set->ranges));
	set->ranges[at] = (struct fake_range){ .start = start, .end = end };
	return 0;
}

/* Adds addresses that are in no range yet. Ranges that touch are merged. */
static int add_range(struct fake_ranges *set, u64 start, u64 end)
{
	struct fake_range *before, *after;
	unsigned int at;

	for (at = 0; at < set->nr && set->ranges[at].start < start; at++)
		;
	before = at && set->ranges[at - 1].end + 1 == start ? &set->ranges[at - 1] : NULL;
	after = at < set->nr && end + 1 == set->ranges[at].start ? &set->ranges[at] : NULL;
	if (!before && !after)
		return insert_range(set, at, start, end);
	if (!before) {
		after->start = start;
		return 0;
	}
	before->end = after ? after->end : end;
	if (after)
		drop_range(set, after);
	return 0;
}

/* Removes addresses from one range, of which nothing, one or two ranges remain. */
static int remove_range(struct fake_ranges *set, struct fake_range *range, u64 start, u64 end)
{
	int rc = 0;

	if (range->start < start && end < range->end) {
		rc = insert_range(set, range - set->ranges + 1, end + 1, range->end);
		if (!rc)
			range->end = start - 1;
	} else if (range->start < start) {
		range->end = start - 1;
	} else if (end < range->end) {
		range->start = end + 1;
	} else {
		drop_range(set, range);
	}
	return rc;
}

/* Finds the rangeset of the operation. Returns 0 or an error. */
static int set_of(struct fake_domain *d, const struct xen_dm_op_ioreq_server_range *op,
		  struct fake_ranges **set)
{
	struct fake_server *server = find_server(d, op->id);

	if (op->pad || op->start > op->end)
		return -EINVAL;
	if (!server)
		return -ENOENT;
	if (op->type >= FAKE_NR_RANGE_TYPES)
		return -EINVAL;
	*set = &server->ranges[op->type];
	return 0;
}

static int map_range(struct fake_domain *d, const struct xen_dm_op_ioreq_server_range *op)
{
	struct fake_ranges *set;
	int rc = set_of(d, op, &set);

	if (rc)
		return rc;
	return overlaps(set, op->start, op->end) ? -EEXIST : add_range(set, op->start, op->end);
}

static int unmap_range(struct fake_domain *d, const struct xen_dm_op_ioreq_server_range *op)
{
	struct fake_range *range;
	struct fake_ranges *set;
	int rc = set_of(d, op, &set);

	if (rc)
		return rc;
	range = find_range(set, op->start, op->end);
	return range ? remove_range(set, range, op->start, op->end) : -ENOENT;
}

/* Enabling writes the event channels into the slots, if the server has a page. */
static int set_state(struct fake_domain *d, const struct xen_dm_op_set_ioreq_server_state *op)
{
	struct fake_server *server = find_server(d, op->id);
	unsigned int i;

	if (op->pad)
		return -EINVAL;
	if (!server)
		return -ENOENT;
	for (i = 0; i < d->nr_vcpus && op->enabled && !server->enabled && server->frame; i++)
		slot_of(server, i)->vp_eport = server->remote_port[i];
	server->enabled = op->enabled;
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
	case XEN_DMOP_inject_msi:
		return FAKE_CALL_DM_INJECT;
	default:
		return FAKE_CALL_ANY;
	}
}

static size_t dm_op_size(unsigned int op)
{
	switch (op) {
	case XEN_DMOP_create_ioreq_server:
		return sizeof(struct xen_dm_op_create_ioreq_server);
	case XEN_DMOP_map_io_range_to_ioreq_server:
	case XEN_DMOP_unmap_io_range_from_ioreq_server:
		return sizeof(struct xen_dm_op_ioreq_server_range);
	case XEN_DMOP_set_ioreq_server_state:
		return sizeof(struct xen_dm_op_set_ioreq_server_state);
	case XEN_DMOP_destroy_ioreq_server:
		return sizeof(struct xen_dm_op_destroy_ioreq_server);
	case XEN_DMOP_map_mem_type_to_ioreq_server:
		return sizeof(struct xen_dm_op_map_mem_type_to_ioreq_server);
	case XEN_DMOP_set_mem_type:
		return sizeof(struct xen_dm_op_set_mem_type);
	case XEN_DMOP_inject_msi:
		return sizeof(struct xen_dm_op_inject_msi);
	default:
		return 0;
	}
}

static int dm_op(domid_t domid, struct xen_dm_op *op, size_t size)
{
	struct fake_domain *d;
	int rc = fake_remote_domain(domid, &d);

	if (rc)
		return rc;
	if (!fake_may_control(d))
		return -EPERM;
	if (size < offsetof(struct xen_dm_op, u) ||
	    size < offsetof(struct xen_dm_op, u) + dm_op_size(op->op))
		return -EFAULT;
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
		       destroy_server(d, op->u.destroy_ioreq_server.id, false);
	case XEN_DMOP_map_mem_type_to_ioreq_server:
		return fake_memtype_claim(d, &op->u.map_mem_type_to_ioreq_server);
	case XEN_DMOP_set_mem_type:
		return fake_memtype_set(d, &op->u.set_mem_type);
	case XEN_DMOP_inject_msi:
		return fake_msi_inject(d, &op->u.inject_msi);
	default:
		return -EOPNOTSUPP;
	}
}

/* Also takes operations with a buffer of entries, and shorter ones than struct xen_dm_op. */
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
	if (!rc && !op)
		rc = -EFAULT;
	return fake_leave(&state, rc ?: dm_op(domid, op, bufs[0].size));
}

/* Event channels */

/* Finds the server and vCPU of a remote port. */
bool fake_ioreq_bind(struct fake_port *port, domid_t domid, u32 remote_port)
{
	struct fake_domain *d = fake_domain_find(domid);
	struct fake_server *server;
	unsigned int id, vcpu;

	for (id = 0; id < FAKE_MAX_SERVERS && !d->dying; id++) {
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
 * The vCPU emulates its instruction again. The page must still be write-protected then, if it is
 * still the same one: with plain RAM an instruction with a rep prefix does not take the answer, and
 * Xen crashes the guest. A store of a test stands for any instruction.
 */
static void complete_store(struct fake_domain *d, struct fake_vcpu *vcpu)
{
	u64 gfn = PFN_DOWN(vcpu->answer.addr);

	if (vcpu->stores_to && fake_frame_of_gfn(d, gfn) == vcpu->stores_to &&
	    !fake_memtype_protected(d, gfn))
		fake_error("domain %u crashes: page %llx is RAM in the middle of a store to it",
			   d->domid, gfn);
}

/*
 * wait_for_io(): the vCPU reads the state of its request. 0: it is answered; -EAGAIN: the vCPU
 * waits on; -EIO: Xen crashes the domain.
 */
static int look(struct fake_vcpu *vcpu, unsigned int id, struct xen_ioreq *slot)
{
	u8 before = vcpu->seen[id];

	vcpu->seen[id] = slot->state;
	switch (slot->state) {
	case STATE_IORESP_READY:
		if (slot->type != IOREQ_TYPE_INVALIDATE)
			vcpu->answer = *slot;
		slot->state = STATE_IOREQ_NONE;
		return 0;
	case STATE_IOREQ_NONE:
		fake_error("a request is taken back: its vCPU goes on, and reads ~0");
		vcpu->answer = *slot;
		vcpu->answer.data = ~0ULL;
		return 0;
	case STATE_IOREQ_READY:
	case STATE_IOREQ_INPROCESS:
		return slot->state < before ? -EIO : -EAGAIN;
	default:
		return -EIO;
	}
}

/*
 * The emulator completes a request. The vCPU goes on when all servers that it asked have answered.
 * Before it goes on it notifies the servers of pages that were taken away.
 */
void fake_ioreq_notified(struct fake_port *port)
{
	struct fake_domain *d = fake_domain_find(port->domid);
	struct fake_server *server = d ? find_server(d, port->server) : NULL;
	struct fake_vcpu *vcpu;
	int rc;

	if (!server || port->lonely)
		return;
	vcpu = &d->vcpus[port->vcpu];
	if (!(vcpu->waiting & BIT(port->server)))
		return;
	rc = look(vcpu, port->server, slot_of(server, port->vcpu));
	if (rc == -EAGAIN)
		return;
	if (rc)
		fake_error("domain %u crashes: a request's state is %u", d->domid,
			   vcpu->seen[port->server]);
	vcpu->status = rc;
	vcpu->waiting &= ~BIT(port->server);
	if (!vcpu->waiting && !rc) {
		complete_store(d, vcpu);
		if (vcpu->invalidate)
			fake_ioreq_broadcast(d, port->vcpu);
	}
	if (!vcpu->waiting)
		complete(&vcpu->done);
}

/* Requests */

static void request_bounds(const struct xen_ioreq *req, u64 *first, u64 *last)
{
	u64 rest = req->count > 1 ? (u64)(req->count - 1) * req->size : 0;

	*first = req->df ? req->addr - rest : req->addr;
	*last = (req->df ? req->addr : req->addr + rest) + (req->size ? req->size - 1 : 0);
}

static bool server_wants(struct fake_server *server, const struct xen_ioreq *req,
			 bool any)
{
	u64 first, last;

	if (!server || !server->enabled)
		return false;
	if (any || req->type == IOREQ_TYPE_INVALIDATE)
		return true;
	if (req->type == IOREQ_TYPE_PCI_CONFIG)
		return find_range(&server->ranges[XEN_DMOP_IO_RANGE_PCI], req->addr >> 32,
				  req->addr >> 32);
	request_bounds(req, &first, &last);
	return find_range(&server->ranges[XEN_DMOP_IO_RANGE_MEMORY], first, last);
}

/*
 * Returns the server for a request: the highest id up to @from that has claimed it, or the highest
 * at all if @any. -ENODEV: none.
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

/* Returns the write-protected page that a request stores to, or NULL. */
static struct fake_frame *protected_frame(struct fake_domain *d, const struct xen_ioreq *req)
{
	u64 gfn = PFN_DOWN(req->addr);

	if (req->type != IOREQ_TYPE_COPY || req->dir != IOREQ_WRITE)
		return NULL;
	return fake_memtype_protected(d, gfn) ? fake_frame_of_gfn(d, gfn) : NULL;
}

/* ioreq_send() drops the access if the slot is not as Xen left it. */
static bool can_send(struct fake_server *server, unsigned int number)
{
	const struct xen_ioreq *slot;

	if (!server->frame) {
		fake_error("Xen crashes: server %u was enabled before it had a page", server->id);
		return false;
	}
	slot = slot_of(server, number);
	if (slot->state == STATE_IOREQ_NONE && slot->vp_eport == server->remote_port[number])
		return true;
	fake_error("an access of vCPU %u is dropped: the emulator left state %u and port %u",
		   number, slot->state, slot->vp_eport);
	return false;
}

/*
 * Puts the request into the vCPU's slot. fake_deliver() delivers the event. Returns false if Xen
 * drops the request.
 */
bool fake_ioreq_send(struct fake_domain *d, unsigned int id, unsigned int number,
		     const struct xen_ioreq *req)
{
	struct fake_port *port = fake_port_of(d->domid, id, number);
	struct fake_vcpu *vcpu = &d->vcpus[number];
	struct xen_ioreq *slot;

	if (!can_send(d->servers[id], number))
		return false;
	slot = slot_of(d->servers[id], number);
	vcpu->waiting |= BIT(id);
	vcpu->seen[id] = STATE_IOREQ_READY;
	vcpu->stores_to = protected_frame(d, req);
	*slot = *req;
	slot->vp_eport = d->servers[id]->remote_port[number];
	slot->state = STATE_IOREQ_READY;
	if (port)
		port->pending = true;
	return true;
}

/* ioreq_signal_mapcache_invalidate(): to all enabled servers, at once; the vCPU waits for all. */
void fake_ioreq_broadcast(struct fake_domain *d, unsigned int number)
{
	const struct xen_ioreq req = {
		.type = IOREQ_TYPE_INVALIDATE,
		.dir = IOREQ_WRITE,
		.size = 4,
		.data = ~0ULL,
	};
	int id;

	d->vcpus[number].invalidate = false;
	for (id = FAKE_MAX_SERVERS - 1; id >= 0; id--) {
		if (server_wants(d->servers[id], &req, false))
			fake_ioreq_send(d, id, number, &req);
	}
}

/* Another domain took pages away: every vCPU of the guest notifies the servers. */
void fake_ioreq_request_invalidate(struct fake_domain *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_vcpus; i++)
		d->vcpus[i].invalidate = true;
}
