// SPDX-License-Identifier: GPL-2.0
/*
 * The life cycle of a virtual GPU: creates, enables, disables and destroys it.
 *
 * While it is off, a virtual GPU is only a configuration. Enabling it gets the guest's handle from
 * the mapping service, makes the shadow page tables and starts to handle the guest's trapped
 * accesses. Disabling it undoes this in reverse order, and so does the end of the guest, which can
 * come at any moment.
 *
 * A mediator is told that the virtual GPU starts when everything is set up, but before the guest's
 * accesses trap; and that it stops before anything is torn down.
 *
 * Invariants: everything is set up while the state is XENGT_VGPU_RUNNING. No access traps after the
 * ioreq server has stopped, so the page tables have no users when they are freed. Nobody waits for
 * a handler of the guest's accesses, or for an operation of the mediator's, with the virtual GPU's
 * lock held: these may take it.
 *
 * Locking: the mutex "life" is held from the beginning to the end of enabling, disabling and the
 * end of the guest. The virtual GPU's lock protects the state. Who holds it while the state is
 * XENGT_VGPU_RUNNING can use what is set up; who stops the virtual GPU changes the state under it
 * first. It nests inside "life". The service reports the end of the guest (see gtt.c) with locks of
 * its own held that disabling takes. So ended_work stops the virtual GPU.
 *
 * Calls of mediators hold "users" for reading, so that several run at once. Before anything is torn
 * down, "users" is taken for writing, and nothing nests inside that.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "abi/pte.h"
#include "config.h"
#include "gsm/gsm.h"
#include "gtt.h"
#include "mediation.h"
#include "served.h"
#include "trapping.h"
#include "vgpu.h"

#define DEFAULT_QUOTA		131072	/* GFNs: 512 MiB */
#define DEFAULT_TABLES		4096	/* 12 to 40 KiB of memory each */
#define DEFAULT_FENCES		4	/* as with GVT-g */
#define DEFAULT_DMA_BITS	39	/* i915's DMA mask on gen8 and gen9 */

/* Returns the highest BFN that the GPU can reach. */
static u64 max_bfn(const struct xengt_vgpu *vgpu)
{
	return BIT_ULL(vgpu->config.dma_bits - XENGT_PAGE_SHIFT) - 1;
}

static int get_domain(struct xengt_vgpu *vgpu)
{
	struct xen_gpu_limits limits = { .quota = vgpu->config.quota, .max_bfn = max_bfn(vgpu) };
	struct xen_gpu_domain *domain;

	/* The service checks the domid, but takes only 16 bits of it. */
	if (vgpu->config.domid > U16_MAX)
		domain = ERR_PTR(-EINVAL);
	else
		domain = xen_gpu_domain_get(vgpu->config.domid, &limits);
	if (IS_ERR(domain)) {
		xengt_vgpu_err(vgpu->name, "domain %u cannot be served: %ld\n", vgpu->config.domid,
			       PTR_ERR(domain));
		return PTR_ERR(domain);
	}
	vgpu->domain = domain;
	return 0;
}

/* The GSM has chosen the bases that are automatic: the guest and the user are told these. */
static void note_bases(struct xengt_vgpu *vgpu)
{
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		if (vgpu->config.auto_base[i])
			vgpu->config.base[i] = (u64)vgpu->gtt.ggtt.share.range[i].first
						<< XENGT_PAGE_SHIFT;
	}
}

static void set_state(struct xengt_vgpu *vgpu, enum xengt_vgpu_state state)
{
	lockdep_assert_held(&vgpu->life);
	mutex_lock(&vgpu->lock);
	vgpu->state = state;
	mutex_unlock(&vgpu->lock);
}

/*
 * Makes the page tables, and prepares to handle the guest's accesses. The page tables map the RAM
 * at the GTT, so it is freed after them, also if xengt_trapping_start() fails.
 */
