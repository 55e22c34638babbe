// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a virtual GPU.
 *
 * Off, it is a configuration. Enabling it gets the guest's handle from the mapping service,
 * makes the shadow GGTT and starts the ioreq server; disabling, or the end of the guest, undoes
 * that in reverse, at any moment.
 *
 * Invariants: what is set up is so exactly while the state is running. No trap comes once the
 * server is stopped, so the GGTT has no users when it goes.
 *
 * Locking: lock for the state and everything that comes and goes with it. The service calls the
 * GGTT with locks of its own held that disabling takes, so the end of the guest is handled in
 * dead_work.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "place.h"
#include "pte.h"
#include "trace.h"
#include "vgpu.h"

#define DEFAULT_QUOTA		131072	/* 512 MiB */
#define DEFAULT_DMA_BITS	39	/* i915's DMA mask on gen8 and gen9 */
#define MIN_DMA_BITS		32
#define MAX_DMA_BITS		52

#define vgpu_err(vgpu, fmt, ...) \
	pr_err(KBUILD_MODNAME ": %s: " fmt, (vgpu)->name, ##__VA_ARGS__)
#define vgpu_info(vgpu, fmt, ...) \
	pr_info(KBUILD_MODNAME ": %s: " fmt, (vgpu)->name, ##__VA_ARGS__)

static struct xengt_vgpu *gtt_vgpu(struct xengt_ioreq_target *target)
{
	return container_of(target, struct xengt_vgpu, gtt);
}

static void gtt_read(struct xengt_ioreq_target *target, u64 offset, void *data, unsigned int len)
{
	xengt_ggtt_read(&gtt_vgpu(target)->ggtt, offset, data, len);
}

static void gtt_write(struct xengt_ioreq_target *target, u64 offset, const void *data,
		      unsigned int len)
{
	xengt_ggtt_write(&gtt_vgpu(target)->ggtt, offset, data, len);
}

static int copy_guest(struct xengt_ioreq_target *target, u64 addr, void *data, unsigned int len,
		      bool to_guest)
{
	struct xengt_vgpu *vgpu = gtt_vgpu(target);
	int rc;

	mutex_lock(&vgpu->copy_lock);
	rc = xengt_foreign_page_copy(&vgpu->copy_page, addr, data, len, to_guest);
	mutex_unlock(&vgpu->copy_lock);
	if (rc)
		xengt_count(&vgpu->counters, XENGT_COUNT_COPY_FAILED, 1);
	return rc;
}

static void handle_memory(struct xengt_vgpu *vgpu, struct xen_ioreq *req, void *buffer)
{
	xengt_count(&vgpu->counters, XENGT_COUNT_TRAPS, 1);
	xengt_count(&vgpu->counters,
		    req->dir == IOREQ_READ ? XENGT_COUNT_READS : XENGT_COUNT_WRITES, 1);
	xengt_count(&vgpu->counters, XENGT_COUNT_REPS, req->count > 1);
	trace_xengt_trap(vgpu->config.domid, req->dir == IOREQ_READ, req->addr, req->size,
			 req->count);
	if (xengt_ioreq_handle(&vgpu->gtt, req, buffer) == -ERANGE)
		xengt_count(&vgpu->counters, XENGT_COUNT_BAD_RANGE, 1);
}

static void handle_ioreq(struct xengt_ioreq_server *server, struct xen_ioreq *req, void *buffer)
{
	struct xengt_vgpu *vgpu = container_of(server, struct xengt_vgpu, server);

	switch (req->type) {
	case IOREQ_TYPE_COPY:
		handle_memory(vgpu, req, buffer);
		break;
	case IOREQ_TYPE_INVALIDATE:
		xengt_count(&vgpu->counters, XENGT_COUNT_INVALIDATES, 1);
		xen_gpu_balloon_event(vgpu->domain);
		break;
	default:
		xengt_count(&vgpu->counters, XENGT_COUNT_UNHANDLED, 1);
		if (req->dir == IOREQ_READ)
			req->data = U64_MAX;
		break;
	}
}

static void ggtt_ended(struct xengt_ggtt *ggtt)
{
	struct xengt_vgpu *vgpu = container_of(ggtt, struct xengt_vgpu, ggtt);

	WRITE_ONCE(vgpu->guest_ended, true);
	schedule_work(&vgpu->dead_work);
}

static int check_range(struct xengt_vgpu *vgpu, const struct xengt_pte_format *format,
		       unsigned int i, struct xengt_range *range)
{
	u64 base = vgpu->config.base[i], size = vgpu->config.size[i];
	u64 top = (u64)format->gtt_entries << XENGT_PAGE_SHIFT;

	if ((base | size) & (XENGT_PAGE_SIZE - 1)) {
		vgpu_err(vgpu, "the share is not in pages of 4 KiB\n");
		return -EINVAL;
	}
	if (base > top || size > top - base) {
		vgpu_err(vgpu, "the share goes beyond the GGTT, which has %llu MiB\n", top >> 20);
		return -EINVAL;
	}
	range->first = base >> XENGT_PAGE_SHIFT;
	range->n = size >> XENGT_PAGE_SHIFT;
	return 0;
}

static bool ranges_overlap(const struct xengt_range *a, const struct xengt_range *b)
{
	return a->n && b->n && a->first < b->first + b->n && b->first < a->first + a->n;
}

static int check_share(struct xengt_vgpu *vgpu, const struct xengt_pte_format *format,
		       struct xengt_range *share)
{
	unsigned int i;
	int rc;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		rc = check_range(vgpu, format, i, &share[i]);
		if (rc)
			return rc;
	}
	if (ranges_overlap(&share[0], &share[1])) {
		vgpu_err(vgpu, "the mappable and the hidden share overlap\n");
		return -EINVAL;
	}
	if (!share[0].n && !share[1].n) {
		vgpu_err(vgpu, "the share of the GGTT is empty: set mappable_size or hidden_size\n");
		return -EINVAL;
	}
	return 0;
}

static int check_config(struct xengt_vgpu *vgpu, struct xengt_ggtt_config *ggtt)
{
	const struct xengt_vgpu_config *config = &vgpu->config;

	ggtt->format = xengt_pte_format(config->generation);
	if (!ggtt->format) {
		vgpu_err(vgpu, "generation %u is not supported\n", config->generation);
		return -EINVAL;
	}
	/* BAR 0 is registers and the GTT in equal halves, aligned to its size, as all BARs are. */
	if (!config->bar0 || config->bar0 & (2 * ggtt->format->gtt_offset - 1)) {
		vgpu_err(vgpu, "bar0 %#llx is not a multiple of %llu MiB\n", config->bar0,
			 2 * ggtt->format->gtt_offset >> 20);
		return -EINVAL;
	}
	if (config->dma_bits < MIN_DMA_BITS || config->dma_bits > MAX_DMA_BITS) {
		vgpu_err(vgpu, "dma_bits %u is not from %u to %u\n", config->dma_bits, MIN_DMA_BITS,
			 MAX_DMA_BITS);
		return -EINVAL;
	}
	if (!config->quota || config->quota > ULONG_MAX) {
		vgpu_err(vgpu, "the quota is 0\n");
		return -EINVAL;
	}
	ggtt->max_bfn = (1ULL << (config->dma_bits - XENGT_PAGE_SHIFT)) - 1;
	return check_share(vgpu, ggtt->format, ggtt->share);
}

static int get_domain(struct xengt_vgpu *vgpu, u64 max_bfn)
{
	struct xen_gpu_limits limits = { .quota = vgpu->config.quota, .max_bfn = max_bfn };
	struct xen_gpu_domain *domain;

	/* The service knows the domids that make sense, and takes 16 bits. */
	if (vgpu->config.domid > U16_MAX)
		domain = ERR_PTR(-EINVAL);
	else
		domain = xen_gpu_domain_get(vgpu->config.domid, &limits);
	if (IS_ERR(domain)) {
		vgpu_err(vgpu, "domain %u cannot be had: %ld\n", vgpu->config.domid,
			 PTR_ERR(domain));
		return PTR_ERR(domain);
	}
	vgpu->domain = domain;
	return 0;
}

static int get_place(struct xengt_vgpu *vgpu, const struct xengt_pte_format *format)
{
	vgpu->place = vgpu->config.place->get(format->gtt_entries);
	if (IS_ERR(vgpu->place)) {
		vgpu_err(vgpu, "place %s cannot be had: %ld\n", vgpu->config.place->name,
			 PTR_ERR(vgpu->place));
		return PTR_ERR(vgpu->place);
	}
	return 0;
}

static int start_server(struct xengt_vgpu *vgpu, const struct xengt_pte_format *format)
{
	int rc;

	vgpu->gtt = (struct xengt_ioreq_target){
		.start = vgpu->config.bar0 + format->gtt_offset,
		.size = (u64)format->gtt_entries * XENGT_ENTRY_SIZE,
		.read = gtt_read,
		.write = gtt_write,
		.copy_guest = copy_guest,
	};
	rc = xengt_foreign_page_init(&vgpu->copy_page, vgpu->config.domid);
	if (rc)
		return rc;
	vgpu->server.handle = handle_ioreq;
	rc = xengt_ioreq_server_start(&vgpu->server, vgpu->config.domid, vgpu->gtt.start,
				      vgpu->gtt.start + vgpu->gtt.size - 1);
	if (rc)
		xengt_foreign_page_exit(&vgpu->copy_page);
	return rc;
}

static int start(struct xengt_vgpu *vgpu)
{
	struct xengt_ggtt_config config = {
		.domid = vgpu->config.domid,
		.counters = &vgpu->counters,
		.ended = ggtt_ended,
	};
	int rc;

	vgpu->guest_ended = false;
	rc = check_config(vgpu, &config);
	if (rc)
		return rc;
	rc = get_domain(vgpu, config.max_bfn);
	if (rc)
		return rc;
	rc = get_place(vgpu, config.format);
	if (rc)
		goto put_domain;
	config.domain = vgpu->domain;
	config.place = vgpu->place;
	rc = xengt_ggtt_init(&vgpu->ggtt, &config);
	if (rc)
		goto put_place;
	rc = start_server(vgpu, config.format);
	if (rc)
		goto exit_ggtt;
	return 0;

exit_ggtt:
	xengt_ggtt_exit(&vgpu->ggtt);
put_place:
	vgpu->place->ops->put(vgpu->place);
put_domain:
	xen_gpu_domain_put(vgpu->domain);
	return rc;
}

static void stop(struct xengt_vgpu *vgpu)
{
	xengt_ioreq_server_stop(&vgpu->server);
	xengt_foreign_page_exit(&vgpu->copy_page);
	xengt_ggtt_exit(&vgpu->ggtt);
	vgpu->place->ops->put(vgpu->place);
	xen_gpu_domain_put(vgpu->domain);
}

/* The work may come late, when the virtual GPU already serves another guest. */
static void bury_guest(struct work_struct *work)
{
	struct xengt_vgpu *vgpu = container_of(work, struct xengt_vgpu, dead_work);

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_RUNNING && READ_ONCE(vgpu->guest_ended)) {
		stop(vgpu);
		vgpu->state = XENGT_VGPU_DEAD;
		vgpu_info(vgpu, "domain %u has ended\n", vgpu->config.domid);
	}
	mutex_unlock(&vgpu->lock);
}

/**
 * xengt_vgpu_enable - start to serve the guest
 * @vgpu: the virtual GPU, off
 *
 * Context: process context, may sleep.
 * Return: 0; -EBUSY if it is not off or its share is taken; -EINVAL for a configuration that
 * makes no sense, with a line in the log; -ENODEV if there is no such guest; or another error, when
 * nothing is left behind.
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
	mutex_init(&vgpu->copy_lock);
	INIT_WORK(&vgpu->dead_work, bury_guest);
	vgpu->config.generation = 8;
	vgpu->config.quota = DEFAULT_QUOTA;
	vgpu->config.dma_bits = DEFAULT_DMA_BITS;
	vgpu->config.place = &xengt_place_mem;
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
	kfree(vgpu->name);
	kfree(vgpu);
}
