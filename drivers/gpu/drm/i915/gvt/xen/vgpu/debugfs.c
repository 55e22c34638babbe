// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual GPUs' files in debugfs, below xengt/:
 *
 *	total		totals of the counters, over all virtual GPUs since the module was loaded
 *	vgpus/NAME	gauges and counters of a virtual GPU, one "name value" per line
 *	tables/NAME	its PPGTTs, as trees of guest entries and shadow entries
 *	translate/NAME	translates the graphics address that was written to it
 *
 * Documentation/counters.rst documents the first two, Documentation/xengt.rst the others. The
 * latter show bus addresses, so only root can open them.
 *
 * Locking: debugfs waits for readers and writers of a file before it removes the file, so a file's
 * virtual GPU exists while the file is read or written. They can wait long for the virtual GPU, so
 * no file is removed under the locks of configfs. A virtual GPU's state, and everything that is set
 * up only while it runs, are read under its lock.
 */

#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "debugfs.h"
#include "debug/inspect.h"
#include "debug/translate.h"
#include "ppgtt/spt.h"
#include "vgpu.h"
#include "../compat.h"

static struct dentry *root, *vgpus_dir, *tables_dir, *translate_dir;

static int total_show(struct seq_file *m, void *unused)
{
	xengt_counters_show_total(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(total);

static int vgpu_show(struct seq_file *m, void *unused)
{
	struct xengt_vgpu *vgpu = m->private;
	struct xengt_gauges gauges = {};

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_RUNNING) {
		xengt_gtt_gauges(&vgpu->gtt, &gauges);
		gauges.gtt_ram_pages = xengt_ggtt_ram_pages(&vgpu->mmio.ram);
	}
	seq_printf(m, "state %s\n", xengt_vgpu_state_name(vgpu->state));
	mutex_unlock(&vgpu->lock);
	seq_printf(m, "entries_live %lu\n", gauges.entries_live);
	seq_printf(m, "ppgtts %lu\n", gauges.ppgtts);
	seq_printf(m, "tables %lu\n", gauges.tables);
	seq_printf(m, "pages_protected_now %lu\n", gauges.pages);
	seq_printf(m, "pages_unsync %lu\n", gauges.pages_unsync);
	seq_printf(m, "gtt_ram_pages %lu\n", gauges.gtt_ram_pages);
	xengt_counters_show(m, &vgpu->counters);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vgpu);

/* tables: seq_file holds the locks from start to stop, that is, while it fills one buffer. */

/**
 * struct tables_file - an open file of tables/
 * @vgpu: the virtual GPU
 * @in: how far the reader has come
 */
struct tables_file {
	struct xengt_vgpu *vgpu;
	struct xengt_inspection in;
};

/* Takes the virtual GPU's lock and, if the virtual GPU runs, the shadow's. */
static void *tables_start(struct seq_file *m, loff_t *pos)
{
	struct tables_file *file = m->private;
	struct xengt_vgpu *vgpu = file->vgpu;

	mutex_lock(&vgpu->lock);
	if (vgpu->state != XENGT_VGPU_RUNNING)
		return NULL;
	return xengt_inspection_start(&file->in, &vgpu->gtt.ppgtts, !*pos) ? file : NULL;
}

static void *tables_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct tables_file *file = m->private;

	++*pos;
	return xengt_inspection_next(&file->in) ? file : NULL;
}

static void tables_stop(struct seq_file *m, void *v)
{
	struct tables_file *file = m->private;

	if (file->vgpu->state == XENGT_VGPU_RUNNING)
		xengt_inspection_stop(&file->in);
	mutex_unlock(&file->vgpu->lock);
}

static int tables_show(struct seq_file *m, void *v)
{
	struct tables_file *file = m->private;

	return xengt_inspection_show(&file->in, m);
}

static const struct seq_operations tables_ops = {
	.start = tables_start,
	.next = tables_next,
	.stop = tables_stop,
	.show = tables_show,
};

