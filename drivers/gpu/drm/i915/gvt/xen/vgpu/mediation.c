// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of a virtual GPU to its mediator: which may begin, and when none is left.
 *
 * Calls come from the handlers of the guest's accesses, while vCPUs wait. They may begin after the
 * mediator's start and before its stop. Stopping first ends the beginning of calls, then waits for
 * those under way, and then calls the stop operation. A register that cannot be reached reads as
 * ones, and a write to it is dropped, as with a device that is not there.
 *
 * Invariants: no operation runs before start has returned 0, and none runs with or after stop. A
 * guest whose vCPUs keep calling does not delay the stop: a call that begins late ends at once.
 *
 * Locking: none is held while an operation runs, but for the mutex "life" of the virtual GPU in
 * start and stop, which no function of the API takes. Calls never wait for a stop; a stop waits for
 * calls. So the caller of xengt_mediation_stop() holds no lock that the API takes.
 */

#include <linux/limits.h>
#include <linux/string.h>

#include "mediation.h"

/* Initialises the mediation of a virtual GPU without a mediator. */
void xengt_mediation_init(struct xengt_mediation *mediation)
{
	*mediation = (struct xengt_mediation){ .ops = NULL };
	init_completion(&mediation->idle);
}

/**
 * xengt_mediation_begin - begin a call
 * @mediation: the mediation, with or without a mediator
 *
 * Until xengt_mediation_end() the mediator is not stopped, and the virtual GPU keeps its guest and
 * its configuration.
 *
 * Context: any.
 * Return: true; or false if no call may begin, when there is nothing to end.
 */
bool xengt_mediation_begin(struct xengt_mediation *mediation)
{
	if (!refcount_inc_not_zero(&mediation->calls))
		return false;
	/* Pairs with the release in xengt_mediation_start(). */
	if (smp_load_acquire(&mediation->live))
		return true;
	xengt_mediation_end(mediation);
	return false;
}

/* Ends a call that xengt_mediation_begin() has begun. Context: any. */
void xengt_mediation_end(struct xengt_mediation *mediation)
{
	if (refcount_dec_and_test(&mediation->calls))
		complete(&mediation->idle);
}

/**
 * xengt_mediation_start - start the mediator, and let calls begin
 * @mediation: the mediation, with or without a mediator
 *
 * Context: process context, may sleep; the virtual GPU is usable, and its lock is not held.
 * Return: 0, or the mediator's error.
 */
int xengt_mediation_start(struct xengt_mediation *mediation)
{
	const struct xengt_mediator_ops *ops = mediation->ops;
	int rc;

	if (!ops)
		return 0;
	rc = ops->start ? ops->start(mediation->data) : 0;
	if (rc)
		return rc;
	reinit_completion(&mediation->idle);
	refcount_set(&mediation->calls, 1);
	/* Pairs with the acquire in xengt_mediation_begin(). */
	smp_store_release(&mediation->live, true);
	return 0;
}

/**
 * xengt_mediation_stop - wait for the calls under way, and stop the mediator
 * @mediation: the mediation; if it was not started, there is nothing to stop
 *
 * Context: process context, may sleep. The virtual GPU is usable until this returns, and its lock
 * is not held.
 */
void xengt_mediation_stop(struct xengt_mediation *mediation)
{
	const struct xengt_mediator_ops *ops = mediation->ops;

	if (!mediation->live)
		return;
	WRITE_ONCE(mediation->live, false);
	xengt_mediation_end(mediation);
	wait_for_completion(&mediation->idle);
	if (ops->stop)
		ops->stop(mediation->data);
}

/* Tells the mediator that the guest announced a PPGTT, or took that back, and what came of it. */
void xengt_mediation_ppgtt(struct xengt_mediation *mediation, bool create,
			   const struct xengt_ppgtt_root *root, int result)
{
	if (!xengt_mediation_begin(mediation))
		return;
	if (mediation->ops->ppgtt)
		mediation->ops->ppgtt(mediation->data, create, root, result);
	xengt_mediation_end(mediation);
}

/* Tells the mediator that the guest created a context, or is about to free it. */
void xengt_mediation_context(struct xengt_mediation *mediation, bool create, u64 descriptor)
{
	if (!xengt_mediation_begin(mediation))
		return;
	if (mediation->ops->context)
		mediation->ops->context(mediation->data, create, descriptor);
	xengt_mediation_end(mediation);
}

/* Tells the mediator that a driver of the guest's starts to load, or has loaded. */
void xengt_mediation_driver(struct xengt_mediation *mediation, bool loaded)
{
	if (!xengt_mediation_begin(mediation))
		return;
	if (mediation->ops->driver)
		mediation->ops->driver(mediation->data, loaded);
	xengt_mediation_end(mediation);
}

/* Tells the mediator that the guest wrote display_ready. */
void xengt_mediation_display_ready(struct xengt_mediation *mediation, u32 value)
{
	if (!xengt_mediation_begin(mediation))
		return;
	if (mediation->ops->display_ready)
		mediation->ops->display_ready(mediation->data, value);
	xengt_mediation_end(mediation);
}

/* Tells the mediator that the guest flushed the GGTT, after the sync. */
void xengt_mediation_flush(struct xengt_mediation *mediation)
{
	if (!xengt_mediation_begin(mediation))
		return;
	if (mediation->ops->flush)
		mediation->ops->flush(mediation->data);
	xengt_mediation_end(mediation);
}

/* Does a guest's read of @len bytes (1 to 8) at @offset (in bytes) into BAR 0. */
void xengt_mediation_read(struct xengt_mediation *mediation, u32 offset, void *data,
			  unsigned int len)
{
	memset(data, 0xff, len);
	if (!xengt_mediation_begin(mediation))
		return;
	mediation->ops->read(mediation->data, offset, data, len);
	xengt_mediation_end(mediation);
}

/* Does a guest's write of @len bytes (1 to 8) at @offset (in bytes) into BAR 0. */
void xengt_mediation_write(struct xengt_mediation *mediation, u32 offset, const void *data,
			   unsigned int len)
{
	if (!xengt_mediation_begin(mediation))
		return;
	mediation->ops->write(mediation->data, offset, data, len);
	xengt_mediation_end(mediation);
}

/*
 * Does a guest's access of @len bytes (1, 2 or 4) to the configuration space, at @offset (in bytes)
 * into it. Returns what is read.
 */
u32 xengt_mediation_config(struct xengt_mediation *mediation, u32 offset, unsigned int len,
			   bool write, u32 value)
{
	const struct xengt_mediator_ops *ops = mediation->ops;

	if (!xengt_mediation_begin(mediation))
		return U32_MAX;
	if (write)
		ops->config_write(mediation->data, offset, value, len);
	else
		value = ops->config_read(mediation->data, offset, len);
	xengt_mediation_end(mediation);
	return value;
}
