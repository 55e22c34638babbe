// SPDX-License-Identifier: GPL-2.0
/*
 * The service's files in debugfs, below xen_gpu_map/:
 *
 *	backend		the backend and its capabilities
 *	total		the counters, over all domains since the module was loaded
 *	flush		a write runs xen_gpu_flush() on every domain
 *	domains/DOMID	gauges and counters of a domain (domain_file.c)
 *
 * A file that can be read has one "name value" pair on each line.
 *
 * Locking: none; xen_gpu_domain_next() and the counters have their own.
 */

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "backend/backend.h"
#include "counters.h"
#include "debugfs.h"
#include "domain_file.h"
#include "registry.h"

static struct dentry *root;

static int backend_show(struct seq_file *m, void *unused)
{
	const struct xen_gpu_backend *backend = m->private;

	seq_printf(m, "name %s\n", backend->name);
	seq_printf(m, "isolates %d\n", backend->isolates);
	seq_printf(m, "batched_unmap %d\n", backend->batched_unmap);
	seq_printf(m, "sees_frames %d\n", backend->sees_frames);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(backend);

static int total_show(struct seq_file *m, void *unused)
{
	xen_gpu_counters_show_total(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(total);

static ssize_t flush_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	return xen_gpu_domains_flush() ?: len;
}

static const struct file_operations flush_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = flush_write,
	.llseek = noop_llseek,
};

void xen_gpu_debugfs_init(const struct xen_gpu_backend *backend)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	xen_gpu_domain_files_init(root);
	debugfs_create_file("backend", 0444, root, (void *)backend, &backend_fops);
	debugfs_create_file("total", 0444, root, NULL, &total_fops);
	debugfs_create_file("flush", 0200, root, NULL, &flush_fops);
}

void xen_gpu_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
