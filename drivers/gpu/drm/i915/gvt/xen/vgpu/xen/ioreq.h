/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Translates a memory ioreq into reads and writes of a range of guest-physical addresses; see
 * ioreq.c.
 */

#ifndef _XENGT_IOREQ_H
#define _XENGT_IOREQ_H

#include <linux/types.h>
#include <xen/interface/hvm/io_request.h>

/* The most bytes in one read or write: a rep instruction is handled in pieces of at most a page. */
#define XENGT_IOREQ_BYTES	4096

struct xengt_foreign_page;

/**
 * struct xengt_ioreq_scratch - the scratch buffer for handling a request; each vCPU has its own
 * @buffer: XENGT_IOREQ_BYTES bytes
 * @page: address space that maps the guest's memory while it is copied
 */
struct xengt_ioreq_scratch {
	void *buffer;
	struct xengt_foreign_page *page;
};

/**
 * struct xengt_ioreq_target - a range of guest-physical addresses that ioreqs read and write
 * @start: its first guest-physical address, in bytes
 * @size: its size in bytes
 * @each_item: the items of a string instruction are read and written one by one, as registers are
 * @owner: private data of the functions
 * @read: reads @len bytes at an offset (in bytes) into the range
 * @write: writes @len bytes at an offset (in bytes) into the range
 * @copy_guest: copies @len bytes between the scratch buffer and the guest's memory at a
 *	guest-physical address (in bytes); returns 0 or an error
 */
struct xengt_ioreq_target {
	u64 start;
	u64 size;
	bool each_item;
	void *owner;
	void (*read)(struct xengt_ioreq_target *target, u64 offset, void *data, unsigned int len);
	void (*write)(struct xengt_ioreq_target *target, u64 offset, const void *data,
		      unsigned int len);
	int (*copy_guest)(struct xengt_ioreq_target *target,
			  const struct xengt_ioreq_scratch *scratch, u64 addr, unsigned int len,
			  bool to_guest);
};

int xengt_ioreq_handle(struct xengt_ioreq_target *target, struct xen_ioreq *req,
		       const struct xengt_ioreq_scratch *scratch);
int xengt_ioreq_handle_more(struct xengt_ioreq_target *target, struct xen_ioreq *req,
			    const struct xengt_ioreq_scratch *scratch);

#endif /* _XENGT_IOREQ_H */
