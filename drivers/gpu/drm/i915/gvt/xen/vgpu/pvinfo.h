/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PVINFO page of a virtual GPU; see pvinfo.c.
 */

#ifndef _XENGT_PVINFO_H
#define _XENGT_PVINFO_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <xen/xengt.h>

#include "pvinfo_abi.h"

struct xengt_counters;
struct xengt_pvinfo;

/**
 * struct xengt_pvinfo_config - what the page tells the guest
 * @mappable_base: the share of the GGTT that the CPU can reach through the aperture: graphics
 *	address, in bytes
 * @mappable_size: its size in bytes
 * @hidden_base: the rest of the share
 * @hidden_size: its size in bytes
 * @fences: how many fence registers the guest has
 * @caps: XENGT_VGT_CAPS_*
 */
struct xengt_pvinfo_config {
	u64 mappable_base;
	u64 mappable_size;
	u64 hidden_base;
	u64 hidden_size;
	u32 fences;
	u32 caps;
};

/**
 * struct xengt_pvinfo_ops - what is done about the guest's notifications
 * @ppgtt: the guest made a PPGTT (create), or is about to free it. The root is the guest's word:
 *	nothing about it is checked, and it comes whatever the capabilities are. 0 or an error,
 *	which is counted; the guest is not told.
 * @context: the guest made a context, or is about to free it; may be NULL
 * @driver: a driver of the guest's starts to load, or has loaded; may be NULL
 *
 * They are called by xengt_pvinfo_write(), or xengt_pvinfo_read() when a driver starts to load,
 * which return after them: so the vCPU waits. No lock is held. They may sleep, and may be called on
 * behalf of several vCPUs at once.
 */
struct xengt_pvinfo_ops {
	int (*ppgtt)(struct xengt_pvinfo *pvinfo, bool create, const struct xengt_ppgtt_root *root);
	void (*context)(struct xengt_pvinfo *pvinfo, bool create, u64 descriptor);
	void (*driver)(struct xengt_pvinfo *pvinfo, bool loaded);
};

/**
 * struct xengt_pvinfo - the page of a virtual GPU
 * @ops: what is done about notifications
 * @counters: where things are counted
 * @config: what the page told the guest when it was made
 * @lock: of what follows
 * @page: what the page holds
 * @magic_read: which halves of the magic the guest's last reads were, as a driver's are
 * @loading: a driver has started to load, and not said that it has loaded
 */
struct xengt_pvinfo {
	const struct xengt_pvinfo_ops *ops;
	struct xengt_counters *counters;
	struct xengt_pvinfo_config config;

	struct mutex lock;	/* of what follows: */
	struct xengt_vgt_if page;
	unsigned int magic_read;
	bool loading;
};

int xengt_pvinfo_init(struct xengt_pvinfo *pvinfo, const struct xengt_pvinfo_config *config,
		      const struct xengt_pvinfo_ops *ops, struct xengt_counters *counters);
void xengt_pvinfo_reset(struct xengt_pvinfo *pvinfo);
void xengt_pvinfo_read(struct xengt_pvinfo *pvinfo, u32 offset, void *data, unsigned int len);
void xengt_pvinfo_write(struct xengt_pvinfo *pvinfo, u32 offset, const void *data,
			unsigned int len);

#endif /* _XENGT_PVINFO_H */
