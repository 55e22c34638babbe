// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's notifications: what its driver announces in the PVINFO page, and what PVINFO offers it.
 *
 * PVINFO offers PPGTTs only if writes to the guest's memory trap (see trapping.c).
 *
 * Invariants: the mediator hears of an announcement after it was done here, and with which result.
 * No capability is offered that is not possible.
 *
 * Locking: several vCPUs can notify at once, and PVINFO's lock is not held then. What is called
 * here takes the shadow's lock.
 */

#include "abi/pte.h"
#include "config.h"
#include "counters.h"
#include "gtt.h"
#include "mediation.h"
#include "mmio.h"
#include "notification.h"

static int change_ppgtts(struct xengt_mmio *mmio, bool create,
			 const struct xengt_ppgtt_root *root)
{
	if (!mmio->claimed)
		return -EOPNOTSUPP;
	xengt_shadow_wait_current(&mmio->gtt->shadow);
	return create ? xengt_ppgtts_create(&mmio->gtt->ppgtts, XENGT_BY_GUEST, root) :
			xengt_ppgtts_destroy(&mmio->gtt->ppgtts, XENGT_BY_GUEST, root);
}

static int on_ppgtt(struct xengt_pvinfo *pvinfo, bool create, const struct xengt_ppgtt_root *root)
{
	struct xengt_mmio *mmio = container_of(pvinfo, struct xengt_mmio, pvinfo);
	int rc = change_ppgtts(mmio, create, root);

	xengt_mediation_ppgtt(mmio->mediation, create, root, rc);
	return rc;
}

/*
 * The guest created or is about to free a context. This changes no page table, but the guest may
 * expect the shadow to be up to date.
 */
static void on_context(struct xengt_pvinfo *pvinfo, bool create, u64 descriptor)
{
	struct xengt_mmio *mmio = container_of(pvinfo, struct xengt_mmio, pvinfo);

	xengt_shadow_wait_current(&mmio->gtt->shadow);
	xengt_gtt_sync(mmio->gtt);
	xengt_mediation_context(mmio->mediation, create, descriptor);
}

/*
 * A driver of the guest's starts to load, or has loaded. The PPGTTs that its predecessor announced
 * end when it has loaded, not before.
 */
static void on_driver(struct xengt_pvinfo *pvinfo, bool loaded)
{
	struct xengt_mmio *mmio = container_of(pvinfo, struct xengt_mmio, pvinfo);

	if (!loaded)
		xengt_ppgtts_mark_old(&mmio->gtt->ppgtts);
	else if (xengt_ppgtts_end_old(&mmio->gtt->ppgtts))
		xengt_count(mmio->counters, XENGT_COUNT_DRIVERS_GONE, 1);
	xengt_mediation_driver(mmio->mediation, loaded);
}

static void on_display_ready(struct xengt_pvinfo *pvinfo, u32 value)
{
	struct xengt_mmio *mmio = container_of(pvinfo, struct xengt_mmio, pvinfo);

	xengt_mediation_display_ready(mmio->mediation, value);
}

static const struct xengt_pvinfo_ops pvinfo_ops = {
	.ppgtt = on_ppgtt,
	.context = on_context,
	.driver = on_driver,
	.display_ready = on_display_ready,
};

/*
 * Returns the capabilities that PVINFO can offer: PPGTTs with pages of all sizes, but none where
 * roots are in the GGTT (gen7), or where writes to memory do not trap. i915 uses full PPGTT only
 * together with an emulated hardware status page. The mediator that runs the guest's work has to
 * emulate it.
 */
static u32 possible_caps(const struct xengt_mmio *mmio)
{
	if (!mmio->claimed || mmio->gtt->shadow.format->root_in_ggtt)
		return 0;
	return XENGT_VGT_CAPS_FULL_PPGTT | XENGT_VGT_CAPS_HWSP_EMULATION | XENGT_VGT_CAPS_HUGE_GTT;
}

/*
 * Chooses the capabilities: those that the mediator sets, or all. 0; or -EOPNOTSUPP if the mediator
 * sets one that is not possible.
 */
static int choose_caps(const struct xengt_mmio *mmio, u32 *caps)
{
	u32 possible = possible_caps(mmio);

	*caps = possible;
	if (!xengt_mediation_attached(mmio->mediation))
		return 0;
	*caps = mmio->mediation->caps;
	if (!(*caps & ~possible))
		return 0;
	xengt_vgpu_err(mmio->name, "the mediator sets capabilities %#x, but domain %u can have only %#x: PPGTTs need generation 8 or 9, HAP and the writes to memory\n",
		       *caps, mmio->config->domid, possible);
	return -EOPNOTSUPP;
}

/**
 * xengt_notification_init - set up PVINFO, and what is done at the guest's notifications
 * @mmio: what handles the guest's accesses; it is known whether its writes to memory trap
 *
 * Return: 0; -EOPNOTSUPP if the mediator sets capabilities that are not possible; or -ERANGE if the
 * share does not fit into PVINFO. Each has a line in the log.
 */
int xengt_notification_init(struct xengt_mmio *mmio)
{
	struct xengt_pvinfo_config config = {
		.mappable_base = mmio->config->base[0],
		.mappable_size = mmio->config->size[0],
		.hidden_base = mmio->config->base[1],
		.hidden_size = mmio->config->size[1],
		.fences = mmio->config->fences,
	};
	int rc = choose_caps(mmio, &config.caps);

	if (rc)
		return rc;
	rc = xengt_pvinfo_init(&mmio->pvinfo, &config, &pvinfo_ops, mmio->counters);
	if (rc)
		xengt_vgpu_err(mmio->name, "the share does not fit into PVINFO: 4 GiB or more\n");
	return rc;
}
