/* SPDX-License-Identifier: GPL-2.0 */
/* Which registers a guest may set, and to what; see register_rules.c. */

#ifndef _XENGT_GVT_REGISTER_RULES_H
#define _XENGT_GVT_REGISTER_RULES_H

#include <linux/types.h>

struct intel_engine_cs;
struct intel_gvt;

bool xengt_gvt_value_is_sound(struct intel_gvt *gvt, u32 offset, u32 value);
bool xengt_gvt_load_is_sound(struct intel_gvt *gvt, const struct intel_engine_cs *engine,
			     u32 offset, u32 value);
int xengt_gvt_note_image(struct intel_gvt *gvt, const struct intel_engine_cs *engine,
			 const u32 *words, unsigned int length);
bool xengt_gvt_image_has(struct intel_gvt *gvt, const struct intel_engine_cs *engine, u32 header);
bool xengt_gvt_is_switched(struct intel_gvt *gvt, u32 offset);
bool xengt_gvt_image_is_sound(struct intel_gvt *gvt, const struct intel_engine_cs *engine,
			      u32 offset, u32 value);

#endif /* _XENGT_GVT_REGISTER_RULES_H */
