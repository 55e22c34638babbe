/* SPDX-License-Identifier: GPL-2.0 */
/* The mapping service's view of a guest's page, as another client than xengt has it; see view.c. */

#ifndef _TESTGPU_VIEW_H
#define _TESTGPU_VIEW_H

#include <linux/types.h>
#include <xen/interface/xen.h>

int view_page(domid_t domid, u64 gfn, u64 *bfn);

#endif /* _TESTGPU_VIEW_H */
