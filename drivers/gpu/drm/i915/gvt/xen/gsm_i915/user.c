// SPDX-License-Identifier: GPL-2.0
/*
 * The mediator that runs guests' work on the GPUs, for which i915 calls this module: it hands its
 * GPUs over to one module only.
 *
 * Invariants: the mediator has set itself up for a GPU before a virtual GPU starts that it is the
 * mediator of, and cleans up after the last share was closed.
 *
 * Locking: xengt_i915_gpus_lock.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <xen/xengt_i915.h>

#include "i915_drv.h"

#include "../compat.h"
#include "gpu.h"
#include "share.h"
#include "user.h"

static const struct xengt_i915_user_ops *user;	/* NULL: there is no mediator */

static void init(struct xengt_i915_gpu *gpu)
{
	lockdep_assert_held(&xengt_i915_gpus_lock);
	if (!user || gpu->going)
		return;
	gpu->mediated = !user->init(gpu->i915);
	/* i915 calls back only while this is not NULL. */
	if (!gpu->mediated)
		gpu->i915->gvt = (struct intel_gvt *)&xengt_i915_gsm;
}

/* i915 only looks whether i915->gvt is NULL; the mediator may have put what it needs there. */
static void clean(struct xengt_i915_gpu *gpu)
{
	lockdep_assert_held(&xengt_i915_gpus_lock);
	if (!gpu->mediated)
		return;
	user->clean(gpu->i915);
	gpu->mediated = false;
	gpu->i915->gvt = (struct intel_gvt *)&xengt_i915_gsm;
}

/* i915 has handed a GPU over. */
void xengt_i915_user_init(struct drm_i915_private *i915)
{
	struct xengt_i915_gpu *gpu;

	mutex_lock(&xengt_i915_gpus_lock);
	gpu = xengt_i915_gpu_of(i915);
	if (gpu)
		init(gpu);
	mutex_unlock(&xengt_i915_gpus_lock);
}

/* i915 takes a GPU back, and no virtual GPU uses it any more. */
void xengt_i915_user_clean(struct drm_i915_private *i915)
{
	struct xengt_i915_gpu *gpu;

	mutex_lock(&xengt_i915_gpus_lock);
	gpu = xengt_i915_gpu_of(i915);
	if (gpu)
		clean(gpu);
	mutex_unlock(&xengt_i915_gpus_lock);
}

/* A GPU was resumed. */
void xengt_i915_user_resume(struct xengt_i915_gpu *gpu)
{
	lockdep_assert_held(&xengt_i915_gpus_lock);
	if (gpu->mediated)
		user->resume(gpu->i915);
}

/**
 * xengt_i915_user_register - register the mediator that runs guests' work on i915's GPUs
 * @ops: what it is told; stays valid until xengt_i915_user_unregister()
 *
 * Context: process context, may sleep. @ops->init can be called before this returns.
 * Return: 0, or -EBUSY if there is one already.
 */
int xengt_i915_user_register(const struct xengt_i915_user_ops *ops)
{
	struct xengt_i915_gpu *gpu;
	int rc = -EBUSY;

	mutex_lock(&xengt_i915_gpus_lock);
	if (!user) {
		user = ops;
		list_for_each_entry(gpu, &xengt_i915_gpus, link)
			init(gpu);
		rc = 0;
	}
	mutex_unlock(&xengt_i915_gpus_lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(xengt_i915_user_register, COMPAT_NS(XENGT));

/**
 * xengt_i915_user_unregister - take back a registration
 * @ops: what was registered; it is the mediator of no virtual GPU any more
 *
 * Context: process context, may sleep. @ops->clean is called for each GPU.
 */
void xengt_i915_user_unregister(const struct xengt_i915_user_ops *ops)
{
	struct xengt_i915_gpu *gpu;

	mutex_lock(&xengt_i915_gpus_lock);
	if (user == ops) {
		list_for_each_entry(gpu, &xengt_i915_gpus, link)
			clean(gpu);
		user = NULL;
	}
	mutex_unlock(&xengt_i915_gpus_lock);
}
EXPORT_SYMBOL_NS_GPL(xengt_i915_user_unregister, COMPAT_NS(XENGT));
