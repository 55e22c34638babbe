/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration of a virtual GPU; see config.c.
 */

#ifndef _XENGT_CONFIG_H
#define _XENGT_CONFIG_H

#include <linux/bits.h>
#include <linux/printk.h>
#include <linux/types.h>

#include "ggtt/share.h"
#include "shadow/shadow.h"

/* With the null at its end */
#define XENGT_PLACE_SIZE	64

/* In bytes: guest-physical addresses have at most 52 bits. */
#define XENGT_MEMORY_SIZE	BIT_ULL(52)

/**
 * struct xengt_vgpu_config - what the user configures
 * @domid: the guest
 * @generation: of the GPU that the guest sees
 * @bar0: guest-physical address of BAR 0, in bytes
 * @base: the start of each range of the guest's share of the GGTT: a graphics address, in bytes.
 *	The CPU can reach range 0 through the aperture (mappable), but not range 1 (hidden).
 * @auto_base: the place chooses @base when the virtual GPU is enabled
 * @size: the size of each range, in bytes; 0: the range is empty
 * @quota: the most GFNs of the guest that may be mapped at once
 * @tables: the most shadow tables of PPGTTs at once
 * @fences: the number of fence registers that PVINFO tells the guest
 * @dma_bits: the width of the GPU's addresses, in bits
 * @adopt_ram: what to do with RAM that the guest already has at the GTT. 1: use it, as a former
 *	virtual GPU left it there; 0: refuse to enable the virtual GPU.
 * @place: where the GGTT's shadow entries land; see gsm/gsm.c
 * @mode: when the guest's writes get into the shadow
 *
 * Only @mode can change while the virtual GPU is not off (XENGT_VGPU_OFF).
 */
struct xengt_vgpu_config {
	u32 domid;
	u32 generation;
	u64 bar0;
	u64 base[XENGT_GGTT_RANGES];
	bool auto_base[XENGT_GGTT_RANGES];
	u64 size[XENGT_GGTT_RANGES];
	u64 quota;
	u64 tables;
	u32 fences;
	u32 dma_bits;
	u32 adopt_ram;
	char place[XENGT_PLACE_SIZE];
	enum xengt_mode mode;
};

/* Logs an error of the virtual GPU @name. */
#define xengt_vgpu_err(name, fmt, ...) \
	pr_err("%s: " fmt, name, ##__VA_ARGS__)

int xengt_config_check(const char *name, const struct xengt_vgpu_config *config,
		       const struct xengt_gtt_format **format, struct xengt_range *share);

#endif /* _XENGT_CONFIG_H */
