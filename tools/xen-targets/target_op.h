/* SPDX-License-Identifier: GPL-2.0 */
/*
 * XEN_DOMCTL_target_op: a domain's targets, the guests that it has control over as their device
 * model. The calls are made through /dev/xen/privcmd, in a domain that may (dom0). They return 0 or
 * more, or a negative error: "function not implemented" from a Xen without lists of targets.
 */

#ifndef XEN_TARGET_OP_H
#define XEN_TARGET_OP_H

#include <stdint.h>

/* Before all others. 0, or a negative error. */
int target_op_open(void);

/* XEN_DOMCTL_set_target, which is older: it works for a domain without a target only */
long set_target(unsigned int domid, unsigned int target);
long add_target(unsigned int domid, unsigned int target);
long remove_target(unsigned int domid, unsigned int target);
/* Returns how many there are; the first n of them are stored. */
long list_targets(unsigned int domid, uint16_t *targets, unsigned int n);

#endif /* XEN_TARGET_OP_H */
