// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's vCPUs: a test has them make I/O requests and store to memory.
 *
 * fake_vcpu_io() puts a request into the vCPU's slot of the server that has claimed the address,
 * raises the event and waits for the answer, as Xen does with a vCPU that it has stopped. A request
 * without an answer fails the test after a minute.
 *
 * As in Xen's hvmemul_do_io(), the type of the page decides first, and ranges only where there is
 * no page. A store to plain RAM sends no request. A write to a write-protected page goes to the
 * server that has the claim, enabled or not. A request that was sent stays with its server, even if
 * the page changes.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <xen/interface/hvm/io_request.h>

#include "fake_internal.h"

#define ANSWER_LIMIT	(60 * HZ)

void fake_vcpu_domain_start(struct fake_domain *d)
{
	unsigned int i;

	for (i = 0; i < FAKE_MAX_VCPUS; i++)
		init_completion(&d->vcpus[i].done);
}

/* To be called before a server of the guest is created. */
void fake_domain_set_vcpus(domid_t domid, unsigned int vcpus)
{
	struct fake_domain *d = fake_domain_find(domid);

	if (!WARN_ON(!d || vcpus > FAKE_MAX_VCPUS))
		d->nr_vcpus = vcpus;
}

/* Begins an action of a vCPU. Returns NULL if the guest does not run. */
static struct fake_vcpu *start_vcpu(struct fake_domain *d, unsigned int number)
{
	struct fake_vcpu *vcpu;

	if (!d || number >= d->nr_vcpus)
		return NULL;
	vcpu = &d->vcpus[number];
	if (vcpu->waiting)
		panic("fake xen: a test uses a vCPU that waits\n");
	reinit_completion(&vcpu->done);
	return vcpu;
}

/*
 * Returns the server for an access, of those up to @from. -ENODEV: none. -EAGAIN: the page is
 * write-protected without a claim, and the vCPU repeats the access.
 */
static int find_server(struct fake_domain *d, const struct xen_ioreq *req, int from)
{
	u64 gfn = PFN_DOWN(req->addr);
	int id;

	if (req->type != IOREQ_TYPE_COPY || fake_type_of_gfn(d, gfn) == FAKE_HOLE)
		return fake_ioreq_select(d, req, from, false);
	if (req->dir != IOREQ_WRITE || !fake_memtype_protected(d, gfn))
		return -ENODEV;
	id = fake_memtype_server(d);
	return id < 0 ? -EAGAIN : id;
}

static int send(struct fake_domain *d, unsigned int vcpu, const struct xen_ioreq *req, int from,
		bool any)
{
	int id = any ? fake_ioreq_select(d, req, from, true) : find_server(d, req, from);

	if (id >= 0 && !fake_ioreq_send(d, id, vcpu, req))
		return -ENODEV;
	return id;
}

/*
 * Sends to @from or the first server below it that has claimed the address, or with @any to any.
 * Returns its id or an error.
 */
static int send_to(domid_t domid, unsigned int vcpu, const struct xen_ioreq *req, int from,
		   bool any)
{
	struct fake_domain *d;
	unsigned long flags;
	int id = -ENODEV;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	if (start_vcpu(d, vcpu))
		id = send(d, vcpu, req, from, any);
	spin_unlock_irqrestore(&fake.lock, flags);
	fake_deliver();
	return id;
}

/**
 * fake_vcpu_send - a vCPU accesses an address that an ioreq server has claimed
 * @domid: the guest
 * @vcpu: one of its vCPUs, which must not be waiting
 * @req: the request; a write to a write-protected page goes to the server with the claim
 *
 * Return: 0; -ENODEV if no server has claimed the address; -EAGAIN if the page is write-protected
 * and no server has the claim: a vCPU would retry until the page is plain RAM.
 */
int fake_vcpu_send(domid_t domid, unsigned int vcpu, const struct xen_ioreq *req)
{
	/* Where ranges overlap, the highest id wins. */
	return min(send_to(domid, vcpu, req, FAKE_MAX_SERVERS - 1, false), 0);
}

/* Stores to plain RAM at once. Returns false if the page is anything else. */
static bool store_natively(struct fake_domain *d, struct fake_vcpu *vcpu,
			   const struct xen_ioreq *req)
{
	struct fake_frame *frame = fake_frame_of_gfn(d, PFN_DOWN(req->addr));

	if (!frame || fake_memtype_protected(d, PFN_DOWN(req->addr)))
		return false;
	fake_mem_sync();
	if (fake_type_of_gfn(d, PFN_DOWN(req->addr)) != FAKE_RAM_RO)
		memcpy(fake_frame_data(frame) + offset_in_page(req->addr), &req->data, req->size);
	fake_mem_sync();
	vcpu->answer = *req;
	vcpu->status = 0;
	complete(&vcpu->done);
	return true;
}

/**
 * fake_vcpu_send_store - a vCPU stores to an address, whatever is there
 * @domid: the guest
 * @vcpu: one of its vCPUs, which must not be waiting
 * @addr: the guest-physical address
 * @data: the bytes to store
 * @size: their number, 1 to 8, within a page
 *
 * A store to plain RAM is done at once. A store to a write-protected page, or to an address without
 * memory that an ioreq server has claimed, becomes a request. In either case fake_vcpu_wait() must
 * follow.
 *
 * Return: 0; -ENODEV if nothing is there, and the store is ignored; -EAGAIN as fake_vcpu_send().
 */
