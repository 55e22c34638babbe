// SPDX-License-Identifier: GPL-2.0
/*
 * A saved virtual GPU, as a mediator has it while its guest moves. The guest does not run
 * meanwhile.
 */

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xengt.h>

#include "saved.h"

void saved_drop(struct saved *saved)
{
	kvfree(saved->buf);
	memset(saved, 0, sizeof(*saved));
}

/* The size is asked for first. */
static int save(struct saved *saved, struct xengt_vgpu *vgpu)
{
	int ret = xengt_vgpu_save(vgpu, NULL, &saved->len);

	if (ret != -ENOSPC)
		return ret ?: -EINVAL;
	saved->buf = kvmalloc(saved->len, GFP_KERNEL);
	if (!saved->buf)
		return -ENOMEM;
	return xengt_vgpu_save(vgpu, saved->buf, &saved->len);
}

/* Saves the virtual GPU @name, in place of what is saved. */
int saved_take(struct saved *saved, const char *name)
{
	struct xengt_vgpu *vgpu = xengt_vgpu_get(name);
	int ret;

	if (IS_ERR(vgpu))
		return PTR_ERR(vgpu);
	saved_drop(saved);
	ret = save(saved, vgpu);
	if (ret)
		saved_drop(saved);
	xengt_vgpu_put(vgpu);

	return ret;
}

/* Restores what is saved for the virtual GPU @name, which was just enabled. */
int saved_restore(const struct saved *saved, const char *name)
{
	struct xengt_vgpu *vgpu;
	int ret;

	if (!saved->buf)
		return -ENOENT;
	vgpu = xengt_vgpu_get(name);
	if (IS_ERR(vgpu))
		return PTR_ERR(vgpu);
	ret = xengt_vgpu_restore(vgpu, saved->buf, saved->len);
	xengt_vgpu_put(vgpu);

	return ret;
}
