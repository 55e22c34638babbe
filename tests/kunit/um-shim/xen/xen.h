/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ARCH=um stand-in: without CONFIG_XEN the kernel's header says "not Xen" at compile time. Here
 * the fake hypervisor says it at run time, so that a test can be a PV dom0, a PVH dom0, a domU, or
 * no Xen.
 */
#ifndef _XENGT_UM_SHIM_XEN_H
#define _XENGT_UM_SHIM_XEN_H

#include_next <xen/xen.h>

#include <xen/interface/xen.h>

#undef xen_domain_type
#undef xen_pvh
#undef xen_pv_domain	/* a feature of the CPU in 7.3 */
#undef xen_initial_domain

extern enum xen_domain_type xen_domain_type;
extern bool xen_pvh;

#define xen_pv_domain()		(xen_domain_type == XEN_PV_DOMAIN)
#define xen_initial_domain()	(xen_domain() && (xen_start_flags & SIF_INITDOMAIN))

#endif /* _XENGT_UM_SHIM_XEN_H */