int fake_vcpu_send_store(domid_t domid, unsigned int vcpu, u64 addr, const void *data,
			 unsigned int size)
{
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_WRITE,
		.addr = addr,
		.count = 1,
		.size = size,
	};
	struct fake_domain *d;
	struct fake_vcpu *v;
	unsigned long flags;
	int rc = -ENODEV;

	if (!size || size > sizeof(req.data) || offset_in_page(addr) + size > PAGE_SIZE)
		panic("fake xen: a test stores %u bytes at %llx\n", size, addr);
	memcpy(&req.data, data, size);
	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	v = start_vcpu(d, vcpu);
	if (v)
		rc = store_natively(d, v, &req) ? 0 :
		     send(d, vcpu, &req, FAKE_MAX_SERVERS - 1, false);
	spin_unlock_irqrestore(&fake.lock, flags);
	fake_deliver();
	return min(rc, 0);
}

/* A store and its completion: fake_vcpu_send_store(), then fake_vcpu_wait(). */
int fake_vcpu_store(domid_t domid, unsigned int vcpu, u64 addr, const void *data,
		    unsigned int size)
{
	int rc = fake_vcpu_send_store(domid, vcpu, addr, data, size);

	return rc ?: fake_vcpu_wait(domid, vcpu, NULL);
}

/* A load of 1 to 8 bytes within a page: native from memory, else a request. */
int fake_vcpu_load(domid_t domid, unsigned int vcpu, u64 addr, void *data, unsigned int size)
{
	u64 value;
	int rc;

	if (fake_gfn_mfn(domid, PFN_DOWN(addr)) != FAKE_NO_MFN) {
		fake_guest_read(domid, addr, data, size);
		return 0;
	}
	rc = fake_vcpu_read(domid, vcpu, addr, size, &value);
	if (!rc)
		memcpy(data, &value, size);
	return rc;
}

/**
 * fake_vcpu_wait - wait for the answer
 * @domid: the guest
 * @vcpu: the vCPU
 * @answer: the request with its answer, may be NULL
 *
 * Return: 0, -ECANCELED if the server was destroyed meanwhile, -ETIMEDOUT if no answer comes.
 */
int fake_vcpu_wait(domid_t domid, unsigned int vcpu, struct xen_ioreq *answer)
{
	struct fake_domain *d = fake_domain_find(domid);
	struct fake_vcpu *v;

	if (!d)
		return -ECANCELED;
	v = &d->vcpus[vcpu];
	if (!wait_for_completion_timeout(&v->done, ANSWER_LIMIT)) {
		fake_error("vCPU %u of domain %u waits for an answer for ever", vcpu, domid);
		v->waiting = 0;
		return -ETIMEDOUT;
	}
	if (answer)
		*answer = v->answer;
	return v->status;
}

/* An access and its completion: @req is the answer afterwards. */
int fake_vcpu_io(domid_t domid, unsigned int vcpu, struct xen_ioreq *req)
{
	int rc = fake_vcpu_send(domid, vcpu, req);

	return rc ?: fake_vcpu_wait(domid, vcpu, req);
}

/* Sends a request that Xen would not make, to a server that has not claimed it. */
int fake_vcpu_io_any(domid_t domid, unsigned int vcpu, struct xen_ioreq *req)
{
	int id = send_to(domid, vcpu, req, FAKE_MAX_SERVERS - 1, true);

	return id < 0 ? id : fake_vcpu_wait(domid, vcpu, req);
}

int fake_vcpu_write(domid_t domid, unsigned int vcpu, u64 addr, u64 data, unsigned int size)
{
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_WRITE,
		.addr = addr,
		.data = data,
		.count = 1,
		.size = size,
	};

	return fake_vcpu_io(domid, vcpu, &req);
}

int fake_vcpu_read(domid_t domid, unsigned int vcpu, u64 addr, unsigned int size, u64 *data)
{
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_READ,
		.addr = addr,
		.count = 1,
		.size = size,
	};
	int rc = fake_vcpu_io(domid, vcpu, &req);

	*data = req.data;
	return rc;
}

/*
 * The vCPU notifies every enabled server that a page left the physmap, and does not wait. Returns
 * false if there is no server.
 */
bool fake_vcpu_send_invalidate(domid_t domid, unsigned int vcpu)
{
	struct fake_domain *d;
	struct fake_vcpu *v;
	unsigned long flags;
	bool waits = false;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	v = start_vcpu(d, vcpu);
	if (v) {
		fake_ioreq_broadcast(d, vcpu);
		waits = v->waiting;
	}
	spin_unlock_irqrestore(&fake.lock, flags);
	fake_deliver();
	return waits;
}

/* The vCPU notifies all servers, and waits for their answers. */
int fake_vcpu_invalidate(domid_t domid, unsigned int vcpu)
{
	return fake_vcpu_send_invalidate(domid, vcpu) ? fake_vcpu_wait(domid, vcpu, NULL) : 0;
}

/* The guest balloons a page out, and Xen notifies the servers. */
void fake_guest_balloon_out(domid_t domid, unsigned int vcpu, u64 gfn)
{
	fake_gfn_remove(domid, gfn);
	fake_vcpu_invalidate(domid, vcpu);
}