static int tables_open(struct inode *inode, struct file *filp)
{
	struct tables_file *file;

	file = __seq_open_private(filp, &tables_ops, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->vgpu = inode->i_private;
	xengt_inspection_init(&file->in);
	return 0;
}

static int tables_release(struct inode *inode, struct file *filp)
{
	struct seq_file *m = filp->private_data;
	struct tables_file *file = m->private;

	xengt_inspection_exit(&file->in);
	return seq_release_private(inode, filp);
}

static const struct file_operations tables_fops = {
	.owner = THIS_MODULE,
	.open = tables_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = tables_release,
};

/* translate: a write translates the address; reads of the same open file show the result. */

/**
 * struct translate_file - an open file of translate/
 * @vgpu: the virtual GPU
 * @lock: protects @answered and @answer; the virtual GPU's lock nests inside
 * @answered: the last write was valid, and @answer is its result
 * @answer: the translation
 */
struct translate_file {
	struct xengt_vgpu *vgpu;
	struct mutex lock;	/* protects what follows */
	bool answered;
	struct xengt_walk answer;
};

static int translate_show(struct seq_file *m, void *unused)
{
	struct translate_file *file = m->private;

	mutex_lock(&file->lock);
	if (file->answered)
		xengt_answer_show(m, &file->answer);
	mutex_unlock(&file->lock);
	return 0;
}

static int ask(struct translate_file *file, const struct xengt_query *query)
{
	struct xengt_vgpu *vgpu = file->vgpu;
	int rc = -ENODEV;

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_RUNNING)
		rc = xengt_query_answer(&vgpu->gtt.ppgtts, query, &file->answer);
	mutex_unlock(&vgpu->lock);
	return rc;
}

static int answer_query(struct translate_file *file, char *text)
{
	struct xengt_query query;
	int rc;

	mutex_lock(&file->lock);
	rc = xengt_query_parse(text, &query) ?: ask(file, &query);
	file->answered = !rc;
	mutex_unlock(&file->lock);
	return rc;
}

static ssize_t translate_write(struct file *filp, const char __user *from, size_t len,
			       loff_t *pos)
{
	struct seq_file *m = filp->private_data;
	char text[XENGT_QUERY_LEN];
	int rc;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, len))
		return -EFAULT;
	text[len] = '\0';
	rc = answer_query(m->private, text);
	if (rc)
		return rc;
	/* The next read starts at the beginning of the answer. */
	*pos = 0;
	return len;
}

static int translate_open(struct inode *inode, struct file *filp)
{
	struct translate_file *file = kzalloc(sizeof(*file), GFP_KERNEL);
	int rc;

	if (!file)
		return -ENOMEM;
	file->vgpu = inode->i_private;
	mutex_init(&file->lock);
	rc = single_open(filp, translate_show, file);
	if (rc)
		kfree(file);
	return rc;
}

static int translate_release(struct inode *inode, struct file *filp)
{
	struct seq_file *m = filp->private_data;

	kfree(m->private);
	return single_release(inode, filp);
}

static const struct file_operations translate_fops = {
	.owner = THIS_MODULE,
	.open = translate_open,
	.read = seq_read,
	.write = translate_write,
	.llseek = seq_lseek,
	.release = translate_release,
};

void xengt_debugfs_init(void)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	vgpus_dir = debugfs_create_dir("vgpus", root);
	tables_dir = debugfs_create_dir("tables", root);
	translate_dir = debugfs_create_dir("translate", root);
	debugfs_create_file("total", 0444, root, NULL, &total_fops);
}

void xengt_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}

void xengt_debugfs_add_vgpu(struct xengt_vgpu *vgpu)
{
	struct dentry **files = vgpu->files;

	files[0] = debugfs_create_file(vgpu->name, 0444, vgpus_dir, vgpu, &vgpu_fops);
	files[1] = debugfs_create_file(vgpu->name, 0400, tables_dir, vgpu, &tables_fops);
	files[2] = debugfs_create_file(vgpu->name, 0600, translate_dir, vgpu, &translate_fops);
}

/*
 * Frees the files' names for another virtual GPU, and does not wait: the files stay, hidden under a
 * name of their own, until xengt_debugfs_remove_vgpu().
 */
void xengt_debugfs_hide_vgpu(struct xengt_vgpu *vgpu)
{
	struct dentry *dirs[] = { vgpus_dir, tables_dir, translate_dir };
	char name[32];
	unsigned int i;

	snprintf(name, sizeof(name), ".removed-%llu", xengt_new_serial());
	for (i = 0; i < ARRAY_SIZE(vgpu->files); i++)
		compat_debugfs_change_name(dirs[i], vgpu->files[i], name);
}

/* Waits for readers and writers of the files. */
void xengt_debugfs_remove_vgpu(struct xengt_vgpu *vgpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vgpu->files); i++)
		debugfs_remove(vgpu->files[i]);
}
