/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unprotects write-protected pages of a guest; see write_protect.c.
 */

#ifndef _XENGT_WRITE_PROTECT_H
#define _XENGT_WRITE_PROTECT_H

#include <linux/types.h>

struct xengt_ioreq_server;

int xengt_write_unprotect(struct xengt_ioreq_server *server, u64 gfn, unsigned int n,
			  unsigned int *exposed);
void xengt_write_unprotect_end(struct xengt_ioreq_server *server);

#endif /* _XENGT_WRITE_PROTECT_H */