static int start_gtt(struct xengt_vgpu *vgpu, const struct xengt_gtt_format *format,
		     const struct xengt_range *range)
{
	struct xengt_gtt_config config = {
		.shadow = {
			.domid = vgpu->config.domid,
			.domain = vgpu->domain,
			.format = format,
			.server = &vgpu->mmio.server,
			.max_bfn = max_bfn(vgpu),
			.counters = &vgpu->counters,
			.mode = vgpu->config.mode,
		},
		.place = vgpu->config.place,
		.share = {
			.vgpu = vgpu->name,
			.generation = vgpu->config.generation,
			.nr_entries = format->gtt_entries,
			.max_bfn = max_bfn(vgpu),
			.nr_fences = vgpu->config.fences,
		},
		.max_tables = vgpu->config.tables,
		.ended_work = &vgpu->ended_work,
	};
	int rc;

	memcpy(config.share.range, range, sizeof(config.share.range));
	rc = xengt_gtt_init(&vgpu->gtt, &config);
	if (rc)
		return rc;
	note_bases(vgpu);
	rc = xengt_trapping_start(&vgpu->mmio, vgpu->name, &vgpu->config, &vgpu->gtt,
				  &vgpu->counters, &vgpu->mediation);
	if (!rc)
		return 0;
	xengt_gtt_close(&vgpu->gtt);
	xengt_gtt_exit(&vgpu->gtt);
	xengt_ggtt_ram_exit(&vgpu->mmio.ram);
	return rc;
}

/* Calls of mediators find the virtual GPU running, or not, from now on. Waits for those before. */
static void allow_calls(struct xengt_vgpu *vgpu, bool allow)
{
	down_write(&vgpu->users);
	vgpu->serves_calls = allow;
	up_write(&vgpu->users);
}

/**
 * xengt_vgpu_enter - begin a call of a mediator's
 * @vgpu: the virtual GPU, in any state
 *
 * The virtual GPU runs, and all that is set up with it stays, until xengt_vgpu_leave(). The guest
 * may end at any time.
 *
 * Context: process context, may sleep; also in a handler of the guest's accesses. Not during a walk
 * of the GPU's: a stop waits for calls, and a call may wait for the walk.
 * Return: 0; or -ENODEV, when there is nothing to leave: the virtual GPU does not run or is about
 * to stop, or its guest has ended.
 */
int xengt_vgpu_enter(struct xengt_vgpu *vgpu)
{
	down_read(&vgpu->users);
	if (vgpu->serves_calls && !READ_ONCE(vgpu->gtt.ended))
		return 0;
	up_read(&vgpu->users);
	return -ENODEV;
}

/* Ends a call that xengt_vgpu_enter() began. */
void xengt_vgpu_leave(struct xengt_vgpu *vgpu)
{
	up_read(&vgpu->users);
}

/* Starts the mediator, then traps the guest's accesses. */
static int serve(struct xengt_vgpu *vgpu)
{
	int rc = xengt_mediation_start(&vgpu->mediation);

	if (rc) {
		xengt_vgpu_err(vgpu->name, "the mediator does not start: %d\n", rc);
		return rc;
	}
	return xengt_trapping_take_ranges(&vgpu->mmio) ?: xengt_trapping_take_config(&vgpu->mmio);
}

/* The mediator's operations do not run any more when the state changes. */
static void stop(struct xengt_vgpu *vgpu)
{
	xengt_mediation_stop(&vgpu->mediation);
	allow_calls(vgpu, false);
	set_state(vgpu, XENGT_VGPU_STOPPING);
	xengt_gtt_close(&vgpu->gtt);
	xengt_trapping_stop(&vgpu->mmio);
	xengt_gtt_exit(&vgpu->gtt);
	xengt_ggtt_ram_exit(&vgpu->mmio.ram);
	xengt_foreign_page_exit(&vgpu->read_page);
	xen_gpu_domain_put(vgpu->domain);
	xengt_served_remove(&vgpu->served);
}

