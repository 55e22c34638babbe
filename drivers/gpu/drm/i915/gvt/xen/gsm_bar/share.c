// SPDX-License-Identifier: GPL-2.0
/*
 * The GSM "bar": virtual GPUs' shares of a device's GGTT.
 *
 * Invariants: an entry outside of the share is never written. The entries of a share that is closed
 * are the scratch entry of the settings, and the device has forgotten the old ones.
 *
 * Locking: shares are opened, and a device's list is used, under xengt_bar_devices_lock. The
 * members of an open share are constant. See device.c for how long the device and its table stay.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <xen/xengt_gsm.h>

#include "device.h"
#include "share.h"
#include "table.h"

/**
 * struct share - a virtual GPU's share of a device's GGTT
 * @gsm: what xengt sees of it
 * @link: in the device's list
 * @device: the device
 * @table: its GGTT
 * @nr_fences: number of fence registers
 */
struct share {
	struct xengt_gsm gsm;
	struct list_head link;
	struct xengt_bar_device *device;
	struct xengt_bar_table *table;
	unsigned int nr_fences;
};

static struct share *to_share(struct xengt_gsm *gsm)
{
	return container_of(gsm, struct share, gsm);
}

static void bar_write(struct xengt_gsm *gsm, unsigned long index, u64 pte)
{
	struct share *share = to_share(gsm);

	if (!WARN_ON_ONCE(!xengt_gsm_has_entry(gsm, index)))
		xengt_bar_table_write(share->table, index, pte);
}

static void bar_invalidate(struct xengt_gsm *gsm, bool ppgtt)
{
	xengt_bar_table_invalidate(to_share(gsm)->table, ppgtt);
}

/* Writes the scratch entry to all entries, and makes the device forget the old ones. */
static void clear_entries(struct share *share)
{
	const struct xengt_range *range;
	unsigned long i;

	for (range = share->gsm.range; range < share->gsm.range + XENGT_GGTT_RANGES; range++) {
		for (i = range->first; i < range->first + range->n; i++) {
			xengt_bar_table_write(share->table, i, share->table->settings.scratch);
			cond_resched();
		}
	}
	xengt_bar_table_invalidate(share->table, true);
}

static void log_range(const struct share *share, const struct xengt_gsm_request *request,
		      unsigned int i, int rc)
{
	unsigned long end = min(xengt_bar_table_end(share->table, i), request->nr_entries);
	const char *name = xengt_gsm_range_name(i);

	if (rc == -ERANGE)
		pr_err("%s: the %s share goes beyond entry %lu, where that part of the table ends: set a lower %s_base or a smaller %s_size\n",
		       request->vgpu, name, end, name, name);
	else if (rc == -ENOSPC)
		pr_err("%s: there is no room for %lu entries of %s share: set a smaller %s_size, or disable another virtual GPU\n",
		       request->vgpu, request->range[i].n, name, name);
	else
		pr_err("%s: another virtual GPU has entries of the %s share: set another %s_base, or auto\n",
		       request->vgpu, name, name);
}

static void unreserve_ranges(struct share *share, const struct xengt_range *range)
{
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++)
		xengt_bar_table_unreserve(share->table, &range[i]);
}

static int reserve_ranges(struct share *share, const struct xengt_gsm_request *request)
{
	struct xengt_range range[XENGT_GGTT_RANGES] = { };
	unsigned int i, n;
	int rc;

	for (n = 0; n < XENGT_GGTT_RANGES; n++) {
		i = xengt_gsm_range_order(request->range, n);
		rc = xengt_bar_table_reserve(share->table, i, request->nr_entries,
					     &request->range[i], &range[i]);
		if (rc) {
			range[i].n = 0;
			log_range(share, request, i, rc);
			unreserve_ranges(share, range);
			return rc == -ENOSPC ? -EBUSY : rc;
		}
	}
	xengt_gsm_init(&share->gsm, &xengt_bar_gsm, request, range);
	share->gsm.incoherent = share->table->settings.incoherent;
	return 0;
}

