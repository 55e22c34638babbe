// SPDX-License-Identifier: GPL-2.0
/*
 * Copies from and to a guest's memory: for instructions of the guest's that read from our addresses
 * and store to memory (rep movs) or the reverse, and for mediators.
 *
 * Our own stores do not trap. So a store to a page table, or to RAM at the GTT, is recorded like a
 * trapped write of the guest's.
 *
 * Invariants: no write to a page of guest entries goes unnoticed, whoever makes it through this
 * file. Nothing stays mapped after a copy.
 *
 * Locking: a write takes what xengt_gtt_store() and xengt_ggtt_write() take. The page of address
 * space has one user at a time: for a write to plain memory that is under the shadow's lock, so all
 * writers can have one page.
 */

#include <linux/minmax.h>
#include <linux/mm.h>

#include "abi/pte.h"
#include "gtt.h"
#include "guest_mem.h"
#include "xen/foreign_page.h"

/* Writes within one page. Returns 0, or the error of the copy. */
static int write_page(struct xengt_gtt *gtt, struct xengt_foreign_page *page, u64 addr,
		      const void *data, unsigned int len)
{
	u64 offset;

	if (!xengt_ggtt_find_gfn(&gtt->ggtt, addr >> XENGT_PAGE_SHIFT, &offset))
		return min(xengt_gtt_store(gtt, addr, data, len, page), 0);
	xengt_ggtt_write(&gtt->ggtt, offset + offset_in_page(addr), data, len);
	return 0;
}

/**
 * xengt_guest_mem_copy - copy between a buffer and the guest's memory
 * @gtt: the guest's page tables
 * @page: maps the guest's memory. Nobody else uses it meanwhile; but if all users only write, they
 *	can use one page at the same time
 * @addr: the guest-physical address, in bytes
 * @data: the buffer; only read if @to_guest
 * @len: how many bytes, also across pages
 * @to_guest: true: from the buffer to the guest; false: from the guest to the buffer
 *
 * Context: process context, may sleep; takes the shadow's lock to write.
 * Return: 0, or an error as those of xengt_foreign_page_copy(), when a part may have been copied.
 */
int xengt_guest_mem_copy(struct xengt_gtt *gtt, struct xengt_foreign_page *page, u64 addr,
			 void *data, unsigned int len, bool to_guest)
{
	unsigned int piece;
	int rc = 0;

	if (!to_guest)
		return xengt_foreign_page_copy(page, addr, data, len, false);
	for (; len && !rc; len -= piece) {
		piece = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(addr));
		rc = write_page(gtt, page, addr, data, piece);
		addr += piece;
		data += piece;
	}
	return rc;
}
