// SPDX-License-Identifier: GPL-2.0
/*
 * Resets a virtual GPU whose guest's driver has gone without taking back what it announced: after a
 * crash, kexec, or a reset of the device.
 *
 * GVT-g resets a virtual GPU at three events (gvt/vgpu.c, intel_gvt_reset_vgpu_locked()):
 *
 *	FLR, the function level reset, destroys the PPGTTs, points the GGTT to scratch and
 *	initialises PVINFO. XENGT_RESET_ALL does the same.
 *
 *	GDRST of all engines drops the shadows of the PPGTTs, and makes them again when they are
 *	used: a driver that resets its engines goes on with its PPGTTs.
 *
 *	An FLR after D3 leaves the PPGTTs alone, since the driver goes on with them, too.
 *
 * Invariants: after a reset with XENGT_RESET_PPGTTS no page of the guest's is write-protected or
 * held for a PPGTT that was announced before. An exception are pages that a vCPU keeps writing to:
 * the next syncs try again to release them.
 *
 * Locking: the virtual GPU is not disabled during a reset, see xengt_vgpu_enter(). Each step takes
 * the shadow's lock inside.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <xen/xengt.h>

#include "counters.h"
#include "gtt.h"
#include "pvinfo.h"
#include "vgpu.h"

/* How often to try to release pages that the guest writes to, and the time between, in us */
#define RELEASE_TRIES		64
#define RELEASE_US		500

/*
 * Releases pages that are not tables any more, but are still write-protected because a vCPU was
 * writing to them. Gives up after RELEASE_TRIES; the next syncs try again.
 */
static void release_stuck(struct xengt_vgpu *vgpu)
{
	unsigned int tries;

	for (tries = 0; tries < RELEASE_TRIES; tries++) {
		if (READ_ONCE(vgpu->gtt.ended) || xengt_gtt_release_stuck(&vgpu->gtt))
			return;
		fsleep(RELEASE_US);
	}
	pr_warn_ratelimited("%s: pages of domain %u stay write-protected for a while: error %d\n",
			    vgpu->name, vgpu->config.domid, vgpu->gtt.shadow.unprotect_error);
}

static void reset_vgpu(struct xengt_vgpu *vgpu, unsigned int what)
{
	xengt_count(&vgpu->counters, XENGT_COUNT_RESETS, 1);
	xengt_pvinfo_reset(&vgpu->mmio.pvinfo);
	/* First the PPGTTs: page directories in the GGTT (gen7) become ordinary entries. */
	if (what & XENGT_RESET_PPGTTS)
		xengt_ppgtts_reset(&vgpu->gtt.ppgtts);
	if (what & XENGT_RESET_GGTT)
		xengt_ggtt_reset(&vgpu->gtt.ggtt);
	xengt_gtt_sync(&vgpu->gtt);
	release_stuck(vgpu);
}

/**
 * xengt_vgpu_reset - reset a virtual GPU whose guest's driver is gone or has reset the device
 * @vgpu: the virtual GPU
 * @what: XENGT_RESET_PPGTTS, XENGT_RESET_GGTT, or both: XENGT_RESET_ALL
 *
 * XENGT_RESET_PPGTTS ends all PPGTTs, whether the guest or a device model announced them, and
 * however often. It frees their shadow tables, releases the references that these hold, and
 * unprotects the guest's page tables. The pages of a pinned PPGTT's shadow root stay allocated
 * until xengt_ppgtt_unpin(), but their entries are cleared.
 *
 * XENGT_RESET_GGTT sets all entries of the guest's share to 0: they read as 0 and their shadow
 * points to the scratch page.
 *
 * In any case PVINFO gets its initial contents. The reset covers what the guest announced or wrote
 * before; what it announces or writes meanwhile may be reset or stay. A mediator keeps the vCPUs
 * waiting, as they do in an access to a register.
 *
 * To be called for FLR (with XENGT_RESET_ALL), and when it is known that the guest's driver is
 * gone. Not to be called for GDRST or D3, after which a driver goes on with the PPGTTs that it
 * announced.
 *
 * Context: process context, may sleep. Not between xengt_mem_walk_begin() and
 * xengt_mem_walk_end(), and not while a write of the guest's to its page
 * tables is being handled.
 * Return: 0; -EINVAL if @what is 0 or has other bits set; -ENODEV if the virtual GPU does not run.
 */
int xengt_vgpu_reset(struct xengt_vgpu *vgpu, unsigned int what)
{
	int rc;

	if (!what || what & ~XENGT_RESET_ALL)
		return -EINVAL;
	rc = xengt_vgpu_enter(vgpu);
	if (rc)
		return rc;
	reset_vgpu(vgpu, what);
	xengt_vgpu_leave(vgpu);
	return 0;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_reset);
