/* SPDX-License-Identifier: GPL-2.0 */
/* kvmalloc_array() fails when a test says so; see fake_fail_kvmalloc(). */

#ifndef _XENGT_SHIM_LINUX_SLAB_H
#define _XENGT_SHIM_LINUX_SLAB_H

#include_next <linux/slab.h>

bool fake_kvmalloc_fails(size_t size);

static inline void *fake_kvmalloc_array(size_t n, size_t size, gfp_t flags)
{
	return fake_kvmalloc_fails(array_size(n, size)) ? NULL : kvmalloc_array(n, size, flags);
}

#undef kvmalloc_array	/* a macro since 6.10 */
#define kvmalloc_array	fake_kvmalloc_array

#endif /* _XENGT_SHIM_LINUX_SLAB_H */
