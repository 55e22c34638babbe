// SPDX-License-Identifier: GPL-2.0
/*
 * The in-kernel API of virtual GPUs, see xen/xengt.h: for a device model, which says what the GPU
 * is to use.
 *
 * Locking: the virtual GPU's lock, so that what is called does not go.
 */

#include <linux/configfs.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <xen/xengt.h>

#include "configfs.h"
#include "vgpu.h"

/**
 * xengt_vgpu_get - get a virtual GPU
 * @name: its name in configfs
 *
 * It can be disabled or removed all the same: calls fail with -ENODEV then.
 *
 * Context: process context, may sleep.
 * Return: the virtual GPU, to be put, or ERR_PTR(-ENODEV) if there is none of that name.
 */
struct xengt_vgpu *xengt_vgpu_get(const char *name)
{
	return xengt_configfs_find(name) ?: ERR_PTR(-ENODEV);
}
EXPORT_SYMBOL_GPL(xengt_vgpu_get);

/**
 * xengt_vgpu_put - give a virtual GPU back
 * @vgpu: the virtual GPU
 *
 * Context: process context, may sleep.
 */
void xengt_vgpu_put(struct xengt_vgpu *vgpu)
{
	config_item_put(vgpu->item);
}
EXPORT_SYMBOL_GPL(xengt_vgpu_put);

static int check_running(const struct xengt_vgpu *vgpu)
{
	lockdep_assert_held(&vgpu->lock);
	if (vgpu->state != XENGT_VGPU_RUNNING)
		return -ENODEV;
	return vgpu->traps.claimed ? 0 : -EOPNOTSUPP;
}

/**
 * xengt_vgpu_sync - bring the shadow of all page tables up to date
 * @vgpu: the virtual GPU
 *
 * To be called before the GPU runs what the guest submits: whatever the guest wrote into its page
 * tables before is in the shadow, mapped, after.
 *
 * Context: process context, may sleep; not between xengt_mem_walk_begin() and its end.
 * Return: 0, or -ENODEV if the virtual GPU does not run.
 */
int xengt_vgpu_sync(struct xengt_vgpu *vgpu)
{
	int rc;

	mutex_lock(&vgpu->lock);
	rc = vgpu->state == XENGT_VGPU_RUNNING ? 0 : -ENODEV;
	if (!rc) {
		xengt_mm_wait_current(&vgpu->mm);
		xengt_ppgtts_sync(&vgpu->ppgtts);
	}
	mutex_unlock(&vgpu->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_sync);

/**
 * xengt_ppgtt_create - announce a PPGTT
 * @vgpu: the virtual GPU
 * @root: its root
 *
 * It is shadowed, as far as the quotas allow: what cannot be shadowed is scratch. May be called
 * more than once; each call is to be undone. The guest can do the same through PVINFO.
 *
 * Context: process context, may sleep; not between xengt_mem_walk_begin() and its end.
 * Return: 0; -EINVAL if the generation has no such PPGTTs; -ERANGE or -EBUSY for a page directory
 * in the GGTT that is not in one range of the share, or overlaps another one; -ENOSPC if there are
 * too many PPGTTs (the quota of tables counts); -ENOMEM; -ENODEV if the virtual GPU does
 * not run; or -EOPNOTSUPP if writes to the guest's memory cannot be trapped: it has no PPGTTs then.
 */
int xengt_ppgtt_create(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root)
{
	int rc;

	mutex_lock(&vgpu->lock);
	rc = check_running(vgpu);
	if (!rc) {
		xengt_mm_wait_current(&vgpu->mm);
		rc = xengt_ppgtts_create(&vgpu->ppgtts, root);
	}
	mutex_unlock(&vgpu->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_ppgtt_create);

/**
 * xengt_ppgtt_destroy - take back an announcement of a PPGTT
 * @vgpu: the virtual GPU
 * @root: its root
 *
 * With the last one everything that it held is given back. If it is pinned, its root leads nowhere
 * from here on (but to tables that another PPGTT has as well).
 *
 * Context: process context, may sleep; not between xengt_mem_walk_begin() and its end.
 * Return: 0; -EINVAL or -ENOENT if there is no such PPGTT; -EBUSY for the last announcement of one
 * whose page directory is in the GGTT (gen7), and which is pinned; -ENODEV if the virtual GPU
 * does not run; or -EOPNOTSUPP if writes to the guest's memory cannot be trapped.
 */
int xengt_ppgtt_destroy(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root)
{
	int rc;

	mutex_lock(&vgpu->lock);
	rc = check_running(vgpu) ?: xengt_ppgtts_destroy(&vgpu->ppgtts, root);
	mutex_unlock(&vgpu->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_ppgtt_destroy);

/**
 * xengt_ppgtt_pin - the GPU is about to use a PPGTT
 * @vgpu: the virtual GPU
 * @root: its root
 * @shadow: where the shadow's root goes: bus addresses, in bytes, of what @root names, for the
 *	GPU's context; with 2 levels (gen7) the page directory's place in the GGTT: the same one
 *
 * Brings the shadow up to date, and makes it if it was reclaimed. It is not reclaimed until
 * xengt_ppgtt_unpin(), and the pages at @shadow stay pages of ours.
 *
 * Context: process context, may sleep; not between xengt_mem_walk_begin() and its end.
 * Return: the PPGTT, to be unpinned; or ERR_PTR(): -EINVAL or -ENOENT if there is no such PPGTT,
 * -ENOMEM, -ENODEV if the virtual GPU does not run; or -EOPNOTSUPP
 * if writes to the guest's memory cannot be trapped, so that it has no PPGTTs.
 */
struct xengt_ppgtt *xengt_ppgtt_pin(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root,
				    u64 shadow[XENGT_PPGTT_PDPS])
{
	struct xengt_ppgtt *ppgtt;
	int rc;

	mutex_lock(&vgpu->lock);
	rc = check_running(vgpu);
	if (!rc)
		xengt_mm_wait_current(&vgpu->mm);
	ppgtt = rc ? ERR_PTR(rc) : xengt_ppgtts_pin(&vgpu->ppgtts, root, shadow);
	mutex_unlock(&vgpu->lock);
	return ppgtt;
}
EXPORT_SYMBOL_GPL(xengt_ppgtt_pin);
