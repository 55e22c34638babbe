// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's accesses to registers and to the configuration space, for GVT.
 *
 * GVT warns about accesses that no driver makes, and a guest could fill the log with these. So what
 * it would warn about does not get there: reads of it return ones, and writes are dropped.
 *
 * Invariants: GVT gets offsets of registers only. It takes guest-physical addresses and subtracts
 * BAR 0, so BAR 0 does not change meanwhile.
 *
 * Locking: several vCPUs' accesses come at once. Accesses to registers hold bar0_lock for reading,
 * and those to the configuration space for writing. GVT takes its vgpu_lock for registers; for the
 * configuration space it is taken here.
 */

#include "instance.h"

#include <linux/log2.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "register_rules.h"
#include "registers.h"

/* Returns how many of @len bytes at @offset are one access for GVT: at most a register, aligned. */
static unsigned int piece_at(u32 offset, unsigned int len)
{
	unsigned int piece = sizeof(u32);

	while (piece > len || offset % piece)
		piece /= 2;
	return piece;
}

static bool is_register(const struct intel_vgpu *vgpu, u32 offset)
{
	return offset < vgpu->gvt->device_info.mmio_size;
}

/* GVT takes guest-physical addresses. */
static u64 address_of(struct intel_vgpu *vgpu, u32 offset)
{
	return intel_vgpu_get_bar_gpa(vgpu, PCI_BASE_ADDRESS_0) + offset;
}

void xengt_gvt_register_read(struct intel_vgpu *vgpu, u32 offset, void *data, unsigned int len)
{
	struct rw_semaphore *lock = &xengt_gvt_instance_of(vgpu)->bar0_lock;
	unsigned int piece;

	down_read(lock);
	for (; len; len -= piece, offset += piece, data += piece) {
		piece = piece_at(offset, len);
		if (!is_register(vgpu, offset) ||
		    intel_vgpu_emulate_mmio_read(vgpu, address_of(vgpu, offset), data, piece))
			memset(data, 0xff, piece);
	}
	up_read(lock);
}

/*
 * Writes that GVT would take without a look: of a part of a register, and all when it has given the
 * guest up, while what the guest has submitted before still runs.
 */
static bool is_sound_write(const struct intel_vgpu *vgpu, u32 offset, u32 value, unsigned int len)
{
	return is_register(vgpu, offset) && len == sizeof(u32) && !READ_ONCE(vgpu->failsafe) &&
	       xengt_gvt_value_is_sound(vgpu->gvt, offset, value);
}

void xengt_gvt_register_write(struct intel_vgpu *vgpu, u32 offset, const void *data,
			      unsigned int len)
{
	struct rw_semaphore *lock = &xengt_gvt_instance_of(vgpu)->bar0_lock;
	unsigned int piece;
	u64 value = 0;

	down_read(lock);
	for (; len; len -= piece, offset += piece, data += piece) {
		piece = piece_at(offset, len);
		/* GVT reads whole registers, whatever the length. */
		memcpy(&value, data, piece);
		if (is_sound_write(vgpu, offset, value, piece))
			intel_vgpu_emulate_mmio_write(vgpu, address_of(vgpu, offset), &value,
						      piece);
	}
	up_read(lock);
}

static bool config_is_sound(u32 offset, unsigned int len)
{
	return is_power_of_2(len) && len <= sizeof(u32) && IS_ALIGNED(offset, len) &&
	       offset + len <= PCI_CFG_SPACE_SIZE;
}

u32 xengt_gvt_config_read(struct intel_vgpu *vgpu, u32 offset, unsigned int len)
{
	u32 value = U32_MAX;

	if (!config_is_sound(offset, len))
		return value;
	mutex_lock(&vgpu->vgpu_lock);
	intel_vgpu_emulate_cfg_read(vgpu, offset, &value, len);
	mutex_unlock(&vgpu->vgpu_lock);
	return value;
}

/* GVT takes BARs and Intel's own registers only as a whole. */
static bool is_whole(u32 offset)
{
	return (offset >= PCI_BASE_ADDRESS_0 && offset < PCI_CARDBUS_CIS) ||
	       offset / 4 == PCI_ROM_ADDRESS / 4 || offset >= 0xe0;
}

/*
 * Is it a register of the OpRegion's? The guest has no OpRegion, but hvmloader writes an address
 * for one. The registers stay 0, so that the driver knows that there is none.
 */
static bool is_of_opregion(u32 offset)
{
	u32 start = rounddown(offset, sizeof(u32));

	return start == INTEL_GVT_PCI_OPREGION || start == INTEL_GVT_PCI_SWSCI;
}

static void write_whole(struct intel_vgpu *vgpu, u32 offset, u32 value, unsigned int len)
{
	u32 start = rounddown(offset, sizeof(u32)), whole;

	memcpy(&whole, vgpu_cfg_space(vgpu) + start, sizeof(whole));
	memcpy((u8 *)&whole + offset - start, &value, len);
	intel_vgpu_emulate_cfg_write(vgpu, start, &whole, sizeof(whole));
}

/* GVT warns at each interrupt if a guest has set more than the enable bit. */
static void keep_msi_plain(struct intel_vgpu *vgpu)
{
	u8 *flags = vgpu_cfg_space(vgpu) + vgpu->gvt->device_info.msi_cap_offset + PCI_MSI_FLAGS;

	flags[0] &= PCI_MSI_FLAGS_ENABLE;
	flags[1] = 0;
}

void xengt_gvt_config_write(struct intel_vgpu *vgpu, u32 offset, u32 value, unsigned int len)
{
	struct rw_semaphore *lock = &xengt_gvt_instance_of(vgpu)->bar0_lock;

	if (!config_is_sound(offset, len) || is_of_opregion(offset))
		return;
	/* The upper half is the status, whose bits are cleared by ones. */
	if (offset == PCI_COMMAND)
		len = min_t(unsigned int, len, sizeof(u16));
	down_write(lock);
	mutex_lock(&vgpu->vgpu_lock);
	if (is_whole(offset))
		write_whole(vgpu, offset, value, len);
	else
		intel_vgpu_emulate_cfg_write(vgpu, offset, &value, len);
	keep_msi_plain(vgpu);
	mutex_unlock(&vgpu->vgpu_lock);
	up_write(lock);
}
