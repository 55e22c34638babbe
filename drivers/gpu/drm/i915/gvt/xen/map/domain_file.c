// SPDX-License-Identifier: GPL-2.0
/*
 * A domain's file in debugfs: its gauges and counters, one "name value" pair on each line.
 *
 * Locking: the gauges are read under the domain's lock. xen_gpu_domain_file_remove() waits for
 * readers, so the domain exists while its file is read.
 */

#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "domain.h"
#include "domain_file.h"

static struct dentry *domains_dir;

static int domain_show(struct seq_file *m, void *unused)
{
	struct xen_gpu_domain *dom = m->private;

	mutex_lock(&dom->lock);
	seq_printf(m, "live %lu\n", dom->table.nr_held - dom->table.nr_idle);
	seq_printf(m, "idle %lu\n", dom->table.nr_idle);
	seq_printf(m, "held_peak %lu\n", dom->table.held_peak);
	seq_printf(m, "quota %lu\n", dom->quota);
	seq_printf(m, "blocks %lu\n", dom->table.nr_blocks);
	mutex_unlock(&dom->lock);
	xen_gpu_counters_show(m, &dom->counters);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(domain);

/* Creates the directory of all domains' files. It is removed with its parent. */
void xen_gpu_domain_files_init(struct dentry *parent)
{
	domains_dir = debugfs_create_dir("domains", parent);
}

void xen_gpu_domain_file_add(struct xen_gpu_domain *dom)
{
	char name[sizeof("65535")];

	snprintf(name, sizeof(name), "%u", dom->domid);
	dom->dentry = debugfs_create_file(name, 0444, domains_dir, dom, &domain_fops);
}

void xen_gpu_domain_file_remove(struct xen_gpu_domain *dom)
{
	debugfs_remove(dom->dentry);
	dom->dentry = NULL;
}
