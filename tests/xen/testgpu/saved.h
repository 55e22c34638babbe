/* SPDX-License-Identifier: GPL-2.0 */
/* A saved virtual GPU, as a mediator has it while its guest moves; see saved.c. */

#ifndef _TESTGPU_SAVED_H
#define _TESTGPU_SAVED_H

#include <linux/types.h>

struct saved {
	void *buf;
	size_t len;
};

int saved_take(struct saved *saved, const char *name);
int saved_restore(const struct saved *saved, const char *name);
void saved_drop(struct saved *saved);

#endif /* _TESTGPU_SAVED_H */