static int reserve(struct share *share, const struct xengt_gsm_request *request)
{
	struct xengt_bar_table *table = share->table;
	u32 left = table->settings.fences - table->used_fences;
	int rc;

	if (request->nr_fences > left) {
		pr_err("%s: %u of the fence registers are left: set fewer fences, or disable another virtual GPU\n",
		       request->vgpu, left);
		return -EBUSY;
	}
	rc = reserve_ranges(share, request);
	if (rc)
		return rc;
	share->nr_fences = request->nr_fences;
	table->used_fences += share->nr_fences;
	return 0;
}

static int check_request(const struct xengt_bar_table *table,
			 const struct xengt_gsm_request *request)
{
	const struct xengt_bar_settings *settings = &table->settings;
	bool gen8 = request->generation >= 8;

	if (settings->entry_size != (gen8 ? sizeof(u64) : sizeof(u32))) {
		pr_err("%s: generation %u has entries of gen%u: set entry_format in configfs, xengt_bar/%s, or another generation\n",
		       request->vgpu, request->generation, gen8 ? 8 : 7, pci_name(table->pdev));
		return -EINVAL;
	}
	if (fls64(request->max_bfn) + PAGE_SHIFT > settings->dma_bits) {
		pr_err("%s: the device has addresses of %u bits: set the virtual GPU's dma_bits to that, or less\n",
		       request->vgpu, settings->dma_bits);
		return -EINVAL;
	}
	return 0;
}

static int init_share(struct share *share, struct xengt_bar_device *device,
		      const struct xengt_gsm_request *request)
{
	int rc;

	share->device = device;
	share->table = device->table;
	rc = check_request(share->table, request) ?: reserve(share, request);
	if (!rc)
		list_add_tail(&share->link, &device->shares);
	return rc;
}

static struct share *new_share(struct xengt_bar_device *device,
			       const struct xengt_gsm_request *request)
{
	struct share *share = kzalloc(sizeof(*share), GFP_KERNEL);
	int rc;

	if (!share)
		return ERR_PTR(-ENOMEM);
	rc = xengt_bar_device_get(device, request->vgpu);
	if (!rc) {
		rc = init_share(share, device, request);
		if (!rc)
			return share;
		xengt_bar_device_put(device);
	}
	kfree(share);
	return ERR_PTR(rc);
}

static struct xengt_gsm *bar_open(const struct xengt_gsm_request *request)
{
	struct xengt_bar_device *device;
	struct share *share;

	mutex_lock(&xengt_bar_devices_lock);
	device = xengt_bar_device_find(request);
	share = IS_ERR(device) ? ERR_CAST(device) : new_share(device, request);
	mutex_unlock(&xengt_bar_devices_lock);
	return IS_ERR(share) ? ERR_CAST(share) : &share->gsm;
}

static void bar_close(struct xengt_gsm *gsm)
{
	struct share *share = to_share(gsm);

	mutex_lock(&xengt_bar_devices_lock);
	list_del(&share->link);
	mutex_unlock(&xengt_bar_devices_lock);

	clear_entries(share);

	mutex_lock(&xengt_bar_devices_lock);
	unreserve_ranges(share, gsm->range);
	share->table->used_fences -= share->nr_fences;
	xengt_bar_device_put(share->device);
	mutex_unlock(&xengt_bar_devices_lock);
	kfree(share);
}

const struct xengt_gsm_ops xengt_bar_gsm = {
	.owner = THIS_MODULE,
	.name = "bar",
	.open = bar_open,
	.close = bar_close,
	.write = bar_write,
	.invalidate = bar_invalidate,
};

/* Stops the virtual GPUs of a device that is going. */
void xengt_bar_shares_lost(struct xengt_bar_device *device)
{
	struct share *share;

	lockdep_assert_held(&xengt_bar_devices_lock);
	list_for_each_entry(share, &device->shares, link)
		xengt_gsm_lost(&share->gsm);
}

/* Has the entries of a device's shares written again. */
void xengt_bar_shares_rewrite(struct xengt_bar_device *device)
{
	struct share *share;

	lockdep_assert_held(&xengt_bar_devices_lock);
	list_for_each_entry(share, &device->shares, link)
		xengt_gsm_rewrite(&share->gsm);
}
