/* SPDX-License-Identifier: GPL-2.0 */
/* Bits and arrays, by the kernel's names for them. */

#ifndef GPU_BITS_H
#define GPU_BITS_H

#define BIT(n)		(1U << (n))
#define BIT_ULL(n)	(1ULL << (n))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* GPU_BITS_H */
