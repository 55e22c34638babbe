// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual GPUs in configfs: /sys/kernel/config/xengt/NAME/. mkdir creates a virtual GPU, rmdir
 * disables and frees it. Documentation/xengt.rst documents the attributes.
 *
 * During rmdir, configfs and the VFS hold locks that every mkdir and every look-up of a virtual GPU
 * needs. Disabling a virtual GPU can take long, as it waits for the guest's vCPUs and for Xen. So
 * can removing its files in debugfs, whose readers wait for the virtual GPU. So rmdir queues work
 * that does both, and returns. A user who wants to wait writes 0 to enable before.
 *
 * Numbers are decimal, or hexadecimal with 0x, or octal with 0. The configuration can be changed
 * while the virtual GPU is off; otherwise a write fails with -EBUSY. Only the mode can be changed
 * at any time.
 *
 * Invariants: a virtual GPU that was removed is not enabled again.
 *
 * Locking: the virtual GPU's lock protects its configuration and state. It is not taken in mkdir
 * and rmdir, under the locks of configfs. Showing a number takes no lock.
 */

#include <linux/configfs.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <xen/xengt.h>

#include "configfs.h"
#include "debugfs.h"
#include "gsm/gsm.h"
#include "served.h"
#include "shadow/dirty.h"
#include "vgpu.h"

/**
 * struct vgpu_item - the directory of a virtual GPU
 * @item: configfs' part; its last reference frees the virtual GPU
 * @vgpu: the virtual GPU
 * @remove_work: disables the virtual GPU after rmdir
 */
struct vgpu_item {
	struct config_item item;
	struct xengt_vgpu *vgpu;
	struct work_struct remove_work;
};

static struct workqueue_struct *removals_wq;

static struct xengt_vgpu *to_vgpu(struct config_item *item)
{
	return container_of(item, struct vgpu_item, item)->vgpu;
}

/* Stores a number in the configuration. -EBUSY if the virtual GPU is not off. */
static int store_u64(struct xengt_vgpu *vgpu, u64 *field, const char *page)
{
	int rc = -EBUSY;

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_OFF)
		rc = kstrtou64(page, 0, field);
	mutex_unlock(&vgpu->lock);
	return rc;
}

static int store_u32(struct xengt_vgpu *vgpu, u32 *field, const char *page)
{
	int rc = -EBUSY;

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_OFF)
		rc = kstrtou32(page, 0, field);
	mutex_unlock(&vgpu->lock);
	return rc;
}

#define AUTO	"auto"

/* A base that the place chooses is known while the virtual GPU runs. */
static ssize_t show_base(struct xengt_vgpu *vgpu, unsigned int range, char *page)
{
	if (vgpu->config.auto_base[range] && vgpu->state != XENGT_VGPU_RUNNING)
		return sysfs_emit(page, AUTO "\n");
	return sysfs_emit(page, "%#llx\n", vgpu->config.base[range]);
}

static int store_base(struct xengt_vgpu *vgpu, unsigned int range, const char *page)
{
	bool automatic = sysfs_streq(page, AUTO);
	int rc = -EBUSY;

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_OFF) {
		rc = automatic ? 0 : kstrtou64(page, 0, &vgpu->config.base[range]);
		if (!rc)
			vgpu->config.auto_base[range] = automatic;
	}
	mutex_unlock(&vgpu->lock);
	return rc;
}

/* Show and store an attribute that is a number in the configuration. */
#define CONFIG_SHOW(_name, _field, _format)						\
static ssize_t _name##_show(struct config_item *item, char *page)			\
{											\
	return sysfs_emit(page, _format "\n", to_vgpu(item)->config._field);		\
}

#define CONFIG_STORE(_name, _field, _type)						\
static ssize_t _name##_store(struct config_item *item, const char *page, size_t len)	\
{											\
	struct xengt_vgpu *vgpu = to_vgpu(item);					\
											\
	return store_##_type(vgpu, &vgpu->config._field, page) ?: len;			\
}

CONFIG_SHOW(domid, domid, "%u")
CONFIG_STORE(domid, domid, u32)
CONFIGFS_ATTR(, domid);

CONFIG_SHOW(generation, generation, "%u")
CONFIG_STORE(generation, generation, u32)
CONFIGFS_ATTR(, generation);

CONFIG_SHOW(bar0, bar0, "%#llx")
CONFIG_STORE(bar0, bar0, u64)
CONFIGFS_ATTR(, bar0);

static ssize_t mappable_base_show(struct config_item *item, char *page)
{
	return show_base(to_vgpu(item), XENGT_RANGE_MAPPABLE, page);
}

