// SPDX-License-Identifier: GPL-2.0
/*
 * A page of kernel address space that maps one page of another domain at a time: the page of an
 * ioreq server until exit, a page of a guest's memory until the unmap, or guest memory for one
 * copy.
 *
 * A PV dom0 writes the page-table entry of the address (mmu_update with the other domain's ID).
 * Other domains put the foreign page into their physmap, at the PFN of the address space.
 *
 * Invariants:
 *  - What is mapped is unmapped before anything else is mapped.
 *  - Nothing stays mapped after exit or after a copy.
 *  - If Xen does not unmap the foreign page, the address space is leaked: to reuse it would give
 *    away another domain's page.
 *
 * Source: Xen's public/memory.h (XENMEM_acquire_resource, XENMEM_add_to_physmap_range) and
 * public/xen.h (mmu_update). Locking: the caller's, one user at a time.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <xen/xen.h>
#include <xen/page.h>
#include <xen/interface/memory.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>

#include "xen/error.h"
#include "xen/foreign_page.h"

/**
 * xengt_foreign_page_init - allocate the address space
 * @foreign: what to initialise
 * @domid: the domain whose pages will be mapped
 *
 * Context: process context, may sleep.
 * Return: 0, or the error of xen_alloc_unpopulated_pages(), when there is nothing to exit.
 */
int xengt_foreign_page_init(struct xengt_foreign_page *foreign, domid_t domid)
{
	int rc;

	foreign->domid = domid;
	foreign->mapped = false;
	rc = xen_alloc_unpopulated_pages(1, &foreign->page);
	if (rc) {
		foreign->page = NULL;
		return rc;
	}
	foreign->va = page_address(foreign->page);
	return 0;
}

/* Maps a frame: a GFN of @owner's, or with MMU_PT_UPDATE_NO_TRANSLATE in @how an MFN. */
static int pv_map(struct xengt_foreign_page *foreign, u64 frame, unsigned int how, domid_t owner)
{
	struct mmu_update update;
	unsigned int level;
	pte_t *pte;

	pte = lookup_address((unsigned long)foreign->va, &level);
	if (!pte)
		return -EFAULT;
	update.ptr = arbitrary_virt_to_machine(pte).maddr | how;
	update.val = (frame << XEN_PAGE_SHIFT) | pgprot_val(PAGE_KERNEL);
	return xengt_xen_error(HYPERVISOR_mmu_update(&update, 1, NULL, owner));
}

static int pv_unmap(struct xengt_foreign_page *foreign)
{
	return xengt_xen_error(HYPERVISOR_update_va_mapping((unsigned long)foreign->va, __pte(0),
							    UVMF_INVLPG | UVMF_ALL));
}

static int physmap_map(struct xengt_foreign_page *foreign, xen_ulong_t gfn)
{
	struct xen_add_to_physmap_range range = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = 1,
		.foreign_domid = foreign->domid,
	};
	xen_pfn_t gpfn = page_to_pfn(foreign->page);
	int err = -EIO;
	int rc;

	set_xen_guest_handle(range.idxs, &gfn);
	set_xen_guest_handle(range.gpfns, &gpfn);
	set_xen_guest_handle(range.errs, &err);
	rc = HYPERVISOR_memory_op(XENMEM_add_to_physmap_range, &range);
	return xengt_xen_error(rc ?: err);
}

static int physmap_unmap(struct xengt_foreign_page *foreign)
{
	struct xen_remove_from_physmap one = {
		.domid = DOMID_SELF,
		.gpfn = page_to_pfn(foreign->page),
	};

	return xengt_xen_error(HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &one));
}

/**
 * xengt_foreign_page_unmap - unmap what is mapped
 * @foreign: the address space, initialised; nothing need be mapped
 *
 * Context: process context, one user at a time.
 * Return: 0, or an error of Xen's, when the page is still mapped.
 */
int xengt_foreign_page_unmap(struct xengt_foreign_page *foreign)
{
	int rc;

	if (!foreign->mapped)
		return 0;
	rc = xen_pv_domain() ? pv_unmap(foreign) : physmap_unmap(foreign);
	foreign->mapped = rc;
	return rc;
}

/**
 * xengt_foreign_page_map - map a page of the guest's memory
 * @foreign: the address space, initialised; what it maps is unmapped first
 * @gfn: the page, a GFN
 *
 * The page is mapped at @foreign->va, readable and writable, until xengt_foreign_page_unmap() or
 * exit, or until something else is mapped or copied. The mapping keeps the frame that the GFN has
 * now, also after the guest has given it back or has died. A dead guest with a mapped frame stays a
 * zombie.
 *
 * Context: process context, one user at a time.
 * Return: 0, or an error of Xen's: -EINVAL: there is no memory at the GFN; -ESRCH: there is no
 * such guest. Nothing is mapped then, unless the error is that of the unmap before: what was
 * mapped is still mapped in this case.
 */
