// SPDX-License-Identifier: GPL-2.0
/*
 * What a device reaches through the fake hypervisor's IOMMU.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/mm.h>

#include "fake_internal.h"

/**
 * fake_dma_mfn - the frame that a device reaches
 * @bfn: the device's bus frame number
 *
 * On PV, BFN == MFN, or MFN + offset on XenServer's Xen. Any frame is reached, unless an IOMMU
 * isolates: then only mapped ones are. On PVH the caller's physmap translates.
 *
 * Return: the MFN, which is a PFN for dom0's own memory; FAKE_NO_MFN if no memory is reached.
 */
unsigned long fake_dma_mfn(u64 bfn)
{
	struct fake_map *map;

	if (fake_is_pv() && fake.isolated)
		return fake_dev_map_reaches(bfn) || pfn_valid(bfn) ? bfn : FAKE_NO_MFN;
	if (fake_is_pv())
		return bfn < fake.bfn_offset ? FAKE_NO_MFN : bfn - fake.bfn_offset;
	map = fake_index_find(&fake.physmap, bfn);
	if (map)
		return map->frame->mfn;
	return fake_is_own_ram(bfn) ? bfn : FAKE_NO_MFN;
}

/*
 * Does a device reach the page that the guest has at the GFN now, and does a reference keep the
 * frame from reuse?
 */
bool fake_dma_reaches(u64 bfn, domid_t domid, u64 gfn)
{
	unsigned long mfn = fake_dma_mfn(bfn);

	return mfn != FAKE_NO_MFN && mfn == fake_gfn_mfn(domid, gfn) && fake_mfn_refs(mfn);
}

/* For observers, while a reference is dropped: does another one keep the frame behind the BFN? */
bool fake_bfn_held(u64 bfn)
{
	struct fake_frame *frame;

	if (!fake_is_pv())
		return false;	/* the mapping is removed, whatever else holds the frame */
	frame = fake_frame_find(bfn);
	return frame && frame->refs > 1;
}

static void *dma_target(u64 bfn)
{
	unsigned long mfn = fake_dma_mfn(bfn);
	struct fake_frame *frame;

	if (mfn == FAKE_NO_MFN)
		return NULL;
	frame = fake_frame_find(mfn);
	if (frame)
		return fake_frame_data(frame);
	return fake_is_own_ram(mfn) ? __va(mfn << PAGE_SHIFT) : NULL;
}

static int dma(u64 addr, void *data, size_t len, bool write)
{
	unsigned long flags;
	void *target;
	int rc = 0;

	spin_lock_irqsave(&fake.lock, flags);
	fake_mem_sync();
	target = dma_target(PFN_DOWN(addr));
	if (!target || offset_in_page(addr) + len > PAGE_SIZE)
		rc = -EFAULT;
	else if (write)
		memcpy(target + offset_in_page(addr), data, len);
	else
		memcpy(data, target + offset_in_page(addr), len);
	spin_unlock_irqrestore(&fake.lock, flags);
	return rc;
}

/*
 * A device accesses memory, within one page. -EFAULT: the IOMMU refuses it, or there is no memory.
 */
int fake_dma_read(u64 addr, void *data, size_t len)
{
	return dma(addr, data, len, false);
}

int fake_dma_write(u64 addr, const void *data, size_t len)
{
	return dma(addr, (void *)data, len, true);
}
