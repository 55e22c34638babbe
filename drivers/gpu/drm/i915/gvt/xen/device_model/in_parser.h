/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before GVT's cmd_parser.c, after instead_of_kvm.h: a command whose end was not copied
 * is refused, as GVT would read, and patch, what is behind the copy. So is one in too many batches.
 *
 * The parser traces each command as soon as it knows its length, before it looks at the rest; there
 * is no other seam. The headers come first, so that only this call is replaced.
 */

#ifndef _XENGT_GVT_IN_PARSER_H
#define _XENGT_GVT_IN_PARSER_H

#include "gvt.h"
#include "trace.h"
#include "workload.h"

/* How many bytes of a ring are left, which can begin again at its start. */
static inline unsigned long xengt_gvt_left_in_ring(unsigned long start, unsigned long size,
						   unsigned long at, unsigned long tail)
{
	return at <= tail ? tail - at : start + size - at + tail - start;
}

#define trace_gvt_command(...)								\
	do {										\
		unsigned long __len = cmd_length(s) * sizeof(u32);			\
		bool __in_ring = s->buf_type == RING_BUFFER_INSTRUCTION ||		\
				 s->buf_type == RING_BUFFER_CTX;			\
											\
		if (__in_ring ? __len > xengt_gvt_left_in_ring(s->ring_start,		\
							       s->ring_size, s->ip_gma,	\
							       s->ring_tail) :		\
		    !xengt_gvt_is_in_batch(s->workload, s->ip_va, __len)) {		\
			gvt_vgpu_err("a command has no end, or too many batches\n");	\
			return -EFAULT;							\
		}									\
	} while (0)

#endif /* _XENGT_GVT_IN_PARSER_H */
