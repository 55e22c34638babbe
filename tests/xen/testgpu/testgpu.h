/* SPDX-License-Identifier: GPL-2.0 */
/* The test GPU: the device and its commands. Locking: lock, for one command at a time. */

#ifndef _TESTGPU_H
#define _TESTGPU_H

#include <linux/mutex.h>

#include "edu.h"
#include "saved.h"
#include "walk.h"

struct dentry;

/**
 * struct testgpu - a test GPU
 * @edu: the DMA engine
 * @lock: held by the command that runs
 * @pinned: the PPGTT that another GPU may use between two commands
 * @saved: the virtual GPU that was saved last
 * @dir: its directory in debugfs
 * @result: what the last command found
 */
struct testgpu {
	struct edu edu;
	struct mutex lock;	/* one command at a time */
	struct walk pinned;
	struct saved saved;
	struct dentry *dir;
	char result[96];
};

void testgpu_commands_create(struct testgpu *gpu);
void testgpu_commands_remove(struct testgpu *gpu);

#endif /* _TESTGPU_H */
