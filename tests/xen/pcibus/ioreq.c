// SPDX-License-Identifier: GPL-2.0
/*
 * The ioreq server: it has Xen send a guest's accesses to the bus here, and answers those of each
 * vCPU. A server that is created later, for some of the same addresses, gets the accesses to these.
 *
 * The page with the requests is shared with Xen, not with the guest. Each vCPU has a slot with one
 * request at a time, which is taken out before it is looked at.
 *
 * A driver reads and writes registers in rows. So after a request the next one is looked for, for a
 * while, if there is a CPU on which the guest can run meanwhile; its event is masked until then. An
 * event for each would take several times as long.
 *
 * Sources: Xen's public/hvm/dm_op.h, public/hvm/ioreq.h; Linux's xen/privcmd.h and xen/evtchn.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../../include/xen/interface/hvm/ioreq_server.h"
#include "../devmap/xen.h"
#include "pcibus.h"

#define MAX_VCPUS	(PAGE_SIZE / sizeof(struct xen_ioreq))

#define LOOK_NS		1000000		/* for the next request */

#define XENMEM_RESOURCE_IOREQ_SERVER	0
#define FRAME_IOREQ			1

#define XEN_DMOP_get_ioreq_server_info	2
#define XEN_DMOP_no_gfns		1

struct privcmd_mmap_resource {
	uint16_t dom;
	uint32_t type;
	uint32_t id;
	uint32_t idx;
	uint64_t num;
	uint64_t addr;
};

struct evtchn_bind_interdomain {
	uint32_t remote_domain;
	uint32_t remote_port;
};

struct evtchn_notify {
	uint32_t port;
};

struct get_info {
	uint32_t op;
	uint32_t pad;
	uint16_t id;
	uint16_t flags;
	uint32_t port;
	uint64_t gfns[2];
};

#define IOCTL_PRIVCMD_MMAP_RESOURCE \
	_IOC(_IOC_NONE, 'P', 7, sizeof(struct privcmd_mmap_resource))
#define IOCTL_EVTCHN_BIND_INTERDOMAIN \
	_IOC(_IOC_NONE, 'E', 1, sizeof(struct evtchn_bind_interdomain))
#define IOCTL_EVTCHN_NOTIFY	_IOC(_IOC_NONE, 'E', 4, sizeof(struct evtchn_notify))

static unsigned int guest;
static uint16_t server;
static struct xen_ioreq *slots;
static uint32_t ports[MAX_VCPUS];	/* ours, by vCPU; 0: it is none */
static unsigned int nr_vcpus;
static int evtchn = -1;

static bool failed(const char *what, long error)
{
	fprintf(stderr, "pcibus: domain %u: %s: %s\n", guest, what, strerror(error));
	return false;
}

static long dm_op(void *op, size_t size)
{
	struct xen_dm_op_buf buf = { op, size };

	return xen_dm_op(guest, 1, &buf);
}

static bool create_server(void)
{
	struct xen_dm_op op = { .op = XEN_DMOP_create_ioreq_server };
	long ret = dm_op(&op, sizeof(op));

	server = op.u.create_ioreq_server.id;
	return !ret || failed("no ioreq server", -ret);
}

static bool map_slots(void)
{
	int fd = open("/dev/xen/privcmd", O_RDWR);
	struct privcmd_mmap_resource args = {
		.dom = guest, .type = XENMEM_RESOURCE_IOREQ_SERVER, .id = server,
		.idx = FRAME_IOREQ, .num = 1,
	};
	void *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return failed("no room for the requests", errno);
	args.addr = (uintptr_t)page;
	if (ioctl(fd, IOCTL_PRIVCMD_MMAP_RESOURCE, &args))
		return failed("the requests cannot be mapped", errno);
	close(fd);
	slots = page;
	return true;
}

static bool set_state(bool enabled)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_ioreq_server_state,
		.u.set_ioreq_server_state = { .id = server, .enabled = enabled },
	};
	long ret = dm_op(&op, sizeof(op));

	return !ret || failed("the ioreq server's state cannot be set", -ret);
}

static bool map_range(unsigned int type, uint64_t start, uint64_t end)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_map_io_range_to_ioreq_server,
		.u.map_io_range_to_ioreq_server = {
			.id = server, .type = type, .start = start, .end = end,
		},
	};
	long ret = dm_op(&op, sizeof(op));

	return !ret || failed("a range is refused", -ret);
}

