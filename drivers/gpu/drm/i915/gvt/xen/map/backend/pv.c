// SPDX-License-Identifier: GPL-2.0
/*
 * The backend for a PV dom0 on stock Xen: reference tables.
 *
 * A reference table is a page that Xen treats as a level 1 page table. It is read-only in the
 * kernel's mapping, pinned, and not linked to any other page table. When mmu_update writes a GFN of
 * a translated guest into an entry of it, Xen gets a reference on the page and stores the machine
 * frame. We read that frame through the read-only mapping: it is the BFN, since a PV dom0's IOMMU
 * maps all RAM 1:1 or is off. Clearing the entry drops the reference; unpinning the table drops all
 * of them. There is no isolation: the reference is the only protection.
 *
 * A block of 512 GFNs has one table for each of the two mappings of its GFNs, if any is held. A
 * revalidation needs a second table for one block after the other, so one empty table is kept until
 * it is done.
 *
 * Source: Xen's mod_l1_entry() and public/xen.h (mmu_update, MMUEXT_PIN_L1_TABLE).
 *
 * Invariants: a page in use as a table is pinned, as Xen would otherwise store the raw GFN and get
 * no reference. It is read-only, and we never write to it. A page that cannot be unpinned or made
 * writable again is leaked, never freed.
 *
 * Locking: the domain's lock, for the update buffer, too.
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

#include "backend/backend.h"
#include "backend/commandline.h"
#include "backend/iommu_op.h"
#include "domain.h"

/* Bits of an x86 level 1 page table entry, as Xen reads them in mmu_update */
#define SLOT_PRESENT	BIT_ULL(0)
#define SLOT_WRITABLE	BIT_ULL(1)
#define SLOT_USER	BIT_ULL(2)
#define SLOT_ACCESSED	BIT_ULL(5)
#define SLOT_DIRTY	BIT_ULL(6)
#define SLOT_FRAME	GENMASK_ULL(51, 12)

/* The updates of a batch, the index of the batch entry of each, and an empty table in reserve */
struct xen_gpu_pv_buffer {
	struct mmu_update updates[XEN_GPU_BATCH];
	u16 index[XEN_GPU_BATCH];
	u64 *spare;
};

/*
 * Errors of mod_l1_entry() and get_page_from_l1e():
 *
 *  -EINVAL  no page; also if the guest is dying and its pages are being freed
 *  -ENOENT  the page is paged out, and on its way in
 *  -EBUSY   the page is another domain's (a foreign mapping, a grant), or it is shared and would
 *           have to be writable
 *  -ENOMEM  no memory to unshare the page
 *  -EPERM   MMIO, or no control over the guest
 *  -ESRCH   no such guest
 */
static const struct xen_gpu_error map_errors[] = {
	{ -EINVAL, -ENOENT },
	{ -ENOENT, -EAGAIN },
	{ -EBUSY, -ENOENT },
	{ -EACCES, -EPERM },
	{ -ESRCH, -ENODEV },
	{}
};

/* Errors of clearing an entry: none is translated, as the unmap is retried in any case. */
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

/* Logs that Xen has refused to accept a page of ours as a table. */
static void log_refused(struct xen_gpu_domain *dom, const char *what, int error)
{
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_TABLE_FAILED, 1);
	pr_err_ratelimited("d%u: pages cannot be mapped: Xen does not let a page be %s: error %d (see xl dmesg; backend=physmap in a PVH dom0 needs no such page)\n",
			   dom->domid, what, error);
}

/* Allocates a reference table. Returns NULL if there is no memory or Xen refuses. */
static u64 *table_new(struct xen_gpu_domain *dom)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL);
	int rc;

	if (!table)
		return NULL;
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_SETUP_HYPERCALLS, 2);
	rc = table_protect(table, PAGE_KERNEL_RO);
	if (rc) {
		log_refused(dom, "read-only", rc);
		goto free;
	}
	rc = table_op(table, MMUEXT_PIN_L1_TABLE);
	if (rc) {
		log_refused(dom, "pinned as a page table", rc);
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

/* Returns an empty table, the one in reserve if there is one, or NULL. */
static u64 *table_alloc(struct xen_gpu_domain *dom)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;
	u64 *table = buffer->spare;

	buffer->spare = NULL;
	return table ?: table_new(dom);
}

/*
 * Unpins and frees a table, which drops its references, @held of them. Returns false if Xen refuses
 * to unpin it.
 */
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

