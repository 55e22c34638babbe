// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's interrupts: which messages reach a guest.
 *
 * The guest's local APICs are enabled, and have the IDs that Xen gives them, twice the vCPU's
 * number. All PIRQs are free. A message in logical mode reaches all vCPUs.
 *
 * Source: Xen's hvm_inject_msi() in arch/x86/hvm/irq.c, and vmsi_deliver() in
 * arch/x86/hvm/vmsi.c. See fake_internal.h for the locking.
 */

#include <linux/bits.h>
#include <xen/interface/hvm/ioreq_server.h>

#include "fake_internal.h"

#define BROADCAST	0xff

static bool reaches_vcpu(const struct fake_domain *d, u64 address)
{
	u8 destination = address >> 12;

	return address & BIT(2) || destination == BROADCAST ||
	       (!(destination % 2) && destination / 2 < d->nr_vcpus);
}

/* Returns 0 if the message was delivered or lost, or Xen's error. */
static int deliver(struct fake_domain *d, u64 address, u32 data)
{
	int pirq = (int)((address >> 32 & 0xffffff00) | (address >> 12 & 0xff));
	bool reaches = reaches_vcpu(d, address);

	if (!(data & 0xff)) {
		if (pirq <= 0)
			return -ERANGE;
		reaches = true;
	} else if ((data >> 8 & 7) == 1) {
		if (!reaches)
			return -ESRCH;
	} else if (data >> 8 & 7) {
		fake_error("Xen logs an unsupported delivery mode: data %x", data);
		return -EINVAL;
	}
	if (reaches) {
		d->nr_msis++;
		d->msi_address = address;
		d->msi_data = data;
	}
	return 0;
}

int fake_msi_inject(struct fake_domain *d, const struct xen_dm_op_inject_msi *op)
{
	return op->pad ? -EINVAL : deliver(d, op->addr, op->data);
}

/* Returns how many messages a guest got, and the last one. */
unsigned int fake_domain_msis(domid_t domid, u64 *address, u32 *data)
{
	struct fake_domain *d;
	unsigned long flags;
	unsigned int n = 0;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	if (d) {
		n = d->nr_msis;
		*address = d->msi_address;
		*data = d->msi_data;
	}
	spin_unlock_irqrestore(&fake.lock, flags);
	return n;
}
