/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ARCH=um stand-in for arch/x86's: hypercalls are ordinary functions, which the fake hypervisor
 * (fake_xen.h) implements.
 */
#ifndef _ASM_X86_XEN_HYPERCALL_H
#define _ASM_X86_XEN_HYPERCALL_H

#include <linux/types.h>
#include <asm/page.h>
#include <xen/interface/xen.h>
#include <xen/interface/physdev.h>

struct xen_dm_op_buf;

long HYPERVISOR_memory_op(unsigned int cmd, void *arg);
int HYPERVISOR_mmu_update(struct mmu_update *req, int count, int *done, domid_t domid);
int HYPERVISOR_mmuext_op(struct mmuext_op *op, int count, int *done, domid_t domid);
int HYPERVISOR_update_va_mapping(unsigned long va, pte_t new_val, unsigned long flags);
int HYPERVISOR_event_channel_op(int cmd, void *arg);
int HYPERVISOR_xen_version(int cmd, void *arg);
int HYPERVISOR_hvm_op(int op, void *arg);
int HYPERVISOR_dm_op(domid_t domid, unsigned int nr_bufs, struct xen_dm_op_buf *bufs);
long privcmd_call(unsigned int call, unsigned long a1, unsigned long a2, unsigned long a3,
		  unsigned long a4, unsigned long a5);

/* Not used by the modules; headers that they include refer to them. */
int HYPERVISOR_physdev_op(int cmd, void *arg);
int HYPERVISOR_grant_table_op(unsigned int cmd, void *uop, unsigned int count);

#endif /* _ASM_X86_XEN_HYPERCALL_H */
