// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's event channels, and Linux's irqs for them.
 *
 * An event is delivered in (simulated) hardirq context, once, and not again before its EOI. Binding
 * a port makes an event pending, as in Xen, so that the first one arrives before the modules know
 * the irq's number. The irqs are real ones: request_irq(), disable_irq() and synchronize_irq()
 * work.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/hardirq.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <xen/events.h>
#include <asm/xen/hypercall.h>

#include "fake_internal.h"

#define FIRST_IRQ	64	/* those below are ARCH=um's */

static void deliver_tasklet(struct tasklet_struct *unused)
{
	fake_deliver();
}

/* Delivers for irqs that are unmasked in a context that cannot deliver. */
static DECLARE_TASKLET(tasklet, deliver_tasklet);

void fake_evtchn_start(void)
{
	memset(fake.ports, 0, sizeof(fake.ports));
	fake.next_remote_port = 1000;
	fake.delivering = false;
}

void fake_evtchn_stop(void)
{
	tasklet_kill(&tasklet);
}

unsigned int fake_evtchn_ports(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < FAKE_NR_PORTS; i++)
		n += fake.ports[i].bound;
	return n;
}

unsigned int fake_evtchn_irqs(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < FAKE_NR_PORTS; i++)
		n += !!fake.ports[i].irq;
	return n;
}

void fake_evtchn_check(struct kunit *test)
{
	KUNIT_EXPECT_EQ_MSG(test, fake_evtchn_ports(), 0u, "event channels are left");
	KUNIT_EXPECT_EQ_MSG(test, fake_evtchn_irqs(), 0u, "irqs are left");
}

static struct fake_port *port_of_irq(unsigned int irq)
{
	unsigned int i;

	for (i = 0; i < FAKE_NR_PORTS; i++) {
		if (fake.ports[i].irq == irq)
			return &fake.ports[i];
	}
	return NULL;
}

/* Returns the port for a vCPU's requests to a server, or NULL if it is not bound. */
struct fake_port *fake_port_of(domid_t domid, unsigned int server, unsigned int vcpu)
{
	struct fake_port *port;
	unsigned int i;

	for (i = 0; i < FAKE_NR_PORTS; i++) {
		port = &fake.ports[i];
		if (port->bound && !port->lonely && port->domid == domid &&
		    port->server == server && port->vcpu == vcpu)
			return port;
	}
	return NULL;
}

/* Takes the next event that can be delivered. Returns its irq, or 0. */
static unsigned int take_event(void)
{
	struct fake_port *port;
	unsigned int i;

	for (i = 0; i < FAKE_NR_PORTS; i++) {
		port = &fake.ports[i];
		if (!port->pending || port->masked || port->irq_masked || !port->irq)
			continue;
		port->pending = false;
		port->masked = true;
		return port->irq;
	}
	return 0;
}

/* Runs the handlers of all pending events, unless a delivery is under way already. */
void fake_deliver(void)
{
	unsigned long flags;
	unsigned int irq;

	local_irq_save(flags);
	spin_lock(&fake.lock);
	if (!fake.delivering && !in_hardirq()) {
		fake.delivering = true;
		while ((irq = take_event())) {
			spin_unlock(&fake.lock);
			irq_enter();
			generic_handle_irq(irq);
			irq_exit();
			spin_lock(&fake.lock);
		}
		fake.delivering = false;
	}
	spin_unlock(&fake.lock);
	local_irq_restore(flags);
}

static void chip_mask(struct irq_data *data)
{
	struct fake_port *port = port_of_irq(data->irq);

	if (port)
		port->irq_masked = true;
}

static void chip_unmask(struct irq_data *data)
{
	struct fake_port *port = port_of_irq(data->irq);

	if (!port)
		return;
	port->irq_masked = false;
	if (port->pending)
		tasklet_schedule(&tasklet);
}

static struct irq_chip fake_chip = {
	.name = "fake-xen",
	.irq_mask = chip_mask,
	.irq_unmask = chip_unmask,
	.irq_disable = chip_mask,
	.irq_enable = chip_unmask,
};

static int bind_interdomain(struct evtchn_bind_interdomain *bind)
{
	unsigned int i;

	for (i = 1; i < FAKE_NR_PORTS; i++) {
		if (!fake.ports[i].bound)
			break;
	}
	if (!fake_domain_find(bind->remote_dom))
		return -ESRCH;
	if (i == FAKE_NR_PORTS)
		return -ENOSPC;
	if (!fake_ioreq_bind(&fake.ports[i], bind->remote_dom, bind->remote_port))
		return -EINVAL;
	fake.ports[i].bound = true;
	fake.ports[i].pending = true;	/* an event may have been missed */
	bind->local_port = i;
	return 0;
}

