// SPDX-License-Identifier: GPL-2.0
/*
 * The backend for a PV dom0 on stock Xen: reference tables.
 *
 * A reference table is a page that is a level 1 page table to Xen (read-only in the kernel's
 * mapping, and pinned), linked to nothing. Writing a GFN of a translated guest into a slot of it
 * with mmu_update makes Xen take a reference on the page and store the machine frame, which is
 * read back through the read-only mapping: it is the BFN, since a PV dom0's IOMMU maps all RAM
 * 1:1 or is off. Clearing the slot drops the reference; unpinning the page drops all of them.
 * There is no isolation: the reference is the only protection.
 *
 * A block of 512 GFNs has one table for each side on which something is held. As a revalidation
 * uses the other side of one block after the other, one empty table is kept until it is done.
 *
 * Source: Xen's mod_l1_entry() and public/xen.h (mmu_update, MMUEXT_PIN_L1_TABLE).
 *
 * Invariants: a page in use as a table is pinned (otherwise Xen would store the raw GFN and take
 * no reference), read-only, and never written by us; one that cannot be unpinned or made
 * writable again is leaked, never freed. Locking: the domain's lock, for the update buffer too.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <xen/xen.h>
#include <xen/page.h>
#include <xen/interface/xen.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>

#include "backend.h"
#include "domain.h"
#include "iommu_op.h"

/* Bits of an x86 level 1 page table entry, as Xen reads them in mmu_update. */
#define SLOT_PRESENT	BIT_ULL(0)
#define SLOT_WRITABLE	BIT_ULL(1)
#define SLOT_USER	BIT_ULL(2)
#define SLOT_ACCESSED	BIT_ULL(5)
#define SLOT_DIRTY	BIT_ULL(6)
#define SLOT_FRAME	GENMASK_ULL(51, 12)

/* The updates of a batch, and the slot that each belongs to; a table with nothing in it */
struct xen_gpu_pv_buffer {
	struct mmu_update updates[XEN_GPU_BATCH];
	u16 index[XEN_GPU_BATCH];
	u64 *spare;
};

/*
 * mod_l1_entry() and get_page_from_l1e(). -EINVAL: no page (also of a guest that is dying, whose
 * pages are going). -ENOENT: the page is paged out, and on its way in. -EBUSY: the GFN has a page
 * of another domain's (a foreign mapping, a grant), or a shared one that is to be written to.
 * -ENOMEM: no memory to unshare it. -EPERM: MMIO, or no control over the guest. -ESRCH: no such
 * guest.
 */
static const struct xen_gpu_error map_errors[] = {
	{ -EINVAL, -ENOENT },
	{ -ENOENT, -EAGAIN },
	{ -EBUSY, -ENOENT },
	{ -EACCES, -EPERM },
	{ -ESRCH, -ENODEV },
	{}
};

/* Clearing a slot: what fails is tried again. */
static const struct xen_gpu_error unmap_errors[] = {
	{}
};

static int table_op(u64 *table, unsigned int cmd)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = virt_to_mfn(table) };

	return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static int table_protect(u64 *table, pgprot_t prot)
{
	return HYPERVISOR_update_va_mapping((unsigned long)table,
					    pfn_pte(PHYS_PFN(__pa(table)), prot),
					    UVMF_INVLPG | UVMF_ALL);
}

/* Xen does not let a page of ours be a table. */
static void tell_refused(struct xen_gpu_domain *dom, const char *what, int error)
{
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_TABLE_FAILED, 1);
	pr_err_ratelimited("d%u: pages cannot be mapped: Xen does not let a page be %s: error %d (see xl dmesg; backend=physmap in a PVH dom0 needs no such page)\n",
			   dom->domid, what, error);
}

static u64 *table_new(struct xen_gpu_domain *dom)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL);
	int rc;

	if (!table)
		return NULL;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 2);
	rc = table_protect(table, PAGE_KERNEL_RO);
	if (rc) {
		tell_refused(dom, "read-only", rc);
		goto free;
	}
	rc = table_op(table, MMUEXT_PIN_L1_TABLE);
	if (rc) {
		tell_refused(dom, "pinned as a page table", rc);
		goto unprotect;
	}
	return table;

unprotect:
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 1);
	if (table_protect(table, PAGE_KERNEL)) {
		pr_err_ratelimited("d%u: a read-only page was lost\n", dom->domid);
		return NULL;
	}
free:
	free_page((unsigned long)table);
	return NULL;
}

/* A table with nothing in it, or NULL. */
static u64 *table_alloc(struct xen_gpu_domain *dom)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;
	u64 *table = buffer->spare;

	buffer->spare = NULL;
	return table ?: table_new(dom);
}

/* Drops every reference of the table, which has so many. Tells whether it did. */
static bool table_free(struct xen_gpu_domain *dom, u64 *table, unsigned int held)
{
	if (held)
		xen_gpu_count_hypercall(&dom->counters, XEN_GPU_CALL_UNMAP, held);
	else
		xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 1);
	if (table_op(table, MMUEXT_UNPIN_TABLE)) {
		pr_err_ratelimited("d%u: a reference table could not be unpinned\n", dom->domid);
		return false;
	}
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 1);
	if (table_protect(table, PAGE_KERNEL))
		pr_err_ratelimited("d%u: a read-only page was lost\n", dom->domid);
	else
		free_page((unsigned long)table);
	return true;
}

static u64 slot_value(const struct xen_gpu_slot *slot)
{
	u64 value = slot->gfn << XEN_PAGE_SHIFT;

	value |= SLOT_PRESENT | SLOT_USER | SLOT_ACCESSED | SLOT_DIRTY;
	return slot->writable ? value | SLOT_WRITABLE : value;
}

