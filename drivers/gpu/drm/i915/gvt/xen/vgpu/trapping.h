/* SPDX-License-Identifier: GPL-2.0 */
/* What traps of a guest, and from when to when; see trapping.c. */

#ifndef _XENGT_TRAPPING_H
#define _XENGT_TRAPPING_H

#include <linux/types.h>

struct xengt_counters;
struct xengt_ggtt_ram;
struct xengt_gtt;
struct xengt_mediation;
struct xengt_mmio;
struct xengt_vgpu_config;

int xengt_trapping_start(struct xengt_mmio *mmio, const char *name,
			 const struct xengt_vgpu_config *config, struct xengt_gtt *gtt,
			 struct xengt_counters *counters, struct xengt_mediation *mediation);
int xengt_trapping_take_ranges(struct xengt_mmio *mmio);
int xengt_trapping_take_config(struct xengt_mmio *mmio);
int xengt_trapping_drop_ranges(struct xengt_mmio *mmio);
int xengt_trapping_check_place(struct xengt_mmio *mmio, u64 bar0, bool initial,
			       struct xengt_ggtt_ram *ram);
bool xengt_trapping_use_ram(struct xengt_mmio *mmio, bool quiet);
void xengt_trapping_stop(struct xengt_mmio *mmio);

#endif /* _XENGT_TRAPPING_H */
