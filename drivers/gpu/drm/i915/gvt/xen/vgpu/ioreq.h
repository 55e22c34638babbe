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

/**
 * struct xengt_ioreq_target - a range of guest-physical addresses that ioreqs read and write
 * @start: its first address
 * @size: its size in bytes
 * @read: reads bytes at an offset into the range
 * @write: writes bytes at an offset into the range
 * @owner: for the functions
 * @copy_guest: copies between a buffer and the guest's memory at a guest-physical address; 0 or
 *	an error
 */
struct xengt_ioreq_target {
	u64 start;
	u64 size;
	void *owner;
	void (*read)(struct xengt_ioreq_target *target, u64 offset, void *data, unsigned int len);
	void (*write)(struct xengt_ioreq_target *target, u64 offset, const void *data,
		      unsigned int len);
	int (*copy_guest)(struct xengt_ioreq_target *target, u64 addr, void *data,
			  unsigned int len, bool to_guest);
};

int xengt_ioreq_handle(struct xengt_ioreq_target *target, struct xen_ioreq *req, void *buffer);

#endif /* _XENGT_IOREQ_H */
