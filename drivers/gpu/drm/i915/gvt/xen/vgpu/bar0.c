// SPDX-License-Identifier: GPL-2.0
/*
 * Checks what a guest has at the addresses of BAR 0 before its virtual GPU is enabled, or before
 * BAR 0 is moved there.
 *
 * There should be nothing: only then do accesses trap, and only then can RAM be put there. Where
 * there is RAM, Xen would replace it by the new RAM. Where there is another domain's page, or a
 * device's registers, Xen would crash the guest.
 *
 * RAM at the GTT can be what a former virtual GPU put there (see ggtt/ggtt_ram.c): one of a driver
 * domain that is gone, or one that the guest had when it was saved. Or bar0 is wrong, and the RAM
 * is the guest's own. Nothing tells these cases apart, except that a former virtual GPU left no RAM
 * at the registers. So the RAM is used only if the user sets adopt_ram.
 *
 * HVMOP_get_mem_type tells the type of a GFN, but it shows a grant as RAM, and foreign pages and
 * registers as nothing (HVMMEM_mmio_dm). XEN_DMOP_set_mem_type tells them apart: setting a GFN to
 * the type that it has already succeeds for RAM and for holes only.
 *
 * Invariants: no RAM is put there or removed before everything was checked.
 *
 * Locking: the caller holds the virtual GPU's lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/hvm_op.h>

#include "bar0.h"
#include "config.h"
#include "ggtt/ggtt_ram.h"
#include "xen/dm_op.h"

/* Logs and returns an error of Xen's. */
static int query_failed(const struct xengt_bar0 *bar0, u64 gfn, int rc)
{
	if (!bar0->quiet)
		xengt_vgpu_err(bar0->name,
			       "Xen does not say what is at GFN %#llx of domain %u: %d\n", gfn,
			       bar0->config->domid, rc);
	return rc;
}

/* Logs that @what is at @gfn, and @todo as the user's remedy. Returns -EADDRINUSE. */
static int refuse_page(const struct xengt_bar0 *bar0, u64 gfn, const char *what, const char *todo)
{
	if (!bar0->quiet)
		xengt_vgpu_err(bar0->name, "%s at GFN %#llx of domain %u, in BAR 0 at %#llx: %s\n",
			       what, gfn, bar0->config->domid, bar0->addr, todo);
	return -EADDRINUSE;
}

static int refuse_special(const struct xengt_bar0 *bar0, u64 gfn)
{
	return refuse_page(bar0, gfn, "a page of another domain's, or a device's registers,",
			   "is bar0 right?");
}

/*
 * Checks n GFNs that Xen shows as nothing. 0 if all are holes; -EADDRINUSE, with a line in the log,
 * if there is another domain's page or a device's register among them; or an error of Xen's.
 */
static int check_holes(const struct xengt_bar0 *bar0, u64 gfn, unsigned long n)
{
	domid_t domid = bar0->config->domid;
	int rc = xengt_dm_set_hole(domid, gfn, n);

	if (rc != -EINVAL)
		return rc ? query_failed(bar0, gfn, rc) : 0;
	for (; n > 1 && !xengt_dm_set_hole(domid, gfn, 1); n--)
		gfn++;
	return refuse_special(bar0, gfn);
}

/* Checks that Xen shows n GFNs as nothing. */
static int check_no_ram(const struct xengt_bar0 *bar0, u64 gfn, unsigned long n)
{
	int type;

	for (; n; n--, gfn++) {
		type = xengt_dm_get_mem_type(bar0->config->domid, gfn);
		if (type < 0)
			return query_failed(bar0, gfn, type);
		if (type != HVMMEM_mmio_dm)
			return refuse_page(bar0, gfn, "memory", "is bar0 right?");
		cond_resched();
	}
	return 0;
}

/* Returns how many of n GFNs are not above @max_gfn. */
static unsigned long up_to(u64 gfn, unsigned long n, u64 max_gfn)
{
	return max_gfn < gfn ? 0 : min_t(u64, n, max_gfn - gfn + 1);
}