static ssize_t mappable_base_store(struct config_item *item, const char *page, size_t len)
{
	return store_base(to_vgpu(item), XENGT_RANGE_MAPPABLE, page) ?: len;
}
CONFIGFS_ATTR(, mappable_base);

CONFIG_SHOW(mappable_size, size[0], "%#llx")
CONFIG_STORE(mappable_size, size[0], u64)
CONFIGFS_ATTR(, mappable_size);

static ssize_t hidden_base_show(struct config_item *item, char *page)
{
	return show_base(to_vgpu(item), XENGT_RANGE_HIDDEN, page);
}

static ssize_t hidden_base_store(struct config_item *item, const char *page, size_t len)
{
	return store_base(to_vgpu(item), XENGT_RANGE_HIDDEN, page) ?: len;
}
CONFIGFS_ATTR(, hidden_base);

CONFIG_SHOW(hidden_size, size[1], "%#llx")
CONFIG_STORE(hidden_size, size[1], u64)
CONFIGFS_ATTR(, hidden_size);

CONFIG_SHOW(quota, quota, "%llu")
CONFIG_STORE(quota, quota, u64)
CONFIGFS_ATTR(, quota);

CONFIG_SHOW(tables, tables, "%llu")
CONFIG_STORE(tables, tables, u64)
CONFIGFS_ATTR(, tables);

CONFIG_SHOW(fences, fences, "%u")
CONFIG_STORE(fences, fences, u32)
CONFIGFS_ATTR(, fences);

CONFIG_SHOW(dma_bits, dma_bits, "%u")
CONFIG_STORE(dma_bits, dma_bits, u32)
CONFIGFS_ATTR(, dma_bits);

CONFIG_SHOW(adopt_ram, adopt_ram, "%u")
CONFIG_STORE(adopt_ram, adopt_ram, u32)
CONFIGFS_ATTR(, adopt_ram);

static ssize_t place_show(struct config_item *item, char *page)
{
	struct xengt_vgpu *vgpu = to_vgpu(item);
	int len;

	mutex_lock(&vgpu->lock);
	len = sysfs_emit(page, "%s\n", vgpu->config.place);
	mutex_unlock(&vgpu->lock);
	return len;
}

static int set_place(struct xengt_vgpu *vgpu, const char *place)
{
	int rc = -EBUSY;

	mutex_lock(&vgpu->lock);
	if (vgpu->state == XENGT_VGPU_OFF) {
		strscpy(vgpu->config.place, place, sizeof(vgpu->config.place));
		rc = 0;
	}
	mutex_unlock(&vgpu->lock);
	return rc;
}

/* Loads the module that offers the place. A place that none offers is refused now and later. */
static ssize_t place_store(struct config_item *item, const char *page, size_t len)
{
	size_t place_len = strcspn(page, "\n");
	char place[XENGT_PLACE_SIZE];

	if (place_len >= sizeof(place))
		return -ENAMETOOLONG;
	memcpy(place, page, place_len);
	place[place_len] = 0;
	if (!xengt_gsm_known(place))
		return -ENODEV;
	return set_place(to_vgpu(item), place) ?: len;
}
CONFIGFS_ATTR(, place);

static ssize_t mode_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%s\n", xengt_mode_name(to_vgpu(item)->config.mode));
}

/* The mode can be changed in any state. */
static ssize_t mode_store(struct config_item *item, const char *page, size_t len)
{
	int mode = xengt_mode_find(page);

	if (mode < 0)
		return mode;
	xengt_vgpu_set_mode(to_vgpu(item), mode);
	return len;
}
CONFIGFS_ATTR(, mode);

static ssize_t enable_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%d\n", to_vgpu(item)->state == XENGT_VGPU_RUNNING);
}

static ssize_t enable_store(struct config_item *item, const char *page, size_t len)
{
	struct xengt_vgpu *vgpu = to_vgpu(item);
	bool enable;
	int rc = kstrtobool(page, &enable);

	if (rc)
		return rc;
	if (enable)
		rc = xengt_vgpu_enable(vgpu);
	else
		xengt_vgpu_disable(vgpu);
	return rc ?: len;
}
CONFIGFS_ATTR(, enable);

static const struct {
	const char *word;
	unsigned int what;
} resets[] = {
	{ "ppgtts", XENGT_RESET_PPGTTS },
	{ "all", XENGT_RESET_ALL },
};

static ssize_t reset_store(struct config_item *item, const char *page, size_t len)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(resets); i++) {
		if (sysfs_streq(page, resets[i].word))
			return xengt_vgpu_reset(to_vgpu(item), resets[i].what) ?: len;
	}
	return -EINVAL;
}
CONFIGFS_ATTR_WO(, reset);

static ssize_t state_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%s\n", xengt_vgpu_state_name(to_vgpu(item)->state));
}
CONFIGFS_ATTR_RO(, state);

