// SPDX-License-Identifier: GPL-2.0
/*
 * The choice of a backend, and what the backends share.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xen.h>

#include "backend.h"

/*
 * In order of preference. pv comes before xenserver: the references of its tables are counted by
 * Xen, and stay when the guest dies; but its BFNs are MFNs, so it is not for where these differ.
 */
static const struct xen_gpu_backend * const backends[] = {
	&xen_gpu_backend_native,
	&xen_gpu_backend_pv,
	&xen_gpu_backend_xenserver,
	&xen_gpu_backend_physmap,
};

static const struct xen_gpu_backend *choose_forced(const char *name)
{
	const char *why;
	unsigned int i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(backends); i++) {
		if (strcmp(backends[i]->name, name))
			continue;
		rc = backends[i]->probe(&why);
		if (rc) {
			pr_err("backend %s cannot be used here: %s\n", name, why);
			return ERR_PTR(rc);
		}
		pr_info("backend %s, forced by parameter: %s\n", name, backends[i]->about);
		return backends[i];
	}
	pr_err("no backend is called \"%s\": there are auto, native, pv, xenserver and physmap\n",
	       name);
	return ERR_PTR(-EINVAL);
}

static const struct xen_gpu_backend *choose_fitting(void)
{
	const char *why[ARRAY_SIZE(backends)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(backends); i++) {
		if (backends[i]->probe(&why[i]))
			continue;
		pr_info("backend %s: %s\n", backends[i]->name, backends[i]->about);
		return backends[i];
	}
	for (i = 0; i < ARRAY_SIZE(backends); i++)
		pr_err("backend %s cannot be used here: %s\n", backends[i]->name, why[i]);
	return ERR_PTR(-ENODEV);
}

/* The backend that fits the running system, or the one that the user forces, if it fits. */
const struct xen_gpu_backend *xen_gpu_backend_choose(const char *forced)
{
	if (!xen_domain()) {
		pr_err("not running on Xen\n");
		return ERR_PTR(-ENODEV);
	}
	return strcmp(forced, "auto") ? choose_forced(forced) : choose_fitting();
}

/*
 * The service's status for an error of Xen's, by the backend's table of what each means, which
 * ends with 0. There are four kinds: the GFN has no page (-ENOENT), or one that must not be mapped
 * (-EPERM): these stay, and the GFN is gone. The guest is not there (-ENODEV). All others may pass,
 * and are tried again.
 */
int xen_gpu_backend_status(const struct xen_gpu_error *meanings, int error)
{
	for (; meanings->xen; meanings++) {
		if (meanings->xen == error)
			return meanings->status;
	}
	return error;
}

/* A word of the backend's own for each slot of a block's side. NULL: no memory. */
u64 *xen_gpu_backend_words(struct xen_gpu_block *block, unsigned int side)
{
	if (!block->backend[side])
		block->backend[side] = kcalloc(XEN_GPU_BLOCK_GFNS, sizeof(u64), GFP_KERNEL);
	return block->backend[side];
}

void xen_gpu_backend_free_words(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
				unsigned int side)
{
	kfree(block->backend[side]);
	block->backend[side] = NULL;
}

void xen_gpu_batch_start(struct xen_gpu_batch *batch, enum xen_gpu_call kind)
{
	batch->kind = kind;
	batch->n = 0;
}

void xen_gpu_batch_add(struct xen_gpu_batch *batch, struct xen_gpu_block *block,
		       unsigned int slot, unsigned int side, bool writable)
{
	batch->slots[batch->n++] = (struct xen_gpu_slot){
		.block = block,
		.gfn = xen_gpu_slot_gfn(block, slot),
		.slot = slot,
		.side = side,
		.writable = writable,
	};
}
