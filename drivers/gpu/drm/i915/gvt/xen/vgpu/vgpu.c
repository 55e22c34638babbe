// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a virtual GPU.
 *
 * Off, it is a configuration. Enabling it gets the guest's handle from the mapping service,
 * makes the shadow page tables and starts to take traps; disabling, or the end of the guest, undoes
 * that in reverse, at any moment.
 *
 * Invariants: what is set up is so exactly while the state is running. No trap comes once the
 * server is stopped, so the page tables have no users when they go.
 *
 * Locking: lock for the state and everything that comes and goes with it. The service calls the
 * GGTT with locks of its own held that disabling takes, so the end of the guest is handled in
 * dead_work.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "place.h"
#include "pte.h"
#include "served.h"
#include "vgpu.h"

/* How often, and after which time, it is tried to let go of pages that a guest writes to */
#define LET_GO_TRIES		64
#define LET_GO_US		500

#define DEFAULT_QUOTA		131072	/* 512 MiB */
#define DEFAULT_TABLES		4096	/* of 12 to 40 KiB each */
#define DEFAULT_FENCES		4	/* as GVT-g gives */
#define DEFAULT_DMA_BITS	39	/* i915's DMA mask on gen8 and gen9 */

/* The highest BFN that the GPU can reach. */
static u64 max_bfn(const struct xengt_vgpu *vgpu)
{
	return BIT_ULL(vgpu->config.dma_bits - XENGT_PAGE_SHIFT) - 1;
}

static int get_domain(struct xengt_vgpu *vgpu)
{
	struct xen_gpu_limits limits = { .quota = vgpu->config.quota, .max_bfn = max_bfn(vgpu) };
	struct xen_gpu_domain *domain;

	/* The service knows the domids that make sense, and takes 16 bits. */
	if (vgpu->config.domid > U16_MAX)
		domain = ERR_PTR(-EINVAL);
	else
		domain = xen_gpu_domain_get(vgpu->config.domid, &limits);
	if (IS_ERR(domain)) {
		xengt_vgpu_err(vgpu, "domain %u cannot be had: %ld\n", vgpu->config.domid,
			       PTR_ERR(domain));
		return PTR_ERR(domain);
	}
	vgpu->domain = domain;
	return 0;
}

static int get_place(struct xengt_vgpu *vgpu, const struct xengt_gtt_format *format)
{
	vgpu->place = vgpu->config.place->get(format->gtt_entries);
	if (IS_ERR(vgpu->place)) {
		xengt_vgpu_err(vgpu, "place %s cannot be had: %ld\n", vgpu->config.place->name,
			       PTR_ERR(vgpu->place));
		return PTR_ERR(vgpu->place);
	}
	return 0;
}

static void on_ended(struct xengt_mm *mm)
{
	struct xengt_vgpu *vgpu = container_of(mm, struct xengt_vgpu, mm);

	WRITE_ONCE(vgpu->guest_ended, true);
	schedule_work(&vgpu->dead_work);
}

static void on_settled(struct xengt_mm *mm)
{
	struct xengt_vgpu *vgpu = container_of(mm, struct xengt_vgpu, mm);

	xengt_ppgtts_settled(&vgpu->ppgtts);
}

static void on_sync(struct xengt_mm *mm)
{
	struct xengt_vgpu *vgpu = container_of(mm, struct xengt_vgpu, mm);

	xengt_ppgtts_sync(&vgpu->ppgtts);
}

static int on_untrap(struct xengt_mm *mm, u64 gfn, unsigned int n)
{
	struct xengt_vgpu *vgpu = container_of(mm, struct xengt_vgpu, mm);

	return xengt_traps_untrap(vgpu, gfn, n);
}

static int start_mm(struct xengt_vgpu *vgpu, const struct xengt_gtt_format *format)
{
	struct xengt_mm_config config = {
		.domid = vgpu->config.domid,
		.domain = vgpu->domain,
		.format = format,
		.place = vgpu->place,
		.max_bfn = max_bfn(vgpu),
		.counters = &vgpu->counters,
		.mode = vgpu->config.mode,
		.ended = on_ended,
	};

	return xengt_mm_init(&vgpu->mm, &config);
}

