// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's vCPUs, which tests play: they make I/O requests, and store to memory.
 *
 * fake_vcpu_io() puts a request into the vCPU's slot of the server that has claimed the address,
 * raises the event, and waits for the answer, as Xen does with a vCPU that it has stopped. Nothing
 * sleeps for a time: whoever never answers runs into a limit of a minute, which fails the test.
 *
 * As in Xen's hvmemul_do_io(), an access goes by the type of the page, and by ranges only where
 * there is no page. Plain RAM is not an ioreq server's business; a write to a trapped page is the
 * claimer's, enabled or not. Once sent, a request is the server's, whatever becomes of the page.
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

/* Before anybody makes a server for it. */
void fake_domain_set_vcpus(domid_t domid, unsigned int vcpus)
{
	struct fake_domain *d = fake_domain_find(domid);

	if (!WARN_ON(!d || vcpus > FAKE_MAX_VCPUS))
		d->nr_vcpus = vcpus;
}

/* The vCPU, about to do something, NULL: there is none. */
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
 * The server that an access goes to, of those up to "from"; -ENODEV: none; -EAGAIN: the page is
 * trapped, nobody has the claim, and the vCPU tries again and again.
 */
static int find_server(struct fake_domain *d, const struct xen_ioreq *req, int from)
{
	u64 gfn = PFN_DOWN(req->addr);
	int id;

	if (req->type != IOREQ_TYPE_COPY || fake_type_of_gfn(d, gfn) == FAKE_HOLE)
		return fake_ioreq_select(d, req, from, false);
	if (req->dir != IOREQ_WRITE || !fake_memtype_trapped(d, gfn))
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

/* Sends to server "from" or the first one below it that wants it, or any: its id, or an error. */
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
 * @vcpu: which of its vCPUs, which must not be waiting
 * @req: the request; a write to a trapped page goes to the server that has claimed those
 *
 * Return: 0; -ENODEV if no server wants it; -EAGAIN if it is a write to a trapped page and no
 * server has claimed it: a vCPU would try again until the page is plain RAM.
 */
int fake_vcpu_send(domid_t domid, unsigned int vcpu, const struct xen_ioreq *req)
{
	/* Where ranges overlap, the highest id wins. */
	return min(send_to(domid, vcpu, req, FAKE_MAX_SERVERS - 1, false), 0);
}

/* To plain RAM: done at once, and the vCPU does not wait. False: it is something else. */
static bool store_natively(struct fake_domain *d, struct fake_vcpu *vcpu,
			   const struct xen_ioreq *req)
{
	struct fake_frame *frame = fake_frame_of_gfn(d, PFN_DOWN(req->addr));

	if (!frame || fake_memtype_trapped(d, PFN_DOWN(req->addr)))
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
 * @vcpu: which of its vCPUs, which must not be waiting
 * @addr: the guest-physical address
 * @data: what is stored
 * @size: how many bytes, 1 to 8, within a page
 *
 * Plain RAM changes at once; what an ioreq server has claimed, a trapped page or an address
 * without memory, becomes a request to it. Then fake_vcpu_wait(), in either case.
 *
 * Return: 0; -ENODEV if nothing is there: the store is ignored; -EAGAIN as fake_vcpu_send().
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

/* A whole store: as fake_vcpu_send_store(), and fake_vcpu_wait(). */
int fake_vcpu_store(domid_t domid, unsigned int vcpu, u64 addr, const void *data,
		    unsigned int size)
{
	int rc = fake_vcpu_send_store(domid, vcpu, addr, data, size);

	return rc ?: fake_vcpu_wait(domid, vcpu, NULL);
}

/* A load: native where there is memory, else it becomes a request. 1 to 8 bytes, within a page. */
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
 * @answer: the request as it was answered, may be NULL
 *
 * Return: 0, -ECANCELED if the server went away meanwhile, -ETIMEDOUT if there is no answer.
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

/* A whole access: @req is the answer afterwards. */
int fake_vcpu_io(domid_t domid, unsigned int vcpu, struct xen_ioreq *req)
{
	int rc = fake_vcpu_send(domid, vcpu, req);

	return rc ?: fake_vcpu_wait(domid, vcpu, req);
}

/* The same for a request that Xen would not make: it goes to a server whatever it claimed. */
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
 * The vCPU tells every enabled server that something left the guest's physmap, without waiting.
 * False: there is none that it could tell.
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

/* The same, and it waits for all of them. */
int fake_vcpu_invalidate(domid_t domid, unsigned int vcpu)
{
	return fake_vcpu_send_invalidate(domid, vcpu) ? fake_vcpu_wait(domid, vcpu, NULL) : 0;
}

/* The guest balloons a page out, and Xen says so. */
void fake_guest_balloon_out(domid_t domid, unsigned int vcpu, u64 gfn)
{
	fake_gfn_remove(domid, gfn);
	fake_vcpu_invalidate(domid, vcpu);
}
