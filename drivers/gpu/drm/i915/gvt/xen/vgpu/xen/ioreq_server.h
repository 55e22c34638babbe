/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ioreq server in the kernel: serves a guest's accesses to ranges of addresses; see
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

#include "xen/foreign_page.h"
#include "xen/ioreq.h"

struct xengt_ioreq_server;

/**
 * struct xengt_ioreq_vcpu - a vCPU of the guest; it waits while its request is handled
 * @server: the server that serves it
 * @shared: its slot in the server's page
 * @port: the local port of its event channel
 * @irq: the IRQ of the event channel
 * @seen_irq: the IRQ as the interrupt handler saw it, which can run before @irq is set
 * @lock: held while a request is handled
 * @work: handles the request
 * @page: address space for copies of guest memory
 * @scratch: for the handler: a buffer, and @page
 */
struct xengt_ioreq_vcpu {
	struct xengt_ioreq_server *server;
	struct xen_ioreq *shared;
	evtchn_port_t port;
	int irq;
	int seen_irq;
	struct mutex lock;	/* one request at a time */
	struct work_struct work;
	struct xengt_foreign_page page;
	struct xengt_ioreq_scratch scratch;
};

/**
 * struct xengt_ioreq_server - an ioreq server
 * @domid: the guest
 * @id: Xen's ID of the server
 * @created: the server exists in Xen
 * @enabled: the server was enabled, so there may be requests in its page
 * @page: maps the shared page with the vCPUs' slots
 * @workers: the workqueue that serves the vCPUs
 * @vcpus: the vCPUs that are served
 * @nr_vcpus: number of entries in @vcpus
 * @completion_lock: protects @blocked, @blocked_start and @blocked_end; held while a request is
 *	completed
 * @blocked: completions of requests that touch some addresses are blocked
 * @blocked_start: the first of these guest-physical addresses, in bytes
 * @blocked_end: the last one, inclusive
 * @unblock_wait: woken when completions are unblocked
 * @gone: called when Xen has destroyed the server, in process context, perhaps once for each vCPU;
 *	or NULL
 * @handle: handles one request, and puts the result of a read by value into it. Called in process
 *	context, for several vCPUs at a time, each with its own scratch buffer. The buffer is NULL
 *	for an IOREQ_TYPE_INVALIDATE of a vCPU that is not served.
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
	spinlock_t completion_lock;	/* completions, and what is blocked */
	bool blocked;
	u64 blocked_start;
	u64 blocked_end;
	wait_queue_head_t unblock_wait;
	void (*gone)(struct xengt_ioreq_server *server);
	void (*handle)(struct xengt_ioreq_server *server, struct xen_ioreq *req,
		       const struct xengt_ioreq_scratch *scratch);
};

int xengt_ioreq_server_start(struct xengt_ioreq_server *server, domid_t domid, u64 start,
			     u64 end);
int xengt_ioreq_server_add_range(struct xengt_ioreq_server *server, u64 start, u64 end);
int xengt_ioreq_server_remove_range(struct xengt_ioreq_server *server, u64 start, u64 end);
void xengt_ioreq_server_stop(struct xengt_ioreq_server *server);
int xengt_ioreq_server_block(struct xengt_ioreq_server *server, u64 start, u64 end);
int xengt_ioreq_server_quiesce(struct xengt_ioreq_server *server);
unsigned int xengt_ioreq_server_first_pending(const struct xengt_ioreq_server *server, u64 gfn,
					      unsigned int n);
void xengt_ioreq_server_unblock(struct xengt_ioreq_server *server);

#endif /* _XENGT_IOREQ_SERVER_H */
