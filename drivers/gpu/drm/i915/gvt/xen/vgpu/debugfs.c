// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual GPUs' files in debugfs, below xengt/:
 *
 *	total		the counters of all virtual GPUs that ever were
 *	vgpus/NAME	gauges and counters of a virtual GPU
 *
 * One "name value" to a line. Locking: debugfs keeps a file's virtual GPU from going while it is
 * read; the gauges are read under its lock.
 */

#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "debugfs.h"
#include "vgpu.h"

static struct dentry *root, *vgpus_dir;

static int total_show(struct seq_file *m, void *unused)
{
	xengt_counters_show(m, &xengt_total);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(total);

static int vgpu_show(struct seq_file *m, void *unused)
{
	struct xengt_vgpu *vgpu = m->private;
	struct xengt_gauges gauges = {};

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_RUNNING)
		xengt_ppgtts_gauges(&vgpu->ppgtts, &gauges);
	seq_printf(m, "state %s\n", xengt_vgpu_state_name(vgpu->state));
	mutex_unlock(&vgpu->lock);
	seq_printf(m, "entries_live %lu\n", gauges.entries_live);
	seq_printf(m, "ppgtts %lu\n", gauges.ppgtts);
	seq_printf(m, "tables %lu\n", gauges.tables);
	seq_printf(m, "pages_trapped_now %lu\n", gauges.pages);
	xengt_counters_show(m, &vgpu->counters);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vgpu);

void xengt_debugfs_init(void)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	vgpus_dir = debugfs_create_dir("vgpus", root);
	debugfs_create_file("total", 0444, root, NULL, &total_fops);
}

void xengt_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}

void xengt_debugfs_add_vgpu(struct xengt_vgpu *vgpu)
{
	vgpu->dentry = debugfs_create_file(vgpu->name, 0444, vgpus_dir, vgpu, &vgpu_fops);
}

void xengt_debugfs_remove_vgpu(struct xengt_vgpu *vgpu)
{
	debugfs_remove(vgpu->dentry);
}
