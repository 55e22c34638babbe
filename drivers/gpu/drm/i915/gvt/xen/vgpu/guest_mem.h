/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies from and to a guest's memory; see guest_mem.c.
 */

#ifndef _XENGT_GUEST_MEM_H
#define _XENGT_GUEST_MEM_H

#include <linux/types.h>

struct xengt_foreign_page;
struct xengt_gtt;

int xengt_guest_mem_copy(struct xengt_gtt *gtt, struct xengt_foreign_page *page, u64 addr,
			 void *data, unsigned int len, bool to_guest);

#endif /* _XENGT_GUEST_MEM_H */
