// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest has at the addresses of BAR 0 before its virtual GPU is there.
 *
 * There should be nothing: only then are accesses trapped, and can RAM be put there. Xen replaces
 * RAM that is there by RAM that is put there, and crashes the guest if it is another domain's page
 * or a device's registers.
 *
 * RAM at the GTT may be what a former virtual GPU had put there (gtt_ram.c): one of a driver domain
 * that is gone, or one that the guest had when it was saved. Or bar0 is wrong, and it is the
 * guest's own. Nothing tells the two apart, but that a former virtual GPU left none at the
 * registers; so it is used only if the user says so.
 *
 * Xen tells a GFN's type (HVMOP_get_mem_type), but shows a grant as RAM, and foreign pages and
 * registers as nothing. A change of the type to what it is already (XEN_DMOP_set_mem_type) works
 * for RAM and for holes only.
 *
 * Invariants: nothing is put there, or taken away, before all of it was looked at. Locking: the
 * virtual GPU's lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/hvm_op.h>

#include "bar0.h"
#include "dm_op.h"
#include "gtt_ram.h"
#include "vgpu.h"

static int cannot_look(const struct xengt_vgpu *vgpu, u64 gfn, int rc)
{
	xengt_vgpu_err(vgpu, "Xen does not say what is at GFN %#llx of domain %u: %d\n", gfn,
		       vgpu->config.domid, rc);
	return rc;
}

static int refuse(const struct xengt_vgpu *vgpu, u64 gfn, const char *what, const char *todo)
{
	xengt_vgpu_err(vgpu, "%s at GFN %#llx of domain %u, in BAR 0 at %#llx: %s\n", what, gfn,
		       vgpu->config.domid, vgpu->config.bar0, todo);
	return -EADDRINUSE;
}

static int refuse_special(const struct xengt_vgpu *vgpu, u64 gfn)
{
	return refuse(vgpu, gfn, "a page of another domain's, or a device's registers,",
		      "is bar0 right?");
}

/* n GFNs that are shown as nothing: are there other domains' pages among them? */
static int check_holes(const struct xengt_vgpu *vgpu, u64 gfn, unsigned long n)
{
	domid_t domid = vgpu->config.domid;
	int rc = xengt_dm_set_hole(domid, gfn, n);

	if (rc != -EINVAL)
		return rc ? cannot_look(vgpu, gfn, rc) : 0;
	for (; n > 1 && !xengt_dm_set_hole(domid, gfn, 1); n--)
		gfn++;
	return refuse_special(vgpu, gfn);
}

/* The pages of registers that are trapped, and the one before the GTT */
static int look_at_registers(const struct xengt_vgpu *vgpu, u64 max_gfn)
{
	const u64 gfns[] = {
		vgpu->traps.pvinfo_page.start >> XENGT_PAGE_SHIFT,
		vgpu->traps.flush.start >> XENGT_PAGE_SHIFT,
		(vgpu->traps.gtt.start >> XENGT_PAGE_SHIFT) - 1,
	};
	unsigned int i;
	int type, rc;

	for (i = 0; i < ARRAY_SIZE(gfns) && gfns[i] <= max_gfn; i++) {
		type = xengt_dm_get_mem_type(vgpu->config.domid, gfns[i]);
		if (type < 0)
			return cannot_look(vgpu, gfns[i], type);
		if (type != HVMMEM_mmio_dm)
			return refuse(vgpu, gfns[i], "memory", "is bar0 right?");
		rc = check_holes(vgpu, gfns[i], 1);
		if (rc)
			return rc;
	}
	return 0;
}

/* Notes what is shown as RAM in the first n pages of the GTT. */
static int find_ram(const struct xengt_vgpu *vgpu, struct xengt_gtt_ram *ram, unsigned long n)
{
	unsigned long page;
	int type;

	for (page = 0; page < n; page++) {
		type = xengt_dm_get_mem_type(ram->domid, ram->gfn + page);
		if (type < 0)
			return cannot_look(vgpu, ram->gfn + page, type);
		__assign_bit(page, ram->found, type != HVMMEM_mmio_dm);
		cond_resched();
	}
	return 0;
}

static int check_gtt_holes(const struct xengt_vgpu *vgpu, const struct xengt_gtt_ram *ram,
			   unsigned long n)
{
	unsigned long first, end;
	int rc;

	for_each_clear_bitrange(first, end, ram->found, n) {
		rc = check_holes(vgpu, ram->gfn + first, end - first);
		if (rc)
			return rc;
	}
	return 0;
}

/* RAM that was trapped, or read-only, is plain from here on. */
static int make_plain(const struct xengt_vgpu *vgpu, const struct xengt_gtt_ram *ram)
{
	unsigned long page;
	int rc;

	for_each_set_bit(page, ram->found, ram->n) {
		rc = xengt_dm_set_write_trap(ram->domid, ram->gfn + page, 1, false);
		if (rc == -EINVAL)
			return refuse_special(vgpu, ram->gfn + page);
		if (rc)
			return cannot_look(vgpu, ram->gfn + page, rc);
		cond_resched();
	}
	return 0;
}

static int look_at_gtt(const struct xengt_vgpu *vgpu, struct xengt_gtt_ram *ram, u64 max_gfn)
{
	unsigned long n = 0, first;
	int rc;

	if (max_gfn >= ram->gfn)
		n = min_t(u64, ram->n, max_gfn - ram->gfn + 1);
	rc = find_ram(vgpu, ram, n) ?: check_gtt_holes(vgpu, ram, n);
	if (rc)
		return rc;
	first = find_first_bit(ram->found, ram->n);
	if (first == ram->n)
		return 0;
	if (!vgpu->config.adopt_ram)
		return refuse(vgpu, ram->gfn + first, "memory",
			      "bar0 is wrong; or adopt_ram=1, if a former virtual GPU left it");
	return make_plain(vgpu, ram);
}

/**
 * xengt_bar0_look - look what is at the addresses of BAR 0
 * @vgpu: the virtual GPU, whose targets of traps and RAM are initialised
 *
 * RAM that is to be used is noted as found. Beyond the highest GFN that the guest ever had there is
 * nothing.
 *
 * Context: process context; one hypercall for each page of the GTT.
 * Return: 0; -EADDRINUSE for what cannot be used, with a line in the log that says what is where
 * and what to do; or an error of Xen's, with a line.
 */
int xengt_bar0_look(struct xengt_vgpu *vgpu)
{
	struct xengt_gtt_ram *ram = &vgpu->traps.ram;
	s64 max_gfn;

	lockdep_assert_held(&vgpu->lock);
	max_gfn = xengt_gtt_ram_max_gfn(ram);
	if (max_gfn < 0)
		return cannot_look(vgpu, ram->gfn, max_gfn);
	return look_at_registers(vgpu, max_gfn) ?: look_at_gtt(vgpu, ram, max_gfn);
}
