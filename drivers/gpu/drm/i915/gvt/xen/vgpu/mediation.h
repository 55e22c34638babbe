/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of a virtual GPU to its mediator; see mediation.c.
 */

#ifndef _XENGT_MEDIATION_H
#define _XENGT_MEDIATION_H

#include <linux/completion.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <xen/xengt_mediator.h>

struct xengt_ppgtt_root;

/**
 * struct xengt_mediation - the mediator of a virtual GPU, and the calls to it
 * @ops: its operations; NULL: the virtual GPU has no mediator
 * @data: its private data
 * @caps: the capabilities that it sets, XENGT_CAP_*
 * @live: calls may begin
 * @calls: number of calls under way, and one more while calls may begin; 0 before and after
 * @idle: completed when @calls becomes 0
 */
struct xengt_mediation {
	const struct xengt_mediator_ops *ops;
	void *data;
	u32 caps;
	bool live;
	refcount_t calls;
	struct completion idle;
};

void xengt_mediation_init(struct xengt_mediation *mediation);
int xengt_mediation_start(struct xengt_mediation *mediation);
void xengt_mediation_stop(struct xengt_mediation *mediation);
bool xengt_mediation_begin(struct xengt_mediation *mediation);
void xengt_mediation_end(struct xengt_mediation *mediation);

void xengt_mediation_ppgtt(struct xengt_mediation *mediation, bool create,
			   const struct xengt_ppgtt_root *root, int result);
void xengt_mediation_context(struct xengt_mediation *mediation, bool create, u64 descriptor);
void xengt_mediation_driver(struct xengt_mediation *mediation, bool loaded);
void xengt_mediation_display_ready(struct xengt_mediation *mediation, u32 value);
void xengt_mediation_flush(struct xengt_mediation *mediation);
void xengt_mediation_read(struct xengt_mediation *mediation, u32 offset, void *data,
			  unsigned int len);
void xengt_mediation_write(struct xengt_mediation *mediation, u32 offset, const void *data,
			   unsigned int len);
u32 xengt_mediation_config(struct xengt_mediation *mediation, u32 offset, unsigned int len,
			   bool write, u32 value);

/* Does the virtual GPU have a mediator? The answer does not change unless it is off or dead. */
static inline bool xengt_mediation_attached(const struct xengt_mediation *mediation)
{
	return mediation->ops;
}

/* Does it emulate the guest's configuration space? */
static inline bool xengt_mediation_has_config(const struct xengt_mediation *mediation)
{
	return xengt_mediation_attached(mediation) && mediation->ops->config_read;
}

#endif /* _XENGT_MEDIATION_H */
