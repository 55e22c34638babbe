/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before GVT's cmd_parser.c, after instead_of_kvm.h: a command that command.c does not
 * find sound is refused, and so are batches that are too large, or too many.
 *
 * The parser traces each command as soon as it knows its length, before it looks at the rest; there
 * is no other seam. The headers come first, so that only these calls are replaced.
 */

#ifndef _XENGT_GVT_IN_PARSER_H
#define _XENGT_GVT_IN_PARSER_H

#include "gem/i915_gem_object.h"
#include "gvt.h"
#include "trace.h"
#include "command.h"
#include "workload.h"

/* How many bytes of a ring are left, which can begin again at its start. */
static inline unsigned long xengt_gvt_left_in_ring(unsigned long start, unsigned long size,
						   unsigned long at, unsigned long tail)
{
	return at <= tail ? tail - at : start + size - at + tail - start;
}

/* The host's own context has no workload: it tells which registers contexts have. */
#define trace_gvt_command(...)								\
	do {										\
		const struct xengt_gvt_command __command = {				\
			.workload = s->workload,					\
			.words = s->ip_va,						\
			.length = cmd_length(s),					\
			.left = xengt_gvt_left_in_ring(s->ring_start, s->ring_size,	\
						       s->ip_gma, s->ring_tail),	\
			.gma = s->ip_gma,						\
			.end = s->ring_tail,						\
			.place = s->buf_type == RING_BUFFER_CTX ?			\
					XENGT_GVT_IN_CONTEXT :				\
				 s->buf_type != RING_BUFFER_INSTRUCTION ?		\
					XENGT_GVT_IN_BATCH :				\
				 s->is_ctx_wa ? XENGT_GVT_IN_INDIRECT_CONTEXT :		\
						XENGT_GVT_IN_RING,			\
			.is_first = s->ip_va == s->rb_va,				\
		};									\
											\
		if (s->workload && !xengt_gvt_command_is_sound(&__command)) {		\
			gvt_vgpu_err("refused: %s, %u dwords\n", s->info->name,		\
				     __command.length);					\
			return -EFAULT;							\
		}									\
	} while (0)

#define i915_gem_object_create_shmem(i915, size)	xengt_gvt_create_copy(i915, size)

#endif /* _XENGT_GVT_IN_PARSER_H */
