// SPDX-License-Identifier: GPL-2.0
/*
 * Translates a memory ioreq into reads and writes of a range of guest-physical addresses.
 *
 * A request has one item of 1 to 8 bytes. For a rep instruction it has "count" items, at ascending
 * or descending addresses. The data is in the request (one item, used for all), or in the guest's
 * memory, in the same direction. Either way the bytes that the request touches are one block of
 * addresses. The block is handled from its lowest address up, in pieces of at most a page.
 *
 * Invariants:
 *  - A request takes bounded time, whatever it holds: only the part of the block that is in the
 *    range is walked, and no address wraps.
 *  - Outside the range writes are ignored, and reads by value give ones. A read that would be
 *    copied to the guest's memory leaves that memory alone.
 *
 * Source: Xen's public/hvm/ioreq.h and hvmemul_do_io().
 *
 * Locking: none; the caller owns the request and the scratch buffer.
 */

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "xen/ioreq.h"

/**
 * struct block - the bytes of a request that are in the range
 * @offset: offset of the first byte into the range, in bytes
 * @len: how many bytes
 * @skip: how many bytes of the request are below the range
 * @data: guest-physical address of the data for the lowest byte of the request, including the
 *	skipped ones; meaningless if the data is in the request
 */
struct block {
	u64 offset;
	u64 len;
	u64 skip;
	u64 data;
};

/*
 * Finds the part of the request that is in the range. Returns false if there is none, or if the
 * request is malformed.
 */
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
	/* A block that wraps around has its end below its start: it is rejected below. */
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

/* Fills the buffer with the request's item, repeated; @skip bytes of the pattern are left out. */
static void fill_pattern(const struct xen_ioreq *req, u64 skip, u8 *buffer, unsigned int len)
{
	const u8 *item = (const u8 *)&req->data;
	unsigned int i;

	for (i = 0; i < len; i++)
		buffer[i] = item[(skip + i) % req->size];
}

/*
 * Returns how many of @len bytes at position @at of the block, counted from the lowest byte of the
 * request, the target gets at once.
 */
static unsigned int cut_item(const struct xengt_ioreq_target *target, const struct xen_ioreq *req,
			     u64 at, unsigned int len)
{
	return target->each_item ? min_t(u64, len, req->size - at % req->size) : len;
}

static void write_target(struct xengt_ioreq_target *target, const struct xen_ioreq *req,
			 const struct block *block, u64 pos, const u8 *data, unsigned int len)
{
	unsigned int part;

	for (; len; len -= part) {
		part = cut_item(target, req, block->skip + pos, len);
		target->write(target, block->offset + pos, data, part);
		pos += part;
		data += part;
	}
}

static void read_target(struct xengt_ioreq_target *target, const struct xen_ioreq *req,
			const struct block *block, u64 pos, u8 *data, unsigned int len)
{
	unsigned int part;

	for (; len; len -= part) {
		part = cut_item(target, req, block->skip + pos, len);
		target->read(target, block->offset + pos, data, part);
		pos += part;
		data += part;
	}
}

static int write_ioreq_piece(struct xengt_ioreq_target *target, const struct xen_ioreq *req,
			     const struct block *block, u64 pos, unsigned int len,
			     const struct xengt_ioreq_scratch *scratch)
{
	int rc = 0;

	if (req->data_is_ptr)
		rc = target->copy_guest(target, scratch, block->data + block->skip + pos, len,
					false);
	else
		fill_pattern(req, block->skip + pos, scratch->buffer, len);
	if (!rc)
		write_target(target, req, block, pos, scratch->buffer, len);
	return rc;
}

static int read_piece(struct xengt_ioreq_target *target, const struct xen_ioreq *req,
		      const struct block *block, u64 pos, unsigned int len,
		      const struct xengt_ioreq_scratch *scratch)
{
	read_target(target, req, block, pos, scratch->buffer, len);
	return target->copy_guest(target, scratch, block->data + block->skip + pos, len, true);
}

/* Reads by value: the result is the last item that the instruction reads. */
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

/**
 * xengt_ioreq_handle_more - carry out the part of a request that is in one more range
 * @target: the range
 * @req: the request, a private copy, after xengt_ioreq_handle() for another range
 * @scratch: the scratch buffer of the vCPU
 *
 * Like xengt_ioreq_handle(), but leaves the bytes of a read by value alone that are outside the
 * range.
 *
 * Context: that of the functions of @target.
 * Return: that of xengt_ioreq_handle().
 */
int xengt_ioreq_handle_more(struct xengt_ioreq_target *target, struct xen_ioreq *req,
			    const struct xengt_ioreq_scratch *scratch)
{
	struct block block;
	unsigned int len;
	int rc = 0;
	u64 pos;

	if (!find_block(target, req, &block))
		return -ERANGE;
	if (req->dir == IOREQ_READ && !req->data_is_ptr) {
		read_item(target, req, &block);
		return 0;
	}
	for (pos = 0; pos < block.len && !rc; pos += len) {
		len = min_t(u64, block.len - pos, XENGT_IOREQ_BYTES);
		rc = req->dir == IOREQ_READ ?
		     read_piece(target, req, &block, pos, len, scratch) :
		     write_ioreq_piece(target, req, &block, pos, len, scratch);
	}
	return rc;
}

/**
 * xengt_ioreq_handle - carry out a request on a range of addresses
 * @target: the range
 * @req: the request, a private copy; receives the result of a read by value in its data
 * @scratch: the scratch buffer of the vCPU
 *
 * A read by value reads as ones where it is outside the range, or if the request is malformed.
 *
 * Context: that of the functions of @target.
 * Return: 0; -ERANGE if no byte of the request is in the range, or if it is malformed; or the error
 * of copying guest memory, when the rest is not done.
 */
int xengt_ioreq_handle(struct xengt_ioreq_target *target, struct xen_ioreq *req,
		       const struct xengt_ioreq_scratch *scratch)
{
	if (req->dir == IOREQ_READ && !req->data_is_ptr)
		req->data = U64_MAX;
	return xengt_ioreq_handle_more(target, req, scratch);
}