static u64 entry_value(const struct xen_gpu_batch_entry *entry)
{
	u64 value = entry->gfn << XEN_PAGE_SHIFT;

	value |= SLOT_PRESENT | SLOT_USER | SLOT_ACCESSED | SLOT_DIRTY;
	return entry->writable ? value | SLOT_WRITABLE : value;
}

static u64 entry_address(const struct xen_gpu_batch_entry *entry)
{
	u64 *table = entry->block->backend[entry->mapping];

	return ((u64)virt_to_mfn(table) << XEN_PAGE_SHIFT) + entry->idx * sizeof(*table);
}

/*
 * Makes the @n updates in the buffer; update i belongs to batch entry index[i]. mmu_update stops at
 * the first update that fails, and says how many have succeeded: record the error and continue
 * behind it.
 */
static void write_table_entries(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch,
				unsigned int n, domid_t owner,
				const struct xen_gpu_error *meanings)
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
		batch->entries[buffer->index[pos]].status = xen_gpu_backend_status(meanings, rc);
		/* There is no such domain: no other update can succeed. */
		for (pos++; rc == -ESRCH && pos < n; pos++)
			batch->entries[buffer->index[pos]].status = -ENODEV;
	}
}

static void pv_map(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;
	struct xen_gpu_batch_entry *entry;
	unsigned int i, n = 0;
	u64 value;

	for (i = 0; i < batch->n; i++) {
		entry = &batch->entries[i];
		if (!entry->block->backend[entry->mapping])
			entry->block->backend[entry->mapping] = table_alloc(dom);
		entry->status = entry->block->backend[entry->mapping] ? 0 : -ENOMEM;
		if (entry->status)
			continue;
		buffer->updates[n].ptr = entry_address(entry) | MMU_NORMAL_PT_UPDATE;
		buffer->updates[n].val = entry_value(entry);
		buffer->index[n++] = i;
	}
	write_table_entries(dom, batch, n, dom->domid, map_errors);

	for (i = 0; i < batch->n; i++) {
		entry = &batch->entries[i];
		if (entry->status)
			continue;
		value = READ_ONCE(((u64 *)entry->block->backend[entry->mapping])[entry->idx]);
		entry->bfn = (value & SLOT_FRAME) >> XEN_PAGE_SHIFT;
		if (!(value & SLOT_PRESENT))
			entry->status = -EIO;
	}
}

static void pv_unmap(struct xen_gpu_domain *dom, struct xen_gpu_batch *batch)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;
	unsigned int i;

	for (i = 0; i < batch->n; i++) {
		batch->entries[i].status = 0;
		buffer->updates[i].ptr = entry_address(&batch->entries[i]) | MMU_NORMAL_PT_UPDATE;
		buffer->updates[i].val = 0;
		buffer->index[i] = i;
	}
	write_table_entries(dom, batch, batch->n, DOMID_SELF, unmap_errors);
}

static u64 pv_bfn(struct xen_gpu_domain *dom, const struct xen_gpu_block *block,
		  unsigned int idx, unsigned int mapping)
{
	const u64 *table = block->backend[mapping];

	return (READ_ONCE(table[idx]) & SLOT_FRAME) >> XEN_PAGE_SHIFT;
}

static void pv_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_block *block)
{
	unsigned int mapping, idx;

	for (mapping = 0; mapping < XEN_GPU_MAPPINGS; mapping++) {
		if (!block->backend[mapping] ||
		    !table_free(dom, block->backend[mapping], block->nr_held[mapping]))
			continue;
		block->backend[mapping] = NULL;
		for (idx = 0; block->nr_held[mapping] && idx < XEN_GPU_BLOCK_GFNS; idx++) {
			if (xen_gpu_gfn_holds(block, idx, mapping))
				xen_gpu_gfn_drop(&dom->table, block, idx, mapping);
		}
	}
}

/* Keeps the table in reserve if there is none yet, else frees it. */
static void pv_drop_mapping(struct xen_gpu_domain *dom, struct xen_gpu_block *block,
			    unsigned int mapping)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;

	if (!buffer->spare)
		buffer->spare = block->backend[mapping];
	else if (!table_free(dom, block->backend[mapping], 0))
		return;
	block->backend[mapping] = NULL;
}

static void pv_trim(struct xen_gpu_domain *dom)
{
	struct xen_gpu_pv_buffer *buffer = dom->backend_data;

	/* A table that cannot be unpinned stays in reserve. */
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

/* On XenServer's Xen with an IOMMU, a BFN is not the MFN. */
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
	.drop_mapping = pv_drop_mapping,
	.trim = pv_trim,
};
