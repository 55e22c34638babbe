// SPDX-License-Identifier: GPL-2.0
/*
 * Moves BAR 0 of a virtual GPU, when the guest programs the BAR or changes what it decodes.
 *
 * A move first makes BAR 0 decode nothing: accesses to the old addresses do not trap any more, the
 * entries of the GGTT move from RAM at the GTT to pages of our own, and the guest loses that RAM.
 * Then BAR 0 appears at the new addresses: RAM is put there, as when the virtual GPU is enabled,
 * and accesses trap. RAM comes before the traps: if RAM appeared under an access that has trapped,
 * Xen would crash the guest (see xen/ioreq_server.c).
 *
 * Invariants: what the guest has stored in its GGTT is kept, and a move by itself writes no shadow
 * entry. Before anything changes, the new addresses were checked, and there is memory for all
 * entries. After an error BAR 0 is where it was, or decodes nothing.
 *
 * Locking: the virtual GPU's lock. A move waits for no handler of the guest's accesses: those under
 * way are handled with the old address or with the new one.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <xen/xengt_mediator.h>

#include "config.h"
#include "ggtt/ggtt_page.h"
#include "ggtt/ggtt_ram.h"
#include "served.h"
#include "trapping.h"
#include "vgpu.h"

/* Can BAR 0 be at an address? A BAR is aligned to its size. */
static bool is_possible(const struct xengt_vgpu *vgpu, u64 gpa)
{
	u64 size = 2 * vgpu->gtt.shadow.format->gtt_offset;

	return gpa == XENGT_BAR0_NONE || (gpa && gpa < XENGT_MEMORY_SIZE && !(gpa & (size - 1)));
}

/* BAR 0 decodes nothing from now on. The spare pages are there. */
static void hide(struct xengt_mmio *mmio)
{
	xengt_ggtt_pages_leave_ram(&mmio->gtt->ggtt.pages);
	xengt_ggtt_ram_exit(&mmio->ram);
	WRITE_ONCE(mmio->bar0, XENGT_BAR0_NONE);
}

/*
 * Makes BAR 0, which decodes nothing, appear at @gpa. Takes over @ram, which was checked there. 0;
 * or an error, when it still decodes nothing: -EADDRINUSE if RAM does not go away, or an error of
 * Xen's.
 */
static int show(struct xengt_mmio *mmio, u64 gpa, struct xengt_ggtt_ram *ram)
{
	int rc;

	mmio->ram = *ram;
	ram->there = NULL;
	WRITE_ONCE(mmio->bar0, gpa);
	rc = xengt_trapping_use_ram(mmio, true) ? 0 : -EADDRINUSE;
	if (!rc && mmio->served)
		rc = xengt_trapping_take_ranges(mmio);
	if (!rc) {
		xengt_ggtt_pages_free_spare(&mmio->gtt->ggtt.pages);
		return 0;
	}
	xengt_trapping_drop_ranges(mmio);
	hide(mmio);
	return rc;
}

/* Moves BAR 0 to addresses that were checked, as @ram, or to nowhere. */
static int move(struct xengt_mmio *mmio, u64 gpa, struct xengt_ggtt_ram *ram)
{
	unsigned int n = mmio->nr_ranges;
	int rc = xengt_ggtt_pages_add_spare(&mmio->gtt->ggtt.pages);

	if (rc)
		return rc;
	rc = xengt_trapping_drop_ranges(mmio);
	if (rc && mmio->nr_ranges == n) {
		xengt_ggtt_pages_free_spare(&mmio->gtt->ggtt.pages);
		return rc;
	}
	hide(mmio);
	if (rc || gpa == XENGT_BAR0_NONE)
		return rc;
	return show(mmio, gpa, ram);
}

/* Checks the new addresses, and moves BAR 0 there. */
static int check_and_move(struct xengt_mmio *mmio, u64 gpa)
{
	struct xengt_ggtt_ram ram = { .there = NULL };
	int rc = 0;

	if (gpa != XENGT_BAR0_NONE)
		rc = xengt_trapping_check_place(mmio, gpa, false, &ram);
	if (!rc)
		rc = move(mmio, gpa, &ram);
	xengt_ggtt_ram_exit(&ram);
	return rc;
}

static int move_running(struct xengt_vgpu *vgpu, u64 gpa)
{
	int rc;

	lockdep_assert_held(&vgpu->lock);
	if (!xengt_mediation_attached(&vgpu->mediation))
		return -EOPNOTSUPP;
	if (!is_possible(vgpu, gpa))
		return -EINVAL;
	if (gpa == vgpu->mmio.bar0)
		return 0;
	rc = xengt_served_begin_move(&vgpu->served, gpa);
	if (rc)
		return rc;
	rc = check_and_move(&vgpu->mmio, gpa);
	xengt_served_end_move(&vgpu->served, vgpu->mmio.bar0);
	return rc;
}

/**
 * xengt_vgpu_move_bar0 - move BAR 0 of a virtual GPU
 * @vgpu: the virtual GPU, which the caller is the mediator of
 * @gpa: where the guest has programmed BAR 0, a guest-physical address in bytes; or
 *	XENGT_BAR0_NONE: it decodes nothing, as memory decoding is off
 *
 * To be called in the access of a vCPU to the configuration space, before that is answered. From
 * then on the guest's accesses to the new addresses trap. In hybrid mode the RAM at the GTT moves,
 * too, and the guest's memory stays as large as it was; while BAR 0 decodes nothing it is smaller.
 * The guest's entries, their shadow and the PPGTTs stay as they are. Accesses of other vCPUs that
 * are under way have the old effect, or none: such a read gives ones.
 *
 * When the virtual GPU is enabled, BAR 0 is where the user has configured it. A mediator can move
 * it in its start operation. Nothing is logged when the guest chooses bad addresses.
 *
 * Context: process context, may sleep; takes the virtual GPU's lock. Makes up to 4096 hypercalls.
 * Return: 0, or an error. BAR 0 is where it was after:
 *
 * * -EINVAL: the address is not a multiple of the BAR's size, or is 0, or beyond the addresses of a
 *   guest
 * * -EADDRINUSE: the guest has memory or something else at these addresses
 * * -EBUSY: another virtual GPU of the guest has some of these addresses
 * * -ENODEV: the virtual GPU does not run
 * * -EOPNOTSUPP: it has no mediator
 * * -ENOMEM
 *
 * After another error, which is Xen's, BAR 0 is where it was, or decodes nothing;
 * xengt_vgpu_bar0() tells which.
 */
int xengt_vgpu_move_bar0(struct xengt_vgpu *vgpu, u64 gpa)
{
	int rc = -ENODEV;

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_RUNNING)
		rc = move_running(vgpu, gpa);
	mutex_unlock(&vgpu->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_move_bar0);

/**
 * xengt_vgpu_bar0 - where is BAR 0 of a virtual GPU
 * @vgpu: the virtual GPU
 *
 * Context: process context, may sleep; takes the virtual GPU's lock.
 * Return: a guest-physical address in bytes; or XENGT_BAR0_NONE if it decodes nothing, or the
 * virtual GPU does not run.
 */
u64 xengt_vgpu_bar0(struct xengt_vgpu *vgpu)
{
	u64 gpa = XENGT_BAR0_NONE;

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_RUNNING)
		gpa = vgpu->mmio.bar0;
	mutex_unlock(&vgpu->lock);
	return gpa;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_bar0);
