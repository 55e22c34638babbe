// SPDX-License-Identifier: GPL-2.0
/*
 * The places that there are.
 */

#include <linux/kernel.h>
#include <linux/string.h>

#include "place.h"

static const struct xengt_place_ops * const places[] = {
	&xengt_place_mem,
};

/* NULL if there is none of that name. */
const struct xengt_place_ops *xengt_place_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (sysfs_streq(places[i]->name, name))
			return places[i];
	}
	return NULL;
}
