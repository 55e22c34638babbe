/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of virtual GPUs that serve guests; see served.c.
 */

#ifndef _XENGT_SERVED_H
#define _XENGT_SERVED_H

#include <linux/list.h>
#include <linux/types.h>

struct xengt_vgpu_config;

#define XENGT_SERVED_PLACES	2

/**
 * struct xengt_served - an entry of the list of virtual GPUs that serve guests
 * @name: the virtual GPU's name, for the log
 * @config: its configuration, which does not change while it is in the list
 * @bar0: while it is in the list: where its BAR 0 is, and where it is about to be moved to, both a
 *	guest-physical address in bytes, or XENGT_BAR0_NONE
 * @node: in the list
 * @removed: the user has removed it: it leaves the list soon, and for good
 */
struct xengt_served {
	const char *name;
	const struct xengt_vgpu_config *config;
	u64 bar0[XENGT_SERVED_PLACES];
	struct list_head node;
	bool removed;
};

void xengt_served_init(struct xengt_served *served, const char *name,
		       const struct xengt_vgpu_config *config);
int xengt_served_add(struct xengt_served *served);
void xengt_served_remove(struct xengt_served *served);
int xengt_served_begin_move(struct xengt_served *served, u64 bar0);
void xengt_served_end_move(struct xengt_served *served, u64 bar0);
void xengt_served_set_removed(struct xengt_served *served);

#endif /* _XENGT_SERVED_H */
