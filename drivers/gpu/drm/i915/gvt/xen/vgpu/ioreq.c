// SPDX-License-Identifier: GPL-2.0
/*
 * What a memory ioreq asks for, as reads and writes of a range of guest-physical addresses.
 *
 * A request has one item of 1 to 8 bytes, or, for a rep instruction, count of them at ascending
 * or descending addresses. The data is in the request (one item, or the same for all), or in the
 * guest's memory, going the same way. Either way the bytes that are touched are one block at
 * ascending addresses, which is handled in pieces of at most a page.
 *
 * Invariants: whatever the request holds, it is answered in bounded time: only the part of the
 * block that is in the range is walked, and no address wraps. What is out of the range ignores
 * writes, reads as ones by value, and leaves the guest's memory alone when it would be copied
 * there.
 *
 * Source: Xen's public/hvm/ioreq.h and hvmemul_do_io().
 *
 * Locking: none; the caller owns the request and the room.
 */

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "ioreq.h"

/* A block of bytes in the range, and where its first byte's data is in the guest's memory. */
struct block {
	u64 offset;		/* into the range */
	u64 len;
	u64 skip;		/* bytes of the request below the range */
	u64 data;		/* guest-physical address for the request's lowest byte */
};

/* The part of the request that is in the range; false if there is none, or it makes no sense. */
static bool find_block(const struct xengt_ioreq_target *target, const struct xen_ioreq *req,
		       struct block *block)
{
	u64 total = (u64)req->count * req->size;
	u64 below = req->df ? total - req->size : 0;
	u64 first = req->addr - below;
	u64 end;

	if (!req->size || req->size > sizeof(req->data) || !req->count)
		return false;
	if (req->data_is_ptr && (req->data < below || req->data - below + total < total))
		return false;
	/* A block that wraps ends before it begins. */
	end = min(first + total, target->start + target->size);
	*block = (struct block){ .data = req->data - below };
	if (first < target->start)
		block->skip = target->start - first;
	first += block->skip;
	if (first >= end)
		return false;
	block->offset = first - target->start;
	block->len = end - first;
	return true;
}

/* The same item again and again, from the skipped bytes on. */
static void fill_pattern(const struct xen_ioreq *req, u64 skip, u8 *buffer, unsigned int len)
{
	const u8 *item = (const u8 *)&req->data;
	unsigned int i;

	for (i = 0; i < len; i++)
		buffer[i] = item[(skip + i) % req->size];
}

static int write_piece(struct xengt_ioreq_target *target, const struct xen_ioreq *req,
		       const struct block *block, u64 pos, unsigned int len,
		       const struct xengt_ioreq_room *room)
{
	int rc = 0;

	if (req->data_is_ptr)
		rc = target->copy_guest(target, room, block->data + block->skip + pos, len, false);
	else
		fill_pattern(req, block->skip + pos, room->buffer, len);
	if (!rc)
		target->write(target, block->offset + pos, room->buffer, len);
	return rc;
}

static int read_piece(struct xengt_ioreq_target *target, const struct xen_ioreq *req,
		      const struct block *block, u64 pos, unsigned int len,
		      const struct xengt_ioreq_room *room)
{
	target->read(target, block->offset + pos, room->buffer, len);
	return target->copy_guest(target, room, block->data + block->skip + pos, len, true);
}

/* The answer of a read without a pointer is the last item that the instruction reads. */
static void read_item(struct xengt_ioreq_target *target, struct xen_ioreq *req,
		      const struct block *block)
{
	u64 total = (u64)req->count * req->size;
	u64 at = req->df ? 0 : total - req->size;
	u64 from = max(at, block->skip);
	u64 end = min(at + req->size, block->skip + block->len);

	if (from < end)
		target->read(target, block->offset + from - block->skip,
			     (u8 *)&req->data + (from - at), end - from);
}

/*
 * Does what the request asks for; the answer of a read is in req->data.
 *
 * 0, -ERANGE if nothing of it is in the range, or the error of copying guest memory, in which
 * case the rest is not done.
 */
int xengt_ioreq_handle(struct xengt_ioreq_target *target, struct xen_ioreq *req,
		       const struct xengt_ioreq_room *room)
{
	bool by_value = req->dir == IOREQ_READ && !req->data_is_ptr;
	struct block block;
	unsigned int len;
	bool inside;
	int rc = 0;
	u64 pos;

	inside = find_block(target, req, &block);
	if (by_value)
		req->data = U64_MAX;
	if (!inside)
		return -ERANGE;
	if (by_value) {
		read_item(target, req, &block);
		return 0;
	}
	for (pos = 0; pos < block.len && !rc; pos += len) {
		len = min_t(u64, block.len - pos, XENGT_IOREQ_BYTES);
		rc = req->dir == IOREQ_READ ?
		     read_piece(target, req, &block, pos, len, room) :
		     write_piece(target, req, &block, pos, len, room);
	}
	return rc;
}
