/* SPDX-License-Identifier: GPL-2.0 */
/* Where a device's GGTT is and how it is invalidated, in configfs; see settings.c. */

#ifndef _XENGT_BAR_SETTINGS_H
#define _XENGT_BAR_SETTINGS_H

#include <linux/limits.h>
#include <linux/list.h>
#include <linux/types.h>

#define XENGT_BAR_NO_REGISTER	U32_MAX
#define XENGT_BAR_MAX_TLBS	16

/**
 * struct xengt_bar_settings - where a device's GGTT is and how it is invalidated
 * @bar: the BAR with the GGTT
 * @offset: where the GGTT begins in it
 * @entries: number of entries
 * @mappable_entries: how many of them the CPU reaches through the aperture, from the first one on
 * @entry_size: size of an entry, 4 or 8
 * @write_combining: the GGTT is mapped write-combining, not uncached
 * @scratch: the entry where nobody has a share
 * @fences: number of fence registers
 * @dma_bits: number of bits of the device's addresses
 * @incoherent: 1 if the device reads page tables without snooping the CPU's caches, else 0
 * @invalidate_bar: the BAR with the registers
 * @invalidate_register: written after entries, or XENGT_BAR_NO_REGISTER
 * @invalidate_value: what is written to it
 * @invalidate_wait_mask: its bits that are 0 when the invalidation is done
 * @nr_tlbs: number of registers in @tlbs
 * @tlbs: registers that invalidate engines' TLBs
 */
struct xengt_bar_settings {
	u32 bar;
	u64 offset;
	u32 entries;
	u32 mappable_entries;
	u32 entry_size;
	bool write_combining;
	u64 scratch;
	u32 fences;
	u32 dma_bits;
	u32 incoherent;
	u32 invalidate_bar;
	u32 invalidate_register;
	u32 invalidate_value;
	u32 invalidate_wait_mask;
	u32 nr_tlbs;
	u32 tlbs[XENGT_BAR_MAX_TLBS];
};

/**
 * struct xengt_bar_user - a user of a device's settings, which do not change meanwhile
 * @link: in the list of users
 * @device: the device's name
 * @settings: the user's copy of the settings
 */
struct xengt_bar_user {
	struct list_head link;
	const char *device;
	const struct xengt_bar_settings *settings;
};

void xengt_bar_settings_get(struct xengt_bar_user *user, const char *device,
			    struct xengt_bar_settings *settings);
void xengt_bar_settings_put(struct xengt_bar_user *user);

int xengt_bar_settings_init(void);
void xengt_bar_settings_exit(void);

#endif /* _XENGT_BAR_SETTINGS_H */
