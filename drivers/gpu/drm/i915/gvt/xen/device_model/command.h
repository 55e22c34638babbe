/* SPDX-License-Identifier: GPL-2.0 */
/* A command of a guest's: what it may be, beyond what GVT's parser looks at; see command.c. */

#ifndef _XENGT_GVT_COMMAND_H
#define _XENGT_GVT_COMMAND_H

#include <linux/types.h>

struct intel_vgpu_workload;

/* Where a command is */
enum xengt_gvt_place {
	XENGT_GVT_IN_RING,
	XENGT_GVT_IN_INDIRECT_CONTEXT,
	XENGT_GVT_IN_CONTEXT,
	XENGT_GVT_IN_BATCH,
};

/**
 * struct xengt_gvt_command - a command that GVT's parser has come to
 * @workload: whose it is
 * @name: GVT's name for it
 * @words: the copy that is scanned, and executed
 * @length: how many of these the command has, by its first one
 * @left: in a ring or a context: how many bytes there are from here to the end
 * @gma: its graphics address
 * @end: the address at which GVT ends the scan
 * @place: where it is
 * @is_first: it is the first of what is scanned
 */
struct xengt_gvt_command {
	const struct intel_vgpu_workload *workload;
	const char *name;
	const u32 *words;
	unsigned int length;
	unsigned long left;
	u64 gma;
	u64 end;
	enum xengt_gvt_place place;
	bool is_first;
};

bool xengt_gvt_command_is_sound(const struct xengt_gvt_command *c);

#endif /* _XENGT_GVT_COMMAND_H */