static struct configfs_attribute *vgpu_attrs[] = {
	&attr_domid,
	&attr_generation,
	&attr_bar0,
	&attr_mappable_base,
	&attr_mappable_size,
	&attr_hidden_base,
	&attr_hidden_size,
	&attr_quota,
	&attr_tables,
	&attr_fences,
	&attr_dma_bits,
	&attr_adopt_ram,
	&attr_place,
	&attr_mode,
	&attr_enable,
	&attr_reset,
	&attr_state,
	NULL,
};

static void vgpu_release(struct config_item *item)
{
	struct vgpu_item *vgpu_item = container_of(item, struct vgpu_item, item);

	xengt_vgpu_destroy(vgpu_item->vgpu);
	kfree(vgpu_item);
}

static struct configfs_item_operations vgpu_item_ops = {
	.release = vgpu_release,
};

static const struct config_item_type vgpu_type = {
	.ct_item_ops = &vgpu_item_ops,
	.ct_attrs = vgpu_attrs,
	.ct_owner = THIS_MODULE,
};

/*
 * Disables a virtual GPU after rmdir, removes its files in debugfs, and drops the reference that
 * drop_vgpu() kept.
 */
static void remove_vgpu(struct work_struct *work)
{
	struct vgpu_item *vgpu_item = container_of(work, struct vgpu_item, remove_work);

	xengt_vgpu_disable(vgpu_item->vgpu);
	xengt_debugfs_remove_vgpu(vgpu_item->vgpu);
	config_item_put(&vgpu_item->item);
}

/* mkdir */
static struct config_item *make_vgpu(struct config_group *group, const char *name)
{
	struct vgpu_item *vgpu_item = kzalloc(sizeof(*vgpu_item), GFP_KERNEL);
	struct xengt_vgpu *vgpu;

	if (!vgpu_item)
		return ERR_PTR(-ENOMEM);
	vgpu = xengt_vgpu_create(name);
	if (IS_ERR(vgpu)) {
		kfree(vgpu_item);
		return ERR_CAST(vgpu);
	}
	vgpu_item->vgpu = vgpu;
	vgpu->item = &vgpu_item->item;
	INIT_WORK(&vgpu_item->remove_work, remove_vgpu);
	xengt_debugfs_add_vgpu(vgpu);
	config_item_init_type_name(&vgpu_item->item, name, &vgpu_type);
	return &vgpu_item->item;
}

/*
 * rmdir: the virtual GPU cannot be found in configfs any more. Disables it in remove_vgpu(),
 * outside the locks of configfs.
 */
static void drop_vgpu(struct config_group *group, struct config_item *item)
{
	struct vgpu_item *vgpu_item = container_of(item, struct vgpu_item, item);

	xengt_debugfs_hide_vgpu(vgpu_item->vgpu);
	xengt_served_set_removed(&vgpu_item->vgpu->served);
	queue_work(removals_wq, &vgpu_item->remove_work);
}

static struct configfs_group_operations group_ops = {
	.make_item = make_vgpu,
	.drop_item = drop_vgpu,
};

static const struct config_item_type group_type = {
	.ct_group_ops = &group_ops,
	.ct_owner = THIS_MODULE,
};

static struct configfs_subsystem subsystem = {
	.su_group = {
		.cg_item = {
			.ci_namebuf = "xengt",
			.ci_type = &group_type,
		},
	},
};

/* Returns the virtual GPU of that name, with a reference to its item; NULL if there is none. */
struct xengt_vgpu *xengt_configfs_find(const char *name)
{
	struct config_item *item;

	mutex_lock(&subsystem.su_mutex);
	item = config_group_find_item(&subsystem.su_group, name);
	mutex_unlock(&subsystem.su_mutex);
	return item ? to_vgpu(item) : NULL;
}

/* Waits until all virtual GPUs that were removed before the call are disabled. */
void xengt_configfs_wait_removed(void)
{
	flush_workqueue(removals_wq);
}

int xengt_configfs_init(void)
{
	int rc;

	removals_wq = alloc_workqueue("xengt_remove", WQ_UNBOUND, 0);
	if (!removals_wq)
		return -ENOMEM;
	config_group_init(&subsystem.su_group);
	mutex_init(&subsystem.su_mutex);
	rc = configfs_register_subsystem(&subsystem);
	if (rc)
		destroy_workqueue(removals_wq);
	return rc;
}

/*
 * A virtual GPU that was removed does not pin the module: destroying the workqueue waits until it
 * is disabled.
 */
void xengt_configfs_exit(void)
{
	configfs_unregister_subsystem(&subsystem);
	destroy_workqueue(removals_wq);
}