/* What is between the place and the guest's accesses. */
static int start_tables(struct xengt_vgpu *vgpu, const struct xengt_gtt_format *format,
			const struct xengt_range *share)
{
	int rc = start_mm(vgpu, format);

	if (rc)
		return rc;
	rc = xengt_ggtt_init(&vgpu->ggtt, &vgpu->mm, share);
	if (rc)
		goto exit_mm;
	rc = xengt_ppgtts_init(&vgpu->ppgtts, &vgpu->mm, &vgpu->ggtt, vgpu->config.tables);
	if (rc)
		goto exit_ggtt;
	WRITE_ONCE(vgpu->mm.settled, on_settled);
	WRITE_ONCE(vgpu->mm.sync, on_sync);
	/* Before a guest can announce anything. */
	vgpu->mm.untrap = on_untrap;
	rc = xengt_traps_start(vgpu);
	if (rc)
		goto exit_ppgtts;
	return 0;

exit_ppgtts:
	xengt_mm_close(&vgpu->mm);
	xengt_ppgtts_close(&vgpu->ppgtts);
	xengt_ppgtts_exit(&vgpu->ppgtts);
exit_ggtt:
	xengt_ggtt_exit(&vgpu->ggtt);
	xengt_gtt_ram_exit(&vgpu->traps.ram);
exit_mm:
	xengt_mm_exit(&vgpu->mm);
	return rc;
}

static int start(struct xengt_vgpu *vgpu)
{
	const struct xengt_gtt_format *format;
	struct xengt_range share[XENGT_GGTT_RANGES];
	int rc;

	vgpu->guest_ended = false;
	rc = xengt_vgpu_check_config(vgpu, &format, share);
	if (rc)
		return rc;
	rc = xengt_served_add(vgpu);
	if (rc)
		return rc;
	rc = get_domain(vgpu);
	if (rc)
		goto remove;
	rc = get_place(vgpu, format);
	if (rc)
		goto put_domain;
	rc = start_tables(vgpu, format, share);
	if (rc)
		goto put_place;
	return 0;

put_place:
	vgpu->place->ops->put(vgpu->place);
put_domain:
	xen_gpu_domain_put(vgpu->domain);
remove:
	xengt_served_remove(vgpu);
	return rc;
}

/*
 * All traps are about to go at once, which no vCPU is to be in the middle of (see ioreq_server.c):
 * they go one by one before. But a guest that writes to a page all the time does not keep us.
 */
static void let_go(struct xengt_vgpu *vgpu)
{
	unsigned int tries;

	for (tries = 0; tries < LET_GO_TRIES; tries++) {
		if (READ_ONCE(vgpu->guest_ended) || !xengt_ppgtts_let_go(&vgpu->ppgtts))
			return;
		fsleep(LET_GO_US);
	}
	if (vgpu->traps.untrap_error == -EBUSY)
		pr_warn("%s: pages of domain %u keep their traps until the end: it writes to them\n",
			vgpu->name, vgpu->config.domid);
	else
		pr_warn("%s: pages of domain %u keep their traps until the end: Xen does not take them away: %d\n",
			vgpu->name, vgpu->config.domid, vgpu->traps.untrap_error);
}

/* Pages are given back before the server stops, which does writes to them that are under way. */
static void stop(struct xengt_vgpu *vgpu)
{
	xengt_mm_close(&vgpu->mm);
	xengt_ppgtts_close(&vgpu->ppgtts);
	let_go(vgpu);
	xengt_traps_stop(vgpu);
	xengt_ppgtts_exit(&vgpu->ppgtts);
	xengt_ggtt_exit(&vgpu->ggtt);
	xengt_gtt_ram_exit(&vgpu->traps.ram);
	xengt_mm_exit(&vgpu->mm);
	vgpu->place->ops->put(vgpu->place);
	xen_gpu_domain_put(vgpu->domain);
	xengt_served_remove(vgpu);
}

