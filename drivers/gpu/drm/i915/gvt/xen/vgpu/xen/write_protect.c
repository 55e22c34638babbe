// SPDX-License-Identifier: GPL-2.0
/*
 * Unprotects write-protected pages of a guest.
 *
 * Xen crashes a guest whose page becomes plain RAM under a string instruction (see ioreq_server.c).
 * So a page is unprotected only while no vCPU is in the middle of a write to it. Completions of
 * such writes are blocked meanwhile. Other vCPUs go on.
 *
 * Invariants: a page stays write-protected, or becomes so again, if a vCPU may be in the middle of
 * a write to it.
 *
 * Locking: the caller's; one caller at a time for each server.
 */

#include <linux/errno.h>

#include "abi/pte.h"
#include "xen/dm_op.h"
#include "xen/ioreq_server.h"
#include "xen/write_protect.h"

/*
 * Xen stops at the first page that it cannot change. Returns how many pages before it are
 * unprotected, or Xen's error if none is.
 */
static int unprotect_pages(domid_t domid, u64 gfn, unsigned int n)
{
	int rc = xengt_dm_set_write_protect(domid, gfn, n, false);
	unsigned int done = 0;

	if (!rc)
		return n;
	while (done < n && !xengt_dm_is_write_protected(domid, gfn + done))
		done++;
	return done ?: rc;
}

/*
 * Protects pages again that were unprotected just now. Returns -EBUSY, or -ESTALE if a page could
 * not be protected: it is gone, or another page is at its GFN.
 */
static int protect_again(domid_t domid, u64 gfn, unsigned int n)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < n; i++)
		rc = xengt_dm_set_write_protect(domid, gfn + i, 1, true) ?: rc;
	return rc ? -ESTALE : -EBUSY;
}

static int unprotect_blocked(struct xengt_ioreq_server *server, u64 gfn, unsigned int n,
			     unsigned int *exposed)
{
	int done;

	n = xengt_ioreq_server_first_pending(server, gfn, n);
	if (!n)
		return -EBUSY;
	done = unprotect_pages(server->domid, gfn, n);
	if (done < 0)
		return done;
	/* A vCPU may have trapped before the pages became RAM: protect again, also if unknown. */
	if (!xengt_ioreq_server_quiesce(server) &&
	    xengt_ioreq_server_first_pending(server, gfn, done) == done)
		return done;
	*exposed = done;
	return protect_again(server->domid, gfn, done);
}

/*
 * Maps an error of blocking completions. -EINVAL and -EBUSY would tell the caller something about
 * the pages, which this error does not: they become -EAGAIN.
 */
static int cannot_block(int error)
{
	return error == -EINVAL || error == -EBUSY ? -EAGAIN : error;
}

/**
 * xengt_write_unprotect - unprotect write-protected pages of a guest
 * @server: the server that has claimed the guest's writes
 * @gfn: the first page, a GFN
 * @n: number of pages, in GFNs
 * @exposed: OUT: how many pages from @gfn on were unprotected for a moment and had to be protected
 *	again, if the return value is -EBUSY or -ESTALE; else 0. The guest may have written to them
 *	without a trap.
 *
 * Stops before the first page that a vCPU is in the middle of a write to, and before the first page
 * that Xen cannot change. If Xen has destroyed the server, no vCPU waits for it, and the pages are
 * just unprotected.
 *
 * Whatever it returns, xengt_write_unprotect_end() has to follow soon. Until then the completions
 * of writes to the pages stay blocked, so that no vCPU goes on before the caller has noted what
 * was found.
 *
 * Context: process context, may sleep. A caller that is handling a store to one of the pages has a
 * request pending there itself.
 * Return: how many pages are unprotected; -EBUSY: a vCPU is writing to the first page, or the
 * pages had to be protected again; -ESTALE: they had to be, but one of them could not be, since it
 * is gone or another page is at its GFN; -ESRCH: the guest is gone; -EINVAL: the first page is
 * gone; -EAGAIN: completions could not be blocked; or another error of Xen's.
 */
int xengt_write_unprotect(struct xengt_ioreq_server *server, u64 gfn, unsigned int n,
			  unsigned int *exposed)
{
	u64 start = gfn << XENGT_PAGE_SHIFT;
	int rc = xengt_ioreq_server_block(server, start,
					  start + ((u64)n << XENGT_PAGE_SHIFT) - 1);

	*exposed = 0;
	/* Xen has destroyed the server, so no vCPU waits for it. */
	if (rc == -ENOENT)
		return unprotect_pages(server->domid, gfn, n);
	if (rc)
		return cannot_block(rc);
	return unprotect_blocked(server, gfn, n, exposed);
}

/**
 * xengt_write_unprotect_end - let vCPUs complete their writes again
 * @server: the server that xengt_write_unprotect() was called with
 *
 * Context: process context.
 */
void xengt_write_unprotect_end(struct xengt_ioreq_server *server)
{
	xengt_ioreq_server_unblock(server);
}
