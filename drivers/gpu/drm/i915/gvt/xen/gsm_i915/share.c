// SPDX-License-Identifier: GPL-2.0
/*
 * The GSM "i915": virtual GPUs' shares of the host's GGTT.
 *
 * The GPU is kept awake from the first write of a series to the invalidate that ends it.
 *
 * Invariants: an entry outside of the share is never written. The entries of a share that is closed
 * lead to i915's scratch page, and the GPU has forgotten the old ones. xengt fills a share that it
 * has opened, so what is left of i915's there is not cleared.
 *
 * Locking: shares are opened, and a GPU's list is used, under xengt_i915_gpus_lock. The members of
 * an open share are constant, or belong to the operation that is under way: xengt calls one at a
 * time. See gpu.c for how long the GPU stays.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <xen/xengt_gsm.h>
#include <xen/xengt_i915.h>

#include "gt/intel_gt.h"
#include "gt/intel_gtt.h"
#include "i915_drv.h"

#include "../compat.h"
#include "ggtt.h"
#include "gpu.h"
#include "share.h"
#include "tlb.h"

/**
 * struct share - a virtual GPU's share of a GGTT
 * @gsm: what xengt sees of it
 * @vgpu: the virtual GPU's name
 * @link: in the GPU's list
 * @gpu: the GPU
 * @ggtt: its GGTT
 * @nodes: the reserved ranges
 * @awake: the GPU is kept awake
 * @wakeref: i915's cookie for that
 * @nr_fences: number of fence registers
 * @fences: the reserved fence registers
 */
struct share {
	struct xengt_gsm gsm;
	const char *vgpu;
	struct list_head link;
	struct xengt_i915_gpu *gpu;
	struct i915_ggtt *ggtt;
	struct drm_mm_node nodes[XENGT_GGTT_RANGES];
	bool awake;
	intel_wakeref_t wakeref;
	unsigned int nr_fences;
	struct i915_fence_reg *fences[];
};

static struct share *to_share(struct xengt_gsm *gsm)
{
	return container_of(gsm, struct share, gsm);
}

static void wake(struct share *share)
{
	if (share->awake)
		return;
	share->wakeref = intel_runtime_pm_get(&share->gpu->i915->runtime_pm);
	share->awake = true;
}

static void let_sleep(struct share *share)
{
	if (!share->awake)
		return;
	intel_runtime_pm_put(&share->gpu->i915->runtime_pm, share->wakeref);
	share->awake = false;
}

static void i915_write(struct xengt_gsm *gsm, unsigned long index, u64 pte)
{
	struct share *share = to_share(gsm);

	if (WARN_ON_ONCE(!xengt_gsm_has_entry(gsm, index)))
		return;
	wake(share);
	xengt_i915_ggtt_write(share->ggtt, index, pte);
}

static void i915_invalidate(struct xengt_gsm *gsm, bool ppgtt)
{
	struct share *share = to_share(gsm);

	wake(share);
	xengt_i915_ggtt_invalidate(share->ggtt);
	if (ppgtt)
		xengt_i915_tlb_invalidate(share->ggtt->vm.gt);
	let_sleep(share);
}

/* Writes i915's scratch entry to all entries, and makes the GPU forget the old ones. */
static void clear_entries(struct share *share)
{
	u64 pte = xengt_i915_ggtt_scratch_pte(share->ggtt);
	const struct xengt_range *range;
	unsigned long i;

	wake(share);
	for (range = share->gsm.range; range < share->gsm.range + XENGT_GGTT_RANGES; range++) {
		for (i = range->first; i < range->first + range->n; i++) {
			xengt_i915_ggtt_write(share->ggtt, i, pte);
			cond_resched();
		}
	}
	i915_invalidate(&share->gsm, true);
}

static void unreserve_ranges(struct share *share)
{
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++)
		xengt_i915_ggtt_unreserve(share->ggtt, &share->nodes[i]);
}

