/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ioreq server in the kernel: takes a guest's accesses to a range of addresses; see
 * ioreq_server.c.
 */

#ifndef _XENGT_IOREQ_SERVER_H
#define _XENGT_IOREQ_SERVER_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/hvm/io_request.h>

#include "foreign_page.h"
#include "ioreq.h"

struct xengt_ioreq_server;

/* One of the guest's vCPUs, which waits while a request of its is handled. */
struct xengt_ioreq_vcpu {
	struct xengt_ioreq_server *server;
	struct xen_ioreq *slot;
	evtchn_port_t port;
	int irq;
	int seen_irq;		/* what the handler was given: it can run before irq is set */
	struct mutex lock;	/* one handling at a time */
	struct work_struct work;
	struct xengt_foreign_page page;
	struct xengt_ioreq_room room;	/* for the handler: a buffer, and that page */
};

/**
 * struct xengt_ioreq_server - an ioreq server
 * @domid: the guest
 * @id: Xen's name for the server
 * @created: Xen has it
 * @enabled: Xen may have put requests into its page
 * @page: the page of requests
 * @workers: serve them
 * @vcpus: the guest's vCPUs
 * @nr_vcpus: how many there are
 * @answers: held while an answer is given, and for the members that follow
 * @held: answers to requests that touch some addresses are held back
 * @held_start: the first of these addresses
 * @held_end: the last one
 * @gone_on: woken when they are not any more
 * @gone: called when Xen has destroyed the server, in process context, perhaps once for each vCPU;
 *	NULL if nobody wants to know
 * @handle: handles one request and puts the answer of a read by value into it; called for several
 *	vCPUs at once, in process context, with room of each vCPU's own
 */
struct xengt_ioreq_server {
	domid_t domid;
	u16 id;
	bool created;
	bool enabled;
	struct xengt_foreign_page page;
	struct workqueue_struct *workers;
	struct xengt_ioreq_vcpu *vcpus;
	unsigned int nr_vcpus;
	spinlock_t answers;		/* of what is held back: */
	bool held;
	u64 held_start;
	u64 held_end;
	wait_queue_head_t gone_on;
	void (*gone)(struct xengt_ioreq_server *server);
	void (*handle)(struct xengt_ioreq_server *server, struct xen_ioreq *req,
		       const struct xengt_ioreq_room *room);
};

int xengt_ioreq_server_start(struct xengt_ioreq_server *server, domid_t domid, u64 start,
			     u64 end);
int xengt_ioreq_server_add_range(struct xengt_ioreq_server *server, u64 start, u64 end);
void xengt_ioreq_server_stop(struct xengt_ioreq_server *server);
int xengt_ioreq_server_hold(struct xengt_ioreq_server *server, u64 start, u64 end);
int xengt_ioreq_server_settle(struct xengt_ioreq_server *server);
unsigned int xengt_ioreq_server_quiet(const struct xengt_ioreq_server *server, u64 gfn,
				      unsigned int n);
void xengt_ioreq_server_go_on(struct xengt_ioreq_server *server);

#endif /* _XENGT_IOREQ_SERVER_H */
