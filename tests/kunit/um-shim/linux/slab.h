/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvmalloc_array() and KMEM_CACHE() fail when a test says so; see fake_fail_kvmalloc() and
 * fake_fail_alloc().
 */

#ifndef _XENGT_SHIM_LINUX_SLAB_H
#define _XENGT_SHIM_LINUX_SLAB_H

#include_next <linux/slab.h>

bool fake_kvmalloc_fails(size_t size);
struct kmem_cache *fake_cache_create(const char *name, unsigned int size, unsigned int align,
				     slab_flags_t flags);

static inline void *fake_kvmalloc_array(size_t n, size_t size, gfp_t flags)
{
	return fake_kvmalloc_fails(array_size(n, size)) ? NULL : kvmalloc_array(n, size, flags);
}

#undef kvmalloc_array	/* a macro since 6.10 */
#define kvmalloc_array	fake_kvmalloc_array

#undef KMEM_CACHE
#define KMEM_CACHE(type, flags) \
	fake_cache_create(#type, sizeof(struct type), __alignof__(struct type), flags)

#endif /* _XENGT_SHIM_LINUX_SLAB_H */