static void log_range(const struct share *share, const struct xengt_gsm_request *request,
		      unsigned int i, int rc)
{
	const char *name = xengt_gsm_range_name(i);
	unsigned long mib = request->range[i].n >> (20 - PAGE_SHIFT);
	u64 end = xengt_i915_ggtt_bytes(share->ggtt, i) >> 20;

	if (rc == -ERANGE)
		pr_err("%s: the %s share goes beyond %llu MiB, where that part of the GPU's GGTT ends: set a lower %s_base or a smaller %s_size\n",
		       request->vgpu, name, end, name, name);
	else if (rc != -ENOSPC)
		pr_err("%s: the %s share cannot be reserved: %d\n", request->vgpu, name, rc);
	else if (request->range[i].first == XENGT_RANGE_ANYWHERE)
		pr_err("%s: there is no room for %lu MiB of %s share: set a smaller %s_size, or disable another virtual GPU\n",
		       request->vgpu, mib, name, name);
	else
		pr_err("%s: i915 or another virtual GPU has entries of the %s share: set another %s_base, or auto\n",
		       request->vgpu, name, name);
}

static int reserve_ranges(struct share *share, const struct xengt_gsm_request *request,
			  struct xengt_range *range)
{
	unsigned int i, n;
	int rc;

	for (n = 0; n < XENGT_GGTT_RANGES; n++) {
		i = xengt_gsm_range_order(request->range, n);
		range[i] = (struct xengt_range){ };
		if (!request->range[i].n)
			continue;
		rc = xengt_i915_ggtt_reserve(share->ggtt, i, &request->range[i], &share->nodes[i]);
		if (rc) {
			log_range(share, request, i, rc);
			unreserve_ranges(share);
			return rc == -ENOSPC ? -EBUSY : rc;
		}
		range[i].first = share->nodes[i].start >> PAGE_SHIFT;
		range[i].n = request->range[i].n;
	}
	return 0;
}

static int reserve_fences(struct share *share, const struct xengt_gsm_request *request)
{
	int rc;

	wake(share);
	rc = xengt_i915_fences_reserve(share->ggtt, share->fences, request->nr_fences);
	let_sleep(share);
	if (!rc) {
		share->nr_fences = request->nr_fences;
		return 0;
	}
	pr_err("%s: i915 cannot spare %u fence registers (%d): set fewer fences, or disable another virtual GPU\n",
	       request->vgpu, request->nr_fences, rc);
	return -EBUSY;
}

/* Reserves all that a share consists of, or nothing. */
static int reserve(struct share *share, const struct xengt_gsm_request *request)
{
	struct xengt_range range[XENGT_GGTT_RANGES];
	int rc = reserve_ranges(share, request, range);

	if (rc)
		return rc;
	rc = reserve_fences(share, request);
	if (rc) {
		unreserve_ranges(share);
		return rc;
	}
	xengt_gsm_init(&share->gsm, &xengt_i915_gsm, request, range);
	return 0;
}

static int check_request(const struct xengt_i915_gpu *gpu, const struct xengt_gsm_request *request)
{
	struct drm_i915_private *i915 = gpu->i915;
	u64 mask = dma_get_mask(i915->drm.dev);
	unsigned int nr_fences = to_gt(i915)->ggtt->num_fences;

	if (request->generation != GRAPHICS_VER(i915)) {
		pr_err("%s: %s is of generation %u, the virtual GPU of %u: set generation to %u\n",
		       request->vgpu, dev_name(i915->drm.dev), GRAPHICS_VER(i915),
		       request->generation, GRAPHICS_VER(i915));
		return -EINVAL;
	}
	if (request->max_bfn > mask >> PAGE_SHIFT) {
		pr_err("%s: %s has addresses of %d bits: set dma_bits to that, or less\n",
		       request->vgpu, dev_name(i915->drm.dev), fls64(mask));
		return -EINVAL;
	}
	if (request->nr_fences > nr_fences) {
		pr_err("%s: %s has only %u fence registers: set fewer fences\n", request->vgpu,
		       dev_name(i915->drm.dev), nr_fences);
		return -EINVAL;
	}
	return 0;
}

