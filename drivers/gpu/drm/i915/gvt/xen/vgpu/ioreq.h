/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a memory ioreq asks for, as reads and writes of a range of guest-physical addresses; see
 * ioreq.c.
 */

#ifndef _XENGT_IOREQ_H
#define _XENGT_IOREQ_H

#include <linux/types.h>
#include <xen/interface/hvm/io_request.h>

/* The most bytes in one read or write: a page's worth of a rep instruction. */
#define XENGT_IOREQ_BYTES	4096

struct xengt_foreign_page;

/**
 * struct xengt_ioreq_room - what it takes to handle a request; each vCPU has its own
 * @buffer: of XENGT_IOREQ_BYTES
 * @page: where the guest's memory is seen while it is copied
 */
struct xengt_ioreq_room {
	void *buffer;
	struct xengt_foreign_page *page;
};

/**
 * struct xengt_ioreq_target - a range of guest-physical addresses that ioreqs read and write
 * @start: its first address
 * @size: its size in bytes
 * @read: reads bytes at an offset into the range
 * @write: writes bytes at an offset into the range
 * @owner: for the functions
 * @copy_guest: copies between the room's buffer and the guest's memory at a guest-physical address;
 *	0 or an error
 */
struct xengt_ioreq_target {
	u64 start;
	u64 size;
	void *owner;
	void (*read)(struct xengt_ioreq_target *target, u64 offset, void *data, unsigned int len);
	void (*write)(struct xengt_ioreq_target *target, u64 offset, const void *data,
		      unsigned int len);
	int (*copy_guest)(struct xengt_ioreq_target *target, const struct xengt_ioreq_room *room,
			  u64 addr, unsigned int len, bool to_guest);
};

int xengt_ioreq_handle(struct xengt_ioreq_target *target, struct xen_ioreq *req,
		       const struct xengt_ioreq_room *room);

#endif /* _XENGT_IOREQ_H */