static int start(struct xengt_vgpu *vgpu)
{
	const struct xengt_gtt_format *format;
	struct xengt_range range[XENGT_GGTT_RANGES];
	int rc;

	rc = xengt_config_check(vgpu->name, &vgpu->config, &format, range);
	if (rc)
		return rc;
	rc = xengt_served_add(&vgpu->served);
	if (rc)
		return rc;
	rc = get_domain(vgpu);
	if (rc)
		goto remove;
	rc = xengt_foreign_page_init(&vgpu->read_page, vgpu->config.domid);
	if (rc)
		goto put;
	rc = start_gtt(vgpu, format, range);
	if (rc)
		goto exit;
	set_state(vgpu, XENGT_VGPU_RUNNING);
	allow_calls(vgpu, true);
	rc = serve(vgpu);
	if (rc) {
		xengt_ggtt_ram_disown_found(&vgpu->mmio.ram);
		stop(vgpu);
	}
	return rc;

exit:
	xengt_foreign_page_exit(&vgpu->read_page);
put:
	xen_gpu_domain_put(vgpu->domain);
remove:
	xengt_served_remove(&vgpu->served);
	return rc;
}

/* Says why the virtual GPU has to stop; NULL if it does not have to. */
static const char *why_stop(struct xengt_vgpu *vgpu)
{
	if (READ_ONCE(vgpu->gtt.ended))
		return "has ended";
	if (READ_ONCE(vgpu->gtt.shadow.gsm->lost))
		return "has lost its GPU, which the host's driver has let go";
	return NULL;
}

/*
 * Stops a virtual GPU whose guest has ended or whose GPU goes away. The work can run late, when the
 * virtual GPU already serves another guest: why_stop() tells the two apart.
 */
static void release_guest(struct work_struct *work)
{
	struct xengt_vgpu *vgpu = container_of(work, struct xengt_vgpu, ended_work);
	const char *why = NULL;

	mutex_lock(&vgpu->life);
	if (vgpu->state == XENGT_VGPU_RUNNING)
		why = why_stop(vgpu);
	if (why) {
		stop(vgpu);
		set_state(vgpu, XENGT_VGPU_DEAD);
		pr_info("%s: domain %u %s\n", vgpu->name, vgpu->config.domid, why);
	}
	mutex_unlock(&vgpu->life);
}

/* Claims the virtual GPU for enabling: its configuration does not change from now on. */
static bool begin_start(struct xengt_vgpu *vgpu)
{
	bool off;

	mutex_lock(&vgpu->lock);
	off = vgpu->state == XENGT_VGPU_OFF;
	if (off)
		vgpu->state = XENGT_VGPU_STARTING;
	mutex_unlock(&vgpu->lock);
	return off;
}

/**
 * xengt_vgpu_enable - start to serve the guest
 * @vgpu: the virtual GPU
 *
 * Waits for virtual GPUs that use the same entries of the GGTT or the same addresses of the guest,
 * but are being removed. It cannot know of those whose base the place chooses, or whose place has
 * another name: the place refuses entries or fences that they still have.
 *
 * Context: process context, may sleep; not in an operation of a mediator's.
 * Return: 0, or an error, when the virtual GPU is as before:
 *
 * * -EBUSY: the virtual GPU is not off; or, with a line in the log, another one has some of its
 *   share's entries or, for the same guest, some of its addresses of BAR 0
 * * -EINTR: a fatal signal ended the wait
 * * -EINVAL: the configuration is not valid; with a line in the log
 * * -EADDRINUSE: the guest has something at the addresses of BAR 0; with a line in the log
 * * -ENODEV: there is no such guest; or, with a line in the log, no such place
 * * -EOPNOTSUPP: the mediator sets capabilities that this guest cannot have; with a line in the log
 * * an error of the mediator's; with a line in the log
 * * any other error of Xen, of the mapping service or for want of memory
 */
int xengt_vgpu_enable(struct xengt_vgpu *vgpu)
{
	int rc = -EBUSY;

	mutex_lock(&vgpu->life);
	if (begin_start(vgpu)) {
		rc = start(vgpu);
		if (rc)
			set_state(vgpu, XENGT_VGPU_OFF);
	}
	mutex_unlock(&vgpu->life);
	return rc;
}

/**
 * xengt_vgpu_disable - stop serving the guest
 * @vgpu: the virtual GPU, in any state
 *
 * All references on the guest's pages are released when it returns, and the virtual GPU is off.
 *
 * Context: process context, may sleep; not in an operation of a mediator's.
 */
