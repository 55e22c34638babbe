// SPDX-License-Identifier: GPL-2.0
/*
 * The reset of a virtual GPU: its guest's driver is gone without goodbye (a crash, kexec, a reset
 * of the device), and what it had announced is nobody's.
 *
 * GVT resets at three events (intel_gvt_reset_vgpu_locked()). A function level reset (FLR) destroys
 * the PPGTTs, points the GGTT to scratch and makes PVINFO anew: that is all of this one. GDRST for
 * all engines drops the shadows of the PPGTTs, and makes them anew when they are used, since a
 * driver that resets its engines goes on with its PPGTTs. So it does after D3, when an FLR leaves
 * the PPGTTs alone.
 *
 * Invariants: when it is done, no page of the guest's is trapped or held for a PPGTT that was
 * announced before, but those that a vCPU writes to all the time: they are tried again.
 *
 * Locking: the virtual GPU's lock, so that what is reset does not go; the mm's lock inside, for
 * each part.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/printk.h>
#include <xen/xengt.h>

#include "vgpu.h"

/* How often, and after which time, it is tried to let go of pages that a guest writes to */
#define LET_GO_TRIES		64
#define LET_GO_US		500

/* Writes to pages that are tables no more come to an end, or the next syncs go on trying. */
static void let_go(struct xengt_vgpu *vgpu)
{
	unsigned int tries;

	for (tries = 0; tries < LET_GO_TRIES; tries++) {
		if (READ_ONCE(vgpu->guest_ended) || xengt_ppgtts_release_stuck(&vgpu->ppgtts))
			return;
		fsleep(LET_GO_US);
	}
	pr_warn_ratelimited("%s: pages of domain %u keep their traps for a while: error %d\n",
			    vgpu->name, vgpu->config.domid, vgpu->traps.untrap_error);
}

static void reset(struct xengt_vgpu *vgpu, unsigned int what)
{
	lockdep_assert_held(&vgpu->lock);
	xengt_count(&vgpu->counters, XENGT_COUNT_RESETS, 1);
	xengt_pvinfo_reset(&vgpu->traps.pvinfo);
	/* First the tables: directories in the GGTT are ordinary entries then. */
	if (what & XENGT_RESET_PPGTTS)
		xengt_ppgtts_reset(&vgpu->ppgtts);
	if (what & XENGT_RESET_GGTT)
		xengt_ggtt_reset(&vgpu->ggtt);
	xengt_ppgtts_sync(&vgpu->ppgtts);
	let_go(vgpu);
}

/**
 * xengt_vgpu_reset - the guest's driver is gone, or has reset its GPU
 * @vgpu: the virtual GPU
 * @what: XENGT_RESET_PPGTTS, XENGT_RESET_GGTT, or both: XENGT_RESET_ALL
 *
 * With XENGT_RESET_PPGTTS all announcements are forgotten, by whomever they were made: the tables
 * end, their pages are the guest's own again, and what they held is given back. The root of a PPGTT
 * that is pinned leads nowhere, and stays a page of ours until xengt_ppgtt_unpin(). With
 * XENGT_RESET_GGTT all entries of the guest's share read as 0 and lead to the scratch page. In any
 * case PVINFO is what a guest finds first. What the guest announces or writes meanwhile may be
 * reset or stay: a mediator has its vCPUs wait, as they do in an access to a register.
 *
 * To be called for FLR (XENGT_RESET_ALL), and when it is known that the guest's driver is gone; not
 * for GDRST or D3, after which a driver goes on with the PPGTTs that it announced.
 *
 * Context: process context, may sleep; not between xengt_mem_walk_begin() and its end, and not
 * while a store of the guest's to its page tables is being handled.
 * Return: 0; -EINVAL for no or other bits; -ENODEV if the virtual GPU does not run.
 */
int xengt_vgpu_reset(struct xengt_vgpu *vgpu, unsigned int what)
{
	int rc = -ENODEV;

	if (!what || what & ~XENGT_RESET_ALL)
		return -EINVAL;
	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_RUNNING) {
		reset(vgpu, what);
		rc = 0;
	}
	mutex_unlock(&vgpu->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_reset);
