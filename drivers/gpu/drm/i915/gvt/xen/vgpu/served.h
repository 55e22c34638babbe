/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of virtual GPUs that serve guests; see served.c.
 */

#ifndef _XENGT_SERVED_H
#define _XENGT_SERVED_H

#include <linux/list.h>
#include <linux/types.h>

struct xengt_vgpu_config;

/**
 * struct xengt_served - an entry of the list of virtual GPUs that serve guests
 * @name: the virtual GPU's name, for the log
 * @config: its configuration, which does not change while it is in the list
 * @node: in the list
 * @removed: the user has removed it: it leaves the list soon, and for good
 */
struct xengt_served {
	const char *name;
	const struct xengt_vgpu_config *config;
	struct list_head node;
	bool removed;
};

void xengt_served_init(struct xengt_served *served, const char *name,
		       const struct xengt_vgpu_config *config);
int xengt_served_add(struct xengt_served *served);
void xengt_served_remove(struct xengt_served *served);
void xengt_served_set_removed(struct xengt_served *served);

#endif /* _XENGT_SERVED_H */
