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

#include <linux/dma-resv.h>
#include <linux/err.h>

#include "gem/i915_gem_object.h"
#include "gvt.h"
#include "trace.h"
#include "command.h"
#include "register_rules.h"
#include "workload.h"

/*
 * GVT maps the object of a copy without its lock, which i915 wants, and unlocks one that it has not
 * locked. Nobody else knows the object yet.
 */
static inline void *xengt_gvt_map_copy(struct drm_i915_gem_object *obj, enum i915_map_type type)
{
	void *map;
	int rc = i915_gem_object_lock(obj, NULL);

	if (rc)
		return ERR_PTR(rc);
	map = i915_gem_object_pin_map(obj, type);
	i915_gem_object_unlock(obj);
	return map;
}

static inline void xengt_gvt_unlock_copy(struct drm_i915_gem_object *obj)
{
	if (dma_resv_is_locked(obj->base.resv))
		i915_gem_object_unlock(obj);
}

#define i915_gem_object_pin_map(obj, type)	xengt_gvt_map_copy(obj, type)
#define i915_gem_object_unlock(obj)		xengt_gvt_unlock_copy(obj)

/* How many bytes of a ring are left, which can begin again at its start. */
static inline unsigned long xengt_gvt_left_in_ring(unsigned long start, unsigned long size,
						   unsigned long at, unsigned long tail)
{
	return at <= tail ? tail - at : start + size - at + tail - start;
}

/* The host's own context has no workload: it tells which registers images of contexts have. */
#define trace_gvt_command(...)								\
	do {										\
		const struct xengt_gvt_command __command = {				\
			.workload = s->workload,					\
			.name = s->info->name,						\
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
		if (!s->workload &&							\
		    xengt_gvt_note_image(s->vgpu->gvt, s->engine, s->ip_va, __command.length))	\
			return -ENOMEM;							\
		if (s->workload && !xengt_gvt_command_is_sound(&__command))		\
			return -EFAULT;							\
	} while (0)

#define i915_gem_object_create_shmem(i915, size)	xengt_gvt_create_copy(i915, size)

#endif /* _XENGT_GVT_IN_PARSER_H */