int xengt_foreign_page_map(struct xengt_foreign_page *foreign, u64 gfn)
{
	int rc = xengt_foreign_page_unmap(foreign);

	if (rc)
		return rc;
	if (xen_pv_domain())
		rc = pv_map(foreign, gfn, MMU_NORMAL_PT_UPDATE, foreign->domid);
	else
		rc = physmap_map(foreign, gfn);
	foreign->mapped = !rc;
	return rc;
}

/**
 * xengt_foreign_page_map_ioreq - map the page in which an ioreq server gets its requests
 * @foreign: the address space, initialised, with nothing mapped
 * @server: Xen's ID of the server
 *
 * The page stays mapped until the unmap or exit. Xen tells a PV domain the MFN, and the domain maps
 * that. Other domains tell Xen the PFN in their physmap at which they want the page.
 *
 * Context: process context, one user at a time.
 * Return: 0, or an error of Xen's, when nothing is mapped.
 */
int xengt_foreign_page_map_ioreq(struct xengt_foreign_page *foreign, u16 server)
{
	xen_pfn_t frame = page_to_pfn(foreign->page);
	struct xen_mem_acquire_resource resource = {
		.domid = foreign->domid,
		.type = XENMEM_resource_ioreq_server,
		.id = server,
		.frame = XENMEM_resource_ioreq_server_frame_ioreq(0),
		.nr_frames = 1,
	};
	domid_t owner = foreign->domid;
	int rc;

	set_xen_guest_handle(resource.frame_list, &frame);
	rc = xengt_xen_error(HYPERVISOR_memory_op(XENMEM_acquire_resource, &resource));
	if (!rc && xen_pv_domain()) {
		if (resource.flags & XENMEM_rsrc_acq_caller_owned)
			owner = DOMID_SELF;
		rc = pv_map(foreign, frame, MMU_PT_UPDATE_NO_TRANSLATE, owner);
	}
	foreign->mapped = !rc;
	return rc;
}

/* Copies @len bytes, which are within one page of the guest. */
static int copy_part(struct xengt_foreign_page *foreign, u64 addr, void *data, unsigned int len,
		     bool to_guest)
{
	void *at = (u8 *)foreign->va + offset_in_page(addr);
	int rc = xengt_foreign_page_map(foreign, addr >> XEN_PAGE_SHIFT);

	if (rc)
		return rc;
	if (to_guest)
		memcpy(at, data, len);
	else
		memcpy(data, at, len);
	return xengt_foreign_page_unmap(foreign);
}

/**
 * xengt_foreign_page_copy - copy between a buffer and the guest's memory
 * @foreign: the address space, initialised; what it maps is unmapped
 * @addr: the guest-physical address, in bytes
 * @data: the buffer
 * @len: how many bytes, also across pages
 * @to_guest: true: from the buffer to the guest; false: from the guest to the buffer
 *
 * Context: process context, one user at a time.
 * Return: 0, or an error as those of xengt_foreign_page_map() and xengt_foreign_page_unmap(), when
 * a part may have been copied.
 */
int xengt_foreign_page_copy(struct xengt_foreign_page *foreign, u64 addr, void *data,
			    unsigned int len, bool to_guest)
{
	unsigned int part;
	int rc = 0;

	for (; len && !rc; len -= part) {
		part = min_t(unsigned int, len, XEN_PAGE_SIZE - offset_in_page(addr));
		rc = copy_part(foreign, addr, data, part, to_guest);
		addr += part;
		data = (u8 *)data + part;
	}
	return rc;
}

/**
 * xengt_foreign_page_exit - unmap what is mapped, and free the address space
 * @foreign: the address space, initialised; or one whose initialisation failed
 *
 * The address space is leaked if Xen does not unmap the foreign page.
 *
 * Context: process context, may sleep.
 */
void xengt_foreign_page_exit(struct xengt_foreign_page *foreign)
{
	if (!foreign->page)
		return;
	if (xengt_foreign_page_unmap(foreign))
		pr_err_ratelimited("d%u: a foreign page could not be unmapped, one page is lost\n",
				   foreign->domid);
	else
		xen_free_unpopulated_pages(1, &foreign->page);
	foreign->page = NULL;
}
