// SPDX-License-Identifier: GPL-2.0
/*
 * The modules under test, as a user handles them; see modules.h.
 */

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init_syscalls.h>
#include <linux/kallsyms.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>
#include <linux/stat.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "vgpu/configfs.h"
#include "fake_xen.h"
#include "modules.h"

struct module_under_test {
	const char *name;
	bool loaded;
};

/* In the order of their dependencies */
static struct module_under_test modules[] = {
	{ .name = "xen_gpu_map" },
	{ .name = "xengt" },
};

typedef int (*init_function)(void);
typedef void (*exit_function)(void);

/*
 * Where debugfs and configfs are mounted, in the kernel's first root file system. The functions of
 * init_syscalls.h are there until the kernel frees its initial memory, which is after all suites.
 */
#define DEBUGFS		"/debugfs"
#define CONFIGFS	"/configfs"

static void __ref mount_at(const char *dir, const char *type)
{
	int rc = -ENOENT;

	scoped_with_init_fs()
		rc = init_mkdir(dir, 0755) ?: init_mount(type, dir, type, 0, NULL);
	if (rc)
		panic("no %s: %d\n", type, rc);
}

static bool __ref exists(const char *path)
{
	struct kstat stat;
	int rc = -ENOENT;

	scoped_with_init_fs()
		rc = init_stat(path, &stat, 0);
	return !rc;
}

/* A module without dependencies may have been initialised at boot. */
static void prepare(void)
{
	static bool prepared;

	if (prepared)
		return;
	prepared = true;
	mount_at(DEBUGFS, "debugfs");
	mount_at(CONFIGFS, "configfs");
	modules[1].loaded = exists(CONFIGFS "/xengt");
	modules_unload_all();
}

static struct module_under_test *find_module_under_test(const char *name)
{
	unsigned int i;

	prepare();
	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		if (!strcmp(modules[i].name, name))
			return &modules[i];
	}
	panic("no module %s\n", name);
}

static unsigned long symbol(const char *name, const char *suffix)
{
	unsigned long address;
	char full[64];

	snprintf(full, sizeof(full), "%s_%s", name, suffix);
	address = kallsyms_lookup_name(full);
	if (!address)
		panic("no function %s\n", full);
	return address;
}

/* modprobe */
int module_load(const char *name)
{
	struct module_under_test *module = find_module_under_test(name);
	init_function init = (init_function)symbol(name, "init");
	int rc;

	if (module->loaded)
		return -EEXIST;
	rc = init();
	module->loaded = !rc;
	return rc;
}

/* rmmod */
void module_unload(const char *name)
{
	struct module_under_test *module = find_module_under_test(name);
	exit_function exit = (exit_function)symbol(name, "exit");

	if (!module->loaded)
		return;
	flush_delayed_fput();
	exit();
	module->loaded = false;
}

bool module_loaded(const char *name)
{
	return find_module_under_test(name)->loaded;
}

void modules_unload_all(void)
{
	int i;

	for (i = ARRAY_SIZE(modules) - 1; i >= 0; i--)
		module_unload(modules[i].name);
}

/* Sets a parameter, "module.name", whatever its mode in sysfs. */
int module_param_set(const char *name, const char *value)
{
	const struct kernel_param *kp;

	for (kp = __start___param; kp < __stop___param; kp++) {
		if (!strcmp(kp->name, name))
			return kp->ops->set(value, kp);
	}
	return -ENOENT;
}

/*
 * debugfs: its files are for user space only, so their operations are called directly. For files of
 * debugfs_open() a user does that (file_user.h).
 */

static struct file *open_in(const char *dir, const char *path, int flags)
{
	struct file *file = NULL;
	char full[128];

	prepare();
	snprintf(full, sizeof(full), "%s/%s", dir, path);
	scoped_with_init_fs()
		file = filp_open(full, flags, 0);
	return file;
}

static void close_at_once(struct file *file)
{
	filp_close(file, NULL);
	flush_delayed_fput();
}

/* Returns a file or an ERR_PTR(). */
struct file *debugfs_open(const char *path, int flags)
{
	return open_in(DEBUGFS, path, flags);
}

