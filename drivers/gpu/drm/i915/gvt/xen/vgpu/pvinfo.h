/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PVINFO page of a virtual GPU; see pvinfo.c.
 */

#ifndef _XENGT_PVINFO_H
#define _XENGT_PVINFO_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <xen/xengt.h>

#include "abi/pvinfo_abi.h"

struct xengt_counters;
struct xengt_pvinfo;
struct xengt_saved_pvinfo;

/**
 * struct xengt_pvinfo_config - what the page tells the guest
 * @mappable_base: the start of the mappable share of the GGTT, which the CPU can reach through the
 *	aperture: a graphics address, in bytes
 * @mappable_size: its size, in bytes
 * @hidden_base: the start of the hidden share, the rest: a graphics address, in bytes
 * @hidden_size: its size, in bytes
 * @fences: the number of fence registers that the guest has
 * @caps: the capabilities, XENGT_VGT_CAPS_*
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
 * struct xengt_pvinfo_ops - handlers of the guest's notifications
 * @ppgtt: the guest created a PPGTT, or is about to free it. The guest chooses the root: it is not
 *	checked, and the call comes whatever the capabilities are. Returns 0 or an error, which is
 *	counted; the guest is not told.
 * @context: the guest created a context, or is about to free it; may be NULL
 * @driver: a driver of the guest's starts to load, or has loaded; may be NULL
 * @display_ready: the guest wrote display_ready, which is @value now; may be NULL
 *
 * xengt_pvinfo_write() calls them; xengt_pvinfo_read() calls @driver when a driver starts to load.
 * The vCPU waits until they return. No lock of the page is held. They may sleep, and may be called
 * for several vCPUs at once.
 */
struct xengt_pvinfo_ops {
	int (*ppgtt)(struct xengt_pvinfo *pvinfo, bool create, const struct xengt_ppgtt_root *root);
	void (*context)(struct xengt_pvinfo *pvinfo, bool create, u64 descriptor);
	void (*driver)(struct xengt_pvinfo *pvinfo, bool loaded);
	void (*display_ready)(struct xengt_pvinfo *pvinfo, u32 value);
};

/**
 * struct xengt_pvinfo - the PVINFO page of a virtual GPU
 * @ops: the handlers of notifications
 * @counters: the virtual GPU's counters
 * @config: the initial contents of the page
 * @lock: protects the members below
 * @page: the contents of the page
 * @magic_read: which halves of the magic the guest's last reads covered, as a mask
 * @loading: a driver has started to load, and has not reported yet that it has loaded
 */
struct xengt_pvinfo {
	const struct xengt_pvinfo_ops *ops;
	struct xengt_counters *counters;
	struct xengt_pvinfo_config config;

	struct mutex lock;	/* protects what follows */
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
void xengt_pvinfo_save(struct xengt_pvinfo *pvinfo, struct xengt_saved_pvinfo *saved);
bool xengt_pvinfo_can_restore(const struct xengt_saved_pvinfo *saved);
void xengt_pvinfo_restore(struct xengt_pvinfo *pvinfo, const struct xengt_saved_pvinfo *saved);

#endif /* _XENGT_PVINFO_H */