void xengt_vgpu_disable(struct xengt_vgpu *vgpu)
{
	mutex_lock(&vgpu->life);
	if (vgpu->state == XENGT_VGPU_RUNNING)
		stop(vgpu);
	set_state(vgpu, XENGT_VGPU_OFF);
	mutex_unlock(&vgpu->life);
}

/**
 * xengt_vgpu_set_mode - choose when the guest's writes get into the shadow
 * @vgpu: the virtual GPU, in any state
 * @mode: the new mode
 *
 * If the virtual GPU runs, the shadow contains everything that the guest wrote before the call when
 * this returns. Pages of the GGTT can become unsync only if the mode was XENGT_MODE_HYBRID when the
 * virtual GPU was enabled.
 *
 * Context: process context, may sleep; not in an operation of a mediator's.
 */
void xengt_vgpu_set_mode(struct xengt_vgpu *vgpu, enum xengt_mode mode)
{
	mutex_lock(&vgpu->life);
	mutex_lock(&vgpu->lock);
	vgpu->config.mode = mode;
	if (vgpu->state == XENGT_VGPU_RUNNING)
		xengt_gtt_set_mode(&vgpu->gtt, mode);
	mutex_unlock(&vgpu->lock);
	mutex_unlock(&vgpu->life);
}

/* Returns the name of a state, as configfs and debugfs show it. */
const char *xengt_vgpu_state_name(enum xengt_vgpu_state state)
{
	static const char * const names[] = {
		[XENGT_VGPU_OFF] = "off",
		[XENGT_VGPU_STARTING] = "starting",
		[XENGT_VGPU_RUNNING] = "running",
		[XENGT_VGPU_STOPPING] = "stopping",
		[XENGT_VGPU_DEAD] = "dead",
	};

	return names[state];
}

/**
 * xengt_vgpu_create - create a virtual GPU that is off and has the default configuration
 * @name: the user's name for it; copied
 *
 * Context: process context, may sleep.
 * Return: the virtual GPU, or ERR_PTR(-ENOMEM).
 */
struct xengt_vgpu *xengt_vgpu_create(const char *name)
{
	struct xengt_vgpu *vgpu = kzalloc(sizeof(*vgpu), GFP_KERNEL);

	if (!vgpu)
		return ERR_PTR(-ENOMEM);
	vgpu->name = kstrdup(name, GFP_KERNEL);
	if (!vgpu->name) {
		kfree(vgpu);
		return ERR_PTR(-ENOMEM);
	}
	init_rwsem(&vgpu->users);
	mutex_init(&vgpu->read_lock);
	mutex_init(&vgpu->life);
	mutex_init(&vgpu->lock);
	xengt_mediation_init(&vgpu->mediation);
	xengt_served_init(&vgpu->served, vgpu->name, &vgpu->config);
	INIT_WORK(&vgpu->ended_work, release_guest);
	xengt_counters_start(&vgpu->counters, &vgpu->gtt.shadow.lock);
	vgpu->config.generation = 8;
	vgpu->config.quota = DEFAULT_QUOTA;
	vgpu->config.tables = DEFAULT_TABLES;
	vgpu->config.fences = DEFAULT_FENCES;
	vgpu->config.dma_bits = DEFAULT_DMA_BITS;
	strscpy(vgpu->config.place, xengt_gsm_mem.name, sizeof(vgpu->config.place));
	vgpu->config.mode = XENGT_MODE_HYBRID;
	return vgpu;
}

/**
 * xengt_vgpu_destroy - disable a virtual GPU and free it
 * @vgpu: the virtual GPU, in any state; nobody else uses it, and it has no mediator
 *
 * Context: process context, may sleep.
 */
void xengt_vgpu_destroy(struct xengt_vgpu *vgpu)
{
	xengt_vgpu_disable(vgpu);
	cancel_work_sync(&vgpu->ended_work);
	xengt_counters_end(&vgpu->counters);
	kfree(vgpu->name);
	kfree(vgpu);
}
