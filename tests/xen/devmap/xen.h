/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hypercalls from a program, through /dev/xen/privcmd. All return what Xen does: 0 or more, or a
 * negative error. The structures that Xen is given are in locked memory.
 */

#ifndef DEVMAP_XEN_H
#define DEVMAP_XEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../include/xen/interface/hvm/dev_map.h"

#define PAGE_SIZE 4096

struct xen_dm_op_buf {
	void *h;
	unsigned long size;
};

/* device_model: by the one ioctl that Linux allows to a domain that is not dom0 */
void xen_open(bool device_model);

/* dm_op as such, and its use for entries */
long xen_dm_op(unsigned int domid, unsigned int nr_bufs, struct xen_dm_op_buf *bufs);
long xen_dev_entries(unsigned int domid, unsigned int op, struct xen_dm_op_dev_map_entry *entries,
		     unsigned int n);
long xen_dev_info(unsigned int domid, struct xen_dm_op_dev_info *info);
long xen_set_mem_type(unsigned int domid, uint64_t gfn, unsigned int type);
/* A new ioreq server, which gets the writes to pages of the type HVMMEM_ioreq_server; its end */
long xen_claim_writes(unsigned int domid, uint16_t *server);
long xen_end_claim(unsigned int domid, uint16_t server);

/* What is done to a guest's memory from outside */
long xen_pages(unsigned int domid);
long xen_take_page(unsigned int domid, uint64_t gfn);
long xen_give_page(unsigned int domid, uint64_t gfn);
long xen_place_shared_info(unsigned int domid, uint64_t gfn);
long xen_hvm_param(unsigned int domid, unsigned int index, uint64_t *value);
void *xen_map_page(unsigned int domid, uint64_t gfn);
void xen_unmap_page(void *page);

#endif /* DEVMAP_XEN_H */
