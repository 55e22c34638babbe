// SPDX-License-Identifier: GPL-2.0
/*
 * The list of the GSMs that a virtual GPU can be configured to use; see gsm.h.
 *
 * Locking: none, the list is constant.
 */

#include <linux/kernel.h>
#include <linux/string.h>

#include "gsm/gsm.h"

static const struct xengt_gsm_ops * const gsms[] = {
	&xengt_gsm_mem,
};

/* Returns the GSM of that name, which may end with a newline; or NULL if there is none. */
const struct xengt_gsm_ops *xengt_gsm_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gsms); i++) {
		if (sysfs_streq(gsms[i]->name, name))
			return gsms[i];
	}
	return NULL;
}