static struct fake_port *bound_port(u32 port)
{
	return port && port < FAKE_NR_PORTS && fake.ports[port].bound ? &fake.ports[port] : NULL;
}

static int close_port(u32 number)
{
	struct fake_port *port = bound_port(number);

	if (!port)
		return -EINVAL;
	if (port->irq)
		fake_error("port %u is closed while irq %d is bound to it", number, port->irq);
	*port = (struct fake_port){};
	return 0;
}

static int send_event(u32 number)
{
	struct fake_port *port = bound_port(number);

	if (!port)
		return -EINVAL;
	fake_ioreq_notified(port);
	return 0;
}

static enum fake_call evtchn_call_kind(int cmd)
{
	switch (cmd) {
	case EVTCHNOP_bind_interdomain:
		return FAKE_CALL_EVTCHN_BIND;
	case EVTCHNOP_close:
		return FAKE_CALL_EVTCHN_CLOSE;
	case EVTCHNOP_send:
		return FAKE_CALL_EVTCHN_SEND;
	default:
		return FAKE_CALL_ANY;
	}
}

static int event_channel_op(int cmd, void *arg)
{
	switch (cmd) {
	case EVTCHNOP_bind_interdomain:
		return bind_interdomain(arg);
	case EVTCHNOP_close:
		return close_port(((struct evtchn_close *)arg)->port);
	case EVTCHNOP_send:
		return send_event(((struct evtchn_send *)arg)->port);
	default:
		return -ENOSYS;
	}
}

int HYPERVISOR_event_channel_op(int cmd, void *arg)
{
	struct fake_call_state state;
	long rc = fake_enter(&state, evtchn_call_kind(cmd));

	return fake_leave(&state, rc ?: event_channel_op(cmd, arg));
}

/* Linux's side */

static int new_irq(evtchn_port_t number)
{
	unsigned int nth = fake_alloc_enter();
	int irq = irq_alloc_desc_from(FIRST_IRQ, NUMA_NO_NODE);

	fake_alloc_leave(nth);
	if (irq < 0)
		return irq;
	irq_set_chip_and_handler(irq, &fake_chip, handle_simple_irq);
	fake.ports[number].irq = irq;
	return irq;
}

static void free_irq_number(unsigned int irq)
{
	struct fake_port *port = port_of_irq(irq);

	if (port)
		port->irq = 0;
	irq_free_desc(irq);
}

/*
 * request_irq(), which goes on if there is no memory for the irq's files in procfs. The kernel
 * warns about the missing files when the irq is freed, if it frees irqs (CONFIG_SPARSE_IRQ).
 */
static int request(unsigned int irq, irq_handler_t handler, unsigned long irqflags,
		   const char *devname, void *dev_id)
{
	unsigned int nth;
	int rc;

	if (fake_alloc_fails())
		return -ENOMEM;
	nth = fake_alloc_enter();
	rc = request_irq(irq, handler, irqflags, devname, dev_id);
	fake_alloc_leave(nth);
	return rc;
}

int bind_evtchn_to_irqhandler_lateeoi(evtchn_port_t number, irq_handler_t handler,
				      unsigned long irqflags, const char *devname, void *dev_id)
{
	struct fake_call_state state;
	int rc = fake_enter(&state, FAKE_CALL_BIND_IRQ);
	int irq;

	if (!rc && (!bound_port(number) || bound_port(number)->irq))
		rc = -EINVAL;
	fake_leave(&state, 0);
	if (rc)
		return rc;
	irq = new_irq(number);
	if (irq < 0)
		return irq;
	rc = request(irq, handler, irqflags, devname, dev_id);
	if (rc) {
		free_irq_number(irq);
		return rc;
	}
	fake_deliver();
	return irq;
}

/* Also closes the event channel. */
void unbind_from_irqhandler(unsigned int irq, void *dev_id)
{
	struct fake_port *port = port_of_irq(irq);
	struct evtchn_close close;

	if (!irq || !port) {
		fake_error("irq %u is unbound and is not bound", irq);
		return;
	}
	free_irq(irq, dev_id);
	close.port = port - fake.ports;
	free_irq_number(irq);
	HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
}

void xen_irq_lateeoi(unsigned int irq, unsigned int eoi_flags)
{
	struct fake_port *port = port_of_irq(irq);
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	if (!irq || !port || !port->masked)
		fake_error("an EOI for irq %u, which waits for none", irq);
	else
		port->masked = false;
	spin_unlock_irqrestore(&fake.lock, flags);
	fake_deliver();
}

void notify_remote_via_irq(int irq)
{
	struct fake_port *port = port_of_irq(irq);

	if (port)
		notify_remote_via_evtchn(port - fake.ports);
}

unsigned int irq_from_evtchn(evtchn_port_t number)
{
	struct fake_port *port = bound_port(number);

	return port ? port->irq : 0;
}
