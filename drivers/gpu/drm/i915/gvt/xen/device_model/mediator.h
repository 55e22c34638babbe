/* SPDX-License-Identifier: GPL-2.0 */
/* GVT as the mediator of a virtual GPU; see mediator.c. */

#ifndef _XENGT_GVT_MEDIATOR_H
#define _XENGT_GVT_MEDIATOR_H

struct xengt_gvt_instance;

int xengt_gvt_attach(struct xengt_gvt_instance *instance);
int xengt_gvt_detach(struct xengt_gvt_instance *instance);

#endif /* _XENGT_GVT_MEDIATOR_H */
