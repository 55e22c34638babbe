// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's xenstore, and what the hypervisor says about itself.
 *
 * Watches are called in a thread of their own, one at a time, as xenwatch does: once when they are
 * registered, and for every change at their path or below it. Unregistering one waits for it. Reads
 * and registrations can fail with any error.
 *
 * Locking: a mutex for the store and the list of watches, not held while a watch is called.
 */

#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <xen/xen.h>
#include <xen/xenbus.h>
#include <xen/interface/version.h>
#include <asm/xen/hypercall.h>

#include "fake_internal.h"

struct node {
	struct list_head list;
	char path[64];
	char value[64];
};

struct event {
	struct work_struct work;
	struct xenbus_watch *watch;
	char path[64];
};

static DEFINE_MUTEX(store_lock);
static LIST_HEAD(nodes);
static LIST_HEAD(watches);
static struct workqueue_struct *xenwatch;
static struct task_struct *watch_task;
static int read_error;

/* From here on reads fail like this; 0: they do not. */
void fake_store_fail_reads(int error)
{
	WRITE_ONCE(read_error, error);
}

void fake_store_start(void)
{
	read_error = 0;
	xenwatch = alloc_ordered_workqueue("fake_xenwatch", 0);
	if (!xenwatch)
		panic("fake xen: out of memory\n");
}

void fake_store_stop(void)
{
	struct node *node, *next;

	destroy_workqueue(xenwatch);
	list_for_each_entry_safe(node, next, &nodes, list) {
		list_del(&node->list);
		kfree(node);
	}
	INIT_LIST_HEAD(&watches);
}

void fake_store_check(struct kunit *test)
{
	KUNIT_EXPECT_TRUE_MSG(test, list_empty(&watches), "watches on xenstore are left");
}

static struct node *find_node(const char *path)
{
	struct node *node;

	list_for_each_entry(node, &nodes, list) {
		if (!strcmp(node->path, path))
			return node;
	}
	return NULL;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (path[len] == '/' || !path[len]);
}

static void queue_event(struct xenbus_watch *watch, const char *path);

static void queue_events(const char *path)
{
	struct xenbus_watch *watch;

	list_for_each_entry(watch, &watches, list) {
		if (is_below(path, watch->node))
			queue_event(watch, path);
	}
}

void fake_store_set(const char *path, const char *value)
{
	struct node *node;

	mutex_lock(&store_lock);
	node = find_node(path);
	if (!node) {
		node = fake_zalloc(sizeof(*node));
		strscpy(node->path, path, sizeof(node->path));
		list_add(&node->list, &nodes);
	}
	strscpy(node->value, value, sizeof(node->value));
	queue_events(path);
	mutex_unlock(&store_lock);
}

void fake_store_remove(const char *path)
{
	struct node *node;

	mutex_lock(&store_lock);
	node = find_node(path);
	if (node) {
		list_del(&node->list);
		queue_events(path);
	}
	kfree(node);
	mutex_unlock(&store_lock);
}

static void watch_work(struct work_struct *work)
{
	struct event *event = container_of(work, struct event, work);
	struct xenbus_watch *watch, *found = NULL;

	mutex_lock(&store_lock);
	list_for_each_entry(watch, &watches, list) {
		if (watch == event->watch)
			found = watch;
	}
	watch_task = current;
	mutex_unlock(&store_lock);
	if (found)
		found->callback(found, event->path, "");
	watch_task = NULL;
	kfree(event);
}

static void queue_event(struct xenbus_watch *watch, const char *path)
{
	struct event *event = fake_zalloc(sizeof(*event));

	event->watch = watch;
	strscpy(event->path, path, sizeof(event->path));
	INIT_WORK(&event->work, watch_work);
	queue_work(xenwatch, &event->work);
}

/* Something happened at a path. Returns when all who watch it have been called. */
void fake_store_fire(const char *path)
{
	mutex_lock(&store_lock);
	queue_events(path);
	mutex_unlock(&store_lock);
	flush_workqueue(xenwatch);
}

static void vm_path(char *path, size_t size, domid_t domid)
{
	snprintf(path, size, "/local/domain/%u/vm", domid);
}

/* A domain's entry, as the toolstack makes it. Another uuid: another domain. */
void fake_store_introduce(domid_t domid, const char *uuid)
{
	char path[64];

	vm_path(path, sizeof(path), domid);
	fake_store_set(path, uuid);
}

/* The toolstack removes a domain's entry, and xenstored says that one is gone. */
void fake_store_release(domid_t domid)
{
	char path[64];

	vm_path(path, sizeof(path), domid);
	fake_store_remove(path);
	fake_store_fire("@releaseDomain");
}

/* Linux's side */

int register_xenbus_watch(struct xenbus_watch *watch)
{
	struct fake_call_state state;
	int rc = fake_enter(&state, FAKE_CALL_WATCH);

	fake_leave(&state, 0);
	if (rc)
		return rc;
	mutex_lock(&store_lock);
	list_add_tail(&watch->list, &watches);
	queue_event(watch, watch->node);
	mutex_unlock(&store_lock);
	return 0;
}

void unregister_xenbus_watch(struct xenbus_watch *watch)
{
	mutex_lock(&store_lock);
	list_del(&watch->list);
	mutex_unlock(&store_lock);
	if (current != watch_task)
		flush_workqueue(xenwatch);
}

/* xenstore is always up. */
int register_xenstore_notifier(struct notifier_block *nb)
{
	nb->notifier_call(nb, 0, NULL);
	return 0;
}

void unregister_xenstore_notifier(struct notifier_block *nb)
{
}

static int join(char *path, size_t size, const char *dir, const char *name)
{
	return snprintf(path, size, *name ? "%s/%s" : "%s", dir, name);
}

void *xenbus_read(struct xenbus_transaction t, const char *dir, const char *name,
		  unsigned int *len)
{
	struct node *node;
	char path[128];
	int error = READ_ONCE(read_error);
	void *value;

	if (error)
		return ERR_PTR(error);
	join(path, sizeof(path), dir, name);
	mutex_lock(&store_lock);
	node = find_node(path);
	value = node ? kstrdup(node->value, GFP_KERNEL) : ERR_PTR(-ENOENT);
	mutex_unlock(&store_lock);
	if (!value)
		return ERR_PTR(-ENOMEM);
	if (!IS_ERR(value) && len)
		*len = strlen(value);
	return value;
}

int xenbus_exists(struct xenbus_transaction t, const char *dir, const char *name)
{
	struct node *node;
	char path[128];
	bool found = false;

	join(path, sizeof(path), dir, name);
	mutex_lock(&store_lock);
	list_for_each_entry(node, &nodes, list)
		found = found || !strncmp(node->path, path, strlen(path));
	mutex_unlock(&store_lock);
	return found;
}

void fake_xen_set_commandline(const char *commandline)
{
	strscpy(fake.commandline, commandline, sizeof(fake.commandline));
}

static int version(int cmd, void *arg)
{
	if (fake.mode == FAKE_NOT_XEN)
		return -ENOSYS;
	switch (cmd) {
	case XENVER_version:
		return 4 << 16 | 17;
	case XENVER_commandline:
		strscpy(arg, fake.commandline, 1024);
		return 0;
	default:
		return -ENOSYS;
	}
}

int HYPERVISOR_xen_version(int cmd, void *arg)
{
	struct fake_call_state state;
	long rc = fake_enter(&state, FAKE_CALL_VERSION);

	return fake_leave(&state, rc ?: version(cmd, arg));
}
