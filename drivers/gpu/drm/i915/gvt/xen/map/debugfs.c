// SPDX-License-Identifier: GPL-2.0
/*
 * The service's files in debugfs, below xen_gpu_map/:
 *
 *	backend		the backend and what it can do
 *	total		the counters of all domains that ever were
 *	flush		a write brings every domain up to date with Xen
 *	domains/DOMID	gauges and counters of a domain
 *
 * Every file of values has one "name value" to a line. Locking: debugfs keeps a file's domain
 * from going while it is read; the gauges are read under the domain's lock.
 */

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "debugfs.h"
#include "domain.h"

static struct dentry *root, *domains_dir;
static int (*flush_all)(void);

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

static ssize_t flush_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	return flush_all() ?: len;
}

static const struct file_operations flush_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = flush_write,
	.llseek = noop_llseek,
};

/* The layer above flushes all domains. */
void xen_gpu_debugfs_init(const struct xen_gpu_backend *backend, int (*flush)(void))
{
	flush_all = flush;
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	domains_dir = debugfs_create_dir("domains", root);
	debugfs_create_file("backend", 0444, root, (void *)backend, &backend_fops);
	debugfs_create_file("total", 0444, root, NULL, &total_fops);
	debugfs_create_file("flush", 0200, root, NULL, &flush_fops);
}

void xen_gpu_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}

void xen_gpu_debugfs_add_domain(struct xen_gpu_domain *dom)
{
	char name[sizeof("65535")];

	snprintf(name, sizeof(name), "%u", dom->domid);
	dom->dentry = debugfs_create_file(name, 0444, domains_dir, dom, &domain_fops);
}

void xen_gpu_debugfs_remove_domain(struct xen_gpu_domain *dom)
{
	debugfs_remove(dom->dentry);
	dom->dentry = NULL;
}
