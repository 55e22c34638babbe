/* SPDX-License-Identifier: MIT */
/*
 * The part of Xen's public ABI that the mapping service needs and Linux's headers lack.
 *
 * Source: Xen's public/memory.h. The values are fixed ABI; tests/kunit/abi compares them with
 * Xen's own headers.
 */

#ifndef __XEN_PUBLIC_XEN_GPU_MAP_H__
#define __XEN_PUBLIC_XEN_GPU_MAP_H__

/*
 * Returns the highest GFN of the domain's physmap. arg: address of a domid_t.
 * -ESRCH: no such domain.
 */
#define XENMEM_maximum_gpfn	14

#endif /* __XEN_PUBLIC_XEN_GPU_MAP_H__ */
