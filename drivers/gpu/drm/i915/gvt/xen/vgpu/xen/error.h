/* SPDX-License-Identifier: GPL-2.0 */
/* The results of hypercalls as errors of the kernel. */

#ifndef _XENGT_XEN_ERROR_H
#define _XENGT_XEN_ERROR_H

#include <linux/errno.h>

/*
 * Returns the error of a hypercall that returns 0 if all is well. Xen's errors are negative; a
 * positive value, which callers would take for success or for something else, becomes -EIO.
 */
static inline int xengt_xen_error(int rc)
{
	return rc > 0 ? -EIO : rc;
}

#endif /* _XENGT_XEN_ERROR_H */