void debugfs_close(struct file *file)
{
	close_at_once(file);
}

static ssize_t read_seq_file(struct file *file, char *text, size_t size)
{
	struct kvec vec = { .iov_base = text, .iov_len = size - 1 };
	struct iov_iter to;
	struct kiocb kiocb;
	ssize_t n;

	init_sync_kiocb(&kiocb, file);
	iov_iter_kvec(&to, READ, &vec, 1, size - 1);
	n = seq_read_iter(&kiocb, &to);
	text[max_t(ssize_t, n, 0)] = '\0';
	return n;
}

/* Reads a file of debugfs. Returns false if there is no such file. */
bool debugfs_read(const char *path, char *text, size_t size)
{
	struct file *file;
	ssize_t n;

	file = open_in(DEBUGFS, path, O_RDONLY);
	if (IS_ERR(file))
		return false;
	n = read_seq_file(file, text, size);
	close_at_once(file);
	return n >= 0;
}

/* Writes to a file of debugfs that ignores the text. */
int debugfs_write(const char *path)
{
	struct file *file;
	loff_t pos = 0;
	int rc;

	file = open_in(DEBUGFS, path, O_WRONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	rc = file->f_op->write(file, (const char __user *)"1", 1, &pos);
	close_at_once(file);
	return rc < 0 ? rc : 0;
}

/* Returns the value in a line "name value", or U64_MAX. */
u64 debugfs_value(const char *path, const char *name)
{
	char *text = kzalloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOFAIL);
	size_t len = strlen(name);
	u64 value = U64_MAX;
	char *line, *rest = text;

	if (debugfs_read(path, text, PAGE_SIZE)) {
		while ((line = strsep(&rest, "\n"))) {
			if (strncmp(line, name, len) || line[len] != ' ')
				continue;
			if (kstrtou64(line + len + 1, 0, &value))
				value = U64_MAX;
		}
	}
	kfree(text);
	return value;
}

/* configfs */

int __ref configfs_mkdir(const char *path)
{
	char full[64];
	int rc = -ENOENT;

	prepare();
	snprintf(full, sizeof(full), CONFIGFS "/%s", path);
	scoped_with_init_fs()
		rc = init_mkdir(full, 0755);
	return rc;
}

/* Removes a directory, and waits until the virtual GPU has ended. */
int configfs_rmdir(const char *path)
{
	int rc = configfs_rmdir_nowait(path);

	if (!rc)
		xengt_configfs_wait_removed();
	return rc;
}

/* Removes a directory as a user does, without waiting. */
int __ref configfs_rmdir_nowait(const char *path)
{
	char full[64];
	int rc = -ENOENT;

	prepare();
	snprintf(full, sizeof(full), CONFIGFS "/%s", path);
	scoped_with_init_fs()
		rc = init_rmdir(full);
	return rc;
}

int configfs_write(const char *path, const char *value)
{
	struct file *file;
	loff_t pos = 0;
	ssize_t n;

	file = open_in(CONFIGFS, path, O_WRONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	n = kernel_write(file, value, strlen(value), &pos);
	close_at_once(file);
	return n < 0 ? n : 0;
}

int configfs_read(const char *path, char *text, size_t size)
{
	struct file *file;
	loff_t pos = 0;
	ssize_t n;

	file = open_in(CONFIGFS, path, O_RDONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	n = kernel_read(file, text, size - 1, &pos);
	text[max_t(ssize_t, n, 0)] = '\0';
	close_at_once(file);
	return n < 0 ? n : 0;
}

KUNIT_GENERATOR(both_dom0s_gen_params)
{
	static const enum fake_xen_mode modes[] = { FAKE_PV_DOM0, FAKE_PVH_DOM0 };
	const enum fake_xen_mode *next = prev ? (const enum fake_xen_mode *)prev + 1 : modes;

	if (next == modes + ARRAY_SIZE(modes))
		return NULL;
	strscpy(desc, fake_xen_mode_name(*next), KUNIT_PARAM_DESC_SIZE);
	return next;
}