/* The work may come late, when the virtual GPU already serves another guest. */
static void bury_guest(struct work_struct *work)
{
	struct xengt_vgpu *vgpu = container_of(work, struct xengt_vgpu, dead_work);

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_RUNNING && READ_ONCE(vgpu->guest_ended)) {
		stop(vgpu);
		vgpu->state = XENGT_VGPU_DEAD;
		pr_info("%s: domain %u has ended\n", vgpu->name, vgpu->config.domid);
	}
	mutex_unlock(&vgpu->lock);
}

/**
 * xengt_vgpu_enable - start to serve the guest
 * @vgpu: the virtual GPU, off
 *
 * Context: process context, may sleep.
 * Return: 0; -EBUSY if it is not off, or another virtual GPU has entries of its share or, for the
 * same guest, addresses of its BAR 0, with a line in the log; -EINTR if the wait for such a one
 * that was removed is broken off; -EINVAL for a configuration that makes no sense, and -EADDRINUSE
 * if something is at the addresses of BAR 0, with a line in the log; -ENODEV if there is no such
 * guest; or another error, when nothing is left behind.
 */
int xengt_vgpu_enable(struct xengt_vgpu *vgpu)
{
	int rc = -EBUSY;

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_OFF) {
		rc = start(vgpu);
		if (!rc)
			vgpu->state = XENGT_VGPU_RUNNING;
	}
	mutex_unlock(&vgpu->lock);
	return rc;
}

/**
 * xengt_vgpu_disable - stop serving the guest
 * @vgpu: the virtual GPU, in any state
 *
 * Every mapping is given back before it returns.
 *
 * Context: process context, may sleep.
 */
void xengt_vgpu_disable(struct xengt_vgpu *vgpu)
{
	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_RUNNING)
		stop(vgpu);
	vgpu->state = XENGT_VGPU_OFF;
	mutex_unlock(&vgpu->lock);
}

/**
 * xengt_vgpu_set_mode - say when the guest's writes get into the shadow
 * @vgpu: the virtual GPU, in any state
 * @mode: when
 *
 * While it runs, what was written before is in the shadow when this returns. Pages of the GGTT can
 * be opened only if the mode was hybrid when the virtual GPU was enabled.
 *
 * Context: process context, may sleep.
 */
void xengt_vgpu_set_mode(struct xengt_vgpu *vgpu, enum xengt_mode mode)
{
	mutex_lock(&vgpu->lock);
	vgpu->config.mode = mode;
	if (vgpu->state == XENGT_VGPU_RUNNING)
		xengt_ppgtts_set_mode(&vgpu->ppgtts, mode);
	mutex_unlock(&vgpu->lock);
}

const char *xengt_vgpu_state_name(enum xengt_vgpu_state state)
{
	static const char * const names[] = {
		[XENGT_VGPU_OFF] = "off",
		[XENGT_VGPU_RUNNING] = "running",
		[XENGT_VGPU_DEAD] = "dead",
	};

	return names[state];
}

/**
 * xengt_vgpu_create - make a virtual GPU, off
 * @name: what the user calls it
 *
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
	mutex_init(&vgpu->lock);
	INIT_LIST_HEAD(&vgpu->served_node);
	xengt_counters_start(&vgpu->counters, &vgpu->mm.lock);
	INIT_WORK(&vgpu->dead_work, bury_guest);
	vgpu->config.generation = 8;
	vgpu->config.quota = DEFAULT_QUOTA;
	vgpu->config.tables = DEFAULT_TABLES;
	vgpu->config.fences = DEFAULT_FENCES;
	vgpu->config.dma_bits = DEFAULT_DMA_BITS;
	vgpu->config.place = &xengt_place_mem;
	vgpu->config.mode = XENGT_MODE_HYBRID;
	return vgpu;
}

/**
 * xengt_vgpu_destroy - disable a virtual GPU and free it
 * @vgpu: the virtual GPU
 *
 * Context: process context, may sleep.
 */
void xengt_vgpu_destroy(struct xengt_vgpu *vgpu)
{
	xengt_vgpu_disable(vgpu);
	cancel_work_sync(&vgpu->dead_work);
	xengt_counters_end(&vgpu->counters);
	kfree(vgpu->name);
	kfree(vgpu);
}
