// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's vCPUs, which tests play: they make I/O requests.
 *
 * fake_vcpu_io() puts a request into the vCPU's slot of the server that has claimed the address,
 * raises the event, and waits for the answer, as Xen does with a vCPU that it has stopped. Nothing
 * sleeps for a time: whoever never answers runs into a limit of a minute, which fails the test.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/completion.h>
#include <linux/jiffies.h>
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

/* Sends to server "from" or the first one below it that wants it, or any: its id, or -ENODEV. */
static int send_to(domid_t domid, unsigned int vcpu, const struct xen_ioreq *req, int from,
		   bool any)
{
	struct fake_domain *d;
	unsigned long flags;
	int id = -ENODEV;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	if (start_vcpu(d, vcpu))
		id = fake_ioreq_select(d, req, from, any);
	if (id >= 0)
		fake_ioreq_send(d, id, vcpu, req);
	spin_unlock_irqrestore(&fake.lock, flags);
	fake_deliver();
	return id;
}

/**
 * fake_vcpu_send - a vCPU accesses an address that an ioreq server has claimed
 * @domid: the guest
 * @vcpu: which of its vCPUs, which must not be waiting
 * @req: the request
 *
 * Return: 0, or -ENODEV if no server wants it.
 */
int fake_vcpu_send(domid_t domid, unsigned int vcpu, const struct xen_ioreq *req)
{
	/* Where ranges overlap, the highest id wins. */
	return min(send_to(domid, vcpu, req, FAKE_MAX_SERVERS - 1, false), 0);
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
		v->waiting = false;
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

/* Xen tells every enabled server that something left the guest's physmap, and waits for each. */
int fake_vcpu_invalidate(domid_t domid, unsigned int vcpu)
{
	const struct xen_ioreq req = {
		.type = IOREQ_TYPE_INVALIDATE,
		.dir = IOREQ_WRITE,
		.size = 4,
		.data = ~0ULL,
	};
	int id, rc;

	for (id = FAKE_MAX_SERVERS - 1; id >= 0; id--) {
		id = send_to(domid, vcpu, &req, id, false);
		if (id < 0)
			return 0;
		rc = fake_vcpu_wait(domid, vcpu, NULL);
		if (rc)
			return rc;
	}
	return 0;
}

/* The guest balloons a page out, and Xen says so. */
void fake_guest_balloon_out(domid_t domid, unsigned int vcpu, u64 gfn)
{
	fake_gfn_remove(domid, gfn);
	fake_vcpu_invalidate(domid, vcpu);
}