/* The server is enabled: each vCPU's slot has its port. */
static bool bind_vcpus(void)
{
	struct evtchn_bind_interdomain bind = { .remote_domain = guest };
	unsigned int i;
	int port;

	evtchn = open("/dev/xen/evtchn", O_RDWR | O_NONBLOCK);
	if (evtchn < 0)
		return failed("/dev/xen/evtchn", errno);
	for (i = 0; i < MAX_VCPUS; i++) {
		bind.remote_port = slots[i].vp_eport;
		if (!bind.remote_port)
			continue;
		port = ioctl(evtchn, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
		if (port < 0)
			return failed("a vCPU's event channel", errno);
		ports[i] = port;
		nr_vcpus = i + 1;
	}
	return true;
}

/* Ranges come last: then each vCPU that asks is served. */
bool ioreq_start(unsigned int domid, uint64_t bar0)
{
	guest = domid;
	return create_server() && map_slots() && set_state(true) && bind_vcpus() &&
	       map_range(XEN_DMOP_IO_RANGE_PORT, CONFIG_ADDRESS, CONFIG_PORTS_END) &&
	       map_range(XEN_DMOP_IO_RANGE_PCI, HOST_BRIDGE, HOST_BRIDGE) &&
	       map_range(XEN_DMOP_IO_RANGE_PCI, GPU, GPU) &&
	       map_range(XEN_DMOP_IO_RANGE_PCI, ISA_BRIDGE, ISA_BRIDGE) &&
	       map_range(XEN_DMOP_IO_RANGE_MEMORY, bar0, bar0 + BAR0_SIZE - 1);
}

/* Between an address in the guest and the program; page by page, as items are of any alignment. */
bool guest_copy(uint64_t addr, void *data, unsigned int len, bool to_guest)
{
	unsigned int n, offset;
	uint8_t *page;

	for (; len; addr += n, data = (uint8_t *)data + n, len -= n) {
		offset = addr % PAGE_SIZE;
		n = PAGE_SIZE - offset < len ? PAGE_SIZE - offset : len;
		page = xen_map_page(guest, addr / PAGE_SIZE);
		if (!page)
			return false;
		if (to_guest)
			memcpy(page + offset, data, n);
		else
			memcpy(data, page + offset, n);
		xen_unmap_page(page);
	}
	return true;
}

/* Answers a vCPU's request. False if there is none. */
static bool answer(unsigned int vcpu)
{
	struct evtchn_notify notify = { .port = ports[vcpu] };
	volatile struct xen_ioreq *shared = &slots[vcpu];
	struct xen_ioreq req;

	if (!ports[vcpu] || shared->state != STATE_IOREQ_READY)
		return false;
	/* Xen has filled the slot before it made it ready. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	req = slots[vcpu];
	shared->state = STATE_IOREQ_INPROCESS;
	request_do(&req);
	if (req.dir == IOREQ_READ && !req.data_is_ptr)
		shared->data = req.data;
	/* Xen must not see the new state before the data. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	shared->state = STATE_IORESP_READY;
	if (ioctl(evtchn, IOCTL_EVTCHN_NOTIFY, &notify))
		failed("a vCPU cannot be notified", errno);
	return true;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Answers all requests, until none has come for so long. */
static void answer_all(uint64_t look_ns)
{
	uint64_t until;
	unsigned int i;

	do {
		until = now() + look_ns;
		do {
			for (i = 0; i < nr_vcpus && !answer(i); i++)
				;
		} while (i == nr_vcpus && now() < until);
	} while (i < nr_vcpus);
}

/* Ports that have had an event are masked until they are written back. */
static void answer_events(uint64_t look_ns)
{
	uint32_t pending[MAX_VCPUS];
	ssize_t n = read(evtchn, pending, sizeof(pending));

	answer_all(look_ns);
	if (n > 0 && write(evtchn, pending, n) != n)
		failed("event channels cannot be unmasked", errno);
}

/* When a guest ends Xen destroys its servers, and tells nobody. */
static bool is_known(void)
{
	struct get_info op = {
		.op = XEN_DMOP_get_ioreq_server_info, .id = server, .flags = XEN_DMOP_no_gfns,
	};

	return !dm_op(&op, sizeof(op));
}

/* Returns when the guest has ended, or at a signal, which is only let through here. */
void ioreq_serve(void)
{
	struct pollfd events = { .fd = evtchn, .events = POLLIN };
	struct timespec second = { .tv_sec = 1 };
	uint64_t look_ns = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? LOOK_NS : 0;
	sigset_t none;
	int n;

	sigemptyset(&none);
	for (;;) {
		n = ppoll(&events, 1, &second, &none);
		if (n < 0 || (!n && !is_known()))
			return;
		answer_events(look_ns);
	}
}

/* Xen does not do this when the program ends, and the page keeps a guest that has ended. */
void ioreq_stop(void)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_destroy_ioreq_server, .u.destroy_ioreq_server.id = server,
	};

	dm_op(&op, sizeof(op));
	if (slots)
		munmap(slots, PAGE_SIZE);
}
