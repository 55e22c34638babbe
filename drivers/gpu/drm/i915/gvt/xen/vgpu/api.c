// SPDX-License-Identifier: GPL-2.0
/*
 * The in-kernel API of virtual GPUs, declared in include/xen/xengt.h: a device model says which
 * PPGTTs the GPU is about to use. reset.c has xengt_vgpu_reset(), saved.c
 * xengt_vgpu_save() and xengt_vgpu_restore(), ppgtt/ppgtt.c xengt_ppgtt_unpin(), gsm/gsm_mem.c the
 * functions for walkers, and api_guest.c those that look into the guest's memory.
 *
 * Locking: the virtual GPU is not disabled during a call, see xengt_vgpu_enter(). The shadow's lock
 * nests inside.
 */

#include <linux/configfs.h>
#include <linux/err.h>
#include <linux/export.h>
#include <xen/xengt.h>

#include "configfs.h"
#include "vgpu.h"

/**
 * xengt_vgpu_get - get a reference to a virtual GPU
 * @name: its name in configfs
 *
 * The user can still disable or remove the virtual GPU. Calls fail with -ENODEV then.
 *
 * Context: process context, may sleep.
 * Return: the virtual GPU, to be released with xengt_vgpu_put(), or ERR_PTR(-ENODEV) if there is
 * none of that name.
 */
struct xengt_vgpu *xengt_vgpu_get(const char *name)
{
	return xengt_configfs_find(name) ?: ERR_PTR(-ENODEV);
}
EXPORT_SYMBOL_GPL(xengt_vgpu_get);

/**
 * xengt_vgpu_put - release a reference to a virtual GPU
 * @vgpu: the virtual GPU
 *
 * The last reference to a virtual GPU that was removed frees it.
 *
 * Context: process context, may sleep.
 */
void xengt_vgpu_put(struct xengt_vgpu *vgpu)
{
	config_item_put(vgpu->item);
}
EXPORT_SYMBOL_GPL(xengt_vgpu_put);

/**
 * xengt_vgpu_name - the name of a virtual GPU
 * @vgpu: the virtual GPU
 *
 * A virtual GPU that is being removed can have an equal name, but not the same pointer.
 *
 * Context: any.
 * Return: the name, valid as long as the virtual GPU is.
 */
const char *xengt_vgpu_name(const struct xengt_vgpu *vgpu)
{
	return vgpu->name;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_name);

/*
 * Begins a call about PPGTTs, see xengt_vgpu_enter(). 0; -ENODEV if the virtual GPU does not run;
 * -EOPNOTSUPP if pages of the guest's memory cannot be write-protected.
 */
static int enter_ppgtts(struct xengt_vgpu *vgpu)
{
	int rc = xengt_vgpu_enter(vgpu);

	if (rc || vgpu->mmio.claimed)
		return rc;
	xengt_vgpu_leave(vgpu);
	return -EOPNOTSUPP;
}

/**
 * xengt_vgpu_sync - bring the shadow of all page tables up to date
 * @vgpu: the virtual GPU
 *
 * To be called before the GPU runs what the guest submits. When it returns, the shadow contains
 * everything that the guest wrote into its page tables before the call, and no entry points to a
 * frame that a balloon event before the call made stale.
 *
 * Context: process context, may sleep; not between xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: 0, or -ENODEV if the virtual GPU does not run.
 */
int xengt_vgpu_sync(struct xengt_vgpu *vgpu)
{
	int rc = xengt_vgpu_enter(vgpu);

	if (rc)
		return rc;
	xengt_shadow_wait_current(&vgpu->gtt.shadow);
	xengt_gtt_sync(&vgpu->gtt);
	xengt_vgpu_leave(vgpu);
	return 0;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_sync);

