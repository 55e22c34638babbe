/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The GSMs that a virtual GPU can use; see gsm.c, and include/xen/xengt_gsm.h for what a GSM is.
 */

#ifndef _XENGT_GSM_H
#define _XENGT_GSM_H

#include <xen/xengt_gsm.h>

extern const struct xengt_gsm_ops xengt_gsm_mem;

bool xengt_gsm_known(const char *place);
struct xengt_gsm *xengt_gsm_open(const char *place, struct xengt_gsm_request *request);
void xengt_gsm_close(struct xengt_gsm *gsm);

#endif /* _XENGT_GSM_H */
