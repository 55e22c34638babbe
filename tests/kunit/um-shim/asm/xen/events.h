/* SPDX-License-Identifier: GPL-2.0 */
/* ARCH=um stand-in for arch/x86's: what xen/events.h needs to compile. */
#ifndef _ASM_X86_XEN_EVENTS_H
#define _ASM_X86_XEN_EVENTS_H

enum ipi_vector { XEN_NR_IPIS };

#endif /* _ASM_X86_XEN_EVENTS_H */
