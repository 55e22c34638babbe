/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Xen's device model operations (dm_op) as C functions; see dm_op.c.
 *
 * Errors are Xen's: -ESRCH: no such domain; -EPERM: this domain may not emulate for the guest;
 * -ENOENT: no such server; -ENOSPC: no server or range left; -EOPNOTSUPP: not an HVM or PVH guest.
 *
 * Errors of write protection: -EINVAL: no page of plain RAM, protected already, or no claim;
 * -EBUSY: another server has the claim, or a destroyed one left protected pages behind; -EAGAIN:
 * paged out or shared; -EOPNOTSUPP: the guest runs without HAP.
 */

#ifndef _XENGT_DM_OP_H
#define _XENGT_DM_OP_H

#include <linux/types.h>
#include <xen/interface/xen.h>

int xengt_dm_create_server(domid_t domid, u16 *id);
int xengt_dm_destroy_server(domid_t domid, u16 id);
int xengt_dm_map_range(domid_t domid, u16 id, u64 start, u64 end);
int xengt_dm_unmap_range(domid_t domid, u16 id, u64 start, u64 end);
int xengt_dm_map_function(domid_t domid, u16 id, u8 devfn);
int xengt_dm_set_state(domid_t domid, u16 id, bool enabled);
int xengt_dm_claim_writes(domid_t domid, u16 id, bool claim);
bool xengt_dm_is_write_protected(domid_t domid, u64 gfn);
int xengt_dm_get_mem_type(domid_t domid, u64 gfn);
int xengt_dm_set_hole(domid_t domid, u64 gfn, unsigned int n);
int xengt_dm_set_write_protect(domid_t domid, u64 gfn, unsigned int n, bool protect);
int xengt_dm_inject_msi(domid_t domid, u64 address, u32 data);

#endif /* _XENGT_DM_OP_H */
