// SPDX-License-Identifier: GPL-2.0
/*
 * The in-kernel API for mediators, declared in include/xen/xengt_mediator.h. mediation.c has the
 * calls in the other direction, and api.c and reset.c the functions about page tables.
 *
 * Invariants: a virtual GPU has at most one mediator. While it has one, the mediator's module stays
 * loaded, and the virtual GPU is not freed. The mediator does not change from the beginning of
 * enabling to the end of stopping.
 *
 * Locking: the virtual GPU's lock, which is held only for moments while the virtual GPU is enabled
 * or stops. So every function here may be called by an operation of a mediator's. Interrupts are
 * sent without a lock, and keep the virtual GPU from stopping meanwhile.
 */

#include <linux/configfs.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <xen/xengt_mediator.h>

#include "abi/pvinfo_abi.h"
#include "vgpu.h"
#include "xen/dm_op.h"

/* A message with vector 0 goes to a PIRQ. */
#define MSI_VECTOR(data)	((data) & 0xff)
/* The delivery mode of a message: 0 is fixed, 1 lowest priority */
#define MSI_DELIVERY_MODE(data)	((data) >> 8 & 7)
#define MSI_DELIVERY_LOWEST	1

static_assert(XENGT_CAP_FULL_PPGTT == XENGT_VGT_CAPS_FULL_PPGTT);
static_assert(XENGT_CAP_HWSP_EMULATION == XENGT_VGT_CAPS_HWSP_EMULATION);
static_assert(XENGT_CAP_HUGE_GTT == XENGT_VGT_CAPS_HUGE_GTT);

static int attach(struct xengt_vgpu *vgpu, const struct xengt_mediator_ops *ops, u32 caps,
		  void *data)
{
	struct xengt_mediation *mediation = &vgpu->mediation;

	lockdep_assert_held(&vgpu->lock);
	if (vgpu->state != XENGT_VGPU_OFF)
		return -EBUSY;
	if (xengt_mediation_attached(mediation))
		return -EEXIST;
	mediation->ops = ops;
	mediation->caps = caps;
	mediation->data = data;
	config_item_get(vgpu->item);
	return 0;
}

/**
 * xengt_mediator_attach - attach a mediator to a virtual GPU
 * @vgpu: the virtual GPU, which is off
 * @ops: the mediator's operations, which have to stay valid until xengt_mediator_detach(); the
 *	read and write operations are needed
 * @caps: the capabilities that PVINFO offers to the guest: XENGT_CAP_*, or 0. With a capability
 *	that its guest cannot have, the virtual GPU cannot be enabled: generation 7 has none, and a
 *	guest without write protection of its memory has none.
 * @data: passed to the operations
 *
 * When the virtual GPU is enabled, the mediator gets the guest's accesses to registers, and is told
 * what the guest does. The mediator holds a reference to the virtual GPU until it is detached, and
 * its module stays loaded; the user can remove the virtual GPU nevertheless.
 *
 * Context: process context, may sleep; takes the virtual GPU's lock.
 * Return: 0, or an error:
 *
 * * -EINVAL: an operation is missing that is needed, or @caps has other bits
 * * -ENODEV: the mediator's module is being unloaded
 * * -EBUSY: the virtual GPU is not off
 * * -EEXIST: the virtual GPU has a mediator already
 */
int xengt_mediator_attach(struct xengt_vgpu *vgpu, const struct xengt_mediator_ops *ops, u32 caps,
			  void *data)
{
	int rc;

	if (!ops->read || !ops->write || !ops->config_read != !ops->config_write ||
	    caps & ~XENGT_CAPS_ALL)
		return -EINVAL;
	if (!try_module_get(ops->owner))
		return -ENODEV;
	mutex_lock(&vgpu->lock);
	rc = attach(vgpu, ops, caps, data);
	mutex_unlock(&vgpu->lock);
	if (rc)
		module_put(ops->owner);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_mediator_attach);

/* Returns the operations of the mediator that was detached, or ERR_PTR(). */
static const struct xengt_mediator_ops *detach(struct xengt_vgpu *vgpu)
{
	const struct xengt_mediator_ops *ops = vgpu->mediation.ops;

	lockdep_assert_held(&vgpu->lock);
	if (vgpu->state != XENGT_VGPU_OFF && vgpu->state != XENGT_VGPU_DEAD)
		return ERR_PTR(-EBUSY);
	if (!ops)
		return ERR_PTR(-ENOENT);
	xengt_mediation_init(&vgpu->mediation);
	return ops;
}

/**
 * xengt_mediator_detach - detach the mediator from a virtual GPU
 * @vgpu: the virtual GPU, which is off or dead
 *
 * The user has to disable or remove the virtual GPU before, or its guest has to end. The caller has
 * a reference of its own to the virtual GPU, and a reference to its module if this is not done in
 * the module's exit function.
 *
 * Context: process context, may sleep; takes the virtual GPU's lock. In an operation of the
 * mediator's it fails, since the virtual GPU is not off then.
 * Return: 0; -EBUSY if the virtual GPU is enabled, or is being enabled or stopped; -ENOENT if it
 * has no mediator.
 */
int xengt_mediator_detach(struct xengt_vgpu *vgpu)
{
	const struct xengt_mediator_ops *ops;

	mutex_lock(&vgpu->lock);
	ops = detach(vgpu);
	mutex_unlock(&vgpu->lock);
	if (IS_ERR(ops))
		return PTR_ERR(ops);
	config_item_put(vgpu->item);
	module_put(ops->owner);
	return 0;
}
EXPORT_SYMBOL_GPL(xengt_mediator_detach);

/*
 * Xen logs other modes. It does not look at the mode of a message for a PIRQ; Linux gives such a
 * message mode 7.
 */
static bool knows_mode(u32 data)
{
	return !MSI_VECTOR(data) || MSI_DELIVERY_MODE(data) <= MSI_DELIVERY_LOWEST;
}

/**
 * xengt_vgpu_inject_msi - send a message-signalled interrupt to the guest
 * @vgpu: the virtual GPU, which the caller is the mediator of
 * @address: the message's address, 64 bits as in the guest's MSI capability
 * @data: the message's data
 *
 * The guest chooses both. A message that Xen does not know how to deliver is an error, and not
 * logged. One whose destination does not exist is lost, as in hardware.
 *
 * Context: any but NMI: the hypercall does not sleep. No lock is taken.
 * Return: 0, or an error:
 *
 * * -ENODEV: the mediator's start operation has not returned yet, or its stop operation is about to
 *   be called or was
 * * -EINVAL: the delivery mode is neither fixed nor lowest priority, and the vector is not 0
 * * another error of Xen's; see xengt_dm_inject_msi()
 */
int xengt_vgpu_inject_msi(struct xengt_vgpu *vgpu, u64 address, u32 data)
{
	int rc;

	if (!knows_mode(data))
		return -EINVAL;
	if (!xengt_mediation_begin(&vgpu->mediation))
		return -ENODEV;
	rc = xengt_dm_inject_msi(vgpu->config.domid, address, data);
	xengt_mediation_end(&vgpu->mediation);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_inject_msi);