static struct share *new_share(struct xengt_i915_gpu *gpu,
			       const struct xengt_gsm_request *request)
{
	struct share *share;
	int rc = check_request(gpu, request);

	if (rc)
		return ERR_PTR(rc);
	share = kzalloc(struct_size(share, fences, request->nr_fences), GFP_KERNEL);
	if (!share)
		return ERR_PTR(-ENOMEM);
	share->gpu = gpu;
	share->vgpu = request->vgpu;
	share->ggtt = to_gt(gpu->i915)->ggtt;
	rc = reserve(share, request);
	if (rc) {
		kfree(share);
		return ERR_PTR(rc);
	}
	return share;
}

static struct xengt_gsm *i915_open(const struct xengt_gsm_request *request)
{
	struct xengt_i915_gpu *gpu;
	struct share *share;

	mutex_lock(&xengt_i915_gpus_lock);
	gpu = xengt_i915_gpu_find(request);
	share = IS_ERR(gpu) ? ERR_CAST(gpu) : new_share(gpu, request);
	if (!IS_ERR(share))
		xengt_i915_gpu_add_share(gpu, &share->link);
	mutex_unlock(&xengt_i915_gpus_lock);
	return IS_ERR(share) ? ERR_CAST(share) : &share->gsm;
}

static void i915_close(struct xengt_gsm *gsm)
{
	struct share *share = to_share(gsm);

	xengt_i915_gpu_hide_share(share->gpu, &share->link);
	clear_entries(share);
	wake(share);
	xengt_i915_fences_unreserve(share->ggtt, share->fences, share->nr_fences);
	let_sleep(share);
	unreserve_ranges(share);
	xengt_i915_gpu_put_share(share->gpu);
	kfree(share);
}

const struct xengt_gsm_ops xengt_i915_gsm = {
	.owner = THIS_MODULE,
	.name = "i915",
	.open = i915_open,
	.close = i915_close,
	.write = i915_write,
	.invalidate = i915_invalidate,
};

/* Stops the virtual GPUs of a GPU that is going. */
void xengt_i915_shares_lost(struct xengt_i915_gpu *gpu)
{
	struct share *share;

	lockdep_assert_held(&xengt_i915_gpus_lock);
	list_for_each_entry(share, &gpu->shares, link)
		xengt_gsm_lost(&share->gsm);
}

/* Has the entries of a GPU's shares written again. */
void xengt_i915_shares_rewrite(struct xengt_i915_gpu *gpu)
{
	struct share *share;

	lockdep_assert_held(&xengt_i915_gpus_lock);
	list_for_each_entry(share, &gpu->shares, link)
		xengt_gsm_rewrite(&share->gsm);
}

/* Returns the share of a virtual GPU; NULL if none is open on any GPU. */
static struct share *find_share(const char *vgpu)
{
	struct xengt_i915_gpu *gpu;
	struct share *share;

	lockdep_assert_held(&xengt_i915_gpus_lock);
	list_for_each_entry(gpu, &xengt_i915_gpus, link) {
		list_for_each_entry(share, &gpu->shares, link) {
			if (share->vgpu == vgpu)
				return share;
		}
	}
	return NULL;
}

/**
 * xengt_i915_share_get - find what a virtual GPU has of the GPU
 * @vgpu: what xengt_vgpu_name() returns for it; it is enabled, or being enabled
 * @out: filled; its array has room for @out->nr_fences fence registers
 *
 * What is found stays the virtual GPU's until its mediator's stop operation has returned.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENODEV if the virtual GPU's place is not "i915"; -ENOSPC if it has more fence
 * registers than the array has room for.
 */
int xengt_i915_share_get(const char *vgpu, struct xengt_i915_share *out)
{
	struct share *share;
	int rc = 0;

	mutex_lock(&xengt_i915_gpus_lock);
	share = find_share(vgpu);
	if (!share) {
		rc = -ENODEV;
	} else if (share->nr_fences > out->nr_fences) {
		rc = -ENOSPC;
	} else {
		out->i915 = share->gpu->i915;
		out->mediated = share->gpu->mediated;
		memcpy(out->range, share->gsm.range, sizeof(out->range));
		out->nr_fences = share->nr_fences;
		memcpy(out->fences, share->fences, share->nr_fences * sizeof(*out->fences));
	}
	mutex_unlock(&xengt_i915_gpus_lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(xengt_i915_share_get, COMPAT_NS(XENGT));