/**
 * xengt_ppgtt_create - announce a PPGTT
 * @vgpu: the virtual GPU
 * @root: the PPGTT's root
 *
 * Makes the PPGTT's shadow, as far as the quotas allow: entries that cannot be shadowed are
 * scratch. A PPGTT can be announced more than once, and each announcement has to be taken back with
 * xengt_ppgtt_destroy(). The guest's announcements, through PVINFO, are counted apart. A PPGTT
 * lasts until all of both are taken back, or until a reset: xengt_vgpu_reset() ends it whoever
 * announced it.
 *
 * Context: process context, may sleep; not between xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: 0, or an error:
 *
 * * -EINVAL: the generation has no PPGTTs with such a root
 * * -ERANGE: the page directory (gen7) is not inside one range of the share
 * * -EBUSY: the page directory (gen7) overlaps that of another PPGTT
 * * -ENOSPC: there are as many PPGTTs as shadow tables are allowed, or announcements of this one
 *   as can be counted
 * * -ENOMEM
 * * -ENODEV: the virtual GPU does not run
 * * -EOPNOTSUPP: pages of the guest's memory cannot be write-protected, so it has no PPGTTs
 */
int xengt_ppgtt_create(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root)
{
	int rc = enter_ppgtts(vgpu);

	if (rc)
		return rc;
	xengt_shadow_wait_current(&vgpu->gtt.shadow);
	rc = xengt_ppgtts_create(&vgpu->gtt.ppgtts, XENGT_BY_MEDIATOR, root);
	xengt_vgpu_leave(vgpu);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_ppgtt_create);

/**
 * xengt_ppgtt_destroy - take back an announcement of a PPGTT
 * @vgpu: the virtual GPU
 * @root: the PPGTT's root
 *
 * Takes back one that xengt_ppgtt_create() made, never one of the guest's. A new driver of the
 * guest's, or the guest through PVINFO, takes back none of the mediator's.
 *
 * Taking back the last announcement of both releases everything that the PPGTT holds. If the PPGTT
 * is pinned, the pages of its shadow root stay allocated until xengt_ppgtt_unpin(), but their
 * entries are cleared, except for tables that another PPGTT uses as well.
 *
 * Context: process context, may sleep; not between xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: 0, or an error:
 *
 * * -EINVAL: the generation has no PPGTTs with such a root
 * * -ENOENT: the PPGTT is not announced, or not by xengt_ppgtt_create()
 * * -EBUSY: this is the last announcement of a PPGTT that is pinned and has its page directory in
 *   the GGTT (gen7)
 * * -ENODEV: the virtual GPU does not run
 * * -EOPNOTSUPP: pages of the guest's memory cannot be write-protected, so it has no PPGTTs
 */
int xengt_ppgtt_destroy(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root)
{
	int rc = enter_ppgtts(vgpu);

	if (rc)
		return rc;
	rc = xengt_ppgtts_destroy(&vgpu->gtt.ppgtts, XENGT_BY_MEDIATOR, root);
	xengt_vgpu_leave(vgpu);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_ppgtt_destroy);

/**
 * xengt_ppgtt_pin - pin the shadow of a PPGTT that the GPU is about to use
 * @vgpu: the virtual GPU
 * @root: the PPGTT's root
 * @shadow: set to the root of the shadow, for the GPU's context: for each table that @root names,
 *	the bus address of its shadow, in bytes; the rest is 0. With 2 levels (gen7) the page
 *	directory's graphics address, which is the same as in @root.
 *
 * Brings the shadow up to date, and makes it if it was reclaimed. Until xengt_ppgtt_unpin() the
 * shadow is not reclaimed, and the pages at @shadow stay allocated, even if the PPGTT is destroyed.
 *
 * Context: process context, may sleep; not between xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: the shadow, to be released with xengt_ppgtt_unpin(), or ERR_PTR():
 *
 * * -EINVAL: the generation has no PPGTTs with such a root
 * * -ENOENT: the PPGTT is not announced
 * * -ENOMEM
 * * -ENODEV: the virtual GPU does not run
 * * -EOPNOTSUPP: pages of the guest's memory cannot be write-protected, so it has no PPGTTs
 */
struct xengt_ppgtt_shadow *xengt_ppgtt_pin(struct xengt_vgpu *vgpu,
					   const struct xengt_ppgtt_root *root,
					   u64 shadow[XENGT_PPGTT_PDPS])
{
	struct xengt_ppgtt_shadow *ppgtt;
	int rc = enter_ppgtts(vgpu);

	if (rc)
		return ERR_PTR(rc);
	xengt_shadow_wait_current(&vgpu->gtt.shadow);
	ppgtt = xengt_ppgtts_pin(&vgpu->gtt.ppgtts, root, shadow);
	xengt_vgpu_leave(vgpu);
	return ppgtt;
}
EXPORT_SYMBOL_GPL(xengt_ppgtt_pin);
