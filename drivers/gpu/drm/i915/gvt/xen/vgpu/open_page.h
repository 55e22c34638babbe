/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of guest entries whose writes are not trapped; see open_page.c.
 */

#ifndef _XENGT_OPEN_PAGE_H
#define _XENGT_OPEN_PAGE_H

#include <linux/types.h>

struct xengt_entry_page;
struct xengt_entry_pages;
struct xengt_mm;

void xengt_open_pages_around(struct xengt_entry_pages *pages, unsigned long key);
void xengt_open_pages_open_hot(struct xengt_mm *mm);
void xengt_open_pages_take(struct xengt_mm *mm);
void xengt_open_pages_close(struct xengt_mm *mm);
unsigned long xengt_open_pages_let_go(struct xengt_entry_pages *pages);

void xengt_open_page_forget(struct xengt_entry_page *page);

#endif /* _XENGT_OPEN_PAGE_H */
