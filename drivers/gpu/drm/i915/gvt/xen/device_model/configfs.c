// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual GPUs whose mediator is GVT, in configfs: /sys/kernel/config/xengt_gvt/NAME/, with NAME
 * that of a virtual GPU of xengt's. Writing 1 to "attach" makes GVT its mediator, while it is off;
 * writing 0 undoes this. After rmdir this is done as soon as the virtual GPU is off.
 *
 * Invariants: an instance that is attached has a reference of its own to its item, so that rmdir
 * does not free it.
 *
 * Locking: attributes_lock protects all attributes.
 */

#include "instance.h"

#include <linux/configfs.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "configfs.h"
#include "mediator.h"

#define MAX_WEIGHT	16

/* How often to try to detach an instance that was removed, in ms */
#define DETACH_MS	100

/**
 * struct instance_item - the directory of an instance
 * @item: configfs' part; its last reference frees the instance
 * @instance: the instance
 * @detach_work: detaches the instance after rmdir
 */
struct instance_item {
	struct config_item item;
	struct xengt_gvt_instance *instance;
	struct delayed_work detach_work;
};

static DEFINE_MUTEX(attributes_lock);
static struct workqueue_struct *removals_wq;

static struct xengt_gvt_instance *to_instance(struct config_item *item)
{
	return container_of(item, struct instance_item, item)->instance;
}

/* Sets a number of an instance that is not attached. */
static ssize_t store_number(struct config_item *item, const char *page, size_t len, u64 *number,
			    u64 min, u64 max)
{
	u64 value;
	int rc = kstrtou64(page, 0, &value);

	if (rc)
		return rc;
	if (value < min || value > max)
		return -ERANGE;
	mutex_lock(&attributes_lock);
	rc = to_instance(item)->xengt ? -EBUSY : 0;
	if (!rc)
		*number = value;
	mutex_unlock(&attributes_lock);
	return rc ?: len;
}

static ssize_t weight_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%llu\n", to_instance(item)->weight);
}

static ssize_t weight_store(struct config_item *item, const char *page, size_t len)
{
	return store_number(item, page, len, &to_instance(item)->weight, 1, MAX_WEIGHT);
}
CONFIGFS_ATTR(, weight);

static ssize_t aperture_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%#llx\n", to_instance(item)->aperture);
}

static ssize_t aperture_store(struct config_item *item, const char *page, size_t len)
{
	return store_number(item, page, len, &to_instance(item)->aperture, 0, U64_MAX);
}
CONFIGFS_ATTR(, aperture);

static ssize_t request_timeout_ms_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%llu\n", to_instance(item)->request_timeout_ms);
}

static ssize_t request_timeout_ms_store(struct config_item *item, const char *page, size_t len)
{
	return store_number(item, page, len, &to_instance(item)->request_timeout_ms, 0, S32_MAX);
}
CONFIGFS_ATTR(, request_timeout_ms);

static ssize_t attach_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%d\n", !!to_instance(item)->xengt);
}

static int attach(struct config_item *item)
{
	int rc = xengt_gvt_attach(to_instance(item));

	if (!rc)
		config_item_get(item);
	return rc;
}

static int detach(struct config_item *item)
{
	bool was_attached = to_instance(item)->xengt;
	int rc = xengt_gvt_detach(to_instance(item));

	if (!rc && was_attached)
		config_item_put(item);
	return rc;
}

static ssize_t attach_store(struct config_item *item, const char *page, size_t len)
{
	bool wanted;
	int rc = kstrtobool(page, &wanted);

	if (rc)
		return rc;
	mutex_lock(&attributes_lock);
	rc = wanted ? attach(item) : detach(item);
	mutex_unlock(&attributes_lock);
	return rc ?: len;
}
CONFIGFS_ATTR(, attach);

static ssize_t refused_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%lu\n", READ_ONCE(to_instance(item)->refused));
}
CONFIGFS_ATTR_RO(, refused);

static struct configfs_attribute *attrs[] = {
	&attr_weight,
	&attr_aperture,
	&attr_request_timeout_ms,
	&attr_attach,
	&attr_refused,
	NULL
};

static void item_release(struct config_item *item)
{
	struct instance_item *instance = container_of(item, struct instance_item, item);

	xengt_gvt_destroy(instance->instance);
	kfree(instance);
}

static struct configfs_item_operations item_ops = {
	.release = item_release,
};

static const struct config_item_type item_type = {
	.ct_item_ops = &item_ops,
	.ct_attrs = attrs,
	.ct_owner = THIS_MODULE,
};

static void detach_removed(struct work_struct *work)
{
	struct instance_item *item = container_of(to_delayed_work(work), struct instance_item,
						  detach_work);
	int rc;

	mutex_lock(&attributes_lock);
	rc = detach(&item->item);
	mutex_unlock(&attributes_lock);
	if (rc)
		queue_delayed_work(removals_wq, &item->detach_work, msecs_to_jiffies(DETACH_MS));
	else
		config_item_put(&item->item);
}

static struct config_item *make_item(struct config_group *group, const char *name)
{
	struct instance_item *new = kzalloc(sizeof(*new), GFP_KERNEL);

	if (!new)
		return ERR_PTR(-ENOMEM);
	new->instance = xengt_gvt_create(name);
	if (IS_ERR(new->instance)) {
		kfree(new);
		return ERR_PTR(-ENOMEM);
	}
	INIT_DELAYED_WORK(&new->detach_work, detach_removed);
	config_item_init_type_name(&new->item, name, &item_type);
	return &new->item;
}

static void drop_item(struct config_group *group, struct config_item *item)
{
	struct instance_item *instance = container_of(item, struct instance_item, item);

	queue_delayed_work(removals_wq, &instance->detach_work, 0);
}

static struct configfs_group_operations group_ops = {
	.make_item = make_item,
	.drop_item = drop_item,
};

static const struct config_item_type group_type = {
	.ct_group_ops = &group_ops,
	.ct_owner = THIS_MODULE,
};

static struct configfs_subsystem subsystem = {
	.su_group = { .cg_item = { .ci_namebuf = "xengt_gvt", .ci_type = &group_type } },
};

int xengt_gvt_configfs_init(void)
{
	int rc;

	removals_wq = alloc_workqueue("xengt_gvt", WQ_UNBOUND, 0);
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
 * An instance that is attached would keep the module loaded. So what waits in the workqueue finds
 * all instances detached, and does not queue itself again.
 */
void xengt_gvt_configfs_exit(void)
{
	configfs_unregister_subsystem(&subsystem);
	destroy_workqueue(removals_wq);
}
