/* SPDX-License-Identifier: GPL-2.0 */
/* UML has no clflush: the fake's writes lines to the memory that a GPU reads; see fake_cache.c. */

#ifndef _XENGT_SHIM_ASM_CACHEFLUSH_H
#define _XENGT_SHIM_ASM_CACHEFLUSH_H

#include_next <asm/cacheflush.h>

void clflush_cache_range(void *addr, unsigned int size);

#endif /* _XENGT_SHIM_ASM_CACHEFLUSH_H */
