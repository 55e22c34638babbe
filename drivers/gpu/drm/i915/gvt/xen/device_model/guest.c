// SPDX-License-Identifier: GPL-2.0
/*
 * What GVT's files call of their hypervisor (in kvmgt.c for KVM guests), for Xen guests: copies of
 * guest memory, and interrupts.
 *
 * Invariants: what cannot be read is zeros, as GVT does not always look at the result.
 *
 * Locking: GVT mostly holds its vgpu_lock here. No lock is taken but those of xengt's API.
 */

#include "instance.h"

#include <linux/pci.h>
#include <linux/string.h>

#include <xen/xengt_mediator.h>

int xengt_gvt_copy_gpa(struct intel_vgpu *vgpu, u64 gpa, void *data, unsigned long len,
		       bool to_guest)
{
	struct xengt_vgpu *xengt = xengt_gvt_instance_of(vgpu)->xengt;
	size_t done = 0;
	int rc;

	if (to_guest)
		return xengt_guest_write(xengt, gpa, data, len, &done);
	rc = xengt_guest_read(xengt, gpa, data, len, &done);
	if (rc)
		memset(data + done, 0, len - done);
	return rc;
}

/* Called if MSIs are enabled in the configuration space. Returns 1, as eventfd_signal() does. */
int xengt_gvt_inject_msi(struct intel_vgpu *vgpu)
{
	const u8 *msi = vgpu_cfg_space(vgpu) + vgpu->gvt->device_info.msi_cap_offset;
	u32 address = *(u32 *)(msi + PCI_MSI_ADDRESS_LO);
	u32 data = *(u16 *)(msi + PCI_MSI_DATA_32);

	/* As in hardware, a message to an address without an interrupt controller is lost. */
	xengt_vgpu_inject_msi(xengt_gvt_instance_of(vgpu)->xengt, address, data);
	return 1;
}

/* The guest has no OpRegion and no EDID of its own: VFIO's regions are for user space. */
int intel_gvt_set_opregion(struct intel_vgpu *vgpu)
{
	return 0;
}

int intel_gvt_set_edid(struct intel_vgpu *vgpu, int port_num)
{
	return 0;
}

void intel_vgpu_detach_regions(struct intel_vgpu *vgpu)
{
}

/* For dma-bufs of the guest's framebuffer, which nobody can ask for here. */
int intel_gvt_dma_pin_guest_page(struct intel_vgpu *vgpu, dma_addr_t dma_addr)
{
	return -EOPNOTSUPP;
}

void intel_gvt_dma_unmap_guest_page(struct intel_vgpu *vgpu, dma_addr_t dma_addr)
{
}
