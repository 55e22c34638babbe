// SPDX-License-Identifier: GPL-2.0
/*
 * The GPUs that i915 has handed over, with the shares that are open.
 *
 * A GPU is in the list from i915's init_device callback until its clean_device callback returns,
 * which is when all of its shares are closed. So an open share can use i915's structures without a
 * lock.
 *
 * Invariants: a share is counted from before it is in the GPU's list until the last access to the
 * GPU has been made for it. No share is added to a GPU that is going.
 *
 * Locking, from the outermost lock on:
 *
 * - the PCI device's lock, held by the driver core when it binds, unbinds, suspends and resumes
 * - i915's intel_gvt_mutex, held by i915 when it calls back
 * - xengt_i915_gpus_lock
 * - the GGTT's vm.mutex of i915
 *
 * clean_device waits for xengt under the first two. So nothing that closing a share needs takes one
 * of them, and no operation of the GSM does.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <xen/xengt_gsm.h>

#include <drm/drm_drv.h>

#include "i915_drv.h"

#include "gpu.h"

/* Protects the list of GPUs and their members; see gpu.h. */
DEFINE_MUTEX(xengt_i915_gpus_lock);
LIST_HEAD(xengt_i915_gpus);
static DECLARE_WAIT_QUEUE_HEAD(closed_wq);

/*
 * Frees a GPU. The reference on the device is the last one only if i915's probe has failed. i915
 * has such a device in a list of its own for ever, so the device has to stay.
 */
static void free_gpu(struct xengt_i915_gpu *gpu)
{
	if (kref_read(&gpu->i915->drm.ref) > 1)
		drm_dev_put(&gpu->i915->drm);
	kfree(gpu);
}

/* If its probe fails after init_device, i915 does not call clean_device. */
static void forget_failed_probe(struct device *dev)
{
	struct xengt_i915_gpu *gpu, *next;

	lockdep_assert_held(&xengt_i915_gpus_lock);
	list_for_each_entry_safe(gpu, next, &xengt_i915_gpus, link) {
		if (gpu->i915->drm.dev == dev) {
			list_del(&gpu->link);
			free_gpu(gpu);
		}
	}
}

/* Adds a GPU to the list. */
int xengt_i915_gpu_add(struct drm_i915_private *i915)
{
	struct xengt_i915_gpu *gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);

	if (!gpu)
		return -ENOMEM;
	drm_dev_get(&i915->drm);
	gpu->i915 = i915;
	INIT_LIST_HEAD(&gpu->shares);
	mutex_lock(&xengt_i915_gpus_lock);
	forget_failed_probe(i915->drm.dev);
	list_add_tail(&gpu->link, &xengt_i915_gpus);
	mutex_unlock(&xengt_i915_gpus_lock);
	return 0;
}

/* Returns the GPU of a device; NULL if there is none. */
struct xengt_i915_gpu *xengt_i915_gpu_of(struct drm_i915_private *i915)
{
	struct xengt_i915_gpu *gpu;

	lockdep_assert_held(&xengt_i915_gpus_lock);
	list_for_each_entry(gpu, &xengt_i915_gpus, link) {
		if (gpu->i915 == i915)
			return gpu;
	}
	return NULL;
}

static struct xengt_i915_gpu *first_gpu(void)
{
	return list_first_entry(&xengt_i915_gpus, struct xengt_i915_gpu, link);
}

static struct xengt_i915_gpu *find_named(const struct xengt_gsm_request *request)
{
	struct xengt_i915_gpu *gpu;

	list_for_each_entry(gpu, &xengt_i915_gpus, link) {
		if (!strcmp(dev_name(gpu->i915->drm.dev), request->device))
			return gpu;
	}
	pr_err("%s: i915 has handed over no GPU %s: set place to i915 or i915:%s\n",
	       request->vgpu, request->device, dev_name(first_gpu()->i915->drm.dev));
	return NULL;
}

static struct xengt_i915_gpu *find_only(const struct xengt_gsm_request *request)
{
	struct xengt_i915_gpu *gpu = first_gpu();

	if (list_is_singular(&xengt_i915_gpus))
		return gpu;
	pr_err("%s: there are several GPUs: name one in place, as in i915:%s\n", request->vgpu,
	       dev_name(gpu->i915->drm.dev));
	return NULL;
}

/*
 * i915 hands a GPU over before it has set up the GGTT, in the middle of its probe. The DRM device
 * is registered from the end of the probe until the GPU is being unbound.
 */
static bool is_usable(struct xengt_i915_gpu *gpu)
{
	return !gpu->going && READ_ONCE(gpu->i915->drm.registered);
}

/* Returns the GPU that a request is for; or ERR_PTR(-ENODEV), with a line in the log. */
struct xengt_i915_gpu *xengt_i915_gpu_find(const struct xengt_gsm_request *request)
{
	struct xengt_i915_gpu *gpu;

	lockdep_assert_held(&xengt_i915_gpus_lock);
	if (list_empty(&xengt_i915_gpus)) {
		pr_err("%s: no GPU was handed over: load i915 with enable_gvt=1 enable_guc=0\n",
		       request->vgpu);
		return ERR_PTR(-ENODEV);
	}
	gpu = *request->device ? find_named(request) : find_only(request);
	if (!gpu)
		return ERR_PTR(-ENODEV);
	if (!is_usable(gpu)) {
		pr_err("%s: i915 is just being bound to or unbound from %s: try again later\n",
		       request->vgpu, dev_name(gpu->i915->drm.dev));
		return ERR_PTR(-ENODEV);
	}
	return gpu;
}

void xengt_i915_gpu_add_share(struct xengt_i915_gpu *gpu, struct list_head *share)
{
	lockdep_assert_held(&xengt_i915_gpus_lock);
	list_add_tail(share, &gpu->shares);
	gpu->nr_shares++;
}

/* Takes a share that is about to be closed out of the list. It still counts. */
void xengt_i915_gpu_hide_share(struct xengt_i915_gpu *gpu, struct list_head *share)
{
	mutex_lock(&xengt_i915_gpus_lock);
	list_del(share);
	mutex_unlock(&xengt_i915_gpus_lock);
}

/* The share is closed. The GPU can be gone when this returns. */
void xengt_i915_gpu_put_share(struct xengt_i915_gpu *gpu)
{
	mutex_lock(&xengt_i915_gpus_lock);
	WRITE_ONCE(gpu->nr_shares, gpu->nr_shares - 1);
	if (!gpu->nr_shares)
		wake_up_all(&closed_wq);
	mutex_unlock(&xengt_i915_gpus_lock);
}

/*
 * Waits until all shares of a GPU that is going are closed. Reads the number without the lock, as
 * the condition of a wait must not sleep: xengt_i915_gpu_put_share() can still hold the lock.
 */
void xengt_i915_gpu_wait(struct xengt_i915_gpu *gpu)
{
	lockdep_assert_not_held(&xengt_i915_gpus_lock);
	wait_event(closed_wq, !READ_ONCE(gpu->nr_shares));
}

/* Removes a GPU that has no shares from the list, and frees it. */
void xengt_i915_gpu_remove(struct xengt_i915_gpu *gpu)
{
	mutex_lock(&xengt_i915_gpus_lock);
	list_del(&gpu->link);
	mutex_unlock(&xengt_i915_gpus_lock);
	free_gpu(gpu);
}
