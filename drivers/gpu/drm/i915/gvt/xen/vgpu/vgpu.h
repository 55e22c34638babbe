/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual GPU: its configuration and, while it is enabled, its ioreq server and shadow GGTT;
 * see vgpu.c.
 */

#ifndef _XENGT_VGPU_H
#define _XENGT_VGPU_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "counters.h"
#include "foreign_page.h"
#include "ggtt.h"
#include "ioreq.h"
#include "ioreq_server.h"

struct dentry;
struct xengt_place_ops;

enum xengt_vgpu_state {
	XENGT_VGPU_OFF,
	XENGT_VGPU_RUNNING,
	XENGT_VGPU_DEAD,	/* was running when its guest went */
};

/**
 * struct xengt_vgpu_config - what the user says
 * @domid: the guest
 * @generation: of the GPU that the guest sees
 * @bar0: guest-physical address of BAR 0, in bytes
 * @base: where the ranges of the guest's share of the GGTT start: graphics addresses, in bytes
 * @size: how large they are, in bytes; the first is what the CPU can reach through the aperture
 * @quota: the most pages of the guest that may be mapped at once
 * @dma_bits: the width of the GPU's addresses
 * @place: where the shadow entries land
 */
struct xengt_vgpu_config {
	u32 domid;
	u32 generation;
	u64 bar0;
	u64 base[XENGT_GGTT_RANGES];
	u64 size[XENGT_GGTT_RANGES];
	u64 quota;
	u32 dma_bits;
	const struct xengt_place_ops *place;
};

struct xengt_vgpu {
	char *name;
	struct dentry *dentry;
	struct xengt_counters counters;
	struct work_struct dead_work;
	bool guest_ended;	/* set by the service's call, for dead_work */

	struct mutex lock;			/* of what comes and goes: */
	struct xengt_vgpu_config config;	/* fixed while not off */
	enum xengt_vgpu_state state;
	struct xen_gpu_domain *domain;
	struct xengt_place *place;
	struct xengt_ggtt ggtt;
	struct xengt_ioreq_server server;
	struct xengt_ioreq_target gtt;

	struct mutex copy_lock;			/* of copies of guest memory: */
	struct xengt_foreign_page copy_page;
};

struct xengt_vgpu *xengt_vgpu_create(const char *name);
void xengt_vgpu_destroy(struct xengt_vgpu *vgpu);
int xengt_vgpu_enable(struct xengt_vgpu *vgpu);
void xengt_vgpu_disable(struct xengt_vgpu *vgpu);
const char *xengt_vgpu_state_name(enum xengt_vgpu_state state);

#endif /* _XENGT_VGPU_H */
