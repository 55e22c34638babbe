/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual GPU: its configuration and, while it is enabled, its traps, shadow GGTT and PPGTTs; see
 * vgpu.c.
 */

#ifndef _XENGT_VGPU_H
#define _XENGT_VGPU_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "counters.h"
#include "ggtt.h"
#include "mm.h"
#include "ppgtt.h"
#include "traps.h"

struct config_item;
struct dentry;
struct xengt_place_ops;

#define XENGT_DEBUGFS_FILES	3

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
 * @tables: the most shadow tables of PPGTTs that there may be at once
 * @fences: how many fence registers the guest is told to have
 * @dma_bits: the width of the GPU's addresses
 * @adopt_ram: RAM that is at the GTT already is a former virtual GPU's: 1; 0: it is refused
 * @place: where the shadow entries land
 * @mode: when the guest's writes get into the shadow; can be changed while it runs
 */
struct xengt_vgpu_config {
	u32 domid;
	u32 generation;
	u64 bar0;
	u64 base[XENGT_GGTT_RANGES];
	u64 size[XENGT_GGTT_RANGES];
	u64 quota;
	u64 tables;
	u32 fences;
	u32 dma_bits;
	u32 adopt_ram;
	const struct xengt_place_ops *place;
	enum xengt_mode mode;
};

struct xengt_vgpu {
	char *name;
	struct config_item *item;	/* pins it */
	struct dentry *files[XENGT_DEBUGFS_FILES];	/* of debugfs.c */
	struct xengt_counters counters;
	struct work_struct dead_work;
	bool guest_ended;	/* set by the service's call, for dead_work */
	struct list_head served_node;	/* of served.c, as is: */
	bool removed;

	struct mutex lock;			/* of what comes and goes: */
	struct xengt_vgpu_config config;	/* fixed while not off */
	enum xengt_vgpu_state state;
	struct xen_gpu_domain *domain;
	struct xengt_place *place;
	struct xengt_mm mm;
	struct xengt_ggtt ggtt;
	struct xengt_ppgtts ppgtts;
	struct xengt_traps traps;
};

/* A line in the log about a virtual GPU */
#define xengt_vgpu_err(vgpu, fmt, ...) \
	pr_err("%s: " fmt, (vgpu)->name, ##__VA_ARGS__)

struct xengt_vgpu *xengt_vgpu_create(const char *name);
void xengt_vgpu_destroy(struct xengt_vgpu *vgpu);
int xengt_vgpu_enable(struct xengt_vgpu *vgpu);
void xengt_vgpu_disable(struct xengt_vgpu *vgpu);
void xengt_vgpu_set_mode(struct xengt_vgpu *vgpu, enum xengt_mode mode);
const char *xengt_vgpu_state_name(enum xengt_vgpu_state state);

int xengt_vgpu_check_config(const struct xengt_vgpu *vgpu, const struct xengt_gtt_format **format,
			    struct xengt_range *share);

#endif /* _XENGT_VGPU_H */