/* Checks that there is nothing at the registers' pages up to @max_gfn. */
static int check_registers(const struct xengt_bar0 *bar0, u64 max_gfn)
{
	unsigned long n;
	unsigned int i;
	u64 gfn;
	int rc;

	for (i = 0; i < ARRAY_SIZE(bar0->registers); i++) {
		gfn = bar0->registers[i].gfn;
		n = up_to(gfn, bar0->registers[i].n, max_gfn);
		rc = n ? check_no_ram(bar0, gfn, n) ?: check_holes(bar0, gfn, n) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* Records in ram->found which of the first n pages of the GTT Xen shows as RAM. */
static int find_ram(const struct xengt_bar0 *bar0, struct xengt_ggtt_ram *ram, unsigned long n)
{
	unsigned long page;
	int type;

	for (page = 0; page < n; page++) {
		type = xengt_dm_get_mem_type(ram->domid, ram->gfn + page);
		if (type < 0)
			return query_failed(bar0, ram->gfn + page, type);
		__assign_bit(page, ram->found, type != HVMMEM_mmio_dm);
		cond_resched();
	}
	return 0;
}

/* Checks that the rest of the first n pages of the GTT are holes. */
static int check_gtt_holes(const struct xengt_bar0 *bar0, const struct xengt_ggtt_ram *ram,
			   unsigned long n)
{
	unsigned long first, end;
	int rc;

	for_each_clear_bitrange(first, end, ram->found, n) {
		rc = check_holes(bar0, ram->gfn + first, end - first);
		if (rc)
			return rc;
	}
	return 0;
}

/* Makes RAM that is write-protected or read-only plain RAM. Refuses what is not RAM, as a grant. */
static int make_plain(const struct xengt_bar0 *bar0, const struct xengt_ggtt_ram *ram)
{
	unsigned long page;
	int rc;

	for_each_set_bit(page, ram->found, ram->n) {
		rc = xengt_dm_set_write_protect(ram->domid, ram->gfn + page, 1, false);
		if (rc == -EINVAL)
			return refuse_special(bar0, ram->gfn + page);
		if (rc)
			return query_failed(bar0, ram->gfn + page, rc);
		cond_resched();
	}
	return 0;
}

/* Checks the GTT's pages up to @max_gfn. */
static int check_gtt(const struct xengt_bar0 *bar0, struct xengt_ggtt_ram *ram, u64 max_gfn)
{
	unsigned long n = up_to(ram->gfn, ram->n, max_gfn), first;
	int rc;

	rc = find_ram(bar0, ram, n) ?: check_gtt_holes(bar0, ram, n);
	if (rc)
		return rc;
	first = find_first_bit(ram->found, ram->n);
	if (first == ram->n)
		return 0;
	if (!bar0->adopt)
		return refuse_page(bar0, ram->gfn + first, "memory",
				   "bar0 is wrong; or adopt_ram=1, if a former virtual GPU left it");
	return make_plain(bar0, ram);
}

/**
 * xengt_bar0_check - check what the guest has at the addresses of BAR 0
 * @bar0: what to check; @bar0->ram is initialised
 *
 * Records in @bar0->ram the RAM that is to be used, as found, and makes it plain RAM. GFNs above
 * the highest that the guest ever had are not checked, since there is nothing.
 *
 * Context: process context, may sleep; takes one hypercall for each page of the GTT and of the
 * registers.
 * Return: 0; -EADDRINUSE if there is something that cannot be used, with a line in the log that
 * says what is at which GFN, and what to do; or an error of Xen's, with a line in the log. No lines
 * if @bar0->quiet.
 */
int xengt_bar0_check(const struct xengt_bar0 *bar0)
{
	struct xengt_ggtt_ram *ram = bar0->ram;
	s64 max_gfn;

	max_gfn = xengt_ggtt_ram_max_gfn(ram);
	if (max_gfn < 0)
		return query_failed(bar0, ram->gfn, max_gfn);
	return check_registers(bar0, max_gfn) ?: check_gtt(bar0, ram, max_gfn);
}
