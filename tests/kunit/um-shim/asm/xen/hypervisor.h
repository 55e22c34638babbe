/* SPDX-License-Identifier: GPL-2.0 */
/* ARCH=um stand-in for arch/x86's: declarations that Xen's headers refer to. */
#ifndef _ASM_X86_XEN_HYPERVISOR_H
#define _ASM_X86_XEN_HYPERVISOR_H

struct shared_info;
struct start_info;

extern struct shared_info *HYPERVISOR_shared_info;
extern struct start_info *xen_start_info;

#endif /* _ASM_X86_XEN_HYPERVISOR_H */
