/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual GPU whose mediator is GVT; see instance.c.
 */

#ifndef _XENGT_GVT_INSTANCE_H
#define _XENGT_GVT_INSTANCE_H

#include "i915_drv.h"
#include "instead_of_kvm.h"
#include "gvt.h"

#include <linux/rwsem.h>
#include <xen/xengt.h>
#include <xen/xengt_i915.h>

/**
 * struct xengt_gvt_instance - a virtual GPU whose mediator is GVT
 * @vgpu: GVT's part; set up from the mediator's start to its stop
 * @share: what it has of the GPU; valid as long as @vgpu
 * @fences: the fence registers of @share
 * @bar0_lock: held for writing while the guest programs its BARs: GVT takes registers by address
 * @xengt: xengt's part, to which the instance is attached
 * @name: the name of both, for the log
 * @weight: its weight for GVT's scheduler, 1 to 16
 * @aperture: guest-physical address of BAR 2, in bytes
 * @aperture_moved: the log says that the guest has moved it
 * @request_timeout_ms: after which a request that has not ended is cancelled; 0: never
 * @classified: engines whose context's timeline has its lock class; a bit for each
 * @refused: requests of the guest's that were refused; written under GVT's vgpu_lock
 * @translations: graphics addresses that a scan has translated; protected by GVT's vgpu_lock
 * @scanning: GVT scans a workload; protected by GVT's vgpu_lock
 */
struct xengt_gvt_instance {
	struct intel_vgpu vgpu;
	struct xengt_i915_share share;
	struct i915_fence_reg *fences[INTEL_GVT_MAX_NUM_FENCES];
	struct rw_semaphore bar0_lock;
	struct xengt_vgpu *xengt;
	char *name;
	u64 weight;
	u64 aperture;
	u64 request_timeout_ms;
	unsigned long classified;
	unsigned long refused;
	unsigned int translations;
	bool scanning;
	bool aperture_moved;
};

static inline struct xengt_gvt_instance *xengt_gvt_instance_of(struct intel_vgpu *vgpu)
{
	return container_of(vgpu, struct xengt_gvt_instance, vgpu);
}

struct xengt_gvt_instance *xengt_gvt_create(const char *name);
void xengt_gvt_destroy(struct xengt_gvt_instance *instance);
int xengt_gvt_start(struct xengt_gvt_instance *instance);
void xengt_gvt_stop(struct xengt_gvt_instance *instance);

#endif /* _XENGT_GVT_INSTANCE_H */
