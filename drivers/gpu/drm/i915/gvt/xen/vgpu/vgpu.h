/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual GPU: its configuration and, while it runs, its trapped accesses, its shadow GGTT and
 * its PPGTTs; see vgpu.c.
 */

#ifndef _XENGT_VGPU_H
#define _XENGT_VGPU_H

#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "config.h"
#include "counters.h"
#include "gtt.h"
#include "mediation.h"
#include "mmio.h"
#include "served.h"
#include "xen/foreign_page.h"

struct config_item;
struct dentry;

#define XENGT_DEBUGFS_FILES	3

/**
 * enum xengt_vgpu_state - the state of a virtual GPU
 * @XENGT_VGPU_OFF: disabled; can be configured and enabled
 * @XENGT_VGPU_STARTING: being enabled, and not usable yet
 * @XENGT_VGPU_RUNNING: enabled, and serves its guest; or about to serve it, and usable already
 * @XENGT_VGPU_STOPPING: being disabled, or its enabling failed; not usable any more
 * @XENGT_VGPU_DEAD: stopped because its guest ended or its GPU went away while it was running; has
 *	to be disabled before it can be configured or enabled again
 */
enum xengt_vgpu_state {
	XENGT_VGPU_OFF,
	XENGT_VGPU_STARTING,
	XENGT_VGPU_RUNNING,
	XENGT_VGPU_STOPPING,
	XENGT_VGPU_DEAD,
};

/**
 * struct xengt_vgpu - a virtual GPU
 * @name: the user's name for it
 * @item: its directory in configfs; a reference to it pins the virtual GPU
 * @files: its files in debugfs; see debugfs.c
 * @counters: its counters, which go on over all its guests
 * @ended_work: stops the virtual GPU after its guest has ended or its GPU has gone
 * @served: its entry in the list of virtual GPUs that serve guests
 * @users: held for reading by the calls of mediators, see xengt_vgpu_enter()
 * @serves_calls: mediators' calls find the virtual GPU running; changed while @users is held for
 *	writing
 * @read_lock: protects @read_page
 * @read_page: maps the guest's memory for mediators that read it
 * @life: held while it is enabled or disabled, or stops by itself, from the beginning to the end
 * @mediation: its mediator; which one it is changes only while @state is off or dead
 * @lock: protects everything below; nests inside @life
 * @config: its configuration; only the mode changes while @state is not XENGT_VGPU_OFF
 * @state: see enum xengt_vgpu_state. While it is running the members below are set up, and do not
 *	go away as long as the lock is held. While it is starting or stopping they are the business
 *	of who holds @life.
 * @domain: the mapping service's handle of the guest
 * @gtt: all its page tables
 * @mmio: the guest's trapped accesses
 */
struct xengt_vgpu {
	char *name;
	struct config_item *item;
	struct dentry *files[XENGT_DEBUGFS_FILES];
	struct xengt_counters counters;
	struct work_struct ended_work;
	struct xengt_served served;
	struct rw_semaphore users;
	bool serves_calls;
	struct mutex read_lock;			/* protects read_page */
	struct xengt_foreign_page read_page;
	struct mutex life;			/* from enabling to disabling */
	struct xengt_mediation mediation;

	struct mutex lock;			/* protects what follows */
	struct xengt_vgpu_config config;
	enum xengt_vgpu_state state;
	struct xen_gpu_domain *domain;
	struct xengt_gtt gtt;
	struct xengt_mmio mmio;
};

struct xengt_vgpu *xengt_vgpu_create(const char *name);
void xengt_vgpu_destroy(struct xengt_vgpu *vgpu);
int xengt_vgpu_enable(struct xengt_vgpu *vgpu);
void xengt_vgpu_disable(struct xengt_vgpu *vgpu);
int xengt_vgpu_enter(struct xengt_vgpu *vgpu);
void xengt_vgpu_leave(struct xengt_vgpu *vgpu);
void xengt_vgpu_set_mode(struct xengt_vgpu *vgpu, enum xengt_mode mode);
const char *xengt_vgpu_state_name(enum xengt_vgpu_state state);

#endif /* _XENGT_VGPU_H */
