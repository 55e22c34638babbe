/* SPDX-License-Identifier: GPL-2.0 */
/* A guest's accesses to registers and to the configuration space; see registers.c. */

#ifndef _XENGT_GVT_REGISTERS_H
#define _XENGT_GVT_REGISTERS_H

#include <linux/types.h>

struct intel_vgpu;

void xengt_gvt_register_read(struct intel_vgpu *vgpu, u32 offset, void *data, unsigned int len);
void xengt_gvt_register_write(struct intel_vgpu *vgpu, u32 offset, const void *data,
			      unsigned int len);
u32 xengt_gvt_config_read(struct intel_vgpu *vgpu, u32 offset, unsigned int len);
void xengt_gvt_config_write(struct intel_vgpu *vgpu, u32 offset, u32 value, unsigned int len);

#endif /* _XENGT_GVT_REGISTERS_H */