static u64 slot_address(const struct xen_gpu_slot *slot)
{
	u64 *table = slot->block->backend[slot->side];

	return ((u64)virt_to_mfn(table) << XEN_PAGE_SHIFT) + slot->slot * sizeof(*table);
}

/*
 * Writes the updates; update i belongs to slot index[i]. mmu_update stops at the first one that
 * fails and says how many went before: note the error and go on behind it.
 */
static void write_slots(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch, unsigned int n,
			domid_t owner, const struct xen_gpu_error *meanings)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;
	unsigned int pos = 0;
	int rc, done;

	while (pos < n) {
		done = 0;
		xen_gpu_count_hypercall(&dom->counters, batch->kind, n - pos);
		rc = HYPERVISOR_mmu_update(buffer->updates + pos, n - pos, &done, owner);
		if (!rc)
			return;
		pos += min_t(unsigned int, done, n - pos - 1);
		batch->slots[buffer->index[pos]].status = xen_gpu_backend_status(meanings, rc);
		/* No such domain, for one as for all. */
		for (pos++; rc == -ESRCH && pos < n; pos++)
			batch->slots[buffer->index[pos]].status = -ENODEV;
	}
}

static void pv_map(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;
	struct xen_gpu_slot *slot;
	unsigned int i, n = 0;
	u64 value;

	for (i = 0; i < batch->n; i++) {
		slot = &batch->slots[i];
		if (!slot->block->backend[slot->side])
			slot->block->backend[slot->side] = table_alloc(dom);
		slot->status = slot->block->backend[slot->side] ? 0 : -ENOMEM;
		if (slot->status)
			continue;
		buffer->updates[n].ptr = slot_address(slot) | MMU_NORMAL_PT_UPDATE;
		buffer->updates[n].val = slot_value(slot);
		buffer->index[n++] = i;
	}
	write_slots(dom, batch, n, dom->domid, map_errors);

	for (i = 0; i < batch->n; i++) {
		slot = &batch->slots[i];
		if (slot->status)
			continue;
		value = READ_ONCE(((u64 *)slot->block->backend[slot->side])[slot->slot]);
		slot->bfn = (value & SLOT_FRAME) >> XEN_PAGE_SHIFT;
		if (!(value & SLOT_PRESENT))
			slot->status = -EIO;
	}
}

static void pv_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;
	unsigned int i;

	for (i = 0; i < batch->n; i++) {
		batch->slots[i].status = 0;
		buffer->updates[i].ptr = slot_address(&batch->slots[i]) | MMU_NORMAL_PT_UPDATE;
		buffer->updates[i].val = 0;
		buffer->index[i] = i;
	}
	write_slots(dom, batch, batch->n, DOMID_SELF, unmap_errors);
}

static u64 pv_bfn(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
		  unsigned int slot, unsigned int side)
{
	const u64 *table = block->backend[side];

	return (READ_ONCE(table[slot]) & SLOT_FRAME) >> XEN_PAGE_SHIFT;
}

static void pv_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	unsigned int side, slot;

	for (side = 0; side < XEN_GPU_SIDES; side++) {
		if (!block->backend[side] ||
		    !table_free(dom, block->backend[side], block->nr_held[side]))
			continue;
		block->backend[side] = NULL;
		for (slot = 0; block->nr_held[side] && slot < XEN_GPU_BLOCK_GFNS; slot++) {
			if (xen_gpu_slot_held_on(block, slot, side))
				xen_gpu_slot_drop(&dom->table, block, slot, side);
		}
	}
}

/* The first one is kept for the next block. */
static void pv_drop_side(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			 unsigned int side)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;

	if (!buffer->spare)
		buffer->spare = block->backend[side];
	else if (!table_free(dom, block->backend[side], 0))
		return;
	block->backend[side] = NULL;
}

static void pv_trim(struct xen_gpu_domain *dom)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;

	/* One that cannot be unpinned is used again. */
	if (buffer->spare && table_free(dom, buffer->spare, 0))
		buffer->spare = NULL;
}

static int pv_domain_init(struct xen_gpu_domain *dom)
{
	struct xen_gpu_pv_buffer *buffer = kvzalloc(sizeof(*buffer), GFP_KERNEL);

	dom->backend_data = buffer;
	return buffer ? 0 : -ENOMEM;
}

static void pv_domain_exit(struct xen_gpu_domain *dom)
{
	pv_trim(dom);
	kvfree(dom->backend_data);
}

/* On XenServer's Xen, with an IOMMU, a BFN is not the MFN. */
static bool bfn_is_not_mfn(void)
{
	bool translates;

	return !xen_gpu_iommu_op_query(&translates) && translates;
}

static int pv_probe(const char **why)
{
	if (!xen_pv_domain())
		*why = "this is not a PV domain";
	else if (!xen_initial_domain())
		*why = "this is not dom0";
	else if (bfn_is_not_mfn())
		*why = "this Xen maps memory for dom0's devices elsewhere than 1:1 (use xenserver)";
	else
		return xen_gpu_iommu_lets_through(why);
	return -ENODEV;
}

const struct xen_gpu_backend xen_gpu_backend_pv = {
	.name = "pv",
	.about = "PV dom0, BFN = MFN, references in pinned page tables, no isolation",
	.batched_unmap = true,
	.sees_frames = true,
	.lasting = true,
	.unmap_chunk = XEN_GPU_BATCH,
	.probe = pv_probe,
	.domain_init = pv_domain_init,
	.domain_exit = pv_domain_exit,
	.map = pv_map,
	.unmap = pv_unmap,
	.bfn = pv_bfn,
	.drop_block = pv_drop_block,
	.drop_side = pv_drop_side,
	.trim = pv_trim,
};
