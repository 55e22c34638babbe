/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page of address space in which the CPU sees one page of another domain at a time; see
 * foreign_page.c.
 */

#ifndef _XENGT_FOREIGN_PAGE_H
#define _XENGT_FOREIGN_PAGE_H

#include <linux/types.h>
#include <xen/interface/xen.h>

struct page;

struct xengt_foreign_page {
	domid_t domid;
	struct page *page;	/* address space without memory */
	void *va;
	bool mapped;
};

int xengt_foreign_page_init(struct xengt_foreign_page *foreign, domid_t domid);
void xengt_foreign_page_exit(struct xengt_foreign_page *foreign);
int xengt_foreign_page_map(struct xengt_foreign_page *foreign, u64 gfn);
int xengt_foreign_page_unmap(struct xengt_foreign_page *foreign);
int xengt_foreign_page_map_ioreq(struct xengt_foreign_page *foreign, u16 server);
int xengt_foreign_page_copy(struct xengt_foreign_page *foreign, u64 addr, void *data,
			    unsigned int len, bool to_guest);

#endif /* _XENGT_FOREIGN_PAGE_H */
