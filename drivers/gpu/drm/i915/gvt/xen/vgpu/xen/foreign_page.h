/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page of kernel address space that maps one page of another domain at a time; see
 * foreign_page.c.
 */

#ifndef _XENGT_FOREIGN_PAGE_H
#define _XENGT_FOREIGN_PAGE_H

#include <linux/types.h>
#include <xen/interface/xen.h>

struct page;

/**
 * struct xengt_foreign_page - a page of address space for pages of another domain
 * @domid: the other domain
 * @page: the address space, an unpopulated page (one without memory); NULL after exit
 * @va: its virtual address
 * @mapped: a page of the other domain is mapped
 */
struct xengt_foreign_page {
	domid_t domid;
	struct page *page;
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
